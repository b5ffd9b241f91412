"""The report's data generator: batches of image pairs, half of them by one artist.

Every batch is a pure function of the paintings and of whole numbers, the seed among them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samehand.catalogue.duplicates import HASH_BITS
from samehand.records import Floats

Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class DrawnPairs:
    """Pairs of paintings in random order; every array has shape (M,).

    Attributes:
        left, right: Indices of the two paintings, never equal.
        same: 1 where one artist made both, 0 where two did; half of each, exactly.
    """

    left: Indices
    right: Indices
    same: Floats


class PairGenerator:
    """Draws pairs of paintings: first the artist, then the paintings, all equally likely."""

    def __init__(self, artists: Sequence[str], hashes: Sequence[str]) -> None:
        """Sort out who can be in which pair.

        Args:
            artists: The artist of each painting, (N,).
            hashes: The perceptual hash of each, 16 hex digits.

        Raises:
            ValueError: There are not two artists, or no artist has two different works.
        """
        self._hashes = [int(text, 16) for text in hashes]
        works: dict[str, list[int]] = {}
        for index, artist in enumerate(artists):
            works.setdefault(artist, []).append(index)
        self._oeuvres = [works[artist] for artist in sorted(works)]
        self._repeated = [works for works in self._oeuvres if self._has_two_works(works)]
        if len(self._oeuvres) < 2:
            raise ValueError("pairs by two artists need two artists")
        if not self._repeated:
            raise ValueError("pairs by one artist need one with two different works")

    def draw(self, pairs: int, *seed: int) -> DrawnPairs:
        """Draw pairs, half of them by one artist.

        Args:
            pairs: M, an even number.
            seed: Whole numbers below 2**32 that decide the draw; zeros at the end change nothing.

        Raises:
            ValueError: M is odd.
        """
        if pairs % 2:
            raise ValueError(f"{pairs} pairs cannot be half by one artist and half by two")
        rng = np.random.default_rng(seed)
        drawn = [self._by_one(rng) for _ in range(pairs // 2)]
        drawn += [self._by_two(rng) for _ in range(pairs // 2)]
        same = np.repeat(np.array([1, 0], np.float32), pairs // 2)
        order = rng.permutation(pairs)
        left, right = np.array(drawn, np.int64).reshape(-1, 2)[order].T
        return DrawnPairs(left, right, same[order])

    def _by_one(self, rng: np.random.Generator) -> tuple[int, int]:
        works = self._repeated[int(rng.integers(len(self._repeated)))]
        while True:  # ends, because `_repeated` holds only artists with two works that differ
            one, other = rng.choice(works, 2, replace=False).tolist()
            if not self._near(one, other):
                return one, other

    def _by_two(self, rng: np.random.Generator) -> tuple[int, int]:
        first, second = rng.choice(len(self._oeuvres), 2, replace=False).tolist()
        one, other = self._oeuvres[first], self._oeuvres[second]
        return one[int(rng.integers(len(one)))], other[int(rng.integers(len(other)))]

    def _has_two_works(self, works: list[int]) -> bool:
        return any(
            not self._near(one, other) for place, one in enumerate(works) for other in works[:place]
        )

    def _near(self, one: int, other: int) -> bool:
        # The catalogue has confirmed its duplicates by looking closer and excluded them; here what
        # the hash alone suspects is left out too, since so large a draw can spare it.
        return (self._hashes[one] ^ self._hashes[other]).bit_count() <= HASH_BITS
