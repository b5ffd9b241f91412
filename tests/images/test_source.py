"""What a program has in its hands decodes to the pixels that its file would."""

import io
import os
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from samehand.errors import ImageError
from samehand.images.decode import decode, decode_bytes, decode_file


@pytest.fixture(scope="session")
def png(painting, saved) -> bytes:
    return saved(painting(), "PNG")


@pytest.mark.parametrize(
    "hold",
    [
        lambda data, path: path,
        lambda data, path: str(path),
        lambda data, path: os.fsencode(path) and path,
        lambda data, path: data,
        lambda data, path: bytearray(data),
        lambda data, path: memoryview(data),
        lambda data, path: io.BytesIO(data),
        lambda data, path: np.frombuffer(data, np.uint8),
        lambda data, path: Image.open(io.BytesIO(data)),
    ],
)
def test_every_way_of_holding_a_file_is_its_file(png: bytes, tmp_path: Path, hold) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png)
    found, expected = decode(hold(png, path)), decode_bytes(png, "a")
    assert found.image.tobytes() == expected.image.tobytes()
    assert found.sha256 == expected.sha256


def test_an_open_file_is_read_whole_and_stays_where_it_was(png: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png)
    with open(tmp_path / "a.png", "rb") as stream:
        stream.seek(7)
        found = decode(stream)
        assert stream.tell() == 7
    assert found.image.tobytes() == decode_bytes(png, "a").image.tobytes()


def test_a_stream_that_cannot_go_back(png: bytes) -> None:
    reader, writer = os.pipe()

    def write() -> None:
        with os.fdopen(writer, "wb") as stream:
            stream.write(png)

    thread = threading.Thread(target=write)
    thread.start()
    with os.fdopen(reader, "rb") as stream:
        found = decode(stream)
    thread.join()
    assert found.image.tobytes() == decode_bytes(png, "a").image.tobytes()


@pytest.mark.parametrize(
    "make",
    [
        lambda pixels: pixels,
        lambda pixels: pixels.astype(np.uint16) * 257,
        lambda pixels: (pixels / 255).astype(np.float32),
        lambda pixels: pixels / 255,
        lambda pixels: np.concatenate([pixels, np.full((*pixels.shape[:2], 1), 255, "u1")], 2),
        lambda pixels: np.asfortranarray(pixels),
        lambda pixels: pixels[::-1][::-1],
        lambda pixels: Image.fromarray(pixels),
        lambda pixels: Image.fromarray(pixels).convert("RGBA"),
    ],
)
def test_pixels_in_memory_are_the_picture(painting, make) -> None:
    pixels = np.asarray(painting())
    found = np.asarray(decode(make(pixels)).image).astype(int)
    np.testing.assert_allclose(found, pixels, atol=1)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "GIF"])
def test_an_image_that_pillow_has_decoded_gives_the_pixels_of_its_file(
    painting, saved, kind: str
) -> None:
    data = saved(painting(), kind)
    image = Image.open(io.BytesIO(data))
    image.load()
    assert decode(image).image.tobytes() == decode_bytes(data, "a").image.tobytes()
    assert decode(image.copy()).image.tobytes() == decode_bytes(data, "a").image.tobytes()


def test_a_large_jpeg_that_is_only_opened_is_reduced_like_its_file(painting, saved) -> None:
    data = saved(painting(1600, 1200), "JPEG")
    image = Image.open(io.BytesIO(data))
    found, expected = decode(image, max_side=100), decode_bytes(data, "a", max_side=100)
    assert found.image.tobytes() == expected.image.tobytes()


def test_an_image_keeps_its_orientation_its_profile_and_itself(painting, saved) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = saved(painting().transpose(Image.Transpose.ROTATE_90), "PNG", exif=exif)
    image = Image.open(io.BytesIO(data))
    image.load()
    before = image.tobytes(), image.size
    found = decode(image)
    assert found.image.size == (found.width, found.height) == (60, 40)
    assert (image.tobytes(), image.size) == before
    assert image.getexif()[0x0112] == 6


def test_the_hash_of_pixels_tells_pictures_apart(painting) -> None:
    pixels = np.asarray(painting())
    assert decode(pixels).sha256 == decode(pixels.copy()).sha256
    assert decode(pixels).sha256 == decode(Image.fromarray(pixels)).sha256
    assert decode(pixels).sha256 != decode(pixels[::-1]).sha256
    assert decode(pixels).sha256 != decode(pixels.swapaxes(0, 1)).sha256


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (None, "the image is of type NoneType; hand over a path"),
        (7, "the image is of type int; hand over a path"),
        (["a.jpg"], "the image is of type list; hand over a path"),
        (io.StringIO("text"), 'is a file opened as text; open it with mode "rb"'),
        (np.zeros((3, 40, 60)), "an array of 3x40x60; hand over height x width"),
        (np.zeros((0, 4, 3)), "an array of 0x4x3; hand over height x width"),
        (np.zeros((4, 4), complex), "an array of complex128; hand over 8 or 16 bits"),
        (np.full((4, 4), "x"), "hand over 8 or 16 bits"),
        (b"", "the image is empty"),
        (io.BytesIO(), "the image is empty"),
    ],
)
def test_what_is_no_picture_is_told_what_is(source, said: str) -> None:
    with pytest.raises(ImageError, match=said):
        decode(source)


def test_a_closed_file_is_a_sentence(png: bytes) -> None:
    stream = io.BytesIO(png)
    stream.close()
    with pytest.raises(ImageError, match="cannot be read from its open file"):
        decode(stream)


def test_the_name_is_the_path_unless_another_is_given(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"text")
    with pytest.raises(ImageError, match=rf"{tmp_path}/a\.jpg is not an image"):
        decode(tmp_path / "a.jpg")
    with pytest.raises(ImageError, match="^left is not an image"):
        decode(tmp_path / "a.jpg", "left")
    with pytest.raises(ImageError, match=rf"^{tmp_path}/a\.jpg is not an image"):
        decode_file(tmp_path / "a.jpg")


def test_arrays_above_the_limit_are_refused(painting) -> None:
    with pytest.raises(ImageError, match="the image is 60x40 pixels, more than 0.002 million"):
        decode(np.asarray(painting()), max_pixels=2000)
    with pytest.raises(ImageError, match="the image is 60x40 pixels, more than 0.002 million"):
        decode(painting(), max_pixels=2000)
