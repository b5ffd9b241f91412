"""How far a calibration's line would move had other artists been drawn to fit it.

A replicate draws A artists out of A with replacement; an artist drawn w times weighs w, a genuine
pair of artist a weighs w_a and an impostor pair of a and b weighs w_a * w_b: the subject-based
bootstrap of Bolle, Ratha and Pankanti (2004), "Error analysis of pattern recognition systems: the
subsets bootstrap", Computer Vision and Image Understanding 93(1). Each replicate fits the line
anew; scores are counted in bins once, which a straight line does not notice.

Shapes: N pairs, A artists, L bins.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Float64s = NDArray[np.float64]
Spread = tuple[float, float, float]

REPLICATES = 200
_BINS = 256
_STEPS = 30


def line_spread(
    scores: Float64s,
    same: NDArray[np.bool_],
    left_artist: NDArray[np.integer[Any]],
    right_artist: NDArray[np.integer[Any]],
    *,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Spread | None:
    """Return variance of the slope, covariance of both, and variance of the intercept.

    Args:
        scores: (N,) raw scores.
        same: (N,) whether one artist made both paintings.
        left_artist: (N,) number of the left painting's artist.
        right_artist: (N,) number of the right painting's artist.
        replicates: How often the artists are drawn.
        seed: Decides the draws.

    Returns:
        In log10 units per unit of score; None where hardly any draw has both kinds of pair.
    """
    artists = np.union1d(np.unique(left_artist), np.unique(right_artist))
    left, right = np.searchsorted(artists, left_artist), np.searchsorted(artists, right_artist)
    centre, scale = float(scores.mean()), float(scores.std()) or 1.0
    edges = np.unique(np.quantile(scores, np.linspace(0, 1, _BINS + 1)[1:-1]))
    level = np.searchsorted(edges, scores, side="right")
    count = np.bincount(level, minlength=len(edges) + 1)
    x = (np.bincount(level, scores, len(count)) / np.maximum(count, 1) - centre) / scale
    draws = np.random.default_rng(seed)
    lines = []
    for _ in range(replicates):
        drawn = np.bincount(draws.integers(0, len(artists), len(artists)), minlength=len(artists))
        weight = drawn[left] * np.where(same, 1, drawn[right]).astype(np.float64)
        genuine = np.bincount(level, weight * same, len(count)).astype(np.float64)
        impostor = np.bincount(level, weight * ~same, len(count)).astype(np.float64)
        if genuine.sum() > 0 and impostor.sum() > 0:
            slope, intercept = _balanced_line(x, genuine, impostor)
            lines.append((slope / scale, intercept - slope * centre / scale))
    if len(lines) < replicates // 2:
        return None
    moved = np.cov(np.array(lines).T / np.log(10.0))
    return float(moved[0, 0]), float(moved[0, 1]), float(moved[1, 1])


def _balanced_line(x: Float64s, genuine: Float64s, impostor: Float64s) -> tuple[float, float]:
    """Return slope and intercept of class-balanced logistic regression on counted scores.

    Targets are Platt's, as in `calibration.fit_calibration`; Newton's method with halved steps.
    """
    counts = genuine.sum(), impostor.sum()
    soft = [(total + 1.0) / (total + 2.0) for total in counts]
    weight = (genuine / counts[0] + impostor / counts[1]) / 2
    positive = (genuine / counts[0] * soft[0] + impostor / counts[1] * (1 - soft[1])) / 2
    rows = np.column_stack([x, np.ones(len(x))])

    def loss(line: Float64s) -> float:
        logit = rows @ line
        return float(weight @ np.logaddexp(0.0, logit) - positive @ logit)

    line = np.zeros(2)
    for _ in range(_STEPS):
        p = 1.0 / (1.0 + np.exp(-np.clip(rows @ line, -500, 500)))
        gradient = rows.T @ (weight * p - positive)
        curvature = (rows * (weight * p * (1 - p))[:, None]).T @ rows + 1e-12 * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        here = loss(line)
        while loss(line - step) > here and np.abs(step).max() > 1e-9:
            step = step / 2
        line = line - step
        if np.abs(step).max() < 1e-7:
            break
    return float(line[0]), float(line[1])
