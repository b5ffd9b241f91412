"""Pictures inside pages: previews as data URLs, and the scale that a verdict stands on."""

import base64
import io
from dataclasses import dataclass

from PIL import Image, ImageOps

from samehand.images.decode import Decoded

PREVIEW_SIDE = 900


@dataclass(frozen=True, slots=True)
class Preview:
    """A picture as a page shows it.

    Attributes:
        name: The file's name.
        url: A data URL, since nothing is stored that could be asked for.
        width: Width of the preview in pixels.
        height: Height of the preview in pixels.
        original: Width and height of the file's picture in pixels.
    """

    name: str
    url: str
    width: int
    height: int
    original: tuple[int, int]


def preview_of(name: str, decoded: Decoded, side: int = PREVIEW_SIDE) -> Preview:
    """Return a picture, at most `side` pixels on its longest side, ready for a page."""
    image = decoded.image
    if max(image.size) > side:
        image = ImageOps.contain(image, (side, side))
    return Preview(
        name, data_url(image), image.width, image.height, (decoded.width, decoded.height)
    )


def data_url(image: Image.Image) -> str:
    """Return an RGB picture as the data URL of a JPEG."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
