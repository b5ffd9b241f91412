"""What is looked at before SQLite opens a file in a folder that may come from a stranger.

SQLite believes what lies beside a database. It writes through links, and when it rolls a journal
back, it deletes the file that the journal names as its super-journal, whichever that is
(https://sqlite.org/atomiccommit.html, sections 5.5 and 5.6). A view or a virtual table in place of
a table may never come to an end.
"""

import sqlite3
from pathlib import Path

_BESIDE = ("", "-journal", "-wal", "-shm")

_ENDS_WITH_A_NAME = bytes.fromhex("d9d505f920a163d7")
"""What ends a journal that names a super-journal, which takes two databases written as one."""


def harm_beside(path: Path) -> str | None:
    """Return what would have SQLite write or delete a file elsewhere, in words, or None.

    Args:
        path: A database.
    """
    for suffix in _BESIDE:
        file = path.with_name(path.name + suffix)
        if file.is_symlink():
            return f"{file.name} is a link to another place; copy the file itself"
    journal = path.with_name(f"{path.name}-journal")
    try:
        with journal.open("rb") as stream:
            stream.seek(max(0, journal.stat().st_size - len(_ENDS_WITH_A_NAME)))
            named = stream.read() == _ENDS_WITH_A_NAME
    except FileNotFoundError:
        return None
    except OSError as error:
        return f"{journal.name} cannot be read ({(error.strerror or str(error)).lower()})"
    if named:
        return (
            f"{journal.name} names another file, which SQLite would delete; copy the gallery again "
            "from where it was made"
        )
    return None


def foreign_part(connection: sqlite3.Connection) -> str | None:
    """Return the name of something in a database that is neither a table nor an index, or None.

    samehand makes nothing else, and it would run with each command. Only a table and an index have
    a page of their own, whatever their definition says.
    """
    found = connection.execute(
        "SELECT name FROM sqlite_master "
        "WHERE type NOT IN ('table', 'index') OR coalesce(rootpage, 0) = 0"
    ).fetchone()
    return None if found is None else str(found[0])
