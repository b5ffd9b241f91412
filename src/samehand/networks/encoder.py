"""The metric-learning encoder: a backbone, pooling, and a projection to a unit embedding.

Shapes: B batch, C backbone channels, F pooled features, P = h * w patches of the last map,
G = 2C statistics of each patch block, D embedding width.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from samehand.errors import RecipeError
from samehand.networks.backbone import load_backbone
from samehand.networks.statistics import map_statistics, window_statistics

Pooling = Literal["mean", "gem", "statistics", "tokens"]

_WINDOWS = 7
"""Windows a side, of which a transformer's patches make the evidence: two patches are too small a
part of a painting to say which region speaks for which."""


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
        blocks: With "tokens": after which blocks, from 1, the class token is pooled.
        patch_blocks: With "tokens": after which blocks the patches are, if any.
        region_block: With "tokens": after which block patches make the embeddings of regions.
        kept_patches: With "tokens": while training, this many patches of each picture, drawn at
            random, go on after the frozen blocks, of which there is one at least; 0 for all. Fewer
            cost less, and are another look at the picture each time.
    """

    backbone: str = "efficientnet-lite0"
    pooling: Pooling = "mean"
    width: int = 256
    dropout: float = 0.0
    frozen_blocks: int = 0
    blocks: tuple[int, ...] = ()
    patch_blocks: tuple[int, ...] = ()
    region_block: int = 0
    kept_patches: int = 0

    @property
    def standardised(self) -> bool:
        """Whether pooled features are standardised, and discriminants can start from them."""
        return self.pooling in ("statistics", "tokens")

    def __post_init__(self) -> None:
        if self.width < 1:
            raise ValueError(f"width = {self.width} is out of its range")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout = {self.dropout} is out of its range")
        if self.frozen_blocks < 0:
            raise ValueError(f"frozen_blocks = {self.frozen_blocks} is out of its range")
        given = {bool(self.blocks), bool(self.region_block)}
        if given != {self.pooling == "tokens"} or (self.patch_blocks and not self.blocks):
            raise ValueError(
                'blocks, patch_blocks and region_block belong to pooling "tokens", which needs '
                "blocks and a region_block"
            )
        if self.kept_patches < 0 or (self.kept_patches and not self.frozen_blocks):
            raise ValueError("kept_patches is 0, or at least 1 after frozen_blocks")


class Encoder(nn.Module):
    """Images to unit embeddings, with the embedding of every patch beside it."""

    feature_mean: Tensor
    feature_deviation: Tensor
    region_mean: Tensor
    region_deviation: Tensor

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
        elif config.pooling == "tokens":
            depth = self.backbone.width
            features = depth * (len(config.blocks) + 2 * len(config.patch_blocks))
            self.register_buffer("feature_mean", torch.zeros(features))
            self.register_buffer("feature_deviation", torch.ones(features))
            self.register_buffer("region_mean", torch.zeros(2 * depth))
            self.register_buffer("region_deviation", torch.ones(2 * depth))
            self.region_projection = nn.Linear(2 * depth, config.width, bias=False)
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
        if self.config.kept_patches:
            self.backbone.keep_patches(self.config.frozen_blocks - 1, self.config.kept_patches)

    def train(self, mode: bool = True) -> "Encoder":
        """Switch between training and answering; pretrained batch statistics can be kept."""
        super().train(mode)
        if self.config.standardised:
            self.backbone.eval()
        if self.config.kept_patches:
            setattr(self.backbone.body, "training_blocks", mode)  # noqa: B010
        return self

    def forward(self, images: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B D"]:
        """Return the unit embedding of each image, RGB in [0, 1]."""
        return self._embed(self.features(images))

    def features(self, images: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B F"]:
        """Return what is pooled from the backbone's maps, before any projection."""
        if self.config.pooling == "statistics":
            return map_statistics(self.backbone.maps(images))
        if self.config.pooling == "tokens":
            return self._tokens(images)[0]
        return self._pool(self.backbone(images))

    def region_statistics(self, images: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B G"]:
        """Return mean and deviation of the patches that regions are made of."""
        return map_statistics(self._tokens(images)[1])

    def features_and_regions(
        self, images: Float[Tensor, "B 3 H W"]
    ) -> tuple[Float[Tensor, "B F"], Float[Tensor, "B G"]]:
        """Return `features` and `region_statistics` of one run of the backbone."""
        pooled, maps = self._tokens(images)
        return pooled, map_statistics(maps)

    def _tokens(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return the pooled tokens, (B, F), and the patches of regions as maps, (B, C, P, 1)."""
        config = self.config
        wanted = (*config.blocks, *config.patch_blocks, config.region_block)
        classes, patches = self.backbone.tokens(images, wanted)
        maps = [cells.transpose(1, 2).unsqueeze(3) for cells in patches[len(config.blocks) :]]
        pooled = classes[: len(config.blocks)]
        if config.patch_blocks:
            pooled.append(map_statistics(maps[:-1]))
        return torch.cat(pooled, dim=1), maps[-1:]

    def serve(
        self, images: Float[Tensor, "B 3 H W"]
    ) -> tuple[Float[Tensor, "B D"], Float[Tensor, "B P D"], Float[Tensor, " B"]]:
        """Return all that a model folder answers from.

        Returns:
            The unit embeddings of the images and of each cell of their last feature map; and how
            strange each image is, at least 0. With pooling "statistics" or "tokens" that is the
            mean square of the pooled features, standardised by the training paintings where the
            recipe fits discriminants: about 1 for those paintings. Projections are made to forget
            what no artist differs in, which is where a photograph differs from all of them. Other
            poolings standardise nothing before their projection, and measure what follows it.
        """
        if self.config.pooling == "statistics":
            maps = self.backbone.maps(images)
            pooled = map_statistics(maps)
            windows = window_statistics(maps, maps[-1].shape[-1])
            return self._embed(pooled), self._embed(windows), _mean_square(self.scaled(pooled))
        if self.config.pooling == "tokens":
            pooled, (cells,) = self._tokens(images)
            regions = self._regions(cells)
            return self._embed(pooled), regions, _mean_square(self.scaled(pooled))
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
        if self.config.standardised:
            pooled = self.scaled(pooled)
        return F.normalize(self.centre(self.projection(self.dropout(pooled))), dim=-1)

    def scaled(self, pooled: Float[Tensor, "B F"]) -> Float[Tensor, "B F"]:
        """Return pooled features, standardised as the training paintings' are."""
        return (pooled - self.feature_mean) / self.feature_deviation

    def _regions(self, cells: Tensor) -> Tensor:
        """Return the unit embeddings of windows of a transformer's patches, (B, P, D).

        They are not of the space of the embedding: a class token has no windows.
        """
        side = math.isqrt(cells.shape[2])
        grid = next(count for count in range(min(_WINDOWS, side), 0, -1) if side % count == 0)
        windows = window_statistics([cells.squeeze(3).unflatten(2, (side, side))], grid)
        scaled = (windows - self.region_mean) / self.region_deviation
        return F.normalize(self.region_projection(scaled), dim=-1)

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
