"""One gallery for many threads, in places where nothing can be written, and from strangers."""

import os
import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from samehand.errors import GalleryError
from samehand.gallery import Gallery
from samehand.gallery.places import DATABASE
from samehand.gallery.sqlite import connect, sentence


@pytest.fixture
def shelf(verifier, work_of, tmp_path):
    folder = tmp_path / "scans"
    folder.mkdir()
    for number in range(3):
        work_of(number, 0).save(folder / f"{number}.png")
    with Gallery.create(tmp_path / "shelf", verifier) as gallery:
        gallery.add([folder], verifier)
        yield gallery


def test_many_threads_ask_one_gallery(shelf, verifier, work_of):
    row = verifier.embed([work_of(1, 0)])[0]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: len(shelf.nearest(row, 2).works), range(200)))
    assert found == [2] * 200


def test_threads_read_while_one_writes(shelf, verifier, work_of, tmp_path):
    row = verifier.embed([work_of(1, 0)])[0]
    more = []
    for number in range(10, 16):
        more.append(tmp_path / f"{number}.png")
        work_of(number, 0).save(more[-1])
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(shelf.nearest, row, 50) for _ in range(40)]
        pool.submit(lambda: [shelf.add([path], verifier) for path in more]).result()
        assert all(3 <= len(each.result().works) <= 9 for each in asked)
    assert len(shelf) == 9


def test_a_closed_gallery_is_not_called_damaged(shelf):
    shelf.close()
    with pytest.raises(GalleryError, match="is closed; open it again"):
        len(shelf)


def test_a_gallery_that_cannot_be_written_can_be_read(shelf, verifier, work_of, tmp_path):
    if os.name != "posix" or os.geteuid() == 0:
        pytest.skip("whoever is root can write everywhere")
    shelf.close()
    os.chmod(shelf.folder / DATABASE, 0o444)
    os.chmod(shelf.folder, 0o555)
    try:
        with Gallery.open(shelf.folder, verifier) as gallery:
            assert len(gallery) == 3
            with pytest.raises(GalleryError, match="cannot write"):
                gallery.remove(where=["artist="])
    finally:
        os.chmod(shelf.folder, 0o755)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("SQLITE_IOERR_READ", "cannot be read or written now"),
        ("SQLITE_FULL", "disk is full"),
        ("SQLITE_CANTOPEN", "cannot write"),
        ("SQLITE_BUSY_SNAPSHOT", "in use by another process"),
        ("SQLITE_CORRUPT", "is damaged"),
    ],
)
def test_damage_is_said_of_damage_alone(tmp_path, code, said):
    error = sqlite3.OperationalError("reason")
    error.sqlite_errorname = code
    found = str(sentence(tmp_path, error))
    assert said in found
    assert ("damaged" in found) == (said == "is damaged")


@pytest.mark.parametrize(
    "made",
    [
        "CREATE TRIGGER t AFTER DELETE ON works BEGIN DELETE FROM works; END",
        "CREATE VIEW v AS SELECT * FROM works",
    ],
)
def test_a_gallery_that_would_run_something_is_refused(shelf, made):
    shelf.close()
    connection = connect(shelf.folder / DATABASE)
    connection.execute(made)
    connection.close()
    with pytest.raises(GalleryError, match="samehand did not make"):
        Gallery.open(shelf.folder)


@pytest.mark.parametrize(
    ("key", "value"),
    [("slots", 2**62), ("slots", 10**6), ("slots", -1), ("width", 0), ("width", 2**40)],
)
def test_huge_counts_cost_nothing(shelf, key, value):
    connection = connect(shelf.folder / DATABASE)
    connection.execute("UPDATE about SET value = ? WHERE key = ?", (str(value), key))
    connection.close()
    with pytest.raises(GalleryError, match="damaged|lost embeddings"):
        shelf.nearest(np.zeros(24, np.float32), 2)


def test_files_of_any_year_are_added_and_known_again(shelf, verifier, work_of, tmp_path):
    paths = [tmp_path / f"{year}.png" for year in (1901, 2200, 2286, 2400)]
    for path in paths:
        work_of(7, int(path.stem)).save(path)
        when = int((int(path.stem) - 1970) * 365.2425 * 86400) * 10**9
        os.utime(path, ns=(when, when))
    assert shelf.add(paths, verifier).added == len(paths)
    again = shelf.add(paths, verifier)
    assert (again.added, again.changed, again.failed) == (0, 0, {})


def test_a_full_disk_is_said_to_be_full_and_not_damaged(tmp_path, monkeypatch):
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorname = "SQLITE_IOERR_SHMSIZE"
    assert "see that its disk is connected" in str(sentence(tmp_path, error))
    full = shutil.disk_usage(tmp_path)._replace(free=4096)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: full)
    assert "the disk is full; make room" in str(sentence(tmp_path, error))
