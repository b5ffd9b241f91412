"""Whether a picture holds the detail that its pixels promise, or was enlarged from a smaller one."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_FINE, _MIDDLE, _COARSE = 192, 96, 48

ENLARGED = 0.1


def finest_detail(image: Image.Image) -> float:
    """Return how strong the finest detail of a picture is, against the next coarser.

    The picture is reduced to 192 x 192 pixels. What is lost on the way to 96 and back is divided
    by what is lost from there to 48 and back; a picture enlarged from 96 pixels or fewer has
    little to lose at first.

    Args:
        image: RGB, of any size.

    Returns:
        A ratio of root mean squares, at least 0; 1 for a picture without any detail.
    """
    fine = image.convert("L").resize((_FINE, _FINE), Image.Resampling.BICUBIC)
    middle, coarse = _through(fine, _MIDDLE), _through(fine, _COARSE)
    lost = np.sqrt(np.mean((_levels(fine) - middle) ** 2))
    lost_next = np.sqrt(np.mean((middle - coarse) ** 2))
    return float(lost / lost_next) if lost_next > 0 else 1.0


def _through(image: Image.Image, side: int) -> NDArray[np.float32]:
    small = image.resize((side, side), Image.Resampling.LANCZOS)
    return _levels(small.resize(image.size, Image.Resampling.BICUBIC))


def _levels(image: Image.Image) -> NDArray[np.float32]:
    return np.asarray(image, np.float32)
