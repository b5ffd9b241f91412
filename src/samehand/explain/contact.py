"""A contact sheet of pairs: every pair with who painted it, and what a model says of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, ImageOps

from samehand.files import printable
from samehand.images.decode import decode_file
from samehand.images.save import save_picture

_SIDE = 230
_GAP = 10
_MARGIN = 24
_LINE = 20
_COLUMNS = 2
_PAPER = (250, 249, 246)
_FRAME = (226, 224, 218)
_INK = (28, 28, 30)


@dataclass(frozen=True, slots=True)
class Tile:
    """One pair of a sheet.

    Attributes:
        images: The left and the right image file.
        captions: What stands under each, paragraph by paragraph.
        verdict: What stands under both; empty for nothing.
    """

    images: tuple[Path, Path]
    captions: tuple[tuple[str, ...], tuple[str, ...]]
    verdict: str = ""


def draw_sheet(title: str, tiles: Sequence[Tile], target: Path) -> None:
    """Write a PNG with a title and the tiles, two in a row; captions are wrapped, never cut.

    Args:
        title: What the pairs have in common.
        tiles: At least one pair.
        target: The PNG to write.

    Raises:
        ImageError: An image cannot be read.
        OutputError: `target` cannot be written.
    """
    large, body = ImageFont.load_default(24), ImageFont.load_default(15)
    pair = 2 * _SIDE + _GAP
    width = _COLUMNS * pair + (_COLUMNS + 1) * _MARGIN
    heading = wrap(title, large, width - 2 * _MARGIN)
    texts = [_texts(tile, body, pair) for tile in tiles]
    rows = [range(start, min(start + _COLUMNS, len(tiles))) for start in range(0, len(tiles), 2)]
    heights = [
        _SIDE + 8 + _LINE * max(_lines_under(texts[index]) for index in row) + _MARGIN
        for row in rows
    ]
    top = _MARGIN + 32 * len(heading) + 8
    sheet = Image.new("RGB", (width, top + sum(heights) + _MARGIN // 2), _PAPER)
    pen = ImageDraw.Draw(sheet)
    for number, line in enumerate(heading):
        pen.text((_MARGIN, _MARGIN + 32 * number), line, _INK, large)
    for row, height in zip(rows, heights, strict=True):
        for column, index in enumerate(row):
            corner = (_MARGIN + column * (pair + _MARGIN), top)
            _draw_tile(sheet, pen, body, corner, tiles[index], texts[index])
        top += height
    save_picture(sheet, target)


def wrap(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> list[str]:
    """Return a text as lines no wider than `width` pixels, broken in a word only if it must be."""
    lines = [""]
    for word in printable(text).split():
        joined = f"{lines[-1]} {word}".strip()
        if font.getlength(joined) <= width:
            lines[-1] = joined
            continue
        lines = lines if lines[-1] else lines[:-1]
        lines.append("")
        for letter in word:
            if lines[-1] and font.getlength(lines[-1] + letter) > width:
                lines.append("")
            lines[-1] += letter
    return lines


_Texts = tuple[list[str], list[str], list[str]]


def _texts(tile: Tile, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, pair: int) -> _Texts:
    left, right = (
        [line for part in caption for line in wrap(part, font, _SIDE)] for caption in tile.captions
    )
    return left, right, wrap(tile.verdict, font, pair) if tile.verdict else []


def _lines_under(texts: _Texts) -> int:
    return max(len(texts[0]), len(texts[1])) + len(texts[2])


def _draw_tile(
    sheet: Image.Image,
    pen: ImageDraw.ImageDraw,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    corner: tuple[int, int],
    tile: Tile,
    texts: _Texts,
) -> None:
    left, top = corner
    for side, path in enumerate(tile.images):
        start = left + side * (_SIDE + _GAP)
        picture = ImageOps.contain(decode_file(path).image, (_SIDE, _SIDE))
        pen.rectangle((start, top, start + _SIDE - 1, top + _SIDE - 1), fill=_FRAME)
        place = (start + (_SIDE - picture.width) // 2, top + (_SIDE - picture.height) // 2)
        sheet.paste(picture, place)
        for number, line in enumerate(texts[side]):
            pen.text((start, top + _SIDE + 6 + _LINE * number), line, _INK, font)
    under = top + _SIDE + 6 + _LINE * max(len(texts[0]), len(texts[1]))
    for number, line in enumerate(texts[2]):
        pen.text((left, under + _LINE * number), line, _INK, font)
