"""Tables as people have them: CSV of any separator and encoding, spreadsheets, Parquet, JSON."""

import datetime
import math
import re
import zipfile
import zlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from samehand.catalogue.text_table import (
    ABOVE_HEADER,
    Record,
    Records,
    known_headings,
    text_records,
)
from samehand.errors import CatalogueError
from samehand.files import read_json

_PARQUET = frozenset({".parquet", ".pq"})
_JSON = frozenset({".jsonl", ".ndjson", ".json"})
_SHEETS = frozenset({".xlsx", ".xlsm", ".xls", ".ods"})
_NAMED_COLUMNS = _PARQUET | _JSON

TABLE_SUFFIXES = frozenset({".csv", ".tsv", ".tab"}) | _PARQUET | _JSON | _SHEETS
"""In lower case."""

_MOST_CELLS = 50_000_000


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
    records: Records

    def rows(self, shortest: int = 0) -> Iterator[Record]:
        """Yield the rows below the header that hold anything, each as wide as the header.

        Args:
            shortest: How many values a row must have; spreadsheets leave out the last empty ones.

        Raises:
            CatalogueError: A row has more values than there are columns, or too few.
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
            if len(values) < shortest:
                raise CatalogueError(
                    f"{self.path}, row {number}: {len(values)} values under {width} columns; mend "
                    "that row"
                )
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
        if suffix in _PARQUET:
            records = _fixed(_parquet_records(path))
        elif suffix in _SHEETS and not (suffix == ".xls" and _is_text(path)):
            found, notes = _sheet_records(path)
            records = _fixed(found)
        elif suffix in _JSON:
            records = _fixed(_json_records(path))
        else:
            records, encoding, notes = text_records(path, wanted)
        top = [record for record in islice(records(), ABOVE_HEADER) if _holds_anything(record[1])]
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise CatalogueError(f"cannot read {path}: {reason}; change its permissions") from error
    if not top:
        raise CatalogueError(f"{path} is empty; it needs a row of column names and then rows")
    # Formats that name their columns have nothing above them.
    above = top[:1] if suffix in _NAMED_COLUMNS else top
    number, header = next((record for record in above if known_headings(record[1], wanted)), top[0])
    return Table(path, header, number, notes, encoding, records)


def _holds_anything(values: Sequence[str]) -> bool:
    return any(value.strip() for value in values)


def _fixed(records: list[Record]) -> Records:
    return lambda: iter(records)


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
    except (CalamineError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        raise CatalogueError(
            f"cannot read {path} as a spreadsheet ({reason}); save it again, or as CSV"
        ) from error
    return [], ()


def _is_text(path: Path) -> bool:
    """Return whether a file that is named as a spreadsheet is a text table, as databases export.

    Raises:
        CatalogueError: It is a page of HTML or XML, which databases export so as well.
    """
    with open(path, "rb") as stream:
        start = stream.read(4096)
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        raise CatalogueError(
            f"{path} is an HTML or XML page that is named as a spreadsheet; open it with a "
            "spreadsheet program and save it as .xlsx or .csv"
        )
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    # Spreadsheets begin with a signature and hold bytes that no text does.
    return bool(start) and b"\0" not in start and not start.startswith(b"PK")


def _refuse_vast(path: Path) -> None:
    """Refuse a small file that unpacks to more than memory holds."""
    if not zipfile.is_zipfile(path):
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
            whole = read_json(text) if text.strip() else []
            numbered = enumerate(whole if isinstance(whole, list) else [whole], 2)
        except ValueError:
            lines = enumerate(text.split("\n"), 1)
            numbered = [(i + 1, read_json(line)) for i, line in lines if line.strip()]
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
    """Return a cell as one would write it: the year 1889, which a spreadsheet holds as 1889.0."""
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
