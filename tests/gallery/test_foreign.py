"""Folders of strangers that have SQLite, faiss or us touch what lies elsewhere."""

import json
import shutil
import sqlite3
import struct
import sys
from contextlib import closing

import numpy as np
import pytest

from samehand import Gallery
from samehand.errors import SamehandError
from samehand.gallery.places import DATABASE
from samehand.gallery.schema import About, create_database
from samehand.gallery.store import FileState, NewWork, Store
from samehand.gallery.thumbnails import FILE, Thumbnails
from samehand.gallery.works import Work

WIDTH = 4
WITHOUT_END = (
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) "
    "SELECT x AS sha256, x AS {column} FROM c WHERE x < 0"
)


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "g"
    folder.mkdir()
    create_database(folder, About("e" * 64, "m", WIDTH))
    add(folder, 3)
    return folder


def add(folder, count):
    works = [NewWork(Work(f"{n}.jpg"), FileState(f"{n}" * 64, 1, 1)) for n in range(count)]
    with closing(Store(folder)) as store:
        store.put(works, np.eye(WIDTH, dtype=np.float32)[:count], "e" * 64)


def refusal(folder):
    with pytest.raises(SamehandError) as caught:
        Gallery(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("suffix", ["", "-wal", "-journal", "-shm"])
def test_no_database_is_opened_through_a_link(folder, tmp_path, suffix):
    elsewhere = tmp_path / "precious"
    if suffix:
        elsewhere.write_text("precious")
    else:
        (folder / DATABASE).rename(elsewhere)
    before = elsewhere.read_bytes()
    (folder / f"{DATABASE}{suffix}").symlink_to(elsewhere)
    assert f"{DATABASE}{suffix} is a link to another place" in refusal(folder)
    assert elsewhere.read_bytes() == before


def test_no_embedding_is_written_through_a_link(folder, tmp_path):
    elsewhere = tmp_path / "precious"
    (folder / "vectors-0.f32").rename(elsewhere)
    (folder / "vectors-0.f32").symlink_to(elsewhere)
    before = elsewhere.read_bytes()
    with pytest.raises(SamehandError, match="cannot write"):
        add(folder, 4)
    assert elsewhere.read_bytes() == before


def test_a_journal_has_no_file_deleted(folder, tmp_path):
    """SQLite rolls it back, then deletes the super-journal that it names."""
    precious = tmp_path / "precious.txt"
    precious.write_text("mine\n")
    database, journal = folder / DATABASE, folder / f"{DATABASE}-journal"
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA cache_size = 1")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("UPDATE works SET title = hex(zeroblob(200000))")
        begun, changed = journal.read_bytes(), database.read_bytes()
        connection.execute("ROLLBACK")
    name = bytes(precious)
    locked = 2**30 // struct.unpack(">H", changed[16:18])[0] + 1
    names = struct.pack(">I", locked) + name + struct.pack(">II", len(name), sum(name))
    names += bytes.fromhex("d9d505f920a163d7")
    database.write_bytes(changed)
    # As many pages as follow, rather than the count that a finished journal has.
    journal.write_bytes(begun[:8] + b"\xff" * 4 + begun[12:] + names)
    copy = shutil.copytree(folder, tmp_path / "copy")
    with closing(sqlite3.connect(copy / DATABASE)) as connection:
        connection.execute("SELECT count(*) FROM works").fetchone()
    assert not precious.exists(), "SQLite deletes it no longer: the check may go"
    precious.write_text("mine\n")
    assert f"{DATABASE}-journal names another file" in refusal(folder)
    assert precious.exists()


@pytest.mark.parametrize("kind", ["VIRTUAL TABLE v USING fts5(a)", "VIEW v AS SELECT 1"])
def test_only_tables_and_indexes_are_taken(folder, kind):
    with closing(sqlite3.connect(folder / DATABASE, isolation_level=None)) as database:
        database.execute(f"CREATE {kind}")
    assert "holds 'v', which samehand did not make" in refusal(folder)


def of_strangers(folder, *statements):
    Thumbnails(folder).keep([("a" * 64, b"jpeg")])
    with closing(sqlite3.connect(folder / FILE, isolation_level=None)) as database:
        for statement in statements:
            database.execute(statement)


@pytest.mark.parametrize(("table", "column"), [("pictures", "jpeg"), ("kinds", "kind")])
def test_small_pictures_that_never_end_are_none(tmp_path, table, column):
    of_strangers(
        tmp_path,
        f"DROP TABLE {table}",
        f"CREATE VIEW {table} AS {WITHOUT_END.format(column=column)}",
    )
    shown = Thumbnails(tmp_path)
    assert shown.get("a" * 64) is None
    assert shown.kinds(["a" * 64]) == [None]
    (tmp_path / "other").mkdir()
    taker = Thumbnails(tmp_path / "other")
    taker.take(shown)
    assert taker.known() == set()


@pytest.mark.parametrize("value", ["10000000000000", "-5", "'<script>'", "NULL", "zeroblob(7e7)"])
def test_a_small_picture_that_is_no_file_is_none(tmp_path, value):
    of_strangers(tmp_path, f"UPDATE pictures SET jpeg = {value}")
    assert Thumbnails(tmp_path).get("a" * 64) is None


def test_small_pictures_are_not_written_through_a_link(tmp_path):
    with closing(sqlite3.connect(tmp_path / "other.sqlite")) as database:
        database.execute("CREATE TABLE mine (a)")
    before = (tmp_path / "other.sqlite").read_bytes()
    (tmp_path / FILE).symlink_to(tmp_path / "other.sqlite")
    Thumbnails(tmp_path).keep([("a" * 64, b"jpeg")])
    assert (tmp_path / "other.sqlite").read_bytes() == before


@pytest.mark.skipif(sys.platform == "win32", reason="faiss cannot be installed there")
@pytest.mark.parametrize("wrong", ["width", "ids", "flat", "more", "probed", "types", "deep"])
def test_an_index_of_other_embeddings_is_passed_over(folder, wrong):
    faiss = pytest.importorskip("faiss")
    width = 5 if wrong == "width" else WIDTH
    rows = np.random.default_rng(0).normal(size=(3, width)).astype(np.float32)
    flat = faiss.IndexFlatIP(width)
    kind = faiss.ScalarQuantizer.QT_8bit
    index = faiss.IndexIVFScalarQuantizer(flat, width, 1, kind, faiss.METRIC_INNER_PRODUCT)
    index.cp.min_points_per_centroid = 1
    index.train(rows)
    index.add_with_ids(rows, np.arange(3) + (10**9 if wrong == "ids" else 0))
    if wrong == "flat":
        index = flat
    faiss.write_index(index, str(folder / "index-0.faiss"))
    told = {"generation": 0, "works": 3, "lists": 1, "probed": 1}
    told |= dict.fromkeys(("recall_at_10", "exact_ms", "approximate_ms"), 0.5)
    told |= {"more": {"works": 2**40}, "probed": {"probed": -3}, "types": {"lists": []}}.get(
        wrong, {}
    )
    text = "[" * 100_000 if wrong == "deep" else json.dumps(told)
    (folder / "index.json").write_text(text)
    with Gallery(folder) as gallery:
        near = gallery.nearest(np.eye(WIDTH, dtype=np.float32)[1], 1)
        found = [one.work.path for one in near.works]
        assert found == ([] if wrong == "ids" else ["1.jpg"])
        gallery.info()
