"""Regions of a painting.

G is the side of a square grid of cells laid over a painting.
"""

from samehand.results import Region


def cell(index: int, side: int, span: int = 1) -> Region:
    """Return the region of a cell of a grid, or of the `span` x `span` cells from it on.

    Args:
        index: Number of the cell, row by row from the upper left.
        side: G.
        span: How many cells the region has each way; it must not leave the grid.
    """
    row, column = divmod(index, side)
    return Region(column / side, row / side, (column + span) / side, (row + span) / side)
