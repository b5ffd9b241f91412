from dataclasses import replace
from functools import cache
from itertools import product
from math import log10

import numpy as np
import pytest

from samehand.scoring.calibration import decide, fit_calibration, llr_from_score, llr_interval
from samehand.scoring.comparator import CosineComparator
from samehand.scoring.condition_fitting import (
    ENOUGH_ARTISTS,
    Pictures,
    ScoredPairs,
    fit_condition,
    fit_conditions,
)
from samehand.scoring.conditions import (
    UNMEASURED_LIMIT,
    Condition,
    condition_words,
    kinds_of,
    limited,
    read_pair,
)
from samehand.scoring.spread import line_spread

KINDS = ("photograph", "thumbnail", "tiny", "greyscale", "small", "greyscale photograph")


def make_pairs(seed, *, artists=40, each=30, gap=2.0, offset=0.0, collection=0):
    """Unit-variance Gaussian scores of pairs by one artist and by two, shifted by `offset`."""
    rng = np.random.default_rng(seed)
    left = np.repeat(np.arange(artists), 2 * each)
    same = np.tile([True, False], artists * each)
    right = np.where(same, left, (left + rng.integers(1, artists, left.size)) % artists)
    scores = rng.normal(gap * same + offset, 1.0)
    return ScoredPairs(scores, same, left, right, np.full(left.size, collection))


def join(*parts):
    fields = ("scores", "same", "left_artist", "right_artist", "collection")
    return ScoredPairs(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in fields)
    )


@cache
def usual(seed=0, **settings):
    pairs = make_pairs(seed, **settings)
    return fit_calibration(pairs.scores, pairs.same, pairs.left_artist, pairs.right_artist)


@cache
def conditions():
    return tuple(
        fit_condition(kinds_of(one, two), make_pairs(number, offset=number))
        for number, (one, two) in enumerate([KINDS[:2], KINDS[1:3], ("tiny", "tiny")])
    )


@pytest.mark.parametrize(("one", "two"), list(product(KINDS, KINDS)))
def test_swapping_two_pictures_changes_nothing(one, two):
    known, each = usual(), conditions()
    for novel in (False, True):
        assert read_pair(known, each, one, two, novel=novel) == read_pair(
            known, each, two, one, novel=novel
        )


def test_a_pair_is_read_by_the_calibration_of_its_kinds():
    each = conditions()
    reading = read_pair(usual(), each, "thumbnail", "photograph")
    assert reading.calibration == each[0].calibration
    assert reading.condition == "a photograph and a thumbnail"
    assert reading.refusal is None


def test_kinds_that_nothing_was_measured_on_are_refused():
    reading = read_pair(usual(), conditions(), "greyscale", "greyscale")
    assert "two greyscale thumbnails" in reading.refusal
    llrs = llr_from_score(reading.calibration, [-100.0, 100.0])
    assert llrs.tolist() == [-UNMEASURED_LIMIT, UNMEASURED_LIMIT]


def test_a_picture_unlike_all_others_is_refused_whatever_its_kind():
    reading = read_pair(usual(), conditions(), "tiny", "tiny", novel=True)
    assert "unlike all" in reading.refusal
    assert abs(reading.calibration.upper) <= UNMEASURED_LIMIT


def test_a_model_without_conditions_answers_as_it_always_did():
    known = usual()
    reading = read_pair(known, (), "greyscale", "tiny", novel=True)
    assert reading.calibration == known
    assert reading.refusal is None


def test_a_score_read_as_usual_has_the_llr_of_its_own_condition():
    known, each = usual(), conditions()
    reading = read_pair(known, each, "tiny", "tiny")
    scores = np.array([-1.0, 0.5, 3.0])
    line = reading.calibration.slope * scores + reading.calibration.intercept
    shifted = reading.as_usual(known, scores)
    np.testing.assert_allclose(known.slope * shifted + known.intercept, line)


def test_limits_only_ever_narrow():
    known = usual()
    assert limited(known, 99.0) == known
    assert limited(known, 0.5).upper == 0.5


def test_kinds_out_of_order_are_no_condition():
    with pytest.raises(ValueError, match="in order"):
        Condition(("tiny", "photograph"), usual(), 1)


def test_words_name_both_kinds():
    assert condition_words(("photograph", "photograph")) == "two photographs"


def test_too_few_artists_calibrate_nothing():
    few = make_pairs(0, artists=ENOUGH_ARTISTS - 1)
    assert fit_condition(("tiny", "tiny"), few) is None
    assert fit_condition(("tiny", "tiny"), make_pairs(0, artists=ENOUGH_ARTISTS)) is not None


def test_error_rates_are_kept_in_the_worst_collection():
    # The second collection's scores all lie higher, so its impostors decide "same", and the first
    # one's genuine pairs decide "different".
    parts = make_pairs(1, collection=0), make_pairs(2, offset=0.8, collection=1)
    found = fit_condition(("photograph", "photograph"), join(*parts))
    assert found.collections == 2
    for point in found.calibration.points.values():
        for part in parts:
            impostor, genuine = part.scores[~part.same], part.scores[part.same]
            assert (impostor >= point.same_at_least).mean() <= point.error_rate + 1e-9
            assert (genuine < point.different_at_most).mean() <= point.error_rate + 1e-9


def test_each_collection_counts_alike_however_large():
    small, large = make_pairs(1, each=10), make_pairs(2, each=300, offset=1.0, collection=1)
    found = fit_condition(("photograph", "photograph"), join(small, large)).calibration
    halves = [usual(1, each=10), usual(2, each=300, offset=1.0)]
    zero = -found.intercept / found.slope
    middle = np.mean([-half.intercept / half.slope for half in halves])
    assert zero == pytest.approx(middle, abs=0.1)


def test_collections_that_lie_apart_widen_the_interval():
    near = fit_condition(("tiny", "tiny"), join(make_pairs(1), make_pairs(2, collection=1)))
    apart = fit_condition(
        ("tiny", "tiny"), join(make_pairs(1), make_pairs(2, offset=1.0, collection=1))
    )
    widths = [np.diff(llr_interval(one.calibration, 1.0))[0] for one in (near, apart)]
    assert widths[1] > 2 * widths[0]


def test_spread_is_that_of_lines_fitted_to_other_artists():
    # Fresh artists from the same source are what the bootstrap imitates.
    fresh = [usual(seed, artists=30, each=4) for seed in range(100, 160)]
    lines = np.array([(one.slope, one.intercept) for one in fresh])
    pairs = make_pairs(0, artists=30, each=4)
    found = line_spread(pairs.scores, pairs.same, pairs.left_artist, pairs.right_artist)
    assert np.sqrt(found[0]) == pytest.approx(lines[:, 0].std(), rel=0.5)
    assert np.sqrt(found[2]) == pytest.approx(lines[:, 1].std(), rel=0.5)
    assert found[1] < 0


def test_an_interval_holds_its_llr_and_stays_within_what_the_data_support():
    known = replace(usual(), spread=(0.04, -0.03, 0.04))
    for score in (-9.0, -1.0, 0.0, 1.0, 2.0, 9.0):
        low, high = llr_interval(known, score)
        assert known.lower <= low <= float(llr_from_score(known, score)) <= high <= known.upper
    assert llr_interval(usual(), 1.0) is None


@pytest.mark.parametrize("ratio", [1.0, 1.9, 1 / 1.9])
def test_nothing_is_decided_on_evidence_that_is_called_no_support(ratio):
    point = usual().points["eer"]
    assert decide(50.0, point, log10(ratio)) == "no decision"
    assert decide(50.0, point, log10(2.1)) == "same"


def test_copies_of_one_work_are_no_pair():
    rng = np.random.default_rng(0)
    artist = np.repeat(np.arange(20), 6)
    rows = rng.normal(size=(20, 8))[artist] + rng.normal(size=(120, 8))
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    comparator = CosineComparator("csls", 2, rows[:20])
    work = np.arange(120) // 2
    kind = ["photograph", "greyscale"] * 60
    pictures = Pictures(comparator.enrol(rows), artist, work, kind, np.zeros(120, int))
    found = {one.kinds: one.calibration for one in fit_conditions(comparator, pictures)}
    assert set(found) == {
        ("greyscale", "greyscale"), ("greyscale", "photograph"), ("photograph", "photograph"),
    }  # fmt: skip
    # Each artist has three works, each in colour and in grey.
    assert found["photograph", "photograph"].genuine_pairs == 20 * 3
    assert found["greyscale", "photograph"].genuine_pairs == 20 * 6
