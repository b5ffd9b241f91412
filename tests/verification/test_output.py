import csv
import io
import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samehand.catalogue.text_table import safe_cell, true_cell
from samehand.errors import ImageError, OutputError
from samehand.verification.batch import answer_all
from samehand.verification.output import Table, csv_text, failure_lines, record_path

TABLE = Table(("title", "llr"), lambda answer: answer["rows"])
QUESTION = {"command": "verify", "prior": 0.5, "references": ["a", "b"], "gallery_state": "x"}
HOSTILE = ["\u2028end", "\x85", "=HYPERLINK(1)", 'say "so"', "two\nlines", "\x1b[31m", "-1", "@x"]


@pytest.fixture
def probes(tmp_path):
    names = [
        *(f"{i}.jpg" for i in range(4)),
        "=cmd.jpg",
        "new\nline.jpg",
        "a\u2028b.jpg",
        "'=q.jpg",
    ]
    for name in names:
        (tmp_path / name).write_text(name)
    return [tmp_path / name for name in names]


@pytest.fixture(params=["out.csv", "out.jsonl"])
def out(tmp_path, request):
    return tmp_path / "results" / request.param


class Asker:
    """Answers with the content of the file, in one line or two; refuses a file that says "bad"."""

    def __init__(self):
        self.asked = []

    def __call__(self, path):
        self.asked.append(path)
        text = path.read_text() if path.exists() else "bad"
        if text == "bad":
            raise ImageError(f"{path} is bad")
        rows = [{"title": HOSTILE[len(text) % len(HOSTILE)], "llr": 1.5}, {"title": text}]
        return {"content": text, "rows": rows[: 1 + len(text) % 2]}


def ask(probes, out, question=QUESTION):
    asker = Asker()
    return answer_all(probes, asker, out, TABLE, question, "asking"), asker.asked


def contents(out):
    """What the file says of each probe, by the means of another reader."""
    text = out.read_text(encoding="utf-8")
    if out.suffix == ".jsonl":
        rows = [json.loads(line) for line in text.split("\n") if line]
    else:
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
    found = {}
    for row in rows:
        found.setdefault(row["probe"].removeprefix("'"), []).append(row)
    return found


def test_a_rerun_asks_nothing_again_whatever_names_and_titles_hold(probes, out):
    batch, asked = ask(probes, out)
    assert (batch.answered, batch.before, batch.failed) == (8, 0, {})
    assert asked == probes
    before = out.read_bytes()
    batch, asked = ask(probes, out)
    assert (batch.answered, batch.before, asked) == (0, 8, [])
    assert out.read_bytes() == before
    batch, asked = ask(probes[:2], out)
    assert (batch.before, asked) == (2, [])
    assert out.read_bytes() == before


def test_a_file_cut_anywhere_is_completed(probes, out):
    ask(probes, out)
    whole, record = out.read_bytes(), record_path(out).read_bytes()
    expected = contents(out)
    for cut in range(0, len(whole), 23):
        for kept in (len(record), int(len(record) * cut / len(whole))):
            out.write_bytes(whole[:cut])
            record_path(out).write_bytes(record[: max(kept, record.index(b"\n") + 1)])
            ask(probes, out)
            assert contents(out) == expected, (cut, kept)


def test_another_question_is_refused_and_the_file_left_alone(probes, out):
    ask(probes, out)
    before = out.read_bytes()
    for change, said in (
        ({"prior": 0.01}, "prior 0.5 there, 0.01 here"),
        ({"command": "search"}, "command verify there, search here"),
        ({"references": ["a"]}, "its references differ"),
        ({"gallery_state": "y"}, "its gallery state differs"),
    ):
        with pytest.raises(OutputError, match="answers another question") as caught:
            ask(probes, out, QUESTION | change)
        assert said in str(caught.value)
        assert out.read_bytes() == before


def test_an_image_is_asked_again_when_its_file_has_changed(probes, out):
    probes[1].write_text("bad")
    batch, _ = ask([*probes, out.parent / "gone.jpg"], out)
    assert list(batch.failed) == [str(probes[1]), str(out.parent / "gone.jpg")]
    batch, asked = ask(probes, out)
    assert (list(batch.failed), asked) == ([str(probes[1])], [])
    probes[1].write_text("mended")
    probes[2].write_text("another picture")
    (out.parent / "gone.jpg").write_text("back")
    batch, asked = ask([*probes, out.parent / "gone.jpg"], out)
    assert asked == [probes[1], probes[2], out.parent / "gone.jpg"]
    assert (batch.answered, batch.failed) == (3, {})
    found = contents(out)
    assert len(found) == 9
    assert not any(row.get("error") for rows in found.values() for row in rows)


def test_a_file_of_something_else_is_left_alone(probes, out):
    out.parent.mkdir()
    for text in ("precious\n", "probe,other\nx,y\n", "\n\nprecious\n"):
        out.write_text(text)
        with pytest.raises(OutputError, match="choose another --out"):
            ask(probes, out)
        record_path(out).write_text(json.dumps(QUESTION) + "\n")
        with pytest.raises(OutputError, match="holds something else|choose another --out"):
            ask(probes, out)
        assert out.read_text() == text
        record_path(out).unlink()
    out.write_text("\n")
    assert ask(probes, out)[0].answered == 8
    if out.suffix == ".csv":
        out.write_text(out.read_text() + "\n\n")
        assert ask(probes, out)[0].before == 8


def test_outputs_of_no_known_kind_are_refused(probes, tmp_path):
    for name in ("out.xlsx", "out.txt", "out"):
        with pytest.raises(OutputError, match="neither .csv nor .jsonl"):
            ask(probes, tmp_path / name)
        assert not (tmp_path / name).exists()
    with pytest.raises(OutputError, match="is one of the images itself"):
        ask([tmp_path / "out.csv"], tmp_path / "out.csv")


def test_no_cell_is_taken_for_a_formula():
    row = {"title": "=HYPERLINK(1)", "llr": -1.25}
    text = csv_text({"probe": "@SUM(A1).jpg", "rows": [row]}, TABLE)
    assert text == "'@SUM(A1).jpg,'=HYPERLINK(1),-1.25,\n"
    for value in ("=1", "+1x", "-x", "@x", "\tx", "\rx", "'=1", "\uff1d1"):
        assert safe_cell(value) == "'" + value
    for value in ("-1.5", "+3", "-1e-5", "x=1", "", " ", "'", "'tis", 5, -1.5, None):
        assert safe_cell(value) == value


@given(st.text(max_size=12) | st.from_regex(r"'*[=+@-].*", fullmatch=True))
def test_a_safe_cell_gives_its_text_back(text):
    assert true_cell(safe_cell(text)) == text


def test_alike_failures_take_one_line():
    failed = {f"/scans/{i}.jpg": f"no file at /scans/{i}.jpg; check the path" for i in range(117)}
    failed |= {"/scans/x.tif": "/scans/x.tif is damaged"}
    assert failure_lines(failed, 200) == [
        "117 of 200 images alike, the first: no file at /scans/0.jpg; check the path",
        "/scans/x.tif is damaged",
    ]
    rows = {f"{i}.jpg": f"t.csv, row {i}: no file {i}.jpg in ." for i in range(2, 9)}
    assert len(failure_lines(rows, 7)) == 1
    assert failure_lines(dict(list(rows.items())[:3]), 7) == list(rows.values())[:3]


def test_names_that_are_not_text_are_kept(tmp_path, out):
    probe = tmp_path / os.fsdecode(b"caf\xe9.jpg")
    try:
        probe.write_text("x")
    except OSError:
        pytest.skip("this file system accepts no such name")
    assert ask([probe], out)[0].answered == 1
    assert ask([probe], out)[0].before == 1


def test_a_carriage_return_ends_no_row(tmp_path):
    probes = [tmp_path / name for name in ("\r=1.jpg", "a\rb.jpg")]
    for probe in probes:
        probe.write_text(probe.name)
    batch, _ = ask(probes, tmp_path / "out.csv")
    text = (tmp_path / "out.csv").read_bytes().decode()
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert batch.answered == 2
    assert {row[0] for row in rows[1:]} == set(map(str, probes))
    batch, asked = ask(probes, tmp_path / "out.csv")
    assert (batch.before, asked) == (2, [])
