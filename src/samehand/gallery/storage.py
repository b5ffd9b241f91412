"""What a `Gallery` needs of whatever keeps its works: the seam beneath it.

Two engines implement `Storage`: SQLite with one vector file (`embedded.py`, the default), and
LanceDB on a folder or an object store (`lance.py`). `engines.py` opens one by a gallery's name,
path or address.

A slot is the number by which a storage finds a work again; it is never given to another work.

Shapes: N works, B works of one call, D embedding width, K results.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from samehand.gallery.schema import About
from samehand.gallery.vectors import Slots
from samehand.gallery.works import FileState, NewWork, StoredWork, Work
from samehand.records import Floats
from samehand.results import IndexInfo


@dataclass(frozen=True, slots=True, eq=False)
class Near:
    """Works near a probe, with their embeddings.

    Attributes:
        works: K works, best first.
        embeddings: Theirs, unit length, (K, D).
        exact: Whether every work was looked at.
    """

    works: list[StoredWork]
    embeddings: Floats
    exact: bool


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """One line of the record of decisions, which only grows.

    Attributes:
        id: Unique, whoever wrote it and wherever.
        time: In UTC, ISO 8601.
        first: Content hash of one work, the smaller of the two in alphabetical order.
        second: Content hash of the other.
        label: What was decided, or "undo".
        note: Why, in free text; of an undo, the id of the line that no longer counts.
        name: Who decided.
        model: Identity of the model whose ratio was shown.
        llr: That ratio, log10, or None where none was shown.
    """

    id: str
    time: str
    first: str
    second: str
    label: str
    note: str
    name: str
    model: str
    llr: float | None


class Storage(Protocol):
    """Works, their embeddings and the decisions on them, in one place.

    Each call sees one state of the gallery and changes all it says or nothing, whatever is killed
    and whoever else writes. Conditions (`where`) are those of `filters.read_conditions`. Every
    method raises `GalleryError` for a gallery that is damaged, locked or unreachable, and for a
    condition that cannot be understood; those that write raise `OutputError` for a full disk.
    """

    @property
    def address(self) -> str:
        """Where it is: what opens it again."""

    def close(self) -> None:
        """Let go of it; what was reported as stored is stored already."""

    def about(self) -> About:
        """Return what the gallery was made with."""

    def size(self) -> int:
        """Return how many bytes it takes."""

    def states(self) -> dict[str, tuple[int, FileState]]:
        """Return slot and file state of every work, by its path."""

    def works(
        self, where: Sequence[str] = (), *, limit: int | None = None, offset: int = 0
    ) -> Iterator[StoredWork]:
        """Yield the works that meet the conditions, by slot."""

    def at(self, slots: Slots) -> list[StoredWork]:
        """Return the works in some slots, in that order; slots without one are left out."""

    def count(self, where: Sequence[str] = ()) -> int:
        """Return how many works meet the conditions."""

    def artists(self, where: Sequence[str] = ()) -> tuple[int, int]:
        """Return how many artists' names occur, and how many works have none."""

    def artist_names(self) -> list[str]:
        """Return every artist's name, in alphabetical order."""

    def extra_columns(self) -> list[str]:
        """Return the columns beyond those that every gallery has."""

    def fingerprint(self) -> str:
        """Return a hash that changes with any work, embedding or label."""

    def works_with_content(self, digests: Sequence[str]) -> dict[str, list[Work]]:
        """Return the works that have each content, in order of slot."""

    def rows_with_content(self, digests: Sequence[str], encoder: str) -> dict[str, Floats]:
        """Return the embedding of each content, (D,), where it is one of that encoder's."""

    def embeddings(self, where: Sequence[str] = ()) -> tuple[tuple[StoredWork, ...], Floats]:
        """Return works with their embeddings, (N, D), by slot."""

    def nearest(
        self, probe: Floats, count: int, where: Sequence[str] = (), *, exact: bool = False
    ) -> Near:
        """Return the `count` works whose embeddings have the largest cosine to a probe's, (D,)."""

    def index_info(self) -> IndexInfo | None:
        """Return what is known of the approximate index, or None where there is none."""

    def is_approximate(self) -> bool:
        """Return whether a search of the whole gallery goes through an approximate index."""

    def wants_index(self) -> bool:
        """Return whether exact search hurts, and no index covers most of the works."""

    def build_index(self) -> IndexInfo:
        """Build the approximate index, measure its recall, and return that."""

    def put(self, works: Sequence[NewWork], embeddings: Floats, encoder: str) -> None:
        """Store B works of distinct paths with embeddings (B, D); a path that is there is replaced.

        Raises:
            GalleryError: The gallery is another encoder's.
        """

    def describe(self, works: Sequence[Work]) -> int:
        """Replace what is said of works that are there, and return how many that changed."""

    def edit(self, where: Sequence[str], change: Callable[[Work], Work]) -> int:
        """Replace what is said of the works that meet the conditions; return how many changed."""

    def touch(self, states: dict[str, FileState]) -> None:
        """Remember new sizes and times of files whose content is still the same, by path."""

    def move(self, moves: Sequence[tuple[str, NewWork]]) -> int:
        """Give works, by old path, new paths and descriptions; return how many there were."""

    def remove(self, paths: Sequence[str]) -> int:
        """Remove works by their paths, and return how many there were."""

    def replace_all(
        self, encoder: str, model: str, kept: Sequence[str], rows: Floats, *, before: int
    ) -> None:
        """Give the works `kept` new embeddings, (N, D), of a new encoder, and drop all others.

        Raises:
            GalleryError: There are no longer `before` works: somebody changed them meanwhile.
        """

    def append_decisions(self, rows: Sequence[DecisionRow]) -> None:
        """Add lines to the record of decisions; a line is never changed or removed."""

    def read_decisions(self) -> list[DecisionRow]:
        """Return the record of decisions, by time, then id."""

    def rename(self, name: str) -> str:
        """Close it, move it, and return its new address.

        Raises:
            GalleryError: There is something of that name, or another process uses the gallery.
        """

    def delete(self) -> None:
        """Close and delete it.

        Raises:
            GalleryError: It holds other files, too, or another process uses the gallery.
        """
