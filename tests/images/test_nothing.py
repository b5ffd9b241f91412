"""A picture that shows nothing is refused."""

import io

import numpy as np
import pytest
from PIL import Image

from samehand.errors import ImageError
from samehand.images.decode import decode, decode_bytes
from samehand.images.nothing import LEAST_DEVIATION, LEAST_SHARE, content, is_blank


@pytest.mark.parametrize("colour", ["white", "black", (120, 90, 60)])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_one_colour_is_refused(saved, colour, kind: str) -> None:
    data = saved(Image.new("RGB", (300, 200), colour), kind)
    with pytest.raises(ImageError) as caught:
        decode_bytes(data, "a.jpg")
    assert str(caught.value) == (
        "a.jpg is blank or nearly so, and shows no painting; name another image"
    )


def test_a_wholly_transparent_picture_is_refused_whatever_lies_below(painting, saved) -> None:
    for image in (painting(), painting().transpose(Image.Transpose.ROTATE_180)):
        image.putalpha(0)
        with pytest.raises(ImageError, match="a is wholly transparent, so nothing can be seen"):
            decode_bytes(saved(image, "PNG"), "a")
        with pytest.raises(ImageError, match="the image is wholly transparent"):
            decode(image)


def test_an_empty_page_with_a_speck_or_the_noise_of_a_scanner_is_refused() -> None:
    page = np.full((800, 600, 3), 250, np.uint8)
    page[30:40, 30:40] = 0
    with pytest.raises(ImageError, match="blank"):
        decode(page)
    noise = np.random.default_rng(0).normal(240, 4, (800, 600, 3)).clip(0, 255).astype(np.uint8)
    with pytest.raises(ImageError, match="blank"):
        decode(noise)


def test_a_pale_drawing_is_a_picture(painting) -> None:
    pale = Image.blend(painting(300, 200), Image.new("RGB", (300, 200), "white"), 0.9)
    assert decode(pale).image.size == (300, 200)


def test_content_is_a_deviation_and_a_share(painting) -> None:
    image = Image.new("RGB", (100, 100), (50, 50, 50))
    image.paste((50, 150, 50), (0, 0, 10, 100))
    deviation, share = content(image)
    assert deviation == pytest.approx(100 * np.sqrt(0.1 * 0.9))
    assert share == pytest.approx(0.1)
    assert not is_blank(image)


def test_thresholds_are_on_either_measure_alone() -> None:
    side = 250
    few = np.full((side, side, 3), 100, np.uint8)
    count = int(LEAST_SHARE * side * side)
    few.reshape(-1, 3)[: count - 1] = 255
    assert content(Image.fromarray(few))[0] > LEAST_DEVIATION
    assert is_blank(Image.fromarray(few))
    few.reshape(-1, 3)[: count + 2] = 255
    assert not is_blank(Image.fromarray(few))


def test_a_small_result_is_not_mistaken_for_a_blank_picture(painting, saved) -> None:
    assert decode_bytes(saved(painting(400, 300), "PNG"), "a", max_side=1).image.size == (1, 1)


@pytest.mark.parametrize(("kind", "which"), [("GIF", "frame of an animation"),
                                             ("WEBP", "frame of an animation"),
                                             ("PNG", "frame of an animation"),
                                             ("TIFF", "page of a document")])  # fmt: skip
def test_of_several_pictures_a_blank_first_one_is_refused_and_no_other_taken(painting, kind, which):
    stream = io.BytesIO()
    first = Image.new("RGB", (90, 70), "white")
    first.save(stream, kind, save_all=True, append_images=[painting().resize((90, 70))])
    with pytest.raises(ImageError, match=f"and only the first {which} was used; save the one that"):
        decode_bytes(stream.getvalue(), "a")
