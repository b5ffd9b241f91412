"""A gallery renamed, deleted, or with other labels."""

import os
import re
import shutil
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from samehand.catalogue.facts import FACTS, read_facts
from samehand.catalogue.headings import meaning_of
from samehand.catalogue.pictures import tidy_label
from samehand.errors import GalleryError
from samehand.files import output_error
from samehand.gallery.filters import COLUMNS
from samehand.gallery.places import DATABASE, gallery_folder
from samehand.gallery.storage import Storage
from samehand.gallery.store import Store
from samehand.gallery.works import FIELDS, Work

_READ = frozenset({"artist", "artist_id", "qualifier", "date", "date_from", "date_to"})
"""Columns whose words are read; to write another one leaves them as they are."""

_OWN_FILES = re.compile(
    rf"{re.escape(DATABASE)}(-wal|-shm|-journal)?|vectors-\d+\.f32|index.*|thumbnails.*|layout.*"
)


def parse_values(pairs: Sequence[str]) -> dict[str, str]:
    """Return the columns and texts that "column=text" arguments spell.

    Raises:
        GalleryError: One is not of this form.
    """
    values: dict[str, str] = {}
    for pair in pairs:
        column, equals, text = pair.partition("=")
        if not equals or not column.strip():
            raise GalleryError(f"{pair!r} should say what to write, as column=text")
        values[column.strip()] = text
    return values


def set_columns(store: Storage, values: Mapping[str, str], where: Sequence[str]) -> int:
    """Write texts into columns; see `Gallery.set_columns`.

    What is read from the artist's words, or from a date's, is read again with them.
    """
    wanted = {_column(name): tidy_label(text) for name, text in values.items()}
    return store.edit(where, lambda work: _edited(work, wanted))


def rename(store: Store, name: str | os.PathLike[str]) -> Path:
    """Close and move a gallery; see `Gallery.rename`. Returns its new folder."""
    text, folder = os.fspath(name), store.folder
    target = gallery_folder(text)
    if Path(text).name == text:
        target = folder.with_name(text)
    if target.exists():
        raise GalleryError(f"{target} exists; choose another name")
    store.settle()
    store.close()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        folder.rename(target)
    except OSError as error:
        raise output_error(target, error) from error
    return target


def delete(store: Store) -> None:
    """Close and delete a gallery; see `Gallery.delete`."""
    folder = store.folder
    others = sorted(one.name for one in folder.iterdir() if not _OWN_FILES.fullmatch(one.name))
    if others:
        raise GalleryError(
            f"{folder} holds other files, too, {others[0]} for one; move them elsewhere first"
        )
    store.settle()
    store.close()
    # Out of sight in one step, so that a killed command leaves a whole gallery or none.
    hidden = folder.with_name(f".{folder.name}-{uuid.uuid4().hex[:8]}")
    try:
        folder.rename(hidden)
        shutil.rmtree(hidden)
    except OSError as error:
        raise output_error(folder, error) from error


def _column(name: str) -> str:
    meaning = meaning_of(name)
    column = meaning if meaning in FIELDS or meaning in FACTS else name.strip().lower()
    if column in ("path", "sha256", "added", "attribution", "extra"):
        raise GalleryError(f"the column {column} is not one to write; samehand keeps it itself")
    if column in COLUMNS or not re.search(r"[=!~<>]", column):
        return column
    raise GalleryError(f"{name!r} is not a name for a column; leave out = ! ~ < and >")


def _edited(work: Work, values: Mapping[str, str]) -> Work:
    stated = {name: getattr(work, name) for name in FIELDS}
    known = {name: text for name, text in stated.items() if text is not None} | work.extra
    anew = set[str]()
    if "artist" in values:
        anew |= {"attribution", "qualifier"} | ({"artist_id"} - {*values})
    if "date" in values:
        anew |= {"date_from", "date_to"}
    known = {name: text for name, text in known.items() if name not in anew}
    written = known.pop("attribution", None)
    known |= values
    known = {name: text for name, text in known.items() if text}
    if values.keys() & _READ:
        known = read_facts(known)
    if written is not None:
        known.setdefault("attribution", written)
    fields: dict[str, Any] = {name: known.pop(name, None) for name in FIELDS}
    return replace(work, **fields, extra=known)
