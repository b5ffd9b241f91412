"""Tables as people have them: CSV of any separator and encoding, spreadsheets, Parquet, JSON."""

import codecs
import csv
import datetime
import io
import json
import math
import re
import zipfile
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TextIO

from samehand.catalogue.headings import SYNONYMS, fold_heading
from samehand.errors import CatalogueError

TABLE_SUFFIXES = frozenset(
    ".csv .tsv .tab .xlsx .xlsm .xls .ods .parquet .pq .jsonl .ndjson .json".split()
)
"""In lower case."""

Record = tuple[int, list[str]]
"""A row's number as a spreadsheet shows it, and its values."""

_SEPARATORS = (",", ";", "\t", "|")
_NO_SEPARATOR = "\x1f"
_ABOVE_HEADER = 10
"""So many rows may stand above the headings: a title, a date, blank ones."""
_MOST_CELLS = 50_000_000
_KNOWN = frozenset(fold_heading(name) for names in SYNONYMS.values() for name in names)


@dataclass(frozen=True, slots=True)
class Table:
    """A table, open for any number of readings.

    Attributes:
        path: The file.
        header: Its headings, as written.
        header_row: The number of the row that they stand in.
        notes: What a person should know of how it was read, a sentence each.
        encoding: What a text file is written in, so that its bytes can be written again.
        records: Begins a reading: every row with its number.
    """

    path: Path
    header: list[str]
    header_row: int
    notes: tuple[str, ...]
    encoding: str
    records: Callable[[], Iterator[Record]]

    def rows(self) -> Iterator[Record]:
        """Yield the rows below the header that hold anything, each as wide as the header.

        Raises:
            CatalogueError: A row has more values than there are columns.
        """
        width = len(self.header)
        for number, values in self.records():
            if number <= self.header_row or not _holds_anything(values):
                continue
            if any(value.strip() for value in values[width:]):
                raise CatalogueError(
                    f"{self.path}, row {number}: {len(values)} values under {width} columns; put "
                    "quotation marks round a value that holds a separator"
                )
            # Spreadsheets leave out separators behind the last value of a row.
            yield number, [*values[:width], *[""] * (width - len(values))]


def is_table_name(name: str | Path) -> bool:
    """Return whether a file name ends like a table's, in any letter case."""
    return Path(name).suffix.lower() in TABLE_SUFFIXES


def open_table(path: Path, wanted: Collection[str] = ()) -> Table:
    """Open a table by its suffix: CSV (also with `;` or tabs), a spreadsheet, Parquet or JSON.

    Args:
        path: The file.
        wanted: Headings that the caller knows of, apart from those of `SYNONYMS`.

    Raises:
        CatalogueError: It does not exist, is empty, or is not what its suffix says.
    """
    if not path.exists():
        raise CatalogueError(f"{path} does not exist; name a table")
    if not path.is_file():
        raise CatalogueError(f"cannot read {path}: it is a folder or a pipe; name an ordinary file")
    suffix = path.suffix.lower()
    notes: tuple[str, ...] = ()
    encoding = "utf-8"
    try:
        if suffix in (".parquet", ".pq"):
            records = _fixed(_parquet_records(path))
        elif suffix in (".xlsx", ".xlsm", ".xls", ".ods"):
            found, notes = _sheet_records(path)
            records = _fixed(found)
        elif suffix in (".jsonl", ".ndjson", ".json"):
            records = _fixed(_json_records(path))
        else:
            records, encoding, notes = _text_records(path, wanted)
        known = _KNOWN | {fold_heading(name) for name in wanted}
        top = [record for record in islice(records(), _ABOVE_HEADER) if _holds_anything(record[1])]
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise CatalogueError(f"cannot read {path}: {reason}; change its permissions") from error
    if not top:
        raise CatalogueError(f"{path} is empty; it needs a row of column names and then rows")
    number, header = next((record for record in top if _known_headings(record[1], known)), top[0])
    while header and not header[-1].strip() and len(header) > 1:
        header = header[:-1]
    return Table(path, header, number, notes, encoding, records)


def _holds_anything(values: Sequence[str]) -> bool:
    return any(value.strip() for value in values)


def _known_headings(values: Sequence[str], known: Collection[str]) -> int:
    return sum(fold_heading(value) in known for value in values)


def _fixed(records: list[Record]) -> Callable[[], Iterator[Record]]:
    return lambda: iter(records)


def _text_records(
    path: Path, wanted: Collection[str]
) -> tuple[Callable[[], Iterator[Record]], str, tuple[str, ...]]:
    encoding, quotes, notes = _encoding(path)
    known = _KNOWN | {fold_heading(name) for name in wanted}
    with _open_text(path, encoding) as source:
        head = source.read(2**16)
    if "\0" in head:
        raise CatalogueError(f"{path} is not a table but binary data; name a CSV file")
    first = re.match(r"sep=(.)\r?\n", head, re.IGNORECASE)
    separator = first[1] if first else _separator(head, known)

    def records(plain: bool = not quotes) -> Iterator[Record]:
        with _open_text(path, encoding) as source:
            if first:
                source.readline()
            reader = csv.reader(
                source,
                delimiter=separator,
                quoting=csv.QUOTE_NONE if plain else csv.QUOTE_MINIMAL,
                strict=True,
                skipinitialspace=f'{separator} "' in head,
            )
            number = 0
            try:
                for number, values in enumerate(reader, 1):
                    yield number, values
            except csv.Error as error:
                raise CatalogueError(
                    f"cannot read {path}, row {number + 1}, as CSV: {_csv_reason(error)}"
                ) from error

    if not quotes:
        return records, encoding, notes
    try:
        for _ in records():
            pass
    except CatalogueError:
        # A table whose quotation marks are letters like any other, as databases export them.
        widths = {len(values) for _, values in records(plain=True) if values}
        if len(widths) != 1 or widths == {1}:
            raise

        def unquoted() -> Iterator[Record]:
            for number, values in records(plain=True):
                yield number, [_unquoted(value) for value in values]

        note = f"{path}: its quotation marks are read as part of the text, since they do not pair"
        return unquoted, encoding, (*notes, note)
    return records, encoding, notes


def _csv_reason(error: csv.Error) -> str:
    if "expected after" in str(error) or "unexpected end of data" in str(error):
        return (
            "a value begins with a quotation mark that does not end it; write a mark inside a "
            'quoted value twice ("")'
        )
    return f"{error}; mend that row"


def _unquoted(value: str) -> str:
    """Return a value without quotation marks around all of it."""
    inner = value[1:-1].replace('""', '"')
    paired = len(value) > 1 and value[0] == value[-1] == '"'
    # `"Spring"` and `"Panel 12" high"`, but not `"Dawn" and "Dusk"`.
    return inner if paired and (inner.count('"') % 2 == 1 or '"' not in inner) else value


def _open_text(path: Path, encoding: str) -> TextIO:
    return open(path, encoding=encoding, errors="surrogateescape", newline="")


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
        return "utf-8", quotes, (f"{path} is UTF-8 but for {bad:,} letters; save it again",)
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
                ((_known_headings(row, known), len(row)) for row in islice(rows, _ABOVE_HEADER)),
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


def _sheet_records(path: Path) -> tuple[list[Record], tuple[str, ...]]:
    """Read the first visible sheet that holds anything."""
    from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum

    try:
        _refuse_vast(path)
        with CalamineWorkbook.from_path(path) as book:
            visible = [
                sheet.name
                for sheet in book.sheets_metadata
                if sheet.visible == SheetVisibleEnum.Visible
            ]
            for name in visible:
                rows = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
                if not any(value != "" for row in rows for value in row):
                    continue
                records = [(i, [_text(value) for value in row]) for i, row in enumerate(rows, 1)]
                others = f'{path}: read the sheet "{name}", the first of {len(visible)}'
                return records, (others,) if len(visible) > 1 else ()
    except (CalamineError, zipfile.BadZipFile, KeyError) as error:
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        raise CatalogueError(
            f"cannot read {path} as a spreadsheet ({reason}); save it again, or as CSV"
        ) from error
    return [], ()


def _refuse_vast(path: Path) -> None:
    """Refuse a small file that unpacks to more than memory holds."""
    if path.suffix.lower() not in (".xlsx", ".xlsm") or not zipfile.is_zipfile(path):
        return
    refusal = CatalogueError(f"{path} unpacks to too large a spreadsheet; save it as CSV")
    with zipfile.ZipFile(path) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > 2**30:
            raise refusal
        for entry in archive.infolist():
            if not entry.filename.startswith("xl/worksheets/"):
                continue
            right = bottom = 0
            with archive.open(entry) as sheet:
                tail = b""
                while block := sheet.read(2**20):
                    for column, row in re.findall(rb"\br=[\"']([A-Z]+)(\d+)[\"']", tail + block):
                        right = max(
                            right, sum(26**i * (c - 64) for i, c in enumerate(column[::-1]))
                        )
                        bottom = max(bottom, int(row))
                    tail = block[-40:]
            if right * bottom > _MOST_CELLS:
                raise refusal


def _parquet_records(path: Path) -> list[Record]:
    import polars as pl

    try:
        frame = pl.read_parquet(path)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise CatalogueError(f"cannot read {path} as Parquet; export it again") from error
    flat = [name for name, kind in frame.schema.items() if not kind.is_nested()]
    rows = enumerate(frame.select(flat).iter_rows(), 2)
    return [(1, flat), *((number, [_text(value) for value in row]) for number, row in rows)]


def _json_records(path: Path) -> list[Record]:
    numbered: Iterable[tuple[int, object]]
    try:
        # Not splitlines: a title may hold U+2028.
        text = path.read_text(encoding="utf-8-sig")
        try:
            whole = json.loads(text) if text.strip() else []
            numbered = enumerate(whole if isinstance(whole, list) else [whole], 2)
        except ValueError:
            lines = enumerate(text.split("\n"), 1)
            numbered = [(i + 1, json.loads(line)) for i, line in lines if line.strip()]
    except ValueError as error:
        raise CatalogueError(
            f"cannot read {path} as JSON ({error}); it should be a list of objects, or one a line"
        ) from error
    found = list(numbered)
    header: dict[str, None] = {}
    rows: list[tuple[int, dict[str, object]]] = []
    for number, each in found:
        if not isinstance(each, dict):
            raise CatalogueError(f"{path}, item {number - 1}: not an object; write one per image")
        header.update(dict.fromkeys(each))
        rows.append((number, each))
    names = [
        name
        for name in header
        if not any(isinstance(row.get(name), dict | list) for _, row in rows)
    ]
    records = [(number, [_text(row.get(name)) for name in names]) for number, row in rows]
    return [(1, names), *records] if names else []


def _text(value: object) -> str:
    """Return a cell as one would write it: a year of a spreadsheet is no 1889.0."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if value.time() == datetime.time() else value.isoformat(" ")
    if isinstance(value, datetime.date):
        return value.isoformat()
    return value if isinstance(value, str) else str(value)
