"""Every system on every task, in one run that can be interrupted.

What has been measured lies in OUT/cached, one file a system and task, named by a hash of all that
decides it: a second run reads it, and a changed model measures only its own systems anew.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.paper.served import ServedModel
from benchmarks.paper.systems import SERVED, Material, Scorer, System
from benchmarks.paper.tasks import OpenTask, Task, open_task
from samehand.evaluation.bootstrap import percentile_intervals
from samehand.evaluation.evaluate import Result, measure, strata
from samehand.evaluation.metrics import Float64s, Metrics
from samehand.files import atomic_path, sha256_bytes
from samehand.versions import versions

_FORMAT = 2
_WANTED = {"unseen": ("all", "same style")}


@dataclass(frozen=True, slots=True, eq=False)
class CachedResult:
    """One system on one task.

    Attributes:
        results: One a stratum.
        draws: The bootstrap replicates of each, by the stratum's name.
    """

    results: list[Result]
    draws: dict[str, Float64s]

    def result(self, stratum: str) -> Result | None:
        """Return the result on a stratum, or None where the protocol does not have it."""
        return next((row for row in self.results if row.stratum == stratum), None)


@dataclass(frozen=True, slots=True)
class Difference:
    """One result less another.

    Attributes:
        metrics: The first one's metrics less the second one's.
        intervals: 95 % intervals, both measured on the same draws of artists.
    """

    metrics: dict[str, float]
    intervals: dict[str, tuple[float, float]]


@dataclass(frozen=True, slots=True, eq=False)
class Benchmark:
    """Everything that was found.

    Attributes:
        systems: What was measured, the models as they are served last.
        tasks: The tasks.
        cached: The results by task and system.
        left_out: A sentence for everything that was not measured.
        replicates: Bootstrap draws.
        seed: Seeds the bootstrap, the forest's pairs and the second photographs.
    """

    systems: Sequence[System]
    tasks: Sequence[Task]
    cached: dict[tuple[str, str], CachedResult]
    left_out: list[str]
    replicates: int
    seed: int

    @property
    def served(self) -> list[str]:
        """Names of the models as they are served."""
        return [row.name for row in self.systems if row.name.endswith(SERVED)]

    def loss(self, system: str) -> Difference | None:
        """Return what a system loses to a second photograph: (a) less (e); None if not known."""
        before, after = (self.cached.get((name, system)) for name in ("unseen", "recaptured"))
        return _difference(before, after, "all")

    def lead(self, served: str, system: str, task: str, stratum: str) -> Difference | None:
        """Return how far a model as it is served is ahead of another system, if that is known.

        Args:
            served: The model's row.
            system: The other's name.
            task: A task's name.
            stratum: One that was measured there.
        """
        ahead, other = (self.cached.get((task, name)) for name in (served, system))
        return _difference(ahead, other, stratum)


def _difference(
    first: CachedResult | None, second: CachedResult | None, stratum: str
) -> Difference | None:
    if first is None or second is None:
        return None
    one, two = (cached.result(stratum) for cached in (first, second))
    if one is None or two is None:
        return None
    metrics = {
        name: getattr(one.metrics, name) - getattr(two.metrics, name)
        for name in asdict(one.metrics)
    }
    return Difference(metrics, percentile_intervals(first.draws[stratum] - second.draws[stratum]))


def run_benchmark(
    material: Material,
    systems: Sequence[System],
    tasks: Sequence[Task],
    out: Path,
    *,
    left_out: list[str],
    replicates: int,
    seed: int,
    announce: Callable[[str], None],
    wanted: Callable[[str, str], bool] = lambda task, system: True,
) -> Benchmark:
    """Measure every system on every task, or read what was measured before.

    Args:
        material: What the systems learn from.
        systems: The systems.
        tasks: The tasks, "unseen" and "recaptured" among them.
        out: The benchmark's folder.
        left_out: What the report should say is missing.
        replicates: Bootstrap draws for each interval.
        seed: Seeds those draws.
        announce: Told what is measured next.
        wanted: Whether a task and a system, by their names, are to be measured; where not, what
            was measured before still counts.

    Raises:
        CatalogueError: An image is missing from a catalogue's cache.
        ProtocolError: A protocol was changed since it was frozen.
        OutputError: `out` cannot be written.
    """
    prepared: dict[str, Scorer | ServedModel] = {}
    measured: dict[tuple[str, str], CachedResult] = {}
    for task in tasks:
        opened: OpenTask | None = None
        for system in systems:
            facts = [_FORMAT, material.digest, task.key, system.key, replicates, seed]
            digest = sha256_bytes(json.dumps([*facts, versions()["samehand"]]).encode())[:24]
            path = out / "cached" / f"{digest}.safetensors"
            result = read_cached(path)
            if result is None and not wanted(task.name, system.name):
                continue
            if result is None:
                announce(f"{task.name}: {system.name}")
                opened = opened or open_task(task)
                if system.name not in prepared:
                    prepared[system.name] = system.prepare()
                result = _measure(
                    system.name, prepared[system.name], task, opened, replicates, seed
                )
                write_cached(path, result)
            measured[task.name, system.name] = result
    missing = [
        f"{system.name} ({', '.join(tasks_left)})"
        for system in systems
        if (tasks_left := [one.name for one in tasks if (one.name, system.name) not in measured])
    ]
    if missing:
        left_out = [*left_out, f"Not measured: {'; '.join(missing)}."]
    return Benchmark(
        [row for row in systems if any(name == row.name for _, name in measured)],
        [row for row in tasks if any(name == row.name for name, _ in measured)],
        measured,
        left_out,
        replicates,
        seed,
    )


def _measure(
    name: str,
    scorer: Scorer | ServedModel,
    task: Task,
    opened: OpenTask,
    replicates: int,
    seed: int,
) -> CachedResult:
    scores, llrs = scorer.score(task, opened)
    results, draws = [], {}
    found = strata(opened.labels)
    for stratum in _WANTED.get(task.name, ("all",)):
        # A model's calibration within styles has no answer to other pairs.
        if stratum in found and not np.isnan(llrs[found[stratum]]).any():
            result, draws[stratum] = measure(
                name,
                scorer.calibration,
                opened.labels,
                scores,
                llrs,
                stratum=stratum,
                mask=found[stratum],
                replicates=replicates,
                seed=seed,
            )
            results.append(result)
    return CachedResult(results, draws)


def write_cached(path: Path, result: CachedResult) -> None:
    """Keep what was measured.

    Raises:
        OutputError: The file cannot be written.
    """
    from safetensors.numpy import save

    results = json.dumps([asdict(one) for one in result.results])
    with atomic_path(path) as temporary:
        temporary.write_bytes(save(result.draws, metadata={"results": results}))


def read_cached(path: Path) -> CachedResult | None:
    """Return what `write_cached` kept, or None where there is nothing, or a damaged file."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as stored:
            values = json.loads(stored.metadata()["results"])
            draws = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, KeyError, TypeError, ValueError):
        return None
    results = [
        Result(
            **value
            | {
                "metrics": Metrics(**value["metrics"]),
                "intervals": {name: tuple(ends) for name, ends in value["intervals"].items()},
            }
        )
        for value in values
    ]
    return CachedResult(results, draws)
