"""The works that a report is about, and their pictures as they stand in it."""

import base64
import io
import os
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from samehand.images.decode import Decoded, decode_bytes, decode_file, printable
from samehand.serving.evidence_picture import fit

_QUALITY = 84


@dataclass(frozen=True, slots=True)
class Work:
    """A work that a report is about.

    Attributes:
        name: What the report calls it, usually its file's name.
        decoded: Its picture.
    """

    name: str
    decoded: Decoded


def read_work(path: str | os.PathLike[str], name: str | None = None) -> Work:
    """Read a work from an image file.

    Args:
        path: The file.
        name: What to call it; the file's name if absent.

    Raises:
        ImageError: The file is no readable image.
    """
    return Work(printable(Path(path).name if name is None else name), decode_file(path))


def work_from_bytes(data: bytes, name: str) -> Work:
    """Read a work from an image file that is already in memory.

    Raises:
        ImageError: The bytes are no readable image.
    """
    return Work(printable(name), decode_bytes(data, name))


def facts(work: Work, side: int) -> dict[str, str | int]:
    """Return what a page says of a work, its picture's longest side at most `side` pixels."""
    return {
        "name": work.name,
        "picture": shown(work.decoded.image, side),
        "width": work.decoded.width,
        "height": work.decoded.height,
        "sha256": work.decoded.sha256,
    }


def shown(image: Image.Image, side: int) -> str:
    """Return a picture, its longest side at most `side` pixels, as a `data:` address of a JPEG."""
    small = image if max(image.size) <= side else fit(image, side, side)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=_QUALITY, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def shown_exactly(image: Image.Image) -> str:
    """Return a drawing as a `data:` address of a PNG."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
