"""A trained encoder to one ONNX graph: images in; embeddings, patches and novelty out."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn

from samehand.errors import ModelError
from samehand.files import atomic_path
from samehand.networks.apart import backbone_weights, set_apart
from samehand.networks.encoder import Encoder
from samehand.networks.ensemble import Ensemble
from samehand.networks.store import Weights, store_bytes, store_half

OUTPUTS = ("embedding", "patches", "strangeness")

_OPSET = 18
_OUT = "output."
# Weights of 16 bits moved an embedding by up to 2.1e-3 in runs of recipes/atelier.toml, and by how
# much depends on the threads that trained it.
_TOLERANCE = 5e-3
# Rounding to 8 bits turns an embedding by a cosine of 0.0003, 0.025 in all its numbers together;
# rounding to 7 bits by a cosine of 0.005.
_TOLERANCES = {"int8": 2e-2, "int7": 5e-2}
# Strangeness is a sum of squares of quotients, and only ever held against a limit.
_LOOSER = 5


def export_encoder(
    encoder: Encoder | Ensemble,
    size: int,
    target: Path,
    *,
    weights: Weights = "float16",
    apart: Path | None = None,
) -> None:
    """Write an encoder as ONNX and check that it still computes the same.

    Args:
        encoder: A trained encoder, or several joined.
        size: Side of the square images it will be given.
        target: The ONNX file to write. Its batch size is free.
        weights: How large weights are stored; the arithmetic stays float32. "float16" takes half
            the room; "int8" a quarter, of matrices alone, and suits transformers; "int7" is
            "int8" for a file that will be compressed.
        apart: A file in the folder of `target` that takes the weights of the backbone; None
            leaves them in the graph.

    Raises:
        ModelError: The exported graph disagrees with PyTorch.
        OutputError: The file cannot be written.
    """
    network = served(encoder.cpu())
    images = torch.rand(3, 3, size, size, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = [part.numpy() for part in network(images)]
    graph = to_onnx(network, {"images": images}, OUTPUTS)
    pretrained = _backbone_weights(graph, encoder) if apart else set()
    if weights == "float16":
        store_half(graph)
    elif weights in ("int8", "int7"):
        graph = store_bytes(graph, levels=256 if weights == "int8" else 128)
    session = onnxruntime.InferenceSession(
        graph.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    embedding, _, novelty = session.run(list(OUTPUTS), {"images": images.numpy()})
    share = np.abs(novelty - expected[2]) / np.maximum(expected[2], 1)
    worst = max(float(np.abs(embedding - expected[0]).max()), float(share.max()) / _LOOSER)
    # So that a weight which overflowed to infinity or nan is refused, too.
    if not worst <= _TOLERANCES.get(weights, _TOLERANCE):
        raise ModelError(
            f"the exported graph differs from PyTorch by {worst:.1e}; export with float32 weights"
        )
    if apart:
        # Before the graph, so that no graph ever stands beside weights that are not its own.
        held = set_apart(graph, pretrained, apart.name)
        with atomic_path(apart) as temporary:
            temporary.write_bytes(held)
    with atomic_path(target) as temporary:
        onnx.save(graph, temporary)


def _backbone_weights(graph: onnx.ModelProto, encoder: Encoder | Ensemble) -> set[str]:
    found = set()
    for module in encoder.modules():
        if isinstance(module, Encoder):
            found |= backbone_weights(graph, module.backbone)
    return found


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
            output_names=[_OUT + name for name in outputs],
            dynamic_shapes=tuple({0: batch} for _ in inputs),
            verbose=False,
        )
    if program is None:
        raise ModelError("PyTorch gave no ONNX program; use a newer torch")
    graph: onnx.ModelProto = program.model_proto
    _rename_outputs(graph, outputs)
    del graph.metadata_props[:]
    for node in graph.graph.node:
        # Stack traces of the exporting machine do not belong in a model that ships.
        del node.metadata_props[:]
        node.doc_string = ""
    return graph


def _rename_outputs(graph: onnx.ModelProto, outputs: tuple[str, ...]) -> None:
    """Give outputs their names, which the exporter may have given to something within.

    It calls the look-up of a transformer's positions "embedding", after `torch.nn.functional`.
    """
    names = {name: f"{name}.inner" for name in outputs}
    names |= {_OUT + name: name for name in outputs}
    for node in graph.graph.node:
        for values in (node.input, node.output):
            for place, name in enumerate(values):
                values[place] = names.get(name, name)
    for value in (*graph.graph.output, *graph.graph.value_info, *graph.graph.initializer):
        value.name = names.get(value.name, value.name)


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
