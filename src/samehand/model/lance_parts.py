"""Parts of embedded rows as Lance tables, one a batch: `FOLDER/part-<batch>.lance`.

A part is one commit: it can be opened once all of it is there. LanceDB (extra `lance`) is imported
only here and by galleries that are in Lance.
"""

import os
from typing import TYPE_CHECKING, Any

from samehand.errors import MissingExtraError, OutputError

if TYPE_CHECKING:
    import polars as pl

SUFFIX = ".lance"


def require_lance() -> Any:  # noqa: ANN401
    """Return LanceDB.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        import lancedb
    except ImportError as error:
        raise MissingExtraError("rows in Lance", "lance") from error
    return lancedb


def write_lance_part(folder: str, name: str, table: "pl.DataFrame") -> None:
    """Write a part, in place of what has its name.

    Args:
        folder: A path, or an address that LanceDB reaches, such as s3://bucket/folder.
        name: "part-" and the batch's name.
        table: Its rows.

    Raises:
        MissingExtraError: LanceDB is not installed.
        OutputError: It cannot be written.
    """
    lancedb, rows = require_lance(), table.to_arrow()
    try:
        database = lancedb.connect(folder)
        # Rows without an embedding are rows: what LanceDB calls bad vectors stay null.
        try:
            database.create_table(name, rows, on_bad_vectors="null")
        except ValueError as error:
            if "already exists" not in str(error):
                raise
            database.create_table(name, rows, on_bad_vectors="null", mode="overwrite")
    except (OSError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())[:300]
        raise OutputError(
            f"cannot write {folder}/{name}{SUFFIX}: {reason}; choose a folder, or an address that "
            "LanceDB reaches, such as s3://bucket/folder"
        ) from error


def read_lance_part(place: str, columns: list[str]) -> "pl.DataFrame | None":
    """Return columns of a part, or None where it is damaged or was never finished.

    Args:
        place: The part's folder, FOLDER/part-<batch>.lance, or its address.
        columns: Which.

    Raises:
        MissingExtraError: LanceDB is not installed.
    """
    import polars as pl

    folder, _, name = place.replace(os.sep, "/").rpartition("/")
    try:
        table = require_lance().connect(folder).open_table(name.removesuffix(SUFFIX))
        read = pl.from_arrow(table.search().select(columns).to_arrow())
    except (OSError, RuntimeError, ValueError):
        return None
    return read if isinstance(read, pl.DataFrame) else None
