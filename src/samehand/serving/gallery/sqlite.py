"""How a gallery's SQLite file is opened, and its errors in words."""

import sqlite3
from functools import lru_cache
from pathlib import Path

from samehand.catalogue.dates import Years, parse_date
from samehand.errors import GalleryError

_PATIENCE_S = 60.0


def connect(path: Path) -> sqlite3.Connection:
    """Open a database, or make one.

    Raises:
        GalleryError: It is damaged, locked or unwritable.
    """
    connection = sqlite3.connect(
        path, timeout=_PATIENCE_S, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        # FULL: what was reported as added survives a power cut, not only a killed process.
        connection.execute("PRAGMA synchronous = FULL")
    except sqlite3.DatabaseError as error:
        connection.close()
        raise sentence(path.parent, error) from error
    connection.create_function("fold", 1, _fold, deterministic=True)
    connection.create_function("first_year", 1, lambda text: _years(text)[0], deterministic=True)
    connection.create_function("last_year", 1, lambda text: _years(text)[1], deterministic=True)
    return connection


def _fold(text: str | None) -> str | None:
    return None if text is None else str(text).casefold()


@lru_cache(maxsize=4096)
def _years(text: str | None) -> Years:
    return parse_date(text)


def sentence(folder: Path, error: sqlite3.Error) -> GalleryError:
    """Return what a user is told of an error of the database in a gallery's folder."""
    reason = str(error)
    if "locked" in reason or "busy" in reason:
        return GalleryError(
            f"the gallery {folder} has been in use by another process for {_PATIENCE_S:.0f} s; "
            "try again when that is done"
        )
    if "readonly" in reason or "unable to open" in reason:
        return GalleryError(f"cannot write the gallery {folder} ({reason}); change its permissions")
    if "full" in reason:
        return GalleryError(f"cannot write the gallery {folder}: the disk is full; make room")
    return GalleryError(f"the gallery {folder} is damaged ({reason}); restore a copy of its folder")
