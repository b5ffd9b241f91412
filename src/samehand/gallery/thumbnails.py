"""Small pictures of a gallery's works, and of what kind each file is, found out once.

So no page opens an original to list it, and works are read by the calibration of their kind. They
are one more file in the gallery's folder, by content: losing it costs time, and until works are
added again they are read as the usual pictures.
"""

import io
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

from PIL import Image

from samehand.errors import ImageError
from samehand.gallery.foreign import foreign_part, harm_beside
from samehand.gallery.sqlite import limit_strangers
from samehand.gallery.works import StoredWork
from samehand.images.condition import picture_kind
from samehand.images.decode import decode_file
from samehand.progress import track
from samehand.records import PictureKind

FILE = "thumbnails.sqlite"
SIDE = 320
"""Longest side in pixels: a card of the gallery's page on a screen of ordinary resolution."""

_QUALITY = 82
_AT_ONCE = 64
_ASKED_AT_ONCE = 10_000
_PATIENCE_S = 10.0


class Thumbnails:
    """The small pictures of one gallery; safe to use from several threads and processes."""

    def __init__(self, folder: Path) -> None:
        """Name the folder of a gallery; nothing is opened until a picture is asked for."""
        self._path = folder / FILE
        self._lock = threading.Lock()

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        if (harm := harm_beside(self._path)) is not None:
            raise sqlite3.DatabaseError(harm)
        connection = sqlite3.connect(self._path, timeout=_PATIENCE_S)
        try:
            limit_strangers(connection)
            if (foreign := foreign_part(connection)) is not None:
                raise sqlite3.DatabaseError(f"{foreign} is neither a table nor an index")
            with connection:
                connection.execute(
                    "CREATE TABLE IF NOT EXISTS pictures (sha256 TEXT PRIMARY KEY, jpeg BLOB)"
                )
                connection.execute(
                    "CREATE TABLE IF NOT EXISTS kinds (sha256 TEXT PRIMARY KEY, kind TEXT)"
                )
                yield connection
        finally:
            connection.close()

    def get(self, sha256: str) -> bytes | None:
        """Return the JPEG of a content, or None where none was made or it cannot be read."""
        if not self._path.exists():
            return None
        try:
            with self._lock, self._opened() as connection:
                row = connection.execute(
                    "SELECT jpeg FROM pictures WHERE sha256 = ?", (sha256,)
                ).fetchone()
        except sqlite3.Error:
            return None
        return row[0] if row is not None and isinstance(row[0], bytes) else None

    def keep(self, pictures: Iterable[tuple[str, bytes]]) -> None:
        """Store JPEGs by their contents; where that cannot be, they are made again when asked."""
        self._write("INSERT OR REPLACE INTO pictures VALUES (?, ?)", pictures)

    def _keep_kinds(self, kinds: Iterable[tuple[str, PictureKind]]) -> None:
        self._write("INSERT OR REPLACE INTO kinds VALUES (?, ?)", kinds)

    def known(self) -> set[str]:
        """Return the contents that have a picture."""
        return {row[0] for row in self._read("SELECT sha256 FROM pictures")}

    def kinds(self, digests: Sequence[str]) -> list[PictureKind | None]:
        """Return what kind of picture each content is; None where that was not found out."""
        names: dict[str, PictureKind] = {name: name for name in get_args(PictureKind)}
        wanted = sorted(set(digests))
        known: dict[str, PictureKind] = {}
        for start in range(0, len(wanted), _ASKED_AT_ONCE):
            some = wanted[start : start + _ASKED_AT_ONCE]
            marks = ", ".join("?" * len(some))
            rows = self._read(f"SELECT sha256, kind FROM kinds WHERE sha256 IN ({marks})", some)
            known |= {sha256: names[kind] for sha256, kind in rows if kind in names}
        return [known.get(one) for one in digests]

    def _read(self, query: str, values: Sequence[str] = ()) -> list[tuple[str, ...]]:
        if not self._path.exists():
            return []
        try:
            with self._lock, self._opened() as connection:
                return connection.execute(query, values).fetchall()
        except sqlite3.Error:
            return []

    def _write(self, statement: str, rows: Iterable[tuple[str, bytes | str]]) -> None:
        try:
            with self._lock, self._opened() as connection:
                connection.executemany(statement, rows)
        except (sqlite3.Error, OSError):
            return

    def take(self, other: "Thumbnails") -> None:
        """Copy what another gallery keeps and this one does not, as far as it can be read."""
        if not other._path.exists():
            return
        try:
            with other._opened():
                pass  # It may be a stranger's, and is looked at before it is attached.
            with self._lock, self._opened() as connection:
                connection.execute("ATTACH DATABASE ? AS theirs", (os.fspath(other._path),))
                names = connection.execute("SELECT name FROM theirs.sqlite_master")
                for table in {"pictures", "kinds"} & {name for (name,) in names}:
                    connection.execute(
                        f"INSERT OR IGNORE INTO {table} SELECT * FROM theirs.{table}"
                    )
        except (sqlite3.Error, OSError):
            return

    def fill(self, works: Iterable[StoredWork]) -> int:
        """Make the small pictures that are missing, and return how many were made.

        Args:
            works: Whose; a file that cannot be read has none.
        """
        known = self.known() & {row[0] for row in self._read("SELECT sha256 FROM kinds")}
        wanted = {one.sha256: one.work.path for one in works if one.sha256 not in known}
        made = 0
        pending: list[tuple[str, bytes]] = []
        told: list[tuple[str, PictureKind]] = []
        with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
            found = pool.map(_of_file, wanted.values())
            pairs = zip(wanted, found, strict=True)
            try:
                for sha256, found_there in track(pairs, "making small pictures", len(wanted)):
                    if found_there is not None:
                        pending.append((sha256, found_there[0]))
                        told.append((sha256, found_there[1]))
                        made += 1
                    if len(pending) >= _AT_ONCE:
                        self.keep(pending)
                        self._keep_kinds(told)
                        pending, told = [], []
            finally:
                self.keep(pending)
                self._keep_kinds(told)
                pool.shutdown(cancel_futures=True)
        return made


def thumbnail(image: Image.Image, side: int = SIDE) -> bytes:
    """Return a picture, its longest side at most `side` pixels, as a JPEG file."""
    small = image.convert("RGB")
    small.thumbnail((side, side), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=_QUALITY, optimize=True)
    return buffer.getvalue()


def _of_file(path: str) -> tuple[bytes, PictureKind] | None:
    try:
        item = decode_file(path, 2 * SIDE)
    except ImageError:
        return None
    return thumbnail(item.image), picture_kind(item)
