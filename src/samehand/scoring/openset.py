"""Which of a gallery's artists, if any: "none of these" as an answer with an error rate.

The best of A artists scores higher the more artists there are, even if none of them is right. So
the evidence that the hand is among them is a logistic function of the best artist's llr and of
log10(A), fitted on galleries drawn from held-out artists; thresholds keep the rate at which a hand
that is not in the gallery is taken for one that is (the open-set watch list of Grother & Phillips,
"Models of large population recognition performance", CVPR 2004, and of the NIST FRVT reports).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import isfinite, log10
from typing import Any, Literal, get_args

from samehand.errors import ModelError, SamehandError
from samehand.scoring.references import ReferenceRule

FalseAlarms = Literal["far1", "far10"]
"""Which share of the hands that are not in the gallery may be taken for one that is."""

PROMISED_FALSE_ALARMS: dict[FalseAlarms, float] = {"far1": 0.01, "far10": 0.10}


@dataclass(frozen=True, slots=True)
class OpenSetPoint:
    """A threshold, and what it gave on galleries of held-out artists.

    Attributes:
        false_alarms: Share of unknown hands that were taken for one of the gallery, in [0, 1].
        detected: Share of known hands that were identified, rightly and at rank 1, in [0, 1].
        known_at_least: From this score on somebody is named.
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

    def to_dict(self) -> dict[str, Any]:
        """Return the values as JSON-ready ones; `from_dict` reads them back exactly."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "OpenSet":
        """Read what `to_dict` wrote.

        Raises:
            ModelError: A key is missing, or a value cannot be what its key says.
        """
        try:
            points: dict[FalseAlarms, OpenSetPoint] = {
                name: OpenSetPoint(**values["points"][name]) for name in get_args(FalseAlarms)
            }
            numbers = {
                name: float(values[name])
                for name in ("best", "artists", "intercept", "lower", "upper")
            }
            read = cls(**numbers, points=points, largest=int(values["largest"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(
                f"the model's open-set rule cannot be used ({error}); run samehand calibrate"
            ) from error
        if not all(map(isfinite, numbers.values())) or not read.lower < 0 < read.upper:
            raise ModelError(
                "the model's open-set rule has no finite values; run samehand calibrate"
            )
        return read


@dataclass(frozen=True, slots=True)
class Attribution:
    """What a model knows beyond pairs; both parts are fitted on the same held-out artists.

    Attributes:
        references: One probe against N works by one artist.
        open_set: One probe against a gallery of artists.
    """

    references: ReferenceRule
    open_set: OpenSet

    def to_dict(self) -> dict[str, Any]:
        """Return the values as JSON-ready ones; `from_dict` reads them back exactly."""
        return {"references": self.references.to_dict(), "open_set": self.open_set.to_dict()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Attribution":
        """Read what `to_dict` wrote.

        Raises:
            ModelError: A key is missing, or a value cannot be what its key says.
        """
        try:
            parts = values["references"], values["open_set"]
        except (KeyError, TypeError) as error:
            raise ModelError(
                f"the model's attribution section lacks {error}; run samehand calibrate"
            ) from error
        return cls(ReferenceRule.from_dict(parts[0]), OpenSet.from_dict(parts[1]))
