"""What strangers call files, artists and columns never reaches a terminal as more than letters."""

import csv
import io
import json
import re

import pytest

from samehand.cli.options import say

NAMES = [
    "\x1b[31mred\x07",
    "two\nlines",
    "\r=1+1",
    "\u202egnp",
    "\u2028end",
    "\x9b31m",
    "=HYPERLINK(1)",
]
WORDS = [*NAMES, "<script>alert(1)</script>"]

# Whatever moves a cursor, turns text round or ends a line, in a terminal of either width of bytes.
RAW = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


@pytest.fixture
def shelf(samehand, tiny_model, work_of, tmp_path, monkeypatch):
    """A gallery of works whose files, labels and columns are called by such names."""
    monkeypatch.setenv("SAMEHAND_MODEL", str(tiny_model))
    monkeypatch.setenv("SAMEHAND_CACHE", str(tmp_path / "cache"))
    with open(tmp_path / "works.csv", "w", encoding="utf-8", newline="") as sink:
        table = csv.writer(sink)
        table.writerow(["path", "artist", "title", "date", "accession number", "\x1b[31mroom"])
        for number, name in enumerate(NAMES):
            work_of(number // 2, number, (240, 200)).save(tmp_path / f"{name}.png")
            table.writerow([f"{name}.png", *(WORDS[(number + i) % 8] for i in range(5))])
    samehand("gallery", "create", tmp_path / "g")
    assert samehand("gallery", "add", tmp_path / "g", tmp_path / "works.csv").code == 0
    return tmp_path / "g"


def test_a_line_is_printed_as_letters(capsys):
    say("one \x1b[31mred\x07\ntwo \u202e\x9b\r\u2028")
    assert capsys.readouterr().out == "one \\x1b[31mred\\x07\ntwo \\u202e\\x9b\\r\\u2028\n"


@pytest.mark.slow  # pytest -m slow tests/test_cli_hostile_names.py
def test_a_terminal_is_shown_letters_alone(shelf, samehand, tmp_path):
    one, two = (tmp_path / f"{name}.png" for name in NAMES[:2])
    for words in (
        ["gallery", "info", shelf],
        ["gallery", "info", shelf, "--json"],
        ["gallery", "list", shelf],
        ["gallery", "list", shelf, "--json"],
        ["search", one, two, "--gallery", shelf],
        ["search", one, "--gallery", shelf, "--json"],
        ["compare", one, two, "--gallery", shelf],
        ["compare", one, two, "--json"],
        ["decide", shelf, one, two, "same", "--note", "\x1b[31m\n=1", "--by", "\u202e"],
        ["decisions", shelf],
        ["queue", shelf, "--labelled"],
        ["gallery", "export", shelf, "--out", tmp_path / "\x1b[31m.csv"],
        ["gallery", "list", tmp_path / "\x1b[31mnone"],
        ["gallery", "list", shelf, "--where", "\x1b[31m=x"],
    ):
        done = samehand(*words)
        assert done.code == (2 if "none" in str(words) or "--where" in words else 0), done.err
        assert not RAW.search(done.out + done.err), words
        if "--json" in words:
            lines = done.out.splitlines() if "list" in words else [done.out]
            assert [json.loads(line) for line in lines]


@pytest.mark.slow
def test_every_row_of_a_table_keeps_its_columns(shelf, samehand, tmp_path):
    probes = [tmp_path / f"{name}.png" for name in NAMES[1:3]]
    out = tmp_path / "out.csv"
    assert samehand("search", *probes, "--gallery", shelf, "--top", 3, "--out", out).code == 0
    text = out.read_bytes().decode()
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    assert len(rows) == 3 * len(probes)
    assert {len(row) for row in rows} == {len(header)}
    formulas = [cell for row in rows for cell in row if re.match("[=+@\t\r]", cell)]
    assert formulas == []
