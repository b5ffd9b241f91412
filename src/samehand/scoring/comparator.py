"""Paintings to raw scores: by the cosine of their embeddings, or by a network that compares pairs.

Shapes: N embeddings of width D, C cohort embeddings, M pairs.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Literal, Protocol, assert_never

import numpy as np
from numpy.typing import NDArray

from samehand.errors import ModelError
from samehand.records import Floats
from samehand.scoring.nearby import nearby_cosines

Normalisation = Literal["none", "csls", "as-norm"]
Indices = NDArray[np.integer]
PairHead = Callable[[Floats, Floats], Floats]
"""Two encodings, (M, D) each, to a logit a pair, (M,); swapping the two changes nothing."""

_PAIRS_AT_ONCE = 1_000_000
# A head sees whole encodings, tens of thousands of numbers each.
_PAIRS_AT_A_HEAD = 64
_HALF = np.float32(0.5)


@dataclass(frozen=True, slots=True)
class Enrolled:
    """Embeddings with what the comparator needs to know about each, computed once.

    Without a cohort nothing is known about them: `level` is 0 and `spread` is 1.

    Attributes:
        embeddings: Unit length, (N, D); the encodings of a head have any length.
        level: Mean cosine to the nearest cohort members, (N,), in [-1, 1].
        spread: Standard deviation of those cosines, (N,), positive.
    """

    embeddings: Floats
    level: Floats
    spread: Floats

    def __len__(self) -> int:
        return len(self.embeddings)

    def take(self, chosen: Indices) -> "Enrolled":
        """Return some of the paintings, in the order of their indices `chosen`."""
        return Enrolled(*(getattr(self, name)[chosen] for name in _FIELDS))

    def joined(self, other: "Enrolled") -> "Enrolled":
        """Return these paintings, and those of `other` after them."""
        both = ((getattr(self, name), getattr(other, name)) for name in _FIELDS)
        return Enrolled(*(np.concatenate(parts) for parts in both))


_FIELDS = tuple(field.name for field in fields(Enrolled))


class Comparator(Protocol):
    """How raw scores are made; larger speaks for the same artist, and sides do not matter."""

    @property
    def width(self) -> int:
        """D, the length of the embeddings that it compares."""

    @property
    def metric(self) -> bool:
        """Whether near means alike; reference sets, galleries and evidence rest on that."""

    def enrol(self, embeddings: Floats) -> Enrolled:
        """Prepare embeddings, (N, D), for comparison."""

    def pair_scores(self, enrolled: Enrolled, left: Indices, right: Indices) -> Floats:
        """Return the raw scores, (M,), of pairs of paintings, each an index of `enrolled`."""

    def style_scores(self, enrolled: Enrolled, left: Indices, right: Indices) -> Floats:
        """Return raw scores, (M,), for pairs of one style, which have a calibration of their own.

        They order such pairs better than `pair_scores` does, where the two differ, and others
        worse.
        """

    def cross_scores(self, left: Enrolled, right: Enrolled) -> Floats:
        """Return the raw scores of all M x N pairs of two sets, (M, N)."""


@dataclass(frozen=True, slots=True, eq=False)
class CosineComparator:
    """The cosine, corrected by how crowded each painting's neighbourhood is.

    Attributes:
        normalisation: "none" is the cosine. "csls" takes away each painting's mean cosine to its
            nearest cohort members (Conneau et al., ICLR 2018, equation 3, halved to stay on the
            scale of a cosine). "as-norm" divides by their spread as well (Matějka et al.,
            Interspeech 2017, section 2: adaptive symmetric normalisation).
        neighbours: How many of the nearest cohort members count, at least 2.
        cohort: Unit embeddings of training paintings, or of training artists, (C, D).
        nearby: Whether the score for pairs of one style has the cosine from the mean of the
            `neighbours` cohort members nearest to both added to it; see `scoring.nearby`.
    """

    normalisation: Normalisation
    neighbours: int
    cohort: Floats
    nearby: bool = False

    def __post_init__(self) -> None:
        if not 2 <= self.neighbours <= len(self.cohort):
            raise ModelError(
                f"a cohort of {len(self.cohort)} paintings cannot give {self.neighbours} "
                "neighbours; export the model again with other [serve] settings"
            )

    @property
    def width(self) -> int:
        """D."""
        return int(self.cohort.shape[1])

    @property
    def metric(self) -> bool:
        """True."""
        return True

    def enrol(self, embeddings: Floats) -> Enrolled:
        """Compare embeddings, unit length, (N, D), with the cohort."""
        count = self.neighbours
        level = np.empty(len(embeddings), np.float32)
        spread = np.empty_like(level)
        # Blocks bound the memory at 1024 x C cosines whatever N is.
        for start in range(0, len(embeddings), 1024):
            block = slice(start, start + 1024)
            cosines = embeddings[block] @ self.cohort.T
            top = np.partition(cosines, -count, axis=1)[:, -count:]
            level[block] = top.mean(axis=1)
            spread[block] = np.maximum(top.std(axis=1), 1e-3)
        return Enrolled(embeddings, level, spread)

    def pair_scores(self, enrolled: Enrolled, left: Indices, right: Indices) -> Floats:
        """Score pairs, (M,), a million at a time."""
        scores = np.empty(len(left), np.float32)
        for start in range(0, len(left), _PAIRS_AT_ONCE):
            block = slice(start, start + _PAIRS_AT_ONCE)
            first = np.minimum(left[block], right[block])
            second = np.maximum(left[block], right[block])
            cosine = _cosines(enrolled.embeddings, first, second)
            scores[block] = _normalise(self.normalisation, enrolled, cosine, first, second)
        return scores

    def style_scores(self, enrolled: Enrolled, left: Indices, right: Indices) -> Floats:
        """Score pairs of one style, (M,)."""
        scores = self.pair_scores(enrolled, left, right)
        if self.nearby:
            scores += nearby_cosines(enrolled.embeddings, self.cohort, self.neighbours, left, right)
        return scores

    def cross_scores(self, left: Enrolled, right: Enrolled) -> Floats:
        """Score all pairs of two sets, (M, N): `pair_scores` but for rounding."""
        cosine = left.embeddings @ right.embeddings.T
        match self.normalisation:
            case "none":
                return cosine
            case "csls":
                return cosine - (left.level[:, None] + right.level[None]) * _HALF
            case "as-norm":
                one = (cosine - left.level[:, None]) / left.spread[:, None]
                two = (cosine - right.level[None]) / right.spread[None]
                return (one + two) * _HALF
        assert_never(self.normalisation)


@dataclass(frozen=True, slots=True, eq=False)
class HeadComparator:
    """A network that learned to score pairs, as the student report's; there is no cohort.

    Attributes:
        head: What scores pairs.
        width: E, the length of the encodings that it takes.
    """

    head: PairHead
    width: int

    @property
    def metric(self) -> bool:
        """False: no distance between encodings means anything."""
        return False

    def enrol(self, embeddings: Floats) -> Enrolled:
        """Take encodings, (N, E), as they are."""
        ones = np.ones(len(embeddings), np.float32)
        return Enrolled(embeddings, np.zeros_like(ones), ones)

    def pair_scores(self, enrolled: Enrolled, left: Indices, right: Indices) -> Floats:
        """Score pairs, (M,), a few at a time."""
        scores = np.empty(len(left), np.float32)
        for start in range(0, len(left), _PAIRS_AT_A_HEAD):
            block = slice(start, start + _PAIRS_AT_A_HEAD)
            first = np.minimum(left[block], right[block])
            second = np.maximum(left[block], right[block])
            scores[block] = self.head(enrolled.embeddings[first], enrolled.embeddings[second])
        return scores

    def style_scores(self, enrolled: Enrolled, left: Indices, right: Indices) -> Floats:
        """Score pairs of one style like all others, (M,)."""
        return self.pair_scores(enrolled, left, right)

    def cross_scores(self, left: Enrolled, right: Enrolled) -> Floats:
        """Score all pairs of two sets, (M, N), one pair at a time."""
        both = self.enrol(np.concatenate([left.embeddings, right.embeddings]))
        rows, columns = np.indices((len(left), len(right)))
        scores = self.pair_scores(both, rows.ravel(), len(left) + columns.ravel())
        return scores.reshape(len(left), len(right))


def _normalise(
    kind: Normalisation, enrolled: Enrolled, cosine: Floats, first: Indices, second: Indices
) -> Floats:
    match kind:
        case "none":
            return cosine
        case "csls":
            return cosine - (enrolled.level[first] + enrolled.level[second]) * _HALF
        case "as-norm":
            one = (cosine - enrolled.level[first]) / enrolled.spread[first]
            two = (cosine - enrolled.level[second]) / enrolled.spread[second]
            return (one + two) * _HALF
    assert_never(kind)


def _cosines(embeddings: Floats, first: Indices, second: Indices) -> Floats:
    """Return the cosine of each pair, by one matrix product where the pairs fill the matrix."""
    rows, row = np.unique(first, return_inverse=True)
    columns, column = np.unique(second, return_inverse=True)
    if len(rows) * len(columns) <= 8 * len(first) and len(first) > 10_000:
        products: Floats = (embeddings[rows] @ embeddings[columns].T)[row, column]
        return products
    cosines = np.empty(len(first), np.float32)
    for start in range(0, len(first), 65_536):
        block = slice(start, start + 65_536)
        np.einsum(
            "md,md->m", embeddings[first[block]], embeddings[second[block]], out=cosines[block]
        )
    return cosines
