from contextlib import suppress

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from samehand.errors import ModelError
from samehand.model.outside import outside_files


def outside(location, name="w", **entries):
    """A tensor whose numbers lie in another file."""
    tensor = TensorProto(name=name, dims=[2], data_type=TensorProto.FLOAT)
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in ({"location": location} | entries).items():
        tensor.external_data.add(key=key, value=value)
    return tensor


def inside(name="v"):
    return numpy_helper.from_array(np.arange(2, dtype=np.float32), name)


def graph_of(nodes=(), weights=(), sparse=()):
    return helper.make_graph(list(nodes), "g", [], [], list(weights), sparse_initializer=sparse)


def model_of(graph, **more):
    return helper.make_model(graph, **more)


def attribute(**fields):
    node = helper.make_node("Constant", [], ["x"])
    node.attribute.add(name="value", **fields)
    return node


def sparse_of(values):
    return onnx.SparseTensorProto(values=values, indices=outside("indices"), dims=[4])


def function_of(node):
    return helper.make_function("d", "f", [], ["x"], [node], [helper.make_opsetid("", 18)])


def deep(tensor, depth):
    graph = graph_of(weights=[tensor])
    for _ in range(depth):
        graph = graph_of([attribute(g=graph, type=onnx.AttributeProto.GRAPH)])
    return graph


def training_of(graph):
    model = model_of(graph_of())
    model.training_info.add().algorithm.CopyFrom(graph)
    model.training_info.add().initialization.CopyFrom(graph_of(weights=[outside("start")]))
    return model


EVIL = outside("../secret", offset="0")
TENSOR, SPARSE = onnx.AttributeProto.TENSOR, onnx.AttributeProto.SPARSE_TENSOR


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (model_of(graph_of(weights=[inside()])), set()),
        (model_of(graph_of(weights=[inside(), EVIL])), {"../secret"}),
        (model_of(graph_of(sparse=[sparse_of(EVIL)])), {"../secret", "indices"}),
        (model_of(graph_of([attribute(t=EVIL, type=TENSOR)])), {"../secret"}),
        (model_of(graph_of([attribute(tensors=[inside(), EVIL])])), {"../secret"}),
        (
            model_of(graph_of([attribute(sparse_tensor=sparse_of(EVIL), type=SPARSE)])),
            {"../secret", "indices"},
        ),
        (
            model_of(graph_of([attribute(sparse_tensors=[sparse_of(EVIL)])])),
            {"../secret", "indices"},
        ),
        (model_of(deep(EVIL, 3)), {"../secret"}),
        (model_of(graph_of([attribute(graphs=[graph_of(), deep(EVIL, 1)])])), {"../secret"}),
        (
            model_of(graph_of(), functions=[function_of(attribute(t=EVIL, type=TENSOR))]),
            {"../secret"},
        ),
        (training_of(graph_of(weights=[EVIL])), {"../secret", "start"}),
    ],
)
def test_a_path_is_found_wherever_a_tensor_may_stand(model, expected):
    assert outside_files(model.SerializeToString()) == expected


def test_every_field_of_onnx_that_leads_to_a_tensor_is_followed():
    """The schema that is installed here says which messages hold which."""
    reaches = {"TensorProto"}
    messages = dict(onnx.ModelProto.DESCRIPTOR.file.message_types_by_name)
    everything = [*messages.values(), *onnx.TypeProto.DESCRIPTOR.nested_types]
    while True:
        more = {
            message.name
            for message in everything
            if any(f.message_type and f.message_type.name in reaches for f in message.fields)
        }
        if more <= reaches:
            break
        reaches |= more
    from samehand.model.outside import _PATHS

    names = {
        "ModelProto": "model",
        "TrainingInfoProto": "training",
        "GraphProto": "graph",
        "FunctionProto": "function",
        "NodeProto": "node",
        "AttributeProto": "attribute",
        "SparseTensorProto": "sparse",
        "TensorProto": "tensor",
    }
    assert reaches == names.keys()
    for message, kind in names.items():
        expected = {
            field.number: names[field.message_type.name]
            for field in messages[message].fields
            if field.message_type and field.message_type.name in reaches
        }
        if kind == "tensor":
            expected = {messages[message].fields_by_name["external_data"].number: "entry"}
        assert _PATHS[kind] == expected


@pytest.mark.parametrize(
    "location", ["", ".", "/etc/passwd", "a\\b", "*/_ORT_MEM_ADDR_/*", "ä", "x" * 5000]
)
def test_a_path_is_given_as_it_is(location):
    assert outside_files(model_of(graph_of(weights=[outside(location)])).SerializeToString()) == {
        location
    }


def test_neither_the_first_nor_the_last_of_two_paths_is_let_pass():
    tensor = outside("one")
    tensor.external_data.add(key="location", value="two")
    model = model_of(graph_of(weights=[tensor])).SerializeToString()
    assert outside_files(model) == {"one", "two"}
    # One entry whose key and value are both there twice, as a reader of protobuf accepts it.
    entry = onnx.StringStringEntryProto(key="offset", value="three").SerializeToString()
    entry += onnx.StringStringEntryProto(key="location", value="four").SerializeToString()
    tensor = TensorProto(name="w").SerializeToString() + bytes([13 << 3 | 2, len(entry)]) + entry
    graph = bytes([5 << 3 | 2, len(tensor)]) + tensor
    assert outside_files(bytes([7 << 3 | 2, len(graph)]) + graph) == {"three", "four"}


def test_an_entry_of_another_key_names_no_file():
    tensor = inside()
    tensor.external_data.add(key="checksum", value="/etc/passwd")
    assert outside_files(model_of(graph_of(weights=[tensor])).SerializeToString()) == set()


def test_thousands_of_graphs_within_one_another_are_no_harm():
    graph = b""
    for _ in range(3000):
        part = b"\x32" + _size(graph) + graph  # AttributeProto.g
        part = b"\x2a" + _size(part) + part  # NodeProto.attribute
        graph = b"\x0a" + _size(part) + part  # GraphProto.node
    assert outside_files(b"\x3a" + _size(graph) + graph) == set()


def _size(data):
    value, found = len(data), b""
    while value > 127:
        found += bytes([value & 127 | 128])
        value >>= 7
    return found + bytes([value])


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data):
    with suppress(ModelError):
        assert isinstance(outside_files(data), frozenset)


@given(st.integers(0, 400))
def test_a_graph_cut_short_is_refused_or_names_no_more_than_the_whole(cut):
    whole = model_of(graph_of(weights=[inside(), EVIL])).SerializeToString()
    try:
        assert outside_files(whole[:cut]) <= {"../secret"}
    except ModelError:
        assert cut < len(whole)


def test_a_number_without_an_end_is_refused():
    with pytest.raises(ModelError):
        outside_files(b"\x08" + b"\xff" * 11)
    with pytest.raises(ModelError):
        outside_files(b"\x3b")
