from itertools import combinations

import numpy as np
import pytest

from samehand.errors import ModelError
from samehand.scoring.calibration import fit_calibration
from samehand.scoring.comparator import CosineComparator
from samehand.scoring.fitting import calibrate


def unit_rows(seed, count, width=4):
    rows = np.random.default_rng(seed).normal(size=(count, width))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_calibration_counts_every_pair_of_held_out_paintings_once():
    artists = [name for name in "abcdef" for _ in range(4)]
    hands = np.repeat(unit_rows(0, 6), 4, axis=0)
    rows = hands + 0.3 * unit_rows(1, 24)
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    comparator = CosineComparator("csls", 3, unit_rows(2, 9))
    fitted = calibrate(comparator, comparator.enrol(rows), artists)
    assert fitted.genuine_pairs == 6 * (4 * 3 // 2)
    assert fitted.impostor_pairs == 24 * 23 // 2 - 36
    assert fitted.artists == 6
    assert fitted.slope > 0
    # The names of artists and the order of paintings decide nothing.
    order = np.random.default_rng(3).permutation(24)
    renamed = [f"{'zyxwvu'['abcdef'.index(artists[i])]}" for i in order]
    other = calibrate(comparator, comparator.enrol(rows[order]), renamed)
    assert other.slope == pytest.approx(fitted.slope, rel=1e-4)
    assert other.intercept == pytest.approx(fitted.intercept, abs=1e-3)


def test_only_pairs_of_one_known_style_are_used_where_styles_are_given():
    artists = [name for name in "abcdef" for _ in range(4)]
    rng = np.random.default_rng(4)
    styles = [None if one == 3 else f"style {one}" for one in rng.integers(4, size=24)]
    rows = np.repeat(unit_rows(0, 6), 4, axis=0) + 0.3 * unit_rows(1, 24)
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    comparator = CosineComparator("none", 2, unit_rows(2, 9))
    fitted = calibrate(comparator, comparator.enrol(rows), artists, styles)
    kept = [
        (one, two)
        for one, two in combinations(range(24), 2)
        if styles[one] is not None and styles[one] == styles[two]
    ]
    same = np.array([artists[one] == artists[two] for one, two in kept])
    assert (fitted.genuine_pairs, fitted.impostor_pairs) == (same.sum(), (~same).sum())
    number = np.array(["abcdef".index(name) for name in artists])
    left, right = np.array(kept).T
    scores = (rows[left] * rows[right]).sum(axis=1)
    by_hand = fit_calibration(scores, same, number[left], number[right])
    assert fitted.slope == pytest.approx(by_hand.slope, rel=1e-4)
    assert fitted.upper == by_hand.upper


def test_one_painting_each_cannot_calibrate():
    comparator = CosineComparator("none", 2, unit_rows(2, 9))
    with pytest.raises(ModelError):
        calibrate(comparator, comparator.enrol(unit_rows(0, 5)), list("abcde"))
