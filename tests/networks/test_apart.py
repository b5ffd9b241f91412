"""A backbone's weights in a file of their own."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto
from onnx.external_data_helper import load_external_data_for_model

from samehand.model.outside import outside_files
from samehand.networks.encoder import Encoder, EncoderConfig
from samehand.networks.export import OUTPUTS, export_encoder


def make(clip, seed=1, width=12):
    torch.manual_seed(seed)
    encoder = Encoder(EncoderConfig(clip, "tokens", width, blocks=(1, 2), region_block=1)).eval()
    with torch.no_grad():
        encoder.feature_mean.normal_()
    return encoder


@pytest.fixture(scope="module")
def wide_clip(tmp_path_factory):
    """A network whose matrices are large enough to lie apart."""
    from transformers import CLIPVisionConfig, CLIPVisionModel

    torch.manual_seed(0)
    config = CLIPVisionConfig(
        hidden_size=128,
        intermediate_size=256,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=32,
        patch_size=8,
    )
    folder = tmp_path_factory.mktemp("clip")
    CLIPVisionModel(config).save_pretrained(folder)
    return str(folder)


def exported(folder, encoder, **settings):
    folder.mkdir()
    export_encoder(encoder, 32, folder / "encoder.onnx", apart=folder / "backbone.bin", **settings)
    return folder


def run(path):
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(5)).numpy()
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(list(OUTPUTS), {"images": images})


@pytest.mark.slow
@pytest.mark.parametrize("weights", ["float32", "float16", "int8", "int7"])
def test_the_two_files_compute_what_one_does(wide_clip, tmp_path, weights):
    encoder = make(wide_clip)
    export_encoder(encoder, 32, tmp_path / "whole.onnx", weights=weights)
    folder = exported(tmp_path / "apart", encoder, weights=weights)
    assert outside_files((folder / "encoder.onnx").read_bytes()) == {"backbone.bin"}
    for one, two in zip(run(tmp_path / "whole.onnx"), run(folder / "encoder.onnx"), strict=True):
        np.testing.assert_array_equal(one, two)
    whole = (tmp_path / "whole.onnx").stat().st_size
    small, held = ((folder / n).stat().st_size for n in ("encoder.onnx", "backbone.bin"))
    assert held > 2 * small
    assert small < whole < small + held


@pytest.mark.slow
def test_another_head_changes_nothing_of_the_backbones_file(wide_clip, tmp_path):
    one = exported(tmp_path / "one", make(wide_clip, 1), weights="int7")
    two = exported(tmp_path / "two", make(wide_clip, 2, width=20), weights="int7")
    assert (one / "backbone.bin").read_bytes() == (two / "backbone.bin").read_bytes()
    assert (one / "encoder.onnx").read_bytes() != (two / "encoder.onnx").read_bytes()


@pytest.mark.slow
def test_the_head_stays_in_the_graph(wide_clip, tmp_path):
    encoder = make(wide_clip, width=200)  # its projection is larger than what stays for its size
    folder = exported(tmp_path / "apart", encoder, weights="float32")
    model = onnx.load(folder / "encoder.onnx", load_external_data=False)
    outer = {t.name for t in model.graph.initializer if t.data_location == TensorProto.EXTERNAL}
    load_external_data_for_model(model, str(folder))
    heads = [encoder.projection.weight, encoder.region_projection.weight]
    heads = [head.detach().numpy() for head in heads]
    seen = 0
    for tensor in model.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        is_head = any(
            values.shape == head.shape and np.array_equal(values, head) for head in heads
        ) or any(values.shape == head.T.shape and np.array_equal(values, head.T) for head in heads)
        seen += is_head
        if values.nbytes >= 16_384:
            assert (tensor.name in outer) != is_head
        else:
            assert tensor.name not in outer
    assert seen == 2


def test_a_weight_starts_at_a_page_so_that_it_can_be_mapped(wide_clip, tmp_path):
    folder = exported(tmp_path / "apart", make(wide_clip), weights="int8")
    model = onnx.load(folder / "encoder.onnx", load_external_data=False)
    places = []
    for tensor in model.graph.initializer:
        entries = {entry.key: entry.value for entry in tensor.external_data}
        if entries:
            places.append((int(entries["offset"]), int(entries["length"])))
    assert all(offset % 4096 == 0 for offset, _ in places)
    ends = [offset + length for offset, length in places]
    assert all(end <= start for end, (start, _) in zip(ends, places[1:], strict=False))
    assert ends[-1] == (folder / "backbone.bin").stat().st_size
