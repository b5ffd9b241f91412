import json
from math import inf, log, log10, nan

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from samehand.codec import decode, encode
from samehand.errors import ModelError, SamehandError
from samehand.scoring.calibration import (
    Calibration,
    OperatingThreshold,
    decide,
    fit_calibration,
    llr_from_score,
    probability,
    strength,
)


def make_pairs(seed, genuine, impostor, artists=50, gap=2.0):
    """Unit-variance Gaussian scores: impostors around 0, genuine pairs around `gap`."""
    rng = np.random.default_rng(seed)
    same = np.repeat([True, False], [genuine, impostor])
    left = rng.integers(0, artists, same.size)
    right = np.where(same, left, (left + rng.integers(1, artists, same.size)) % artists)
    return rng.normal(gap * same, 1.0), same, left, right


@pytest.mark.parametrize("balance", [(20_000, 20_000), (5_000, 60_000)])
def test_gaussian_scores_give_back_their_analytic_llr(balance):
    # Equal-variance Gaussians: ln LR = gap * score - gap**2 / 2, whatever the class sizes.
    gap = 2.0
    fitted = fit_calibration(*make_pairs(0, *balance, gap=gap))
    assert fitted.slope == pytest.approx(gap / log(10), rel=0.04)
    assert fitted.intercept == pytest.approx(-(gap**2) / 2 / log(10), rel=0.06)


def test_fit_minimises_the_balanced_log_loss():
    scores, same, left, right = make_pairs(1, 40, 300)
    fitted = fit_calibration(scores, same, left, right)

    def loss(slope, intercept):
        total = 0.0
        for score, is_same in zip(scores, same, strict=True):
            count = 40 if is_same else 300
            target = (count + 1) / (count + 2)
            p_same = 1 / (1 + 10 ** -(slope * score + intercept))
            p_class = p_same if is_same else 1 - p_same
            total -= (target * log(p_class) + (1 - target) * log(1 - p_class)) / count
        return total

    best = loss(fitted.slope, fitted.intercept)
    for step_slope, step_intercept in [(1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1)]:
        near = (fitted.slope + step_slope * 1e-3, fitted.intercept + step_intercept * 1e-3)
        assert best < loss(*near)


@settings(max_examples=40)
@given(
    st.floats(0.01, 1000), st.floats(-100, 100), st.integers(0, 10_000), st.sampled_from([1.0, 8.0])
)
def test_calibration_ignores_unit_and_offset_of_the_score(unit, offset, seed, gap):
    scores, same, left, right = make_pairs(seed, 60, 90, gap=gap)
    plain = fit_calibration(scores, same, left, right)
    moved = fit_calibration(unit * scores + offset, same, left, right)
    probes = np.linspace(-20, 20, 41)
    np.testing.assert_allclose(
        llr_from_score(moved, unit * probes + offset), llr_from_score(plain, probes), atol=1e-5
    )
    for name, point in plain.points.items():
        assert moved.points[name].error_rate == point.error_rate
        assert moved.points[name].same_at_least == pytest.approx(
            unit * point.same_at_least + offset, abs=1e-6 * (unit + abs(offset))
        )
    assert [decide(s, plain.points["fmr1"]) for s in scores] == [
        decide(s, moved.points["fmr1"]) for s in unit * scores + offset
    ]


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.integers(3, 40), st.sampled_from([1.0, 3.0, 30.0]))
def test_llr_is_monotone_and_saturates_at_the_observed_rarity(seed, artists, gap):
    scores, same, left, right = make_pairs(seed, 100, 150, artists=artists, gap=gap)
    fitted = fit_calibration(scores, same, left, right)
    llr = llr_from_score(fitted, np.sort(np.append(scores, [-1e9, 1e9])))
    assert (np.diff(llr) >= 0).all()
    artist_pairs = {frozenset(pair) for pair in zip(left[~same], right[~same], strict=True)}
    assert llr[-1] == fitted.upper == log10(len(artist_pairs) + 1)
    assert llr[0] == fitted.lower == -log10(len(set(left[same])) + 1)
    assert len(artist_pairs) <= artists * (artists - 1) / 2
    assert fitted.artists == len(set(left) | set(right))
    assert (fitted.genuine_pairs, fitted.impostor_pairs) == (100, 150)


@settings(max_examples=60)
@given(
    st.integers(0, 10_000),
    st.sampled_from([(30, 200), (250, 3000), (1500, 1500)]),
    st.sampled_from([0.5, 2.0, 4.0, 20.0]),
    st.booleans(),
)
def test_decisions_keep_the_promised_rates_as_tightly_as_possible(seed, counts, gap, tied):
    scores, same, left, right = make_pairs(seed, *counts, gap=gap)
    if tied:
        scores = scores.round(1)
    assume(scores[same].mean() > scores[~same].mean())
    fitted = fit_calibration(scores, same, left, right)
    genuine, impostor = scores[same], scores[~same]
    for name, promised in [("fmr1", 0.01), ("fmr0.1", 0.001)]:
        point = fitted.points[name]
        decisions = np.array([decide(score, point) for score in scores])
        assert (decisions[~same] == "same").mean() <= point.error_rate
        assert (decisions[same] == "different").mean() <= point.error_rate
        assert point.error_rate == max(promised, 1 / min(counts))
        if point.same_at_least == point.different_at_most:
            continue
        # One more score level called "same", or "different", would break the promise.
        next_same = scores[scores < point.same_at_least].max()
        next_different = scores[scores > point.different_at_most].min()
        assert (impostor >= next_same).mean() > max(promised, 1 / impostor.size)
        assert (genuine <= next_different).mean() > max(promised, 1 / genuine.size)


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.sampled_from([0.0, 1.5, 20.0]))
def test_equal_error_point_is_the_best_of_all_cuts(seed, gap):
    scores, same, left, right = make_pairs(seed, 80, 120, gap=gap + 0.5)
    assume(scores[same].mean() > scores[~same].mean())
    point = fit_calibration(scores, same, left, right).points["eer"]
    worst = [
        max((scores[~same] >= cut).mean(), (scores[same] < cut).mean()) for cut in [*scores, inf]
    ]
    assert point.error_rate == pytest.approx(max(min(worst), 1 / 80))
    assert point.same_at_least == point.different_at_most
    at_point = max(
        (scores[~same] >= point.same_at_least).mean(), (scores[same] < point.same_at_least).mean()
    )
    assert at_point == pytest.approx(min(worst))


def test_well_separated_classes_share_one_threshold_between_them():
    fitted = fit_calibration(*make_pairs(3, 3000, 3000, gap=30.0))
    for point in fitted.points.values():
        assert point.same_at_least == point.different_at_most
        assert 5 < point.same_at_least < 25
    assert np.isfinite([fitted.slope, fitted.intercept]).all()


def test_few_pairs_never_promise_a_rate_they_cannot_measure():
    points = fit_calibration(*make_pairs(4, 200, 200)).points
    assert points["fmr0.1"].error_rate == 1 / 200
    assert points["fmr1"].error_rate == 0.01


def test_decision_is_inconclusive_only_between_the_thresholds():
    point = OperatingThreshold(error_rate=0.01, same_at_least=2.0, different_at_most=-1.0)
    scores = [-5.0, -1.0, -0.9, 1.9, 2.0, 7.0]
    assert [decide(score, point) for score in scores] == [
        "different", "different", "inconclusive", "inconclusive", "same", "same",
    ]  # fmt: skip


@pytest.mark.parametrize("prior", [1e-9, 0.01, 0.3, 0.5, 0.9])
@pytest.mark.parametrize("llr", [-6.0, -1.0, 0.0, 0.3, 4.0])
def test_probability_follows_bayes(prior, llr):
    given_same, given_different = 10**llr, 1.0
    joint = given_same * prior
    assert float(probability(llr, prior)) == pytest.approx(
        joint / (joint + given_different * (1 - prior)), rel=1e-12
    )


def test_probability_keeps_shape_and_survives_extremes():
    values = probability(np.array([[-5000.0, 0.0], [5000.0, 0.0]]), 0.5)
    np.testing.assert_array_equal(values, [[0.0, 0.5], [1.0, 0.5]])


@pytest.mark.parametrize("prior", [0.0, 1.0, -0.1, 1.5, nan])
def test_certain_priors_are_refused(prior):
    with pytest.raises(SamehandError, match="strictly between 0 and 1"):
        probability(0.0, prior)


@pytest.mark.parametrize(
    ("ratio", "words"),
    [
        (1, "no support either way"),
        (1.9, "no support either way"),
        (2.1, "weak support for the same artist"),
        (11, "moderate support for the same artist"),
        (101, "moderately strong support for the same artist"),
        (1001, "strong support for the same artist"),
        (10_001, "very strong support for the same artist"),
        (1_000_001, "extremely strong support for the same artist"),
        (1 / 1.9, "no support either way"),
        (1 / 3, "weak support for different artists"),
        (1 / 999, "moderately strong support for different artists"),
        (1e-9, "extremely strong support for different artists"),
    ],
)
def test_strength_uses_the_enfsi_words(ratio, words):
    assert strength(log10(ratio)) == words


def test_json_round_trip_is_exact():
    fitted = fit_calibration(*make_pairs(5, 300, 900))
    assert decode(Calibration, json.loads(json.dumps(encode(fitted)))) == fitted


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"slope": None}, "slope should be a finite number"),
        ({"slope": nan}, "slope should be a finite number"),
        ({"slope": -1.0}, "slope above 0"),
        ({"lower": True}, "lower should be a finite number"),
        ({"lower": 0.5}, "lower < 0 < upper"),
        ({"artists": 2.5}, "artists should be a whole number"),
        ({"extra": 1}, "unknown key extra"),
        ({"points": {}}, "needs the points eer, fmr1, fmr0.1"),
        ({"points": 3}, "points should be an object"),
    ],
)
def test_damaged_values_are_refused(change, message):
    values = encode(fit_calibration(*make_pairs(6, 30, 90))) | change
    with pytest.raises(ValueError, match=message):
        decode(Calibration, values)


def test_damaged_points_and_missing_keys_are_refused():
    values = encode(fit_calibration(*make_pairs(6, 30, 90)))
    values["points"]["fmr1"] |= {"different_at_most": 1e9}
    with pytest.raises(ValueError, match="points.fmr1"):
        decode(Calibration, values)
    del values["upper"]
    with pytest.raises(ValueError, match="lacks upper"):
        decode(Calibration, values)


def test_unusable_calibration_pairs_are_refused():
    scores, same, left, right = make_pairs(7, 50, 50)
    with pytest.raises(ModelError, match="it got 50 and 0"):
        fit_calibration(scores[:50], same[:50], left[:50], right[:50])
    with pytest.raises(ModelError, match="no higher"):
        fit_calibration(-scores, same, left, right)
    with pytest.raises(ModelError, match="no higher"):
        fit_calibration(np.zeros_like(scores), same, left, right)
    with pytest.raises(ModelError, match="contradict"):
        fit_calibration(scores, ~same, left, right)
    with pytest.raises(ModelError, match="finite"):
        fit_calibration(np.where(scores == scores[0], nan, scores), same, left, right)
