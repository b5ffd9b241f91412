"""A gallery's works in probable hands, and the labels that the other works contradict.

Shapes: N works, D embedding width, A artists.
"""

import time
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from samehand.errors import GalleryError
from samehand.gallery import Gallery, StoredWork
from samehand.model.folder import ModelFolder
from samehand.results import Clustering, Hand, Suspect
from samehand.scoring.artists import artist_llrs
from samehand.scoring.calibration import Float64s
from samehand.scoring.comparator import Comparator, Enrolled
from samehand.scoring.ties import ROUNDING
from samehand.verification.copies import duplicates_of
from samehand.verification.references import attribution_of

MOST_WORKS = 15_000
"""Grouping holds a distance for every pair of works: 0.9 GB for this many."""

_MOST_REFERENCES = 30
_ROWS_AT_ONCE = 1024


def cluster(
    folder: ModelFolder,
    gallery: Gallery,
    *,
    where: Sequence[str] = (),
    suspects: int = 50,
    any_attribution: bool = False,
) -> Clustering:
    """Group a gallery's works into probable hands and list suspect labels.

    Args:
        folder: The model that made the embeddings.
        gallery: Whose works.
        where: Conditions that all hold.
        suspects: How many suspect labels to list, at most.
        any_attribution: Let works count as the artist's that are "after" or from the workshop;
            otherwise they are grouped, but no label is held against them, nor they against one.

    Raises:
        GalleryError: The gallery is another model's, or the works are none or too many.
        ModelError: The model has no rule for references.
    """
    started = time.perf_counter()
    gallery.require(folder)
    attribution_of(folder)
    if gallery.store.count(where) > MOST_WORKS:
        raise GalleryError(
            f"the gallery {gallery.name} has more than {MOST_WORKS:,} such works, too many to "
            "group at once; choose some with --where"
        )
    works, rows = gallery.embeddings(where)
    if not works:
        raise GalleryError(
            f"the gallery {gallery.name} has no work that meets the condition; "
            "add some, or change --where"
        )
    enrolled = folder.comparator.enrol(rows)
    least = folder.config.calibration.points["fmr1"].same_at_least
    groups = group_works(folder.comparator, enrolled, least)
    hands = _hands(works, groups)
    return Clustering(
        hands=hands,
        suspects=tuple(_suspects(folder, works, enrolled, groups, suspects, any_attribution)),
        works=len(works),
        gallery=gallery.name,
        model=folder.identity,
        seconds=time.perf_counter() - started,
    )


def group_works(comparator: Comparator, enrolled: Enrolled, least: float) -> NDArray[np.int64]:
    """Return the number of each work's group, (N,), from 0 for the largest.

    Groups are merged while the mean score between their works is at least `least` (average
    linkage: Sokal & Michener 1958, "A statistical method for evaluating systematic relationships").

    Args:
        comparator: The model's comparator.
        enrolled: N works.
        least: Raw score.
    """
    from scipy.cluster.hierarchy import fcluster, linkage

    count = len(enrolled.level)
    if count == 1:
        return np.zeros(1, np.int64)
    distances = np.empty(count * (count - 1) // 2)
    filled = 0
    for start in range(0, count, _ROWS_AT_ONCE):
        some = np.arange(start, min(start + _ROWS_AT_ONCE, count))
        scores = comparator.cross_scores(enrolled.take(some), enrolled)
        for row, position in zip(scores, some.tolist(), strict=True):
            later = row[position + 1 :]
            distances[filled : filled + len(later)] = later
            filled += len(later)
    # Distances must not be negative; a common offset changes no mean's order.
    offset = float(distances.max())
    np.subtract(offset, distances, out=distances)
    labels = fcluster(linkage(distances, "average"), max(0.0, offset - least), "distance") - 1
    sizes = np.bincount(labels)
    first = np.unique(labels, return_index=True)[1]
    order = np.lexsort((first, -sizes))
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    numbers: NDArray[np.int64] = rank[labels].astype(np.int64)
    return numbers


def suspicion_of(llrs: Float64s, labels: NDArray[np.int64]) -> tuple[Float64s, NDArray[np.int64]]:
    """Return how much better each work fits another artist than its own, and which.

    Args:
        llrs: (N, A) unsaturated llrs, of `artist_llrs`.
        labels: (N,) number of each work's artist.

    Returns:
        Suspicion, (N,), minus infinity where the artist has no other work or no rival; and the
        number of the rival, (N,).
    """
    rows = np.arange(len(labels))
    own = llrs[rows, labels]
    others = llrs.copy()
    others[rows, labels] = -np.inf
    rival = others.argmax(axis=1)
    best = others[rows, rival]
    suspicion = np.full(len(labels), -np.inf)
    judged = np.isfinite(own) & np.isfinite(best)
    suspicion[judged] = best[judged] - own[judged]
    return suspicion, rival


def _hands(works: Sequence[StoredWork], groups: NDArray[np.int64]) -> tuple[Hand, ...]:
    members: list[list[StoredWork]] = [[] for _ in range(int(groups.max()) + 1)]
    for stored, group in zip(works, groups.tolist(), strict=True):
        members[group].append(stored)
    return tuple(_hand(number, some) for number, some in enumerate(members, 1))


def _hand(number: int, works: Sequence[StoredWork]) -> Hand:
    labels = Counter(stored.work.artist for stored in works if stored.work.artist)
    ordered = dict(sorted(labels.items(), key=lambda item: (-item[1], item[0])))
    artist = next(iter(ordered), None)
    purity = ordered[artist] / sum(ordered.values()) if artist else 0.0
    return Hand(number, tuple(stored.work.path for stored in works), artist, purity, ordered)


def _suspects(
    folder: ModelFolder,
    works: Sequence[StoredWork],
    enrolled: Enrolled,
    groups: NDArray[np.int64],
    count: int,
    any_attribution: bool,
) -> list[Suspect]:
    rule, pairs = attribution_of(folder).references, folder.config.calibration
    named = np.array(
        [
            i
            for i, stored in enumerate(works)
            if stored.work.artist and (any_attribution or "qualifier" not in stored.work.extra)
        ],
        np.int64,
    )
    names, labels = np.unique(
        np.array([works[i].work.artist for i in named], object).astype(str), return_inverse=True
    )
    if len(names) < 2 or not count:
        return []
    labels = labels.astype(np.int64)
    known = enrolled.take(named)
    llrs = artist_llrs(folder.comparator, known, labels, rule, pairs, _MOST_REFERENCES, 0)
    suspicion, rival = suspicion_of(llrs, labels)
    paths = [works[i].work.path for i in named]
    duplicates = duplicates_of(paths, known.embeddings, labels)
    for position, other in duplicates.items():
        rival[position] = labels[other]
    # Of two labels of one picture one is wrong, so they come first. Otherwise a label is suspect
    # where another artist fits better, not merely almost as well.
    order = sorted(
        (i for i in range(len(named)) if i in duplicates or suspicion[i] > ROUNDING),
        key=lambda i: (i not in duplicates, -suspicion[i]),
    )
    low, high = rule.steps[-1].calibration.lower, rule.steps[-1].calibration.upper
    found = []
    for rank, i in enumerate(order[:count], 1):
        own, rivals = llrs[i, labels[i]], llrs[i, rival[i]]
        # The only work under its label has nothing that could speak for the label.
        alone = not np.isfinite(own)
        found.append(
            Suspect(
                rank=rank,
                path=paths[i],
                title=works[named[i]].work.title,
                artist=str(names[labels[i]]),
                own_llr=None if alone else float(np.clip(own, low, high)),
                rival=str(names[rival[i]]),
                rival_llr=float(np.clip(rivals, low, high)),
                suspicion=None if alone else float(rivals - own),
                hand=int(groups[named[i]]) + 1,
                duplicate=paths[duplicates[i]] if i in duplicates else None,
                extra=works[named[i]].work.extra,
            )
        )
    return found
