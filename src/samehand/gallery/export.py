"""A gallery and its decisions as files for other tools: tables and Linked Art."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from samehand.catalogue.write_table import SUFFIXES as TABLES
from samehand.catalogue.write_table import write_rows
from samehand.errors import OutputError
from samehand.files import atomic_path, write_text
from samehand.gallery.linked_art import linked_art
from samehand.gallery.schema import About
from samehand.gallery.works import FIELDS, StoredWork
from samehand.records import Floats

if TYPE_CHECKING:
    from samehand.gallery.gallery import Gallery
    from samehand.results import DecidedWork, Decisions

PARQUET = (".parquet", ".pq")
LINKED_ART = (".jsonld",)

_DECIDED = (
    "id", "time", "by", "label", "first", "first_artist", "first_number", "second",
    "second_artist", "second_number", "llr", "note", "stands", "disputed", "model",
    "first_sha256", "second_sha256",
)  # fmt: skip


def export(gallery: "Gallery", out: Path, where: Sequence[str] = ()) -> int:
    """Write a gallery's works into a file of the kind that its suffix names; `Gallery.export`."""
    kind = out.suffix.lower()
    if kind not in (*PARQUET, *TABLES, *LINKED_ART):
        raise OutputError(
            f"{out} is not .csv, .xlsx, .parquet or .jsonld; name it NAME.csv, say, or use "
            "samehand manifest for a IIIF manifest"
        )
    if kind in PARQUET:
        works, rows = gallery.embeddings(where)
        write_parquet(out, works, rows, gallery.store.about())
        return len(works)
    works = tuple(gallery.list(where))
    if kind in LINKED_ART:
        told = linked_art(gallery.name, works, gallery.decisions())
        write_text(out, json.dumps(told, indent=1, ensure_ascii=False) + "\n")
    else:
        write_rows(out, ("path", *FIELDS, "sha256", "added"), [_row(stored) for stored in works])
    return len(works)


def write_decisions(out: Path, found: "Decisions") -> None:
    """Write decisions into a table, a row each.

    Args:
        out: A .csv or .xlsx file.
        found: The decisions.

    Raises:
        OutputError: The file is another kind, or cannot be written.
        MissingExtraError: What writes .xlsx is not installed.
    """
    rows = []
    for one in found.decisions:
        known: dict[str, object] = {
            name: getattr(one, name) for name in ("id", "time", "by", "label", "llr", "note")
        }
        known |= {"model": one.model, "stands": one.stands, "disputed": one.disputed}
        known |= _side("first", one.first) | _side("second", one.second)
        rows.append(known)
    write_rows(out, _DECIDED, rows)


def write_parquet(out: Path, works: Sequence[StoredWork], rows: Floats, about: About) -> None:
    """Write works into a Parquet file, all or nothing.

    Its columns are `path`, those of `works.FIELDS`, `sha256`, `added`, `encoder`, every further
    column of the gallery, and `embedding`, a fixed-size list of float32.

    Args:
        out: The file.
        works: N works.
        rows: Their embeddings, (N, D).
        about: What the gallery was made with.

    Raises:
        OutputError: The file cannot be written.
    """
    import polars as pl

    extra = sorted({name for stored in works for name in stored.work.extra})
    text: dict[str, list[str | None]] = {"path": [stored.work.path for stored in works]}
    text |= {name: [getattr(stored.work, name) for stored in works] for name in FIELDS}
    text |= {name: [getattr(stored, name) for stored in works] for name in ("sha256", "added")}
    text["encoder"] = [about.encoder] * len(works)
    text |= {name: [stored.work.extra.get(name) for stored in works] for name in extra}
    table = pl.DataFrame(text, schema=dict.fromkeys(text, pl.String)).with_columns(
        pl.Series("embedding", rows, dtype=pl.Array(pl.Float32, about.width))
    )
    with atomic_path(out) as temporary:
        table.write_parquet(temporary, compression="zstd")


def _row(stored: StoredWork) -> dict[str, object]:
    known: dict[str, object] = dict(stored.work.extra)
    known |= {name: getattr(stored.work, name) for name in FIELDS}
    return known | {"path": stored.work.path, "sha256": stored.sha256, "added": stored.added}


def _side(name: str, work: "DecidedWork") -> dict[str, object]:
    return {
        name: work.path,
        f"{name}_artist": work.artist,
        f"{name}_number": work.extra.get("accession_number"),
        f"{name}_sha256": work.sha256,
    }
