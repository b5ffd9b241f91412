"""Holes in compressed data are found, and sound files are never called damaged."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from samehand.errors import ImageError
from samehand.images.damage import jpeg_frame, jpeg_is_damaged
from samehand.images.decode import decode_bytes


@pytest.fixture(scope="session")
def rough() -> Image.Image:
    pixels = np.random.default_rng(3).normal(120, 50, (300, 400, 3)).clip(0, 255)
    return Image.fromarray(pixels.astype(np.uint8))


def damaged(data: bytes) -> bool:
    said = ""
    try:
        decode_bytes(data, "a")
    except ImageError as error:
        said = str(error)
    assert said in ("", "a is cut short or damaged; download or copy it again")
    return bool(said)


JPEGS = {
    "plain": {"quality": 90},
    "progressive": {"quality": 90, "progressive": True},
    "restarts": {"quality": 90, "restart_marker_rows": 1},
    "optimised": {"quality": 90, "optimize": True},
}
KINDS = {
    **{name: ("JPEG", options) for name, options in JPEGS.items()},
    "grey": ("JPEG", {"quality": 90}),
    "PNG": ("PNG", {}),
    "WebP": ("WEBP", {"quality": 90}),
    "JPEG 2000": ("JPEG2000", {}),
    "TIFF, LZW": ("TIFF", {"compression": "tiff_lzw"}),
    "TIFF, deflate": ("TIFF", {"compression": "tiff_adobe_deflate"}),
    "TIFF, JPEG": ("TIFF", {"compression": "jpeg"}),
}


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("place", [0.3, 0.5, 0.9])
def test_a_bad_sector_is_found(rough, saved, name: str, place: float) -> None:
    kind, options = KINDS[name]
    image = rough.convert("L") if name == "grey" else rough
    data = saved(image, kind, **options)
    at = int(len(data) * place)
    assert not damaged(data)
    assert damaged(data[:at] + bytes(4096) + data[at + 4096 :])
    assert damaged(data[:at] + bytes(len(data) - at))


@pytest.mark.parametrize("name", JPEGS)
def test_a_sector_of_another_file_is_found(rough, saved, name: str) -> None:
    data = saved(rough, "JPEG", **JPEGS[name])
    alien = np.random.default_rng(9).integers(0, 256, 4096, dtype=np.uint8).tobytes()
    at = len(data) // 2
    assert damaged(data[:at] + alien + data[at + 4096 :])


@settings(max_examples=80)
@given(
    st.integers(0, 255),
    st.integers(0, 255),
    st.integers(1, 100),
    st.booleans(),
    st.booleans(),
    st.integers(0, 2),
    st.integers(0, 3),
    st.booleans(),
)
def test_a_flat_margin_is_no_damage(
    saved, margin, inside, quality, optimize, progressive, subsampling, rows, grey
) -> None:
    """Optimised tables may write a flat area as nothing but zero bits."""
    image = Image.new("RGB", (700, 600), (margin, margin, margin // 2))
    image.paste((inside, 10, 20), (300, 250, 340, 300))
    if grey:
        image = image.convert("L")
    data = saved(
        image,
        "JPEG",
        quality=quality,
        optimize=optimize,
        progressive=progressive,
        subsampling=subsampling,
        restart_marker_rows=rows,
    )
    assert not jpeg_is_damaged(data)


def test_a_jpeg_with_zeros_in_its_metadata_is_sound(painting, saved) -> None:
    exif = Image.Exif()
    exif[0x9C9C] = bytes(20_000)
    assert not damaged(saved(painting(), "JPEG", exif=exif))
    assert not damaged(saved(painting(), "WEBP", exif=exif))
    assert not damaged(saved(painting(), "JPEG") + bytes(9000))


def test_black_areas_of_plain_files_are_noted_and_not_refused(painting, saved) -> None:
    image = painting(300, 200)
    image.paste("black", (0, 100, 300, 200))
    for kind in ("BMP", "PPM", "TIFF"):
        notes = decode_bytes(saved(image, kind), "a").notes
        assert notes == (
            "whole rows of it are pure black, as in an interrupted copy; compare it with its "
            "source",
        )
        assert decode_bytes(saved(painting(300, 200), kind), "a").notes == ()


def test_the_frame_header_is_read(painting, saved) -> None:
    frame = jpeg_frame(saved(painting(), "JPEG", progressive=True))
    assert frame is not None
    assert (frame.kind, frame.bits, frame.size, frame.ordinary) == (0xC2, 8, (60, 40), True)
    assert jpeg_frame(b"\xff\xd8\xff") is None
    assert jpeg_frame(b"text") is None


class TestDrafts:
    def test_a_jpeg_needs_only_the_pixels_that_it_is_decoded_to(self, painting, saved) -> None:
        image = painting(2000, 1500)
        data = saved(image, "JPEG")
        # A quarter of each side is decoded where 200 pixels are wanted.
        small = decode_bytes(data, "a", max_side=200, max_pixels=200_000)
        assert (small.width, small.height) == (2000, 1500)
        assert small.image.tobytes() == decode_bytes(data, "a", max_side=200).image.tobytes()
        with pytest.raises(ImageError, match="2000x1500 pixels, more than 0.18 million"):
            decode_bytes(data, "a", max_side=200, max_pixels=180_000)

    def test_a_progressive_one_is_held_whole(self, painting, saved) -> None:
        data = saved(painting(2000, 1500), "JPEG", progressive=True)
        assert decode_bytes(data, "a", max_side=200, max_pixels=1_500_000).width == 2000
        with pytest.raises(ImageError, match="more than 1.4 million"):
            decode_bytes(data, "a", max_side=200, max_pixels=1_400_000)

    def test_other_formats_are_decoded_whole(self, painting, saved) -> None:
        with pytest.raises(ImageError, match="more than 2.9 million"):
            decode_bytes(saved(painting(2000, 1500), "PNG"), "a", max_side=9, max_pixels=2_900_000)
