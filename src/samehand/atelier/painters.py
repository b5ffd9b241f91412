"""Painters who do not exist: each one is a hand, drawn from a seed, kept from work to work."""

import colorsys
from dataclasses import dataclass

import numpy as np

from samehand.records import Floats

SCHOOLS = ("Atelier North", "Atelier South", "Atelier East", "Atelier West")

# Hue, saturation and value in [0, 1]. Every painter picks from this one paint box, so that
# palettes overlap and colour alone does not give a painter away.
_PAINT_BOX = {
    "ultramarine": (0.64, 0.75, 0.55),
    "cerulean": (0.55, 0.60, 0.75),
    "slate": (0.60, 0.25, 0.50),
    "viridian": (0.46, 0.65, 0.50),
    "sap green": (0.26, 0.60, 0.50),
    "olive": (0.17, 0.55, 0.45),
    "lemon": (0.155, 0.65, 0.92),
    "ochre": (0.11, 0.62, 0.78),
    "orange": (0.075, 0.78, 0.90),
    "sienna": (0.045, 0.60, 0.58),
    "umber": (0.08, 0.45, 0.35),
    "vermilion": (0.015, 0.75, 0.80),
    "madder": (0.96, 0.60, 0.60),
    "rose": (0.94, 0.35, 0.85),
    "violet": (0.78, 0.40, 0.55),
}

_TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ],
    dtype=np.float32,
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ],
    dtype=np.float32,
)
_FROM_LAB = np.linalg.inv(_TO_LAB).astype(np.float32)
_FROM_LMS = np.linalg.inv(_TO_LMS).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Painter:
    """One synthetic hand. Lengths and widths are fractions of the painting's mean side.

    Attributes:
        seed: The atelier's seed; with `index` it determines everything below.
        index: The painter's number in that atelier.
        name: "Painter 007".
        school: The atelier where the painter learned; its members share pigments and habits.
        palette: OKLab lightness, a and b of the pigments on the palette.
        strictness: How far colours are pulled to the palette, in [0, 1].
        saturation: Factor on what chroma the subject has.
        darkest: Lightness given to black, in [0, 1].
        lightest: Lightness given to white, in [0, 1].
        contrast: Steepness of the value curve; 1 leaves values alone.
        ground: OKLab colour of the primed canvas.
        coverage: Share of the ground that the first pass covers, in [0, 1].
        passes: Brush widths, coarse to fine.
        spacing: Distance between strokes, in brush widths.
        length: Stroke length, in brush widths.
        tolerance: Error (in RGB, 0 to 1) that the painter leaves alone in the later passes.
        curl: Constant turning of a stroke from start to end, in radians.
        stiffness: How little a stroke bends to the field that it follows, in [0, 1].
        contour: Weight of following contours; negative crosses them.
        slant: Weight of the one prevailing direction.
        angle: That direction, in radians.
        swirl: Weight of a flowing field.
        eddies: Number of eddies of that field across the painting.
        discipline: How soon a stroke stops where the subject's colour changes, in [0, 1].
        wobble: Displacement of strokes, in brush widths.
        opacity: Of each stroke, in [0, 1].
        wetness: How much paint a stroke picks up from below, in [0, 1].
        softness: Blending afterwards, as a fraction of the mean side.
        broken: How far neighbouring strokes differ in colour.
        bristles: Streaks in a stroke, as a variation of lightness.
        dryness: Share of bristles that leave no paint, in [0, 1].
        ragged: Unevenness of a stroke's ends, in brush widths.
        taper: Thinning of a stroke towards its ends, in [0, 1].
        impasto: Light caught by the relief of the paint.
        weave: Visibility of the canvas.
        outline: Width of dark contours drawn last; 0 for none.
    """

    seed: int
    index: int
    name: str
    school: str
    palette: tuple[tuple[float, float, float], ...]
    strictness: float
    saturation: float
    darkest: float
    lightest: float
    contrast: float
    ground: tuple[float, float, float]
    coverage: float
    passes: tuple[float, ...]
    spacing: float
    length: float
    tolerance: float
    curl: float
    stiffness: float
    contour: float
    slant: float
    angle: float
    swirl: float
    eddies: int
    discipline: float
    wobble: float
    opacity: float
    wetness: float
    softness: float
    broken: float
    bristles: float
    dryness: float
    ragged: float
    taper: float
    impasto: float
    weave: float
    outline: float


def painter(seed: int, index: int) -> Painter:
    """Return painter number `index` of the atelier with this seed; always the same one.

    Args:
        seed: Of the atelier, not negative.
        index: Of the painter within it, not negative.
    """
    school = index % len(SCHOOLS)
    teacher = np.random.default_rng([seed, school, 1])
    taught = teacher.permutation(len(_PAINT_BOX))[:7]
    taught_habit = int(teacher.integers(3))

    rng = np.random.default_rng([seed, index])
    own = rng.permutation(len(_PAINT_BOX))[: rng.integers(2, 4)]
    chosen = dict.fromkeys([*rng.permutation(taught)[:3].tolist(), *own.tolist()])
    pigments = [list(_PAINT_BOX.values())[i] for i in chosen]
    palette = to_oklab(np.array([colorsys.hsv_to_rgb(*pigment) for pigment in pigments]))
    ground = to_oklab(np.array(colorsys.hsv_to_rgb(*pigments[int(rng.integers(len(pigments)))])))
    ground[0] = rng.uniform(0.3, 0.92)
    ground[1:] *= rng.uniform(0.2, 0.8)

    habit = taught_habit if rng.random() < 0.35 else int(rng.integers(4))
    contour, slant, swirl = rng.uniform(0.05, 0.25, 3)
    if habit == 0:
        contour = rng.uniform(0.9, 1.3)
    elif habit == 1:
        slant = rng.uniform(0.8, 1.3)
    elif habit == 2:
        swirl = rng.uniform(0.8, 1.2)
    else:
        contour = -rng.uniform(0.7, 1.0)

    finest = np.exp(rng.uniform(np.log(0.0132), np.log(0.024)))
    ratio = rng.uniform(1.7, 2.3)
    count = int(rng.integers(2, 4))
    return Painter(
        seed=seed,
        index=index,
        name=f"Painter {index:03d}",
        school=SCHOOLS[school],
        palette=tuple((float(x), float(y), float(z)) for x, y, z in palette),
        strictness=rng.uniform(0.4, 0.85),
        saturation=rng.uniform(0.6, 1.4),
        darkest=rng.uniform(0.05, 0.36),
        lightest=rng.uniform(0.78, 0.99),
        contrast=rng.uniform(0.8, 1.4),
        ground=(float(ground[0]), float(ground[1]), float(ground[2])),
        coverage=rng.choice([0.8, 0.93, 1.0]),
        passes=tuple(float(finest * ratio**k) for k in reversed(range(count))),
        spacing=rng.uniform(0.87, 1.1),
        length=float(np.exp(rng.uniform(np.log(1.3), np.log(7.5)))),
        tolerance=rng.uniform(0.02, 0.05),
        curl=rng.normal(0, 0.5),
        stiffness=rng.uniform(0.0, 0.7),
        contour=contour,
        slant=slant,
        angle=rng.uniform(0, np.pi),
        swirl=swirl,
        eddies=int(rng.integers(2, 6)),
        discipline=rng.uniform(0.65, 1.0),
        wobble=rng.uniform(0.05, 0.35),
        opacity=rng.uniform(0.6, 1.0),
        wetness=rng.uniform(0.0, 0.4),
        softness=float(max(0.0, rng.normal(-0.0005, 0.002))),
        broken=rng.uniform(0.005, 0.045),
        bristles=rng.uniform(0.01, 0.06),
        dryness=rng.uniform(0.0, 0.3),
        ragged=rng.uniform(0.05, 0.6),
        taper=rng.uniform(0.0, 0.8),
        impasto=rng.uniform(0.05, 0.6),
        weave=rng.uniform(0.0, 0.045),
        outline=rng.uniform(0.005, 0.010) if rng.random() < 0.25 else 0.0,
    )


def to_oklab(rgb: Floats) -> Floats:
    """Return sRGB values in [0, 1], shape (..., 3), as OKLab (B. Ottosson, 2020)."""
    rgb = np.asarray(rgb, dtype=np.float32)
    linear = np.where(rgb > 0.04045, ((rgb + 0.055) / 1.055) ** 2.4, rgb / 12.92)
    lms: Floats = np.cbrt(linear @ _TO_LMS.T) @ _TO_LAB.T
    return lms.astype(np.float32)


def from_oklab(lab: Floats) -> Floats:
    """Return OKLab values, shape (..., 3), as sRGB clipped to [0, 1] (B. Ottosson, 2020)."""
    linear = np.clip((np.asarray(lab, np.float32) @ _FROM_LAB.T) ** 3 @ _FROM_LMS.T, 0, 1)
    rgb = np.where(linear > 0.0031308, 1.055 * linear ** (1 / 2.4) - 0.055, 12.92 * linear)
    return rgb.astype(np.float32)


def see(maker: Painter, reference: Floats) -> Floats:
    """Return the reference, shape (H, W, 3) in [0, 1], in the colours this painter would mix."""
    lab = to_oklab(reference)
    value = lab[..., 0] - 0.5
    value = 0.5 + np.tanh(maker.contrast * 2 * value) / (2 * np.tanh(maker.contrast))
    lightness = maker.darkest + (maker.lightest - maker.darkest) * value

    chroma = lab[..., 1:] * maker.saturation
    pigments = np.array(maker.palette, dtype=np.float32)
    distance = ((chroma[..., None, :] - pigments[:, 1:]) ** 2).sum(-1)
    distance += 0.15 * (lightness[..., None] - pigments[:, 0]) ** 2
    weight = np.exp(-distance / 0.006)
    mixed = (weight @ pigments[:, 1:]) / (weight.sum(-1, keepdims=True) + 1e-6)
    chroma += maker.strictness * (mixed - chroma)
    return from_oklab(np.concatenate([lightness[..., None], chroma], axis=-1))
