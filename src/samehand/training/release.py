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
from samehand.catalogue.splits import calibration_paintings, draw_cohort
from samehand.errors import ModelError, OutputError, RecipeError
from samehand.files import output_error, sha256_file, write_text
from samehand.images.decode import decode_file
from samehand.models.encoder import Encoder
from samehand.models.ensemble import Ensemble
from samehand.models.export import export_encoder
from samehand.models.siamese import Siamese
from samehand.progress import track
from samehand.records import Floats
from samehand.scoring.calibration import Calibration
from samehand.scoring.comparator import Comparator, CosineComparator, Enrolled
from samehand.scoring.fitting import calibrate
from samehand.scoring.openset import Attribution
from samehand.serving.calibrate import fit_attribution, within_styles
from samehand.serving.card import model_card
from samehand.serving.embed import embed_catalogued
from samehand.serving.folder import (
    COHORT,
    CONFIG,
    ENCODER,
    FAST_VIEWS,
    FORMAT,
    ModelConfig,
    read_cohort,
    write_cohort,
    write_config,
)
from samehand.serving.runtime import Embedder, EmbedderConfig, Encoded, mean_direction
from samehand.training.background import build_background
from samehand.training.discriminate import join, start_from_discriminants
from samehand.training.loop import keep_freed_memory
from samehand.training.provenance import export_facts, ids_hash
from samehand.training.recipe import AnyRecipe, Recipe, SiameseRecipe, read_recipe
from samehand.training.release_pair import write_pair_model
from samehand.training.runlog import RunFolder, load_tensors

_USUAL = 0.98
"""Share of calibration paintings that are not novel. With 0.99 fewer photographs are noticed: 12
in place of 13 of the 18 that `benchmarks/warning_triggers.py` tries.
"""


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
                )
                config = _calibrate(folder, first.recipe, table, catalogue_path, facts)
            config = replace(config, name=name or config.name)
            write_config(folder, config)
            if not config.pairwise:
                build_background(folder, catalogue_path)
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


def _calibrate(
    folder: Path, recipe: Recipe, table: pl.DataFrame, root: Path, facts: dict[str, Any]
) -> ModelConfig:
    serve = recipe.serve
    encoder = folder / ENCODER
    embedder = Embedder(EmbedderConfig(encoder, sha256_file(encoder), serve.size, serve.views))
    members = draw_cohort(table, serve.cohort, recipe.seed)
    cohort = embed_catalogued(
        embedder, members["path"].to_list(), root, label="embedding the cohort"
    )
    if serve.cohort_of == "artists":
        cohort = _of_artists(cohort, members["artist"].to_list())
    write_cohort(folder, cohort)
    comparator = CosineComparator(
        serve.normalisation, min(serve.neighbours, len(cohort)), read_cohort(folder)
    )
    held_out = calibration_paintings(table)
    enrolled = _enrolled(comparator, embedder, held_out, root)
    artists = held_out["artist"].to_list()
    pairs = calibrate(comparator, enrolled, artists)
    within = within_styles(comparator, enrolled, held_out)
    single = Embedder(replace(embedder.config, views=FAST_VIEWS))
    encoded = _encoded(single, held_out, root)
    fast = calibrate(comparator, comparator.enrol(encoded.embeddings), artists)
    return ModelConfig(
        format=FORMAT,
        name=recipe.name,
        size=serve.size,
        views=serve.views,
        normalisation=comparator.normalisation,
        neighbours=comparator.neighbours,
        novelty_limit=float(np.quantile(encoded.novelty, _USUAL)),
        calibration=pairs,
        files={name: sha256_file(folder / name) for name in (ENCODER, COHORT)},
        training=export_facts(facts, held_out) | {"cohort_sha256": ids_hash(members)},
        attribution=_attribution(comparator, enrolled, artists, pairs),
        fast=fast,
        one_style=within,
    )


def _enrolled(
    comparator: Comparator, embedder: Embedder, held_out: pl.DataFrame, root: Path
) -> Enrolled:
    paths = held_out["path"].to_list()
    return comparator.enrol(
        embed_catalogued(embedder, paths, root, label="embedding held-out artists")
    )


def _encoded(embedder: Embedder, held_out: pl.DataFrame, root: Path) -> Encoded:
    found = [
        embedder.encode(embedder.render(decode_file(root / path).image)[None])
        for path in track(held_out["path"].to_list(), "encoding single views")
    ]
    return Encoded(
        embeddings=np.concatenate([one.embeddings for one in found]),
        views=np.concatenate([one.views for one in found]),
        novelty=np.concatenate([one.novelty for one in found]),
        patches=None,
    )


def _of_artists(embeddings: Floats, artists: Sequence[str]) -> Floats:
    """Return the direction of every artist's mean embedding, in the order of their names."""
    labels = np.unique(artists, return_inverse=True)[1]
    return np.concatenate(
        [mean_direction(embeddings[None, labels == label]) for label in range(labels.max() + 1)]
    )


def _attribution(
    comparator: Comparator, enrolled: Enrolled, artists: list[str], pairs: Calibration
) -> Attribution | None:
    try:
        return fit_attribution(comparator, enrolled, artists, pairs)
    except ModelError:
        # Few works by each artist calibrate pairs, but no reference sets; the model goes without.
        return None


def _refuse_foreign(out: Path) -> None:
    # A run folder has a config.json as well, and must not be taken for an older model.
    model = (out / CONFIG).is_file() and (out / ENCODER).is_file()
    if out.exists() and not model and (out.is_file() or any(out.iterdir())):
        raise OutputError(f"{out} exists and is not a model folder; choose another --out")
