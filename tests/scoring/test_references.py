"""Rules for reference sets and open sets, derived again and fitted on made-up artists."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samehand.codec import decode, encode
from samehand.scoring.artists import artist_llrs
from samehand.scoring.calibration import llr_from_score
from samehand.scoring.comparator import CosineComparator
from samehand.scoring.fitting import calibrate
from samehand.scoring.openset import Attribution
from samehand.scoring.openset_fitting import _keeping, fit_open_set
from samehand.scoring.reference_fitting import (
    ReferenceSet,
    draw_sets,
    fit_references,
    make_trials,
    of_one_style,
)
from samehand.scoring.references import combine, reference_features

WIDTH, ARTISTS, WORKS = 12, 20, 7


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


def paintings(seed=0):
    draw = np.random.default_rng(seed)
    hands = draw.standard_normal((ARTISTS, 1, WIDTH))
    return unit((hands + 0.8 * draw.standard_normal((ARTISTS, WORKS, WIDTH))).reshape(-1, WIDTH))


@pytest.fixture(scope="module")
def comparator():
    cohort = unit(np.random.default_rng(5).standard_normal((50, WIDTH)))
    return CosineComparator("csls", 5, cohort)


@pytest.fixture(scope="module")
def fitted(comparator):
    enrolled = comparator.enrol(paintings())
    artists = [f"{i:03d}" for i in np.repeat(np.arange(ARTISTS), WORKS)]
    pairs = calibrate(comparator, enrolled, artists)
    rule = fit_references(comparator, enrolled, artists, pairs)
    return pairs, Attribution(rule, fit_open_set(comparator, enrolled, artists, rule, pairs))


@pytest.mark.parametrize("normalisation", ["none", "csls", "as-norm"])
def test_scores_of_two_sets_are_those_of_pairs(comparator, normalisation):
    chosen = CosineComparator(normalisation, 5, comparator.cohort)
    enrolled = chosen.enrol(paintings())
    left, right = np.arange(4), np.arange(10, 17)
    table = chosen.cross_scores(enrolled.take(left), enrolled.take(right))
    for i in left:
        pairs = chosen.pair_scores(enrolled, np.full(7, i), right)
        np.testing.assert_allclose(table[i], pairs, atol=1e-5)


def test_features_by_brute_force(comparator):
    enrolled = comparator.enrol(paintings())
    probe, known = enrolled.take(np.array([3])), enrolled.take(np.array([8, 9, 10]))
    found = reference_features(comparator, probe, known, 2.0)[0]
    mean = unit(known.embeddings.mean(axis=0, keepdims=True))
    centre = comparator.cross_scores(probe, comparator.enrol(mean))[0, 0]
    pairs = comparator.pair_scores(enrolled, np.full(3, 3), np.array([8, 9, 10]))
    among = comparator.pair_scores(enrolled, np.array([8, 8, 9]), np.array([9, 10, 10]))
    nearest = np.log10(np.mean(10 ** (2.0 * pairs.astype(float)))) / 2.0
    np.testing.assert_allclose(found, [centre, nearest, among.mean()], atol=1e-5)


def test_features_within_a_style_are_made_of_scores_within_a_style(comparator):
    near = CosineComparator("csls", 5, comparator.cohort, nearby=True)
    enrolled = near.enrol(paintings())
    probe, known = enrolled.take(np.array([3])), enrolled.take(np.array([8, 9, 10]))
    found = reference_features(near, probe, known, 2.0, styled=True)[0]
    mean = near.enrol(unit(known.embeddings.mean(axis=0, keepdims=True)))
    centre = near.style_scores(probe.joined(mean), np.array([0]), np.array([1]))[0]
    pairs = near.style_scores(enrolled, np.full(3, 3), np.array([8, 9, 10]))
    among = near.style_scores(enrolled, np.array([8, 8, 9]), np.array([9, 10, 10]))
    nearest = np.log10(np.mean(10 ** (2.0 * pairs.astype(float)))) / 2.0
    np.testing.assert_allclose(found, [centre, nearest, among.mean()], atol=1e-5)
    assert not np.allclose(found, reference_features(near, probe, known, 2.0)[0], atol=1e-3)


def test_probes_of_one_style_are_of_the_style_of_most_references():
    labels = np.repeat(np.arange(4), 5)
    styles = np.array(["a", "a", "a", "b", ""] * 3 + ["c"] * 5)
    drawn = ReferenceSet(0, np.array([0, 1, 3]), np.array([2, 4, 5, 6, 8, 9, 15]))
    kept = of_one_style(drawn, labels, styles)
    assert kept.probes.tolist() == [2, 5, 6]
    assert of_one_style(drawn, labels, styles, impostors=1).probes.tolist() == [2, 5]
    # Nobody else painted in style c, so there is nothing to hold its works against.
    alone = ReferenceSet(3, np.array([15, 16]), np.array([0, 17, 18]))
    assert not len(of_one_style(alone, labels, styles).probes)


def test_a_rule_within_styles_starts_from_pairs_of_one_style(comparator):
    enrolled = comparator.enrol(paintings())
    artists = [f"{i:03d}" for i in np.repeat(np.arange(ARTISTS), WORKS)]
    styles = ["early" if i < ARTISTS // 2 else "late" for i in np.repeat(np.arange(ARTISTS), WORKS)]
    pairs = calibrate(comparator, enrolled, artists, styles)
    rule = fit_references(comparator, enrolled, artists, pairs, styles=styles)
    assert rule.steps[0].calibration == pairs
    labels = np.repeat(np.arange(ARTISTS), WORKS)
    trials = make_trials(comparator, enrolled, labels, 2, pairs.slope, styles=styles)
    assert len(rule.steps) > 1
    assert np.all((trials.probe_artist < ARTISTS // 2) == (trials.reference_artist < ARTISTS // 2))


@settings(max_examples=30)
@given(order=st.permutations(range(6)))
def test_the_order_of_references_does_not_matter(comparator, order):
    enrolled = comparator.enrol(paintings())
    probe = enrolled.take(np.array([50, 51]))
    one = reference_features(comparator, probe, enrolled.take(np.arange(6)), 2.0)
    two = reference_features(comparator, probe, enrolled.take(np.array(order)), 2.0)
    np.testing.assert_array_equal(one, two)


def test_a_single_reference_is_a_pair(comparator, fitted):
    pairs, attribution = fitted
    enrolled = comparator.enrol(paintings(1))
    step = attribution.references.at(1)
    assert step.calibration == pairs
    features = reference_features(
        comparator, enrolled.take(np.array([0])), enrolled.take(np.array([1])), pairs.slope
    )
    score = comparator.pair_scores(enrolled, np.array([0]), np.array([1]))
    np.testing.assert_allclose(combine(step, features), score, atol=1e-5)


def test_more_references_make_fewer_errors_and_stay_calibrated(comparator, fitted):
    pairs, attribution = fitted
    rates = [s.calibration.points["eer"].error_rate for s in attribution.references.steps]
    assert [s.references for s in attribution.references.steps] == [1, 2, 3, 5]
    assert rates[-1] < rates[0]
    # Fresh artists: likelihood ratios of five references must not mislead.
    enrolled, labels = comparator.enrol(paintings(7)), np.repeat(np.arange(ARTISTS), WORKS)
    step = attribution.references.at(5)
    costs = {True: [], False: []}
    for drawn in draw_sets(labels, 5, seed=0):
        features = reference_features(
            comparator,
            enrolled.take(drawn.probes),
            enrolled.take(drawn.references),
            pairs.slope,
        )
        llrs = llr_from_score(step.calibration, combine(step, features))
        for llr, probe in zip(llrs, drawn.probes, strict=True):
            genuine = bool(labels[probe] == drawn.artist)
            costs[genuine].append(np.log2(1 + 10 ** (-llr if genuine else llr)))
    assert (np.mean(costs[True]) + np.mean(costs[False])) / 2 < 0.6


def test_between_two_measured_numbers_the_rule_is_between(fitted):
    rule = fitted[1].references
    low, middle, high = (rule.at(n).calibration.slope for n in (3, 4, 5))
    assert min(low, high) <= middle <= max(low, high)
    assert rule.at(400) == rule.steps[-1]


def test_paintings_against_artists_leave_the_painting_out(comparator, fitted):
    pairs, attribution = fitted
    enrolled = comparator.enrol(paintings()[:21])
    labels = np.repeat(np.arange(3), 7)
    llrs = artist_llrs(comparator, enrolled, labels, attribution.references, pairs, 30, 0)
    step = attribution.references.at(6)
    features = reference_features(
        comparator, enrolled.take(np.array([2])), enrolled.take(np.array([0, 1, 3, 4, 5, 6])),
        pairs.slope,
    )  # fmt: skip
    wanted = step.calibration.slope * combine(step, features)[0] + step.calibration.intercept
    assert llrs[2, 0] == pytest.approx(wanted, abs=1e-5)
    alone = artist_llrs(
        comparator, enrolled, np.array([0] * 20 + [1]), attribution.references, pairs, 30, 0
    )
    assert alone[20, 1] == -np.inf


def test_the_open_set_keeps_its_promises(comparator, fitted):
    pairs, attribution = fitted
    rule = attribution.open_set
    assert rule.best > 0
    assert rule.artists < 0, "more artists must make the same best llr weaker evidence"
    assert rule.points["far1"].known_at_least >= rule.points["far10"].known_at_least
    for promised, name in ((0.01, "far1"), (0.1, "far10")):
        assert rule.points[name].false_alarms <= promised + 1e-9
    assert rule.lower <= rule.llr(99.0) <= rule.upper


@given(
    scores=st.lists(st.integers(0, 5), min_size=1, max_size=30),
    promised=st.floats(0.0, 0.99),
)
def test_a_threshold_keeps_the_share(scores, promised):
    values = np.array(scores, float)
    weights = np.full(len(values), 1 / len(values))
    threshold = _keeping(values, weights, promised)
    if threshold > values.min():
        assert weights[values >= threshold].sum() <= promised + 1e-9


def test_rules_survive_json_and_damage_is_refused(fitted):
    values = json.loads(json.dumps(encode(fitted[1])))
    assert decode(Attribution, values) == fitted[1]
    for damage in (
        lambda v: v.pop("open_set"),
        lambda v: v["references"].pop("steps"),
        lambda v: v["references"]["steps"].reverse(),
        lambda v: v["open_set"].update(best="x"),
        lambda v: v["open_set"]["points"].pop("far1"),
    ):
        broken = json.loads(json.dumps(values))
        damage(broken)
        with pytest.raises(ValueError, match=r"lacks|ascend|finite number|needs the points"):
            decode(Attribution, broken)
