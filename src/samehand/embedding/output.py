"""The rows that embedding leaves: Parquet parts, one a batch, below a folder of the encoder.

`OUT/<encoder>/part-<batch>.parquet` has the columns `path`, `stamp`, `sha256`, `encoder`,
`embedding` (a fixed-size list of float32) and `problem`. A part is there whole or not at all.
"""

import io
from collections.abc import Sequence

import numpy as np

from samehand.embedding.places import files_below, opened, write_file
from samehand.embedding.rows import Row


def write_part(folder: str, name: str, rows: Sequence[Row], width: int) -> None:
    """Write the rows of one batch.

    Args:
        folder: That of the encoder.
        name: The batch's.
        rows: Its rows.
        width: D.

    Raises:
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
    stream = io.BytesIO()
    table.write_parquet(stream, compression="zstd")
    write_file(f"{folder}/part-{name}.parquet", stream.getvalue())


def finished(folder: str) -> tuple[set[tuple[str, str]], set[str]]:
    """Return path and stamp of every picture that needs no other look, and such parts' names.

    A picture that could not be read is looked at again; one that is not a painting is not.
    """
    import polars as pl

    done: set[tuple[str, str]] = set()
    parts: set[str] = set()
    for place in files_below(folder):
        name = place.rpartition("/")[2]
        if not (name.startswith("part-") and name.endswith(".parquet")):
            continue
        try:
            with opened(place) as stream:
                table = pl.read_parquet(stream.read(), columns=["path", "stamp", "sha256"])
        except (pl.exceptions.PolarsError, OSError):
            continue  # a damaged part only costs embedding those pictures again
        read = table.drop_nulls("sha256")
        done.update(read.select("path", "stamp").iter_rows())
        if len(read) == len(table):
            parts.add(name.removeprefix("part-").removesuffix(".parquet"))
    return done, parts
