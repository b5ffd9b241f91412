"""Works in groups of one probable hand each: average linkage that obeys people's decisions.

Shapes: N works, G groups.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from samehand.gallery.decisions import Settled
from samehand.model.readings import CrossScores
from samehand.scoring.calibration import Float64s

Ints = NDArray[np.int64]

_ROWS_AT_ONCE = 1024


@dataclass(frozen=True, slots=True)
class Constraints:
    """What is decided about works that are to be grouped, by their positions.

    Attributes:
        joined: Positions of works that belong into one group, a list for each such set.
        parted: Pairs of positions that no group may hold both of.
    """

    joined: tuple[tuple[int, ...], ...] = ()
    parted: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, settled: Settled, digests: Sequence[str]) -> "Constraints":
        """Return what decisions say of works with these contents, (N,)."""
        places: dict[str, list[int]] = {}
        for position, digest in enumerate(digests):
            places.setdefault(digest, []).append(position)
        joined = [
            tuple(sorted(i for one in works for i in places.get(one, ())))
            for works in settled.joined()
        ]
        parted = [
            pair
            for a, b in settled.parted()
            for pair in product(places.get(a, ()), places.get(b, ()))
        ]
        return cls(tuple(some for some in joined if len(some) > 1), tuple(parted))

    def __bool__(self) -> bool:
        return bool(self.joined or self.parted)


def group_works(
    count: int,
    scores: CrossScores,
    least: float,
    constraints: Constraints | None = None,
) -> Ints:
    """Return the number of each work's group, (N,), from 0 for the largest.

    Groups are merged while the mean score between their works is at least `least` (average
    linkage: Sokal & Michener 1958, "A statistical method for evaluating systematic relationships").
    Works that a decision joins are merged before all others. Groups between which a decision
    stands are not merged; the rest of what was to become one group is then merged anew, the best
    mean score first, as far as decisions allow (Davidson & Ravi 2005, "Agglomerative hierarchical
    clustering with constraints").

    Args:
        count: N.
        scores: Gives the scores between works, by their positions.
        least: A score.
        constraints: What people decided.
    """
    from scipy.cluster.hierarchy import fcluster, linkage

    if count == 1:
        return np.zeros(1, np.int64)
    distances, offset = _distances(count, scores)
    if constraints is not None and constraints.joined:
        # Below every other distance, so that these are merged first, whatever they look like.
        distances += 1.0
        offset += 1.0
        for works in constraints.joined:
            for position, one in enumerate(works):
                others = np.array(works[position + 1 :], np.int64)
                distances[_condensed(count, one, others)] = 0.0
    tree = linkage(distances, "average")
    del distances
    labels = fcluster(tree, max(0.0, offset - least), "distance").astype(np.int64) - 1
    if constraints is not None and constraints.parted:
        labels = _part(scores, least, tree, labels, constraints)
    return _by_size(labels)


def _distances(count: int, scores: CrossScores) -> tuple[Float64s, float]:
    """Return the distance of every pair, condensed, and what was added to make none negative."""
    everything = np.arange(count)
    distances = np.empty(count * (count - 1) // 2)
    filled = 0
    for start in range(0, count, _ROWS_AT_ONCE):
        some = np.arange(start, min(start + _ROWS_AT_ONCE, count))
        for row, position in zip(scores(some, everything), some.tolist(), strict=True):
            later = row[position + 1 :]
            distances[filled : filled + len(later)] = later
            filled += len(later)
    # Distances must not be negative; a common offset changes no mean's order.
    offset = float(distances.max())
    np.subtract(offset, distances, out=distances)
    return distances, offset


def _condensed(count: int, one: int, later: Ints) -> Ints:
    """Return where the distances of a work to later ones stand in a condensed matrix."""
    return count * one - one * (one + 1) // 2 + later - one - 1


def _part(
    scores: CrossScores,
    least: float,
    tree: Float64s,
    labels: Ints,
    constraints: Constraints,
) -> Ints:
    """Return labels, (N,), of which no group holds two works that a decision parts."""
    broken = np.unique([labels[a] for a, b in constraints.parted if labels[a] == labels[b]])
    if not len(broken):
        return labels
    inside = np.isin(labels, broken)
    pieces = _whole_parts(tree, set(np.flatnonzero(inside).tolist()), constraints.parted)
    # A piece may now fit another group, which its parted companions kept it from.
    others = _within_reach(scores, least, pieces, np.where(inside, -1, labels))
    found = labels.copy()
    fresh = int(labels.max()) + 1
    parts = pieces + [np.flatnonzero(labels == label).tolist() for label in others]
    for number, group in enumerate(_merged(scores, least, parts, constraints.parted), fresh):
        found[np.array(group, np.int64)] = number
    return np.unique(found, return_inverse=True)[1].astype(np.int64)


def _within_reach(
    scores: CrossScores, least: float, pieces: list[list[int]], labels: Ints
) -> list[int]:
    """Return the groups whose mean score with a piece is at least `least`; -1 labels no group.

    No other group can come to be merged with a piece: a mean over several groups is at least
    `least` only if one of the means that it is made of is, and the others' among themselves are
    not.
    """
    groups, place = np.unique(labels, return_inverse=True)
    sizes = np.bincount(place)
    found: set[int] = set()
    for piece in pieces:
        sums = np.zeros(len(groups))
        for start in range(0, len(piece), _ROWS_AT_ONCE):
            some = np.array(piece[start : start + _ROWS_AT_ONCE], np.int64)
            beside = scores(some, np.arange(len(labels))).sum(axis=0, dtype=np.float64)
            sums += np.bincount(place, beside, len(groups))
        found.update(groups[sums / (sizes * len(piece)) >= least].tolist())
    return sorted(found - {-1})


def _whole_parts(
    tree: Float64s, works: set[int], parted: Sequence[tuple[int, int]]
) -> list[list[int]]:
    """Return the largest groups of the tree, within some works, that hold no parted pair."""
    count = len(tree) + 1
    enemies: dict[int, set[int]] = {}
    for a, b in parted:
        enemies.setdefault(a, set()).add(b)
        enemies.setdefault(b, set()).add(a)
    # Each group of the tree that can still grow; a group that cannot is one of the answer.
    whole: dict[int, list[int]] = {one: [one] for one in works}
    answer: list[list[int]] = []
    for number, (left, right) in enumerate(tree[:, :2].astype(np.int64).tolist(), count):
        one, two = whole.pop(left, None), whole.pop(right, None)
        if one is None or two is None:
            answer += [some for some in (one, two) if some is not None]
            continue
        if any(not enemies[i].isdisjoint(two) for i in one if i in enemies):
            answer += [one, two]
            continue
        whole[number] = one + two
    return answer + list(whole.values())


def _merged(
    scores: CrossScores,
    least: float,
    parts: list[list[int]],
    parted: Sequence[tuple[int, int]],
) -> list[list[int]]:
    """Merge groups, the best mean score first, while it is at least `least` and none is parted."""
    sums = _sums(scores, parts)
    sizes = np.array([len(part) for part in parts], np.float64)
    place = {work: number for number, part in enumerate(parts) for work in part}
    barred = np.eye(len(parts), dtype=bool)
    for a, b in parted:
        if a in place and b in place:
            barred[place[a], place[b]] = barred[place[b], place[a]] = True
    groups: list[list[int]] = [list(part) for part in parts]
    while len(groups) > 1:
        means = np.where(barred, -np.inf, sums / np.outer(sizes, sizes))
        one, two = sorted(divmod(int(means.argmax()), len(groups)))
        if means[one, two] < least:
            break
        for matrix in (sums, sums.T):
            matrix[one] += matrix[two]
        barred[one] |= barred[two]
        barred[:, one] |= barred[:, two]
        barred[one, one] = True
        sizes[one] += sizes[two]
        groups[one] += groups.pop(two)
        keep = np.arange(len(sizes)) != two
        sums, barred, sizes = sums[keep][:, keep], barred[keep][:, keep], sizes[keep]
    return groups


def _sums(scores: CrossScores, parts: Sequence[Sequence[int]]) -> Float64s:
    """Return the sum of the scores between each two groups, (G, G)."""
    works = np.array([work for part in parts for work in part], np.int64)
    starts = np.cumsum([0, *(len(part) for part in parts[:-1])])
    sums = np.zeros((len(parts), len(parts)))
    owner = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    for start in range(0, len(works), _ROWS_AT_ONCE):
        some = np.arange(start, min(start + _ROWS_AT_ONCE, len(works)))
        beside = scores(works[some], works).astype(np.float64)
        np.add.at(sums, owner[some], np.add.reduceat(beside, starts, axis=1))
    return sums


def _by_size(labels: Ints) -> Ints:
    """Number groups from 0 for the largest; of equal ones the first comes first."""
    sizes = np.bincount(labels)
    first = np.unique(labels, return_index=True)[1]
    order = np.lexsort((first, -sizes))
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    numbers: Ints = rank[labels].astype(np.int64)
    return numbers
