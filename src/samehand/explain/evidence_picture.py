"""Evidence as pictures: numbered windows, heat maps, and a score between two densities.

Orange is one artist and blue is two, which readers with any colour vision tell apart (Okabe and Ito
2008); nothing else has either colour.
"""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFont, ImageOps

from samehand.records import Floats
from samehand.results import Context, Grid, Region

Colour = tuple[int, int, int]

WINDOWS: tuple[Colour, ...] = (
    (232, 212, 77),
    (212, 106, 208),
    (95, 196, 106),
    (157, 140, 240),
    (201, 201, 201),
)
"""Match number 1, 2, ..., as on the page (`web/static/style.css`); a sixth would begin again."""

SAME: Colour = (192, 85, 0)
DIFFERENT: Colour = (0, 114, 178)
PAPER: Colour = (250, 249, 246)
INK: Colour = (28, 28, 30)
QUIET: Colour = (105, 105, 110)

LEAST_UNUSUAL = 1.0
"""log10: the full green is for a likeness that at most one work in ten has."""

LEAST_INFLUENCE = 0.1
"""log10: a change of the likelihood ratio by less than a quarter stays pale."""

_UNUSUAL: Colour = (0, 158, 115)
_STRONGEST_TINT = 0.72


def draw_windows(image: Image.Image, windows: Sequence[tuple[int, Region]]) -> Image.Image:
    """Draw numbered windows on a painting, each number in a colour of its own.

    Args:
        image: The painting, RGB, at the size at which it is shown.
        windows: Number and region of each.
    """
    drawn = ImageEnhance.Brightness(image).enhance(0.72)
    for _, region in windows:
        box = region.pixels(*image.size)
        drawn.paste(image.crop(box), box[:2])
    pen = ImageDraw.Draw(drawn)
    line = max(2, round(min(image.size) / 110))
    letter = max(11, round(min(image.size) / 22))
    font, side = ImageFont.load_default(letter), round(letter * 1.3)
    for number, region in windows:
        colour = WINDOWS[(number - 1) % len(WINDOWS)]
        x0, y0, x1, y1 = region.pixels(*image.size)
        pen.rectangle((x0, y0, x1 - 1, y1 - 1), outline=INK, width=line + 2)
        pen.rectangle((x0 + 1, y0 + 1, x1 - 2, y1 - 2), outline=colour, width=line)
        # Above the window, so that it hides nothing of it, unless the painting ends there.
        top = y0 - side + 1 if y0 >= side else y0
        pen.rectangle((x0, top, x0 + side, top + side), fill=colour, outline=INK)
        pen.text((x0 + side / 2, top + side / 2), str(number), INK, font, anchor="mm")
    return drawn


def draw_unusual(image: Image.Image, cells: Grid, most: float) -> Image.Image:
    """Tint a painting by how unusual the best match of each of its regions is.

    Args:
        image: The painting, RGB, at the size at which it is shown.
        cells: log10 rarity of each cell, (G, G).
        most: The rarity that gets the full tint; one for both paintings of a pair.
    """
    return _tinted(
        image, np.asarray(cells, np.float32) / np.float32(max(most, 1e-6)), _UNUSUAL, _UNUSUAL
    )


def draw_influence(image: Image.Image, cells: Grid, most: float) -> Image.Image:
    """Tint a painting by which verdict each of its regions speaks for.

    Args:
        image: The painting, RGB, at the size at which it is shown.
        cells: What each cell adds to the log10 likelihood ratio, (G, G).
        most: The contribution that gets the full tint; one for both paintings of a pair.
    """
    return _tinted(
        image, np.asarray(cells, np.float32) / np.float32(max(most, 1e-6)), SAME, DIFFERENT
    )


def draw_context(
    context: Context, width: int = 760, height: int = 240, *, density: int = 1
) -> Image.Image:
    """Draw where a score lies among the pairs whose answer is known.

    Args:
        context: The score and the two densities.
        width: Of the picture as it will be shown, in pixels, at least 300.
        height: As it will be shown, at least 120.
        density: How many times as many pixels each way there are, for paper.
    """
    scale = 2 * density  # drawn large and shrunk, since Pillow's lines have hard edges
    sheet = Image.new("RGB", (width * scale, height * scale), PAPER)
    pen = ImageDraw.Draw(sheet, "RGBA")
    font = ImageFont.load_default(15 * scale)
    edges = np.asarray(context.edges)
    shown = _shown_range(context)
    left, right, base, top = 12 * scale, (width - 12) * scale, (height - 48) * scale, 60 * scale
    highest = max(*context.genuine, *context.impostor)

    def across(value: float) -> float:
        share = (value - shown[0]) / (shown[1] - shown[0])
        return left + float(np.clip(share, 0, 1)) * (right - left)

    for densities, colour in ((context.impostor, DIFFERENT), (context.genuine, SAME)):
        middles = (edges[:-1] + edges[1:]) / 2
        line = [
            (across(x), base - y / highest * (base - top))
            for x, y in zip(middles.tolist(), _smoothed(densities), strict=True)
            if shown[0] <= x <= shown[1]
        ]
        pen.polygon([(line[0][0], base), *line, (line[-1][0], base)], fill=(*colour, 70))
        pen.line(line, fill=colour, width=2 * scale, joint="curve")
    pen.text((left, 4 * scale), "pairs by two artists", DIFFERENT, font, anchor="la")
    pen.text((right, 4 * scale), "pairs by one artist", SAME, font, anchor="ra")
    pen.text(((left + right) / 2, base + 26 * scale), "likelihood ratio", QUIET, font, anchor="ma")
    pen.line((left, base, right, base), fill=QUIET, width=scale)
    for tick in range(int(np.ceil(shown[0])), int(np.floor(shown[1])) + 1):
        x = across(tick)
        pen.line((x, base, x, base + 5 * scale), fill=QUIET, width=scale)
        text = "1" if tick == 0 else f"{10 ** abs(tick):,}" if tick > 0 else f"1/{10**-tick:,}"
        pen.text((x, base + 8 * scale), text, QUIET, font, anchor="ma")
    mark = across(context.llr)
    pen.line((mark, top - 20 * scale, mark, base), fill=INK, width=3 * scale)
    anchor = "la" if mark < (left + right) / 2 else "ra"
    shift = 8 * scale if anchor == "la" else -8 * scale
    pen.text(
        (mark + shift, 4 * scale), "this pair", INK, ImageFont.load_default(17 * scale), anchor
    )
    return sheet.resize((width * density, height * density), Image.Resampling.LANCZOS)


def strongest(*maps: Grid, least: float) -> float:
    """Return what gets the full tint in several maps: their largest absolute value.

    Args:
        maps: Each (G, G).
        least: Returned where all values are smaller, so that next to nothing stays pale.
    """
    return max(least, *(float(np.abs(cells).max()) for cells in maps))


def fit(image: Image.Image, width: int, height: int) -> Image.Image:
    """Return a painting as large as it can be shown in a box, its aspect kept."""
    return ImageOps.contain(image, (width, height), Image.Resampling.LANCZOS)


def _tinted(image: Image.Image, share: Floats, above: Colour, below: Colour) -> Image.Image:
    """Lay colours on a grey version of a painting: the stronger the share, the denser."""
    shares = Image.fromarray(np.clip(share, -1, 1).astype(np.float32))
    smooth = np.asarray(shares.resize(image.size, Image.Resampling.BICUBIC))[..., None]
    grey = np.asarray(image.convert("L").convert("RGB"), np.float32) * 0.6 + 0.4 * 255
    tint = np.where(smooth > 0, np.array(above, np.float32), np.array(below, np.float32))
    weight = np.clip(np.abs(smooth), 0, 1) * _STRONGEST_TINT
    return Image.fromarray(np.rint(grey * (1 - weight) + tint * weight).astype(np.uint8))


def _shown_range(context: Context) -> tuple[float, float]:
    """Return the llrs between which nearly all pairs lie, and this one."""
    edges = np.asarray(context.edges)
    masses = np.diff(edges) * (np.asarray(context.genuine) + np.asarray(context.impostor)) / 2
    rising = np.cumsum(masses)
    low = edges[int(np.searchsorted(rising, 0.001))]
    high = edges[min(int(np.searchsorted(rising, 0.999)) + 1, len(edges) - 1)]
    return min(float(low), context.llr), max(float(high), context.llr)


def _smoothed(densities: Sequence[float]) -> list[float]:
    kernel = np.array([1, 4, 6, 4, 1]) / 16
    padded = np.pad(np.asarray(densities), 2, mode="edge")
    smooth: list[float] = np.convolve(padded, kernel, mode="valid").tolist()
    return smooth
