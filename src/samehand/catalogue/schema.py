"""The catalogue table: its columns, their types, and the check that a file holds them."""

import os
from pathlib import Path
from typing import get_args

import polars as pl

from samehand.errors import CatalogueError
from samehand.files import atomic_path
from samehand.records import Qualifier

CATALOGUE_NAME = "catalogue.parquet"

SPLITS = ("train", "validation", "test")

SCHEMA: dict[str, type[pl.DataType]] = {
    "painting_id": pl.String,
    "path": pl.String,
    "artist": pl.String,
    "artist_id": pl.String,
    "qualifier": pl.String,
    "title": pl.String,
    "date": pl.String,
    "date_from": pl.Int64,
    "date_to": pl.Int64,
    "accession_number": pl.String,
    "style": pl.String,
    "genre": pl.String,
    "source": pl.String,
    "width": pl.Int64,
    "height": pl.Int64,
    "bytes": pl.Int64,
    "sha256": pl.String,
    "phash": pl.String,
    "split": pl.String,
    "artist_group": pl.String,
    "origin": pl.String,
    "in_train": pl.Boolean,
    "repaired": pl.Boolean,
    "exclusion": pl.String,
}
"""Column to type, in the order of the file. Unknown is null, never "Unknown".

    artist_id     of a name authority: "ulan:500011051", "Q5598"
    qualifier     null for an autograph work, else one of `records.Qualifier`
    date_from     the first year that `date` allows, `date_to` the last; negative before Christ
    accession_number  what the collection calls the work: "SK-A-2344"
    path          the cached image, relative to the catalogue's folder
    width         of the cached image in pixels, as are `height`, `bytes` and `sha256`
    phash         64-bit perceptual hash, 16 hex digits
    split         "train", "validation" or "test"; null where `exclusion` is not, or left open
    artist_group  "train_and_test", "train_only" or "test_only", as the competition has it
    origin        where the image came from: "train_2.zip/train_2/15496.jpg"
    in_train      the competition's own division, null elsewhere
    repaired      whether the first file named was bad and another took its place
    exclusion     why the painting may appear in no pair, or null
"""

ADDED_LATER = ("artist_id", "qualifier", "date_from", "date_to", "accession_number")
"""Columns that older catalogues lack, which are read as null there."""

NEVER_NULL = ("painting_id", "path", "width", "height", "bytes", "sha256", "phash", "origin")


def validate_catalogue(frame: pl.DataFrame, name: str) -> None:
    """Check that a table is a catalogue.

    Args:
        frame: The table.
        name: What to call it in a message, usually its path.

    Raises:
        CatalogueError: A column is missing or of another type, an obligatory value is null, a
            painting occurs twice, or a split is none of `SPLITS`.
    """
    advice = "run samehand prepare again"
    frame = _with_later_columns(frame)
    missing = [column for column in SCHEMA if column not in frame.columns]
    if missing:
        raise CatalogueError(f"{name} lacks the columns {', '.join(missing)}; {advice}")
    for column, dtype in SCHEMA.items():
        if frame.schema[column] != dtype:
            raise CatalogueError(
                f"{name}: column {column} is {frame.schema[column]} and should be "
                f"{dtype.__name__}; {advice}"
            )
    for column in NEVER_NULL:
        if frame[column].null_count():
            raise CatalogueError(f"{name}: column {column} has empty values; {advice}")
    if frame["painting_id"].n_unique() != frame.height:
        raise CatalogueError(f"{name} holds the same painting_id twice; {advice}")
    strange = set(frame["split"].drop_nulls().unique()) - set(SPLITS)
    if strange:
        raise CatalogueError(
            f"{name}: {', '.join(sorted(strange))} is not a split; use one of {', '.join(SPLITS)}"
        )
    unknown = set(frame["qualifier"].drop_nulls().unique()) - set(get_args(Qualifier))
    if unknown:
        raise CatalogueError(
            f"{name}: {', '.join(sorted(unknown))} is not a qualifier; it should be one of "
            f"{', '.join(get_args(Qualifier))}"
        )


def _with_later_columns(frame: pl.DataFrame) -> pl.DataFrame:
    absent = [column for column in ADDED_LATER if column not in frame.columns]
    return frame.with_columns(pl.lit(None, dtype=SCHEMA[column]).alias(column) for column in absent)


def write_catalogue(frame: pl.DataFrame, folder: str | os.PathLike[str]) -> Path:
    """Write a catalogue into its folder, all or nothing, and return the file's path.

    Args:
        frame: A table that `validate_catalogue` accepts; further columns are left out.
        folder: The catalogue's folder, which the paths in the table are relative to.

    Raises:
        CatalogueError: The table is not a catalogue.
        OutputError: The folder cannot be written.
    """
    target = Path(folder) / CATALOGUE_NAME
    validate_catalogue(frame, str(target))
    frame = _with_later_columns(frame)
    with atomic_path(target) as temporary:
        frame.select(list(SCHEMA)).write_parquet(temporary, compression="zstd", statistics=True)
    return target


def load_catalogue(folder: str | os.PathLike[str]) -> pl.DataFrame:
    """Read the catalogue of a folder that `samehand prepare` made.

    Args:
        folder: The folder, or the Parquet file itself.

    Returns:
        A table with the columns of `SCHEMA`, sorted by `painting_id`.

    Raises:
        CatalogueError: There is no catalogue, or it is damaged or of another version.
    """
    folder = Path(folder)
    path = folder if folder.is_file() else folder / CATALOGUE_NAME
    if not path.is_file():
        raise CatalogueError(f"no {CATALOGUE_NAME} in {folder}; run samehand prepare first")
    try:
        frame = pl.read_parquet(path)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise CatalogueError(
            f"cannot read {path} as Parquet; run samehand prepare again"
        ) from error
    validate_catalogue(frame, str(path))
    return _with_later_columns(frame).select(list(SCHEMA))
