"""The tables of a gallery's database, and how an empty one is made."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from samehand.gallery.places import DATABASE
from samehand.gallery.sqlite import connect, sentence

FORMAT = 1
APPLICATION = 0x53484731  # "SHG1"

_SCHEMA = """
CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE works (
    slot INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, sha256 TEXT NOT NULL,
    size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, added TEXT NOT NULL,
    artist TEXT, title TEXT, date TEXT, style TEXT, genre TEXT, source TEXT,
    extra TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX works_by_artist ON works (artist);
CREATE INDEX works_by_sha256 ON works (sha256);
CREATE TABLE holes (slot INTEGER PRIMARY KEY);
CREATE TABLE extra_columns (name TEXT PRIMARY KEY) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class About:
    """What a gallery was made with, and how far its vector file is filled.

    Attributes:
        encoder: Hash of all that decides an embedding.
        model: Identity of the model, for people to read.
        width: D, the length of an embedding.
        generation: Number of the vector file; embedding everything again starts a new one.
        slots: How many slots works refer to or once referred to.
    """

    encoder: str
    model: str
    width: int
    generation: int = 0
    slots: int = 0


def create_database(folder: Path, about: About) -> None:
    """Make the database of an empty gallery in an existing folder, all or nothing."""
    try:
        connection = connect(folder / DATABASE)
        try:
            connection.execute("BEGIN EXCLUSIVE")
            for statement in filter(str.strip, _SCHEMA.split(";")):
                connection.execute(statement)
            facts = {name: str(getattr(about, name)) for name in About.__dataclass_fields__}
            connection.executemany("INSERT INTO about VALUES (?, ?)", facts.items())
            connection.execute(f"PRAGMA application_id = {APPLICATION}")
            connection.execute(f"PRAGMA user_version = {FORMAT}")
            connection.execute("COMMIT")
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise sentence(folder, error) from error
