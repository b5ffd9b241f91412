"""Gathered pictures to a finished model folder: discriminants, cohort, folds, kinds, background.

Shapes: N training pictures, P pictures of validation artists and copies of them.
"""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.make_vit.features import TokenFeatures
from benchmarks.make_vit.folds import Fold, Head, Material, conditions_of, folds_of
from benchmarks.make_vit.gather import collections_of
from benchmarks.validation.copies import KINDS
from samehand.errors import ModelError
from samehand.files import sha256_file, write_text
from samehand.images.condition import picture_kind
from samehand.images.decode import decode_file
from samehand.model.card import model_card
from samehand.model.embed import embed_files
from samehand.model.fit import fit, fit_attribution
from samehand.model.folder import ENCODER, ModelConfig, ModelFolder, open_model, write_config
from samehand.model.runtime import BACKBONE, Embedder
from samehand.networks.encoder import Encoder
from samehand.networks.export import export_encoder
from samehand.progress import track
from samehand.records import PictureKind
from samehand.scoring.calibration import Calibration
from samehand.scoring.comparator import Comparator
from samehand.scoring.condition_fitting import Pictures
from samehand.scoring.fitting import calibrate_together
from samehand.scoring.openset import Attribution
from samehand.training.discriminate import set_discriminants, set_regions
from samehand.training.recipe import Recipe
from samehand.training.release import serving_of
from samehand.versions import versions

COPIES = ("greyscale", "small")
"""Copies of validation pictures that are calibrated on beside them."""


@dataclass(frozen=True, slots=True)
class Making:
    """What a model is made of.

    Attributes:
        recipe: Of pooling "tokens", with discriminants.
        table: The gathered catalogue.
        root: Its folder, where features are kept, too.
        folds: Folds of training artists.
    """

    recipe: Recipe
    table: pl.DataFrame
    root: Path
    folds: int

    @property
    def train(self) -> pl.DataFrame:
        """The training pictures, by id."""
        return self.table.filter(pl.col("split") == "train").sort("painting_id")

    @property
    def validation(self) -> pl.DataFrame:
        """The validation pictures, by id."""
        return self.table.filter(pl.col("split") == "validation").sort("painting_id")


def make_model(making: Making, out: Path) -> ModelConfig:
    """Make the model folder `out`.

    Raises:
        CatalogueError: A picture cannot be read.
        ModelError: The graph cannot be made, or the artists cannot calibrate it.
        OutputError: A folder cannot be written.
    """
    recipe, train = making.recipe, making.train
    assert recipe.discriminant is not None
    encoder = Encoder(recipe.model, pretrained=recipe.pretrained).eval()
    tokens = TokenFeatures(encoder, recipe.serve.size)
    features, regions = tokens.of(making.root, train["path"].to_list())
    labels = np.unique(train["artist"].to_numpy(), return_inverse=True)[1].astype(np.int64)
    ridge = recipe.discriminant.finish
    set_discriminants(encoder, features, labels, ridge)
    set_regions(encoder, regions, labels, ridge)
    scratch = out.with_name(f".{out.name}.part")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    export_encoder(
        encoder,
        recipe.serve.size,
        scratch / ENCODER,
        weights=recipe.serve.weights,
        apart=scratch / BACKBONE if recipe.serve.backbone_apart else None,
    )
    fit(scratch, serving_of(recipe, None), making.table, making.root, _facts(making))
    names = collections_of(making.table)
    material = Material(
        features,
        labels,
        train["style"].to_list(),
        _kinds(making.root, train["path"].to_list()),
        _numbers(collections_of(train), names),
    )
    head = Head(recipe.model.width, ridge, recipe.serve.neighbours, recipe.serve.nearby)
    found = list(folds_of(material, head, making.folds, recipe.seed))
    folder = open_model(scratch)
    group = folder.comparator, _validation(making, folder, len(material.artist), names)
    config = _calibrated(making, folder, found, group)
    write_config(scratch, config)
    write_text(scratch / "README.md", model_card(config))
    scratch.rename(out)
    return config


def _calibrated(
    making: Making, folder: ModelFolder, folds: list[Fold], group: tuple[Comparator, Pictures]
) -> ModelConfig:
    """Return the configuration with calibrations of all folds in place of the validation set's."""
    held_out = [fold.held_out for fold in folds]
    pairs = calibrate_together(held_out)
    try:
        within: Calibration | None = calibrate_together(held_out, one_style=True)
    except ModelError:
        within = folder.config.one_style
    groups = [(fold.held_out.comparator, fold.pictures) for fold in folds]
    return replace(
        folder.config,
        calibration=pairs,
        fast=pairs if len(folder.config.views) == 1 else folder.config.fast,
        one_style=within,
        attribution=_attribution(making, folder, pairs, within),
        conditions=conditions_of([*groups, group]),
        training=folder.config.training | {"folds": making.folds},
    )


def _attribution(
    making: Making, folder: ModelFolder, pairs: Calibration, within: Calibration | None
) -> Attribution | None:
    """Return the rules for sets and galleries, which start from the calibration of pairs."""
    validation = making.validation
    paths = [making.root / path for path in validation["path"]]
    rows = embed_files(Embedder(folder.embedder), paths, making.root / "embeddings").embeddings
    try:
        enrolled = folder.comparator.enrol(rows)
        return fit_attribution(folder.comparator, enrolled, validation, pairs, within)
    except ModelError:
        return None


def _validation(making: Making, folder: ModelFolder, first: int, names: list[str]) -> Pictures:
    """Return the validation pictures and their copies; their numbers begin at `first`."""
    validation = making.validation
    paths = [making.root / path for path in validation["path"]]
    files = list(paths)
    for kind in COPIES:
        target = making.root / "copies" / kind
        target.mkdir(parents=True, exist_ok=True)
        for number, path in enumerate(track(paths, f"making {kind} copies", len(paths))):
            file = target / f"{number:05}.png"
            if not file.is_file():
                KINDS[kind](decode_file(path).image, path.name, file)
            files.append(file)
    table = embed_files(Embedder(folder.embedder), files, making.root / "embeddings")
    times = 1 + len(COPIES)
    artist = np.unique(validation["artist"].to_numpy(), return_inverse=True)[1]
    return Pictures(
        folder.comparator.enrol(table.embeddings),
        np.tile(first + artist, times).astype(np.int64),
        np.tile(first + np.arange(len(paths)), times).astype(np.int64),
        [picture_kind(decode_file(file)) for file in track(files, "telling pictures apart")],
        np.tile(_numbers(collections_of(validation), names), times),
    )


def _facts(making: Making) -> dict[str, Any]:
    return {
        "recipe": making.recipe.model_dump(mode="json"),
        "catalogue_sha256": sha256_file(making.root / "catalogue.parquet"),
        "training_artists": making.train["artist"].n_unique(),
        "training_paintings": len(making.train),
        "validation_artists": making.validation["artist"].n_unique(),
        "validation_paintings": len(making.validation),
        "versions": versions(),
        "best": {"epoch": 0},
    }


def _kinds(root: Path, paths: list[str]) -> list[PictureKind]:
    told = track(paths, "telling pictures apart", len(paths))
    return [picture_kind(decode_file(root / path)) for path in told]


def _numbers(collections: list[str], names: list[str]) -> np.ndarray:
    """Return the number of each collection in the order of their names."""
    return np.searchsorted(np.unique(names), collections).astype(np.int64)
