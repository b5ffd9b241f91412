"""The Painter by Numbers competition's data, read from its zips without unpacking them.

https://www.kaggle.com/c/painter-by-numbers/data: a CSV with one row per painting, `train.zip`
(or `train_1.zip` to `train_9.zip`), `test.zip`, and a zip of good copies for corrupted files.
Folder names inside the zips differ between releases, so a file is found by its own name.
"""

import os
import re
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath

from samehand.catalogue.manifest import read_csv
from samehand.catalogue.sources import (
    IMAGE_SUFFIXES,
    Blob,
    Source,
    SourceRow,
    existing_folder,
    file_blob,
    painting_ids,
)
from samehand.errors import CatalogueError

TABLES = ("all_data_info.csv", "train_info.csv")

HOLDERS = re.compile(r"(train(_\d+)?|test|replacements_for_corrupted_files)(\.zip)?", re.I)

Files = dict[tuple[str, bool | None], list[Blob]]
"""File name and side (True in train, False in test, None unsaid) to where it may be."""


@contextmanager
def read_pbn(location: str | os.PathLike[str]) -> Iterator[Source]:
    """Yield the collection in a folder of the competition's files; its zips stay open meanwhile.

    Args:
        location: The folder with `all_data_info.csv` (or the older `train_info.csv`) and any of
            the zips, or unpacked folders of the same names.

    Yields:
        Rows in the order of the CSV. A replacement comes before the file that it replaces.

    Raises:
        CatalogueError: There is no folder, CSV or zip, a zip is damaged, the CSV lacks a column,
            or no row's file is in any zip.
    """
    root = existing_folder(location)
    table_path = next((root / name for name in TABLES if (root / name).is_file()), None)
    if table_path is None:
        raise CatalogueError(
            f"no {' or '.join(TABLES)} in {root}; download it from the competition"
        )
    table = read_csv(table_path)
    column = next((name for name in ("new_filename", "filename") if name in table.columns), None)
    if column is None or "artist" not in table.columns:
        raise CatalogueError(
            f"{table_path} needs the columns new_filename (or filename) and artist; "
            f"it has {', '.join(table.columns)}"
        )
    with ExitStack() as stack:
        files = index_files(root, stack)
        # train_info.csv lists nothing but training paintings.
        default = True if table_path.name == "train_info.csv" else None
        rows, repeated = match_rows(table.to_dicts(), column, files, default)
        if not rows:
            raise CatalogueError(f"{table_path} names no files; download it again")
        if not any(row.files for row in rows):
            raise CatalogueError(
                f"none of the {len(rows)} files that {table_path} names is in a zip of {root}, "
                f"{rows[0].name} for one; put the matching train and test zips beside the CSV"
            )
        used = {blob.origin for row in rows for blob in row.files}
        unnamed = sorted(
            blob.origin for blobs in files.values() for blob in blobs if blob.origin not in used
        )
        yield Source(rows, unnamed, repeated)


def match_rows(
    records: list[dict[str, str | None]], column: str, files: Files, default: bool | None
) -> tuple[list[SourceRow], list[str]]:
    """Return the rows with their files, and the names that occur more than once."""
    named = [(PurePosixPath(row[column] or "").name, row) for row in records]
    named = [(name, row) for name, row in named if name]
    ids = painting_ids(name for name, _ in named)
    rows: list[SourceRow] = []
    repeated: list[str] = []
    seen: set[str] = set()
    for name, record in named:
        if name in seen:
            repeated.append(name)
            continue
        seen.add(name)
        in_train = truth(record.get("in_train"))
        side = default if in_train is None else in_train
        blobs, side = candidates(files, name, side)
        width, height = number(record.get("pixelsx")), number(record.get("pixelsy"))
        rows.append(
            SourceRow(
                ids[name],
                name,
                blobs,
                artist=record["artist"],
                title=record.get("title"),
                date=record.get("date"),
                style=record.get("style"),
                genre=record.get("genre"),
                source=record.get("source"),
                artist_group=record.get("artist_group"),
                in_train=side,
                size_bytes=number(record.get("size_bytes")),
                pixels=width * height if width and height else None,
            )
        )
    return rows, repeated


def candidates(files: Files, name: str, side: bool | None) -> tuple[tuple[Blob, ...], bool | None]:
    """Return the files that bear a name on one side, best first, and the side they are on.

    Where the row does not say whether it is a training painting, the place of its file does.
    """
    key = name.lower()
    if side is None:
        side = next((known for known in (True, False) if (key, known) in files), None)
    found = files.get((key, side), [])
    if side is not None:
        found = found + files.get((key, None), [])
    return tuple(sorted(found, key=lambda blob: not blob.replacement)), side


def index_files(root: Path, stack: ExitStack) -> Files:
    """Return every image in the competition's zips and folders below `root`, by name and side.

    Args:
        root: The folder that holds them.
        stack: Closes the zips, which stay open for reading.

    Raises:
        CatalogueError: There is no zip or folder, or a zip is damaged.
    """
    holders = sorted(path for path in root.iterdir() if HOLDERS.fullmatch(path.name))
    if not holders:
        raise CatalogueError(
            f"no train.zip, train_1.zip to train_9.zip or test.zip in {root}; "
            "put the competition's zips beside the CSV"
        )
    files: Files = {}
    for holder in holders:
        replacement = holder.name.lower().startswith("replacements")
        members = folder_members(holder) if holder.is_dir() else zip_members(holder, stack)
        for inner, blob in members:
            if inner.suffix.lower() not in IMAGE_SUFFIXES or inner.name.startswith("._"):
                continue
            where = inner.parent.parts if replacement else (holder.name,)
            key = (inner.name.lower(), side_of(where))
            files.setdefault(key, []).append(
                Blob(blob.origin, blob.stamp, blob.path, blob.archive, blob.member, replacement)
            )
    return files


def zip_members(path: Path, stack: ExitStack) -> Iterator[tuple[PurePosixPath, Blob]]:
    """Yield the path inside the zip and the blob of every file in it.

    Raises:
        CatalogueError: The zip cannot be opened or is cut short.
    """
    try:
        archive = stack.enter_context(zipfile.ZipFile(path))
    except (OSError, zipfile.BadZipFile) as error:
        raise CatalogueError(
            f"{path} is damaged or not a zip file ({error}); download it again"
        ) from error
    for entry in archive.infolist():
        if not entry.is_dir():
            yield (
                PurePosixPath(entry.filename),
                Blob(
                    f"{path.name}/{entry.filename}",
                    f"{entry.CRC:08x}-{entry.file_size}",
                    archive=archive,
                    member=entry,
                ),
            )


def folder_members(path: Path) -> Iterator[tuple[PurePosixPath, Blob]]:
    """Yield the path inside the folder and the blob of every file below it."""
    for file in sorted(path.rglob("*")):
        if file.is_file():
            inner = PurePosixPath(file.relative_to(path).as_posix())
            yield inner, file_blob(file, f"{path.name}/{inner}")


def side_of(parts: tuple[str, ...]) -> bool | None:
    """Return whether folder or zip names say train (True) or test (False), or neither (None)."""
    for part in reversed(parts):
        if re.match(r"train(_|\.|$)", part, re.I):
            return True
        if re.match(r"test(_|\.|$)", part, re.I):
            return False
    return None


def truth(label: str | None) -> bool | None:
    """Return the truth value that a CSV cell spells, or None where it spells none."""
    return {"true": True, "1": True, "false": False, "0": False}.get((label or "").strip().lower())


def number(text: str | None) -> int | None:
    """Return the whole number that a CSV cell holds ("224.0"), or None where it holds none."""
    found = re.fullmatch(r"\s*(\d+)(\.0*)?\s*", text or "")
    return int(found[1]) if found else None
