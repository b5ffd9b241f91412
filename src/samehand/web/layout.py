"""Where works lie on the map: t-SNE where scikit-learn is installed, else two components.

The choice, with figures, is ADR 49.
"""

import importlib.util
import os
import sys

import numpy as np

from samehand.records import Floats

MOST_NEIGHBOURS = 25_000
"""Above so many works t-SNE takes more minutes than anybody waits; components are laid out."""

_LEAST = 30
"""Fewer works have no neighbourhoods to keep."""

_AXES = 50
"""Components handed to t-SNE: most of what the embeddings tell, at an eighth of the search."""


def can_lay(count: int) -> bool:
    """Return whether so many works can be laid out by their neighbourhoods here."""
    installed = importlib.util.find_spec("sklearn") is not None
    return installed and _LEAST <= count <= MOST_NEIGHBOURS


def principal(rows: Floats) -> Floats:
    """Return places along the two directions in which embeddings differ most, (N, 2) in [0, 1].

    Principal components (Pearson 1901, "On lines and planes of closest fit").

    Args:
        rows: Unit length, (N, D).
    """
    if len(rows) < 2:
        return np.full((len(rows), 2), 0.5, np.float32)
    return spread(_components(rows, 2))


def neighbours(rows: Floats) -> Floats:
    """Return places that keep each work beside those nearest to it, (N, 2) in [0, 1].

    t-SNE (van der Maaten & Hinton 2008, "Visualizing data using t-SNE"), started from the principal
    components so that the same rows have the same map and far-off groups keep their order (Kobak &
    Berens 2019, "The art of using t-SNE for single-cell transcriptomics").

    Args:
        rows: Unit length, (N, D), N at least 30.
    """
    # A seam of its own: what answers does without scikit-learn, and the map without t-SNE.
    from sklearn.manifold import TSNE

    perplexity = min(30.0, (len(rows) - 1) / 4)
    near = TSNE(perplexity=perplexity, init="pca", random_state=0, learning_rate="auto")
    return spread(near.fit_transform(_components(rows, min(_AXES, *rows.shape))))


def _components(rows: Floats, count: int) -> Floats:
    centred = rows - rows.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    found: Floats = centred @ axes[:, ::-1][:, :count]
    return found


def spread(places: Floats) -> Floats:
    """Return places stretched to the whole of [0, 1] in both directions, (N, 2)."""
    low, high = places.min(axis=0), places.max(axis=0)
    scaled: Floats = ((places - low) / np.maximum(high - low, 1e-9)).astype(np.float32)
    return scaled


def main(asked: str, laid: str) -> None:
    """Lay out the embeddings of one .npy file into another, without disturbing anybody.

    Args:
        asked: Holds the embeddings, (N, D).
        laid: Gets the places, (N, 2).
    """
    if hasattr(os, "nice"):
        os.nice(10)
    np.save(laid, neighbours(np.load(asked)))


if __name__ == "__main__":
    main(*sys.argv[1:])
