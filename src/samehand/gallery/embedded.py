"""The default storage: rows in SQLite, embeddings in one file, and faiss for the large galleries.

It is a folder and needs no server; see ADR 0017.
"""

import math
import os
import sqlite3
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from samehand.errors import GalleryError
from samehand.files import output_error
from samehand.gallery.index import Index, approximate_nearest, build_index, open_index, read_info
from samehand.gallery.places import DATABASE
from samehand.gallery.schema import About, create_database
from samehand.gallery.storage import DecisionRow, Near
from samehand.gallery.store import Store
from samehand.gallery.vectors import Slots, exact_nearest
from samehand.gallery.works import StoredWork, Work
from samehand.records import Floats
from samehand.results import IndexInfo

INDEX_FROM = 150_000
"""From this many works an exact search takes longer than 50 ms on 2 cores; see ADR 0017."""

_DECIDED = tuple(one.name for one in fields(DecisionRow))

_DECISIONS = """CREATE TABLE IF NOT EXISTS decisions (
    id TEXT PRIMARY KEY, time TEXT NOT NULL, first TEXT NOT NULL, second TEXT NOT NULL,
    label TEXT NOT NULL, note TEXT NOT NULL, name TEXT NOT NULL, model TEXT NOT NULL, llr REAL
) WITHOUT ROWID"""


class EmbeddedStorage(Store):
    """A `Storage` in a folder; several processes may use one at a time."""

    def __init__(self, folder: Path) -> None:
        """Open a gallery's folder.

        Raises:
            GalleryError: There is none, or it is damaged or of another version.
        """
        super().__init__(folder)
        self._index: tuple[tuple[int, int], Index | None] | None = None

    @property
    def address(self) -> str:
        """Its folder."""
        return str(self.folder)

    def close(self) -> None:
        """Close the database and let go of the index."""
        self._index = None
        super().close()

    def size(self) -> int:
        """Return how many bytes the folder's files take."""
        return sum(path.stat().st_size for path in self.folder.iterdir() if path.is_file())

    def nearest(
        self, probe: Floats, count: int, where: Sequence[str] = (), *, exact: bool = False
    ) -> Near:
        """Return the works nearest to a probe; see `Storage.nearest`."""
        with self.reading():
            about, rows = self.snapshot()
            index = None if exact else self._opened_index(about)
            slots: Slots | None = None
            if where:
                slots = self.slots(where)
                if len(slots) < INDEX_FROM:
                    index = None
            free_slots = self.free_slots() if slots is None else np.empty(0, np.int64)
            if index is not None:
                found = approximate_nearest(index, rows, probe, count, free_slots, slots)
            else:
                if slots is None and len(free_slots):
                    slots = np.setdiff1d(np.arange(len(rows)), free_slots)
                found = exact_nearest(rows, probe, count, slots)
            return Near(self.at(found), np.array(rows[found]), index is None)

    def embeddings(self, where: Sequence[str] = ()) -> tuple[tuple[StoredWork, ...], Floats]:
        """Return works with their embeddings, (N, D), in the order of their slots."""
        with self.reading():
            works = tuple(self.works(where))
            rows = self.snapshot()[1]
            slots = np.array([stored.slot for stored in works], np.int64)
            return works, self._at(rows, slots)

    def rows_with_content(self, digests: Sequence[str], encoder: str) -> dict[str, Floats]:
        """Return the embedding of each content; see `Storage.rows_with_content`."""
        # Another command may be adding works: one state, so that no slot lies beyond the rows.
        with self.reading():
            about, rows = self.snapshot()
            slots = self.with_content(digests) if about.encoder == encoder else {}
            found = self._at(rows, np.array(list(slots.values()), np.int64))
            return dict(zip(slots, found, strict=True))

    def _at(self, rows: Floats, slots: NDArray[np.int64]) -> Floats:
        """Return the embeddings in some slots, as a stranger's gallery may name any."""
        if slots.size and not (0 <= slots.min() and slots.max() < len(rows)):
            raise self._damaged(IndexError("a work has no embedding"))
        return np.array(rows[slots])

    def edit(self, where: Sequence[str], change: Callable[[Work], Work]) -> int:
        """Replace what is said of works; see `Storage.edit`."""
        with self.writing():
            return self.describe_within([change(stored.work) for stored in self.works(where)])

    def index_info(self) -> IndexInfo | None:
        """Return what is known of the approximate index, or None where there is none."""
        return read_info(self.folder, self.about().generation)

    def is_approximate(self) -> bool:
        """Return whether there is an index, and faiss to read it."""
        return self._opened_index(self.about()) is not None

    def wants_index(self) -> bool:
        """Return whether exact search hurts, and no index covers most of the works."""
        about = self.about()
        covered = read_info(self.folder, about.generation)
        return about.slots - (covered.works if covered else 0) >= INDEX_FROM

    def build_index(self) -> IndexInfo:
        """Build the approximate index, measure its recall, and return that.

        Raises:
            GalleryError: The gallery is too small to divide.
            MissingExtraError: faiss is not installed.
        """
        about, rows = self.snapshot()
        if len(rows) < 1000:
            raise GalleryError(
                f"the gallery {self.folder.name} holds {len(rows)} works, which exact search finds "
                "at once; an index helps from 1,000 works"
            )
        return build_index(self.folder, about.generation, rows)

    def append_decisions(self, rows: Sequence[DecisionRow]) -> None:
        """Add lines to the record of decisions; see `Storage.append_decisions`."""
        with self.writing():
            # Galleries from before decisions have no such table, and are of the same format.
            self._connection.execute(_DECISIONS)
            self._connection.executemany(
                f"INSERT OR IGNORE INTO decisions VALUES ({', '.join('?' * len(_DECIDED))})",
                [[getattr(row, name) for name in _DECIDED] for row in rows],
            )

    def read_decisions(self) -> list[DecisionRow]:
        """Return the record of decisions, by time, then id."""
        with self.reading():
            made = self._connection.execute(
                "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'decisions'"
            ).fetchone()
            if made is None:
                return []
            rows = self._connection.execute(
                f"SELECT {', '.join(_DECIDED)} FROM decisions ORDER BY time, id"
            )
            return list(map(_decision, rows))

    def rename(self, name: str) -> str:
        """Close and move the folder; see `Storage.rename`."""
        from samehand.gallery.editing import rename

        self._index = None
        return str(rename(self, name))

    def delete(self) -> None:
        """Close and delete the folder; see `Storage.delete`."""
        from samehand.gallery.editing import delete

        self._index = None
        delete(self)

    def _opened_index(self, about: About) -> Index | None:
        """Return the index, opened once as long as neither it nor the embeddings are replaced."""
        try:
            stamp = (about.generation, os.stat(self.folder / "index.json").st_mtime_ns)
        except OSError:
            return None
        if self._index is None or self._index[0] != stamp:
            self._index = (
                stamp,
                open_index(self.folder, about.generation, (about.slots, about.width)),
            )
        return self._index[1]


def _decision(row: sqlite3.Row) -> DecisionRow:
    """Return a decision of the database, which may be a stranger's, where any type is possible."""
    *texts, llr = row
    ratio = llr is None or isinstance(llr, float) and math.isfinite(llr)
    if not ratio or not all(isinstance(one, str) for one in texts):
        raise sqlite3.DatabaseError("what it holds of a decision is of wrong types")
    return DecisionRow(*row)


def create_embedded(folder: Path, about: About) -> None:
    """Make an empty gallery in a folder that does not exist or is empty, all or nothing.

    Raises:
        GalleryError: It exists, or the folder holds something else.
        OutputError: The folder cannot be written.
    """
    if (folder / DATABASE).exists():
        raise GalleryError(f"the gallery {folder} exists; add to it, or choose another name")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise GalleryError(f"{folder} exists and is not a gallery; choose another name")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as made:
            fresh = Path(made) / "gallery"
            fresh.mkdir()
            create_database(fresh, about)
            if folder.exists():
                folder.rmdir()
            fresh.rename(folder)
    except OSError as error:
        raise output_error(folder, error) from error
