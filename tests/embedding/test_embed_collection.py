"""Embedding at scale: each picture has its row or its sentence, and nothing is done twice."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from samehand.embedding.engines import LocalEngine
from samehand.embedding.inputs import Batch, batches, list_pictures
from samehand.embedding.output import finished, write_part
from samehand.embedding.rows import Picture, embed_pictures
from samehand.embedding.run import embed_collection, parse_shard
from samehand.errors import CatalogueError, MissingExtraError, OutputError
from samehand.files import sha256_file
from samehand.gallery import Gallery
from samehand.model.embed import cached_embeddings
from samehand.model.lance_parts import read_lance_part


@pytest.fixture
def scans(tmp_path, work_of):
    folder = tmp_path / "scans"
    for artist in range(3):
        (folder / f"artist {artist}").mkdir(parents=True)
        for work in range(3):
            work_of(artist, work).save(folder / f"artist {artist}" / f"{work}.png")
    (folder / "artist 2" / "broken.jpg").write_bytes(b"no image")
    return folder


def rows_in(out):
    places = [str(place) for place in Path(out).glob("*/part-*")]
    columns = ["path", "stamp", "sha256", "encoder", "embedding", "problem"]
    tables = [
        read_lance_part(place, columns) if place.endswith(".lance") else pl.read_parquet(place)
        for place in places
    ]
    table = pl.concat(table.select(columns) for table in tables)
    return {row["path"]: row for row in table.iter_rows(named=True)}


def same_rows(one, other):
    assert one.keys() == other.keys()
    for path, row in one.items():
        assert {**row, "embedding": None} == {**other[path], "embedding": None}
        np.testing.assert_allclose(
            row["embedding"] or [], other[path]["embedding"] or [], atol=1e-6
        )


def test_every_picture_has_a_row_with_its_embedding_or_its_sentence(scans, tmp_path, tiny_model,
                                                                    verifier):  # fmt: skip
    report = embed_collection([scans], tmp_path / "out", model=tiny_model, batch=4)
    assert (report.embedded, report.already) == (9, 0)
    broken = str(scans / "artist 2" / "broken.jpg")
    assert list(report.failed) == [broken]
    assert broken in report.failed[broken]
    rows = rows_in(tmp_path / "out")
    assert len(rows) == 10
    digest = verifier.embedder.config.digest
    assert report.out == str(tmp_path / "out" / digest)
    for path, row in rows.items():
        assert (row["sha256"], row["encoder"]) == (sha256_file(path), digest)
        if path == broken:
            assert (row["embedding"], row["problem"]) == (None, report.failed[broken])
        else:
            np.testing.assert_allclose(row["embedding"], verifier.embed([path])[0], atol=1e-6)
            assert row["problem"] is None


def test_only_what_is_new_or_changed_is_embedded_again(scans, tmp_path, tiny_model, work_of):
    out = tmp_path / "out"
    embed_collection([scans], out, model=tiny_model, batch=4)
    again = embed_collection([scans], out, model=tiny_model, batch=3)
    assert (again.embedded, again.failed, again.already) == (0, {}, 10)
    work_of(7, 7).save(scans / "artist 0" / "0.png")
    work_of(8, 8).save(scans / "artist 0" / "new.png")
    part = next(Path(again.out).glob("part-*.parquet"))
    lost = pl.read_parquet(part).height
    part.write_bytes(b"damaged")
    third = embed_collection([scans], out, model=tiny_model)
    assert third.embedded + len(third.failed) in (lost + 1, lost + 2)
    part.unlink()
    table = pl.read_parquet(f"{third.out}/part-*.parquet").drop_nulls("embedding")
    assert set(table["sha256"]) >= {sha256_file(path) for path in scans.rglob("*.png")}


def test_parts_in_lance_hold_the_rows_of_parts_in_parquet(scans, tmp_path, tiny_model, verifier):
    pytest.importorskip("lancedb")
    embed_collection([scans], tmp_path / "parquet", model=tiny_model, batch=4)
    first = embed_collection([scans], tmp_path / "lance", model=tiny_model, batch=4, form="lance")
    assert (first.embedded, len(first.failed), first.already) == (9, 1, 0)
    same_rows(rows_in(tmp_path / "lance"), rows_in(tmp_path / "parquet"))
    parts = sorted(Path(first.out).iterdir())
    assert [part.suffix for part in parts] == [".lance"] * 3
    schema = read_lance_part(str(parts[0]), ["embedding"]).schema
    assert schema["embedding"] == pl.Array(pl.Float32, verifier.embedder.width)
    # What a killed worker leaves is a part without a version, which no reader sees.
    shutil.rmtree(parts[0] / "_versions")
    lost = {path for part in parts[1:] for path in read_lance_part(str(part), ["path"])["path"]}
    for form in ("lance", "parquet"):  # a rerun may change its mind about the form
        again = embed_collection([scans], tmp_path / "lance", model=tiny_model, form=form)
        assert again.already == (len(lost) if form == "lance" else 10)
    same_rows(rows_in(tmp_path / "lance"), rows_in(tmp_path / "parquet"))
    paths = sorted(scans.glob("artist 0/*.png"))
    digests = [sha256_file(path) for path in paths]
    kept = cached_embeddings(verifier.embedder, tmp_path / "lance", set(digests))
    for path, digest in zip(paths, digests, strict=True):
        np.testing.assert_allclose(kept[digest], verifier.embed([path])[0], atol=1e-6)


def test_a_part_in_lance_is_replaced_when_it_is_written_again(tmp_path):
    pytest.importorskip("lancedb")
    for _ in range(2):
        write_part(str(tmp_path), "x", embed_pictures_of_nothing(), 3, "lance")
    table = read_lance_part(str(tmp_path / "part-x.lance"), ["path", "embedding"])
    assert table.rows() == [("a", None)]
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="choose a folder"):
        write_part(str(tmp_path / "file"), "x", embed_pictures_of_nothing(), 3, "lance")


def test_a_picture_that_could_not_be_read_is_tried_again(scans, tmp_path, tiny_model):
    table = tmp_path / "works.csv"
    table.write_text("path\nscans/artist 0/0.png\nlater.png\n")
    first = embed_collection([table], tmp_path / "out", model=tiny_model)
    assert (first.embedded, [Path(path).name for path in first.failed]) == (1, ["later.png"])
    (scans / "artist 0" / "1.png").rename(tmp_path / "later.png")
    again = embed_collection([table], tmp_path / "out", model=tiny_model)
    assert (again.embedded, again.failed, again.already) == (1, {}, 1)


def test_equal_contents_are_embedded_once_and_named_apart(verifier, scans):
    data = (scans / "artist 0" / "0.png").read_bytes()
    seen = []

    class Counting:
        config, width, dtype = verifier.embedder.config, verifier.embedder.width, np.float32
        render = staticmethod(verifier.embedder.render)

        def embed(self, views):
            seen.append(len(views))
            return verifier.embedder.embed(views)

    pictures = [Picture("a", "1", data), Picture("b", "1", b"bad"), Picture("c", "1", data),
                Picture("d", "1", b"bad"), Picture("e", "", problem="gone")]  # fmt: skip
    rows = embed_pictures(Counting(), pictures)
    assert sum(seen) == 1
    np.testing.assert_array_equal(rows[0].embedding, rows[2].embedding)
    assert [row.problem and row.problem.split()[0] for row in rows] == [
        None, "b", None, "d", "gone",
    ]  # fmt: skip
    assert [row.sha256 is None for row in rows] == [False, False, False, False, True]


def test_tar_shards_are_read_whole_and_a_damaged_one_is_a_row(scans, tmp_path, tiny_model):
    shards = []
    for artist in range(3):
        shards.append(tmp_path / f"{artist}.tar{'.gz' if artist else ''}")
        with tarfile.open(shards[-1], "w:gz" if artist else "w") as archive:
            archive.add(scans / f"artist {artist}", arcname=f"art/{artist}")
            notes = tarfile.TarInfo("art/notes.txt")
            notes.size = 3
            archive.addfile(notes, io.BytesIO(b"abc"))
    shards[1].write_bytes(shards[1].read_bytes()[:-200])
    report = embed_collection(shards, tmp_path / "out", model=tiny_model)
    rows = rows_in(tmp_path / "out")
    plain = {name: row for name, row in rows.items() if name.startswith(str(shards[0]))}
    assert sorted(plain) == [f"{shards[0]}/art/0/{i}.png" for i in range(3)]
    for name, row in plain.items():
        assert row["sha256"] == sha256_file(scans / "artist 0" / Path(name).name)
    assert "damaged or not a tar shard" in report.failed[str(shards[1])]
    again = embed_collection(shards, tmp_path / "out", model=tiny_model)
    # The whole ones are done; the damaged one is tried again, in place of its rows.
    assert (again.already, str(shards[1]) in again.failed) == (2, True)
    assert rows_in(tmp_path / "out").keys() == rows.keys()


def test_a_pattern_of_tar_shards_is_all_of_them(scans, tmp_path, tiny_model):
    for number in (2, 10):
        with tarfile.open(tmp_path / f"{number}.tar", "w") as archive:
            archive.add(scans / "artist 0" / "0.png", arcname="0.png")
    assert embed_collection([tmp_path / "*.tar"], tmp_path / "out", model=tiny_model).embedded == 2
    missing = str(tmp_path / "none-*.tar")
    report = embed_collection([missing], tmp_path / "nothing", model=tiny_model)
    assert "no such file" in report.failed[missing]


def test_an_empty_share_is_no_failure(scans, tmp_path, tiny_model, samehand):
    one = scans / "artist 0" / "0.png"
    asked = ("embed", one, "--out", tmp_path / "out", "--model", tiny_model)
    codes = [samehand(*asked, "--shard", f"{k}/3").code for k in (1, 2, 3)]
    assert codes == [0, 0, 0]
    (tmp_path / "broken.png").write_bytes(b"no picture")
    assert samehand("embed", tmp_path / "broken.png", *asked[2:]).code == 2


def test_shares_together_are_all_and_overlap_in_nothing(scans, tmp_path, tiny_model):
    counts = [
        embed_collection([scans], tmp_path / "out", model=tiny_model, shard=(k, 3), batch=2)
        for k in (1, 2, 3)
    ]
    assert sum(one.embedded for one in counts) == 9
    assert all(one.already == 0 for one in counts)
    whole = embed_collection([scans], tmp_path / "whole", model=tiny_model)
    assert whole.embedded == 9
    same_rows(rows_in(tmp_path / "out"), rows_in(tmp_path / "whole"))
    assert parse_shard("3/16") == (3, 16)
    for wrong in ("0/3", "4/3", "3", "a/b", "1/0"):
        with pytest.raises(CatalogueError, match="3/16"):
            parse_shard(wrong)


def test_batches_hold_each_picture_once_and_are_named_by_what_they_hold(scans):
    listing = list_pictures([scans])
    found, already = batches(listing, 4, (1, 1), set(), set())
    assert ([len(one.pictures) for one in found], already) == ([4, 4, 2], 0)
    assert [p for one in found for p in one.pictures] == listing.pictures
    assert len({one.name for one in found}) == 3
    done = {(one.path, one.stamp) for one in listing.pictures[:4]}
    rest, already = batches(listing, 4, (1, 1), done, set())
    assert (rest, already) == (found[1:], 4)


def test_addresses_are_read_and_written_through_fsspec(scans, tmp_path, tiny_model):
    fsspec = pytest.importorskip("fsspec")
    memory = fsspec.filesystem("memory")
    memory.pipe({f"/in/{path.name}": path.read_bytes() for path in scans.rglob("0.png")})
    memory.pipe("/in/.hidden/x.png", b"x")
    report = embed_collection(["memory://in", scans], "memory://out", model=tiny_model)
    assert report.embedded == 10
    (part,) = memory.ls("/out/" + report.out.rpartition("/")[2], detail=False)
    table = pl.read_parquet(memory.cat(part))
    assert "memory:///in/0.png" in set(table["path"])
    assert embed_collection(["memory://in"], "memory://out", model=tiny_model).already == 1
    assert embed_collection(["memory://in/*.png"], "memory://o2", model=tiny_model).embedded == 1
    with pytest.raises(CatalogueError, match="check the address"):
        embed_collection(["memory://nothing"], "memory://out", model=tiny_model)
    with pytest.raises(CatalogueError, match="check the address"):
        embed_collection(["nonsense://x"], "memory://out", model=tiny_model)


def test_a_gallery_takes_embeddings_from_the_rows(scans, tmp_path, tiny_model, verifier):
    embed_collection([scans], tmp_path / "out", model=tiny_model)
    (path,) = (tmp_path / "out").glob("*/part-*.parquet")
    table = pl.read_parquet(path)
    # Rows that no encoder makes, so that it shows where they come from.
    turned = -table["embedding"].drop_nulls().to_numpy()
    known = table.filter(pl.col("embedding").is_not_null()).with_columns(
        pl.Series("embedding", turned, dtype=table.schema["embedding"])
    )
    known.write_parquet(path)
    with Gallery.create(tmp_path / "g", verifier) as gallery:
        assert gallery.add([scans / "artist 0"], verifier, cache=tmp_path / "out").added == 3
        works, rows = gallery.embeddings()
        for stored, row in zip(works, rows, strict=True):
            np.testing.assert_allclose(row, -verifier.embed([stored.work.path])[0], atol=1e-6)


def test_mistakes_are_one_sentence(scans, tmp_path, tiny_model, samehand, monkeypatch):
    with pytest.raises(CatalogueError, match="at least 1"):
        embed_collection([scans], tmp_path / "out", model=tiny_model, batch=0)
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write"):
        embed_collection([scans], tmp_path / "file", model=tiny_model)
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "a.jpg").write_bytes(b"x")
    run = samehand("embed", tmp_path / "bad", "--out", tmp_path / "o", "--model", tiny_model)
    assert run.code == 2
    assert "not embedded" in run.err
    run = samehand("embed", scans, "--out", tmp_path / "o", "--model", tiny_model, "--json")
    assert json.loads(run.out)["embedded"] == 9
    monkeypatch.setitem(sys.modules, "lancedb", None)
    run = samehand("embed", scans, "--out", tmp_path / "l", "--format", "lance")
    assert (run.code, (tmp_path / "l").exists()) == (2, False)
    assert "samehand[lance]" in run.err
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(MissingExtraError, match=r"samehand\[ray\]"):
        embed_collection([scans], "s3://bucket/out", model=tiny_model)


def test_an_engine_may_do_batches_in_any_order(scans, tmp_path, tiny_model):
    class Backwards:
        def run(self, batches, task):
            return LocalEngine().run(reversed(list(batches)), task)

    report = embed_collection(
        [scans], tmp_path / "back", model=tiny_model, batch=2, engine=Backwards()
    )
    assert report.embedded == 9
    embed_collection([scans], tmp_path / "out", model=tiny_model, batch=2)
    same_rows(rows_in(tmp_path / "back"), rows_in(tmp_path / "out"))


def test_a_part_without_embeddings_can_be_read(tmp_path):
    rows = embed_pictures_of_nothing()
    write_part(str(tmp_path), "x", rows, 3)
    table = pl.read_parquet(tmp_path / "part-x.parquet")
    assert table["embedding"].to_list() == [None]
    assert table.schema["embedding"] == pl.Array(pl.Float32, 3)
    assert finished(str(tmp_path)) == (set(), set())
    assert finished(str(tmp_path / "nothing")) == (set(), set())
    assert list(Batch("empty").read()) == []


def embed_pictures_of_nothing():
    class Nothing:
        class config:
            digest = "d"

    return embed_pictures(Nothing(), [Picture("a", "", problem="gone")])


COMMAND = [sys.executable, "-m", "samehand", "embed"]


def test_a_killed_command_costs_its_batch_and_no_more(tmp_path, tiny_model, work_of):
    folder = tmp_path / "many"
    folder.mkdir()
    for work in range(60):
        work_of(work, 0).save(folder / f"{work}.png")
    command = [*COMMAND, folder, "--out", tmp_path / "out", "--model", tiny_model, "--batch", "1"]
    child = subprocess.Popen([*map(os.fspath, command)], stdout=subprocess.DEVNULL)
    while not list((tmp_path / "out").glob("*/part-*.parquet")):
        assert child.poll() is None
        time.sleep(0.005)
    child.send_signal(signal.SIGKILL)
    child.wait()
    there = len(list((tmp_path / "out").glob("*/part-*.parquet")))
    report = embed_collection([folder], tmp_path / "out", model=tiny_model)
    assert (report.already, report.embedded) == (there, 60 - there)
    assert len(rows_in(tmp_path / "out")) == 60


def test_a_name_that_is_not_utf8_is_said_and_the_others_are_embedded(
    tmp_path, tiny_model, oddly_named
):
    report = embed_collection([oddly_named], tmp_path / "out", model=tiny_model)
    assert report.embedded == 1
    (said,) = report.failed.values()
    assert r"\udce9/\udcff.png has a name that is not UTF-8" in said
