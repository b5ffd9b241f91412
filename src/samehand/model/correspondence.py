"""Which region of one painting speaks for which region of another.

Two regions correspond where each is the other's most alike (mutual nearest neighbours among the
patch embeddings of the whole views), and such a match counts by how unusual it is: everyone
paints sky. Unusual means that few works by other painters have a region as much alike to either.

What an encoder makes of a region depends on where the region lies as well: cells at the border
resemble one another whatever is painted there, since nothing lies beyond them. So the mean of all
regions at such a place is taken away first, and a likeness to a region at a border is held against
regions at borders, one to a region within against regions within. What that leaves is measured on
pairs of held-out artists and taken off: see `fit_discount`.

Shapes: P patches of a painting, D embedding width, N regions of other painters, G x G = P cells.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samehand.model.background import MIDDLE, places_of
from samehand.model.regions import cell, touches_border
from samehand.records import Floats
from samehand.results import Match
from samehand.scoring.ties import ROUNDING, first_best

COMMONEST = 2.0
"""A likeness counts as a match if at most one work by another painter in this many shows it."""

SHOWN = 5
"""How many matches are shown at most."""

DISCOUNTS = tuple(round(0.02 * step, 2) for step in range(101))
"""What a likeness of two regions at the border may lose, log10."""


@dataclass(frozen=True, slots=True)
class Correspondence:
    """How the regions of two paintings correspond.

    Attributes:
        matches: The most unusual matches, none of them commoner than one in `COMMONEST` works.
        left: How unusual the best match of each cell of the left painting is, log10, (G, G).
        right: The same of the right painting, (G, G).
    """

    matches: tuple[Match, ...]
    left: Floats
    right: Floats


def correspond(
    left: Floats,
    right: Floats,
    others: Floats,
    places: NDArray[np.int64] | None = None,
    discount: float = 0.0,
    count: int = SHOWN,
) -> Correspondence:
    """Match the regions of two paintings.

    Args:
        left: Patch embeddings of the left painting, unit length, (P, D), P a square number.
        right: Those of the right painting, (P, D).
        others: Embeddings of regions of other painters' works, (N, D).
        places: Where in their paintings those lie, (N,), as `places_of`; None leaves out of
            account where regions lie.
        discount: What a likeness of two regions at the border loses, log10, and one of a region
            at the border to one within by half; see `fit_discount`.
        count: How many matches at most.

    Returns:
        The matches; swapping the two paintings swaps their sides and changes nothing else.
    """
    side = math.isqrt(len(left))
    own_places = places_of(side)
    at_border = (own_places != MIDDLE).astype(np.int64)
    if places is None:
        own_places, places = np.full(len(left), MIDDLE), np.full(len(others), MIDDLE)
    else:
        means = _means(others, places)
        left, right = (_unit(patches - means[own_places]) for patches in (left, right))
        others = _unit(others - means[places])
    similarity = left @ right.T
    inside, others_inside = own_places == MIDDLE, places == MIDDLE
    works = _share_of_works(similarity, (left, right), inside, others, others_inside)
    lost = discount * (at_border[:, None] + at_border[None]) / 2
    unusual = np.maximum(-np.log10(works) - lost, 0.0)
    best_right, best_left = first_best(similarity, axis=1), first_best(similarity, axis=0)
    own = np.arange(len(left))
    mutual = own[best_left[best_right] == own]
    partners = best_right[mutual]
    strengths = unusual[mutual, partners]
    # Ties go to the more alike, then to an order that does not ask which painting is the left.
    alike = similarity[mutual, partners]
    order = np.lexsort((np.abs(mutual - partners), mutual + partners, -alike, -strengths))
    order = order[strengths[order] >= math.log10(COMMONEST)][:count]
    matches = tuple(
        Match(
            number + 1,
            cell(int(mutual[index]), side),
            cell(int(partners[index]), side),
            float(alike[index]),
            float(10 ** strengths[index]),
            float(strengths[index]),
        )
        for number, index in enumerate(order)
    )
    return Correspondence(
        matches,
        unusual[own, best_right].reshape(side, side).astype(np.float32),
        unusual[best_left, np.arange(len(right))].reshape(side, side).astype(np.float32),
    )


def rarest(places: NDArray[np.int64] | None, regions: int, cells: int) -> float:
    """Return the rarity of a likeness that no region of the background has; see `Match.rarity`.

    Args:
        places: Where the background's regions lie, or None where that is not known.
        regions: N, how many regions the background holds.
        cells: P, how many regions a painting has.
    """
    if places is not None and 0 < (inside := int((places == MIDDLE).sum())) < regions:
        regions = min(inside, regions - inside)
    return float(1 / (1 - (1 - 0.5 / regions) ** cells))


def fit_discount(
    pairs: Sequence[tuple[Floats, Floats]],
    others: Floats,
    places: NDArray[np.int64] | None = None,
) -> float:
    """Find what a likeness at the border must lose, so that windows lie there no more than others.

    Args:
        pairs: Patch embeddings of two paintings each, both (P, D), of artists who are not among
            `others` nor in training: half of the pairs by one artist, half by two.
        others: As `correspond` takes them, (N, D).
        places: Likewise, (N,).

    Returns:
        The least of `DISCOUNTS` with which the share of the windows shown that lie at the border
        is at most that of the cells; the last of them where none is.
    """
    all_matches = [correspond(*pair, others, places, count=len(pair[0])).matches for pair in pairs]
    border = [(places_of(math.isqrt(len(left))) != MIDDLE).mean() for left, _ in pairs]
    chance = float(np.mean(border)) if border else 1.0
    for discount in DISCOUNTS:
        shown = [at_border for matches in all_matches for at_border in _shown(matches, discount)]
        if sum(shown) <= 2 * chance * len(shown):
            return discount
    return DISCOUNTS[-1]


def _shown(matches: Sequence[Match], discount: float) -> list[int]:
    """Return, of the matches that a discount leaves, how many regions lie at the border."""
    left = []
    for match in matches:
        at_border = touches_border(match.left) + touches_border(match.right)
        strength = match.strength - discount * at_border / 2
        if strength >= math.log10(COMMONEST):
            left.append((-strength, -match.similarity, at_border))
    return [at_border for _, _, at_border in sorted(left)[:SHOWN]]


def _means(others: Floats, places: NDArray[np.int64]) -> Floats:
    """Return the mean region of each place, (9, D); zero where there is none."""
    means = np.zeros((9, others.shape[1]), np.float32)
    for place in np.unique(places).tolist():
        means[place] = others[places == place].mean(axis=0)
    return means


def _unit(rows: Floats) -> Floats:
    lengths: Floats = np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    unit: Floats = (rows / lengths).astype(np.float32)
    return unit


def _share_of_works(
    similarity: Floats,
    patches: tuple[Floats, Floats],
    inside: NDArray[np.bool_],
    others: Floats,
    others_inside: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Return the share of works with a region as much alike to either of two regions, (P, P).

    Where a share s of all regions is as much alike, a work of P regions has one or more with
    1 - (1 - s)^P, taking them as independent. For s the mean of the two regions' own shares is
    taken, each among the regions that lie as the other one does: within, or at the border; and
    never less than half a region of those, which is the least that so many can show.
    """
    left, right = patches
    among = np.array([(others_inside == within).sum() or len(others) for within in inside])
    least = (0.5 / among[:, None] + 0.5 / among[None]) / 2
    shares = [
        _share_above(similarity, left @ others.T, inside, others_inside),
        _share_above(similarity.T, right @ others.T, inside, others_inside).T,
    ]
    mean = np.maximum((shares[0] + shares[1]) / 2, least)
    works: NDArray[np.float64] = 1 - (1 - mean) ** len(left)
    return works


def _share_above(
    similarity: Floats,
    to_others: Floats,
    inside: NDArray[np.bool_],
    others_inside: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Return, for each row, the share of the others' cosines that reach each similarity."""
    shares = np.empty(similarity.shape)
    for within in (False, True):
        columns = inside == within
        if not columns.any():
            continue
        among = others_inside == within
        if not among.any():
            among[:] = True
        # A region that is the very same, as a plain sky is, must count whatever the last bit says.
        rising = np.sort(to_others[:, among], axis=1)
        reached = [
            len(row) - np.searchsorted(row, wanted - ROUNDING, side="left")
            for row, wanted in zip(rising, similarity[:, columns], strict=True)
        ]
        shares[:, columns] = np.stack(reached) / rising.shape[1]
    return shares
