"""The queue: pairs between certain and unlikely, those first whose decision would teach most.

The rule and its reasons are in ADR 0044. Shapes: N works, B works of one block.
"""

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from samehand.errors import GalleryError, SamehandError
from samehand.gallery import Gallery, StoredWork
from samehand.gallery.decisions import Settled, decided_work, links
from samehand.model.folder import ModelFolder
from samehand.model.readings import llrs_of_pairs, usual_scores
from samehand.records import PictureKind
from samehand.results import Queue, Suggestion
from samehand.scoring.calibration import Float64s, probability
from samehand.scoring.comparator import Enrolled
from samehand.scoring.ties import ranked
from samehand.verification.grouping import Constraints, group_works
from samehand.verification.hands import MOST_WORKS

UNLIKELY, CERTAIN = 0.05, 0.95
"""Pairs whose probability lies outside teach little, and are not asked about."""

_ROWS_AT_ONCE = 512
_OF_EACH = 10
"""So many of a work's pairs are looked at, those of the greatest value."""


def queue(
    folder: ModelFolder,
    gallery: Gallery,
    *,
    top: int = 20,
    where: Sequence[str] = (),
    prior: float = 0.5,
    labelled: bool = False,
) -> Queue:
    """Suggest pairs of works to decide about; see `SameHand.queue`."""
    started = time.perf_counter()
    gallery.require(folder)
    probability(0.0, prior)
    if top < 1:
        raise SamehandError(f"top must be at least 1, not {top}")
    if gallery.count(where) > MOST_WORKS:
        raise GalleryError(
            f"the gallery {gallery.name} has more than {MOST_WORKS:,} such works, too many to "
            "compare all at once; choose some with --where"
        )
    works, rows = gallery.embeddings(where)
    settled = Settled(links(gallery.store.read_decisions()))
    found: list[Suggestion] = []
    if len(works) > 1:
        compared = folder.comparator.enrol(rows), gallery.kinds(works)
        found = _suggestions(folder, works, compared, settled, prior, labelled)
    return Queue(
        suggestions=tuple(found[:top]),
        waiting=len(found),
        works=len(works),
        decided=len(links(gallery.store.read_decisions())),
        prior=prior,
        gallery=gallery.name,
        model=folder.identity,
        seconds=time.perf_counter() - started,
    )


def entropy(chance: Float64s) -> Float64s:
    """Return the entropy of a yes or no, in bits (Shannon 1948), elementwise.

    Args:
        chance: P(yes), in [0, 1].
    """
    inner = np.clip(chance, 1e-12, 1 - 1e-12)
    bits: Float64s = -(inner * np.log2(inner) + (1 - inner) * np.log2(1 - inner))
    return bits


def _suggestions(
    folder: ModelFolder,
    works: Sequence[StoredWork],
    compared: tuple[Enrolled, Sequence[PictureKind | None]],
    settled: Settled,
    prior: float,
    labelled: bool,
) -> list[Suggestion]:
    enrolled, kinds = compared
    digests = [stored.sha256 for stored in works]
    least = folder.config.calibration.points["fmr1"].same_at_least
    read = usual_scores(folder, enrolled, kinds)
    groups = group_works(len(works), read, least, Constraints.of(settled, digests))
    sizes = np.bincount(groups)[groups]
    sure = np.array([_is_labelled(stored) for stored in works]) & (not labelled)
    closed = _closed(digests, settled)
    everything = np.arange(len(works))
    best: dict[tuple[int, int], tuple[float, int, int, float, float]] = {}
    for start in range(0, len(works), _ROWS_AT_ONCE):
        some = np.arange(start, min(start + _ROWS_AT_ONCE, len(works)))
        scores = folder.comparator.cross_scores(enrolled.take(some), enrolled)
        left, right = (axis.ravel() for axis in np.meshgrid(some, everything, indexing="ij"))
        llrs, _ = llrs_of_pairs(folder.config, kinds, left, right, scores.ravel())
        llrs = llrs.reshape(scores.shape)
        chance = probability(llrs, prior)
        asked = (chance >= UNLIKELY) & (chance <= CERTAIN) & ~(sure[some, None] & sure[None])
        asked &= some[:, None] < np.arange(len(works))[None]
        for row in np.flatnonzero([i in closed for i in some.tolist()]).tolist():
            asked[row, closed[start + row]] = False
        value = np.where(asked, entropy(chance) * _settles(groups, sizes, some), 0.0)
        for row, i in enumerate(some.tolist()):
            for j in ranked(value[row])[:_OF_EACH].tolist():
                worth = float(value[row, j])
                hands = (min(groups[i], groups[j]), max(groups[i], groups[j]))
                if worth > 0 and worth > best.get(hands, (0.0,))[0]:
                    best[hands] = (worth, i, j, float(llrs[row, j]), float(chance[row, j]))
    chosen = list(best.values())
    order = ranked(np.array([one[0] for one in chosen])) if chosen else np.empty(0, np.int64)
    return [
        _suggestion(rank, works, chosen[i], _settles(groups, sizes, np.array([chosen[i][1]]))[0])
        for rank, i in enumerate(order.tolist(), 1)
    ]


def _settles(
    groups: NDArray[np.int64], sizes: NDArray[np.int64], some: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return how many pairs of works a decision on each pair would settle, (B, N).

    Those between two hands, if the works are in two; those of the one work with the rest of its
    hand, if they are in one.
    """
    one = groups[some, None] == groups[None]
    counts: NDArray[np.int64] = np.where(one, sizes[None] - 1, sizes[some, None] * sizes[None])
    return counts


def _is_labelled(stored: StoredWork) -> bool:
    return stored.work.artist is not None and "qualifier" not in stored.work.extra


def _closed(digests: Sequence[str], settled: Settled) -> dict[int, list[int]]:
    """Return, for works that need no question, the works that they need none with."""
    places: dict[str, list[int]] = {}
    for i, digest in enumerate(digests):
        places.setdefault(digest, []).append(i)
    decided = [digest for digest in places if digest in settled.digests]
    closed: dict[int, list[int]] = {}
    for digest, works in places.items():
        others = works if len(works) > 1 else []
        if digest in settled.digests:
            settled_with = [
                other
                for other in decided
                if other != digest and settled.between(digest, other) is not None
            ]
            others = [*others, *(i for other in settled_with for i in places[other])]
        if others:
            closed |= dict.fromkeys(works, others)
    return closed


def _suggestion(
    rank: int,
    works: Sequence[StoredWork],
    chosen: tuple[float, int, int, float, float],
    settles: NDArray[np.int64],
) -> Suggestion:
    worth, i, j, llr, chance = chosen
    one, two = works[i], works[j]
    return Suggestion(
        rank=rank,
        first=decided_work(one.sha256, one.work),
        second=decided_work(two.sha256, two.work),
        llr=llr,
        probability=chance,
        pairs=int(settles[j]),
        value=worth,
    )
