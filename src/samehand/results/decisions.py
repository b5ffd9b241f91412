"""What people decided about pairs of works, and which pairs are worth a decision."""

from dataclasses import dataclass, field

from samehand.records import Judgement
from samehand.results.answer import Answer


@dataclass(frozen=True, slots=True, repr=False)
class DecidedWork(Answer):
    """One of two works that somebody decided about."""

    sha256: str
    """Hash of its file, by which decisions find a work again."""
    path: str | None
    """Its file, or null where the gallery holds no such work now."""
    artist: str | None = None
    """As the gallery says, or null."""
    title: str | None = None
    """As the gallery says, or null."""
    date: str | None = None
    """As the gallery says, or null."""
    extra: dict[str, str] = field(default_factory=dict)
    """Whatever else the gallery knows, such as its accession number."""


@dataclass(frozen=True, slots=True, repr=False)
class Decision(Answer):
    """What one person decided about two works."""

    id: str
    """By which it can be undone."""
    time: str
    """When, in UTC, ISO 8601."""
    label: Judgement
    """"same" hand, "different" hands, or "unsure"."""
    first: DecidedWork
    """One of the works."""
    second: DecidedWork
    """The other one."""
    by: str
    """Who decided; empty where nobody said."""
    note: str
    """Why, in free text."""
    llr: float | None
    """log10 likelihood ratio that the model gave the pair then; null where none was shown."""
    model: str
    """Name and hash of that model."""
    stands: bool = True
    """Whether it counts: it is neither undone nor replaced by a later one of the same person."""
    disputed: bool = False
    """Whether somebody else's decision on the pair, which stands too, contradicts it."""


@dataclass(frozen=True, slots=True, repr=False)
class Decisions(Answer):
    """The decisions that a gallery keeps."""

    decisions: tuple[Decision, ...]
    """By time, the latest last."""
    count: int
    """How many stand."""
    disputed: int
    """How many pairs two people decided differently."""
    gallery: str
    """The gallery's name."""


@dataclass(frozen=True, slots=True, repr=False)
class Suggestion(Answer):
    """Two works of which a decision would teach something."""

    rank: int
    """1 would teach most."""
    first: DecidedWork
    """One of the works."""
    second: DecidedWork
    """The other one."""
    llr: float
    """log10 likelihood ratio of one hand to two."""
    probability: float
    """P(same hand) in [0, 1], from `prior` of the queue."""
    pairs: int
    """How many pairs of works the decision would settle: those between the two works' hands."""
    value: float
    """What it would teach, in bits: the entropy of `probability` times `pairs`."""


@dataclass(frozen=True, slots=True, repr=False)
class Queue(Answer):
    """Pairs between certain and unlikely, ordered by what a decision would teach."""

    suggestions: tuple[Suggestion, ...]
    """Best first."""
    waiting: int
    """How many there are in all."""
    works: int
    """How many works were looked at."""
    decided: int
    """How many pairs are decided already."""
    prior: float
    """P(same hand) before looking."""
    gallery: str
    """The gallery's name."""
    model: str
    """Name and hash of the model that answered."""
    seconds: float
    """Wall time spent."""


@dataclass(frozen=True, slots=True, repr=False)
class MergeReport(Answer):
    """What merging one gallery into another came to."""

    into: str
    """The gallery that took works in."""
    source: str
    """The gallery that they came from, which stays as it is."""
    added: int
    """Works that are new."""
    same: int
    """Works that were there already, by path."""
    copies: int
    """New works whose picture was there already under another path."""
    labels: int
    """Labels that only the source knew, now written beside the others."""
    differing: dict[str, tuple[str, ...]]
    """Columns in which the two disagree about a work, by its path; the gallery's own text stays,
    and the source's stands in a column named after it."""
    decisions: int
    """Decisions that are new, undone ones among them."""
