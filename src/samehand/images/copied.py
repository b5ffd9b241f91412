"""Whether two pictures show one work: one is the other again, resized, cropped, turned or in grey.

`likeness.py` compares two thumbnails as they stand; here a picture may also have been mirrored, or
turned by quarters, and the colours of a copy in greyscale say nothing.
"""

import threading

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from samehand.images.condition import is_grey
from samehand.images.likeness import (
    CHROMA_SIDE,
    DETAIL,
    GREY_SIDE,
    Thumbnails,
    Windows,
    colours_agree,
    detail_of,
    thumbnail,
    windows,
)

CROP_COSINE = 0.65
CROP_COSINE_IN_GREY = 0.2
"""Below these cosines of embeddings no crop is looked for, which takes 50 ms a picture.

Of 12 works of $NATURAL, crops by 4 to 10 % at each edge keep 0.79 (vit) or 0.95 (lite), by 15 %
0.74 or 0.88, and those in grey beside colours 0.29 or 0.56
(`python -m benchmarks.copies_told cosines "$NATURAL/images" --model vit`).
"""


class Shown:
    """What tells the copies of one picture; each part is made when it is first needed.

    Of 1.3 million pairs of 1,617 works ($NATURAL and 1,500 of $PBN_MINI), 8 reach `DETAIL` in one
    of the eight ways to hold one of them, and in none do the colours agree (`python -m
    benchmarks.copies_told false "$NATURAL/images" work/pbn/images`). Threads may share it.
    """

    def __init__(self, image: Image.Image) -> None:
        """Take an RGB picture of any size."""
        self._image = image
        self._turned: tuple[Thumbnails, NDArray[np.float32]] | None = None
        self._windows: Windows | None = None
        self._grey: bool | None = None
        self._lock = threading.RLock()

    @property
    def turned(self) -> tuple[Thumbnails, NDArray[np.float32]]:
        """Its thumbnail in eight ways, the first as it is, (8, T), and their detail, (8, 1024)."""
        with self._lock:
            if self._turned is None:
                ways = _turned(thumbnail(self._image))
                self._turned = ways, detail_of(ways).astype(np.float32)
            return self._turned

    @property
    def windows(self) -> Windows:
        """Its crops."""
        with self._lock:
            if self._windows is None:
                self._windows = windows(self._image)
            return self._windows

    @property
    def grey(self) -> bool:
        """Whether it is in greyscale."""
        with self._lock:
            if self._grey is None:
                self._grey = is_grey(self._image)
            return self._grey


def show_one_work(left: Shown, right: Shown, cosine: float) -> bool:
    """Return whether two pictures show one work.

    Args:
        left: A picture.
        right: Another; swapping the two changes nothing.
        cosine: Of their embeddings; 1 looks for crops in any case.
    """
    thumbnails, detail = right.turned
    own, known = left.turned
    if _fits(own[:1], known[:1], thumbnails, detail, either_grey := left.grey != right.grey):
        return True
    if cosine < (CROP_COSINE_IN_GREY if either_grey else CROP_COSINE):
        return False
    return _is_part(left, right, either_grey) or _is_part(right, left, either_grey)


def _is_part(whole: Shown, part: Shown, either_grey: bool) -> bool:
    crops = whole.windows
    return _fits(crops.thumbnails, crops.detail.astype(np.float32), *part.turned, either_grey)


def _fits(
    some: Thumbnails,
    some_detail: NDArray[np.float32],
    others: Thumbnails,
    others_detail: NDArray[np.float32],
    either_grey: bool,
) -> bool:
    """Return whether the best match between two sets of thumbnails is good enough."""
    alike = some_detail @ others_detail.T
    one, other = divmod(int(alike.argmax()), len(others))
    if alike[one, other] < DETAIL:
        return False
    # A copy in greyscale has no colours that could agree.
    return either_grey or bool(colours_agree(some[one : one + 1], others[other : other + 1])[0])


def _turned(one: NDArray[np.uint8]) -> Thumbnails:
    """Return a thumbnail in eight ways: by quarter turns, and those mirrored, (8, T)."""
    sides, ends = (
        (GREY_SIDE, CHROMA_SIDE, CHROMA_SIDE),
        (GREY_SIDE**2, GREY_SIDE**2 + CHROMA_SIDE**2),
    )
    planes = [
        part.reshape(side, side) for part, side in zip(np.split(one, ends), sides, strict=True)
    ]
    ways = []
    for mirrored in (False, True):
        for quarters in range(4):
            held = [np.rot90(p[:, ::-1] if mirrored else p, quarters).ravel() for p in planes]
            ways.append(np.concatenate(held))
    return np.stack(ways)
