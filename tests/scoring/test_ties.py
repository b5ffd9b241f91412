import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samehand.scoring.ties import first_best, ranked

LESS = np.nextafter(np.float32(1), np.float32(0))


@pytest.mark.parametrize("values", [[0.5, 1, LESS, 1], [0.5, LESS, 1, 1]])
def test_the_first_of_equals_is_best_whatever_the_last_bit(values):
    row = np.array([values], np.float32)
    assert first_best(row, axis=1).tolist() == [1]
    assert first_best(row.T, axis=0).tolist() == [1]


@pytest.mark.parametrize("values", [[0.2, 1, LESS, 0.5, 1], [0.2, LESS, 1, 0.5, LESS]])
def test_equals_are_ranked_as_they_came_whatever_the_last_bit(values):
    assert ranked(np.array(values, np.float32)).tolist() == [1, 2, 4, 3, 0]


def test_nothing_is_ranked():
    assert ranked(np.array([], np.float32)).tolist() == []


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=30), st.integers(0, 1000))
def test_rounding_changes_no_rank(levels, seed):
    noise = np.random.default_rng(seed).uniform(-1e-7, 1e-7, len(levels))
    expected = sorted(range(len(levels)), key=lambda i: (-levels[i], i))
    assert ranked(np.array(levels) / 50 + noise).tolist() == expected
