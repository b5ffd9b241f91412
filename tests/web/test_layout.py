"""Where works lie on the map."""

import numpy as np
import pytest

from samehand.web import layout
from samehand.web.layout import can_lay, main, neighbours, principal


def groups(each: int, count: int, width: int = 32) -> np.ndarray:
    """Return rows in tight groups along different axes, (each * count, width), float32."""
    rng = np.random.default_rng(0)
    middles = np.eye(width)[:count]
    rows = np.repeat(middles, each, axis=0) + rng.normal(0, 0.05, (each * count, width))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_components_keep_what_is_near_near():
    rng = np.random.default_rng(0)
    rows = np.concatenate([rng.normal(centre, 0.01, (5, 8)) for centre in (0.0, 1.0)])
    found = principal(rows.astype(np.float32))
    assert found.min() >= 0
    assert found.max() <= 1
    within = max(np.ptp(found[:5, 0]), np.ptp(found[5:, 0]))
    assert abs(found[:5, 0].mean() - found[5:, 0].mean()) > 5 * within
    assert principal(rows[:1].astype(np.float32)).tolist() == [[0.5, 0.5]]


def own_group(places: np.ndarray, each: int) -> float:
    """Return the share of works whose nearest on the map is of their own group."""
    far = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1))
    np.fill_diagonal(far, np.inf)
    return float(np.mean(far.argmin(axis=1) // each == np.arange(len(places)) // each))


def test_neighbourhoods_stay_together_where_two_directions_are_too_few():
    rows = groups(10, 30)
    found = neighbours(rows)
    assert found.shape == (300, 2)
    assert found.min() == 0
    assert found.max() == 1
    assert own_group(found, 10) > 0.99
    assert own_group(principal(rows), 10) < 0.9


def test_the_same_works_have_the_same_map():
    rows = groups(10, 4)
    np.testing.assert_array_equal(neighbours(rows), neighbours(rows))


def test_few_works_are_laid_out_by_components():
    assert [can_lay(n) for n in (0, 29, 30, 50_000)] == [False, False, True, True]


def test_of_many_works_those_beyond_the_sample_lie_in_their_own_group(monkeypatch):
    monkeypatch.setattr(layout, "MOST_FITTED", 150)
    rows = groups(10, 30)
    found = neighbours(rows)
    assert found.shape == (300, 2)
    assert np.isfinite(found).all()
    assert own_group(found, 10) > 0.97
    np.testing.assert_array_equal(found, neighbours(rows))


@pytest.mark.parametrize("copies", [1, 40])
def test_a_file_of_embeddings_becomes_a_file_of_places(tmp_path, copies):
    rows = np.repeat(groups(8, 5)[: 40 // copies], copies, axis=0)  # 40 times one work, too
    np.save(tmp_path / "rows.npy", rows)
    main(str(tmp_path / "rows.npy"), str(tmp_path / "places.npy"))
    places = np.load(tmp_path / "places.npy")
    assert places.shape == (40, 2)
    assert np.isfinite(places).all()
