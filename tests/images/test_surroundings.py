import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

from samehand.images.surroundings import (
    CHART_HUES,
    FRAME_COHERENCE,
    chart_hues,
    frame_coherence,
)

PATCHES = ((0, 133, 165), (0, 145, 60), (250, 220, 30), (200, 30, 40), (190, 60, 140))


def test_a_frame_on_four_sides_is_noticed(work_of):
    for artist in range(6):
        bare = work_of(artist, 0, (240, 200))
        assert frame_coherence(bare) < FRAME_COHERENCE
        framed = ImageOps.expand(ImageOps.expand(bare, 18, (150, 110, 50)), 10, (235, 235, 230))
        assert frame_coherence(framed) >= FRAME_COHERENCE


def test_three_sides_are_no_frame(work_of):
    sheet = Image.new("RGB", (280, 240), (20, 20, 20))
    sheet.paste(work_of(1, 0, (250, 210)), (15, 30))
    assert frame_coherence(sheet.crop((0, 0, 265, 240))) < FRAME_COHERENCE


@pytest.mark.parametrize("turn", [None, Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180])
def test_a_colour_chart_along_any_side(work_of, turn):
    for artist in range(4):
        # Made-up works have every hue, as no painter's palette does.
        bare = Image.eval(work_of(artist, 0, (240, 200)), lambda level: 90 + level // 3)
        assert chart_hues(bare) < CHART_HUES
        sheet = Image.new("RGB", (240, 220), (235, 235, 235))
        sheet.paste(bare)
        pen = ImageDraw.Draw(sheet)
        for number, colour in enumerate(PATCHES):
            pen.rectangle((20 + 40 * number, 203, 59 + 40 * number, 217), fill=colour)
        shown = sheet.transpose(turn) if turn is not None else sheet
        assert chart_hues(shown) >= CHART_HUES


def test_a_bare_ground_has_neither():
    plain = Image.fromarray(np.full((90, 70, 3), 128, np.uint8))
    assert frame_coherence(plain) == 0
    assert chart_hues(plain) == 0
