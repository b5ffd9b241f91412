import io
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from samehand.images.likeness import thumbnail, windows
from samehand.model.folder import open_model, write_config
from samehand.verification.verifier import SameHand
from samehand.verification.warnings import probe_warnings

SAME_FILE = "both images are the same file, so the verdict says nothing about artists"
ONE_PAINTING = (
    "the images look like two reproductions of one painting, so the verdict says little "
    "about artists"
)
GREY = "one image is in greyscale and the other in colour"
UNLIKE = "unlike the paintings that the model learned from, so its error rates may not hold"


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def warnings_of(verifier: SameHand, left: object, right: object) -> set[str]:
    found = verifier.compare(left, right).warnings
    assert len(set(found)) == len(found)
    return set(found)


def in_domain(verifier: SameHand, work_of) -> list[int]:
    """Artists whose first two works are no stranger than ordinary paintings."""
    limit = verifier.folder.config.novelty_limit
    found = []
    for artist in range(40):
        works = np.stack([verifier.embedder.render(work_of(artist, work)) for work in range(2)])
        if (verifier.embedder.encode(works).novelty <= limit).all():
            found.append(artist)
    return found


@pytest.fixture(scope="module")
def artists(verifier: SameHand, work_of) -> list[int]:
    found = in_domain(verifier, work_of)
    assert len(found) >= 30
    return found


def test_ordinary_pairs_have_no_warning(verifier: SameHand, work_of, artists: list[int]):
    for one, other in zip(artists[:8], artists[1:9], strict=True):
        assert warnings_of(verifier, work_of(one, 0), work_of(other, 1)) == set()
        assert warnings_of(verifier, work_of(one, 0), work_of(one, 1)) == set()


def test_the_same_file_twice(verifier: SameHand, work_of, artists: list[int]):
    data = saved(work_of(artists[0], 0), "JPEG")
    assert warnings_of(verifier, data, data) == {SAME_FILE}


@pytest.mark.parametrize("size", [(192, 160), (104, 98)])
def test_one_painting_in_two_resolutions(
    verifier: SameHand, work_of, artists: list[int], size: tuple[int, int]
):
    for artist in artists[:4]:
        other = work_of(artist, 0).resize(size, Image.Resampling.LANCZOS)
        assert warnings_of(verifier, work_of(artist, 0), other) == {ONE_PAINTING}


def test_one_painting_in_two_containers(verifier: SameHand, work_of, artists: list[int]):
    left, right = (saved(work_of(artists[1], 0), kind) for kind in ("PNG", "JPEG"))
    assert warnings_of(verifier, left, right) == {ONE_PAINTING}


@pytest.mark.parametrize(("size", "warned"), [((95, 120), True), ((96, 96), False)])
def test_tiny_images(
    verifier: SameHand, work_of, artists: list[int], size: tuple[int, int], warned: bool
):
    small, other = work_of(artists[0], 0, size), work_of(artists[1], 0)
    text = f"image: only {size[0]} x {size[1]} pixels, so brushwork is lost"
    expected = {f"left {text}"} if warned else set()
    assert warnings_of(verifier, small, other) == expected
    expected = {f"right {text}"} if warned else set()
    assert warnings_of(verifier, other, small) == expected


def test_two_pixels(verifier: SameHand, work_of, artists: list[int]):
    def two(left, right) -> bytes:
        image = Image.new("RGB", (2, 1), left)
        image.putpixel((1, 0), right)
        return saved(image, "PNG")

    pixels = two((200, 30, 40), (20, 130, 40))
    small = "left image: only 2 x 1 pixels, so brushwork is lost"
    assert small in warnings_of(verifier, pixels, work_of(artists[0], 0))
    assert {SAME_FILE, small} <= warnings_of(verifier, pixels, pixels)
    assert warnings_of(verifier, pixels, two((9, 9, 9), (90, 90, 90))) >= {GREY}


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_grey_against_colour(verifier: SameHand, work_of, artists: list[int], kind: str):
    grey = saved(work_of(artists[0], 0).convert("L"), kind)
    grey_in_rgb = saved(work_of(artists[1], 0).convert("L").convert("RGB"), kind)
    colour = saved(work_of(artists[2], 0), kind)
    assert GREY in warnings_of(verifier, grey, colour)
    assert GREY in warnings_of(verifier, colour, grey_in_rgb)
    assert GREY not in warnings_of(verifier, grey, grey_in_rgb)


def test_what_the_decoder_noticed_names_its_side(verifier: SameHand, work_of, artists: list[int]):
    one, other = work_of(artists[0], 0), work_of(artists[1], 0)
    animated = saved(one, "PNG", save_all=True, append_images=[other], duration=50)
    assert warnings_of(verifier, animated, other) == {
        "left image: only the first frame of an animation was used"
    }
    clear = one.convert("RGBA")
    clear.putpixel((0, 0), (0, 0, 0, 0))
    assert warnings_of(verifier, other, saved(clear, "PNG")) == {
        "right image: transparent areas were filled with white"
    }


@pytest.mark.parametrize(("limit", "warned"), [(-0.1, True), (1.0, False), (None, False)])
def test_what_resembles_nothing_learned(
    tiny_model: Path, tmp_path: Path, work_of, limit: float | None, warned: bool
):
    folder = Path(shutil.copytree(tiny_model, tmp_path / "model"))
    config = open_model(folder).config
    write_config(folder, replace(config, novelty_limit=limit))
    found = warnings_of(SameHand(folder, threads=1), work_of(0, 0), work_of(1, 0))
    assert found == ({f"{side} image: {UNLIKE}" for side in ("left", "right")} if warned else set())


@pytest.mark.parametrize(("quality", "warned"), [(20, True), (21, False)])
def test_strong_compression_of_a_small_file(
    verifier: SameHand, work_of, artists: list[int], quality: int, warned: bool
):
    one, other = work_of(artists[0], 0, (60, 50)), work_of(artists[1], 0)
    found = warnings_of(verifier, saved(one, "JPEG", quality=quality), other)
    assert any(f"a JPEG of quality {quality} of 100" in text for text in found) == warned
    # Twice the size of a view each way, the blocks are averaged away.
    large = saved(work_of(artists[0], 0, (130, 110)), "JPEG", quality=quality)
    assert not any("JPEG" in text for text in warnings_of(verifier, large, other))


def test_a_probe_is_told_what_one_of_two_images_is_told(
    verifier: SameHand, work_of, artists: list[int]
):
    framed = ImageOps.expand(
        ImageOps.expand(work_of(artists[0], 0), 18, (150, 110, 50)), 10, (235, 235, 230)
    )
    blocky = saved(work_of(artists[0], 0, (60, 50)), "JPEG", quality=20)
    other = work_of(artists[1], 0)
    for image in (framed, blocky):
        of_two = {text for text in warnings_of(verifier, image, other) if text.startswith("left")}
        assert of_two
        data = image if isinstance(image, bytes) else saved(image, "PNG")
        of_probe = probe_warnings(verifier.open(data), verifier.folder.config)
        assert set(of_probe) == {text.replace("left image", "your picture") for text in of_two}


def test_the_first_window_is_the_whole_picture(work_of):
    image = work_of(1, 0, (192, 192))
    difference = windows(image).thumbnails[0].astype(int) - thumbnail(image)
    assert np.abs(difference).max() <= 1
