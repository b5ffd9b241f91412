import numpy as np
import pytest
from scipy.linalg import eigh

from samehand.errors import RecipeError
from samehand.networks.discriminant import discriminants


def works(seed=0, artists=5, per_artist=12, features=6):
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(artists), per_artist)
    centres = rng.normal(0, [3, 2, 1, 0, 0, 0], (artists, features))
    spread = rng.normal(0, [1, 4, 1, 1, 2, 1], (len(labels), features))
    rows = (centres[labels] + spread).astype(np.float32)
    return rows - rows.mean(0), labels


def scatters(rows, labels, ridge):
    """Within and between scatter, a painting at a time."""
    within, between = np.zeros((2, rows.shape[1], rows.shape[1]))
    for label in np.unique(labels):
        own = rows[labels == label].astype(float)
        for row in own:
            within += np.outer(row - own.mean(0), row - own.mean(0)) / len(rows)
        apart = own.mean(0) - rows.mean(0)
        between += np.outer(apart, apart) * len(own) / len(rows)
    return within + ridge * np.trace(within) / len(within) * np.eye(len(within)), between


@pytest.mark.parametrize("ridge", [0.01, 2.0])
def test_they_solve_fishers_criterion(ridge) -> None:
    rows, labels = works()
    found = discriminants(rows, labels, width=3, ridge=ridge)
    within, between = scatters(rows, labels, ridge)
    ratios, vectors = eigh(between, within)
    expected = vectors[:, ::-1][:, :3] * ratios[::-1][:3] ** 0.25
    signs = np.sign((found * expected).sum(0))
    np.testing.assert_allclose(found * signs, expected, rtol=2e-3, atol=2e-4)


def test_directions_that_no_artist_differs_in_are_zero() -> None:
    rows, labels = works(artists=3)
    found = discriminants(rows, labels, width=6, ridge=1.0)
    assert np.abs(found[:, :2]).max() > 0
    assert not found[:, 2:].any()


def test_neither_the_order_of_works_nor_the_names_of_artists_matter() -> None:
    rows, labels = works()
    order = np.random.default_rng(1).permutation(len(rows))
    renamed = np.array([3, 0, 4, 1, 2])[labels]
    one = rows @ discriminants(rows, labels, width=4, ridge=1.0)
    other = rows @ discriminants(rows[order], renamed[order], width=4, ridge=1.0)
    np.testing.assert_allclose(one @ one.T, other @ other.T, rtol=1e-3, atol=1e-3)


def test_one_artist_has_no_discriminants() -> None:
    with pytest.raises(RecipeError, match="two artists"):
        discriminants(np.ones((4, 2), np.float32), np.zeros(4, int), width=1, ridge=1.0)
