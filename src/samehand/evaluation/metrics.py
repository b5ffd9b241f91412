"""How well scores tell genuine from impostor pairs, and how honest their llrs are.

Every ranking metric is computed from one summary: the weight of genuine and of impostor pairs at
each score level, ascending, shape (L,) each. Counting once makes millions of pairs take seconds,
and lets the bootstrap feed its binned counts to the very same functions.

    FMR   false match rate, the share of impostor pairs with score >= threshold
    FNMR  false non-match rate, the share of genuine pairs with score < threshold
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy
from sklearn.isotonic import isotonic_regression

from samehand.errors import ProtocolError
from samehand.scoring.calibration import probability

Float64s = NDArray[np.float64]
Scores = NDArray[np.floating[Any]]
Bools = NDArray[np.bool_]

PROBABILITY_BINS = 10


@dataclass(frozen=True, slots=True)
class Metrics:
    """What a report says of one system on one protocol.

    Attributes:
        auc: Area under the ROC curve, in [0, 1]; 1 is perfect.
        eer: Equal error rate, in [0, 1].
        fnmr_at_fmr1: FNMR where FMR is 1 %, in [0, 1].
        fnmr_at_fmr0_1: FNMR where FMR is 0.1 %, in [0, 1].
        balanced_accuracy: At the threshold given, in [0, 1].
        cllr: Cost of the llrs, in bits; 0 is perfect, 1 is as good as saying nothing.
        min_cllr: What `cllr` would be under the best possible calibration, in bits.
        calibration_error: Expected calibration error of the probability at equal priors, in [0, 1].
    """

    auc: float
    eer: float
    fnmr_at_fmr1: float
    fnmr_at_fmr0_1: float
    balanced_accuracy: float
    cllr: float
    min_cllr: float
    calibration_error: float


class Levels(NamedTuple):
    """Pairs counted by score: distinct values (ascending) and the weight of each class there.

    Attributes:
        values: (L,) scores.
        genuine: (L,) weight of genuine pairs.
        impostor: (L,) weight of impostor pairs.
    """

    values: Float64s
    genuine: Float64s
    impostor: Float64s


def compute_metrics(
    scores: Scores,
    llr: Scores,
    same: Bools,
    *,
    threshold: float,
    weights: Scores | None = None,
) -> Metrics:
    """Return all metrics; the pairs are sorted only once.

    Args:
        scores: (N,) raw scores, larger for more alike.
        llr: (N,) calibrated log10 likelihood ratios.
        same: (N,) whether one artist made both paintings.
        threshold: Raw score from which a pair is called "same", for the balanced accuracy.
        weights: (N,) non-negative weight of each pair, or None for 1.

    Raises:
        ProtocolError: A class has no pairs, or a score or llr is not finite.
    """
    levels = count_levels(scores, same, weights)
    return Metrics(
        auc=auc_of(levels.genuine, levels.impostor),
        eer=eer_of(levels.genuine, levels.impostor),
        fnmr_at_fmr1=fnmr_at_fmr_of(levels.genuine, levels.impostor, 0.01),
        fnmr_at_fmr0_1=fnmr_at_fmr_of(levels.genuine, levels.impostor, 0.001),
        balanced_accuracy=balanced_accuracy(scores, same, threshold, weights),
        cllr=cllr(llr, same, weights),
        min_cllr=min_cllr_of(levels.genuine, levels.impostor),
        calibration_error=calibration_error(llr, same, weights),
    )


def auc(scores: Scores, same: Bools, weights: Scores | None = None) -> float:
    """Return P(genuine score > impostor score) + P(equal) / 2; arguments as `compute_metrics`."""
    levels = count_levels(scores, same, weights)
    return auc_of(levels.genuine, levels.impostor)


def balanced_accuracy(
    scores: Scores, same: Bools, threshold: float, weights: Scores | None = None
) -> float:
    """Return the mean of 1 - FMR and 1 - FNMR at `threshold`; arguments as `compute_metrics`."""
    share = class_weights(same, weights)
    # A Python float would be rounded to the precision of the scores before comparing.
    accepted = scores >= np.float64(threshold)
    return float(share[accepted == same].sum() / 2)


def cllr(llr: Scores, same: Bools, weights: Scores | None = None) -> float:
    """Return the log-likelihood-ratio cost, in bits.

    Cllr = mean over genuine pairs of log2(1 + 1 / LR) / 2 + mean over impostor pairs of
    log2(1 + LR) / 2: Brümmer & du Preez (2006), "Application-independent evaluation of speaker
    detection", Computer Speech & Language 20, the definition of C_llr.

    Args:
        llr: (N,) log10 likelihood ratios.
        same: (N,) whether one artist made both paintings.
        weights: (N,) non-negative weight of each pair, or None for 1.
    """
    return float(class_weights(same, weights) @ llr_cost(llr, same) / 2)


def llr_cost(llr: Scores, same: Bools) -> Float64s:
    """Return each pair's own term in Cllr, (N,), in bits."""
    wrong_way = np.where(same, -llr, llr) * np.log(10.0)
    return np.asarray(np.logaddexp(0.0, wrong_way) / np.log(2.0), np.float64)


def calibration_error(llr: Scores, same: Bools, weights: Scores | None = None) -> float:
    """Return the expected calibration error of P(same artist) at equal priors.

    Pairs fall into ten equal-width bins of probability (Naeini et al. 2015, "Obtaining well
    calibrated probabilities using Bayesian binning", AAAI); the error is the mean over pairs of
    |mean probability - share of genuine pairs| in the pair's bin. Either class weighs one half
    in all, which is what a prior of 0.5 means.

    Args:
        llr: (N,) log10 likelihood ratios.
        same: (N,) whether one artist made both paintings.
        weights: (N,) non-negative weight of each pair, or None for 1.

    Returns:
        The error, in [0, 1].
    """
    share = class_weights(same, weights) / 2
    bins = probability_bin(llr)
    predicted = np.bincount(bins, share * probability(llr, 0.5), PROBABILITY_BINS)
    observed = np.bincount(bins, share * same, PROBABILITY_BINS)
    return float(np.abs(predicted - observed).sum())


def probability_bin(llr: Scores) -> NDArray[np.intp]:
    """Return the probability bin of each llr, (N,) in [0, PROBABILITY_BINS)."""
    return np.searchsorted(probability_edges(), llr, side="right")


def probability_edges() -> Float64s:
    """Return the inner edges of the probability bins as llrs, (PROBABILITY_BINS - 1,) ascending."""
    inner = np.arange(1, PROBABILITY_BINS) / PROBABILITY_BINS
    return np.asarray(np.log10(inner / (1.0 - inner)), np.float64)


def class_weights(same: Bools, weights: Scores | None = None) -> Float64s:
    """Return weights, (N,), rescaled so that each class sums to 1.

    Raises:
        ProtocolError: A class has no weight.
    """
    given = np.ones(same.size) if weights is None else np.asarray(weights, np.float64)
    genuine = given[same].sum()
    impostor = given[~same].sum()
    require_both_classes(genuine, impostor)
    return np.asarray(given / np.where(same, genuine, impostor), np.float64)


def count_levels(scores: Scores, same: Bools, weights: Scores | None = None) -> Levels:
    """Sort the pairs and add up each class at each distinct score.

    Args:
        scores: (N,) raw scores.
        same: (N,) whether one artist made both paintings.
        weights: (N,) non-negative weight of each pair, or None for 1.

    Raises:
        ProtocolError: A class has no pairs, or a score is not finite.
    """
    if not np.isfinite(scores).all():
        raise ProtocolError(
            "a pair's score is not a finite number: embed the paintings again with this model"
        )
    order = np.argsort(scores)
    ranked = np.asarray(scores[order], np.float64)
    starts = np.flatnonzero(np.concatenate(([True], ranked[1:] > ranked[:-1])))
    given = np.ones(same.size) if weights is None else np.asarray(weights, np.float64)[order]
    genuine = np.where(same[order], given, 0.0)
    levels = Levels(
        ranked[starts],
        np.add.reduceat(genuine, starts),
        np.add.reduceat(given - genuine, starts),
    )
    require_both_classes(levels.genuine.sum(), levels.impostor.sum())
    return levels


def error_rates(genuine: Float64s, impostor: Float64s) -> tuple[Float64s, Float64s]:
    """Return FMR (rising from 0 to 1) and FNMR (falling from 1 to 0), (L + 1,) each.

    Entry k belongs to the threshold that accepts the k highest levels.

    Args:
        genuine: (L,) weight of genuine pairs at ascending score levels.
        impostor: (L,) weight of impostor pairs there.
    """
    matches = np.concatenate(([0.0], np.cumsum(impostor[::-1])))
    accepted = np.concatenate(([0.0], np.cumsum(genuine[::-1])))
    return matches / matches[-1], 1.0 - accepted / accepted[-1]


def auc_of(genuine: Float64s, impostor: Float64s) -> float:
    """Return the area under the ROC curve of counted levels; arguments as `error_rates`.

    It is the Mann-Whitney statistic: Hanley & McNeil (1982), "The meaning and use of the area
    under a receiver operating characteristic (ROC) curve", Radiology 143(1).
    """
    below = np.cumsum(impostor) - impostor / 2
    return float(genuine @ below / (genuine.sum() * impostor.sum()))


def eer_of(genuine: Float64s, impostor: Float64s) -> float:
    """Return the equal error rate of counted levels; arguments as `error_rates`.

    The ROC curve is read by linear interpolation between neighbouring thresholds (Fawcett 2006,
    "An introduction to ROC analysis", Pattern Recognition Letters 27, sec. 10), not on its
    convex hull, which would be more flattering.
    """
    fmr, fnmr = error_rates(genuine, impostor)
    gap = fnmr - fmr
    after = int(np.argmax(gap <= 0))
    before = after - 1
    step = gap[before] / (gap[before] - gap[after])
    return float(fmr[before] + step * (fmr[after] - fmr[before]))


def fnmr_at_fmr_of(genuine: Float64s, impostor: Float64s, fmr: float) -> float:
    """Return the least FNMR at the given FMR, in [0, 1), interpolated as in `eer_of`.

    Other arguments as `error_rates`.
    """
    matches, misses = error_rates(genuine, impostor)
    before = int(np.searchsorted(matches, fmr, side="right")) - 1
    step = (fmr - matches[before]) / (matches[before + 1] - matches[before])
    return float(misses[before] + step * (misses[before + 1] - misses[before]))


def min_cllr_of(genuine: Float64s, impostor: Float64s) -> float:
    """Return the least Cllr that any rising calibration of the scores could reach, in bits.

    The pool-adjacent-violators algorithm finds it at equal priors (Brümmer & du Preez 2006,
    where it is C_llr^min). Where it gives a posterior of 0 or 1, the llr is infinite on the
    right side, for levels that hold one class only, and costs nothing. Arguments as
    `error_rates`.
    """
    genuine_share = genuine / genuine.sum()
    impostor_share = impostor / impostor.sum()
    weight = genuine_share + impostor_share
    held = weight > 0
    genuine_share, impostor_share, weight = genuine_share[held], impostor_share[held], weight[held]
    posterior = isotonic_regression(genuine_share / weight, sample_weight=weight, y_min=0, y_max=1)
    # At equal priors log2(1 + 1 / LR) = -log2(posterior), and likewise for impostors.
    cost = xlogy(genuine_share, posterior) + xlogy(impostor_share, 1.0 - posterior)
    return float(abs(cost.sum()) / np.log(2.0) / 2)


def require_both_classes(genuine: float, impostor: float) -> None:
    """Refuse pairs of which either class has no weight.

    Raises:
        ProtocolError: `genuine` or `impostor` weight is not above 0.
    """
    if not genuine > 0 or not impostor > 0:
        raise ProtocolError(
            "error rates need pairs by one artist and pairs by two, and one kind is missing: "
            "make a protocol with both"
        )
