"""What people decide is kept by content, counts once a person, and settles what follows from it."""

import itertools
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samehand import SameHand
from samehand.errors import GalleryError
from samehand.gallery import Gallery, StoredWork, Work
from samehand.gallery.decisions import (
    Settled,
    content_of,
    decided_artists_of,
    decided_pairs,
    links,
    merge_decisions,
    standing,
)
from samehand.gallery.storage import DecisionRow


def row(number, first, second, label, name="Ann", note=""):
    first, second = sorted((first, second))
    return DecisionRow(f"{number:04}", f"2026-01-01T00:{number:02}", first, second, label, note,
                       name, "m", None)  # fmt: skip


def test_a_persons_later_decision_replaces_the_earlier_one_and_undoing_brings_it_back():
    rows = [row(1, "a", "b", "same"), row(2, "a", "b", "different", " ann")]
    assert [one.id for one in standing(rows)] == ["0002"]
    assert links(rows) == {("a", "b"): "different"}
    rows.append(row(3, "a", "b", "undo", note="0002"))
    assert links(rows) == {("a", "b"): "same"}
    rows.append(row(4, "a", "b", "undo", note="0001"))
    assert links(rows) == {}


def test_two_people_who_disagree_settle_nothing_and_the_unsure_leave_it_to_others():
    rows = [row(1, "a", "b", "same"), row(2, "a", "b", "unsure", "Bo")]
    assert links(rows) == {("a", "b"): "same"}
    rows.append(row(3, "a", "b", "different", "Cy"))
    assert links(rows) == {("a", "b"): "disputed"}
    assert len(standing(rows)) == 3
    assert links(rows[1:2]) == {("a", "b"): "unsure"}


def test_decisions_reach_other_works_by_way_of_one_hand():
    rows = [row(1, "a", "b", "same"), row(2, "b", "c", "same"), row(3, "c", "d", "different")]
    settled = Settled(links(rows))
    assert settled.between("a", "c") == "same"
    assert settled.between("a", "d") == "different"
    assert settled.between("a", "e") is None
    assert settled.joined() == [["a", "b", "c"]]
    assert settled.contradictory == frozenset()


def test_a_chain_that_both_joins_and_parts_joins_nothing():
    rows = [row(1, "a", "b", "same"), row(2, "b", "c", "same"), row(3, "a", "c", "different"),
            row(4, "x", "y", "same")]  # fmt: skip
    settled = Settled(links(rows))
    assert settled.contradictory == {"a", "b", "c"}
    assert settled.joined() == [["x", "y"]]
    assert settled.between("a", "c") == "different"


@given(st.lists(st.tuples(st.sampled_from("abcdefg"), st.sampled_from("abcdefg"), st.booleans())))
def test_settled_is_what_paths_of_decisions_say(said):
    decided = {(a, b) if a < b else (b, a): same for a, b, same in said if a != b}
    settled = Settled({pair: "same" if same else "different" for pair, same in decided.items()})

    def reached(start):
        found = {start}
        while True:
            more = {
                y
                for (a, b), same in decided.items()
                for x, y in ((a, b), (b, a))
                if same and x in found
            }
            if more <= found:
                return found
            found |= more

    for a, b in itertools.combinations("abcdefg", 2):
        one, two = reached(a), reached(b)
        split = [pair for pair, same in decided.items() if not same]
        wrong = [hand for hand in (one, two) if any({x, y} <= hand for x, y in split)]
        if wrong or (a, b) in decided:
            continue
        parted = any({x, y} & one and {x, y} & two for x, y in split if not {x, y} <= one)
        expected = "same" if b in one else "different" if parted else None
        assert settled.between(a, b) == expected


@pytest.fixture(scope="module")
def model():
    return SameHand(threads=1)


@pytest.fixture(scope="module")
def filled(tmp_path_factory, model, painting_of):
    folder = tmp_path_factory.mktemp("decisions")
    lines = ["path,artist,accession number"]
    for artist, work in itertools.product(range(2), range(3)):
        painting_of(artist, work).save(folder / f"{artist}-{work}.png")
        lines.append(f"{artist}-{work}.png,Artist {artist},N.{artist}{work}")
    (folder / "t.csv").write_text("\n".join(lines))
    with Gallery.create(folder / "g", model) as gallery:
        gallery.add([folder / "t.csv"], model)
    return folder


@pytest.fixture
def shelf(tmp_path, filled):
    shutil.copytree(filled, tmp_path / "shelf")
    with Gallery.open(tmp_path / "shelf" / "g") as gallery:
        yield gallery


def test_a_decision_keeps_the_ratio_and_finds_its_works_by_path_number_and_content(shelf, model):
    paths = [stored.work.path for stored in shelf.list()]
    digests = [stored.sha256 for stored in shelf.list()]
    made = shelf.decide(paths[0], "N.10", "different", note=" no ", by="Ann  Lee", model=model)
    near = model.search(paths[0], shelf).neighbours
    (llr,) = [one.llr for one in near if one.path == paths[3]]
    assert made.llr == pytest.approx(llr, abs=1e-4)
    assert made.model == model.folder.identity
    assert (made.note, made.by, made.stands, made.disputed) == ("no", "Ann Lee", True, False)
    assert {made.first.path, made.second.path} == {paths[0], paths[3]}
    assert {made.first.artist, made.second.artist} == {"Artist 0", "Artist 1"}
    other = shelf.decide(digests[3], digests[0], "same", by="Bo")
    assert other.disputed
    assert other.llr is None
    listed = shelf.decisions()
    assert [one.by for one in listed.decisions] == ["Ann Lee", "Bo"]
    assert (listed.count, listed.disputed) == (2, 1)
    undone = shelf.undo(other.id[:6], by="Bo")
    assert not undone.stands
    assert [one.by for one in shelf.decisions().decisions] == ["Ann Lee"]
    assert [one.stands for one in shelf.decisions(history=True).decisions] == [True, False]
    with pytest.raises(GalleryError, match="not a decision that counts"):
        shelf.undo(other.id)


@pytest.mark.parametrize(
    ("first", "second", "label", "says"),
    [
        ("nowhere.png", "N.10", "same", "no work nowhere.png"),
        ("N.10", "N.10", "same", "are one picture"),
        ("N.10", "N.11", "perhaps", "'perhaps' is not a decision"),
    ],
)
def test_a_decision_that_cannot_be_is_one_sentence(shelf, first, second, label, says):
    with pytest.raises(GalleryError, match=says):
        shelf.decide(first, second, label)
    assert shelf.decisions().decisions == ()


def test_a_work_is_found_by_its_files_name_where_one_has_it(shelf, filled, painting_of, model):
    digests = {Path(stored.work.path).name: stored.sha256 for stored in shelf.list()}
    assert content_of(shelf.store, "0-1.png") == digests["0-1.png"]
    assert content_of(shelf.store, f"{filled.name}/1-2.png") == digests["1-2.png"]
    for wrong in ("1.png", "0-1.PNG", "", "%.png", "-1.png"):  # none is a whole name
        with pytest.raises(GalleryError, match="has no work"):
            content_of(shelf.store, wrong)
    again = Path(shelf.folder).parent / "again"
    again.mkdir()
    painting_of(1, 5).save(again / "0-1.png")
    shelf.add([again], model)
    with pytest.raises(GalleryError, match=r"2 works have the file 0-1\.png; name the whole path"):
        content_of(shelf.store, "0-1.png")
    assert content_of(shelf.store, "again/0-1.png") not in digests.values()


def test_no_change_of_the_gallery_loses_a_decision(shelf, model, tmp_path):
    shelf.remove([stored.work.path for stored in shelf.list()])
    shelf.add([tmp_path / "shelf" / "t.csv"], model)
    made = shelf.decide("N.00", "N.01", "same", by="Ann", model=model)
    expected = [made.id]

    def kept(gallery):
        return [one.id for one in gallery.decisions().decisions]

    shelf.set_columns({"artist": "Somebody", "accession_number": ""}, where=["artist=Artist 0"])
    assert kept(shelf) == expected
    shelf.close()
    moved = tmp_path / "moved"
    shutil.move(tmp_path / "shelf", moved)
    with Gallery.open(moved / "g") as gallery:
        report = gallery.add([moved / "t.csv"], model)
        assert report.moved == 6
        assert kept(gallery) == expected
        assert gallery.decisions().decisions[0].first.path.startswith(str(moved))
        gallery.rename("other")
        gallery.re_embed(model)
        assert kept(gallery) == expected
        gallery.remove(where=["path~0-"])
        assert kept(gallery) == expected
        left = gallery.decisions().decisions[0]
        assert (left.first.path, left.second.path) == (None, None)
        assert decided_pairs(gallery.store) == ()
        gallery.add([moved / "t.csv"], model)
        (pair,) = decided_pairs(gallery.store)
        assert pair.same
        assert {pair.first, pair.second} == {made.first.sha256, made.second.sha256}


def test_records_of_two_galleries_become_one_whatever_the_order(shelf):
    shelf.decide("N.00", "N.01", "same", by="Ann")
    rows = shelf.store.read_decisions()
    more = [row(5, "0" * 64, "1" * 64, "same"), row(6, "0" * 64, "1" * 64, "undo", note="0005")]
    assert merge_decisions(shelf.store, [*more, *rows]) == 2
    assert merge_decisions(shelf.store, more) == 0
    assert {one.id for one in shelf.store.read_decisions()} == {"0005", "0006", rows[0].id}
    assert len(shelf.decisions().decisions) == 1


def test_the_command_line_decides_lists_and_undoes(shelf, samehand):
    code, text, _ = samehand("decide", shelf.folder, "N.00", "N.10", "different", "--by", "Ann",
                             "--note", "=craquelure")  # fmt: skip
    assert code == 0
    assert "Ann: different hands, N.00" in text
    found = json.loads(samehand("decisions", shelf.folder, "--json").out)
    (one,) = found["decisions"]
    assert np.isfinite(one["llr"])
    out = shelf.folder.parent / "d.csv"
    assert samehand("decisions", shelf.folder, "--out", out).code == 0
    written = out.read_text(encoding="utf-8-sig")
    assert "'=craquelure" in written
    assert "N.10" in written
    assert "undone" in samehand("decisions", shelf.folder, "--undo", one["id"]).out
    assert json.loads(samehand("decisions", shelf.folder, "--json").out)["decisions"] == []
    assert "nobody has decided" in samehand("decisions", shelf.folder).out
    code, _, err = samehand("decide", shelf.folder, "N.00", "N.99", "same")
    assert code == 2
    assert "no work N.99" in err


def test_a_label_follows_decisions_and_a_contradicted_one_counts_for_nothing():
    def work(name, artist=None, **extra):
        return StoredWork(0, Work(name, artist, extra=extra), name, "")

    works = [
        work("a", "Ann"), work("b"), work("c"), work("d", "Bo"), work("e", "Bo"),
        work("f", "Cy", qualifier="after"), work("g"), work("h", "Ann"), work("i", "Di"),
    ]  # fmt: skip
    rows = [
        row(1, "a", "b", "same"), row(2, "b", "c", "same"), row(3, "d", "e", "different"),
        row(4, "f", "g", "same"), row(5, "h", "i", "same"),
    ]  # fmt: skip
    found = decided_artists_of(works, Settled(links(rows)))
    assert found == ["Ann", "Ann", "Ann", None, None, None, None, "Ann", "Di"]
    assert decided_artists_of(works, Settled(links(rows)), any_attribution=True)[6] == "Cy"


def test_a_clock_that_was_set_back_lets_no_earlier_decision_outlive_a_later_one(shelf):
    one, two = (stored.sha256 for stored in itertools.islice(shelf.list(), 2))
    first, second = sorted((one, two))
    for future in ("2199-01-01T00:00:00.000000+00:00", "9999-12-31T23:59:59.999998+00:00"):
        row = DecisionRow(f"f{future[:4]}", future, first, second, "same", "", "Ann", "m", None)
        shelf.store.append_decisions([row])
        made = shelf.decide(one, two, "different", by=" ann")
        assert made.stands
        assert made.time > future
        # Nobody else's time is drawn along.
        assert shelf.decide(one, two, "unsure", by="Bo").time < "2199"
    assert [link for link in links(shelf.store.read_decisions()).values()] == ["different"]
