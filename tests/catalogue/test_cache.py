import hashlib
import io
import json
from dataclasses import replace

import imagehash
import numpy as np
import pytest
from PIL import Image, ImageCms

from samehand.catalogue.cache import (
    JOURNAL_NAME,
    cache_image,
    cache_key,
    journal_writer,
    read_journal,
)
from samehand.catalogue.duplicates import unpack_thumbnails
from samehand.catalogue.sources import SourceRow, file_blob
from samehand.errors import OutputError
from samehand.images.likeness import thumbnail


@pytest.fixture
def row_of(tmp_path):
    def make(*contents, replacement=False):
        blobs = []
        for number, data in enumerate(contents):
            path = tmp_path / f"file{number}"
            path.write_bytes(data)
            blob = file_blob(path, f"file{number}")
            blobs.append(replace(blob, replacement=replacement and number == 0))
        return SourceRow("7", "7.jpg", tuple(blobs), artist="Ann")

    return make


def test_a_small_plain_image_keeps_its_bytes(tmp_path, row_of, encoded):
    for kind, suffix in (("JPEG", ".jpg"), ("PNG", ".png")):
        data = encoded(1, kind=kind)
        found = cache_image(row_of(data), tmp_path, 64)
        assert found.path == f"images/7{suffix}"
        assert (tmp_path / found.path).read_bytes() == data
        assert found.sha256 == hashlib.sha256(data).hexdigest()
        assert (found.width, found.height, found.bytes) == (64, 48, len(data))
        with Image.open(io.BytesIO(data)) as image:
            assert found.phash == str(imagehash.phash(image))
            assert np.array_equal(unpack_thumbnails([found.thumbnail])[0], thumbnail(image))
        assert (found.repaired, found.fault, found.cut) == (False, None, False)


def exif(orientation):
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags


def oddities(picture):
    whole = picture(1)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return {
        "turned": (whole, "JPEG", {"exif": exif(6)}),
        "grey": (whole.convert("L"), "JPEG", {}),
        "cmyk": (whole.convert("CMYK"), "JPEG", {}),
        "profile": (whole, "JPEG", {"icc_profile": profile}),
        "alpha": (whole.convert("RGBA"), "PNG", {}),
        "keyed": (whole, "PNG", {"transparency": (1, 2, 3)}),
        "palette": (whole.convert("P"), "PNG", {}),
        "webp": (whole, "WEBP", {}),
        "tiff": (whole, "TIFF", {}),
        "large": (picture(1, (130, 96)), "JPEG", {}),
    }


@pytest.mark.parametrize(
    "name",
    "turned grey cmyk profile alpha keyed palette webp tiff large".split(),
)
def test_anything_else_becomes_a_plain_jpeg(tmp_path, row_of, picture, name):
    image, kind, options = oddities(picture)[name]
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    found = cache_image(row_of(stream.getvalue()), tmp_path, 64)
    with Image.open(tmp_path / found.path) as cached:
        assert (cached.format, cached.mode) == ("JPEG", "RGB")
        assert cached.size == (found.width, found.height)
        assert cached.size == {"turned": (48, 64), "large": (64, 47)}.get(name, (64, 48))
        assert not cached.getexif()
        assert "icc_profile" not in cached.info
        assert cached.layer == [("\x01", 1, 1, 0), ("\x02", 1, 1, 1), ("\x03", 1, 1, 1)] or all(
            layer[1:3] == (1, 1) for layer in cached.layer
        )
        assert found.phash == str(imagehash.phash(cached))
    assert found.pixels == image.width * image.height
    assert found.bytes == (tmp_path / found.path).stat().st_size


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (lambda data: b"", "is empty"),
        (lambda data: data[:200], "cut short or damaged"),
        (lambda data: bytes(20) + data[20:], "starts with zeros"),
        (lambda data: b"<html>not found</html>", "is not an image"),
    ],
)
def test_a_bad_file_is_named_and_a_second_one_repairs_it(tmp_path, row_of, encoded, spoil, fault):
    bad = spoil(encoded(1))
    alone = cache_image(row_of(bad), tmp_path, 64)
    assert alone.path is None
    assert alone.fault.startswith("file0")
    assert fault in alone.fault
    repaired = cache_image(row_of(bad, encoded(1)), tmp_path, 64)
    assert (repaired.origin, repaired.repaired, repaired.fault) == ("file1", True, alone.fault)


def test_a_replacement_wins_and_the_fault_it_mends_is_told(tmp_path, row_of, encoded):
    found = cache_image(row_of(encoded(2), b"", replacement=True), tmp_path, 64)
    assert (found.origin, found.repaired, found.fault) == ("file0", True, "file1 is empty")
    found = cache_image(row_of(encoded(2), encoded(1), replacement=True), tmp_path, 64)
    assert (found.origin, found.fault) == ("file0", "file1 shows no fault")


def test_a_replacement_that_is_bad_itself_is_passed_over(tmp_path, row_of, encoded):
    found = cache_image(row_of(b"", encoded(1), replacement=True), tmp_path, 64)
    assert (found.origin, found.repaired, found.fault) == ("file1", True, "file0 is empty")


def test_a_cut_file_serves_only_where_no_whole_one_does(tmp_path, row_of, encoded):
    data = encoded(1)
    cut = data[:-20] + bytes(20)
    found = cache_image(row_of(cut), tmp_path, 64)
    assert (found.cut, found.repaired, found.fault) == (True, False, "file0 has lost its end")
    found = cache_image(row_of(cut, data), tmp_path, 64)
    assert (found.cut, found.repaired, found.origin) == (False, True, "file1")


def test_the_key_depends_on_the_content_and_the_size(tmp_path, row_of, encoded):
    row = row_of(encoded(1))
    key = cache_key(row, 64)
    assert cache_key(row_of(encoded(1) + b" "), 64) != key
    assert cache_key(row, 65) != key
    assert cache_key(replace(row, painting_id="8"), 64) != key


def test_the_journal_survives_a_torn_line_and_forgets_lost_images(tmp_path, row_of, encoded):
    first = cache_image(row_of(encoded(1)), tmp_path, 64)
    bad = cache_image(row_of(b""), tmp_path, 64)
    with journal_writer(tmp_path) as remember:
        remember(first)
    journal = tmp_path / JOURNAL_NAME
    torn = json.dumps({"key": "torn"})[:-3]
    journal.write_text(journal.read_text() + torn)
    with journal_writer(tmp_path) as remember:
        remember(bad)
    assert read_journal(tmp_path) == {first.key: first, bad.key: bad}
    (tmp_path / first.path).write_bytes(b"spoilt")
    assert read_journal(tmp_path) == {bad.key: bad}
    (tmp_path / first.path).unlink()
    assert read_journal(tmp_path) == {bad.key: bad}


def test_a_journal_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"), journal_writer(tmp_path / "file"):
        pass
