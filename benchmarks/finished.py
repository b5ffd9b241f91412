"""What training runs are worth once they are exported, measured before anything is exported.

    python benchmarks/finished.py CATALOGUE RUN [RUN ...]

`samehand train` validates plain cosines; what is served is discriminants of the embeddings, and the
cosine less how near each painting is to the nearest training artists. Prints the AUC over all pairs
of validation paintings, and over those of one style, one whole view each: of every run's plain
cosine, of the runs finished alone, joined, and joined with discriminants that were fitted on fewer
artists (means of three draws).
"""

import sys
from pathlib import Path

import numpy as np
import polars as pl
import torch
from shared import pair_aucs

from samehand.catalogue.schema import load_catalogue
from samehand.catalogue.splits import calibration_paintings
from samehand.networks.discriminant import discriminants
from samehand.networks.encoder import Encoder
from samehand.records import Floats
from samehand.scoring.comparator import CosineComparator
from samehand.training.discriminate import run_views
from samehand.training.loop import keep_freed_memory
from samehand.training.recipe import Recipe, read_recipe
from samehand.training.runlog import RunFolder, load_tensors

FEWER, DRAWS, SEED = (150, 250, 350), 3, 0


def main() -> None:
    root, runs = Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]]
    table = load_catalogue(root)
    train = table.filter(pl.col("split") == "train").sort("painting_id")
    held_out = calibration_paintings(table)
    artists = train["artist"].to_numpy()
    known, asked, recipes = [], [], []
    keep_freed_memory()
    print("all pairs  one style")
    for run in runs:
        encoder, recipe = opened(run)
        known.append(embedded(encoder, recipe, root, train))
        asked.append(embedded(encoder, recipe, root, held_out))
        recipes.append(recipe)
        told(held_out, plain(asked[-1]), f"{run.name}, plain cosine")
        if len(runs) > 1:
            told(held_out, finished(known[-1:], asked[-1:], artists, recipe), f"{run.name} alone")
    told(held_out, finished(known, asked, artists, recipes[0]), "finished")
    names = np.unique(artists)
    rng = np.random.default_rng(SEED)
    for count in FEWER:
        if count < len(names):
            draws = [
                pair_aucs(finished(known, asked, artists, recipes[0], chosen), held_out)
                for chosen in (rng.choice(names, count, replace=False) for _ in range(DRAWS))
            ]
            show(np.mean(draws, axis=0), f"discriminants of {count} artists")


def opened(run: Path) -> tuple[Encoder, Recipe]:
    folder = RunFolder(run)
    recipe = read_recipe(folder.config()["recipe"])
    assert isinstance(recipe, Recipe)
    assert recipe.discriminant is not None
    encoder = Encoder(recipe.model, pretrained=False)
    encoder.load_state_dict(load_tensors(folder.best)[0])
    encoder.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return encoder.eval(), recipe


def embedded(encoder: Encoder, recipe: Recipe, root: Path, table: pl.DataFrame) -> Floats:
    paths = [root / path for path in table["path"]]
    return run_views(encoder, torch.device("cpu"), paths, recipe.serve.size, "embedding")


def plain(rows: Floats) -> Floats:
    left, right = np.triu_indices(len(rows), k=1)
    return np.asarray((rows @ rows.T)[left, right], np.float32)


def finished(
    known: list[Floats],
    asked: list[Floats],
    artists: np.ndarray,
    recipe: Recipe,
    chosen: np.ndarray | None = None,
) -> Floats:
    """Return the scores of all pairs of held-out paintings, as an export would score them."""
    train, probes = np.concatenate(known, axis=1), np.concatenate(asked, axis=1)
    fitted = np.ones(len(train), bool) if chosen is None else np.isin(artists, chosen)
    mean = train[fitted].mean(axis=0)
    projection = discriminants(
        train[fitted] - mean,
        np.unique(artists[fitted], return_inverse=True)[1],
        width=recipe.model.width,
        ridge=recipe.discriminant.finish,
    )
    train, probes = unit((train - mean) @ projection), unit((probes - mean) @ projection)
    labels = np.unique(artists, return_inverse=True)[1]
    cohort = unit(np.stack([train[labels == one].mean(axis=0) for one in range(labels.max() + 1)]))
    comparator = CosineComparator(recipe.serve.normalisation, recipe.serve.neighbours, cohort)
    left, right = np.triu_indices(len(probes), k=1)
    return comparator.pair_scores(comparator.enrol(probes), left, right)


def unit(rows: np.ndarray) -> Floats:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def told(held_out: pl.DataFrame, scores: Floats, name: str) -> None:
    show(pair_aucs(scores, held_out), name)


def show(figures: "list[float] | np.ndarray", name: str) -> None:
    print(f"{figures[0]:9.4f}  {figures[1]:9.4f}  {name}", flush=True)


if __name__ == "__main__":
    main()
