"""What a painting costs each model that ships: seconds, processor time and memory.

    python benchmarks/models_speed.py [PICTURES...] [--models vit lite] [--threads 1] [--count 48]

Each model runs in a process of its own, first on paintings as files, decoded while others are
encoded, as galleries and `samehand evaluate` do; then on views that lie in memory. Wall time says
something only on an idle machine, so the load before and after is printed; processor time holds on
a busy one, too, but for what neighbours take of the caches. One thread wastes none of it waiting.
The pictures are those of examples/atelier unless others are named, in turn until there are enough.
"""

import argparse
import itertools
import os
import resource
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from shared import ROOT

from samehand import SameHand
from samehand.images.decode import decode_file
from samehand.model.embed import embed_stream

ATELIER = ROOT / "examples" / "atelier"


@dataclass(frozen=True, slots=True)
class Speed:
    """What was measured of one model.

    Attributes:
        identity: The model.
        views: Views of a painting.
        wall: Seconds a painting, files to embeddings.
        processor: Seconds of all threads a painting.
        view: Seconds of all threads a view, of the network alone.
        started: Peak memory before the first painting, in MB.
        peak: Peak memory, in MB.
    """

    identity: str
    views: int
    wall: float
    processor: float
    view: float
    started: float
    peak: float


def measure(model: str, pictures: list[Path], threads: int) -> Speed:
    """Embed the pictures and time it; peak memory is of this process."""
    same_hand = SameHand(model, threads)
    embedder = same_hand.embedder
    views = embedder.render(decode_file(pictures[0]).image)[None]
    embedder.embed(views)
    started = peak_memory()
    wall, processor = time.perf_counter(), time.process_time()
    wanted = [(str(number), path) for number, path in enumerate(pictures)]
    found = sum(isinstance(row, np.ndarray) for _, row in embed_stream(embedder, wanted))
    if found != len(pictures):
        raise SystemExit("some pictures cannot be read; name others")
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    peak = peak_memory()
    alone = time.process_time()
    repeats = max(1, len(pictures) // 4)
    for _ in range(repeats):
        embedder.embed(views)
    alone = time.process_time() - alone
    return Speed(
        same_hand.folder.identity,
        views.shape[1],
        wall / len(pictures),
        processor / len(pictures),
        alone / repeats / views.shape[1],
        started,
        peak,
    )


def peak_memory() -> float:
    """Return the largest resident size of this process so far, in MB."""
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale / 1e6


def row_of(speed: Speed) -> str:
    """Return a measurement as a row of the table."""
    cells = [
        f"`{speed.identity}`",
        str(speed.views),
        f"{1000 * speed.processor:.0f}",
        f"{1000 * speed.view:.0f}",
        f"{2 / speed.processor:.1f}",
        f"{1 / speed.wall:.1f}",
        f"{speed.started:.0f}",
        f"{speed.peak:.0f}",
    ]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("pictures", type=Path, nargs="*")
    parser.add_argument("--models", nargs="+", default=["lite", "vit"])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--count", type=int, default=48)
    options = parser.parse_args()
    listed = options.pictures or sorted(ATELIER.glob("*.jpg"))
    pictures = list(itertools.islice(itertools.cycle(listed), options.count))
    print(f"{options.count} paintings, {options.threads} threads, {os.cpu_count()} cores")
    print(f"load before: {' '.join(f'{one:.1f}' for one in os.getloadavg())}")
    print(
        "| model | views | CPU-ms a painting | CPU-ms a view, network alone | two cores, if idle, "
        "a second | here, a second | MB with one painting | MB at most |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for model in options.models:
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            speed = pool.submit(measure, model, pictures, options.threads).result()
        print(row_of(speed), flush=True)
    print(f"load after: {' '.join(f'{one:.1f}' for one in os.getloadavg())}")


if __name__ == "__main__":
    main()
