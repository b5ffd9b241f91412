"""The gallery's store: what it holds, finds and refuses, against brute force."""

import json
import os
import subprocess
import sys
import threading

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samehand.errors import CatalogueError, GalleryError
from samehand.gallery import Gallery, Work
from samehand.gallery.index import build_index, open_index
from samehand.gallery.places import gallery_folder
from samehand.gallery.store import FileState, NewWork
from samehand.gallery.vectors import exact_nearest
from samehand.model.folder import open_model

WIDTH = 24


def unit(count, seed=0):
    rows = np.random.default_rng(seed).standard_normal((count, WIDTH)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def put(gallery, works, rows):
    states = [NewWork(work, FileState(f"{work.path}!", 1, 1)) for work in works]
    gallery.store.put(states, rows, gallery.store.about().encoder)


@pytest.fixture
def gallery(tmp_path, tiny_model):
    with Gallery.create(tmp_path / "g", open_model(tiny_model)) as made:
        yield made


@pytest.fixture
def scans(tmp_path, work_of):
    folder = tmp_path / "scans"
    for artist in range(3):
        (folder / f"artist {artist}").mkdir(parents=True)
        for work in range(3):
            work_of(artist, work).save(folder / f"artist {artist}" / f"{work}.png")
    return folder


def test_adding_is_incremental_and_notices_what_changed(gallery, scans, verifier, work_of):
    report = gallery.add([scans], verifier)
    assert (report.added, report.failed, len(gallery)) == (9, {}, 9)
    (scans / "artist 0" / "0.png").unlink()
    work_of(5, 5).save(scans / "artist 1" / "1.png")
    (scans / "artist 2" / "broken.png").write_bytes(b"no image")
    os.utime(scans / "artist 2" / "2.png", (1, 1))
    again = gallery.add([scans], verifier)
    assert (again.added, again.changed, again.unchanged) == (0, 1, 7)
    assert again.gone == (str(scans / "artist 0" / "0.png"),)
    assert list(again.failed) == [str(scans / "artist 2" / "broken.png")]
    works, rows = gallery.embeddings()
    for stored, row in zip(works, rows, strict=True):
        if stored.work.path not in again.gone:
            np.testing.assert_allclose(row, verifier.embed([stored.work.path])[0], atol=1e-6)
    assert gallery.remove(gallery.gone()) == 1
    assert len(gallery) == 8


def test_the_same_picture_under_another_name_is_not_embedded_again(gallery, scans, verifier):
    gallery.add([scans], verifier)
    copy = scans.parent / "copy.png"
    copy.write_bytes((scans / "artist 0" / "0.png").read_bytes())
    gallery.add([copy], verifier)
    works, rows = gallery.embeddings()
    by_path = {stored.work.path: row for stored, row in zip(works, rows, strict=True)}
    np.testing.assert_array_equal(by_path[str(copy)], by_path[str(scans / "artist 0" / "0.png")])


def test_tables_other_galleries_and_export(gallery, scans, verifier, tmp_path):
    table = tmp_path / "works.csv"
    table.write_text(
        "path,artist,date,room\nscans/artist 0/0.png,A,1880,north\nscans/artist 1/0.png,B,,\n"
    )
    gallery.add([table], verifier)
    assert gallery.info().columns[-1] == "room"
    assert [s.work.artist for s in gallery.list(["room=north"])] == ["A"]
    with Gallery.create(tmp_path / "other", verifier.folder) as other:
        report = other.add([gallery.folder], verifier)
        assert (report.added, len(other)) == (2, 2)
        assert other.add([gallery.folder], verifier).unchanged == 2
    gallery.export(tmp_path / "out.parquet")
    frame = pl.read_parquet(tmp_path / "out.parquet")
    assert frame["room"].to_list() == ["north", None]
    np.testing.assert_array_equal(frame["embedding"].to_numpy(), gallery.embeddings()[1])


def test_a_gallery_of_another_model_is_refused_and_mended(gallery, scans, verifier, tmp_path):
    gallery.add([scans], verifier)
    with gallery.store.writing():
        gallery.store._connection.execute("UPDATE about SET value = 'x' WHERE key = 'encoder'")
    with pytest.raises(GalleryError, match="another model|not with .* re-embed"):
        Gallery.open(gallery.folder, verifier.folder)
    (scans / "artist 0" / "0.png").unlink()
    with pytest.raises(GalleryError, match="--drop-gone"):
        gallery.re_embed(verifier)
    assert gallery.re_embed(verifier, drop_gone=True) == (8, 1)
    with Gallery.open(gallery.folder, verifier.folder) as mended:
        works, rows = mended.embeddings()
        assert len(works) == 8
        np.testing.assert_allclose(rows[3], verifier.embed([works[3].work.path])[0], atol=1e-6)
    assert len(list(gallery.folder.glob("vectors-*.f32"))) == 1


@settings(max_examples=40)
@given(
    artists=st.lists(st.sampled_from(["A", "B", None]), min_size=1, max_size=30),
    dates=st.lists(st.sampled_from(["1850", "1900", None]), min_size=30, max_size=30),
    removed=st.sets(st.integers(0, 29)),
    condition=st.sampled_from(
        ["artist=A", "artist!=A", "artist=", "artist!=", "date>=1880", "date<=1880", "artist~b"]
    ),
    count=st.integers(1, 12),
)
def test_search_and_filters_equal_brute_force(
    tmp_path_factory, tiny_model, artists, dates, removed, condition, count
):
    folder = tmp_path_factory.mktemp("g") / "g"
    rows = unit(len(artists), len(artists))
    with Gallery.create(folder, open_model(tiny_model)) as gallery:
        works = [Work(f"/{i}", artist=a, date=dates[i]) for i, a in enumerate(artists)]
        put(gallery, works, rows)
        gallery.remove([f"/{i}" for i in removed])
        kept = [i for i in range(len(works)) if i not in removed]
        holds = {
            "artist=A": lambda w: w.artist == "A",
            "artist!=A": lambda w: w.artist != "A",
            "artist=": lambda w: w.artist is None,
            "artist!=": lambda w: w.artist is not None,
            "date>=1880": lambda w: w.date == "1900",
            "date<=1880": lambda w: w.date == "1850",
            "artist~b": lambda w: w.artist == "B",
        }[condition]
        wanted = [i for i in kept if holds(works[i])]
        assert [s.work.path for s in gallery.list([condition])] == [f"/{i}" for i in wanted]
        probe = unit(1, 99)[0]
        for where, among in (([], kept), ([condition], wanted)):
            near = gallery.nearest(probe, count, where)
            order = sorted(among, key=lambda i: -float(rows[i] @ probe))[:count]
            assert [s.work.path for s in near.works] == [f"/{i}" for i in order]
            np.testing.assert_array_equal(near.embeddings, rows[order])


def test_the_index_finds_what_exact_search_finds(tmp_path):
    rows = unit(4000)
    info = build_index(tmp_path, 0, rows)
    assert info.recall_at_10 >= 0.9
    index = open_index(tmp_path, 0, rows.shape)
    assert index is not None
    assert open_index(tmp_path, 1, rows.shape) is None
    from samehand.gallery.index import approximate_nearest

    holes, more = np.array([5, 7]), np.concatenate([rows, unit(50, 3)])
    hits = 0
    for probe in unit(40, 4):
        found = approximate_nearest(index, more, probe, 10, holes, None)
        allowed = np.setdiff1d(np.arange(len(more)), holes)
        hits += len(np.intersect1d(found, exact_nearest(more, probe, 10, allowed)))
        assert not np.isin(found, holes).any()
        some = approximate_nearest(index, more, probe, 10, holes[:0], np.arange(0, 4050, 3))
        assert (some % 3 == 0).all()
    assert hits >= 0.9 * 400


def test_names_places_and_mistakes(tmp_path, tiny_model, gallery, verifier, monkeypatch):
    monkeypatch.setenv("SAMEHAND_HOME", str(tmp_path / "home"))
    assert gallery_folder("masters") == tmp_path / "home" / "galleries" / "masters"
    with Gallery.create("masters", open_model(tiny_model)) as made:
        assert made.name == "masters"
    with pytest.raises(GalleryError, match="exists"):
        Gallery.create("masters", open_model(tiny_model))
    with pytest.raises(GalleryError, match="no gallery at"):
        Gallery.open("nowhere")
    for wrong, match in (
        ("colour=red", "no column"),
        ("x", "not a condition"),
        ("date>=y", "number"),
    ):
        with pytest.raises(GalleryError, match=match):
            list(gallery.list([wrong]))
    with pytest.raises(CatalogueError, match="does not exist"):
        gallery.add([tmp_path / "missing"], verifier)
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "gallery.sqlite").write_bytes(b"not a database at all" * 100)
    with pytest.raises(GalleryError, match="damaged"):
        Gallery.open(tmp_path / "bad")


def test_lost_embeddings_are_one_sentence(gallery):
    put(gallery, [Work("/a")], unit(1))
    os.truncate(gallery.store.vector_path(0), 10)
    with pytest.raises(GalleryError, match="re-embed"):
        gallery.nearest(unit(1)[0], 1)


ADD = """
import sys
import numpy as np
from samehand.gallery import Gallery, Work
from samehand.gallery.store import FileState, NewWork
folder, name, most = sys.argv[1], sys.argv[2], int(sys.argv[3])
gallery = Gallery.open(folder)
for n in range(most):
    rows = np.full((20, 24), 0.0, np.float32)
    rows[:, 0] = n
    rows[:, 1] = np.arange(20)
    works = [NewWork(Work(f"/{name}/{n}/{i}"), FileState("x", 1, 1)) for i in range(20)]
    gallery.store.put(works, rows, gallery.store.about().encoder)
    print(n, flush=True)
"""


def start(gallery, name, most):
    return subprocess.Popen(
        [sys.executable, "-c", ADD, str(gallery.folder), name, str(most)],
        stdout=subprocess.PIPE,
        text=True,
    )


def check_rows(gallery):
    works, rows = gallery.embeddings()
    for stored, row in zip(works, rows, strict=True):
        _, _, batch, place = stored.work.path.split("/")
        assert (row[0], row[1]) == (int(batch), int(place))
    return {stored.work.path for stored in works}


def kill_at_random(gallery, times, seed):
    draw = np.random.default_rng(seed)
    reported = set()
    for round_ in range(times):
        child = start(gallery, f"r{round_}", 10**6)
        assert child.stdout is not None
        first = child.stdout.readline()
        timer = threading.Timer(float(draw.uniform(0, 0.3)), child.kill)
        timer.start()
        said = [first, *child.stdout.readlines()]
        child.wait()
        child.stdout.close()
        timer.join()
        for n in (int(line) for line in said if line.endswith("\n")):
            reported |= {f"/r{round_}/{n}/{i}" for i in range(20)}
        with Gallery.open(gallery.folder) as opened:
            held = check_rows(opened)
            assert reported <= held
            assert len(held) % 20 == 0, "half a batch is stored"


def test_a_killed_process_loses_nothing_it_reported(gallery):
    kill_at_random(gallery, 3, 0)


@pytest.mark.slow
def test_many_killed_processes_lose_nothing_they_reported(gallery):
    kill_at_random(gallery, 100, 1)


def test_two_writers_do_not_disturb_each_other(gallery):
    children = [start(gallery, name, 15) for name in ("a", "b")]
    assert [child.wait(timeout=120) for child in children] == [0, 0]
    for child in children:
        child.stdout.close()
    wanted = {f"/{c}/{n}/{i}" for c in "ab" for n in range(15) for i in range(20)}
    assert check_rows(gallery) == wanted


def test_records_are_json(gallery):
    put(gallery, [Work("/a", extra={"room": "x"})], unit(1))
    json.dumps(gallery.info(look_for_files=True).to_dict())
    json.dumps([stored.record().to_dict() for stored in gallery.list()])
    assert gallery.info(look_for_files=True).gone == 1


def test_a_misspelt_gallery_is_guessed(verifier, tmp_path, monkeypatch):
    monkeypatch.setenv("SAMEHAND_HOME", str(tmp_path))
    Gallery.create("masters", verifier.folder).close()
    with pytest.raises(GalleryError, match=r"no gallery at .*mastres; did you mean masters\?$"):
        Gallery.open("mastres")
    with pytest.raises(GalleryError, match=r"make one with samehand gallery create 'old works'$"):
        Gallery.open("old works")
