"""A trained siamese network to the contents of a model folder: encoder, head, calibration."""

from pathlib import Path
from typing import Any

import polars as pl

from samehand.catalogue.splits import calibration_paintings, shuffled
from samehand.files import sha256_file
from samehand.model.embed import embed_catalogued
from samehand.model.folder import ENCODER, FORMAT, HEAD, ModelConfig
from samehand.model.head import OnnxHead
from samehand.model.provenance import export_facts
from samehand.model.runtime import Embedder, EmbedderConfig
from samehand.networks.export_pair import export_map_encoder, export_pair_head
from samehand.networks.siamese import Siamese
from samehand.scoring.comparator import HeadComparator
from samehand.scoring.fitting import calibrate
from samehand.training.recipe import SiameseRecipe

_VIEWS = ("whole",)

CALIBRATION_WORKS = 8
"""The most works of a held-out artist that calibrate: a head takes as long for a pair as a cosine
for thousands, and what the calibration may claim is bounded by its artists, not by their works.
"""


def write_pair_model(
    folder: Path,
    network: Siamese,
    recipe: SiameseRecipe,
    table: pl.DataFrame,
    root: Path,
    facts: dict[str, Any],
) -> ModelConfig:
    """Export both graphs into `folder` and calibrate their scores on held-out artists.

    Args:
        folder: Where encoder.onnx and head.onnx go.
        network: With the weights of the best epoch.
        recipe: What it was trained by.
        table: The catalogue.
        root: The catalogue's folder.
        facts: What the run says of itself.

    Returns:
        The model's configuration, not yet written.

    Raises:
        CatalogueError: There is no artist to calibrate on.
        ModelError: A graph or the calibration cannot be made.
    """
    held_out = _some_works(calibration_paintings(table), recipe.seed)
    export_map_encoder(network, folder / ENCODER)
    export_pair_head(network, folder / HEAD)
    files = {name: sha256_file(folder / name) for name in (ENCODER, HEAD)}
    embedder = Embedder(
        EmbedderConfig(folder / ENCODER, files[ENCODER], recipe.size, _VIEWS, unit=False)
    )
    head = OnnxHead(folder / HEAD)
    comparator = HeadComparator(head, head.width)
    encodings = embed_catalogued(
        embedder,
        held_out["path"].to_list(),
        root,
        root / "embeddings",
        label="encoding held-out artists",
    )
    calibration = calibrate(comparator, comparator.enrol(encodings), held_out["artist"].to_list())
    return ModelConfig(
        format=FORMAT,
        name=recipe.name,
        size=recipe.size,
        views=_VIEWS,
        normalisation="none",
        neighbours=0,
        novelty_limit=None,
        calibration=calibration,
        files=files,
        training=export_facts(facts, held_out),
    )


def _some_works(held_out: pl.DataFrame, seed: int) -> pl.DataFrame:
    kept: list[str] = []
    by_artist = held_out.group_by("artist").agg("painting_id").sort("artist")
    for index, works in enumerate(by_artist["painting_id"].to_list()):
        kept += shuffled(sorted(works), (seed, index))[:CALIBRATION_WORKS]
    return held_out.filter(pl.col("painting_id").is_in(kept))
