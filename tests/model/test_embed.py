import os
import signal
import threading
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from samehand.errors import CatalogueError, OutputError
from samehand.images.condition import KINDS_VERSION
from samehand.model.embed import EmbeddingTable, default_cache, embed_catalogued, embed_files
from samehand.model.runtime import Embedder
from samehand.verification.verifier import SameHand


class Counting(Embedder):
    """A real encoder that counts the paintings it has looked at."""

    paintings = 0

    def embed(self, views: np.ndarray) -> np.ndarray:
        self.paintings += len(views)
        return super().embed(views)


class Interrupted(Embedder):
    """A real encoder whose user presses Ctrl-C while the second batch is embedded."""

    def embed(self, views: np.ndarray) -> np.ndarray:
        self.batches = getattr(self, "batches", 0) + 1
        if self.batches == 2:
            signal.raise_signal(signal.SIGINT)
        return super().embed(views)


@pytest.fixture
def paths(tmp_path: Path, work_of) -> list[Path]:
    """Eleven paintings, more than one batch of the encoder."""
    folder = tmp_path / "paintings"
    folder.mkdir()
    found = [folder / f"{index}.png" for index in range(11)]
    for index, path in enumerate(found):
        work_of(index, 0, (40, 40)).save(path)
    return found


def parts_of(cache: Path, verifier: SameHand) -> dict[Path, list[str]]:
    """The digests that each part of the cache holds."""
    found = {}
    for part in (cache / verifier.embedder.config.digest).glob("*"):
        with safe_open(part, framework="np") as stored:
            found[part] = stored.metadata()["sha256"].split()
    return found


def test_rows_are_in_the_order_of_the_paths(verifier: SameHand, paths: list[Path]):
    table = embed_files(verifier.embedder, paths)
    assert table.failures == {}
    assert table.embeddings.dtype == np.float32
    for row, path in zip(table.embeddings, paths, strict=True):
        np.testing.assert_allclose(row, verifier.embed([path])[0], atol=1e-5)
    backwards = embed_files(verifier.embedder, paths[::-1])
    np.testing.assert_allclose(backwards.embeddings, table.embeddings[::-1], atol=1e-5)


def test_each_content_is_embedded_once(verifier: SameHand, paths: list[Path], tmp_path: Path):
    twin = paths[0].with_name("twin.png")
    twin.write_bytes(paths[0].read_bytes())
    asked = [paths[0], twin, paths[1], paths[0], twin]
    embedder = Counting(verifier.embedder.config)
    table = embed_files(embedder, asked, tmp_path / "cache")
    assert embedder.paintings == 2
    np.testing.assert_array_equal(table.embeddings[[1, 3, 4]], table.embeddings[[0, 0, 0]])
    ((_, digests),) = parts_of(tmp_path / "cache", verifier).items()
    assert len(digests) == len(set(digests)) == 2


def test_what_the_cache_holds_is_not_embedded_again(
    verifier: SameHand, paths: list[Path], tmp_path: Path
):
    cache = tmp_path / "cache"
    first = embed_files(verifier.embedder, paths[:4], cache)
    (part,) = parts_of(cache, verifier)
    # Marked, so that a row from the cache can be told from a fresh one.
    marked = -load_file(part)["embeddings"]
    with safe_open(part, framework="np") as stored:
        metadata = stored.metadata()
    save_file({"embeddings": marked}, part, metadata=metadata)
    second = embed_files(verifier.embedder, paths, cache)
    np.testing.assert_array_equal(second.embeddings[:4], -first.embeddings)
    np.testing.assert_allclose(second.embeddings[4], verifier.embed(paths[4:5])[0], atol=1e-5)
    assert sorted(len(digests) for digests in parts_of(cache, verifier).values()) == [4, 7]
    third = embed_files(verifier.embedder, paths[::-1], cache)
    np.testing.assert_array_equal(third.embeddings, second.embeddings[::-1])
    assert len(parts_of(cache, verifier)) == 2


def test_a_renamed_painting_is_known_and_a_changed_one_is_not(
    verifier: SameHand, paths: list[Path], tmp_path: Path, work_of
):
    cache = tmp_path / "cache"
    before = embed_files(verifier.embedder, paths[:1], cache).embeddings
    renamed = paths[0].rename(paths[0].with_name("renamed.png"))
    np.testing.assert_array_equal(
        embed_files(verifier.embedder, [renamed], cache).embeddings, before
    )
    assert len(parts_of(cache, verifier)) == 1
    work_of(77, 0).save(renamed)
    after = embed_files(verifier.embedder, [renamed], cache).embeddings
    assert np.abs(after - before).max() > 0.05


def test_an_interrupted_call_keeps_what_it_has_done(
    verifier: SameHand, paths: list[Path], tmp_path: Path
):
    cache = tmp_path / "cache"
    # A shell that starts the tests in the background has them ignore Ctrl-C.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with pytest.raises(KeyboardInterrupt):
        embed_files(Interrupted(verifier.embedder.config), paths, cache)
    signal.signal(signal.SIGINT, before)
    ((_, digests),) = parts_of(cache, verifier).items()
    assert len(digests) == 8
    table = embed_files(verifier.embedder, paths, cache)
    assert sorted(len(digests) for digests in parts_of(cache, verifier).values()) == [3, 8]
    np.testing.assert_allclose(table.embeddings, verifier.embed(paths), atol=1e-5)


@pytest.mark.parametrize("damage", ["cut", "empty", "text", "no metadata", "fewer rows", "folder"])
def test_a_damaged_part_only_costs_time(
    verifier: SameHand, paths: list[Path], tmp_path: Path, damage: str
):
    cache = tmp_path / "cache"
    first = embed_files(verifier.embedder, paths[:3], cache)
    ((part, digests),) = parts_of(cache, verifier).items()
    whole, rows = part.read_bytes(), load_file(part)["embeddings"]
    if damage == "folder":
        part.unlink()
        part.mkdir()
    elif damage == "no metadata":
        save_file({"embeddings": rows}, part)
    elif damage == "fewer rows":
        save_file({"embeddings": rows[:2]}, part, metadata={"sha256": " ".join(digests)})
    else:
        part.write_bytes({"cut": whole[: len(whole) // 2], "empty": b"", "text": b"hello"}[damage])
    second = embed_files(verifier.embedder, paths[:3], cache)
    np.testing.assert_allclose(second.embeddings, first.embeddings, atol=1e-6)


def test_another_model_does_not_read_the_cache(
    verifier: SameHand, paths: list[Path], tmp_path: Path
):
    cache = tmp_path / "cache"
    embed_files(verifier.embedder, paths[:2], cache)
    names = {folder.name for folder in cache.iterdir()}
    assert names == {verifier.embedder.config.digest, f"kinds-{KINDS_VERSION}"}


def test_unreadable_images_are_reported_and_the_rest_embedded(
    verifier: SameHand, paths: list[Path], tmp_path: Path
):
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.jpg").write_text("Dear diary")
    (tmp_path / "same-text.jpg").write_text("Dear diary")
    (tmp_path / "cut.png").write_bytes(paths[0].read_bytes()[:200])
    bad = {
        tmp_path / "gone.jpg": "no file at",
        tmp_path: "is a folder",
        tmp_path / "empty.jpg": "is empty",
        tmp_path / "text.jpg": "is not an image",
        tmp_path / "same-text.jpg": "is not an image",
        tmp_path / "cut.png": "cut short",
        tmp_path / ("x" * 5000): "cannot be read",
    }
    asked = [path for pair in zip(bad, paths, strict=False) for path in pair]
    table = embed_files(verifier.embedder, asked, tmp_path / "cache")
    assert set(table.failures) == set(bad)
    for path, reason in bad.items():
        assert reason in table.failures[path]
    assert not table.embeddings[::2].any()
    np.testing.assert_allclose(table.embeddings[1::2], verifier.embed(paths[: len(bad)]), atol=1e-5)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
def test_a_pipe_among_the_paths_does_not_hang(
    verifier: SameHand, paths: list[Path], tmp_path: Path
):
    os.mkfifo(tmp_path / "pipe.jpg")
    found: list[EmbeddingTable] = []
    asked = [paths[0], tmp_path / "pipe.jpg"]
    worker = threading.Thread(
        target=lambda: found.append(embed_files(verifier.embedder, asked)), daemon=True
    )
    worker.start()
    worker.join(timeout=20)
    assert not worker.is_alive()
    assert "is a pipe" in found[0].failures[tmp_path / "pipe.jpg"]


def test_nothing_asked_or_nothing_readable_keeps_the_width(verifier: SameHand, tmp_path: Path):
    assert embed_files(verifier.embedder, []).embeddings.shape == (0, 24)
    assert embed_files(verifier.embedder, [tmp_path / "gone"]).embeddings.shape == (1, 24)


def test_a_cache_that_cannot_be_written_is_named(
    verifier: SameHand, paths: list[Path], tmp_path: Path
):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=f"cannot write {tmp_path}/file/"):
        embed_files(verifier.embedder, paths[:1], tmp_path / "file")


def test_the_cache_is_where_the_user_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    for name in ("SAMEHAND_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_cache() == tmp_path / ".cache" / "samehand"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert default_cache() == tmp_path / "xdg" / "samehand"
    monkeypatch.setenv("SAMEHAND_CACHE", str(tmp_path / "mine"))
    assert default_cache() == tmp_path / "mine"


def test_a_catalogue_with_an_unreadable_image_is_to_be_prepared_again(verifier, work_of, tmp_path):
    work_of(0, 0).save(tmp_path / "good.png")
    (tmp_path / "bad.png").write_bytes(b"")
    rows = embed_catalogued(verifier.embedder, ["good.png"], tmp_path)
    np.testing.assert_allclose(rows, verifier.embed([work_of(0, 0)]), atol=1e-6)
    with pytest.raises(CatalogueError, match=r"bad.png is empty.*\(1 such image in.*prepare again"):
        embed_catalogued(verifier.embedder, ["good.png", "bad.png"], tmp_path)
