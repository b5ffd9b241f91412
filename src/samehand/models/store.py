"""Smaller weights in an ONNX graph: float16, or 8 bits with a scale for each stretch of 128.

Both are stored small and used in float32, so that only the rounding of the weights is lost.
"""

import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Literal

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

Weights = Literal["float32", "float16", "int8"]
"""How the large weights of a graph are stored."""

_LEAST = 256
_STRETCH = 128
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


def store_bytes(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a graph whose constant matrices are stored in 8 bits, and the rest as float16.

    The operator is ONNX Runtime's MatMulNBits: it unpacks a matrix as it multiplies, so that
    loading takes a tenth of the time that unpacking all matrices first would.
    """
    from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

    with _quiet("onnxruntime.quantization.matmul_nbits_quantizer"):
        quantizer = MatMulNBitsQuantizer(
            model, block_size=_STRETCH, is_symmetric=True, accuracy_level=_IN_FLOAT32, bits=8
        )
        quantizer.process()
    small: onnx.ModelProto = quantizer.model.model
    scales = {node.input[2] for node in small.graph.node if node.op_type == "MatMulNBits"}
    store_half(small, leave=scales)
    return small


@contextmanager
def _quiet(name: str) -> Iterator[None]:
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
