"""`samehand calibrate`: a model folder gains what its calibration of pairs does not say."""

from dataclasses import replace
from pathlib import Path

import polars as pl

from samehand.catalogue.schema import load_catalogue
from samehand.catalogue.splits import calibration_paintings
from samehand.errors import ModelError
from samehand.files import sha256_bytes
from samehand.scoring.calibration import Calibration
from samehand.scoring.comparator import Comparator, Enrolled
from samehand.scoring.fitting import calibrate
from samehand.scoring.openset import Attribution
from samehand.scoring.openset_fitting import fit_open_set
from samehand.scoring.reference_fitting import fit_references
from samehand.serving.embed import embed_catalogued
from samehand.serving.folder import ModelConfig, open_model, write_config
from samehand.serving.runtime import Embedder


def fit_attribution(
    comparator: Comparator, enrolled: Enrolled, artists: list[str], pairs: Calibration
) -> Attribution:
    """Fit both rules on held-out paintings.

    Args:
        comparator: The model's comparator.
        enrolled: P held-out paintings, none by an artist of the training or test set.
        artists: The artist of each, P of them.
        pairs: The model's calibration of pairs.

    Raises:
        ModelError: The paintings cannot calibrate reference sets.
    """
    rule = fit_references(comparator, enrolled, artists, pairs)
    return Attribution(rule, fit_open_set(comparator, enrolled, artists, rule, pairs))


def within_styles(
    comparator: Comparator, enrolled: Enrolled, held_out: pl.DataFrame
) -> Calibration | None:
    """Calibrate on pairs of one style, or return None where those pairs do not allow it.

    Args:
        comparator: The model's comparator.
        enrolled: P held-out paintings.
        held_out: Their rows of the catalogue.
    """
    try:
        return calibrate(
            comparator, enrolled, held_out["artist"].to_list(), held_out["style"].to_list()
        )
    except ModelError:
        return None


def calibrate_folder(model: str | Path | None, catalogue: Path) -> ModelConfig:
    """Fit the rules for reference sets and galleries, and the calibration of pairs of one style.

    All are fitted on the catalogue's held-out artists and written into the model folder; the
    calibration of all pairs is left as it is.

    Args:
        model: A model folder, a built-in name, or None for the model that ships.
        catalogue: A folder made by `samehand prepare`, with the split that the model was made with.

    Raises:
        ModelError: There is no such model, or the artists cannot calibrate it.
        CatalogueError: No usable catalogue, or no artist is held out.
        OutputError: The model folder cannot be written.
    """
    folder = open_model(model)
    folder.require_metric("be calibrated for reference sets and galleries")
    held_out = calibration_paintings(load_catalogue(catalogue))
    embeddings = embed_catalogued(
        Embedder(folder.embedder),
        held_out["path"].to_list(),
        catalogue,
        catalogue / "embeddings",
        label="embedding held-out artists",
    )
    enrolled = folder.comparator.enrol(embeddings)
    config = replace(
        folder.config,
        attribution=fit_attribution(
            folder.comparator,
            enrolled,
            held_out["artist"].to_list(),
            folder.config.calibration,
        ),
        one_style=within_styles(folder.comparator, enrolled, held_out) or folder.config.one_style,
        training=folder.config.training
        | {"attribution_sha256": sha256_bytes("\n".join(held_out["painting_id"].sort()).encode())},
    )
    write_config(folder.path, config)
    return config
