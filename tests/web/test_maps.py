"""The map in memory: components at once, neighbourhoods in the background, kept between runs."""

import tempfile
import time

import numpy as np
import pytest

from samehand.gallery import Gallery
from samehand.web.maps import FILE, Maps


@pytest.fixture(scope="module")
def forty(verifier, work_of, tmp_path_factory):
    """A gallery of eight works by each of five artists."""
    folder = tmp_path_factory.mktemp("forty")
    for artist in range(5):
        (folder / "works" / f"Artist {artist}").mkdir(parents=True)
        for work in range(8):
            picture = work_of(artist, work).resize((96, 96))
            picture.save(folder / "works" / f"Artist {artist}" / f"{work}.png")
    with Gallery.create(folder / "shown", verifier.folder) as gallery:
        gallery.add([folder / "works"], verifier)
        yield gallery


def settled(maps: Maps):
    while maps.now().layout == "making":
        time.sleep(0.1)
    return maps.now()


def test_neighbourhoods_take_the_place_of_components_and_are_kept(forty, tmp_path):
    maps = Maps(forty, tmp_path)
    first = maps.now()
    assert first.layout == "making"
    laid = settled(maps)
    assert laid.layout == "neighbours"
    assert laid.slots == first.slots
    assert not np.array_equal(laid.places, first.places)
    again = Maps(forty, tmp_path).now()
    assert again.layout == "neighbours"
    np.testing.assert_array_equal(again.places, laid.places)


def test_a_layout_that_was_cut_off_is_made_again(forty, tmp_path):
    (tmp_path / FILE).write_bytes(b"\x40\0\0\0 cut off")
    maps = Maps(forty, tmp_path)
    assert maps.now().layout == "making"
    maps.stop()


def test_a_layout_that_fails_leaves_the_components(forty, tmp_path):
    maps = Maps(forty, tmp_path)
    first = maps.now()
    while maps._process is None:
        time.sleep(0.02)
    maps._process.kill()
    while maps.now().layout == "making":
        time.sleep(0.02)
    assert maps.now().layout == "components"
    np.testing.assert_array_equal(maps.now().places, first.places)
    assert not (tmp_path / FILE).exists()


def test_without_room_for_a_layout_the_components_stay(forty, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    maps = Maps(forty, tmp_path)
    maps.now()
    while maps.now().layout == "making":
        time.sleep(0.02)
    assert maps.now().layout == "components"


def test_few_works_are_laid_out_at_once(shelf, tmp_path):
    drawn = Maps(shelf, tmp_path).now()
    assert drawn.layout == "components"
    assert len(drawn.slots) == 12


def test_a_gallery_that_changes_is_laid_out_again(forty, tmp_path):
    maps = Maps(forty, tmp_path)
    assert len(maps.now().slots) == 40
    forty.remove([next(forty.list()).work.path])
    assert maps.now().layout == "making"
    assert len(maps.now().slots) == 39
    maps.stop()
