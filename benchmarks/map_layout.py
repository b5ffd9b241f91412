"""Which layout of a gallery's map keeps works beside those they are near to.

    python benchmarks/map_layout.py FOLDER [MOST]

FOLDER holds embeddings as `samehand evaluate` leaves them (`CATALOGUE/embeddings/DIGEST`); at most
MOST rows are laid out (5,000 unless told), with two principal components, t-SNE, and UMAP where it
is installed. For each: seconds, trustworthiness of the 10 nearest (Venna & Kaski 2001), and the
share of the 10 nearest by cosine that are among the 10 nearest on the map.
"""

import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file
from sklearn.manifold import trustworthiness
from sklearn.neighbors import NearestNeighbors

from samehand.web.layout import neighbours, principal

NEAREST = 10


def umapped(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return UMAP's places."""
    import umap

    return umap.UMAP(n_neighbors=15, random_state=0, n_jobs=1).fit_transform(rows)


def kept(rows: NDArray[np.float32], places: NDArray[np.float32]) -> float:
    """Return the share of each work's nearest by cosine that are among its nearest on the map."""
    before, after = (
        NearestNeighbors(n_neighbors=NEAREST).fit(x).kneighbors(return_distance=False)
        for x in (rows, places)
    )
    shares = [len(set(a) & set(b)) / NEAREST for a, b in zip(before, after, strict=True)]
    return float(np.mean(shares))


def main() -> None:
    """Print a row of a table for each layout."""
    parts = sorted(Path(sys.argv[1]).glob("*.safetensors"))
    most = int(sys.argv[2]) if len(sys.argv) > 2 else 5000
    rows = np.concatenate([load_file(part)["embeddings"] for part in parts])
    rows = np.unique(rows, axis=0)[
        np.random.default_rng(0).permutation(len(np.unique(rows, axis=0)))
    ]
    rows = rows[:most].astype(np.float32)
    print(f"{len(rows)} works | seconds | trustworthiness | of the 10 nearest")
    for name, lay in (("components", principal), ("t-SNE", neighbours), ("UMAP", umapped)):
        started = time.perf_counter()
        try:
            places = lay(rows)
        except ImportError:
            continue
        seconds = time.perf_counter() - started
        trust = trustworthiness(rows, places, n_neighbors=NEAREST)
        print(f"{name} | {seconds:.1f} | {trust:.3f} | {kept(rows, places):.3f}", flush=True)


if __name__ == "__main__":
    main()
