"""The metric-learning encoder: a backbone, pooling, and a projection to a unit embedding.

Shapes: B batch, C backbone channels, P = h * w patches of the last map, D embedding width.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from samehand.models.backbone import load_backbone

Pooling = Literal["mean", "gem"]


@dataclass(frozen=True, slots=True)
class EncoderConfig:
    """What an encoder is made of.

    Attributes:
        backbone: A name that `load_backbone` knows.
        pooling: "mean", or "gem" for the generalised mean with a learned exponent.
        width: D, the length of an embedding.
        dropout: Share of pooled features dropped while training, in [0, 1).
    """

    backbone: str = "efficientnet-lite0"
    pooling: Pooling = "mean"
    width: int = 256
    dropout: float = 0.0

    def __post_init__(self) -> None:
        if self.width < 1:
            raise ValueError(f"width = {self.width} is out of its range")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout = {self.dropout} is out of its range")


class Encoder(nn.Module):
    """Images to unit embeddings, with the embedding of every patch beside it."""

    def __init__(self, config: EncoderConfig, pretrained: bool = True) -> None:
        super().__init__()
        self.config = config
        self.backbone = load_backbone(config.backbone, pretrained)
        self.exponent = nn.Parameter(torch.tensor(3.0)) if config.pooling == "gem" else None
        self.dropout = nn.Dropout(config.dropout)
        self.projection = nn.Linear(self.backbone.width, config.width, bias=False)
        # Centring each coordinate makes the cosine of unrelated paintings about zero
        # (the "BNNeck" of Luo et al., CVPR Workshops 2019, section 3.4).
        self.centre = nn.BatchNorm1d(config.width)
        self.centre.bias.requires_grad_(False)

    def forward(self, images: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B D"]:
        """Return the unit embedding of each image, RGB in [0, 1]."""
        return self._embed(self._pool(self.backbone(images)))

    def with_patches(
        self, images: Float[Tensor, "B 3 H W"]
    ) -> tuple[Float[Tensor, "B D"], Float[Tensor, "B P D"]]:
        """Return unit embeddings of the images and of each cell of their last feature map."""
        maps = self.backbone(images)
        cells = maps.flatten(2).transpose(1, 2)
        patches = F.normalize(self._project_cells(cells), dim=-1)
        return self._embed(self._pool(maps)), patches

    def _pool(self, maps: Tensor) -> Tensor:
        if self.exponent is None:
            return maps.mean(dim=(2, 3))
        # Radenović, Tolias and Chum, TPAMI 2019, equation 3.
        return maps.clamp(min=1e-6).pow(self.exponent).mean(dim=(2, 3)).pow(1 / self.exponent)

    def _embed(self, pooled: Tensor) -> Tensor:
        return F.normalize(self.centre(self.projection(self.dropout(pooled))), dim=-1)

    def _project_cells(self, cells: Tensor) -> Tensor:
        # BatchNorm1d takes cells only as a batch, and its statistics must not learn from them.
        norm = self.centre
        assert norm.running_mean is not None
        assert norm.running_var is not None
        scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        return (self.projection(cells) - norm.running_mean) * scale + norm.bias


class _WithPatches(nn.Module):
    """The encoder as it is served: embedding first, patch embeddings second."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        return self.encoder.with_patches(images)


def served(encoder: Encoder) -> nn.Module:
    """Return a module whose forward gives the two outputs that a model folder serves."""
    return _WithPatches(encoder).eval()
