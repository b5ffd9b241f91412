"""The reader of CSV and Parquet manifests: one row per image."""

import os
from collections import Counter
from pathlib import Path

import polars as pl

from samehand.catalogue.sources import (
    Source,
    SourceRow,
    existing_folder,
    file_blob,
    painting_ids,
)
from samehand.errors import CatalogueError

FILE_COLUMNS = ("path", "file", "filename")


def read_manifest(
    location: str | os.PathLike[str], images: str | os.PathLike[str] | None = None
) -> Source:
    """Read a CSV or Parquet table with one row per image.

    Its columns are `path` (or `file`, or `filename`) and `artist`, and optionally `title`, `date`,
    `style`, `genre`, `source` and `split`. A relative path is looked for in `images`, then beside
    the table, then in a folder `images` beside the table.

    Args:
        location: The table.
        images: The folder that the paths are relative to, where it is another.

    Raises:
        CatalogueError: The table is missing, unreadable or empty, or lacks a column, or not one
            of its files exists.
    """
    path = Path(location)
    table = read_parquet(path) if path.suffix.lower() in {".parquet", ".pq"} else read_csv(path)
    column = next((name for name in FILE_COLUMNS if name in table.columns), None)
    if column is None or "artist" not in table.columns:
        raise CatalogueError(
            f"{path} needs a column 'path' (or 'file' or 'filename') and a column 'artist'; "
            f"it has {', '.join(table.columns)}"
        )
    bases = [path.parent, path.parent / "images"]
    if images is not None:
        bases.insert(0, existing_folder(images))
    records = [row for row in table.to_dicts() if row[column]]
    if not records:
        raise CatalogueError(f"{path} has no rows that name a file; add one row per image")
    names = [Path(row[column]).as_posix() for row in records]
    ids = painting_ids(names)
    rows: list[SourceRow] = []
    repeated: list[str] = []
    seen: set[str] = set()
    for name, record in zip(names, records, strict=True):
        if name in seen:
            repeated.append(name)
            continue
        seen.add(name)
        file = next((base / name for base in bases if (base / name).is_file()), None)
        rows.append(
            SourceRow(
                ids[name],
                name,
                () if file is None else (file_blob(file, name),),
                artist=record["artist"],
                title=record.get("title"),
                date=record.get("date"),
                style=record.get("style"),
                genre=record.get("genre"),
                source=record.get("source"),
                split=split_name(record.get("split"), path),
            )
        )
    if not any(row.files for row in rows):
        raise CatalogueError(
            f"none of the {len(rows)} files that {path} names exists, {names[0]} for one; "
            "name their folder with --images"
        )
    return Source(rows, repeated=repeated)


def read_csv(path: Path) -> pl.DataFrame:
    """Read a CSV file, every column as text and nothing as null.

    Raises:
        CatalogueError: The file is missing, empty, not UTF-8, or no CSV table.
    """
    try:
        # utf8-sig: spreadsheets put a byte order mark before the first column's name.
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise CatalogueError(f"{path} does not exist; name the CSV file") from error
    except UnicodeDecodeError as error:
        raise CatalogueError(f"{path} is not UTF-8; save it again as CSV in UTF-8") from error
    except OSError as error:
        raise CatalogueError(f"cannot read {path}: {error.strerror}; name a CSV file") from error
    if not text.strip():
        raise CatalogueError(f"{path} is empty; it needs a line of column names and then rows")
    try:
        table = pl.read_csv(text.encode(), infer_schema=False)
    except pl.exceptions.PolarsError as error:
        reason = str(error).strip().splitlines()[0]
        raise CatalogueError(
            f"{path} is no valid CSV ({reason}); check its commas and quotation marks"
        ) from error
    return non_empty(table, path)


def read_parquet(path: Path) -> pl.DataFrame:
    """Read a Parquet file, every column as text.

    Raises:
        CatalogueError: The file is missing, empty, or no Parquet file.
    """
    if not path.is_file():
        raise CatalogueError(f"{path} does not exist; name the Parquet file")
    try:
        table = pl.read_parquet(path)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise CatalogueError(f"cannot read {path} as Parquet; export it again") from error
    try:
        text = table.with_columns(pl.all().cast(pl.String))
    except pl.exceptions.PolarsError as error:
        raise CatalogueError(
            f"{path} has columns that are no text or numbers; drop them"
        ) from error
    return non_empty(text, path)


def non_empty(table: pl.DataFrame, path: Path) -> pl.DataFrame:
    """Return `table` with trimmed, lower-case column names.

    Raises:
        CatalogueError: It has no rows, or two columns of one name.
    """
    if table.height == 0:
        raise CatalogueError(f"{path} has column names but no rows; add one row per image")
    names = [name.strip().lower() for name in table.columns]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise CatalogueError(f"{path} has two columns called {twice[0]}; rename one")
    table.columns = names
    return table


def split_name(label: str | None, path: Path) -> str | None:
    """Return a manifest's word for a split as one of ours.

    Raises:
        CatalogueError: The word is none that is understood.
    """
    if label is None or not label.strip():
        return None
    names = {
        "train": "train",
        "training": "train",
        "val": "validation",
        "valid": "validation",
        "validation": "validation",
        "dev": "validation",
        "test": "test",
        "testing": "test",
    }
    known = names.get(label.strip().lower())
    if known is None:
        raise CatalogueError(
            f"{path}: {label.strip()!r} is no split; write train, validation or test"
        )
    return known
