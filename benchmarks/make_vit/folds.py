"""Calibration by training artists whom the discriminants have not met, in folds.

Sixty validation artists say little of rates of 1 %. So training artists are divided in folds, and
each fold is embedded by discriminants of the other folds' artists and compared against a cohort of
theirs (`scoring.fitting.calibrate_together` has the source).

Shapes: N training pictures, F features, P pictures of a fold.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samehand.networks.discriminant import discriminants
from samehand.records import Floats, PictureKind
from samehand.scoring.comparator import Comparator, CosineComparator
from samehand.scoring.condition_fitting import (
    Pictures,
    ScoredPairs,
    fit_condition,
    nearest_pairs,
    pairs_of,
)
from samehand.scoring.conditions import Condition
from samehand.scoring.fitting import HeldOut
from samehand.training.discriminate import standardised

EACH = 3
"""Pictures of each artist and collection that calibrate, so that nobody counts for much more."""


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """Pictures that calibrate or are learned from; every sequence has N entries.

    Attributes:
        features: Of the frozen backbone, (N, F).
        artist: Number of each picture's artist, from 0, (N,).
        style: Style, None where it is not known.
        kind: What each can show.
        collection: Number of the collection that each comes from, (N,).
    """

    features: Floats
    artist: NDArray[np.int64]
    style: Sequence[str | None]
    kind: Sequence[PictureKind]
    collection: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Head:
    """How features become a comparable embedding.

    Attributes:
        width: Numbers in an embedding.
        ridge: Shrinkage of the discriminants.
        normalisation, neighbours, nearby: As for `CosineComparator`.
    """

    width: int
    ridge: float
    neighbours: int
    nearby: bool


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """A fold's chosen pictures, as discriminants of the other folds see them.

    Attributes:
        held_out: The P pictures, enrolled against the other folds' cohort.
        pictures: The same for calibration by kinds.
    """

    held_out: HeldOut
    pictures: Pictures


def folds_of(material: Material, head: Head, count: int, seed: int) -> Iterator[Fold]:
    """Yield the folds of training artists.

    Args:
        material: All training pictures.
        head: What is fitted anew without each fold.
        count: How many folds.
        seed: Decides who is in which, and which pictures calibrate.
    """
    rng = np.random.default_rng(seed)
    artists = int(material.artist.max()) + 1
    number = rng.permutation(artists) % count
    order = rng.permutation(len(material.artist))
    chosen = np.zeros(len(order), bool)
    taken: dict[tuple[int, int], int] = {}
    for index in order.tolist():
        key = int(material.artist[index]), int(material.collection[index])
        taken[key] = taken.get(key, 0) + 1
        chosen[index] = taken[key] <= EACH
    for fold in range(count):
        others = number[material.artist] != fold
        mean, deviation, scaled = standardised(material.features[others])
        known = np.unique(material.artist[others], return_inverse=True)[1]
        projection = discriminants(scaled, known, width=head.width, ridge=head.ridge)
        comparator = CosineComparator(
            "csls",
            min(head.neighbours, int(known.max()) + 1),
            artist_means(_unit(scaled @ projection), known),
            head.nearby,
        )
        picked = np.flatnonzero(chosen & ~others)
        rows = _unit(
            np.asarray((material.features[picked] - mean) / deviation, np.float32) @ projection
        )
        yield _fold(material, comparator, picked, rows)


def _fold(
    material: Material, comparator: Comparator, picked: NDArray[np.int64], rows: Floats
) -> Fold:
    enrolled = comparator.enrol(rows)
    kinds = [material.kind[index] for index in picked]
    return Fold(
        HeldOut(
            comparator,
            enrolled,
            [f"{material.artist[index]:06}" for index in picked],
            [material.style[index] for index in picked],
        ),
        Pictures(enrolled, material.artist[picked], picked, kinds, material.collection[picked]),
    )


def conditions_of(groups: Sequence[tuple[Comparator, Pictures]]) -> tuple[Condition, ...]:
    """Fit a calibration for every two kinds that enough artists show, over all groups.

    Args:
        groups: Pictures and what compares them; no artist, work or collection number means
            another in another group.

    Raises:
        ModelError: Paintings by one artist score no higher than those by two.
    """
    names = sorted({kind for _, pictures in groups for kind in pictures.kind})
    count = 1 + max(int(pictures.collection.max()) for _, pictures in groups)
    found = []
    for index, one in enumerate(names):
        for two in names[index:]:
            parts = [_pairs(comparator, each, one, two, count) for comparator, each in groups]
            pairs = ScoredPairs(
                *(
                    np.concatenate([getattr(part, field) for part in parts])
                    for field in ("scores", "same", "left_artist", "right_artist", "collection")
                )
            )
            condition = fit_condition((one, two), nearest_pairs(pairs, count))
            if condition is not None:
                found.append(condition)
    return tuple(found)


def _pairs(
    comparator: Comparator, pictures: Pictures, one: str, two: str, count: int
) -> ScoredPairs:
    kinds = np.array(pictures.kind)
    pairs = pairs_of(comparator, pictures, kinds == one, kinds == two)
    own = int(pictures.collection.max()) + 1
    # Two collections are one number, which depends on how many there are.
    lower, upper = pairs.collection // own, pairs.collection % own
    return ScoredPairs(
        pairs.scores, pairs.same, pairs.left_artist, pairs.right_artist, lower * count + upper
    )


def _unit(rows: Floats) -> Floats:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(norms, 1e-12), np.float32)


def artist_means(rows: Floats, labels: NDArray[np.int64]) -> Floats:
    """Return the direction of every artist's mean embedding, (A, D)."""
    sums = np.zeros((int(labels.max()) + 1, rows.shape[1]), np.float32)
    np.add.at(sums, labels, rows)
    return _unit(sums)
