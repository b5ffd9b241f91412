"""The report's network: one encoder for both paintings, |A - B|, pooling, one dense unit.

    images (B, 3, 224, 224)  ->  backbone    (B, C, 7, 7)       one, shared by both sides
    |A - B|                  ->  difference  (B, C, 7, 7)
                             ->  pooling     (B, C) "max", (B, C * 49) "flatten"
                             ->  dropout     the same
                             ->  dense       (B, 1)
                             ->  sigmoid     (B, 1), the probability of one artist

C is 512 for ResNet-18, ResNet-34 and VGG-16, and 1,280 for EfficientNet-Lite0. Shapes: B pairs,
h x w the cells of the last map, E = C * h * w the length of an encoding.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from samehand.networks.backbone import load_backbone

Head = Literal["max", "flatten"]


@dataclass(frozen=True, slots=True)
class SiameseConfig:
    """What a siamese network is made of.

    Attributes:
        backbone: A name that `load_backbone` knows.
        head: "max" for global max pooling of |A - B|, "flatten" for all its entries.
        dropout: Share of pooled differences dropped while training, in [0, 1).
        train_backbone: False leaves the backbone as it was pretrained.
    """

    backbone: str = "resnet18"
    head: Head = "max"
    dropout: float = 0.1
    train_backbone: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout = {self.dropout} is out of its range")


class AbsoluteDifference(nn.Module):
    """|A - B|, which floating point computes alike in either order, to the last bit."""

    def forward(
        self, left: Float[Tensor, "B C h w"], right: Float[Tensor, "B C h w"]
    ) -> Float[Tensor, "B C h w"]:
        """Return the absolute difference of two maps."""
        return (left - right).abs()


class GlobalMaxPooling(nn.Module):
    """The largest value of each channel, wherever it lies."""

    def forward(self, maps: Float[Tensor, "B C h w"]) -> Float[Tensor, "B C"]:
        """Return the maximum over all cells."""
        return maps.amax(dim=(2, 3))


class Siamese(nn.Module):
    """Two images to the logit of "one artist made both"; the layers are those of this module."""

    def __init__(self, config: SiameseConfig, size: int, pretrained: bool = True) -> None:
        """Build the network.

        Args:
            config: What it is made of.
            size: Side of the square images in pixels; with "flatten" it fixes the dense unit.
            pretrained: False starts the backbone from random weights.
        """
        super().__init__()
        self.config = config
        self.size = size
        self.backbone = load_backbone(config.backbone, pretrained)
        self.backbone.requires_grad_(config.train_backbone)
        with torch.inference_mode():
            example = self.backbone.eval()(torch.zeros(1, 3, size, size))
        self.map_shape = torch.Size(example.shape[1:])
        self.difference = AbsoluteDifference()
        self.pooling = GlobalMaxPooling() if config.head == "max" else nn.Flatten()
        self.dropout = nn.Dropout(config.dropout)
        self.dense = nn.Linear(self.pooling(example).shape[1], 1)
        self.sigmoid = nn.Sigmoid()
        self.train()

    def train(self, mode: bool = True) -> "Siamese":
        """Set the training mode; a frozen backbone keeps the statistics of its pre-training."""
        super().train(mode)
        if not self.config.train_backbone:
            self.backbone.eval()
        return self

    def forward(
        self, left: Float[Tensor, "B 3 H W"], right: Float[Tensor, "B 3 H W"]
    ) -> Float[Tensor, " B"]:
        """Return the logit of each pair of images, RGB in [0, 1]."""
        # One side after the other, as two calls of a shared layer: batch statistics are per side,
        # and swapping the sides swaps equal computations.
        return self.compare(self.backbone(left), self.backbone(right))

    def compare(
        self, left: Float[Tensor, "B C h w"], right: Float[Tensor, "B C h w"]
    ) -> Float[Tensor, " B"]:
        """Return the logit of each pair of feature maps."""
        return self.dense(self.dropout(self.pooling(self.difference(left, right)))).squeeze(1)

    def probability(
        self, left: Float[Tensor, "B 3 H W"], right: Float[Tensor, "B 3 H W"]
    ) -> Float[Tensor, " B"]:
        """Return what the report's network answers: the probability of one artist, in [0, 1]."""
        return self.sigmoid(self(left, right))


class ServedEncoder(nn.Module):
    """Images to a flat map, which the head takes, and to the directions of its cells."""

    def __init__(self, network: Siamese) -> None:
        super().__init__()
        self.backbone = network.backbone

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return (B, E) in half precision and (B, P, C) of unit length."""
        maps = self.backbone(images)
        patches = F.normalize(maps.flatten(2).transpose(1, 2), dim=-1)
        return maps.flatten(1).half(), patches


class ServedHead(nn.Module):
    """Two flat maps, (B, E) each, to one logit a pair, (B,)."""

    def __init__(self, network: Siamese) -> None:
        super().__init__()
        self.network = network

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        """Return the logit of each pair."""
        shape = list(self.network.map_shape)
        return self.network.compare(
            left.float().unflatten(1, shape), right.float().unflatten(1, shape)
        )
