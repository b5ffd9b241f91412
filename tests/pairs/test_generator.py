from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samehand.catalogue.duplicates import HASH_BITS
from samehand.pairs.generator import PairGenerator

# Hashes around two centres: within a group they are near-duplicates, between groups never.
hashes = st.builds(
    lambda centre, flipped: f"{(0xFFFFFFFF00000000 if centre else 0) ^ (1 << flipped):016x}",
    st.booleans(),
    st.integers(0, 63),
)
collections = st.lists(st.tuples(st.sampled_from("abcd"), hashes), min_size=1, max_size=24)
seeds = st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=3)


def distance(one, other):
    return bin(int(one, 16) ^ int(other, 16)).count("1")


def can_pair(rows):
    genuine = any(
        a == b and distance(h, k) > HASH_BITS for i, (a, h) in enumerate(rows) for b, k in rows[:i]
    )
    return genuine and len({artist for artist, _ in rows}) > 1


def generator(rows):
    artists, hashes = zip(*rows, strict=True)
    return PairGenerator(artists, hashes)


@settings(max_examples=150)
@given(collections, st.integers(0, 20), seeds)
def test_pairs_are_balanced_of_two_images_and_never_near_duplicates(rows, half, seed):
    if not can_pair(rows):
        with pytest.raises(ValueError, match="pairs by"):
            generator(rows)
        return
    pairs = generator(rows).draw(2 * half, *seed)
    assert len(pairs.left) == len(pairs.right) == len(pairs.same) == 2 * half
    assert pairs.same.sum() == half
    for left, right, same in zip(pairs.left, pairs.right, pairs.same, strict=True):
        assert left != right
        assert (rows[left][0] == rows[right][0]) == bool(same)
        if same:
            assert distance(rows[left][1], rows[right][1]) > HASH_BITS


def far_apart(count):
    return [f"{int(word):016x}" for word in np.random.default_rng(0).integers(0, 2**63, count)]


ROWS = list(zip("aaaabbbccd", far_apart(10), strict=True))


@given(seeds, seeds)
@settings(max_examples=40)
def test_a_draw_follows_from_its_seed(seed, other):
    first, again = (generator(ROWS).draw(40, *seed) for _ in range(2))
    for name in ("left", "right", "same"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
    # NumPy fills seeds of fewer than four numbers up with zeros.
    if np.trim_zeros(seed, "b") != np.trim_zeros(other, "b"):
        pairs = generator(ROWS).draw(40, *other)
        assert (pairs.left != first.left).any() or (pairs.same != first.same).any()


def test_artists_are_equally_likely_whatever_their_oeuvre():
    pairs = generator(ROWS).draw(20_000, 0)
    artist = np.array([name for name, _ in ROWS])
    genuine = Counter(artist[pairs.left[pairs.same == 1]].tolist())
    assert set(genuine) == {"a", "b", "c"}  # d has one work
    for count in genuine.values():
        assert count / 10_000 == pytest.approx(1 / 3, abs=0.02)
    sides = np.concatenate([pairs.left[pairs.same == 0], pairs.right[pairs.same == 0]])
    for count in Counter(artist[sides].tolist()).values():
        assert count / 20_000 == pytest.approx(1 / 4, abs=0.02)


def test_labels_come_in_no_order():
    same = generator(ROWS).draw(2000, 0).same
    changes = (np.diff(same) != 0).sum()
    assert 900 < changes < 1100


def test_an_odd_number_cannot_be_balanced():
    with pytest.raises(ValueError, match="3 pairs"):
        generator(ROWS).draw(3, 0)
