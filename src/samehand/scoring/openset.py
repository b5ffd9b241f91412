"""Which of a gallery's artists, if any: "none of these" as an answer with an error rate.

The best of A artists scores higher the more artists there are, even if none of them is right. So
the evidence that the hand is among them is a logistic function of the best artist's llr and of
log10(A), fitted on galleries drawn from held-out artists; thresholds keep the rate at which a hand
that is not in the gallery is taken for one that is (the open-set watch list of Grother & Phillips,
"Models of large population recognition performance", CVPR 2004, and of the NIST FRVT reports).
"""

from dataclasses import dataclass
from math import log10
from typing import get_args

from samehand.errors import SamehandError
from samehand.records import FalseAlarms
from samehand.scoring.conditions import Kinds, condition_words
from samehand.scoring.references import ReferenceRule

PROMISED_FALSE_ALARMS: dict[FalseAlarms, float] = {"far1": 0.01, "far10": 0.10}


@dataclass(frozen=True, slots=True)
class OpenSetPoint:
    """A threshold, and what it gave on galleries of held-out artists.

    Attributes:
        false_alarms: Share of unknown hands that were taken for one of the gallery, in [0, 1].
        detected: Share of known hands that were identified, rightly and at rank 1, in [0, 1].
        known_at_least: Minimum score at which an artist is named.
    """

    false_alarms: float
    detected: float
    known_at_least: float


@dataclass(frozen=True, slots=True)
class OpenSet:
    """Evidence that a hand is among those of a gallery.

    Attributes:
        best: llr per unit of the best artist's llr, above 0.
        artists: llr per tenfold number of artists.
        intercept: llr where both are 0.
        lower: The least llr that the calibration data can support, below 0.
        upper: The largest, above 0.
        points: Thresholds by the false alarms that they promise.
        largest: The most artists of a gallery that it was fitted on.
    """

    best: float
    artists: float
    intercept: float
    lower: float
    upper: float
    points: dict[FalseAlarms, OpenSetPoint]
    largest: int

    def __post_init__(self) -> None:
        if not self.lower < 0 < self.upper:
            raise ValueError("an open-set rule needs lower < 0 < upper")
        if set(self.points) != set(get_args(FalseAlarms)):
            raise ValueError("an open-set rule needs the points far1 and far10")

    def score(self, best: float, artists: int) -> float:
        """Return the evidence for "one of these", which thresholds are compared with.

        Args:
            best: The best artist's llr, unsaturated.
            artists: A, how many artists the gallery has, at least 1.
        """
        return self.best * best + self.artists * log10(artists) + self.intercept

    def llr(self, score: float) -> float:
        """Return the log10 likelihood ratio of "one of these" to "none of these".

        Args:
            score: What `score` returned.
        """
        return min(max(score, self.lower), self.upper)

    def point(self, name: str) -> OpenSetPoint:
        """Return the threshold called `name`.

        Raises:
            SamehandError: There is no such threshold.
        """
        for known, point in self.points.items():
            if known == name:
                return point
        raise SamehandError(f"no threshold {name!r}; choose one of {', '.join(self.points)}")


@dataclass(frozen=True, slots=True)
class OpenSetCondition:
    """The rule for one kind of probe and gallery, measured on such pictures.

    Attributes:
        kinds: What the probe's picture and the gallery's can show, in alphabetical order.
        open_set: The rule; its false alarms are kept in each of the collections.
        hands: By how many held-out artists the probes were.
        collections: From how many collections they came.
        own: Whether those are a user's own works, which training may have seen.
    """

    kinds: Kinds
    open_set: OpenSet
    hands: int
    collections: int
    own: bool = False


@dataclass(frozen=True, slots=True)
class Attribution:
    """What a model knows beyond pairs; all parts are fitted on held-out artists.

    Attributes:
        references: One probe against N works by one artist.
        open_set: One probe against a gallery of artists, whatever the pictures show.
        by_kinds: The same by what they show; empty where the model does not tell that apart.
        one_style: One probe against N works by one artist, where another artist of the same style
            is the alternative; None where that was not fitted.
    """

    references: ReferenceRule
    open_set: OpenSet
    by_kinds: tuple[OpenSetCondition, ...] = ()
    one_style: ReferenceRule | None = None

    def rule_for(self, kinds: Kinds | None) -> tuple[OpenSet, OpenSetCondition | None, str | None]:
        """Return the open-set rule for some pictures, where it was measured, and why it was not.

        Args:
            kinds: What the probe's picture and the likeliest artist's can show; None where that is
                not known of one of them.
        """
        if not self.by_kinds:
            return self.open_set, None, None
        if kinds is None:
            why = "what the gallery's pictures show is not known"
        else:
            found = next((one for one in self.by_kinds if one.kinds == kinds), None)
            if found is not None:
                return found.open_set, found, None
            why = f"none shows {condition_words(kinds)}"
        return self.open_set, None, f"no galleries of held-out artists were measured here ({why})"
