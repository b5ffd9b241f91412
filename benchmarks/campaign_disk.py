"""The campaign's full disks: a real small one where one may mount, else files that may not grow."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.campaign_stores import filled, full, whole, writer
from benchmarks.campaign_trial import Trial, tried
from samehand.errors import OutputError, SamehandError
from samehand.gallery import Gallery

_RIGHTS = [os.geteuid() == 0 and shutil.which("mount") is not None]


def mounts(rng: np.random.Generator) -> Trial:
    """Fill a small disk until something is refused; nothing that was there may suffer."""
    with tempfile.TemporaryDirectory() as made:
        disk = Path(made) / "disk"
        disk.mkdir()
        size = f"size={int(rng.integers(600, 4000))}k"
        if _RIGHTS[0]:
            call = ["mount", "-t", "tmpfs", "-o", size, "samehand", str(disk)]
            _RIGHTS[0] = subprocess.run(call, capture_output=True).returncode == 0
        if not _RIGHTS[0]:
            return full(rng)
        try:
            kind = (_gallery, _output, _embeddings)[int(rng.choice(3, p=[0.5, 0.25, 0.25]))]
            return kind(disk, Path(made), rng)
        finally:
            subprocess.run(["umount", "-l", str(disk)], check=True)


def _gallery(disk: Path, beside: Path, rng: np.random.Generator) -> Trial:
    """A writer of a gallery is refused; all is read on the full disk, and goes on with room."""
    folder, said = disk / "gallery", beside / "said"
    filled(folder, rng)
    _fill(disk, leave=int(rng.integers(0, 300_000)))
    reported = beside / "reported"
    os.waitpid(writer(folder, reported, said), 0)
    sentence = said.read_text() if said.exists() else ""
    name = "small disk: gallery"
    if not sentence or "damaged" in sentence or "Traceback" in sentence:
        return Trial(name, b"", f"a full disk is answered by {sentence[-400:]!r}", "refused")

    def ask() -> None:
        with Gallery(folder) as gallery:
            there = sum(1 for _ in gallery.list())
            gallery.embeddings()
        (disk / "filler").unlink()
        whole(folder, [reported], rng)
        if there < 40:
            raise AssertionError("works are lost while the disk is full")

    return _never_refused(tried(name, b"", ask))


def _output(disk: Path, beside: Path, rng: np.random.Generator) -> Trial:
    """Answers to a file; what was written before stays, and the same call goes on with room."""
    from samehand.verification.batch import answer_all
    from samehand.verification.output import Table

    pictures = [beside / f"{number}.bin" for number in range(30)]
    for path in pictures:
        path.write_bytes(rng.bytes(8))
    out = disk / ("out.csv" if rng.random() < 0.5 else "out.jsonl")
    table = Table(("content",), lambda answer: [{"content": answer["content"]}])
    asked: list[Path] = []

    def answer(path: Path) -> dict[str, str]:
        asked.append(path)
        return {"content": path.read_bytes().hex() * 200}

    def put() -> int:
        return answer_all(pictures, answer, out, table, {"command": "campaign"}, "asking").answered

    _fill(disk, leave=int(rng.integers(0, 120_000)))

    def ask() -> None:
        try:
            put()
        except OutputError as error:
            if "damaged" in str(error):
                raise AssertionError(str(error)) from error
        (disk / "filler").unlink()
        before = len(asked)
        put()
        text = out.read_text()
        lost = [path for path in pictures if text.count(path.read_bytes().hex() * 200) != 1]
        if lost:
            raise AssertionError(f"{len(lost)} answers are lost or there twice")
        if len(asked) - before > len(pictures):
            raise AssertionError("answers are asked for twice")

    return _never_refused(tried(f"small disk: {out.suffix}", b"", ask))


def _embeddings(disk: Path, beside: Path, rng: np.random.Generator) -> Trial:
    """Embeddings of a collection; the same call goes on with room, and each picture has a row."""
    import polars as pl

    from samehand.embedding.run import embed_collection

    works = beside / "works"
    works.mkdir()
    for number in range(12):
        pixels = rng.integers(0, 256, (5, 5, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((40, 40)).save(works / f"{number}.png")
    out = disk / "out"
    _fill(disk, leave=int(rng.integers(0, 30_000)))

    def put() -> None:
        embed_collection([works], out, model="lite", batch=3, threads=1)

    def ask() -> None:
        try:
            put()
        except SamehandError as error:
            if not isinstance(error, OutputError):
                raise AssertionError(f"a full disk is answered by {error}") from error
        (disk / "filler").unlink()
        put()
        rows = sum(pl.read_parquet(path).height for path in out.rglob("*.parquet"))
        if rows != 12:
            raise AssertionError(f"{rows} rows of 12 pictures")

    return _never_refused(tried("small disk: embeddings", b"", ask, 60.0))


def _fill(disk: Path, leave: int) -> None:
    """Write a file that takes all room but some bytes."""
    room = shutil.disk_usage(disk).free - leave
    (disk / "filler").write_bytes(bytes(max(0, room)))


def _never_refused(trial: Trial) -> Trial:
    """Nothing was damaged, so a refusal is wrong once there is room."""
    if trial.answer == "refused" and not trial.fault:
        return Trial(trial.name, b"", f"refused, though there is room: {trial.said}", "refused")
    return trial
