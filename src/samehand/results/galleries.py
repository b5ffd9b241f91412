"""Answers about galleries, and what galleries say of themselves."""

from dataclasses import dataclass, field

from samehand.records import FalseAlarms, NamedBy
from samehand.results.answer import Answer


@dataclass(frozen=True, slots=True, repr=False)
class Neighbour(Answer):
    """A work of a gallery, as a search found it."""

    rank: int
    """1 is the best."""
    path: str
    """Its file."""
    artist: str | None
    """As the gallery says, or null."""
    title: str | None
    """As the gallery says, or null."""
    date: str | None
    """As the gallery says, or null."""
    source: str | None
    """As the gallery says, or null."""
    score: float
    """The comparator's raw score with the probe."""
    llr: float
    """log10 likelihood ratio of that pair."""
    same_file: bool
    """Whether it is the probe itself, byte for byte."""
    extra: dict[str, str] = field(default_factory=dict)
    """Whatever else the gallery knows, such as its qualifier and accession number."""
    llr_one_style: float | None = None
    """The same against another artist of the same style; null where the model cannot say."""


@dataclass(frozen=True, slots=True, repr=False)
class Nearby(Answer):
    """What a gallery holds that is near two paintings."""

    gallery: str
    """The gallery's name."""
    works: int
    """How many works it holds."""
    left: tuple[Neighbour, ...]
    """Works near the left painting, the nearest first."""
    right: tuple[Neighbour, ...]
    """Works near the right painting, the nearest first."""


@dataclass(frozen=True, slots=True, repr=False)
class SearchResult(Answer):
    """The works of a gallery nearest to a probe."""

    probe: str
    """What the image is called."""
    neighbours: tuple[Neighbour, ...]
    """Best first, by score."""
    gallery: str
    """The gallery's name."""
    works: int
    """How many works it holds."""
    exact: bool
    """Whether every work was compared."""
    recall_at_10: float | None
    """Measured recall of the approximate index; null where the search was exact."""
    warnings: tuple[str, ...]
    """Reasons to trust the llrs less."""
    model: str
    """Name and hash of the model that answered."""
    seconds: float
    """Wall time spent."""


@dataclass(frozen=True, slots=True, repr=False)
class Candidate(Answer):
    """An artist of a gallery, as a maker of the probe."""

    rank: int
    """1 is the best."""
    artist: str
    """The name."""
    llr: float
    """log10 likelihood ratio of this artist to another one, by the rule for references."""
    score: float
    """The same, not cut off where the calibration stops supporting more; ranks."""
    probability: float
    """P(this artist) in [0, 1], with `prior` of the identification spread evenly over all the
    gallery's artists."""
    works: int
    """How many works by the artist were compared."""
    nearest: tuple[str, ...]
    """Files of the artist's works nearest to the probe, best first."""
    llr_one_style: float | None = None
    """log10 likelihood ratio of this artist to another one of the same style; null where the model
    cannot say."""


@dataclass(frozen=True, slots=True, repr=False)
class Identification(Answer):
    """Which artist of a gallery made the probe, or none of them."""

    probe: str
    """What the image is called."""
    artist: str | None
    """The artist named, or null for "none of these"."""
    known_llr: float
    """log10 likelihood ratio of "one of these" to "none of these"."""
    none_probability: float
    """P(none of these) in [0, 1] once `known_llr` has updated `prior`."""
    prior: float
    """P(one of these) before looking."""
    threshold: FalseAlarms
    """Name of the threshold that decides."""
    false_alarms: float | None
    """Share of unknown hands that it took for a known one, on held-out artists' pictures of such
    kinds, or on one's own (see `measured_on`); null where that was not measured, and then nobody
    is named."""
    detected: float | None
    """Share of known hands that it identified rightly, on the same; null likewise."""
    candidates: tuple[Candidate, ...]
    """The likeliest artists, best first, whatever was decided."""
    gallery: str
    """The gallery's name."""
    artists: int
    """How many artists it has."""
    warnings: tuple[str, ...]
    """Reasons to trust this less."""
    model: str
    """Name and hash of the model that answered."""
    seconds: float
    """Wall time spent."""
    decided: str | None = None
    """Why a person's decision, not the pictures, names `artist`; null where none does."""
    ruled_out: dict[str, str] = field(default_factory=dict)
    """Why a person's decision takes an artist out of the question, by the artist's name."""
    evidence: float = 0.0
    """What the threshold is held against: `known_llr`, not cut off at what the data support."""
    named_at_least: float | None = None
    """The least evidence at which `threshold` names an artist; null where none was measured."""
    decided_by: NamedBy | None = None
    """What settled `artist`: the threshold (never a probability), a person's decision, or, null,
    nothing."""
    condition: str = ""
    """What the pictures are, by which the answer was read, such as "two photographs"."""
    measured_on: str = ""
    """On what the threshold's rates were measured; empty where on nothing."""
    refusal: str | None = None
    """Why the rates are not known for such pictures, so that nobody is named; null otherwise."""


@dataclass(frozen=True, slots=True, repr=False)
class Hand(Answer):
    """Works that look as if one hand made them."""

    number: int
    """From 1, the largest group first."""
    works: tuple[str, ...]
    """Files of the works."""
    artist: str | None
    """The label that most of them bear, or null where they bear none."""
    purity: float
    """Share of the labelled works that bear it, in [0, 1]."""
    labels: dict[str, int]
    """How many works bear each label, the most frequent first."""


@dataclass(frozen=True, slots=True, repr=False)
class Suspect(Answer):
    """A work whose label the other works contradict."""

    rank: int
    """1 is the most suspect."""
    path: str
    """Its file."""
    title: str | None
    """As the gallery says, or null."""
    artist: str
    """Its label."""
    own_llr: float | None
    """llr with the other works under that label; null where there is no other."""
    rival: str
    """The duplicate's label, or else the artist whose works fit it best."""
    rival_llr: float
    """llr with that artist's works."""
    suspicion: float | None
    """By how much the rival's llr exceeds its own, neither cut off; null where `own_llr` is."""
    hand: int
    """Number of the hand it was grouped with; 0 where works were not grouped."""
    duplicate: str | None
    """File of a work under another label that shows the same picture, or null."""
    extra: dict[str, str] = field(default_factory=dict)
    """Whatever else the gallery knows, such as its accession number."""
    rival_work: str | None = None
    """File of the rival's work that is most like it, for a decision on the two."""


@dataclass(frozen=True, slots=True, repr=False)
class Suspects(Answer):
    """The labels of a gallery that its works contradict."""

    suspects: tuple[Suspect, ...]
    """First those whose picture is there under another label too, then the most suspect."""
    works: int
    """How many works were looked at."""
    gallery: str
    """The gallery's name."""
    model: str
    """Name and hash of the model that answered."""
    seconds: float
    """Wall time spent."""


@dataclass(frozen=True, slots=True, repr=False)
class Clustering(Answer):
    """The probable hands of a gallery, and the labels that disagree with them."""

    hands: tuple[Hand, ...]
    """Groups, the largest first."""
    suspects: tuple[Suspect, ...]
    """Works with suspect labels: first those whose picture is there under another label too, then
    the most suspect."""
    works: int
    """How many works were grouped."""
    gallery: str
    """The gallery's name."""
    model: str
    """Name and hash of the model that answered."""
    seconds: float
    """Wall time spent."""
    joined: tuple[tuple[str, ...], ...] = ()
    """Files of works that are in one hand because people decided so, a set each."""
    parted: tuple[tuple[str, str], ...] = ()
    """Files of works that are in two hands because people decided so."""
    warnings: tuple[str, ...] = ()
    """Decisions that contradict one another, and so neither joined nor parted works."""


@dataclass(frozen=True, slots=True, repr=False)
class WorkRecord(Answer):
    """A work of a gallery, as it is listed."""

    path: str
    """Its file."""
    artist: str | None
    """Who made it, as its source says, or null."""
    title: str | None
    """As its source says, or null."""
    date: str | None
    """As its source says, or null."""
    style: str | None
    """As its source says, or null."""
    genre: str | None
    """As its source says, or null."""
    source: str | None
    """The collection, or null."""
    extra: dict[str, str]
    """Whatever else is known; every key is a column that can be filtered by."""
    sha256: str
    """Hash of the file that was embedded."""
    added: str
    """When, in UTC, ISO 8601."""


@dataclass(frozen=True, slots=True, repr=False)
class Listing(Answer):
    """Works of a gallery, in the order in which they were embedded."""

    gallery: str
    """The gallery's name."""
    count: int
    """How many works meet the conditions in all."""
    works: tuple[WorkRecord, ...]
    """Those that were asked for."""


@dataclass(frozen=True, slots=True, repr=False)
class AddReport(Answer):
    """What adding works to a gallery came to."""

    added: int
    """Works that are new in the gallery."""
    changed: int
    """Works whose file had changed and was embedded again."""
    updated: int
    """Works whose file had not changed, but what is said of them had."""
    unchanged: int
    """Works that were there already."""
    failed: dict[str, str]
    """Why a file could not be read, by its path; nothing of it is stored."""
    gone: tuple[str, ...]
    """Works of the folders that were added whose files no longer exist; they stay until they
    are removed."""
    seconds: float
    """Wall time."""
    notes: tuple[str, ...] = ()
    """What the sources' readers noticed, such as rows of a table that name one file."""
    moved: int = 0
    """Works whose file has moved: known by another path before, and gone from there."""
    unreachable: tuple[str, ...] = ()
    """Works of the folders that were added whose files may still be there, on a disk or share that
    is not connected now; they stay."""
    kept_labels: int = 0
    """Labels that the sources do not know and the gallery keeps."""


@dataclass(frozen=True, slots=True, repr=False)
class IndexInfo(Answer):
    """The approximate index of a large gallery, and how far it can be trusted."""

    works: int
    """How many works it covers; later ones are searched exactly."""
    lists: int
    """Into how many lists it divides them."""
    probed: int
    """How many lists a search looks at."""
    recall_at_10: float
    """Share of the ten nearest by exact search that it finds, in [0, 1], measured when it was built
    on works of this gallery."""
    exact_ms: float
    """Median time of an exact search then."""
    approximate_ms: float
    """Median time of a search with the index then."""


@dataclass(frozen=True, slots=True, repr=False)
class GalleryInfo(Answer):
    """What a gallery says about itself."""

    name: str
    """Its name."""
    path: str
    """Its folder."""
    works: int
    """How many works it holds."""
    artists: int
    """How many artists' names occur."""
    unattributed: int
    """Works without an artist."""
    gone: int | None
    """Works whose files no longer exist; null where none was looked for."""
    width: int
    """D, the length of an embedding."""
    model: str
    """Name and hash of the model it was made with."""
    encoder: str
    """Hash of all that decides an embedding."""
    columns: tuple[str, ...]
    """Every column that works can be filtered by."""
    megabytes: float
    """Room on the disk."""
    search: str
    """"exact" or "approximate"."""
    index: IndexInfo | None
    """The approximate index, where there is one."""
