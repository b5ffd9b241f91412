"""A gallery's works as Arrow tables, as Lance keeps them, and back."""

import datetime
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from samehand.errors import GalleryError
from samehand.files import read_json
from samehand.gallery.schema import About
from samehand.gallery.storage import DecisionRow
from samehand.gallery.works import FIELDS, FileState, NewWork, StoredWork, Work
from samehand.records import Floats

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = 1
SAID = (*FIELDS, "extra")
"""What `Work` says of a painting, beside its path."""

STORED = ("path", "sha256", "added", *SAID)
"""The columns of a `StoredWork`, beside its slot, which is Lance's stable row id."""

_KEY = b"samehand"


def works_schema(about: About) -> "pa.Schema":
    """Return the schema of the works, which also says what the gallery was made with.

    In the schema, because a re-embedding then replaces both in one commit.
    """
    import pyarrow as pa

    text = [pa.field(name, pa.string()) for name in ("sha256", "added", *SAID)]
    facts = {name: getattr(about, name) for name in ("encoder", "model", "width")}
    return pa.schema(
        [
            pa.field("path", pa.string(), nullable=False),
            *text,
            pa.field("size", pa.int64()),
            pa.field("mtime_ns", pa.int64()),
            pa.field("vector", pa.list_(pa.float32(), about.width)),
        ],
        metadata={_KEY: json.dumps({"format": FORMAT, **facts}).encode()},
    )


def read_about(schema: "pa.Schema", address: str) -> About:
    """Return what a gallery was made with.

    Raises:
        GalleryError: The table is not a gallery's, or of another version.
    """
    try:
        facts: dict[str, Any] = read_json((schema.metadata or {})[_KEY])
        version = facts.pop("format")
        about = About(**facts)
    except (KeyError, ValueError, TypeError) as error:
        raise GalleryError(
            f"{address} holds tables that are not a gallery's; choose another name"
        ) from error
    if version != FORMAT:
        raise GalleryError(
            f"the gallery {address} has format {version}, this samehand reads format {FORMAT}; use "
            "the samehand it was made with to export it, then import that"
        )
    return about


def new_rows(works: Sequence[NewWork], embeddings: Floats, about: About) -> "pa.Table":
    """Return the rows of new works, with their embeddings (B, D)."""
    import pyarrow as pa

    added = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    columns = {name: [said(new.work)[name] for new in works] for name in SAID}
    columns |= {"path": [new.work.path for new in works], "added": [added] * len(works)}
    columns |= {
        name: [getattr(new.state, name) for new in works] for name in ("sha256", "size", "mtime_ns")
    }
    schema = works_schema(about)
    arrays = [pa.array(columns[one.name], one.type) for one in schema if one.name != "vector"]
    return pa.Table.from_arrays([*arrays, vectors(embeddings, about.width)], schema=schema)


def said(work: Work) -> dict[str, str | None]:
    """Return what is said of a work, by the columns of `SAID`."""
    return {name: getattr(work, name) for name in FIELDS} | {
        "extra": json.dumps(work.extra, ensure_ascii=False)
    }


def vectors(rows: Floats, width: int) -> "pa.Array":
    """Return embeddings, (N, D), as a column."""
    import pyarrow as pa

    flat = pa.array(np.ascontiguousarray(rows, np.float32).ravel())
    return pa.FixedSizeListArray.from_arrays(flat, width)


def matrix(table: "pa.Table", width: int) -> Floats:
    """Return the embeddings of a table, (N, D)."""
    if not len(table):
        return np.zeros((0, width), np.float32)
    flat = table["vector"].combine_chunks().flatten()
    rows: Floats = flat.to_numpy(zero_copy_only=False).astype(np.float32).reshape(-1, width)
    return rows


def stored_works(table: "pa.Table") -> Iterator[StoredWork]:
    """Yield the works of a table that has `_rowid` and the columns of `STORED`."""
    for row in table.select(["_rowid", *STORED]).to_pylist():
        try:
            extra = read_json(row["extra"] or "{}")
        except ValueError as error:
            raise GalleryError(
                f"the gallery is damaged: the columns of {ascii(row['path'])[:90]} are not JSON; "
                "restore a copy of its folder"
            ) from error
        known = {name: row[name] for name in FIELDS}
        work = Work(row["path"], **known, extra=extra)
        yield StoredWork(row["_rowid"], work, row["sha256"], row["added"])


def file_states(table: "pa.Table") -> Iterator[tuple[str, int, FileState]]:
    """Yield path, slot and file state of the works of a table."""
    names = ("path", "_rowid", "sha256", "size", "mtime_ns")
    for path, slot, *state in zip(*(table[name].to_pylist() for name in names), strict=True):
        yield path, slot, FileState(*state)


def decisions_table(rows: Sequence[DecisionRow]) -> "pa.Table":
    """Return decisions as a table."""
    import pyarrow as pa

    return pa.Table.from_pylist([asdict(row) for row in rows], schema=decisions_schema())


def decisions_schema() -> "pa.Schema":
    """Return the schema of the record of decisions."""
    import pyarrow as pa

    types = {"llr": pa.float64()}
    return pa.schema([(one.name, types.get(one.name, pa.string())) for one in fields(DecisionRow)])


def quoted(texts: Iterable[str]) -> str:
    """Return texts as a list of SQL, in brackets."""
    return f"({', '.join(quote(text) for text in texts)})"


def quote(text: str) -> str:
    """Return a text as SQL."""
    return "'" + text.replace("'", "''") + "'"
