"""Tables of pairs: one row a pair, its two images named in two columns."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from samehand.catalogue.headings import fold_heading, read_headings, shown
from samehand.catalogue.locate import Locator
from samehand.catalogue.table import Table, open_table
from samehand.errors import CatalogueError, ProtocolError


@dataclass(frozen=True, slots=True)
class PairTable:
    """A table of pairs, which may be too long for memory, so its rows are streamed.

    Attributes:
        table: The table itself.
        left: Which column names the left image.
        right: Which column names the right image.
    """

    table: Table
    left: int
    right: int

    def rows(self) -> Iterator[list[str]]:
        """Yield each row, as wide as the header.

        Raises:
            ProtocolError: A row is too wide, or too short to name both images.
        """
        try:
            for _, values in self.table.rows(shortest=max(self.left, self.right) + 1):
                yield values
        except CatalogueError as error:
            raise ProtocolError(str(error)) from error

    def positions(self) -> dict[str, int]:
        """Return the position of each distinct name, in order of first appearance."""
        found: dict[str, int] = {}
        for row in self.rows():
            found.setdefault(row[self.left], len(found))
            found.setdefault(row[self.right], len(found))
        return found

    def locate(self, names: Collection[str], images: Path | None) -> list[Path]:
        """Return where the images of some names are, or would be looked for first.

        Args:
            names: As the table writes them.
            images: The folder that they are relative to; absent, they are looked for beside the
                table and in a folder `images` there.
        """
        beside = self.table.path.parent
        bases = [beside, beside / "images"] if images is None else [images]
        locator = Locator(bases, self.table.encoding)
        return [locator.find(name) or locator.first(name) for name in names]


def open_pairs(
    path: Path, taken: Collection[str] = (), columns: Mapping[str, str] | None = None
) -> PairTable:
    """Open a table of pairs with the columns `left` and `right`, or what `columns` calls them.

    Args:
        path: Any table that `open_table` reads.
        taken: Columns that are going to be added, which the table must not have.
        columns: Which column is which, by meaning: {"left": "Image A"}.

    Raises:
        ProtocolError: It is missing, unreadable, or lacks its columns.
    """
    try:
        table = open_table(path, (columns or {}).values())
        places = read_headings(_distinct(table.header), columns or {}, str(path))
    except CatalogueError as error:
        raise ProtocolError(str(error)) from error
    absent = [name for name in ("left", "right") if name not in places]
    if absent:
        raise ProtocolError(
            f"{path} has no column {' and no column '.join(absent)} (it has "
            f"{shown(table.header)}); name the columns left and right, or pass "
            f"--column {absent[0]}=..."
        )
    there = [name for name in taken if name in table.header]
    if there:
        raise ProtocolError(
            f"{path} already has the column {there[0]}; rename it, so that nothing is overwritten"
        )
    return PairTable(table, places["left"], places["right"])


def _distinct(header: list[str]) -> list[str]:
    """Return headings of which none repeats another: other columns may bear any name."""
    seen: set[str] = set()
    distinct = []
    for heading in header:
        folded = fold_heading(heading)
        distinct.append("" if folded in seen else heading)
        seen.add(folded)
    return distinct
