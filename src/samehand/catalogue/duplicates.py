"""Paintings that are in a catalogue twice, and what to do about them.

Perceptual hashes propose pairs and small pictures confirm them, because a hash alone takes every
framed monochrome for every other.
"""

import base64
from collections import defaultdict

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from samehand.images.likeness import THUMBNAIL_BYTES, Thumbnails, confirmed, detail_of

HASH_BITS = 10
"""Pairs whose 64-bit hashes differ in more bits than this are never compared.

Measured on the 13,964 readable paintings of $PBN_MINI: 185 pairs differ in at most 10 bits. At 12
bits 648 more are proposed, and the detail of none of them correlates above 0.80.
"""

CONTESTED = "contested attribution"

TILE = (128, 4096)
"""Rows and columns of hashes that are compared at a time."""


def unpack_thumbnails(encoded: list[str]) -> Thumbnails:
    """Return the thumbnails of which `encoded` holds the Base64, shape (N, THUMBNAIL_BYTES)."""
    data = b"".join(base64.b64decode(text) for text in encoded)
    return np.frombuffer(data, dtype=np.uint8).reshape(-1, THUMBNAIL_BYTES)


def near_duplicates(hashes: NDArray[np.uint64], thumbnails: Thumbnails) -> NDArray[np.int64]:
    """Return the pairs of pictures that show one work.

    Time grows with N squared at a few nanoseconds a pair (100,000 paintings
    take under a minute on one core); memory grows with N.

    Args:
        hashes: Shape (N,): 64-bit perceptual hashes.
        thumbnails: Shape (N, THUMBNAIL_BYTES).

    Returns:
        Shape (K, 2): indices, the smaller first, in ascending order.
    """
    detail = detail_of(thumbnails)
    # A picture without structure has a hash of noise and resembles every other such picture.
    structured = np.flatnonzero(np.any(detail, axis=1))
    bits = hashes[structured]
    found = [np.empty((0, 2), dtype=np.int64)]
    # Tiles of 4 MB stay in the processor's cache, which is four times as fast as whole rows.
    for top in range(0, len(bits), TILE[0]):
        rows = bits[top : top + TILE[0], None]
        for start in range(top, len(bits), TILE[1]):
            near = np.bitwise_count(rows ^ bits[None, start : start + TILE[1]]) <= HASH_BITS
            if near.any():
                first, second = np.nonzero(near)
                first, second = structured[first + top], structured[second + start]
                once = first < second
                found.append(confirmed(first[once], second[once], detail, thumbnails))
    pairs = np.concatenate(found)
    ordered: NDArray[np.int64] = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    return ordered


def duplicate_groups(frame: pl.DataFrame, pairs: NDArray[np.int64]) -> list[list[int]]:
    """Return the sets of rows that show one work, by `pairs` or by equal bytes.

    Args:
        frame: A table with a column `sha256`.
        pairs: Shape (K, 2): row numbers of near-duplicates.

    Returns:
        Row numbers of each set of two or more, in ascending order.
    """
    first_with: dict[str, int] = {}
    edges = [(int(i), int(j)) for i, j in pairs]
    for row, digest in enumerate(frame["sha256"]):
        if (twin := first_with.setdefault(digest, row)) != row:
            edges.append((twin, row))
    if not edges:
        return []
    left, right = np.array(edges).T
    graph = coo_array((np.ones(len(left)), (left, right)), shape=(frame.height, frame.height))
    _, labels = connected_components(graph, directed=False)
    groups: dict[int, list[int]] = defaultdict(list)
    for row in np.unique(np.concatenate([left, right])):
        groups[int(labels[row])].append(int(row))
    return sorted(groups.values())


def exclude_duplicates(frame: pl.DataFrame, groups: list[list[int]]) -> pl.DataFrame:
    """Return the table with every surplus copy excluded.

    Where all copies bear one artist's name, one stays: the one in the test set where copies lie on
    both sides, since test paintings are scarce and published pair lists name them, and else the
    largest photograph, then the smallest `painting_id`. Excluded copies get no split, so no work
    is trained on and tested. Copies under different artists are all excluded, because the truth of
    every pair with them is unknown.

    Args:
        frame: A table with columns `painting_id`, `artist`, `exclusion`, `pixels` and `held_out`
            (whether its source puts the painting into the test set).
        groups: Row numbers of each work that is there more than once.
    """
    ids, artists = frame["painting_id"].to_list(), frame["artist"].to_list()
    pixels, held_out = frame["pixels"].to_list(), frame["held_out"].to_list()
    exclusion: list[str | None] = frame["exclusion"].to_list()
    for group in groups:
        usable = [row for row in group if exclusion[row] is None]
        if len({artists[row] for row in usable}) > 1:
            for row in usable:
                exclusion[row] = CONTESTED
            continue
        usable.sort(key=lambda row: (not held_out[row], -pixels[row], ids[row]))
        for row in usable[1:]:
            exclusion[row] = f"duplicate of {ids[usable[0]]}"
    return frame.with_columns(pl.Series("exclusion", exclusion, dtype=pl.String))
