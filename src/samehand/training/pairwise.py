"""Pairwise learning: the report's network on balanced pairs, "one artist" against "two"."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from samehand.errors import RecipeError
from samehand.files import scratch_array, sha256_file
from samehand.images.decode import decode_file
from samehand.images.views import render_views
from samehand.model.embed import embed_catalogued
from samehand.model.runtime import Embedder, EmbedderConfig
from samehand.networks.export_pair import export_map_encoder
from samehand.networks.siamese import Siamese
from samehand.pairs.generator import DrawnPairs, PairGenerator
from samehand.progress import track
from samehand.training.recipe import SiameseRecipe

_TRAIN, _VALIDATION = 0, 1
_ENCODED_AT_ONCE = 32


class PairLoss(nn.Module):
    """Binary cross-entropy on logits, with the accuracy of the epoch so far.

    The counts are buffers, so that a checkpoint holds them.
    """

    correct: Tensor
    seen: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("correct", torch.zeros((), dtype=torch.int64))
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))

    def forward(self, logits: Tensor, same: Tensor) -> Tensor:
        """Return the mean loss of logits (B,) against labels (B,), and count what is right."""
        self.correct += ((logits.detach() > 0) == (same > 0.5)).sum()
        self.seen += len(same)
        return F.binary_cross_entropy_with_logits(logits, same)

    def accuracy(self) -> float:
        """Return the share of pairs on the right side of probability 0.5, and count afresh."""
        share = self.correct.item() / max(1, int(self.seen))
        self.correct.zero_()
        self.seen.zero_()
        return share


class PairwiseObjective:
    """Trains a `Siamese` on balanced pairs; see `loop.Objective`."""

    def __init__(self, recipe: SiameseRecipe, catalogue: pl.DataFrame, folder: Path) -> None:
        """Prepare the network and the data.

        A backbone that stays as it is gives each painting's map once, by the very graph that will
        be served, and the maps are kept among the catalogue's embeddings.

        Args:
            recipe: What to train.
            catalogue: Rows of the catalogue; those with split "train" are trained on, and those
                with split "validation" validate, where their artist is trained on. If no such
                artist is, all of them do.
            folder: The catalogue's folder, to which its image paths are relative.

        Raises:
            RecipeError: Too few artists or paintings to draw pairs from.
        """
        torch.manual_seed(recipe.seed)
        self.monitor = "accuracy"
        self.recipe = recipe
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        train, validation = _paintings(catalogue)
        self.artists: list[str] = train["artist"].to_list()
        self.validation_artists: list[str] = validation["artist"].to_list()
        try:
            self.generator = PairGenerator(self.artists, train["phash"].to_list())
            self.validation_pairs = PairGenerator(
                self.validation_artists, validation["phash"].to_list()
            ).draw(recipe.validation_steps * recipe.pairs_per_step, recipe.seed, _VALIDATION)
        except ValueError as error:
            raise RecipeError(
                f"the paintings in {folder} do not fit the recipe: {error}; run samehand prepare "
                "with another --split"
            ) from error
        self.paths = [folder / path for path in train["path"]]
        self.validation_paths = [folder / path for path in validation["path"]]
        self.model = Siamese(recipe.model, recipe.size, recipe.pretrained)
        self.criterion = PairLoss().to(self.device)
        self.maps: NDArray[np.float16] | None = None
        if not recipe.model.train_backbone:
            names = [*train["path"], *validation["path"]]
            self.maps = _frozen_maps(self.model, names, folder)
        self.model.to(self.device)
        # On a CPU channels_last is twice as fast for convolutions of few channels.
        self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def batches(self, epoch: int) -> range:
        """Return the epoch's steps; the pairs of each follow from its number."""
        return range(self.recipe.steps_per_epoch)

    def load(self, batch: int, epoch: int, step: int) -> tuple[Tensor, ...]:
        """Return both sides of the step's pairs, images or maps, and their labels (B,)."""
        pairs = self.generator.draw(
            self.recipe.pairs_per_step, self.recipe.seed, _TRAIN, epoch, step
        )
        sides = (
            [_images(self.paths, side, self.recipe.size) for side in (pairs.left, pairs.right)]
            if self.maps is None
            else self._map_sides(self.maps, pairs.left, pairs.right)
        )
        return (*sides, torch.from_numpy(pairs.same))

    def loss(self, tensors: tuple[Tensor, ...]) -> Tensor:
        """Return the loss of one batch."""
        left, right, same = (tensor.to(self.device) for tensor in tensors)
        network = self.model if self.maps is None else self.model.compare
        loss: Tensor = self.criterion(network(left, right), same)
        return loss

    def groups(self) -> list[dict[str, Any]]:
        """Return parameter groups: the dense unit, and the backbone where it is trained."""
        rates = self.recipe.optimiser
        groups = [{"params": list(self.model.dense.parameters()), "lr": rates.head_rate}]
        if self.maps is None:
            backbone = list(self.model.backbone.parameters())
            groups.append({"params": backbone, "lr": rates.backbone_rate})
        return groups

    def trained(self) -> dict[str, float]:
        """Return the accuracy on the epoch's training pairs, as they were met."""
        return {"accuracy": self.criterion.accuracy()}

    @torch.inference_mode()
    def validate(self, model: nn.Module) -> dict[str, float]:
        """Return accuracy and loss on the validation pairs, the same after every epoch."""
        assert isinstance(model, Siamese)
        maps, first = (
            (self._encode(model), 0) if self.maps is None else (self.maps, len(self.paths))
        )
        pairs, size = self.validation_pairs, self.recipe.pairs_per_step
        logits = []
        for start in range(0, len(pairs.same), size):
            block = slice(start, start + size)
            sides = self._map_sides(maps, pairs.left[block] + first, pairs.right[block] + first)
            logits.append(model.compare(*(side.to(self.device) for side in sides)).cpu())
        return _measure(torch.cat(logits), pairs)

    def _encode(self, model: Siamese) -> NDArray[np.float16]:
        """Return the map of each validation painting that is in a pair; the others' rows are 0."""
        count = len(self.validation_paths)
        width = self.model.map_shape.numel()
        maps = scratch_array((count, width), np.dtype(np.float16))
        used = np.union1d(self.validation_pairs.left, self.validation_pairs.right)
        starts = range(0, len(used), _ENCODED_AT_ONCE)
        for start in track(starts, "validating"):
            rows = used[start : start + _ENCODED_AT_ONCE]
            images = _images(self.validation_paths, rows, self.recipe.size).to(self.device)
            maps[rows] = model.backbone(images).flatten(1).half().cpu().numpy()
        return maps

    def _map_sides(self, maps: NDArray[np.float16], *sides: NDArray[np.int64]) -> list[Tensor]:
        shape = (-1, *self.model.map_shape)
        return [torch.from_numpy(maps[side].astype(np.float32).reshape(shape)) for side in sides]


def _paintings(catalogue: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    train = catalogue.filter(pl.col("split") == "train").sort("painting_id")
    validation = catalogue.filter(pl.col("split") == "validation").sort("painting_id")
    known = validation.filter(pl.col("artist").is_in(train["artist"].unique().to_list()))
    # The others are kept for the calibration, which needs artists that chose nothing.
    return train, validation if known.is_empty() else known


def _images(paths: list[Path], rows: NDArray[np.int64], size: int) -> Tensor:
    views = [render_views(decode_file(paths[row]).image, ("whole",), size) for row in rows]
    return torch.from_numpy(np.concatenate(views)).to(memory_format=torch.channels_last)


def _frozen_maps(network: Siamese, names: list[str], folder: Path) -> NDArray[np.float16]:
    with tempfile.TemporaryDirectory() as scratch:
        graph = Path(scratch) / "encoder.onnx"
        export_map_encoder(network, graph)
        config = EmbedderConfig(graph, sha256_file(graph), network.size, ("whole",), unit=False)
        maps: NDArray[Any] = embed_catalogued(
            Embedder(config), names, folder, folder / "embeddings", "maps of the frozen backbone"
        )
    return maps


def _measure(logits: Tensor, pairs: DrawnPairs) -> dict[str, float]:
    same = torch.from_numpy(pairs.same)
    return {
        "accuracy": float(((logits > 0) == (same > 0.5)).float().mean()),
        "loss": float(F.binary_cross_entropy_with_logits(logits, same)),
    }
