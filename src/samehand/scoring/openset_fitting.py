"""Held-out artists to the open-set rule: galleries of some of them, probes from all of them.

Shapes: P paintings, A artists.
"""

from math import log10

import numpy as np

from samehand.scoring.artists import artist_llrs
from samehand.scoring.calibration import Calibration, Float64s
from samehand.scoring.comparator import Comparator, Enrolled
from samehand.scoring.openset import PROMISED_FALSE_ALARMS, OpenSet, OpenSetPoint
from samehand.scoring.references import ReferenceRule

MOST_REFERENCES = 30
_GALLERIES = 20
_SHARES = (0.1, 0.25, 0.5, 0.75)
_SIZES = (3, MOST_REFERENCES)


def fit_open_set(
    comparator: Comparator,
    enrolled: Enrolled,
    artists: list[str],
    rule: ReferenceRule,
    pairs: Calibration,
    *,
    seed: int = 0,
) -> OpenSet:
    """Fit the open-set rule on galleries drawn from held-out artists.

    Galleries hold a tenth to three quarters of the artists, with few or with many works each.

    Args:
        comparator: The model's comparator.
        enrolled: P held-out paintings.
        artists: The artist of each, P of them.
        rule: The rule for reference sets.
        pairs: The model's calibration of pairs.
        seed: Decides the galleries.
    """
    from scipy.optimize import minimize
    from scipy.special import expit

    labels = np.unique(np.asarray(artists), return_inverse=True)[1].astype(np.int64)
    draw = np.random.default_rng(seed)
    best, size, known, right = [], [], [], []
    for most in _SIZES:
        llrs = artist_llrs(comparator, enrolled, labels, rule, pairs, most, seed)
        count = llrs.shape[1]
        for share in _SHARES:
            held = max(1, round(share * count))
            for _ in range(_GALLERIES):
                gallery = draw.permutation(count)[:held]
                answer = gallery[llrs[:, gallery].argmax(axis=1)]
                inside = np.isin(labels, gallery)
                # A work that is the only one of its artist has nothing to be recognised by.
                usable = ~inside | np.isfinite(llrs[np.arange(len(labels)), labels])
                best.append(llrs[:, gallery].max(axis=1)[usable])
                size.append(np.full(int(usable.sum()), log10(held)))
                known.append(inside[usable])
                right.append((answer == labels)[usable])
    top, log_size = np.concatenate(best), np.concatenate(size)
    is_known, is_right = np.concatenate(known), np.concatenate(right)
    # Larger galleries know more of the probes; that must not pass for evidence.
    weight = np.zeros(len(top))
    for held_size in np.unique(log_size):
        for side in (is_known, ~is_known):
            chosen = side & (log_size == held_size)
            weight[chosen] = 0.5 / max(1, chosen.sum()) / len(_SHARES)
    x = np.column_stack([top, log_size, np.ones(len(top))])

    def loss(line: Float64s) -> tuple[float, Float64s]:
        logit = x @ line
        value = weight @ (np.logaddexp(0.0, logit) - is_known * logit)
        return float(value), x.T @ (weight * (expit(logit) - is_known))

    line = minimize(loss, np.zeros(3), jac=True, method="L-BFGS-B").x / np.log(10.0)
    llr = x @ line
    count = int(labels.max()) + 1
    points = {}
    for name, promised in PROMISED_FALSE_ALARMS.items():
        threshold = _keeping(llr[~is_known], 2.0 * weight[~is_known], promised)
        named = llr >= threshold
        points[name] = OpenSetPoint(
            false_alarms=float(2.0 * weight[named & ~is_known].sum()),
            detected=float(2.0 * weight[named & is_known & is_right].sum()),
            known_at_least=threshold,
        )
    return OpenSet(
        best=float(line[0]),
        artists=float(line[1]),
        intercept=float(line[2]),
        # As in ADR 0003: the data hold one independent observation for each artist.
        lower=-log10(count + 1),
        upper=log10(count + 1),
        points=points,
        largest=max(1, round(max(_SHARES) * count)),
    )


def _keeping(scores: Float64s, weights: Float64s, promised: float) -> float:
    """Return the least threshold that a share of at most `promised` of the scores reaches."""
    order = np.argsort(-scores, kind="stable")
    reached = np.cumsum(weights[order])
    count = int(np.searchsorted(reached, promised, side="right"))
    if count == len(scores):
        return float(scores.min())
    # Above the first score too many, which may occur more than once.
    return float(np.nextafter(scores[order[count]], np.inf))
