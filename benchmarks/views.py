"""Which views of a painting a model should average, on thumbnails and on other photographs.

    python benchmarks/views.py CATALOGUE [OTHER]

Prints the AUC over all pairs of the catalogue's validation paintings, over those of one style, and
over all pairs of another collection's catalogue, for several sets of views. The comparator is the
shipped model's, whose cohort was embedded with its own views.
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
from collection import pair_aucs

from samehand import SameHand
from samehand.catalogue.schema import load_catalogue
from samehand.catalogue.splits import calibration_paintings
from samehand.images.views import ALL_VIEWS
from samehand.records import Floats
from samehand.serving.embed import embed_catalogued
from samehand.serving.runtime import Embedder, mean_direction

CORNERS = ("crop-nw", "crop-ne", "crop-sw", "crop-se")
SETS = (
    ("whole",),
    ("whole", "mirror"),
    ("whole", "centre"),
    ("whole", "crop-nw", "crop-se"),
    ("crop-nw", "crop-se"),
    CORNERS,
    ("whole", "mirror", *CORNERS),
)


def main() -> None:
    verifier = SameHand()
    root = Path(sys.argv[1])
    collections = [(root, calibration_paintings(load_catalogue(root)))]
    if len(sys.argv) > 2:
        other = Path(sys.argv[2])
        collections.append((other, load_catalogue(other)))
    embedded = [by_view(verifier, folder, table) for folder, table in collections]
    print("validation  one style  other   views")
    for views in SETS:
        figures = []
        for (_, table), rows in zip(collections, embedded, strict=True):
            mean = mean_direction(np.stack([rows[view] for view in views], axis=1))
            figures += pair_aucs(scored(verifier, mean), table)
        print("   ".join(f"{figure:.4f}" for figure in figures[:3]), " ", ", ".join(views))


def by_view(verifier: SameHand, folder: Path, table: pl.DataFrame) -> dict[str, Floats]:
    found = {}
    for view in ALL_VIEWS:
        embedder = Embedder(replace(verifier.folder.embedder, views=(view,)))
        paths = table["path"].to_list()
        found[view] = embed_catalogued(embedder, paths, folder, folder / "embeddings")
    return found


def scored(verifier: SameHand, rows: Floats) -> Floats:
    comparator = verifier.folder.comparator
    left, right = np.triu_indices(len(rows), k=1)
    return comparator.pair_scores(comparator.enrol(rows), left, right)


if __name__ == "__main__":
    main()
