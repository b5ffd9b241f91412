import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from benchmarks.paper.capture import Capture, CaptureRange, draw_capture, recapture

STILL = Capture(1.0, Image.Resampling.BICUBIC, (1.0, 1.0, 1.0), 95, 0)


def opened(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)), np.float64)


def flat(*colour: int) -> Image.Image:
    return Image.new("RGB", (32, 16), colour)


def test_a_still_capture_changes_nothing_but_the_file(picture):
    image = picture(1)
    assert np.abs(opened(recapture(image, STILL)) - np.asarray(image)).mean() < 3


def test_one_stop_doubles_the_light():
    grey, capture = 0.2, Capture(1.0, Image.Resampling.BICUBIC, (2.0, 1.0, 0.5), 95, 0)
    level = round(255 * (1.055 * grey ** (1 / 2.4) - 0.055))
    found = opened(recapture(flat(level, level, level), capture)).mean(axis=(0, 1)) / 255
    light = ((found + 0.055) / 1.055) ** 2.4
    np.testing.assert_allclose(light, [0.4, 0.2, 0.1], rtol=0.04)


def test_light_beyond_white_is_clipped():
    capture = Capture(1.0, Image.Resampling.BICUBIC, (4.0, 4.0, 4.0), 95, 0)
    assert opened(recapture(flat(200, 200, 200), capture)).min() == 255


@pytest.mark.parametrize("size", [(1, 1), (64, 48), (3, 200)])
def test_the_size_follows_the_scale(picture, size):
    capture = Capture(0.6, Image.Resampling.LANCZOS, (1.0, 1.0, 1.0), 60, 2)
    found = Image.open(io.BytesIO(recapture(picture(0, size), capture)))
    assert found.format == "JPEG"
    assert found.size == tuple(max(1, round(0.6 * side)) for side in size)


def test_each_painting_has_its_own_draw_and_keeps_it(picture):
    limits = CaptureRange()
    draws = {draw_capture(str(name), 0, limits) for name in range(50)}
    assert len(draws) == 50
    assert draw_capture("7", 0, limits) in draws
    assert draw_capture("7", 1, limits) not in draws
    image, capture = picture(3), draw_capture("7", 0, limits)
    assert recapture(image, capture) == recapture(image, capture)


@given(
    st.text(),
    st.integers(0, 9),
    st.builds(
        CaptureRange,
        smallest_scale=st.floats(0.1, 1),
        exposure_stops=st.floats(0, 3),
        white_balance=st.floats(0, 0.9),
        lowest_quality=st.integers(1, 95),
    ),
)
def test_draws_stay_within_their_limits(name, seed, limits):
    capture = draw_capture(name, seed, limits)
    red, green, blue = capture.gain
    assert limits.smallest_scale <= capture.scale <= 1
    assert abs(np.log2(green)) <= limits.exposure_stops + 1e-9
    assert abs(red / green - 1) <= limits.white_balance + 1e-9
    assert abs(blue / green - 1) <= limits.white_balance + 1e-9
    assert limits.lowest_quality <= capture.quality <= 95
