"""Raw score to log10 likelihood ratio, probability, words and decisions.

    score -> llr = clip(slope * score + intercept, lower, upper) -> probability, strength
    score -> decision, by thresholds measured on the same held-out artists

Serving needs NumPy only; fitting also needs SciPy, which is imported where it is used.
"""

from dataclasses import dataclass
from math import log, log10
from typing import Any, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samehand.errors import ModelError, SamehandError
from samehand.records import Decision, OperatingPoint

Float64s = NDArray[np.float64]

_TWO_SIDED = 1.96
"""Standard deviations either way that hold 95 % of a normal distribution."""

_PROMISED_RATES: dict[OperatingPoint, float] = {"fmr1": 0.01, "fmr0.1": 0.001}

NO_SUPPORT = log10(2.0)
"""Below this |llr| the ENFSI scale speaks of no support."""

# ENFSI Guideline for Evaluative Reporting in Forensic Science (2015), table of verbal
# equivalents: each word holds from the |llr| beside it.
_ENFSI_WORDS = (
    (6.0, "extremely strong"),
    (4.0, "very strong"),
    (3.0, "strong"),
    (2.0, "moderately strong"),
    (1.0, "moderate"),
    (NO_SUPPORT, "weak"),
)


@dataclass(frozen=True, slots=True)
class OperatingThreshold:
    """Where to decide so that a measured error rate is kept.

    The thresholds are raw scores, not llrs: the llr saturates, so every score beyond the
    saturation point shares one llr, while a strict threshold may lie among those scores.

    Attributes:
        error_rate: What neither the false match rate of "same" nor the false non-match rate of
            "different" exceeded on the calibration pairs, in [0, 1]; never below one error in
            the number of pairs measured.
        same_at_least: Minimum score at which "same" is decided.
        different_at_most: "different" up to this score; "no decision" in between.
    """

    error_rate: float
    same_at_least: float
    different_at_most: float

    def __post_init__(self) -> None:
        if not 0 <= self.error_rate <= 1 or self.same_at_least < self.different_at_most:
            raise ValueError("an operating point needs a rate in [0, 1] and same_at_least on top")


@dataclass(frozen=True, slots=True)
class Calibration:
    """A score's way to a log10 likelihood ratio, and what it was measured on.

    Attributes:
        slope: llr per unit of score, above 0.
        intercept: llr at score 0.
        lower: The least llr that the calibration data can support, below 0.
        upper: The largest llr that the calibration data can support, above 0.
        points: Decision thresholds, in raw score, of every operating point.
        genuine_pairs: Calibration pairs by one artist.
        impostor_pairs: Calibration pairs by two artists.
        artists: Distinct artists among the calibration pairs.
        spread: Variance of the slope, covariance of both, variance of the intercept, from drawing
            the artists again (`spread.line_spread`); None in folders that lack it.
    """

    slope: float
    intercept: float
    lower: float
    upper: float
    points: dict[OperatingPoint, OperatingThreshold]
    genuine_pairs: int
    impostor_pairs: int
    artists: int
    spread: tuple[float, float, float] | None = None

    def __post_init__(self) -> None:
        if self.slope <= 0 or not self.lower < 0 < self.upper:
            raise ValueError("a calibration needs slope above 0 and lower < 0 < upper")
        if set(self.points) != set(get_args(OperatingPoint)):
            raise ValueError(
                f"a calibration needs the points {', '.join(get_args(OperatingPoint))}"
            )
        if min(self.genuine_pairs, self.impostor_pairs, self.artists) < 1:
            raise ValueError("a calibration needs pairs by one artist and pairs by two")


def llr_from_score(calibration: Calibration, scores: ArrayLike) -> Float64s:
    """Return the log10 likelihood ratio of raw scores, saturated at what the data support.

    Args:
        calibration: The model's calibration.
        scores: Any shape, raw scores.

    Returns:
        Same shape, float64, in [calibration.lower, calibration.upper].
    """
    raw = calibration.slope * np.asarray(scores, np.float64) + calibration.intercept
    return np.clip(raw, calibration.lower, calibration.upper)


def llr_interval(calibration: Calibration, score: float) -> tuple[float, float] | None:
    """Return where 95 % of other calibration artists would have put the llr of a score.

    The line is uncertain, since it was drawn from few artists: its variance at a score s is
    V(slope) s^2 + 2 C(slope, intercept) s + V(intercept). How well one score stands for two
    artists is no part of it; that is what the llr itself says.

    Args:
        calibration: The calibration.
        score: A raw score.

    Returns:
        The lower and the upper end, in [calibration.lower, calibration.upper]; None where the
        calibration has no spread.
    """
    if calibration.spread is None:
        return None
    llr, either_way = (
        calibration.slope * score + calibration.intercept,
        half_width(calibration, score),
    )
    ends = np.clip(
        [llr - either_way, llr + either_way],
        calibration.lower,
        calibration.upper,
    )
    return float(ends[0]), float(ends[1])


def half_width(calibration: Calibration, score: float) -> float:
    """Return half the width of the 95 % interval of a score's llr; 0 without a spread."""
    slope, both, intercept = calibration.spread or (0.0, 0.0, 0.0)
    variance = max(0.0, slope * score * score + 2.0 * both * score + intercept)
    return float(_TWO_SIDED * variance**0.5)


def probability(llr: ArrayLike, prior: float) -> Float64s:
    """Return P(same artist) after the evidence: posterior odds = prior odds times the LR.

    Args:
        llr: Any shape, log10 likelihood ratios.
        prior: P(same artist) before the evidence, strictly between 0 and 1.

    Returns:
        Same shape, float64, in [0, 1].

    Raises:
        SamehandError: `prior` is not strictly between 0 and 1.
    """
    if not 0.0 < prior < 1.0:
        raise SamehandError(
            f"the prior must lie strictly between 0 and 1, not be {prior:g}: 10 % is 0.1, and 0 "
            "or 1 would leave nothing to learn from the images"
        )
    log_odds = np.asarray(llr, np.float64) + log10(prior / (1.0 - prior))
    # The power of a number <= 0 cannot overflow.
    small = np.power(10.0, -np.abs(log_odds))
    return np.asarray(np.where(log_odds >= 0, 1.0, small) / (1.0 + small), np.float64)


def operating_threshold(calibration: Calibration, name: str) -> OperatingThreshold:
    """Return the thresholds of the operating point called `name`.

    Raises:
        SamehandError: There is no such operating point.
    """
    for known, point in calibration.points.items():
        if known == name:
            return point
    raise SamehandError(
        f"no operating point {name!r}; choose one of {', '.join(calibration.points)}"
    )


def decide(score: float, point: OperatingThreshold, llr: float) -> Decision:
    """Return the decision on a raw score at an operating point.

    Evidence that a factor of two would outweigh is called no support, so nothing is decided on it.

    Args:
        score: The raw score, which thresholds are compared with: an llr saturates.
        point: The operating point.
        llr: The score's log10 likelihood ratio.
    """
    if abs(llr) < NO_SUPPORT:
        return "no decision"
    if score >= point.same_at_least:
        return "same"
    if score <= point.different_at_most:
        return "different"
    return "no decision"


def strength(llr: float) -> str:
    """Return a log10 likelihood ratio in words.

    The verbal scale is that of the ENFSI Guideline for Evaluative Reporting in Forensic Science
    (2015): LR 2 to 10 weak, to 100 moderate, to 1 000 moderately strong, to 10 000 strong, to
    1 000 000 very strong, beyond that extremely strong; each bound belongs to the stronger word.
    """
    for least, word in _ENFSI_WORDS:
        if abs(llr) >= least:
            claim = "the same artist" if llr > 0 else "different artists"
            return f"{word} support for {claim}"
    return "no support either way"


def fit_calibration(
    scores: NDArray[np.floating[Any]],
    same: NDArray[np.bool_],
    left_artist: NDArray[np.integer[Any]],
    right_artist: NDArray[np.integer[Any]],
) -> Calibration:
    """Fit a calibration on pairs of held-out artists.

    The slope and intercept come from logistic regression in which either class weighs one half,
    so that the log-odds it learns are the log-likelihood-ratio (Brümmer & du Preez 2006,
    "Application-independent evaluation of speaker detection", Computer Speech & Language 20;
    Morrison 2013, "Tutorial on logistic-regression calibration and fusion", Australian
    Journal of Forensic Sciences 45(2)). The targets are Platt's (1999, "Probabilistic outputs for
    support vector machines"), (n + 1) / (n + 2) for n pairs of a class, which keeps the
    slope finite where the classes do not overlap.

    The llr saturates at what was observed. Paintings of one artist repeat one another, so the
    data hold at most one independent observation per artist with a genuine pair, and one per
    distinct pair of artists in an impostor pair. An llr above log10(artist pairs + 1) would say
    that impostors score so high more rarely than once in one more artist pair than were ever
    seen, and one below -log10(artists + 1) would say so of genuine pairs. That is the idea, not
    the algorithm, of the empirical bounds of Vergeer et al. (2016), "Numerical likelihood ratios
    outputted by LR systems are often based on extrapolation", Science & Justice 56(6).

    "fmr1" promises error rates of 1 %, "fmr0.1" of 0.1 %: "same" starts at the lowest cut with
    FMR within the promise, "different" ends at the highest cut with FNMR within it, either as
    strict as its number of pairs can measure. "eer" has the one cut where the larger of FMR and
    FNMR is least; the other points fall back on it where they would overlap. Cuts lie midway
    between neighbouring scores.

    Args:
        scores: (N,) raw scores, finite, larger for more alike.
        same: (N,) whether one artist made both paintings.
        left_artist: (N,) number of the left painting's artist.
        right_artist: (N,) number of the right painting's artist.

    Raises:
        ModelError: The pairs cannot calibrate: a class is missing, `same` contradicts the
            artists, a score is not finite, or scores do not rise with likeness.
    """
    values = np.asarray(scores, np.float64)
    genuine_pairs = int(np.count_nonzero(same))
    impostor_pairs = same.size - genuine_pairs
    if not genuine_pairs or not impostor_pairs:
        raise ModelError(
            "calibration needs pairs by one artist and pairs by two: "
            f"it got {genuine_pairs} and {impostor_pairs}; hold out more artists"
        )
    if not np.isfinite(values).all():
        raise ModelError("calibration met a score that is not a finite number; train again")
    if not np.array_equal(same, left_artist == right_artist):
        raise ModelError(
            "calibration pairs marked same or different contradict their artists; "
            "make the pairs again from the catalogue"
        )
    slope, intercept = fit_line(values, same)
    if slope <= 0:
        raise ModelError(
            "paintings by one artist score no higher than paintings by two on the calibration "
            "artists, so the model cannot be calibrated; train it longer or on more artists"
        )
    artists = np.union1d(np.unique(left_artist), np.unique(right_artist))
    low, high = (
        np.searchsorted(artists, side(left_artist[~same], right_artist[~same]))
        for side in (np.minimum, np.maximum)
    )
    artist_pairs = np.unique(low * artists.size + high).size
    return Calibration(
        slope=slope,
        intercept=intercept,
        lower=-log10(np.unique(left_artist[same]).size + 1),
        upper=log10(artist_pairs + 1),
        points=_operating_points(values, same),
        genuine_pairs=genuine_pairs,
        impostor_pairs=impostor_pairs,
        artists=int(artists.size),
    )


def fit_line(
    scores: Float64s, same: NDArray[np.bool_], weights: Float64s | None = None
) -> tuple[float, float]:
    """Return slope and intercept, in log10 units, of class-balanced logistic regression.

    Args:
        scores: (N,) raw scores.
        same: (N,) whether one artist made both paintings.
        weights: (N,) positive weight of each pair within its class, or None for equal ones.
    """
    from scipy.optimize import minimize
    from scipy.special import expit

    # Standardised scores make the fit the same for any unit and offset of the score.
    centre, spread = float(scores.mean()), float(scores.std())
    if spread == 0.0:
        return 0.0, 0.0
    x = (scores - centre) / spread
    genuine = np.count_nonzero(same)
    count = np.where(same, genuine, same.size - genuine)
    given = np.ones(same.size) if weights is None else weights
    weight = 0.5 * given / np.where(same, given[same].sum(), given[~same].sum())
    target = np.where(same, count + 1.0, 1.0) / (count + 2.0)

    def loss(line: Float64s) -> tuple[float, Float64s]:
        logit = line[0] * x + line[1]
        residual = weight * (expit(logit) - target)
        value = weight @ (np.logaddexp(0.0, logit) - target * logit)
        return float(value), np.array([residual @ x, residual.sum()])

    def hessian(line: Float64s) -> Float64s:
        p = expit(line[0] * x + line[1])
        curvature = weight * p * (1.0 - p)
        cross = curvature @ x
        return np.array([[curvature @ (x * x), cross], [cross, curvature.sum()]])

    found = minimize(
        loss, np.zeros(2), jac=True, hess=hessian, method="trust-exact", options={"gtol": 1e-10}
    ).x
    slope = float(found[0]) / spread
    return slope / log(10.0), (float(found[1]) - slope * centre) / log(10.0)


def _operating_points(
    scores: Float64s, same: NDArray[np.bool_]
) -> dict[OperatingPoint, OperatingThreshold]:
    """Return the thresholds of every operating point, measured on all possible cuts."""
    levels, level = np.unique(scores, return_inverse=True)
    middle = levels[:-1] / 2 + levels[1:] / 2
    cuts = np.concatenate(
        ([np.nextafter(levels[0], -np.inf)], middle, [np.nextafter(levels[-1], np.inf)])
    )
    genuine = np.bincount(level[same], minlength=levels.size)
    impostor = np.bincount(level[~same], minlength=levels.size)
    genuine_pairs, impostor_pairs = int(genuine.sum()), int(impostor.sum())
    fnmr = np.concatenate(([0], np.cumsum(genuine))) / genuine_pairs
    fmr = (impostor_pairs - np.concatenate(([0], np.cumsum(impostor)))) / impostor_pairs

    return points_of_rates(cuts, fmr, fnmr, genuine_pairs, impostor_pairs)


def points_of_rates(
    cuts: Float64s, fmr: Float64s, fnmr: Float64s, genuine_pairs: int, impostor_pairs: int
) -> dict[OperatingPoint, OperatingThreshold]:
    """Return the thresholds of every operating point, given the error rates at every cut.

    Args:
        cuts: (C,) raw scores, ascending, from below all scores to above them.
        fmr: (C,) false match rate of "same" from each cut on, falling from 1 to 0.
        fnmr: (C,) false non-match rate of "different" below each cut, rising from 0 to 1.
        genuine_pairs: How many pairs by one artist the rates were measured on.
        impostor_pairs: The same of pairs by two.
    """
    worse = np.maximum(fmr, fnmr)
    best = int(worse.argmin())
    equal = float(cuts[best])
    # No error among n pairs does not show a rate of 0, and n pairs show none below 1 / n.
    floor = 1.0 / min(genuine_pairs, impostor_pairs)
    points: dict[OperatingPoint, OperatingThreshold] = {
        "eer": OperatingThreshold(max(float(worse[best]), floor), equal, equal)
    }
    for name, promised in _PROMISED_RATES.items():
        # fmr falls and fnmr rises along the cuts.
        same_cut = cuts[np.argmax(fmr <= max(promised, 1.0 / impostor_pairs))]
        allowed = max(promised, 1.0 / genuine_pairs)
        different_cut = cuts[np.searchsorted(fnmr, allowed, side="right") - 1]
        if same_cut < different_cut:
            same_cut = different_cut = equal
        points[name] = OperatingThreshold(
            max(promised, floor), float(same_cut), float(different_cut)
        )
    return points
