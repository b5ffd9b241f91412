from dataclasses import replace

import numpy as np
import pytest

from samehand.scoring.calibration import fit_calibration
from samehand.scoring.comparator import CosineComparator
from samehand.scoring.condition_fitting import ENOUGH_ARTISTS, Pictures, fit_conditions
from samehand.scoring.openset import Attribution, OpenSet, OpenSetPoint
from samehand.scoring.openset_conditions import (
    Trials,
    draw_trials,
    false_alarms,
    false_alarms_across,
    fit_open_condition,
    fit_open_conditions,
)
from samehand.scoring.references import ReferenceRule, ReferenceStep

USUAL = OpenSet(
    1.0,
    -0.5,
    0.0,
    -2.0,
    2.0,
    {"far1": OpenSetPoint(0.01, 0.5, 1.0), "far10": OpenSetPoint(0.1, 0.7, 0.5)},
    40,
)


def trials_of(seed, offset, count=4000):
    """Evidence of known hands lies 2 above that of unknown ones."""
    rng = np.random.default_rng(seed)
    known = np.arange(count) % 2 == 0
    evidence = rng.normal(2.0 * known + offset, 1.0)
    return Trials(evidence, known, known.copy(), np.arange(count) // 2 % 4, np.arange(count) % 400)


def test_the_level_moves_with_the_pictures_and_the_thresholds_keep_the_promise():
    plain, alike = (fit_open_condition(USUAL, [trials_of(0, at)], 500) for at in (0.0, 3.0))
    assert alike.intercept - plain.intercept == pytest.approx(-3.0, abs=0.01)
    fresh = trials_of(1, 3.0)
    for name, promised in (("far1", 0.01), ("far10", 0.1)):
        point = alike.points[name]
        named = fresh.evidence + alike.intercept >= point.known_at_least
        assert named[~fresh.known].mean() <= 1.4 * promised
        assert named[fresh.known].mean() == pytest.approx(point.detected, abs=0.1)


def test_the_promise_holds_in_the_worst_collection():
    usual, worst = trials_of(0, 0.0), trials_of(1, 1.5)
    rule = fit_open_condition(USUAL, [usual, worst], 500)
    point = rule.points["far10"]
    named = worst.evidence + rule.intercept >= point.known_at_least
    assert named[~worst.known].mean() <= 0.1
    assert point.false_alarms == pytest.approx(0.1)


def test_no_rate_is_promised_below_one_in_the_hands():
    rule = fit_open_condition(USUAL, [trials_of(0, 0.0)], 25)
    assert rule.points["far1"].false_alarms >= 1 / 25
    assert rule.points["far10"].false_alarms == pytest.approx(0.1, abs=0.01)


def test_false_alarms_are_those_of_the_larger_galleries_each_size_alike():
    trials = trials_of(0, 0.0, 500)
    trials = replace(trials, share=np.arange(500) ** 2 % 10)
    rates = []
    for share in (2, 3, 4, 7, 8, 9):
        unknown = [
            trials.evidence[i] >= 0.7
            for i in range(500)
            if trials.share[i] == share and not trials.known[i]
        ]
        rates += [np.mean(unknown)] if unknown else []
    assert false_alarms(trials, 0.7) == pytest.approx(np.mean(rates))


def test_what_half_of_the_hands_fit_is_measured_on_the_other_half():
    alike = false_alarms_across(trials_of(0, 0.0))
    assert 0.05 < alike["far10"] <= 0.105
    # Every hand has a level of its own, which thresholds of other hands cannot know of.
    trials = trials_of(0, 0.0)
    apart = replace(trials, evidence=trials.evidence + 3.0 * (trials.hand % 20 == 1))
    told = false_alarms_across(apart)
    assert 0 < told["far1"] < told["far10"] < 0.2


def test_an_unknown_hand_is_asked_of_all_others_and_lone_works_are_not_known():
    # Three artists of two works, and one of a single work.
    own = np.array([0, 0, 1, 1, 2, 2, 3])
    llrs = np.full((7, 4), -1.0)
    llrs[np.arange(7), own] = 1.0
    llrs[6, 3] = -np.inf
    found = draw_trials(llrs, own, np.arange(4), USUAL, 0)
    whole = found.share == found.share.max()
    assert found.right[found.known].all()
    assert whole.sum() == 6 + 7
    strange = found.evidence[whole & ~found.known]
    assert strange == pytest.approx(np.full(7, -1.0 - 0.5 * np.log10(3)))


def gallery_pictures(kind="photograph", artists=ENOUGH_ARTISTS + 3, each=7):
    rng = np.random.default_rng(0)
    centre = np.repeat(rng.normal(size=(artists, 8)), each, axis=0)
    rows = (centre + rng.normal(scale=0.7, size=centre.shape)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    artist = np.repeat(np.arange(artists), each)
    comparator = CosineComparator("none", 2, rows[:5])
    pictures = Pictures(
        comparator.enrol(rows),
        artist,
        np.arange(len(artist)),
        [kind] * len(artist),
        np.zeros(len(artist), np.int64),
    )
    return comparator, pictures


def test_only_kinds_that_enough_artists_show_get_a_rule():
    comparator, pictures = gallery_pictures()
    left, right = np.triu_indices(len(pictures.artist), k=1)
    usual = fit_calibration(
        comparator.pair_scores(pictures.enrolled, left, right),
        pictures.artist[left] == pictures.artist[right],
        pictures.artist[left],
        pictures.artist[right],
    )
    rules = Attribution(ReferenceRule((ReferenceStep(1, (1.0, 0.0, 0.0), usual),)), USUAL)
    conditions = fit_conditions(comparator, pictures)
    found = fit_open_conditions(comparator, pictures, rules, usual, conditions)
    assert [one.kinds for one in found] == [("photograph", "photograph")]
    assert (found[0].hands, found[0].collections) == (ENOUGH_ARTISTS + 3, 1)
    known = Attribution(rules.references, USUAL, found)
    assert known.rule_for(("photograph", "photograph"))[2] is None
    assert "none shows two thumbnails" in known.rule_for(("thumbnail", "thumbnail"))[2]
    assert "not known" in known.rule_for(None)[2]
    assert rules.rule_for(None) == (USUAL, None, None)
