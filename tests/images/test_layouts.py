"""Each layout is decoded as it is meant, or refused in a sentence that is true.

The files are packed here by hand, by the words of the TIFF 6.0, PNG and JPEG 2000 specifications.
"""

import contextlib
import struct
import sys
import zlib
from collections.abc import Sequence

import numpy as np
import pytest
from PIL import Image

from samehand.errors import ImageError
from samehand.images.decode import decode_bytes

EXTRA = ("tifffile", "imagecodecs", "pi_heif")


@pytest.fixture
def without_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in EXTRA:
        monkeypatch.setitem(sys.modules, name, None)


@pytest.fixture(scope="session")
def work(painting) -> np.ndarray:
    return np.asarray(painting())


def directory(order: str, at: int, tags: dict[int, tuple[str, Sequence[int]]], after: int) -> bytes:
    """Return an image file directory that stands at `at`, with its long values behind it."""
    entries, more = b"", b""
    end = at + 2 + 12 * len(tags) + 4
    for tag, (code, values) in sorted(tags.items()):
        packed = struct.pack(f"{order}{len(values)}{code}", *values)
        entries += struct.pack(order + "HHI", tag, {"H": 3, "I": 4}[code], len(values))
        if len(packed) <= 4:
            entries += packed.ljust(4, b"\0")
        else:
            entries += struct.pack(order + "I", end + len(more))
            more += packed
    return struct.pack(order + "H", len(tags)) + entries + struct.pack(order + "I", after) + more


def tags_of(
    samples: np.ndarray, place: int, bits: int = 0, **changed: Sequence[int]
) -> dict[int, tuple[str, Sequence[int]]]:
    height, width, channels = samples.shape
    kind = {"u": 1, "i": 2, "f": 3}[samples.dtype.kind]
    return {
        256: ("I", [width]),
        257: ("I", [height]),
        258: ("H", [bits or samples.dtype.itemsize * 8] * channels),
        259: ("H", [1]),
        262: ("H", changed.get("photometric", [2 if channels > 2 else 1])),
        273: ("I", changed.get("strips", [place])),
        277: ("H", [channels]),
        278: ("I", [height]),
        279: ("I", changed.get("lengths", [samples.nbytes])),
        284: ("H", changed.get("planes", [1])),
        339: ("H", [kind] * channels),
        **({338: ("H", changed["extra"])} if "extra" in changed else {}),
        **({254: ("I", changed["subfile"])} if "subfile" in changed else {}),
        **({330: ("I", changed["children"])} if "children" in changed else {}),
        **({274: ("H", changed["turn"])} if "turn" in changed else {}),
    }


def tiff(samples: np.ndarray, order: str = "<", **changed: Sequence[int]) -> bytes:
    """Return an uncompressed TIFF of samples, (H, W, S)."""
    samples = samples[:, :, None] if samples.ndim == 2 else samples
    body = samples.astype(samples.dtype.newbyteorder(order)).tobytes()
    if changed.get("planes") == [2]:
        body = np.moveaxis(samples, 2, 0).astype(samples.dtype.newbyteorder(order)).tobytes()
        part = len(body) // samples.shape[2]
        changed["strips"] = [8 + part * plane for plane in range(samples.shape[2])]
        changed["lengths"] = [part] * samples.shape[2]
    at = 8 + len(body)
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", at)
    return head + body + directory(order, at, tags_of(samples, 8, **changed), 0)


def two_pictures(first: np.ndarray, second: np.ndarray, child: bool, **changed) -> bytes:
    """Return a TIFF whose second picture is the next one, or a child of the first."""
    body = first.tobytes() + second.tobytes()
    at = 8 + len(body)
    size = len(directory("<", at, tags_of(first, 8, **changed, children=[0]), 0))
    tags = tags_of(first, 8, **changed, **({"children": [at + size]} if child else {}))
    start = directory("<", at, tags, 0 if child else at + size).ljust(size, b"\0")
    rest = directory("<", at + size, tags_of(second, 8 + first.nbytes), 0)
    return b"II*\0" + struct.pack("<I", at) + body + start + rest


def found_in(data: bytes) -> np.ndarray:
    return np.asarray(decode_bytes(data, "a.tif").image).astype(int)


def refusal_of(data: bytes, name: str = "a.tif") -> str:
    with pytest.raises(ImageError) as caught:
        decode_bytes(data, name)
    return str(caught.value)


class TestTiffSamples:
    @pytest.mark.parametrize("order", ["<", ">"])
    def test_planes_of_16_bits_are_three_colours(self, work, order: str) -> None:
        data = tiff(work.astype(np.uint16) * 257, order, planes=[2])
        np.testing.assert_array_equal(found_in(data), work)

    def test_what_needs_the_extra_says_so(self, work, without_extra: None) -> None:
        said = refusal_of(tiff(work.astype(np.uint16) * 257, planes=[2]))
        assert said == (
            "a.tif stores 16-bit integer RGB samples in planes, which needs the optional packages "
            "of samehand[formats] (from a checkout: pip install '.[formats]'); or export it as "
            "8-bit TIFF, PNG or JPEG"
        )

    @pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
    def test_floating_point_colours_from_0_to_1(self, work, kind) -> None:
        np.testing.assert_allclose(found_in(tiff((work / 255).astype(kind))), work, atol=1)

    @pytest.mark.parametrize("channels", [1, 3])
    def test_signed_bytes_are_not_wrapped(self, work, channels: int) -> None:
        signed = (work[:, :, :channels].astype(int) - 128).astype(np.int8)
        expected = np.broadcast_to(work[:, :, :channels], work.shape)
        np.testing.assert_array_equal(found_in(tiff(signed)), expected)

    @pytest.mark.parametrize("bits", [10, 12, 14])
    @pytest.mark.parametrize("channels", [1, 3])
    def test_fewer_bits_than_the_samples_have_are_noticed(
        self, work, bits: int, channels: int
    ) -> None:
        used = work[:, :, :channels].astype(np.uint32) * (2**bits - 1) // 255
        decoded = decode_bytes(tiff(used.astype(np.uint16)), "a")
        expected = np.broadcast_to(work[:, :, :channels], work.shape)
        np.testing.assert_allclose(np.asarray(decoded.image).astype(int), expected, atol=1)
        assert f"so they were taken for {bits} bits" in decoded.notes[0]

    @pytest.mark.parametrize("order", ["<", ">"])
    @pytest.mark.parametrize("kind", [np.uint8, np.uint16])
    def test_greys_whose_0_is_white(self, work, kind, order: str) -> None:
        top = np.iinfo(kind).max
        grey = (top - work[:, :, :1].astype(np.uint32) * (top // 255)).astype(kind)
        expected = np.broadcast_to(work[:, :, :1], work.shape)
        np.testing.assert_allclose(found_in(tiff(grey, order, photometric=[0])), expected, atol=1)

    @pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
    def test_colours_multiplied_by_alpha_are_laid_on_white(self, work, kind) -> None:
        top = 1.0 if kind == np.float32 else np.iinfo(kind).max
        half = np.concatenate([work / 255 * 0.5, np.full((*work.shape[:2], 1), 0.5)], 2)
        decoded = decode_bytes(tiff((half * top).astype(kind), extra=[1]), "a")
        expected = work * 0.5 + 127.5
        np.testing.assert_allclose(np.asarray(decoded.image).astype(int), expected, atol=3)

    @pytest.mark.parametrize("turn", range(1, 9))
    def test_planes_come_out_upright(self, work, turn: int) -> None:
        stored = {
            **{1: work, 2: work[:, ::-1], 3: work[::-1, ::-1], 4: work[::-1]},
            **{5: work.swapaxes(0, 1), 6: np.rot90(work), 7: np.rot90(work, 2).swapaxes(0, 1)},
            8: np.rot90(work, -1),
        }[turn]
        data = tiff(np.ascontiguousarray(stored).astype(np.uint16) * 257, planes=[2], turn=[turn])
        np.testing.assert_array_equal(found_in(data), work)

    @pytest.mark.parametrize("place", [32803, 34892])
    def test_sensor_data_are_no_picture(self, work, place: int) -> None:
        channels = 1 if place == 32803 else 3
        data = tiff(work[:, :, :channels].astype(np.uint16), photometric=[place])
        assert refusal_of(data) == (
            "a.tif is a camera raw file; develop it and export the painting as TIFF or JPEG"
        )

    @pytest.mark.parametrize("missing", [1, 500, 5000])
    def test_strips_that_end_early_are_damage(self, work, missing: int) -> None:
        deep = work.astype(np.uint16) * 257
        data = tiff(deep, planes=[2])
        assert "cut short or damaged" in refusal_of(data.replace(
            struct.pack("<3I", *[deep.nbytes // 3] * 3),
            struct.pack("<3I", *[deep.nbytes // 3] * 2, len(data) + missing),
        ))  # fmt: skip


class TestWhichPicture:
    @pytest.mark.parametrize("child", [False, True])
    @pytest.mark.parametrize("marked", [False, True])
    def test_a_thumbnail_before_the_painting_is_passed_over(
        self, work, child: bool, marked: bool
    ) -> None:
        small = np.ascontiguousarray(255 - work[::4, ::4])
        changed = {"subfile": [1]} if marked else {}
        decoded = decode_bytes(two_pictures(small, work, child, **changed), "a")
        np.testing.assert_array_equal(np.asarray(decoded.image), work)
        assert decoded.notes == (
            "the largest of its pictures was used, not the thumbnail before it",
        )

    @pytest.mark.parametrize("child", [False, True])
    def test_a_thumbnail_behind_it_is_no_news(self, work, child: bool) -> None:
        small = np.ascontiguousarray(255 - work[::4, ::4])
        decoded = decode_bytes(two_pictures(work, small, child), "a")
        np.testing.assert_array_equal(np.asarray(decoded.image), work)
        assert decoded.notes == ()

    def test_of_pages_alike_the_first_is_used(self, work) -> None:
        decoded = decode_bytes(two_pictures(work, np.ascontiguousarray(work[::-1]), False), "a")
        np.testing.assert_array_equal(np.asarray(decoded.image), work)
        assert decoded.notes == ("only the first page of a document was used",)

    def test_the_largest_of_an_icon(self, painting, saved) -> None:
        image = painting(256, 256)
        data = saved(image, "ICO", sizes=[(16, 16), (256, 256)])
        np.testing.assert_array_equal(np.asarray(decode_bytes(data, "a").image), image)

    def test_directories_in_a_circle_end(self, work) -> None:
        data = bytearray(two_pictures(work, work, False))
        at = struct.unpack_from("<I", data, 4)[0]
        count = struct.unpack_from("<H", data, at)[0]
        data[at + 2 + 12 * count : at + 6 + 12 * count] = struct.pack("<I", at)
        np.testing.assert_array_equal(found_in(bytes(data)), work)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


class TestColours:
    @pytest.mark.parametrize(
        ("chunks", "expected"),
        [
            ([], (200, 100, 50)),
            # 1 / 2.2 is how sRGB is written.
            ([(b"gAMA", struct.pack(">I", 45455))], (200, 100, 50)),
            # Linear light: sRGB of 100 / 255, by IEC 61966-2-1.
            ([(b"gAMA", struct.pack(">I", 100_000))], (229, 168, 122)),
            # An sRGB chunk overrules gAMA, and cICP both.
            ([(b"gAMA", struct.pack(">I", 100_000)), (b"sRGB", b"\0")], (200, 100, 50)),
            ([(b"sRGB", b"\0"), (b"cICP", b"\x01\x08\0\x01")], (229, 168, 122)),
            # Display P3, by the matrix from P3 to sRGB worked out on paper.
            ([(b"cICP", b"\x0c\x0d\0\x01")], (215, 93, 31)),
        ],
    )
    def test_chunks_of_a_png(self, saved, chunks, expected) -> None:
        image = Image.new("RGB", (8, 4), (200, 100, 50))
        image.paste(0, (0, 0, 4, 4))
        plain = saved(image, "PNG")
        data = plain[:33] + b"".join(chunk(*part) for part in chunks) + plain[33:]
        found = np.asarray(decode_bytes(data, "a").image)[0, 7]
        np.testing.assert_allclose(found, expected, atol=1)

    def test_a_profile_in_a_jpeg_2000(self, painting, saved, swapped) -> None:
        data = saved(painting(), "JPEG2000")
        at = data.index(b"colr") - 4
        length = int.from_bytes(data[at : at + 4])
        box = struct.pack(">I4sBBB", 11 + len(swapped), b"colr", 2, 0, 0) + swapped
        head = data.index(b"jp2h") - 4
        grown = int.from_bytes(data[head : head + 4]) + len(box) - length
        data = data[:head] + struct.pack(">I", grown) + data[head + 4 : at] + box + (
            data[at + length :]
        )  # fmt: skip
        found = np.asarray(decode_bytes(data, "a").image).astype(int)
        by_png = decode_bytes(saved(painting(), "PNG", icc_profile=swapped), "a").image
        np.testing.assert_array_equal(found, np.asarray(by_png))
        assert np.abs(found - np.asarray(painting())).mean() > 10

    def test_codes_in_an_avif(self, painting) -> None:
        codecs = pytest.importorskip("imagecodecs")
        pixels = np.asarray(painting())
        files = [
            codecs.avif_encode(pixels, level=100, primaries=primaries, transfer=13, matrix=6)
            for primaries in (1, 12)
        ]
        plain, p3 = (np.asarray(decode_bytes(data, "a").image).astype(int) for data in files)
        assert np.abs(plain - pixels).mean() < 3
        # In Display P3 the same numbers are more vivid.
        assert (p3.max(axis=2) - p3.min(axis=2)).mean() > (
            plain.max(axis=2) - plain.min(axis=2)
        ).mean() + 3

    @pytest.mark.parametrize("bits", [10, 12, 16])
    def test_white_in_a_deep_jpeg_2000_is_not_black(self, bits: int) -> None:
        codecs = pytest.importorskip("imagecodecs")
        top = 2**bits - 1
        ramp = np.linspace(0, top, 4096).astype(np.uint16).reshape(64, 64)
        deep = np.stack([ramp, ramp[::-1], ramp.T], axis=2)
        data = codecs.jpeg2k_encode(deep, level=0, reversible=True, bitspersample=bits)
        found = np.asarray(decode_bytes(data, "a").image)
        np.testing.assert_allclose(found, deep * (255 / top), atol=1)


@pytest.fixture(scope="session")
def swapped() -> bytes:
    from PIL import ImageCms

    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, blue = profile.index(b"rXYZ"), profile.index(b"bXYZ")
    profile[red : red + 4], profile[blue : blue + 4] = b"bXYZ", b"rXYZ"
    return bytes(profile)


class TestOtherKinds:
    @pytest.mark.parametrize(
        ("data", "word"),
        [
            (b"%PDF-1.7\n" + bytes(500), "a PDF document"),
            (b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>", "a drawing in SVG"),
            (b"<!DOCTYPE html><html>403</html>", "a web page"),
            (b"version https://git-lfs.github.com/spec/v1\noid", "a pointer of Git LFS"),
            (b'{"error": "quota"}', "a JSON document"),
            (b"\x76\x2f\x31\x01" + bytes(500), "an OpenEXR file"),
            (bytes(128) + b"DICM" + bytes(500), "a DICOM file"),
            (b"FUJIFILMCCD-RAW 0201" + bytes(500), "a camera raw file"),
            (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom" + bytes(500), "a camera raw file"),
            (b"II*\0\x10\0\0\0CR\2\0" + bytes(500), "a camera raw file"),
            (b"\0\0\0\x18ftypisom\0\0\2\0isomiso2" + bytes(500), "a video"),
            (b"PK\x03\x04" + bytes(500), "a ZIP archive"),
            (b"\0\5\x16\7" + bytes(100), "a companion file of macOS"),
        ],
    )
    def test_a_sound_file_of_another_kind_is_called_by_its_name(self, data, word) -> None:
        said = refusal_of(data, "x")
        assert said.startswith(f"x is not an image that can be read but {word}")
        assert "damaged" not in said

    @pytest.mark.parametrize(
        ("start", "word"),
        [
            (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "a HEIC file"),
            (b"\0\0\0\x18ftypmif1\0\0\0\0mif1miaf", "a HEIF file"),
            (b"\xff\x0a" + bytes(40), "a JPEG XL file"),
            (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(40), "a JPEG XL file"),
        ],
    )
    def test_a_phone_picture_names_the_extra(self, without_extra: None, start, word) -> None:
        said = refusal_of(start + bytes(500), "x")
        assert said.startswith(f"x is {word}, which needs the optional packages of samehand[form")

    def test_photoshop_documents_show_their_merged_picture(self, work) -> None:
        head = b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, *work.shape[:2], 8, 3) + bytes(14)
        data = head + np.moveaxis(work, 2, 0).tobytes()
        np.testing.assert_array_equal(found_in(data), work)
        deep = head[:22] + b"\0\x10" + head[24:] + bytes(2 * work.size)
        assert "a Photoshop document of 16 bits a channel" in refusal_of(deep)
        assert "damaged" not in refusal_of(deep)


class TestSilence:
    def test_libtiff_writes_nothing_past_the_sentence(
        self, painting, saved, capfd: pytest.CaptureFixture[str]
    ) -> None:
        for compression in ("tiff_lzw", "tiff_adobe_deflate", "jpeg", "zstd", "group4"):
            image = painting(300, 200).convert("1" if compression == "group4" else "RGB")
            data = bytearray(saved(image, "TIFF", compression=compression))
            middle = len(data) // 2
            data[middle : middle + 40] = b"\xa5" * 40
            with contextlib.suppress(ImageError):
                decode_bytes(bytes(data), "a")
        assert capfd.readouterr() == ("", "")
