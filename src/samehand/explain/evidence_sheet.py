"""One picture of the evidence: what corresponds, what matters, and where the score lies."""

import textwrap
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from samehand.explain.evidence_picture import (
    INK,
    LEAST_INFLUENCE,
    LEAST_UNUSUAL,
    PAPER,
    QUIET,
    draw_context,
    draw_influence,
    draw_unusual,
    draw_windows,
    fit,
    strongest,
)
from samehand.explain.neighbour_picture import draw_neighbours
from samehand.explain.words import (
    context_in_words,
    influence_in_words,
    matches_in_words,
    nearby_in_words,
    share,
    unusual_in_words,
)
from samehand.files import printable
from samehand.images.save import save_picture
from samehand.model.painting import Painting
from samehand.results import Evidence, Verdict

_SIDE = 400
_MARGIN = 28
_WIDTH = 2 * _SIDE + 3 * _MARGIN
_WRAP = 96


def draw_evidence(left: Painting, right: Painting, verdict: Verdict, target: Path) -> None:
    """Write the picture of `evidence_sheet`.

    Args:
        left: The left painting.
        right: The right painting.
        verdict: The verdict on the two, with its evidence, and its neighbours if there are any.
        target: The picture to write.

    Raises:
        OutputError: `target` cannot be written.
        ValueError: The verdict has no evidence.
    """
    save_picture(evidence_sheet(left, right, verdict), target)


def evidence_sheet(left: Painting, right: Painting, verdict: Verdict) -> Image.Image:
    """Return a picture that shows what a verdict rests on; arguments are those of `draw_evidence`.

    Raises:
        ValueError: The verdict has no evidence.
    """
    evidence = verdict.evidence
    if evidence is None:
        raise ValueError("the verdict has no evidence; ask SameHand.explain for it")
    paintings = [fit(image, _SIDE, _SIDE) for image in (left.image, right.image)]
    rows = [
        (
            "Which regions correspond",
            matches_in_words(evidence.matches),
            [
                draw_windows(painting, [(m.number, getattr(m, side)) for m in evidence.matches])
                for side, painting in zip(("left", "right"), paintings, strict=True)
            ],
        )
    ]
    sides = (evidence.left, evidence.right)
    most = strongest(evidence.left.unusual, evidence.right.unusual, least=LEAST_UNUSUAL)
    rows.append(
        (
            "Where they share something unusual",
            unusual_in_words(most),
            [draw_unusual(p, s.unusual, most) for p, s in zip(paintings, sides, strict=True)],
        )
    )
    maps = [side.influence for side in sides]
    if maps[0] is not None and maps[1] is not None:
        most = strongest(maps[0], maps[1], least=LEAST_INFLUENCE)
        rows.append(
            (
                "What moves the verdict",
                influence_in_words(most),
                [
                    draw_influence(painting, cells, most)
                    for painting, cells in zip(paintings, maps, strict=True)
                    if cells is not None
                ],
            )
        )
    near = verdict.neighbours
    if near is not None:
        rows.append(
            (
                "Nearest works",
                nearby_in_words(near.gallery),
                [draw_neighbours(side, _SIDE) for side in (near.left, near.right)],
            )
        )
    names = Path(left.name).name, Path(right.name).name
    return _compose(rows, names, verdict, evidence)


def _compose(
    rows: list[tuple[str, str, list[Image.Image]]],
    names: tuple[str, str],
    verdict: Verdict,
    evidence: Evidence,
) -> Image.Image:
    title, body = ImageFont.load_default(21), ImageFont.load_default(16)
    heights = [max(picture.height for picture in pictures) for _, _, pictures in rows]
    # Tall enough for any text; cut to what was used below.
    sheet = Image.new("RGB", (_WIDTH, 880 + sum(heights) + 220 * len(rows)), PAPER)
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
        f"log10 likelihood ratio {verdict.llr:+.2f}; probability "
        f"{share(verdict.probability)} from a prior of {verdict.prior:.0%}; model {verdict.model}"
    )
    for warning in verdict.warnings:
        write(f"Note: {warning}")
    top += 14
    for column, name in enumerate(names):
        caption = textwrap.shorten(printable(name), 46, placeholder="...")
        middle = _MARGIN + column * (_SIDE + _MARGIN) + _SIDE // 2
        pen.text((middle, top + 10), caption, QUIET, body, anchor="ma")
    top += 44
    for (heading, explanation, pictures), tall in zip(rows, heights, strict=True):
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
    write(context_in_words(evidence.context), QUIET)
    sheet.paste(draw_context(evidence.context, _WIDTH - 2 * _MARGIN), (_MARGIN, top + 6))
    top += 240 + _MARGIN
    return sheet.crop((0, 0, _WIDTH, top))
