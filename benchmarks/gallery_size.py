"""How a gallery of many works answers, through `Gallery` itself.

    python benchmarks/gallery_size.py [--works 1000000]

Stores works whose embeddings are drawn with the covariance of the shipped model's cohort (no image
is opened): some hands, some works of each, so neighbourhoods are as crowded as those of paintings.
They come in batches of 512, as `samehand gallery add` commits them. Builds the index, and asks for
the ten nearest of 200 other works, one at a time. Recall is against exact search in the same
gallery. Needs samehand[gallery].
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from samehand import Gallery
from samehand.gallery.works import FileState, NewWork, Work
from samehand.model.folder import find_model, open_model, read_cohort

BATCH, QUERIES, EXACT, WORKS_PER_HAND = 512, 200, 50, 20


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--works", type=int, default=1_000_000)
    options = parser.parse_args()
    model = open_model()
    with tempfile.TemporaryDirectory() as scratch:
        vectors = draw_works(options.works, 0)
        probes = draw_works(QUERIES, 7)
        with Gallery.create(Path(scratch) / "gallery", model) as gallery:
            fill(gallery, vectors, model.embedder.digest)
            started = time.perf_counter()
            info = gallery.build_index()
            print(f"index: {time.perf_counter() - started:.0f} s, {info}")
            times, hits = [], 0
            for number, probe in enumerate(probes):
                started = time.perf_counter()
                near = gallery.nearest(probe, 10)
                times.append(1000 * (time.perf_counter() - started))
                if number < EXACT:
                    true = gallery.nearest(probe, 10, exact=True)
                    hits += len(
                        {w.work.path for w in near.works} & {w.work.path for w in true.works}
                    )
            p50, p99 = np.percentile(times, [50, 99])
            print(f"{len(gallery):,} works: p50 {p50:.1f} ms, p99 {p99:.1f} ms, ", end="")
            print(f"recall@10 {hits / (10 * EXACT):.3f}")


def draw_works(count: int, seed: int, model: str | None = None) -> np.ndarray:
    """Return unit vectors, (count, D), as a model's cohort is spread; None for the shipped one."""
    cohort = read_cohort(find_model(model))
    centre = cohort.mean(axis=0)
    spread = np.linalg.cholesky(np.cov(cohort.T) + 1e-6 * np.eye(cohort.shape[1]))
    drawn = np.empty((count, len(centre)), np.float32)
    draw = np.random.default_rng(seed)
    hands = np.random.default_rng(1).standard_normal(
        (1_000_000 // WORKS_PER_HAND, len(centre)), np.float32
    )
    for start in range(0, count, 50_000):
        block = drawn[start : start + 50_000]
        hand = hands[draw.integers(0, len(hands), len(block))]
        own = draw.standard_normal(block.shape, np.float32)
        block[:] = centre + (0.7 * hand + 0.714 * own) @ spread.T.astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def fill(gallery: Gallery, vectors: np.ndarray, encoder: str) -> None:
    started = time.perf_counter()
    for first in range(0, len(vectors), BATCH):
        rows = vectors[first : first + BATCH]
        works = [
            NewWork(
                Work(f"/works/{first + i}.jpg", artist=f"hand {(first + i) // 20}"),
                FileState(f"{first + i:064x}", 1, 1),
            )
            for i in range(len(rows))
        ]
        gallery.store.put(works, rows, encoder)
        done = first + len(rows)
        if first < 10_000 <= done:
            print(f"first {done:,} works stored: {time.perf_counter() - started:.2f} s", flush=True)
    print(f"all {len(vectors):,} stored: {time.perf_counter() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
