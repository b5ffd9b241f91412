"""How a gallery's SQLite file is opened by any number of threads, and its errors in words."""

import os
import shutil
import sqlite3
import threading
import weakref
from functools import lru_cache
from pathlib import Path

from samehand.catalogue.dates import Years, parse_date
from samehand.errors import GalleryError
from samehand.gallery.filters import plain
from samehand.gallery.foreign import harm_beside

_PATIENCE_S = 60.0

_LONGEST = 2**26
"""Bytes of a value. None comes near, but a generated column of a stranger may fill the memory."""


class Connections:
    """A connection for each thread of each process: SQLite's transactions are a connection's own.

    A thread's connection is closed when the thread ends, and all of them by `close`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._open: weakref.WeakSet[_Owned] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._closed = False

    def here(self) -> sqlite3.Connection:
        """Return this thread's connection.

        Raises:
            GalleryError: The gallery is closed, or cannot be opened.
        """
        if self._closed:
            raise GalleryError(f"the gallery {self._path.parent} is closed; open it again")
        owned: _Owned | None = getattr(self._local, "owned", None)
        # A connection must not be carried across a fork (https://sqlite.org/howtocorrupt.html).
        if owned is None or owned.process != os.getpid():
            owned = _Owned(connect(self._path))
            with self._lock:
                self._open.add(owned)
            self._local.owned = owned
        return owned.connection

    def close(self) -> None:
        """Close every thread's connection."""
        self._closed = True
        with self._lock:
            for owned in list(self._open):
                owned.close()


class _Owned:
    """A connection that is closed with its thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.process = os.getpid()

    def close(self) -> None:
        if self.process == os.getpid():
            self.connection.close()

    def __del__(self) -> None:
        self.close()


def connect(path: Path) -> sqlite3.Connection:
    """Open a database, or make one; for reading only where it cannot be written.

    Raises:
        GalleryError: It is damaged, locked or unreachable, or would have other files written.
    """
    if (harm := harm_beside(path)) is not None:
        raise GalleryError(f"the gallery {path.parent} is not opened: {harm}")
    try:
        return _connect(path.as_uri() if path.is_absolute() else path.absolute().as_uri())
    except UnicodeDecodeError as error:
        raise GalleryError(
            f"the gallery {path.parent} is damaged ({error}); restore a copy of its folder"
        ) from error
    except sqlite3.Error as error:
        if not path.exists() or not (_unwritable(error) or _is_full(path.parent, error)):
            raise sentence(path.parent, error) from error
    return _connect_for_reading(path)


def _connect_for_reading(path: Path) -> sqlite3.Connection:
    """Open a database in a place where nothing may be written."""
    address = path.absolute().as_uri()
    try:
        return _connect(f"{address}?mode=ro")
    except sqlite3.Error as error:
        log = path.with_name(path.name + "-wal")
        if log.exists() and log.stat().st_size:
            # An immutable database is read without its log, and the newest works would be missing.
            if _is_full(path.parent, error):
                raise sentence(path.parent, error) from error
            raise GalleryError(
                f"the gallery {path.parent} was not closed when it was last changed, and cannot be "
                "written here; run samehand gallery info on it once where it can be, or copy it"
            ) from error
    try:
        return _connect(f"{address}?immutable=1")
    except sqlite3.Error as error:
        raise sentence(path.parent, error) from error


def _connect(address: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        address, timeout=_PATIENCE_S, isolation_level=None, check_same_thread=False, uri=True
    )
    try:
        limit_strangers(connection)
        if "?" not in address:
            connection.execute("PRAGMA journal_mode = WAL")
            # FULL: what was reported as added survives a power cut, not only a killed process.
            connection.execute("PRAGMA synchronous = FULL")
        # Only now SQLite opens the log, which takes rights that opening the file does not.
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        connection.close()
        raise
    connection.create_function("fold", 1, _fold, deterministic=True)
    connection.create_function("plain", 1, plain, deterministic=True)
    connection.create_function("first_year", 1, lambda text: _years(text)[0], deterministic=True)
    connection.create_function("last_year", 1, lambda text: _years(text)[1], deterministic=True)
    return connection


def limit_strangers(connection: sqlite3.Connection) -> None:
    """Leave a database that may come from a stranger little to do beyond holding rows."""
    # What its schema says is not to be run.
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST)


def _fold(text: str | None) -> str | None:
    return None if text is None else str(text).casefold()


@lru_cache(maxsize=4096)
def _years(text: str | None) -> Years:
    return parse_date(text)


def _unwritable(error: sqlite3.Error) -> bool:
    return _name_of(error).startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM"))


def _is_full(folder: Path, error: sqlite3.Error) -> bool:
    """Return whether an error comes of a disk without room for the log's index, 32 KiB."""
    try:
        return _name_of(error).startswith(("SQLITE_IOERR", "SQLITE_FULL")) and (
            shutil.disk_usage(folder).free < 2**16
        )
    except OSError:
        return False


def _name_of(error: sqlite3.Error) -> str:
    return getattr(error, "sqlite_errorname", None) or ""


def sentence(folder: Path, error: sqlite3.Error) -> GalleryError:
    """Return what a user is told of an error of the database in a gallery's folder."""
    name, reason = _name_of(error), str(error)
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return GalleryError(
            f"the gallery {folder} has been in use by another process for {_PATIENCE_S:.0f} s; "
            "try again when that is done"
        )
    if _unwritable(error):
        return GalleryError(f"cannot write the gallery {folder} ({reason}); change its permissions")
    if name == "SQLITE_FULL":
        return GalleryError(f"cannot write the gallery {folder}: the disk is full; make room")
    if _is_full(folder, error):
        return GalleryError(f"cannot open the gallery {folder}: the disk is full; make room")
    if name.startswith(("SQLITE_IOERR", "SQLITE_NOMEM", "SQLITE_INTERRUPT", "SQLITE_NOLFS")):
        return GalleryError(
            f"the gallery {folder} cannot be read or written now ({reason}); see that its disk is "
            "connected and sound, and try again"
        )
    if isinstance(error, sqlite3.ProgrammingError):
        return GalleryError(f"the gallery {folder} is closed; open it again")
    return GalleryError(f"the gallery {folder} is damaged ({reason}); restore a copy of its folder")
