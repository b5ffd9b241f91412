"""Where works lie on the map: t-SNE where scikit-learn is installed, else two components.

The choice, with figures, is ADR 49.
"""

import importlib.util
import os
import sys

import numpy as np

from samehand.records import Floats

MOST_FITTED = 5_000
"""Of more works a sample is laid out by t-SNE, and each other one beside those it is nearest to."""

_LEAST = 30
"""Fewer works have no neighbourhoods to keep."""

_BESIDE = 5
"""How many works of the sample decide where another one lies."""

_BLOCK = 1024
"""Works compared with the sample at one time: 20 MB."""

_AXES = 50
"""Components handed to t-SNE: most of what the embeddings tell, at an eighth of the search."""


def can_lay(count: int) -> bool:
    """Return whether so many works can be laid out by their neighbourhoods here."""
    installed = importlib.util.find_spec("sklearn") is not None
    return installed and count >= _LEAST


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
    Berens 2019, "The art of using t-SNE for single-cell transcriptomics"). Of more than
    `MOST_FITTED` works a sample is laid out so, drawn with a fixed seed, and the rest is placed as
    there: at the middle of the nearest of the sample.

    Args:
        rows: Unit length, (N, D), N at least 30.
    """
    axes = _components(rows, min(_AXES, *rows.shape))
    if len(rows) <= MOST_FITTED:
        return spread(_fitted(axes))
    drawn = np.random.default_rng(0).permutation(len(rows))
    sample, rest = drawn[:MOST_FITTED], drawn[MOST_FITTED:]
    places = np.empty((len(rows), 2), np.float32)
    places[sample] = _fitted(axes[sample])
    for first in range(0, len(rest), _BLOCK):
        some = rest[first : first + _BLOCK]
        places[some] = _beside(axes[some], axes[sample], places[sample])
    return spread(places)


def _fitted(axes: Floats) -> Floats:
    """Return t-SNE's places of works, (N, 2)."""
    # A seam of its own: what answers does without scikit-learn, and the map without t-SNE.
    from sklearn.manifold import TSNE

    perplexity = min(30.0, (len(axes) - 1) / 4)
    near = TSNE(perplexity=perplexity, init="pca", random_state=0, learning_rate="auto")
    places: Floats = near.fit_transform(axes)
    return places


def _beside(axes: Floats, known: Floats, places: Floats) -> Floats:
    """Return where works lie by the known ones that they are nearest to, (M, 2).

    At the median of their places, which unlike the mean is not drawn between two groups.

    Args:
        axes: Components of M works, (M, C).
        known: Of the works that have places, (K, C).
        places: Theirs, (K, 2).
    """
    far = (known**2).sum(axis=1) - 2 * axes @ known.T  # less each work's own square
    nearest = np.argpartition(far, _BESIDE, axis=1)[:, :_BESIDE]
    found: Floats = np.median(places[nearest], axis=1)
    return found


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
