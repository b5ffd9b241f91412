"""The database of a gallery: which works it holds, and in which slot each one's embedding is.

SQLite in WAL mode keeps it whole, whatever is killed and however many processes use it. A writer
takes the one write lock, appends embeddings to the vector file, waits until the disk has them, and
only then commits the rows that refer to them. The commit is the moment at which works are added.
"""

import datetime
import difflib
import hashlib
import json
import shlex
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from samehand.errors import GalleryError
from samehand.files import output_error, read_json
from samehand.gallery.filters import sql_condition
from samehand.gallery.foreign import foreign_part
from samehand.gallery.places import DATABASE, known_galleries
from samehand.gallery.schema import APPLICATION, FORMAT, About
from samehand.gallery.sqlite import Connections, sentence
from samehand.gallery.vectors import Slots, append_rows, map_rows
from samehand.gallery.works import FIELDS, StoredWork, Work
from samehand.gallery.works import FileState as FileState
from samehand.gallery.works import NewWork as NewWork
from samehand.records import Floats

_WIDEST = 2**16
"""No encoder gives longer embeddings, so a longer one must be an error."""

_COLUMNS = ("slot", "path", "sha256", "added", *FIELDS, "extra")


class Store:
    """An open gallery database; everything that touches SQLite is here."""

    def __init__(self, folder: Path) -> None:
        """Open an existing database.

        Raises:
            GalleryError: There is none, or it is damaged or of another version.
        """
        self.folder = folder
        if not (folder / DATABASE).is_file():
            close = difflib.get_close_matches(folder.name, known_galleries(), 1)
            hint = f"; did you mean {close[0]}?" if close else ""
            create = f"samehand gallery create {shlex.quote(folder.name)}"
            raise GalleryError(f"no gallery at {folder}{hint or f'; make one with {create}'}")
        self._connections = Connections(folder / DATABASE)
        with self._refusing_damage():
            kind = self._connection.execute("PRAGMA application_id").fetchone()[0]
            version = self._connection.execute("PRAGMA user_version").fetchone()[0]
            foreign = foreign_part(self._connection)
        if kind != APPLICATION:
            raise GalleryError(f"{folder / DATABASE} is not a gallery; choose another name")
        if foreign is not None:
            raise GalleryError(
                f"the gallery {folder} holds {ascii(foreign)[:90]}, which samehand did not make; "
                "import an export from its maker instead"
            )
        if version != FORMAT:
            raise GalleryError(
                f"the gallery {folder} has format {version}, this samehand reads format {FORMAT}; "
                "use the samehand it was made with to export it, then import that"
            )

    def close(self) -> None:
        """Close the database."""
        self._connections.close()

    @property
    def _connection(self) -> sqlite3.Connection:
        return self._connections.here()

    def about(self) -> About:
        """Return what the gallery was made with."""
        with self._refusing_damage():
            facts = dict(self._connection.execute("SELECT key, value FROM about"))
        try:
            width, generation, slots = (
                int(facts[name]) for name in ("width", "generation", "slots")
            )
            if not (0 < width <= _WIDEST and 0 <= generation < 2**31 and 0 <= slots < 2**40):
                raise ValueError(f"width {width}, generation {generation}, slots {slots}")
            return About(facts["encoder"], facts["model"], width, generation, slots)
        except (KeyError, ValueError) as error:
            raise self._damaged(error) from error

    def _damaged(self, error: Exception) -> GalleryError:
        return GalleryError(
            f"the gallery {self.folder} is damaged ({error}); restore a copy of its folder"
        )

    def vector_path(self, generation: int) -> Path:
        """Return the vector file of a generation."""
        return self.folder / f"vectors-{generation}.f32"

    def snapshot(self) -> tuple[About, Floats]:
        """Return the facts and all embeddings up to now, (N, D); slots in holes are stale."""
        about = self.about()
        return about, map_rows(self.vector_path(about.generation), about.slots, about.width)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """See one state of the gallery throughout, whatever others write meanwhile."""
        with self._refusing_damage():
            self._connection.execute("BEGIN")
            try:
                yield
            finally:
                self._connection.execute("COMMIT")

    def states(self) -> dict[str, tuple[int, FileState]]:
        """Return slot and file state of every work, by its path."""
        with self._refusing_damage():
            rows = self._connection.execute("SELECT path, slot, sha256, size, mtime_ns FROM works")
            return {path: (slot, FileState(*state)) for path, slot, *state in rows}

    def count(self, where: Sequence[str] = ()) -> int:
        """Return how many works meet the conditions."""
        condition, values = sql_condition(where, self.extra_columns())
        asked = f"SELECT count(*) FROM works WHERE {condition}"
        if not where:
            # Every slot has a work or is free. Each search tells their number, and counting ten
            # million rows takes a second.
            asked = "SELECT value - (SELECT count(*) FROM holes) FROM about WHERE key = 'slots'"
        with self._refusing_damage():
            row = self._connection.execute(asked, values).fetchone()
            if row is None:
                raise sqlite3.DatabaseError("the table about does not say how many slots there are")
        return int(row[0])

    def artists(self, where: Sequence[str] = ()) -> tuple[int, int]:
        """Return how many artists' names occur, and how many works have none."""
        condition, values = sql_condition(where, self.extra_columns())
        with self._refusing_damage():
            names, works, named = self._connection.execute(
                f"SELECT count(DISTINCT artist), count(*), count(artist) FROM works "
                f"WHERE {condition}",
                values,
            ).fetchone()
        return int(names), int(works) - int(named)

    def extra_columns(self) -> list[str]:
        """Return the columns beyond those that every gallery has."""
        with self._refusing_damage():
            rows = self._connection.execute("SELECT name FROM extra_columns ORDER BY name")
            names = [row[0] for row in rows]
            if not all(isinstance(name, str) for name in names):
                raise sqlite3.DatabaseError("the names of its columns are not all text")
            return names

    def artist_names(self) -> list[str]:
        """Return every artist's name, in alphabetical order."""
        with self._refusing_damage():
            rows = self._connection.execute(
                "SELECT DISTINCT artist FROM works WHERE artist IS NOT NULL ORDER BY artist"
            )
            return [row[0] for row in rows if isinstance(row[0], str)]

    def settle(self) -> None:
        """Fold the journal into the database, for which nobody else may have it open.

        Raises:
            GalleryError: Another process has it open.
        """
        self._connection.execute("PRAGMA busy_timeout = 1000")
        try:
            mode = self._connection.execute("PRAGMA journal_mode = DELETE").fetchone()[0]
        except sqlite3.OperationalError:
            mode = "wal"
        if mode != "delete":
            raise GalleryError(
                f"the gallery {self.folder} is in use by another process; try again when that is "
                "done"
            )

    def fingerprint(self) -> str:
        """Return a hash that changes with any work, embedding or label."""
        digest = hashlib.sha256(repr(self.about()).encode())
        columns = ", ".join(_COLUMNS)
        with self._refusing_damage():
            for row in self._connection.execute(f"SELECT {columns} FROM works ORDER BY slot"):
                digest.update(repr(row).encode("utf-8", "surrogateescape"))
        return digest.hexdigest()[:16]

    def slots(self, where: Sequence[str]) -> Slots:
        """Return the slots of the works that meet the conditions, ascending."""
        condition, values = sql_condition(where, self.extra_columns())
        with self._refusing_damage():
            rows = self._connection.execute(
                f"SELECT slot FROM works WHERE {condition} ORDER BY slot", values
            )
            return np.fromiter((row[0] for row in rows), np.int64)

    def free_slots(self) -> Slots:
        """Return the slots that no work refers to any longer, ascending."""
        with self._refusing_damage():
            rows = self._connection.execute("SELECT slot FROM holes ORDER BY slot")
            return np.fromiter((row[0] for row in rows), np.int64)

    def works(
        self, where: Sequence[str] = (), *, limit: int | None = None, offset: int = 0
    ) -> Iterator[StoredWork]:
        """Yield the works that meet the conditions, by slot."""
        condition, values = sql_condition(where, self.extra_columns())
        with self._refusing_damage():
            rows = self._connection.execute(
                f"SELECT {', '.join(_COLUMNS)} FROM works WHERE {condition} "
                "ORDER BY slot LIMIT ? OFFSET ?",
                [*values, -1 if limit is None else limit, offset],
            )
            yield from map(_stored, rows)

    def at(self, slots: Slots) -> list[StoredWork]:
        """Return the works in some slots, in that order; slots without one are left out."""
        found: dict[int, StoredWork] = {}
        wanted = [int(slot) for slot in slots]
        with self._refusing_damage():
            for start in range(0, len(wanted), 500):
                some = wanted[start : start + 500]
                marks = ", ".join("?" * len(some))
                for row in self._connection.execute(
                    f"SELECT {', '.join(_COLUMNS)} FROM works WHERE slot IN ({marks})", some
                ):
                    found[row[0]] = _stored(row)
        return [found[slot] for slot in wanted if slot in found]

    def with_content(self, digests: Sequence[str]) -> dict[str, int]:
        """Return a slot that holds the embedding of each content, where there is one."""
        found: dict[str, int] = {}
        with self._refusing_damage():
            for start in range(0, len(digests), 500):
                some = list(digests[start : start + 500])
                marks = ", ".join("?" * len(some))
                found.update(
                    self._connection.execute(
                        f"SELECT sha256, max(slot) FROM works WHERE sha256 IN ({marks}) "
                        "GROUP BY sha256",
                        some,
                    )
                )
        return found

    def works_with_content(self, digests: Sequence[str]) -> dict[str, list[Work]]:
        """Return the works that have each content, in order of slot."""
        found: dict[str, list[Work]] = {}
        with self._refusing_damage():
            for start in range(0, len(digests), 500):
                some = list(digests[start : start + 500])
                marks = ", ".join("?" * len(some))
                for row in self._connection.execute(
                    f"SELECT {', '.join(_COLUMNS)} FROM works WHERE sha256 IN ({marks}) "
                    "ORDER BY slot",
                    some,
                ):
                    stored = _stored(row)
                    found.setdefault(stored.sha256, []).append(stored.work)
        return found

    def move(self, moves: Sequence[tuple[str, NewWork]]) -> int:
        """Give works new paths and descriptions, and return how many there were.

        Args:
            moves: The old path of each, and the work at its new path.
        """
        moved = 0
        setters = ", ".join(
            f"{name} = ?" for name in (*FIELDS, "extra", "path", "size", "mtime_ns")
        )
        with self.writing():
            for old, new in moves:
                values = [getattr(new.work, name) for name in FIELDS]
                values += [json.dumps(new.work.extra, ensure_ascii=False), new.work.path]
                values += [new.state.size, new.state.mtime_ns, old]
                # Another command may have added the new path meanwhile.
                moved += self._connection.execute(
                    f"UPDATE OR IGNORE works SET {setters} WHERE path = ?", values
                ).rowcount
            self._note_columns([new.work for _, new in moves])
        return moved

    def put(self, works: Sequence[NewWork], embeddings: Floats, encoder: str) -> None:
        """Store works with their embeddings, all or none; a path that is there is replaced.

        Args:
            works: B works of distinct paths.
            embeddings: Unit length, (B, D).
            encoder: Hash of the encoder that made the embeddings.

        Raises:
            GalleryError: The gallery is another encoder's, or is damaged, or stays locked.
            OutputError: The disk is full.
        """
        added = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        with self.writing():
            about = self.about()
            if about.encoder != encoder or about.width != embeddings.shape[1]:
                raise GalleryError(
                    f"the gallery {self.folder} was made with another model meanwhile; start again"
                )
            self._append(about, embeddings)
            run = self._connection.execute
            for slot, new in enumerate(works, about.slots):
                self._free(new.work.path)
                self._connection.execute(
                    "INSERT INTO works (slot, path, sha256, size, mtime_ns, added, extra, "
                    f"{', '.join(FIELDS)}) VALUES (?, ?, ?, ?, ?, ?, ?, {', '.join('?' * 6)})",
                    (
                        slot,
                        new.work.path,
                        new.state.sha256,
                        new.state.size,
                        new.state.mtime_ns,
                        added,
                        json.dumps(new.work.extra, ensure_ascii=False),
                        *(getattr(new.work, name) for name in FIELDS),
                    ),
                )
            self._note_columns([new.work for new in works])
            run("UPDATE about SET value = ? WHERE key = 'slots'", (about.slots + len(works),))

    def describe(self, works: Sequence[Work]) -> int:
        """Replace what is said of works that are there, and return how many that changed."""
        with self.writing():
            return self.describe_within(works)

    def describe_within(self, works: Sequence[Work]) -> int:
        """Replace what is said of works while `writing`, and return how many that changed."""
        changed = 0
        for work in works:
            values = [getattr(work, name) for name in FIELDS]
            values += [json.dumps(work.extra, ensure_ascii=False), work.path]
            setters = ", ".join(f"{name} = ?{i}" for i, name in enumerate((*FIELDS, "extra"), 1))
            differs = " OR ".join(
                f"{name} IS NOT ?{i}" for i, name in enumerate((*FIELDS, "extra"), 1)
            )
            changed += self._connection.execute(
                f"UPDATE works SET {setters} WHERE path = ?8 AND ({differs})", values
            ).rowcount
        self._note_columns(works)
        return changed

    def touch(self, states: dict[str, FileState]) -> None:
        """Remember new sizes and times of files whose content is still the same."""
        with self.writing():
            self._connection.executemany(
                "UPDATE works SET size = ?, mtime_ns = ? WHERE path = ?",
                [(state.size, state.mtime_ns, path) for path, state in states.items()],
            )

    def remove(self, paths: Sequence[str]) -> int:
        """Remove works by their paths, and return how many there were."""
        with self.writing():
            return sum(self._free(path) for path in paths)

    def replace_all(
        self, encoder: str, model: str, kept: Sequence[str], rows: Floats, *, before: int
    ) -> None:
        """Give the works `kept` new embeddings, (N, D), of a new encoder, and drop all others.

        Args:
            encoder: Hash of the new encoder.
            model: Identity of the new model.
            kept: Paths of works.
            rows: Their embeddings, unit length, (N, D).
            before: How many works there were when the new embeddings were begun.

        Raises:
            GalleryError: Works were added or removed meanwhile.
        """
        with self.writing():
            about = self.about()
            fresh = replace(
                about,
                encoder=encoder,
                model=model,
                width=rows.shape[1],
                generation=about.generation + 1,
                slots=0,
            )
            self.vector_path(fresh.generation).unlink(missing_ok=True)
            self._append(fresh, rows)
            run = self._connection.execute
            run("CREATE TEMP TABLE kept (path TEXT PRIMARY KEY, slot INTEGER)")
            self._connection.executemany(
                "INSERT INTO kept VALUES (?, ?)", ((p, i) for i, p in enumerate(kept))
            )
            known = run("SELECT count(*) FROM works JOIN kept USING (path)").fetchone()[0]
            if known != len(kept) or self.count() != before:
                raise GalleryError(f"the gallery {self.folder} changed meanwhile; start again")
            run("DELETE FROM works WHERE path NOT IN (SELECT path FROM kept)")
            # Two steps, because new slots may be old slots of other works.
            run("UPDATE works SET slot = -1 - (SELECT slot FROM kept WHERE path = works.path)")
            run("UPDATE works SET slot = -1 - slot")
            run("DELETE FROM holes")
            run("DROP TABLE kept")
            facts = {
                "encoder": encoder,
                "model": model,
                "width": str(fresh.width),
                "generation": str(fresh.generation),
                "slots": str(len(kept)),
            }
            self._connection.executemany(
                "UPDATE about SET value = ? WHERE key = ?", [(v, k) for k, v in facts.items()]
            )
        for old in self.folder.glob("vectors-*.f32"):
            if old != self.vector_path(fresh.generation):
                _delete(old)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the write lock; commit at the end, or undo everything."""
        with self._refusing_damage():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _refusing_damage(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise sentence(self.folder, error) from error
        except UnicodeDecodeError as error:
            # Flipped bytes in the schema, which SQLite quotes in a message of its own.
            raise self._damaged(error) from error
        except OSError as error:
            raise output_error(self.folder, error) from error

    def _append(self, about: About, rows: Floats) -> None:
        append_rows(self.vector_path(about.generation), about.slots, rows)

    def _free(self, path: str) -> int:
        found = self._connection.execute(
            "DELETE FROM works WHERE path = ? RETURNING slot", (path,)
        ).fetchall()
        self._connection.executemany("INSERT INTO holes VALUES (?)", found)
        return len(found)

    def _note_columns(self, works: Sequence[Work]) -> None:
        names = sorted({name for work in works for name in work.extra})
        self._connection.executemany(
            "INSERT OR IGNORE INTO extra_columns VALUES (?)", [(name,) for name in names]
        )


def _stored(row: sqlite3.Row) -> StoredWork:
    slot, path, sha256, added = row[:4]
    artist, title, date, style, genre, source, extra = row[4:]
    try:
        more = read_json(extra)
    except (ValueError, TypeError) as error:
        # SQLite cannot tell flipped bytes in a text from others.
        raise sqlite3.DatabaseError(f"the columns of {ascii(path)[:90]} are not JSON") from error
    # A column of texts may hold bytes as well, and a stranger may have put anything into either.
    known = (path, sha256, added) + tuple(one for one in row[4:10] if one is not None)
    if (
        not all(isinstance(one, str) for one in known)
        or not isinstance(more, dict)
        or any(isinstance(one, dict | list) for one in more.values())
        or not (isinstance(slot, int) and slot >= 0)
    ):
        raise sqlite3.DatabaseError(f"what it holds of {ascii(path)[:100]} is of wrong types")
    work = Work(path, artist, title, date, style, genre, source, more)
    return StoredWork(slot, work, sha256, added)


def _delete(path: Path) -> None:
    # Windows keeps a file that another process reads; the next time will do.
    if sys.platform == "win32":
        try:
            path.unlink(missing_ok=True)
        except PermissionError:
            return
    else:
        path.unlink(missing_ok=True)
