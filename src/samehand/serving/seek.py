"""One probe against a gallery: which works are nearest, and which artist, if any, made it."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from samehand.errors import GalleryError, SamehandError
from samehand.images.decode import Decoded
from samehand.records import Floats
from samehand.scoring.calibration import llr_from_score, probability
from samehand.scoring.comparator import cross_scores, enrol
from samehand.scoring.openset import FalseAlarms
from samehand.scoring.references import (
    combine,
    reference_features,
    unsaturated,
)
from samehand.scoring.ties import ranked
from samehand.serving.findings import Candidate, Identification, Neighbour, SearchResult
from samehand.serving.folder import ModelFolder
from samehand.serving.gallery import Gallery, StoredWork
from samehand.serving.verify import attribution_of, probe_warnings

if TYPE_CHECKING:
    from samehand.serving.verifier import SameHand

_RERANKED = 200
"""At least so many works nearest by cosine are ordered again by the comparator's score."""

_SHORTLIST_WORKS = 1000
_SHORTLIST_ARTISTS = 100
"""Artists are compared in full if one of their works is among so many nearest to the probe."""

_WORKS_PER_ARTIST = 100
"""So many of an artist's works count, those nearest to the artist's mean; see ADR 0019."""


def search(
    verifier: "SameHand",
    probe: Decoded,
    gallery: Gallery,
    *,
    top: int,
    where: Sequence[str],
    exact: bool,
) -> SearchResult:
    """Answer from a decoded image; see `SameHand.search`."""
    started = time.perf_counter()
    gallery.require(verifier.model)
    if top < 1:
        raise SamehandError(f"{top} results are none at all; ask for at least 1")
    looked = verifier.look([probe])
    embedding = looked.embeddings[0]
    neighbours, is_exact = nearest_works(
        verifier.model, embedding, gallery, top=top, where=where, exact=exact, sha256=probe.sha256
    )
    info = gallery.index_info()
    return SearchResult(
        neighbours=tuple(neighbours),
        gallery=gallery.name,
        works=len(gallery),
        exact=is_exact,
        recall_at_10=None if is_exact or info is None else info.recall_at_10,
        warnings=tuple(probe_warnings(verifier.model, probe, looked)),
        model=verifier.model.identity,
        seconds=time.perf_counter() - started,
    )


def nearest_works(
    model: ModelFolder,
    probe: Floats,
    gallery: Gallery,
    *,
    top: int,
    where: Sequence[str] = (),
    exact: bool = False,
    sha256: str = "",
) -> tuple[list[Neighbour], bool]:
    """Return the nearest works by score, and whether every work was looked at.

    Args:
        model: The model that made the embeddings.
        probe: Unit length, (D,).
        gallery: Where to look.
        top: How many works, at most.
        where: Conditions that all hold.
        exact: Look at every work even where there is an index.
        sha256: Of the probe's file, to recognise it.
    """
    near = gallery.nearest(probe, max(_RERANKED, 2 * top), where, exact=exact)
    if not near.works:
        return [], near.exact
    scores = cross_scores(
        model.comparator,
        enrol(model.comparator, probe[None]),
        enrol(model.comparator, near.embeddings),
    )[0]
    order = ranked(scores)[:top]
    llrs = llr_from_score(model.config.calibration, scores)
    return [
        _neighbour(rank, near.works[i], float(scores[i]), float(llrs[i]), sha256)
        for rank, i in enumerate(order.tolist(), 1)
    ], near.exact


def identify(
    verifier: "SameHand",
    probe: Decoded,
    gallery: Gallery,
    *,
    top: int,
    where: Sequence[str],
    prior: float,
    threshold: FalseAlarms,
) -> Identification:
    """Answer from a decoded image; see `SameHand.identify`."""
    started = time.perf_counter()
    gallery.require(verifier.model)
    looked = verifier.look([probe])
    return identify_embedded(
        verifier.model,
        looked.embeddings[0],
        gallery,
        top=top,
        where=where,
        prior=prior,
        threshold=threshold,
        sha256=probe.sha256,
        warnings=probe_warnings(verifier.model, probe, looked),
        started=started,
    )


def identify_embedded(
    model: ModelFolder,
    probe: Floats,
    gallery: Gallery,
    *,
    top: int = 5,
    where: Sequence[str] = (),
    prior: float = 0.5,
    threshold: FalseAlarms = "far10",
    sha256: str = "",
    warnings: Sequence[str] = (),
    started: float | None = None,
) -> Identification:
    """Rank a gallery's artists as makers of a probe, or answer "none of these".

    The probe's own file is left out of the gallery, as far as its hash tells.

    Args:
        model: The model that made the embeddings.
        probe: Unit length, (D,).
        gallery: Where to look; works without an artist are passed over.
        top: How many candidates to return, at most.
        where: Conditions that all hold.
        prior: P(one of these) before looking, strictly between 0 and 1.
        threshold: Which false alarm rate the decision promises.
        sha256: Of the probe's file, to recognise it.
        warnings: What is known of the image.
        started: When the work began, of `time.perf_counter`.

    Raises:
        GalleryError: The gallery has no work with an artist.
        ModelError: The model has no open-set rule.
        SamehandError: `prior`, `threshold` or `top` is not one that exists.
    """
    started = time.perf_counter() if started is None else started
    rule = attribution_of(model)
    point = rule.open_set.point(threshold)
    probability(0.0, prior)
    if top < 1:
        raise SamehandError(f"{top} candidates are none at all; ask for at least 1")
    named = [*where, "artist!="]
    artists = gallery.count_artists(named)
    near = gallery.nearest(probe, _SHORTLIST_WORKS, named)
    names = list(dict.fromkeys(stored.work.artist or "" for stored in near.works))
    if not names:
        raise GalleryError(f"the gallery {gallery.name} has no work with an artist to compare with")
    asked = enrol(model.comparator, probe[None])
    found = []
    for name in names[:_SHORTLIST_ARTISTS]:
        works, rows = gallery.embeddings([*where, f"artist={name}"])
        kept = [i for i, stored in enumerate(works) if stored.sha256 != sha256]
        if not kept:
            continue
        rows = rows[_central(rows[kept], kept)]
        step = rule.references.at(len(rows))
        features = reference_features(
            model.comparator, asked, enrol(model.comparator, rows), model.config.calibration.slope
        )
        score = combine(step, features)
        llr = float(llr_from_score(step.calibration, score)[0])
        found.append((float(unsaturated(step.calibration, score)[0]), llr, name, len(rows)))
    if not found:
        raise GalleryError(f"the gallery {gallery.name} holds nothing but the probe itself")
    found.sort(key=lambda one: one[2])
    found = [found[i] for i in ranked(np.array([one[0] for one in found])).tolist()]
    evidence = rule.open_set.score(found[0][0], artists)
    known_llr = rule.open_set.llr(evidence)
    none = 1.0 - float(probability(known_llr, prior))
    odds = np.array([10.0**llr for _, llr, _, _ in found])
    # The artists beyond the shortlist have next to no odds; those of "one of these" are shared.
    shares = (1.0 - none) * odds / odds.sum()
    candidates = tuple(
        Candidate(
            rank=rank,
            artist=name,
            llr=llr,
            score=score,
            probability=float(shares[rank - 1]),
            works=works,
            nearest=tuple(
                stored.work.path
                for stored in near.works
                if stored.work.artist == name and stored.sha256 != sha256
            )[:3],
        )
        for rank, (score, llr, name, works) in enumerate(found[:top], 1)
    )
    return Identification(
        artist=found[0][2] if evidence >= point.known_at_least else None,
        known_llr=known_llr,
        none_probability=none,
        prior=prior,
        threshold=threshold,
        false_alarms=point.false_alarms,
        detected=point.detected,
        candidates=candidates,
        gallery=gallery.name,
        artists=artists,
        warnings=tuple(warnings),
        model=model.identity,
        seconds=time.perf_counter() - started,
    )


def _central(rows: Floats, positions: list[int]) -> list[int]:
    """Return the positions of the works nearest to their mean, if there are too many."""
    if len(positions) <= _WORKS_PER_ARTIST:
        return positions
    order = np.argsort(-(rows @ rows.mean(axis=0)), kind="stable")
    return [positions[i] for i in sorted(order[:_WORKS_PER_ARTIST].tolist())]


def _neighbour(rank: int, stored: StoredWork, score: float, llr: float, sha256: str) -> Neighbour:
    work = stored.work
    return Neighbour(
        rank=rank,
        path=work.path,
        artist=work.artist,
        title=work.title,
        date=work.date,
        source=work.source,
        score=score,
        llr=llr,
        same_file=bool(sha256) and stored.sha256 == sha256,
    )
