import json

import polars as pl
import pytest

from samehand.catalogue import cache
from samehand.catalogue.prepare import prepare
from samehand.catalogue.report import SHOWN, section
from samehand.catalogue.schema import load_catalogue
from samehand.errors import CatalogueError, OutputError

COLUMNS = "artist,date,pixelsx,pixelsy,size_bytes,style,title,artist_group,in_train,new_filename"


@pytest.fixture
def competition(tmp_path, encoded, picture, write_zip):
    """The competition's layout in small, with every fault that the real files have."""
    root = tmp_path / "pbn"
    root.mkdir()
    train, test, rows = {}, {}, []

    def add(number, artist, in_train, data=None, title="T", size=None, group=""):
        data = encoded(number) if data is None else data
        size = len(encoded(number)) if size is None else size
        rows.append(f"{artist},1985.0,64.0,48.0,{size}.0,,{title},{group},{in_train},{number}.jpg")
        if in_train:
            train[f"train_2/{number}.jpg"] = data
        else:
            test[f"test/{number}.jpg"] = data

    for number in range(1, 9):
        add(number, "Ann", in_train=number < 6)
    for number in range(10, 15):
        add(number, "Bo", in_train=True)
    for number in range(20, 25):
        add(number, "Cy", in_train=True)
    whole = encoded(30)
    add(30, "Ann", True, data=whole[:200])
    add(31, "Ann", False, data=b"")
    add(32, "Bo", True, data=bytes(200) + encoded(32)[200:])
    add(33, "Bo", True, data=encoded(33)[:-20] + bytes(20))
    add(34, "Bo", True)
    del train["train_2/34.jpg"]
    add(35, "Bo", True, size=17)
    add(36, "unknown artist", True)
    add(37, "after Cy", True)
    add(40, "Ann", True, data=encoded(1, quality=60), title="Again")
    add(41, "Cy", False, data=encoded(10, quality=60), title="Whose")
    train["train_2/99.jpg"] = encoded(99)
    (root / "all_data_info.csv").write_text("\n".join([COLUMNS, *rows]) + "\n")
    write_zip(root / "train_2.zip", train)
    write_zip(root / "test.zip", test)
    inner = "replacements_for_corrupted_files"
    replacements = {f"{inner}/train/30.jpg": whole, f"{inner}/test/31.jpg": encoded(31)}
    write_zip(root / f"{inner}.zip", replacements)
    return root


def ids(findings):
    return [finding.painting_id for finding in findings]


def test_every_fault_is_found_and_told(competition, tmp_path, encoded):
    out = tmp_path / "out"
    report = prepare("pbn", competition, out)
    frame = load_catalogue(out)
    by_id = {row["painting_id"]: row for row in frame.to_dicts()}

    assert ids(report.repaired) == ["30", "31"]
    assert "cut short" in report.repaired[0].what
    assert "test/31.jpg is empty; replacements" in report.repaired[1].what
    assert by_id["30"]["repaired"]
    assert (out / by_id["30"]["path"]).read_bytes() == encoded(30)
    assert ids(report.unreadable) == ["32"]
    assert ids(report.missing) == ["34"]
    assert not {"32", "34"} & set(by_id)
    assert ids(report.damaged) == ["33"]
    assert by_id["33"]["exclusion"] == "damaged file"
    assert "35" in ids(report.other_size)
    assert by_id["35"]["exclusion"] is None
    assert report.unnamed == ["train_2.zip/train_2/99.jpg"]
    assert report.labels == {"after Cy": 1, "unknown artist": 1}
    assert by_id["36"]["artist"] is None
    assert by_id["36"]["exclusion"] == "no artist"
    assert by_id["37"]["exclusion"] == "uncertain attribution: after Cy"

    (double,) = report.duplicates
    assert (double.paintings, double.kept) == (["1", "40"], "1")
    assert by_id["40"]["exclusion"] == "duplicate of 1"
    (contested,) = report.contested
    assert (contested.paintings, contested.artists) == (["10", "41"], ["Bo", "Cy"])
    assert by_id["10"]["exclusion"] == by_id["41"]["exclusion"] == "contested attribution"

    assert (by_id["1"]["artist_group"], by_id["11"]["artist_group"]) == (
        "train_and_test",
        "train_only",
    )
    assert (by_id["1"]["date"], by_id["1"]["style"]) == ("1985", None)
    assert by_id["1"]["origin"] == "train_2.zip/train_2/1.jpg"
    assert frame["painting_id"].to_list() == sorted(frame["painting_id"])
    assert (frame["split"].is_null() == frame["exclusion"].is_not_null()).all()
    assert sum(part["paintings"] for part in report.splits.values()) == report.usable
    assert set(frame.filter(~pl.col("in_train"))["split"].drop_nulls()) == {"test"}

    text = (out / "prepare-report.md").read_text()
    for number in (30, 31, 32, 33, 34, 35, 40, 41):
        assert f"{number}" in text
    stored = json.loads((out / "prepare-report.json").read_text())
    assert stored["unreadable"][0]["painting_id"] == "32"
    assert stored == json.loads(json.dumps(report.to_dict()))


def contents(out):
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in out.rglob("*")
        if path.is_file()
    }


def test_a_second_run_decodes_nothing_and_changes_nothing(competition, tmp_path, monkeypatch):
    out = tmp_path / "out"
    prepare("pbn", competition, out)
    before = contents(out)
    monkeypatch.delattr(cache, "decode_bytes")
    prepare("pbn", competition, out)
    assert contents(out) == before
    report = prepare("pbn", competition, out, split="image-level", seed=5)
    assert report.scheme == "image-level"
    assert "validation" in load_catalogue(out)["split"]


def test_an_interrupted_run_goes_on_to_the_same_end(competition, tmp_path, monkeypatch):
    whole = tmp_path / "whole"
    prepare("pbn", competition, whole)
    out = tmp_path / "out"
    opened = []
    decode = cache.decode_bytes

    def impatient(data, name, max_side):
        if len(opened) == 9:
            raise KeyboardInterrupt
        opened.append(name)
        return decode(data, name, max_side)

    monkeypatch.setattr(cache, "decode_bytes", impatient)
    with pytest.raises(KeyboardInterrupt):
        prepare("pbn", competition, out)
    assert not (out / "catalogue.parquet").exists()
    first = list(opened)
    monkeypatch.setattr(cache, "decode_bytes", decode)
    prepare("pbn", competition, out)
    assert len(first) == 9
    assert contents(out) == contents(whole)


def test_a_smaller_size_redoes_the_images(tmp_path, encoded):
    (tmp_path / "art" / "Ann").mkdir(parents=True)
    (tmp_path / "art" / "Ann" / "a.jpg").write_bytes(encoded(1))
    (tmp_path / "art" / "Bo").mkdir()
    (tmp_path / "art" / "Bo" / "b.jpg").write_bytes(encoded(2))
    (tmp_path / "art" / "Cy").mkdir()
    (tmp_path / "art" / "Cy" / "c.jpg").write_bytes(encoded(3))
    for side in (640, 32, 640):
        prepare("folder", tmp_path / "art", tmp_path / "out", max_side=side)
        frame = load_catalogue(tmp_path / "out")
        assert frame["width"].to_list() == [min(side, 64)] * 3
        assert set(frame["split"]) == {"train", "validation", "test"}
    assert (tmp_path / "out" / "images" / "ann-a.jpg").read_bytes() == encoded(1)


def test_a_manifest_with_splits_keeps_them(tmp_path, encoded):
    (tmp_path / "a.jpg").write_bytes(encoded(1))
    (tmp_path / "b.jpg").write_bytes(encoded(1))
    (tmp_path / "m.csv").write_text("file,artist,split\na.jpg,Ann,train\nb.jpg,Ann,test\n")
    report = prepare("csv", tmp_path / "m.csv", tmp_path / "out")
    assert report.scheme == "given"
    frame = load_catalogue(tmp_path / "out")
    assert frame["split"].to_list() == [None, "test"]
    assert frame["exclusion"].to_list() == ["duplicate of b", None]


def test_mistakes_become_one_sentence(tmp_path, encoded):
    (tmp_path / "art" / "Ann").mkdir(parents=True)
    bad = tmp_path / "art" / "Ann" / "a.jpg"
    bad.write_bytes(b"")
    with pytest.raises(CatalogueError, match="not one image of .* can be read"):
        prepare("folder", tmp_path / "art", tmp_path / "out")
    assert not (tmp_path / "out" / "catalogue.parquet").exists()
    bad.write_bytes(encoded(1))
    (tmp_path / "a file").write_bytes(b"")
    with pytest.raises(OutputError, match="cannot write"):
        prepare("folder", tmp_path / "art", tmp_path / "a file")
    with pytest.raises(CatalogueError, match="lies inside"):
        prepare("folder", tmp_path / "art", tmp_path / "art" / "catalogue")
    with pytest.raises(CatalogueError, match="'zip' is not a kind of source"):
        prepare("zip", tmp_path / "art", tmp_path / "out")
    with pytest.raises(CatalogueError, match="max_side is 0"):
        prepare("folder", tmp_path / "art", tmp_path / "out", max_side=0)
    with pytest.raises(CatalogueError, match="artist-disjoint"):
        prepare("folder", tmp_path / "art", tmp_path / "out", split="pbn")


def test_long_lists_are_cut_in_text_only():
    lines = section("Things", [str(number) for number in range(SHOWN + 5)], str)
    assert lines[1] == f"## Things: {SHOWN + 5}"
    assert lines[-1] == "- and 5 more, all in prepare-report.json"
    assert section("Things", [], str)[-1] == "None."
