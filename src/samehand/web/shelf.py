"""A gallery's labels held in memory, so that browsing 20,000 works is answered at once.

It asks its storage for nothing but the list of works, whatever that storage is.
"""

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from samehand.catalogue.dates import parse_date
from samehand.gallery import Gallery, StoredWork
from samehand.gallery.filters import plain

MOST_WORKS = 200_000
"""Works beyond so many are found by a search, but not browsed: a kilobyte of labels each."""

_FRESH_S = 20.0
"""A change of labels that leaves the number of works alone is seen within so many seconds."""

Sorting = Literal["added", "artist", "title", "date"]
_MOST_KNOWN = 64
FACETS = ("artist", "style", "genre", "source", "qualifier")
"""Columns by which works can be narrowed down."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which works a page is to show.

    Attributes:
        words: Every word stands in the title, artist, date or a number of the work.
        chosen: Value by column of `FACETS`; an empty value means that it is not known.
        first: The earliest year, or None.
        last: The latest year, or None.
    """

    words: str = ""
    chosen: dict[str, str] = field(default_factory=dict)
    first: int | None = None
    last: int | None = None


@dataclass(frozen=True, slots=True)
class Browsed:
    """What a page shows of the works that are wanted.

    Attributes:
        places: Their positions on the shelf, in order.
        facets: For each column of `FACETS` its commonest values with counts.
        decades: First years of decades with how many works begin there.
    """

    places: list[int]
    facets: dict[str, list[tuple[str, int]]]
    decades: list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Shelf:
    """The works of a gallery at one moment.

    Attributes:
        works: At most `MOST_WORKS`, in the order in which they were embedded.
        texts: What a search for words looks in, without case and accents.
        years: First and last year of each work; None where the date does not tell.
        whole: Whether these are all works of the gallery.
        known: What was browsed before: going through the pages of one search counts once.
    """

    works: tuple[StoredWork, ...]
    texts: tuple[str, ...]
    years: tuple[tuple[int | None, int | None], ...]
    whole: bool
    known: dict[object, Browsed] = field(default_factory=dict, repr=False, compare=False)

    def browse(self, wanted: Wanted, sorting: Sorting = "added") -> Browsed:
        """Return the works that are wanted, and what narrows them down."""
        key = (wanted.words, *sorted(wanted.chosen.items()), wanted.first, wanted.last, sorting)
        found = self.known.get(key)
        if found is None:
            places = self.select(wanted, sorting)
            facets = {column: self.facet(column, places) for column in FACETS}
            found = Browsed(places, facets, self.decades(places))
            if len(self.known) >= _MOST_KNOWN:
                self.known.clear()
            self.known[key] = found
        return found

    def select(self, wanted: Wanted, sorting: Sorting = "added") -> list[int]:
        """Return the positions of the works that are wanted, in order."""
        words = (plain(wanted.words) or "").split()
        found = [
            place
            for place, text in enumerate(self.texts)
            if all(word in text for word in words) and self._meets(place, wanted)
        ]
        if sorting == "date":
            found.sort(key=lambda place: (self.years[place][0] is None, self.years[place][0] or 0))
        elif sorting != "added":
            labels = [getattr(self.works[place].work, sorting) for place in found]
            order = sorted(
                range(len(found)), key=lambda i: (labels[i] is None, plain(labels[i]) or "")
            )
            found = [found[i] for i in order]
        return found

    def _meets(self, place: int, wanted: Wanted) -> bool:
        stored = self.works[place]
        for column, value in wanted.chosen.items():
            if (value_of(stored, column) or "") != value:
                return False
        first, last = self.years[place]
        if wanted.first is not None and (last is None or last < wanted.first):
            return False
        return not (wanted.last is not None and (first is None or first > wanted.last))

    def facet(self, column: str, places: Sequence[int], most: int = 12) -> list[tuple[str, int]]:
        """Return the commonest values of a column among some works, with how many bear each."""
        counts = Counter(value_of(self.works[place], column) for place in places)
        counts.pop(None, None)
        ordered = sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))
        return [(str(value), count) for value, count in ordered[:most]]

    def decades(self, places: Sequence[int]) -> list[tuple[int, int]]:
        """Return first years of decades, without gaps, with how many of some works begin there."""
        counts = Counter(
            year // 10 * 10 for place in places if (year := self.years[place][0]) is not None
        )
        if not counts:
            return []
        return [(year, counts[year]) for year in range(min(counts), max(counts) + 10, 10)]


def value_of(stored: StoredWork, column: str) -> str | None:
    """Return what a column says of a work, or None."""
    if column in ("artist", "style", "genre", "source"):
        value: str | None = getattr(stored.work, column)
        return value
    return stored.work.extra.get(column)


class Shelves:
    """The shelf of one gallery, read again when the gallery has changed."""

    def __init__(self, gallery: Gallery, later: Callable[[Callable[[], object]], object]) -> None:
        """Prepare to read.

        Args:
            gallery: Whose works.
            later: Runs what it is given in another thread, for nobody to wait for.
        """
        self._gallery = gallery
        self._later = later
        self._reading = threading.Lock()
        self._kept: tuple[object, float, Shelf] | None = None

    def now(self) -> Shelf:
        """Return the works as they are, or were a few seconds ago."""
        state = self._state()
        if self._kept is not None:
            before, read_at, shelf = self._kept
            if before == state:
                if time.monotonic() - read_at >= _FRESH_S and not self._reading.locked():
                    # Labels are seldom changed; nobody waits while they are looked through.
                    with contextlib.suppress(RuntimeError):  # the server is stopping
                        self._later(self._read)
                return shelf
        with self._reading:
            # Whoever waited here need not read again.
            if self._kept is not None and self._kept[0] == state:
                return self._kept[2]
            return self._look(state)

    def _state(self) -> tuple[object, ...]:
        about = self._gallery.store.about()
        return about.generation, about.slots, len(self._gallery)

    def _read(self) -> None:
        if self._reading.acquire(blocking=False):
            try:
                self._look(self._state())
            finally:
                self._reading.release()

    def _look(self, state: tuple[object, ...]) -> Shelf:
        works = tuple(self._gallery.store.works(limit=MOST_WORKS))
        if self._kept is not None and self._kept[2].works == works:
            shelf = self._kept[2]
        else:
            texts = tuple(_text(stored) for stored in works)
            years = tuple(_years(stored) for stored in works)
            shelf = Shelf(works, texts, years, len(works) >= len(self._gallery))
        self._kept = (state, time.monotonic(), shelf)
        return shelf


def _text(stored: StoredWork) -> str:
    work = stored.work
    parts = [work.title, work.artist, work.date, *work.extra.values(), Path(work.path).stem]
    return plain(" ".join(part for part in parts if part)) or ""


def _years(stored: StoredWork) -> tuple[int | None, int | None]:
    extra = stored.work.extra
    stated = [extra.get("date_from"), extra.get("date_to")]
    if all(text is not None and text.lstrip("-").isdecimal() for text in stated):
        return int(str(stated[0])), int(str(stated[1]))
    return parse_date(stored.work.date)


def title_of_work(stored: StoredWork) -> str:
    """Return what to call a work: its title, or its file's name where it has none."""
    return stored.work.title or Path(stored.work.path).name
