"""The map in memory: components at once, neighbourhoods in the background, kept between runs."""

import time

import numpy as np
import pytest

from samehand.gallery import Gallery
from samehand.web.maps import FILE, Maps


@pytest.fixture
def forty(shipped, work_of, tmp_path):
    """A gallery of eight works by each of five artists."""
    for artist in range(5):
        (tmp_path / "works" / f"Artist {artist}").mkdir(parents=True)
        for work in range(8):
            picture = work_of(artist, work).resize((96, 96))
            picture.save(tmp_path / "works" / f"Artist {artist}" / f"{work}.png")
    with Gallery.create(tmp_path / "shown", shipped.folder) as gallery:
        gallery.add([tmp_path / "works"], shipped)
        yield gallery


def settled(maps: Maps):
    end = time.monotonic() + 240
    while maps.now().layout == "making" and time.monotonic() < end:
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
    forty.remove([next(forty.list()).work.path])
    fewer = Maps(forty, tmp_path)
    assert fewer.now().layout == "making"
    assert len(fewer.now().slots) == 39
    fewer.stop()


def test_a_layout_that_was_cut_off_is_made_again(forty, tmp_path):
    (tmp_path / FILE).write_bytes(b"PK\x03\x04 cut off")
    maps = Maps(forty, tmp_path)
    assert maps.now().layout == "making"
    maps.stop()


def test_a_layout_that_is_ended_leaves_the_components(forty, tmp_path):
    maps = Maps(forty, tmp_path)
    first = maps.now()
    while maps._process is None:
        time.sleep(0.02)
    maps.stop()
    ended = settled(maps)
    assert ended.layout == "components"
    np.testing.assert_array_equal(ended.places, first.places)


def test_few_works_are_laid_out_at_once(shelf, tmp_path):
    drawn = Maps(shelf, tmp_path).now()
    assert drawn.layout == "components"
    assert len(drawn.slots) == 12
