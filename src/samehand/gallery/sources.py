"""What can be added to a gallery: whatever `find_pictures` reads, and other galleries."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from samehand.catalogue.facts import read_facts
from samehand.catalogue.pictures import Listed, find_pictures
from samehand.errors import CatalogueError, GalleryError
from samehand.gallery.engines import is_gallery, open_storage
from samehand.gallery.places import DATABASE
from samehand.gallery.works import FIELDS, NewWork, Work
from samehand.records import Floats


@dataclass(frozen=True, slots=True)
class Listing:
    """What some sources list.

    Attributes:
        works: Works whose files are to be embedded, with absolute paths, each path once.
        failed: Why a file that a source lists cannot be used, by its absolute path.
        notes: What a person should know before work starts, a sentence each.
        guessed: Paths of works whose artist is but the name of a folder.
        folders: Folders that were listed whole, so that a file missing from them is gone.
        caches: Where embeddings of these works may be kept already.
        ready: Works of another gallery with their embeddings, (D,).
    """

    works: list[Work] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    guessed: set[str] = field(default_factory=set)
    folders: list[Path] = field(default_factory=list)
    caches: list[Path] = field(default_factory=list)
    ready: list[tuple[NewWork, Floats]] = field(default_factory=list)


def read_works(
    sources: str | os.PathLike[str] | Sequence[str | os.PathLike[str] | Work],
    encoder: str,
    *,
    images: str | os.PathLike[str] | None = None,
    columns: Mapping[str, str] | None = None,
) -> Listing:
    """List the works of some sources.

    Args:
        sources: Each is a `Work`; another gallery, by name or path; or anything that
            `find_pictures` reads: images, folders of an artist each, tables, patterns, catalogues.
            Every column of a table is kept.
        encoder: Hash of the encoder; embeddings of another gallery are taken if it is the same.
        images: The folder that the paths of tables are relative to.
        columns: Which column of a table is which, by meaning.

    Raises:
        CatalogueError: A source does not exist, or is not an image, folder or table.
        GalleryError: Another gallery holds embeddings of another model.
    """
    listing = Listing()
    targets: list[str | os.PathLike[str]] = []
    for source in [sources] if isinstance(sources, str | os.PathLike) else sources:
        if isinstance(source, Work):
            listing.works.append(replace(source, path=os.path.abspath(source.path)))
        elif (Path(source) / DATABASE).is_file() or (
            not Path(source).exists() and _is_gallery(source)
        ):
            _from_gallery(listing, source, encoder)
        else:
            targets.append(source)
    found = find_pictures(targets, images=images, columns=columns)
    for item in found.items:
        _add(listing, item)
    listing.notes.extend(found.notes)
    listing.folders.extend(Path(os.path.abspath(folder)) for folder in found.folders)
    listing.caches.extend(folder / "embeddings" for folder in found.catalogues)
    listing.works[:] = {work.path: work for work in listing.works}.values()
    return listing


def _add(listing: Listing, item: Listed) -> None:
    if item.problem is not None and item.origin == item.name:
        raise CatalogueError(item.problem)
    if item.path is None:
        listing.failed[item.origin] = f"{item.origin} is inside a zip; unpack it and add the folder"
        return
    path = os.path.abspath(item.path)
    if item.problem is not None:
        listing.failed[path] = item.problem
        return
    labels = read_facts(item.labels)
    known = {name: labels.get(name) for name in FIELDS}
    if item.guessed:
        listing.guessed.add(path)
    others = {name: text for name, text in labels.items() if name not in FIELDS}
    listing.works.append(Work(path, **known, extra={**item.extra, **others}))


def _is_gallery(name: str | os.PathLike[str]) -> bool:
    try:
        return is_gallery(name)
    except GalleryError:
        return False


def _from_gallery(listing: Listing, name: str | os.PathLike[str], encoder: str) -> None:
    store = open_storage(name)
    try:
        about = store.about()
        if about.encoder != encoder:
            raise GalleryError(
                f"the gallery {Path(name).name} was made with another model ({about.model}); run "
                f"samehand gallery re-embed {Path(name).name} first"
            )
        states = store.states()
        for stored, row in zip(*store.embeddings(), strict=True):
            # What another command added between the two is left for the next time.
            if stored.work.path in states:
                listing.ready.append((NewWork(stored.work, states[stored.work.path][1]), row))
    finally:
        store.close()
