"""Fine-tuning through discriminants that have not seen the artists of the batch.

Shapes: B paintings of a batch, F features, D directions, A training artists.

Linear discriminants of thousands of features tell nearly all training paintings apart before the
first step: 98 % for CLIP's class tokens of five blocks and 632 artists, while the same directions
find the nearest painting of a new artist among 63 others one time in nine. A loss behind them has
nothing left to teach. So the artists are divided in two halves, each half has discriminants of its
own, and a batch of one half is embedded by the discriminants of the other: what the loss sees is
what an artist who has never been seen will see. The discriminants stay as they are; only the
backbone learns. (Cross-fitting, as in Chernozhukov et al. 2018, "Double/debiased machine learning",
The Econometrics Journal 21(1), takes out the same optimism of a first stage.)
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from samehand.errors import RecipeError
from samehand.networks.discriminant import discriminants
from samehand.records import Floats
from samehand.training.discriminate import run_views, start_from_discriminants
from samehand.training.metric import MetricObjective
from samehand.training.recipe import Recipe

_FAR = -1e9


class CrossfitLoss(nn.Module):
    """Every other painting of an artist in the batch against all paintings and artists beside it.

    Attributes:
        side: Which half each artist belongs to, (A,).
        projections: For batches of each half, the discriminants of the other, (2, D, F).
        centres: Mean direction of every artist under the projection of his half, (A, D).
    """

    side: Tensor
    projections: Tensor
    centres: Tensor

    def __init__(
        self, artists: int, features: int, width: int, *, margin: float, scale: float, seed: int
    ) -> None:
        """Divide the artists; `fit` finds the discriminants.

        Args:
            artists: A, at least 4.
            features: F.
            width: D.
            margin: How much nearer than all others an artist's painting must be, as a cosine.
            scale: Inverse temperature of the cosines.
            seed: Decides who is in which half.
        """
        super().__init__()
        self.margin, self.scale = margin, scale
        order = np.random.default_rng((seed, artists)).permutation(artists)
        self.register_buffer("side", torch.from_numpy(order % 2))
        self.register_buffer("projections", torch.zeros(2, width, features))
        self.register_buffer("centres", torch.zeros(artists, width))

    def fit(self, features: Floats, labels: NDArray[np.integer], ridge: float) -> None:
        """Find both discriminants.

        Args:
            features: Standardised, (N, F).
            labels: The artist of each, (N,), from 0 to A - 1, none unused.
            ridge: Shrinkage; see `networks.discriminant`.
        """
        half = self.side.numpy()
        for own in (0, 1):
            others = half[labels] != own
            known = np.unique(labels[others], return_inverse=True)[1]
            width = self.centres.shape[1]
            projection = discriminants(features[others], known, width=width, ridge=ridge)
            self.projections[own] = torch.from_numpy(np.ascontiguousarray(projection.T))
            embedded = F.normalize(torch.from_numpy(features @ projection), dim=1)
            for artist in np.flatnonzero(half == own):
                mean = embedded[torch.from_numpy(labels == artist)].mean(dim=0)
                self.centres[artist] = F.normalize(mean, dim=0)

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """Return the loss of a batch whose artists are of one half.

        Each pair (i, j) by one artist costs softplus(log(sum over k of exp(s c_ik)) - s (c_ij -
        margin)), with k over the batch's paintings by others and over the centres of the half's
        other artists: InfoNCE (van den Oord et al. 2018, equation 4) with a margin.

        Args:
            features: Standardised, (B, F).
            labels: (B,).
        """
        own = int(self.side[labels[0]])
        embedded = F.normalize(features @ self.projections[own].T, dim=1)
        same = labels[:, None] == labels[None]
        positive = same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
        cosine = self.scale * embedded @ embedded.T
        others = cosine.masked_fill(same, _FAR).logsumexp(dim=1)
        number = torch.arange(len(self.side), device=labels.device)
        barred = (number[None] == labels[:, None]) | (self.side != own)[None]
        centres = (self.scale * embedded @ self.centres.T).masked_fill(barred, _FAR)
        rivals = torch.logaddexp(others, centres.logsumexp(dim=1))
        each = F.softplus(rivals[:, None] - cosine + self.scale * self.margin)
        mean: Tensor = (each * positive).sum(dim=1) / positive.sum(dim=1)
        return mean.mean()


class CrossfitObjective(MetricObjective):
    """Trains the backbone of an `Encoder` of standardised features; see `loop.Objective`."""

    def __init__(self, recipe: Recipe, catalogue: pl.DataFrame, folder: Path) -> None:
        """Prepare the network and the data.

        Args:
            recipe: What to train, with [discriminant].
            catalogue: Rows of the catalogue; those with split "train" and "validation" are used.
            folder: The catalogue's folder, to which its image paths are relative.

        Raises:
            RecipeError: No discriminants, or too few artists for the recipe's batches.
        """
        if recipe.discriminant is None:
            raise RecipeError('[loss] kind = "crossfit" needs [discriminant]; add it')
        self.ridge = recipe.discriminant.start
        super().__init__(recipe, catalogue, folder)

    def prepare_criterion(self, artists: int) -> nn.Module:
        """Return the loss for this many training artists."""
        loss = self.recipe.loss
        self.crossfit = CrossfitLoss(
            artists,
            self.model.projection.in_features,
            self.recipe.model.width,
            margin=loss.margin,
            scale=loss.scale,
            seed=self.recipe.seed,
        )
        return self.crossfit

    def warm_start(self) -> None:
        """Fit the discriminants of all artists, for validation, and of each half."""
        size = self.recipe.serve.size
        start_from_discriminants(self.model, self.paths, self.labels, size=size, ridge=self.ridge)
        self.crossfit.cpu()
        features = run_views(self._scaled, self.device, self.paths, size, "pretrained features")
        self.crossfit.fit(features, self.labels, self.ridge)
        self.crossfit.to(self.device)

    def _scaled(self, images: Tensor) -> Tensor:
        return self.model.scaled(self.model.features(images))

    def batches(self, epoch: int) -> list[list[int]]:
        """Return the epoch's batches, of either half in turn, as indices of training paintings."""
        config = self.recipe.batch
        rng = np.random.default_rng([self.recipe.seed, epoch])
        works = [np.flatnonzero(self.labels == label) for label in range(len(self.crossfit.side))]
        half = self.crossfit.side.cpu().numpy()
        pools = [
            [a for a in np.flatnonzero(half == own) if len(works[a]) >= config.per_artist]
            for own in (0, 1)
        ]
        if min(map(len, pools)) < config.artists:
            raise ValueError(
                f"only {min(map(len, pools))} artists of one half have {config.per_artist} "
                f"paintings; a batch needs {config.artists} of them"
            )
        count = (self.recipe.per_epoch or len(self.paths)) // (config.artists * config.per_artist)
        batches = []
        for number in range(max(1, count)):
            chosen = self._artists([int(a) for a in pools[number % 2]], rng)
            drawn = [rng.choice(works[a], config.per_artist, replace=False) for a in chosen]
            batches.append(np.concatenate(drawn).tolist())
        return batches

    def _artists(self, pool: Sequence[int], rng: np.random.Generator) -> list[int]:
        """Draw the artists of a batch: a share of them of one style, the others of any."""
        config = self.recipe.batch
        order = rng.permutation(pool).tolist()
        style = self.usual_styles[order[0]]
        alike = [a for a in order if style and self.usual_styles[a] == style]
        first = alike[: round(config.one_style * config.artists)]
        return (first + [a for a in order if a not in first])[: config.artists]

    def loss(self, tensors: tuple[Tensor, ...]) -> Tensor:
        """Return the loss of one batch."""
        images, labels = (tensor.to(self.device) for tensor in tensors)
        loss: Tensor = self.crossfit(self._scaled(images), labels)
        return loss

    def groups(self) -> list[dict[str, Any]]:
        """Return parameter groups of the backbone; the projection is fitted, not learned."""
        projections = {id(p) for p in self.model.parameters()} - {
            id(p) for p in self.model.backbone.parameters()
        }
        groups = []
        for group in super().groups():
            kept = [p for p in group["params"] if id(p) not in projections]
            if kept:
                groups.append(group | {"params": kept})
        return groups
