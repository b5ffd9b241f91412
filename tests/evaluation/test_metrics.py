from dataclasses import astuple
from itertools import product
from math import log2, nan
from time import perf_counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from samehand.errors import ProtocolError
from samehand.evaluation.metrics import (
    auc,
    balanced_accuracy,
    calibration_error,
    cllr,
    compute_metrics,
    count_levels,
    eer_of,
    fnmr_at_fmr_of,
    min_cllr_of,
)


def of_levels(metric, scores, same, weights=None, **options):
    levels = count_levels(scores, same, weights)
    return metric(levels.genuine, levels.impostor, **options)


@st.composite
def tied_pairs(draw, most=30):
    """Few distinct scores, so that ties within and across the classes are common."""
    size = draw(st.integers(2, most))
    same = draw(st.lists(st.booleans(), min_size=size, max_size=size))
    same[0], same[1] = True, False
    scores = draw(st.lists(st.integers(-4, 4), min_size=size, max_size=size))
    weights = draw(st.lists(st.integers(1, 3), min_size=size, max_size=size))
    return np.array(scores) / 4, np.array(same), np.array(weights, float)


def gaussian_pairs(seed, genuine, impostor, gap):
    rng = np.random.default_rng(seed)
    same = np.repeat([True, False], [genuine, impostor])
    scores = rng.normal(gap * same, 1.0)
    return scores, (gap * scores - gap**2 / 2) / np.log(10), same


@given(tied_pairs())
def test_auc_compares_every_genuine_with_every_impostor(pairs):
    scores, same, weights = pairs
    won = total = 0.0
    for g, i in product(np.flatnonzero(same), np.flatnonzero(~same)):
        weight = weights[g] * weights[i]
        won += weight * ((scores[g] > scores[i]) + (scores[g] == scores[i]) / 2)
        total += weight
    assert auc(scores, same, weights) == pytest.approx(won / total)
    assert auc(scores, same, weights) == pytest.approx(
        roc_auc_score(same, scores, sample_weight=weights)
    )


def scan_thresholds(scores, same, weights):
    """FMR and FNMR by definition at every threshold, the strictest first."""
    vertices = []
    for threshold in [np.inf, *sorted(set(scores), reverse=True)]:
        accepted = scores >= threshold
        fmr = weights[accepted & ~same].sum() / weights[~same].sum()
        fnmr = weights[~accepted & same].sum() / weights[same].sum()
        vertices.append((fmr, fnmr))
    return vertices


@given(tied_pairs())
def test_eer_is_where_the_scanned_error_rates_cross(pairs):
    found = None
    vertices = scan_thresholds(*pairs)
    for (fmr0, fnmr0), (fmr1, fnmr1) in zip(vertices, vertices[1:], strict=False):
        # Walk the straight line between two thresholds until both rates agree.
        if fnmr0 > fmr0 and fnmr1 <= fmr1:
            low, high = 0.0, 1.0
            for _ in range(60):
                t = (low + high) / 2
                if fnmr0 + t * (fnmr1 - fnmr0) > fmr0 + t * (fmr1 - fmr0):
                    low = t
                else:
                    high = t
            found = fmr0 + high * (fmr1 - fmr0)
    assert of_levels(eer_of, *pairs) == pytest.approx(found, abs=1e-9)


@given(tied_pairs(), st.sampled_from([0.0, 0.001, 0.01, 0.25, 0.5, 0.99]))
def test_fnmr_at_fmr_is_the_least_on_the_scanned_curve(pairs, target):
    scores, same, weights = pairs
    reached = []
    vertices = scan_thresholds(scores, same, weights)
    for (fmr0, fnmr0), (fmr1, fnmr1) in zip(vertices, vertices[1:], strict=False):
        if fmr0 <= target <= fmr1:
            steps = [0.0, 1.0] if fmr0 == fmr1 else [(target - fmr0) / (fmr1 - fmr0)]
            reached += [fnmr0 + t * (fnmr1 - fnmr0) for t in steps]
    found = of_levels(fnmr_at_fmr_of, scores, same, weights, fmr=target)
    assert found == pytest.approx(min(reached), abs=1e-9)


@given(tied_pairs(), st.sampled_from([-2.0, -0.25, 0.1, 0.5, 3.0]))
def test_balanced_accuracy_is_scikit_learns(pairs, threshold):
    scores, same, weights = pairs
    expected = balanced_accuracy_score(same, scores >= threshold, sample_weight=weights)
    assert balanced_accuracy(scores, same, threshold, weights) == pytest.approx(expected)


@given(tied_pairs())
def test_cllr_is_its_formula(pairs):
    llr, same, weights = pairs
    cost = {True: 0.0, False: 0.0}
    for value, is_same, weight in zip(llr, same, weights, strict=True):
        ratio = 10.0**value
        cost[bool(is_same)] += weight * log2(1 + (1 / ratio if is_same else ratio))
    expected = (cost[True] / weights[same].sum() + cost[False] / weights[~same].sum()) / 2
    assert cllr(llr, same, weights) == pytest.approx(expected)


def test_cllr_of_saying_nothing_is_one_bit_and_extremes_do_not_overflow():
    same = np.array([True, False, False])
    assert cllr(np.zeros(3), same) == 1.0
    assert cllr(np.array([900.0, -900.0, -900.0]), same) == 0.0
    assert cllr(np.array([-900.0, 0.0, 0.0]), same) == pytest.approx((900 * log2(10) + 1) / 2)


@settings(max_examples=60)
@given(tied_pairs(most=9))
def test_min_cllr_is_the_best_over_all_rising_calibrations(pairs):
    scores, same, weights = pairs
    levels = sorted(set(scores))
    best = np.inf
    # An optimal rising calibration is constant on blocks of neighbouring levels, at the block's
    # own posterior, so trying every partition into blocks with rising posteriors is exhaustive.
    for splits in product([False, True], repeat=len(levels) - 1):
        block_of = dict(zip(levels, np.cumsum([0, *splits]), strict=True))
        block = np.array([block_of[score] for score in scores])
        cost, posteriors = 0.0, []
        for b in range(block.max() + 1):
            g = weights[(block == b) & same].sum() / weights[same].sum()
            i = weights[(block == b) & ~same].sum() / weights[~same].sum()
            posteriors.append(g / (g + i))
            cost -= g * log2(g / (g + i)) if g else 0.0
            cost -= i * log2(i / (g + i)) if i else 0.0
        if np.all(np.diff(posteriors) >= -1e-12):
            best = min(best, cost / 2)
    assert of_levels(min_cllr_of, scores, same, weights) == pytest.approx(best, abs=1e-9)


@given(tied_pairs())
def test_min_cllr_never_exceeds_cllr_and_ignores_rising_maps(pairs):
    scores, same, weights = pairs
    least = of_levels(min_cllr_of, scores, same, weights)
    assert -1e-12 <= least <= min(1.0, cllr(scores, same, weights)) + 1e-12
    assert of_levels(min_cllr_of, np.exp(3 * scores), same, weights) == pytest.approx(least)


@given(tied_pairs())
def test_ece_is_its_definition_on_ten_bins(pairs):
    llr, same, weights = pairs
    p = 10.0**llr / (1 + 10.0**llr)
    half = np.where(same, weights / weights[same].sum(), weights / weights[~same].sum()) / 2
    error = 0.0
    for b in range(10):
        inside = [b / 10 <= value < (b + 1) / 10 for value in p]
        mass = half[inside].sum()
        if mass:
            claimed = (half * p)[inside].sum() / mass
            error += mass * abs(claimed - (half * same)[inside].sum() / mass)
    assert calibration_error(llr, same, weights) == pytest.approx(error)


@given(tied_pairs())
def test_weights_count_copies(pairs):
    scores, same, weights = pairs
    copies = np.repeat(np.arange(same.size), weights.astype(int))
    weighted = compute_metrics(scores, 2 * scores, same, threshold=0.2, weights=weights)
    copied = compute_metrics(scores[copies], 2 * scores[copies], same[copies], threshold=0.2)
    np.testing.assert_allclose(astuple(weighted), astuple(copied), atol=1e-12)


def test_gaussian_scores_have_their_known_metrics():
    gap = 2.0
    scores, llr, same = gaussian_pairs(0, 100_000, 200_000, gap)
    found = compute_metrics(scores, llr, same, threshold=gap / 2)
    assert found.auc == pytest.approx(norm.cdf(gap / 2**0.5), abs=3e-3)
    assert found.eer == pytest.approx(norm.cdf(-gap / 2), abs=3e-3)
    assert found.balanced_accuracy == pytest.approx(norm.cdf(gap / 2), abs=3e-3)
    assert found.fnmr_at_fmr1 == pytest.approx(norm.cdf(norm.isf(0.01) - gap), abs=0.01)
    assert found.fnmr_at_fmr0_1 == pytest.approx(norm.cdf(norm.isf(0.001) - gap), abs=0.02)
    # True llrs are calibrated: nothing to gain by recalibrating, nothing to correct.
    assert found.cllr - found.min_cllr == pytest.approx(0.0, abs=2e-3)
    assert found.calibration_error < 5e-3
    assert calibration_error(3 * llr, same) > 0.03


def test_the_single_metrics_agree_with_all_at_once():
    scores, llr, same = gaussian_pairs(1, 300, 500, 1.0)
    weights = np.random.default_rng(2).uniform(0, 2, same.size)
    single = (
        auc(scores, same, weights),
        of_levels(eer_of, scores, same, weights),
        of_levels(fnmr_at_fmr_of, scores, same, weights, fmr=0.01),
        of_levels(fnmr_at_fmr_of, scores, same, weights, fmr=0.001),
        balanced_accuracy(scores, same, 0.3, weights),
        cllr(llr, same, weights),
        of_levels(min_cllr_of, scores, same, weights),
        calibration_error(llr, same, weights),
    )
    together = compute_metrics(scores, llr, same, threshold=0.3, weights=weights)
    assert astuple(together) == single


def test_perfect_and_useless_scores():
    same = np.array([True, True, False, False])
    perfect = compute_metrics(
        np.array([2.0, 3.0, 0.0, 1.0]), np.array([9.0, 9, -9, -9]), same, threshold=1.5
    )
    assert astuple(perfect) == pytest.approx((1, 0, 0, 0, 1, 0, 0, 0), abs=1e-8)
    useless = compute_metrics(np.ones(4), np.zeros(4), same, threshold=1.5)
    assert astuple(useless) == pytest.approx((0.5, 0.5, 0.99, 0.999, 0.5, 1, 1, 0))


def test_unusable_pairs_are_refused():
    with pytest.raises(ProtocolError, match="one kind is missing"):
        auc(np.arange(3.0), np.ones(3, bool))
    with pytest.raises(ProtocolError, match="one kind is missing"):
        cllr(np.arange(3.0), np.zeros(3, bool))
    with pytest.raises(ProtocolError, match="finite"):
        auc(np.array([1.0, nan]), np.array([True, False]))


def test_a_million_pairs_take_seconds():
    scores, llr, same = gaussian_pairs(3, 500_000, 500_000, 1.0)
    start = perf_counter()
    compute_metrics(scores, llr, same, threshold=0.5)
    assert perf_counter() - start < 5
