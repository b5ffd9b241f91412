import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from samehand.images.augment import Augmentation, _crop_box, training_view

STILL = Augmentation(smallest_crop=1, aspect=1, recompress=0, exposure=0, white_balance=0)
KERNELS = (
    Image.Resampling.BILINEAR,
    Image.Resampling.BICUBIC,
    Image.Resampling.LANCZOS,
    Image.Resampling.HAMMING,
)

augmentations = st.builds(
    Augmentation,
    smallest_crop=st.floats(0.01, 1),
    aspect=st.floats(1, 4),
    recompress=st.floats(0, 1),
    exposure=st.floats(0, 0.99),
    white_balance=st.floats(0, 0.99),
)


def noise(seed=0, size=(41, 29)):
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def plain(image, size, kernel):
    resized = image.resize((size, size), kernel)
    return np.asarray(resized, dtype=np.float32).transpose(2, 0, 1) / 255


@settings(max_examples=60)
@given(augmentations, st.integers(0, 2**32), st.integers(1, 50), st.integers(1, 50))
def test_a_view_is_a_square_in_range_that_its_generator_fixes(options, seed, width, height):
    image = noise(seed, (width, height))
    one, two = (training_view(image, 17, options, np.random.default_rng(seed)) for _ in range(2))
    assert one.shape == (3, 17, 17)
    assert one.dtype == np.float32
    assert one.flags.c_contiguous
    assert one.min() >= 0
    assert one.max() <= 1
    np.testing.assert_array_equal(one, two)


def test_another_generator_gives_another_view():
    views = [
        training_view(noise(), 17, Augmentation(), np.random.default_rng(seed)) for seed in range(5)
    ]
    assert len({view.tobytes() for view in views}) == 5


def test_without_augmentation_a_view_is_the_resized_painting_or_its_mirror():
    image = noise()
    expected = {}
    for kernel in KERNELS:
        upright = plain(image, 17, kernel)
        expected[upright.tobytes()] = (kernel, "upright")
        expected[np.ascontiguousarray(upright[:, :, ::-1]).tobytes()] = (kernel, "mirror")
    seen = {
        expected.get(training_view(image, 17, STILL, np.random.default_rng(seed)).tobytes())
        for seed in range(100)
    }
    assert seen == set(expected.values())


@settings(max_examples=300)
@given(augmentations, st.integers(0, 2**32), st.integers(1, 5000), st.integers(1, 5000))
def test_a_crop_lies_inside_and_keeps_its_area_and_aspect(options, seed, width, height):
    box = _crop_box((width, height), options, np.random.default_rng(seed))
    left, top, right, bottom = box
    assert 0 <= left < right <= width * (1 + 1e-12)
    assert 0 <= top < bottom <= height * (1 + 1e-12)
    across, down = (right - left) / width, (bottom - top) / height
    assert options.smallest_crop * (1 - 1e-9) <= across * down <= 1 + 1e-9
    assert 1 / options.aspect * (1 - 1e-9) <= across / down <= options.aspect * (1 + 1e-9)


@settings(max_examples=30)
@given(st.integers(0, 2**32), st.floats(0.001, 0.999), st.integers(1, 3000), st.integers(1, 3000))
def test_pillow_accepts_every_crop(seed, smallest, width, height):
    image = Image.new("RGB", (width, height))
    training_view(image, 2, Augmentation(smallest_crop=smallest), np.random.default_rng(seed))


def test_crops_reach_both_ends_of_their_range():
    options = Augmentation(smallest_crop=0.35, aspect=1.33)
    rng = np.random.default_rng(0)
    boxes = np.array([_crop_box((100, 100), options, rng) for _ in range(4000)])
    across, down = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    area = across * down / 1e4
    assert area.min() == pytest.approx(0.35, abs=0.01)
    assert area.max() == pytest.approx(1, abs=0.02)
    assert np.median(area) == pytest.approx((0.35 + 1) / 2, abs=0.03)
    assert (across / down).max() == pytest.approx(1.33, abs=0.01)
    assert (across / down).min() == pytest.approx(1 / 1.33, abs=0.01)
    # The aspect is symmetric on a logarithmic scale, and crops fall anywhere.
    assert np.log(across / down).mean() == pytest.approx(0, abs=0.01)
    assert boxes[:, 0].min() == pytest.approx(0, abs=0.1)
    assert boxes[:, 2].max() == pytest.approx(100, abs=0.1)


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.floats(0, 0.3), st.floats(0, 0.3))
def test_exposure_and_white_balance_are_bounded_gains(seed, exposure, balance):
    image = Image.new("RGB", (8, 8), (128, 128, 128))
    level = 128 / 255
    options = Augmentation(recompress=0, exposure=exposure, white_balance=balance)
    gains = training_view(image, 4, options, np.random.default_rng(seed)) / level
    channels = gains[:, 0, 0]
    assert gains == pytest.approx(np.broadcast_to(channels[:, None, None], gains.shape))
    assert (channels >= (1 - exposure) * (1 - balance) - 1e-6).all()
    assert (channels <= (1 + exposure) * (1 + balance) + 1e-6).all()
    assert channels.max() / channels.min() <= (1 + balance) / (1 - balance) + 1e-6


def test_no_view_is_grey():
    image = Image.new("RGB", (16, 16), (200, 90, 30))
    for seed in range(200):
        red, green, blue = training_view(
            image, 4, Augmentation(recompress=1), np.random.default_rng(seed)
        ).mean(axis=(1, 2))
        assert red > green + 0.2 > blue + 0.3


def test_recompression_changes_fine_detail_a_little():
    image = noise(size=(64, 64))
    still = {plain(image, 64, kernel).tobytes() for kernel in KERNELS}
    for seed in range(10):
        options = Augmentation(smallest_crop=1, aspect=1, recompress=1, exposure=0, white_balance=0)
        view = training_view(image, 64, options, np.random.default_rng(seed))
        assert view.tobytes() not in still
        error = min(
            np.abs(side - plain(image, 64, KERNELS[0])).mean() for side in (view, view[:, :, ::-1])
        )
        assert 0 < error < 0.25


@pytest.mark.parametrize(
    "wrong",
    [
        {"smallest_crop": 0.0},
        {"smallest_crop": 1.1},
        {"aspect": 0.9},
        {"recompress": -0.1},
        {"recompress": 1.1},
        {"exposure": 1.0},
        {"white_balance": -0.1},
        {"white_balance": float("nan")},
    ],
)
def test_settings_out_of_range_are_refused_by_name(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Augmentation(**wrong)
