"""What surrounds a painting in its photograph: a frame, or a colour chart."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_SIDE = 128
_DEEPEST = 36
_STEP = 4.0
# A chart of eight patches along half a side has patches eight columns wide, of blurred edges.
_PATCH, _LEVEL_ALONG = 5, 10.0
# Nearer to the side than this (of 128) lie the edges of canvases that were cropped imprecisely.
_SHALLOWEST = 4

FRAME_COHERENCE = 0.9
"""From here on all four sides count as edges of a frame, a mount or a margin.

Of 300 training and validation paintings of $PBN_MINI 4.7 % reach it, and 13 of these 14, judged by
eye, do show one; so do 90 % of paintings that were given a frame.
"""

CHART_HUES = 5
"""From here on a strip counts as a colour chart: none of 500 paintings reaches it, and all 150
that were given a chart do. `python benchmarks/warning_triggers.py CATALOGUE` measures both on
validation artists.
"""


def frame_coherence(image: Image.Image) -> float:
    """Return how surely straight edges run along all four sides of a picture, in [0, 1].

    An edge is a row (or column) near a side along which most pixels turn lighter, or most turn
    darker. A frame has one on every side, so the least certain of the four sides counts.

    Args:
        image: RGB, of any size.
    """
    grey = np.asarray(image.convert("L").resize((_SIDE, _SIDE), Image.Resampling.BOX), np.float32)
    sides = (grey, grey[::-1], grey.T, grey.T[::-1])
    return min(_edge_along_top(side) for side in sides)


def _edge_along_top(grey: NDArray[np.float32]) -> float:
    """Return the largest share of the middle columns that agree on an edge near the top."""
    middle = grey[: _DEEPEST + 2, _DEEPEST:-_DEEPEST]
    # Over two rows, since shrinking spreads an edge over as many.
    steps = middle[2:] - middle[:-2]
    lighter, darker = (steps > _STEP).mean(axis=1), (steps < -_STEP).mean(axis=1)
    return float(np.maximum(lighter, darker)[_SHALLOWEST:].max())


def chart_hues(image: Image.Image) -> int:
    """Return how many of six hues lie as flat, saturated patches in one strip along a side.

    Args:
        image: RGB, of any size.
    """
    small = image.resize((_SIDE, _SIDE), Image.Resampling.BOX).convert("HSV")
    colours = np.asarray(small, np.float32)
    best = 0
    for turned in (
        colours,
        colours[::-1],
        colours.transpose(1, 0, 2),
        colours.transpose(1, 0, 2)[::-1],
    ):
        for top in range(0, 16, 2):
            best = max(best, _hues_in_strip(turned[top : top + 4]))
    return best


def _hues_in_strip(strip: NDArray[np.float32]) -> int:
    hue, saturation, value = strip.transpose(2, 0, 1)
    bins = np.round(hue / 255 * 6).astype(int) % 6
    vivid = ((saturation > 110) & (value > 70)).all(axis=0)
    level = (np.ptp(saturation, axis=0) < 40) & (np.ptp(value, axis=0) < 40)
    flat = vivid & level & (bins == bins[:1]).all(axis=0)
    # A patch is flat along the strip as well; colours that run into one another are painted.
    row = np.where(flat, bins[0], -1)
    runs = np.lib.stride_tricks.sliding_window_view(row, _PATCH)
    levels = np.lib.stride_tricks.sliding_window_view(strip.mean(axis=0), _PATCH, axis=0)
    is_patch = (np.ptp(runs, axis=1) == 0) & (runs[:, 0] >= 0)
    is_patch &= (np.ptp(levels, axis=2) < _LEVEL_ALONG).all(axis=1)
    # NumPy would load its masked arrays to find unique values.
    return len(set(runs[is_patch, 0].tolist()))
