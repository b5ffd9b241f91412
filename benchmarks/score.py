"""Time of `samehand score` after embedding: 120,000 pairs over 2,700 images.

    python benchmarks/score.py

Paints 2,700 tiny synthetic images once, embeds them (the first run), and times a second run, which
finds every embedding in its cache, beside reading the same CSV row by row with the csv module.
"""

import csv
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

IMAGES, PAIRS = 2_700, 120_000


def main() -> None:
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        for index in range(IMAGES):
            pixels = rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)
            Image.fromarray(pixels).resize((224, 224)).save(home / f"{index}.jpg")
        with open(home / "pairs.csv", "w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(["left", "right", "note"])
            for left, right in rng.integers(0, IMAGES, (PAIRS, 2)):
                writer.writerow([f"{left}.jpg", f"{right}.jpg", "a, b"])
        command = [sys.executable, "-m", "samehand", "score", str(home / "pairs.csv")]
        command += ["--images", str(home), "--out", str(home / "out.csv")]
        command += ["--cache", str(home / "cache")]
        for label in ("embedding and scoring", "scoring, embeddings cached"):
            started = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            print(f"{label:<28}{time.perf_counter() - started:7.1f} s")
        started = time.perf_counter()
        with open(home / "pairs.csv", newline="") as stream:
            rows = sum(1 for _ in csv.reader(stream))
        print(
            f"{'reading the CSV alone':<28}{time.perf_counter() - started:7.1f} s ({rows:,} rows)"
        )


if __name__ == "__main__":
    main()
