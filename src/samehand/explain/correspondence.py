"""Which region of one painting speaks for which region of another.

Two regions correspond where each is the other's most alike (mutual nearest neighbours among the
patch embeddings of the whole views), and such a match counts by how unusual it is: everyone
paints sky. Unusual means that few works by other painters have a region as much alike to either.

Shapes: P patches of a painting, D embedding width, N regions of other painters, G x G = P cells.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samehand.explain.regions import cell
from samehand.records import Floats
from samehand.results import Match
from samehand.scoring.ties import ROUNDING, first_best

COMMONEST = 2.0
"""A likeness counts as a match if at most one work by another painter in this many shows it."""


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


def correspond(left: Floats, right: Floats, others: Floats, count: int = 5) -> Correspondence:
    """Match the regions of two paintings.

    Args:
        left: Patch embeddings of the left painting, unit length, (P, D), P a square number.
        right: Those of the right painting, (P, D).
        others: Embeddings of regions of other painters' works, (N, D).
        count: How many matches at most.

    Returns:
        The matches; swapping the two paintings swaps their sides and changes nothing else.
    """
    similarity = left @ right.T
    unusual = -np.log10(_share_of_works(similarity, left, right, others))
    side = math.isqrt(len(left))
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


def rarest(regions: int, cells: int) -> float:
    """Return the rarity of a likeness that no region of the background has; see `Match.rarity`.

    Args:
        regions: N, how many regions the background holds.
        cells: P, how many regions a painting has.
    """
    return float(1 / (1 - (1 - 0.5 / regions) ** cells))


def _share_of_works(
    similarity: Floats, left: Floats, right: Floats, others: Floats
) -> NDArray[np.float64]:
    """Return the share of works with a region as much alike to either of two regions, (P, P).

    Where a share s of all regions is as much alike, a work of P regions has one or more with
    1 - (1 - s)^P, taking them as independent. For s the mean of the two regions' own shares is
    taken, and never less than half a region in N, which is the least that N can show.
    """
    shares = [
        _share_above(similarity, left @ others.T),
        _share_above(similarity.T, right @ others.T).T,
    ]
    mean = np.maximum((shares[0] + shares[1]) / 2, 0.5 / len(others))
    works: NDArray[np.float64] = 1 - (1 - mean) ** len(left)
    return works


def _share_above(similarity: Floats, to_others: Floats) -> NDArray[np.float64]:
    """Return, for each row, the share of the others' cosines that reach each similarity."""
    # A region that is the very same, as a plain sky is, must count whatever the last bit says.
    rising = np.sort(to_others, axis=1)
    reached = [
        len(row) - np.searchsorted(row, wanted - ROUNDING, side="left")
        for row, wanted in zip(rising, similarity, strict=True)
    ]
    shares: NDArray[np.float64] = np.stack(reached) / to_others.shape[1]
    return shares
