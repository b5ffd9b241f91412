"""Adding works to a gallery: only what is new or changed is embedded, and stored as it comes."""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from samehand.errors import GalleryError, ImageError
from samehand.files import is_text, printable, sha256_file
from samehand.gallery.decisions import merge_decisions
from samehand.gallery.gone import Missing, missing_files
from samehand.gallery.model import OpenedModel
from samehand.gallery.sources import Listing, read_works
from samehand.gallery.storage import Storage
from samehand.gallery.works import FileState, NewWork, Work, keep_labels, stored_mtime
from samehand.images.decode import decode_file
from samehand.model.embed import cached_embeddings, embed_files, embed_stream
from samehand.model.runtime import Embedder
from samehand.plural import counted
from samehand.progress import track
from samehand.records import Floats
from samehand.results import AddReport

_WORKS_AT_ONCE = 1024
_READY_AT_ONCE = 8192
"""Works whose embeddings are at hand. A commit to LanceDB reads every path, whatever it puts."""

_SECONDS_AT_ONCE = 5.0
"""What has been embedded is committed after this many works, or this long."""


def add_works(
    store: Storage,
    sources: str | os.PathLike[str] | Sequence[str | os.PathLike[str] | Work],
    embedder: Embedder,
    cache: Path | None,
    *,
    images: Path | None = None,
    columns: Mapping[str, str] | None = None,
    tell: Callable[[str], None] | None = None,
    erase_labels: bool = False,
) -> AddReport:
    """Add the works of some sources; see `Gallery.add`."""
    started = time.perf_counter()
    encoder = embedder.config.digest
    listing = read_works(sources, encoder, images=images, columns=columns)
    for note in listing.notes:
        if tell is not None:
            tell(note)
    known = store.states()
    failed = dict(listing.failed)
    fresh = [(new, row) for new, row in listing.ready if _state(known, new) != new.state]
    kept_labels = 0
    if not erase_labels:
        kept_labels, fresh = _keep_in_ready(store, fresh, known)
    stored = [new.work.path for new, _ in fresh]
    for start in range(0, len(fresh), _READY_AT_ONCE):
        _put(store, fresh[start : start + _READY_AT_ONCE], embedder)
    merge_decisions(store, listing.decisions)
    if not erase_labels:
        kept_labels += _keep_labels(store, listing, known)
    wanted, same, touched = _changed(listing.works, known, failed)
    if touched:
        store.touch(touched)
    updated = store.describe(same) if same else 0
    wanted, moves = _moved(store, wanted, known, listing)
    moved = store.move(moves) if moves else 0
    stored += _embed_and_store(store, wanted, embedder, _caches(listing, cache), failed)
    changed = len(known.keys() & set(stored))
    missing = _missing(store, listing)
    return AddReport(
        added=len(stored) - changed,
        changed=changed,
        updated=updated,
        unchanged=len(same) - updated + len(listing.ready) - len(fresh),
        failed=failed,
        gone=missing.gone,
        notes=tuple(listing.notes),
        moved=moved,
        unreachable=missing.unreachable,
        kept_labels=kept_labels,
        seconds=time.perf_counter() - started,
    )


def re_embed(
    store: Storage, model: OpenedModel, cache: Path | None, *, drop_gone: bool
) -> tuple[int, int]:
    """Replace every embedding by another model's; see `Gallery.re_embed`."""
    paths = [stored.work.path for stored in store.works()]
    table = embed_files(model.embedder, [Path(path) for path in paths], cache)
    unreachable = missing_files(paths).unreachable if table.failures else ()
    if unreachable:
        raise GalleryError(
            f"{counted(len(unreachable), 'work')} cannot be reached now, {unreachable[0]} for one; "
            "connect their disk, or take them out with samehand gallery remove"
        )
    if table.failures and not drop_gone:
        raise GalleryError(
            f"{next(iter(table.failures.values()))} ({counted(len(table.failures), 'such work')}); "
            "bring the files back, or pass --drop-gone to leave those works out"
        )
    bad = {os.fspath(path) for path in table.failures}
    good = [i for i, path in enumerate(paths) if path not in bad]
    store.replace_all(
        model.embedder.config.digest,
        model.folder.identity,
        [paths[i] for i in good],
        table.embeddings[good],
        before=len(paths),
    )
    return len(good), len(bad)


def _state(known: dict[str, tuple[int, FileState]], new: NewWork) -> FileState | None:
    return known[new.work.path][1] if new.work.path in known else None


def _changed(
    works: Sequence[Work], known: dict[str, tuple[int, FileState]], failed: dict[str, str]
) -> tuple[list[NewWork], list[Work], dict[str, FileState]]:
    """Divide works into those to embed and those whose content is stored, with its new state."""
    wanted: list[NewWork] = []
    same: list[Work] = []
    touched: dict[str, FileState] = {}
    for work in track(works, "looking for changes"):
        if not is_text(work.path):
            failed[work.path] = (
                f"{printable(work.path)} has a name that is not UTF-8, which no gallery can keep; "
                "rename it"
            )
            continue
        before = known.get(work.path)
        try:
            status = os.stat(work.path)
            state = (status.st_size, stored_mtime(status))
            if before and state == (before[1].size, before[1].mtime_ns):
                same.append(work)
                continue
            # Opening a pipe could block for ever; decoding says what is wrong with it.
            if not os.path.isfile(work.path):
                raise OSError
            digest = sha256_file(work.path)
        except OSError:
            failed[work.path] = _why_unreadable(work.path)
            continue
        if before and before[1].sha256 == digest:
            same.append(work)
            touched[work.path] = FileState(digest, *state)
        else:
            wanted.append(NewWork(work, FileState(digest, *state)))
    return wanted, same, touched


def _embed_and_store(
    store: Storage,
    wanted: Sequence[NewWork],
    embedder: Embedder,
    caches: Sequence[Path],
    failed: dict[str, str],
) -> list[str]:
    """Store works as they are embedded, and return their paths."""
    digests = sorted({new.state.sha256 for new in wanted})
    found: dict[str, Floats] = {}
    for cache in caches:
        found.update(cached_embeddings(embedder, cache, set(digests)))
    # The same picture under another name need not be looked at again.
    found.update(store.rows_with_content(digests, embedder.config.digest))
    stored: list[str] = []
    pending: list[tuple[NewWork, Floats]] = []
    last = time.monotonic()
    embedded = _embedded(wanted, embedder, found)
    try:
        for new, row in track(embedded, "adding works", len(wanted)):
            if isinstance(row, str):
                failed[new.work.path] = row
                continue
            pending.append((new, row))
            late = time.monotonic() - last > _SECONDS_AT_ONCE
            if len(pending) >= _WORKS_AT_ONCE or late:
                stored += _put(store, pending, embedder)
                pending, last = [], time.monotonic()
    finally:
        # Also when interrupted: what has been embedded need not be embedded again.
        stored += _put(store, pending, embedder)
    return stored


def _embedded(
    wanted: Sequence[NewWork], embedder: Embedder, found: dict[str, Floats]
) -> Iterator[tuple[NewWork, Floats | str]]:
    """Yield each work with its embedding, or with why there is none; the known ones first."""
    missing: dict[str, list[NewWork]] = {}
    for new in wanted:
        if new.state.sha256 in found:
            yield new, found[new.state.sha256]
        else:
            missing.setdefault(new.state.sha256, []).append(new)
    files = ((digest, Path(news[0].work.path)) for digest, news in missing.items())
    for digest, row in embed_stream(embedder, files):
        first = missing[digest][0].work.path
        for new in missing[digest]:
            yield new, row.replace(first, new.work.path) if isinstance(row, str) else row


def _put(
    store: Storage, pending: Sequence[tuple[NewWork, Floats]], embedder: Embedder
) -> list[str]:
    if pending:
        works = [new for new, _ in pending]
        store.put(works, np.stack([row for _, row in pending]), embedder.config.digest)
    return [new.work.path for new, _ in pending]


def _caches(listing: Listing, cache: Path | None) -> list[Path]:
    return [*listing.caches, cache] if cache else listing.caches


def _keep_labels(store: Storage, listing: Listing, known: dict[str, tuple[int, FileState]]) -> int:
    """Give works the labels that only the gallery knows, and return how many those are."""
    again = {work.path for work in listing.works} & known.keys()
    if not again:
        return 0
    before = {one.work.path: one.work for one in store.works() if one.work.path in again}
    total = 0
    for place, work in enumerate(listing.works):
        if work.path in before:
            guessed = work.path in listing.guessed
            both, kept = keep_labels(work, before[work.path], guessed=guessed)
            listing.works[place] = both
            total += kept
    return total


def _keep_in_ready(
    store: Storage,
    fresh: list[tuple[NewWork, Floats]],
    known: dict[str, tuple[int, FileState]],
) -> tuple[int, list[tuple[NewWork, Floats]]]:
    """Give another gallery's works the labels that only this one knows; return how many, too."""
    again = {new.work.path for new, _ in fresh} & known.keys()
    if not again:
        return 0, fresh
    before = {one.work.path: one.work for one in store.works() if one.work.path in again}
    total, united = 0, list[tuple[NewWork, Floats]]()
    for new, row in fresh:
        if new.work.path in before:
            both, kept = keep_labels(new.work, before[new.work.path])
            total, new = total + kept, NewWork(both, new.state)
        united.append((new, row))
    return total, united


def _moved(
    store: Storage,
    wanted: Sequence[NewWork],
    known: dict[str, tuple[int, FileState]],
    listing: Listing,
) -> tuple[list[NewWork], list[tuple[str, NewWork]]]:
    """Divide new works into those to embed and those that are known from another path, now empty.

    A file that was moved or renamed is the same work, with all that is known of it.
    """
    digests = sorted({new.state.sha256 for new in wanted if new.work.path not in known})
    places = store.works_with_content(digests)
    listed = {work.path for work in listing.works}
    rest: list[NewWork] = []
    moves: list[tuple[str, NewWork]] = []
    for new in wanted:
        same = places.get(new.state.sha256, [])
        left = [work for work in same if work.path not in listed and not os.path.isfile(work.path)]
        if new.work.path in known or not left:
            rest.append(new)
            continue
        # Of several copies, the one that kept its name.
        name = os.path.basename(new.work.path)
        old = next((work for work in left if os.path.basename(work.path) == name), left[0])
        same.remove(old)
        work, _ = keep_labels(new.work, old, guessed=new.work.path in listing.guessed)
        moves.append((old.path, NewWork(work, new.state)))
    return rest, moves


def _missing(store: Storage, listing: Listing) -> Missing:
    """Return the stored works of the folders that were listed whose files are not there."""
    listed = {work.path for work in listing.works}
    found = missing_files(store.states()) if listing.folders else Missing((), ())

    def below(paths: Sequence[str]) -> tuple[str, ...]:
        return tuple(
            path
            for path in paths
            if path not in listed
            and any(Path(path).is_relative_to(folder) for folder in listing.folders)
        )

    return Missing(below(found.gone), below(found.unreachable))


def _why_unreadable(path: str) -> str:
    try:
        decode_file(path)
    except ImageError as error:
        return str(error)
    return f"{path} could not be read a moment ago; try again"
