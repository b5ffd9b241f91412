"""The leakage floor: what a random forest knows of two files without looking at the pictures.

Whatever it scores above chance, the collection gives away by its bytes: who photographed, scaled
and compressed which paintings.

Shapes: N files, F facts, M pairs.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, JpegImagePlugin

from samehand.pairs.draws import PairBatch
from samehand.progress import track
from samehand.records import Floats
from samehand.scoring.comparator import Indices

if TYPE_CHECKING:
    from sklearn.ensemble import RandomForestClassifier

FACTS = (
    "file size",
    "width",
    "height",
    "aspect",
    "bytes a pixel",
    "mean luma quantisation",
    "mean chroma quantisation",
    "first luma quantisation",
    "quantisation tables",
    "chroma subsampling",
    "progressive",
    "EXIF bytes",
    "profile bytes",
    "comment bytes",
    "resolution",
)

_TREES = 60
_LEAVES = 256
_PAIRS_A_TREE = 50_000
_PAIRS_AT_ONCE = 500_000


def file_facts(paths: Sequence[Path]) -> Floats:
    """Return what the headers of image files say, (N, F), in the order of `FACTS`.

    Args:
        paths: Files that Pillow can open; no pixel is decoded.
    """
    return np.array([_facts_of(path) for path in track(paths, "reading headers")], np.float32)


def pair_facts(facts: Floats, left: Indices, right: Indices) -> Floats:
    """Return the forest's view of pairs, (M, 3 F): difference, smaller and larger of each fact.

    Args:
        facts: (N, F).
        left: Indices, (M,).
        right: Indices, (M,); swapping the two changes nothing.
    """
    one, two = facts[left], facts[right]
    return np.concatenate([np.abs(one - two), np.minimum(one, two), np.maximum(one, two)], axis=1)


def grow_forest(facts: Floats, pairs: Sequence[PairBatch], seed: int) -> "RandomForestClassifier":
    """Train a forest to tell genuine from impostor pairs of training paintings.

    Args:
        facts: (N, F).
        pairs: Labelled pairs; their indices name rows of `facts`.
        seed: Seeds the trees.
    """
    from sklearn.ensemble import RandomForestClassifier

    left, right, same = (
        np.concatenate([getattr(batch, name) for batch in pairs])
        for name in ("left", "right", "same")
    )
    forest = RandomForestClassifier(
        n_estimators=_TREES,
        max_leaf_nodes=_LEAVES,
        min_samples_leaf=min(20, len(same) // 10),
        max_samples=min(_PAIRS_A_TREE, len(same)),
        random_state=seed,
        n_jobs=1,
    )
    forest.fit(pair_facts(facts, left, right), same)
    return forest


def forest_scores(forest: "RandomForestClassifier", facts: Floats) -> Callable[..., Floats]:
    """Return what scores pairs of N files: left and right indices to log-odds, (M,).

    Args:
        forest: A trained forest.
        facts: (N, F).
    """

    def score(left: Indices, right: Indices) -> Floats:
        found = np.empty(len(left), np.float32)
        starts = range(0, len(left), _PAIRS_AT_ONCE)
        for start in track(starts, "asking the forest"):
            block = slice(start, start + _PAIRS_AT_ONCE)
            share = forest.predict_proba(pair_facts(facts, left[block], right[block]))[:, 1]
            share = np.clip(share, 1e-6, 1 - 1e-6)
            found[block] = np.log(share / (1 - share))
        return found

    return score


def _facts_of(path: Path) -> list[float]:
    size = path.stat().st_size
    with Image.open(path) as image:
        width, height = image.size
        info = image.info
        tables: list[list[int]] = []
        sampling = -1
        if isinstance(image, JpegImagePlugin.JpegImageFile):
            tables = [list(table) for table in image.quantization.values()]
            sampling = JpegImagePlugin.get_sampling(image)
    means = [float(np.mean(table)) for table in tables] + [0.0, 0.0]
    density = info.get("dpi", (0.0, 0.0))
    return [
        size,
        width,
        height,
        width / height,
        size / (width * height),
        means[0],
        means[1],
        float(tables[0][0]) if tables else 0.0,
        len(tables),
        sampling,
        float(bool(info.get("progressive"))),
        len(info.get("exif", b"")),
        len(info.get("icc_profile", b"") or b""),
        len(info.get("comment", b"")),
        float(density[0]),
    ]
