"""What 8-bit weights and activations would cost and save.

    python benchmarks/quantise.py CATALOGUE [MODEL]

Quantises a model's encoder dynamically (weights of matrix products alone) and statically
(convolutions too, on 64 training paintings), and prints for each encoder its size, the AUC of the
whole view among the validation artists, and the milliseconds for a painting with all its views and
with one, on two threads. Needs the packages of samehand[train].
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime
import polars as pl
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from samehand import SameHand
from samehand.catalogue.schema import load_catalogue
from samehand.catalogue.splits import calibration_paintings
from samehand.evaluation.metrics import auc
from samehand.images.decode import decode_file
from samehand.images.views import render_views
from samehand.progress import track

CALIBRATION = 64
REPEATS = 30


class Paintings(CalibrationDataReader):
    """Whole views of training paintings, one at a time."""

    def __init__(self, views: np.ndarray) -> None:
        self.rows: Iterator[np.ndarray] = iter(views)

    def get_next(self) -> dict[str, np.ndarray] | None:
        """Return the next painting's view as the graph's input, or None after the last."""
        row = next(self.rows, None)
        return None if row is None else {"images": row[None]}


def main() -> None:
    root = Path(sys.argv[1])
    model = SameHand(sys.argv[2] if len(sys.argv) > 2 else None).model
    table = load_catalogue(root)
    train = table.filter(pl.col("split") == "train").sort("painting_id")
    learned = look(root, train.gather_every(max(1, len(train) // CALIBRATION))[:CALIBRATION], model)
    held_out = calibration_paintings(table)
    views = look(root, held_out, model)
    artists = np.unique(held_out["artist"], return_inverse=True)[1]
    left, right = np.triu_indices(len(artists), k=1)
    same = artists[left] == artists[right]
    print(f"{model.identity}: {len(views)} validation paintings, {len(learned)} for calibration")
    print("encoder         MB      AUC    ms, all views   ms, one view")
    with tempfile.TemporaryDirectory() as scratch:
        for name, path in encoders(model.embedder.encoder, learned, Path(scratch)).items():
            session = open_session(path)
            rows = np.concatenate(
                [run(session, views[i : i + 8]) for i in track(range(0, len(views), 8), name)]
            )
            found = auc(np.sum(rows[left] * rows[right], axis=1), same)
            all_views = milliseconds(session, len(model.config.views), model.config.size)
            one_view = milliseconds(session, 1, model.config.size)
            size = path.stat().st_size / 1e6
            print(f"{name:<12} {size:5.1f}   {found:.4f}   {all_views:13.1f}   {one_view:12.1f}")


def encoders(original: Path, learned: np.ndarray, scratch: Path) -> dict[str, Path]:
    ready = scratch / "ready.onnx"
    # Symbolic inference stumbles over the exported graph; ONNX's own and the folding suffice.
    quant_pre_process(original, ready, skip_symbolic_shape=True)
    found = {"float": original}
    found["dynamic"] = scratch / "dynamic.onnx"
    # Dynamic quantisation of convolutions has no kernel for signed weights on most processors.
    quantize_dynamic(ready, found["dynamic"], op_types_to_quantize=["MatMul", "Gemm"])
    found["static"] = scratch / "static.onnx"
    quantize_static(
        ready,
        found["static"],
        Paintings(learned),
        quant_format=QuantFormat.QDQ,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        per_channel=True,
        # Without it, products of 8 bits overflow on processors that lack VNNI.
        reduce_range=True,
    )
    return found


def look(root: Path, paintings: pl.DataFrame, model) -> np.ndarray:
    """Return the first view of each painting, (N, 3, S, S)."""
    return np.concatenate(
        [
            render_views(decode_file(root / path).image, model.config.views[:1], model.config.size)
            for path in track(paintings["path"].to_list(), "reading paintings")
        ]
    )


def open_session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = 2, 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def run(session: onnxruntime.InferenceSession, views: np.ndarray) -> np.ndarray:
    return session.run(["embedding"], {"images": views})[0]


def milliseconds(session: onnxruntime.InferenceSession, views: int, size: int) -> float:
    """Return the median time to embed one painting's views."""
    images = np.random.default_rng(0).random((views, 3, size, size), np.float32)
    run(session, images)
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        run(session, images)
        times.append(time.perf_counter() - started)
    return 1000 * float(np.median(times))


if __name__ == "__main__":
    main()
