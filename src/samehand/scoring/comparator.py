"""Two embeddings to one raw score, corrected by how crowded each painting's neighbourhood is.

A model that learned to score pairs brings a head of its own instead; whoever enrols paintings and
asks for the scores of pairs need not know which.

Shapes: N embeddings of width D, C cohort embeddings, M pairs.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Literal, assert_never

import numpy as np
from numpy.typing import NDArray

from samehand.errors import ModelError
from samehand.records import Floats

Normalisation = Literal["none", "csls", "as-norm"]
Indices = NDArray[np.integer]
PairHead = Callable[[Floats, Floats], Floats]
"""Two encodings, (M, D) each, to a logit a pair, (M,); swapping the two changes nothing."""

_PAIRS_AT_ONCE = 1_000_000
# A head sees whole encodings, tens of thousands of numbers each.
_PAIRS_AT_A_HEAD = 64
_HALF = np.float32(0.5)


@dataclass(frozen=True, slots=True)
class Comparator:
    """How raw scores are made.

    Attributes:
        normalisation: "none" is the cosine. "csls" takes away each painting's mean cosine to its
            nearest cohort members (Conneau et al., ICLR 2018, equation 3, halved to stay on the
            scale of a cosine). "as-norm" divides by their spread as well (Matějka et al.,
            Interspeech 2017, section 2: adaptive symmetric normalisation).
        neighbours: How many of the nearest cohort members count, at least 2.
        cohort: Unit embeddings of training paintings, or of training artists, (C, D).
        head: Scores pairs in place of the cosine; then there is no cohort, and no correction.
    """

    normalisation: Normalisation
    neighbours: int
    cohort: Floats
    head: PairHead | None = None

    def __post_init__(self) -> None:
        if self.head is None and not 2 <= self.neighbours <= len(self.cohort):
            raise ModelError(
                f"a cohort of {len(self.cohort)} paintings cannot give {self.neighbours} "
                "neighbours; export the model again with other [serve] settings"
            )


def head_comparator(head: PairHead) -> Comparator:
    """Return the comparator of a model that learned to score pairs."""
    return Comparator("none", 0, np.empty((0, 0), np.float32), head)


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


def enrol(comparator: Comparator, embeddings: Floats) -> Enrolled:
    """Compare embeddings with the cohort.

    Args:
        comparator: Whose cohort and how many neighbours.
        embeddings: Unit length, (N, D), or the encodings that the comparator's head takes.
    """
    if comparator.head is not None:
        ones = np.ones(len(embeddings), np.float32)
        return Enrolled(embeddings, np.zeros_like(ones), ones)
    count = comparator.neighbours
    level = np.empty(len(embeddings), np.float32)
    spread = np.empty_like(level)
    # Blocks bound the memory at 1024 x C cosines whatever N is.
    for start in range(0, len(embeddings), 1024):
        block = slice(start, start + 1024)
        cosines = embeddings[block] @ comparator.cohort.T
        top = np.partition(cosines, -count, axis=1)[:, -count:]
        level[block] = top.mean(axis=1)
        spread[block] = np.maximum(top.std(axis=1), 1e-3)
    return Enrolled(embeddings, level, spread)


def taken(enrolled: Enrolled, chosen: Indices) -> Enrolled:
    """Return some of the enrolled paintings, in the order of their indices `chosen`."""
    return Enrolled(*(getattr(enrolled, field.name)[chosen] for field in fields(Enrolled)))


def pair_scores(
    comparator: Comparator, enrolled: Enrolled, left: Indices, right: Indices
) -> Floats:
    """Score pairs of enrolled paintings; swapping `left` and `right` changes nothing.

    Args:
        comparator: Which correction to apply.
        enrolled: The N paintings that the indices name.
        left: Indices, (M,).
        right: Indices, (M,).

    Returns:
        Raw scores, (M,); larger speaks for the same artist.
    """
    scores = np.empty(len(left), np.float32)
    at_once = _PAIRS_AT_ONCE if comparator.head is None else _PAIRS_AT_A_HEAD
    for start in range(0, len(left), at_once):
        block = slice(start, start + at_once)
        first = np.minimum(left[block], right[block])
        second = np.maximum(left[block], right[block])
        if comparator.head is not None:
            scores[block] = comparator.head(enrolled.embeddings[first], enrolled.embeddings[second])
            continue
        cosine = _cosines(enrolled.embeddings, first, second)
        scores[block] = _normalise(comparator.normalisation, enrolled, cosine, first, second)
    return scores


def cross_scores(comparator: Comparator, left: Enrolled, right: Enrolled) -> Floats:
    """Score every painting of one set with every painting of another.

    Args:
        comparator: Which correction to apply.
        left: M enrolled paintings.
        right: N enrolled paintings.

    Returns:
        Raw scores, (M, N), those of `pair_scores` but for rounding.
    """
    cosine = left.embeddings @ right.embeddings.T
    match comparator.normalisation:
        case "none":
            return cosine
        case "csls":
            return cosine - (left.level[:, None] + right.level[None]) * _HALF
        case "as-norm":
            one = (cosine - left.level[:, None]) / left.spread[:, None]
            two = (cosine - right.level[None]) / right.spread[None]
            return (one + two) * _HALF
    assert_never(comparator.normalisation)


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
