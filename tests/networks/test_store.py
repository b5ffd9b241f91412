import zlib

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from samehand.networks.store import store_bytes


def graph_of(matrix):
    """A graph that multiplies by one matrix."""
    rows, columns = matrix.shape
    return helper.make_model(
        helper.make_graph(
            [helper.make_node("MatMul", ["x", "w"], ["y"])],
            "one",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", rows])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", columns])],
            [numpy_helper.from_array(matrix, "w")],
        ),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=9,
    )


def run(model, inputs):
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"x": inputs})[0]


@pytest.fixture
def inputs():
    return np.random.default_rng(0).normal(size=(5, 256)).astype(np.float32)


def test_a_matrix_that_has_been_in_eight_bits_loses_nothing(inputs):
    rng = np.random.default_rng(1)
    steps = rng.uniform(0.001, 0.1, size=40)
    whole = rng.integers(-126, 127, size=(256, 40))
    whole[rng.integers(256, size=40), np.arange(40)] = rng.choice([-127, 127], 40)
    matrix = (whole * steps).astype(np.float32)
    model = store_bytes(graph_of(matrix))
    assert [node.op_type for node in model.graph.node] == ["MatMulNBits"]
    np.testing.assert_allclose(run(model, inputs), inputs @ matrix, rtol=1e-4, atol=1e-4)
    scales = {t.name: t for t in model.graph.initializer}[model.graph.node[0].input[2]]
    found = numpy_helper.to_array(scales).reshape(40, 2)
    np.testing.assert_allclose(found, np.repeat(steps[:, None], 2, axis=1), rtol=1e-5)


def test_any_other_matrix_is_rounded_by_less_than_a_hundredth(inputs):
    matrix = np.random.default_rng(2).normal(size=(256, 40)).astype(np.float32)
    matrix[:, 0] *= 50  # a column of its own scale
    found, expected = run(store_bytes(graph_of(matrix)), inputs), inputs @ matrix
    scale = np.abs(matrix).max(axis=0)
    apart = np.linalg.norm((found - expected) / scale) / np.linalg.norm(expected / scale)
    assert 0 < apart < 0.01
    onnx.checker.check_model(graph_of(matrix))


def test_half_of_the_levels_pack_better_and_cost_little(inputs):
    matrix = np.random.default_rng(3).normal(size=(256, 400)).astype(np.float32)
    full, half = (store_bytes(graph_of(matrix), levels=levels) for levels in (256, 128))
    packed = [
        numpy_helper.to_array(
            {t.name: t for t in model.graph.initializer}[model.graph.node[0].input[1]]
        )
        for model in (full, half)
    ]
    assert packed[0].shape == packed[1].shape
    assert len(np.unique(packed[0])) > 128 >= len(np.unique(packed[1]))
    assert not (packed[1] % 2).any()
    assert np.abs(packed[0].astype(int) - packed[1]).max() <= 2
    sizes = [len(zlib.compress(values.tobytes())) for values in packed]
    assert sizes[1] < 0.88 * sizes[0]
    found, expected = run(half, inputs), inputs @ matrix
    assert np.linalg.norm(found - expected) < 0.02 * np.linalg.norm(expected)
