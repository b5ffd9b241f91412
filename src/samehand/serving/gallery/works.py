"""What a gallery holds: small frozen records."""

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
        extra: Whatever else is known; every key is a column that can be filtered by.
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

    A source that does not know a label is no reason to forget it, nor is the name of a folder a
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
    if guessed and old.artist not in (None, new.artist) and old.artist not in folders:
        kept["artist"] = old.artist
    extra = {name: text for name, text in old.extra.items() if name not in new.extra}
    if not kept and not extra:
        return new, 0
    return replace(new, **kept, extra={**old.extra, **new.extra}), len(kept) + len(extra)


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
