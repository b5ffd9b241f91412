"""The rows that embedding leaves: parts, one a batch, below a folder of the encoder.

`OUT/<encoder>/part-<batch>.parquet`, or `.lance`, has the columns `path`, `stamp`, `sha256`,
`encoder`, `embedding` (a fixed-size list of float32) and `problem`. A part is there whole or not at
all.
"""

import io
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import PurePath
from typing import TYPE_CHECKING, Literal

import numpy as np

from samehand.embedding.places import entries_of, opened, write_file
from samehand.embedding.rows import Row
from samehand.model.lance_parts import SUFFIX, read_lance_part, write_lance_part

if TYPE_CHECKING:
    import polars as pl

PartFormat = Literal["parquet", "lance"]


def write_part(
    folder: str, name: str, rows: Sequence[Row], width: int, form: PartFormat = "parquet"
) -> None:
    """Write the rows of one batch.

    Args:
        folder: That of the encoder.
        name: The batch's.
        rows: Its rows.
        width: D.
        form: Of the part.

    Raises:
        MissingExtraError: Lance is asked for and not installed.
        OutputError: It cannot be written.
    """
    import polars as pl

    text = {
        column: [getattr(row, column) for row in rows]
        for column in ("path", "stamp", "sha256", "encoder", "problem")
    }
    none = np.zeros(width, np.float32)
    embeddings = np.stack([none if row.embedding is None else row.embedding for row in rows])
    known = pl.Series([row.embedding is not None for row in rows], dtype=pl.Boolean)
    table = pl.DataFrame(text, schema=dict.fromkeys(text, pl.String)).with_columns(
        pl.Series("embedding", embeddings, dtype=pl.Array(pl.Float32, width))
    )
    missing = pl.lit(None, dtype=pl.Array(pl.Float32, width))
    table = table.with_columns(pl.when(known).then(pl.col("embedding")).otherwise(missing))
    if form == "lance":
        write_lance_part(folder, f"part-{name}", table)
        return
    stream = io.BytesIO()
    table.write_parquet(stream, compression="zstd")
    write_file(f"{folder}/part-{name}.parquet", stream.getvalue())


def finished(folder: str) -> tuple[set[tuple[str, str]], set[str]]:
    """Return path and stamp of every picture that needs no other look, and such parts' names.

    A picture that could not be read is looked at again; one that is not a painting is not. Parts of
    either form count.

    Raises:
        MissingExtraError: There are parts in Lance, which is not installed.
    """
    done: set[tuple[str, str]] = set()
    parts: set[str] = set()
    for name, table in _parts(folder):
        read = table.drop_nulls("sha256")
        done.update(read.select("path", "stamp").iter_rows())
        if len(read) == len(table):
            parts.add(name)
    return done, parts


def _parts(folder: str) -> Iterator[tuple[str, "pl.DataFrame"]]:
    """Yield each part that can be read; a damaged one only costs embedding its pictures again."""
    import polars as pl

    columns = ["path", "stamp", "sha256"]
    for place in entries_of(folder):
        name, _, suffix = PurePath(place).name.rpartition(".")
        if not name.startswith("part-"):
            continue
        table = None
        if f".{suffix}" == SUFFIX:
            table = read_lance_part(place, columns)
        elif suffix == "parquet":
            with suppress(pl.exceptions.PolarsError, OSError), opened(place) as stream:
                table = pl.read_parquet(stream.read(), columns=columns)
        if table is not None:
            yield name.removeprefix("part-"), table
