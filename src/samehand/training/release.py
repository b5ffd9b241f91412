"""`samehand export`: a trained run to a calibrated model folder."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch

from samehand.catalogue.schema import load_catalogue
from samehand.errors import OutputError, RecipeError
from samehand.files import output_error, sha256_file, write_text
from samehand.model.card import model_card
from samehand.model.fit import Serving, fit
from samehand.model.folder import (
    CONFIG,
    ENCODER,
    ModelConfig,
    write_config,
)
from samehand.model.runtime import BACKBONE
from samehand.networks.encoder import Encoder
from samehand.networks.ensemble import Ensemble
from samehand.networks.export import export_encoder
from samehand.networks.siamese import Siamese
from samehand.training.discriminate import join, start_from_discriminants
from samehand.training.loop import keep_freed_memory
from samehand.training.recipe import AnyRecipe, Recipe, SiameseRecipe, read_recipe
from samehand.training.release_pair import write_pair_model
from samehand.training.runlog import RunFolder, load_tensors


def export(
    runs: Sequence[Path], catalogue_path: Path, out: Path, *, name: str | None = None
) -> ModelConfig:
    """Export the weights of runs, choose their cohort, and calibrate them on validation artists.

    Several runs become one model: their embeddings are joined and projected to one by linear
    discriminants. The first run's recipe says how the model is served.

    Args:
        runs: Run folders with at least one finished epoch each.
        catalogue_path: The catalogue that they were trained on.
        out: The model folder to make; replaced only once the new one is complete.
        name: The model's name; None for that of the first run's recipe.

    Returns:
        The configuration of the new model folder.

    Raises:
        RecipeError: No finished run, another catalogue than it was trained on, or runs that
            cannot be joined.
        ModelError: The graph or the calibration cannot be made.
        OutputError: `out` cannot be written, or holds something that is not a model folder.
    """
    table = load_catalogue(catalogue_path)
    digest = sha256_file(catalogue_path / "catalogue.parquet")
    members = [_open_run(path, catalogue_path, digest) for path in runs]
    first = members[0]
    facts = first.facts
    if len(members) > 1:
        _refuse_to_join(members)
        facts = facts | {"joined_with": [member.facts for member in members[1:]]}
    _refuse_foreign(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as scratch:
            folder = Path(scratch) / "model"
            folder.mkdir()
            if isinstance(first.recipe, SiameseRecipe):
                assert isinstance(first.network, Siamese)
                config = write_pair_model(
                    folder, first.network, first.recipe, table, catalogue_path, facts
                )
            else:
                encoder = _encoder(members, first.recipe, table, catalogue_path)
                export_encoder(
                    encoder.eval(),
                    first.recipe.serve.size,
                    folder / ENCODER,
                    weights=first.recipe.serve.weights,
                    apart=folder / BACKBONE if first.recipe.serve.backbone_apart else None,
                )
                config = fit(folder, serving_of(first.recipe, name), table, catalogue_path, facts)
            if config.pairwise:
                config = replace(config, name=name or config.name)
                write_config(folder, config)
            write_text(folder / "README.md", model_card(config))
            if out.exists():
                # Deleted with the scratch folder, and only once its successor is in place.
                out.rename(Path(scratch) / "previous")
            folder.rename(out)
    except OSError as error:
        raise output_error(out, error) from error
    return config


@dataclass(frozen=True, slots=True)
class _Run:
    """A finished run: its recipe, its weights in their network, and what is recorded of it."""

    path: Path
    recipe: AnyRecipe
    network: Encoder | Siamese
    facts: dict[str, Any]


def _open_run(path: Path, catalogue: Path, digest: str) -> _Run:
    run = RunFolder(path)
    facts = run.config()
    recipe = _recipe_of(run, facts)
    if digest != facts["catalogue_sha256"]:
        raise RecipeError(
            f"{path} was trained on another catalogue than {catalogue}; name that one"
        )
    weights, best = load_tensors(run.best)
    network = _network(recipe)
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise RecipeError(
            f"{run.best} does not hold the network of its recipe; train again with this samehand"
        ) from error
    return _Run(path, recipe, network, facts | {"best": best})


def _refuse_to_join(members: Sequence[_Run]) -> None:
    for member in members:
        if not isinstance(member.recipe, Recipe) or member.recipe.discriminant is None:
            raise RecipeError(
                f"{member.path} cannot be joined with another run: its recipe has no "
                "[discriminant]; export it alone"
            )
        if member.recipe.model.pooling == "tokens":
            raise RecipeError(
                f"{member.path} cannot be joined with another run: the regions of a transformer "
                "are not of the space of its embedding; export it alone"
            )


def _encoder(
    members: Sequence[_Run], recipe: Recipe, table: pl.DataFrame, root: Path
) -> Encoder | Ensemble:
    encoders = [member.network for member in members if isinstance(member.network, Encoder)]
    if recipe.discriminant is None:
        return encoders[0]
    train = table.filter(pl.col("split") == "train").sort("painting_id")
    labels = np.unique(train["artist"].to_numpy(), return_inverse=True)[1]
    paths = [root / path for path in train["path"]]
    keep_freed_memory()
    for encoder in encoders:
        encoder.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    ridge = recipe.discriminant.finish
    if recipe.model.pooling == "tokens":
        encoder = encoders[0]
        start_from_discriminants(encoder, paths, labels, size=recipe.serve.size, ridge=ridge)
        return encoder.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    joined = join(encoders, paths, labels, size=recipe.serve.size, ridge=ridge)
    joined.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    return joined


def _network(recipe: AnyRecipe) -> Encoder | Siamese:
    if isinstance(recipe, SiameseRecipe):
        return Siamese(recipe.model, recipe.size, pretrained=False)
    return Encoder(recipe.model, pretrained=False)


def _recipe_of(run: RunFolder, facts: dict[str, Any]) -> AnyRecipe:
    missing = {"training_artists", "training_paintings", "versions"} - facts.keys()
    try:
        if missing:
            raise ValueError(f"no {', '.join(sorted(missing))}")
        return read_recipe(facts["recipe"])
    except ValueError as error:
        raise RecipeError(
            f"{run.path / 'config.json'} is damaged or of another samehand; train again"
        ) from error


def serving_of(recipe: Recipe, name: str | None) -> Serving:
    """Return how a recipe wants its encoder to be asked, under another name if one is given."""
    serve = recipe.serve
    return Serving(
        name=name or recipe.name,
        size=serve.size,
        views=serve.views,
        normalisation=serve.normalisation,
        neighbours=serve.neighbours,
        cohort=serve.cohort,
        cohort_of=serve.cohort_of,
        seed=recipe.seed,
        nearby=serve.nearby,
    )


def _refuse_foreign(out: Path) -> None:
    # A run folder has a config.json as well, and must not be taken for an older model.
    model = (out / CONFIG).is_file() and (out / ENCODER).is_file()
    if out.exists() and not model and (out.is_file() or any(out.iterdir())):
        raise OutputError(f"{out} exists and is not a model folder; choose another --out")
