"""The works that a report is about, and their pictures as they stand in it."""

import base64
import io

from PIL import Image

from samehand.explain.evidence_picture import fit
from samehand.files import printable
from samehand.model.painting import Painting

_QUALITY = 84


def facts(work: Painting, side: int) -> dict[str, str | int]:
    """Return what a page says of a work, its picture's longest side at most `side` pixels."""
    return {
        "name": printable(work.name),
        "picture": shown(work.image, side),
        "width": work.decoded.width,
        "height": work.decoded.height,
        "sha256": work.sha256,
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
