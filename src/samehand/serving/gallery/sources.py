"""What can be added to a gallery: images, folders, tables, catalogues and other galleries."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from samehand.errors import CatalogueError, GalleryError
from samehand.records import Floats
from samehand.serving.gallery.places import DATABASE, gallery_folder
from samehand.serving.gallery.store import NewWork, Store
from samehand.serving.gallery.works import FIELDS, Work

_NOT_KNOWN = ("painting_id", "path", "file", "filename", "embedding", "encoder", "sha256", "added")


@dataclass(frozen=True, slots=True)
class Listing:
    """What some sources list.

    Attributes:
        works: Works whose files are to be embedded, with absolute paths, each path once.
        folders: Folders that were listed whole, so that a file missing from them is gone.
        caches: Where embeddings of these works may be kept already.
        ready: Works of another gallery with their embeddings, (D,).
    """

    works: list[Work] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)
    caches: list[Path] = field(default_factory=list)
    ready: list[tuple[NewWork, Floats]] = field(default_factory=list)


def read_works(sources: Sequence[str | os.PathLike[str] | Work], encoder: str) -> Listing:
    """List the works of some sources.

    Args:
        sources: Each is a `Work`; an image file; a folder made by `samehand prepare`; another
            gallery, by name or path; a folder, whose own folders are named after artists; or a
            CSV or Parquet table with a column `path` (or `file`, or `filename`). Every other
            column of a table is kept.
        encoder: Hash of the encoder; embeddings of another gallery are taken if it is the same.

    Raises:
        CatalogueError: A source does not exist, or is no image, folder or table.
        GalleryError: Another gallery holds embeddings of another model.
    """
    listing = Listing()
    for source in sources:
        if isinstance(source, Work):
            listing.works.append(source)
            continue
        path = Path(source)
        if (path / DATABASE).is_file() or (not path.exists() and _is_gallery(source)):
            _from_gallery(listing, gallery_folder(source), encoder)
        elif (path / "catalogue.parquet").is_file():
            _from_catalogue(listing, path)
        elif path.is_dir():
            _from_folder(listing, path)
        elif path.suffix.lower() in (".csv", ".parquet", ".pq"):
            _from_table(listing, path)
        elif path.is_file():
            listing.works.append(Work(str(path)))
        else:
            raise CatalogueError(
                f"{path} does not exist; name an image, a folder, a CSV file, a catalogue or "
                "another gallery"
            )
    distinct = {os.path.abspath(work.path): work for work in listing.works}
    listing.works[:] = [_at(work, path) for path, work in distinct.items()]
    return listing


def _at(work: Work, path: str) -> Work:
    return Work(path, *(getattr(work, name) for name in FIELDS), extra=work.extra)


def _is_gallery(name: str | os.PathLike[str]) -> bool:
    try:
        return (gallery_folder(name) / DATABASE).is_file()
    except GalleryError:
        return False


def _from_gallery(listing: Listing, folder: Path, encoder: str) -> None:
    store = Store(folder)
    try:
        with store.reading():
            about, rows = store.snapshot()
            if about.encoder != encoder:
                raise GalleryError(
                    f"the gallery {folder.name} was made with another model ({about.model}); run "
                    f"samehand gallery re-embed {folder.name} first"
                )
            states = store.states()
            for stored in store.works():
                slot, state = states[stored.work.path]
                listing.ready.append((NewWork(stored.work, state), np.array(rows[slot])))
    finally:
        store.close()


def _from_catalogue(listing: Listing, folder: Path) -> None:
    from samehand.catalogue.schema import load_catalogue

    for row in load_catalogue(folder).to_dicts():
        # A null file name in a catalogue means there is no image; such rows are not in the table.
        extra = {name: str(row[name]) for name in ("split", "exclusion") if row[name] is not None}
        known = {name: row[name] for name in FIELDS}
        path = os.fspath(folder / row["path"])
        listing.works.append(Work(path, **known, extra=extra | {"painting_id": row["painting_id"]}))
    listing.caches.append(folder / "embeddings")


def _from_folder(listing: Listing, folder: Path) -> None:
    from samehand.catalogue.sources import IMAGE_SUFFIXES

    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in relative.parts)
        if hidden or path.suffix.lower() not in IMAGE_SUFFIXES or not path.is_file():
            continue
        artist = relative.parts[0] if len(relative.parts) > 1 else None
        listing.works.append(Work(os.fspath(path), artist=artist))
    listing.folders.append(Path(os.path.abspath(folder)))


def _from_table(listing: Listing, path: Path) -> None:
    from samehand.catalogue.manifest import FILE_COLUMNS, read_csv, read_parquet

    table = read_csv(path) if path.suffix.lower() == ".csv" else read_parquet(path)
    column = next((name for name in FILE_COLUMNS if name in table.columns), None)
    if column is None:
        raise CatalogueError(
            f"{path} needs a column 'path' (or 'file' or 'filename'); it has "
            f"{', '.join(table.columns)}"
        )
    others = [name for name in table.columns if name not in (*FIELDS, *_NOT_KNOWN)]
    for row in table.to_dicts():
        if not row[column]:
            continue
        known = {name: row.get(name) or None for name in FIELDS}
        extra = {name: row[name] for name in others if row[name]}
        # An absolute path stays what it is; a relative one begins where the table is.
        listing.works.append(Work(os.fspath(path.parent / row[column]), **known, extra=extra))
