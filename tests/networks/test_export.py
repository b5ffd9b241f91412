import getpass
import logging
import re
import socket
import sysconfig
from logging.handlers import BufferingHandler
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

import samehand
from samehand.errors import ModelError
from samehand.networks.encoder import Encoder, EncoderConfig
from samehand.networks.export import OUTPUTS, export_encoder


def make(backbone):
    torch.manual_seed(1)
    encoder = Encoder(EncoderConfig(backbone, "gem", 24)).eval()
    with torch.no_grad():
        encoder.centre.running_mean.normal_(0, 0.1)
        encoder.centre.running_var.uniform_(0.5, 2)
    return encoder


@pytest.fixture(scope="module")
def encoder(resnet):
    return make(resnet)


@pytest.fixture(scope="module")
def files(encoder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    found = {"half": folder / "half.onnx", "full": folder / "full.onnx"}
    export_encoder(encoder, 32, found["half"])
    export_encoder(encoder, 32, found["full"], weights="float32")
    return found


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize(("kind", "tolerance"), [("full", 1e-5), ("half", 5e-3)])
def test_the_graph_computes_what_pytorch_does(encoder, files, kind, tolerance, count):
    images = torch.rand(count, 3, 32, 32, generator=torch.Generator().manual_seed(count))
    with torch.inference_mode():
        expected = encoder.serve(images)
    session = onnxruntime.InferenceSession(files[kind], providers=["CPUExecutionProvider"])
    assert [output.name for output in session.get_outputs()] == list(OUTPUTS)
    found = session.run(list(OUTPUTS), {"images": images.numpy()})
    for array, tensor in zip(found, expected, strict=True):
        assert array.dtype == np.float32
        assert array.shape == tensor.shape
        np.testing.assert_allclose(array, tensor.numpy(), atol=tolerance)


def test_half_weights_take_half_the_room(files):
    def weights(path):
        return [t for t in onnx.load(path).graph.initializer if np.prod(t.dims) >= 256]

    kinds = {kind: weights(path) for kind, path in files.items()}
    assert {t.data_type for t in kinds["half"]} == {onnx.TensorProto.FLOAT16}
    assert {t.data_type for t in kinds["full"]} == {onnx.TensorProto.FLOAT}
    saved = sum(2 * int(np.prod(t.dims)) for t in kinds["full"])
    half, full = (files[kind].stat().st_size for kind in ("half", "full"))
    assert full - saved <= half < full - 0.8 * saved
    onnx.checker.check_model(onnx.load(files["half"]), full_check=True)


def test_a_graph_tells_nothing_of_the_machine_that_made_it(files):
    machine = [
        str(Path.cwd()),
        str(Path.home()),
        str(Path(samehand.__file__).parent),
        sysconfig.get_paths()["purelib"],
        getpass.getuser() + "/",
        f"{socket.gethostname()}.",
    ]
    for path in files.values():
        data = path.read_bytes()
        assert not [text for text in machine if len(text) > 4 and text.encode() in data]
        assert not re.search(rb"\.py\b|File \"|Traceback|stack_trace", data)
        graph = onnx.load(path)
        nodes = [*graph.graph.node, *graph.graph.initializer, *graph.graph.value_info]
        assert not [node for node in nodes if node.doc_string]
        assert not graph.doc_string
        assert not graph.graph.doc_string


def test_a_graph_that_computes_something_else_is_refused_in_silence(resnet, tmp_path, capfd):
    encoder = make(resnet)
    with torch.no_grad():
        encoder.projection.weight[3, 3] = 1e6  # infinite as a float16
        encoder.projection.weight[4, 4] = torch.nan  # compares as no larger than any tolerance
    logger = logging.getLogger("torch.onnx")
    before = logger.level
    said = BufferingHandler(1000)
    logger.addHandler(said)
    capfd.readouterr()
    with pytest.raises(ModelError, match=r"^the exported graph differs from PyTorch by nan"):
        export_encoder(encoder, 32, tmp_path / "encoder.onnx")
    logger.removeHandler(said)
    assert [record.getMessage() for record in said.buffer] == []
    assert capfd.readouterr() == ("", "")
    assert logger.level == before
    assert not list(tmp_path.iterdir())
