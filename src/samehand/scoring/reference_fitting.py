"""Held-out artists to the rule for reference sets: trials, weights, and a calibration for each N.

Shapes: T trials, N references, P paintings, A artists.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samehand.errors import ModelError
from samehand.scoring.calibration import Calibration, Float64s, fit_calibration
from samehand.scoring.comparator import Comparator, Enrolled
from samehand.scoring.references import ReferenceRule, ReferenceStep, reference_features

COUNTS = (1, 2, 3, 5, 10, 20)
"""Numbers of references that are measured, as far as enough artists have that many works."""

ENOUGH_ARTISTS = 12
FOLDS = 5
_SETS = 4
_IMPOSTORS = 150
_DRAWN_FOR_STYLE = 1500
"""Works by others that are drawn to find `_IMPOSTORS` of one style among them."""


@dataclass(frozen=True, slots=True, eq=False)
class Trials:
    """Questions "is this by the artist of these N works?", and their answers; arrays are (T, ...).

    Attributes:
        features: (T, 3), in the order of `references.FEATURES`.
        same: Whether the artist of the references made the probe.
        probe_artist: Number of the probe's artist.
        reference_artist: Number of the references' artist.
    """

    features: Float64s
    same: NDArray[np.bool_]
    probe_artist: NDArray[np.int64]
    reference_artist: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceSet:
    """Works drawn as references for one artist, and the probes to put to them; indices.

    Attributes:
        artist: Number of the artist.
        references: (N,) works by the artist.
        probes: Other works by the artist, and works by others.
    """

    artist: int
    references: NDArray[np.int64]
    probes: NDArray[np.int64]


def draw_sets(
    labels: NDArray[np.int64],
    references: int,
    *,
    seed: int,
    sets: int = _SETS,
    impostors: int = _IMPOSTORS,
) -> Iterator[ReferenceSet]:
    """Draw sets of N references for every artist with at least N + 1 works.

    Args:
        labels: (P,) number of each painting's artist.
        references: N.
        seed: Decides every draw.
        sets: How many for each artist.
        impostors: How many works by others are put to each set, at most.
    """
    everything = np.arange(len(labels))
    for artist in np.unique(labels):
        draw = np.random.default_rng((seed, references, int(artist)))
        own = np.flatnonzero(labels == artist)
        others = everything[labels != artist]
        if len(own) <= references or not len(others):
            continue
        for _ in range(sets):
            chosen = np.sort(draw.permutation(own)[:references])
            foreign = draw.permutation(others)[:impostors]
            yield ReferenceSet(
                int(artist), chosen, np.concatenate([np.setdiff1d(own, chosen), foreign])
            )


def of_one_style(
    drawn: ReferenceSet,
    labels: NDArray[np.int64],
    styles: NDArray[np.str_],
    impostors: int = _IMPOSTORS,
) -> ReferenceSet:
    """Return a set whose probes are of the style of most of its references.

    Args:
        drawn: The set, with probes of any style.
        labels: (P,) number of each painting's artist.
        styles: (P,) style of each, "" where it is not known.
        impostors: How many works by others are kept, at most.

    Returns:
        The set; without any probes where none is by its artist, or none by another.
    """
    names, times = np.unique(styles[drawn.references], return_counts=True)
    style = names[times.argmax()]
    alike = drawn.probes[(styles[drawn.probes] == style) & (style != "")]
    own = alike[labels[alike] == drawn.artist]
    others = alike[labels[alike] != drawn.artist][:impostors]
    kept = np.concatenate([own, others]) if len(own) and len(others) else alike[:0]
    return ReferenceSet(drawn.artist, drawn.references, kept)


def make_trials(
    comparator: Comparator,
    enrolled: Enrolled,
    labels: NDArray[np.int64],
    references: int,
    llr_per_score: float,
    *,
    seed: int = 0,
    styles: Sequence[str | None] | None = None,
) -> Trials:
    """Return the trials of all drawn sets of N references; empty where no artist has enough.

    Args:
        comparator: The model's comparator.
        enrolled: P held-out paintings.
        labels: (P,) number of each painting's artist.
        references: N.
        llr_per_score: Slope of the model's calibration of pairs, or of pairs of one style.
        seed: Decides the draws.
        styles: The style of each painting, None where it is not known: only probes of the style of
            most references are put to a set, and scores are those for pairs of one style. By
            default style plays no part.
    """
    features, probe_artist, reference_artist = [np.empty((0, 3))], [labels[:0]], [labels[:0]]
    impostors = _IMPOSTORS if styles is None else _DRAWN_FOR_STYLE
    for drawn in draw_sets(labels, references, seed=seed, impostors=impostors):
        if styles is not None:
            drawn = of_one_style(drawn, labels, np.array([style or "" for style in styles]))
            if not len(drawn.probes):
                continue
        features.append(
            reference_features(
                comparator,
                enrolled.take(drawn.probes),
                enrolled.take(drawn.references),
                llr_per_score,
                styled=styles is not None,
            )
        )
        probe_artist.append(labels[drawn.probes])
        reference_artist.append(np.full(len(drawn.probes), drawn.artist))
    probe, reference = np.concatenate(probe_artist), np.concatenate(reference_artist)
    return Trials(np.concatenate(features), probe == reference, probe, reference)


def fit_references(
    comparator: Comparator,
    enrolled: Enrolled,
    artists: Sequence[str],
    pairs: Calibration,
    *,
    seed: int = 0,
    styles: Sequence[str | None] | None = None,
) -> ReferenceRule:
    """Fit the rule for reference sets on held-out paintings.

    A single reference is a pair, so the model's calibration of pairs is the first step. Weights
    come from class-balanced logistic regression on all trials; the calibration of each step sees
    only scores of artists that had no say in the weights (five-fold, by artist).

    Args:
        comparator: The model's comparator.
        enrolled: P held-out paintings, none by an artist of the training or test set.
        artists: The artist of each, P of them.
        pairs: The model's calibration of pairs, or of pairs of one style.
        seed: Decides which works are drawn as references.
        styles: The style of each painting, None where it is not known, for a rule against other
            artists of the same style; see `make_trials`.

    Raises:
        ModelError: The paintings cannot calibrate even two references.
    """
    labels = np.unique(np.asarray(artists), return_inverse=True)[1].astype(np.int64)
    steps = [ReferenceStep(1, (1.0, 0.0, 0.0), pairs)]
    for count in COUNTS[1:]:
        if np.count_nonzero(np.bincount(labels) > count) < min(ENOUGH_ARTISTS, labels.max() + 1):
            break
        trials = make_trials(
            comparator, enrolled, labels, count, pairs.slope, seed=seed, styles=styles
        )
        if np.unique(trials.reference_artist).size < min(ENOUGH_ARTISTS, labels.max() + 1):
            break
        steps.append(_step(trials, count, seed))
    if len(steps) == 1:
        raise ModelError(
            "held-out artists have too few works each to calibrate reference sets; prepare the "
            "catalogue with more works by each validation artist"
        )
    return ReferenceRule(tuple(steps))


def folds_of(artists: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Return the fold of each artist number, from 0 to the largest, in turn over a shuffle."""
    count = int(artists.max()) + 1
    return np.random.default_rng(seed).permutation(count) % min(FOLDS, count)


def fit_weights(trials: Trials, chosen: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Return weights of the features such that centre and nearest together weigh 1.

    Args:
        trials: The trials.
        chosen: (T,) which of them may be looked at.
    """
    from scipy.optimize import minimize
    from scipy.special import expit

    x, same = trials.features[chosen], trials.same[chosen]
    centre, spread = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-9)
    x = np.column_stack([(x - centre) / spread, np.ones(len(x))])
    weight = np.where(same, 0.5 / same.sum(), 0.5 / (~same).sum())

    def loss(line: Float64s) -> tuple[float, Float64s]:
        logit = x @ line
        # A little ridge: centre and nearest are nearly the same number where N is small.
        value = weight @ (np.logaddexp(0.0, logit) - same * logit) + 1e-3 * (line[:3] @ line[:3])
        slope = x.T @ (weight * (expit(logit) - same))
        slope[:3] += 2e-3 * line[:3]
        return float(value), slope

    found = minimize(loss, np.zeros(4), jac=True, method="L-BFGS-B").x[:3] / spread
    total = float(found[0] + found[1])
    if total <= 0:
        raise ModelError(
            "works score no higher with works by their own artist than with others', so reference "
            "sets cannot be calibrated; train the model longer or on more artists"
        )
    first, second, third = (float(value) / total for value in found)
    return first, second, third


def held_out_scores(trials: Trials, seed: int) -> Float64s:
    """Return combined scores, (T,), each by weights that saw neither artist of the trial."""
    fold = folds_of(np.union1d(trials.probe_artist, trials.reference_artist), seed)
    scores = np.empty(len(trials.same))
    for number in np.unique(fold):
        tested = fold[trials.reference_artist] == number
        fitted = ~tested & (fold[trials.probe_artist] != number)
        scores[tested] = trials.features[tested] @ np.array(fit_weights(trials, fitted))
    return scores


def _step(trials: Trials, count: int, seed: int) -> ReferenceStep:
    weights = fit_weights(trials, np.ones(len(trials.same), bool))
    calibration = fit_calibration(
        held_out_scores(trials, seed), trials.same, trials.probe_artist, trials.reference_artist
    )
    return ReferenceStep(count, weights, calibration)
