"""One output file, one question: answers that are appended as they come, and resumed.

Beside `out.csv` lies `out.csv.question.jsonl`: its first line is the question, and every other
line says of one image how its file was when it was asked about. An answer counts once its line is
there, so one that was cut short is asked for again; so is one whose image has changed since.
"""

import csv
import io
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, NamedTuple

from samehand.catalogue.text_table import csv_line, safe_cell, true_cell
from samehand.errors import OutputError
from samehand.files import atomic_path, output_error, read_json, write_text

Answer = dict[str, Any]
"""What was found about one image, JSON-ready: `probe`, and then the answer or `error`."""

Question = Mapping[str, Any]
"""Everything that decides the answers, JSON-ready, by names that a person understands."""

SUFFIXES = (".csv", ".jsonl")

_ALIKE = 3
"""So many failures of one kind are still listed one by one."""


@dataclass(frozen=True, slots=True)
class Table:
    """How a CSV file shows an answer.

    Attributes:
        columns: Between `probe` and `error`.
        rows: An answer's lines, each with values for some of the columns.
    """

    columns: tuple[str, ...]
    rows: Callable[[Answer], Sequence[Mapping[str, object]]]

    @property
    def header(self) -> list[str]:
        """Every column of the file."""
        return ["probe", *self.columns, "error"]


@dataclass(frozen=True, slots=True)
class Before:
    """What an output file holds of earlier calls that asked the same question.

    Attributes:
        answered: Images with an answer.
        failed: Why others had none, by path; their files have not changed since.
    """

    answered: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)


class _Block(NamedTuple):
    """What a file holds of one image: its lines, its error if any, and how many rows."""

    lines: str
    error: str
    rows: int


class Output:
    """An output file, open for answers."""

    def __init__(self, sink: IO[str], record: IO[str], table: Table | None) -> None:
        """Append answers to `sink`, as CSV where there is a `table`, and states to `record`."""
        self._sink, self._record, self._table = sink, record, table

    def write(self, found: Answer, state: Sequence[int] | None) -> None:
        """Append an answer, given how its image's file was before it was asked about."""
        if self._table is None:
            text, rows = json.dumps(found, ensure_ascii=False) + "\n", 1
        else:
            text, rows = csv_text(found, self._table), len(_rows(found, self._table))
        self._sink.write(text)
        self._sink.flush()
        # The number of rows, since a power cut may keep the record and lose some of them.
        entry = {"probe": found["probe"], "state": state, "rows": rows}
        self._record.write(json.dumps(entry) + "\n")
        self._record.flush()


def record_path(out: Path) -> Path:
    """Return the file that says which question `out` answers."""
    return out.with_name(out.name + ".question.jsonl")


def file_state(path: str | os.PathLike[str]) -> list[int] | None:
    """Return what changes when a file does: its size and time, or None where there is none."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return [status.st_size, status.st_mtime_ns]


@contextmanager
def open_output(
    out: Path, question: Question, probes: Iterable[str], table: Table
) -> Iterator[tuple[Output, Before]]:
    """Open a file for the answers to one question, and say what it holds already.

    Args:
        out: A .csv or .jsonl file, which may exist from an earlier call.
        question: Everything that decides the answers.
        probes: The images that are asked about now.
        table: How a CSV file shows an answer.

    Raises:
        OutputError: `out` is of neither kind, answers another question, holds something else, or
            cannot be written.
    """
    if out.suffix.lower() not in SUFFIXES:
        raise OutputError(f"{out} is neither .csv nor .jsonl; choose one of the two for --out")
    layout = table if out.suffix.lower() == ".csv" else None
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        before = _resume(out, question, set(probes), layout)
        with _appending(out) as sink, _appending(record_path(out)) as record:
            yield Output(sink, record, layout), before
    except OSError as error:
        raise output_error(out, error) from error


def csv_text(found: Answer, table: Table) -> str:
    """Return an answer's lines of a CSV file, safe to open in a spreadsheet."""
    lines = []
    for row in _rows(found, table):
        values = {"probe": found["probe"], "error": found.get("error", "")} | dict(row)
        lines.append(csv_line(safe_cell(values.get(name, "")) for name in table.header))
    return "".join(lines)


def _rows(found: Answer, table: Table) -> Sequence[Mapping[str, object]]:
    return [{}] if found.get("error") else list(table.rows(found)) or [{}]


def failure_lines(failed: Mapping[str, str], total: int) -> list[str]:
    """Return what to print of failures: alike ones, however many, take one line.

    Args:
        failed: Reasons by path.
        total: How many images there were.
    """
    kinds: dict[str, list[str]] = {}
    for path, reason in failed.items():
        shape = reason.replace(path, "*").replace(os.path.basename(path) or path, "*")
        kinds.setdefault(re.sub(r"\d+", "#", shape), []).append(reason)
    lines: list[str] = []
    for some in kinds.values():
        if len(some) <= _ALIKE:
            lines += some
        else:
            lines.append(f"{len(some):,} of {total:,} images alike, the first: {some[0]}")
    return lines


def _appending(path: Path) -> IO[str]:
    return open(path, "a", encoding="utf-8", errors="surrogateescape", newline="")


def _resume(out: Path, question: Question, probes: set[str], table: Table | None) -> Before:
    """Check that a file answers this question, and rid it of what is to be asked again."""
    asked = json.loads(json.dumps(question))
    text = _read(out)
    if not text.strip():
        write_text(record_path(out), json.dumps(asked, ensure_ascii=False) + "\n")
        _rewrite(out, "" if table is None else _header(table))
        return Before()
    states = _states(out, asked)
    whole = text if text.endswith("\n") else text[: text.rfind("\n") + 1]
    blocks = _blocks(out, whole, table)
    before = Before()
    kept: list[str] = []
    for probe, (lines, error, rows) in blocks.items():
        state, written = states.get(probe, (None, 0))
        if rows != written or (probe in probes and state != file_state(probe)):
            continue
        kept.append(lines)
        if error:
            before.failed[probe] = error
        else:
            before.answered.add(probe)
    fresh = ("" if table is None else _header(table)) + "".join(kept)
    if fresh != text:
        _rewrite(out, fresh)
    return before


def _states(out: Path, asked: Question) -> dict[str, tuple[list[int] | None, int]]:
    """Return how images' files were, and their rows, once the question is known to be the same."""
    lines = _read(record_path(out)).split("\n")
    try:
        question = read_json(lines[0])
        assert isinstance(question, dict)
    except (ValueError, AssertionError) as error:
        raise OutputError(
            f"{out} exists, but no {record_path(out).name} beside it says which question it "
            "answers; choose another --out, or delete it"
        ) from error
    if question != asked:
        raise OutputError(
            f"{out} answers another question ({_difference(question, asked)}); choose another "
            "--out, or delete it"
        )
    states: dict[str, tuple[list[int] | None, int]] = {}
    # The last line may be torn.
    for line in lines[1:-1]:
        try:
            entry = read_json(line)
            states[entry["probe"]] = entry["state"], entry["rows"]
        except (ValueError, KeyError, TypeError):
            continue
    return states


def _difference(there: Question, here: Question) -> str:
    for name in dict.fromkeys([*here, *there]):
        old, new = there.get(name), here.get(name)
        if old != new:
            shown = name.replace("_", " ")
            if isinstance(old, list | dict) or isinstance(new, list | dict) or "state" in name:
                return f"its {shown} differ" if shown.endswith("s") else f"its {shown} differs"
            return f"{shown} {old} there, {new} here"
    return "no difference"


def _blocks(out: Path, text: str, table: Table | None) -> dict[str, _Block]:
    """Return what is written of each image."""
    try:
        return _json_blocks(text) if table is None else _csv_blocks(text, table)
    except (ValueError, KeyError, TypeError, csv.Error) as error:
        raise OutputError(
            f"{out} exists and holds something else; choose another --out, or delete it"
        ) from error


def _json_blocks(text: str) -> dict[str, _Block]:
    blocks: dict[str, _Block] = {}
    # Not splitlines: a title may hold U+2028.
    for line in text.split("\n"):
        if line.strip():
            found = read_json(line)
            blocks[found["probe"]] = _Block(line + "\n", found.get("error", ""), 1)
    return blocks


def _csv_blocks(text: str, table: Table) -> dict[str, _Block]:
    rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    if rows and rows[0] != table.header:
        raise ValueError("other columns")
    blocks: dict[str, _Block] = {}
    for row in rows[1:]:
        if len(row) == len(table.header):
            probe = true_cell(row[0])
            before = blocks.get(probe, _Block("", "", 0))
            blocks[probe] = _Block(before.lines + csv_line(row), row[-1], before.rows + 1)
    return blocks


def _header(table: Table) -> str:
    return csv_line(table.header)


def _read(path: Path) -> str:
    if not path.exists():
        return ""
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as source:
        return source.read()


def _rewrite(out: Path, text: str) -> None:
    with atomic_path(out) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="surrogateescape", newline="")
