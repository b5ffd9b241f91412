"""Switches of the process neither change a picture nor are changed by one."""

import contextlib
import io
import struct
import subprocess
import sys
import threading
import zlib

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
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 60_000_000)
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", False)
    with as_decoding_needs():
        assert Image.MAX_IMAGE_PIXELS == 60_000_000
        # Another thread may set them meanwhile; nothing of it is undone.
        Image.MAX_IMAGE_PIXELS = 77
    assert Image.MAX_IMAGE_PIXELS == 77


def test_they_are_put_back_after_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 33)
    with contextlib.suppress(KeyError), as_decoding_needs(), as_decoding_needs():
        assert Image.MAX_IMAGE_PIXELS == 100_000_000
        raise KeyError
    assert Image.MAX_IMAGE_PIXELS == 33


def test_the_first_png_of_a_process_may_have_large_metadata_too(painting, saved, tmp_path) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "word " * 600_000, zip=True)
    (tmp_path / "a.png").write_bytes(saved(painting(), "PNG", pnginfo=info))
    program = (
        "import sys; from samehand.images.decode import decode_file; "
        "assert 'PIL.PngImagePlugin' not in sys.modules; print(decode_file(sys.argv[1]).width)"
    )
    command = [sys.executable, "-c", program, tmp_path / "a.png"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (found.stdout, found.stderr) == ("60\n", "")


SLOW_IMPORT = """
import importlib.util, sys, threading, time
from samehand.images.decode import decode_file
begun = threading.Event()
class Slowly:
    def find_spec(self, name, path, target=None):
        if name != "PIL.PngImagePlugin":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        execute = spec.loader.exec_module
        def exec_module(module):
            begun.set()
            time.sleep(0.3)
            execute(module)
        spec.loader.exec_module = exec_module
        return spec
sys.meta_path.insert(0, Slowly())
first = threading.Thread(target=decode_file, args=[sys.argv[1]])
first.start()
begun.wait()
print(*(decode_file(path).width for path in sys.argv[1:]))
first.join()
"""


def test_a_thread_may_decode_while_another_imports_a_plugin(painting, saved, tmp_path) -> None:
    paths = [tmp_path / "a.png", tmp_path / "a.jpg"]
    for path, kind in zip(paths, ("PNG", "JPEG"), strict=True):
        path.write_bytes(saved(painting(), kind))
    command = [sys.executable, "-c", SLOW_IMPORT, *paths]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (found.stdout, found.stderr) == ("60 60\n", "")


def test_an_icon_cannot_hide_a_bomb() -> None:
    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b"")]
    png = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in parts
    )
    icon = struct.pack("<HHHBBBBHHII", 0, 1, 1, 64, 64, 0, 0, 1, 32, len(png), 22) + png
    with pytest.raises(ImageError, match="a has too many pixels to be opened safely"):
        decode_bytes(icon, "a")


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
