"""Training on several processes: `torchrun --nproc-per-node N -m samehand train ...`.

Every process holds the whole network and the class proxies, encodes its share of each batch, and
takes the same step from the mean of all gradients (PyTorch's DistributedDataParallel, Li et al.,
VLDB 2020). The mean over shares of equal size is the mean over the batch, so that the run is the
one of a single process but for the order of sums; see ADR 0042.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn

from samehand.errors import RecipeError

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Processes:
    """Which of how many processes this is.

    Attributes:
        rank: From 0; the first one writes, prints and validates.
        count: How many there are.
        joined: Whether torchrun has started it, if alone.
    """

    rank: int = 0
    count: int = 1
    joined: bool = False

    @property
    def first(self) -> bool:
        """Whether this is the one that writes."""
        return self.rank == 0

    def share(self, batch: Sequence[Value]) -> list[tuple[int, Value]]:
        """Return this process's part of a batch, each item with its place in the whole."""
        return list(enumerate(batch))[self.rank :: self.count]

    def require_equal_shares(self, batch: int) -> None:
        """Refuse a batch that cannot be divided evenly.

        Raises:
            RecipeError: The shares would differ in size, and their mean from the batch's.
        """
        if batch % self.count:
            raise RecipeError(
                f"a batch of {batch} paintings cannot be divided evenly among {self.count} "
                "processes; change [batch] or --nproc-per-node"
            )

    def told(self, value: Value) -> Value:
        """Return what the first process has for this value."""
        if not self.joined:
            return value
        held = [value]
        torch.distributed.broadcast_object_list(held, src=0)
        return held[0]

    def any(self, flag: bool) -> bool:
        """Return whether any process says so; all have to ask at the same point."""
        return self.mean(float(flag)) > 0

    def mean(self, value: float) -> float:
        """Return the mean of all processes' values."""
        if not self.joined:
            return value
        total = torch.tensor(value, dtype=torch.float64)
        if torch.distributed.get_backend() == "nccl":
            total = total.cuda()
        torch.distributed.all_reduce(total)
        return float(total) / self.count


ALONE = Processes()


@contextmanager
def joined() -> Iterator[Processes]:
    """Join the other processes that torchrun has started, until the block ends.

    Raises:
        RecipeError: They cannot be reached.
    """
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        yield ALONE
        return
    cuda = torch.cuda.is_available()
    if cuda:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    try:
        torch.distributed.init_process_group("nccl" if cuda else "gloo")
    except (RuntimeError, ValueError) as error:
        raise RecipeError(
            f"the other processes of torchrun cannot be reached ({error}); start it again"
        ) from error
    try:
        rank, count = torch.distributed.get_rank(), torch.distributed.get_world_size()
        yield Processes(rank, count, joined=True)
    finally:
        torch.distributed.destroy_process_group()


class Loss(nn.Module):
    """A network with its loss, as one module whose gradients are shared in one go."""

    def __init__(self, model: nn.Module, criterion: nn.Module) -> None:
        """Hold both; the criterion's class proxies are trained, too."""
        super().__init__()
        self.model = model
        self.criterion = criterion

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return the loss of views (B, 3, S, S) and labels (B,)."""
        loss: Tensor = self.criterion(self.model(images), labels)
        return loss


class _Sum(torch.autograd.Function):
    """The sum of all processes' tensors; a gradient of it is the sum of theirs."""

    @staticmethod
    def forward(context: object, mine: Tensor) -> Tensor:
        total = mine.clone()
        torch.distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(context: object, gradient: Tensor) -> Tensor:
        total = gradient.clone()
        torch.distributed.all_reduce(total)
        return total


class _Shared(nn.Module):
    """Batch normalisation by the whole batch's mean and variance, whoever holds which part."""

    def forward(self, images: Tensor) -> Tensor:
        """Normalise (B, C) or (B, C, H, W), as the class that it is mixed into does."""
        assert isinstance(self, nn.BatchNorm1d | nn.BatchNorm2d)
        if not self.training or self.running_mean is None or self.running_var is None:
            return super().forward(images)
        axes = [0, *range(2, images.ndim)]
        moments = torch.cat([images.mean(axes), images.square().mean(axes)])
        count = torch.distributed.get_world_size()
        # Shares are of equal size, so that the mean of their means is that of the batch.
        mean, square = (_Sum.apply(moments) / count).chunk(2)
        variance = (square - mean.square()).clamp_min(0)
        with torch.no_grad():
            seen = count * images.numel() / len(mean)
            rate = self.momentum if self.momentum is not None else 0.1
            self.running_mean.lerp_(mean, rate)
            self.running_var.lerp_(variance * seen / max(1.0, seen - 1), rate)
            if self.num_batches_tracked is not None:
                self.num_batches_tracked.add_(1)
        shape = [1, -1, *[1] * (images.ndim - 2)]
        scale = torch.rsqrt(variance + self.eps)
        normal = (images - mean.reshape(shape)) * scale.reshape(shape)
        return normal * self.weight.reshape(shape) + self.bias.reshape(shape)


class _Shared1d(_Shared, nn.BatchNorm1d):
    """Of a head."""


class _Shared2d(_Shared, nn.BatchNorm2d):
    """Of a convolutional backbone."""


_SHARED: dict[type, type] = {nn.BatchNorm1d: _Shared1d, nn.BatchNorm2d: _Shared2d}


def share_statistics(model: nn.Module) -> None:
    """Let every batch normalisation of a network see the whole batch; its weights stay.

    PyTorch's own SyncBatchNorm runs on GPUs only, and is not the class that the encoder expects.
    """
    for module in model.modules():
        if type(module) in _SHARED:
            module.__class__ = _SHARED[type(module)]


def shared_loss(model: nn.Module, criterion: nn.Module, processes: Processes) -> nn.Module:
    """Return the loss of a network, whose gradients are the mean over all processes."""
    both = Loss(model, criterion)
    if not processes.joined:
        return both
    share_statistics(model)
    # Some of a backbone's parameters, such as a pooler's, take no part in an embedding.
    return nn.parallel.DistributedDataParallel(both, find_unused_parameters=True)
