"""How each channel of a network is distributed over a painting: texture, whatever is depicted.

Shapes: B batch, C channels of one map, h x w its cells, F = twice the channels of all maps,
P = g * g windows.

Brushwork, weave and palette live in early layers, subject and composition in late ones, and a mean
alone forgets how much a channel varies (Gatys, Ecker and Bethge, NeurIPS 2015, compare textures by
second moments of all channels; these are their diagonal, as in Huang and Belongie, ICCV 2017).
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

_LEAST_VARIANCE = 1e-6


def map_statistics(maps: Sequence[Tensor]) -> Tensor:
    """Return mean and standard deviation of every channel, (B, F).

    Args:
        maps: Feature maps, (B, C, h, w) each, of any sizes.
    """
    parts = []
    for cells in (maps_at.flatten(2) for maps_at in maps):
        parts += [cells.mean(2), (cells.var(2) + _LEAST_VARIANCE).sqrt()]
    return torch.cat(parts, dim=1)


def window_statistics(maps: Sequence[Tensor], grid: int) -> Tensor:
    """Return the same for g x g overlapping windows of the painting, (B, P, F).

    A window is three cells of the grid wide, less at the edges, so that the deepest maps, which
    have one value a cell, still vary within it.

    Args:
        maps: Feature maps, (B, C, h, w) each; h and w are multiples of `grid`.
        grid: g, windows a side.
    """
    parts = []
    for cells in maps:
        first, second = (_windows(values, grid) for values in (cells, cells.square()))
        deviation = (second - first.square()).clamp(min=0).add(_LEAST_VARIANCE).sqrt()
        parts += [first, deviation]
    return torch.cat(parts, dim=1).flatten(2).transpose(1, 2)


def _windows(values: Tensor, grid: int) -> Tensor:
    side = values.shape[-1] // grid
    pooled = F.avg_pool2d(values, side) if side > 1 else values
    return F.avg_pool2d(pooled, 3, stride=1, padding=1, count_include_pad=False)
