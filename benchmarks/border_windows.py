"""How often the numbered windows of evidence lie at the border of a painting, against chance.

    python -m benchmarks.border_windows CATALOGUE [--model vit] [--pairs 200] [--split test] [--fit]

Pairs of artists of one split who are not in training, by one and by two in turn. Windows are those
that are shown, at most five a pair; chance is the share of a grid's cells that lie at its border.
With --fit it first finds on validation artists what likenesses at the border lose, as `samehand
background` does, and writes that, and nothing else, into the model's evidence.safetensors.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from samehand import SameHand
from samehand.catalogue.schema import load_catalogue
from samehand.model.background import MIDDLE, places_of, read_background, write_background
from samehand.model.correspondence import correspond
from samehand.model.fit_background import border_discount
from samehand.model.regions import touches_border
from samehand.progress import track

DRAWS = 2000


def main() -> None:
    """Print the share, and its 95 % interval from drawing pairs again."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("catalogue", type=Path)
    parser.add_argument("--model", default=None)
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--split", choices=("validation", "test"), default="test")
    parser.add_argument("--fit", action="store_true")
    options = parser.parse_args()
    model = SameHand(options.model)
    table = load_catalogue(options.catalogue)
    if options.fit:
        fit(model, table, options.catalogue)
    background = read_background(model.folder)
    border, windows, side = [], [], 1
    for pair in track(draw_pairs(table, options.pairs, options.split), "looking for windows"):
        left, right = (model.open(options.catalogue / path).patches for path in pair)
        side = round(len(left) ** 0.5)
        found = (background.regions, background.places, background.discount)
        matches = correspond(left, right, *found).matches
        shown = [region for match in matches for region in (match.left, match.right)]
        border.append(sum(touches_border(region) for region in shown))
        windows.append(len(shown))
    drawn = np.random.default_rng(0).integers(len(border), size=(DRAWS, len(border)))
    counts = np.array(border), np.array(windows)
    low, high = np.percentile(
        counts[0][drawn].sum(axis=1) / counts[1][drawn].sum(axis=1), [2.5, 97.5]
    )
    chance = float((places_of(side) != MIDDLE).mean())
    print(
        f"{model.folder.identity}: {sum(border) / sum(windows):.1%} [{low:.1%}, {high:.1%}] of "
        f"{sum(windows)} windows of {len(border)} pairs lie at the border, {chance:.1%} by chance; "
        f"{windows.count(0)} pairs have no window"
    )


def fit(model: SameHand, table: pl.DataFrame, root: Path) -> None:
    """Find and write what likenesses at the border lose."""
    found = read_background(model.folder)
    discount = border_discount(model.embedder, table, root, found.regions, found.places, 0)
    write_background(model.folder.path, model.folder.config, replace(found, discount=discount))
    print(f"a likeness of two regions at the border loses {discount}")


def draw_pairs(table: pl.DataFrame, count: int, split: str) -> list[tuple[str, str]]:
    """Return paths of pairs of artists without a training painting, by one and by two in turn."""
    trained = table.filter(pl.col("split") == "train")["artist"].unique()
    rows = table.filter((pl.col("split") == split) & ~pl.col("artist").is_in(trained.to_list()))
    grouped = rows.sort("painting_id").group_by("artist", maintain_order=True).agg("path")
    works = [paths for paths in grouped["path"].to_list() if len(paths) > 1]
    rng = np.random.default_rng(0)
    pairs = []
    for number in range(count):
        one, two = rng.choice(len(works), 2, replace=False).tolist()
        if number % 2 == 0:
            first, second = rng.choice(works[one], 2, replace=False).tolist()
        else:
            first, second = str(rng.choice(works[one])), str(rng.choice(works[two]))
        pairs.append((first, second))
    return pairs


if __name__ == "__main__":
    main()
