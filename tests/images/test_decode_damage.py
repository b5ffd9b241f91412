import contextlib
import os
import struct
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from samehand.errors import ImageError
from samehand.images.decode import decode_bytes, decode_file


def only_image_errors(data: bytes) -> None:
    with contextlib.suppress(ImageError):
        decoded = decode_bytes(data, "a", max_side=64)
        assert decoded.image.mode == "RGB"
        assert max(decoded.image.size) <= 64


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


class TestLimits:
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
        self, painting, saved, pixels, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
        with pytest.raises(ImageError, match="30000x30000 pixels, more than 200 million"):
            decode_bytes(png_header_only(30_000, 30_000), "a")
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
        np.testing.assert_array_equal(pixels(saved(painting(), "PNG")), np.asarray(painting()))

    @pytest.mark.parametrize("kind", ["WEBP", "GIF", "ICO"])
    def test_limits_that_pillow_applies_while_decoding_do_not_matter_either(
        self, painting, saved, monkeypatch: pytest.MonkeyPatch, kind: str
    ) -> None:
        data = saved(painting(), kind)
        expected = decode_bytes(data, "a").image.tobytes()
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
        assert decode_bytes(data, "a").image.tobytes() == expected
        assert Image.MAX_IMAGE_PIXELS == 10

    def test_the_pixel_limit_is_inclusive(self, painting, saved) -> None:
        data = saved(painting(), "PNG")
        assert decode_bytes(data, "a", max_pixels=2400).image.size == (60, 40)
        with pytest.raises(ImageError, match=r"60x40 pixels, more than 0.002399 million"):
            decode_bytes(data, "a", max_pixels=2399)

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

    def test_a_path_through_a_file(self, jpeg, tmp_path: Path) -> None:
        (tmp_path / "a.jpg").write_bytes(jpeg)
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
    def test_a_forbidden_file(self, jpeg, tmp_path: Path) -> None:
        (tmp_path / "secret.jpg").write_bytes(jpeg)
        (tmp_path / "secret.jpg").chmod(0)
        with pytest.raises(
            ImageError, match="cannot be opened: permission denied; change its permissions"
        ):
            decode_file(tmp_path / "secret.jpg")

    @pytest.mark.parametrize("path", ["a\0b.jpg", "x" * 5000 + ".jpg"])
    def test_paths_that_no_system_accepts(self, path: str) -> None:
        with pytest.raises(ImageError, match="cannot be read: .*; check the path"):
            decode_file(path)

    def test_a_link_to_itself(self, tmp_path: Path) -> None:
        (tmp_path / "loop.jpg").symlink_to(tmp_path / "loop.jpg")
        with pytest.raises(ImageError, match=r"loop.jpg cannot be read: .*; check the path"):
            decode_file(tmp_path / "loop.jpg")

    def test_names_that_are_not_text_stay_printable(self, jpeg, tmp_path: Path) -> None:
        path = os.fsencode(tmp_path) + b"/caf\xe9\n\x1b[31m.jpg"
        try:
            Path(os.fsdecode(path)).write_bytes(jpeg)
        except OSError:
            pytest.skip("this file system accepts no such name")
        assert decode_file(os.fsdecode(path)).image.size == (60, 40)
        Path(os.fsdecode(path)).write_bytes(jpeg[:500])
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
    def test_a_file_cut_short_is_refused(self, saved, kind: str, share: float) -> None:
        rng = np.random.default_rng(5)
        noise = Image.fromarray(rng.integers(0, 256, (40, 60, 3), dtype=np.uint8))
        data = saved(noise, kind)
        with pytest.raises(ImageError, match="cut.jpg is cut short or damaged; download or copy"):
            decode_bytes(data[: int(len(data) * share)], "cut.jpg")

    @settings(max_examples=150)
    @given(st.integers(1, 10_000))
    @example(1)
    @example(2)
    def test_a_jpeg_cut_anywhere_is_refused(self, jpeg, cut: int) -> None:
        with pytest.raises(ImageError):
            decode_bytes(jpeg[: -1 - (cut - 1) % len(jpeg)], "a")

    @settings(max_examples=150)
    @given(st.integers(1, 10_000))
    def test_a_jpeg2000_cut_anywhere_is_refused(self, small, length: int) -> None:
        data = small["JPEG2000"]
        with pytest.raises(ImageError):
            decode_bytes(data[: length % len(data)], "a")

    def test_a_jpeg2000_of_nothing_but_headers_is_refused(self, small) -> None:
        start_of_tile = small["JPEG2000"].index(b"\xff\x90")
        with pytest.raises(ImageError, match="cut short"):
            decode_bytes(small["JPEG2000"][:start_of_tile], "a")

    @settings(max_examples=150)
    @given(st.integers(0, 4000))
    def test_a_png_cut_anywhere_is_refused_unless_all_pixels_are_there(
        self, painting, saved, pixels, cut: int
    ) -> None:
        data = saved(painting(), "PNG")
        try:
            found = pixels(data[: max(0, len(data) - cut - 1)])
        except ImageError:
            return
        np.testing.assert_array_equal(found, np.asarray(painting()))

    @settings(max_examples=200)
    @given(st.binary(max_size=400))
    def test_random_bytes_raise_nothing_else(self, data: bytes) -> None:
        only_image_errors(data)

    @settings(max_examples=300)
    @given(
        st.sampled_from(["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "PPM", "JPEG2000", "AVIF"]),
        st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), min_size=1, max_size=6),
    )
    def test_altered_files_raise_nothing_else(
        self, small, kind: str, changes: list[tuple[int, int]]
    ) -> None:
        data = bytearray(small[kind])
        for place, value in changes:
            data[place % len(data)] = value
        only_image_errors(bytes(data))

    @settings(max_examples=100)
    @given(
        st.sampled_from([b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"II*\0", b"GIF89a", b"BM"]),
        st.binary(max_size=300),
    )
    def test_random_bytes_behind_a_signature_raise_nothing_else(
        self, signature: bytes, rest: bytes
    ) -> None:
        only_image_errors(signature + rest)
