"""The weights of a pretrained backbone in a file of their own, beside the graph that uses them.

A backbone that is never trained is the same in every model that is fitted behind it. Apart from the
graph it is stored, and shipped, once, while discriminants and cohorts come and go.
"""

import hashlib

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper
from torch import nn

# Below this a weight stays in the graph. The file is read in pages, and each weight starts one.
_LEAST_BYTES = 16_384
_PAGE = 4096
# What `store_half` and ONNX Runtime's quantiser add to the name of a weight.
_STORED = (".half", "_Q8", "_scales")


def backbone_weights(graph: onnx.ModelProto, backbone: nn.Module) -> set[str]:
    """Return the names of the weights in a graph that are a backbone's.

    The exporter names some after their place in the backbone and others by number, such as matrices
    that it has transposed; so they are recognised by their values.

    Args:
        graph: As exported, its weights still float32.
        backbone: What it was exported from.
    """
    known = set()
    for tensor in (*backbone.parameters(), *backbone.buffers()):
        values = tensor.detach().cpu().numpy()
        known |= {_fingerprint(values), _fingerprint(values.T)}
    return {
        tensor.name
        for tensor in graph.graph.initializer
        if _fingerprint(numpy_helper.to_array(tensor)) in known
    }


def set_apart(graph: onnx.ModelProto, weights: set[str], name: str) -> bytes:
    """Take weights out of a graph, which then reads them from a file beside it.

    Args:
        graph: Changed in place; its weights may have been made smaller.
        weights: Names of those to take out, from before they were made smaller. Small ones stay.
        name: The file's name.

    Returns:
        What the file is to hold.
    """
    held = bytearray()
    for tensor in graph.graph.initializer:
        stem = tensor.name
        for suffix in _STORED:
            stem = stem.removesuffix(suffix)
        data = numpy_helper.to_array(tensor).tobytes()
        if stem not in weights or len(data) < _LEAST_BYTES:
            continue
        held += bytes(-len(held) % _PAGE)
        small = TensorProto(name=tensor.name, dims=tensor.dims, data_type=tensor.data_type)
        small.data_location = TensorProto.EXTERNAL
        for key, value in (("location", name), ("offset", len(held)), ("length", len(data))):
            small.external_data.add(key=key, value=str(value))
        tensor.CopyFrom(small)
        held += data
    return bytes(held)


def _fingerprint(values: np.ndarray) -> tuple[tuple[int, ...], str]:
    return values.shape, hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()
