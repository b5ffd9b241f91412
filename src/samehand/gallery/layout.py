"""Where a gallery's works lie on a map, so that what the model finds alike lies together.

`samehand gallery map` makes it with UMAP (McInnes, Healy and Melville 2018) and keeps it in the
gallery's folder; until then two principal components stand in. ADR 0048 has the figures.

Shapes: N works, D embedding width.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from samehand.errors import MissingExtraError
from samehand.files import atomic_path
from samehand.gallery.gallery import Gallery
from samehand.records import Floats

FILE = "layout.npz"
_NEIGHBOURS = 15
_SEED = 0


def make_layout(gallery: Gallery) -> int:
    """Lay a gallery's works out, keep that in its folder, and return how many there are.

    Raises:
        MissingExtraError: umap-learn is not installed.
        OutputError: The folder cannot be written.
    """
    works, rows = gallery.embeddings()
    places = spread(neighbourly(rows)) if len(rows) > _NEIGHBOURS else flat(rows)
    with atomic_path(gallery.folder / FILE) as temporary, open(temporary, "wb") as file:
        np.savez(file, works=np.array([stored.sha256 for stored in works]), places=places)
    return len(works)


def read_layout(folder: Path) -> dict[str, NDArray[np.float32]] | None:
    """Return where works lie, (2,) in [0, 1] by content, or None where there is no layout."""
    try:
        with np.load(folder / FILE, allow_pickle=False) as kept:
            return dict(zip(kept["works"].tolist(), kept["places"], strict=True))
    except (OSError, ValueError, KeyError):
        return None


def neighbourly(rows: Floats) -> Floats:
    """Return places that keep each work's neighbours near, (N, 2), by UMAP over cosines.

    Args:
        rows: Unit length, (N, D).

    Raises:
        MissingExtraError: umap-learn is not installed.
    """
    try:
        from umap import UMAP
    except ImportError as error:
        raise MissingExtraError("a map that keeps neighbours together", "map") from error
    made = UMAP(
        n_neighbors=_NEIGHBOURS, min_dist=0.1, metric="cosine", random_state=_SEED, n_jobs=1
    )
    found: Floats = made.fit_transform(rows).astype(np.float32)
    return found


def flat(rows: Floats) -> Floats:
    """Return places along the two directions in which embeddings differ most, (N, 2) in [0, 1].

    Principal components (Pearson 1901, "On lines and planes of closest fit").

    Args:
        rows: Unit length, (N, D).
    """
    if len(rows) < 2:
        return np.full((len(rows), 2), 0.5, np.float32)
    centred = rows - rows.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    return spread(centred @ axes[:, ::-1][:, :2])


def spread(places: Floats) -> Floats:
    """Return places stretched to the whole of [0, 1] in both directions, (N, 2)."""
    low, high = places.min(axis=0), places.max(axis=0)
    scaled: Floats = ((places - low) / np.maximum(high - low, 1e-9)).astype(np.float32)
    return scaled
