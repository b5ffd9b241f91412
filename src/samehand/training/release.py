"""`samehand export`: a trained run to a calibrated model folder."""

import datetime
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from samehand.catalogue.schema import load_catalogue
from samehand.catalogue.splits import calibration_paintings, draw_cohort
from samehand.errors import ModelError, OutputError, RecipeError
from samehand.files import output_error, sha256_bytes, sha256_file, write_text
from samehand.models.encoder import Encoder
from samehand.models.export import export_encoder
from samehand.scoring.calibration import Calibration
from samehand.scoring.comparator import Comparator, Enrolled, enrol
from samehand.scoring.fitting import calibrate
from samehand.scoring.openset import Attribution
from samehand.serving.calibrate import fit_attribution
from samehand.serving.card import model_card
from samehand.serving.embed import embed_catalogued
from samehand.serving.folder import (
    COHORT,
    CONFIG,
    ENCODER,
    FORMAT,
    ModelConfig,
    read_cohort,
    write_cohort,
    write_config,
)
from samehand.serving.runtime import Embedder, EmbedderConfig
from samehand.training.background import build_background
from samehand.training.recipe import Recipe
from samehand.training.runlog import RunFolder, load_tensors
from samehand.versions import versions


def export(run_path: Path, catalogue_path: Path, out: Path) -> ModelConfig:
    """Export a run's best weights, choose its cohort, and calibrate it on validation artists.

    Args:
        run_path: A run folder with at least one finished epoch.
        catalogue_path: The catalogue that the run was trained on.
        out: The model folder to make; replaced only once the new one is complete.

    Returns:
        The configuration of the new model folder.

    Raises:
        RecipeError: No finished run, or another catalogue than it was trained on.
        ModelError: The graph or the calibration cannot be made.
        OutputError: `out` cannot be written, or holds something that is no model folder.
    """
    run = RunFolder(run_path)
    facts = run.config()
    recipe = _recipe_of(run, facts)
    table = load_catalogue(catalogue_path)
    digest = sha256_file(catalogue_path / "catalogue.parquet")
    if digest != facts["catalogue_sha256"]:
        raise RecipeError(
            f"{run_path} was trained on another catalogue than {catalogue_path}; name that one"
        )
    weights, best = load_tensors(run.best)
    encoder = Encoder(recipe.model, pretrained=False)
    try:
        encoder.load_state_dict(weights)
    except RuntimeError as error:
        raise RecipeError(
            f"{run.best} does not hold the network of its recipe; train again with this samehand"
        ) from error
    _refuse_foreign(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as scratch:
            folder = Path(scratch) / "model"
            folder.mkdir()
            export_encoder(encoder.eval(), recipe.serve.size, folder / ENCODER)
            config = _calibrate(folder, recipe, table, catalogue_path, facts | {"best": best})
            if out.exists():
                # Deleted with the scratch folder, and only once its successor is in place.
                out.rename(Path(scratch) / "previous")
            folder.rename(out)
    except OSError as error:
        raise output_error(out, error) from error
    return config


def _recipe_of(run: RunFolder, facts: dict[str, Any]) -> Recipe:
    missing = {"training_artists", "training_paintings", "versions"} - facts.keys()
    try:
        if missing:
            raise ValueError(f"no {', '.join(sorted(missing))}")
        return Recipe.model_validate(facts["recipe"])
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
    write_cohort(folder, cohort)
    comparator = Comparator(
        serve.normalisation, min(serve.neighbours, len(cohort)), read_cohort(folder)
    )
    held_out = calibration_paintings(table)
    enrolled = enrol(
        comparator,
        embed_catalogued(
            embedder, held_out["path"].to_list(), root, label="embedding held-out artists"
        ),
    )
    artists = held_out["artist"].to_list()
    pairs = calibrate(comparator, enrolled, artists)
    config = ModelConfig(
        format=FORMAT,
        name=recipe.name,
        size=serve.size,
        views=serve.views,
        normalisation=comparator.normalisation,
        neighbours=comparator.neighbours,
        nearest_cohort=float(np.quantile(enrolled.nearest, 0.01)),
        calibration=pairs,
        files={name: sha256_file(folder / name) for name in (ENCODER, COHORT)},
        training=facts
        | {
            "exported": datetime.datetime.now(datetime.UTC).date().isoformat(),
            "export_versions": versions(),
            "cohort_sha256": _ids_hash(members),
            "calibration_sha256": _ids_hash(held_out),
        },
        attribution=_attribution(comparator, enrolled, artists, pairs),
    )
    write_config(folder, config)
    build_background(folder, root)
    write_text(folder / "README.md", model_card(config))
    return config


def _attribution(
    comparator: Comparator, enrolled: Enrolled, artists: list[str], pairs: Calibration
) -> Attribution | None:
    try:
        return fit_attribution(comparator, enrolled, artists, pairs)
    except ModelError:
        # Few works by each artist calibrate pairs, but no reference sets; the model goes without.
        return None


def _ids_hash(rows: pl.DataFrame) -> str:
    return sha256_bytes("\n".join(rows["painting_id"].sort()).encode())


def _refuse_foreign(out: Path) -> None:
    # A run folder has a config.json as well, and must not be taken for an older model.
    model = (out / CONFIG).is_file() and (out / ENCODER).is_file()
    if out.exists() and not model and (out.is_file() or any(out.iterdir())):
        raise OutputError(f"{out} exists and is no model folder; choose another --out")
