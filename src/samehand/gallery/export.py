"""A gallery as a Parquet file, for other tools and for another gallery."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from samehand.errors import OutputError
from samehand.files import atomic_path
from samehand.gallery.schema import About
from samehand.gallery.works import FIELDS, StoredWork
from samehand.records import Floats


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
        OutputError: The file is not a .parquet one, or cannot be written.
    """
    if out.suffix.lower() not in (".parquet", ".pq") and not out.is_dir():
        raise OutputError(
            f"{out} does not end in .parquet; "
            "a gallery is exported as Parquet, so name it NAME.parquet"
        )
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
