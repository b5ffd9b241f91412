"""The campaign's mutations of tables and galleries, and writers killed at random moments."""

import csv
import io
import os
import resource
import shutil
import signal
import tempfile
import time
import traceback
from pathlib import Path

import numpy as np

from benchmarks.campaign_trial import Trial, tried
from samehand.catalogue.manifest import read_csv
from samehand.errors import SamehandError
from samehand.gallery import Gallery
from samehand.gallery.places import DATABASE
from samehand.gallery.schema import About, create_database
from samehand.gallery.store import FileState, NewWork, Store
from samehand.gallery.works import Work
from samehand.records import Floats

WIDTH = 16
_ENCODER = "e" * 64
_BITS = ('"', ";", "\t", "\r", "\n", "\0", "\ufeff", "\u2028", "'", "=1+1", ",", "é", " " * 40)


def tables(rng: np.random.Generator) -> Trial:
    """Alter a table of works and read it."""
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=str(rng.choice([",", ";", "\t"])))
    writer.writerow(["path", "artist", "title"])
    for row in range(int(rng.integers(0, 8))):
        writer.writerow([f"{row}.jpg", "Monet", f'Panel {row}" high'])
    text = stream.getvalue()
    for _ in range(int(rng.integers(0, 4))):
        place = int(rng.integers(len(text) + 1))
        text = text[:place] + str(rng.choice(_BITS)) + text[place + int(rng.integers(2)) :]
    data = text.encode(str(rng.choice(["utf-8", "utf-16", "utf-8-sig"])), "surrogatepass")
    if rng.random() < 0.4 and data:
        changed = bytearray(data)
        for place in rng.integers(0, len(data), 3):
            changed[place] ^= 1 << int(rng.integers(8))
        data = bytes(changed)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        path.write_bytes(data)
        return tried("table", data, lambda: read_csv(path))


def galleries(rng: np.random.Generator) -> Trial:
    """Flip or cut bytes of one file of a gallery, and read everything in it."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "gallery"
        filled(folder, rng)
        files = sorted(path for path in folder.iterdir() if path.stat().st_size)
        path = files[int(rng.integers(len(files)))]
        data = bytearray(path.read_bytes())
        if rng.random() < 0.3:
            data = data[: int(rng.integers(len(data)))]
        else:
            for place in rng.integers(0, len(data), int(rng.integers(1, 30))):
                data[place] = int(rng.integers(256))
        path.write_bytes(data)

        def read() -> None:
            with Gallery(folder) as gallery:
                gallery.nearest(np.ones(WIDTH, np.float32) / 4, 5)
                list(gallery.list())
                gallery.info()

        return tried(f"gallery: {path.suffix}", bytes(data), read)


def kills(rng: np.random.Generator) -> Trial:
    """Kill one or two writers at a random moment; what was reported as added must be there."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "gallery"
        filled(folder, rng)
        reported = [Path(made) / f"reported-{writer}" for writer in range(int(rng.integers(1, 3)))]
        children = [writer(folder, path) for path in reported]
        time.sleep(float(rng.uniform(0, 0.25)))
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)

        trial = tried(f"kill {len(children)}", b"", lambda: whole(folder, reported, rng))
    if trial.answer == "refused":
        # Nothing was damaged, so any refusal is wrong.
        return Trial(trial.name, b"", "a killed writer leaves a gallery that is refused", "refused")
    return trial


def full(rng: np.random.Generator) -> Trial:
    """Let no file grow beyond a random size, as on a full disk, until a writer is refused."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "gallery"
        filled(folder, rng)
        reported, said = [Path(made) / "reported"], Path(made) / "said"
        most = max(path.stat().st_size for path in folder.iterdir())
        child = writer(folder, reported[0], said, most + int(rng.integers(0, 200_000)))
        os.waitpid(child, 0)
        sentence = said.read_text() if said.exists() else ""
        trial = tried("full disk", b"", lambda: whole(folder, reported, rng))
    if not trial.fault and (not sentence or "damaged" in sentence or "Traceback" in sentence):
        return Trial(trial.name, b"", f"a full disk is answered by {sentence[-300:]!r}", "refused")
    return trial


def whole(folder: Path, reported: list[Path], rng: np.random.Generator) -> None:
    """Read all of a gallery and add to it; what was reported as added must be there."""
    with Gallery(folder) as gallery:
        there = {one.work.path: one.slot for one in gallery.list()}
        works, rows = gallery.embeddings()
        if not np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-4):
            raise AssertionError("an embedding is torn")
        for path in reported:
            names = path.read_text().split() if path.exists() else []
            lost = [name for name in names if name not in there]
            if lost:
                raise AssertionError(f"{len(lost)} works are lost")
        if len(works) != len(there):
            raise AssertionError("works and embeddings differ in number")
        gallery.store.put([_work("after")], _rows(rng, 1), _ENCODER)


def writer(folder: Path, reported: Path, said: Path | None = None, most: int = 0) -> int:
    """Start a process that adds works until it is killed or, given `most`, a file is full."""
    child = os.fork()
    if child:
        return child
    rng = np.random.default_rng(os.getpid())
    with open(reported, "a") as stream:
        try:
            store = Store(folder)
            if most:
                resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
            for number in range(10_000):
                names = [f"{os.getpid()}-{number}-{i}" for i in range(5)]
                store.put([_work(name) for name in names], _rows(rng, 5), _ENCODER)
                stream.write("\n".join(names) + "\n")
                stream.flush()
        except SamehandError as error:
            if said is not None:
                said.write_text(str(error))
        except BaseException:
            if said is not None:
                said.write_text(traceback.format_exc())
    os._exit(0)


def filled(folder: Path, rng: np.random.Generator) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    create_database(folder, About(_ENCODER, "campaign", WIDTH))
    store = Store(folder)
    store.put([_work(f"{i}.jpg") for i in range(40)], _rows(rng, 40), _ENCODER)
    store.close()
    assert (folder / DATABASE).exists()


def _work(name: str) -> NewWork:
    return NewWork(Work(name, artist=f"artist {len(name)}", extra={"room": name}), _state(name))


def _state(name: str) -> FileState:
    return FileState(name.encode().hex()[:64], 1, 1)


def _rows(rng: np.random.Generator, count: int) -> Floats:
    rows = rng.normal(size=(count, WIDTH)).astype(np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)
