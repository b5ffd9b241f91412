import hashlib
import io
import struct
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageFile

from samehand.errors import ImageError
from samehand.images.decode import decode_bytes, decode_file


class TestFormats:
    @pytest.mark.parametrize(
        ("kind", "options"),
        [
            ("PNG", {}),
            ("BMP", {}),
            ("PPM", {}),
            ("TIFF", {}),
            ("TIFF", {"compression": "tiff_lzw"}),
            ("WEBP", {"lossless": True}),
            ("JPEG2000", {}),
        ],
    )
    def test_lossless_formats_give_the_very_pixels(
        self, painting, saved, pixels, kind: str, options: dict[str, object]
    ) -> None:
        data = saved(painting(), kind, **options)
        np.testing.assert_array_equal(pixels(data), np.asarray(painting()))

    @pytest.mark.parametrize(
        ("kind", "options"),
        [
            ("JPEG", {"quality": 97, "subsampling": 0}),
            ("JPEG", {"quality": 97, "subsampling": 0, "progressive": True}),
            ("WEBP", {"quality": 98}),
            ("AVIF", {"quality": 98}),
        ],
    )
    def test_lossy_formats_come_close(
        self, painting, saved, pixels, kind: str, options: dict[str, object]
    ) -> None:
        off = np.abs(pixels(saved(painting(), kind, **options)) - np.asarray(painting()))
        assert off.mean() < 3

    def test_hash_size_and_silence_about_an_ordinary_file(self, jpeg, tmp_path: Path) -> None:
        (tmp_path / "a.jpg").write_bytes(jpeg)
        decoded = decode_file(tmp_path / "a.jpg")
        assert decoded.sha256 == hashlib.sha256(jpeg).hexdigest()
        assert (decoded.width, decoded.height) == decoded.image.size == (60, 40)
        assert decoded.notes == ()

    def test_file_and_bytes_agree(self, jpeg, tmp_path: Path) -> None:
        (tmp_path / "a.jpg").write_bytes(jpeg)
        from_file, from_bytes = decode_file(str(tmp_path / "a.jpg")), decode_bytes(jpeg, "a")
        assert from_file.image.tobytes() == from_bytes.image.tobytes()
        assert from_file.sha256 == from_bytes.sha256

    def test_the_name_does_not_decide_the_format(self, painting, saved, tmp_path: Path) -> None:
        (tmp_path / "really-a-png.jpg").write_bytes(saved(painting(), "PNG"))
        assert decode_file(tmp_path / "really-a-png.jpg").image.size == (60, 40)

    def test_two_pixels_are_a_picture(self, saved, pixels) -> None:
        two = Image.new("RGB", (2, 1), (9, 8, 7))
        two.putpixel((1, 0), (90, 80, 70))
        np.testing.assert_array_equal(pixels(saved(two, "PNG")), [[[9, 8, 7], [90, 80, 70]]])

    def test_formats_that_run_other_programs_are_not_opened(self) -> None:
        with pytest.raises(ImageError, match="is not an image that can be read"):
            decode_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "a.eps")

    def test_the_result_is_plain_and_carries_no_metadata(self, painting, saved) -> None:
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        image = decode_bytes(saved(painting(), "PNG", icc_profile=profile), "a").image
        assert image.info == {}
        assert not isinstance(image, ImageFile.ImageFile)
        assert "icc_profile" not in Image.open(io.BytesIO(saved(image, "PNG"))).info


class TestOrientation:
    # What must be done to the upright picture so that showing it under the tag undoes it.
    STORED_AS = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }

    @pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "JPEG"])
    @pytest.mark.parametrize("tag", STORED_AS)
    def test_every_orientation_comes_out_upright(
        self, painting, saved, tag: int, kind: str
    ) -> None:
        turn = self.STORED_AS[tag]
        stored = painting() if turn is None else painting().transpose(turn)
        exif = Image.Exif()
        exif[0x0112] = tag
        options: dict[str, object] = {"lossless": True} if kind == "WEBP" else {}
        if kind == "JPEG":
            options = {"quality": 97, "subsampling": 0}
        decoded = decode_bytes(saved(stored, kind, exif=exif, **options), "a")
        assert (decoded.width, decoded.height) == decoded.image.size == (60, 40)
        off = np.abs(np.asarray(decoded.image).astype(int) - np.asarray(painting()))
        assert off.mean() < 3 if kind == "JPEG" else off.max() == 0

    def test_a_turned_jpeg_that_is_decoded_smaller_states_its_upright_size(
        self, painting, saved
    ) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6
        stored = painting(401, 400).transpose(Image.Transpose.ROTATE_90)
        decoded = decode_bytes(saved(stored, "JPEG", exif=exif), "a", max_side=50)
        assert (decoded.width, decoded.height) == (401, 400)
        assert decoded.image.size == (50, 50)

    def test_an_orientation_beside_damaged_tags_keeps_the_shape(self, painting, saved) -> None:
        entries = struct.pack(">HHIHH", 0x0112, 3, 1, 6, 0) + struct.pack(">HHII", 99, 99, 9, 9**9)
        exif = b"Exif\0\0MM\0\x2a\0\0\0\x08" + b"\0\x02" + entries
        stored = painting().transpose(Image.Transpose.ROTATE_90)
        decoded = decode_bytes(saved(stored, "JPEG", exif=exif), "a")
        assert (decoded.width, decoded.height) == decoded.image.size == (60, 40)

    def test_damaged_exif_does_not_lose_the_picture(self, painting, saved) -> None:
        damaged = b"Exif\x00\x00MM\x00\x2a" + b"\xff" * 30
        decoded = decode_bytes(saved(painting(), "JPEG", exif=damaged), "a")
        assert decoded.image.size == (60, 40)


class TestColour:
    def test_an_srgb_profile_changes_next_to_nothing(self, painting, saved, pixels) -> None:
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        off = np.abs(pixels(saved(painting(), "PNG", icc_profile=profile)) - np.asarray(painting()))
        assert off.max() <= 1

    def test_a_profile_with_swapped_primaries_is_obeyed(self, saved, pixels) -> None:
        profile = swapped_red_and_blue()
        colours = pixels(saved(half((250, 0, 0), (0, 0, 0)), "PNG", icc_profile=profile))
        red, green, blue = colours[0, 0]
        assert blue > 200
        assert red < 60
        assert green < 60

    def test_a_profile_applies_to_grey_and_to_transparent_pictures(self, saved, pixels) -> None:
        profile = swapped_red_and_blue()
        grey = pixels(saved(half(128, 20, "L"), "PNG", icc_profile=profile))
        np.testing.assert_allclose(grey[:, 0], 128, atol=3)
        red = half((250, 0, 0, 255), (0, 0, 0, 255), "RGBA")
        clear = saved(red, "PNG", icc_profile=profile)
        assert pixels(clear)[0, 0, 2] > 200

    @pytest.mark.parametrize("profile", [b"nonsense", b"\x00" * 128, b"\xff" * 500])
    def test_a_broken_profile_is_ignored_with_a_note(self, painting, saved, profile: bytes) -> None:
        decoded = decode_bytes(saved(painting(), "PNG", icc_profile=profile), "a")
        np.testing.assert_array_equal(np.asarray(decoded.image), np.asarray(painting()))
        assert decoded.notes == (
            "its colour profile is damaged or does not fit it, and was ignored",
        )

    def test_a_profile_for_other_channels_is_ignored_with_a_note(self, painting, saved) -> None:
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        data = saved(painting().convert("CMYK"), "JPEG", icc_profile=profile)
        assert any("profile" in note for note in decode_bytes(data, "a").notes)

    @pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
    def test_cmyk_is_close_to_the_rgb_it_was_made_from(self, painting, saved, kind: str) -> None:
        decoded = decode_bytes(saved(painting().convert("CMYK"), kind), "a")
        off = np.abs(np.asarray(decoded.image).astype(int) - np.asarray(painting()))
        assert off.mean() < 8
        assert decoded.notes == ("its CMYK colours were converted without a colour profile",)

    @pytest.mark.parametrize("kind", ["PNG", "TIFF"])
    def test_16_bit_greys_keep_their_high_byte(self, saved, pixels, kind: str) -> None:
        ramp = np.linspace(0, 65535, 64 * 8).astype(np.uint16).reshape(8, 64)
        decoded = pixels(saved(Image.fromarray(ramp), kind))
        np.testing.assert_array_equal(decoded[:, :, 0], ramp // 256)
        np.testing.assert_array_equal(decoded[:, :, 0], decoded[:, :, 2])

    def test_big_endian_16_bit_greys(self, pixels) -> None:
        ramp = np.arange(0, 65536, 256).astype(">u2").reshape(16, 16)
        header = struct.pack(
            ">2sHIH" + "HHII" * 8 + "I",
            *(b"MM", 42, 8, 8),
            *(256, 4, 1, 16),
            *(257, 4, 1, 16),
            *(258, 3, 1, 16 << 16),
            *(259, 3, 1, 1 << 16),
            *(262, 3, 1, 1 << 16),
            *(273, 4, 1, 110),
            *(278, 4, 1, 16),
            *(279, 4, 1, 512),
            0,
        )
        assert len(header) == 110
        np.testing.assert_array_equal(pixels(header + ramp.tobytes())[:, :, 0], ramp // 256)

    def test_16_bit_pnm_is_not_clipped(self, pixels) -> None:
        ramp = np.arange(0, 65536, 256).astype(">u2").reshape(16, 16)
        found = pixels(b"P5 16 16 65535\n" + ramp.tobytes())[:, :, 0]
        np.testing.assert_allclose(found, ramp // 256, atol=1)

    @pytest.mark.parametrize("white", [1.0, 255.0, 65535.0, 4000000.0])
    def test_float_greys_of_any_range_fill_0_to_255(self, saved, pixels, white: float) -> None:
        ramp = np.linspace(0, white, 256, dtype=np.float32).reshape(16, 16)
        found = pixels(saved(Image.fromarray(ramp), "TIFF"))[:, :, 0]
        np.testing.assert_array_equal(found.ravel(), np.arange(256))

    def test_signed_and_unbounded_greys_stay_in_range(self, saved, pixels) -> None:
        ramp = np.linspace(-1000, 3e38, 256, dtype=np.float32).reshape(16, 16)
        ramp[0, :3] = np.nan, np.inf, -np.inf
        found = pixels(saved(Image.fromarray(ramp), "TIFF"))[:, :, 0]
        assert found.ravel()[-1] == 255
        assert (np.diff(found.ravel()[3:]) >= 0).all()
        whole = np.arange(-128, 128, dtype=np.int32).reshape(16, 16)
        assert np.ptp(pixels(saved(Image.fromarray(whole), "TIFF"))) > 80

    @pytest.mark.parametrize("value", [0.0, -5.0])
    def test_a_flat_float_picture_divides_by_nothing(self, saved, value: float) -> None:
        flat = Image.fromarray(np.full((4, 4), value, dtype=np.float32))
        with pytest.raises(ImageError, match="a is blank or nearly so"):
            decode_bytes(saved(flat, "TIFF"), "a")

    def test_one_bit_pictures(self, saved, pixels) -> None:
        image = Image.new("1", (8, 8), 0)
        image.paste(1, (0, 0, 4, 8))
        found = pixels(saved(image, "PNG"))
        assert found[0, 0].tolist() == [255, 255, 255]
        assert found[0, 7].tolist() == [0, 0, 0]

    def test_palette_pictures(self, painting, saved, pixels) -> None:
        image = painting().quantize(256)
        expected = np.asarray(image.convert("RGB"))
        np.testing.assert_array_equal(pixels(saved(image, "PNG")), expected)

    def test_lab_greys_are_the_greys_that_they_measure(self, saved, pixels) -> None:
        # L* of 53.585 is the middle grey 128 of sRGB: CIE 15.
        lab = half((round(53.585 * 2.55), 128, 128), (255, 128, 128), "LAB")
        found = pixels(saved(lab, "TIFF"))
        np.testing.assert_allclose(found[0, 0], 128, atol=1)
        np.testing.assert_allclose(found[0, -1], 255, atol=1)


class TestTransparency:
    NOTE = "transparent areas were filled with white"

    @pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
    def test_clear_areas_become_white(self, painting, saved, kind: str) -> None:
        image = painting().convert("RGBA")
        image.paste((0, 0, 0, 0), (0, 0, 30, 40))
        options = {"lossless": True} if kind == "WEBP" else {}
        decoded = decode_bytes(saved(image, kind, **options), "a")
        found = np.asarray(decoded.image)
        assert (found[:, :30] == 255).all()
        np.testing.assert_array_equal(found[:, 30:], np.asarray(painting())[:, 30:])
        assert decoded.notes == (self.NOTE,)

    def test_half_clear_is_mixed_with_white(self, saved) -> None:
        grey = Image.merge("LA", (half(100, 0, "L"), Image.new("L", (8, 4), 128)))
        decoded = decode_bytes(saved(grey, "PNG"), "a")
        expected = 100 * 128 / 255 + 255 * 127 / 255
        np.testing.assert_allclose(np.asarray(decoded.image)[:, 0], expected, atol=1)
        assert decoded.notes == (self.NOTE,)

    def test_an_opaque_alpha_channel_is_no_news(self, painting, saved) -> None:
        decoded = decode_bytes(saved(painting().convert("RGBA"), "PNG"), "a")
        np.testing.assert_array_equal(np.asarray(decoded.image), np.asarray(painting()))
        assert decoded.notes == ()

    @pytest.mark.parametrize("kind", ["PNG", "GIF"])
    def test_a_clear_palette_entry(self, saved, kind: str) -> None:
        image = Image.new("P", (8, 8), 0)
        image.putpalette([200, 0, 0, 0, 0, 200])
        image.paste(1, (4, 0, 8, 8))
        decoded = decode_bytes(saved(image, kind, transparency=0), "a")
        found = np.asarray(decoded.image)
        assert found[0, 0].tolist() == [255, 255, 255]
        assert found[0, 7].tolist() == [0, 0, 200]
        assert decoded.notes == (self.NOTE,)

    def test_a_clear_colour_of_an_rgb_png(self, saved, pixels) -> None:
        image = Image.new("RGB", (4, 4), (1, 2, 3))
        image.putpixel((0, 0), (50, 60, 70))
        found = pixels(saved(image, "PNG", transparency=(1, 2, 3)))
        assert found[0, 0].tolist() == [50, 60, 70]
        assert found[1, 1].tolist() == [255, 255, 255]

    def test_colours_under_clear_pixels_do_not_bleed_when_shrunk(self, saved, pixels) -> None:
        image = Image.new("RGBA", (64, 64), (255, 255, 255, 255))
        image.paste((255, 0, 0, 0), (0, 0, 33, 64))
        image.paste((0, 0, 0, 255), (0, 48, 64, 64))
        assert pixels(saved(image, "PNG"), max_side=8)[:2].min() >= 254


class TestSeveralPictures:
    @pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "AVIF"])
    def test_the_first_frame_is_used_with_a_note(self, saved, kind: str) -> None:
        first, second = half("red", "black", size=16), half("blue", "black", size=16)
        options = {"lossless": True} if kind == "WEBP" else {}
        data = saved(first, kind, save_all=True, append_images=[second], duration=50, **options)
        decoded = decode_bytes(data, "a")
        assert np.abs(np.asarray(decoded.image).astype(int)[:, :7] - [255, 0, 0]).max() < 8
        assert decoded.notes == ("only the first frame of an animation was used",)

    def test_the_first_page_is_used_with_a_note(self, saved) -> None:
        pages = [half("lime", "black", size=9), half("blue", "black", size=8)]
        decoded = decode_bytes(saved(pages[0], "TIFF", save_all=True, append_images=pages[1:]), "a")
        assert np.asarray(decoded.image)[0, 0].tolist() == [0, 255, 0]
        assert decoded.image.size == (9, 9)
        assert decoded.notes == ("only the first page of a document was used",)

    @pytest.mark.parametrize("kind", ["GIF", "TIFF"])
    def test_a_single_frame_is_no_news(self, painting, saved, kind: str) -> None:
        assert decode_bytes(saved(painting(), kind), "a").notes == ()


class TestSize:
    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
    def test_the_longest_side_is_bounded_and_the_picture_kept(
        self, painting, saved, kind: str
    ) -> None:
        options = {"quality": 95} if kind == "JPEG" else {}
        decoded = decode_bytes(saved(painting(1200, 900), kind, **options), "a", max_side=100)
        assert decoded.image.size == (100, 75)
        assert (decoded.width, decoded.height) == (1200, 900)
        expected = painting(1200, 900).resize((100, 75), Image.Resampling.LANCZOS)
        off = np.abs(np.asarray(decoded.image).astype(int) - np.asarray(expected))
        assert off.mean() < 2

    def test_nothing_is_enlarged(self, jpeg) -> None:
        assert decode_bytes(jpeg, "a", max_side=60).image.size == (60, 40)

    @settings(max_examples=40)
    @given(st.integers(1, 300), st.integers(1, 300), st.integers(1, 64))
    def test_bounds_hold_for_any_size(self, saved, width: int, height: int, max_side: int) -> None:
        rng = np.random.default_rng(width * height)
        noise = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        if width * height < 8:
            return
        data = saved(Image.fromarray(noise), "JPEG")
        decoded = decode_bytes(data, "a", max_side)
        assert (decoded.width, decoded.height) == (width, height)
        longest = max(width, height)
        assert max(decoded.image.size) == min(longest, max_side)
        scale = min(1, max_side / longest)
        for found, side in zip(decoded.image.size, (width, height), strict=True):
            assert found == pytest.approx(max(1, side * scale), abs=0.51)


def test_many_threads_agree_and_leave_warnings_as_they_were(jpeg) -> None:
    expected = decode_bytes(jpeg, "a").image.tobytes()
    found: list[bytes] = []

    def work() -> None:
        found.extend(decode_bytes(jpeg, "a").image.tobytes() for _ in range(10))

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert found == [expected] * 40
    with pytest.raises(UserWarning, match="still heard"):
        warnings.warn("still heard", UserWarning, stacklevel=1)


def half(left: object, right: object, mode: str = "RGB", size: int = 4) -> Image.Image:
    """Return a picture of two colours side by side, twice as wide as high, or of `size` squared."""
    width = 2 * size if size == 4 else size
    image = Image.new(mode, (width, size), left)
    image.paste(right, (width // 2, 0, width, size))
    return image


def swapped_red_and_blue() -> bytes:
    """An sRGB profile whose red and blue primaries have changed places."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, blue = profile.index(b"rXYZ"), profile.index(b"bXYZ")
    profile[red : red + 4], profile[blue : blue + 4] = b"bXYZ", b"rXYZ"
    return bytes(profile)
