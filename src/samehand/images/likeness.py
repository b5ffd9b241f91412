"""Whether two pictures are reproductions of one work, whatever light, crop and colour.

Small thumbnails are compared by their local structure and then by their colours.

Shapes: N pictures, K pairs.
"""

from dataclasses import dataclass
from functools import reduce
from itertools import product

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from samehand.records import Floats

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

CROPS = (0.0, 0.03, 0.06, 0.09, 0.12)
"""Shares of a side that are tried at each edge to find a crop.

Of 36 random crops by up to 5, 10 and 13 % at each edge of 12 paintings, saved again as JPEG of
quality 80, 33 reach `DETAIL` in the best window (all 0.81 or more), and the 25 pairs of 60 works
with the largest cosines reach 0.19 at most.
"""

_SIDE = 192

GREY_SIDE = 32
CHROMA_SIDE = 8
THUMBNAIL_BYTES = GREY_SIDE**2 + 2 * CHROMA_SIDE**2

Thumbnails = NDArray[np.uint8]
"""Shape (N, THUMBNAIL_BYTES): `thumbnail` of N paintings."""


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """A picture cropped in many ways, to tell whether another shows a part of it.

    Attributes:
        thumbnails: Of each crop, (N, THUMBNAIL_BYTES).
        detail: `detail_of` those, (N, 1024): it costs far more than a comparison with it.
    """

    thumbnails: Thumbnails
    detail: NDArray[np.float16]


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
        local = grey - _surrounding_mean(grey, 5)
        strength = np.sqrt(_surrounding_mean(local**2, 7))
        flat = (local / (strength + 4)).reshape(len(block), -1)
        flat -= flat.mean(axis=1, keepdims=True)
        norm = np.linalg.norm(flat, axis=1, keepdims=True)
        detail[start : start + 4096] = np.where(norm > 1e-3, flat / np.maximum(norm, 1e-3), 0)
    return detail


def _surrounding_mean(grey: Floats, side: int) -> Floats:
    """Return the mean of the `side` x `side` cells around each, edges repeated, (N, H, W).

    `scipy.ndimage.uniform_filter` computes the same, but takes longer to import than a comparison
    may take.
    """
    height, width = grey.shape[1:]
    edge = side // 2
    padded = np.pad(grey, ((0, 0), (edge, edge), (edge, edge)), mode="edge")
    down: Floats = reduce(np.add, (padded[:, at : at + height] for at in range(side)))
    across: Floats = reduce(np.add, (down[:, :, at : at + width] for at in range(side)))
    return across / np.float32(side * side)


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


def windows(image: Image.Image) -> Windows:
    """Return a picture cropped in `len(CROPS)` steps at each of its four edges.

    Args:
        image: An RGB picture of any size.

    Returns:
        N = len(CROPS) ** 4 crops.
    """
    small = image.resize((_SIDE, _SIDE), Image.Resampling.BOX).convert("YCbCr").split()
    parts = []
    for part, cells in zip(small, (GREY_SIDE, CHROMA_SIDE, CHROMA_SIDE), strict=True):
        means = _cell_means(cells)
        across = np.asarray(part, np.float32) @ means.transpose(0, 2, 1)
        both = np.einsum("vij,hjk->vhik", means, across, optimize=True)
        parts.append(both.reshape(len(means) ** 2, -1))
    thumbnails: NDArray[np.uint8] = np.rint(np.concatenate(parts, axis=1)).astype(np.uint8)
    return Windows(thumbnails, detail_of(thumbnails))


def _cell_means(cells: int) -> Floats:
    """Return the weights that average a side's pixels into cells, (crops, cells, _SIDE)."""
    pixels = np.arange(_SIDE)
    found = []
    for low, high in product(CROPS, repeat=2):
        edges = np.linspace(_SIDE * low, _SIDE * (1 - high), cells + 1)
        covered = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
        weights = np.maximum(covered, 0)
        found.append(weights / weights.sum(axis=1, keepdims=True))
    return np.stack(found).astype(np.float32)


def same_thumbnail(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> bool:
    """Return whether the thumbnails of two images, of `thumbnail`, show one picture."""
    both = np.stack([left, right])
    pair = np.zeros(1, np.int64), np.ones(1, np.int64)
    return len(confirmed(*pair, detail_of(both), both)) > 0
