from dataclasses import replace

import numpy as np
import pytest

from samehand.errors import ModelError
from samehand.scoring.calibration import fit_calibration
from samehand.scoring.comparator import CosineComparator
from samehand.scoring.fitting import HeldOut, calibrate, calibrate_together

WIDTH = 16


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


def fold(seed, artists, nearby=False):
    """Works of some artists, with a cohort of their own."""
    rng = np.random.default_rng(seed)
    cohort = unit(rng.normal(size=(30, WIDTH)))
    names = np.repeat(artists, 4)
    hands = {name: rng.normal(size=WIDTH) for name in artists}
    rows = unit(np.stack([hands[name] for name in names]) + rng.normal(size=(len(names), WIDTH)))
    comparator = CosineComparator("csls", 5, cohort, nearby)
    styles = [("a", "b", None)[i % 3] for i in range(len(names))]
    return HeldOut(comparator, comparator.enrol(rows), list(names), styles)


@pytest.fixture
def folds():
    return [fold(1, ["x", "c", "m"]), fold(2, ["b", "z", "n", "d"])]


def test_pairs_are_those_within_a_fold_each_scored_by_its_own_comparator(folds):
    found = calibrate_together(folds)
    scores, left_artist, right_artist = [], [], []
    number = {name: i for i, name in enumerate("bcdmnxz")}
    for part in folds:
        for i in range(len(part.artists)):
            for j in range(i + 1, len(part.artists)):
                pair = np.array([i]), np.array([j])
                scores.append(part.comparator.pair_scores(part.enrolled, *pair)[0])
                left_artist.append(number[part.artists[i]])
                right_artist.append(number[part.artists[j]])
    left, right = np.array(left_artist), np.array(right_artist)
    expected = fit_calibration(np.array(scores), left == right, left, right)
    assert found.slope == pytest.approx(expected.slope, rel=1e-4)
    assert found.intercept == pytest.approx(expected.intercept, rel=1e-4)
    assert (found.lower, found.upper) == (expected.lower, expected.upper)
    assert found.artists == 7
    assert found.genuine_pairs == 7 * 6
    # Twelve works make 66 pairs and sixteen make 120; none is between the folds.
    assert found.genuine_pairs + found.impostor_pairs == 66 + 120


def test_one_group_is_calibrated_as_alone(folds):
    group = folds[1]
    alone = calibrate(group.comparator, group.enrolled, list(group.artists))
    assert calibrate_together([group]) == alone
    within = calibrate(group.comparator, group.enrolled, list(group.artists), group.styles)
    assert calibrate_together([group], one_style=True) == within
    assert within != alone


def test_pairs_of_one_style_are_scored_as_such(folds):
    near = [replace(g, comparator=replace(g.comparator, nearby=True)) for g in folds]
    assert calibrate_together(near) == calibrate_together(folds)
    one, other = (calibrate_together(groups, one_style=True) for groups in (near, folds))
    assert one.slope != other.slope
    pairs = one.genuine_pairs + one.impostor_pairs
    known = [[style for style in g.styles if style] for g in folds]
    assert pairs == sum(
        styles.count(style) * (styles.count(style) - 1) // 2 for styles in known for style in "ab"
    )


def test_works_without_a_style_calibrate_none(folds):
    bare = [replace(group, styles=[None] * len(group.artists)) for group in folds]
    with pytest.raises(ModelError):
        calibrate_together(bare, one_style=True)
