"""One work is one piece of evidence, however many copies of it there are."""

import io
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from samehand.errors import ImageError, SamehandError
from samehand.gallery import Gallery
from samehand.gallery.works import Work
from samehand.verification.identify import nearby
from samehand.verification.verifier import SameHand


@pytest.fixture(scope="module")
def shipped() -> SameHand:
    return SameHand(threads=1)


def again(image: Image.Image, size: tuple[int, int], quality: int) -> bytes:
    stream = io.BytesIO()
    image.resize(size, Image.Resampling.LANCZOS).save(stream, "JPEG", quality=quality)
    return stream.getvalue()


@pytest.fixture
def works(work_of):
    probe, one, other = (work_of(*known, (480, 400)) for known in ((1, 0), (1, 1), (1, 2)))
    copies = [again(one, (360, 300), 90), again(one, (300, 250), 70), again(one, (420, 350), 95)]
    return probe, one, other, copies


def test_copies_of_a_reference_add_nothing(shipped, works):
    probe, one, other, copies = works
    alone = shipped.verify(probe, [one, other])
    crowded = shipped.verify(probe, [one, other, *copies, one])
    assert crowded.llr == alone.llr
    assert crowded.error_rate == alone.error_rate
    assert len(crowded.references) == 2
    assert len(crowded.left_out) == 4
    assert all(left.copy_of == "reference 1" for left in crowded.left_out)
    assert all(left.reason in crowded.warnings for left in crowded.left_out)


def test_the_order_of_copies_decides_nothing(shipped, works):
    probe, _, other, copies = works
    probe = shipped.open(probe)
    orders = permutations([shipped.open(each) for each in (copies[0], copies[1], other)])
    found = {shipped.verify(probe, known).llr for known in orders}
    assert max(found) - min(found) < 1e-9


def test_a_copy_of_the_probe_is_no_reference(shipped, works):
    probe, one, other, _ = works
    alone = shipped.verify(probe, [one, other])
    with_it = shipped.verify(probe, [again(probe, (240, 200), 80), one, other])
    assert with_it.llr == alone.llr
    (left,) = with_it.left_out
    assert (left.name, left.copy_of) == ("reference 1", "probe")
    assert "the doubtful work itself" in left.reason


def test_copies_in_any_shape_are_one_reference(shipped, works):
    probe, one, other, _ = works
    alone = shipped.verify(probe, [one, other])
    many = [*copies_of(one).values(), *copies_of(probe).values()]
    crowded = shipped.verify(probe, [one, other, *many])
    assert crowded.llr == alone.llr
    assert [left.copy_of for left in crowded.left_out] == ["reference 1"] * 5 + ["probe"] * 5


@pytest.mark.parametrize("box", [(20, 15, 470, 390), (0, 0, 430, 400), (40, 36, 440, 370)])
def test_a_cropped_copy_is_a_copy(shipped, works, box):
    probe, one, other, _ = works
    alone = shipped.verify(probe, [one, other])
    cropped = shipped.verify(probe, [one, other, one.crop(box), probe.crop(box)])
    assert [left.copy_of for left in cropped.left_out] == ["reference 1", "probe"]
    assert cropped.llr == alone.llr


def test_copies_of_the_probe_alone_are_no_evidence(shipped, works):
    with pytest.raises(SamehandError, match="every reference shows the doubtful work"):
        shipped.verify(works[0], [works[0], again(works[0], (240, 200), 80)])


def test_one_path_a_pattern_and_a_generator_are_references(shipped, works, tmp_path):
    probe, one, _, _ = works
    one.save(tmp_path / "one.png")
    path = tmp_path / "one.png"
    found = {
        shipped.verify(probe, known).llr
        for known in (path, str(path), tmp_path.glob("*.png"), (each for each in [path]))
    }
    assert len(found) == 1


def test_an_artist_of_a_gallery_gains_nothing_by_copies(shipped, works, work_of, tmp_path):
    probe, one, _, copies = works
    llrs = []
    for name, more in (("few", []), ("many", copies)):
        folder = tmp_path / name
        for artist in ("A", "B"):
            (folder / artist).mkdir(parents=True)
        one.save(folder / "A" / "one.png")
        work_of(2, 0, (480, 400)).save(folder / "B" / "two.png")
        for number, data in enumerate([*more, again(probe, (240, 200), 80)]):
            (folder / "A" / f"{number}.jpg").write_bytes(data)
        with Gallery.create(tmp_path / f"{name}-gallery", shipped) as gallery:
            gallery.add([folder], shipped)
            found = shipped.identify(probe, gallery)
        (first,) = [each for each in found.candidates if each.artist == "A"]
        assert first.works == 1
        assert any("your picture itself" in each for each in found.warnings)
        llrs.append(first.llr)
    assert llrs[0] == pytest.approx(llrs[1], abs=0.1)


def test_one_image_in_memory_is_one_reference_where_many_are_wanted(shipped, works, tmp_path):
    probe, one, _, _ = works
    one.save(tmp_path / "one.png")
    data = (tmp_path / "one.png").read_bytes()
    with Image.open(tmp_path / "one.png") as opened, open(tmp_path / "one.png", "rb") as stream:
        held = [data, bytearray(data), io.BytesIO(data), stream, opened, np.asarray(one)]
        llrs = [shipped.verify(probe, each).llr for each in held]
        assert max(llrs) - min(llrs) < 1e-6
        assert all(shipped.embed(each).shape == shipped.embed([one]).shape for each in held)
    with pytest.raises(ImageError, match="type NoneType"):
        shipped.verify(probe, None)


def copies_of(image: Image.Image) -> dict[str, Image.Image]:
    return {
        "cropped": image.crop((40, 36, 440, 370)),
        "mirrored": ImageOps.mirror(image),
        "turned": image.rotate(90, expand=True),
        "grey": image.convert("L"),
        "small": image.resize((96, 80)),
    }


@pytest.mark.parametrize("kept", [True, False], ids=["files there", "files elsewhere"])
def test_a_gallery_tells_every_copy_of_the_doubtful_picture(shipped, works, tmp_path, kept):
    probe, one, other, _ = works
    folder = tmp_path / "scans"
    for artist in ("A", "B"):
        (folder / artist).mkdir(parents=True)
    one.save(folder / "A" / "one.png")
    other.save(folder / "B" / "two.png")
    for name, image in copies_of(probe).items():
        image.save(folder / "A" / f"{name}.png")
    with Gallery.create(tmp_path / "shelf", shipped) as gallery:
        gallery.add([folder], shipped)
        if not kept:
            folder.rename(tmp_path / "elsewhere")
        found = shipped.identify(probe, gallery)
        assert {each.artist: each.works for each in found.candidates} == {"A": 1, "B": 1}
        assert any("5 works show your picture itself" in each for each in found.warnings)
        (told,) = [each for each in shipped.search(probe, gallery).warnings if "itself" in each]
        assert told.startswith("5 works show your picture itself in another file: ")
        near = nearby(shipped, shipped.open(probe), shipped.open(one), gallery)
        assert {Path(each.path).stem for each in near.left} == {"one", "two"}
        assert [each.rank for each in near.left] == [1, 2]


def test_one_condition_is_not_many_letters(shipped, works, tmp_path):
    works[1].save(tmp_path / "one.png")
    with Gallery.create(tmp_path / "shelf", shipped) as gallery:
        gallery.add([Work(str(tmp_path / "one.png"), artist="Monet")], shipped)
        found = shipped.search(works[0], gallery, where="artist=Monet")
        assert len(found.neighbours) == gallery.count("artist=Monet") == 1


def test_one_path_to_remove_is_not_many_letters(shipped, works, tmp_path):
    paths = [tmp_path / "one.png", tmp_path / "two.png"]
    for path, image in zip(paths, works[:2], strict=True):
        image.save(path)
    with Gallery.create(tmp_path / "shelf", shipped) as gallery:
        gallery.add((path for path in paths), shipped)
        assert gallery.export(str(tmp_path / "out.csv")) == 2
        assert gallery.remove(str(paths[0])) == 1
        assert gallery.remove(paths[1]) == 1
