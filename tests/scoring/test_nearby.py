import numpy as np
import pytest

from samehand.errors import ModelError
from samehand.scoring.comparator import Comparator, enrol, head_comparator, pair_scores
from samehand.scoring.nearby import WEIGHT, nearby_scores


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def world():
    """Artists of a cohort in three styles, and paintings that lean to one style each."""
    rng = np.random.default_rng(0)
    styles = rng.normal(size=(3, 12))
    cohort = unit(np.repeat(styles, 9, axis=0) + 0.5 * rng.normal(size=(27, 12)))
    paintings = unit(styles[rng.integers(3, size=10)] + 0.5 * rng.normal(size=(10, 12)))
    comparator = Comparator("csls", 5, cohort)
    return comparator, enrol(comparator, paintings)


def test_pairs_are_measured_from_the_artists_nearest_to_both(world):
    comparator, enrolled = world
    left, right = np.triu_indices(10, 1)
    found = nearby_scores(comparator, enrolled, left, right)
    plain = pair_scores(comparator, enrolled, left, right)
    for pair, (i, j) in enumerate(zip(left, right, strict=True)):
        x, y = enrolled.embeddings[i].astype(float), enrolled.embeddings[j].astype(float)
        near = sorted(comparator.cohort.astype(float), key=lambda artist: -(artist @ (x + y)))[:5]
        origin = sum(near) / 5
        a, b = x - origin, y - origin
        cosine = a @ b / (a @ a) ** 0.5 / (b @ b) ** 0.5
        assert found[pair] == pytest.approx(plain[pair] + WEIGHT * cosine, abs=1e-5)


def test_swapping_the_sides_changes_nothing(world):
    comparator, enrolled = world
    left, right = np.triu_indices(10, 1)
    one = nearby_scores(comparator, enrolled, left, right)
    np.testing.assert_array_equal(one, nearby_scores(comparator, enrolled, right, left))


def test_many_pairs_are_scored_as_few_are(world):
    comparator, enrolled = world
    rng = np.random.default_rng(1)
    left, right = rng.integers(10, size=(2, 9000))
    right = np.where(left == right, (right + 1) % 10, right)
    many = nearby_scores(comparator, enrolled, left, right)
    for pair in rng.integers(9000, size=20):
        few = nearby_scores(comparator, enrolled, left[[pair]], right[[pair]])
        assert many[pair] == pytest.approx(float(few[0]), abs=1e-5)


def test_a_model_without_a_cohort_is_refused():
    comparator = head_comparator(lambda left, right: left[:, 0])
    enrolled = enrol(comparator, np.ones((2, 3), np.float32))
    with pytest.raises(ModelError, match="no cohort"):
        nearby_scores(comparator, enrolled, np.array([0]), np.array([1]))
