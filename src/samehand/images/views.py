"""The deterministic views of one painting that a model looks at.

The shape letters are those of `samehand.records`; S is the side of a view in pixels.
"""

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from PIL import Image

from samehand.errors import ModelError
from samehand.records import Floats

View = Literal["whole", "mirror", "crop-nw", "crop-ne", "crop-sw", "crop-se", "centre"]

ALL_VIEWS: tuple[View, ...] = get_args(View)
"""Every view, in canonical order."""

VIEWS_VERSION = 1
"""Raised whenever a view's pixels change, so that no embedding of earlier views is taken for one of
these; part of every embedder's digest."""

CORNER_SHARE = 0.7
"""The share of each side that a corner crop covers; neighbouring crops overlap in the middle."""

Box = tuple[int, int, int, int]


def render_views(image: Image.Image, names: Sequence[str], size: int) -> Floats:
    """Return the named views of a painting, squeezed or cropped to squares.

    "whole" squeezes the painting to a square and so loses its aspect, as the thumbnails of the
    Painter by Numbers data do; "mirror" is "whole" flipped left-right; "crop-nw" and its like
    squeeze one corner, `CORNER_SHARE` of each side; "centre" is the largest central square and
    keeps the aspect.

    Args:
        image: Mode "RGB", of any size.
        names: Views of `ALL_VIEWS`, in the order wanted.
        size: S in pixels, at least 1.

    Returns:
        Shape (V, 3, S, S), C-contiguous, in [0, 1].

    Raises:
        ModelError: A name is not a view.
    """
    views = np.empty((len(names), 3, size, size), dtype=np.float32)
    for index, name in enumerate(names):
        if name not in ALL_VIEWS:
            raise ModelError(f"there is no view {name!r}; name some of {', '.join(ALL_VIEWS)}")
        # Pillow widens the kernel when it shrinks, which keeps canvas weave and fine strokes from
        # aliasing into patterns that no brush made; most tensor libraries do not unless told.
        # A reducing gap would be faster and only approximate, so there is none.
        part = image.crop(view_box(name, *image.size))
        square = part.resize((size, size), Image.Resampling.BICUBIC)
        pixels = np.asarray(square, dtype=np.float32).transpose(2, 0, 1) / 255
        views[index] = pixels[:, :, ::-1] if name == "mirror" else pixels
    return views


def view_box(name: str, width: int, height: int) -> Box:
    """Return the part of a painting that a view shows.

    Args:
        name: One of `ALL_VIEWS`.
        width: Width of the painting in pixels, at least 1.
        height: Height of the painting in pixels, at least 1.

    Returns:
        Left, upper, right and lower edge in whole pixels, the last two exclusive.
    """
    if name.startswith("crop-"):
        across, down = (max(1, round(CORNER_SHARE * side)) for side in (width, height))
        left = width - across if name.endswith("e") else 0
        upper = height - down if name.startswith("crop-s") else 0
        return left, upper, left + across, upper + down
    if name == "centre":
        side = min(width, height)
        left, upper = (width - side) // 2, (height - side) // 2
        return left, upper, left + side, upper + side
    return 0, 0, width, height
