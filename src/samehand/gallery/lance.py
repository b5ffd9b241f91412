"""A gallery in LanceDB: a folder or an object store that many machines read and write.

Four tables: the works with their embeddings (what the gallery was made with is in the schema), the
columns beyond the common ones, the record of decisions, and what is known of the index. Each call
that writes works is one commit of one table, except where it says so. A slot is Lance's stable row
id. Conditions are evaluated here, on the columns they name; see ADR 0040.

Shapes: N works, B works of one call, D embedding width, K results.
"""

import hashlib
import shutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from samehand.errors import GalleryError
from samehand.files import read_json
from samehand.gallery.lance_index import INDEX_FROM, build, read_index, search
from samehand.gallery.lance_rows import (
    SAID,
    STORED,
    decisions_schema,
    decisions_table,
    file_states,
    matrix,
    new_rows,
    read_about,
    said,
    stored_works,
    vectors,
    works_schema,
)
from samehand.gallery.lance_tables import (
    AT_ONCE,
    DECISIONS,
    EXTRA_COLUMNS,
    INDEX,
    SCHEME,
    WORKS,
    Tables,
    connect,
    in_slots,
    local_folder,
    table_names,
    told,
)
from samehand.gallery.schema import About
from samehand.gallery.storage import DecisionRow, Near
from samehand.gallery.vectors import Slots
from samehand.gallery.works import FileState, NewWork, StoredWork, Work
from samehand.records import Floats
from samehand.results import IndexInfo

if TYPE_CHECKING:
    import pyarrow as pa

_LISTED_IN_FILTER = 5_000
"""Up to so many works that meet a condition are named to Lance, which looks at no others; naming
one takes it 30 microseconds."""

_KEPT_BESIDE = ("thumbnails", "layout")
"""What the web pages keep in a gallery's folder, and can make again."""


class LanceStorage:
    """A `Storage` in LanceDB; any number of processes and machines may use one at a time."""

    def __init__(self, address: str) -> None:
        """Open a gallery.

        Args:
            address: "lance:///folder", or "s3://bucket/prefix" and what else LanceDB reaches.

        Raises:
            GalleryError: There is none, it is of another version, or it cannot be reached.
            MissingExtraError: LanceDB is not installed.
        """
        self.address = address
        self._index: tuple[tuple[int, int], IndexInfo | None] = (0, 0), None
        self._tables = Tables(address)
        self.about()

    def close(self) -> None:
        """Let go of the tables."""
        self._tables.close()

    def about(self) -> About:
        """Return what the gallery was made with."""
        with told(self.address):
            return read_about(self._tables.latest(WORKS).schema, self.address)

    def size(self) -> int:
        """Return how many bytes the files take, or in an object store those of the works alone."""
        with told(self.address):
            if (folder := local_folder(self.address)) is not None:
                return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
            return int(self._tables.latest(WORKS).stats()["total_bytes"])

    def states(self) -> dict[str, tuple[int, FileState]]:
        """Return slot and file state of every work, by its path."""
        table = self._tables.read(["path", "sha256", "size", "mtime_ns"])
        return {path: (slot, state) for path, slot, state in file_states(table)}

    def works(
        self, where: Sequence[str] = (), *, limit: int | None = None, offset: int = 0
    ) -> Iterator[StoredWork]:
        """Yield the works that meet the conditions, by slot."""
        slots = self._tables.slots(where)[offset:]
        slots = slots if limit is None else slots[:limit]
        for start in range(0, len(slots), AT_ONCE):
            yield from self.at(slots[start : start + AT_ONCE])

    def at(self, slots: Slots) -> list[StoredWork]:
        """Return the works in some slots, in that order; slots without one are left out."""
        table = self._tables.at(slots, STORED)
        found = {stored.slot: stored for stored in stored_works(table)}
        return [found[int(slot)] for slot in slots if int(slot) in found]

    def count(self, where: Sequence[str] = ()) -> int:
        """Return how many works meet the conditions."""
        if where:
            return len(self._tables.slots(where))
        with told(self.address):
            return int(self._tables.latest(WORKS).count_rows())

    def artists(self, where: Sequence[str] = ()) -> tuple[int, int]:
        """Return how many artists' names occur, and how many works have none."""
        table = self._tables.read(["artist"])
        if where:
            table = table.filter(_isin(table, self._tables.slots(where)))
        names = table["artist"]
        known = names.drop_null()
        return len(known.unique()), len(names) - len(known)

    def artist_names(self) -> list[str]:
        """Return every artist's name, in alphabetical order."""
        names: list[str] = self._tables.read(["artist"])["artist"].drop_null().unique().to_pylist()
        return sorted(names)

    def extra_columns(self) -> list[str]:
        """Return the columns beyond those that every gallery has."""
        return self._tables.extra_columns()

    def fingerprint(self) -> str:
        """Return a hash that changes with any work, embedding or label."""
        digest = hashlib.sha256(repr(self.about()).encode())
        for stored in self.works():
            digest.update(repr(stored).encode("utf-8", "surrogateescape"))
        return digest.hexdigest()[:16]

    def works_with_content(self, digests: Sequence[str]) -> dict[str, list[Work]]:
        """Return the works that have each content, in order of slot."""
        found: dict[str, list[Work]] = {}
        for table in self._tables.of("sha256", digests, STORED):
            for stored in sorted(stored_works(table), key=lambda stored: stored.slot):
                found.setdefault(stored.sha256, []).append(stored.work)
        return found

    def rows_with_content(self, digests: Sequence[str], encoder: str) -> dict[str, Floats]:
        """Return the embedding of each content; see `Storage.rows_with_content`."""
        found: dict[str, Floats] = {}
        about = self.about()
        for table in self._tables.of("sha256", digests, ["sha256", "vector"]):
            # The schema of the rows themselves, which another command may have replaced.
            if about.encoder == encoder:
                found |= zip(table["sha256"].to_pylist(), matrix(table, about.width), strict=True)
        return found

    def embeddings(self, where: Sequence[str] = ()) -> tuple[tuple[StoredWork, ...], Floats]:
        """Return works with their embeddings, (N, D), in the order of their slots."""
        slots, width = self._tables.slots(where), self.about().width
        works: list[StoredWork] = []
        parts: list[Floats] = []
        for start in range(0, len(slots), AT_ONCE):
            table = self._tables.at(slots[start : start + AT_ONCE], [*STORED, "vector"])
            table = table.take(np.argsort(table["_rowid"].to_numpy()))
            works.extend(stored_works(table))
            parts.append(matrix(table, width))
        return tuple(works), np.concatenate([np.zeros((0, width), np.float32), *parts])

    def nearest(
        self, probe: Floats, count: int, where: Sequence[str] = (), *, exact: bool = False
    ) -> Near:
        """Return the works nearest to a probe; see `Storage.nearest`."""
        slots = self._tables.slots(where) if where else None
        with told(self.address):
            index = None if exact else self.index_info()
            if slots is not None and len(slots) < INDEX_FROM:
                index = None
            total = self.count() if slots is None else len(slots)
            table = self._nearest(probe, min(count, total), slots, index)
            rows = matrix(table, self.about().width)
            # Equal cosines are ordered by slot; in double precision, since the last bit of a float
            # product depends on a row's place.
            cosines = (rows.astype(np.float64) @ probe).astype(np.float32)
            order = np.lexsort((table["_rowid"].to_numpy(), -cosines))[:count]
            return Near(list(stored_works(table.take(order))), rows[order], index is None)

    def index_info(self) -> IndexInfo | None:
        """Return what is known of the approximate index, or None where there is none."""
        with told(self.address):
            works, facts = self._tables.latest(WORKS), self._tables.latest(INDEX)
            if (stamp := (works.version, facts.version)) != self._index[0]:
                self._index = stamp, read_index(works, facts, self.about())
            return self._index[1]

    def is_approximate(self) -> bool:
        """Return whether a search of the whole gallery goes through the index."""
        return self.index_info() is not None

    def wants_index(self) -> bool:
        """Return whether exact search hurts, and no index covers most of the works."""
        info = self.index_info()
        return self.count() - (info.works if info else 0) >= INDEX_FROM

    def build_index(self) -> IndexInfo:
        """Build the approximate index, measure its recall, and return that.

        Raises:
            GalleryError: The gallery is too small to divide.
        """
        if (count := self.count()) < 1000:
            raise GalleryError(
                f"the gallery {self.address} holds {count} works, which exact search finds at "
                "once; an index helps from 1,000 works"
            )
        with told(self.address):
            self._tables.compact()
            return build(self._tables.latest(WORKS), self._tables.latest(INDEX), self.about())

    def put(self, works: Sequence[NewWork], embeddings: Floats, encoder: str) -> None:
        """Store works with their embeddings; see `Storage.put`."""
        about = self.about()
        if about.encoder != encoder or about.width != embeddings.shape[1]:
            raise GalleryError(
                f"the gallery {self.address} was made with another model meanwhile; start again"
            )
        # First, since a column without works is harmless, and works without it are not found.
        self._tables.note_columns([new.work for new in works])
        self._tables.merge(new_rows(works, embeddings, about), insert=True)

    def describe(self, works: Sequence[Work]) -> int:
        """Replace what is said of works that are there, and return how many that changed."""
        wanted = {work.path: said(work) for work in works}
        before: dict[str, dict[str, str | None]] = {}
        for table in self._tables.of("path", list(wanted), ["path", *SAID]):
            before |= {row.pop("path"): row for row in table.drop(["_rowid"]).to_pylist()}
        changed = {
            path: now
            for path, now in wanted.items()
            if path in before and not _same_words(now, before[path])
        }
        if changed:
            self._tables.note_columns([work for work in works if work.path in changed])
            self._tables.update(changed, dict.fromkeys(SAID, "string"))
        return len(changed)

    def edit(self, where: Sequence[str], change: Callable[[Work], Work]) -> int:
        """Replace what is said of works; of two processes that edit one work, the later counts."""
        return self.describe([change(stored.work) for stored in self.works(where)])

    def touch(self, states: dict[str, FileState]) -> None:
        """Remember new sizes and times of files whose content is still the same."""
        rows = {
            path: {"size": state.size, "mtime_ns": state.mtime_ns} for path, state in states.items()
        }
        self._tables.update(rows, {"size": "int64", "mtime_ns": "int64"})

    def move(self, moves: Sequence[tuple[str, NewWork]]) -> int:
        """Give works new paths; killed between its two commits, a work is there under both."""
        about = self.about()
        news = {old: new for old, new in moves}
        taken = {
            path
            for table in self._tables.of("path", [new.work.path for _, new in moves], ["path"])
            for path in table["path"].to_pylist()
        }
        moved: list[str] = []
        for table in self._tables.of("path", list(news), ["path", "vector"]):
            kept = [p for p in table["path"].to_pylist() if news[p].work.path not in taken]
            rows = dict(zip(table["path"].to_pylist(), matrix(table, about.width), strict=True))
            if kept:
                embeddings = np.stack([rows[path] for path in kept])
                self.put([news[path] for path in kept], embeddings, about.encoder)
            moved += kept
        return self.remove(moved)

    def remove(self, paths: Sequence[str]) -> int:
        """Remove works by their paths, and return how many there were."""
        return self._tables.delete(paths)

    def replace_all(
        self, encoder: str, model: str, kept: Sequence[str], rows: Floats, *, before: int
    ) -> None:
        """Give the works `kept` new embeddings, and drop all others; see `Storage.replace_all`."""
        import pyarrow as pa

        table = self._tables.read([*STORED, "size", "mtime_ns"])
        place = {path: number for number, path in enumerate(table["path"].to_pylist())}
        if len(table) != before or not place.keys() >= set(kept):
            raise GalleryError(f"the gallery {self.address} changed meanwhile; start again")
        schema = works_schema(About(encoder, model, rows.shape[1]))
        table = table.take([place[path] for path in kept])
        columns = [table[one.name] for one in schema if one.name != "vector"]
        fresh = pa.Table.from_arrays([*columns, vectors(rows, rows.shape[1])], schema=schema)
        self._tables.replace(WORKS, fresh)

    def append_decisions(self, rows: Sequence[DecisionRow]) -> None:
        """Add lines to the record of decisions."""
        if rows:
            with told(self.address):
                self._tables.latest(DECISIONS).add(decisions_table(rows))

    def read_decisions(self) -> list[DecisionRow]:
        """Return the record of decisions, by time, then id."""
        with told(self.address):
            rows = self._tables.latest(DECISIONS).to_arrow().to_pylist()
        found = [DecisionRow(**row) for row in rows]
        return sorted(found, key=lambda row: (row.time, row.id))

    def rename(self, name: str) -> str:
        """Close and move a gallery on a disk; see `Storage.rename`."""
        folder = local_folder(self.address)
        if folder is None:
            raise GalleryError(
                f"{self.address} is in an object store, where samehand does not rename; copy it "
                "with the store's own tools"
            )
        plain = name.removeprefix(SCHEME)
        target = folder.with_name(plain) if Path(plain).name == plain else Path(plain)
        if target.exists():
            raise GalleryError(f"{target} exists; choose another name")
        self.close()
        with told(self.address):
            target.parent.mkdir(parents=True, exist_ok=True)
            folder.rename(target)
        return f"{SCHEME}{target.absolute()}"

    def delete(self) -> None:
        """Close and delete the gallery; processes that still use it meet errors from then on."""
        folder = local_folder(self.address)
        if folder is None:
            with told(self.address):
                for name in (INDEX, DECISIONS, EXTRA_COLUMNS, WORKS):
                    self._tables.database.drop_table(name, ignore_missing=True)
            self.close()
            return
        own = {f"{name}.lance" for name in (WORKS, EXTRA_COLUMNS, DECISIONS, INDEX)}
        names = (one.name for one in folder.iterdir())
        if others := sorted(
            name for name in names if name not in own and not name.startswith(_KEPT_BESIDE)
        ):
            raise GalleryError(
                f"{folder} holds other files, too, {others[0]} for one; move them elsewhere first"
            )
        self.close()
        with told(self.address):
            # Out of sight in one step, so that a killed command leaves a whole gallery or none.
            hidden = folder.with_name(f".{folder.name}-{uuid.uuid4().hex[:8]}")
            folder.rename(hidden)
            shutil.rmtree(hidden)

    def _nearest(
        self, probe: Floats, count: int, slots: Slots | None, index: IndexInfo | None
    ) -> "pa.Table":
        """Return the `count` nearest works or somewhat more, with their embeddings."""
        columns, wanted = [*STORED, "vector", "_distance"], count
        if slots is not None and len(slots) > _LISTED_IN_FILTER:
            # So many meet the conditions that some are among the nearest of all, and soon enough.
            count = 2 * count * max(1, self.count() // len(slots))
        if not count:
            return self._tables.at(np.empty(0, np.int64), columns[:-1])
        while True:
            query = search(
                self._tables.latest(WORKS), probe, count, index.probed if index else None
            )
            query = query.select(columns)
            if slots is None:
                return query.to_arrow()
            if len(slots) <= _LISTED_IN_FILTER:
                return query.where(in_slots(slots), prefilter=True).to_arrow()
            table = query.to_arrow()
            kept = table.filter(_isin(table, slots))
            if len(kept) >= wanted or len(table) < count:
                return kept
            count *= 4


def create_lance(address: str, about: About) -> LanceStorage:
    """Make an empty gallery.

    Raises:
        GalleryError: It exists, the place holds something else, or it cannot be reached.
        MissingExtraError: LanceDB is not installed.
    """
    import pyarrow as pa

    folder = local_folder(address)
    if folder is not None and folder.exists():
        if (folder / f"{WORKS}.lance").exists():
            raise GalleryError(f"the gallery {address} exists; add to it, or choose another name")
        if not folder.is_dir() or any(folder.iterdir()):
            raise GalleryError(f"{folder} exists and is not a gallery; choose another name")
    with told(address):
        database = connect(address)
        if WORKS in table_names(database):
            raise GalleryError(f"the gallery {address} exists; add to it, or choose another name")
        # The works come last, so that a killed command leaves a whole gallery or none.
        database.create_table(EXTRA_COLUMNS, schema=pa.schema([("name", pa.string())]))
        database.create_table(DECISIONS, schema=decisions_schema())
        database.create_table(INDEX, schema=pa.schema([("facts", pa.string())]))
        database.create_table(WORKS, schema=works_schema(about)).set_unenforced_primary_key("path")
    return LanceStorage(address)


def _same_words(one: dict[str, str | None], other: dict[str, str | None]) -> bool:
    return {**one, "extra": read_json(one["extra"] or "{}")} == {
        **other,
        "extra": read_json(other["extra"] or "{}"),
    }


def _isin(table: "pa.Table", slots: Slots) -> "pa.Array":
    import pyarrow as pa

    return pa.array(np.isin(table["_rowid"].to_numpy().astype(np.int64), slots))
