import contextlib
import hashlib
import io
import os
import struct
import threading
import time
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageFile

from samehand.errors import ImageError
from samehand.images import decode
from samehand.images.decode import decode_bytes, decode_file


def painting(width: int = 60, height: int = 40) -> Image.Image:
    """A smooth picture with no symmetry, in colours that survive compression."""
    rows, columns = np.indices((height, width))
    red = columns * 255 // max(width - 1, 1)
    green = rows * 200 // max(height - 1, 1)
    blue = np.where((columns < width // 3) & (rows < height // 3), 200, 40)
    return Image.fromarray(np.stack([red, green, blue], axis=2).astype(np.uint8))


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def pixels(data: bytes, max_side: int = 2048) -> np.ndarray:
    image = decode_bytes(data, "a file", max_side).image
    assert image.mode == "RGB"
    return np.asarray(image).astype(int)


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_header_only(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", zlib.compress(bytes(100_000)))
        + png_chunk(b"IEND", b"")
    )


JPEG = saved(painting(), "JPEG", quality=95)


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
        self, kind: str, options: dict[str, object]
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
    def test_lossy_formats_come_close(self, kind: str, options: dict[str, object]) -> None:
        off = np.abs(pixels(saved(painting(), kind, **options)) - np.asarray(painting()))
        assert off.mean() < 3

    def test_hash_size_and_silence_about_an_ordinary_file(self, tmp_path: Path) -> None:
        (tmp_path / "a.jpg").write_bytes(JPEG)
        decoded = decode_file(tmp_path / "a.jpg")
        assert decoded.sha256 == hashlib.sha256(JPEG).hexdigest()
        assert (decoded.width, decoded.height) == decoded.image.size == (60, 40)
        assert decoded.notes == ()

    def test_file_and_bytes_agree(self, tmp_path: Path) -> None:
        (tmp_path / "a.jpg").write_bytes(JPEG)
        from_file, from_bytes = decode_file(str(tmp_path / "a.jpg")), decode_bytes(JPEG, "a")
        assert from_file.image.tobytes() == from_bytes.image.tobytes()
        assert from_file.sha256 == from_bytes.sha256

    def test_the_name_does_not_decide_the_format(self, tmp_path: Path) -> None:
        (tmp_path / "really-a-png.jpg").write_bytes(saved(painting(), "PNG"))
        assert decode_file(tmp_path / "really-a-png.jpg").image.size == (60, 40)

    def test_a_single_pixel_is_a_picture(self) -> None:
        np.testing.assert_array_equal(
            pixels(saved(Image.new("RGB", (1, 1), (9, 8, 7)), "PNG")), [[[9, 8, 7]]]
        )

    def test_formats_that_run_other_programs_are_not_opened(self) -> None:
        with pytest.raises(ImageError, match="is not an image that can be read"):
            decode_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "a.eps")

    def test_the_result_is_plain_and_carries_no_metadata(self) -> None:
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
    def test_every_orientation_comes_out_upright(self, tag: int, kind: str) -> None:
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

    def test_a_turned_jpeg_that_is_decoded_smaller_states_its_upright_size(self) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6
        stored = painting(401, 400).transpose(Image.Transpose.ROTATE_90)
        decoded = decode_bytes(saved(stored, "JPEG", exif=exif), "a", max_side=50)
        assert (decoded.width, decoded.height) == (401, 400)
        assert decoded.image.size == (50, 50)

    def test_an_orientation_beside_damaged_tags_keeps_the_shape(self) -> None:
        entries = struct.pack(">HHIHH", 0x0112, 3, 1, 6, 0) + struct.pack(">HHII", 99, 99, 9, 9**9)
        exif = b"Exif\0\0MM\0\x2a\0\0\0\x08" + b"\0\x02" + entries
        stored = painting().transpose(Image.Transpose.ROTATE_90)
        decoded = decode_bytes(saved(stored, "JPEG", exif=exif), "a")
        assert (decoded.width, decoded.height) == decoded.image.size == (60, 40)

    def test_damaged_exif_does_not_lose_the_picture(self) -> None:
        damaged = b"Exif\x00\x00MM\x00\x2a" + b"\xff" * 30
        decoded = decode_bytes(saved(painting(), "JPEG", exif=damaged), "a")
        assert decoded.image.size == (60, 40)


class TestColour:
    def test_an_srgb_profile_changes_next_to_nothing(self) -> None:
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        off = np.abs(pixels(saved(painting(), "PNG", icc_profile=profile)) - np.asarray(painting()))
        assert off.max() <= 1

    def test_a_profile_with_swapped_primaries_is_obeyed(self) -> None:
        profile = swapped_red_and_blue()
        colours = pixels(saved(Image.new("RGB", (4, 4), (250, 0, 0)), "PNG", icc_profile=profile))
        red, green, blue = colours[0, 0]
        assert blue > 200
        assert red < 60
        assert green < 60

    def test_a_profile_applies_to_grey_and_to_transparent_pictures(self) -> None:
        profile = swapped_red_and_blue()
        grey = pixels(saved(Image.new("L", (4, 4), 128), "PNG", icc_profile=profile))
        np.testing.assert_allclose(grey, 128, atol=3)
        clear = saved(Image.new("RGBA", (4, 4), (250, 0, 0, 255)), "PNG", icc_profile=profile)
        assert pixels(clear)[0, 0, 2] > 200

    @pytest.mark.parametrize("profile", [b"nonsense", b"\x00" * 128, b"\xff" * 500])
    def test_a_broken_profile_is_ignored_with_a_note(self, profile: bytes) -> None:
        decoded = decode_bytes(saved(painting(), "PNG", icc_profile=profile), "a")
        np.testing.assert_array_equal(np.asarray(decoded.image), np.asarray(painting()))
        assert decoded.notes == (
            "its colour profile is damaged or does not fit it, and was ignored",
        )

    def test_a_profile_for_other_channels_is_ignored_with_a_note(self) -> None:
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        data = saved(painting().convert("CMYK"), "JPEG", icc_profile=profile)
        assert any("profile" in note for note in decode_bytes(data, "a").notes)

    @pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
    def test_cmyk_is_close_to_the_rgb_it_was_made_from(self, kind: str) -> None:
        decoded = decode_bytes(saved(painting().convert("CMYK"), kind), "a")
        off = np.abs(np.asarray(decoded.image).astype(int) - np.asarray(painting()))
        assert off.mean() < 8
        assert decoded.notes == ("its CMYK colours were converted without a colour profile",)

    @pytest.mark.parametrize("kind", ["PNG", "TIFF"])
    def test_16_bit_greys_keep_their_high_byte(self, kind: str) -> None:
        ramp = np.linspace(0, 65535, 64 * 8).astype(np.uint16).reshape(8, 64)
        decoded = pixels(saved(Image.fromarray(ramp), kind))
        np.testing.assert_array_equal(decoded[:, :, 0], ramp // 256)
        np.testing.assert_array_equal(decoded[:, :, 0], decoded[:, :, 2])

    def test_big_endian_16_bit_greys(self) -> None:
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

    def test_16_bit_pnm_is_not_clipped(self) -> None:
        ramp = np.arange(0, 65536, 256).astype(">u2").reshape(16, 16)
        found = pixels(b"P5 16 16 65535\n" + ramp.tobytes())[:, :, 0]
        np.testing.assert_allclose(found, ramp // 256, atol=1)

    @pytest.mark.parametrize("white", [1.0, 255.0, 65535.0, 4000000.0])
    def test_float_greys_of_any_range_fill_0_to_255(self, white: float) -> None:
        ramp = np.linspace(0, white, 256, dtype=np.float32).reshape(16, 16)
        found = pixels(saved(Image.fromarray(ramp), "TIFF"))[:, :, 0]
        np.testing.assert_array_equal(found.ravel(), np.arange(256))

    def test_signed_and_unbounded_greys_stay_in_range(self) -> None:
        ramp = np.linspace(-1000, 3e38, 256, dtype=np.float32).reshape(16, 16)
        ramp[0, :3] = np.nan, np.inf, -np.inf
        found = pixels(saved(Image.fromarray(ramp), "TIFF"))[:, :, 0]
        assert found.ravel()[-1] == 255
        assert (np.diff(found.ravel()[3:]) >= 0).all()
        whole = np.arange(-128, 128, dtype=np.int32).reshape(16, 16)
        assert np.ptp(pixels(saved(Image.fromarray(whole), "TIFF"))) > 80

    @pytest.mark.parametrize("value", [0.0, -5.0])
    def test_a_flat_float_picture_divides_by_nothing(self, value: float) -> None:
        flat = Image.fromarray(np.full((4, 4), value, dtype=np.float32))
        assert not pixels(saved(flat, "TIFF")).any()

    def test_one_bit_pictures(self) -> None:
        image = Image.new("1", (8, 8), 0)
        image.paste(1, (0, 0, 4, 8))
        found = pixels(saved(image, "PNG"))
        assert found[0, 0].tolist() == [255, 255, 255]
        assert found[0, 7].tolist() == [0, 0, 0]

    def test_palette_pictures(self) -> None:
        image = painting().quantize(256)
        expected = np.asarray(image.convert("RGB"))
        np.testing.assert_array_equal(pixels(saved(image, "PNG")), expected)

    def test_an_unusual_colour_space_is_named(self) -> None:
        with pytest.raises(ImageError, match="a.tif stores its colours as LAB.*save it as RGB"):
            decode_bytes(saved(Image.new("LAB", (4, 4)), "TIFF"), "a.tif")


class TestTransparency:
    NOTE = "transparent areas were filled with white"

    @pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
    def test_clear_areas_become_white(self, kind: str) -> None:
        image = painting().convert("RGBA")
        image.paste((0, 0, 0, 0), (0, 0, 30, 40))
        options = {"lossless": True} if kind == "WEBP" else {}
        decoded = decode_bytes(saved(image, kind, **options), "a")
        found = np.asarray(decoded.image)
        assert (found[:, :30] == 255).all()
        np.testing.assert_array_equal(found[:, 30:], np.asarray(painting())[:, 30:])
        assert decoded.notes == (self.NOTE,)

    def test_half_clear_is_mixed_with_white(self) -> None:
        grey = Image.merge("LA", (Image.new("L", (4, 4), 100), Image.new("L", (4, 4), 128)))
        decoded = decode_bytes(saved(grey, "PNG"), "a")
        expected = 100 * 128 / 255 + 255 * 127 / 255
        np.testing.assert_allclose(np.asarray(decoded.image), expected, atol=1)
        assert decoded.notes == (self.NOTE,)

    def test_an_opaque_alpha_channel_is_no_news(self) -> None:
        decoded = decode_bytes(saved(painting().convert("RGBA"), "PNG"), "a")
        np.testing.assert_array_equal(np.asarray(decoded.image), np.asarray(painting()))
        assert decoded.notes == ()

    @pytest.mark.parametrize("kind", ["PNG", "GIF"])
    def test_a_clear_palette_entry(self, kind: str) -> None:
        image = Image.new("P", (8, 8), 0)
        image.putpalette([200, 0, 0, 0, 0, 200])
        image.paste(1, (4, 0, 8, 8))
        decoded = decode_bytes(saved(image, kind, transparency=0), "a")
        found = np.asarray(decoded.image)
        assert found[0, 0].tolist() == [255, 255, 255]
        assert found[0, 7].tolist() == [0, 0, 200]
        assert decoded.notes == (self.NOTE,)

    def test_a_clear_colour_of_an_rgb_png(self) -> None:
        image = Image.new("RGB", (4, 4), (1, 2, 3))
        image.putpixel((0, 0), (50, 60, 70))
        found = pixels(saved(image, "PNG", transparency=(1, 2, 3)))
        assert found[0, 0].tolist() == [50, 60, 70]
        assert found[1, 1].tolist() == [255, 255, 255]

    def test_colours_under_clear_pixels_do_not_bleed_when_shrunk(self) -> None:
        image = Image.new("RGBA", (64, 64), (255, 255, 255, 255))
        image.paste((255, 0, 0, 0), (0, 0, 33, 64))
        assert pixels(saved(image, "PNG"), max_side=8).min() >= 254


class TestSeveralPictures:
    @pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "AVIF"])
    def test_the_first_frame_is_used_with_a_note(self, kind: str) -> None:
        first, second = Image.new("RGB", (16, 16), "red"), Image.new("RGB", (16, 16), "blue")
        options = {"lossless": True} if kind == "WEBP" else {}
        data = saved(first, kind, save_all=True, append_images=[second], duration=50, **options)
        decoded = decode_bytes(data, "a")
        assert np.abs(np.asarray(decoded.image).astype(int) - [255, 0, 0]).max() < 8
        assert decoded.notes == ("only the first frame of an animation was used",)

    def test_the_first_page_is_used_with_a_note(self) -> None:
        pages = [Image.new("RGB", (9, 9), "lime"), Image.new("RGB", (5, 5), "blue")]
        decoded = decode_bytes(saved(pages[0], "TIFF", save_all=True, append_images=pages[1:]), "a")
        assert np.asarray(decoded.image)[0, 0].tolist() == [0, 255, 0]
        assert decoded.image.size == (9, 9)
        assert decoded.notes == ("only the first page of a document was used",)

    @pytest.mark.parametrize("kind", ["GIF", "TIFF"])
    def test_a_single_frame_is_no_news(self, kind: str) -> None:
        assert decode_bytes(saved(painting(), kind), "a").notes == ()


class TestSize:
    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
    def test_the_longest_side_is_bounded_and_the_picture_kept(self, kind: str) -> None:
        options = {"quality": 95} if kind == "JPEG" else {}
        decoded = decode_bytes(saved(painting(1200, 900), kind, **options), "a", max_side=100)
        assert decoded.image.size == (100, 75)
        assert (decoded.width, decoded.height) == (1200, 900)
        expected = painting(1200, 900).resize((100, 75), Image.Resampling.LANCZOS)
        off = np.abs(np.asarray(decoded.image).astype(int) - np.asarray(expected))
        assert off.mean() < 2

    def test_nothing_is_enlarged(self) -> None:
        assert decode_bytes(JPEG, "a", max_side=60).image.size == (60, 40)

    @settings(deadline=None, max_examples=40)
    @given(st.integers(1, 300), st.integers(1, 300), st.integers(1, 64))
    def test_bounds_hold_for_any_size(self, width: int, height: int, max_side: int) -> None:
        data = saved(Image.new("RGB", (width, height), (10, 20, 30)), "JPEG")
        decoded = decode_bytes(data, "a", max_side)
        assert (decoded.width, decoded.height) == (width, height)
        longest = max(width, height)
        assert max(decoded.image.size) == min(longest, max_side)
        scale = min(1, max_side / longest)
        for found, side in zip(decoded.image.size, (width, height), strict=True):
            assert found == pytest.approx(max(1, side * scale), abs=0.51)

    def test_a_bomb_is_refused_from_its_header(self, tmp_path: Path) -> None:
        (tmp_path / "bomb.png").write_bytes(png_header_only(30_000, 30_000))
        start = time.perf_counter()
        with pytest.raises(ImageError) as caught:
            decode_file(tmp_path / "bomb.png")
        assert time.perf_counter() - start < 0.5
        assert str(caught.value) == (
            f"{tmp_path}/bomb.png is 30000x30000 pixels, more than 200 million; "
            "save a smaller copy and try again"
        )

    def test_the_limit_does_not_depend_on_the_one_pillow_holds(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
        with pytest.raises(ImageError, match="30000x30000 pixels, more than 200 million"):
            decode_bytes(png_header_only(30_000, 30_000), "a")
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
        np.testing.assert_array_equal(pixels(saved(painting(), "PNG")), np.asarray(painting()))

    def test_where_pillow_refuses_while_decoding_the_fix_is_the_same(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        data = saved(painting(), "WEBP")
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
        with pytest.raises(ImageError, match="too many pixels.*save a smaller copy"):
            decode_bytes(data, "a")

    def test_the_pixel_limit_is_inclusive(self, monkeypatch: pytest.MonkeyPatch) -> None:
        data = saved(painting(), "PNG")
        monkeypatch.setattr(decode, "MAX_PIXELS", 2400)
        assert decode_bytes(data, "a").image.size == (60, 40)
        monkeypatch.setattr(decode, "MAX_PIXELS", 2399)
        with pytest.raises(ImageError, match="60x40 pixels"):
            decode_bytes(data, "a")

    def test_a_huge_file_is_refused_unread(self, tmp_path: Path) -> None:
        with open(tmp_path / "huge.tif", "wb") as stream:
            stream.truncate(3 * 2**29 + 1)
        with pytest.raises(ImageError, match=r"huge.tif is 1.5 GiB, more than 1 GiB; save a small"):
            decode_file(tmp_path / "huge.tif")


class TestBadFiles:
    def test_a_missing_file(self, tmp_path: Path) -> None:
        with pytest.raises(ImageError) as caught:
            decode_file(tmp_path / "gone.jpg")
        assert str(caught.value) == f"no file at {tmp_path}/gone.jpg; check the path"

    def test_a_path_through_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "a.jpg").write_bytes(JPEG)
        with pytest.raises(ImageError, match="no file at .*a.jpg/b.jpg; check the path"):
            decode_file(tmp_path / "a.jpg" / "b.jpg")

    def test_a_folder(self, tmp_path: Path) -> None:
        with pytest.raises(ImageError, match="is a folder; name an image file inside it"):
            decode_file(tmp_path)

    def test_an_empty_file(self, tmp_path: Path) -> None:
        (tmp_path / "empty.png").touch()
        with pytest.raises(ImageError, match="empty.png is empty; download or copy it again"):
            decode_file(tmp_path / "empty.png")

    def test_text_renamed(self, tmp_path: Path) -> None:
        (tmp_path / "notes.jpg").write_text("Dear diary, today I saw the Night Watch.")
        with pytest.raises(ImageError, match=r"notes.jpg is not an image that can be read \(JPEG"):
            decode_file(tmp_path / "notes.jpg")

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
    def test_a_pipe_does_not_hang(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe.jpg")
        with pytest.raises(ImageError, match="is a pipe or a device"):
            decode_file(tmp_path / "pipe.jpg")

    @pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no /dev/zero on this system")
    def test_an_endless_device_does_not_hang(self) -> None:
        with pytest.raises(ImageError, match="/dev/zero is a pipe or a device"):
            decode_file("/dev/zero")

    @pytest.mark.skipif(
        not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything"
    )
    def test_a_forbidden_file(self, tmp_path: Path) -> None:
        (tmp_path / "secret.jpg").write_bytes(JPEG)
        (tmp_path / "secret.jpg").chmod(0)
        with pytest.raises(ImageError, match="may not be read by you; change its permissions"):
            decode_file(tmp_path / "secret.jpg")

    @pytest.mark.parametrize("path", ["a\0b.jpg", "x" * 5000 + ".jpg"])
    def test_paths_that_no_system_accepts(self, path: str) -> None:
        with pytest.raises(ImageError, match="cannot be read: .*; check the path"):
            decode_file(path)

    def test_a_link_to_itself(self, tmp_path: Path) -> None:
        (tmp_path / "loop.jpg").symlink_to(tmp_path / "loop.jpg")
        with pytest.raises(ImageError, match=r"loop.jpg cannot be read: .*; check the path"):
            decode_file(tmp_path / "loop.jpg")

    def test_names_that_are_not_text_stay_printable(self, tmp_path: Path) -> None:
        path = os.fsencode(tmp_path) + b"/caf\xe9\n\x1b[31m.jpg"
        try:
            Path(os.fsdecode(path)).write_bytes(JPEG)
        except OSError:
            pytest.skip("this file system accepts no such name")
        assert decode_file(os.fsdecode(path)).image.size == (60, 40)
        Path(os.fsdecode(path)).write_bytes(JPEG[:500])
        with pytest.raises(ImageError) as caught:
            decode_file(os.fsdecode(path))
        assert str(caught.value).isprintable()
        assert r"caf\udce9\n\x1b[31m.jpg" in str(caught.value)

    def test_an_accented_name_is_shown_as_it_is(self, tmp_path: Path) -> None:
        with pytest.raises(ImageError, match="no file at .*/Dürer.jpg"):
            decode_file(tmp_path / "Dürer.jpg")


class TestDamage:
    @pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.9, 0.98])
    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "PPM", "AVIF"])
    def test_a_file_cut_short_is_refused(self, kind: str, share: float) -> None:
        rng = np.random.default_rng(5)
        noise = Image.fromarray(rng.integers(0, 256, (40, 60, 3), dtype=np.uint8))
        data = saved(noise, kind)
        with pytest.raises(ImageError, match="cut.jpg is cut short or damaged; download or copy"):
            decode_bytes(data[: int(len(data) * share)], "cut.jpg")

    @settings(deadline=None, max_examples=150)
    @given(st.integers(0, len(JPEG) - 1))
    @example(len(JPEG) - 1)
    @example(len(JPEG) - 2)
    def test_a_jpeg_cut_anywhere_is_refused(self, length: int) -> None:
        with pytest.raises(ImageError):
            decode_bytes(JPEG[:length], "a")

    @settings(deadline=None, max_examples=150)
    @given(st.integers(1, 10_000))
    def test_a_jpeg2000_cut_anywhere_is_refused(self, length: int) -> None:
        data = JPEG_2000
        with pytest.raises(ImageError):
            decode_bytes(data[: length % len(data)], "a")

    def test_a_jpeg2000_of_nothing_but_headers_is_refused(self) -> None:
        start_of_tile = JPEG_2000.index(b"\xff\x90")
        with pytest.raises(ImageError, match="cut short"):
            decode_bytes(JPEG_2000[:start_of_tile], "a")

    @settings(deadline=None, max_examples=150)
    @given(st.integers(0, 4000))
    def test_a_png_cut_anywhere_is_refused_unless_all_pixels_are_there(self, cut: int) -> None:
        data = saved(painting(), "PNG")
        try:
            found = pixels(data[: max(0, len(data) - cut - 1)])
        except ImageError:
            return
        np.testing.assert_array_equal(found, np.asarray(painting()))

    @settings(deadline=None, max_examples=200)
    @given(st.binary(max_size=400))
    def test_random_bytes_raise_nothing_else(self, data: bytes) -> None:
        only_image_errors(data)

    @settings(deadline=None, max_examples=300)
    @given(
        st.sampled_from(["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "PPM", "JPEG2000", "AVIF"]),
        st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), min_size=1, max_size=6),
    )
    def test_altered_files_raise_nothing_else(
        self, kind: str, changes: list[tuple[int, int]]
    ) -> None:
        data = bytearray(SMALL[kind])
        for place, value in changes:
            data[place % len(data)] = value
        only_image_errors(bytes(data))

    @settings(deadline=None, max_examples=100)
    @given(
        st.sampled_from([b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"II*\0", b"GIF89a", b"BM"]),
        st.binary(max_size=300),
    )
    def test_random_bytes_behind_a_signature_raise_nothing_else(
        self, signature: bytes, rest: bytes
    ) -> None:
        only_image_errors(signature + rest)


SMALL = {
    kind: saved(painting(24, 16), kind)
    for kind in ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "PPM", "JPEG2000", "AVIF")
}
JPEG_2000 = SMALL["JPEG2000"]


def only_image_errors(data: bytes) -> None:
    with contextlib.suppress(ImageError):
        decoded = decode_bytes(data, "a", max_side=64)
        assert decoded.image.mode == "RGB"
        assert max(decoded.image.size) <= 64


def test_many_threads_agree_and_leave_warnings_as_they_were() -> None:
    expected = decode_bytes(JPEG, "a").image.tobytes()
    found: list[bytes] = []

    def work() -> None:
        found.extend(decode_bytes(JPEG, "a").image.tobytes() for _ in range(10))

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert found == [expected] * 40
    with pytest.raises(UserWarning, match="still heard"):
        warnings.warn("still heard", UserWarning, stacklevel=1)


def swapped_red_and_blue() -> bytes:
    """An sRGB profile whose red and blue primaries have changed places."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, blue = profile.index(b"rXYZ"), profile.index(b"bXYZ")
    profile[red : red + 4], profile[blue : blue + 4] = b"bXYZ", b"rXYZ"
    return bytes(profile)
