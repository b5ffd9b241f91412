"""What matters: how far the verdict moves when a region of a painting is covered.

Occlusion as Zeiler and Fergus (ECCV 2014, section 4.2) do it, on the log10 likelihood ratio
rather than on a class score. A region is covered in the views, not in the picture, so that only
the views that show it are computed again.

Shapes: V views of side S, D embedding width, G x G cells, K coverings.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from samehand.images.views import view_box
from samehand.model.painting import Painting
from samehand.model.regions import cell
from samehand.model.runtime import mean_direction
from samehand.records import Floats
from samehand.results import Region
from samehand.verification.verifier import SameHand

Fill = Literal["blur", "mean"]

GRID = 6
"""G: the cells each way of a map of influence.

Among grids of 6, 7 and 8 cells and windows of 1 to 3, blurred or in the mean colour, on 12 pairs
of validation artists, deletion told these from random cells as well as any, at half the cost.
"""

SPAN = 2
"""How many cells each way one covering hides; neighbouring coverings overlap by half."""

_BLUR_SHARE = 0.08
"""Radius of the blur as a share of a view's side: no form smaller than a covering survives it."""


@dataclass(frozen=True, slots=True)
class Coverable:
    """A painting that can be looked at with regions covered.

    Attributes:
        size: Width and height in pixels of the picture that the views were made from.
        names: The V views.
        views: (V, 3, S, S), uncovered.
        fills: (V, 3, S, S), what shows where a region is covered.
        embeddings: Unit embedding of each uncovered view, (V, D).
    """

    size: tuple[int, int]
    names: tuple[str, ...]
    views: Floats
    fills: Floats
    embeddings: Floats


def coverable(model: SameHand, painting: Painting, fill: Fill = "blur") -> Coverable:
    """Prepare a painting for covering.

    Args:
        model: The model.
        painting: The painting.
        fill: Show a strong blur of the painting where it is covered, or its mean colour.
    """
    views = painting.views()
    fills = _blurred(views) if fill == "blur" else _mean_colour(views)
    names = model.embedder.config.views
    return Coverable(painting.image.size, names, views, fills, painting.view_embeddings)


def embed_covered(
    model: SameHand, painting: Coverable, coverings: Sequence[Sequence[Region]]
) -> Floats:
    """Embed a painting with regions covered.

    Args:
        model: The model that `painting` was prepared with.
        painting: The painting.
        coverings: K sets of regions; each set is covered at once.

    Returns:
        One unit embedding a covering, (K, D), exactly as if the covered views had been embedded.
    """
    embeddings = np.repeat(painting.embeddings[None], len(coverings), axis=0)
    changed: list[Floats] = []
    places: list[tuple[int, int]] = []
    for number, regions in enumerate(coverings):
        for index, name in enumerate(painting.names):
            view = painting.views[index]
            hidden = _hidden(regions, name, painting.size, view.shape[-1])
            if hidden.any():
                changed.append(np.where(hidden, painting.fills[index], view))
                places.append((number, index))
    if changed:
        rows, columns = np.array(places).T
        embeddings[rows, columns] = model.embedder.embed_views(np.stack(changed))
    return mean_direction(embeddings)


def influence_of(
    model: SameHand, painting: Coverable, other: Floats, grid: int = GRID, span: int = SPAN
) -> Floats:
    """Return how much each cell of a painting raises the log10 likelihood ratio with another.

    A cell's influence is by how much the llr falls when a window is covered, averaged over the
    windows that the cell lies in. The llr is taken before it saturates at the calibration's
    limits, or else nothing would matter in the clearest verdicts.

    Args:
        model: The model.
        painting: The painting that is covered.
        other: Unit embedding of the painting that it is compared with, (D,).
        grid: G.
        span: Cells each way that a window covers, at most G.

    Returns:
        (G, G), row by row from the upper left; above 0 where the cell speaks for one artist.
    """
    corners = _corners(grid, span)
    windows = [[cell(row * grid + column, grid, span)] for row, column in corners]
    llrs = llr_when_covered(model, painting, other, [[], *windows])
    falls = llrs[0] - llrs[1:]
    total, count = np.zeros((grid, grid), np.float32), np.zeros((grid, grid), np.float32)
    for (row, column), fall in zip(corners, falls.tolist(), strict=True):
        total[row : row + span, column : column + span] += fall
        count[row : row + span, column : column + span] += 1
    return total / count


def _corners(grid: int, span: int) -> list[tuple[int, int]]:
    """Return the upper left cell of each window: those of one colour of a chessboard, and the ends.

    Windows overlap by half, so that every cell still lies in one of them or more.
    """
    last = grid - span
    rows = range(last + 1)
    return [
        (row, column)
        for row in rows
        for column in rows
        if span == 1 or (row + column) % 2 == 0 or {row, column} <= {0, last}
    ]


def llr_when_covered(
    model: SameHand,
    painting: Coverable,
    other: Floats,
    coverings: Sequence[Sequence[Region]],
) -> Floats:
    """Return the log10 likelihood ratio, before it saturates, for each covering of a painting.

    Args:
        model: The model.
        painting: The painting that is covered.
        other: Unit embedding of the painting that it is compared with, (D,).
        coverings: K sets of regions.

    Returns:
        (K,).
    """
    rows = np.concatenate([other[None], embed_covered(model, painting, coverings)])
    comparator = model.folder.comparator
    covered = np.arange(1, len(rows))
    scores = comparator.pair_scores(comparator.enrol(rows), np.zeros_like(covered), covered)
    calibration = model.folder.config.calibration
    return (calibration.slope * scores + calibration.intercept).astype(np.float32)


def _hidden(
    regions: Sequence[Region], view: str, size: tuple[int, int], side: int
) -> NDArray[np.bool_]:
    """Return which pixels of a view the regions cover, (S, S)."""
    width, height = size
    left, upper, right, lower = view_box(view, width, height)
    hidden = np.zeros((side, side), bool)
    for region in regions:
        x0, x1 = (
            round(np.clip((x * width - left) / (right - left), 0, 1) * side)
            for x in (region.x0, region.x1)
        )
        y0, y1 = (
            round(np.clip((y * height - upper) / (lower - upper), 0, 1) * side)
            for y in (region.y0, region.y1)
        )
        hidden[y0:y1, x0:x1] = True
    return hidden[:, ::-1] if view == "mirror" else hidden


def _mean_colour(views: Floats) -> Floats:
    return np.broadcast_to(views.mean(axis=(2, 3), keepdims=True), views.shape)


def _blurred(views: Floats) -> Floats:
    radius = _BLUR_SHARE * views.shape[-1]
    fills = np.empty_like(views)
    for fill, view in zip(fills, views, strict=True):
        picture = Image.fromarray(np.rint(view.transpose(1, 2, 0) * 255).astype(np.uint8))
        soft = np.asarray(picture.filter(ImageFilter.GaussianBlur(radius)), np.float32)
        fill[:] = soft.transpose(2, 0, 1) / 255
    return fills
