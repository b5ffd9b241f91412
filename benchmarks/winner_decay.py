"""Which weight decay the winner's method gets, by AUC on the validation artists.

    python benchmarks/winner_decay.py CATALOGUE

Prints one line a decay, for the frozen backbone and for the shipped encoder's whole view. The
decays in evaluation/contenders.py should be the best of each column.
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.paper.systems import open_material
from benchmarks.paper.winner import train_classifier
from samehand import SameHand
from samehand.evaluation.baselines import backbone_statistics
from samehand.evaluation.metrics import auc
from samehand.serving.embed import embed_catalogued
from samehand.serving.runtime import Embedder


def main() -> None:
    root = Path(sys.argv[1])
    material = open_material(root, 0)
    both, width = backbone_statistics("efficientnet-lite0")
    shipped = SameHand().model.embedder
    one_view = Embedder(replace(shipped, views=shipped.views[:1]))
    artists = np.unique(material.held_out["artist"], return_inverse=True)[1]
    left, right = np.triu_indices(len(artists), k=1)
    same = artists[left] == artists[right]
    print("decay    frozen   encoder   AUC on validation artists")
    for decay in (1e-1, 3e-1, 1.0, 3.0, 10.0, 30.0):
        found = []
        for embedder, columns in ((both, slice(0, width)), (one_view, slice(None))):
            train, held_out = (
                embed_catalogued(embedder, part["path"].to_list(), root, root / "embeddings")
                for part in (material.train, material.held_out)
            )
            classifier = train_classifier(
                train[:, columns], material.train["artist"].to_list(), decay=decay
            )
            posteriors = classifier.posteriors(held_out[:, columns])
            found.append(auc((posteriors @ posteriors.T)[left, right], same))
        print(f"{decay:<8g} {found[0]:.3f}    {found[1]:.3f}", flush=True)


if __name__ == "__main__":
    main()
