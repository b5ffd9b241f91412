"""An image file, however it was made, to upright 8-bit sRGB.

The order of the steps bounds memory: the pixel count is read from the header before anything is
decoded, JPEGs are decoded at a reduced size where that loses nothing, and colour is converted only
after the picture has been shrunk.
"""

import importlib
import io
import os
import stat
import warnings
from dataclasses import dataclass

from PIL import ExifTags, Image, ImageFile, ImageOps

from samehand.errors import ImageError
from samehand.files import sha256_bytes

MAX_PIXELS = 200_000_000
"""The largest picture that is decoded; 200 million pixels is 600 MB of RGB."""

_IJG_LOWEST = (16, 11, 10, 16)
"""The first luma divisors of ITU-T T.81, table K.1, which the IJG calls quality 50.

Lower qualities multiply all, and the later ones soon reach the 255 that a byte can hold.
"""

MAX_BYTES = 2**30
"""The largest file that is read."""

# Most common first: a plugin is imported only when the ones before it did not know the file.
# The list is closed because Pillow would also hand EPS to Ghostscript, another program.
_PLUGINS = {
    "JPEG": "JpegImagePlugin",
    "PNG": "PngImagePlugin",
    "WEBP": "WebPImagePlugin",
    "TIFF": "TiffImagePlugin",
    "GIF": "GifImagePlugin",
    "BMP": "BmpImagePlugin",
    "PPM": "PpmImagePlugin",
    "JPEG2000": "Jpeg2KImagePlugin",
    "AVIF": "AvifImagePlugin",
}


@dataclass(frozen=True, slots=True)
class Decoded:
    """One decoded picture.

    Attributes:
        image: Mode "RGB", sRGB, upright, its longest side at most the `max_side` asked for; it
            carries no metadata.
        sha256: Hex digest of the file's bytes.
        width: Width of the original in pixels, once upright.
        height: Height of the original in pixels, once upright.
        notes: What a reader of a verdict should know about this file, a clause each.
        jpeg_quality: The quality that a JPEG was saved with, from 1 to 100, as the Independent
            JPEG Group counts it; None for other files.
    """

    image: Image.Image
    sha256: str
    width: int
    height: int
    notes: tuple[str, ...]
    jpeg_quality: int | None = None


def decode_file(path: str | os.PathLike[str], max_side: int = 2048) -> Decoded:
    """Read and decode an image file.

    Args:
        path: A regular file of at most `MAX_BYTES`.
        max_side: Longest side of the returned picture in pixels, at least 1; a smaller picture
            keeps its size.

    Raises:
        ImageError: The file is missing, unreadable, too large, or no complete image.
    """
    name = printable(os.fspath(path))
    try:
        # Asked before opening: opening a pipe or a device can block for ever.
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            raise ImageError(f"{name} is a folder; name an image file inside it")
        if not stat.S_ISREG(status.st_mode):
            raise ImageError(f"{name} is a pipe or a device; name an ordinary image file")
        if status.st_size > MAX_BYTES:
            raise ImageError(
                f"{name} is {status.st_size / 2**30:.1f} GiB, more than {MAX_BYTES / 2**30:g} GiB; "
                "save a smaller copy and try again"
            )
        with open(path, "rb") as stream:
            data = stream.read()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ImageError(f"no file at {name}; check the path") from error
    except PermissionError as error:
        raise ImageError(f"{name} may not be read by you; change its permissions") from error
    except (OSError, ValueError, MemoryError) as error:
        reason = getattr(error, "strerror", None) or str(error) or "not enough memory"
        raise ImageError(f"{name} cannot be read: {reason.lower()}; check the path") from error
    return decode_bytes(data, name, max_side)


def decode_bytes(
    data: bytes, name: str, max_side: int = 2048, max_pixels: int = MAX_PIXELS
) -> Decoded:
    """Decode an image file that is already in memory.

    Args:
        data: The whole file.
        name: What error sentences call it.
        max_side: Longest side of the returned picture in pixels, at least 1; a smaller picture
            keeps its size.
        max_pixels: Pictures of more pixels are refused before any pixel is decoded.

    Raises:
        ImageError: The bytes are no complete image, or one of more than `max_pixels`.
    """
    name = printable(name)
    if not data:
        raise ImageError(f"{name} is empty; download or copy it again")
    try:
        with warnings.catch_warnings():
            # Pillow warns of odd metadata, which is no concern of the reader's. Before Python 3.14
            # threads can restore each other's filters, so this one touches nobody but Pillow.
            warnings.filterwarnings("ignore", module=r"PIL\.")
            return _decode(data, name, max_side, max_pixels)
    except ImageError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageError(
            f"{name} has too many pixels to be opened safely; save a smaller copy and try again"
        ) from error
    except MemoryError as error:
        raise ImageError(
            f"{name} does not fit into memory; save a smaller copy and try again"
        ) from error
    except Exception as error:
        # Decoders meet hostile bytes with almost any exception: SyntaxError, struct.error,
        # zlib.error, OverflowError, KeyError, ...
        raise ImageError(f"{name} is cut short or damaged; download or copy it again") from error


def _decode(data: bytes, name: str, max_side: int, max_pixels: int) -> Decoded:
    notes: list[str] = []
    image: Image.Image
    with _open(data, name, max_pixels) as opened:
        image, size = opened, opened.size
        if opened.format == "JPEG2000" and b"\xff\xd9" not in data:
            # Its decoder leaves missing tiles black without a word; an end marker rules them out.
            raise EOFError("no end-of-codestream marker")
        if getattr(opened, "is_animated", False):
            part = "page of a document" if opened.format == "TIFF" else "frame of an animation"
            notes.append(f"only the first {part} was used")
        # Twice the wanted size is left for the antialiased shrink below, which is the better one.
        excess = max(size) / (2 * max_side)
        opened.draft(None, (int(size[0] / excess) or 1, int(size[1] / excess) or 1))
        opened.load()
        try:
            # Pillow turns TIFFs itself while loading them, and then no longer states a turn here.
            turned = opened.getexif().get(ExifTags.Base.Orientation) in (5, 6, 7, 8)
            size = size[::-1] if turned else size
            ImageOps.exif_transpose(image, in_place=True)
        except Exception:
            notes.append("its EXIF data are damaged, so it may not be upright")
        profile = opened.info.get("icc_profile")
        quality = _jpeg_quality(opened)
        image = _eight_bit(image, notes)
    image = _shrink(image, size, max_side)
    image = _on_white(image, notes)
    image = _to_srgb(image, profile, name, notes)
    # An embedded profile left here would be written out again by save(), and applied twice.
    image.info = {}
    return Decoded(image, sha256_bytes(data), size[0], size[1], tuple(notes), quality)


def _open(data: bytes, name: str, max_pixels: int) -> ImageFile.ImageFile:
    """Parse the header and refuse a picture that is too large, before any pixel is decoded.

    `Image.open` is not used because it applies its own limit, which any other code in the process
    may have changed, and because it imports every plugin Pillow has to find the less common ones.
    """
    recognised = False
    for kind, module in _PLUGINS.items():
        importlib.import_module(f"PIL.{module}")
        factory, accept = Image.OPEN.get(kind, (None, None))
        # accept() answers with a sentence where this Pillow was built without the format.
        if factory is None or accept is None or accept(data[:16]) is not True:
            continue
        recognised = True
        try:
            image = factory(io.BytesIO(data), "")
        except SyntaxError:
            continue
        if image.width * image.height > max_pixels:
            raise ImageError(
                f"{name} is {image.width}x{image.height} pixels, more than "
                f"{max_pixels / 1_000_000:g} million; save a smaller copy and try again"
            )
        return image
    if recognised:
        raise ImageError(f"{name} is cut short or damaged; download or copy it again")
    raise ImageError(
        f"{name} is not an image that can be read (JPEG, PNG, WebP, TIFF, GIF, BMP, PPM, JPEG 2000 "
        "or AVIF); export the picture as one of these"
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


def _eight_bit(image: Image.Image, notes: list[str]) -> Image.Image:
    """Return the picture in a mode of 8 bits a channel that can be resized."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _deep_grey(image, notes)
    if image.mode not in ("LA", "RGBA") and image.has_transparency_data:
        return image.convert("RGBA")
    if image.mode == "1":
        return image.convert("L")
    if image.mode == "P":
        return image.convert("RGB")
    return image


def _deep_grey(image: Image.Image, notes: list[str]) -> Image.Image:
    """Return greys of 16 or 32 bits as 8 bits; Pillow's own conversion clips them to white."""
    import numpy as np

    grey = np.asarray(image)
    if image.mode.startswith("I;16"):
        return Image.fromarray((grey >> 8).astype(np.uint8))
    # Nothing in the file says which value is white, so the values themselves must.
    grey = np.nan_to_num(grey.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = min(float(grey.min()), 0.0), float(grey.max())
    if image.mode == "F" and high <= 1:
        white = 1.0
    else:
        white = next((white for white in (255.0, 65535.0) if high <= white), high)
    notes.append(f"its grey values, up to {high:g}, were scaled to 8 bits")
    scaled = (grey - low) * (255 / (white - low))
    return Image.fromarray(np.rint(scaled).astype(np.uint8))


def _shrink(image: Image.Image, size: tuple[int, int], max_side: int) -> Image.Image:
    """Bound the longest side, keeping the aspect of the original, which had `size` pixels."""
    longest = max(size)
    if longest <= max_side:
        return image
    width, height = (max(1, round(side * max_side / longest)) for side in size)
    return image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)


def _on_white(image: Image.Image, notes: list[str]) -> Image.Image:
    """Lay a transparent picture on white; others pass unchanged."""
    if image.mode not in ("LA", "RGBA"):
        return image
    alpha = image.getchannel("A")
    opaque = "L" if image.mode == "LA" else "RGB"
    if alpha.getextrema() == (255, 255):
        return image.convert(opaque)
    notes.append("transparent areas were filled with white")
    white = Image.new(opaque, image.size, "white")
    white.paste(image.convert(opaque), mask=alpha)
    return white


def _to_srgb(image: Image.Image, profile: bytes | None, name: str, notes: list[str]) -> Image.Image:
    """Return a new picture in sRGB, by the embedded ICC profile where there is a usable one."""
    if image.mode not in ("L", "RGB", "CMYK", "YCbCr", "RGBX", "HSV"):
        raise ImageError(
            f"{name} stores its colours as {image.mode}, which cannot be read; save it as RGB"
        )
    if profile:
        # Only pictures with a profile pay for this import.
        from PIL import ImageCms

        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            space = source.profile.xcolor_space.strip()
            if image.mode != "CMYK" and space == "RGB":
                image = image.convert("RGB")
            target = ImageCms.createProfile("sRGB")
            converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
            if converted is not None:
                return converted
        except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
            notes.append("its colour profile is damaged or does not fit it, and was ignored")
    elif image.mode == "CMYK":
        notes.append("its CMYK colours were converted without a colour profile")
    return image.convert("RGB")


def printable(name: str) -> str:
    """Return a file name, or words with one, that any terminal can show, whatever its bytes."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii")
        for letter in name
    )
