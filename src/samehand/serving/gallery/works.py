"""What a gallery holds: small frozen records."""

from dataclasses import dataclass, field, fields

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
