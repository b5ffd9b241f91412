import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from samehand.errors import ModelError
from samehand.model.head import OnnxHead
from samehand.scoring.comparator import HeadComparator

WIDTH = 6


def write_head(path, names=("left", "right")):
    """|A - B| times a weight, as a graph of half-precision inputs."""
    weight = np.arange(1, WIDTH + 1, dtype=np.float16).reshape(WIDTH, 1)
    nodes = [
        helper.make_node("Sub", list(names), ["difference"]),
        helper.make_node("Abs", ["difference"], ["distance"]),
        helper.make_node("MatMul", ["distance", "weight"], ["column"]),
        helper.make_node("Cast", ["column"], ["single"], to=TensorProto.FLOAT),
        helper.make_node("Squeeze", ["single", "axis"], ["logit"]),
    ]
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT16, ["batch", WIDTH]) for name in names
    ]
    output = helper.make_tensor_value_info("logit", TensorProto.FLOAT, ["batch"])
    constants = [
        numpy_helper.from_array(weight, "weight"),
        numpy_helper.from_array(np.array([1], np.int64), "axis"),
    ]
    graph = helper.make_graph(nodes, "head", inputs, [output], constants)
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path
    )


def test_a_head_scores_enrolled_pairs_in_any_order_and_number(tmp_path):
    write_head(tmp_path / "head.onnx")
    comparator = HeadComparator(OnnxHead(tmp_path / "head.onnx", threads=1), WIDTH)
    encodings = np.random.default_rng(0).integers(0, 9, (20, WIDTH)).astype(np.float16)
    left, right = np.random.default_rng(1).integers(0, 20, (2, 150))
    enrolled = comparator.enrol(encodings)
    scores = comparator.pair_scores(enrolled, left, right)
    expected = [
        sum((k + 1) * abs(float(encodings[i, k]) - float(encodings[j, k])) for k in range(WIDTH))
        for i, j in zip(left, right, strict=True)
    ]
    np.testing.assert_array_equal(scores, expected)
    np.testing.assert_array_equal(comparator.pair_scores(enrolled, right, left), scores)
    assert (enrolled.spread == 1).all()
    one, two = enrolled.take(np.arange(3)), enrolled.take(np.arange(3, 8))
    crossed = comparator.cross_scores(one, two)
    rows, columns = np.indices((3, 5))
    by_pairs = comparator.pair_scores(enrolled, rows.ravel(), 3 + columns.ravel())
    np.testing.assert_array_equal(crossed.ravel(), by_pairs)


def test_a_graph_of_other_inputs_is_refused(tmp_path):
    write_head(tmp_path / "head.onnx", names=("a", "b"))
    with pytest.raises(ModelError, match="does not map two encodings to one logit"):
        OnnxHead(tmp_path / "head.onnx")


def test_a_damaged_graph_is_refused(tmp_path):
    (tmp_path / "head.onnx").write_bytes(b"nothing")
    with pytest.raises(ModelError, match="cannot load"):
        OnnxHead(tmp_path / "head.onnx")
