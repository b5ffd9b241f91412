"""Pictures that a collection holds twice, under two labels: one of the two must be wrong.

Shapes: N works, D embedding width.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from samehand.errors import ImageError
from samehand.images.decode import decode_file
from samehand.images.likeness import same_thumbnail, thumbnail
from samehand.progress import track
from samehand.records import Floats
from samehand.scoring.ties import first_best
from samehand.serving.warnings import DUPLICATE_COSINE

_ROWS_AT_ONCE = 1024
_MOST_LOOKED_AT = 500
"""Files are opened for so many works, the most alike.

Among 5,084 works of $PBN_MINI all 12 that are there under two labels are found, and no others:
`python benchmarks/suspect_labels.py CATALOGUE --out OUT`.
"""


def duplicates_of(
    paths: Sequence[str], embeddings: Floats, labels: NDArray[np.int64]
) -> dict[int, int]:
    """Return, for a work that shows the same picture as one under another label, that one.

    Args:
        paths: Image files, N of them; one that cannot be read has none.
        embeddings: Unit length, (N, D).
        labels: (N,) number of each work's artist.

    Returns:
        Positions of duplicates by the position of the work.
    """
    nearest, cosine = _nearest_elsewhere(embeddings, labels)
    alike = np.argsort(-cosine, kind="stable")[:_MOST_LOOKED_AT]
    alike = alike[cosine[alike] >= DUPLICATE_COSINE]
    found: dict[int, int] = {}
    seen: dict[int, NDArray[np.uint8] | None] = {}
    for work in track(alike.tolist(), "looking for the same pictures"):
        duplicate = int(nearest[work])
        for position in (work, duplicate):
            if position not in seen:
                seen[position] = _thumbnail(paths[position])
        first, second = seen[work], seen[duplicate]
        if first is not None and second is not None and same_thumbnail(first, second):
            found[work] = duplicate
    return found


def _nearest_elsewhere(
    embeddings: Floats, labels: NDArray[np.int64]
) -> tuple[NDArray[np.int64], Floats]:
    """Return each work's nearest under another label, (N,), and its cosine, (N,)."""
    nearest = np.zeros(len(labels), np.int64)
    cosine = np.zeros(len(labels), np.float32)
    for start in range(0, len(labels), _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        cosines = embeddings[rows] @ embeddings.T
        cosines[labels[rows, None] == labels] = -1.0
        nearest[rows] = first_best(cosines, axis=1)
        cosine[rows] = cosines.max(axis=1)
    return nearest, cosine


def _thumbnail(path: str) -> NDArray[np.uint8] | None:
    try:
        return thumbnail(decode_file(Path(path)).image)
    except ImageError:
        return None
