"""Pairs of held-out artists' pictures, by kind and collection, to the calibrations by condition.

Collections differ: the same two kinds of pictures score higher where one camera took them all. A
calibration that is to hold in the next collection has each of its own count alike, has thresholds
that keep the promised rates in the worst of them, and says in its spread how far their lines lie
apart.

Shapes: N pairs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samehand.records import PictureKind
from samehand.scoring.calibration import (
    Calibration,
    Float64s,
    fit_calibration,
    fit_line,
    half_width,
    points_of_rates,
)
from samehand.scoring.comparator import Comparator, Enrolled
from samehand.scoring.conditions import Condition, Kinds
from samehand.scoring.spread import line_spread

ENOUGH_ARTISTS = 12
"""Fewer artists with a pair by one hand calibrate nothing, as for reference sets."""

_CUTS = 2000


@dataclass(frozen=True, slots=True, eq=False)
class ScoredPairs:
    """Pairs of one condition; every array has shape (N,).

    Attributes:
        scores: Raw scores.
        same: Whether one artist made both.
        left_artist: Number of one picture's artist.
        right_artist: Number of the other's.
        collection: Number of the collection that both come from.
    """

    scores: NDArray[np.floating[Any]]
    same: NDArray[np.bool_]
    left_artist: NDArray[np.integer[Any]]
    right_artist: NDArray[np.integer[Any]]
    collection: NDArray[np.integer[Any]]

    def take(self, chosen: NDArray[np.bool_]) -> "ScoredPairs":
        """Return some of the pairs, by a mask, (N,)."""
        return ScoredPairs(
            self.scores[chosen],
            self.same[chosen],
            self.left_artist[chosen],
            self.right_artist[chosen],
            self.collection[chosen],
        )


def fit_condition(kinds: Kinds, pairs: ScoredPairs) -> Condition | None:
    """Fit the calibration of one condition, or return None where too few artists show it.

    Collections of fewer than `ENOUGH_ARTISTS` such artists say too little of their own error rates
    and are left out, unless all are so small: then they count as one.

    Args:
        kinds: The kinds of the two pictures.
        pairs: Pairs of such pictures by artists that the model had never seen.

    Raises:
        ModelError: Paintings by one artist score no higher than those by two.
    """
    if np.unique(pairs.left_artist[pairs.same]).size < ENOUGH_ARTISTS or pairs.same.all():
        return None
    pairs = pairs.take(_large_enough(pairs))
    shown = [
        np.unique(pairs.left_artist[pairs.same & (pairs.collection == number)]).size
        for number in np.unique(pairs.collection)
    ]
    numbers = np.unique(pairs.collection) if min(shown) >= ENOUGH_ARTISTS else np.zeros(1)
    pooled = fit_calibration(pairs.scores, pairs.same, pairs.left_artist, pairs.right_artist)
    spread = line_spread(
        np.asarray(pairs.scores, np.float64), pairs.same, pairs.left_artist, pairs.right_artist
    )
    if len(numbers) == 1:
        return Condition(kinds, with_margins(replace(pooled, spread=spread)), 1)
    slope, intercept = fit_line(
        np.asarray(pairs.scores, np.float64), pairs.same, _alike_weights(pairs)
    )
    apart = _between(pairs, slope)
    calibration = replace(
        pooled,
        slope=slope,
        intercept=intercept,
        points=_points_in_the_worst(pairs),
        spread=spread,
    )
    # Thresholds hold in the worst collection already: what is left to chance is the artists.
    calibration = with_margins(calibration)
    if spread is not None:
        calibration = replace(calibration, spread=(spread[0], spread[1], spread[2] + apart))
    return Condition(kinds, calibration, len(numbers))


def with_margins(calibration: Calibration) -> Calibration:
    """Return a calibration whose strict thresholds leave room for its own uncertainty.

    A threshold that keeps 1 % on these artists keeps more or less on others, so it is moved
    outwards until the other end of the llr's 95 % interval would still keep it. The balanced
    point has no promise below what the worst collection shows, and stays.
    """
    if calibration.spread is None:
        return calibration

    def moved(score: float, sign: float) -> float:
        return score + sign * half_width(calibration, score) / calibration.slope

    points = {
        name: point
        if name == "eer"
        else replace(
            point,
            same_at_least=moved(point.same_at_least, 1.0),
            different_at_most=moved(point.different_at_most, -1.0),
        )
        for name, point in calibration.points.items()
    }
    return replace(calibration, points=points)


def _large_enough(pairs: ScoredPairs) -> NDArray[np.bool_]:
    """Return which pairs are of a collection with enough artists; all of them if none has."""
    large = [
        number
        for number in np.unique(pairs.collection)
        if np.unique(pairs.left_artist[pairs.same & (pairs.collection == number)]).size
        >= ENOUGH_ARTISTS
    ]
    return np.isin(pairs.collection, large) if large else np.ones(len(pairs.same), bool)


def _alike_weights(pairs: ScoredPairs) -> Float64s:
    """Return weights, (N,), by which either class of each collection counts alike."""
    weights = np.empty(len(pairs.same))
    for number in np.unique(pairs.collection):
        for side in (pairs.same, ~pairs.same):
            chosen = side & (pairs.collection == number)
            weights[chosen] = 1.0 / max(1, int(chosen.sum()))
    return weights


def _between(pairs: ScoredPairs, slope: float) -> float:
    """Return the variance between collections of the intercept, at a common slope.

    Each collection's intercept is where its own line, at this slope, has its balanced fit.
    """
    found = []
    for number in np.unique(pairs.collection):
        own = pairs.take(pairs.collection == number)
        if own.same.any() and not own.same.all():
            scores = np.asarray(own.scores, np.float64)
            own_slope, own_intercept = fit_line(scores, own.same)
            # Where its llr is 0 is what moves decisions; that point is held, the slope replaced.
            found.append(own_intercept * slope / own_slope if own_slope > 0 else own_intercept)
    return float(np.var(found, ddof=1)) if len(found) > 1 else 0.0


def _points_in_the_worst(pairs: ScoredPairs) -> dict[Any, Any]:
    """Return the operating points by the worst collection's error rate at every cut."""
    scores = np.asarray(pairs.scores, np.float64)
    cuts = np.concatenate(
        [
            [np.nextafter(scores.min(), -np.inf)],
            np.unique(np.quantile(scores, np.linspace(0, 1, _CUTS)[1:-1])),
            [np.nextafter(scores.max(), np.inf)],
        ]
    )
    fmr, fnmr, counts = np.zeros(len(cuts)), np.zeros(len(cuts)), []
    for number in np.unique(pairs.collection):
        own = pairs.take(pairs.collection == number)
        genuine = np.sort(own.scores[own.same].astype(np.float64))
        impostor = np.sort(own.scores[~own.same].astype(np.float64))
        if not len(genuine) or not len(impostor):
            continue
        fmr = np.maximum(fmr, 1 - np.searchsorted(impostor, cuts) / len(impostor))
        fnmr = np.maximum(fnmr, np.searchsorted(genuine, cuts) / len(genuine))
        counts.append((len(genuine), len(impostor)))
    return points_of_rates(cuts, fmr, fnmr, *(min(side) for side in zip(*counts, strict=True)))


@dataclass(frozen=True, slots=True, eq=False)
class Pictures:
    """Pictures by artists that the model had never seen; every array has shape (P,).

    Attributes:
        enrolled: The P pictures.
        artist: Number of each picture's artist.
        work: Number of the work that each shows: two pictures of one work are no pair.
        kind: What each can show.
        collection: Number of the collection that each comes from.
    """

    enrolled: Enrolled
    artist: NDArray[np.int64]
    work: NDArray[np.int64]
    kind: Sequence[PictureKind]
    collection: NDArray[np.int64]


def fit_conditions(comparator: Comparator, pictures: Pictures) -> tuple[Condition, ...]:
    """Fit a calibration for every two kinds that enough artists show.

    Pictures are compared within their collection, where scores are highest, so that false matches
    are promised for the worst case. Where no collection shows both kinds by enough artists, any two
    collections together count as one of their own.

    Args:
        comparator: The model's comparator.
        pictures: P pictures of held-out artists.

    Raises:
        ModelError: Paintings by one artist score no higher than those by two.
    """
    kinds = np.array(pictures.kind)
    names = sorted(set(pictures.kind))
    count = int(pictures.collection.max()) + 1
    found = []
    for index, one in enumerate(names):
        for two in names[index:]:
            pairs = pairs_of(comparator, pictures, kinds == one, kinds == two)
            condition = fit_condition((one, two), nearest_pairs(pairs, count))
            if condition is not None:
                found.append(condition)
    return tuple(found)


def nearest_pairs(pairs: ScoredPairs, count: int) -> ScoredPairs:
    """Return the pairs within one collection if enough artists show them, or else all of them.

    Args:
        pairs: As `pairs_of` returns them.
        count: How many collections there are.
    """
    within = pairs.take(pairs.collection % (count + 1) == 0)
    enough = np.unique(within.left_artist[within.same]).size >= ENOUGH_ARTISTS
    return within if enough else pairs


def pairs_of(
    comparator: Comparator,
    pictures: Pictures,
    one: NDArray[np.bool_],
    two: NDArray[np.bool_],
) -> ScoredPairs:
    """Return all pairs of a picture of one group and one of another, each pair once.

    Args:
        comparator: The model's comparator.
        pictures: P pictures.
        one: Which belong to one group, (P,).
        two: Which belong to the other, (P,): the same ones, or none of them.
    """
    rows, columns = np.flatnonzero(one), np.flatnonzero(two)
    left, right = (side.ravel() for side in np.meshgrid(rows, columns, indexing="ij"))
    once = (pictures.work[left] != pictures.work[right]) & (
        (left < right) | (not np.array_equal(rows, columns))
    )
    left, right = left[once], right[once]
    count = int(pictures.collection.max()) + 1
    lower, upper = (
        pick(pictures.collection[left], pictures.collection[right])
        for pick in (np.minimum, np.maximum)
    )
    return ScoredPairs(
        comparator.pair_scores(pictures.enrolled, left, right),
        pictures.artist[left] == pictures.artist[right],
        pictures.artist[left],
        pictures.artist[right],
        lower * count + upper,
    )
