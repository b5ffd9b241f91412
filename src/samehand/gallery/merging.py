"""One gallery into another: works, labels and decisions of both are kept."""

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from samehand.errors import GalleryError
from samehand.gallery.decisions import merge_decisions
from samehand.gallery.engines import open_storage
from samehand.gallery.storage import Storage
from samehand.gallery.works import FIELDS, NewWork, Work
from samehand.results import MergeReport

_AT_ONCE = 1024

_WITH = {
    "artist": ("qualifier", "attribution", "artist_id"),
    "date": ("date_from", "date_to"),
}
"""Columns that are read from another one, and so go with it."""

_READ = frozenset(column for columns in _WITH.values() for column in columns)


def merge(store: Storage, name: str, source: str | os.PathLike[str]) -> MergeReport:
    """Take another gallery's works, labels and decisions in; see `Gallery.merge`.

    Args:
        store: What keeps the gallery that takes them in.
        name: Its name.
        source: The other gallery.
    """
    other = open_storage(source)
    try:
        if os.path.abspath(other.address) == os.path.abspath(store.address):
            raise GalleryError(f"{source} is the gallery {name} itself; name another one")
        theirs = os.path.basename(other.address.rstrip("/"))
        _require_same_model(store, name, other, theirs)
        # The states first: what is added in between has none, and is left for the next time.
        states = other.states()
        works, rows = other.embeddings()
        known = store.states()
        new = [i for i, one in enumerate(works) if one.work.path not in known]
        new = [i for i in new if works[i].work.path in states]
        contents = {works[i].sha256 for i in new}
        copies = store.works_with_content(sorted(contents)).keys()
        for start in range(0, len(new), _AT_ONCE):
            some = new[start : start + _AT_ONCE]
            ready = [NewWork(works[i].work, states[works[i].work.path][1]) for i in some]
            store.put(ready, rows[some], store.about().encoder)
        shared = {one.work.path: one.work for one in works if one.work.path in known}
        labels, differing = _label(store, shared, theirs)
        return MergeReport(
            into=name,
            source=theirs,
            added=len(new),
            same=len(shared),
            copies=sum(works[i].sha256 in copies for i in new),
            labels=labels,
            differing=differing,
            decisions=merge_decisions(store, other.read_decisions()),
        )
    finally:
        other.close()


def _require_same_model(store: Storage, name: str, other: Storage, theirs: str) -> None:
    ours, about = store.about(), other.about()
    if ours.encoder != about.encoder:
        raise GalleryError(
            f"{name} was made with the model {ours.model} and {theirs} with {about.model}; run "
            f"samehand gallery re-embed on one of them first"
        )


def _label(
    store: Storage, shared: dict[str, Work], theirs: str
) -> tuple[int, dict[str, tuple[str, ...]]]:
    """Add another gallery's labels to works that both have; return how many, and what differs."""
    if not shared:
        return 0, {}
    labels = 0
    differing: dict[str, tuple[str, ...]] = {}

    def change(work: Work) -> Work:
        nonlocal labels
        if work.path not in shared:
            return work
        both, filled, columns = unite(work, shared[work.path], theirs)
        labels += filled
        if columns:
            differing[work.path] = columns
        return both

    # One transaction that reads and writes, so that no label set meanwhile is lost.
    store.edit((), change)
    return labels, differing


def unite(ours: Work, theirs: Work, name: str) -> tuple[Work, int, tuple[str, ...]]:
    """Return a work with the labels of two records of it.

    Args:
        ours: Whose labels stay.
        theirs: Whose labels are added; one that contradicts is kept in a column of its own.
        name: The gallery that `theirs` is from, which names those columns.

    Returns:
        The work, how many labels it gained, and the columns in which the two differ.
    """
    here, there = _known(ours), _known(theirs)
    columns = [*FIELDS, *sorted((here.keys() | there.keys()) - {*FIELDS} - _READ)]
    found, filled, differing = dict(here), 0, list[str]()
    for column in columns:
        mine, yours = _said(here, column), _said(there, column)
        if yours is None or mine == yours:
            if column == "artist" and yours is not None and "artist_id" not in here:
                filled += _take(found, there, ["artist_id"])
        elif mine is None:
            filled += _take(found, there, [column, *_WITH.get(column, ())])
        else:
            differing.append(column)
            found[f"{column} ({name})"] = yours
    fields: dict[str, Any] = {column: found.pop(column, None) for column in FIELDS}
    return replace(ours, **fields, extra=found), filled, tuple(differing)


def _known(work: Work) -> dict[str, str]:
    stated = {name: getattr(work, name) for name in FIELDS}
    return {name: text for name, text in (stated | work.extra).items() if text is not None}


def _said(known: dict[str, str], column: str) -> str | None:
    """Return what a record says in a column; of the artist, with the qualifier."""
    if column != "artist":
        return known.get(column)
    words = " ".join(known[name] for name in ("qualifier", "artist") if name in known)
    return words or known.get("attribution")


def _take(found: dict[str, str], there: dict[str, str], columns: Sequence[str]) -> int:
    taken = {name: there[name] for name in columns if name in there}
    found.update(taken)
    return len(taken)
