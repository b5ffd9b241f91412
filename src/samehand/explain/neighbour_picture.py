"""The nearest works of a gallery as a picture: small paintings with artist, title and llr."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from samehand.errors import ImageError
from samehand.explain.evidence_picture import INK, PAPER, QUIET, fit
from samehand.explain.words import title_of
from samehand.files import printable
from samehand.images.decode import decode_file
from samehand.results import Neighbour

_HEIGHT, _THUMBNAIL, _GAP = 84, 74, 12


def draw_neighbours(neighbours: Sequence[Neighbour], width: int) -> Image.Image:
    """Draw works below one another.

    Args:
        neighbours: The works; one whose file cannot be read is an empty frame.
        width: Of the picture in pixels, at least 200.
    """
    sheet = Image.new("RGB", (width, _HEIGHT * max(1, len(neighbours))), PAPER)
    pen = ImageDraw.Draw(sheet)
    large, small = ImageFont.load_default(16), ImageFont.load_default(14)
    left = _THUMBNAIL + _GAP
    if not neighbours:
        pen.text((0, 6), "The gallery holds no other work.", QUIET, small)
    for row, one in enumerate(neighbours):
        top = row * _HEIGHT
        picture = small_picture(one, _THUMBNAIL)
        if picture is None:
            pen.rectangle((0, top, _THUMBNAIL - 1, top + _THUMBNAIL - 1), outline=QUIET)
        else:
            spare = [(_THUMBNAIL - side) // 2 for side in picture.size]
            sheet.paste(picture, (spare[0], top + spare[1]))
        lines = (
            (f"{one.llr:+.2f}", INK, large),
            (one.artist or "unattributed", INK, small),
            (title_of(one), QUIET, small),
        )
        for line, (text, colour, font) in enumerate(lines):
            shown = _cut(printable(text), font, width - left)
            pen.text((left, top + 6 + 22 * line), shown, colour, font)
    return sheet


def small_picture(neighbour: Neighbour, side: int) -> Image.Image | None:
    """Return a work's picture in a square of `side` pixels, or None where its file is gone."""
    try:
        return fit(decode_file(Path(neighbour.path)).image, side, side)
    except ImageError:
        return None


def _cut(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> str:
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(f"{text}...") > width:
        text = text[:-1]
    return f"{text.rstrip()}..."
