"""A trained encoder to one ONNX graph: images in; embeddings, patches and strangeness out."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from samehand.errors import ModelError
from samehand.files import atomic_path
from samehand.models.encoder import Encoder
from samehand.models.ensemble import Ensemble

OUTPUTS = ("embedding", "patches", "strangeness")

_OPSET = 18
_TOLERANCE = 2e-3
# Strangeness is a sum of squares of quotients, and only ever held against a limit.
_LOOSER = 5


def export_encoder(
    encoder: Encoder | Ensemble, size: int, target: Path, *, half: bool = True
) -> None:
    """Write an encoder as ONNX and check that it still computes the same.

    Args:
        encoder: A trained encoder, or several joined.
        size: Side of the square images it will be given.
        target: The ONNX file to write. Its batch size is free.
        half: Store weights as float16, half the size on disk; the arithmetic stays float32.

    Raises:
        ModelError: The exported graph disagrees with PyTorch.
        OutputError: The file cannot be written.
    """
    network = served(encoder.cpu())
    images = torch.rand(3, 3, size, size, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = [part.numpy() for part in network(images)]
    graph = to_onnx(network, {"images": images}, OUTPUTS)
    if half:
        store_half(graph)
    session = onnxruntime.InferenceSession(
        graph.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    embedding, _, strangeness = session.run(list(OUTPUTS), {"images": images.numpy()})
    apart = np.abs(strangeness - expected[2]) / np.maximum(expected[2], 1)
    worst = max(float(np.abs(embedding - expected[0]).max()), float(apart.max()) / _LOOSER)
    if not worst <= _TOLERANCE:  # also where a weight overflowed to infinity or nan
        raise ModelError(
            f"the exported graph differs from PyTorch by {worst:.1e}; export with float32 weights"
        )
    with atomic_path(target) as temporary:
        onnx.save(graph, temporary)


class _Served(nn.Module):
    """An encoder as it is served: embedding, patch embeddings, strangeness."""

    def __init__(self, encoder: Encoder | Ensemble) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        return self.encoder.serve(images)


def served(encoder: Encoder | Ensemble) -> nn.Module:
    """Return a module whose forward gives the outputs that a model folder serves."""
    return _Served(encoder).eval()


def to_onnx(
    network: nn.Module, inputs: dict[str, torch.Tensor], outputs: tuple[str, ...]
) -> onnx.ModelProto:
    """Return a network as an ONNX graph whose first dimension, the batch, is free.

    Args:
        network: In evaluation mode, on the CPU.
        inputs: An example of each input, by name and in order.
        outputs: Names of what it returns.

    Raises:
        ModelError: PyTorch gives no graph.
    """
    batch = torch.export.Dim("batch")
    with _silent_exporter():
        program = torch.onnx.export(
            network,
            tuple(inputs.values()),
            dynamo=True,
            opset_version=_OPSET,
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_shapes=tuple({0: batch} for _ in inputs),
            verbose=False,
        )
    if program is None:
        raise ModelError("PyTorch gave no ONNX program; use a newer torch")
    graph: onnx.ModelProto = program.model_proto
    del graph.metadata_props[:]
    for node in graph.graph.node:
        # Stack traces of the exporting machine do not belong in a model that ships.
        del node.metadata_props[:]
        node.doc_string = ""
    return graph


@contextmanager
def _silent_exporter() -> Iterator[None]:
    """Drop what the exporter says of its own internals, nothing a reader could act on."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def store_half(model: onnx.ModelProto) -> None:
    """Keep large weights as float16 behind a cast, which the runtime folds when it loads."""
    graph = model.graph
    casts = []
    for tensor in graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) < 256:
            continue
        name = tensor.name
        # A weight too large becomes infinite here, and the check of the whole graph tells.
        with np.errstate(over="ignore"):
            values = numpy_helper.to_array(tensor).astype(np.float16)
        half = numpy_helper.from_array(values, f"{name}.half")
        tensor.CopyFrom(half)
        casts.append(helper.make_node("Cast", [half.name], [name], to=TensorProto.FLOAT))
    for position, cast in enumerate(casts):
        graph.node.insert(position, cast)
