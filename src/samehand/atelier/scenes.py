"""What is painted: landscapes, still lifes, portraits, abstractions and towns, from a number.

A scene knows nothing of painters.
"""

import numpy as np

from samehand.atelier.sheet import Point, Sheet, hsv
from samehand.records import Floats

KINDS = ("landscape", "still life", "portrait", "abstract", "cityscape")

# Sky at the top, sky at the horizon, light on things, its strength.
_MOODS = (
    ((0.30, 0.53, 0.85), (0.80, 0.89, 0.93), (1.00, 0.98, 0.92), 1.0),
    ((0.36, 0.30, 0.52), (0.99, 0.62, 0.34), (1.00, 0.80, 0.62), 0.8),
    ((0.58, 0.66, 0.82), (0.99, 0.84, 0.74), (1.00, 0.92, 0.88), 0.9),
    ((0.60, 0.65, 0.67), (0.82, 0.82, 0.78), (0.92, 0.95, 0.97), 0.8),
    ((0.10, 0.15, 0.36), (0.32, 0.43, 0.60), (0.62, 0.70, 0.95), 0.65),
    ((0.30, 0.35, 0.42), (0.72, 0.70, 0.56), (0.95, 0.92, 0.78), 0.75),
)


def scene(subject: int, size: tuple[int, int]) -> Floats:
    """Return scene number `subject`, whose kind is `KINDS[subject % 5]`.

    Args:
        subject: Not negative.
        size: Width and height in pixels.

    Returns:
        RGB in [0, 1], shape (height, width, 3), float32.
    """
    sheet = Sheet(np.random.default_rng([subject, 5]), size)
    draw = (_landscape, _still_life, _portrait, _abstract, _cityscape)[subject % len(KINDS)]
    draw(sheet)
    return np.clip(sheet.rgb, 0, 1)


def _sky(sheet: Sheet, horizon: float) -> tuple[Floats, float]:
    """Lay a sky over the whole sheet; returns the colour of its light and its strength."""
    rng = sheet.rng
    top, low, light, strength = _MOODS[int(rng.integers(len(_MOODS)))]
    down = np.clip(sheet.y / horizon, 0, 1)[..., None] ** 0.8
    sheet.rgb[:] = np.array(top, np.float32) * (1 - down) + np.array(low, np.float32) * down
    if rng.random() < 0.6:
        x, y = rng.uniform(0.1, 0.9) * sheet.aspect, rng.uniform(0.15, 0.85) * horizon
        disc = np.array([1, 0.95, 0.72], np.float32)
        sheet.lay(sheet.glow(x, y, rng.uniform(0.12, 0.3)), disc * light, 0.7)
        radius = rng.uniform(0.03, 0.07)
        sheet.lay(sheet.ellipse(x, y, radius, radius), disc)
    cover = rng.uniform(-0.3, 0.5)
    stretched = sheet.noise(5) + 0.5 * sheet.noise(11)
    clouds = np.clip((stretched + cover) * 1.8, 0, 1) * np.clip(1.3 - down[..., 0], 0, 1)
    sheet.lay(clouds.astype(np.float32), (np.array(low, np.float32) + 0.25) * light, 0.75)
    return np.array(light, dtype=np.float32), strength


def _ridge(sheet: Sheet, level: float, height: float, bumps: int) -> Floats:
    """The mask below a line of hills."""
    rng = sheet.rng
    line = np.zeros(sheet.width, dtype=np.float32)
    for octave in range(3):
        frequency = bumps * 2**octave * rng.uniform(0.7, 1.3)
        line += 0.5**octave * np.sin(sheet.x[0] * frequency + rng.uniform(0, 7))
    return sheet.edge(level - height * line[None] - sheet.y)


def _landscape(sheet: Sheet) -> None:
    rng = sheet.rng
    horizon = rng.uniform(0.35, 0.68)
    light, strength = _sky(sheet, horizon)
    haze = sheet.rgb[min(int(horizon * sheet.height), sheet.height - 1)].mean(0)
    hue = rng.choice([0.09, 0.13, 0.22, 0.29, 0.36, 0.06])

    layers = int(rng.integers(1, 4))
    for depth in range(layers):
        near = (depth + 1) / (layers + 1)
        colour = hsv(0.6 + (hue - 0.6) * near, 0.4, 0.35 + 0.35 * rng.random())
        mask = _ridge(sheet, horizon - 0.02, rng.uniform(0.03, 0.13) * (1.4 - near), 3)
        sheet.lay(mask, haze + (colour * light * strength - haze) * (0.3 + 0.6 * near))

    below = sheet.edge(horizon - sheet.y)
    depth_y = np.clip((sheet.y - horizon) / (1 - horizon), 0, 1)[..., None]
    at_sea = rng.random() < 0.4
    if at_sea:
        water = haze * (1 - depth_y) + hsv(rng.uniform(0.48, 0.62), 0.6, 0.5) * strength * depth_y
        waves = np.sin(90 * np.sqrt(depth_y[..., 0] + 0.02) + 2.5 * sheet.noise(6))
        sheet.lay(below, water * (1 + 0.13 * waves[..., None]))
        for _ in range(int(rng.integers(1, 4))):
            _boat(sheet, rng.uniform(0.1, 0.9) * sheet.aspect, horizon + rng.uniform(0.02, 0.2))
    else:
        field = hsv(hue, rng.uniform(0.4, 0.65), rng.uniform(0.5, 0.75)) * light * strength
        patches = (1 + 0.22 * sheet.noise(4) + 0.12 * sheet.noise(14))[..., None]
        sheet.lay(below, (haze + (field - haze) * (0.35 + 0.65 * depth_y)) * patches)
        if rng.random() < 0.6:
            _path(sheet, horizon, hsv(0.1, 0.25, 0.85) * light * strength)
    for _ in range(0 if at_sea else int(rng.integers(1, 7))):
        foot = horizon + (1 - horizon) * rng.uniform(0.05, 0.75)
        size = (0.12 + 0.55 * (foot - horizon)) * rng.uniform(0.8, 1.7)
        _tree(sheet, rng.uniform(0, sheet.aspect), foot, size, light * strength)


def _boat(sheet: Sheet, x: float, y: float) -> None:
    rng = sheet.rng
    size = 0.05 + 0.5 * sheet.rng.uniform(0.05, 0.3)
    sail = hsv(rng.choice([0.1, 0.03, 0.13, 0.6]), rng.uniform(0.05, 0.6), 0.92)
    hull = [(x - 0.5, y), (x + 0.55, y), (x + 0.35, y + 0.16), (x - 0.35, y + 0.16)]
    sheet.shade(sheet.ellipse(x, y + 0.3 * size, 0.45 * size, 0.16 * size), 0.65)
    sheet.lay(
        sheet.polygon([(x + (a - x) * size, y + (b - y) * size) for a, b in hull]),
        hsv(0.05, 0.5, 0.25),
    )
    sheet.lay(sheet.polygon([(x, y - 1.2 * size), (x, y - 0.06 * size), (x + 0.5 * size, y)]), sail)
    sheet.lay(
        sheet.polygon([(x - 0.06 * size, y - size), (x - 0.06 * size, y), (x - 0.4 * size, y)]),
        sail * 0.85,
    )


def _path(sheet: Sheet, horizon: float, colour: Floats) -> None:
    rng = sheet.rng
    far, near = rng.uniform(0.25, 0.75, 2) * sheet.aspect
    bend = rng.uniform(-0.25, 0.25)
    left: list[Point] = []
    right: list[Point] = []
    for s in np.linspace(0, 1, 12).tolist():
        x = far + (near - far) * s + bend * np.sin(np.pi * s)
        half, y = 0.008 + 0.12 * s * s, horizon + (1.02 - horizon) * s
        left.append((x - half, y))
        right.append((x + half, y))
    sheet.lay(sheet.polygon(left + right[::-1]), colour, 0.9)


def _tree(sheet: Sheet, x: float, foot: float, size: float, light: Floats) -> None:
    rng = sheet.rng
    leaf = hsv(rng.choice([0.1, 0.06, 0.2, 0.28, 0.34, 0.4]), 0.55, rng.uniform(0.3, 0.6)) * light
    sheet.shade(sheet.ellipse(x + 0.25 * size, foot, 0.35 * size, 0.05 * size), 0.6)
    trunk = 0.035 * size
    sheet.lay(
        sheet.polygon(
            [
                (x - trunk, foot),
                (x - trunk / 2, foot - 0.6 * size),
                (x + trunk / 2, foot - 0.6 * size),
                (x + trunk, foot),
            ]
        ),
        hsv(0.07, 0.45, 0.3) * light,
    )
    if rng.random() < 0.35:
        sheet.lay(sheet.ellipse(x, foot - 0.6 * size, 0.12 * size, 0.55 * size), leaf * 0.75)
        sheet.lay(
            sheet.ellipse(x - 0.035 * size, foot - 0.62 * size, 0.06 * size, 0.45 * size), leaf
        )
        return
    for _ in range(7):
        dx, dy = rng.normal(0, 0.16), rng.normal(0, 0.12)
        radius = rng.uniform(0.14, 0.24) * size
        lit = float(np.clip(0.95 - 1.3 * dy - 0.8 * dx, 0.55, 1.5))
        sheet.lay(
            sheet.ellipse(x + dx * size, foot - (0.75 - dy) * size, radius, 0.8 * radius),
            leaf * lit,
        )


def _still_life(sheet: Sheet) -> None:
    rng = sheet.rng
    light = (float(rng.choice([-0.75, 0.75])), -0.65)
    wall = hsv(rng.random(), rng.uniform(0.1, 0.5), rng.uniform(0.25, 0.85))
    fall = 1 + 0.35 * light[0] * (sheet.x / sheet.aspect - 0.5) * 2 - 0.2 * (sheet.y - 0.4)
    sheet.rgb[:] = wall * (fall + 0.08 * sheet.noise(4))[..., None]
    table = rng.uniform(0.52, 0.68)
    cloth = hsv(rng.random(), rng.uniform(0.05, 0.55), rng.uniform(0.4, 0.95))
    folds = 1 + 0.1 * sheet.noise(5) + 0.3 * (sheet.y - table)
    sheet.lay(sheet.edge(table - sheet.y), cloth * folds[..., None])
    sheet.shade(np.exp(-(((sheet.y - table) / 0.02) ** 2)).astype(np.float32), 0.75)
    if rng.random() < 0.4:
        step = rng.uniform(0.12, 0.2)
        stripes = (np.sin((sheet.x + 0.5 * sheet.y) * 2 * np.pi / step) > 0.75).astype(np.float32)
        sheet.lay(0.7 * stripes * sheet.edge(table - sheet.y), hsv(rng.random(), 0.6, 0.6))

    middle = sheet.aspect / 2
    for _ in range(int(rng.integers(1, 3))):
        _vessel(sheet, middle + rng.uniform(-0.3, 0.3) * sheet.aspect, table, light)
    fruits = int(rng.integers(3, 8))
    spots = sorted(rng.uniform(table + 0.05, 0.9, fruits).tolist())
    hues = rng.choice([0.0, 0.03, 0.08, 0.12, 0.16, 0.25, 0.3, 0.85], 3)
    for foot in spots:
        radius = rng.uniform(0.05, 0.1)
        x = middle + rng.uniform(-0.38, 0.38) * sheet.aspect
        colour = hsv(rng.choice(hues), rng.uniform(0.6, 0.9), rng.uniform(0.65, 0.98))
        _shadow(sheet, x, foot, radius, light)
        sheet.ball(x, foot - 0.8 * radius, radius, radius * rng.uniform(0.85, 1), colour, light)


def _shadow(sheet: Sheet, x: float, foot: float, radius: float, light: Point) -> None:
    cast = sheet.ellipse(x - 0.9 * radius * light[0], foot, 1.3 * radius, 0.32 * radius)
    sheet.shade(cast, 0.5)


def _vessel(sheet: Sheet, x: float, table: float, light: Point) -> None:
    """A vase, jug or bottle as a solid of revolution, perhaps with flowers."""
    rng = sheet.rng
    foot, tall = table + rng.uniform(0.03, 0.12), rng.uniform(0.28, 0.48)
    belly, neck, low = rng.uniform(0.08, 0.15), rng.uniform(0.025, 0.06), rng.uniform(0.2, 0.5)
    up = np.clip((foot - sheet.y) / tall, 0, 1)
    bulge = np.exp(-(((up - low) / 0.28) ** 2))
    half = neck + (belly - neck) * bulge + 0.02 * (up > 0.95)
    inside = np.maximum(np.abs(sheet.x - x) - half, np.abs(sheet.y - foot + tall / 2) - tall / 2)
    colour = hsv(rng.random(), rng.uniform(0.1, 0.7), rng.uniform(0.35, 0.95))
    if rng.random() < 0.45:
        hue = rng.random()
        for _ in range(int(rng.integers(7, 14))):
            fx, fy = x + rng.normal(0, 0.11), foot - tall - rng.uniform(0.0, 0.22)
            stem = [(x - 0.005, foot - tall), (fx, fy), (fx + 0.008, fy), (x + 0.01, foot - tall)]
            sheet.lay(sheet.polygon(stem), hsv(0.3, 0.5, 0.35))
            radius = rng.uniform(0.025, 0.05)
            petal = hsv(hue + rng.normal(0, 0.04), rng.uniform(0.3, 0.8), rng.uniform(0.7, 1))
            sheet.lay(sheet.ellipse(fx, fy, radius, 0.85 * radius), petal)
            sheet.lay(sheet.ellipse(fx, fy, 0.35 * radius, 0.35 * radius), hsv(0.12, 0.7, 0.5))
    _shadow(sheet, x, foot, 0.8 * belly, light)
    lit = np.clip(0.68 + 0.45 * light[0] * (sheet.x - x) / half, 0.2, 1.2)[..., None]
    sheet.lay(sheet.edge(inside.astype(np.float32)), colour * lit.astype(np.float32))
    shine = np.exp(-(((sheet.x - x - 0.5 * light[0] * half) / 0.012) ** 2)) * bulge
    sheet.lay(0.5 * (shine * (inside < 0)).astype(np.float32), np.ones(3, np.float32))


def _portrait(sheet: Sheet) -> None:
    rng = sheet.rng
    side = float(rng.choice([-1.0, 1.0]))
    wall = hsv(rng.random(), rng.uniform(0.1, 0.55), rng.uniform(0.15, 0.75))
    fall = 1 + 0.3 * side * (sheet.x / sheet.aspect - 0.5) + 0.15 * sheet.noise(3)
    sheet.rgb[:] = wall * fall[..., None]
    if rng.random() < 0.3:
        sheet.lay(
            sheet.box(sheet.aspect * (0.5 - 0.45 * side) - 0.12, 0.05, 0.24, 0.45),
            hsv(rng.uniform(0.45, 0.65), 0.35, 0.8),
        )

    x = sheet.aspect / 2 + rng.uniform(-0.06, 0.06)
    y = rng.uniform(0.36, 0.44)
    ry = rng.uniform(0.165, 0.22)
    rx = ry * rng.uniform(0.7, 0.82)
    skin = hsv(rng.uniform(0.045, 0.075), rng.uniform(0.3, 0.5), rng.uniform(0.45, 0.98))
    hair = hsv(rng.uniform(0.02, 0.12), rng.uniform(0.15, 0.7), rng.uniform(0.1, 0.75))
    dress = hsv(rng.random(), rng.uniform(0.2, 0.75), rng.uniform(0.2, 0.85))
    look = rng.uniform(-0.3, 0.3)  # how far the face is turned

    long_hair = rng.random() < 0.5
    if long_hair:
        sheet.lay(sheet.ellipse(x, y + 0.5 * ry, 1.35 * rx, 1.7 * ry), hair * 0.8)
    wide, top = rng.uniform(0.24, 0.34), y + 1.13 * ry
    body = sheet.ellipse(x, top + 0.42, wide, 0.42)
    body = np.maximum(body, sheet.ellipse(x, 1.15, wide * 1.15, 0.45))
    turned = np.clip(0.75 + 0.9 * side * (sheet.x - x), 0.35, 1.2)[..., None]
    sheet.lay(body, dress * (turned + 0.12 * sheet.noise(9)[..., None]))
    neck = [
        (x - 0.48 * rx, y),
        (x + 0.48 * rx, y),
        (x + 0.6 * rx, top + 0.06),
        (x, top + 0.13),
        (x - 0.6 * rx, top + 0.06),
    ]
    sheet.lay(sheet.polygon(neck), skin * 0.72)
    if rng.random() < 0.5:
        collar = hsv(rng.random(), rng.uniform(0.0, 0.5), 0.92)
        for way in (-1, 1):
            corners = [
                (x, top + 0.15),
                (x + way * 0.62 * rx, top + 0.03),
                (x + way * 1.0 * rx, top + 0.1),
            ]
            sheet.lay(sheet.polygon(corners), collar * (0.85 + 0.12 * way * side))

    sheet.lay(sheet.ellipse(x, y - 0.2 * ry, 1.16 * rx, 1.02 * ry), hair)
    u = (sheet.x - x) / rx
    lit = np.clip(0.88 + 0.34 * side * u - 0.1 * (sheet.y - y) / ry, 0.35, 1.12)[..., None]
    face = sheet.ellipse(x, y + 0.04 * ry, rx, 0.98 * ry)
    fringe = sheet.ellipse(
        x + 0.2 * look * rx, y - 0.85 * ry, 1.15 * rx, rng.uniform(0.3, 0.5) * ry
    )
    sheet.lay(face, skin * lit)
    sheet.lay(np.maximum(fringe * face, 0), hair * 1.1)
    _features(sheet, x + look * rx * 0.6, y, rx, ry, skin, side)
    if rng.random() < 0.35:
        hat = hsv(rng.random(), rng.uniform(0.3, 0.7), rng.uniform(0.25, 0.85))
        sheet.lay(sheet.ellipse(x, y - 0.95 * ry, 0.95 * rx, 0.5 * ry), hat)
        sheet.lay(sheet.ellipse(x, y - 0.68 * ry, 1.75 * rx, 0.16 * ry, 0.12 * side), hat * 0.8)


def _features(
    sheet: Sheet, x: float, y: float, rx: float, ry: float, skin: Floats, side: float
) -> None:
    dark = skin * 0.25
    for way in (-1, 1):
        ex = x + way * 0.4 * rx
        sheet.shade(sheet.ellipse(ex, y - 0.06 * ry, 0.24 * rx, 0.13 * ry), 0.72)
        sheet.lay(sheet.ellipse(ex, y - 0.03 * ry, 0.17 * rx, 0.065 * ry), skin * 0.3 + 0.6)
        sheet.lay(sheet.ellipse(ex, y - 0.03 * ry, 0.09 * rx, 0.075 * ry), dark * 0.5)
        sheet.lay(sheet.ellipse(ex, y - 0.22 * ry, 0.22 * rx, 0.035 * ry, 0.15 * way), dark)
        blush = 0.35 * sheet.glow(ex + 0.1 * way * rx, y + 0.28 * ry, 0.22 * rx)
        sheet.lay(blush, skin * np.array([1.05, 0.75, 0.72], np.float32))
    nose = [(x, y - 0.08 * ry), (x - side * 0.17 * rx, y + 0.3 * ry), (x, y + 0.33 * ry)]
    sheet.shade(sheet.polygon(nose), 0.66)
    lips = skin * np.array([0.95, 0.45, 0.45], np.float32)
    sheet.lay(sheet.ellipse(x, y + 0.53 * ry, 0.3 * rx, 0.065 * ry), lips)
    sheet.lay(sheet.ellipse(x, y + 0.53 * ry, 0.3 * rx, 0.015 * ry), dark)
    sheet.shade(sheet.ellipse(x, y + 0.68 * ry, 0.2 * rx, 0.035 * ry), 0.85)


def _abstract(sheet: Sheet) -> None:
    rng = sheet.rng
    hue = rng.random()
    hues = [hue, hue + rng.uniform(0.05, 0.2), hue + 0.5, rng.random()]
    tone = rng.uniform(0.15, 0.95)
    sheet.rgb[:] = hsv(hue, rng.uniform(0.05, 0.4), tone)
    sheet.rgb *= (1 + 0.12 * sheet.noise(3))[..., None]
    arrangement = int(rng.integers(3))
    for _ in range(int(rng.integers(7, 15))):
        colour = hsv(float(rng.choice(hues)), rng.uniform(0.1, 0.9), rng.uniform(0.1, 1.0))
        x, y = rng.uniform(0, sheet.aspect), rng.random()
        size = float(np.exp(rng.uniform(np.log(0.05), np.log(0.32))))
        shape = int(rng.integers(4)) if arrangement == 0 else arrangement
        if shape in (0, 3):
            mask = sheet.ellipse(x, y, size, size)
            if rng.random() < 0.4:
                mask = mask * (1 - sheet.ellipse(x, y, 0.7 * size, 0.7 * size))
        elif shape == 1:
            mask = sheet.box(x - size, y - size / 2, 2 * size, size * rng.uniform(0.3, 1.5))
        else:
            turn = rng.uniform(0, 2 * np.pi) + np.array([0, 2.1, 2.1 + rng.uniform(0.2, 2.2)])
            reach = 1.5 * size * rng.uniform(0.6, 1.4, 3)
            corners = zip(x + reach * np.cos(turn), y + reach * np.sin(turn), strict=True)
            mask = sheet.polygon([(float(a), float(b)) for a, b in corners])
        slope = 1 + 0.25 * ((sheet.x - x) * rng.uniform(-1, 1) + (sheet.y - y)) / size
        lit = np.clip(slope, 0.6, 1.3)[..., None]
        sheet.lay(mask, colour * lit.astype(np.float32), rng.uniform(0.7, 1.0))
    for _ in range(int(rng.integers(0, 4))):
        angle, at = rng.uniform(0, np.pi), rng.uniform(0.2, 0.8)
        run = (sheet.x - sheet.aspect / 2) * np.sin(angle) - (sheet.y - 0.5) * np.cos(angle)
        line = np.abs(run + at - 0.5 + 0.05 * np.sin(6 * sheet.x)) - rng.uniform(0.006, 0.02)
        sheet.lay(sheet.edge(line), hsv(0.1, 0.2, rng.choice([0.08, 0.92])))


def _cityscape(sheet: Sheet) -> None:
    rng = sheet.rng
    ground = rng.uniform(0.68, 0.84)
    light, strength = _sky(sheet, ground)
    sunny = rng.choice([-1, 1])
    hue = rng.uniform(0.02, 0.13)
    x = rng.uniform(-0.12, 0.0)
    tower = rng.uniform(0.2, 0.8) * sheet.aspect if rng.random() < 0.6 else None
    while x < sheet.aspect:
        wide = rng.uniform(0.16, 0.32)
        if tower is not None and x > tower:
            _tower(sheet, x, ground, light * strength, sunny)
            tower, x = None, x + 0.13
            continue
        _house(sheet, (x, ground), wide, hue + rng.normal(0, 0.03), light * strength, sunny)
        x += wide
    floor = sheet.edge(ground - sheet.y)
    if rng.random() < 0.5:
        mirror = np.clip(2 * ground * sheet.height - np.arange(sheet.height), 0, None)
        rows = np.minimum(mirror.astype(int), sheet.height - 1)[:, None]
        ripple = (sheet.noise(18) * 0.02 * sheet.height).astype(int)
        columns = np.clip(np.arange(sheet.width)[None] + ripple, 0, sheet.width - 1)
        water = hsv(rng.uniform(0.48, 0.6), 0.4, 0.5) * strength
        sheet.lay(floor, 0.55 * sheet.rgb[rows, columns] + 0.45 * water)
    else:
        street = hsv(rng.uniform(0.07, 0.13), rng.uniform(0.1, 0.35), rng.uniform(0.5, 0.85))
        sheet.lay(floor, street * light * strength * (1 + 0.12 * sheet.noise(9))[..., None])
        slant = rng.uniform(0.1, 0.4) * sunny
        cast = [
            (0, ground),
            (sheet.aspect, ground),
            (sheet.aspect + slant, ground + 0.08),
            (slant, ground + 0.06),
        ]
        sheet.shade(sheet.polygon([(float(a), float(b)) for a, b in cast]), 0.6)
        for _ in range(int(rng.integers(0, 6))):
            _figure(sheet, rng.uniform(0.05, 0.95) * sheet.aspect, rng.uniform(ground + 0.03, 0.95))


def _house(sheet: Sheet, corner: Point, wide: float, hue: float, light: Floats, sunny: int) -> None:
    rng = sheet.rng
    x, ground = corner
    tall = rng.uniform(0.22, 0.48)
    top = ground - tall
    wall = hsv(hue, rng.uniform(0.1, 0.5), rng.uniform(0.55, 0.95)) * light
    sheet.lay(sheet.box(x, top, wide, tall + 0.02), wall)
    sheet.shade(sheet.box(x + (0.75 * wide if sunny < 0 else 0), top, 0.25 * wide, tall), 0.75)
    roof = hsv(rng.uniform(0.0, 0.07), rng.uniform(0.3, 0.65), rng.uniform(0.35, 0.65)) * light
    peak = rng.uniform(0.05, 0.14)
    if rng.random() < 0.5:
        corners = [(x - 0.015, top), (x + wide / 2, top - peak), (x + wide + 0.015, top)]
    else:
        corners = [
            (x - 0.015, top),
            (x + 0.04, top - 0.6 * peak),
            (x + wide - 0.04, top - 0.6 * peak),
            (x + wide + 0.015, top),
        ]
    sheet.lay(sheet.polygon(corners), roof)
    columns, rows = max(2, round(wide / 0.085)), max(2, round(tall / 0.11))
    pane = hsv(rng.uniform(0.5, 0.65), 0.3, rng.uniform(0.15, 0.4)) * light
    if light.mean() < 0.5:
        pane = hsv(0.12, 0.55, 0.95)
    w, h = 0.42 * wide / columns, 0.55 * tall / rows
    for row in range(rows - 1):
        for column in range(columns):
            left = x + wide * (column + 0.5) / columns - w / 2
            sheet.lay(sheet.box(left, top + tall * (row + 0.3) / rows, w, h), pane)
    door = x + wide * rng.uniform(0.3, 0.6)
    sheet.lay(sheet.box(door, ground - 0.1, 0.045, 0.12), hsv(rng.random(), 0.5, 0.3) * light)


def _tower(sheet: Sheet, x: float, ground: float, light: Floats, sunny: int) -> None:
    rng = sheet.rng
    wide, tall = 0.13, min(rng.uniform(0.5, 0.62), ground - 0.12)
    top = ground - tall
    wall = hsv(rng.uniform(0.05, 0.12), rng.uniform(0.15, 0.5), rng.uniform(0.6, 0.9)) * light
    cap = hsv(rng.choice([0.02, 0.4, 0.58]), 0.4, 0.5) * light
    if rng.random() < 0.5:
        sheet.lay(sheet.ellipse(x + wide / 2, top, 0.56 * wide, 0.6 * wide), cap)
    else:
        spire = [(x - 0.01, top), (x + wide / 2, top - 0.16), (x + wide + 0.01, top)]
        sheet.lay(sheet.polygon(spire), cap)
    sheet.lay(sheet.box(x, top, wide, tall + 0.02), wall)
    sheet.shade(sheet.box(x + (0.6 * wide if sunny < 0 else 0), top, 0.4 * wide, tall), 0.7)
    sheet.lay(sheet.box(x + 0.35 * wide, top + 0.06, 0.3 * wide, 0.1), wall * 0.35)
    sheet.lay(sheet.ellipse(x + 0.5 * wide, top + 0.06, 0.15 * wide, 0.15 * wide), wall * 0.35)


def _figure(sheet: Sheet, x: float, foot: float) -> None:
    rng = sheet.rng
    tall = 0.06 + 0.25 * max(foot - 0.75, 0)
    coat = hsv(rng.random(), rng.uniform(0.2, 0.7), rng.uniform(0.12, 0.6))
    sheet.shade(sheet.ellipse(x + 0.3 * tall, foot, 0.4 * tall, 0.07 * tall), 0.6)
    sheet.lay(sheet.ellipse(x, foot - 0.4 * tall, 0.17 * tall, 0.42 * tall), coat)
    sheet.lay(sheet.ellipse(x, foot - 0.9 * tall, 0.11 * tall, 0.13 * tall), hsv(0.06, 0.4, 0.75))
