"""Samples of any depth and format to pictures of 8 bits a channel.

Shapes: H rows, W columns, C channels of colour, then one of alpha where there is one.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Samples = NDArray[Any]
"""Shape (H, W, C) or (H, W, C + 1): booleans, integers or floating-point numbers."""

_MODES = {1: "L", 3: "RGB", 4: "CMYK"}
_WITH_ALPHA = {1: "LA", 3: "RGBA"}
_WITH_MULTIPLIED_ALPHA = {1: "La", 3: "RGBa"}
_ROWS = 128


def picture(
    samples: Samples,
    notes: list[str],
    *,
    bits: int | None = None,
    alpha: bool = False,
    multiplied: bool = False,
    inverted: bool = False,
) -> Image.Image:
    """Return samples as a picture in mode L, LA, RGB, RGBA or CMYK.

    Args:
        samples: Shape (H, W, C), or (H, W, C + 1) with `alpha`; C is 1, 3 or 4.
        notes: Gets a clause where the values themselves had to say which of them is white.
        bits: Bits of each whole number, where the file states fewer than its type has.
        alpha: Whether the last channel is alpha.
        multiplied: Whether the colours were multiplied by it.
        inverted: Whether 0 is white.
    """
    height, width, channels = samples.shape
    colours = channels - alpha
    black, white = _range(samples[:, :, :colours], bits, notes)
    # The alpha of whole numbers is as deep as they are; that of others ends at 1.
    clear, opaque = (black, white) if samples.dtype.kind in "bui" else (0.0, max(1.0, white))
    out = np.empty((height, width, channels), np.uint8)
    for rows in _blocks(height):
        out[rows, :, :colours] = _scaled(samples[rows, :, :colours], black, white)
        if alpha:
            out[rows, :, colours:] = _scaled(samples[rows, :, colours:], clear, opaque)
    if inverted:
        np.subtract(255, out[:, :, :colours], out=out[:, :, :colours])
    if alpha and multiplied:
        mode, plain = _WITH_MULTIPLIED_ALPHA[colours], _WITH_ALPHA[colours]
        return Image.frombytes(mode, (width, height), out.tobytes()).convert(plain)
    modes = _WITH_ALPHA if alpha else _MODES
    return Image.frombytes(modes[colours], (width, height), out.tobytes())


def lab_picture(samples: Samples, bits: int, signed: bool) -> Image.Image:
    """Return CIE L*a*b* samples, of white point D50, as an sRGB picture.

    Args:
        samples: Shape (H, W, 3), whole numbers: L* from 0 to 100 over the whole range.
        bits: 8 or 16; a* and b* count whole units in 8 bits and 256ths in 16.
        signed: Whether a* and b* are in two's complement (TIFF 6.0, section 23), or have 128 added
            (ICC profile specification).
    """
    height, width = samples.shape[:2]
    out = np.empty((height, width, 3), np.uint8)
    unit = 1.0 if bits == 8 else 256.0
    for rows in _blocks(height):
        block = samples[rows].astype(np.int64) & (2**bits - 1)
        lightness = block[:, :, 0] * (100 / (2**bits - 1))
        chroma = block[:, :, 1:]
        half = 1 << (bits - 1)
        chroma = np.where(chroma >= half, chroma - 2 * half, chroma) if signed else chroma - half
        out[rows] = _lab_to_srgb(lightness, chroma / unit)
    return Image.fromarray(out)


def _lab_to_srgb(lightness: NDArray[np.float64], chroma: NDArray[np.float64]) -> NDArray[np.uint8]:
    """CIE 15, and the matrix from XYZ of D50 to linear sRGB (Bradford)."""
    middle = (lightness + 16) / 116
    curves = np.stack([middle + chroma[:, :, 0] / 500, middle, middle - chroma[:, :, 1] / 200], -1)
    steep = 6 / 29
    linear = np.where(curves > steep, curves**3, 3 * steep**2 * (curves - 4 / 29))
    xyz = linear * [0.96422, 1.0, 0.82521]
    light = xyz @ np.asarray(
        [
            [3.1338561, -0.9787684, 0.0719453],
            [-1.6168667, 1.9161415, -0.2289914],
            [-0.4906146, 0.0334540, 1.4052427],
        ]
    )
    light = np.clip(light, 0, 1)
    values = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    found: NDArray[np.uint8] = np.rint(values * 255).astype(np.uint8)
    return found


def _blocks(height: int) -> Iterator[slice]:
    for start in range(0, height, _ROWS):
        yield slice(start, start + _ROWS)


def _scaled(block: Samples, black: float, white: float) -> NDArray[np.uint8]:
    if black == 0 and white == 255 and block.dtype == np.uint8:
        same: NDArray[np.uint8] = block
        return same
    if black == 0 and white == 65535 and block.dtype == np.uint16:
        return (block >> 8).astype(np.uint8)
    # Altered files hold signalling NaNs, of which a mere conversion warns.
    with np.errstate(invalid="ignore"):
        values = block.astype(np.float64)
    if block.dtype.kind == "f":
        values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    share = (np.clip(values, black, white) - black) / (white - black)
    return np.rint(share * 255).astype(np.uint8)


def _range(samples: Samples, bits: int | None, notes: list[str]) -> tuple[float, float]:
    """Return which values are black and white."""
    kind, depth = samples.dtype.kind, samples.dtype.itemsize * 8
    if kind == "b":
        return 0.0, 1.0
    low, high = _extremes(samples)
    if kind == "u" and bits is not None and bits < min(depth, 32):
        return 0.0, float(2**bits - 1)
    if kind == "u" and depth == 8:
        return 0.0, 255.0
    if kind == "u" and depth == 16:
        return 0.0, _white_of_16(high, notes)
    if kind == "u" and depth == 32 and high > 2**30:
        return 0.0, float(2**32 - 1)
    if kind == "i" and depth in (8, 16) and low < -(2 ** (depth - 4)):
        return -float(2 ** (depth - 1)), float(2 ** (depth - 1) - 1)
    if kind == "i" and depth == 16 and low >= 0:
        return 0.0, float(2**15 - 1)
    return _range_of_values(kind, min(low, 0.0), high, notes)


def _white_of_16(high: float, notes: list[str]) -> float:
    """Return the white of a 16-bit picture whose sensor may have had fewer bits."""
    # Less than a quarter of the range, and not one pixel beyond: no exposure of a painting.
    for used in (8, 10, 12, 14):
        if 0 < high < 2**used:
            notes.append(
                f"its values reach only {high:g} of 65535, so they were taken for {used} bits"
            )
            return float(2**used - 1)
    return 65535.0


def _range_of_values(kind: str, low: float, high: float, notes: list[str]) -> tuple[float, float]:
    # Nothing in the file says which value is white, so the values themselves must.
    if kind == "f" and high <= 1.25:
        # Resampling overshoots a little.
        white = 1.0
    else:
        white = next((white for white in (255.0, 65535.0) if high <= white), high)
    if kind == "f" and white == 1.0 and high > 0:
        if low < -0.25:
            notes.append(f"its values, from {low:g} to {high:g}, were scaled to 8 bits")
            return low, white
        return 0.0, white
    notes.append(f"its grey values, up to {high:g}, were scaled to 8 bits")
    return low, max(white, low + 1e-30)


def _extremes(samples: Samples) -> tuple[float, float]:
    """Return the least and the greatest finite value, without a copy of a large array."""
    if samples.dtype.kind != "f":
        return float(samples.min()), float(samples.max())
    low, high = np.inf, -np.inf
    for rows in _blocks(samples.shape[0]):
        block = samples[rows]
        finite = block[np.isfinite(block)]
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    # Half of what a number of 64 bits can hold: their difference must be one too.
    return (max(low, -8e307), min(high, 8e307)) if low <= high else (0.0, 0.0)
