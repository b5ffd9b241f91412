import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from samehand.errors import RecipeError
from samehand.networks.vgg import load_vgg16, vgg16_features


def test_it_has_the_layers_that_the_report_counts():
    network = vgg16_features(pretrained=False)
    kinds = [type(layer) for layer in network]
    assert kinds.count(nn.Conv2d) == 13
    assert kinds.count(nn.MaxPool2d) == 5
    widths = [layer.out_channels for layer in network if isinstance(layer, nn.Conv2d)]
    assert widths == [64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512]


def test_published_weights_are_loaded_by_their_names(tmp_path):
    torch.manual_seed(0)
    stored = vgg16_features(pretrained=False)
    # As timm and torchvision publish them, with the dense layers that are not wanted here.
    tensors = {f"features.{name}": value for name, value in stored.state_dict().items()}
    assert "features.28.weight" in tensors
    save_file(tensors | {"head.fc.weight": torch.zeros(2, 2)}, tmp_path / "model.safetensors")
    network = vgg16_features(pretrained=False)
    load_vgg16(network, tmp_path / "model.safetensors")
    for name, value in network.state_dict().items():
        assert torch.equal(value, stored.state_dict()[name])


@pytest.mark.parametrize("damage", ["other", "torn"])
def test_other_weights_are_refused(tmp_path, damage):
    path = tmp_path / "model.safetensors"
    save_file({"features.0.weight": torch.zeros(64, 3, 3, 3)}, path)
    if damage == "torn":
        path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(RecipeError, match=r"VGG-16.*fetched again"):
        load_vgg16(vgg16_features(pretrained=False), path)


def test_without_a_hub_the_way_out_is_named():
    with pytest.raises(RecipeError, match="pretrained = false"):
        vgg16_features(pretrained=True)
