"""Layouts that Pillow cannot read, by the packages of the extra `formats`.

tifffile with imagecodecs reads the samples of any TIFF, JPEG XL and the rarer JPEGs; libheif, as
`pi_heif` carries it, reads HEIC. Where a package is missing, the refusal names the extra.
"""

import importlib
import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from samehand.errors import ImageError
from samehand.images import tiff
from samehand.images.boxes import box_colour, jpeg2000_size
from samehand.images.colour import Encoding, encoding_of_codes
from samehand.images.damage import Frame
from samehand.images.samples import lab_picture, picture

_JPEG_LS, _LOSSLESS = 0xF7, 0xC3
_CHANNELS = {0: 1, 1: 1, 2: 3, 3: 1, 5: 4, 6: 3, 8: 3, 9: 3, 10: 3}


@dataclass(frozen=True, slots=True)
class Widened:
    """A picture of 8 bits a channel, upright.

    Attributes:
        image: Mode L, LA, RGB, RGBA or CMYK.
        profile: Its ICC profile.
        encoding: What its numbers mean without one; None for sRGB.
    """

    image: Image.Image
    profile: bytes | None = None
    encoding: Encoding | None = None


def too_large(size: tuple[int, int], max_pixels: int, name: str) -> ImageError:
    """Return the sentence for a picture of too many pixels."""
    return ImageError(
        f"{name} is {size[0]}x{size[1]} pixels, more than {max_pixels / 1_000_000:g} million; "
        "save a smaller copy and try again"
    )


def tiff_page(
    data: bytes, page: tiff.Page, name: str, max_pixels: int, notes: list[str]
) -> Widened:
    """Decode the first picture of a TIFF by its samples.

    Args:
        data: The file; its strips lie inside it.
        page: The tags of its first picture.
        name: What error sentences call the file.
        max_pixels: A larger picture is refused.
        notes: Gets a clause where values had to be interpreted.

    Raises:
        ImageError: The packages are missing, or the layout is beyond them too.
    """
    width, height = page.size
    if width * height > max_pixels:
        raise too_large(page.size, max_pixels, name)
    kind = page.number(tiff.PHOTOMETRIC, 1)
    words = tiff.layout(page)
    inks = kind == 5 and page.number(tiff.INK_SET, 1) != 1
    if kind not in _CHANNELS or inks or page.sample_format not in (1, 2, 3):
        raise ImageError(
            f"{name} stores {words}, which cannot be read; export the painting as 8-bit RGB TIFF"
        )
    tifffile = _package("tifffile", name, f"stores {words}")
    _package("imagecodecs", name, f"stores {words}")
    halved = kind == 6 and page.number(tiff.COMPRESSION, 1) != tiff.JPEG
    if halved:
        samples = _package("imagecodecs", name, words).tiff_decode(data, asrgb=True)[:, :, :3]
        profile = _tiff_profile(tifffile, data)
        # libtiff has turned it already.
        return Widened(picture(samples, notes), profile)
    with tifffile.TiffFile(io.BytesIO(data)) as opened:
        first = opened.pages[0]
        samples = _rows_first(first.asarray(maxworkers=1), first.axes, name, words)
        colours = first.colormap
        profile = _tag(first, tiff.PROFILE)
    if samples.shape[:2] != (height, width):
        raise ImageError(f"{name} is cut short or damaged; download or copy it again")
    image = _interpreted(samples, page, colours, name, notes)
    return Widened(_upright(image, page.number(tiff.ORIENTATION, 1)), profile)


def _interpreted(
    samples: NDArray[Any],
    page: tiff.Page,
    colours: NDArray[np.uint16] | None,
    name: str,
    notes: list[str],
) -> Image.Image:
    """Return samples, (H, W, S), as the tags of a TIFF mean them."""
    kind, bits = page.number(tiff.PHOTOMETRIC, 1), max(page.bits)
    channels = _CHANNELS[kind]
    if samples.shape[2] < channels:
        raise ImageError(f"{name} is cut short or damaged; download or copy it again")
    if kind == 3:
        if colours is None:
            raise ImageError(f"{name} is cut short or damaged; download or copy it again")
        deep = np.moveaxis(colours, 0, -1)
        # Some programs write the palette of a TIFF in 8 bits.
        table = (deep >> 8 if deep.max() > 255 else deep).astype(np.uint8)
        return Image.fromarray(table[np.minimum(samples[:, :, 0], len(table) - 1)])
    if kind in (8, 9, 10) and samples.dtype.kind in "ui" and bits in (8, 16):
        return lab_picture(samples[:, :, :3], bits, signed=kind == 8)
    if kind in (8, 9, 10):
        raise ImageError(
            f"{name} stores {tiff.layout(page)}, which cannot be read; "
            "export the painting as 8-bit RGB TIFF"
        )
    extra = page.number(tiff.EXTRA) if page.tags.get(tiff.EXTRA) else 0
    alpha = extra in (1, 2) and samples.shape[2] > channels and channels != 4
    return picture(
        samples[:, :, : channels + alpha],
        notes,
        bits=bits if samples.dtype.kind == "u" and bits not in (8, 16, 32) else None,
        alpha=alpha,
        multiplied=extra == 1,
        inverted=kind == 0,
    )


def jpeg_xl(data: bytes, name: str, max_pixels: int, notes: list[str]) -> Widened:
    """Decode a JPEG XL file; its colours are those that libjxl hands over."""
    from samehand.images.jxl import jxl_header

    codecs = _package("imagecodecs", name, "is a JPEG XL file")
    header = jxl_header(data)
    if header is None:
        raise ImageError(f"{name} is cut short or damaged; download or copy it again")
    if header.size[0] * header.size[1] > max_pixels:
        raise too_large(header.size, max_pixels, name)
    samples = codecs.jpegxl_decode(data, index=0, numthreads=1)
    if header.unknown_colours:
        notes.append("its colour profile was not read, so its colours may be off")
    samples = samples[:, :, None] if samples.ndim == 2 else samples
    alpha = samples.shape[2] in (2, 4)
    return Widened(picture(samples, notes, alpha=alpha), encoding=header.encoding)


def rare_jpeg(data: bytes, frame: Frame, name: str, max_pixels: int, notes: list[str]) -> Widened:
    """Decode a JPEG of 12 bits or without loss; JPEG-LS is refused.

    The decoder of JPEG-LS takes 12 s to notice that 200 bytes are not a whole picture.
    """
    if frame.kind == _JPEG_LS:
        raise ImageError(
            f"{name} is a JPEG-LS file, which cannot be read; export the painting as TIFF or PNG"
        )
    what = "is a lossless JPEG" if frame.kind == _LOSSLESS else f"is a JPEG of {frame.bits} bits"
    codecs = _package("imagecodecs", name, what)
    if frame.size[0] * frame.size[1] > max_pixels:
        raise too_large(frame.size, max_pixels, name)
    try:
        if frame.kind == _LOSSLESS:
            samples = codecs.jpegsof3_decode(data)
        else:
            samples = codecs.jpeg8_decode(data)
    except Exception as error:
        raise ImageError(
            f"{name} {what} that cannot be read; export it as an ordinary JPEG, or copy it again"
        ) from error
    samples = samples[:, :, None] if samples.ndim == 2 else samples
    bits = frame.bits if frame.bits > 8 else None
    image = picture(samples, notes, bits=bits)
    return Widened(_upright(image, _orientation_of(data)), _jpeg_profile(data))


def deep_jpeg2000(data: bytes, bits: int, name: str, max_pixels: int, notes: list[str]) -> Widened:
    """Decode a JPEG 2000 of several channels with more than 8 bits, which overflow in Pillow."""
    codecs = _package("imagecodecs", name, f"is a JPEG 2000 of {bits} bits a channel")
    size = jpeg2000_size(data)
    if size[0] * size[1] > max_pixels:
        raise too_large(size, max_pixels, name)
    samples = codecs.jpeg2k_decode(data, numthreads=1)
    said = box_colour(data)
    ink = said.space == 12
    alpha = samples.shape[2] in (2, 4) and not ink
    image = picture(samples, notes, bits=bits if bits != 16 else None, alpha=alpha)
    return Widened(image, said.profile)


def deep_png(data: bytes, name: str, notes: list[str]) -> Widened:
    """Decode a PNG of 16 bits whose values use only the lower ones."""
    codecs = _package("imagecodecs", name, "uses only the lower of its 16 bits")
    samples = codecs.png_decode(data)
    return Widened(picture(samples, notes, alpha=samples.shape[2] in (2, 4)))


def heif(data: bytes, name: str, what: str, max_pixels: int) -> Widened:
    """Decode the primary picture of a HEIC or HEIF file; gain and depth maps are ignored."""
    library = _package("pi_heif", name, f"is a {what} file")
    opened = library.open_heif(io.BytesIO(data), convert_hdr_to_8bit=True)
    if opened.size[0] * opened.size[1] > max_pixels:
        raise too_large(opened.size, max_pixels, name)
    image = opened.to_pillow()
    said = box_colour(data)
    profile = opened.info.get("icc_profile") or said.profile
    encoding = encoding_of_codes(*said.codes) if said.codes else None
    return Widened(image, profile, encoding)


def _package(module: str, name: str, what: str) -> Any:  # noqa: ANN401
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImageError(
            f"{name} {what}, which needs the optional packages of samehand[formats] (from a "
            "checkout: pip install '.[formats]'); or export it as 8-bit TIFF, PNG or JPEG"
        ) from error


def _rows_first(samples: NDArray[Any], axes: str, name: str, words: str) -> NDArray[Any]:
    """Return samples as (H, W, S), whichever way round they were stored."""
    kept = [axis for axis in axes if axis in "YXS"]
    if sorted(kept) not in (["X", "Y"], ["S", "X", "Y"]) or samples.ndim != len(axes):
        raise ImageError(
            f"{name} stores {words} in {samples.ndim} dimensions, which cannot be read; "
            "export the painting as 8-bit RGB TIFF"
        )
    if len(kept) != len(axes):
        samples = samples.reshape(
            [n for n, axis in zip(samples.shape, axes, strict=True) if axis in "YXS"]
        )
    if len(kept) == 2:
        return samples[:, :, None]
    return np.moveaxis(samples, kept.index("S"), -1)


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
    return image.transpose(turns[orientation]) if orientation in turns else image


def _tag(page: Any, number: int) -> bytes | None:  # noqa: ANN401
    tag = page.tags.get(number)
    return bytes(tag.value) if tag is not None else None


def _tiff_profile(tifffile: Any, data: bytes) -> bytes | None:  # noqa: ANN401
    with tifffile.TiffFile(io.BytesIO(data)) as opened:
        return _tag(opened.pages[0], tiff.PROFILE)


def _jpeg_profile(data: bytes) -> bytes | None:
    """Return the ICC profile of a JPEG: the parts of its APP2 segments in their order."""
    parts = {}
    mark = b"ICC_PROFILE\0"
    at = data.find(mark)
    while at > 0:
        end = at - 2 + int.from_bytes(data[at - 2 : at])
        parts[data[at + 12]] = data[at + 14 : end]
        at = data.find(mark, end)
    return b"".join(parts[number] for number in sorted(parts)) or None


def _orientation_of(data: bytes) -> int:
    exif = Image.Exif()
    at = data.find(b"Exif\0\0")
    if at < 0:
        return 1
    exif.load(data[at : at - 2 + int.from_bytes(data[at - 2 : at])])
    return int(exif.get(274, 1))
