"""One probe against a gallery: which works are nearest, and which artist, if any, made it."""

import time
from collections.abc import Sequence, Set
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from samehand.errors import GalleryError, SamehandError
from samehand.gallery import Gallery, StoredWork
from samehand.gallery.storage import Near
from samehand.model.folder import ModelFolder
from samehand.model.painting import Painting
from samehand.model.readings import llrs_of_pairs, readings_of_pairs
from samehand.plural import counted
from samehand.records import FalseAlarms, Floats, PictureKind
from samehand.results import Candidate, Identification, Nearby, Neighbour, SearchResult
from samehand.scoring.calibration import llr_from_score, probability
from samehand.scoring.conditions import kinds_of
from samehand.scoring.references import (
    combine,
    reference_features,
    unsaturated,
)
from samehand.scoring.ties import ranked
from samehand.verification.condition import one_style_llr, reading_of_set, usual_kind
from samehand.verification.copies import copies_of, without_copies
from samehand.verification.decided import decided_artists
from samehand.verification.known import Weighed, too_large, weigh_best
from samehand.verification.references import attribution_of, one_style_of, read_set
from samehand.verification.warnings import is_novel, probe_warnings

if TYPE_CHECKING:
    from samehand.verification.verifier import SameHand

_COPIES = 10
"""So many more are asked for, since works that show the painting itself are left out."""

NEARBY = 4
"""So many neighbours of each of two paintings are shown; `samehand search` lists more."""

_RERANKED = 200
"""At least this many works nearest by cosine are ordered again by the comparator's score."""

_SHORTLIST_WORKS = 1000
_SHORTLIST_ARTISTS = 100
"""Artists are compared in full if one of their works is among this many nearest to the probe."""

_LOOKED_AT = 5
"""The files of this many artists, the likeliest, are searched for copies."""

_WORKS_PER_ARTIST = 100
"""So many of an artist's works count, those nearest to the artist's mean; see ADR 0019."""


def search(
    model: "SameHand",
    probe: Painting,
    gallery: Gallery,
    *,
    top: int,
    where: Sequence[str] = (),
    exact: bool = False,
) -> SearchResult:
    """Find the works of a gallery that are most like a probe; see `SameHand.search`."""
    return _search(model, probe, gallery, top, where, exact=exact)[0]


def _search(
    model: "SameHand",
    probe: Painting,
    gallery: Gallery,
    top: int,
    where: Sequence[str],
    *,
    exact: bool = False,
) -> tuple[SearchResult, set[str]]:
    """Return what a search finds, and the paths of works that show the probe in another file."""
    started = time.perf_counter()
    folder = model.folder
    gallery.require(folder)
    if top < 1:
        raise SamehandError(f"top must be at least 1, not {top}")
    near = gallery.nearest(probe.embedding, max(_RERANKED, 2 * top), where, exact=exact)
    kinds = gallery.kinds(near.works)
    info = gallery.index_info()
    shown = copies_of(probe, near.works, near.embeddings, gallery.thumbnails)
    own = {near.works[i].work.path for i in shown}
    result = SearchResult(
        probe=probe.name,
        neighbours=_ranked(folder, probe, near, kinds, top),
        gallery=gallery.name,
        works=len(gallery),
        exact=near.exact,
        recall_at_10=None if near.exact or info is None else info.recall_at_10,
        warnings=(*probe_warnings(probe, folder.config), *_shows_it(own, "in another file")),
        model=folder.identity,
        seconds=time.perf_counter() - started,
    )
    return result, own


def nearby(
    model: "SameHand", left: Painting, right: Painting, gallery: Gallery, count: int = NEARBY
) -> Nearby:
    """Search a gallery for each of two paintings; the painting itself is left out.

    Args:
        model: The model.
        left: A painting.
        right: Another painting.
        gallery: Where to look. Works that show the painting itself are left out.
        count: How many works for each, at most.

    Raises:
        GalleryError: The gallery is another model's, or is damaged.
    """
    found = []
    for painting in (left, right):
        where = [f"sha256!={painting.sha256}"]
        result, own = _search(model, painting, gallery, count + _COPIES, where)
        others = [one for one in result.neighbours if one.path not in own][:count]
        found.append(tuple(replace(one, rank=rank) for rank, one in enumerate(others, 1)))
    return Nearby(gallery.name, len(gallery), found[0], found[1])


def identify(
    model: "SameHand",
    probe: Painting,
    gallery: Gallery,
    *,
    top: int,
    where: Sequence[str] = (),
    prior: float = 0.5,
    threshold: FalseAlarms = "far10",
    any_attribution: bool = False,
) -> Identification:
    """Rank a gallery's artists as makers of a probe; see `SameHand.identify`.

    Works that show the probe are left out, and copies of one work count once: for every artist as
    far as the hashes of their files tell, and for the likeliest as far as the pictures do. Works
    without an artist are left out, and so are those by other hands, "after" the artist or from
    the workshop, unless `any_attribution`.
    """
    started = time.perf_counter()
    folder = model.folder
    gallery.require(folder)
    rule = attribution_of(folder)
    rule.open_set.point(threshold)
    probability(0.0, prior)
    if top < 1:
        raise SamehandError(f"top must be at least 1, not {top}")
    met = tuple(where)
    where = [*where, *gallery.autograph(any_attribution)]
    named = [*where, "artist!="]
    artists = gallery.count_artists(named)
    near = gallery.nearest(probe.embedding, _SHORTLIST_WORKS, named)
    names = list(dict.fromkeys(stored.work.artist or "" for stored in near.works))
    if not names and met:
        raise GalleryError(
            f"no work of {gallery.name} that meets {' and '.join(met)} has an artist to compare "
            "with; leave a condition out"
        )
    if not names:
        raise GalleryError(
            f"the gallery {gallery.name} has no work with an artist to compare with; name artists "
            "by a folder for each, or a table with a column artist, and add that to the gallery"
        )
    asked = folder.comparator.enrol(probe.embedding[None])
    decided = decided_artists(gallery, probe.sha256, where)
    names = decided.in_question(names)
    if not names:
        raise GalleryError(
            f"every artist of {gallery.name} is ruled out by decisions; see samehand decisions"
        )

    def weighed(name: str, *, look: bool) -> Weighed | None:
        works, rows = gallery.embeddings([*where, f"artist=={name}"])
        kept, shown = without_copies(works, rows, probe, gallery.thumbnails, look=look)
        own.update(works[i].work.path for i in shown)
        if not kept:
            return None
        central = _central(rows[kept], kept)
        rows = rows[central]
        step = rule.references.at(len(rows))
        known = folder.comparator.enrol(rows)
        slope = folder.config.calibration.slope
        features = reference_features(folder.comparator, asked, known, slope)
        shown_kinds = gallery.kinds([works[i] for i in central])
        reading = reading_of_set(folder.config, probe.kind, shown_kinds, novel=novel)
        combined = float(combine(step, features)[0])
        calibration, read = read_set(folder, step, reading, combined)
        score = float(unsaturated(calibration, np.array(read)))
        kind = usual_kind(shown_kinds)
        kinds = None if kind is None else kinds_of(probe.kind, kind)
        llr = float(llr_from_score(calibration, read))
        within = one_style_of(folder, (asked, known), reading, combined, (calibration, read), "eer")
        styled = within.llr if within else None
        return Weighed(name, score, llr, len(rows), kinds, reading, styled)

    own: set[str] = set()
    novel = is_novel(probe, folder.config)
    weights = {name: weighed(name, look=False) for name in names[:_SHORTLIST_ARTISTS]}
    # Opening files takes long, and copies whose files differ only ever raise an artist.
    ahead = sorted((one for one in weights.values() if one), key=lambda one: -one.score)
    for one in ahead[:_LOOKED_AT]:
        weights[one.name] = weighed(one.name, look=True)
    found = [one for one in weights.values() if one is not None]
    if not found:
        raise GalleryError(f"the gallery {gallery.name} holds nothing but your picture itself")
    found.sort(key=lambda one: one.name)
    found = [found[i] for i in ranked(np.array([one.score for one in found])).tolist()]
    weight = weigh_best(rule, found[0], artists, threshold)
    none = 1.0 - float(probability(weight.known_llr, prior))
    odds = np.array([10.0**one.llr for one in found])
    # The artists beyond the shortlist have next to no odds; those of "one of these" are shared.
    shares = (1.0 - none) * odds / odds.sum()
    itself = _shows_it(
        own, "and count for no artist" if len(own) > 1 else "and counts for no artist"
    )
    candidates = tuple(
        Candidate(
            rank=rank,
            artist=one.name,
            llr=one.llr,
            score=one.score,
            probability=float(shares[rank - 1]),
            works=one.works,
            nearest=tuple(
                stored.work.path
                for stored in near.works
                if stored.work.artist == one.name and stored.work.path not in own
            )[:3],
            llr_one_style=one.llr_one_style,
        )
        for rank, one in enumerate(found[:top], 1)
    )
    return Identification(
        probe=probe.name,
        artist=decided.name or (found[0].name if weight.named else None),
        known_llr=weight.known_llr,
        none_probability=none,
        prior=prior,
        threshold=threshold,
        false_alarms=weight.false_alarms,
        detected=weight.detected,
        candidates=candidates,
        gallery=gallery.name,
        artists=artists,
        warnings=(
            *probe_warnings(probe, folder.config),
            *(too_large(rule, found[0], artists) if weight.refusal is None else ()),
            *itself,
            *decided.warnings,
        ),
        model=folder.identity,
        seconds=time.perf_counter() - started,
        decided=decided.why,
        ruled_out=decided.ruled_out,
        evidence=weight.evidence,
        named_at_least=weight.named_at_least,
        decided_by="decision"
        if decided.name
        else ("threshold" if weight.refusal is None else None),
        condition=found[0].reading.condition,
        measured_on=weight.measured_on,
        refusal=weight.refusal,
    )


def _shows_it(paths: Set[str], end: str) -> list[str]:
    """Return the sentence on works that show the probe itself, if there are any."""
    if not paths:
        return []
    count = counted(len(paths), "work shows", "works show")
    return [f"{count} your picture itself {end}: {min(paths)}"]


def _ranked(
    folder: ModelFolder,
    probe: Painting,
    near: Near,
    kinds: Sequence[PictureKind | None],
    top: int,
) -> tuple[Neighbour, ...]:
    """Return the best of the works that are near by cosine, by what their scores say."""
    if not near.works:
        return ()
    comparator, config = folder.comparator, folder.config
    enrolled = comparator.enrol(np.concatenate([probe.embedding[None], near.embeddings]))
    left, right = np.zeros(len(kinds), np.int64), np.arange(1, len(kinds) + 1)
    scores = comparator.pair_scores(enrolled, left, right)
    both, novel = [probe.kind, *kinds], is_novel(probe, config)
    llrs, usual = llrs_of_pairs(config, both, left, right, scores, novel=novel)
    order = ranked(usual)[:top]
    left, right, scores = left[order], right[order], scores[order]
    styled = comparator.style_scores(enrolled, left, right)
    within: list[float | None] = [None] * len(order)
    for reading, chosen in readings_of_pairs(config, both, left, right, novel=novel):
        said = one_style_llr(config, reading, scores[chosen], styled[chosen])
        if said is not None:
            for place, llr in zip(chosen.tolist(), said.tolist(), strict=True):
                within[place] = llr
    found = zip(order.tolist(), scores.tolist(), llrs[order].tolist(), within, strict=True)
    return tuple(
        _neighbour(rank, near.works[i], (score, llr, one_style), probe.sha256)
        for rank, (i, score, llr, one_style) in enumerate(found, 1)
    )


def _central(rows: Floats, positions: list[int]) -> list[int]:
    """Return the positions of the works nearest to their mean, if there are too many."""
    if len(positions) <= _WORKS_PER_ARTIST:
        return positions
    order = np.argsort(-(rows @ rows.mean(axis=0)), kind="stable")
    return [positions[i] for i in sorted(order[:_WORKS_PER_ARTIST].tolist())]


def _neighbour(
    rank: int, stored: StoredWork, said: tuple[float, float, float | None], sha256: str
) -> Neighbour:
    work, (score, llr, one_style) = stored.work, said
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
        extra=work.extra,
        llr_one_style=one_style,
    )
