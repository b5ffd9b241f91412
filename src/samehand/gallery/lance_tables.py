"""The tables of a gallery in LanceDB: read as they are now, written one commit at a time."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from samehand.errors import GalleryError, MissingExtraError, OutputError, SamehandError
from samehand.files import read_json
from samehand.gallery.filters import COLUMNS, Condition, read_conditions
from samehand.gallery.lance_rows import quoted
from samehand.gallery.vectors import Slots
from samehand.gallery.works import Work

if TYPE_CHECKING:
    import pyarrow as pa

SCHEME = "lance://"
WORKS, EXTRA_COLUMNS, DECISIONS, INDEX = "works", "extra_columns", "decisions", "vector_index"

AT_ONCE = 4096

_COMPACTED_FROM = 65_536
"""From so many new works on their small files are joined, if they are half of the gallery: joining
writes all of it anew, and so each work is written some three times however large it grows."""

_KEPT = timedelta(minutes=15)
"""Files that no version so young needs are deleted; a single call that takes longer would fail."""


class Tables:
    """The tables of one gallery.

    Attributes:
        address: Where they are.
        database: LanceDB's connection.
    """

    def __init__(self, address: str) -> None:
        """Open them.

        Raises:
            GalleryError: There is no gallery, or it cannot be reached.
            MissingExtraError: LanceDB is not installed.
        """
        self.address = address
        self._new = 0
        with told(address):
            self.database = connect(address)
            if WORKS not in table_names(self.database):
                raise GalleryError(
                    f"no gallery at {address}; make one with samehand gallery create {address}"
                )
            self._open = {
                name: self.database.open_table(name) for name in table_names(self.database)
            }

    def close(self) -> None:
        """Let go of them."""
        self._open = {}

    def latest(self, name: str) -> Any:  # noqa: ANN401
        """Return a table as it is now, whatever others have committed."""
        if name not in self._open:
            raise GalleryError(f"the gallery {self.address} is closed; open it again")
        table = self._open[name]
        table.checkout_latest()
        return table

    def replace(self, name: str, rows: "pa.Table") -> None:
        """Replace a whole table in one commit."""
        with told(self.address):
            made = self.database.create_table(name, rows, mode="overwrite")
            made.set_unenforced_primary_key("path")
            self._open[name] = made
        self.compact()

    def read(self, columns: Sequence[str]) -> "pa.Table":
        """Return columns of every work, with `_rowid`."""
        with told(self.address):
            return self.latest(WORKS).search().select(list(columns)).with_row_id(True).to_arrow()

    def at(self, slots: Slots, columns: Sequence[str]) -> "pa.Table":
        """Return columns of the works in some slots, in any order, with `_rowid`."""
        with told(self.address):
            query = self.latest(WORKS).search().where(in_slots(slots))
            return query.select(list(columns)).with_row_id(True).to_arrow()

    def of(
        self, column: str, values: Sequence[str], columns: Sequence[str]
    ) -> Iterator["pa.Table"]:
        """Yield columns of the works that have one of some values in a column."""
        for some in chunks(sorted(set(values))):
            with told(self.address):
                query = self.latest(WORKS).search().where(f"{column} IN {quoted(some)}")
                yield query.select(list(columns)).with_row_id(True).to_arrow()

    def slots(self, where: Sequence[str]) -> Slots:
        """Return the slots of the works that meet the conditions, ascending."""
        conditions = read_conditions(where, self.extra_columns()) if where else []
        wanted = {name if name in COLUMNS else "extra" for one in conditions for name in one.reads}
        table = self.read(sorted(wanted) or ["sha256"])
        slots: Slots = table["_rowid"].to_numpy().astype(np.int64)
        held = np.ones(len(table), bool)
        for one in conditions:
            held &= _holding(one, table)
        slots = slots[held]
        return np.sort(slots)

    def merge(self, table: "pa.Table", *, insert: bool) -> None:
        """Replace the works of the same paths, in one commit, and add the others if asked to."""
        with told(self.address):
            # Not by the index of paths: Lance notices that another writer inserted one of them only
            # where it reads them all, and with the index both writers' rows would stay.
            merging = self.latest(WORKS).merge_insert("path").use_index(False)
            merging = merging.when_matched_update_all()
            if insert:
                merging = merging.when_not_matched_insert_all()
            merging.execute(table)
            self._new += len(table)
            if self._new >= _COMPACTED_FROM and 2 * self._new >= self.latest(WORKS).count_rows():
                self.compact()

    def update(self, rows: dict[str, Any], types: dict[str, str]) -> None:
        """Replace columns of the works with some paths, by path and column."""
        import pyarrow as pa

        named = pa.field("path", pa.string(), nullable=False)
        schema = pa.schema([named, *(pa.field(name, kind) for name, kind in types.items())])
        lines = [{"path": path, **values} for path, values in rows.items()]
        if lines:
            self.merge(pa.Table.from_pylist(lines, schema=schema), insert=False)

    def delete(self, paths: Sequence[str]) -> int:
        """Remove works by their paths, and return how many there were."""
        removed = 0
        with told(self.address):
            for some in chunks(sorted(set(paths))):
                found = self.latest(WORKS).delete(f"path IN {quoted(some)}")
                removed += int(found.num_deleted_rows)
        return removed

    def compact(self) -> None:
        """Join small files; if another process changes them at once, the next time will do."""
        self._new = 0
        try:
            self.latest(WORKS).optimize(cleanup_older_than=_KEPT)
        except (RuntimeError, OSError):
            return

    def extra_columns(self) -> list[str]:
        """Return the columns beyond those that every gallery has."""
        with told(self.address):
            names = self.latest(EXTRA_COLUMNS).to_arrow()["name"].to_pylist()
        return sorted(set(names))

    def note_columns(self, works: Sequence[Work]) -> None:
        """Remember which columns these works have beyond the common ones."""
        import pyarrow as pa

        names = {name for work in works for name in work.extra}
        if not names:
            return
        if fresh := sorted(names - set(self.extra_columns())):
            with told(self.address):
                self.latest(EXTRA_COLUMNS).add(pa.table({"name": fresh}))


def local_folder(address: str) -> Path | None:
    """Return the folder of an address, or None where it is in an object store."""
    return Path(address.removeprefix(SCHEME)) if address.startswith(SCHEME) else None


def connect(address: str) -> Any:  # noqa: ANN401
    """Return LanceDB's connection; nothing is made yet."""
    try:
        import lancedb
    except ImportError as error:
        raise MissingExtraError(f"the gallery {address}", "lance") from error
    # Slots are row ids, which have to stay when files are joined.
    options = {"new_table_enable_stable_row_ids": "true"}
    return lancedb.connect(local_folder(address) or address, storage_options=options)


def table_names(database: Any) -> list[str]:  # noqa: ANN401
    """Return the names of the tables there."""
    return list(database.list_tables().tables)


@contextmanager
def told(address: str) -> Iterator[None]:
    """Say in one sentence what LanceDB could not do."""
    try:
        yield
    except SamehandError:
        raise
    except (OSError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split("/root/.cargo")[0].split())[:300].rstrip(" ,.")
        if "No space left" in reason:
            raise OutputError(
                f"cannot write the gallery {address}: the disk is full; make room"
            ) from error
        raise GalleryError(
            f"the gallery {address} cannot be read or written now ({reason}); see that it can be "
            "reached, and try again"
        ) from error


def _holding(condition: Condition, table: "pa.Table") -> NDArray[np.bool_]:
    """Return which works of a table meet a condition, (N,); equal texts are judged once."""
    names = list(dict.fromkeys(name if name in COLUMNS else "extra" for name in condition.reads))
    codes, texts = zip(*(_coded(table[name]) for name in names), strict=True)
    # Most conditions read one column, and most columns of a collection hold few texts.
    if len(names) == 1:
        rows, places = np.arange(len(texts[0]))[:, None], codes[0]
    else:
        rows, places = np.unique(np.stack(codes, axis=1), axis=0, return_inverse=True)
    verdicts = np.zeros(len(rows), bool)
    for place, row in enumerate(rows):
        known = {name: texts[number][row[number]] for number, name in enumerate(names)}
        extra = read_json(known.pop("extra", None) or "{}")
        verdicts[place] = condition.holds((extra | known).get)
    held: NDArray[np.bool_] = verdicts[places.ravel()]
    return held


def _coded(column: "pa.ChunkedArray") -> tuple[NDArray[np.int64], list[str | None]]:
    """Return a number for each text of a column, (N,), and the texts by number."""
    coded = column.combine_chunks().dictionary_encode(null_encoding="encode")
    return coded.indices.to_numpy().astype(np.int64), coded.dictionary.to_pylist()


def in_slots(slots: Slots) -> str:
    """Return the condition, in Lance's SQL, that a work is in one of some slots."""
    # No path is null, and Lance has no literal for an empty list.
    return f"_rowid IN ({', '.join(map(str, slots.tolist()))})" if len(slots) else "path IS NULL"


def chunks(values: Sequence[str]) -> Iterable[Sequence[str]]:
    """Yield values, a few thousand at a time."""
    for start in range(0, len(values), AT_ONCE):
        yield values[start : start + AT_ONCE]
