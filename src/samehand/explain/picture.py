"""One picture of a comparison: both paintings and the verdict beneath them."""

import textwrap
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, ImageOps

from samehand.explain.words import error_rate_in_words, share
from samehand.files import printable
from samehand.images.save import save_picture
from samehand.model.painting import Painting
from samehand.results import Verdict

_SIDE = 420
_MARGIN = 28
_PAPER = (250, 249, 246)
_INK = (28, 28, 30)
_QUIET = (105, 105, 110)
_WRAP = 100


def draw_comparison(left: Painting, right: Painting, verdict: Verdict, target: Path) -> None:
    """Write a PNG of two paintings side by side with what was said of them.

    Args:
        left: The left painting.
        right: The right painting.
        verdict: The verdict on the two.
        target: The PNG to write.

    Raises:
        OutputError: `target` cannot be written.
    """
    title = ImageFont.load_default(24)
    body = ImageFont.load_default(17)
    rate = error_rate_in_words(
        verdict.error_rate, verdict.condition, verdict.measured_on, verdict.refusal
    )
    lines = [
        f"{verdict.strength[0].upper()}{verdict.strength[1:]}",
        f"log10 likelihood ratio {verdict.llr:+.2f}; probability "
        f"{share(verdict.probability)} from a prior of {verdict.prior:.0%}",
        f"Decision: {verdict.decision} ({rate})",
        f"Model {verdict.model}",
        *(f"Note: {warning}" for warning in verdict.warnings),
    ]
    wrapped = [part for line in lines[1:] for part in textwrap.wrap(line, _WRAP)]
    width = 2 * _SIDE + 3 * _MARGIN
    height = _MARGIN + _SIDE + 34 + 44 + 25 * len(wrapped) + _MARGIN
    sheet = Image.new("RGB", (width, height), _PAPER)
    pen = ImageDraw.Draw(sheet)
    for column, side in enumerate((left, right)):
        corner = _MARGIN + column * (_SIDE + _MARGIN)
        painting = ImageOps.contain(side.image, (_SIDE, _SIDE))
        sheet.paste(
            painting,
            (corner + (_SIDE - painting.width) // 2, _MARGIN + (_SIDE - painting.height) // 2),
        )
        caption = textwrap.shorten(printable(Path(side.name).name), 48, placeholder="...")
        pen.text((corner + _SIDE // 2, _MARGIN + _SIDE + 8), caption, _QUIET, body, anchor="ma")
    top = _MARGIN + _SIDE + 44
    pen.text((_MARGIN, top), lines[0], _INK, title)
    for row, text in enumerate(wrapped):
        pen.text((_MARGIN, top + 38 + 25 * row), text, _INK, body)
    save_picture(sheet, target)
