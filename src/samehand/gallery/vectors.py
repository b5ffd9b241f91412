"""The embeddings of a gallery: one file of float32 rows that only ever grows, and exact search.

Row number is called slot. A slot that a committed work refers to is never written again, so that
readers need no lock: they map the file and look no further than the slots they know of.

Shapes: N slots, D embedding width, K results.
"""

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from samehand.errors import GalleryError
from samehand.records import Floats

Slots = NDArray[np.int64]

_ROWS_AT_ONCE, _ROWS_FOR_MANY = 65_536, 8_192


def append_rows(path: Path, first: int, rows: Floats) -> None:
    """Write embeddings from slot `first` on, and return once the disk has them.

    Args:
        path: The file; it is made if it does not exist.
        first: The first slot that no work refers to; what an aborted writer left there is lost.
        rows: (B, D).
    """
    width = rows.shape[1]
    # Through a link, a stranger's gallery would have any file written.
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
    handle = os.open(path, flags, 0o666)
    with open(handle, "r+b") as stream:
        stream.seek(first * width * 4)
        stream.write(np.ascontiguousarray(rows, np.float32).tobytes())
        stream.flush()
        os.fsync(stream.fileno())


def map_rows(path: Path, count: int, width: int) -> Floats:
    """Return the first `count` embeddings of a file, (N, D), read from the disk as needed.

    Raises:
        GalleryError: The file is missing or shorter than that.
    """
    if count == 0:
        return np.zeros((0, width), np.float32)
    try:
        if path.stat().st_size < count * width * 4:
            raise ValueError(f"fewer than {count} rows")
        rows: Floats = np.memmap(path, np.float32, "r", shape=(count, width))
    except (OSError, ValueError) as error:
        raise GalleryError(
            f"the gallery {path.parent} has lost embeddings ({path.name} is missing or cut); "
            "run samehand gallery re-embed to make them again"
        ) from error
    return rows


def exact_nearest(rows: Floats, probe: Floats, count: int, slots: Slots | None) -> Slots:
    """Return the slots of the embeddings with the largest cosine to a probe, best first.

    Args:
        rows: Unit length, (N, D).
        probe: Unit length, (D,).
        count: K, how many at most.
        slots: Look at these only, ascending; None for all.

    Returns:
        (K,) or fewer; equal cosines are ordered by slot.
    """
    total = len(rows) if slots is None else len(slots)
    cosines = np.empty(total, np.float32)
    for start in range(0, total, _ROWS_AT_ONCE):
        block = slice(start, min(start + _ROWS_AT_ONCE, total))
        chosen = rows[block] if slots is None else rows[slots[block]]
        with np.errstate(invalid="ignore", over="ignore"):
            np.matmul(chosen, probe, out=cosines[block])
    if not np.isfinite(cosines).all():
        raise GalleryError(
            "an embedding of the gallery is damaged; run samehand gallery re-embed to make it again"
        )
    top = best(cosines, count)
    return top if slots is None else slots[top]


def nearest_of_each(rows: Floats, probes: Floats, count: int) -> Slots:
    """Return the slots of the embeddings with the largest cosine to each probe, in one reading.

    Args:
        rows: Unit length, (N, D), at least K.
        probes: Unit length, (P, D).
        count: K.

    Returns:
        (P, K), in no order; of equal cosines at the K-th place, any.
    """
    slots = np.empty((len(probes), 0), np.int64)
    cosines = np.empty((len(probes), 0), np.float32)
    for start in range(0, len(rows), _ROWS_FOR_MANY):
        found = probes @ rows[start : start + _ROWS_FOR_MANY].T
        places = np.broadcast_to(np.arange(start, start + found.shape[1]), found.shape)
        cosines, slots = np.hstack([cosines, found]), np.hstack([slots, places])
        top = np.argpartition(-cosines, min(count, cosines.shape[1]) - 1, axis=1)[:, :count]
        cosines = np.take_along_axis(cosines, top, axis=1)
        slots = np.take_along_axis(slots, top, axis=1)
    return slots


def best(values: Floats, count: int) -> Slots:
    """Return the positions of the `count` largest values, best first, equals by position."""
    if count >= len(values):
        chosen = np.arange(len(values))
    else:
        # Everything equal to the last one chosen is kept until positions have decided.
        least = np.partition(values, -count)[-count]
        chosen = np.flatnonzero(values >= least)
    order = np.lexsort((chosen, -values[chosen]))
    return chosen[order][:count].astype(np.int64)
