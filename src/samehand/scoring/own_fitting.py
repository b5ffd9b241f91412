"""A collection's own secure works to its own calibration, shrunk to the shipped one.

The shipped line is what is believed before the collection's works are looked at, with how far
collections lie apart as its uncertainty; the collection's own line, from its own pairs, comes with
the uncertainty of having few artists. Both are normal, so the mean of the two, each weighed by the
inverse of its covariance, is what is believed after (Gelman et al., "Bayesian Data Analysis", 3rd
edition, section 3.5). Few artists change little, and many decide.

Shapes: N pairs.
"""

from dataclasses import dataclass, replace

import numpy as np

from samehand.errors import ModelError
from samehand.scoring.calibration import (
    Calibration,
    Float64s,
    OperatingThreshold,
    fit_line,
    llr_from_score,
)
from samehand.scoring.condition_fitting import ScoredPairs
from samehand.scoring.conditions import Condition
from samehand.scoring.openset import OpenSet
from samehand.scoring.references import ReferenceRule
from samehand.scoring.spread import line_spread

Line = tuple[float, float]

LEAST_ARTISTS = 8
"""Fewer artists with two works or more are refused: no rate below one in eight shows in them."""

FOLDS = 5

_APART = 0.3
"""Standard deviation of the intercept between collections: 0.32 among four of photographs."""

_SLOPES_APART = 0.5
"""The same of the slope, as a share of it: with the model lite from 1.9 to 4.6 among them, and a
single collection is steeper than the line through several, which lie apart."""

_REPLICATES = 100


@dataclass(frozen=True, slots=True)
class Gain:
    """What a collection's own calibration is worth, on artists that had no say in it.

    Attributes:
        artists: Artists with two works or more.
        genuine_pairs: Pairs by one artist.
        impostor_pairs: Pairs by two.
        cllr_before: Cllr of the shipped calibration on those pairs, in bits.
        cllr_after: The same of calibrations of the other artists.
        cllr_least: What the best calibration of the same scores would have, fitted on themselves.
        false_matches_before: Share of pairs by two artists that "eer" decides to be by one.
        false_matches_after: The same of calibrations of the other artists.
    """

    artists: int
    genuine_pairs: int
    impostor_pairs: int
    cllr_before: float
    cllr_after: float
    cllr_least: float
    false_matches_before: float
    false_matches_after: float


def fit_own(shipped: Condition, pairs: ScoredPairs) -> Condition:
    """Return a condition whose calibration is a collection's own, as far as its works can tell.

    Thresholds stay at the ratios that they had; their error rates are never promised to be lower
    than they were.

    Args:
        shipped: The model's calibration of such pictures.
        pairs: Pairs of the collection's secure works.

    Raises:
        ModelError: There are fewer than `LEAST_ARTISTS` artists with two works.
    """
    artists = np.unique(pairs.left_artist[pairs.same]).size
    if artists < LEAST_ARTISTS or pairs.same.all():
        raise ModelError(
            f"only {artists} artists have two works that show the same kind of picture, and a "
            f"calibration of one's own needs {LEAST_ARTISTS}; add secure works by more artists"
        )
    before = shipped.calibration
    line, covariance = _shrunk(before, pairs)
    slope = max(float(line[0]), before.slope / 2)
    own = replace(
        before,
        slope=slope,
        intercept=float(line[1]),
        genuine_pairs=int(pairs.same.sum()),
        impostor_pairs=int((~pairs.same).sum()),
        artists=int(np.union1d(pairs.left_artist, pairs.right_artist).size),
        spread=(float(covariance[0, 0]), float(covariance[0, 1]), float(covariance[1, 1])),
    )
    points = {name: _moved(point, before, own) for name, point in before.points.items()}
    own = replace(own, points={name: _honest(point, pairs) for name, point in points.items()})
    return Condition(shipped.kinds, own, 1, own=True)


def cross_validated(shipped: Condition, pairs: ScoredPairs, *, seed: int = 0) -> Gain:
    """Measure what a collection's own calibration is worth on artists that had no say in it.

    Artists are dealt into five groups. A pair is answered by the calibration of all works by
    artists of neither of its two groups.

    Args:
        shipped: The model's calibration of such pictures.
        pairs: Pairs of the collection's secure works.
        seed: Deals the artists.

    Raises:
        ModelError: There are too few artists; see `fit_own`.
    """
    artists = np.union1d(pairs.left_artist, pairs.right_artist)
    group = np.random.default_rng(seed).permutation(len(artists)) % FOLDS
    left = group[np.searchsorted(artists, pairs.left_artist)]
    right = group[np.searchsorted(artists, pairs.right_artist)]
    whole = fit_own(shipped, pairs)
    after, matched = np.zeros(len(pairs.same)), np.zeros(len(pairs.same), bool)
    for one in range(FOLDS):
        for two in range(one, FOLDS):
            asked = (np.minimum(left, right) == one) & (np.maximum(left, right) == two)
            others = ~np.isin(left, (one, two)) & ~np.isin(right, (one, two))
            if not asked.any():
                continue
            learned = pairs.take(others)
            line, _ = _shrunk(shipped.calibration, learned)
            fitted = replace(
                shipped.calibration,
                slope=max(float(line[0]), shipped.calibration.slope / 2),
                intercept=float(line[1]),
            )
            after[asked] = llr_from_score(fitted, pairs.scores[asked])
            cut = _moved(shipped.calibration.points["eer"], shipped.calibration, fitted)
            matched[asked] = pairs.scores[asked] >= cut.same_at_least
    before = llr_from_score(shipped.calibration, pairs.scores)
    usual = pairs.scores >= shipped.calibration.points["eer"].same_at_least
    slope, intercept = fit_line(np.asarray(pairs.scores, np.float64), pairs.same)
    best = replace(shipped.calibration, slope=max(slope, 1e-3), intercept=intercept)
    impostor = ~pairs.same
    return Gain(
        artists=int(np.unique(pairs.left_artist[pairs.same]).size),
        genuine_pairs=whole.calibration.genuine_pairs,
        impostor_pairs=whole.calibration.impostor_pairs,
        cllr_before=_cllr(before, pairs),
        cllr_after=_cllr(after, pairs),
        cllr_least=_cllr(llr_from_score(best, pairs.scores), pairs),
        false_matches_before=float(usual[impostor].mean()),
        false_matches_after=float(matched[impostor].mean()),
    )


def deciding_as_before(
    references: ReferenceRule, rule: OpenSet, usual: Calibration, lines: tuple[Line, Line]
) -> OpenSet:
    """Return a rule for galleries that names nobody more although pairs are read by another line.

    Of a set of references whose score is read as a ratio l, its step says a l + b, where a and b
    carry the usual calibration to the step's. A score z was read as l = s z + i and is read as
    l' = s' z + i' now, so that what the step says is x' = (s' / s) (x - b - a i) + a i' + b.
    With one reference an artist the rule decides exactly as before; with more, b lets the level
    differ from step to step, and the least of those levels is taken.

    Args:
        references: The rule for reference sets, which holds the steps.
        rule: The rule for galleries, for evidence read by the first line.
        usual: The model's calibration of all its calibration pairs.
        lines: Slope and intercept by which pairs were read, and those by which they are now.
    """
    (slope, intercept), (new_slope, new_intercept) = lines
    best = rule.best * slope / new_slope
    levels = []
    for step in references.steps:
        a, b = 1.0, 0.0
        if step.references > 1:
            a = step.calibration.slope / usual.slope
            b = step.calibration.intercept - a * usual.intercept
        levels.append(rule.best * (b + a * intercept) - best * (b + a * new_intercept))
    return replace(rule, best=best, intercept=rule.intercept + min(levels))


def _shrunk(before: Calibration, pairs: ScoredPairs) -> tuple[Float64s, Float64s]:
    """Return the line, (2,), and its covariance, (2, 2), after a collection's pairs were seen."""
    believed = np.array([before.slope, before.intercept])
    prior = np.diag([(_SLOPES_APART * before.slope) ** 2, _APART**2])
    if not pairs.same.any() or pairs.same.all():
        return believed, prior
    scores = np.asarray(pairs.scores, np.float64)
    spread = line_spread(
        scores, pairs.same, pairs.left_artist, pairs.right_artist, replicates=_REPLICATES
    )
    if spread is None:
        return believed, prior
    own = np.array(fit_line(scores, pairs.same))
    noise = np.array([[spread[0], spread[1]], [spread[1], spread[2]]]) + 1e-9 * np.eye(2)
    known, seen = np.linalg.inv(prior), np.linalg.inv(noise)
    covariance = np.linalg.inv(known + seen)
    line: Float64s = covariance @ (known @ believed + seen @ own)
    return line, covariance


def _moved(
    point: OperatingThreshold, before: Calibration, after: Calibration
) -> OperatingThreshold:
    """Return a threshold at the likelihood ratio that it had before the line was changed."""

    def moved(score: float) -> float:
        return (before.slope * score + before.intercept - after.intercept) / after.slope

    return replace(
        point,
        same_at_least=moved(point.same_at_least),
        different_at_most=moved(point.different_at_most),
    )


def _honest(point: OperatingThreshold, pairs: ScoredPairs) -> OperatingThreshold:
    """Return a threshold with the rate that it has on a collection, where that is higher."""
    false_matches = (pairs.scores[~pairs.same] >= point.same_at_least).mean()
    misses = (pairs.scores[pairs.same] <= point.different_at_most).mean()
    return replace(point, error_rate=float(max(point.error_rate, false_matches, misses)))


def _cllr(llrs: Float64s, pairs: ScoredPairs) -> float:
    """Return Cllr in bits; see `evaluation.metrics.cllr`, which may not be imported here."""
    cost = np.logaddexp(0.0, np.where(pairs.same, -llrs, llrs) * np.log(10.0)) / np.log(2.0)
    return float((cost[pairs.same].mean() + cost[~pairs.same].mean()) / 2)
