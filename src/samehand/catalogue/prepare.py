"""`samehand prepare`: a collection as it is found to a catalogue that every later step trusts."""

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import polars as pl

from samehand.catalogue.attribution import judge_artist, tidy_artist_id
from samehand.catalogue.cache import (
    CachedImage,
    cache_image,
    cache_key,
    journal_writer,
    read_journal,
)
from samehand.catalogue.clean import clean_date, clean_text
from samehand.catalogue.dates import state_years
from samehand.catalogue.duplicates import (
    duplicate_groups,
    exclude_duplicates,
    near_duplicates,
    unpack_thumbnails,
)
from samehand.catalogue.manifest import read_folder, read_manifest
from samehand.catalogue.pbn import read_pbn
from samehand.catalogue.report import Finding, PrepareReport, SameWork
from samehand.catalogue.schema import SCHEMA, SPLITS, write_catalogue
from samehand.catalogue.sources import Source, SourceRow
from samehand.catalogue.splits import Fractions, SplitScheme, assign_splits
from samehand.errors import CatalogueError
from samehand.files import output_error, write_text
from samehand.progress import track

SourceKind = Literal["pbn", "folder", "table", "csv", "parquet"]

DAMAGED = "damaged file"

Prepared = list[tuple[SourceRow, CachedImage]]


def prepare(
    kind: SourceKind,
    location: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    split: SplitScheme | None = None,
    seed: int = 0,
    images: str | os.PathLike[str] | None = None,
    columns: Mapping[str, str] | None = None,
    max_side: int = 640,
    fractions: Fractions = (0.6, 0.2, 0.2),
    validation_artists: int = 60,
    smallest_class: int = 1,
    any_attribution: bool = False,
) -> PrepareReport:
    """Read a collection, check every image, and write a catalogue with its image cache.

    Writes `catalogue.parquet`, `images/`, `prepare-report.json` and `prepare-report.md`. An
    interrupted run resumes where it stopped; a repeated one opens no image again, and changing the
    split, the seed or the fractions redoes only the split.

    Args:
        kind: "pbn" (the Painter by Numbers competition's files), "folder" (one folder per
            artist, or a zip of such folders), "table" (one row an image; "csv" and "parquet" mean
            the same).
        location: The folder or the table.
        out: The catalogue's folder, made if need be.
        split: How to divide the paintings; by default "pbn" for the competition's files, "given"
            for a table that has splits, and "artist-disjoint" otherwise.
        seed: Decides the split.
        images: The folder that a table's paths are relative to, where it is another.
        columns: Which column of a table is which, by meaning: {"path": "Image file"}.
        max_side: The longest side in pixels of the cached images.
        fractions: Shares of train, validation and test, for "artist-disjoint".
        validation_artists: How many artists validate, for "pbn" and "report".
        smallest_class: Artists with fewer paintings are left out, for "report".
        any_attribution: Use works "attributed to", "after" or by the workshop of an artist as that
            artist's own; otherwise they stay in the catalogue, in no split.

    Returns:
        What was found wrong and what was done about it.

    Raises:
        CatalogueError: The source cannot be used, or the split not be made.
        OutputError: `out` cannot be written.
    """
    if max_side < 1:
        raise CatalogueError(f"max_side is {max_side}; it should be at least 1 pixel")
    out = Path(out)
    if kind == "folder" and out.resolve().is_relative_to(Path(location).resolve()):
        raise CatalogueError(
            f"{out} lies inside {location}, so its images would be catalogued, too; choose an "
            "--out elsewhere"
        )
    with open_source(kind, location, images, columns) as source:
        done, missing = cache_images(source, out, max_side)
    good = sorted(
        ((row, image) for row, image in done if image.path), key=lambda pair: pair[0].painting_id
    )
    if not good:
        raise CatalogueError(f"not one image of {location} can be read; check the files")
    frame = base_table(good, any_attribution)
    hashes = np.array([int(image.phash, 16) for _, image in good], dtype=np.uint64)
    thumbnails = unpack_thumbnails([image.thumbnail for _, image in good])
    groups = duplicate_groups(frame, near_duplicates(hashes, thumbnails))
    judged = frame["exclusion"]
    frame = derive_groups(exclude_duplicates(frame, groups))
    scheme = split or default_scheme(kind, frame)
    frame = assign_splits(
        frame,
        scheme,
        seed,
        fractions=fractions,
        validation_artists=validation_artists,
        smallest_class=smallest_class,
    )
    usable = frame.filter(pl.col("exclusion").is_null())
    works = [same_work(frame, [row for row in group if judged[row] is None]) for group in groups]
    works = [work for work in works if len(work.paintings) > 1]
    report = PrepareReport(
        location=str(location),
        kind=kind,
        scheme=scheme,
        seed=seed,
        rows=len(source.rows),
        paintings=frame.height,
        usable=usable.height,
        artists=usable["artist"].n_unique(),
        missing=missing,
        notes=source.notes,
        repeated=source.repeated,
        unnamed=source.unnamed,
        duplicates=[work for work in works if work.kept],
        contested=[work for work in works if not work.kept],
        labels=dropped_labels(good, any_attribution),
        splits={
            name: {"paintings": part.height, "artists": part["artist"].n_unique()}
            for name in SPLITS
            for part in [usable.filter(pl.col("split") == name)]
        },
        repaired=[finding(row, image) for row, image in good if image.repaired],
        unreadable=[finding(row, image) for row, image in done if not image.path],
        damaged=[finding(row, image) for row, image in good if image.cut],
        other_size=other_sizes(good),
    )
    write_catalogue(frame, out)
    write_text(
        out / "prepare-report.json",
        json.dumps(report.to_dict(), indent=1, ensure_ascii=False) + "\n",
    )
    write_text(out / "prepare-report.md", report.to_markdown())
    return report


@contextmanager
def open_source(
    kind: SourceKind,
    location: str | os.PathLike[str],
    images: str | os.PathLike[str] | None = None,
    columns: Mapping[str, str] | None = None,
) -> Iterator[Source]:
    """Yield a collection; its files can be read until the block ends.

    Raises:
        CatalogueError: The kind is unknown, or the source cannot be used.
    """
    if kind == "pbn":
        with read_pbn(location) as source:
            yield source
    elif kind == "folder":
        yield read_folder(location)
    elif kind in ("table", "csv", "parquet"):
        yield read_manifest(location, images, columns)
    else:
        raise CatalogueError(
            f"{kind!r} is not a kind of source; choose one of {', '.join(get_args(SourceKind))}"
        )


def cache_images(source: Source, out: Path, max_side: int) -> tuple[Prepared, list[Finding]]:
    """Bring every image of a source into the cache of `out`.

    Returns:
        The rows that have a file with what became of it, and the rows that have none.

    Raises:
        OutputError: `out` cannot be written.
    """
    try:
        (out / "images").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise output_error(out, error) from error
    known = read_journal(out)
    done: Prepared = []
    with journal_writer(out) as remember:
        for row in track([row for row in source.rows if row.files], "checking paintings"):
            key = cache_key(row, max_side)
            image = known.get(key)
            if image is None:
                image = cache_image(row, out, max_side)
                remember(image)
            done.append((row, image))
    missing = [
        Finding(row.painting_id, row.name, f"{row.name} was not found")
        for row in source.rows
        if not row.files
    ]
    return done, missing


def base_table(good: Prepared, any_attribution: bool = False) -> pl.DataFrame:
    """Return the catalogue before duplicates, artist groups and splits are known.

    Beside the columns of `SCHEMA` it has `pixels` (of the image as found) and `held_out` (whether
    the source puts the painting into its test set).
    """
    records = []
    for row, image in good:
        attribution, exclusion = judge_artist(
            row.artist, row.qualifier, any_attribution=any_attribution
        )
        date_from, date_to = state_years(clean_date(row.date), row.date_from, row.date_to)
        if exclusion is None and image.cut:
            exclusion = DAMAGED
        records.append(
            {
                "painting_id": row.painting_id,
                "path": image.path,
                "artist": attribution.artist,
                "artist_id": tidy_artist_id(row.artist_id),
                "qualifier": attribution.qualifier,
                "title": clean_text(row.title),
                "date": clean_date(row.date),
                "date_from": date_from,
                "date_to": date_to,
                "accession_number": clean_text(row.accession_number),
                "style": clean_text(row.style),
                "genre": clean_text(row.genre),
                "source": clean_text(row.source),
                "width": image.width,
                "height": image.height,
                "bytes": image.bytes,
                "sha256": image.sha256,
                "phash": image.phash,
                "split": row.split,
                "artist_group": clean_text(row.artist_group),
                "origin": image.origin,
                "in_train": row.in_train,
                "repaired": image.repaired,
                "exclusion": exclusion,
                "pixels": image.pixels,
                "held_out": row.in_train is False or row.split == "test",
            }
        )
    return pl.DataFrame(records, schema=SCHEMA | {"pixels": pl.Int64, "held_out": pl.Boolean})


def derive_groups(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the table with `artist_group` worked out where the source gives only `in_train`."""
    # Copies after an artist say nothing about where his own works lie.
    doubtful = pl.col("exclusion").str.starts_with("uncertain attribution")
    autograph = ~doubtful.fill_null(False)
    trained = (pl.col("in_train") & autograph).any().over("artist")
    tested = (~pl.col("in_train") & autograph).any().over("artist")
    derived = (
        pl.when(pl.col("artist").is_null())
        .then(None)
        .when(trained & tested)
        .then(pl.lit("train_and_test"))
        .when(trained)
        .then(pl.lit("train_only"))
        .when(tested)
        .then(pl.lit("test_only"))
    )
    return frame.with_columns(pl.coalesce("artist_group", derived).alias("artist_group"))


def default_scheme(kind: SourceKind, frame: pl.DataFrame) -> SplitScheme:
    """Return the split that a source suggests."""
    if kind == "pbn":
        return "pbn"
    return "given" if frame["split"].null_count() < frame.height else "artist-disjoint"


def finding(row: SourceRow, image: CachedImage) -> Finding:
    """Return what was wrong with a row's files and, if anything was, what took their place."""
    fault = image.fault or "no fault known"
    what = f"{fault}; {image.origin} took its place" if image.repaired else fault
    return Finding(row.painting_id, row.name, what)


def other_sizes(good: Prepared) -> list[Finding]:
    """Return the files whose length or number of pixels contradicts their source.

    An image may decode and still be another painting's, or a recompressed one.
    """
    findings = []
    for row, image in good:
        found = []
        if row.size_bytes not in (None, image.source_bytes):
            found.append(f"{image.source_bytes:,} bytes instead of {row.size_bytes:,}")
        if row.pixels not in (None, image.pixels):
            found.append(f"{image.pixels:,} pixels instead of {row.pixels:,}")
        if found:
            what = f"{image.origin} has {' and '.join(found)}"
            findings.append(Finding(row.painting_id, image.origin, what))
    return findings


def same_work(frame: pl.DataFrame, rows: list[int]) -> SameWork:
    """Return one work's copies, given the numbers of their rows in the finished table."""
    part = frame[rows]
    kept = part.filter(pl.col("exclusion").is_null())["painting_id"].to_list()
    return SameWork(
        part["painting_id"].to_list(),
        part["artist"].to_list(),
        part["title"].to_list(),
        kept[0] if kept else None,
    )


def dropped_labels(good: Prepared, any_attribution: bool = False) -> dict[str, int]:
    """Return the labels that name no certain artist, with how many paintings bear each."""
    labels = Counter(
        " ".join(filter(None, map(clean_text, (row.qualifier, row.artist)))) or "(empty)"
        for row, _ in good
        if judge_artist(row.artist, row.qualifier, any_attribution=any_attribution)[1]
    )
    return dict(sorted(labels.items()))
