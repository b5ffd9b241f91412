import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from samehand.errors import ModelError
from samehand.images.views import ALL_VIEWS, render_views, view_box

sides = st.integers(1, 70)


def noise(width: int, height: int, seed: int = 0) -> Image.Image:
    rng = np.random.default_rng(seed)
    return Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))


def coordinates(width: int, height: int) -> Image.Image:
    """A picture whose red is the column and whose green is the row."""
    rows, columns = np.indices((height, width), dtype=np.uint8)
    return Image.fromarray(np.stack([columns, rows, np.zeros_like(rows)], axis=2))


def test_canonical_order_is_fixed() -> None:
    assert ALL_VIEWS == ("whole", "mirror", "crop-nw", "crop-ne", "crop-sw", "crop-se", "centre")


def test_a_picture_of_the_right_size_passes_whole_unchanged() -> None:
    image = noise(32, 32)
    expected = np.asarray(image).transpose(2, 0, 1).astype(np.float32) / np.float32(255)
    np.testing.assert_array_equal(render_views(image, ["whole"], 32)[0], expected)


def test_mirror_is_the_exact_flip_of_whole() -> None:
    whole, mirror = render_views(noise(50, 31), ["whole", "mirror"], 24)
    np.testing.assert_array_equal(mirror, whole[:, :, ::-1])
    assert not np.array_equal(mirror, whole)


@pytest.mark.parametrize(("width", "height"), [(200, 100), (100, 200), (150, 150)])
def test_boxes_hold_the_columns_and_rows_they_promise(width: int, height: int) -> None:
    pixels = np.asarray(coordinates(width, height))
    across, down = width * 7 // 10, height * 7 // 10
    side = min(width, height)
    expected = {
        "whole": (0, width, 0, height),
        "mirror": (0, width, 0, height),
        "crop-nw": (0, across, 0, down),
        "crop-ne": (width - across, width, 0, down),
        "crop-sw": (0, across, height - down, height),
        "crop-se": (width - across, width, height - down, height),
        "centre": (
            (width - side) // 2,
            (width + side) // 2,
            (height - side) // 2,
            (height + side) // 2,
        ),
    }
    for name in ALL_VIEWS:
        left, upper, right, lower = view_box(name, width, height)
        part = pixels[upper:lower, left:right]
        columns, rows = part[:, :, 0], part[:, :, 1]
        found = (columns.min(), columns.max() + 1, rows.min(), rows.max() + 1)
        assert found == expected[name], name


@pytest.mark.parametrize("name", [name for name in ALL_VIEWS if name != "mirror"])
def test_a_view_is_its_box_cut_out_and_resized(name: str) -> None:
    image = noise(90, 60)
    cut = image.crop(view_box(name, 90, 60)).resize((40, 40), Image.Resampling.BICUBIC)
    expected = np.asarray(cut, dtype=np.float32).transpose(2, 0, 1) / 255
    np.testing.assert_array_equal(render_views(image, [name], 40)[0], expected)


def test_corner_crops_show_their_corners() -> None:
    image = Image.new("RGB", (100, 80), "black")
    for colour, corner in (("red", (0, 0)), ("lime", (90, 0)), ("blue", (0, 70))):
        image.paste(colour, (*corner, corner[0] + 10, corner[1] + 10))
    image.paste("white", (90, 70, 100, 80))
    views = render_views(image, ["crop-nw", "crop-ne", "crop-sw", "crop-se"], 70)
    corners = [
        views[0, :, 0, 0],
        views[1, :, 0, -1],
        views[2, :, -1, 0],
        views[3, :, -1, -1],
    ]
    np.testing.assert_array_equal(corners, [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]])
    assert views[0, :, -1, -1].sum() == 0


def test_whole_squeezes_where_centre_keeps_the_aspect() -> None:
    image = Image.new("RGB", (90, 30), "black")
    image.paste("white", (30, 0, 60, 30))
    whole, centre = render_views(image, ["whole", "centre"], 30)
    assert centre.min() == 1
    assert whole.mean() == pytest.approx(1 / 3, abs=0.01)


def test_shrinking_does_not_alias() -> None:
    """A one-pixel weave becomes even grey; without antialiasing it would become stripes."""
    weave = np.indices((256, 256)).sum(axis=0) % 2 * 255
    image = Image.fromarray(np.repeat(weave.astype(np.uint8)[:, :, None], 3, axis=2))
    inside = render_views(image, ["whole"], 32)[0, :, 2:-2, 2:-2]
    np.testing.assert_allclose(inside, 0.5, atol=0.01)


@settings(max_examples=60)
@given(sides, sides, st.integers(1, 40), st.lists(st.sampled_from(ALL_VIEWS), max_size=7))
def test_the_tensor_contract_holds_for_any_size(
    width: int, height: int, size: int, names: list[str]
) -> None:
    views = render_views(noise(width, height), names, size)
    assert views.shape == (len(names), 3, size, size)
    assert views.dtype == np.float32
    assert views.flags.c_contiguous
    assert ((views >= 0) & (views <= 1)).all()


@given(st.integers(1, 5000), st.integers(1, 5000), st.sampled_from(ALL_VIEWS))
def test_boxes_lie_inside_and_corners_overlap(width: int, height: int, name: str) -> None:
    left, upper, right, lower = view_box(name, width, height)
    assert 0 <= left < right <= width
    assert 0 <= upper < lower <= height
    if name == "centre":
        assert right - left == lower - upper == min(width, height)
    if name.startswith("crop-"):
        assert right - left == pytest.approx(0.7 * width, abs=0.51)
        assert lower - upper == pytest.approx(0.7 * height, abs=0.51)


@settings(max_examples=30)
@given(sides, sides)
def test_a_mirrored_painting_swaps_whole_and_mirror(width: int, height: int) -> None:
    image = noise(width, height)
    turned = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    straight = render_views(image, ["whole", "mirror"], 16)
    swapped = render_views(turned, ["mirror", "whole"], 16)
    np.testing.assert_allclose(straight, swapped, atol=1.01 / 255)


def test_an_unknown_view_is_refused_with_the_valid_names() -> None:
    with pytest.raises(ModelError, match=r"no view 'crop-north'; name some of whole, mirror, .*"):
        render_views(noise(8, 8), ["whole", "crop-north"], 8)
