"""Regions of a painting.

G is the side of a square grid of cells laid over a painting.
"""

from samehand.results import Region

_EDGE = 1e-6


def cell(index: int, side: int, span: int = 1) -> Region:
    """Return the region of a cell of a grid, or of the `span` x `span` cells from it on.

    Args:
        index: Number of the cell, row by row from the upper left.
        side: G.
        span: How many cells the region has each way; it must not leave the grid.
    """
    row, column = divmod(index, side)
    return Region(column / side, row / side, (column + span) / side, (row + span) / side)


def touches_border(region: Region) -> bool:
    """Return whether a region touches the edge of its painting."""
    return min(region.x0, region.y0) < _EDGE or max(region.x1, region.y1) > 1 - _EDGE
