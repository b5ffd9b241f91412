"""The surface that scenes are drawn on: soft masks and shaded solids, in floating point.

Positions are in units of the picture's height: x from 0 to its aspect, y from 0 at the top to 1 at
the bottom.
"""

import colorsys

import numpy as np
from PIL import Image, ImageDraw

from samehand.records import Floats

Point = tuple[float, float]


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int], cells: int) -> Floats:
    """Return noise of shape (H, W), about -1 to 1, with `cells` bumps along the height."""
    across = max(2, round(cells * shape[1] / shape[0]))
    coarse = rng.uniform(-1, 1, (cells + 1, across + 1)).astype(np.float32)
    resized = Image.fromarray(coarse).resize((shape[1], shape[0]), Image.Resampling.BICUBIC)
    return np.asarray(resized, dtype=np.float32)


def hsv(hue: float, saturation: float, value: float) -> Floats:
    """Return a colour, (3,), from hue (in turns), saturation and value in [0, 1]."""
    return np.array(colorsys.hsv_to_rgb(hue % 1, saturation, value), dtype=np.float32)


class Sheet:
    """A picture in the making: colours are laid through soft masks of shape (H, W)."""

    def __init__(self, rng: np.random.Generator, size: tuple[int, int]) -> None:
        self.rng = rng
        self.width, self.height = size
        self.aspect = self.width / self.height
        rows, columns = np.mgrid[: self.height, : self.width].astype(np.float32)
        self.x: Floats = (columns + 0.5) / self.height
        self.y: Floats = (rows + 0.5) / self.height
        self.rgb: Floats = np.zeros((self.height, self.width, 3), dtype=np.float32)

    def lay(self, mask: Floats, colour: Floats, opacity: float = 1.0) -> None:
        """Lay a colour, (3,) or (H, W, 3), through a mask in [0, 1]."""
        self.rgb += opacity * mask[..., None] * (colour - self.rgb)

    def shade(self, mask: Floats, factor: float) -> None:
        """Darken (factor below 1) or brighten through a mask."""
        self.rgb *= (1 + (factor - 1) * mask)[..., None]

    def noise(self, cells: int) -> Floats:
        """Smooth noise of shape (H, W), about -1 to 1."""
        return smooth_noise(self.rng, (self.height, self.width), cells)

    def edge(self, distance: Floats) -> Floats:
        """A mask that is 1 where the signed distance is negative, one pixel soft."""
        mask: Floats = np.clip(0.5 - distance * self.height, 0, 1).astype(np.float32)
        return mask

    def ellipse(self, x: float, y: float, rx: float, ry: float, tilt: float = 0.0) -> Floats:
        """The mask of an ellipse about (x, y); `tilt` in radians."""
        u, v = self._turned(x, y, tilt)
        radius: Floats = np.hypot(u / rx, v / ry).astype(np.float32)
        return self.edge((radius - 1) * min(rx, ry))

    def glow(self, x: float, y: float, radius: float) -> Floats:
        """A mask that fades from 1 at (x, y) as a Gaussian."""
        fading: Floats = np.exp(-((self.x - x) ** 2 + (self.y - y) ** 2) / radius**2)
        return fading.astype(np.float32)

    def polygon(self, points: list[Point]) -> Floats:
        """The mask of a closed polygon."""
        scale = 2 * self.height
        mask = Image.new("L", (2 * self.width, 2 * self.height))
        ImageDraw.Draw(mask).polygon([(x * scale, y * scale) for x, y in points], fill=255)
        return np.asarray(mask.reduce(2), dtype=np.float32) / np.float32(255)

    def box(self, x: float, y: float, width: float, height: float) -> Floats:
        """The mask of a rectangle whose upper left corner is (x, y)."""
        return self.polygon([(x, y), (x + width, y), (x + width, y + height), (x, y + height)])

    def ball(self, x: float, y: float, rx: float, ry: float, colour: Floats, light: Point) -> None:
        """A shaded solid: lit from the direction `light`, with a highlight."""
        u, v = (self.x - x) / rx, (self.y - y) / ry
        lit = np.clip(0.62 + 0.45 * (u * light[0] + v * light[1]), 0.2, 1.15)[..., None]
        self.lay(self.ellipse(x, y, rx, ry), colour * lit.astype(np.float32))
        radius = 0.28 * min(rx, ry)
        shine = self.glow(x + 0.42 * rx * light[0], y + 0.42 * ry * light[1], radius)
        self.lay(shine, np.array([1, 0.98, 0.92], np.float32), 0.65)

    def _turned(self, x: float, y: float, tilt: float) -> tuple[Floats, Floats]:
        u, v = self.x - x, self.y - y
        cos, sin = float(np.cos(tilt)), float(np.sin(tilt))
        return cos * u + sin * v, cos * v - sin * u
