"""Smaller weights in an ONNX graph: float16, or 8 bits, with a scale for each stretch of 128.

Both are stored small and used in float32, so that only the rounding of the weights is lost.
"""

import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Literal

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Weights = Literal["float32", "float16", "int8", "int7"]
"""How the large weights of a graph are stored. "int7" takes the room of "int8" but uses every other
of its levels, so that a wheel, or any other zip, becomes smaller by a sixth."""

_LEAST = 256
_STRETCH = 128
# MatMulNBits takes this off what it has stored.
_MIDDLE = 128
# How MatMulNBits computes: 1 for float32. 4, with activations in 8 bits as well, is a third faster
# and shifts CLIP's embeddings by a cosine of 0.003.
_IN_FLOAT32 = 1


def store_half(model: onnx.ModelProto, leave: Collection[str] = ()) -> None:
    """Keep large weights as float16 behind a cast, which the runtime folds when it loads.

    Args:
        model: Changed in place.
        leave: Names of weights that stay as they are.
    """
    graph = model.graph
    casts = []
    for tensor in graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) < _LEAST:
            continue
        name = tensor.name
        if name in leave:
            continue
        # A weight too large becomes infinite here, and the check of the whole graph tells.
        with np.errstate(over="ignore"):
            values = numpy_helper.to_array(tensor).astype(np.float16)
        half = numpy_helper.from_array(values, f"{name}.half")
        tensor.CopyFrom(half)
        casts.append(helper.make_node("Cast", [half.name], [name], to=TensorProto.FLOAT))
    for position, cast in enumerate(casts):
        graph.node.insert(position, cast)


def store_bytes(model: onnx.ModelProto, levels: Literal[256, 128] = 256) -> onnx.ModelProto:
    """Return a graph whose constant matrices are stored in 8 bits, and the rest as float16.

    A matrix whose columns hold no more than 255 evenly spaced values each, because it was stored
    in 8 bits before, keeps exactly those.

    The operator is ONNX Runtime's MatMulNBits: it unpacks a matrix as it multiplies, so that
    loading takes a tenth of the time that unpacking all matrices first would.

    Args:
        model: Its matrices are float32.
        levels: How many different values a stretch of weights may have.
    """
    from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

    matrices = {
        t.name: numpy_helper.to_array(t) for t in model.graph.initializer if len(t.dims) == 2
    }
    inputs = {n.output[0]: n.input[1] for n in model.graph.node if n.op_type == "MatMul"}
    with _quiet("onnxruntime.quantization.matmul_nbits_quantizer"):
        quantizer = MatMulNBitsQuantizer(
            model, block_size=_STRETCH, is_symmetric=True, accuracy_level=_IN_FLOAT32, bits=8
        )
        quantizer.process()
    small: onnx.ModelProto = quantizer.model.model
    stored = {tensor.name: tensor for tensor in small.graph.initializer}
    for node in small.graph.node:
        if node.op_type == "MatMulNBits":
            _keep_levels(matrices[inputs[node.output[0]]], stored, node)
            if levels == 128:
                _halve_levels(stored[node.input[1]])
    scales = {node.input[2] for node in small.graph.node if node.op_type == "MatMulNBits"}
    store_half(small, leave=scales)
    return small


def _keep_levels(
    matrix: NDArray[np.float32], stored: dict[str, onnx.TensorProto], node: onnx.NodeProto
) -> None:
    """Give a MatMulNBits one scale a column of its matrix, (K, N), where that loses nothing."""
    step = np.abs(matrix).max(axis=0) / (_MIDDLE - 1)
    if matrix.shape[0] % _STRETCH or not step.all():
        return
    whole = np.rint(matrix / step)
    if not np.allclose(whole * step, matrix, rtol=1e-4, atol=1e-3 * step.min()):
        return
    packed = (whole.T + _MIDDLE).astype(np.uint8).reshape(matrix.shape[1], -1, _STRETCH)
    scales = np.repeat(step.astype(np.float32), packed.shape[1])
    for name, values in ((node.input[1], packed), (node.input[2], scales)):
        before = stored[name]
        stored[name].CopyFrom(numpy_helper.from_array(values.reshape(before.dims), name))


def _halve_levels(packed: onnx.TensorProto) -> None:
    whole = numpy_helper.to_array(packed).astype(np.int16) - _MIDDLE
    even = (2 * np.rint(whole / 2) + _MIDDLE).clip(0, 254).astype(np.uint8)
    packed.CopyFrom(numpy_helper.from_array(even, packed.name))


@contextmanager
def _quiet(name: str) -> Iterator[None]:
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
