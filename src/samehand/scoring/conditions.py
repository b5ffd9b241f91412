"""Which calibration a pair of pictures is answered by, and what is said where there is none.

Error rates measured on thumbnails do not hold for photographs, nor those of colour pictures for
greyscale ones. So a model carries one calibration for each pair of kinds of pictures that it was
measured on, and a pair of any other kinds is refused: no decision, and no ratio beyond
`UNMEASURED_LIMIT`. Swapping the two pictures changes nothing, since a pair of kinds has no order.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from samehand.records import Decision, PictureKind
from samehand.scoring.calibration import (
    Calibration,
    Float64s,
    OperatingThreshold,
    decide,
)

Kinds = tuple[PictureKind, PictureKind]

UNMEASURED_LIMIT = 1.0
"""The largest |llr| that is given where nothing was measured."""

OWN_WORKS = " of the collection that it was calibrated on, which the model may have seen"
"""What follows "artists" where error rates were measured on a user's own works."""

_WORDS: dict[PictureKind, tuple[str, str]] = {
    "photograph": ("a photograph", "two photographs"),
    "thumbnail": ("a thumbnail", "two thumbnails"),
    "small": ("a small picture", "two small pictures"),
    "tiny": ("a tiny picture", "two tiny pictures"),
    "greyscale photograph": ("a greyscale photograph", "two greyscale photographs"),
    "greyscale": ("a greyscale thumbnail", "two greyscale thumbnails"),
}


@dataclass(frozen=True, slots=True)
class Condition:
    """A calibration and the kinds of pictures that it was measured on.

    Attributes:
        kinds: The kinds of the two pictures, in alphabetical order.
        calibration: Raw score to log10 likelihood ratio, and the error rates, of such pairs.
        collections: From how many collections the pictures came; the error rates are kept in each.
        own: Whether they are a user's own works, which training may have seen.
    """

    kinds: Kinds
    calibration: Calibration
    collections: int
    own: bool = False

    def __post_init__(self) -> None:
        if self.kinds != kinds_of(*self.kinds) or self.collections < 1:
            raise ValueError("a condition needs kinds in order, and pictures of a collection")


@dataclass(frozen=True, slots=True)
class Reading:
    """How one pair is to be read.

    Attributes:
        calibration: Raw score to log10 likelihood ratio.
        condition: What the pair is, in words, such as "two photographs".
        collections: From how many collections the calibration's pictures came; 0 where the model
            does not tell conditions apart.
        refusal: Why error rates are not known for such a pair, in one sentence, or None.
        own: Whether those are a user's own works.
    """

    calibration: Calibration
    condition: str
    collections: int
    refusal: str | None = None
    own: bool = False

    def as_usual(self, usual: Calibration, scores: ArrayLike) -> Float64s:
        """Return scores as if the pictures were the usual ones: with the llr that they have here.

        Calibrations that were fitted on the usual pictures alone, such as those of reference sets
        and of pairs of one style, are given these.

        Args:
            usual: The model's calibration of all its calibration pairs.
            scores: Raw scores, any shape.

        Returns:
            Same shape.
        """
        llr = self.calibration.slope * np.asarray(scores, np.float64) + self.calibration.intercept
        return (llr - usual.intercept) / usual.slope

    def decide(self, score: float, point: OperatingThreshold, llr: float) -> Decision:
        """Return what an operating point decides, as `calibration.decide`; nothing if refused."""
        return "no decision" if self.refusal else decide(score, point, llr)

    def error_rate(self, point: OperatingThreshold) -> float | None:
        """Return the error rate that an operating point promises; None if refused."""
        return None if self.refusal else point.error_rate


def kinds_of(one: PictureKind, two: PictureKind) -> Kinds:
    """Return two kinds in alphabetical order."""
    return (one, two) if one <= two else (two, one)


def condition_words(kinds: Kinds) -> str:
    """Return a pair of kinds in words."""
    one, two = kinds
    return _WORDS[one][1] if one == two else f"{_WORDS[one][0]} and {_WORDS[two][0]}"


def read_pair(
    usual: Calibration,
    conditions: Sequence[Condition],
    one: PictureKind,
    two: PictureKind,
    *,
    novel: bool = False,
) -> Reading:
    """Return how a pair of pictures is to be read; the order of the two does not matter.

    Args:
        usual: The model's calibration of all its calibration pairs.
        conditions: Those by condition; none where the model does not tell conditions apart.
        one: Kind of one picture.
        two: Kind of the other.
        novel: Whether one of them is unlike all that the model was calibrated on.
    """
    kinds = kinds_of(one, two)
    words = condition_words(kinds)
    if not conditions:
        return Reading(usual, "the pictures that this model was calibrated on", 0)
    found = next((each for each in conditions if each.kinds == kinds), None)
    if found is not None and not novel:
        return Reading(found.calibration, words, found.collections, own=found.own)
    reason = (
        "one picture is unlike all that the model was calibrated on"
        if found is not None
        else f"none shows {words}"
    )
    refusal = (
        f"no relevant calibration data ({reason}): nothing is decided, and no ratio beyond "
        f"{10**UNMEASURED_LIMIT:g} is given"
    )
    known = usual if found is None else found.calibration
    return Reading(limited(known, UNMEASURED_LIMIT), words, 0, refusal)


def limited(calibration: Calibration, limit: float) -> Calibration:
    """Return a calibration whose llr lies within +-`limit`, above 0."""
    return replace(
        calibration,
        lower=max(calibration.lower, -limit),
        upper=min(calibration.upper, limit),
    )
