"""Collections for `samehand prepare`: a folder per artist, or a table with one row per image."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from samehand.catalogue.headings import missing_column
from samehand.catalogue.pictures import Listed, Pictures, find_pictures
from samehand.catalogue.sources import (
    Blob,
    Source,
    SourceRow,
    existing_folder,
    file_blob,
    painting_ids,
)
from samehand.catalogue.table import open_table
from samehand.errors import CatalogueError
from samehand.files import is_text, printable

if TYPE_CHECKING:
    import polars as pl

_SPLITS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
}


def read_folder(location: str | os.PathLike[str]) -> Source:
    """Read one folder per artist, with images anywhere below; also inside a zip.

    Args:
        location: The folder, or zip, that holds the artists' folders; a folder's name is the
            artist's.

    Raises:
        CatalogueError: There is no such folder, or no artist's folder in it holds an image.
    """
    path = Path(location)
    if path.suffix.lower() != ".zip" or not path.is_file():
        existing_folder(path)
    advice = f"no images in folders below {path}; put each artist's images in a folder of its own"
    try:
        found = find_pictures(path)
    except CatalogueError as error:
        raise CatalogueError(advice if "no images in" in str(error) else str(error)) from error
    named = [item for item in found.items if "artist" in item.labels]
    if not named:
        raise CatalogueError(advice)
    unnamed = [item.name for item in found.items if "artist" not in item.labels]
    return _source(named, found, unnamed)


def read_manifest(
    location: str | os.PathLike[str],
    images: str | os.PathLike[str] | None = None,
    columns: Mapping[str, str] | None = None,
) -> Source:
    """Read a table with one row per image: a column for its file, one for its artist, and others.

    Args:
        location: The table; see `table.open_table` and `headings`.
        images: The folder that the paths are relative to, where it is another.
        columns: Which column is which, by meaning.

    Raises:
        CatalogueError: The table is missing, unreadable or empty, or lacks a column, or not one
            of its files exists.
    """
    path = Path(location)
    if path.is_dir() or not path.is_file():
        open_table(path)
    found = find_pictures(path, images=images, columns=columns)
    if not any("artist" in item.labels for item in found.items):
        table = open_table(path)
        raise missing_column("artist", table.header, (), str(path))
    return _source(found.items, found, [])


def read_csv(path: Path) -> "pl.DataFrame":
    """Read a text table with headings in lower case, every value as text, and nothing as null.

    Raises:
        CatalogueError: The file is missing, empty, or not a table.
    """
    import polars as pl

    table = open_table(path)
    names = [heading.strip().lower() for heading in table.header]
    twice = next((name for i, name in enumerate(names) if name in names[:i]), None)
    if twice is not None:
        raise CatalogueError(f"{path} has two columns called {twice}; rename one")
    rows = [[value or None for value in values] for _, values in table.rows()]
    if not rows:
        raise CatalogueError(f"{path} has column names but no rows; add one row per image")
    lines: list[list[str | None]] = [[*names], *rows]
    for number, cells in enumerate(lines):
        if not all(value is None or is_text(value) for value in cells):
            where = f"row {number} holds" if number else "the headings hold"
            raise CatalogueError(f"{path}: {where} bytes that are not text; save it as UTF-8")
    return pl.DataFrame(rows, dict.fromkeys(names, pl.String), orient="row")


def split_name(label: str | None, origin: str) -> str | None:
    """Return a manifest's word for a split as one of ours.

    Raises:
        CatalogueError: The word is none that is understood.
    """
    if label is None:
        return None
    known = _SPLITS.get(label.lower())
    if known is None:
        raise CatalogueError(f"{origin}: {label!r} is not a split; write train, validation or test")
    return known


def _source(items: list[Listed], found: Pictures, unnamed: list[str]) -> Source:
    items = list(map(_written, items))
    ids = painting_ids([item.name for item in items])
    rows = [
        SourceRow(
            ids[item.name],
            item.name,
            _files(item),
            artist=item.labels.get("artist"),
            artist_id=item.labels.get("artist_id"),
            qualifier=item.labels.get("qualifier"),
            title=item.labels.get("title"),
            date=item.labels.get("date"),
            date_from=item.labels.get("date_from"),
            date_to=item.labels.get("date_to"),
            accession_number=item.labels.get("accession_number"),
            style=item.labels.get("style"),
            genre=item.labels.get("genre"),
            source=item.labels.get("source"),
            split=split_name(item.labels.get("split"), item.origin),
        )
        for item in items
    ]
    return Source(rows, unnamed, found.repeated, found.notes)


def _written(item: Listed) -> Listed:
    """Return an image whose names a table can hold; those of files may be any bytes."""
    if is_text(item.name) and is_text(item.origin) and all(map(is_text, item.labels.values())):
        return item
    labels = {column: printable(text) for column, text in item.labels.items()}
    return replace(item, name=printable(item.name), origin=printable(item.origin), labels=labels)


def _files(item: Listed) -> tuple[Blob, ...]:
    if item.problem is not None:
        return ()
    if item.blob is not None:
        return (item.blob,)
    assert item.path is not None
    return (file_blob(item.path, item.name),)
