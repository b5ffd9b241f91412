"""Metric learning: one artist's paintings close together, everybody else's apart."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from pytorch_metric_learning.losses import CosFaceLoss
from torch import Tensor, nn

from samehand.errors import RecipeError
from samehand.images.augment import training_view
from samehand.images.decode import decode_file
from samehand.networks.encoder import Encoder
from samehand.pairs.sampler import artist_batches
from samehand.training.discriminate import run_views, start_from_discriminants
from samehand.training.loop import step_generator
from samehand.training.losses import build_loss
from samehand.training.parallel import ALONE, Processes, shared_loss
from samehand.training.recipe import Recipe


class MetricObjective:
    """Trains an `Encoder` on artist-balanced batches; see `loop.Objective`."""

    def __init__(
        self,
        recipe: Recipe,
        catalogue: pl.DataFrame,
        folder: Path,
        processes: Processes = ALONE,
    ) -> None:
        """Prepare the network and the data.

        Args:
            recipe: What to train.
            catalogue: Rows of the catalogue; those with split "train" and "validation" are used.
            folder: The catalogue's folder, to which its image paths are relative.
            processes: Which of several processes this is.

        Raises:
            RecipeError: Too few artists or paintings for the recipe's batches or for validation.
        """
        torch.manual_seed(recipe.seed)
        self.monitor = "auc"
        self.recipe = recipe
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        train = catalogue.filter(pl.col("split") == "train").sort("painting_id")
        validation = catalogue.filter(pl.col("split") == "validation").sort("painting_id")
        self.paths = [folder / path for path in train["path"]]
        self.artists: list[str] = train["artist"].to_list()
        names = {name: label for label, name in enumerate(sorted(set(self.artists)))}
        self.labels = np.array([names[name] for name in self.artists])
        self.validation_paths = [folder / path for path in validation["path"]]
        self.validation_artists = validation["artist"].to_numpy()
        self.validation_styles = validation["style"].fill_null("").to_numpy()
        if validation.group_by("artist").len().filter(pl.col("len") >= 2).height < 2:
            raise RecipeError(
                f"{folder} has too few validation paintings (two artists with two works each is "
                "the least); run samehand prepare with another --split"
            )
        self.model = Encoder(recipe.model, recipe.pretrained).to(self.device)
        # On a CPU channels_last is twice as fast for convolutions of few channels.
        self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.usual_styles = _usual_styles(train["style"].to_list(), self.labels)
        self.criterion = self.prepare_criterion(len(names)).to(self.device)
        self.processes = processes
        self._loss = shared_loss(self.model, self.criterion, processes)
        try:
            self.batches(0)
        except ValueError as error:
            raise RecipeError(
                f"the training data in {folder} do not fit the recipe: {error}; add "
                "paintings, or lower batch.artists or batch.per_artist (--set batch.artists=4)"
            ) from error

    def prepare_criterion(self, artists: int) -> nn.Module:
        """Return the loss for this many training artists."""
        return build_loss(self.recipe.loss, artists, self.recipe.model.width)

    def warm_start(self) -> None:
        """Begin from linear discriminants, where the recipe asks for them."""
        if self.recipe.discriminant is None:
            return
        centres = start_from_discriminants(
            self.model,
            self.paths,
            self.labels,
            size=self.recipe.serve.size,
            ridge=self.recipe.discriminant.start,
        )
        if isinstance(self.criterion, CosFaceLoss):
            with torch.no_grad():
                self.criterion.W.copy_(torch.from_numpy(centres.T))

    def batches(self, epoch: int) -> list[list[int]]:
        """Return the epoch's batches as indices of training paintings."""
        return artist_batches(
            self.artists,
            artists_per_batch=self.recipe.batch.artists,
            per_artist=self.recipe.batch.per_artist,
            per_epoch=self.recipe.per_epoch or len(self.artists),
            seed=self.recipe.seed,
            epoch=epoch,
        )

    def load(self, batch: Sequence[int], epoch: int, step: int) -> tuple[Tensor, ...]:
        """Return training views (B, 3, S, S) and artist labels (B,), of this process's share."""
        rng = step_generator(self.recipe.seed, epoch, step)
        size, seed = self.recipe.size_at(epoch), [self.recipe.seed, epoch, step]
        mine = self.processes.share(batch)
        views = []
        for place, index in mine:
            if self.processes.joined:
                # A generator a painting, since no process draws for those of the others.
                rng = np.random.default_rng([*seed, place])
            image = decode_file(self.paths[index]).image
            views.append(training_view(image, size, self.recipe.augment, rng))
        images = torch.from_numpy(np.stack(views)).to(memory_format=torch.channels_last)
        return images, torch.from_numpy(self.labels[[index for _, index in mine]])

    def loss(self, tensors: tuple[Tensor, ...]) -> Tensor:
        """Return the loss of one batch."""
        loss: Tensor = self._loss(*(tensor.to(self.device) for tensor in tensors))
        return loss

    def groups(self) -> list[dict[str, Any]]:
        """Return parameter groups: backbone and head, matrices decayed and vectors not."""
        rates = self.recipe.optimiser
        backbone = list(self.model.backbone.parameters())
        known = {id(parameter) for parameter in backbone}
        head = [parameter for parameter in self.model.parameters() if id(parameter) not in known]
        proxies = list(self.criterion.parameters())
        groups = []
        for parameters, rate in (
            (backbone, rates.backbone_rate),
            (head, rates.projection_rate or rates.head_rate),
            (proxies, rates.head_rate),
        ):
            trained = [parameter for parameter in parameters if parameter.requires_grad]
            vectors = [parameter for parameter in trained if parameter.ndim < 2]
            matrices = [parameter for parameter in trained if parameter.ndim >= 2]
            groups.append({"params": matrices, "lr": rate})
            groups.append({"params": vectors, "lr": rate, "weight_decay": 0.0})
        return [group for group in groups if group["params"]]

    def trained(self) -> dict[str, float]:
        """Return nothing: the loss says it all."""
        return {}

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Return the AUC over all pairs of validation paintings, and over pairs of one style."""
        assert isinstance(model, Encoder)
        embeddings = run_views(
            model, self.device, self.validation_paths, self.recipe.serve.size, "validating"
        )
        left, right = np.triu_indices(len(embeddings), k=1)
        scores = (embeddings @ embeddings.T)[left, right]
        same = self.validation_artists[left] == self.validation_artists[right]
        styles = self.validation_styles
        one_style = (styles[left] == styles[right]) & (styles[left] != "")
        measured = {"auc": _auc(scores, same)}
        if one_style.any() and not one_style.all():
            measured["auc_same_style"] = _auc(scores[one_style], same[one_style])
        return measured


def _usual_styles(styles: Sequence[str | None], labels: NDArray[np.integer]) -> list[str]:
    """Return the style in which each artist has most works, "" where none is known."""
    counts = [Counter[str]() for _ in range(int(labels.max()) + 1)]
    for style, label in zip(styles, labels, strict=True):
        counts[label].update([style] if style else [])
    return [max(sorted(count), key=count.__getitem__, default="") for count in counts]


def _auc(scores: np.ndarray[Any, Any], same: np.ndarray[Any, Any]) -> float:
    from sklearn.metrics import roc_auc_score

    if same.all() or not same.any():
        return float("nan")
    return float(roc_auc_score(same, scores))
