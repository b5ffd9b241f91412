import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFont

from samehand.errors import ImageError
from samehand.explain.contact import Tile, draw_sheet, wrap

FONT = ImageFont.load_default(15)


@settings(max_examples=60)
@given(st.text(st.sampled_from("abcdWM é-"), min_size=1, max_size=120), st.integers(40, 230))
def test_wrapping_loses_no_letter_and_never_overruns(text, width):
    lines = wrap(text, FONT, width)
    assert "".join(lines).replace(" ", "") == "".join(text.split())
    assert all(FONT.getlength(line) <= width for line in lines)


def sheet_of(tmp_path, tiles):
    draw_sheet("Pairs", tiles, tmp_path / "sheet.png")
    return np.asarray(Image.open(tmp_path / "sheet.png"))


def tile_of(tmp_path, caption, verdict=""):
    path = tmp_path / "grey.png"
    Image.linear_gradient("L").resize((50, 80)).convert("RGB").save(path)
    return Tile((path, path), ((caption, "Cubism"), ("X", "Y")), verdict)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_sheet_grows_with_its_pairs_and_its_captions(tmp_path, count):
    short = sheet_of(tmp_path, [tile_of(tmp_path, "Name")] * count)
    long = sheet_of(tmp_path, [tile_of(tmp_path, "A very long name " * 12)] * count)
    rows = (count + 1) // 2
    assert short.shape[1] == long.shape[1]
    assert long.shape[0] - short.shape[0] >= rows * 5 * 20
    for sheet in (short, long):
        # Nothing touches an edge, so no text can have run over it.
        border = np.concatenate(
            [sheet[:8].reshape(-1, 3), sheet[-8:].reshape(-1, 3), sheet[:, -8:].reshape(-1, 3)]
        )
        assert (border == border[0]).all()


def test_a_verdict_stands_under_both(tmp_path):
    plain = sheet_of(tmp_path, [tile_of(tmp_path, "Name")])
    told = sheet_of(tmp_path, [tile_of(tmp_path, "Name", "Truth: one artist.")])
    assert told.shape[0] == plain.shape[0] + 20


def test_a_missing_image_writes_nothing(tmp_path):
    tile = Tile((tmp_path / "a.png", tmp_path / "b.png"), (("A",), ("B",)))
    with pytest.raises(ImageError):
        draw_sheet("Pairs", [tile], tmp_path / "sheet.png")
    assert not (tmp_path / "sheet.png").exists()
