"""Confidence intervals that resample artists, on both sides of a pair jointly.

Pairs that share an artist are not independent, so resampling pairs would promise intervals far too
narrow. Here a replicate draws A artists out of A with replacement; an artist drawn w times weighs
w, a genuine pair of artist a weighs w_a and an impostor pair of artists a and b weighs w_a * w_b.
Copies of one artist are never impostors of each other. This is the subject-based bootstrap of
Bolle, Ratha & Pankanti (2004), "Error analysis of pattern recognition systems: the subsets
bootstrap", Computer Vision and Image Understanding 93(1), with both sides resampled, as Owen
(2007), "The pigeonhole bootstrap", Annals of Applied Statistics 1(2), does for crossed factors.

Shapes: N pairs, A artists, Q distinct pairs of artists, L score bins, R replicates at a time.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix

from samehand.evaluation.metrics import (
    ECE_BINS,
    Bools,
    Float64s,
    Metrics,
    Scores,
    auc_of,
    ece_bin,
    ece_edges,
    eer_of,
    fnmr_at_fmr_of,
    llr_cost,
    min_cllr_of,
    require_both_classes,
)
from samehand.scoring.calibration import probability

Integers = NDArray[np.integer[Any]]

BINS_PER_CLASS = 2048
_ARTIST_PAIR_WEIGHTS = 2**23
"""Pairs of artists times replicates held at once: 64 MiB of float64."""


@dataclass(frozen=True, slots=True)
class _Bins:
    """What every replicate shares: per score bin, the pairs and their average costs.

    Attributes:
        genuine: (L, A) genuine pairs in each bin, by artist.
        impostor: (L, Q) impostor pairs in each bin, by pair of artists.
        artist_pairs: (2, Q) the two artists of each such pair.
        first_accepted: The lowest bin at or above the decision threshold.
        cost: (2, L) mean Cllr term of the bin's impostor (0) and genuine (1) pairs.
        predicted: (2, L) mean P(same artist) of the bin's impostor (0) and genuine (1) pairs.
        ece_bin: (L,) the probability bin that holds the score bin.
    """

    genuine: csc_matrix
    impostor: csc_matrix
    artist_pairs: NDArray[np.intp]
    first_accepted: int
    cost: Float64s
    predicted: Float64s
    ece_bin: NDArray[np.intp]


def bootstrap_replicates(
    scores: Scores,
    llr: Scores,
    same: Bools,
    left_artist: Integers,
    right_artist: Integers,
    *,
    threshold: float,
    replicates: int = 1000,
    seed: int,
) -> Float64s:
    """Return every metric in `Metrics` of each replicate.

    Scores are quantised once to some 4096 bins, half of them of equal genuine and half of equal
    impostor mass, with edges at `threshold` and at the probability bins of the calibration
    error; few pairs have a bin per distinct score, which is exact. Replicates that drew no
    genuine or no impostor pair have no error rates and are left out.

    Args:
        scores: (N,) raw scores, finite.
        llr: (N,) log10 likelihood ratios, a rising function of the scores.
        same: (N,) whether one artist made both paintings.
        left_artist: (N,) number of the left painting's artist.
        right_artist: (N,) number of the right painting's artist.
        threshold: Raw score from which a pair is called "same", for the balanced accuracy.
        replicates: How many times the artists are drawn.
        seed: Of the draws; the same seed, pairs and artists give the same draws whatever the
            scores, so that two systems' replicates may be subtracted.

    Returns:
        One row a replicate that had both kinds of pair, one column a field of `Metrics`.

    Raises:
        ProtocolError: A class has no pairs.
    """
    artists = np.union1d(np.unique(left_artist), np.unique(right_artist))
    left = np.searchsorted(artists, left_artist).astype(np.int32)
    right = np.searchsorted(artists, right_artist).astype(np.int32)
    bins = _quantise(scores, llr, same, left, right, artists.size, threshold)
    draws = np.random.default_rng(seed).multinomial(
        artists.size, np.full(artists.size, 1.0 / artists.size), size=replicates
    )
    found = [list(asdict(metrics).values()) for metrics in _replicate(bins, draws)]
    return np.array(found, np.float64).reshape(len(found), len(Metrics.__dataclass_fields__))


def percentile_intervals(replicates: Float64s) -> dict[str, tuple[float, float]]:
    """Return the 95 % percentile interval of every metric, by its name.

    Args:
        replicates: What `bootstrap_replicates` returned, or a difference of two of it.

    Returns:
        Lower and upper end by metric name; NaN where there is no replicate.
    """
    names = list(Metrics.__dataclass_fields__)
    if not len(replicates):
        return dict.fromkeys(names, (float("nan"), float("nan")))
    low, high = np.percentile(replicates, [2.5, 97.5], axis=0)
    return {name: (float(low[i]), float(high[i])) for i, name in enumerate(names)}


def _quantise(
    scores: Scores,
    llr: Scores,
    same: Bools,
    left: NDArray[np.int32],
    right: NDArray[np.int32],
    artists: int,
    threshold: float,
) -> _Bins:
    """Count the pairs of each artist and of each two artists in each score bin."""
    require_both_classes(float(same.sum()), float((~same).sum()))
    starts = [threshold]
    for edge in ece_edges():
        above = scores[llr >= edge]
        if above.size:
            starts.append(float(above.min()))
    edges = np.unique(np.concatenate([_quantiles(scores[same]), _quantiles(scores[~same]), starts]))
    size = edges.size
    level = (np.searchsorted(edges, scores, side="right") - 1).clip(0).astype(np.int32)

    low, high = np.minimum(left[~same], right[~same]), np.maximum(left[~same], right[~same])
    codes, artist_pair = np.unique(low.astype(np.int64) * artists + high, return_inverse=True)
    cost, predicted = llr_cost(llr, same), probability(llr, 0.5)
    llr_sum = np.bincount(level, llr, size)
    count = np.bincount(level, minlength=size)
    return _Bins(
        genuine=_count_table(level[same], left[same], (size, artists)),
        impostor=_count_table(level[~same], artist_pair, (size, codes.size)),
        artist_pairs=np.stack(np.divmod(codes, artists)),
        first_accepted=int(np.searchsorted(edges, threshold)),
        cost=_class_means(cost, level, same, size),
        predicted=_class_means(predicted, level, same, size),
        ece_bin=ece_bin(llr_sum / count.clip(1)),
    )


def _quantiles(scores: Scores) -> Scores:
    """Return up to BINS_PER_CLASS scores of equal mass apart; all of them where they are fewer."""
    ranked = np.sort(scores)
    picks = np.linspace(0, ranked.size - 1, min(BINS_PER_CLASS, ranked.size)).round()
    return ranked[picks.astype(np.intp)]


def _count_table(rows: NDArray[Any], columns: NDArray[Any], shape: tuple[int, int]) -> csc_matrix:
    # By column, the product with weights of artist pairs reads them in order: the rows it adds to
    # are few enough to stay in the processor's cache.
    table = csc_matrix(
        (np.ones(rows.size, np.int32), (rows, columns.astype(np.int32))), shape=shape
    )
    table.sum_duplicates()
    return table.astype(np.float64)


def _class_means(values: Float64s, level: NDArray[Any], same: Bools, size: int) -> Float64s:
    """Return the mean of `values` per class and bin, (2, L); 0 where a bin holds none."""
    means = []
    for chosen in (~same, same):
        total = np.bincount(level[chosen], values[chosen], size)
        means.append(total / np.bincount(level[chosen], minlength=size).clip(1))
    return np.stack(means)


def _replicate(bins: _Bins, draws: NDArray[np.int64]) -> list[Metrics]:
    """Return the metrics of each draw of artists, (replicates, A), that has both classes."""
    at_once = min(64, max(1, _ARTIST_PAIR_WEIGHTS // bins.artist_pairs.shape[1]))
    found = []
    for start in range(0, len(draws), at_once):
        weights = draws[start : start + at_once].T.astype(np.float64)
        genuine = bins.genuine @ weights
        impostor = bins.impostor @ (weights[bins.artist_pairs[0]] * weights[bins.artist_pairs[1]])
        for g, i in zip(genuine.T.copy(), impostor.T.copy(), strict=True):
            if g.any() and i.any():
                found.append(_metrics_of(bins, g, i))
    return found


def _metrics_of(bins: _Bins, genuine: Float64s, impostor: Float64s) -> Metrics:
    """Return the metrics of one replicate from the weight of either class per bin, (L,)."""
    genuine, impostor = genuine / genuine.sum(), impostor / impostor.sum()
    held = (genuine > 0) | (impostor > 0)
    curve = genuine[held], impostor[held]
    accepted = genuine[bins.first_accepted :].sum()
    rejected = impostor[: bins.first_accepted].sum()
    predicted = impostor * bins.predicted[0] + genuine * bins.predicted[1]
    excess = np.bincount(bins.ece_bin, predicted - genuine, ECE_BINS)
    return Metrics(
        auc=auc_of(*curve),
        eer=eer_of(*curve),
        fnmr_at_fmr1=fnmr_at_fmr_of(*curve, 0.01),
        fnmr_at_fmr0_1=fnmr_at_fmr_of(*curve, 0.001),
        balanced_accuracy=float(accepted + rejected) / 2,
        cllr=float(impostor @ bins.cost[0] + genuine @ bins.cost[1]) / 2,
        min_cllr=min_cllr_of(*curve),
        ece=float(np.abs(excess).sum() / 2),
    )
