"""A siamese network to two ONNX graphs: images to encodings, and two encodings to a logit.

So each painting is encoded once, however many pairs it is in.
"""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray

from samehand.errors import ModelError
from samehand.files import atomic_path
from samehand.networks.export import to_onnx
from samehand.networks.siamese import ServedEncoder, ServedHead, Siamese
from samehand.networks.store import store_half

OUTPUTS = ("embedding", "patches")
HEAD_INPUTS = ("left", "right")
HEAD_OUTPUT = "logit"

_TOLERANCE = 0.02


def export_map_encoder(network: Siamese, target: Path) -> None:
    """Write the shared backbone as ONNX, with encodings (B, E) in half precision.

    Args:
        network: A siamese network, moved to the CPU.
        target: The ONNX file to write.

    Raises:
        ModelError: The graph disagrees with PyTorch by more than 2 % of the largest feature.
        OutputError: The file cannot be written.
    """
    served = ServedEncoder(network.cpu()).eval()
    images = torch.rand(
        3, 3, network.size, network.size, generator=torch.Generator().manual_seed(0)
    )
    with torch.inference_mode():
        expected = served(images)[0].numpy()
    graph = to_onnx(served, {"images": images}, OUTPUTS)
    store_half(graph)
    found = _run(graph, OUTPUTS[0], {"images": images.numpy()})
    _check(found, expected, "encoder")
    with atomic_path(target) as temporary:
        onnx.save(graph, temporary)


def export_pair_head(network: Siamese, target: Path) -> None:
    """Write what follows the shared backbone as ONNX: two encodings to the logit of one artist.

    Args:
        network: A siamese network, moved to the CPU.
        target: The ONNX file to write.

    Raises:
        ModelError: The graph disagrees with PyTorch.
        OutputError: The file cannot be written.
    """
    served = ServedHead(network.cpu()).eval()
    width = network.map_shape.numel()
    generator = torch.Generator().manual_seed(0)
    sides = [torch.rand(3, width, generator=generator).half() for _ in HEAD_INPUTS]
    inputs = dict(zip(HEAD_INPUTS, sides, strict=True))
    with torch.inference_mode():
        expected = served(*sides).numpy()
    # Its few weights stay as they are: an error here would be one of every score.
    graph = to_onnx(served, inputs, (HEAD_OUTPUT,))
    found = _run(graph, HEAD_OUTPUT, {name: side.numpy() for name, side in inputs.items()})
    _check(found, expected, "head")
    with atomic_path(target) as temporary:
        onnx.save(graph, temporary)


def _run(
    graph: onnx.ModelProto, output: str, inputs: dict[str, NDArray[np.generic]]
) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(
        graph.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    found: NDArray[np.float32] = session.run([output], inputs)[0].astype(np.float32)
    return found


def _check(found: NDArray[np.float32], expected: NDArray[np.float32], part: str) -> None:
    scale = max(float(np.abs(expected).max()), 1e-6)
    worst = float(np.abs(found - expected.astype(np.float32)).max()) / scale
    if not worst <= _TOLERANCE:  # also where a value overflowed to infinity or nan
        raise ModelError(
            f"the exported {part} differs from PyTorch by {worst:.1e} of its largest value; "
            "train again with lower rates"
        )
