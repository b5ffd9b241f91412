"""Paintings that are in a catalogue twice, and what to do about them.

Perceptual hashes propose pairs and small pictures confirm them, because a hash alone takes every
framed monochrome for every other.
"""

import base64
from collections import defaultdict

import numpy as np
import polars as pl
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import uniform_filter
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

HASH_BITS = 10
"""Pairs whose 64-bit hashes differ in more bits than this are never compared.

Measured on the 13,964 readable paintings of $PBN_MINI: 185 pairs differ in at most 10 bits. At 12
bits 648 more are proposed, and the detail of none of them correlates above 0.80.
"""

DETAIL = 0.85
"""Least correlation of local detail (see `detail_of`) between two pictures of one work.

Judged there by eye: of the 185 pairs, reproductions of one work in other light, colour or cropping
reach 0.855 to 1.00 (22 pairs); six further ones reach only 0.58 to 0.81 and are missed, since works
of one series begin there. Works of different artists stay below 0.77, but for a photo mosaic after
Seurat at 0.84. Of four pairs above the threshold that are two works of one series, `colours_agree`
refuses two; a Stella and a Landfield that differ by the width of a line are taken for duplicates.
"""

CHROMA_COSINE = 0.15
CHROMA_RMS = 25.0
CHROMA_FLOOR = 5.0
"""Colours agree where the blue and red differences of two thumbnails are within `CHROMA_RMS` of
255 and point the same way; below `CHROMA_FLOOR` both are so close that direction is noise.

Reproductions of one work reach 17.4 and a cosine of 0.21; the two series that detail cannot tell
apart have 37.1, and a cosine of 0.05 at 9.2.
"""

CONTESTED = "contested attribution"

GREY_SIDE = 32
CHROMA_SIDE = 8
THUMBNAIL_BYTES = GREY_SIDE**2 + 2 * CHROMA_SIDE**2

TILE = (128, 4096)
"""Rows and columns of hashes that are compared at a time."""

Thumbnails = NDArray[np.uint8]
"""Shape (N, THUMBNAIL_BYTES): `thumbnail` of N paintings."""


def thumbnail(image: Image.Image) -> NDArray[np.uint8]:
    """Return what is remembered of a picture to tell duplicates by.

    Args:
        image: An RGB picture of any size.

    Returns:
        Shape (THUMBNAIL_BYTES,): 32x32 luma, then 8x8 blue and 8x8 red difference (BT.601).
    """
    luma, blue, red = image.convert("YCbCr").split()
    box = Image.Resampling.BOX
    grey, small = (GREY_SIDE, GREY_SIDE), (CHROMA_SIDE, CHROMA_SIDE)
    parts = (luma.resize(grey, box), blue.resize(small, box), red.resize(small, box))
    return np.concatenate([np.asarray(part, dtype=np.uint8).ravel() for part in parts])


def unpack_thumbnails(encoded: list[str]) -> Thumbnails:
    """Return the thumbnails of which `encoded` holds the Base64, shape (N, THUMBNAIL_BYTES)."""
    data = b"".join(base64.b64decode(text) for text in encoded)
    return np.frombuffer(data, dtype=np.uint8).reshape(-1, THUMBNAIL_BYTES)


def detail_of(thumbnails: Thumbnails) -> NDArray[np.float16]:
    """Return the local light-and-dark structure of thumbnails, freed of light and contrast.

    What a 5x5 mean leaves is divided by its root mean square in the surrounding 7x7, plus 4 grey
    levels that keep JPEG noise on bare canvas from counting as structure.

    Args:
        thumbnails: Shape (N, THUMBNAIL_BYTES).

    Returns:
        Shape (N, 1024), unit length and zero mean, so that a dot product is a correlation; all
        zero for a picture without any structure.
    """
    detail = np.zeros((len(thumbnails), GREY_SIDE**2), dtype=np.float16)
    # In blocks, because the intermediate arrays are eight times as large as the result.
    for start in range(0, len(thumbnails), 4096):
        block = thumbnails[start : start + 4096, : GREY_SIDE**2].astype(np.float32)
        grey = block.reshape(-1, GREY_SIDE, GREY_SIDE)
        local = grey - uniform_filter(grey, size=(1, 5, 5), mode="nearest")
        strength = np.sqrt(np.maximum(uniform_filter(local**2, size=(1, 7, 7), mode="nearest"), 0))
        flat = (local / (strength + 4)).reshape(len(block), -1)
        flat -= flat.mean(axis=1, keepdims=True)
        norm = np.linalg.norm(flat, axis=1, keepdims=True)
        detail[start : start + 4096] = np.where(norm > 1e-3, flat / np.maximum(norm, 1e-3), 0)
    return detail


def colours_agree(left: Thumbnails, right: Thumbnails) -> NDArray[np.bool_]:
    """Return whether the colours of thumbnails could be those of one work, photographed twice.

    Args:
        left: Shape (N, THUMBNAIL_BYTES).
        right: The same shape.

    Returns:
        Shape (N,).
    """
    a = left[:, GREY_SIDE**2 :].astype(np.float32) - 128
    b = right[:, GREY_SIDE**2 :].astype(np.float32) - 128
    rms = np.sqrt(((a - b) ** 2).mean(axis=1))
    scale = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    cosine = (a * b).sum(axis=1) / np.maximum(scale, 1e-6)
    near = (rms < CHROMA_RMS) & (cosine > CHROMA_COSINE)
    agree: NDArray[np.bool_] = near | (rms < CHROMA_FLOOR)
    return agree


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


def confirmed(
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    detail: NDArray[np.float16],
    thumbnails: Thumbnails,
) -> NDArray[np.int64]:
    """Return those of the proposed pairs, shape (K, 2), whose detail and colours agree."""
    kept = [np.empty((0, 2), dtype=np.int64)]
    for start in range(0, len(left), 4096):
        i, j = left[start : start + 4096], right[start : start + 4096]
        alike = np.einsum("nd,nd->n", detail[i].astype(np.float32), detail[j].astype(np.float32))
        agree = (alike >= DETAIL) & colours_agree(thumbnails[i], thumbnails[j])
        kept.append(np.column_stack([i[agree], j[agree]]))
    return np.concatenate(kept)


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
