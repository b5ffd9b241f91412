"""Drawings inside pages, as numbers for SVG: the scale of a verdict, previews, windows and maps."""

from dataclasses import dataclass
from math import log10

import numpy as np
from PIL import Image

from samehand.model.painting import Painting
from samehand.reporting.works import shown
from samehand.results import Context, Evidence, Grid, Match, Region, SideEvidence
from samehand.scoring.calibration import Calibration

PREVIEW_SIDE = 900

LEAST_RARITY = 20.0
"""A likeness that more than one in so many works by others has is offered as no reason."""

_ENDS = 4.0  # the scale of a verdict runs from log10 -4 to +4
_MIDDLE, _UNIT = 440.0, 100.0
_TALL = 110.0


@dataclass(frozen=True, slots=True)
class Band:
    """One word of the verbal scale, as a stretch of the drawing.

    Attributes:
        x: Where it begins.
        width: How far it reaches.
        word: What it is called.
        side: "two", "neither" or "one": whom it supports.
        depth: From 0 for no support to 4 for strong.
        lit: Whether the verdict lies in it.
    """

    x: float
    width: float
    word: str
    side: str
    depth: int
    lit: bool

    @property
    def middle(self) -> float:
        """Where its label stands."""
        return round(self.x + self.width / 2, 1)


@dataclass(frozen=True, slots=True)
class Scale:
    """Where a log10 likelihood ratio stands; all places are units of the drawing.

    Attributes:
        llr: The log10 likelihood ratio.
        bounds: The least and the largest that the model can say.
        mark: Place of the llr.
        lower: Place of the least that can be said.
        upper: Place of the largest.
        bands: The verbal scale, from two artists to one.
        genuine: Outline of the density of pairs by one artist, an SVG path; empty if unknown.
        impostor: The same of pairs by two artists.
    """

    llr: float
    bounds: tuple[float, float]
    mark: float
    lower: float
    upper: float
    bands: tuple[Band, ...]
    genuine: str = ""
    impostor: str = ""


def scale_of(llr: float, calibration: Calibration, context: Context | None = None) -> Scale:
    """Return where a log10 likelihood ratio stands among what the model can say.

    Args:
        llr: The log10 likelihood ratio.
        calibration: The calibration that made it, of pairs or of reference sets.
        context: The densities to draw, where they are known.
    """
    bounds = (calibration.lower, calibration.upper)
    mark, lower, upper = (_place(value) for value in (llr, *bounds))
    bands = _bands(llr)
    if context is None:
        return Scale(llr, bounds, mark, lower, upper, bands)
    tallest = max(*context.genuine, *context.impostor)
    outlines = [
        _outline(density, context.edges, tallest) for density in (context.genuine, context.impostor)
    ]
    return Scale(llr, bounds, mark, lower, upper, bands, *outlines)


_WORDS = ("no support either way", "weak", "moderate", "moderately strong", "strong")
_FROM = (0.0, log10(2.0), 1.0, 2.0, 3.0, _ENDS)


def _bands(llr: float) -> tuple[Band, ...]:
    """Return the verbal scale of ENFSI (2015), mirrored, as bands."""
    size = min(abs(llr), _ENDS - 1e-9)
    depth = max(index for index in range(len(_WORDS)) if size >= _FROM[index])
    neither = Band(
        _place(-_FROM[1]), round(2 * _UNIT * _FROM[1], 1), _WORDS[0], "neither", 0, depth == 0
    )
    two, one = [], []
    for index in range(1, len(_WORDS)):
        low, high = _FROM[index], _FROM[index + 1]
        width, here = round(_UNIT * (high - low), 1), depth == index
        two.append(Band(_place(-high), width, _WORDS[index], "two", index, here and llr < 0))
        one.append(Band(_place(low), width, _WORDS[index], "one", index, here and llr > 0))
    return (*two[::-1], neither, *one)


def _place(llr: float) -> float:
    return round(_MIDDLE + _UNIT * min(max(llr, -_ENDS), _ENDS), 1)


def _outline(density: tuple[float, ...], edges: tuple[float, ...], tallest: float) -> str:
    """Return an SVG path over the middles of the bins, on the axis at height 0."""
    middles = [(low + high) / 2 for low, high in zip(edges[:-1], edges[1:], strict=True)]
    points = [
        (_place(middle), round(-_TALL * value / tallest, 1))
        for middle, value in zip(middles, density, strict=True)
        if abs(middle) <= _ENDS
    ]
    if not points:
        return ""
    line = " ".join(f"L {x} {y}" for x, y in points)
    return f"M {points[0][0]} 0 {line} L {points[-1][0]} 0 z"


@dataclass(frozen=True, slots=True)
class Window:
    """A numbered window on a preview, in its pixels."""

    number: int
    x: float
    y: float
    width: float
    height: float
    rarity: float


@dataclass(frozen=True, slots=True)
class Tint:
    """One cell of a map on a preview: where, how strong in [0, 1], and which way."""

    x: float
    y: float
    width: float
    height: float
    strength: float
    positive: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """A picture as a page shows it.

    Attributes:
        name: The file's name.
        url: A data URL, since nothing is stored that could be asked for.
        width: Width of the preview in pixels.
        height: Height of the preview in pixels.
        original: Width and height of the file's picture in pixels.
        windows: Regions that correspond to regions of the other picture.
        unusual: How unusual the best match of each cell is.
        influence: How each cell moves the verdict; empty where that was not asked for.
    """

    name: str
    url: str
    width: int
    height: int
    original: tuple[int, int]
    windows: tuple[Window, ...] = ()
    unusual: tuple[Tint, ...] = ()
    influence: tuple[Tint, ...] = ()


def preview_of(painting: Painting, side: int = PREVIEW_SIDE) -> Preview:
    """Return a picture, at most `side` pixels on its longest side, ready for a page."""
    decoded = painting.decoded
    width, height = decoded.image.size
    factor = min(1.0, side / max(width, height))
    size = max(1, round(width * factor)), max(1, round(height * factor))
    url = shown(decoded.image, side)
    return Preview(painting.name, url, *size, (decoded.width, decoded.height))


def crop_of(painting: Painting, region: Region, side: int = 260) -> str:
    """Return a region of a picture, enlarged or not, as a data URL."""
    image = painting.decoded.image
    left, top, right, bottom = region.pixels(*image.size)
    crop = image.crop((left, top, max(right, left + 1), max(bottom, top + 1)))
    factor = side / max(crop.size)
    size = max(1, round(crop.width * factor)), max(1, round(crop.height * factor))
    return shown(crop.resize(size, Image.Resampling.LANCZOS), side)


def previews_with(previews: list[Preview], evidence: Evidence | None) -> list[Preview]:
    """Return the previews of the left and the right picture with what the verdict rests on."""
    if evidence is None:
        return previews
    sides = (evidence.left, evidence.right)
    unusual = max(float(np.max(side.unusual)) for side in sides)
    influence = max(
        (float(np.abs(side.influence).max()) for side in sides if side.influence is not None),
        default=0.0,
    )
    return [
        _with_side(preview, side, _windows(preview, evidence.matches, index), unusual, influence)
        for index, (preview, side) in enumerate(zip(previews, sides, strict=True))
    ]


def _with_side(
    preview: Preview,
    side: SideEvidence,
    windows: tuple[Window, ...],
    unusual: float,
    influence: float,
) -> Preview:
    size = preview.width, preview.height
    return Preview(
        preview.name,
        preview.url,
        *size,
        preview.original,
        windows,
        _tints(side.unusual, unusual, size),
        () if side.influence is None else _tints(side.influence, influence, size),
    )


def _windows(preview: Preview, matches: tuple[Match, ...], index: int) -> tuple[Window, ...]:
    found = []
    for match in matches:
        if match.rarity < LEAST_RARITY:
            continue
        region = (match.left, match.right)[index]
        found.append(
            Window(
                match.number,
                round(region.x0 * preview.width, 1),
                round(region.y0 * preview.height, 1),
                round((region.x1 - region.x0) * preview.width, 1),
                round((region.y1 - region.y0) * preview.height, 1),
                match.rarity,
            )
        )
    return tuple(found)


def _tints(cells: Grid, strongest: float, size: tuple[int, int]) -> tuple[Tint, ...]:
    rows, columns = len(cells), len(cells[0])
    width, height = size[0] / columns, size[1] / rows
    return tuple(
        Tint(
            round(column * width, 1),
            round(row * height, 1),
            round(width, 1),
            round(height, 1),
            round(abs(cells[row][column]) / max(strongest, 1e-9), 3),
            cells[row][column] > 0,
        )
        for row in range(rows)
        for column in range(columns)
    )
