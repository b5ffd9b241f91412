"""How each engine keeps and searches a large gallery: build, add, search, memory, disk, kills.

    python -m benchmarks.scale_gallery --engine sqlite|lance [--works 1000000] [--folder DIR]

Stores works whose embeddings are drawn with the covariance of the cohort of lite, 384 numbers (no
image is opened; `gallery_size.draw_works`), builds the index, adds works to it, and searches for
the ten nearest of other works, one at a time. Every stage is a process of its own, whose peak
memory is its own. Prints one JSON object a stage, and with --folder keeps them there: rerun to go
on with the stage that was interrupted. Needs samehand[gallery,lance].
"""

import argparse
import json
import multiprocessing
import os
import resource
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks import gallery_size
from samehand.gallery.engines import create_storage, is_gallery, open_storage
from samehand.gallery.schema import About
from samehand.gallery.works import FileState, NewWork, Work

ENCODER, BATCH, BLOCK, QUERIES, EXACT, ADDED = "e" * 16, 1024, 50_000, 200, 30, 10_240
KILLS = 20
draw_works = partial(gallery_size.draw_works, model="lite")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--engine", choices=("sqlite", "lance"), required=True)
    parser.add_argument("--works", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="Where the gallery is made, and left.")
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--batch", type=int, default=BATCH, help="Works a commit of the first.")
    options = parser.parse_args()
    scratch = Path(options.folder or tempfile.mkdtemp())
    folder = scratch / f"{options.engine}-{options.works}"
    address = f"lance://{folder}" if options.engine == "lance" else str(folder)
    stages: list[tuple[str, Callable[..., dict[str, object]], tuple[object, ...]]] = [
        ("fill", fill, (address, options.works, options.batch)),
        ("index", index, (address,)),
        ("add", add, (address, options.works)),
        ("cold", cold, (address,)),
        ("search", search, (address,)),
        ("filtered", filtered, (address,)),
        ("four readers and a writer", together, (address, options.works)),
        ("kills", kills, (address, options.kills)),
    ]
    results = scratch / f"{folder.name}.jsonl"
    lines = results.read_text().splitlines() if results.exists() else []
    finished = {json.loads(line)["stage"] for line in lines}
    for name, stage, arguments in stages:
        if name in finished:
            continue
        told = _in_process(stage, arguments)
        size = sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) / 2**20
        told = {"engine": options.engine, "works": options.works, "stage": name, **told}
        line = json.dumps(told | {"disk_mb": round(size)})
        print(line, flush=True)
        with results.open("a") as stream:
            stream.write(line + "\n")
    if options.folder is None:
        shutil.rmtree(scratch)


def fill(address: str, count: int, batch: int) -> dict[str, object]:
    """Store all works, as `samehand gallery add` commits them; go on where it was interrupted."""
    if not is_gallery(address) or not Path(address.removeprefix("lance://")).exists():
        create_storage(address, About(ENCODER, "synthetic", draw_works(1, 0).shape[1])).close()
    return _put(address, 0, count, 0, batch)


def index(address: str) -> dict[str, object]:
    """Build the approximate index."""
    storage, started = open_storage(address), time.perf_counter()
    info = storage.build_index()
    seconds = time.perf_counter() - started
    return {"seconds": round(seconds, 1), "probed": info.probed, "recall@10": info.recall_at_10}


def add(address: str, count: int) -> dict[str, object]:
    """Store some more."""
    return _put(address, count, ADDED, 3)


def cold(address: str) -> dict[str, object]:
    """Open the gallery in a new process and search once; the system may hold its files."""
    probe, started = draw_works(1, 7)[0], time.perf_counter()
    storage = open_storage(address)
    storage.nearest(probe, 10)
    return {"seconds": round(time.perf_counter() - started, 2)}


def search(address: str) -> dict[str, object]:
    """Search for the ten nearest of works that are not there."""
    storage, probes = open_storage(address), draw_works(QUERIES, 7)
    found, times = _asked(storage, probes)
    true, exact_times = _asked(storage, probes[:EXACT], exact=True)
    hits = sum(len(a & b) for a, b in zip(found, true, strict=False))
    return _times(times) | {
        "recall@10": hits / (10 * EXACT),
        "exact_p50_ms": _times(exact_times)["p50_ms"],
    }


def filtered(address: str) -> dict[str, object]:
    """Search among the works that meet a condition: one in a hundred, and half of them."""
    storage, probes = open_storage(address), draw_works(10, 8)
    told: dict[str, object] = {}
    for where in ("style=style 7", "genre=genre 1"):
        times = _asked(storage, probes, where=(where,))[1]
        told[where] = {"matching": storage.count([where]), "p50_ms": _times(times)["p50_ms"]}
    return told


def together(address: str, count: int) -> dict[str, object]:
    """Search in four processes while a fifth adds works."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(5) as pool:
        writer = pool.apply_async(_put, (address, 2 * count, ADDED, 4))
        readers = [pool.apply_async(_read_for, (address, seed, 50)) for seed in range(4)]
        times = [time for reader in readers for time in reader.get()]
        return {"writer": writer.get()["works_a_second"], **_times(times)}


def kills(address: str, times: int) -> dict[str, object]:
    """Kill a writer at a random moment, again and again; count what it reported and is lost."""
    rng, lost, reported = np.random.default_rng(0), 0, 0
    context = multiprocessing.get_context("spawn")
    for number in range(times):
        with tempfile.NamedTemporaryFile("r") as told:
            child = context.Process(target=_write_and_tell, args=(address, number, told.name))
            child.start()
            deadline = time.monotonic() + 60
            while not os.path.getsize(told.name) and time.monotonic() < deadline:
                time.sleep(0.02)
            time.sleep(float(rng.uniform(0, 0.5)))
            os.kill(child.pid or 0, signal.SIGKILL)
            child.join()
            names = Path(told.name).read_text().splitlines()[:-1]
        storage = open_storage(address)
        there = storage.works_with_content([f"{name}!" for name in names])
        lost += len(names) - len(there)
        reported += len(names)
        storage.close()
    return {"kills": times, "reported": reported, "lost": lost}


def _write_and_tell(address: str, number: int, told: str) -> None:
    storage = open_storage(address)
    rows = draw_works(64, 100 + number)
    with open(told, "a") as stream:
        for call in range(10_000):
            names = [f"/killed/{number}-{call}-{i}" for i in range(64)]
            works = [NewWork(Work(name), FileState(f"{name}!", 1, 1)) for name in names]
            storage.put(works, rows, ENCODER)
            stream.write("\n".join(names) + "\n")
            stream.flush()


def _put(address: str, first: int, count: int, seed: int, batch: int = BATCH) -> dict[str, object]:
    storage, spent = open_storage(address), 0.0
    slowest, begun = 0.0, max(0, storage.count() - first) // BLOCK * BLOCK
    if begun >= count:  # those beyond are of another stage
        begun = 0
    for start in range(begun, count, BLOCK):
        rows = draw_works(min(BLOCK, count - start), seed * 1000 + start // BLOCK)
        for place in range(0, len(rows), batch):
            part = rows[place : place + batch]
            works = [_work(first + start + place + i) for i in range(len(part))]
            started = time.perf_counter()
            storage.put(works, part, ENCODER)
            taken = time.perf_counter() - started
            spent, slowest = spent + taken, max(slowest, taken)
    return {
        "seconds": round(spent, 1),
        "works_a_second": round((count - begun) / spent),
        "slowest_commit_s": round(slowest, 2),
    } | ({"begun_at": begun} if begun else {})


def _work(number: int) -> NewWork:
    work = Work(
        f"/works/{number}.jpg",
        artist=f"hand {number // 20}",
        style=f"style {number % 100}",
        genre=f"genre {number % 2}",
    )
    return NewWork(work, FileState(f"{number:064x}", 1, 1))


def _read_for(address: str, seed: int, count: int) -> list[float]:
    return _asked(open_storage(address), draw_works(count, 20 + seed))[1]


def _asked(storage, probes, *, exact=False, where=()):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    found, times = [], []
    for probe in probes:
        started = time.perf_counter()
        near = storage.nearest(probe, 10, where, exact=exact)
        times.append(1000 * (time.perf_counter() - started))
        found.append({work.work.path for work in near.works})
    return found, times


def _times(times: list[float]) -> dict[str, object]:
    p50, p99 = np.percentile(times, [50, 99])
    return {"p50_ms": round(float(p50), 1), "p99_ms": round(float(p99), 1)}


def _in_process(
    stage: Callable[..., dict[str, object]], arguments: tuple[object, ...]
) -> dict[str, object]:
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_measured, (stage, arguments))


def _measured(
    stage: Callable[..., dict[str, object]], arguments: tuple[object, ...]
) -> dict[str, object]:
    # A pool's process may have no children of its own unless it is no daemon.
    multiprocessing.current_process()._config["daemon"] = False  # type: ignore[attr-defined]
    own, done = [0.0], threading.Event()
    watch = threading.Thread(target=_watch_own, args=(own, done), daemon=True)
    watch.start()
    told = stage(*arguments)
    done.set()
    used = resource.getrusage(resource.RUSAGE_SELF)
    peak = used.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    return told | {
        "processor_s": round(used.ru_utime + used.ru_stime, 1),
        "peak_mb": round(peak),
        "own_mb": round(own[0]),
    }


def _watch_own(peak: list[float], done: threading.Event) -> None:
    """Keep the most memory that is no mapped file, which the system cannot take back."""
    status = Path("/proc/self/status")
    while status.exists() and not done.wait(0.2):
        kilobytes = int(status.read_text().split("RssAnon:")[1].split()[0])
        peak[0] = max(peak[0], kilobytes / 2**10)


if __name__ == "__main__":
    main()
