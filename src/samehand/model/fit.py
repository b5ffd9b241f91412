"""An encoder and labelled paintings to a finished model: cohort, calibrations, rules, background.

The one fitter: `samehand export` hands it a new encoder, and `samehand calibrate` runs the part of
it that an older folder may lack.

Shapes: P paintings, D embedding width.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl

from samehand.catalogue.schema import load_catalogue
from samehand.catalogue.splits import calibration_paintings, draw_cohort
from samehand.errors import ModelError
from samehand.files import sha256_file
from samehand.images.decode import decode_file
from samehand.model.embed import embed_catalogued
from samehand.model.fit_background import fit_background
from samehand.model.folder import (
    COHORT,
    ENCODER,
    FAST_VIEWS,
    FORMAT,
    ModelConfig,
    open_model,
    read_cohort,
    write_cohort,
    write_config,
)
from samehand.model.provenance import export_facts, ids_hash
from samehand.model.runtime import BACKBONE, Embedder, EmbedderConfig, mean_direction
from samehand.progress import track
from samehand.records import Floats
from samehand.scoring.calibration import Calibration
from samehand.scoring.comparator import Comparator, CosineComparator, Enrolled, Normalisation
from samehand.scoring.fitting import calibrate
from samehand.scoring.openset import Attribution
from samehand.scoring.openset_fitting import fit_open_set
from samehand.scoring.reference_fitting import fit_references
from samehand.scoring.references import ReferenceRule

_USUAL = 0.98
"""Share of calibration paintings that are not novel. With 0.99 fewer photographs are noticed: 12
in place of 13 of the 18 that `benchmarks/warning_triggers.py` tries.
"""


@dataclass(frozen=True, slots=True)
class Serving:
    """How an encoder is to be asked.

    Attributes:
        name: The model's name.
        size: Side of the square views in pixels.
        views: Names of the views of a painting whose embeddings are averaged, "whole" first.
        normalisation: How a cosine is corrected by the cohort.
        neighbours: How many of the nearest cohort members count.
        cohort: How many training paintings stand for "everybody else".
        cohort_of: "artists" makes one mean embedding of each artist's paintings among them;
            "paintings" keeps them apart.
        seed: Decides which training paintings.
        nearby: Whether scores for pairs of one style count the artists near to both.
    """

    name: str
    size: int
    views: tuple[str, ...]
    normalisation: Normalisation
    neighbours: int
    cohort: int
    cohort_of: Literal["artists", "paintings"]
    seed: int
    nearby: bool = False


def fit(
    folder: Path, serving: Serving, table: pl.DataFrame, root: Path, facts: dict[str, Any]
) -> ModelConfig:
    """Make a finished model of a folder that holds an encoder.onnx.

    The cohort and the background of evidence are of training artists; every calibration and rule
    is of held-out ones.

    Args:
        folder: Holds the encoder; the other files are written into it.
        serving: How it is to be asked.
        table: The catalogue.
        root: The catalogue's folder.
        facts: What is known of the encoder's training.

    Returns:
        What was written into config.json.

    Raises:
        CatalogueError: An image cannot be read, or no artist is held out.
        ModelError: The encoder cannot be used, or the held-out artists cannot calibrate it.
        OutputError: The folder cannot be written.
    """
    files = {
        name: sha256_file(folder / name)
        for name in (ENCODER, BACKBONE)
        if (folder / name).is_file()
    }
    embedder = Embedder(
        EmbedderConfig(
            folder / ENCODER,
            files[ENCODER],
            serving.size,
            serving.views,
            backbone_sha256=files.get(BACKBONE),
        )
    )
    members = draw_cohort(table, serving.cohort, serving.seed)
    cohort = embed_catalogued(
        embedder, members["path"].to_list(), root, label="embedding the cohort"
    )
    if serving.cohort_of == "artists":
        cohort = _of_artists(cohort, members["artist"].to_list())
    write_cohort(folder, cohort)
    comparator = CosineComparator(
        serving.normalisation,
        min(serving.neighbours, len(cohort)),
        read_cohort(folder),
        serving.nearby,
    )
    held_out = calibration_paintings(table)
    paths, artists = held_out["path"].to_list(), held_out["artist"].to_list()
    rows = embed_catalogued(
        embedder, paths, root, root / "embeddings", label="embedding held-out artists"
    )
    enrolled = comparator.enrol(rows)
    pairs = calibrate(comparator, enrolled, artists)
    one_style = within_styles(comparator, enrolled, held_out)
    single, novelty = _single_views(embedder, paths, root)
    try:
        attribution = fit_attribution(comparator, enrolled, held_out, pairs, one_style)
    except ModelError:
        # Few works by each artist calibrate pairs, but no reference sets; the model goes without.
        attribution = None
    config = ModelConfig(
        format=FORMAT,
        name=serving.name,
        size=serving.size,
        views=serving.views,
        normalisation=comparator.normalisation,
        neighbours=comparator.neighbours,
        novelty_limit=float(np.quantile(novelty, _USUAL)),
        calibration=pairs,
        files=files | {COHORT: sha256_file(folder / COHORT)},
        training=export_facts(facts, held_out) | {"cohort_sha256": ids_hash(members)},
        attribution=attribution,
        fast=calibrate(comparator, comparator.enrol(single), artists),
        one_style=one_style,
        nearby=serving.nearby,
    )
    write_config(folder, config)
    fit_background(folder, root)
    return config


def fit_attribution(
    comparator: Comparator,
    enrolled: Enrolled,
    held_out: pl.DataFrame,
    pairs: Calibration,
    one_style: Calibration | None,
) -> Attribution:
    """Fit the rules for reference sets and galleries on held-out paintings.

    Args:
        comparator: The model's comparator.
        enrolled: P held-out paintings, none by an artist of the training or test set.
        held_out: Their rows of the catalogue.
        pairs: The model's calibration of pairs.
        one_style: That of pairs of one style, if it has one.

    Raises:
        ModelError: The paintings cannot calibrate reference sets.
    """
    artists = held_out["artist"].to_list()
    rule = fit_references(comparator, enrolled, artists, pairs)
    open_set = fit_open_set(comparator, enrolled, artists, rule, pairs)
    within = sets_within_styles(comparator, enrolled, held_out, one_style)
    return Attribution(rule, open_set, one_style=within)


def sets_within_styles(
    comparator: Comparator,
    enrolled: Enrolled,
    held_out: pl.DataFrame,
    one_style: Calibration | None,
) -> ReferenceRule | None:
    """Fit the rule for reference sets of one style, or return None where the works do not allow it.

    Args:
        comparator: The model's comparator.
        enrolled: P held-out paintings.
        held_out: Their rows of the catalogue.
        one_style: The model's calibration of pairs of one style, if it has one.
    """
    if one_style is None:
        return None
    artists, styles = held_out["artist"].to_list(), held_out["style"].to_list()
    try:
        return fit_references(comparator, enrolled, artists, one_style, styles=styles)
    except ModelError:
        return None


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
    one_style = within_styles(folder.comparator, enrolled, held_out) or folder.config.one_style
    config = replace(
        folder.config,
        attribution=fit_attribution(
            folder.comparator, enrolled, held_out, folder.config.calibration, one_style
        ),
        one_style=one_style,
        training=folder.config.training | {"attribution_sha256": ids_hash(held_out)},
    )
    write_config(folder.path, config)
    return config


def _single_views(embedder: Embedder, paths: list[str], root: Path) -> tuple[Floats, Floats]:
    """Return the embeddings of single whole views, (P, D), and their novelty, (P,)."""
    single = Embedder(replace(embedder.config, views=FAST_VIEWS))
    found = [
        single.encode(single.render(decode_file(root / path).image)[None])
        for path in track(paths, "encoding single views")
    ]
    rows: Floats = np.concatenate([one.embeddings for one in found])
    return rows, np.concatenate([one.novelty for one in found])


def _of_artists(embeddings: Floats, artists: list[str]) -> Floats:
    """Return the direction of every artist's mean embedding, in the order of their names."""
    labels = np.unique(artists, return_inverse=True)[1]
    return np.concatenate(
        [mean_direction(embeddings[None, labels == label]) for label in range(labels.max() + 1)]
    )
