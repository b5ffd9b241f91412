"""What a gallery knows beside artist, title and date, and how its labels and name are changed."""

import csv
import io
import json
import sqlite3

import numpy as np
import pytest

from samehand import SameHand
from samehand.errors import GalleryError
from samehand.gallery import Gallery, Work
from samehand.gallery.store import FileState, NewWork
from samehand.gallery.works import keep_labels

TABLE = """path,artist,date,accession number,lent by
0-0.png,Ann Lee,c. 1870,A-1,
0-1.png,Ann Lee,1881-1885,A-2,Bo
0-2.png,Workshop of Ann Lee,late 19th century,A-3,
0-3.png,after ANN LEE,undated,A-4,
1-0.png,Cy Moor,1890,A-5,
1-1.png,Cy Moor,,A-6,
1-2.png,Anonymous,,A-7,
"""


@pytest.fixture(scope="module")
def model():
    """The shipped model, which has rules for references."""
    return SameHand(threads=1)


@pytest.fixture(scope="module")
def filled(tmp_path_factory, model, work_of):
    """A gallery of seven works from a table."""
    folder = tmp_path_factory.mktemp("editing")
    for artist, count in ((0, 4), (1, 3)):
        for work in range(count):
            work_of(artist, work).save(folder / f"{artist}-{work}.png")
    (folder / "t.csv").write_text(TABLE)
    with Gallery.create(folder / "g", model) as gallery:
        gallery.add([folder / "t.csv"], model)
    return folder


@pytest.fixture
def gallery(tmp_path, filled):
    """A copy of it to change."""
    from shutil import copytree

    copytree(filled / "g", tmp_path / "g")
    with Gallery.open(tmp_path / "g") as opened:
        yield opened


def numbers(gallery, *where):
    return [stored.work.extra["accession_number"][2:] for stored in gallery.list(where)]


def only(gallery, number):
    (stored,) = gallery.list([f"accession number=A-{number}"])
    return stored.work


def test_a_table_s_free_text_is_read_and_its_wording_kept(gallery):
    assert only(gallery, 1).extra == {
        "accession_number": "A-1", "date_from": "1865", "date_to": "1875",
    }  # fmt: skip
    third = only(gallery, 3)
    assert (third.artist, third.extra["qualifier"]) == ("Ann Lee", "workshop of")
    assert third.extra["attribution"] == "Workshop of Ann Lee"
    last = only(gallery, 7)
    assert (last.artist, last.extra["attribution"]) == (None, "Anonymous")


@pytest.mark.parametrize(
    ("where", "found"),
    [
        (["artist=ann lee"], "1 2 3 4"),  # "ANN LEE" is one of them
        (["artist==Ann Lee"], "1 2 3"),
        (["artist!=ANN LEE"], "5 6 7"),
        (["qualifier="], "1 2 5 6 7"),
        (["qualifier=Workshop Of"], "3"),
        (["inventory number=a-2"], "2"),
        (["lent by=bo"], "2"),
        (["date>=1880"], "2 5"),
        (["date<=1880"], "1"),
        (["date>=1865", "date<=1890"], "1 2 5"),
        (["date_to>=1900"], "3"),
        (["date=C. 1870"], "1"),
        (["painter=Cy Moor"], "5 6"),
    ],
)
def test_conditions_ignore_case_and_compare_dates(filled, where, found):
    with Gallery.open(filled / "g") as gallery:
        assert " ".join(numbers(gallery, *where)) == found
        assert gallery.count(where) == len(found.split())


def test_only_autograph_works_stand_for_an_artist_unless_asked(filled, model):
    probe = model.open(filled / "0-0.png")
    with Gallery.open(filled / "g") as gallery:
        own = model.identify(probe, gallery)
        every = model.identify(probe, gallery, any_attribution=True)
        assert {one.artist: one.works for one in own.candidates} == {"Ann Lee": 1, "Cy Moor": 2}
        assert {one.artist: one.works for one in every.candidates} == {
            "Ann Lee": 2, "ANN LEE": 1, "Cy Moor": 2,
        }  # fmt: skip
        assert (own.artists, every.artists) == (2, 3)
        found = model.search(probe, gallery).neighbours
        assert {one.extra.get("qualifier") for one in found} == {None, "workshop of", "after"}
        clustered = model.cluster(gallery)
        assert clustered.works == 7
        assert all("qualifier" not in one.extra for one in clustered.suspects)


def test_a_gallery_from_before_has_autograph_works_only(tmp_path, model, filled):
    works = [Work(f"/{i}", artist=f"a{i % 2}", extra={"inventory no": f"{i}"}) for i in range(4)]
    rows = np.eye(4, model.embedder.width, dtype=np.float32)
    with Gallery.create(tmp_path / "g", model) as gallery:
        encoder = gallery.store.about().encoder
        gallery.store.put([NewWork(w, FileState(w.path, 1, 1)) for w in works], rows, encoder)
        assert gallery.autograph() == ()
        assert model.identify(filled / "0-0.png", gallery).artists == 2
        assert gallery.count(["qualifier="]) == 4
        assert gallery.count(["qualifier=after"]) == 0
        assert gallery.count(["accession number=3"]) == 1
        # What was stored unread stays so until somebody writes that column.
        put = Work("/0", artist="Workshop of a0")
        gallery.store.describe([put])
        gallery.set_columns({"title": "T"}, where=["path=/0"])
        (stored,) = gallery.list(["path=/0"])
        assert (stored.work.artist, stored.work.extra) == ("Workshop of a0", {})


def test_set_writes_where_a_condition_holds_and_reads_anew_what_depends_on_it(gallery):
    assert gallery.set_columns({"source": " Our  house "}, where=["artist=cy moor"]) == 2
    assert gallery.set_columns({"source": "Our house"}, where=["artist=cy moor"]) == 0
    assert numbers(gallery, "source=our house") == ["5", "6"]
    gallery.set_columns({"artist": "Circle of Cy Moor", "date": "1900s"}, where=["lent by=Bo"])
    second = only(gallery, 2)
    assert (second.artist, second.date) == ("Cy Moor", "1900s")
    assert second.extra == {
        "accession_number": "A-2", "lent by": "Bo", "qualifier": "circle of",
        "attribution": "Circle of Cy Moor", "date_from": "1900", "date_to": "1909",
    }  # fmt: skip
    gallery.set_columns({"Künstler": "Ann Lee"}, where=["accession number=A-3"])
    third = only(gallery, 3)
    assert (third.artist, "qualifier" in third.extra) == ("Ann Lee", False)
    gallery.set_columns({"qualifier": "Kopie nach", "lent by": ""}, where=["lent by=Bo"])
    assert only(gallery, 2).extra["qualifier"] == "after"
    assert "lent by" not in only(gallery, 2).extra
    for wrong, words in (({"sha256": "x"}, "not one to write"), ({"a=b": "x"}, "leave out")):
        with pytest.raises(GalleryError, match=words):
            gallery.set_columns(wrong)
    with pytest.raises(GalleryError, match="no column"):
        gallery.set_columns({"title": "x"}, where=["colour=red"])


def test_adding_again_keeps_what_was_set_and_drops_what_was_read_from_other_words(
    gallery, filled, model
):
    gallery.set_columns({"qualifier": "forgery of"}, where=["accession number=A-1"])
    words = TABLE.replace("Workshop of Ann Lee", "Ann Lee").replace("c. 1870", "undated")
    (filled / "u.csv").write_text(words)
    gallery.add([filled / "u.csv"], model)
    first, third = only(gallery, 1), only(gallery, 3)
    assert first.extra == {"accession_number": "A-1", "qualifier": "forgery of"}
    assert third.extra == {"accession_number": "A-3", "date_from": "1867", "date_to": "1900"}


def test_an_artist_who_is_replaced_takes_his_number_along():
    old = Work("/a", artist="X", extra={"artist_id": "Q1", "qualifier": "after", "room": "3"})
    kept, _ = keep_labels(Work("/a", artist="Y"), old)
    assert kept.extra == {"room": "3"}
    kept, _ = keep_labels(Work("/a", artist="X"), old)
    assert kept.extra == old.extra
    kept, _ = keep_labels(Work("/a", extra={"attribution": "Anonymous"}), old)
    assert (kept.artist, kept.extra) == (None, {"attribution": "Anonymous", "room": "3"})
    guess = Work("/d/a", artist="d", extra={"qualifier": "workshop of", "attribution": "d"})
    kept, _ = keep_labels(guess, old, guessed=True)
    assert (kept.artist, kept.extra) == ("X", old.extra)


def test_rename_and_delete_leave_a_whole_gallery_or_none(gallery, tmp_path):
    (tmp_path / "taken").mkdir()
    with pytest.raises(GalleryError, match="exists"):
        gallery.rename("taken")
    gallery.rename("h")
    assert gallery.folder == tmp_path / "h"
    assert (len(gallery), (tmp_path / "g").exists()) == (7, False)
    assert len(gallery.embeddings()[1]) == 7
    (gallery.folder / "notes.txt").touch()
    with pytest.raises(GalleryError, match=r"other files, too, notes.txt for one"):
        gallery.delete()
    (gallery.folder / "notes.txt").unlink()
    gallery.delete()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["taken"]


def test_a_gallery_in_use_is_neither_renamed_nor_deleted(gallery):
    other = sqlite3.connect(gallery.folder / "gallery.sqlite")
    other.execute("BEGIN IMMEDIATE")
    for change in (gallery.delete, lambda: gallery.rename("h")):
        with pytest.raises(GalleryError, match="in use by another process"):
            change()
    other.execute("ROLLBACK")
    other.close()
    assert len(gallery) == 7


def test_the_commands_edit_list_and_export(filled, tmp_path, samehand, monkeypatch):
    from shutil import copytree

    monkeypatch.setenv("SAMEHAND_HOME", str(tmp_path))
    copytree(filled / "g", tmp_path / "galleries" / "g")

    def run(*arguments, code=0):
        found = samehand(*arguments)
        assert found.code == code, found
        return found.out if code == 0 else found.err

    assert "A-2  |  lent by: Bo" in run("gallery", "list", "g", "--where", "artist=ann lee")
    assert "workshop of Ann Lee" in run("gallery", "list", "g", "--where", "qualifier~work")
    none = samehand("gallery", "list", "g", "--where", "artist=nobody")
    assert (none.out, none.err) == ("", "note: 0 works match in g, of 7\n")
    assert run("gallery", "set", "g", "source=X", "--where", "artist=cy moor") == (
        "2 works match, 2 changed\n"
    )
    assert "--all" in run("gallery", "set", "g", "source=X", code=2)
    assert "renamed g to h" in run("gallery", "rename", "g", "h")

    at = ("--gallery", "h")
    told = json.loads(run("verify", filled / "0-0.png", *at, "--artist", "ANN lee", "--json"))
    assert [one["name"] for one in told["references"]] == [str(filled / "0-1.png")]
    assert "did you mean Ann Lee?" in run(
        "verify", filled / "1-0.png", *at, "--artist", "Anne Lee", code=2
    )
    table = filled / "t.csv"
    few = samehand("verify", filled / "1-0.png", "--references", table, "--json")
    found = json.loads(few.out)
    # The table holds the doubtful work itself, which is left out.
    assert len(found["references"]) == 4
    assert [one["name"] for one in found["left_out"]] == [str(filled / "1-0.png")]
    assert "note: 2 references left out" in few.err
    run("cluster", *at, "--out", tmp_path / "hands.csv")
    with (tmp_path / "hands.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert {row["accession_number"] for row in rows} == {f"A-{i}" for i in range(1, 8)}
    assert "suspects" in json.loads(run("suspects", *at, "--json"))
    run("suspects", *at, "--out", tmp_path / "s.csv")
    assert (tmp_path / "s.csv").read_text(encoding="utf-8-sig").startswith("rank,path,")
    assert "end in .csv or .json" in run("suspects", *at, "--out", tmp_path / "s.txt", code=2)
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert "--yes" in run("gallery", "delete", "h", code=2)
    assert "--yes" in run("gallery", "delete", "h", code=2)  # nobody answers
    assert "deleted h with 7 works" in run("gallery", "delete", "h", "--yes")
    assert run("gallery", "list") == ""
