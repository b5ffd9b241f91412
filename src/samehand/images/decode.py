"""Anything that holds a painting, however it was made, to upright 8-bit sRGB.

The order of the steps bounds memory: the pixel count is read from the header before anything is
decoded, JPEGs are decoded at a reduced size where that loses nothing, and colour is converted only
after the picture has been shrunk.
"""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray
from PIL import Image

from samehand.errors import ImageError
from samehand.files import printable, sha256_bytes
from samehand.images.colour import to_srgb
from samehand.images.nothing import LEAST_SIDE, is_blank
from samehand.images.opening import Opened, damaged, open_bytes, open_image
from samehand.images.pillow_state import as_decoding_needs
from samehand.images.samples import picture
from samehand.images.source import MAX_BYTES, ImageSource, contents, read_file, samples_of
from samehand.images.wide import too_large

__all__ = [
    "MAX_BYTES",
    "MAX_PIXELS",
    "Decoded",
    "ImageSource",
    "decode",
    "decode_bytes",
    "decode_file",
]

MAX_PIXELS = 200_000_000
"""The largest picture that is decoded; 200 million pixels is 600 MB of RGB."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """One decoded picture.

    Attributes:
        image: Mode "RGB", sRGB, upright, its longest side at most the `max_side` asked for; it
            carries no metadata.
        sha256: Hex digest of the file's bytes; of a picture without a file, of its pixels.
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


def decode(
    source: ImageSource,
    name: str | None = None,
    max_side: int = 2048,
    max_pixels: int = MAX_PIXELS,
) -> Decoded:
    """Decode a painting from whatever a program has in its hands.

    Args:
        source: A path; the bytes of a file; a file open for reading bytes, which is read from its
            start; a Pillow image; or an array of shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4),
            RGB, of 8 or 16 bits, or of floating-point numbers from 0 to 1.
        name: What error sentences call it; a path is called by itself unless this is given.
        max_side: Longest side of the returned picture in pixels, at least 1; a smaller picture
            keeps its size.
        max_pixels: Pictures that need more pixels in memory are refused before any is decoded.

    Raises:
        ImageError: It is missing, unreadable, too large, blank, or no complete image.
    """
    if isinstance(source, (str, os.PathLike)):
        name = printable(os.fsdecode(source) if name is None else name)
        return decode_bytes(read_file(source, name), name, max_side, max_pixels)
    name = "the image" if name is None else printable(name)
    found = contents(source, name)
    if isinstance(found, bytes):
        return decode_bytes(found, name, max_side, max_pixels)
    return _guarded(lambda notes: _without_file(found, name, max_pixels, notes), name, max_side)


def decode_file(path: str | os.PathLike[str], max_side: int = 2048) -> Decoded:
    """Read and decode an image file.

    Args:
        path: A regular file of at most `MAX_BYTES`.
        max_side: Longest side of the returned picture in pixels, at least 1; a smaller picture
            keeps its size.

    Raises:
        ImageError: The file is missing, unreadable, too large, blank, or no complete image.
    """
    name = printable(os.fsdecode(path))
    return decode_bytes(read_file(path, name), name, max_side)


def decode_bytes(
    data: bytes, name: str, max_side: int = 2048, max_pixels: int = MAX_PIXELS
) -> Decoded:
    """Decode an image file that is already in memory.

    Args:
        data: The whole file.
        name: What error sentences call it.
        max_side: Longest side of the returned picture in pixels, at least 1; a smaller picture
            keeps its size.
        max_pixels: Pictures that need more pixels in memory are refused before any is decoded. A
            JPEG that is decoded at a reduced size needs only that many.

    Raises:
        ImageError: The image is incomplete, blank, or of more than `max_pixels`.
    """
    name = printable(name)
    if not data:
        raise ImageError(f"{name} is empty; download or copy it again")

    def opened(notes: list[str]) -> tuple[Opened, str]:
        return open_bytes(data, name, max_side, max_pixels, notes), sha256_bytes(data)

    return _guarded(opened, name, max_side)


def _guarded(
    opened: Callable[[list[str]], tuple[Opened, str]], name: str, max_side: int
) -> Decoded:
    """Open and finish a picture; whatever goes wrong becomes a sentence."""
    notes: list[str] = []
    try:
        with as_decoding_needs():
            found, sha256 = opened(notes)
            image = _finished(found, name, max_side, notes)
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
        raise damaged(name) from error
    return Decoded(image, sha256, found.size[0], found.size[1], tuple(notes), found.jpeg_quality)


def _without_file(
    found: Image.Image | NDArray[Any], name: str, max_pixels: int, notes: list[str]
) -> tuple[Opened, str]:
    """Take pixels that are in memory already, and hash them in place of a file."""
    if isinstance(found, Image.Image):
        if min(found.size) < 1:
            raise ImageError(f"{name} has no pixels")
        _refuse_large(found.size, name, max_pixels)
        opened = open_image(found, notes)
    else:
        samples = samples_of(found, name)
        _refuse_large((samples.shape[1], samples.shape[0]), name, max_pixels)
        image = picture(samples, notes, alpha=samples.shape[2] in (2, 4))
        opened = Opened(image, image.size)
    digest = hashlib.sha256(f"{opened.image.mode} {opened.image.size}".encode())
    digest.update(opened.image.tobytes())
    digest.update(opened.profile or b"")
    return opened, digest.hexdigest()


def _refuse_large(size: tuple[int, int], name: str, max_pixels: int) -> None:
    if size[0] * size[1] > max_pixels:
        raise too_large(size, max_pixels, name)


def _finished(found: Opened, name: str, max_side: int, notes: list[str]) -> Image.Image:
    """Return the picture in sRGB within `max_side`, or refuse it where it shows nothing."""
    if found.image.mode in ("LA", "RGBA") and found.image.getchannel("A").getextrema() == (0, 0):
        raise ImageError(
            f"{name} is wholly transparent, so nothing can be seen; save it without its "
            "alpha channel"
        )
    image = _within(found, name, max_side, notes)
    # A picture of a few pixels, where one is asked for, says too little of what was in it.
    if is_blank(image if max_side >= LEAST_SIDE else _within(found, name, LEAST_SIDE, [])):
        # Which of several is the painting is one rule, and not whichever shows something.
        only = next((note for note in notes if note.startswith("only ")), None)
        raise ImageError(
            f"{name} is blank or nearly so, and shows no painting; name another image"
            if only is None
            else f"{name} is blank or nearly so, and {only}; save the one that shows the painting "
            "as a file of its own"
        )
    # An embedded profile left here would be written out again by save(), and applied twice.
    image.info = {}
    return image


def _within(found: Opened, name: str, max_side: int, notes: list[str]) -> Image.Image:
    image = _on_white(_shrink(found.image, found.size, max_side), notes)
    return to_srgb(image, found.profile, found.encoding, name, notes)


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
