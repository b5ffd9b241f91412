"""Collections on the web by their names, wherever paintings are read: "aic:Claude Monet"."""

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from samehand.catalogue.fetch import TABLE_NAME, Fetched, fetch
from samehand.catalogue.http import Client
from samehand.catalogue.manifest import read_manifest
from samehand.catalogue.sources import Source
from samehand.errors import CatalogueError
from samehand.plural import counted
from samehand.records import Collection


@dataclass(frozen=True, slots=True)
class Online:
    """A search in a collection on the web: a `PaintingSource`, fetched when it is opened.

    Attributes:
        collection: Where to look.
        words: What to search for; see `fetch.fetch`.
        limit: At most so many paintings.
        any_rights: Also works that are not openly licensed.
        client: How to ask.
        tell: Called with what was left out, a sentence each.
    """

    collection: Collection
    words: str
    folder: Path
    limit: int | None = None
    any_rights: bool = False
    client: Client = field(default_factory=Client)
    tell: Callable[[str], None] | None = None

    def fetch(self) -> Path:
        """Fetch what the search finds, and return the table of it; a repeated call resumes.

        Raises:
            CatalogueError: The collection gives no usable answer, or not one open work.
            OutputError: `folder` cannot be written.
            MissingExtraError: urllib3 is not installed.
        """
        report = fetch(
            self.collection,
            self.words,
            self.folder,
            limit=self.limit,
            any_rights=self.any_rights,
            client=self.client,
        )
        if self.tell is not None:
            for sentence in (*report.failed, _left_out(self, report)):
                self.tell(sentence)
        if not report.paintings:
            raise CatalogueError(
                f"{self.collection} offers no open work with an image for {self.words!r}; use "
                "other words, or pass --any-rights if you may use the images"
            )
        return self.folder / TABLE_NAME

    @contextmanager
    def open(self) -> Iterator[Source]:
        """Yield the collection, fetched; see `sources.PaintingSource`."""
        yield read_manifest(self.fetch())


def parse_online(text: str) -> tuple[Collection, str] | None:
    """Return the collection and the words that "collection:words" names, or None."""
    name, colon, words = text.partition(":")
    for known in get_args(Collection):
        if colon and name == known and words.strip():
            collection: Collection = known
            return collection, words.strip()
    return None


def folder_name(collection: Collection, words: str) -> str:
    """Return a name for the folder of a search, of letters, digits and hyphens."""
    digest = hashlib.sha256(words.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{collection}-{re.sub(r'[^A-Za-z0-9]+', '-', words)[:40].strip('-').lower()}-{digest}"


def _left_out(asked: Online, report: Fetched) -> str:
    return (
        f"{counted(report.paintings, 'painting')} of {asked.collection} in {asked.folder}; "
        f"left out {report.closed:,} without an open licence, {report.without_image:,} without an "
        f"image, {len(report.failed):,} failed"
    )
