"""A gallery as a table, a workbook and Linked Art: nothing is lost, and no text is a formula."""

import csv
import io
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import polars as pl
import pytest
from python_calamine import CalamineWorkbook

from samehand import SameHand
from samehand.errors import OutputError
from samehand.gallery import Gallery, Work

COLUMNS = ["path", "artist", "title", "date", "style", "genre", "source", "sha256", "added"]


@pytest.fixture(scope="module")
def filled(tmp_path_factory, work_of):
    folder = tmp_path_factory.mktemp("exports")
    model = SameHand(threads=1)
    for work in range(4):
        work_of(0, work).save(folder / f"{work}.png")
    facts = {"accession_number": "A-1", "artist_id": "ulan:500011051"}
    works = [
        Work(str(folder / "0.png"), "Rembrandt", title='=HYPERLINK("http://x")', extra=facts),
        Work(
            str(folder / "1.png"),
            "Rembrandt",
            date="c. 1640",
            extra={
                "qualifier": "workshop of",
                "attribution": "Werkstatt Rembrandts",
                "date_from": "1635",
                "date_to": "1645",
            },
        ),
        Work(str(folder / "2.png"), "Lee, Ann", extra={"qualifier": "forgery of"}),
        Work(str(folder / "3.png"), extra={"lent by": "+Bo"}),
    ]
    with Gallery.create(folder / "g", model) as gallery:
        gallery.add(works, model)
    return folder, works


@pytest.fixture
def shelf(filled, tmp_path):
    shutil.copytree(filled[0] / "g", tmp_path / "g")
    with Gallery.open(tmp_path / "g") as gallery:
        yield gallery


def read(path: Path):
    if path.suffix == ".csv":
        return list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
    return CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_a_table_holds_every_column_and_no_formula(shelf, filled, tmp_path, suffix):
    out = tmp_path / f"out{suffix}"
    assert shelf.export(out) == 4
    header, *rows = read(out)
    assert header[: len(COLUMNS)] == COLUMNS
    assert set(header) == {*shelf.info().columns}
    safe = "'" if suffix == ".csv" else ""
    for row, work in zip(rows, filled[1], strict=True):
        known = dict(zip(header, row, strict=True))
        assert known["path"] == work.path
        for name, text in work.extra.items():
            assert known[name] in (text, safe + text)
    titles = [dict(zip(header, row, strict=True))["title"] for row in rows]
    assert titles[0] == safe + '=HYPERLINK("http://x")'
    if suffix == ".xlsx":
        import zipfile

        with zipfile.ZipFile(out) as book:
            assert b"<f>" not in book.read("xl/worksheets/sheet1.xml")


def test_a_table_of_some_works_can_be_added_again(shelf, filled, tmp_path):
    out = tmp_path / "some.xlsx"
    assert shelf.export(out, ["artist=Rembrandt"]) == 2
    model = SameHand(threads=1)
    with Gallery.create(tmp_path / "again", model) as again:
        again.add([out], model)
        works = [stored.work for stored in again.list()]
    assert [(work.artist, work.title) for work in works] == [
        ("Rembrandt", '=HYPERLINK("http://x")'),
        ("Rembrandt", None),
    ]
    assert works[1].extra["qualifier"] == "workshop of"


def test_a_parquet_file_holds_the_embeddings(shelf, tmp_path):
    shelf.export(tmp_path / "out.parquet")
    frame = pl.read_parquet(tmp_path / "out.parquet")
    assert (frame["embedding"].to_numpy() == shelf.embeddings()[1]).all()


def test_linked_art_has_makers_qualifiers_years_numbers_and_decisions(shelf, filled, tmp_path):
    paths = [work.path for work in filled[1]]
    made = shelf.decide(paths[0], paths[1], "different", note="another ground", by="Ann Lee")
    undone = shelf.decide(paths[1], paths[2], "same", by="Bo")
    shelf.undo(undone.id)
    shelf.export(tmp_path / "out.jsonld")
    told = json.loads((tmp_path / "out.jsonld").read_text())
    assert told["@context"] == "https://linked.art/ns/v1/linked-art.json"
    first, second, third, fourth = told["@graph"]
    ids = {one["id"]: one for one in told["@graph"]}
    assert [one["type"] for one in told["@graph"]] == ["HumanMadeObject"] * 4
    assert first["produced_by"]["carried_out_by"] == [
        {"id": "http://vocab.getty.edu/ulan/500011051", "type": "Person", "_label": "Rembrandt"}
    ]
    numbers = [one["content"] for one in first["identified_by"] if one["type"] == "Identifier"]
    assert numbers == ["A-1"]
    assert "carried_out_by" not in second["produced_by"]
    (said,) = second["produced_by"]["attributed_by"]
    assert said["classified_as"][0]["id"] == "http://vocab.getty.edu/aat/300404274"
    assert said["_label"] == "Werkstatt Rembrandts"
    assert second["produced_by"]["timespan"] == {
        "type": "TimeSpan",
        "_label": "c. 1640",
        "begin_of_the_begin": "1635-01-01T00:00:00Z",
        "end_of_the_end": "1645-12-31T23:59:59Z",
    }
    assert third["produced_by"]["attributed_by"][0]["classified_as"][0]["_label"] == "forgery of"
    assert "produced_by" not in fourth
    assert fourth["referred_to_by"][0]["content"] == "+Bo"
    decided = [(one["id"], said) for one in told["@graph"] for said in one.get("attributed_by", ())]
    ((owner, assignment),) = decided
    digests = {f"urn:x-samehand:work:{one.sha256}" for one in (made.first, made.second)}
    assert {owner, assignment["assigned"][0]["id"]} == digests
    assert digests <= ids.keys()
    assert assignment["type"] == "AttributeAssignment"
    assert assignment["carried_out_by"][0]["_label"] == "Ann Lee"
    assert assignment["referred_to_by"][0]["content"] == "another ground"
    assert assignment["timespan"]["begin_of_the_begin"] == made.time[:19] + "Z"


def test_other_kinds_are_refused_before_anything_is_written(shelf, tmp_path, samehand):
    with pytest.raises(OutputError, match="is not .csv, .xlsx, .parquet or .jsonld"):
        shelf.export(tmp_path / "out.txt")
    code, _, err = samehand("decisions", shelf.folder, "--out", tmp_path / "d.txt")
    assert code == 2
    assert "is not .csv or .xlsx" in err
    assert not list(tmp_path.glob("*.txt"))


def test_decisions_are_a_workbook_too(shelf, filled, tmp_path, samehand):
    shelf.decide(filled[1][0].path, filled[1][1].path, "same", by="=Ann", note="x")
    assert samehand("decisions", shelf.folder, "--out", tmp_path / "d.xlsx").code == 0
    header, row = read(tmp_path / "d.xlsx")
    known = dict(zip(header, row, strict=True))
    assert (known["by"], known["label"], known["note"]) == ("=Ann", "same", "x")
    assert {known["first"], known["second"]} == {filled[1][0].path, filled[1][1].path}


def test_a_workbook_needs_room_in_its_own_folder_alone(shelf, filled, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    assert shelf.export(tmp_path / "works.xlsx") == len(shelf)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limits of this kind")
def test_a_workbook_without_room_is_one_sentence(tmp_path):
    """In a process of its own, whose limit stands for a full disk."""
    program = """
import resource, signal, sys
from pathlib import Path
import xlsxwriter
from samehand.catalogue.write_table import write_rows
from samehand.errors import OutputError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    write_rows(Path(sys.argv[1]), ["a"], [{"a": str(n)} for n in range(2000)])
except OutputError as error:
    print(error)
"""
    command = [sys.executable, "-c", program, str(tmp_path / "works.xlsx")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"cannot write {tmp_path / 'works.xlsx'}: ")
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []
