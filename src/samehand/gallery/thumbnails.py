"""Small pictures of a gallery's works, made once, so that no page opens an original to list it.

They are one more file in the gallery's folder, by content: losing it costs time and nothing else.
"""

import io
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

from samehand.errors import ImageError
from samehand.gallery.works import StoredWork
from samehand.images.decode import decode_file
from samehand.progress import track

FILE = "thumbnails.sqlite"
SIDE = 320
"""Longest side in pixels: a card of the gallery's page on a screen of ordinary resolution."""

_QUALITY = 82
_AT_ONCE = 64
_PATIENCE_S = 10.0


class Thumbnails:
    """The small pictures of one gallery; safe to use from several threads and processes."""

    def __init__(self, folder: Path) -> None:
        """Name the folder of a gallery; nothing is opened until a picture is asked for."""
        self._path = folder / FILE
        self._lock = threading.Lock()

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self._path, timeout=_PATIENCE_S)
        try:
            with connection:
                connection.execute(
                    "CREATE TABLE IF NOT EXISTS pictures (sha256 TEXT PRIMARY KEY, jpeg BLOB)"
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
        return None if row is None else bytes(row[0])

    def keep(self, pictures: Iterable[tuple[str, bytes]]) -> None:
        """Store JPEGs by their contents; where that cannot be, they are made again when asked."""
        try:
            with self._lock, self._opened() as connection:
                connection.executemany("INSERT OR REPLACE INTO pictures VALUES (?, ?)", pictures)
        except (sqlite3.Error, OSError):
            return

    def known(self) -> set[str]:
        """Return the contents that have a picture."""
        if not self._path.exists():
            return set()
        try:
            with self._lock, self._opened() as connection:
                return {row[0] for row in connection.execute("SELECT sha256 FROM pictures")}
        except sqlite3.Error:
            return set()

    def fill(self, works: Iterable[StoredWork]) -> int:
        """Make the small pictures that are missing, and return how many were made.

        Args:
            works: Whose; a file that cannot be read has none.
        """
        known = self.known()
        wanted = {one.sha256: one.work.path for one in works if one.sha256 not in known}
        made = 0
        pending: list[tuple[str, bytes]] = []
        with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
            found = pool.map(_of_file, wanted.values())
            pairs = zip(wanted, found, strict=True)
            try:
                for sha256, jpeg in track(pairs, "making small pictures", len(wanted)):
                    if jpeg is not None:
                        pending.append((sha256, jpeg))
                        made += 1
                    if len(pending) >= _AT_ONCE:
                        self.keep(pending)
                        pending = []
            finally:
                self.keep(pending)
                pool.shutdown(cancel_futures=True)
        return made


def thumbnail(image: Image.Image, side: int = SIDE) -> bytes:
    """Return a picture, its longest side at most `side` pixels, as a JPEG file."""
    small = image.convert("RGB")
    small.thumbnail((side, side), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=_QUALITY, optimize=True)
    return buffer.getvalue()


def _of_file(path: str) -> bytes | None:
    try:
        return thumbnail(decode_file(path, 2 * SIDE).image)
    except ImageError:
        return None
