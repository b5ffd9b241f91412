"""What a file can show of a painting: a calibration holds for pictures of one kind only.

The kind is read from the file alone, so that a verdict and a calibration always agree on it.
"""

import numpy as np
from PIL import Image

from samehand.images.decode import Decoded
from samehand.records import PictureKind

KINDS_VERSION = 1
"""Changes with the rule below, so that no kind that was kept is stale."""

THUMBNAIL_SIDE = 320
"""Pictures whose longer side is at most this many pixels are thumbnails."""

SMALL_SIDE = 208
"""Pictures whose longer side is at most this many pixels are small."""

TINY_SIDE = 150
"""Pictures whose longer side is at most this many pixels are tiny: enlarged to what the encoder
looks at, they are so soft that any two resemble one another. On validation artists the score at
which a pair speaks for neither side is -0.25 for thumbnails, -0.16 for ones of 177 to 224 pixels
photographed again, and 0.01 for those shrunk to 134 pixels (ADR 0045)."""

_GREY_CHROMA = 4.0
"""Greyscale JPEGs measure 0 levels of 255 from grey; the rest is room for scanners that tint."""


def picture_kind(item: Decoded) -> PictureKind:
    """Return the kind of a decoded picture: by its size, and whether it is in greyscale."""
    longer = max(item.width, item.height)
    if is_grey(item.image):
        return "greyscale photograph" if longer > THUMBNAIL_SIDE else "greyscale"
    if longer <= TINY_SIDE:
        return "tiny"
    if longer <= SMALL_SIDE:
        return "small"
    return "thumbnail" if longer <= THUMBNAIL_SIDE else "photograph"


def is_grey(image: Image.Image) -> bool:
    """Return whether an RGB picture is in greyscale."""
    small = np.asarray(image.resize((32, 32), Image.Resampling.BOX), dtype=np.float32)
    return float((small.max(axis=2) - small.min(axis=2)).max()) <= _GREY_CHROMA
