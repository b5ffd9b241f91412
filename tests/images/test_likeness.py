import numpy as np
from PIL import Image

from samehand.images.likeness import (
    GREY_SIDE,
    THUMBNAIL_BYTES,
    colours_agree,
    confirmed,
    detail_of,
    thumbnail,
)


def test_a_thumbnail_is_luma_then_colour(picture):
    whole = picture(1, (96, 80))
    small = thumbnail(whole)
    assert small.shape == (THUMBNAIL_BYTES,)
    luma = np.asarray(whole.convert("YCbCr").getchannel("Y"), dtype=float)
    corner = luma[: 80 // 32 * 2, :3].mean()  # the first box of 3x2.5 pixels lies within
    assert abs(float(small[0]) - corner) < 25
    grey = thumbnail(whole.convert("L").convert("RGB"))
    assert np.array_equal(grey[GREY_SIDE**2 :], np.full(128, 128))


def brute_detail(grey):
    """The formula, pixel by pixel."""
    side = GREY_SIDE

    def mean(values, y, x, reach):
        window = [
            values[min(max(v, 0), side - 1)][min(max(u, 0), side - 1)]
            for v in range(y - reach, y + reach + 1)
            for u in range(x - reach, x + reach + 1)
        ]
        return sum(window) / len(window)

    places = [(y, x) for y in range(side) for x in range(side)]
    local = [[grey[y][x] - mean(grey, y, x, 2) for x in range(side)] for y in range(side)]
    power = [[value**2 for value in row] for row in local]
    scaled = np.array([local[y][x] / (mean(power, y, x, 3) ** 0.5 + 4) for y, x in places])
    scaled -= scaled.mean()
    return scaled / np.linalg.norm(scaled)


def test_detail_is_what_it_says(picture):
    small = thumbnail(picture(2))
    grey = small[: GREY_SIDE**2].reshape(GREY_SIDE, GREY_SIDE).astype(float).tolist()
    np.testing.assert_allclose(detail_of(small[None])[0], brute_detail(grey), atol=2e-3)


def test_colours_agree_with_noise_but_not_with_another_hue(picture):
    warm = thumbnail(Image.new("RGB", (32, 32), (200, 60, 40)))
    cold = thumbnail(Image.new("RGB", (32, 32), (40, 60, 200)))
    pale = thumbnail(Image.new("RGB", (32, 32), (128, 126, 128)))
    dull = thumbnail(Image.new("RGB", (32, 32), (126, 128, 126)))
    left, right = np.stack([warm, warm, pale]), np.stack([warm, cold, dull])
    assert colours_agree(left, right).tolist() == [True, False, True]


def test_one_work_is_confirmed_at_another_size_and_another_work_is_not(picture):
    works = [picture(3, (200, 160)), picture(3, (200, 160)).resize((70, 60)), picture(4)]
    thumbnails = np.stack([thumbnail(work) for work in works])
    pairs = np.array([0, 0]), np.array([1, 2])
    assert confirmed(*pairs, detail_of(thumbnails), thumbnails).tolist() == [[0, 1]]
