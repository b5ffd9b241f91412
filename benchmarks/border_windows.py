"""How often the numbered windows of evidence lie at the border of a painting, against chance.

    python -m benchmarks.border_windows CATALOGUE [--model vit] [--pairs 200]

Pairs of validation artists, by one and by two in turn. Windows are those that are shown, at most
five a pair; chance is the share of a grid's cells that lie at its border.
"""

import argparse
from pathlib import Path

import numpy as np
import polars as pl

from samehand import SameHand
from samehand.catalogue.schema import load_catalogue
from samehand.explain.correspondence import correspond
from samehand.model.background import MIDDLE, places_of, read_background
from samehand.progress import track
from samehand.results import Region

DRAWS = 2000


def main() -> None:
    """Print the share, and its 95 % interval from drawing pairs again."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("catalogue", type=Path)
    parser.add_argument("--model", default=None)
    parser.add_argument("--pairs", type=int, default=200)
    options = parser.parse_args()
    model = SameHand(options.model)
    background = read_background(model.folder)
    table = load_catalogue(options.catalogue)
    border, windows, side = [], [], 1
    for pair in track(draw_pairs(table, options.pairs), "looking for windows", options.pairs):
        left, right = (model.open(options.catalogue / path).patches for path in pair)
        side = round(len(left) ** 0.5)
        matches = correspond(left, right, background.regions, background.places).matches
        shown = [region for match in matches for region in (match.left, match.right)]
        border.append(sum(at_border(region) for region in shown))
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


def at_border(region: Region) -> bool:
    """Return whether a region touches the edge of its painting."""
    return min(region.x0, region.y0) < 1e-6 or max(region.x1, region.y1) > 1 - 1e-6


def draw_pairs(table: pl.DataFrame, count: int) -> list[tuple[str, str]]:
    """Return paths of pairs of validation artists, by one artist and by two in turn."""
    rows = table.filter(pl.col("split") == "validation").sort("painting_id")
    grouped = rows.group_by("artist", maintain_order=True).agg("path")
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
