"""The convolutional part of VGG-16 (Simonyan and Zisserman, ICLR 2015, table 1, column D).

`transformers` has no VGG, and the report's count of layers (13 convolutional, 5 max-pooling, 3
dense) is that of this network.
"""

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from samehand.errors import MissingExtraError, RecipeError
from samehand.networks.hub import fetch_problem, local_only

_BLOCKS = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
"""Channels and convolutions of each block; a max-pooling that halves the map ends it."""

HUB_NAME, HUB_FILE = "timm/vgg16.tv_in1k", "model.safetensors"
_PREFIX = "features."


def vgg16_features(pretrained: bool) -> nn.Sequential:
    """Return the 13 convolutional and 5 max-pooling layers: (B, 3, H, W) to (B, 512, H/32, W/32).

    Args:
        pretrained: Load ImageNet weights from the hub; False starts from random ones.

    Raises:
        RecipeError: The weights cannot be had.
    """
    layers: list[nn.Module] = []
    channels = 3
    for width, convolutions in _BLOCKS:
        for _ in range(convolutions):
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
            channels = width
        layers.append(nn.MaxPool2d(2))
    network = nn.Sequential(*layers)
    if pretrained:
        load_vgg16(network, _download())
    return network


def load_vgg16(network: nn.Sequential, path: Path) -> None:
    """Load weights stored as torchvision and timm name them: "features.0.weight" and so on.

    Raises:
        RecipeError: The file is damaged, or of another network.
    """
    try:
        stored = load_file(path)
        features = {
            name.removeprefix(_PREFIX): value
            for name, value in stored.items()
            if name.startswith(_PREFIX)
        }
        network.load_state_dict(features)
    except (SafetensorError, OSError, RuntimeError) as error:
        raise RecipeError(
            f"{path} does not hold the weights of VGG-16; delete it, so that it is fetched again"
        ) from error


def _download() -> Path:
    try:
        from huggingface_hub import hf_hub_download
    except ImportError as error:
        raise MissingExtraError("the vgg16 backbone", "train") from error
    try:
        return Path(hf_hub_download(HUB_NAME, HUB_FILE, local_files_only=local_only()))
    except (OSError, ValueError) as error:
        raise RecipeError(fetch_problem(HUB_NAME)) from error
