"""Answers about two paintings, and about one beside works by one artist."""

from dataclasses import dataclass

from samehand.records import Decision, OperatingPoint, Stance
from samehand.results.answer import Answer, Grid
from samehand.results.galleries import Nearby


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
        """Return left, upper, right and lower edge in a picture of `width` x `height` pixels."""
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
    """One work by other painters in this many has a region as much alike; at least 1. Lowered at
    the borders of paintings, where regions are alike more often than the comparison works say."""
    strength: float
    """log10 of the rarity, at least 0."""


@dataclass(frozen=True, slots=True, repr=False)
class SideEvidence(Answer):
    """What one of the two paintings contributes to a verdict."""

    unusual: Grid
    """How unusual the best match of each cell in the other painting is, as log10 of "one in so
    many works by other painters has a region as much alike"; at least 0. Lowered at the borders of
    paintings, as the rarity of a match is."""
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
    """At `operating_point`; "no decision" where neither error rate is met, and below a likelihood
    ratio of 2 either way."""
    operating_point: OperatingPoint
    """Which measured error rate the decision promises."""
    error_rate: float | None
    """That rate as measured on the calibration artists, in [0, 1], under `condition`; null where
    nothing was measured for such pictures."""
    strength: str
    """The llr in words, on the ENFSI verbal scale."""
    condition: str = ""
    """Of what pictures the error rate holds, such as "two photographs"."""
    measured_on: str = ""
    """On how many pairs of such pictures it was measured, and whose; empty where on none."""
    refusal: str | None = None
    """Why nothing is decided and no large ratio is given, in one sentence: no relevant calibration
    data for pictures like these. Null where there are."""
    llr_interval: tuple[float, float] | None = None
    """Where the llr would lie with other calibration artists, in 95 of 100 cases; null where the
    model does not tell."""
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
    decision_one_style: Decision | None = None
    """What is decided against another artist of the same style, at the operating point "eer"; null
    at the others, whose error rates do not hold within a style, and where `llr_one_style` or
    `error_rate` is null."""
    error_rate_one_style: float | None = None
    """The error rate of that, in [0, 1], measured on pairs of one style by calibration artists;
    null where `decision_one_style` is."""


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
    """The evidence if there were only this many of the references."""

    references: int
    """How many."""
    llr: float
    """Mean over the sets of this size that were tried."""
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
    error_rate: float | None
    """That rate for this number of references, on the calibration artists, in [0, 1]; null where
    nothing was measured for such pictures."""
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
    condition: str = ""
    """Of what pictures the error rate holds: the doubtful work and most of the references."""
    measured_on: str = ""
    """On how many questions like this it was measured; empty where on none."""
    refusal: str | None = None
    """Why nothing is decided and no large ratio is given, in one sentence, or null."""
    llr_one_style: float | None = None
    """The llr against another artist of the same style, by a rule for such sets where the model has
    one; null where it was not calibrated for that."""
    decision_one_style: Decision | None = None
    """What is decided against another artist of the same style, at the operating point "eer"; null
    at the others, where the model has no rule for such sets, and where `error_rate` is null."""
    error_rate_one_style: float | None = None
    """The error rate of that for this number of references, in [0, 1], measured on sets of one
    style by calibration artists, of the model's usual pictures, whatever these show; null where
    `decision_one_style` is."""
