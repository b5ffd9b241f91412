"""Works in memory: what was browsed is known, until the gallery is another."""

import shutil
import time

import pytest

from samehand.gallery import Gallery
from samehand.web import shelf as shelf_module
from samehand.web.shelf import FACETS, Shelves, Wanted


@pytest.fixture
def own(shelf, tmp_path):
    shutil.copytree(shelf.folder, tmp_path / "g")
    with Gallery.open(tmp_path / "g") as gallery:
        yield gallery


def at_once(work):
    work()


def test_what_is_browsed_is_what_is_selected_and_known_afterwards(own):
    shelf = Shelves(own, at_once).now()
    wanted = Wanted("artist", {"artist": "Artist 1"})
    found = shelf.browse(wanted, "title")
    assert found.places == shelf.select(wanted, "title")
    assert len(found.places) == 4
    assert found.facets == {column: shelf.facet(column, found.places) for column in FACETS}
    assert shelf.browse(wanted, "title") is found
    assert shelf.browse(wanted, "added") is not found
    assert shelf.browse(Wanted("artist", {"artist": "Artist 2"}), "title").places != found.places


def test_what_is_known_does_not_grow_for_ever(own):
    shelf = Shelves(own, at_once).now()
    for number in range(300):
        shelf.browse(Wanted(str(number)))
    assert len(shelf.known) <= 64


def test_works_that_are_gone_are_not_shown(own):
    shelves = Shelves(own, at_once)
    before = len(shelves.now().browse(Wanted()).places)
    own.remove([next(iter(own.list())).work.path])
    assert len(shelves.now().browse(Wanted()).places) == before - 1


def test_a_changed_label_is_seen_though_nobody_waits_for_it(own, monkeypatch):
    later = []
    shelves = Shelves(own, later.append)
    assert shelves.now().browse(Wanted("Newton")).places == []
    own.set_columns({"artist": "Newton"}, where=["artist=Artist 1"])
    assert shelves.now().browse(Wanted("Newton")).places == []
    assert later == []
    monkeypatch.setattr(shelf_module, "_FRESH_S", 0.0)
    began = time.monotonic()
    assert shelves.now().browse(Wanted("Newton")).places == []
    assert time.monotonic() - began < 5
    later.pop()()
    assert len(shelves.now().browse(Wanted("Newton")).places) == 4
