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
from samehand.gallery.decisions import Settled, links
from samehand.model.folder import ModelFolder
from samehand.model.readings import usual_scores
from samehand.records import PictureKind
from samehand.results import Clustering, Hand, Suspect
from samehand.scoring.artists import artist_llrs
from samehand.scoring.calibration import Float64s
from samehand.scoring.comparator import Enrolled, Indices
from samehand.scoring.ties import ROUNDING, ranked
from samehand.verification.condition import reading_of_set
from samehand.verification.copies import duplicates_of
from samehand.verification.decided import contradictions
from samehand.verification.grouping import Constraints, group_works
from samehand.verification.references import attribution_of

MOST_WORKS = 15_000
"""Grouping holds a distance for every pair of works: 0.9 GB for this many."""

_MOST_REFERENCES = 30


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
    settled = Settled(links(gallery.store.read_decisions()))
    constraints = Constraints.of(settled, [stored.sha256 for stored in works])
    kinds = gallery.kinds(works)
    read = usual_scores(folder, enrolled, kinds)
    groups = group_works(len(works), read, least, constraints)
    return Clustering(
        hands=_hands(works, groups),
        suspects=tuple(
            _suspects(folder, works, (enrolled, kinds), groups, suspects, any_attribution, settled)
        ),
        works=len(works),
        gallery=gallery.name,
        model=folder.identity,
        seconds=time.perf_counter() - started,
        joined=tuple(tuple(works[i].work.path for i in some) for some in constraints.joined),
        parted=tuple((works[a].work.path, works[b].work.path) for a, b in constraints.parted),
        warnings=contradictions(settled, gallery),
    )


def suspect_labels(
    folder: ModelFolder, gallery: Gallery, count: int, *, any_attribution: bool = False
) -> tuple[Suspect, ...]:
    """Return the suspect labels of `cluster` without grouping, for galleries of any size.

    Args:
        folder: The model that made the embeddings.
        gallery: Whose works.
        count: How many to list, at most.
        any_attribution: See `cluster`.

    Returns:
        Labels, the most suspect first; the `hand` of each is 0, as nothing was grouped.

    Raises:
        GalleryError: The gallery is another model's.
        ModelError: The model has no rule for references.
    """
    gallery.require(folder)
    attribution_of(folder)
    works, rows = gallery.embeddings()
    if not works:
        return ()
    settled = Settled(links(gallery.store.read_decisions()))
    compared = folder.comparator.enrol(rows), gallery.kinds(works)
    apart = np.full(len(works), -1, np.int64)
    return tuple(_suspects(folder, works, compared, apart, count, any_attribution, settled))


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
    compared: tuple[Enrolled, Sequence[PictureKind | None]],
    groups: NDArray[np.int64],
    count: int,
    any_attribution: bool,
    settled: Settled,
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
    known, kinds = compared[0].take(named), [compared[1][i] for i in named]

    # Kinds as numbers: one call a kind, and not one a work and artist, is 20 million calls fewer
    # for 20,000 works by 1,000 artists.
    several = list(dict.fromkeys(kinds))
    number = np.array([several.index(kind) for kind in kinds], np.int64)

    def read(probes: Indices, references: Indices, scores: Float64s) -> Float64s:
        beside = [kinds[i] for i in references]
        read_as = np.empty(len(scores))
        for kind in np.unique(number[probes]).tolist():
            of_kind = number[probes] == kind
            reading = reading_of_set(folder.config, several[kind], beside)
            read_as[of_kind] = reading.as_usual(pairs, scores[of_kind])
        return read_as

    llrs = artist_llrs(
        folder.comparator, known, labels, rule, pairs, _MOST_REFERENCES, 0, read=read
    )
    digests = [works[i].sha256 for i in named]
    confirmed = _decided_labels(llrs, labels, digests, settled)
    suspicion, rival = suspicion_of(llrs, labels)
    suspicion[confirmed] = -np.inf
    paths = [works[i].work.path for i in named]
    duplicates = {
        i: other
        for i, other in duplicates_of(paths, known.embeddings, labels).items()
        if digests[i] == digests[other]
        or settled.between(digests[i], digests[other]) != "different"
    }
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
                rival_work=paths[_most_like(folder, known, i, labels == rival[i])],
            )
        )
    return found


def _apart(settled: Settled, one: str, two: str) -> bool:
    return one != two and settled.between(one, two) == "different"


def _most_like(folder: ModelFolder, known: Enrolled, one: int, among: NDArray[np.bool_]) -> int:
    """Return the position of the work, among some, with the best score beside a work."""
    places = np.flatnonzero(among)
    places = places[places != one] if len(places) > 1 else places
    scores = folder.comparator.cross_scores(known.take(np.array([one])), known.take(places))[0]
    return int(places[ranked(scores)[0]])


def _decided_labels(
    llrs: Float64s, labels: NDArray[np.int64], digests: Sequence[str], settled: Settled
) -> list[int]:
    """Take the artists out of question that decisions rule out, and return confirmed works.

    A work that people gave another hand than an artist's work is not that artist's; one that they
    gave the hand of another work under its own label bears it rightly.

    Args:
        llrs: (N, A) unsaturated llrs; what is ruled out becomes minus infinity.
        labels: (N,) number of each work's artist.
        digests: (N,) content hashes.
        settled: What people decided.
    """
    members: dict[str, list[int]] = {}
    for i, digest in enumerate(digests):
        if digest in settled.digests:
            members.setdefault(settled.hand(digest), []).append(i)
    confirmed = []
    for hand, works in members.items():
        others = {int(labels[j]) for one in settled.enemies(hand) for j in members.get(one, ())}
        for i in works:
            rivals = sorted(others - {int(labels[i])})
            llrs[i, rivals] = -np.inf
            same = [j for j in works if digests[j] != digests[i] and labels[j] == labels[i]]
            # One hand under two labels: either may be wrong.
            if same and len(set(labels[works].tolist())) == 1:
                confirmed.append(i)
    return confirmed
