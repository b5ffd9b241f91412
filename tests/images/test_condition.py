import io

import numpy as np
import pytest
from PIL import Image

from samehand.images.condition import SMALL_SIDE, THUMBNAIL_SIDE, TINY_SIDE, picture_kind
from samehand.images.decode import decode


def decoded(width, height, grey=False):
    pixels = np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)
    # Smooth colours: noise averages out to grey.
    pixels[:, : width // 2, 0] = 250
    pixels[:, : width // 2, 2] = 10
    picture = Image.fromarray(pixels)
    if grey:
        picture = picture.convert("L").convert("RGB")
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return decode(stream.getvalue(), "picture")


@pytest.mark.parametrize(
    ("size", "kind"),
    [
        ((TINY_SIDE, 90), "tiny"),
        ((TINY_SIDE + 1, 90), "small"),
        ((90, SMALL_SIDE + 1), "thumbnail"),
        ((90, THUMBNAIL_SIDE), "thumbnail"),
        ((90, THUMBNAIL_SIDE + 1), "photograph"),
    ],
)
def test_the_longer_side_tells_the_kind(size, kind):
    assert picture_kind(decoded(*size)) == kind


def test_greyscale_comes_before_size():
    assert picture_kind(decoded(400, 300, grey=True)) == "greyscale photograph"
    assert picture_kind(decoded(100, 80, grey=True)) == "greyscale"
