"""Switches of the process neither change a picture nor are changed by one."""

import contextlib
import io
import threading

import pytest
from PIL import Image, ImageFile, PngImagePlugin

from samehand.errors import ImageError
from samehand.images.decode import decode_bytes
from samehand.images.pillow_state import as_decoding_needs


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "PPM", "AVIF"])
def test_a_flag_of_a_notebook_hides_no_damage(
    painting, saved, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = saved(painting(200, 150), kind)
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    with pytest.raises(ImageError, match="cut short or damaged"):
        decode_bytes(data[: len(data) // 2], "a")
    assert ImageFile.LOAD_TRUNCATED_IMAGES is True


def test_large_metadata_damage_nothing_and_the_limit_stands_afterwards(painting, saved) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", "<x>" + "history " * 300_000 + "</x>", zip=True)
    before = PngImagePlugin.MAX_TEXT_CHUNK
    data = saved(painting(), "PNG", pnginfo=info)
    assert decode_bytes(data, "a").image.tobytes() == painting().tobytes()
    assert before == PngImagePlugin.MAX_TEXT_CHUNK


def test_threads_share_the_switches_and_the_last_one_puts_them_back(
    jpeg, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    half = jpeg[: len(jpeg) // 2]
    refused: list[str] = []

    def work() -> None:
        for _ in range(20):
            decode_bytes(jpeg, "a")
            try:
                decode_bytes(half, "a")
            except ImageError as error:
                refused.append(str(error))

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(refused) == 80
    assert ImageFile.LOAD_TRUNCATED_IMAGES is True
    assert Image.MAX_IMAGE_PIXELS == 10


def test_switches_that_stand_right_are_not_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", False)
    with as_decoding_needs():
        # Another thread may set them meanwhile; nothing of it is undone.
        Image.MAX_IMAGE_PIXELS = 77
    assert Image.MAX_IMAGE_PIXELS == 77


def test_they_are_put_back_after_a_failure() -> None:
    before = Image.MAX_IMAGE_PIXELS
    with contextlib.suppress(KeyError), as_decoding_needs(), as_decoding_needs():
        assert Image.MAX_IMAGE_PIXELS is None
        raise KeyError
    assert before == Image.MAX_IMAGE_PIXELS


def test_a_picture_is_decoded_in_any_folder_and_under_any_umask(
    jpeg, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = decode_bytes(jpeg, "a").image.tobytes()
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert decode_bytes(jpeg, "a").image.tobytes() == expected
    assert decode_bytes(io.BytesIO(jpeg).getvalue(), "a").image.tobytes() == expected
