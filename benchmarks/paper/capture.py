"""Another photograph of the same painting: resized, exposed and balanced anew, compressed again.

Nothing here blurs, turns or crops. What changes is what a second reproduction of a flat painting
changes even where everybody was careful.
"""

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from samehand.files import sha256_bytes

_KERNELS = (
    Image.Resampling.BILINEAR,
    Image.Resampling.BICUBIC,
    Image.Resampling.LANCZOS,
)


@dataclass(frozen=True, slots=True)
class CaptureRange:
    """How far apart two reproductions of one painting may be.

    Attributes:
        smallest_scale: The least factor of each side, in (0, 1]; the largest is 1.
        exposure_stops: Largest change of exposure either way, in stops (doublings of light).
        white_balance: Largest relative change of red and of blue light against green, in [0, 1).
        lowest_quality: The lowest JPEG quality, from 1; the highest is 95.
    """

    smallest_scale: float = 0.6
    exposure_stops: float = 0.4
    white_balance: float = 0.12
    lowest_quality: int = 55


@dataclass(frozen=True, slots=True)
class Capture:
    """What happens to one painting.

    Attributes:
        scale: Factor of each side.
        kernel: The kernel of the resize.
        gain: Factors of red, green and blue light, in linear light.
        quality: Of the JPEG file.
        subsampling: Pillow's code of the chroma subsampling: 0 for none, 2 for 4:2:0.
    """

    scale: float
    kernel: Image.Resampling
    gain: tuple[float, float, float]
    quality: int
    subsampling: int


def draw_capture(name: str, seed: int, limits: CaptureRange) -> Capture:
    """Draw what happens to the painting called `name`.

    Args:
        name: Of the painting; each has a draw of its own, whichever others are captured.
        seed: Another seed, another camera for every painting.
        limits: How far it may stray.
    """
    digest = int(sha256_bytes(f"{seed}|{name}".encode())[:16], 16)
    rng = np.random.default_rng(digest)
    light = 2.0 ** rng.uniform(-limits.exposure_stops, limits.exposure_stops)
    red, blue = 1 + rng.uniform(-limits.white_balance, limits.white_balance, 2)
    return Capture(
        scale=float(rng.uniform(limits.smallest_scale, 1)),
        kernel=_KERNELS[int(rng.integers(len(_KERNELS)))],
        gain=(float(light * red), float(light), float(light * blue)),
        quality=int(rng.integers(limits.lowest_quality, 96)),
        subsampling=(0, 2)[int(rng.integers(2))],
    )


def recapture(image: Image.Image, capture: Capture) -> bytes:
    """Return the JPEG file of another photograph of a painting.

    Args:
        image: Mode "RGB", any size.
        capture: What happens to it.
    """
    width, height = (max(1, round(side * capture.scale)) for side in image.size)
    resized = image.resize((width, height), capture.kernel)
    light = _to_light(np.asarray(resized, np.float64) / 255) * capture.gain
    # A sensor clips what is too bright; nothing brings it back.
    pixels = np.rint(_from_light(np.clip(light, 0, 1)) * 255).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(
        stream, "JPEG", quality=capture.quality, subsampling=capture.subsampling
    )
    return stream.getvalue()


def _to_light(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return linear light, in [0, 1], of sRGB values: IEC 61966-2-1."""
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def _from_light(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return sRGB values, in [0, 1], of linear light: IEC 61966-2-1."""
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
