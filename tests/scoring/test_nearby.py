import numpy as np
import pytest

from samehand.scoring.nearby import nearby_cosines


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def world():
    """Artists of a cohort in three styles, and paintings that lean to one style each."""
    rng = np.random.default_rng(0)
    styles = rng.normal(size=(3, 12))
    cohort = unit(np.repeat(styles, 9, axis=0) + 0.5 * rng.normal(size=(27, 12)))
    return unit(styles[rng.integers(3, size=10)] + 0.5 * rng.normal(size=(10, 12))), cohort


def test_pairs_are_measured_from_the_artists_nearest_to_both(world):
    paintings, cohort = world
    left, right = np.triu_indices(10, 1)
    found = nearby_cosines(paintings, cohort, 5, left, right)
    for pair, (i, j) in enumerate(zip(left, right, strict=True)):
        x, y = paintings[i].astype(float), paintings[j].astype(float)
        near = sorted(cohort.astype(float), key=lambda artist: -(artist @ (x + y)))[:5]
        origin = sum(near) / 5
        a, b = x - origin, y - origin
        assert found[pair] == pytest.approx(a @ b / (a @ a) ** 0.5 / (b @ b) ** 0.5, abs=1e-5)


def test_swapping_the_sides_changes_nothing(world):
    left, right = np.triu_indices(10, 1)
    one = nearby_cosines(*world, 5, left, right)
    np.testing.assert_array_equal(one, nearby_cosines(*world, 5, right, left))


def test_many_pairs_are_compared_as_few_are(world):
    rng = np.random.default_rng(1)
    left, right = rng.integers(10, size=(2, 9000))
    right = np.where(left == right, (right + 1) % 10, right)
    many = nearby_cosines(*world, 5, left, right)
    for pair in rng.integers(9000, size=20):
        few = nearby_cosines(*world, 5, left[[pair]], right[[pair]])
        assert many[pair] == pytest.approx(float(few[0]), abs=1e-5)


def test_a_common_style_counts_for_less(world):
    paintings, cohort = world
    style = unit(cohort[:9].mean(axis=0)[None])[0]
    rng = np.random.default_rng(2)
    others = unit(style + 0.3 * rng.normal(size=(40, 12)))
    left, right = np.triu_indices(40, 1)
    plain = (others @ others.T)[left, right]
    assert plain.mean() > 0.4
    assert abs(nearby_cosines(others, cohort, 9, left, right).mean()) < plain.mean() / 2
