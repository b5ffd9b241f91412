"""Text tables: CSV of any separator, encoding and habit of quoting."""

import codecs
import csv
import io
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TextIO

from samehand.catalogue.headings import SYNONYMS, fold_heading
from samehand.errors import CatalogueError
from samehand.plural import counted

Record = tuple[int, list[str]]
"""A row's number as a spreadsheet shows it, and its values."""

Records = Callable[[], Iterator[Record]]
"""Begins a reading of a table."""

ABOVE_HEADER = 10
"""So many rows may stand above the headings: a title, a date, blank ones."""

KNOWN = frozenset(fold_heading(name) for names in SYNONYMS.values() for name in names)

_FORMULA = re.compile(r"'*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"[+-]?[0-9]*[.,]?[0-9]+([eE][+-]?[0-9]+)?")

_SEPARATORS = (",", ";", "\t", "|")
_NO_SEPARATOR = "\x1f"


@dataclass(frozen=True, slots=True)
class _Layout:
    """How a text file is divided into values.

    Attributes:
        path: The file.
        encoding: What it is written in.
        separator: What divides the columns.
        has_separator_line: Whether it begins with Excel's `sep=;`.
        spaced: Whether blanks stand between a separator and a quoted value.
    """

    path: Path
    encoding: str
    separator: str
    has_separator_line: bool
    spaced: bool


def text_records(path: Path, wanted: Collection[str]) -> tuple[Records, str, tuple[str, ...]]:
    """Return a text table's rows, its encoding, and what to tell of how it was read.

    Args:
        path: The file.
        wanted: Headings that the caller knows of, apart from those of `SYNONYMS`.

    Raises:
        CatalogueError: It is binary, or its quotation marks do not pair.
        OSError: It cannot be read.
    """
    encoding, quotes, notes = _encoding(path)
    try:
        with _open_text(path, encoding) as source:
            head = source.read(2**16)
    except UnicodeError as error:
        raise _not_whole(path, encoding) from error
    if "\0" in head and encoding in ("cp1252", "latin-1"):
        raise CatalogueError(f"{path} is not a table but binary data; name a CSV file")
    first = re.match(r"sep=(.)\r?\n", head, re.IGNORECASE)
    separator = first[1] if first else _separator(head, _with(wanted))
    layout = _Layout(path, encoding, separator, first is not None, f'{separator} "' in head)
    if not quotes:
        return (lambda: _rows(layout, plain=True)), encoding, notes
    try:
        for _ in _rows(layout):
            pass
    except CatalogueError:
        # A table whose quotation marks are letters like any other, as databases export them.
        widths = {len(values) for _, values in _rows(layout, plain=True) if values}
        if len(widths) != 1 or widths == {1}:
            raise
        note = f"{path}: its quotation marks are read as part of the text, since they do not pair"
        return (lambda: _unquoted_rows(layout)), encoding, (*notes, note)
    return (lambda: _rows(layout)), encoding, notes


def csv_line(values: Iterable[object]) -> str:
    """Return a row of a CSV file, ended by a line feed."""
    buffer = io.StringIO(newline="")
    # Python quotes a carriage return only where lines end in one, and it would end the row.
    csv.writer(buffer, lineterminator="\r\n").writerow(values)
    return buffer.getvalue()[:-2] + "\n"


def safe_cell(value: object) -> object:
    """Return a value as a table shows it: no spreadsheet takes text for a formula.

    Text that begins with =, +, -, @, a tab or a carriage return has an apostrophe set before it,
    as OWASP advises against "CSV injection"; numbers stay what they are.
    """
    if isinstance(value, str) and _FORMULA.match(value) and not _NUMBER.fullmatch(value):
        return "'" + value
    return value


def true_cell(text: str) -> str:
    """Return the text that `safe_cell` wrote."""
    return text[1:] if text[:1] == "'" and safe_cell(text[1:]) == text else text


def known_headings(values: Sequence[str], wanted: Collection[str]) -> int:
    """Return how many values are headings that are understood."""
    return sum(fold_heading(value) in _with(wanted) for value in values)


def _with(wanted: Collection[str]) -> Collection[str]:
    return KNOWN | {fold_heading(name) for name in wanted} if wanted else KNOWN


def _rows(layout: _Layout, plain: bool = False) -> Iterator[Record]:
    with _open_text(layout.path, layout.encoding) as source:
        if layout.has_separator_line:
            source.readline()
        reader = csv.reader(
            source,
            delimiter=layout.separator,
            quoting=csv.QUOTE_NONE if plain else csv.QUOTE_MINIMAL,
            strict=True,
            skipinitialspace=layout.spaced,
        )
        number = 0
        try:
            for number, values in enumerate(reader, 1):
                yield number, values
        except csv.Error as error:
            raise CatalogueError(
                f"cannot read {layout.path}, row {number + 1}, as CSV: {_csv_reason(error)}"
            ) from error
        except UnicodeError as error:
            raise _not_whole(layout.path, layout.encoding) from error


def _not_whole(path: Path, encoding: str) -> CatalogueError:
    name = encoding[:6].upper()
    return CatalogueError(
        f"{path} is damaged: it begins as {name} and does not go on so; save it again"
    )


def _unquoted_rows(layout: _Layout) -> Iterator[Record]:
    for number, values in _rows(layout, plain=True):
        yield number, [_unquoted(value) for value in values]


def _unquoted(value: str) -> str:
    """Return a value without quotation marks around all of it."""
    inner = value[1:-1].replace('""', '"')
    paired = len(value) > 1 and value[0] == value[-1] == '"'
    # `"Spring"` and `"Panel 12" high"`, but not `"Dawn" and "Dusk"`.
    return inner if paired and (inner.count('"') % 2 == 1 or '"' not in inner) else value


def _csv_reason(error: csv.Error) -> str:
    if "expected after" in str(error) or "unexpected end of data" in str(error):
        return (
            "a value begins with a quotation mark that does not end it; write a mark inside a "
            'quoted value twice ("")'
        )
    return f"{error}; correct that row"


def _open_text(path: Path, encoding: str) -> TextIO:
    # File names may be any bytes among UTF-8; no byte of UTF-16 stands for itself.
    errors = "surrogateescape" if encoding.startswith("utf-8") else "strict"
    return open(path, encoding=encoding, errors=errors, newline="")


def _encoding(path: Path) -> tuple[str, bool, tuple[str, ...]]:
    """Return a text file's encoding, whether it holds quotation marks, and what to tell of it."""
    marks = {
        codecs.BOM_UTF8: "utf-8-sig",
        codecs.BOM_UTF32_LE: "utf-32",
        codecs.BOM_UTF32_BE: "utf-32",
        codecs.BOM_UTF16_LE: "utf-16",
        codecs.BOM_UTF16_BE: "utf-16",
    }
    good = bad = 0
    quotes = defined = True
    with open(path, "rb") as source:
        start = source.read(4096)
        for mark, name in marks.items():
            if start.startswith(mark):
                return name, True, ()
        if 0 in start:
            # Latin letters in UTF-16 are every other byte zero.
            if start[1::2].count(0) > 0.4 * len(start[1::2]):
                return "utf-16-le", True, ()
            if start[::2].count(0) > 0.4 * len(start[::2]):
                return "utf-16-be", True, ()
        source.seek(0)
        quotes = False
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        while block := source.read(2**20):
            quotes = quotes or b'"' in block
            if not block.isascii() or good or bad:
                text = decoder.decode(block)
                bad += text.count("\ufffd")
                good += sum(letter > "\x7f" for letter in text)
                defined = defined and not re.search(rb"[\x81\x8d\x8f\x90\x9d]", block)
    if not bad:
        return "utf-8", quotes, ()
    if good - bad > bad:
        return (
            "utf-8",
            quotes,
            (f"{path} is UTF-8 but for {counted(bad, 'letter')}; save it again",),
        )
    name = "cp1252" if defined else "latin-1"
    label = "Windows-1252" if defined else "Latin-1"
    note = f"{path} is not UTF-8 and was read as {label}; if accents look wrong, save it as UTF-8"
    return name, quotes, (note,)


def _separator(head: str, known: Collection[str]) -> str:
    """Return what divides the columns: what makes most sense of the headings."""

    def worth(separator: str) -> tuple[int, int]:
        rows = csv.reader(io.StringIO(head, newline=""), delimiter=separator)
        try:
            return max(
                ((known_headings(row, known), len(row)) for row in islice(rows, ABOVE_HEADER)),
                default=(0, 0),
            )
        except csv.Error:
            return 0, 0

    best = max(_SEPARATORS, key=worth)
    # With one column there is nothing to divide, so a comma belongs to a file's name.
    return best if worth(best)[1] > 1 and not _is_list(head, known) else _NO_SEPARATOR


def _is_list(head: str, known: Collection[str]) -> bool:
    first = next((line for line in re.split(r"\r\n|\r|\n", head) if line.strip()), "")
    return fold_heading(first) in known and not any(mark in first for mark in _SEPARATORS)
