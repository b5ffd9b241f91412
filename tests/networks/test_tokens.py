"""Pooling "tokens": a vision transformer's class tokens and patch statistics at several depths."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch.nn import functional as F

from samehand.errors import RecipeError
from samehand.networks.backbone import load_backbone
from samehand.networks.encoder import Encoder, EncoderConfig
from samehand.networks.export import OUTPUTS, export_encoder

MEAN = torch.tensor([0.48145466, 0.4578275, 0.40821073]).view(1, 3, 1, 1)
STD = torch.tensor([0.26862954, 0.26130258, 0.27577711]).view(1, 3, 1, 1)


def pictures(count=2, size=32, seed=0):
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(seed))


def make(backbone, **settings):
    torch.manual_seed(1)
    settings = {"width": 6, "blocks": (1, 3), "patch_blocks": (2, 3), "region_block": 2} | settings
    encoder = Encoder(EncoderConfig(backbone, "tokens", **settings)).eval()
    with torch.no_grad():
        encoder.feature_mean.normal_()
        encoder.feature_deviation.uniform_(0.5, 2)
        encoder.region_mean.normal_()
        encoder.region_deviation.uniform_(0.5, 2)
    return encoder


def states_of(clip, images):
    from transformers import CLIPVisionModel

    network = CLIPVisionModel.from_pretrained(clip).eval()
    return network((images - MEAN) / STD, output_hidden_states=True).hidden_states


@torch.inference_mode()
def test_features_are_class_tokens_then_mean_and_deviation_of_patches(clip):
    images = pictures()
    states = states_of(clip, images)
    rows = []
    for image in range(2):
        parts = [states[1][image, 0], states[3][image, 0]]
        for block in (2, 3):
            patches = states[block][image, 1:]
            mean = sum(patches) / len(patches)
            variance = sum((patch - mean) ** 2 for patch in patches) / (len(patches) - 1)
            parts += [mean, (variance + 1e-6).sqrt()]
        rows.append(torch.cat(parts))
    torch.testing.assert_close(make(clip).features(images), torch.stack(rows))


@torch.inference_mode()
def test_embedding_and_strangeness_are_of_standardised_features(clip):
    encoder, images = make(clip), pictures()
    embedding, _, strangeness = encoder.serve(images)
    features = (encoder.features(images) - encoder.feature_mean) / encoder.feature_deviation
    torch.testing.assert_close(embedding, F.normalize(features @ encoder.projection.weight.T))
    torch.testing.assert_close(strangeness, features.square().mean(dim=1))
    torch.testing.assert_close(embedding, encoder(images))


@torch.inference_mode()
def test_a_region_answers_most_to_its_own_part_of_the_picture(clip):
    encoder, images = make(clip), pictures(1)
    touched = images.clone()
    touched[:, :, 24:, :8] = 1 - touched[:, :, 24:, :8]
    before, after = (encoder.serve(each)[1][0] for each in (images, touched))
    assert before.shape == (16, 6)
    torch.testing.assert_close(before.norm(dim=1), torch.ones(16))
    assert divmod(int((after - before).norm(dim=1).argmax()), 4) in {(3, 0), (2, 0), (3, 1)}


@torch.inference_mode()
def test_other_sizes_have_their_positions_interpolated(clip):
    embedding, regions, _ = make(clip).serve(pictures(1, 48))
    assert embedding.shape == (1, 6)
    assert regions.shape == (1, 36, 6)


@torch.inference_mode()
def test_a_network_without_class_token_gives_the_mean_of_its_patches(tmp_path, saved):
    from transformers import SiglipVisionConfig, SiglipVisionModel

    config = SiglipVisionConfig(
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        image_size=32,
        patch_size=8,
    )
    backbone = load_backbone(saved(SiglipVisionModel(config), tmp_path / "siglip")).eval()
    classes, patches = backbone.tokens(pictures(), (1, 2))
    for found, cells in zip(classes, patches, strict=True):
        assert cells.shape == (2, 16, 16)
        torch.testing.assert_close(found, cells.mean(dim=1))


@torch.inference_mode()
def test_of_a_model_of_images_and_texts_the_image_tower_is_taken(tmp_path, saved):
    from transformers import CLIPConfig, CLIPModel

    tower = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    tower |= {"intermediate_size": 32}
    both = CLIPModel(
        CLIPConfig(
            text_config=tower | {"vocab_size": 30, "eos_token_id": 2, "bos_token_id": 1},
            vision_config=tower | {"image_size": 32, "patch_size": 8},
            projection_dim=8,
        )
    )
    backbone = load_backbone(saved(both, tmp_path / "clip")).eval()
    assert backbone.width == 16
    assert not [name for name in backbone.state_dict() if "text" in name]
    images = pictures()
    expected = both.vision_model.eval()((images - MEAN) / STD).last_hidden_state[:, 1:]
    found = backbone(images).flatten(2).transpose(1, 2)
    torch.testing.assert_close(found, expected)


def test_first_blocks_can_be_frozen(clip):
    encoder = make(clip, frozen_blocks=3)
    trained = {name for name, tensor in encoder.named_parameters() if tensor.requires_grad}
    layers = [name for name in trained if ".layers." in name]
    assert layers
    assert all(".layers.2." in name for name in layers)
    assert not [name for name in trained if "embed" in name or "pre_" in name]


def test_some_patches_go_on_while_training_and_all_when_answering(clip):
    encoder = make(clip, frozen_blocks=2, kept_patches=5)
    seen = []
    layers = encoder.backbone.body.network.encoder.layers
    for layer in layers:
        layer.register_forward_hook(lambda module, inputs, output: seen.append(output))
    whole = encoder(pictures())
    assert [states.shape[1] for states in seen] == [17, 17, 17]
    full = seen[0]
    seen.clear()
    torch.manual_seed(0)
    encoder.train()
    part = encoder(pictures())
    # The embeddings and the first block are frozen; the class token and five patches go on.
    assert [states.shape[1] for states in seen] == [17, 6, 6]
    torch.testing.assert_close(seen[0], full)
    assert not torch.allclose(part, whole, atol=1e-3)
    part.sum().backward()
    assert layers[0].mlp.fc1.weight.grad is None
    assert layers[1].mlp.fc1.weight.grad.abs().sum() > 0
    torch.testing.assert_close(encoder.eval()(pictures()), whole)


@pytest.mark.parametrize("blocks", [(0, 1), (1, 4)])
def test_blocks_that_there_are_not_are_refused(clip, blocks):
    with pytest.raises(RecipeError, match="it has 3"):
        make(clip, blocks=blocks).features(pictures())


def test_networks_without_tokens_are_refused():
    encoder = EncoderConfig("efficientnet-lite0", "tokens", blocks=(1,), region_block=1)
    with pytest.raises(RecipeError, match="needs a vision transformer"):
        Encoder(encoder, pretrained=False).features(pictures())


@pytest.mark.parametrize(
    "wrong",
    [
        {"pooling": "tokens"},
        {"pooling": "tokens", "blocks": (1,)},
        {"pooling": "tokens", "region_block": 1},
        {"pooling": "mean", "blocks": (1,), "region_block": 1},
        {"pooling": "mean", "patch_blocks": (1,)},
    ],
)
def test_blocks_belong_to_tokens(wrong):
    with pytest.raises(ValueError, match="blocks and a region_block"):
        EncoderConfig("any", **wrong)


@pytest.mark.parametrize(
    ("weights", "tolerance"),
    [("float32", 1e-4), pytest.param("int8", 2e-2, marks=pytest.mark.slow)],
)
def test_the_graph_computes_what_pytorch_does_for_any_batch(clip, tmp_path, weights, tolerance):
    encoder = make(clip)
    export_encoder(encoder, 32, tmp_path / "encoder.onnx", weights=weights)
    session = onnxruntime.InferenceSession(
        tmp_path / "encoder.onnx", providers=["CPUExecutionProvider"]
    )
    assert [output.name for output in session.get_outputs()] == list(OUTPUTS)
    for count in (1, 3):
        images = pictures(count, seed=count)
        with torch.inference_mode():
            expected = [part.numpy() for part in encoder.serve(images)]
        found = session.run(list(OUTPUTS), {"images": images.numpy()})
        for array, wanted in zip(found[:2], expected[:2], strict=True):
            assert array.shape == wanted.shape
            np.testing.assert_allclose(array, wanted, atol=tolerance)
        np.testing.assert_allclose(found[2], expected[2], rtol=10 * tolerance)


@pytest.mark.slow
def test_matrices_are_stored_in_eight_bits(clip, tmp_path):
    export_encoder(make(clip), 32, tmp_path / "encoder.onnx", weights="int8")
    small = onnx.load(tmp_path / "encoder.onnx").graph
    matrices = {"MatMul": 0, "MatMulNBits": 0}
    for node in small.node:
        if node.op_type in matrices:
            matrices[node.op_type] += 1
    # Of each of three blocks six matrices, and the projection of regions; products of states
    # remain, and the projection to the embedding is a Gemm and not a MatMul, in float16.
    assert matrices["MatMulNBits"] == 3 * 6 + 1
    assert matrices["MatMul"] == 3 * 2
    large = [t for t in small.initializer if t.data_type == onnx.TensorProto.FLOAT]
    scales = {node.input[2] for node in small.node if node.op_type == "MatMulNBits"}
    assert all(np.prod(t.dims) < 256 or t.name in scales for t in large)
    stored = {t.name: t.data_type for t in small.initializer}
    packed = [node.input[1] for node in small.node if node.op_type == "MatMulNBits"]
    assert {stored[name] for name in packed} == {onnx.TensorProto.UINT8}
