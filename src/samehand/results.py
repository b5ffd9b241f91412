"""Every answer of samehand, declared once.

The command line prints these objects as JSON, the web API returns them, Python hands them over. A
field added here appears in all three. An `llr` is always a log10 likelihood ratio.
"""

import html
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from samehand.codec import encode
from samehand.records import Decision, FalseAlarms, OperatingPoint, Stance

Grid = tuple[tuple[float, ...], ...]
"""A map of G x G cells, row by row from the top."""


class Answer:
    """Base of every answer: JSON-ready values, and a short look in a terminal or a notebook."""

    __slots__ = ()
    # The OpenAPI document describes each field by the text beneath it.
    __pydantic_config__: ClassVar[dict[str, Any]] = {"use_attribute_docstrings": True}

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as JSON-ready values."""
        values: dict[str, Any] = encode(self)
        return values

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={text}" for name, text in _facts(self))
        return f"{type(self).__name__}({shown})"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th>{html.escape(name)}</th><td>{html.escape(text)}</td></tr>"
            for name, text in _facts(self)
        )
        return f"<table><caption>{type(self).__name__}</caption>{rows}</table>"


def _facts(answer: Answer) -> list[tuple[str, str]]:
    """Return name and value of each field that says something; long ones are only counted."""
    found = []
    for one in fields(answer):  # type: ignore[arg-type]
        value = getattr(answer, one.name)
        if value is None or value == ():
            continue
        if isinstance(value, float):
            text = f"{value:.4g}"
        elif isinstance(value, tuple | dict):
            text = f"<{len(value)}>"
        elif isinstance(value, Answer):
            text = "<...>"
        else:
            text = repr(value) if isinstance(value, str) else str(value)
        found.append((one.name, text))
    return found


@dataclass(frozen=True, slots=True, repr=False)
class Region(Answer):
    """A rectangle of a painting, in fractions of its width and height, from its upper left."""

    x0: float
    """Left edge, in [0, 1)."""
    y0: float
    """Upper edge, in [0, 1)."""
    x1: float
    """Right edge, in (x0, 1]."""
    y1: float
    """Lower edge, in (y0, 1]."""

    def pixels(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Return left, upper, right and lower edge in a picture of so many pixels."""
        return (
            round(self.x0 * width),
            round(self.y0 * height),
            round(self.x1 * width),
            round(self.y1 * height),
        )


@dataclass(frozen=True, slots=True, repr=False)
class Match(Answer):
    """Two regions that correspond."""

    number: int
    """1 for the most unusual match, then rising."""
    left: Region
    """Where in the left painting."""
    right: Region
    """Where in the right painting."""
    similarity: float
    """Cosine of the two regions' embeddings, in [-1, 1]."""
    rarity: float
    """One in so many works by other painters has a region as much alike, at least 1."""
    strength: float
    """log10 of the rarity, at least 0."""


@dataclass(frozen=True, slots=True, repr=False)
class SideEvidence(Answer):
    """What one of the two paintings contributes to a verdict."""

    unusual: Grid
    """How unusual the best match of each cell in the other painting is, as log10 of "one in so
    many works by other painters has a region as much alike"; at least 0."""
    influence: Grid | None
    """By how much the llr falls when a cell is covered; above 0 where the cell speaks for one
    artist. Null where it was not asked for."""


@dataclass(frozen=True, slots=True, repr=False)
class Context(Answer):
    """A score among the scores of pairs whose answer is known."""

    llr: float
    """Of this pair, before it saturates at the calibration's limits."""
    edges: tuple[float, ...]
    """Where the E bins begin and end, as llrs before saturation, E + 1."""
    genuine: tuple[float, ...]
    """Density of the pairs by one artist in each bin, E; its integral is 1."""
    impostor: tuple[float, ...]
    """Density of the pairs by two artists in each bin, E; its integral is 1."""
    impostors_as_high: float
    """Share of the pairs by two artists that score at least as high."""
    genuine_as_low: float
    """Share of the pairs by one artist that score at most as high."""
    genuine_pairs: int
    """How many pairs by one artist there are."""
    impostor_pairs: int
    """How many pairs by two artists there are."""
    artists: int
    """How many artists painted them; the model had learned from none of them."""


@dataclass(frozen=True, slots=True, repr=False)
class Evidence(Answer):
    """What the verdict on two paintings rests on."""

    matches: tuple[Match, ...]
    """Regions that correspond, the most unusual first."""
    left: SideEvidence
    """What the left painting contributes."""
    right: SideEvidence
    """What the right painting contributes."""
    context: Context
    """The score among the scores of pairs whose answer is known."""


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
class Verdict(Answer):
    """What two images say about "same artist or not", and how far to trust it."""

    left: str
    """What the left image is called: its path as it was given, or its file's name."""
    right: str
    """What the right image is called."""
    score: float
    """The comparator's raw similarity; only comparable within one model."""
    llr: float
    """log10 of the likelihood ratio P(images | same artist) / P(images | different artists)."""
    probability: float
    """P(same artist) in [0, 1] once the llr has updated `prior`."""
    prior: float
    """The P(same artist) assumed before looking at the images."""
    decision: Decision
    """At `operating_point`; "inconclusive" where neither error rate is met."""
    operating_point: OperatingPoint
    """Which measured error rate the decision promises."""
    error_rate: float
    """That rate as measured on the calibration artists, in [0, 1]."""
    strength: str
    """The llr in words, on the ENFSI verbal scale."""
    llr_one_style: float | None = None
    """The llr against another artist of the same style. Use it only if you know that both paintings
    share a style. Null where the model was not calibrated for that, as with its fast setting."""
    warnings: tuple[str, ...] = ()
    """Reasons to trust this verdict less; empty for ordinary photographs."""
    model: str = ""
    """Name and hash of the model that answered."""
    seconds: float = 0.0
    """Wall time spent on this verdict."""
    evidence: Evidence | None = None
    """What the verdict rests on; null where it was not asked for, or the model has none."""
    neighbours: Nearby | None = None
    """The nearest works of a gallery; null where none was asked for."""


@dataclass(frozen=True, slots=True, repr=False)
class ReferenceEvidence(Answer):
    """What one reference says."""

    name: str
    """Its file."""
    llr: float
    """Of the probe and this reference alone."""
    stance: Stance
    """"supports" from a likelihood ratio of 2 on, "contradicts" from 1/2 down."""
    coherence: float | None
    """llr of this reference with all the others by the rule for references; null where there are
    no others."""
    odd: bool
    """Whether it does not belong with the others: `coherence` is so low that only 1 % of the works
    by one hand are, among as many of that hand (at least three references)."""


@dataclass(frozen=True, slots=True, repr=False)
class LeftOut(Answer):
    """A reference that does not count, because it shows what is there already."""

    name: str
    """Its file."""
    copy_of: str
    """What it is a copy of: the probe, or a reference that counts."""
    reason: str
    """That, in one sentence."""


@dataclass(frozen=True, slots=True, repr=False)
class GrowthStep(Answer):
    """The evidence if there were only so many of the references."""

    references: int
    """How many."""
    llr: float
    """Mean over the sets of so many that were tried."""
    lowest: float
    """The least of them."""
    highest: float
    """The largest of them."""
    error_rate: float
    """At the operating point asked for, measured for that many references."""


@dataclass(frozen=True, slots=True, repr=False)
class ReferenceVerdict(Answer):
    """Whether a probe is by the artist of some works."""

    probe: str
    """What the doubtful work is called."""
    score: float
    """Combined raw score; only comparable within one model and number of references."""
    llr: float
    """log10 likelihood ratio of "by the artist of the references" to "by another"."""
    probability: float
    """P(by that artist) in [0, 1] once the llr has updated `prior`."""
    prior: float
    """That probability before looking."""
    decision: Decision
    """At `operating_point`."""
    operating_point: OperatingPoint
    """Which measured error rate the decision promises."""
    error_rate: float
    """That rate for this number of references, on the calibration artists, in [0, 1]."""
    strength: str
    """The llr in words, on the ENFSI verbal scale."""
    references: tuple[ReferenceEvidence, ...]
    """What each reference that counts says, in the order given."""
    growth: tuple[GrowthStep, ...]
    """The evidence for 1, 2, ... references."""
    coherent: bool
    """Whether no reference is odd."""
    warnings: tuple[str, ...]
    """Reasons to trust this verdict less."""
    model: str
    """Name and hash of the model that answered."""
    seconds: float
    """Wall time spent."""
    left_out: tuple[LeftOut, ...] = ()
    """References that show the probe itself, or the same work as another reference."""


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
    false_alarms: float
    """Share of unknown hands that it took for a known one, on held-out artists."""
    detected: float
    """Share of known hands that it identified rightly, on held-out artists."""
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
    """Number of the hand it was grouped with."""
    duplicate: str | None
    """File of a work under another label that shows the same picture, or null."""


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
    """Works of the folders that were added whose files are there no longer; they stay until they
    are removed."""
    seconds: float
    """Wall time."""
    notes: tuple[str, ...] = ()
    """What the sources' readers noticed, such as rows of a table that name one file."""
    moved: int = 0
    """Works whose file was known by another path, where it is no longer."""
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
    """Works whose files are there no longer; null where none was looked for."""
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


@dataclass(frozen=True, slots=True, repr=False)
class Health(Answer):
    """That the server answers, and with which model."""

    status: str
    """"ok"."""
    model: str
    """Name and hash of the model."""
    version: str
    """samehand's version."""


@dataclass(frozen=True, slots=True, repr=False)
class Problem(Answer):
    """Why there is no answer."""

    detail: str
    """One sentence."""
