"""One picture of the evidence: what corresponds, what matters, and where the score lies."""

import textwrap
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from samehand.files import atomic_path
from samehand.images.decode import printable
from samehand.records import Verdict
from samehand.serving.evidence import Evidence
from samehand.serving.evidence_picture import (
    INK,
    PAPER,
    QUIET,
    draw_context,
    draw_influence,
    draw_unusual,
    draw_windows,
    fit,
    strongest,
)

_SIDE = 400
_MARGIN = 28
_WIDTH = 2 * _SIDE + 3 * _MARGIN
_WRAP = 96


def draw_evidence(
    left: Image.Image,
    right: Image.Image,
    names: tuple[str, str],
    verdict: Verdict,
    evidence: Evidence,
    target: Path,
) -> None:
    """Write a PNG that shows what a verdict rests on.

    Args:
        left: The left painting, RGB.
        right: The right painting, RGB.
        names: What to write below each.
        verdict: The verdict on the two.
        evidence: The evidence for it.
        target: The PNG to write.

    Raises:
        OutputError: `target` cannot be written.
    """
    paintings = [fit(image, _SIDE, _SIDE) for image in (left, right)]
    rows = [
        (
            "Which regions correspond",
            matches_in_words(evidence),
            [
                draw_windows(painting, [(m.number, getattr(m, side)) for m in evidence.matches])
                for side, painting in zip(("left", "right"), paintings, strict=True)
            ],
        )
    ]
    sides = (evidence.left, evidence.right)
    most = strongest(evidence.left.unusual, evidence.right.unusual)
    rows.append(
        (
            "Where they share something unusual",
            "The greener, the fewer works by other painters have a region as much like the best "
            f"match in the other painting: one in {10**most:,.0f} at the greenest. What everyone "
            "paints stays grey.",
            [draw_unusual(p, s.unusual, most) for p, s in zip(paintings, sides, strict=True)],
        )
    )
    maps = [side.influence for side in sides]
    if maps[0] is not None and maps[1] is not None:
        most = strongest(maps[0], maps[1])
        rows.append(
            (
                "What moves the verdict",
                "Orange regions speak for one artist: covered, the likelihood ratio falls. Blue "
                f"ones speak for two. The strongest moves it by a factor of {10**most:.1f}.",
                [
                    draw_influence(painting, cells, most)
                    for painting, cells in zip(paintings, maps, strict=True)
                    if cells is not None
                ],
            )
        )
    _compose(rows, names, verdict, evidence, target)


def matches_in_words(evidence: Evidence) -> str:
    """Return what the numbered windows mean, in one or two sentences."""
    if not evidence.matches:
        return "No region of one is like a region of the other in a way that is at all unusual."
    rarities = ", ".join(f"{m.number}: one in {m.rarity:,.0f}" for m in evidence.matches)
    return (
        "Windows of one number resemble one another most. So few works by other painters have a "
        f"region as much alike: {rarities}."
    )


def _compose(
    rows: list[tuple[str, str, list[Image.Image]]],
    names: tuple[str, str],
    verdict: Verdict,
    evidence: Evidence,
    target: Path,
) -> None:
    title, body = ImageFont.load_default(21), ImageFont.load_default(16)
    tall = max(picture.height for _, _, pictures in rows for picture in pictures)
    # Tall enough for any text; cut to what was used below.
    sheet = Image.new("RGB", (_WIDTH, (len(rows) + 2) * (tall + 220)), PAPER)
    pen = ImageDraw.Draw(sheet)
    top = _MARGIN

    def write(text: str, colour: tuple[int, int, int] = INK) -> None:
        nonlocal top
        for line in textwrap.wrap(text, _WRAP):
            pen.text((_MARGIN, top), line, colour, body)
            top += 22

    pen.text((_MARGIN, top), f"{verdict.strength[0].upper()}{verdict.strength[1:]}", INK, title)
    top += 32
    write(
        f"log10 likelihood ratio {verdict.llr:+.2f}; probability {verdict.probability:.0%} from a "
        f"prior of {verdict.prior:.0%}; model {verdict.model}"
    )
    for warning in verdict.warnings:
        write(f"Note: {warning}")
    top += 14
    for column, name in enumerate(names):
        caption = textwrap.shorten(printable(name), 46, placeholder="...")
        middle = _MARGIN + column * (_SIDE + _MARGIN) + _SIDE // 2
        pen.text((middle, top + 10), caption, QUIET, body, anchor="ma")
    top += 44
    for heading, explanation, pictures in rows:
        pen.text((_MARGIN, top), heading, INK, title)
        top += 30
        write(explanation, QUIET)
        top += 8
        for column, picture in enumerate(pictures):
            corner = _MARGIN + column * (_SIDE + _MARGIN) + (_SIDE - picture.width) // 2
            sheet.paste(picture, (corner, top + (tall - picture.height) // 2))
        top += tall + 26
    pen.text((_MARGIN, top), "Where the score lies", INK, title)
    top += 30
    write(context_in_words(evidence), QUIET)
    sheet.paste(draw_context(evidence.context, _WIDTH - 2 * _MARGIN), (_MARGIN, top + 6))
    top += 240 + _MARGIN
    with atomic_path(target) as temporary:
        sheet.crop((0, 0, _WIDTH, top)).save(temporary, "PNG")


def context_in_words(evidence: Evidence) -> str:
    """Return where the score lies among known pairs, in two sentences."""
    context = evidence.context
    return (
        f"Of {context.impostor_pairs:,} pairs by two artists (blue) "
        f"{_percent(context.impostors_as_high)} score at least as high, of "
        f"{context.genuine_pairs:,} pairs by one artist (orange) "
        f"{_percent(context.genuine_as_low)} at most as high. "
        f"All are by {context.artists:,} artists that the model had not learned from. The scale "
        "is the likelihood ratio before it is cut off."
    )


def _percent(share: float) -> str:
    return "fewer than 0.1 %" if share < 0.001 else f"{share * 100:.1f} %"
