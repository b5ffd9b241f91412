"""What a gallery holds and what it says about itself: small frozen records."""

import unicodedata
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

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

    def to_dict(self) -> dict[str, Any]:
        """Return the work as JSON-ready values."""
        return asdict(self.work) | {"sha256": self.sha256, "added": self.added}


@dataclass(frozen=True, slots=True)
class AddReport:
    """What adding came to.

    Attributes:
        added: Works that are new in the gallery.
        changed: Works whose file had changed and was embedded again.
        updated: Works whose file had not changed, but what is said of them had.
        unchanged: Works that were there already.
        failed: Why a file could not be read, by its path; nothing of it is stored.
        gone: Works of the folders that were added whose files are there no longer; they stay
            until they are removed.
        seconds: Wall time.
        notes: What the sources' readers noticed, such as rows of a table that name one file.
        moved: Works whose file was known by another path, where it is no longer.
        unreachable: Works of the folders that were added whose files may still be there, on a disk
            or share that is not connected now; they stay.
        kept_labels: Labels that the sources do not know and the gallery keeps.
    """

    added: int
    changed: int
    updated: int
    unchanged: int
    failed: dict[str, str]
    gone: tuple[str, ...]
    seconds: float
    notes: tuple[str, ...] = ()
    moved: int = 0
    unreachable: tuple[str, ...] = ()
    kept_labels: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON-ready values."""
        lists = {name: list(getattr(self, name)) for name in ("gone", "notes", "unreachable")}
        return asdict(self) | lists


@dataclass(frozen=True, slots=True)
class IndexInfo:
    """The approximate index, and how far it can be trusted.

    Attributes:
        works: How many works it covers; later ones are searched exactly.
        lists: Into how many lists it divides them.
        probed: How many lists a search looks at.
        recall_at_10: Share of the ten nearest by exact search that it finds, in [0, 1], measured
            when it was built on works of this gallery.
        exact_ms: Median time of an exact search then.
        approximate_ms: Median time of a search with the index then.
    """

    works: int
    lists: int
    probed: int
    recall_at_10: float
    exact_ms: float
    approximate_ms: float


@dataclass(frozen=True, slots=True)
class GalleryInfo:
    """What a gallery says about itself.

    Attributes:
        name: Its name.
        path: Its folder.
        works: How many works it holds.
        artists: How many artists' names occur.
        unattributed: Works without an artist.
        gone: Works whose files are there no longer, if that was looked up.
        width: D, the length of an embedding.
        model: Identity of the model it was made with.
        encoder: Hash of all that decides an embedding.
        columns: Every column that can be filtered by.
        megabytes: Room on the disk.
        search: "exact" or "approximate".
        index: The approximate index, where there is one.
    """

    name: str
    path: str
    works: int
    artists: int
    unattributed: int
    gone: int | None
    width: int
    model: str
    encoder: str
    columns: tuple[str, ...]
    megabytes: float
    search: str
    index: IndexInfo | None

    def to_dict(self) -> dict[str, Any]:
        """Return the facts as JSON-ready values."""
        return asdict(self) | {"columns": list(self.columns)}
