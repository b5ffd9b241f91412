from dataclasses import asdict, astuple
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from samehand.errors import ProtocolError
from samehand.evaluation import bootstrap
from samehand.evaluation.bootstrap import bootstrap_replicates, percentile_intervals
from samehand.evaluation.metrics import compute_metrics


def bootstrap_intervals(*pairs, threshold, seed, replicates=1000):
    return percentile_intervals(
        bootstrap_replicates(*pairs, threshold=threshold, replicates=replicates, seed=seed)
    )


def make_pairs(seed, pairs, artists, decimals=6, style=0.0):
    """Gaussian scores; `style` is how far one artist's pairs all move together."""
    rng = np.random.default_rng(seed)
    left = rng.integers(0, artists, pairs)
    right = np.where(rng.random(pairs) < 0.4, left, rng.integers(0, artists, pairs))
    same = left == right
    shift = rng.normal(0.0, style, artists)
    scores = rng.normal(1.5 * same, 1.0) + np.where(same, shift[left], 0.0)
    scores = scores.round(decimals)
    llr = (0.65 * scores - 0.5).clip(-1.2, 1.6)
    return scores, llr, same, left, right


def resample_literally(scores, llr, same, left, right, drawn, threshold):
    """The metrics of the pairs among `drawn` artists, copying pairs one by one."""
    chosen = []
    for first, second in product(range(len(drawn)), repeat=2):
        for n in range(len(scores)):
            one_copy = first == second if same[n] else drawn[first] != drawn[second]
            if one_copy and left[n] == drawn[first] and right[n] == drawn[second]:
                chosen.append(n)
    if same[chosen].all() or not same[chosen].any():
        return None
    return compute_metrics(scores[chosen], llr[chosen], same[chosen], threshold=threshold)


@settings(max_examples=8)
@given(st.integers(0, 1000), st.sampled_from([1, 6]), st.sampled_from([-9.0, 0.4, 0.75, 9.0]))
def test_intervals_equal_literal_resampling_of_artists(seed, decimals, threshold):
    artists, replicates = 5, 12
    data = make_pairs(seed, 40, artists, decimals)
    # The same multiplicities, from the documented draw: multinomial over artists.
    present = np.unique(np.concatenate([data[3], data[4]]))
    draws = np.random.default_rng(7).multinomial(
        present.size, np.full(present.size, 1 / present.size), size=replicates
    )
    literal = [
        resample_literally(*data, np.repeat(present, weights), threshold) for weights in draws
    ]
    table = np.array([astuple(metrics) for metrics in literal if metrics is not None])
    expected = np.percentile(table, [2.5, 97.5], axis=0).T
    found = bootstrap_intervals(*data, threshold=threshold, replicates=replicates, seed=7)
    np.testing.assert_allclose(list(found.values()), expected, atol=1e-9)


def test_bins_stay_within_a_thousandth_of_exact_metrics():
    scores, llr, same, left, right = make_pairs(1, 60_000, 40)
    codes = np.int32(left), np.int32(right)
    bins = bootstrap._quantise(scores, llr, same, *codes, 40, 0.7)
    (once,) = bootstrap._replicate(bins, np.ones((1, 40), np.int64))
    assert bins.probability_bin.size < 5000 < np.unique(scores).size
    exact = compute_metrics(scores, llr, same, threshold=0.7)
    np.testing.assert_allclose(astuple(once), astuple(exact), atol=1e-3)
    assert once.balanced_accuracy == pytest.approx(exact.balanced_accuracy, abs=1e-12)
    assert once.calibration_error == pytest.approx(exact.calibration_error, abs=1e-12)
    assert once.cllr == pytest.approx(exact.cllr, abs=1e-12)


def test_replicates_in_small_batches_are_the_same(monkeypatch):
    data = make_pairs(2, 500, 8)
    at_once = bootstrap_intervals(*data, threshold=0.5, replicates=30, seed=1)
    monkeypatch.setattr(bootstrap, "_ARTIST_PAIR_WEIGHTS", 1)
    assert bootstrap_intervals(*data, threshold=0.5, replicates=30, seed=1) == at_once


def test_seeds_decide_and_artist_numbers_do_not_matter():
    scores, llr, same, left, right = make_pairs(3, 2000, 20)
    first = bootstrap_intervals(
        scores, llr, same, left, right, threshold=0.5, replicates=50, seed=4
    )
    again = bootstrap_intervals(
        scores, llr, same, 7 * left + 1000, 7 * right + 1000, threshold=0.5, replicates=50, seed=4
    )
    other = bootstrap_intervals(
        scores, llr, same, left, right, threshold=0.5, replicates=50, seed=2
    )
    swapped = bootstrap_intervals(
        scores, llr, same, right, left, threshold=0.5, replicates=50, seed=4
    )
    assert first == again == swapped
    assert first != other


def test_float32_scores_are_cut_at_the_float64_threshold():
    scores, llr, same, left, right = make_pairs(4, 3000, 10, decimals=1)
    low = scores.astype(np.float32)
    data = (low, llr, same, left, right)
    exact = compute_metrics(low, llr, same, threshold=0.7).balanced_accuracy
    bins = bootstrap._quantise(*data[:3], np.int32(left), np.int32(right), 10, 0.7)
    (once,) = bootstrap._replicate(bins, np.ones((1, 10), np.int64))
    assert once.balanced_accuracy == pytest.approx(exact, abs=1e-12)


def test_intervals_hold_the_point_estimates_and_are_wide_where_artists_differ():
    scores, llr, same, left, right = make_pairs(5, 20_000, 30, style=1.0)
    found = bootstrap_intervals(
        scores, llr, same, left, right, threshold=0.75, replicates=300, seed=0
    )
    exact = asdict(compute_metrics(scores, llr, same, threshold=0.75))
    assert list(found) == list(exact)
    for name, (low, high) in found.items():
        assert low <= exact[name] <= high, name
    # Resampling single pairs would give this much smaller standard error.
    of_pairs = np.sqrt(0.25 / np.count_nonzero(same))
    assert found["auc"][1] - found["auc"][0] > 4 * 1.96 * of_pairs


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    # Artists move together, so this fails for a bootstrap of pairs.
    def one_study(seed):
        rng = np.random.default_rng(seed)
        artists, each = 40, 10
        left = np.repeat(np.arange(artists), 2 * each)
        same = np.tile(np.repeat([True, False], each), artists)
        right = np.where(same, left, (left + rng.integers(1, artists, left.size)) % artists)
        shift = rng.normal(0.0, 1.0, artists)[left]
        scores = np.where(same, 1.5 + shift, 0.0) + rng.normal(0.0, 1.0, left.size)
        return scores, 0.5 * scores, same, left, right

    def covers(seed):
        low, high = bootstrap_intervals(*one_study(seed), threshold=0.7, replicates=80, seed=seed)[
            "auc"
        ]
        return low <= truth <= high

    # A genuine score is N(1.5, 2) over artists and pairs, an impostor score N(0, 1).
    truth = norm.cdf(1.5 / 3**0.5)
    assert np.mean([covers(seed) for seed in range(40)]) >= 0.85


def test_a_protocol_without_impostors_is_refused_and_one_artist_gives_nan():
    scores, llr, same, left, right = make_pairs(6, 100, 5)
    with pytest.raises(ProtocolError, match="one kind is missing"):
        bootstrap_intervals(
            scores[same], llr[same], same[same], left[same], right[same], threshold=0, seed=0
        )
    # Both artists have to be drawn for an impostor pair; one replicate may well lack one.
    two = np.array([0, 0]), np.array([0, 1])
    values = np.array([1.0, 0.0])
    unlucky = bootstrap_intervals(
        values, values, np.array([True, False]), *two, threshold=0, replicates=1, seed=4
    )
    assert np.isnan(list(unlucky.values())).all()


def test_replicates_of_two_systems_draw_the_same_artists():
    scores, llr, same, left, right = make_pairs(8, 3000, 15)
    noisy = scores + np.random.default_rng(0).normal(0, 0.5, scores.size)
    options = {"threshold": 0.5, "replicates": 200, "seed": 3}
    one, two = (
        bootstrap_replicates(values, llr, same, left, right, **options)
        for values in (scores, noisy)
    )
    low, high = percentile_intervals(one - two)["auc"]
    lost = compute_metrics(scores, llr, same, threshold=0.5).auc
    lost -= compute_metrics(noisy, llr, same, threshold=0.5).auc
    assert low < lost < high
    # Artists that are hard for one are hard for the other, which other draws would not show.
    unpaired = one - bootstrap_replicates(noisy, llr, same, left, right, **options | {"seed": 4})
    apart = percentile_intervals(unpaired)["auc"]
    assert high - low < 0.7 * (apart[1] - apart[0])
