"""The works of a gallery nearest to each painting: what `search` says, less the painting itself."""

import json

import numpy as np
import pytest
from PIL import Image

from samehand.images.decode import decode_file
from samehand.serving.evidence import find_evidence
from samehand.serving.evidence_sheet import draw_evidence
from samehand.serving.gallery import Gallery
from samehand.serving.neighbour_picture import draw_neighbours, small_picture
from samehand.serving.neighbours import COUNT, nearby, with_nearby
from samehand.serving.verifier import SameHand


@pytest.fixture(scope="module")
def works(work_of, tmp_path_factory):
    """Three works by each of three artists; one file lies there twice."""
    folder = tmp_path_factory.mktemp("works")
    for artist in range(3):
        (folder / f"Artist {artist}").mkdir()
        for work in range(3):
            work_of(artist, work).save(folder / f"Artist {artist}" / f"{work}.png")
    first = folder / "Artist 0" / "0.png"
    (folder / "Artist 0" / "copy.png").write_bytes(first.read_bytes())
    return folder


@pytest.fixture(scope="module")
def gallery(works, verifier: SameHand, tmp_path_factory):
    with Gallery.create(tmp_path_factory.mktemp("galleries") / "Atelier", verifier.model) as made:
        made.add([works], verifier)
        yield made


@pytest.fixture(scope="module")
def pair(works):
    return works / "Artist 0" / "0.png", works / "Artist 1" / "0.png"


def test_it_is_what_a_search_says_without_the_painting_itself(verifier, gallery, pair):
    found = nearby(verifier, *map(decode_file, pair), gallery, count=20)
    assert (found.gallery, found.works) == ("Atelier", 10)
    for path, side in zip(pair, (found.left, found.right), strict=True):
        searched = verifier.search(path, gallery, top=20).neighbours
        own = [one.path for one in searched if one.same_file]
        assert len(own) == (2 if path == pair[0] else 1)
        kept = [one for one in searched if not one.same_file]
        assert [one.path for one in side] == [one.path for one in kept]
        assert [one.rank for one in side] == list(range(1, len(kept) + 1))
        assert [one.artist for one in side] == [one.artist for one in kept]
        np.testing.assert_allclose([one.llr for one in side], [one.llr for one in kept], atol=1e-6)
        for one in side:
            assert one.llr == pytest.approx(verifier.compare(path, one.path).llr, abs=1e-4)


def test_the_evidence_names_them(verifier, gallery, pair):
    decoded = [decode_file(path) for path in pair]
    near = nearby(verifier, *decoded, gallery)
    bare = find_evidence(verifier, *(one.image for one in decoded), occlusion=False)
    assert bare.to_dict()["gallery"] is None
    assert bare.to_dict()["left"]["neighbours"] == []
    assert with_nearby(bare, None) is bare
    full = with_nearby(bare, near)
    values = json.loads(json.dumps(full.to_dict()))
    assert values["gallery"] == "Atelier"
    for side, found in (("left", near.left), ("right", near.right)):
        assert values[side]["neighbours"] == [one.to_dict() for one in found]
        assert len(found) == COUNT
    assert full.matches == bare.matches


def test_the_picture_has_a_part_for_them(verifier, gallery, pair, tmp_path):
    decoded = [decode_file(path) for path in pair]
    images = [one.image for one in decoded]
    verdict = verifier.compare(*pair)
    bare = find_evidence(verifier, *images, occlusion=False)
    full = with_nearby(bare, nearby(verifier, *decoded, gallery))
    sizes = []
    for name, evidence in (("bare.png", bare), ("full.png", full)):
        draw_evidence(*images, ("a", "b"), verdict, evidence, tmp_path / name)
        with Image.open(tmp_path / name) as drawn:
            sizes.append(drawn.size)
    assert sizes[1][0] == sizes[0][0]
    drawn_list = draw_neighbours(full.left.neighbours, 400)
    assert sizes[1][1] >= sizes[0][1] + drawn_list.height


def test_each_is_drawn_with_its_picture_unless_that_is_gone(verifier, works, tmp_path, work_of):
    moved = tmp_path / "moved"
    moved.mkdir()
    work_of(2, 0).save(moved / "gone.png")
    with Gallery.create(tmp_path / "fading", verifier.model) as fading:
        fading.add([moved], verifier)
        one = decode_file(works / "Artist 2" / "1.png")
        other = decode_file(moved / "gone.png")
        found = nearby(verifier, one, other, fading)
    assert found.right == ()
    assert draw_neighbours(found.right, 300).getcolors() != [(300 * 84, (250, 249, 246))]
    picture = small_picture(found.left[0], 74)
    assert picture is not None
    drawn = draw_neighbours(found.left, 300)
    spare = (74 - picture.height) // 2
    pasted = drawn.crop((0, spare, 74, spare + picture.height))
    assert np.array_equal(np.asarray(pasted), np.asarray(picture))
    (moved / "gone.png").unlink()
    assert small_picture(found.left[0], 74) is None
    assert draw_neighbours(found.left, 300).size == drawn.size
