"""Whether a picture shows anything at all."""

import numpy as np
from PIL import Image

LEAST_SIDE = 256
"""Pictures are examined with at most this many pixels on the longer side."""

LEAST_DEVIATION = 1.2
"""Below this standard deviation, in levels of 255, of every channel a picture is nearly blank.

Of 15,494 readable pictures of $PBN_MINI, $MORE and $NATURAL, white monochromes among them, the
least reaches 1.77 and the next 2.03: `python benchmarks/blank_pictures.py FOLDER_OR_ZIP ...`.
"""

DISTINCT = 8
LEAST_SHARE = 0.002
"""Nor may fewer pixels than this share lie more than `DISTINCT` levels from the median colour in
some channel: a speck on an empty page makes no painting. Of the same pictures the emptiest
has 0.0032.
"""


def content(image: Image.Image) -> tuple[float, float]:
    """Return the standard deviation of the liveliest channel, and the share of distinct pixels.

    Args:
        image: RGB, of any size; it is looked at with at most 256 pixels a side, so that the noise
            of a scanner's sensor averages out.

    Returns:
        Levels of 255, and a share in [0, 1].
    """
    scale = LEAST_SIDE / max(image.size)
    if scale < 1:
        width, height = (max(1, round(side * scale)) for side in image.size)
        image = image.resize((width, height), Image.Resampling.BOX)
    pixels = np.asarray(image).astype(np.float32).reshape(-1, 3)
    # The median as np.median has it, which would import numpy.ma, a fiftieth of a comparison.
    middle = [(len(pixels) - 1) // 2, len(pixels) // 2]
    median = np.partition(pixels, middle, axis=0)[middle].mean(axis=0)
    off = np.abs(pixels - median).max(axis=1)
    return float(pixels.std(axis=0).max()), float((off > DISTINCT).mean())


def is_blank(image: Image.Image) -> bool:
    """Return whether a picture, RGB, is of one colour or so nearly that nothing is painted."""
    deviation, share = content(image)
    return deviation < LEAST_DEVIATION or share < LEAST_SHARE
