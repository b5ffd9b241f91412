import numpy as np
import pytest

from samehand.errors import ModelError
from samehand.scoring.comparator import Comparator, enrol
from samehand.scoring.fitting import calibrate


def unit_rows(seed, count, width=4):
    rows = np.random.default_rng(seed).normal(size=(count, width))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_calibration_counts_every_pair_of_held_out_paintings_once():
    artists = [name for name in "abcdef" for _ in range(4)]
    hands = np.repeat(unit_rows(0, 6), 4, axis=0)
    rows = hands + 0.3 * unit_rows(1, 24)
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    comparator = Comparator("csls", 3, unit_rows(2, 9))
    fitted = calibrate(comparator, enrol(comparator, rows), artists)
    assert fitted.genuine_pairs == 6 * (4 * 3 // 2)
    assert fitted.impostor_pairs == 24 * 23 // 2 - 36
    assert fitted.artists == 6
    assert fitted.slope > 0
    # The names of artists and the order of paintings decide nothing.
    order = np.random.default_rng(3).permutation(24)
    renamed = [f"{'zyxwvu'['abcdef'.index(artists[i])]}" for i in order]
    other = calibrate(comparator, enrol(comparator, rows[order]), renamed)
    assert other.slope == pytest.approx(fitted.slope, rel=1e-4)
    assert other.intercept == pytest.approx(fitted.intercept, abs=1e-3)


def test_one_painting_each_cannot_calibrate():
    comparator = Comparator("none", 2, unit_rows(2, 9))
    with pytest.raises(ModelError):
        calibrate(comparator, enrol(comparator, unit_rows(0, 5)), list("abcde"))
