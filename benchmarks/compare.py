"""Cold-start time and memory of `samehand compare`, beside a bare script with the same model.

    python benchmarks/compare.py [REPEATS]

The bare script imports NumPy, Pillow and ONNX Runtime, loads the shipped encoder, embeds the same
two files (one view each) and prints their cosine: no checks, no calibration, no warnings. Both run
alternately in fresh processes, so noise on the machine hits both; the figures are medians.
"""

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
LEFT, RIGHT = (ROOT / "examples" / "atelier" / f"painter-{name}.jpg" for name in ("a-1", "b-1"))

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


def main() -> None:
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    from samehand.serving.folder import ENCODER, find_model

    commands = {
        "bare script": [sys.executable, "-c", BARE, find_model(None) / ENCODER, LEFT, RIGHT],
        "samehand compare": [sys.executable, "-m", "samehand", "compare", LEFT, RIGHT],
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


if __name__ == "__main__":
    main()
