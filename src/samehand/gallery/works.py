"""What a gallery holds: small frozen records."""

import os
import unicodedata
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from samehand.results import WorkRecord

FIELDS = ("artist", "title", "date", "style", "genre", "source")
"""What is known of a work apart from its file; unknown is None."""


@dataclass(frozen=True, slots=True)
class Work:
    """A work to be added.

    Attributes:
        path: Its image file; also its name in the gallery, so made absolute when it is added.
        artist: Who made it, as its source says, or None.
        title: As its source says, or None.
        date: As its source says, or None.
        style: As its source says, or None.
        genre: As its source says, or None.
        source: The collection, or None.
        extra: Whatever else is known, `catalogue.facts.FACTS` among it; every key is a column that
            can be filtered by.
    """

    path: str
    artist: str | None = None
    title: str | None = None
    date: str | None = None
    style: str | None = None
    genre: str | None = None
    source: str | None = None
    extra: dict[str, str] = field(default_factory=dict)


def keep_labels(new: Work, old: Work, *, guessed: bool = False) -> tuple[Work, int]:
    """Return a work with the labels that only an earlier record of it has, and how many.

    A source that does not know a label does not mean to forget it, nor is the name of a folder a
    reason to forget an artist who is not the name of a folder.

    Args:
        new: The work as its source lists it now.
        old: As the gallery has it.
        guessed: Whether the new artist is but the name of a folder.
    """
    kept = {
        name: getattr(old, name)
        for name in FIELDS
        if getattr(new, name) is None and getattr(old, name) is not None
    }
    folders = {unicodedata.normalize("NFC", part) for part in Path(old.path).parts}
    written = old.extra.get("attribution", old.artist)
    if guessed and old.artist not in (None, new.artist) and written not in folders:
        kept["artist"] = old.artist
    elif "attribution" in new.extra and new.artist is None:
        # "Anonymous" is what the source says, not a label that it does not know.
        kept.pop("artist", None)
    stale = _stale(new, old, "artist" in kept)
    said = dict(new.extra)
    if "artist" in kept:
        # What the name of a folder says is not said of the artist who stays.
        for name in ("qualifier", "attribution"):
            said.pop(name, None)
    extra = {
        name: text for name, text in old.extra.items() if name not in said and name not in stale
    }
    if not kept and not extra:
        return new, 0
    return replace(new, **kept, extra={**extra, **said}), len(kept) + len(extra)


def _stale(new: Work, old: Work, kept_artist: bool) -> set[str]:
    """Return which facts of an earlier record belong to an artist or a date that is replaced."""
    stale: set[str] = set()
    stated = new.artist is not None or "attribution" in new.extra
    # A qualifier that was read from the artist's words goes with them.
    if stated and not kept_artist and (new.artist != old.artist or "attribution" in old.extra):
        stale |= {"qualifier", "attribution"}
    if stated and not kept_artist and new.artist != old.artist:
        stale.add("artist_id")
    if new.date is not None and new.date != old.date:
        stale |= {"date_from", "date_to"}
    return stale


@dataclass(frozen=True, slots=True)
class StoredWork:
    """A work in a gallery.

    Attributes:
        slot: Where its embedding is; changes when the file is embedded again.
        work: What is known of it.
        sha256: Hash of the file that was embedded.
        added: When, in UTC, ISO 8601.
    """

    slot: int
    work: Work
    sha256: str
    added: str

    def record(self) -> WorkRecord:
        """Return the work as it is listed."""
        known = {one.name: getattr(self.work, one.name) for one in fields(Work)}
        return WorkRecord(**known, sha256=self.sha256, added=self.added)


@dataclass(frozen=True, slots=True)
class FileState:
    """How a file was when it was embedded: if none of it has changed, neither has the image."""

    sha256: str
    size: int
    mtime_ns: int


def stored_mtime(status: os.stat_result) -> int:
    """Return when a file was changed, in nanoseconds, as far as a gallery's 64 bits reach.

    A wrong clock, or a foreign file system, leaves files of the year 2500; 64 bits end in 2262.
    """
    return max(-(2**63), min(2**63 - 1, status.st_mtime_ns))


@dataclass(frozen=True, slots=True)
class NewWork:
    """A work that is ready to be stored."""

    work: Work
    state: FileState
