"""Training views of a painting: crops, flips, and what another camera would have done.

Colour jitter, blur and grey-scale remove the very evidence, so there is none of them here. What
varies is what differs between two honest photographs of one painting: framing, resize kernel,
file compression, and slight exposure and white balance.
"""

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from samehand.records import Floats

_KERNELS = (
    Image.Resampling.BILINEAR,
    Image.Resampling.BICUBIC,
    Image.Resampling.LANCZOS,
    Image.Resampling.HAMMING,
)


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How far training views may stray from the painting.

    Attributes:
        smallest_crop: The least share of the area that a crop keeps, in (0, 1].
        aspect: Largest factor by which a crop's aspect ratio changes, at least 1.
        recompress: Probability of a JPEG round trip, in [0, 1].
        exposure: Largest relative change of brightness, in [0, 1).
        white_balance: Largest relative change of one channel against the others, in [0, 1).
    """

    smallest_crop: float = 0.35
    aspect: float = 1.33
    recompress: float = 0.3
    exposure: float = 0.1
    white_balance: float = 0.03

    def __post_init__(self) -> None:
        within = {
            "smallest_crop": 0 < self.smallest_crop <= 1,
            "aspect": self.aspect >= 1,
            "recompress": 0 <= self.recompress <= 1,
            "exposure": 0 <= self.exposure < 1,
            "white_balance": 0 <= self.white_balance < 1,
        }
        for name, fine in within.items():
            if not fine:
                raise ValueError(f"{name} = {getattr(self, name)} is out of its range")


def training_view(
    image: Image.Image, size: int, options: Augmentation, rng: np.random.Generator
) -> Floats:
    """Return one random view of a painting.

    Args:
        image: RGB, any size.
        size: Side of the square view in pixels.
        options: How far the view may stray.
        rng: The only source of randomness, so equal generators give equal views.

    Returns:
        The view, shape (3, size, size), in [0, 1].
    """
    kernel = _KERNELS[int(rng.integers(len(_KERNELS)))]
    view = image.resize((size, size), kernel, box=_crop_box(image.size, options, rng))
    if rng.random() < 0.5:
        view = view.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if rng.random() < options.recompress:
        buffer = io.BytesIO()
        view.save(buffer, "JPEG", quality=int(rng.integers(50, 96)))
        view = Image.open(buffer)
    pixels = np.asarray(view, dtype=np.float32).transpose(2, 0, 1) / 255
    gain = (1 + rng.uniform(-options.exposure, options.exposure)) * (
        1 + rng.uniform(-options.white_balance, options.white_balance, size=(3, 1, 1))
    )
    return np.ascontiguousarray(np.clip(pixels * gain, 0, 1), dtype=np.float32)


def _crop_box(
    size: tuple[int, int], options: Augmentation, rng: np.random.Generator
) -> tuple[float, float, float, float]:
    """Draw a crop as in Szegedy et al., CVPR 2015, section 6: uniform area, log-uniform aspect."""
    area = rng.uniform(options.smallest_crop, 1)
    # A wide crop of nearly the whole area would not fit, and be cut below `smallest_crop`.
    spread = min(np.log(options.aspect), np.log(1 / options.smallest_crop))
    aspect = np.exp(rng.uniform(-spread, spread))
    width = size[0] * min(1.0, float(np.sqrt(area * aspect)))
    height = size[1] * min(1.0, float(np.sqrt(area / aspect)))
    left = rng.uniform(0, size[0] - width) if width < size[0] else 0.0
    top = rng.uniform(0, size[1] - height) if height < size[1] else 0.0
    return left, top, left + width, top + height
