"""How the commands read what a person points at, and what they say of it."""

import csv
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samehand.cli.several import spread


@pytest.fixture
def scans(tmp_path, monkeypatch, work_of):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SAMEHAND_HOME", str(tmp_path / "home"))
    (tmp_path / "secure").mkdir()
    for work in range(1, 4):
        work_of(0, work).save(tmp_path / "secure" / f"{work}.JPG", "JPEG")
    for name in ("a", "b"):
        work_of(0 if name == "a" else 1, 9).save(tmp_path / f"{name}.jpg")
    return tmp_path


def test_references_take_every_value_up_to_the_next_option():
    for typed, meant in (
        ("p --references a b", "p --references a --references b"),
        ("p --references a b --json q", "p --references a --references b --json q"),
        ("--references a --references b c -o x y", None),
        ("p --references=a b --prior 0.5", "p --references=a --references b --prior 0.5"),
        ("p q --prior 0.5 r", "p q --prior 0.5 r"),
        ("--references a -- p --references", "--references a -- p --references"),
        ("p --references", "p"),
        ("p --references - b", "p --references - --references b"),
    ):
        expected = "--references a --references b --references c -o x y" if meant is None else meant
        assert spread(typed.split()) == expected.split()


@given(st.lists(st.sampled_from(["a", "b.jpg", "--json", "--references", "--prior=1"])))
def test_spreading_moves_and_loses_no_value(words):
    once = spread(words)
    assert spread(once) == once
    assert [w for w in once if w != "--references"] == [w for w in words if w != "--references"]


def test_what_a_shell_expands_is_all_references(scans, samehand):
    secure = sorted(str(path) for path in (scans / "secure").iterdir())
    (scans / "secure" / "._1.JPG").write_bytes(b"\0\5\26\7")
    (scans / "secure" / "Thumbs.db").write_bytes(b"\0")
    code, out, err = samehand("verify", "a.jpg", "b.jpg", "--references", *secure)
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == "2 doubtful works against 3 references"
    asked = ("a.jpg", "--references", "secure", "--json")
    code, out, err = samehand("verify", *asked)
    assert err == "1 doubtful work against 3 references\n"
    folder = json.loads(out)
    references = ("secure/*", "secure/1.jpg", "--references", *secure[1:], "secure/Thumbs.db")
    found = json.loads(samehand("verify", "a.jpg", "--json", "--references", *references).out)
    assert found["llr"] == pytest.approx(folder["llr"])
    assert len(found["references"]) == 3
    code, out, err = samehand("verify", "--references", "secure/1.JPG", "a.jpg")
    assert (code, out) == (2, "")
    assert "every path after --references is a reference" in err
    assert "Missing argument 'right'" in samehand("compare", "a.jpg").err
    assert "name works by one artist with --references" in samehand("verify", "a.jpg").err
    code, out, err = samehand("compare", "a.jpg")
    assert (code, out) == (2, "")
    assert "Missing argument 'right'" in err
    assert "--references" not in err
    one = samehand("verify", "a.jpg", "--references", "secure/1.JPG").out
    assert "|  1 reference\n" in one


def test_a_reference_that_cannot_be_used_is_named_with_its_row(scans, samehand):
    (scans / "refs.csv").write_text("Bilddatei;Maler\nsecure/1.jpg;Ann\nsecure/9.jpg;Ann\n")
    code, out, err = samehand("verify", "a.jpg", "--references", "refs.csv")
    assert (code, out) == (2, "")
    assert "refs.csv, row 3: no file secure/9.jpg" in err


def test_tables_of_probes_with_named_columns(scans, samehand):
    (scans / "lists").mkdir()
    (scans / "lists" / "ask.tsv").write_text("Foto Nr.\nA.JPG\nb.jpg\ngone.jpg\nA.jpg\n")
    asked = ("verify", "lists/ask.tsv", "--references", "secure")
    assert "did you mean 'Foto Nr.'" in samehand(*asked).err
    code, out, err = samehand(*asked, "--column", "path=Foto Nr.", "--images", ".", "--json")
    assert code == 0
    assert [json.loads(line).get("llr") is None for line in out.splitlines()] == [
        False,
        False,
        True,
    ]
    assert "note: lists/ask.tsv: rows 2, 5 name one file, A.JPG; row 2 counts" in err
    assert "no answer: lists/ask.tsv, row 4: no file gone.jpg in ." in err


def test_nothing_done_is_exit_code_two_in_one_line(scans, samehand, tiny_model):
    (scans / "many").mkdir()
    for i in range(20):
        (scans / "many" / f"{i}.jpg").write_text("<html>403</html>")
    (scans / "many.csv").write_text("path\n" + "".join(f"gone{i}.jpg\n" for i in range(117)))
    for out in ((), ("--out", "o.csv"), ("--out", "o.csv")):
        code, _, err = samehand("verify", "many", "--references", "secure/1.JPG", *out)
        assert code == 2
        assert err.count("no answer") == 1
        assert "20 of 20 images alike, the first: many/0.jpg" in err
    code, out, err = samehand("verify", "many.csv", "--references", "secure")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "none of the 117 files that many.csv names exists, gone0.jpg for one" in err
    model = ("--model", tiny_model)
    samehand("gallery", "create", "g", *model)
    code, _, err = samehand("gallery", "add", "g", "many", *model)
    assert (code, err.count("not added")) == (2, 1)
    code, _, err = samehand("gallery", "add", "g", "many", "secure", *model)
    assert (code, err.count("not added")) == (0, 1)


def test_one_output_file_answers_one_question(scans, samehand):
    asked = ("--references", "secure/1.JPG", "--out", "o.csv")
    assert samehand("verify", "a.jpg", *asked).code == 0
    before = (scans / "o.csv").read_bytes()
    for change in (("--prior", "0.01"), ("--references", "b.jpg")):
        code, _, err = samehand("verify", "a.jpg", "b.jpg", *asked, *change)
        assert code == 2
        assert "o.csv answers another question" in err
        assert (scans / "o.csv").read_bytes() == before
    code, out, _ = samehand("verify", "a.jpg", "b.jpg", *asked)
    assert code == 0
    assert "wrote 1 answer to o.csv, 1 was there, 0 cannot be read" in out


def test_a_gallery_that_has_changed_is_another_question(scans, samehand, tiny_model):
    model = ("--model", tiny_model)
    samehand("gallery", "create", "g", *model)
    samehand("gallery", "add", "g", "secure", *model)
    asked = ("search", "a.jpg", "--gallery", "g", "--out", "o.jsonl", *model)
    assert samehand(*asked).code == 0
    assert "1 was there" in samehand(*asked).out
    assert "top 20 there, 3 here" in samehand(*asked, "--top", "3").err
    samehand("gallery", "add", "g", "b.jpg", *model)
    code, _, err = samehand(*asked)
    assert code == 2
    assert "its gallery state differs" in err


@pytest.mark.parametrize("command", ["search", "identify", "verify"])
def test_every_row_of_a_batch_says_what_is_warned_of(scans, samehand, work_of, command):
    work_of(1, 9, (90, 64)).save(scans / "small.png")
    asked = ("--references", "secure")
    if command != "verify":
        samehand("gallery", "create", "g")
        samehand("gallery", "add", "g", "secure")
        asked = ("--gallery", "g")
        if command == "identify":
            samehand("gallery", "set", "g", "artist=Monet", "--all")
    assert samehand(command, "a.jpg", "small.png", *asked, "--out", "o.csv").code == 0
    with open(scans / "o.csv", newline="") as lines:
        told = {row["probe"]: row["warnings"] for row in csv.DictReader(lines)}
    assert "only 90 x 64 pixels" in told["small.png"]
    assert "pixels" not in told["a.jpg"]


def test_a_gallery_reads_tables_as_people_have_them(scans, samehand, tiny_model):
    (scans / "works.csv").write_text(
        "Nr;Bilddatei;Künstler;Titel\n"
        'I-7;secure/1.jpg; Ann Lee ;Panel 12" high\n'
        "I-8;secure\\2.JPG;Ann Lee;=HYPERLINK(1)\nI-9;secure/1.jpg;Bo;\n",
        encoding="cp1252",
    )
    model = ("--model", tiny_model)
    samehand("gallery", "create", "g", *model)
    code, out, err = samehand("gallery", "add", "g", "works.csv", *model)
    assert (code, out[:7]) == (0, "added 2")
    assert "works.csv is not UTF-8 and was read as Windows-1252" in err
    assert "rows 2, 4 name one file, secure/1.jpg, by Ann Lee and by Bo; row 2 counts" in err
    rows = [
        json.loads(line) for line in samehand("gallery", "list", "g", "--json").out.splitlines()
    ]
    assert [(row["artist"], row["title"], row["extra"]["nr"]) for row in rows] == [
        ("Ann Lee", 'Panel 12" high', "I-7"),
        ("Ann Lee", "=HYPERLINK(1)", "I-8"),
    ]
    nobody = samehand("search", "a.jpg", "--gallery", "g", "--where", "artist=Annn", *model).out
    assert "samehand gallery list g" in nobody
    samehand("search", "a.jpg", "--gallery", "g", "--out", "near.csv", *model)
    titles = [row["title"] for row in csv.DictReader((scans / "near.csv").read_text().splitlines())]
    assert sorted(titles) == ["'=HYPERLINK(1)", 'Panel 12" high']
