import numpy as np
import pytest
import torch

from samehand.networks.statistics import map_statistics, window_statistics


def maps(seed=0, shapes=((2, 12), (3, 6), (5, 3))):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(2, c, side, side, generator=generator) for c, side in shapes]


def test_statistics_are_mean_and_deviation_of_every_channel() -> None:
    found = map_statistics(maps())
    rows = []
    for picture in range(2):
        row = []
        for one in maps():
            cells = one[picture].numpy().reshape(one.shape[1], -1)
            row += [cells.mean(1), np.sqrt(cells.var(1, ddof=1) + 1e-6)]
        rows.append(np.concatenate(row))
    np.testing.assert_allclose(found.numpy(), np.stack(rows), rtol=1e-5, atol=1e-5)


def test_a_constant_channel_has_a_finite_gradient() -> None:
    flat = torch.ones(1, 2, 4, 4, requires_grad=True)
    map_statistics([flat]).sum().backward()
    assert flat.grad is not None
    assert torch.isfinite(flat.grad).all()


def test_where_the_channels_are_is_forgotten() -> None:
    one = maps()
    order = torch.randperm(144, generator=torch.Generator().manual_seed(3))
    moved = one[0].flatten(2)[..., order].view_as(one[0])
    torch.testing.assert_close(map_statistics(one), map_statistics([moved, *one[1:]]))


@pytest.mark.parametrize("grid", [1, 3])
def test_windows_are_statistics_of_three_cells_around_each(grid) -> None:
    found = window_statistics(maps(), grid)
    assert found.shape == (2, grid * grid, 20)
    for row in range(grid):
        for column in range(grid):
            parts = []
            for one in maps():
                side = one.shape[-1] // grid
                down = slice(max(0, row - 1) * side, (row + 2) * side)
                across = slice(max(0, column - 1) * side, (column + 2) * side)
                cells = one[:, :, down, across].flatten(2)
                deviation = (cells.var(2, correction=0) + 1e-6).sqrt()
                parts += [cells.mean(2), deviation]
            expected = torch.cat(parts, 1)
            torch.testing.assert_close(
                found[:, row * grid + column], expected, rtol=1e-3, atol=1e-3
            )
