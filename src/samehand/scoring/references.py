"""One probe against N references: what the N scores together say, calibrated for that N.

Pair scores against several works by one artist are strongly correlated, since all of them share
the probe, so their llrs must not be added. Instead three figures that summarise them are weighed by
logistic regression, and the result is calibrated again for each number of references: both fitted
on held-out artists (`reference_fitting`). What was compared with it stands in ADR 0018.

Shapes: M probes, N references, D embedding width.
"""

from dataclasses import dataclass, fields
from math import log

import numpy as np

from samehand.records import OperatingPoint
from samehand.scoring.calibration import Calibration, Float64s, OperatingThreshold
from samehand.scoring.comparator import Comparator, Enrolled

FEATURES = ("centre", "nearest", "coherence")


@dataclass(frozen=True, slots=True)
class ReferenceStep:
    """The rule for one number of references.

    Attributes:
        references: N.
        weights: Of the three features, in the order of `FEATURES`.
        calibration: The weighted sum's way to a log10 likelihood ratio, and its error rates.
    """

    references: int
    weights: tuple[float, float, float]
    calibration: Calibration


@dataclass(frozen=True, slots=True)
class ReferenceRule:
    """The rule for any number of references: measured at some, interpolated in between.

    Attributes:
        steps: By ascending number of references, the first for 1: a single reference is a pair.
    """

    steps: tuple[ReferenceStep, ...]

    def __post_init__(self) -> None:
        counts = [step.references for step in self.steps]
        if counts[:1] != [1] or counts != sorted(set(counts)):
            raise ValueError("numbers of references must ascend from 1")

    def at(self, references: int) -> ReferenceStep:
        """Return the rule for this many references; beyond the largest measured, that one's."""
        counts = [step.references for step in self.steps]
        above = int(np.searchsorted(counts, references))
        if above == len(counts):
            return self.steps[-1]
        if counts[above] == references:
            return self.steps[above]
        low, high = self.steps[above - 1], self.steps[above]
        share = (log(references) - log(low.references)) / (
            log(high.references) - log(low.references)
        )
        return ReferenceStep(
            references,
            tuple(_between(a, b, share) for a, b in zip(low.weights, high.weights, strict=True)),  # type: ignore[arg-type]
            _between_calibrations(low.calibration, high.calibration, share),
        )


def reference_features(
    comparator: Comparator,
    probes: Enrolled,
    references: Enrolled,
    llr_per_score: float,
    *,
    styled: bool = False,
) -> Float64s:
    """Return what N references by one artist say of each probe, in three figures.

    - centre: raw score of the probe and the references' mean embedding, enrolled as if it were
      a painting;
    - nearest: the soft maximum of the pair scores, log10(mean(10^(a s))) / a, where a is
      `llr_per_score`: the mean of the likelihood ratios, on the scale of a score;
    - coherence: the mean pair score among the references themselves, 0 for a single one. An artist
      whose own works hardly resemble one another is recognised at lower scores.

    Args:
        comparator: The model's comparator.
        probes: M enrolled paintings.
        references: N enrolled paintings, at least one; their order does not matter.
        llr_per_score: Slope of the model's calibration of pairs, or of pairs of one style.
        styled: Whether pairs are scored as pairs of one style are (`Comparator.style_scores`).

    Returns:
        (M, 3), float64, in the order of `FEATURES`.
    """
    # An order of their own makes sums the same whatever order the references came in.
    order = np.lexsort(references.embeddings.T)
    rows = references.embeddings[order]
    mean = rows.mean(axis=0, dtype=np.float64)
    centre = comparator.enrol(
        (mean / max(float(np.linalg.norm(mean)), 1e-12)).astype(np.float32)[None]
    )
    scores = _cross(comparator, probes, references.take(order), styled)
    scaled = scores * (llr_per_score * log(10.0))
    top = scaled.max(axis=1, keepdims=True)
    nearest = (top[:, 0] + np.log(np.exp(scaled - top).mean(axis=1))) / (llr_per_score * log(10.0))
    return np.stack(
        [
            _cross(comparator, probes, centre, styled)[:, 0],
            nearest,
            np.full(len(scores), coherence(comparator, references.take(order), styled=styled)),
        ],
        axis=1,
    )


def _cross(
    comparator: Comparator, probes: Enrolled, references: Enrolled, styled: bool
) -> Float64s:
    """Return the scores of all pairs of two sets, (M, N)."""
    if not styled:
        return comparator.cross_scores(probes, references).astype(np.float64)
    rows, columns = np.indices((len(probes), len(references)))
    both = probes.joined(references)
    scores = comparator.style_scores(both, rows.ravel(), len(probes) + columns.ravel())
    return scores.reshape(rows.shape).astype(np.float64)


def coherence(comparator: Comparator, references: Enrolled, *, styled: bool = False) -> float:
    """Return the mean pair score among N references; 0 for a single one.

    Args:
        comparator: The model's comparator.
        references: N enrolled paintings.
        styled: Whether they are scored as pairs of one style are.
    """
    count = len(references.level)
    if count < 2:
        return 0.0
    left, right = np.triu_indices(count, k=1)
    score = comparator.style_scores if styled else comparator.pair_scores
    return float(score(references, left, right).mean(dtype=np.float64))


def combine(step: ReferenceStep, features: Float64s) -> Float64s:
    """Return the combined raw score of features, (M, 3), by a rule: (M,)."""
    combined: Float64s = features @ np.array(step.weights)
    return combined


def unsaturated(calibration: Calibration, scores: Float64s) -> Float64s:
    """Return llrs that go on beyond what the data support, to rank by; same shape as `scores`."""
    return calibration.slope * scores + calibration.intercept


def _between(low: float, high: float, share: float) -> float:
    return low + share * (high - low)


def _between_calibrations(low: Calibration, high: Calibration, share: float) -> Calibration:
    points: dict[OperatingPoint, OperatingThreshold] = {}
    for name, one in low.points.items():
        two = high.points[name]
        points[name] = OperatingThreshold(
            *(
                _between(getattr(one, key.name), getattr(two, key.name), share)
                for key in fields(OperatingThreshold)
            )
        )
    return Calibration(
        slope=_between(low.slope, high.slope, share),
        intercept=_between(low.intercept, high.intercept, share),
        lower=_between(low.lower, high.lower, share),
        upper=_between(low.upper, high.upper, share),
        points=points,
        genuine_pairs=min(low.genuine_pairs, high.genuine_pairs),
        impostor_pairs=min(low.impostor_pairs, high.impostor_pairs),
        artists=min(low.artists, high.artists),
    )
