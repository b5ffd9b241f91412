"""The works of a gallery nearest to each painting: what `search` says, less the painting itself."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from samehand.explain.evidence_sheet import draw_evidence
from samehand.explain.neighbour_picture import draw_neighbours, small_picture
from samehand.gallery import Gallery
from samehand.verification.identify import NEARBY, nearby
from samehand.verification.verifier import SameHand


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
    with Gallery.create(tmp_path_factory.mktemp("galleries") / "Atelier", verifier.folder) as made:
        made.add([works], verifier)
        yield made


@pytest.fixture(scope="module")
def pair(works):
    return works / "Artist 0" / "0.png", works / "Artist 1" / "0.png"


def test_it_is_what_a_search_says_without_the_painting_itself(verifier, gallery, pair):
    found = nearby(verifier, *map(verifier.open, pair), gallery, count=20)
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


def test_the_command_names_as_many_as_are_shown(verifier, gallery, pair, samehand):
    near = nearby(verifier, *map(verifier.open, pair), gallery)
    assert len(near.left) == len(near.right) == NEARBY
    asked = ("compare", *pair, "--model", verifier.folder.path)
    said = json.loads(samehand(*asked, "--gallery", gallery.folder, "--json").out)
    assert said["neighbours"] == json.loads(json.dumps(near.to_dict()))
    assert json.loads(samehand(*asked, "--json").out)["neighbours"] is None


def test_the_picture_has_a_part_for_them(verifier, gallery, pair, tmp_path):
    one, two = map(verifier.open, pair)
    bare = replace(verifier.compare(one, two), evidence=verifier.explain(one, two, influence=False))
    full = replace(bare, neighbours=nearby(verifier, one, two, gallery))
    sizes = []
    for name, verdict in (("bare.png", bare), ("full.png", full)):
        draw_evidence(one, two, verdict, tmp_path / name)
        with Image.open(tmp_path / name) as drawn:
            sizes.append(drawn.size)
    assert sizes[1][0] == sizes[0][0]
    drawn_list = draw_neighbours(full.neighbours.left, 400)
    assert sizes[1][1] >= sizes[0][1] + drawn_list.height


def test_each_is_drawn_with_its_picture_unless_that_is_gone(verifier, works, tmp_path, work_of):
    moved = tmp_path / "moved"
    moved.mkdir()
    work_of(2, 0).save(moved / "gone.png")
    with Gallery.create(tmp_path / "fading", verifier.folder) as fading:
        fading.add([moved], verifier)
        one = verifier.open(works / "Artist 2" / "1.png")
        other = verifier.open(moved / "gone.png")
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
