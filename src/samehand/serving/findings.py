"""What the questions beyond one pair are answered with: small frozen records.

Every `llr` is a log10 likelihood ratio, and every `to_dict` returns JSON-ready values.
"""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from samehand.records import Decision, OperatingPoint
from samehand.scoring.openset import FalseAlarms

Stance = Literal["supports", "neutral", "contradicts"]


class _Record:
    """Turns a frozen dataclass of numbers, texts, tuples and such dataclasses into JSON."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the record as JSON-ready values."""
        values: dict[str, Any] = _plain(asdict(self))  # type: ignore[call-overload]
        return values


def _plain(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value


@dataclass(frozen=True, slots=True)
class ReferenceEvidence(_Record):
    """What one reference says.

    Attributes:
        name: Its file.
        llr: Of the probe and this reference alone.
        stance: "supports" from a likelihood ratio of 2 on, "contradicts" from 1/2 down.
        coherence: llr of this reference with all the others by the rule for references; None
            where there are none.
        odd: Whether it does not belong with the others: `coherence` is so low that only 1 % of
            the works by one hand are, among as many of that hand (at least three references).
    """

    name: str
    llr: float
    stance: Stance
    coherence: float | None
    odd: bool


@dataclass(frozen=True, slots=True)
class GrowthStep(_Record):
    """The evidence if there were only so many of the references.

    Attributes:
        references: How many.
        llr: Mean over the sets of so many that were tried.
        lowest: The least of them.
        highest: The largest of them.
        error_rate: At the operating point asked for, measured for that many references.
    """

    references: int
    llr: float
    lowest: float
    highest: float
    error_rate: float


@dataclass(frozen=True, slots=True)
class ReferenceVerdict(_Record):
    """Whether a probe is by the artist of some works.

    Attributes:
        score: Combined raw score; only comparable within one model and number of references.
        llr: log10 likelihood ratio of "by the artist of the references" to "by another".
        probability: P(by that artist) in [0, 1] once the llr has updated `prior`.
        prior: That probability before looking.
        decision: At `operating_point`.
        operating_point: Which measured error rate the decision promises.
        error_rate: That rate for this number of references, on the calibration artists, in [0, 1].
        strength: The llr in words, on the ENFSI verbal scale.
        references: What each reference says, in the order given.
        growth: The evidence for 1, 2, ... references.
        coherent: Whether no reference is odd.
        warnings: Reasons to trust this verdict less.
        model: Name and hash of the model that answered.
        seconds: Wall time spent.
    """

    score: float
    llr: float
    probability: float
    prior: float
    decision: Decision
    operating_point: OperatingPoint
    error_rate: float
    strength: str
    references: tuple[ReferenceEvidence, ...]
    growth: tuple[GrowthStep, ...]
    coherent: bool
    warnings: tuple[str, ...]
    model: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Neighbour(_Record):
    """A work of a gallery, as a search found it.

    Attributes:
        rank: 1 is the best.
        path: Its file.
        artist: As the gallery says, or None.
        title: As the gallery says, or None.
        date: As the gallery says, or None.
        source: As the gallery says, or None.
        score: The comparator's raw score with the probe.
        llr: Of that pair.
        same_file: Whether it is the probe itself, byte for byte.
    """

    rank: int
    path: str
    artist: str | None
    title: str | None
    date: str | None
    source: str | None
    score: float
    llr: float
    same_file: bool


@dataclass(frozen=True, slots=True)
class SearchResult(_Record):
    """The works of a gallery nearest to a probe.

    Attributes:
        neighbours: Best first, by score.
        gallery: The gallery's name.
        works: How many works it holds.
        exact: Whether every work was looked at.
        recall_at_10: Measured recall of the approximate index; None where the search was exact.
        warnings: Reasons to trust the llrs less.
        model: Name and hash of the model that answered.
        seconds: Wall time spent.
    """

    neighbours: tuple[Neighbour, ...]
    gallery: str
    works: int
    exact: bool
    recall_at_10: float | None
    warnings: tuple[str, ...]
    model: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Candidate(_Record):
    """An artist of a gallery, as a maker of the probe.

    Attributes:
        rank: 1 is the best.
        artist: The name.
        llr: log10 likelihood ratio of this artist to another one, by the rule for references.
        score: The same, not cut off where the calibration stops supporting more; ranks.
        probability: P(this artist) in [0, 1], with `prior` of the identification spread evenly
            over all the gallery's artists.
        works: How many works by the artist were compared.
        nearest: Files of the artist's works nearest to the probe, best first.
    """

    rank: int
    artist: str
    llr: float
    score: float
    probability: float
    works: int
    nearest: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Identification(_Record):
    """Which artist of a gallery made the probe, or none of them.

    Attributes:
        artist: The artist named, or None for "none of these".
        known_llr: log10 likelihood ratio of "one of these" to "none of these".
        none_probability: P(none of these) in [0, 1] once `known_llr` has updated `prior`.
        prior: P(one of these) before looking.
        threshold: Name of the threshold that decides.
        false_alarms: Share of unknown hands that it took for a known one, on held-out artists.
        detected: Share of known hands that it identified rightly, on held-out artists.
        candidates: The likeliest artists, best first, whatever was decided.
        gallery: The gallery's name.
        artists: How many artists it has.
        warnings: Reasons to trust this less.
        model: Name and hash of the model that answered.
        seconds: Wall time spent.
    """

    artist: str | None
    known_llr: float
    none_probability: float
    prior: float
    threshold: FalseAlarms
    false_alarms: float
    detected: float
    candidates: tuple[Candidate, ...]
    gallery: str
    artists: int
    warnings: tuple[str, ...]
    model: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Hand(_Record):
    """Works that look as if one hand made them.

    Attributes:
        number: From 1, the largest group first.
        works: Files of the works.
        artist: The label that most of them bear, or None where they bear none.
        purity: Share of the labelled works that bear it, in [0, 1].
        labels: How many works bear each label, the most frequent first.
    """

    number: int
    works: tuple[str, ...]
    artist: str | None
    purity: float
    labels: dict[str, int]


@dataclass(frozen=True, slots=True)
class Suspect(_Record):
    """A work whose label the other works contradict.

    Attributes:
        rank: 1 is the most suspect.
        path: Its file.
        title: As the gallery says, or None.
        artist: Its label.
        own_llr: llr with the other works under that label; None where there is no other.
        rival: The twin's label, or else the artist whose works fit it best.
        rival_llr: llr with that artist's works.
        suspicion: By how much the rival's llr exceeds its own, neither cut off; None where
            `own_llr` is.
        hand: Number of the hand it was grouped with.
        twin: File of a work under another label that shows the same picture, or None.
    """

    rank: int
    path: str
    title: str | None
    artist: str
    own_llr: float | None
    rival: str
    rival_llr: float
    suspicion: float | None
    hand: int
    twin: str | None


@dataclass(frozen=True, slots=True)
class Clustering(_Record):
    """The probable hands of a gallery, and the labels that disagree with them.

    Attributes:
        hands: Groups, the largest first.
        suspects: Works with suspect labels: first those whose picture is there under another
            label too, then the most suspect.
        works: How many works were grouped.
        gallery: The gallery's name.
        model: Name and hash of the model that answered.
        seconds: Wall time spent.
    """

    hands: tuple[Hand, ...]
    suspects: tuple[Suspect, ...]
    works: int
    gallery: str
    model: str
    seconds: float
