"""What a collection on the web says about a work, before anything of it is fetched."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

Ask = Callable[[str], Any]
"""From an address to its JSON; the caller decides how politely and whether from memory."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A work that a collection offers, in the collection's own words.

    Attributes:
        key: Unique within its source.
        image: The image's address, or None where the work has none.
        title: As written, or None, as are the others.
        artist: With its qualifier, as the collection writes it: "Workshop of Lucas Cranach".
        artist_id: "ulan:..." or a Wikidata Q number.
        date: As written.
        accession_number: What the collection calls the work.
        licence: Of the image, as an address or a short name.
        rights: The rights statement in words.
        credit: The credit line.
        source: The work's page.
    """

    key: str
    image: str | None
    title: str | None = None
    artist: str | None = None
    artist_id: str | None = None
    date: str | None = None
    licence: str | None = None
    rights: str | None = None
    credit: str | None = None
    source: str | None = None
    accession_number: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether the licence lets anybody reuse the image: CC0, public domain, CC BY or BY-SA."""
        return bool(self.licence and _OPEN.search(self.licence))


_OPEN = re.compile(
    r"creativecommons\.org/(?:publicdomain|licenses/by(?:-sa)?/)|^cc0\b|^cc[ -]by(?:-sa)?(?![-\w])"
    r"|^public domain\b|^pd\b",
    re.IGNORECASE,
)

CC0 = "https://creativecommons.org/publicdomain/zero/1.0/"


class Museum(Protocol):
    """A reader of one collection's interface."""

    def __call__(self, ask: Ask, words: str, size: int, base: str) -> Iterator[Offer]:
        """Yield the paintings that a search finds, in the collection's order.

        Args:
            ask: Gets the JSON of an address.
            words: What to search for.
            size: The longest side in pixels that is wanted, where the collection can tell.
            base: Scheme and host of the interface.
        """


def text_of(value: object) -> str | None:
    """Return a non-empty text, or None for anything else that an answer may hold."""
    return value.strip() if isinstance(value, str) and value.strip() else None


def dicts(value: object) -> list[dict[str, Any]]:
    """Return the objects of a list, or a lone object as a list; drop everything else."""
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, dict)]
