"""The metric-learning encoder: a backbone, pooling, and a projection to a unit embedding.

Shapes: B batch, C backbone channels, F pooled features, P = h * w patches of the last map,
D embedding width.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from samehand.errors import RecipeError
from samehand.models.backbone import load_backbone
from samehand.models.statistics import map_statistics, window_statistics

Pooling = Literal["mean", "gem", "statistics"]


@dataclass(frozen=True, slots=True)
class EncoderConfig:
    """What an encoder is made of.

    Attributes:
        backbone: A name that `load_backbone` knows.
        pooling: "mean"; "gem" for the generalised mean with a learned exponent; "statistics" for
            mean and deviation of every channel at every depth that the backbone tells.
        width: D, the length of an embedding.
        dropout: Share of pooled features dropped while training, in [0, 1).
        frozen_blocks: How many of the backbone's first parts are not trained. With "statistics"
            the batch statistics of the others stay as pretrained, too.
    """

    backbone: str = "efficientnet-lite0"
    pooling: Pooling = "mean"
    width: int = 256
    dropout: float = 0.0
    frozen_blocks: int = 0

    def __post_init__(self) -> None:
        if self.width < 1:
            raise ValueError(f"width = {self.width} is out of its range")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout = {self.dropout} is out of its range")
        if self.frozen_blocks < 0:
            raise ValueError(f"frozen_blocks = {self.frozen_blocks} is out of its range")


class Encoder(nn.Module):
    """Images to unit embeddings, with the embedding of every patch beside it."""

    feature_mean: Tensor
    feature_deviation: Tensor

    def __init__(self, config: EncoderConfig, pretrained: bool = True) -> None:
        super().__init__()
        self.config = config
        self.backbone = load_backbone(config.backbone, pretrained)
        self.exponent = nn.Parameter(torch.tensor(3.0)) if config.pooling == "gem" else None
        self.dropout = nn.Dropout(config.dropout)
        features = self.backbone.width
        self.centre: nn.BatchNorm1d | nn.Identity
        if config.pooling == "statistics":
            features = 2 * sum(self.backbone.depths)
            self.register_buffer("feature_mean", torch.zeros(features))
            self.register_buffer("feature_deviation", torch.ones(features))
            self.centre = nn.Identity()
        else:
            # Centring each coordinate makes the cosine of unrelated paintings about zero
            # (the "BNNeck" of Luo et al., CVPR Workshops 2019, section 3.4).
            self.centre = nn.BatchNorm1d(config.width)
            self.centre.bias.requires_grad_(False)
        self.projection = nn.Linear(features, config.width, bias=False)
        self._freeze()

    def _freeze(self) -> None:
        blocks = self.backbone.blocks()
        if self.config.frozen_blocks > len(blocks):
            raise RecipeError(
                f"the backbone {self.config.backbone} has {len(blocks)} blocks that can be frozen; "
                "ask for fewer frozen_blocks"
            )
        for block in blocks[: self.config.frozen_blocks]:
            block.requires_grad_(False)

    def train(self, mode: bool = True) -> "Encoder":
        """Switch between training and answering; pretrained batch statistics can be kept."""
        super().train(mode)
        if self.config.pooling == "statistics":
            self.backbone.eval()
        return self

    def forward(self, images: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B D"]:
        """Return the unit embedding of each image, RGB in [0, 1]."""
        return self._embed(self.features(images))

    def features(self, images: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B F"]:
        """Return what is pooled from the backbone's maps, before any projection."""
        if self.config.pooling == "statistics":
            return map_statistics(self.backbone.maps(images))
        return self._pool(self.backbone(images))

    def serve(
        self, images: Float[Tensor, "B 3 H W"]
    ) -> tuple[Float[Tensor, "B D"], Float[Tensor, "B P D"], Float[Tensor, " B"]]:
        """Return all that a model folder answers from.

        Returns:
            The unit embeddings of the images and of each cell of their last feature map; and how
            strange each image is, at least 0. With pooling "statistics" that is the mean square of
            the pooled features, standardised by the training paintings where the recipe fits
            discriminants: about 1 for those paintings. Projections are made to forget what no
            artist differs in, which is where a photograph differs from all of them. Other poolings
            standardise nothing before their projection, and measure what follows it.
        """
        if self.config.pooling == "statistics":
            maps = self.backbone.maps(images)
            pooled = map_statistics(maps)
            windows = window_statistics(maps, maps[-1].shape[-1])
            return self._embed(pooled), self._embed(windows), _mean_square(self._scaled(pooled))
        last = self.backbone(images)
        cells = last.flatten(2).transpose(1, 2)
        centred = self.centre(self.projection(self._pool(last)))
        patches = F.normalize(self._project_cells(cells), dim=-1)
        return F.normalize(centred, dim=-1), patches, _mean_square(centred)

    def _pool(self, maps: Tensor) -> Tensor:
        if self.exponent is None:
            return maps.mean(dim=(2, 3))
        # Radenović, Tolias and Chum, TPAMI 2019, equation 3.
        return maps.clamp(min=1e-6).pow(self.exponent).mean(dim=(2, 3)).pow(1 / self.exponent)

    def _embed(self, pooled: Tensor) -> Tensor:
        if self.config.pooling == "statistics":
            pooled = self._scaled(pooled)
        return F.normalize(self.centre(self.projection(self.dropout(pooled))), dim=-1)

    def _scaled(self, pooled: Tensor) -> Tensor:
        return (pooled - self.feature_mean) / self.feature_deviation

    def _project_cells(self, cells: Tensor) -> Tensor:
        # BatchNorm1d takes cells only as a batch, and its statistics must not learn from them.
        norm = self.centre
        assert isinstance(norm, nn.BatchNorm1d)
        assert norm.running_mean is not None
        assert norm.running_var is not None
        scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        return (self.projection(cells) - norm.running_mean) * scale + norm.bias


def _mean_square(features: Tensor) -> Tensor:
    return features.square().mean(dim=-1)
