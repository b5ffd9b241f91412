"""`samehand background`: what evidence is set against, for a model that is already exported."""

import math
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from samehand.catalogue.schema import load_catalogue
from samehand.catalogue.splits import calibration_paintings, draw_cohort
from samehand.errors import ModelError
from samehand.files import sha256_file
from samehand.model.background import Background, places_of, write_background
from samehand.model.correspondence import fit_discount
from samehand.model.embed import embed_catalogued
from samehand.model.folder import ModelFolder, open_model
from samehand.model.painting import Painting
from samehand.model.runtime import Embedder
from samehand.progress import track
from samehand.records import Floats

REGIONS = 4096
"""Regions of training paintings that are kept: 1 MB, and matches as rare as one in 8,000."""

HELD_OUT, WORKS = 256, 4
"""Works of held-out artists whose pairs say what a likeness at the border loses, and of each."""

BINS = 128


def fit_background(model: Path, catalogue: Path, threads: int | None = None) -> Background:
    """Write `evidence.safetensors` into a model folder; the model itself stays as it is.

    The regions are of training paintings, artists in turn, so that no artist who is tested on is
    among them. The counts are of the very pairs that calibrated the model.

    Args:
        model: An exported model folder.
        catalogue: The catalogue that the model was trained on.
        threads: CPU threads; None for all there are.

    Raises:
        ModelError: The model is missing, compares pairs only, or learned from another catalogue.
        CatalogueError: The catalogue or one of its images cannot be read.
        OutputError: The file cannot be written.
    """
    folder = open_model(model)
    folder.require_metric("have a background for evidence")
    table = load_catalogue(catalogue)
    if folder.config.training.get("catalogue_sha256") != sha256_file(
        catalogue / "catalogue.parquet"
    ):
        raise ModelError(
            f"{model} was trained on another catalogue than {catalogue}; name that one"
        )
    embedder = Embedder(folder.embedder, threads)
    edges, genuine, impostor = _score_counts(folder, embedder, table, catalogue)
    seed = folder.config.training["recipe"]["seed"]
    regions, places = _regions(embedder, table, catalogue, seed)
    discount = border_discount(embedder, table, catalogue, regions, places, seed)
    background = Background(regions, edges, genuine, impostor, places, discount)
    write_background(folder.path, folder.config, background)
    return background


def _regions(
    embedder: Embedder, table: pl.DataFrame, root: Path, seed: int
) -> tuple[Floats, NDArray[np.int64]]:
    """Return cells of training paintings, about as many of each, (N, D), and their places, (N,)."""
    members = draw_cohort(table, REGIONS // 2, seed)["path"].to_list()
    per_painting = max(2, REGIONS // len(members))
    rng = np.random.default_rng(seed)
    kept, places = [], []
    for path in track(members, "encoding regions of the cohort"):
        patches = Painting.open(root / path, embedder).patches
        chosen = rng.choice(len(patches), min(per_painting, len(patches)), replace=False)
        kept.append(patches[chosen])
        places.append(places_of(math.isqrt(len(patches)))[chosen])
    regions: Floats = np.concatenate(kept)[:REGIONS]
    return regions, np.concatenate(places)[:REGIONS]


def border_discount(
    embedder: Embedder,
    table: pl.DataFrame,
    root: Path,
    regions: Floats,
    places: NDArray[np.int64] | None,
    seed: int,
) -> float:
    """Find on held-out artists what a likeness at the border loses; see `fit_discount`.

    Args:
        embedder: The model's.
        table: The catalogue that the model was trained on.
        root: Its folder.
        regions: Those of a background, (N, D).
        places: Where they lie, (N,), or None.
        seed: Decides which works are paired.

    Raises:
        CatalogueError: No artist is held out, or an image cannot be read.
    """
    held_out = calibration_paintings(table)
    order = np.random.default_rng(seed).permutation(len(held_out))
    shuffled = held_out[order.tolist()].group_by("artist", maintain_order=True).head(WORKS)
    works = shuffled.head(HELD_OUT).select("artist", "path").rows()
    paintings = [
        (str(artist), Painting.open(root / path, embedder).patches)
        for artist, path in track(works, "encoding regions of held-out artists")
    ]
    return fit_discount(_pairs_of(paintings, seed), regions, places)


def _pairs_of(paintings: list[tuple[str, Floats]], seed: int) -> list[tuple[Floats, Floats]]:
    """Return the patches of all pairs by one artist, and of as many by two, drawn."""
    artists = np.array([artist for artist, _ in paintings])
    left, right = np.triu_indices(len(paintings), k=1)
    same = artists[left] == artists[right]
    rng = np.random.default_rng(seed)
    genuine, impostor = np.flatnonzero(same), rng.permutation(np.flatnonzero(~same))
    chosen = np.concatenate([genuine, impostor[: len(genuine)]])
    return [(paintings[left[pair]][1], paintings[right[pair]][1]) for pair in chosen]


def _score_counts(
    folder: ModelFolder, embedder: Embedder, table: pl.DataFrame, root: Path
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    held_out = calibration_paintings(table)
    rows = embed_catalogued(
        embedder,
        held_out["path"].to_list(),
        root,
        root / "embeddings",
        label="embedding held-out artists",
    )
    labels = np.unique(held_out["artist"].to_list(), return_inverse=True)[1]
    left, right = np.triu_indices(len(labels), k=1)
    scores = folder.comparator.pair_scores(folder.comparator.enrol(rows), left, right)
    same = labels[left] == labels[right]
    edges = np.linspace(float(scores.min()), float(scores.max()), BINS + 1)
    return edges, np.histogram(scores[same], edges)[0], np.histogram(scores[~same], edges)[0]
