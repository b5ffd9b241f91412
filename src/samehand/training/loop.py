"""The one training loop: any recipe, exact resume, the best epoch kept.

Every step is a pure function of (seed, epoch, step): data and augmentation are drawn from those
numbers and PyTorch is reseeded with them, so a run that was interrupted and continued ends with
the same weights as one that was not, and a checkpoint needs no random state.
"""

import ctypes
import math
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from samehand.errors import RecipeError
from samehand.progress import track
from samehand.training.parallel import ALONE, Processes
from samehand.training.recipe import OptimiserConfig
from samehand.training.runlog import RunFolder, load_tensors, save_tensors


class Objective(Protocol):
    """What a recipe trains; the loop knows nothing else about it."""

    @property
    def model(self) -> nn.Module:
        """The network, whose averaged weights are kept."""

    @property
    def criterion(self) -> nn.Module:
        """What only training needs: the loss, with its class proxies if it has any."""

    @property
    def monitor(self) -> str:
        """The validation metric that picks the best epoch."""

    def batches(self, epoch: int) -> Sequence[Any]:
        """Return cheap descriptions of the epoch's batches; fixed by the seed and the epoch."""

    def load(self, batch: Any, epoch: int, step: int) -> tuple[Tensor, ...]:  # noqa: ANN401
        """Return the batch's tensors; called from a background thread."""

    def loss(self, tensors: tuple[Tensor, ...]) -> Tensor:
        """Return the scalar loss of one batch."""

    def groups(self) -> list[dict[str, Any]]:
        """Return parameter groups with a peak `lr` each."""

    def trained(self) -> dict[str, float]:
        """Return what the epoch's own batches measured beside the loss, and forget it."""

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Measure `model` on the validation paintings."""


@dataclass
class _State:
    """Where a run stands."""

    epoch: int = 0
    step: int = 0
    loss_sum: float = 0.0
    best: float = -math.inf  # larger is better, whatever is monitored
    best_epoch: int = -1
    seconds: float = 0.0
    history: list[dict[str, float]] = field(default_factory=list)


class Interrupted(KeyboardInterrupt):
    """Training stopped at the user's wish, with a checkpoint to continue from."""


def fit(
    objective: Objective,
    run: RunFolder,
    *,
    epochs: int,
    patience: int,
    optimiser: OptimiserConfig,
    seed: int,
    resume: bool,
    monitor_mode: Literal["max", "min", "last"] = "max",
    checkpoint_every: float = 60.0,
    processes: Processes = ALONE,
) -> list[dict[str, float]]:
    """Train until the epochs are done or validation has not improved for `patience` of them.

    Args:
        objective: What to train.
        run: Where checkpoints, metrics and the best weights go.
        epochs: Epochs in all, earlier stretches of a resumed run included.
        patience: Epochs without improvement before stopping; 0 for never.
        optimiser: Rates, decay, warm-up and averaging.
        seed: Seeds every step.
        resume: Continue from the run's checkpoint.
        monitor_mode: Whether the epoch kept is the one whose monitored metric is largest, or
            least, or whichever is the last.
        checkpoint_every: Seconds between checkpoints within an epoch.
        processes: Which of several processes this is; the first one writes and validates.

    Returns:
        One row of metrics an epoch.

    Raises:
        Interrupted: Ctrl-C or a termination signal; the checkpoint is complete.
    """
    torch.manual_seed(seed)
    algorithm = torch.optim.AdamW if optimiser.algorithm == "adamw" else torch.optim.Adam
    adam = algorithm(objective.groups(), weight_decay=optimiser.weight_decay)
    peaks = [group["lr"] for group in adam.param_groups]
    average = AveragedModel(
        objective.model, multi_avg_fn=_moving_average(optimiser.average), use_buffers=True
    )
    state = _State()
    if resume:
        state = _restore(run, objective, average, adam)
    with _graceful_stop() as stopping:
        while state.epoch < epochs and not _exhausted(state, patience):
            batches = objective.batches(state.epoch)
            total = epochs * len(batches)
            started = last_saved = time.monotonic()
            label = f"epoch {state.epoch + 1}/{epochs}"
            stream = _prefetch(objective, batches, state.epoch, state.step)
            if processes.first:
                stream = track(stream, label, len(batches) - state.step)
            for tensors in stream:
                rate = _rate(state.epoch * len(batches) + state.step, total, optimiser)
                for group, peak in zip(adam.param_groups, peaks, strict=True):
                    group["lr"] = peak * rate
                torch.manual_seed(_step_seed(seed, state.epoch, state.step))
                state.loss_sum += processes.mean(_step(objective, adam, tensors))
                average.update_parameters(objective.model)
                state.step += 1
                now = time.monotonic()
                stop = processes.any(bool(stopping))
                if stop or now - last_saved > checkpoint_every:
                    state.seconds += now - started
                    started = now
                    if processes.first:
                        _save(run, objective, average, adam, state)
                    last_saved = time.monotonic()
                    if stop:
                        raise Interrupted
            seconds = time.monotonic() - started
            if processes.first:
                _finish_epoch(objective, average, run, state, len(batches), seconds, monitor_mode)
                # The checkpoint comes last: what is lost before it, the resumed run writes again.
                run.save_history(state.history)
                _save(run, objective, average, adam, state)
                _print_epoch(state.history[-1], epochs)
            state = processes.told(state)
    return state.history


def _step(objective: Objective, adam: torch.optim.Optimizer, tensors: tuple[Tensor, ...]) -> float:
    objective.model.train()
    loss = objective.loss(tensors)
    if not torch.isfinite(loss):
        raise RecipeError(
            "training diverged (the loss is not a number); lower the rates under "
            "[optimiser] and train into a new folder"
        )
    adam.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(objective.model.parameters(), 5.0)
    adam.step()
    return float(loss.detach())


def _finish_epoch(
    objective: Objective,
    average: AveragedModel,
    run: RunFolder,
    state: _State,
    steps: int,
    seconds: float,
    monitor_mode: Literal["max", "min", "last"],
) -> None:
    measured = objective.validate(average.module.eval())
    state.seconds += seconds
    row = {"epoch": float(state.epoch + 1), "loss": state.loss_sum / steps}
    row |= {f"training_{name}": value for name, value in objective.trained().items()}
    row |= {f"validation_{name}": value for name, value in measured.items()}
    state.history.append(row | {"seconds": round(state.seconds, 1)})
    value = measured[objective.monitor]
    merit = {"max": value, "min": -value, "last": float(state.epoch)}[monitor_mode]
    if merit > state.best:
        state.best, state.best_epoch = merit, state.epoch
        facts = {"epoch": state.epoch + 1, objective.monitor: value}
        save_tensors(run.best, average.module.state_dict(), facts)
    state.epoch, state.step, state.loss_sum = state.epoch + 1, 0, 0.0


def _exhausted(state: _State, patience: int) -> bool:
    return patience > 0 and state.epoch - 1 - state.best_epoch >= patience


def _rate(step: int, total: int, optimiser: OptimiserConfig) -> float:
    """Linear warm-up, then half a cosine (Loshchilov and Hutter, ICLR 2017, equation 5)."""
    rising = max(1, round(total * optimiser.warmup))
    if step < rising:
        return (step + 1) / rising
    if optimiser.schedule == "constant":
        return 1.0
    return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, total - rising)))


def _moving_average(decay: float) -> Callable[[Any, Any, Any], None]:
    """Return an exponential moving average that forgets the first steps sooner.

    The decay rises as (1 + n) / (10 + n), so that a young average is not mostly the weights that
    training began with.
    """

    @torch.no_grad()
    def update(averaged: list[Tensor], current: list[Tensor], count: Tensor | int) -> None:
        weight = 1 - min(decay, (1 + float(count)) / (10 + float(count)))
        for mean, value in zip(averaged, current, strict=True):
            if mean.is_floating_point():
                mean.lerp_(value, weight)
            else:
                mean.copy_(value)

    return update


def _prefetch(
    objective: Objective, batches: Sequence[Any], epoch: int, first: int
) -> Iterator[tuple[Tensor, ...]]:
    """Load batches ahead in threads, in order."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        pending: list[Future[tuple[Tensor, ...]]] = []
        try:
            for step in range(first, len(batches)):
                pending.append(pool.submit(objective.load, batches[step], epoch, step))
                if len(pending) > 2:
                    yield pending.pop(0).result()
            while pending:
                yield pending.pop(0).result()
        finally:
            for future in pending:
                future.cancel()


def _save(
    run: RunFolder,
    objective: Objective,
    average: AveragedModel,
    adam: torch.optim.Optimizer,
    state: _State,
) -> None:
    tensors = {f"model/{name}": value for name, value in objective.model.state_dict().items()}
    tensors |= {f"criterion/{n}": value for n, value in objective.criterion.state_dict().items()}
    tensors |= {f"average/{name}": value for name, value in average.state_dict().items()}
    for index, moments in adam.state_dict()["state"].items():
        tensors |= {f"adam/{index}/{name}": value for name, value in moments.items()}
    facts = {name: getattr(state, name) for name in state.__dataclass_fields__}
    facts["best"] = None if math.isinf(state.best) else state.best
    save_tensors(run.checkpoint, tensors, facts)


def _restore(
    run: RunFolder, objective: Objective, average: AveragedModel, adam: torch.optim.Optimizer
) -> _State:
    tensors, facts = load_tensors(run.checkpoint)
    parts: dict[str, dict[str, Tensor]] = {"model": {}, "criterion": {}, "average": {}, "adam": {}}
    for name, value in tensors.items():
        part, _, rest = name.partition("/")
        parts[part][rest] = value
    objective.model.load_state_dict(parts["model"])
    objective.criterion.load_state_dict(parts["criterion"])
    average.load_state_dict(parts["average"])
    moments: dict[int, dict[str, Tensor]] = {}
    for name, value in parts["adam"].items():
        index, _, moment = name.partition("/")
        moments.setdefault(int(index), {})[moment] = value
    adam.load_state_dict({**adam.state_dict(), "state": moments})
    facts["best"] = -math.inf if facts["best"] is None else facts["best"]
    return _State(**facts)


@contextmanager
def _graceful_stop() -> Iterator[list[int]]:
    """Yield a list that fills when the user asks to stop; the step in flight is finished."""
    received: list[int] = []
    previous = {
        number: signal.signal(number, lambda caught, _: received.append(caught))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield received
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def keep_freed_memory() -> None:
    """Keep freed activations inside the process, where the C library allows it.

    glibc hands every large block back to the kernel and asks for it again at the next layer; the
    page faults cost half of the training speed on a CPU (measured: 12 against 25 images a second
    for EfficientNet-Lite0 at 224 pixels on two cores).
    """
    try:
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(-4, 0)  # M_MMAP_MAX: no block of its own mapping
        libc.mallopt(-1, 2**31 - 1)  # M_TRIM_THRESHOLD: never shrink the heap
    except (OSError, AttributeError):
        return


def _print_epoch(row: dict[str, float], epochs: int) -> None:
    measured = ", ".join(
        f"{name.removeprefix('validation_').replace('_', ' ')} {value:.4f}"
        for name, value in row.items()
        if name.startswith("validation_")
    )
    print(
        f"epoch {row['epoch']:.0f}/{epochs}: loss {row['loss']:.4f}; validation {measured} "
        f"({row['seconds']:.0f} s so far)",
        flush=True,
    )


def _step_seed(seed: int, epoch: int, step: int) -> int:
    return int(np.random.SeedSequence([seed, epoch, step]).generate_state(1)[0])


def step_generator(seed: int, epoch: int, step: int) -> np.random.Generator:
    """Return the generator from which a step draws its training views."""
    return np.random.default_rng([seed, epoch, step])
