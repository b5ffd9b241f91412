"""Pictures that a collection holds twice: under two labels, or as more evidence than there is.

Shapes: N works, D embedding width.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from samehand.errors import ImageError
from samehand.gallery.thumbnails import Thumbnails
from samehand.gallery.works import StoredWork
from samehand.images.copied import Shown, show_one_work
from samehand.images.decode import decode_bytes, decode_file
from samehand.images.likeness import same_thumbnail, thumbnail
from samehand.model.painting import Painting
from samehand.progress import track
from samehand.records import Floats
from samehand.scoring.ties import first_best

_ROWS_AT_ONCE = 1024
LOOKED_AT_COSINE = 0.4
"""Below this cosine of embeddings two works are not looked at.

Of 12 works of $NATURAL, copies of a fifth of the size keep 0.53 (vit) or 0.64 (lite), those turned
by a quarter 0.69 or 0.69, and those in greyscale 0.35 or 0.59 (`python -m benchmarks.copies_told
cosines "$NATURAL/images" --model vit`).
"""

GREY_ADDS = 0.2
"""A picture in greyscale and one in colours are looked at as if their cosine were so much higher.

A lower bound is only more to look at: what a copy is, the pictures tell. Of 30 works of $NATURAL 30
copies in greyscale are found by it with vit, not 27, and none of 870 other pairs is called a copy
(`python -m benchmarks.copies_told grey "$NATURAL/images" --model vit --most 30`).
"""

_MOST_OPENED = 40
"""Pictures an identification looks at for each artist that it looks at closely: half a second, or
some two where the gallery has no small pictures and files are opened."""

_MOST_CROPS = 8
"""Crops are looked for, at 50 ms a picture, in so many of them."""

_MOST_LOOKED_AT = 500
"""Files are opened for this many works, the most alike.

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
    alike = alike[cosine[alike] >= LOOKED_AT_COSINE]
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


def without_copies(
    works: Sequence[StoredWork],
    rows: Floats,
    probe: Painting | None = None,
    pictures: Thumbnails | None = None,
    *,
    look: bool = True,
) -> tuple[list[int], list[int]]:
    """Return which works of a gallery count as evidence, and which show the probe.

    Args:
        works: N works.
        rows: Their embeddings, unit length, (N, D).
        probe: A picture whose copies do not count; None for none.
        pictures: The gallery's small pictures, which spare opening the files.
        look: Whether to look at the pictures of works that are alike, the most alike first and at
            most `_MOST_OPENED` of them, or to tell copies by the hash of their files alone.

    Returns:
        Positions that count, ascending: of several copies of one work the first; and the positions
        of copies of the probe. A file that cannot be read does not count as a copy.
    """
    of_probe = [i for i, one in enumerate(works) if probe and one.sha256 == probe.sha256]
    first: dict[str, int] = {}
    for position, one in enumerate(works):
        first.setdefault(one.sha256, position)
    left = sorted(set(first.values()).difference(of_probe))
    if not look or not left:
        return left, of_probe
    opened = _Opened(works, pictures)
    if probe is not None:
        of_probe += _showing(probe, left, rows, opened)
        left = [i for i in left if i not in set(of_probe)]
    copies = _repeats(left, rows, opened)
    return [i for i in left if i not in copies], sorted(of_probe)


def copies_of(
    probe: Painting, works: Sequence[StoredWork], rows: Floats, pictures: Thumbnails
) -> list[int]:
    """Return the positions of works that show a probe and are not the very same file.

    Args:
        probe: A picture.
        works: N works; the most alike are looked at.
        rows: Their embeddings, unit length, (N, D).
        pictures: The gallery's small pictures.
    """
    others = [i for i, one in enumerate(works) if one.sha256 != probe.sha256]
    return sorted(_showing(probe, others, rows, _Opened(works, pictures)))


def _showing(probe: Painting, positions: list[int], rows: Floats, opened: "_Opened") -> list[int]:
    """Return which of some positions show a probe."""
    likeness = rows[positions] @ probe.embedding
    mixed = opened.grey(positions) != probe.shown.grey
    worth = likeness + GREY_ADDS * mixed
    found = []
    for rank, place in enumerate(np.argsort(-worth, kind="stable").tolist()):
        if worth[place] < LOOKED_AT_COSINE or opened.enough:
            break
        shown = opened.shown(positions[place])
        cosine = float(likeness[place]) if rank < _MOST_CROPS else 0.0
        if shown is not None and show_one_work(shown, probe.shown, cosine):
            found.append(positions[place])
    return found


_MOST_COMPARED = 2000
"""With more works by one artist, every pair of them would take 16 MB of cosines and more."""


_GREY = ("greyscale", "greyscale photograph")


class _Opened:
    """What works show, each looked at once: the gallery's small picture, or else the file."""

    def __init__(self, works: Sequence[StoredWork], pictures: Thumbnails | None) -> None:
        self._works, self._pictures = works, pictures
        self._seen: dict[int, Shown | None] = {}

    @property
    def enough(self) -> bool:
        return len(self._seen) >= _MOST_OPENED

    def grey(self, positions: Sequence[int]) -> NDArray[np.bool_]:
        """Return which works are in greyscale, (P,), as far as the gallery knows."""
        digests = [self._works[position].sha256 for position in positions]
        kinds = self._pictures.kinds(digests) if self._pictures else [None] * len(digests)
        return np.array([kind in _GREY for kind in kinds], bool)

    def shown(self, position: int) -> Shown | None:
        if position not in self._seen:
            self._seen[position] = self._open(self._works[position])
        return self._seen[position]

    def _open(self, work: StoredWork) -> Shown | None:
        # The file may be on a disk that is elsewhere, and is slower to open in any case.
        small = self._pictures.get(work.sha256) if self._pictures else None
        try:
            if small is not None:
                return Shown(decode_bytes(small, work.work.path).image)
            return Shown(decode_file(Path(work.work.path)).image)
        except ImageError:
            return None


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


def _repeats(positions: list[int], rows: Floats, opened: _Opened) -> set[int]:
    """Return the positions of works that show the same picture as an earlier one."""
    copies: set[int] = set()
    if len(positions) > _MOST_COMPARED:
        return copies
    cosines = np.triu(rows[positions] @ rows[positions].T, 1)
    grey = opened.grey(positions)
    worth = cosines + GREY_ADDS * np.triu(grey[:, None] != grey, 1)
    pairs = np.argwhere(worth >= LOOKED_AT_COSINE)
    pairs = pairs[np.argsort(-worth[pairs[:, 0], pairs[:, 1]], kind="stable")]
    for rank, (earlier, later) in enumerate(pairs.tolist()):
        if opened.enough:
            break
        one, two = opened.shown(positions[earlier]), opened.shown(positions[later])
        cosine = float(cosines[earlier, later]) if rank < _MOST_CROPS else 0.0
        if one is not None and two is not None and show_one_work(one, two, cosine):
            copies.add(positions[later])
    return copies
