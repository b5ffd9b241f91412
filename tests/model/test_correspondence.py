import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samehand.model.background import places_of
from samehand.model.correspondence import (
    COMMONEST,
    _share_above,
    _shown,
    correspond,
    fit_discount,
    rarest,
)
from samehand.model.regions import cell, touches_border
from samehand.scoring.ties import ROUNDING


def units(rng, count, width=6):
    rows = rng.normal(size=(count, width)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@given(seed=st.integers(0, 10_000))
def test_by_brute_force(seed):
    rng = np.random.default_rng(seed)
    left, right, others = units(rng, 9), units(rng, 9), units(rng, 40)
    found = correspond(left, right, others, count=9)
    cosine = left @ right.T
    expected = []
    for i in range(9):
        for j in range(9):
            if j != max(range(9), key=lambda k: cosine[i, k]):
                continue
            if i != max(range(9), key=lambda k: cosine[k, j]):
                continue
            shares = [
                sum(float(own @ other) >= cosine[i, j] - ROUNDING for other in others) / 40
                for own in (left[i], right[j])
            ]
            works = 1 - (1 - max(sum(shares) / 2, 0.5 / 40)) ** 9
            if 1 / works >= COMMONEST:
                expected.append((cell(i, 3), cell(j, 3), pytest.approx(1 / works, rel=1e-4)))
    assert {(m.left, m.right) for m in found.matches} == {(a, b) for a, b, _ in expected}
    rarity = {(a, b): value for a, b, value in expected}
    assert all(m.rarity == rarity[m.left, m.right] for m in found.matches)
    strengths = [m.strength for m in found.matches]
    assert strengths == sorted(strengths, reverse=True)


@given(seed=st.integers(0, 10_000))
def test_swapping_swaps(seed):
    rng = np.random.default_rng(seed)
    left, right, others = units(rng, 16), units(rng, 16), units(rng, 60)
    one, other = correspond(left, right, others), correspond(right, left, others)
    assert [(m.left, m.right) for m in one.matches] == [(m.right, m.left) for m in other.matches]
    np.testing.assert_array_equal(one.left, other.right)
    np.testing.assert_array_equal(one.right, other.left)


@pytest.mark.parametrize("last_bit", [-1, 0, 1])
def test_the_last_bit_of_a_product_makes_nothing_rare(last_bit):
    cosines = np.ones((2, 10), np.float32)
    cosines[:, 3:] = 0.2
    wanted = np.full((2, 1), 1 + last_bit * 6e-8, np.float32)
    shares = _share_above(wanted, cosines, np.array([True]), np.ones(10, bool))
    np.testing.assert_array_equal(shares, [[0.3], [0.3]])


def test_identical_regions_correspond_and_what_everyone_paints_does_not():
    rng = np.random.default_rng(1)
    left, right, others = units(rng, 9, 32), units(rng, 9, 32), units(rng, 500, 32)
    right[5] = left[2]
    sky = units(rng, 1, 32)[0]
    left[0] = right[8] = sky
    others[:400] = sky
    found = correspond(left, right, others)
    assert (found.matches[0].left, found.matches[0].right) == (cell(2, 3), cell(5, 3))
    assert found.matches[0].similarity == pytest.approx(1)
    assert cell(0, 3) not in {m.left for m in found.matches}
    assert found.left[0, 0] < 0.01


def test_places_are_corners_sides_and_the_middle():
    expected = [[0, 1, 1, 2], [3, 4, 4, 5], [3, 4, 4, 5], [6, 7, 7, 8]]
    np.testing.assert_array_equal(places_of(4).reshape(4, 4), expected)


@given(seed=st.integers(0, 1000))
def test_what_all_regions_at_a_place_have_makes_no_match(seed):
    rng = np.random.default_rng(seed)
    # Every region at a place has a large part in common, whoever painted it.
    common = 3 * units(rng, 9, 32)

    def painted(places):
        rows = units(rng, len(places), 32) + common[places]
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)

    grid, places = places_of(5), rng.integers(0, 9, 900)
    others = painted(places)
    left, right = painted(grid), painted(grid)
    told = correspond(left, right, others, places)
    assert all(match.similarity < 0.9 for match in told.matches)
    untold = correspond(left, right, others)
    assert max((match.similarity for match in untold.matches), default=1.0) > 0.9
    swapped = correspond(right, left, others, places)
    assert [(m.left, m.right) for m in told.matches] == [(m.right, m.left) for m in swapped.matches]


def test_likenesses_are_held_against_regions_that_lie_alike():
    rng = np.random.default_rng(4)
    left, right, others = units(rng, 25, 32), units(rng, 25, 32), units(rng, 400, 32)
    grid, places = places_of(5), np.repeat(np.arange(9), 400 // 9 + 1)[:400]
    found = correspond(left, right, others, places)
    means = np.stack([others[places == place].mean(axis=0) for place in range(9)])

    def freed(rows, where):
        rows = rows - means[where]
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    one, two, some = freed(left, grid), freed(right, grid), freed(others, places)
    assert found.matches
    for match in found.matches:
        i, j = (
            next(k for k in range(25) if cell(k, 5) == side) for side in (match.left, match.right)
        )
        shares, least = [], []
        for own, partner in ((one[i], j), (two[j], i)):
            alike = some[(places == 4) == (grid[partner] == 4)] @ own
            shares.append(np.mean(alike >= match.similarity - 1e-6))
            least.append(0.5 / len(alike))
        works = 1 - (1 - max(np.mean(shares), np.mean(least))) ** 25
        assert match.rarity == pytest.approx(1 / works, rel=1e-3)
    inside = int((places == 4).sum())
    assert rarest(places, 400, 25) == pytest.approx(1 / (1 - (1 - 0.5 / inside) ** 25))


def border_share(pairs, others, discount=0.0):
    """Return the share of windows shown that lie at the border."""
    found = [correspond(*pair, others, None, discount).matches for pair in pairs]
    shown = [region for matches in found for m in matches for region in (m.left, m.right)]
    return sum(touches_border(region) for region in shown) / len(shown)


def alike_at_the_border(rng, count):
    """Return pairs of 25 cells each, of which those at the border have something in common."""
    at_border = places_of(5) != 4
    pairs = []
    for _ in range(count):
        common = 0.4 * units(rng, 1, 24)
        left, right = (units(rng, 25, 24) + common * at_border[:, None] for _ in range(2))
        pairs.append(
            tuple(rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (left, right))
        )
    return pairs


def test_with_a_discount_windows_lie_at_the_border_no_more_often_than_cells():
    rng = np.random.default_rng(2)
    others, pairs = units(rng, 2000, 24), alike_at_the_border(rng, 100)
    # Of 5 x 5 cells 16 lie at the border.
    assert border_share(pairs, others) > 16 / 25 + 0.1
    discount = fit_discount(pairs, others)
    assert discount > 0
    assert border_share(pairs, others, discount) <= 16 / 25 + 0.01
    assert border_share(pairs, others, discount - 0.02) > 16 / 25 - 0.01
    # A match loses by how many of its two regions lie at the border, and none appears.
    for left, right in pairs[:20]:
        plain = correspond(left, right, others, count=25).matches
        strength = {(match.left, match.right): match.strength for match in plain}
        told = correspond(left, right, others, None, discount, count=25).matches
        for match in told:
            share = (touches_border(match.left) + touches_border(match.right)) / 2
            lost = strength[match.left, match.right] - match.strength
            assert lost == pytest.approx(discount * share)
            assert match.rarity == pytest.approx(10**match.strength)


def test_the_fit_counts_the_windows_that_are_shown():
    rng = np.random.default_rng(5)
    others = units(rng, 60, 24)  # so few that strengths are often equal
    for left, right in alike_at_the_border(rng, 30):
        every = correspond(left, right, others, count=25).matches
        for discount in (0.0, 0.1, 0.4):
            shown = correspond(left, right, others, None, discount).matches
            borders = [touches_border(m.left) + touches_border(m.right) for m in shown]
            assert _shown(every, discount) == borders


def test_where_the_border_shows_nothing_more_nothing_is_lost():
    rng = np.random.default_rng(3)
    pairs = [(units(rng, 25, 24), units(rng, 25, 24)) for _ in range(60)]
    for one, other in pairs:
        other[12] = one[12]  # the very middle
    assert fit_discount(pairs, units(rng, 500, 24)) == 0.0
    assert fit_discount([], units(rng, 500, 24)) == 0.0
