"""What it costs to embed on Ray: pictures a second by engine and number of workers.

    python benchmarks/scale_embedding.py [--model NAME] [--pictures 128] [--batch 16]

Draws pictures of 512 pixels a side, embeds them in this process with one thread and with two, and
on a Ray cluster of two nodes with one and with two workers of one thread each. Every run has an
output of its own; all must hold the same rows. Wall time is told beside processor time, Ray's own
processes included, which other work on the machine does not stretch; a second run of twice as many
pictures tells what starting costs from what a picture costs. Needs samehand[ray] and psutil.
"""

import argparse
import json
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import polars as pl
import psutil
from PIL import Image

from samehand.embedding.engines import EmbeddingEngine, LocalEngine
from samehand.embedding.ray_engine import RayEngine
from samehand.embedding.run import embed_collection


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model")
    parser.add_argument("--pictures", type=int, default=128)
    parser.add_argument("--batch", type=int, default=16)
    options = parser.parse_args()
    import ray
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    cluster.add_node(num_cpus=1)
    ray.init(address=cluster.address, log_to_driver=False)
    meter = Meter()
    meter.start()
    runs: list[tuple[str, EmbeddingEngine, int]] = [
        ("local, 1 thread", LocalEngine(), 1),
        ("local, 2 threads", LocalEngine(), 2),
        ("ray, 1 worker", RayEngine(1), 1),
        ("ray, 2 workers", RayEngine(2), 1),
    ]
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        small, large = folder / "small", folder / "large"
        draw(small, options.pictures, 0)
        draw(large, 2 * options.pictures, 1)
        rows = {}
        for name, engine, threads in runs:
            seconds, processor = [], []
            for source in (small, large):
                started, spent = time.perf_counter(), meter.seconds()
                out = folder / f"{name}-{source.name}"
                report = embed_collection(
                    [source],
                    out,
                    model=options.model,
                    engine=engine,
                    threads=threads,
                    batch=options.batch,
                )
                seconds.append(time.perf_counter() - started)
                processor.append(meter.seconds() - spent)
                assert not report.failed
                rows[name, source.name] = read(out)
            each = (processor[1] - processor[0]) / options.pictures
            told = {
                "engine": name,
                "wall_s": [round(one, 1) for one in seconds],
                "processor_s": [round(one, 1) for one in processor],
                "processor_s_a_picture": round(each, 3),
                "processor_s_to_start": round(processor[0] - each * options.pictures, 1),
            }
            print(json.dumps(told), flush=True)
        for source in ("small", "large"):
            truth = rows["local, 1 thread", source]
            apart = max(
                float(np.abs(rows[name, source][1] - truth[1]).max()) for name, _, _ in runs
            )
            same = all(rows[name, source][0] == truth[0] for name, _, _ in runs)
            print(f"{source}: rows equal {same}, embeddings at most {apart:.2g} apart")
    ray.shutdown()
    cluster.shutdown()


class Meter(threading.Thread):
    """Adds up what this process and all that it has started spend, the dead included.

    Their parents do not wait for Ray's workers, so that each is looked at while it lives.
    """

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.spent: dict[int, float] = {}
        self.looked = threading.Condition()

    def run(self) -> None:
        """Look, again and again."""
        mine = psutil.Process()
        while True:
            for process in (mine, *mine.children(recursive=True)):
                try:
                    self.spent[process.pid] = sum(process.cpu_times()[:2])
                except psutil.Error:
                    continue
            with self.looked:
                self.looked.notify_all()
            time.sleep(0.25)

    def seconds(self) -> float:
        """Return the processor seconds spent up to now."""
        with self.looked:
            self.looked.wait()
            return sum(self.spent.values())


def draw(folder: Path, count: int, seed: int) -> None:
    folder.mkdir()
    rng = np.random.default_rng(seed)
    for number in range(count):
        coarse = Image.fromarray(rng.integers(0, 256, (24, 24, 3), dtype=np.uint8))
        coarse.resize((512, 512), Image.Resampling.BICUBIC).save(
            folder / f"{seed}-{number}.jpg", quality=92
        )


def read(out: Path) -> tuple[list[tuple[str, ...]], np.ndarray]:
    table = pl.read_parquet(f"{out}/*/part-*.parquet").sort("path")
    return table.drop("embedding").rows(), table["embedding"].to_numpy()


if __name__ == "__main__":
    main()
