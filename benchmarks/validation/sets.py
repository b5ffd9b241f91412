"""The test sets of `docs/validation.md`, as tables: no artist of theirs was ever trained on.

thumbnails.csv    of each test artist of Painter by Numbers at most ten paintings, as published
photographs.csv   photographs, by test artists, of paintings at their true proportions
museum.csv        another museum's photographs
amateurs.csv      living amateurs, whom no backbone trained on the web can have met by name
recaptured/, greyscale/, small/   copies of three thumbnails by each artist
"""

import csv
import zipfile
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import polars as pl

from benchmarks.validation.copies import KINDS, make_copies
from samehand.catalogue.schema import load_catalogue
from samehand.pairs.draws import find_candidates

EACH, COPIED = 10, 3
"""Paintings of each artist among the thumbnails, and among the copies."""

_FIELDS = ("file", "artist", "style")


def make_sets(catalogue: Path, more: Path, natural: Path, out: Path) -> list[Path]:
    """Write the tables and the pictures that are in no folder yet.

    Args:
        catalogue: A catalogue of Painter by Numbers, made by `samehand prepare pbn`.
        more: The folder of further pictures, with `paintings.csv` and zips.
        natural: The folder of the museum's photographs, with `paintings.csv`.
        out: The folder to fill.

    Returns:
        The tables.
    """
    out.mkdir(parents=True, exist_ok=True)
    table = load_catalogue(catalogue)
    tested = find_candidates(table, "test")
    ids = [one for one, unseen in zip(tested.ids, tested.unseen, strict=True) if unseen]
    few = (
        table.filter(pl.col("painting_id").is_in(ids))
        .sort("sha256")
        .group_by("artist", maintain_order=True)
        .head(EACH)
    )
    rows = [
        {"file": str((catalogue / row["path"]).resolve()), **_labels(row)}
        for row in few.sort("painting_id").iter_rows(named=True)
    ]
    tables = [_write(out / "thumbnails.csv", rows)]
    three = _write(out / "copied.csv", _first_of_each(rows, COPIED))
    with open(more / "paintings.csv", newline="", encoding="utf-8") as source:
        further = list(csv.DictReader(source))
    for name, group in (("photographs", "test_only"), ("amateurs", "measure_only")):
        chosen = [
            row
            for row in further
            if row["pbn_group"] == group and row["file"].startswith("photographs-512/")
        ]
        counts = Counter(row["artist"] for row in chosen)
        chosen = [row for row in chosen if counts[row["artist"]] > 1]
        with zipfile.ZipFile(more / "photographs-512.zip") as archive:
            for row in chosen:
                archive.extract(row["file"], out)
        tables.append(_write(out / f"{name}.csv", chosen))
    with open(natural / "paintings.csv", newline="", encoding="utf-8") as source:
        museum = [
            row | {"file": str((natural / "images" / row["file"]).resolve())}
            for row in csv.DictReader(source)
        ]
    tables.append(_write(out / "museum.csv", museum))
    return tables + [make_copies([three], None, kind, out / kind) for kind in KINDS]


def _labels(row: Mapping[str, str | None]) -> dict[str, str]:
    return {name: row[name] or "" for name in ("artist", "style")}


def _first_of_each(rows: Iterable[Mapping[str, str]], count: int) -> list[Mapping[str, str]]:
    seen: Counter[str] = Counter()
    found = []
    for row in rows:
        seen[row["artist"]] += 1
        if seen[row["artist"]] <= count:
            found.append(row)
    return found


def _write(path: Path, rows: Iterable[Mapping[str, str]]) -> Path:
    with open(path, "w", newline="", encoding="utf-8") as sink:
        writer = csv.DictWriter(sink, _FIELDS, extrasaction="ignore", restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path
