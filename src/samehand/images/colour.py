"""Colours as a file means them, to sRGB: by its ICC profile, or by named primaries and transfer.

Numbers of primaries and transfers are those of ITU-T H.273, which PNG, AVIF and HEIC share.
"""

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from samehand.errors import ImageError

Matrix = NDArray[np.float64]
Chromaticities = tuple[float, float, float, float, float, float, float, float]
"""x and y of white, red, green and blue (CIE 1931)."""

_D65 = (0.3127, 0.3290)
SRGB: Chromaticities = (*_D65, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
PROPHOTO: Chromaticities = (0.3457, 0.3585, 0.7347, 0.2653, 0.1596, 0.8404, 0.0366, 0.0001)
_PRIMARIES: dict[int, Chromaticities] = {
    1: SRGB,
    4: (0.310, 0.316, 0.67, 0.33, 0.21, 0.71, 0.14, 0.08),
    5: (*_D65, 0.64, 0.33, 0.29, 0.60, 0.15, 0.06),
    6: (*_D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    7: (*_D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    9: (*_D65, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046),
    11: (0.314, 0.351, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    12: (*_D65, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
}
_GAMMAS = {4: 2.2, 5: 2.8, 8: 1.0}
_PQ, _HLG = 16, 18
SRGB_CURVE = 0.0

_BRADFORD = np.asarray(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)
_ROWS = 128


@dataclass(frozen=True, slots=True)
class Encoding:
    """How the numbers of a picture without an ICC profile are meant.

    Attributes:
        primaries: Its chromaticities.
        curve: A gamma; 0 for the curve of sRGB; -16 for PQ and -18 for HLG (ITU-R BT.2100).
    """

    primaries: Chromaticities = SRGB
    curve: float = SRGB_CURVE


def encoding_of_codes(primaries: int, transfer: int) -> Encoding | None:
    """Return what the numbers of ITU-T H.273 mean; None where it is sRGB or unknown."""
    # The curves of television (1, 6, 14, 15) stand in files that were made from sRGB pictures.
    curve = _GAMMAS.get(transfer, SRGB_CURVE)
    if transfer in (_PQ, _HLG):
        curve = -float(transfer)
    found = Encoding(_PRIMARIES.get(primaries, SRGB), curve)
    return None if found == Encoding() else found


def encoding_of_png(data: bytes) -> tuple[Encoding | None, bool]:
    """Return what the chunks of a PNG say, and whether they overrule its ICC profile.

    The order of precedence is that of the PNG specification, third edition: cICP, iCCP, sRGB, and
    then gAMA with cHRM.
    """
    gamma: float | None = None
    primaries: Chromaticities | None = None
    plain = False
    for kind, start, end in png_chunks(data):
        if kind in (b"IDAT", b"IEND"):
            break
        if kind == b"cICP" and end - start == 4:
            return encoding_of_codes(data[start], data[start + 1]), True
        plain |= kind == b"sRGB"
        if kind == b"gAMA" and end - start == 4:
            gamma = int.from_bytes(data[start:end], "big") / 100_000
        if kind == b"cHRM" and end - start == 32:
            numbers = struct.unpack_from(">8I", data, start)
            primaries = tuple(number / 100_000 for number in numbers)
    if plain or gamma is None or not 0.01 < gamma < 10:
        return None, False
    if primaries is None or not _plausible(primaries) or np.allclose(primaries, SRGB, atol=2e-3):
        primaries = SRGB
    # 1 / 2.2 is how the curve of sRGB is written in this chunk.
    curve = SRGB_CURVE if abs(gamma - 0.45455) < 0.02 else 1 / gamma
    found = Encoding(primaries, curve)
    return (None if found == Encoding() else found), False


def png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield the kind of each chunk of a PNG, and where its content starts and ends."""
    at = 8
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        yield bytes(data[at + 4 : at + 8]), at + 8, at + 8 + length
        at += 12 + length


def to_srgb(
    image: Image.Image,
    profile: bytes | None,
    encoding: Encoding | None,
    name: str,
    notes: list[str],
) -> Image.Image:
    """Return a new picture in mode RGB and sRGB.

    Args:
        image: Without transparency.
        profile: Its ICC profile.
        encoding: What its numbers mean where there is no usable profile.
        name: What error sentences call the file.
        notes: Gets a clause where the colours are not sure.

    Raises:
        ImageError: Its mode is none that can be converted.
    """
    if image.mode not in ("L", "RGB", "CMYK", "YCbCr", "RGBX", "HSV"):
        raise ImageError(
            f"{name} stores its colours as {image.mode}, which cannot be read; save it as RGB"
        )
    if profile:
        converted = _by_profile(image, profile, notes)
        if converted is not None:
            return converted
    elif image.mode == "CMYK":
        notes.append("its CMYK colours were converted without a colour profile")
    image = image.convert("RGB")
    return image if encoding is None else _by_encoding(image, encoding, notes)


def _by_profile(image: Image.Image, profile: bytes, notes: list[str]) -> Image.Image | None:
    # Only pictures with a profile pay for this import.
    from PIL import ImageCms

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space = source.profile.xcolor_space.strip()
        if image.mode != "CMYK" and space == "RGB":
            image = image.convert("RGB")
        elif image.mode == "RGB" and space == "GRAY":
            # Greys that were written in three channels.
            image = image.convert("L")
        target = ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, source, target, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
        notes.append("its colour profile is damaged or does not fit it, and was ignored")
        return None


def _by_encoding(image: Image.Image, encoding: Encoding, notes: list[str]) -> Image.Image:
    """Convert by linear light: decode each channel, change the primaries, encode as sRGB."""
    levels = _to_light(np.arange(256) / 255, encoding.curve)
    if encoding.curve < 0:
        notes.append("its range of brightness is wider than a screen's, and was clipped")
    matrix = np.linalg.inv(_to_xyz(SRGB)) @ _to_xyz(encoding.primaries)
    pixels = np.asarray(image)
    out = np.empty_like(pixels)
    for start in range(0, len(pixels), _ROWS):
        rows = slice(start, start + _ROWS)
        light = np.clip(levels[pixels[rows]] @ matrix.T, 0, 1)
        out[rows] = np.rint(from_light(light) * 255)
    return Image.fromarray(out)


def from_light(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return sRGB values, in [0, 1], of linear light in [0, 1]: IEC 61966-2-1."""
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def _to_light(values: NDArray[np.float64], curve: float) -> NDArray[np.float64]:
    """Return linear light, 1 at the white of a screen."""
    if curve == SRGB_CURVE:
        return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    if curve > 0:
        return values**curve
    # ITU-R BT.2100 and BT.2408: white of a screen at 203 cd/m2, which is 0.75 of HLG.
    if curve == -_PQ:
        power = values ** (32 / 2523)
        light = np.maximum(power - 3424 / 4096, 0) / (2413 / 128 - 2392 / 128 * power)
        return light ** (16384 / 2610) * (10_000 / 203)
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(values <= 0.5, values**2 / 3, (np.exp((values - c) / a) + b) / 12)
    return scene**1.2 * (1000 / 203)


def _to_xyz(chromaticities: Chromaticities) -> Matrix:
    """Return the matrix from linear RGB to XYZ, adapted to D65 (Bradford)."""
    white_x, white_y, *rest = chromaticities
    columns = [_xyz(x, y) for x, y in zip(rest[::2], rest[1::2], strict=True)]
    primaries = np.column_stack(columns)
    white = _xyz(white_x, white_y)
    matrix = primaries * np.linalg.solve(primaries, white)
    cones = (_BRADFORD @ _xyz(*_D65)) / (_BRADFORD @ white)
    adapted: Matrix = np.linalg.inv(_BRADFORD) @ (cones[:, None] * _BRADFORD) @ matrix
    return adapted


def _xyz(x: float, y: float) -> NDArray[np.float64]:
    return np.asarray([x / y, 1.0, (1 - x - y) / y])


def _plausible(chromaticities: Chromaticities) -> bool:
    return all(0 <= value <= 1 for value in chromaticities) and min(chromaticities[1::2]) > 1e-5
