"""Cold-start time and memory of `samehand compare`, beside a bare script with the same model.

    python benchmarks/compare.py [REPEATS]

The bare script imports NumPy, Pillow and ONNX Runtime, loads the shipped encoder, embeds the same
two files (one view each) and prints their cosine: no checks, no calibration, no warnings. Both run
alternately in fresh processes, so noise on the machine hits both; the figures are medians. Then
prints how long the encoder takes for a painting with all its views and with one, on two threads.
"""

import os
import statistics
import subprocess
import sys
import time

from shared import EXAMPLES

from samehand.images.decode import decode_file

BARE = """
import sys
import numpy as np
import onnxruntime
from PIL import Image

session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
pixels = [np.asarray(Image.open(p).convert("RGB").resize((224, 224))) for p in sys.argv[2:]]
images = np.stack(pixels).astype(np.float32).transpose(0, 3, 1, 2) / 255
a, b = session.run(["embedding"], {"images": images})[0]
print(float(a @ b))
"""


def timed(command: list[str]) -> tuple[float, float]:
    """Return the wall seconds and the peak megabytes of one process."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, command
    scale = 1 if sys.platform == "darwin" else 1024
    return time.perf_counter() - started, usage.ru_maxrss * scale / 1e6


def milliseconds(fast: bool) -> float:
    """Return the median time to embed one painting that is decoded already."""
    from samehand import SameHand

    embedder = SameHand(threads=2, fast=fast).embedder
    views = embedder.render(decode_file(EXAMPLES[0]).image)[None]
    times = []
    for _ in range(30):
        started = time.perf_counter()
        embedder.embed(views)
        times.append(time.perf_counter() - started)
    return 1000 * statistics.median(times)


def main() -> None:
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    from samehand.model.folder import ENCODER, find_model

    commands = {
        "bare script": [sys.executable, "-c", BARE, find_model(None) / ENCODER, *EXAMPLES],
        "samehand compare": [sys.executable, "-m", "samehand", "compare", *EXAMPLES],
    }
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for _ in range(repeats):
        for name, command in commands.items():
            runs[name].append(timed([str(part) for part in command]))
    medians = {
        name: tuple(statistics.median(column) for column in zip(*rows, strict=True))
        for name, rows in runs.items()
    }
    for name, (seconds, megabytes) in medians.items():
        print(f"{name:<18}{seconds:6.2f} s {megabytes:6.0f} MB")
    ratio = medians["samehand compare"][0] / medians["bare script"][0]
    print(f"{'ratio':<18}{ratio:6.2f}")
    for name, fast in (("all views", False), ("one view", True)):
        print(f"{name:<18}{milliseconds(fast):6.0f} ms")


if __name__ == "__main__":
    main()
