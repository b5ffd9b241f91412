"""An image file to an upright picture of 8 bits a channel, by Pillow, or refused in a sentence.

Pillow says little of what it cannot read and nothing of what it reads wrongly, so each layout is
looked at before: read as it is meant, handed to the optional decoders of `images.wide`, or refused.
"""

import io
import math
from dataclasses import dataclass, replace

import numpy as np
from PIL import ExifTags, Image, ImageFile, ImageOps

from samehand.errors import ImageError
from samehand.images import damage, kinds, tiff, wide
from samehand.images.boxes import box_colour, jpeg2000_depth
from samehand.images.colour import (
    PROPHOTO,
    Encoding,
    encoding_of_codes,
    encoding_of_png,
    png_chunks,
)
from samehand.images.pillow_state import plugin, silence_libraries
from samehand.images.samples import lab_picture, picture

# Most common first: a plugin is imported only when the ones before it did not know the file.
# The list is closed because Pillow would also hand EPS to Ghostscript, another program.
_PLUGINS = {
    "JPEG": ("JpegImagePlugin", "JpegImageFile"),
    "PNG": ("PngImagePlugin", "PngImageFile"),
    "WEBP": ("WebPImagePlugin", "WebPImageFile"),
    "TIFF": ("TiffImagePlugin", "TiffImageFile"),
    "GIF": ("GifImagePlugin", "GifImageFile"),
    "BMP": ("BmpImagePlugin", "BmpImageFile"),
    "PPM": ("PpmImagePlugin", "PpmImageFile"),
    "JPEG2000": ("Jpeg2KImagePlugin", "Jpeg2KImageFile"),
    "AVIF": ("AvifImagePlugin", "AvifImageFile"),
    "PSD": ("PsdImagePlugin", "PsdImageFile"),
    "ICO": ("IcoImagePlugin", "IcoImageFile"),
}

_IJG_LOWEST = (16, 11, 10, 16)
"""The first luma divisors of ITU-T T.81, table K.1, which the IJG calls quality 50.

Lower qualities multiply all, and the later ones soon reach the 255 that a byte can hold.
"""

_DARKEST_16_BIT = 63
"""High bytes of 16-bit colours that stay below a quarter: the sensor had fewer bits."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A picture whose numbers are decoded and whose colours are not yet converted.

    Attributes:
        image: 8 bits a channel, upright; mode L, LA, RGB, RGBA, CMYK or YCbCr, or one that cannot
            be converted.
        size: Width and height of the original in pixels, once upright.
        profile: Its ICC profile.
        encoding: What its numbers mean without a profile; None for sRGB.
        jpeg_quality: See `Decoded`.
    """

    image: Image.Image
    size: tuple[int, int]
    profile: bytes | None = None
    encoding: Encoding | None = None
    jpeg_quality: int | None = None


def damaged(name: str) -> ImageError:
    """Return the sentence for a file that is incomplete or altered."""
    return ImageError(f"{name} is cut short or damaged; download or copy it again")


def open_bytes(data: bytes, name: str, max_side: int, max_pixels: int, notes: list[str]) -> Opened:
    """Decode a file.

    Args:
        data: The whole file.
        name: What error sentences call it.
        max_side: A JPEG may be decoded at a reduced size of at least twice this, in pixels.
        max_pixels: Pictures that need more pixels in memory are refused before any is decoded.
        notes: Gets what a reader should know, a clause each.

    Raises:
        ImageError: It is not an image, cannot be read, or is too large.
        Exception: Decoders meet hostile bytes with almost any exception.
    """
    refused = kinds.refused_kind(data)
    if refused:
        raise ImageError(f"{name} is not an image that can be read but {refused}")
    extra = kinds.extra_kind(data)
    if extra == "JPEG XL":
        return _wide(wide.jpeg_xl(data, name, max_pixels, notes))
    if extra:
        return _wide(wide.heif(data, name, extra, max_pixels))
    recognised = False
    for kind, (module_name, class_name) in _PLUGINS.items():
        module = plugin(module_name)
        accept = Image.OPEN.get(kind, (None, None))[1]
        # accept() answers with a sentence where this Pillow was built without the format.
        if accept is None or accept(data[:16]) is not True:
            continue
        recognised = True
        try:
            return _open_as(
                kind, getattr(module, class_name), data, name, max_side, max_pixels, notes
            )
        except SyntaxError:
            continue
    if recognised:
        raise damaged(name)
    raise ImageError(
        f"{name} is not an image that can be read ({kinds.OPENED}); "
        "export the picture as one of these"
    )


def open_image(image: Image.Image, notes: list[str]) -> Opened:
    """Take a picture that Pillow has decoded already, in any of its modes."""
    size = image.size
    image.load()
    try:
        turned = image.getexif().get(ExifTags.Base.Orientation) in (5, 6, 7, 8)
        size = size[::-1] if turned else size
        upright = ImageOps.exif_transpose(image)
    except Exception:
        upright = image
        notes.append("its EXIF data are damaged, so it may not be upright")
    profile = image.info.get("icc_profile")
    return Opened(eight_bit(upright, notes), size, profile)


def _open_as(
    kind: str,
    factory: type[ImageFile.ImageFile],
    data: bytes,
    name: str,
    max_side: int,
    max_pixels: int,
    notes: list[str],
) -> Opened:
    """Decode a file whose format is known."""
    page: tiff.Page | None = None
    if kind == "TIFF":
        silence_libraries()
        page = tiff.the_painting(tiff.pages_of(data), name, notes)
        if page is not None:
            data = tiff.starting_at(data, page)
    found = _by_others(kind, data, page, name, max_pixels, notes)
    if found is not None:
        return found
    try:
        opened = factory(io.BytesIO(data), "")
    except SyntaxError:
        if page is None:
            raise
        # Sound tags that Pillow has no use for.
        return _by_tifffile(data, page, name, max_pixels, notes)
    with opened:
        size = opened.size
        _refuse_too_large(opened, max_side, max_pixels, name)
        if _is_damaged(kind, data, page):
            raise damaged(name)
        if kind not in ("TIFF", "JPEG", "PSD") and getattr(opened, "is_animated", False):
            notes.append("only the first frame of an animation was used")
        if kind == "JPEG":
            opened.draft(None, _draft_size(size, max_side))
        opened.load()
        _note_black_hole(kind, opened, data, page, notes)
        if _uses_few_bits(kind, opened, data, page):
            return _with_few_bits(kind, data, page, name, max_pixels, notes)
        drafted = opened.size
        found = open_image(opened, notes) if page is None else _open_tiff(opened, page, notes)
        turned = found.size != drafted
        found = replace(
            found, size=size[::-1] if turned else size, jpeg_quality=_jpeg_quality(opened)
        )
    return _with_colours(kind, data, found)


def _by_others(
    kind: str, data: bytes, page: tiff.Page | None, name: str, max_pixels: int, notes: list[str]
) -> Opened | None:
    """Decode what Pillow reads wrongly or not at all; None for everything else."""
    if kind == "JPEG":
        frame = damage.jpeg_frame(data)
        if frame is not None and not frame.ordinary:
            return _wide(wide.rare_jpeg(data, frame, name, max_pixels, notes))
    elif page is not None and not tiff.pillow_reads(page):
        return _by_tifffile(data, page, name, max_pixels, notes)
    elif kind == "JPEG2000":
        bits, channels = jpeg2000_depth(data)
        if bits > 8 and channels > 1:
            if damage.jpeg2000_is_damaged(data):
                raise damaged(name)
            return _wide(wide.deep_jpeg2000(data, bits, name, max_pixels, notes))
    elif kind == "PSD":
        _refuse_rare_psd(data, name)
    return None


def _open_tiff(opened: Image.Image, page: tiff.Page, notes: list[str]) -> Opened:
    """Take a TIFF that Pillow has decoded, and turned as it says."""
    profile = opened.info.get("icc_profile")
    kind, bits = page.number(tiff.PHOTOMETRIC), page.bits[0]
    if opened.mode == "LAB":
        image = lab_picture(np.asarray(opened), 8, signed=kind == 8)
        return Opened(image, opened.size)
    image = opened
    if opened.mode in ("I", "F") or opened.mode.startswith("I;16"):
        samples = np.asarray(opened)[:, :, None]
        if bits == 16 and page.sample_format == 2:
            samples = samples.astype(np.int16)
        elif page.sample_format == 1:
            samples = samples.astype(np.uint16 if bits == 16 else np.uint32, copy=False)
        # Pillow turns the samples of 8 bits and fewer round, and no others.
        image = picture(samples, notes, inverted=kind == 0)
    return Opened(eight_bit(image, notes), image.size, profile)


def eight_bit(image: Image.Image, notes: list[str]) -> Image.Image:
    """Return a picture in a mode of 8 bits a channel that can be resized."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        samples = np.asarray(image)[:, :, None]
        return picture(samples, notes)
    if image.mode in ("La", "RGBa"):
        return image.convert(image.mode.upper())
    if image.mode not in ("LA", "RGBA") and image.has_transparency_data:
        return image.convert("RGBA")
    if image.mode == "1":
        return image.convert("L")
    if image.mode == "P":
        return image.convert("RGB")
    if image.mode == "LAB":
        return lab_picture(np.asarray(image), 8, signed=True)
    return image


def _with_colours(kind: str, data: bytes, found: Opened) -> Opened:
    """Add what the file says of its colours where Pillow does not pass it on."""
    if kind == "PNG":
        encoding, overrules = encoding_of_png(data)
        profile = None if overrules else found.profile
        return replace(found, profile=profile, encoding=encoding)
    if kind == "JPEG2000":
        said = box_colour(data)
        encoding = Encoding(PROPHOTO, 1.8) if said.space == 21 else None
        return replace(found, profile=said.profile or found.profile, encoding=encoding)
    if kind == "AVIF":
        codes = box_colour(data).codes
        return replace(found, encoding=encoding_of_codes(*codes) if codes else None)
    return found


def _refuse_too_large(
    opened: ImageFile.ImageFile, max_side: int, max_pixels: int, name: str
) -> None:
    """Refuse a picture that needs too much memory, before any pixel is decoded."""
    width, height = opened.size
    needed = width * height
    if opened.format == "JPEG":
        scale = _reduction((width, height), max_side)
        needed = math.ceil(width / scale) * math.ceil(height / scale)
        if opened.info.get("progressive"):
            # Its coefficients are held at full size, in about half the memory of pixels.
            needed = max(needed, width * height // 2)
    if needed > max_pixels:
        raise wide.too_large((width, height), max_pixels, name)


def _draft_size(size: tuple[int, int], max_side: int) -> tuple[int, int]:
    # Twice the wanted size is left for the antialiased shrink below, which is the better one.
    excess = max(size) / (2 * max_side)
    return int(size[0] / excess) or 1, int(size[1] / excess) or 1


def _reduction(size: tuple[int, int], max_side: int) -> int:
    """Return the factor by which libjpeg will shrink a JPEG of this size while decoding it."""
    wanted = _draft_size(size, max_side)
    scale = min(size[0] // wanted[0], size[1] // wanted[1])
    return next((factor for factor in (8, 4, 2) if scale >= factor), 1)


def _is_damaged(kind: str, data: bytes, page: tiff.Page | None) -> bool:
    if kind == "JPEG":
        return damage.jpeg_is_damaged(data)
    if kind == "PNG":
        return damage.png_is_damaged(data)
    if kind == "WEBP":
        return damage.webp_is_damaged(data)
    if kind == "JPEG2000":
        return damage.jpeg2000_is_damaged(data)
    return page is not None and damage.tiff_is_damaged(data, page)


def _note_black_hole(
    kind: str, opened: Image.Image, data: bytes, page: tiff.Page | None, notes: list[str]
) -> None:
    plain = kind in ("BMP", "PPM") or (page is not None and page.number(tiff.COMPRESSION, 1) == 1)
    if not plain or opened.mode == "1":
        return
    row = opened.width * len(opened.getbands())
    starts = [start for start, _ in tiff.segments(page)] if page is not None else [64]
    if damage.has_black_hole(data, min(starts, default=64), row):
        notes.append(
            "whole rows of it are pure black, as in an interrupted copy; compare it with its source"
        )


def _uses_few_bits(kind: str, opened: Image.Image, data: bytes, page: tiff.Page | None) -> bool:
    """Return whether colours of 16 bits lie in the lower ones, which Pillow throws away."""
    if opened.mode not in ("RGB", "RGBA"):
        return False
    deep = (kind == "PNG" and data[24:25] == b"\x10") or (page is not None and page.bits[0] == 16)
    if not deep:
        return False
    return int(np.asarray(opened)[:, :, :3].max()) <= _DARKEST_16_BIT


def _with_few_bits(
    kind: str,
    data: bytes,
    page: tiff.Page | None,
    name: str,
    max_pixels: int,
    notes: list[str],
) -> Opened:
    if page is not None:
        return _by_tifffile(data, page, name, max_pixels, notes)
    found = _wide(wide.deep_png(data, name, notes))
    profile = next((True for kind_, _, _ in png_chunks(data) if kind_ == b"iCCP"), None)
    if profile:
        with plugin("PngImagePlugin").PngImageFile(io.BytesIO(data)) as again:
            found = replace(found, profile=again.info.get("icc_profile"))
    return _with_colours(kind, data, found)


def _by_tifffile(
    data: bytes, page: tiff.Page, name: str, max_pixels: int, notes: list[str]
) -> Opened:
    if damage.tiff_is_damaged(data, page):
        raise damaged(name)
    return _wide(wide.tiff_page(data, page, name, max_pixels, notes))


def _wide(found: wide.Widened) -> Opened:
    return Opened(found.image, found.image.size, found.profile, found.encoding)


def _refuse_rare_psd(data: bytes, name: str) -> None:
    depth, mode = int.from_bytes(data[22:24]), int.from_bytes(data[24:26])
    if depth not in (1, 8) or mode not in (0, 1, 2, 3, 4, 8, 9):
        raise ImageError(
            f"{name} is a Photoshop document of {depth} bits a channel; export it as TIFF or PNG"
        )


def _jpeg_quality(image: ImageFile.ImageFile) -> int | None:
    """Return the quality at which the IJG's `jpeg_set_quality` would quantise luma as much."""
    tables: dict[int, list[int]] | None = getattr(image, "quantization", None)
    if image.format != "JPEG" or not tables:
        return None
    divisors: list[int] = list(tables[min(tables)])[: len(_IJG_LOWEST)]
    scale = 100 * sum(divisors) / sum(_IJG_LOWEST)
    quality: float = 5000 / scale if scale > 100 else (200 - scale) / 2
    return min(max(round(quality), 1), 100)
