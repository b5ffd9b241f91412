"""How a painter paints: curved strokes in passes from coarse to fine, over what has been laid.

The method is A. Hertzmann, "Painterly rendering with curved brush strokes of multiple sizes",
SIGGRAPH 1998: each pass compares the canvas with a reference blurred to the brush's width, places
a stroke where a cell of the grid is worst, and lets it run with the image's structure until the
canvas is already nearer to the reference than the stroke's own colour. Bristles, relief, wet
paint and habits of direction are added here.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from samehand.atelier.painters import Painter, from_oklab, see, to_oklab
from samehand.atelier.scenes import scene
from samehand.atelier.sheet import smooth_noise
from samehand.records import Floats

_REFERENCE_SIDE = (96, 224)  # mean side of the reference: least and most, whatever the size
_SUPERSAMPLING = 2
_TRACE = 9  # points of a stroke's path
_BRISTLE_POINTS = 5
_SITTINGS = 3  # strokes of one sitting do not show through one another


def paint(painter: Painter, subject: int, size: tuple[int, int] = (256, 256)) -> Image.Image:
    """Return the painter's work on a subject: same arguments, same bytes.

    Args:
        painter: From `samehand.atelier.painter`.
        subject: Number of the scene, not negative; every painter who paints it sees the same one.
        size: Width and height in pixels, at least 16 each.

    Returns:
        An RGB image.
    """
    reference = scene(subject, _reference_size(size))
    rng = np.random.default_rng([painter.seed, painter.index, subject])
    return _paint(painter, reference, rng, size)


def repaint(
    photo: Image.Image, painter: Painter, seed: int, size: tuple[int, int] = (256, 256)
) -> Image.Image:
    """Return a photograph as the painter would have painted it.

    Args:
        photo: Any image; it is cropped at the centre to the proportions of `size`.
        painter: From `samehand.atelier.painter`.
        seed: Not negative; another seed gives another attempt at the same motif.
        size: Width and height in pixels, at least 16 each.

    Returns:
        An RGB image.
    """
    fitted = ImageOps.fit(photo.convert("RGB"), _reference_size(size))
    reference = np.asarray(fitted, dtype=np.float32) / np.float32(255)
    rng = np.random.default_rng([painter.seed, painter.index, seed, 1])
    return _paint(painter, reference, rng, size)


def _reference_size(size: tuple[int, int]) -> tuple[int, int]:
    mean_side = (size[0] * size[1]) ** 0.5
    scale = float(np.clip(mean_side, *_REFERENCE_SIDE)) / mean_side
    return max(16, round(size[0] * scale)), max(16, round(size[1] * scale))


def _paint(
    maker: Painter, reference: Floats, rng: np.random.Generator, size: tuple[int, int]
) -> Image.Image:
    motif = see(maker, reference)
    ground = from_oklab(np.array(maker.ground, dtype=np.float32))
    # The fourth channel is the relief of the paint, so that one drawing call lays both.
    ink = (*(int(v) for v in np.round(ground * 255)), 110)
    canvas = Image.new("RGBA", (size[0] * _SUPERSAMPLING, size[1] * _SUPERSAMPLING), ink)
    mean_side = (motif.shape[0] * motif.shape[1]) ** 0.5
    flow = _flow(maker, motif.shape[:2], rng)
    for number, brush in enumerate(maker.passes):
        width = brush * mean_side * rng.uniform(0.93, 1.07)
        blurred = _blur(motif, round(width / 3))
        seen = _look(canvas, motif)
        error = np.sqrt(((blurred - seen) ** 2).sum(-1))
        starts = _worst_points(error, max(2, round(width * maker.spacing)), maker, number, rng)
        field = _directions(maker, blurred, flow, width)
        colours = _at(blurred, starts)
        colours += maker.wetness * (_at(seen, starts) - colours) * (number > 0)
        paths, last = _trace(maker, starts, colours, field, blurred, seen, width, rng)
        canvas = _lay(maker, canvas, motif, paths, last, colours, width, rng)
    if maker.outline:
        canvas = _outline(maker, canvas, motif, rng, mean_side)
    return _finish(maker, canvas, size, rng)


def _look(canvas: Image.Image, motif: Floats) -> Floats:
    height, width = motif.shape[:2]
    small = canvas.convert("RGB").resize((width, height), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float32) / np.float32(255)


def _blur(image: Floats, radius: int) -> Floats:
    """Two box filters along each of the first two axes, edges repeated."""
    if radius < 1:
        return image
    window = 2 * radius + 1
    for axis in (0, 1, 0, 1):
        pad = [(0, 0)] * image.ndim
        pad[axis] = (radius + 1, radius)
        total = np.cumsum(np.pad(image, pad, mode="edge"), axis=axis, dtype=np.float32)
        length = image.shape[axis]
        upper = total.take(range(window, window + length), axis=axis)
        image = (upper - total.take(range(length), axis=axis)) / np.float32(window)
    return image


def _at(image: Floats, points: Floats) -> Floats:
    """Sample (H, W, ...) at points (..., 2) given as x, y; nearest pixel, edges repeated."""
    height, width = image.shape[:2]
    x = np.clip(points[..., 0], 0, width - 1).astype(np.intp)
    y = np.clip(points[..., 1], 0, height - 1).astype(np.intp)
    return image[y, x]


def _worst_points(
    error: Floats, step: int, maker: Painter, number: int, rng: np.random.Generator
) -> Floats:
    """The worst point of each grid cell that needs a stroke, (N, 2), in random order."""
    cells = _cells(error, step)
    rows, columns = cells.shape[:2]
    if number == 0:
        wanted = rng.random((rows, columns)) < maker.coverage
        worst = rng.integers(step * step, size=(rows, columns))
    else:
        wanted = cells.mean(-1) > maker.tolerance
        worst = cells.argmax(-1)
    points = _positions(wanted, worst, step)
    points += rng.normal(0, maker.wobble * step, points.shape)
    return rng.permutation(points)


def _cells(image: Floats, step: int) -> Floats:
    """Cut (H, W) into cells of side `step`, (rows, columns, step * step), edges repeated."""
    rows, columns = -(-image.shape[0] // step), -(-image.shape[1] // step)
    pad = ((0, rows * step - image.shape[0]), (0, columns * step - image.shape[1]))
    cells = np.pad(image, pad, mode="edge").reshape(rows, step, columns, step)
    return cells.transpose(0, 2, 1, 3).reshape(rows, columns, step * step)


def _positions(wanted: NDArray[np.bool_], inside: NDArray[np.intp], step: int) -> Floats:
    """Pixel positions, (N, 2) as x and y, of one place inside each wanted cell."""
    row, column = np.nonzero(wanted)
    place = inside[row, column]
    points = np.stack([column * step + place % step, row * step + place // step], axis=-1)
    return points.astype(np.float32)


def _flow(maker: Painter, shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    """A field that swirls, as double-angle unit vectors (H, W, 2)."""
    angle = 2.2 * smooth_noise(rng, (shape[0], shape[1]), maker.eddies) + maker.angle
    return np.stack([np.cos(2 * angle), np.sin(2 * angle)], axis=-1).astype(np.float32)


def _directions(maker: Painter, blurred: Floats, flow: Floats, width: float) -> Floats:
    """Where a stroke at each pixel would go: unit vectors (H, W, 2), their sign of no meaning.

    Directions are mixed as double-angle vectors, in which an orientation and its opposite agree.
    """
    gy, gx = np.gradient(blurred.mean(-1))
    tensor = np.stack([gx * gx - gy * gy, 2 * gx * gy], axis=-1)
    tensor = _blur(tensor, max(2, round(width * 0.7)))
    strength = np.linalg.norm(tensor, axis=-1, keepdims=True)
    contour = -tensor / (strength + 0.15 * strength.mean() + 1e-9)
    slant = np.array([np.cos(2 * maker.angle), np.sin(2 * maker.angle)], dtype=np.float32)
    mixed = maker.contour * contour + maker.slant * slant + maker.swirl * flow
    angle = 0.5 * np.arctan2(mixed[..., 1], mixed[..., 0])
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1).astype(np.float32)


def _trace(
    maker: Painter,
    starts: Floats,
    colours: Floats,
    field: Floats,
    blurred: Floats,
    seen: Floats,
    width: float,
    rng: np.random.Generator,
) -> tuple[Floats, Floats]:
    """Run all strokes at once: paths (N, _TRACE, 2), and the index of each one's last point."""
    count = len(starts)
    lengths = maker.length * width * np.exp(rng.normal(0, 0.25, count))
    step = (lengths / (_TRACE - 1))[:, None].astype(np.float32)
    turn = (maker.curl + rng.normal(0, 0.12, count)) / (_TRACE - 1)
    cos, sin = np.cos(turn), np.sin(turn)
    paths = np.empty((count, _TRACE, 2), dtype=np.float32)
    paths[:, 0] = starts
    last = np.full(count, _TRACE - 1, dtype=np.float32)
    alive = np.ones(count, dtype=bool)
    heading = _at(field, starts) * rng.choice([-1.0, 1.0], (count, 1))
    for k in range(1, _TRACE):
        wanted = _at(field, paths[:, k - 1])
        wanted = wanted * np.where((wanted * heading).sum(-1) < 0, -1.0, 1.0)[:, None]
        heading = maker.stiffness * heading + (1 - maker.stiffness) * wanted
        x, y = heading[:, 0], heading[:, 1]
        heading = np.stack([cos * x - sin * y, sin * x + cos * y], axis=-1)
        heading /= np.linalg.norm(heading, axis=-1, keepdims=True) + 1e-9
        here = paths[:, k - 1] + step * heading
        paths[:, k] = here
        target = _at(blurred, here)
        own = np.abs(target - colours).sum(-1)
        there = np.abs(target - _at(seen, here)).sum(-1)
        stops = alive & (own * maker.discipline > there + 0.06)
        last[stops] = max(k - 1, 2)
        alive &= ~stops
    return paths, last


def _lay(
    maker: Painter,
    canvas: Image.Image,
    motif: Floats,
    paths: Floats,
    last: Floats,
    colours: Floats,
    width: float,
    rng: np.random.Generator,
) -> Image.Image:
    """Draw strokes bristle by bristle; returns the canvas with them on it."""
    scale = canvas.width / motif.shape[1]
    broad = width * scale
    bristles = int(np.clip(round(broad / 4.5), 2, 5))
    across = np.linspace(-1, 1, bristles, dtype=np.float32) * (1 - 1 / bristles)
    count = len(paths)
    stride = np.linalg.norm(paths[:, 1] - paths[:, 0], axis=-1)[:, None] + 1e-6
    # A round brush: bristles at the edge touch down later and lift earlier.
    cap = (1 - np.sqrt(1 - across**2)) * width / 2 / stride
    rag = maker.ragged * width * rng.random((2, count, bristles)) / stride
    middle = last[:, None] / 2
    begin = np.minimum(cap + rag[0], middle * 0.8)
    end = np.maximum(last[:, None] - cap - rag[1], middle * 1.2)
    t = begin[..., None] + (end - begin)[..., None] * np.linspace(0, 1, _BRISTLE_POINTS)
    low = np.minimum(t.astype(np.intp), _TRACE - 2)
    part = (t - low)[..., None].astype(np.float32)
    each = np.arange(count)[:, None, None]
    segment = paths[each, low + 1] - paths[each, low]
    points = paths[each, low] + part * segment
    normal = np.stack([-segment[..., 1], segment[..., 0]], axis=-1) / stride[..., None, None]
    pressure = 1 - maker.taper * np.linspace(-1, 1, _BRISTLE_POINTS, dtype=np.float32) ** 2
    points += normal * (across[:, None] * pressure * width / 2)[None, ..., None]

    inks = _inks(maker, colours, bristles, rng)
    wet = rng.random((count, bristles)) >= maker.dryness
    line = max(1, round(1.35 * broad / bristles))
    sitting = np.broadcast_to((np.arange(count) * _SITTINGS // max(count, 1))[:, None], wet.shape)
    coordinates = (points * scale).reshape(count, bristles, -1)
    for number in range(_SITTINGS):
        chosen = wet & (sitting == number)
        before = canvas.copy()
        draw = ImageDraw.Draw(canvas)
        for xy, ink in zip(coordinates[chosen].tolist(), inks[chosen].tolist(), strict=True):
            draw.line(xy, fill=tuple(ink), width=line)
        canvas = Image.blend(before, canvas, maker.opacity)
    return canvas


def _inks(maker: Painter, colours: Floats, bristles: int, rng: np.random.Generator) -> Floats:
    """Colour and relief of every bristle, (N, bristles, 4), whole numbers from 0 to 255."""
    count = len(colours)
    lab = to_oklab(np.clip(colours, 0, 1))
    lab += rng.normal(0, 1, (count, 3)) * maker.broken * np.array([0.8, 1, 1])
    lab = np.repeat(lab[:, None], bristles, axis=1)
    lab[..., 0] += rng.normal(0, maker.bristles, (count, bristles))
    relief = 128 + 45 * rng.standard_normal((count, bristles, 1))
    inks = np.concatenate([from_oklab(lab) * 255, relief], axis=-1)
    return np.clip(np.round(inks), 0, 255).astype(np.uint8)


def _outline(
    maker: Painter, canvas: Image.Image, motif: Floats, rng: np.random.Generator, mean_side: float
) -> Image.Image:
    """Draw short dark lines along the strongest contours of the motif."""
    width = maker.outline * mean_side
    blurred = _blur(motif, 2)
    gy, gx = np.gradient(blurred, axis=(0, 1))
    edge = np.sqrt((gx**2 + gy**2).sum(-1))
    enough = max(0.02, float(np.quantile(edge, 0.86)))
    step = max(3, round(2.2 * width))
    cells = _cells(edge, step)
    starts = rng.permutation(_positions(cells.max(-1) > enough, cells.argmax(-1), step))
    tensor = _blur(np.stack([gx**2 - gy**2, 2 * gx * gy], axis=-1).sum(-2), 1)
    angle = 0.5 * np.arctan2(-tensor[..., 1], -tensor[..., 0])
    field = np.stack([np.cos(angle), np.sin(angle)], axis=-1).astype(np.float32)
    colours = 0.4 * _at(motif, starts)
    liner = replace(
        maker, length=6.0, curl=0.0, stiffness=0.2, dryness=0.1 * maker.dryness, broken=0.01
    )
    paths, _ = _trace(liner, starts, colours, field, blurred, blurred, width, rng)
    # A contour ends where the edge does.
    weak = _at(edge, paths) < 0.6 * enough
    last = np.where(weak.any(1), np.maximum(weak.argmax(1), 2), _TRACE - 1).astype(np.float32)
    return _lay(liner, canvas, motif, paths, last, colours, width, rng)


def _finish(
    maker: Painter, canvas: Image.Image, size: tuple[int, int], rng: np.random.Generator
) -> Image.Image:
    """Blend, light the relief and let the canvas show."""
    mean_side = (size[0] * size[1]) ** 0.5
    relief = np.asarray(canvas.getchannel("A").resize(size, Image.Resampling.BOX), np.float32)
    colour = canvas.convert("RGB")
    if maker.softness:
        radius = maker.softness * mean_side * _SUPERSAMPLING
        colour = colour.filter(ImageFilter.GaussianBlur(radius))
    rgb = np.asarray(colour.resize(size, Image.Resampling.BOX), np.float32) / 255
    gy, gx = np.gradient(relief / 255)
    light = 1 + maker.impasto * np.add(gx, gy)
    y, x = np.mgrid[: size[1], : size[0]]
    thread = 2 * np.pi * 70 / mean_side
    woven = np.sin(x * thread) * np.sin(y * thread) + rng.normal(0, 0.35, light.shape)
    light += maker.weave * woven
    return Image.fromarray(np.clip(rgb * light[..., None] * 255, 0, 255).astype(np.uint8))
