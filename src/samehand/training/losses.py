"""The losses a recipe can name, all from pytorch-metric-learning."""

from typing import Literal, assert_never

from pydantic import BaseModel, ConfigDict, Field
from torch import nn

from samehand.errors import RecipeError

LossName = Literal["margin-softmax", "supcon", "multi-similarity", "proxy-anchor", "crossfit"]


class LossConfig(BaseModel):
    """Which loss pulls one artist's paintings together.

    Attributes:
        kind: "margin-softmax" (CosFace, Wang et al., CVPR 2018, equation 4), "supcon" (Khosla et
            al., NeurIPS 2020, equation 2), "multi-similarity" (Wang et al., CVPR 2019) or
            "proxy-anchor" (Kim et al., CVPR 2020); "crossfit" is `training.crossfit`.
        margin: How much closer than the nearest rival a painting must be to its own artist, as a
            cosine; used by "crossfit" and the losses with class proxies.
        scale: Inverse temperature of the same losses.
        temperature: Temperature of "supcon".
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: LossName = "margin-softmax"
    margin: float = Field(0.2, ge=0, lt=1)
    scale: float = Field(24.0, gt=0)
    temperature: float = Field(0.1, gt=0)


def build_loss(config: LossConfig, artists: int, width: int) -> nn.Module:
    """Build a loss called as `loss(embeddings (B, D), labels (B,))`.

    Args:
        config: Which loss, and how strict.
        artists: How many training artists there are; labels run from 0 to `artists` - 1.
        width: D, the embedding width.

    Raises:
        RecipeError: The loss needs more than embeddings.
    """
    from pytorch_metric_learning import losses

    match config.kind:
        case "margin-softmax":
            return losses.CosFaceLoss(artists, width, margin=config.margin, scale=config.scale)
        case "supcon":
            return losses.SupConLoss(temperature=config.temperature)
        case "multi-similarity":
            return losses.MultiSimilarityLoss(alpha=2, beta=50, base=0.5)
        case "proxy-anchor":
            return losses.ProxyAnchorLoss(artists, width, margin=config.margin, alpha=config.scale)
        case "crossfit":
            raise RecipeError('[loss] kind = "crossfit" trains a backbone, not an embedding')
    assert_never(config.kind)
