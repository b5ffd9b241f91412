"""Rows to a file that spreadsheets open: CSV or XLSX, in which no text becomes a formula."""

import csv
import io
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from samehand.catalogue.text_table import safe_cell
from samehand.errors import MissingExtraError, OutputError
from samehand.files import atomic_path

if TYPE_CHECKING:
    from xlsxwriter import Workbook

SUFFIXES = (".csv", ".xlsx")

_LONGEST = 32_767
"""An Excel cell holds so many characters."""


def write_rows(
    out: Path, columns: Sequence[str], rows: Sequence[Mapping[str, object]], *, more: bool = True
) -> None:
    """Write rows into a table, all or nothing.

    Args:
        out: A .csv or .xlsx file.
        columns: The first columns, in this order.
        rows: Values by column; what is missing or None is left empty.
        more: Whether columns beyond `columns` follow, in alphabetical order.

    Raises:
        OutputError: The file is another kind, or cannot be written.
        MissingExtraError: XlsxWriter, which .xlsx needs, is not installed.
    """
    if out.suffix.lower() not in SUFFIXES:
        raise OutputError(f"{out} is not {' or '.join(SUFFIXES)}; name it NAME{SUFFIXES[0]}")
    others = sorted({name for row in rows for name in row} - set(columns)) if more else []
    table = [[row.get(name) for name in (*columns, *others)] for row in rows]
    header = [*columns, *others]
    with atomic_path(out) as temporary:
        if out.suffix.lower() == ".csv":
            _write_csv(temporary, header, table)
        else:
            _write_xlsx(temporary, header, table)


def _write_csv(out: Path, header: Sequence[str], table: Sequence[Sequence[object]]) -> None:
    # The mark tells Excel that this is UTF-8.
    with out.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(map(safe_cell, header))
        writer.writerows([safe_cell(value) for value in row] for row in table)


def _write_xlsx(out: Path, header: Sequence[str], table: Sequence[Sequence[object]]) -> None:
    try:
        from xlsxwriter import Workbook
        from xlsxwriter.exceptions import FileCreateError
    except ImportError as error:
        raise MissingExtraError("writing an Excel workbook", "excel") from error
    # What a full disk cuts off, a zip of the library's would complain of once more when it goes: it
    # is made in memory, and no error that is raised holds on to it.
    whole, failed = io.BytesIO(), None
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.stem}-") as scratch:
        try:
            _fill(Workbook(whole, {"constant_memory": True, "tmpdir": scratch}), header, table)
        except FileCreateError as error:
            failed = _as_the_system_said(error)
    if failed is not None:
        raise failed
    out.write_bytes(whole.getbuffer())


def _as_the_system_said(error: Exception) -> OSError:
    """Return the system's error that XlsxWriter hands over inside one of its own, without it."""
    reason = error.args[0] if error.args else None
    if isinstance(reason, OSError):
        return OSError(reason.errno, reason.strerror)
    return OSError(str(error))


def _fill(book: "Workbook", header: Sequence[str], table: Sequence[Sequence[object]]) -> None:
    # Rows go to the disk as they come; text stays text, whatever it begins with.
    with book:
        sheet = book.add_worksheet("samehand")
        bold = book.add_format({"bold": True})
        for column, name in enumerate(header):
            sheet.write_string(0, column, name, bold)
        for number, row in enumerate(table, 1):
            for column, value in enumerate(row):
                if isinstance(value, int | float) and not isinstance(value, bool):
                    sheet.write_number(number, column, value)
                elif value is not None:
                    sheet.write_string(number, column, str(value)[:_LONGEST])
        sheet.freeze_panes(1, 0)
