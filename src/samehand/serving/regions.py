"""Regions of a painting.

G is the side of a square grid of cells laid over a painting.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle of a painting, in fractions of its width and height, from its upper left.

    Attributes:
        x0: Left edge, in [0, 1).
        y0: Upper edge, in [0, 1).
        x1: Right edge, in (x0, 1].
        y1: Lower edge, in (y0, 1].
    """

    x0: float
    y0: float
    x1: float
    y1: float

    def to_dict(self) -> dict[str, float]:
        """Return the four edges as JSON-ready values."""
        return {"x0": self.x0, "y0": self.y0, "x1": self.x1, "y1": self.y1}

    def pixels(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Return left, upper, right and lower edge in a picture of so many pixels."""
        return (
            round(self.x0 * width),
            round(self.y0 * height),
            round(self.x1 * width),
            round(self.y1 * height),
        )


def cell(index: int, side: int, span: int = 1) -> Region:
    """Return the region of a cell of a grid, or of the `span` x `span` cells from it on.

    Args:
        index: Number of the cell, row by row from the upper left.
        side: G.
        span: How many cells the region has each way; it must not leave the grid.
    """
    row, column = divmod(index, side)
    return Region(column / side, row / side, (column + span) / side, (row + span) / side)
