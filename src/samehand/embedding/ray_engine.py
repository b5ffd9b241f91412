"""Embedding on a Ray cluster: an actor a worker, which loads the model once and keeps it.

Ray Data hands batches to the actors, starts another for one that dies, and hands its batch out
again; see ADR 0041.
"""

import json
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from itertools import islice
from typing import Any

from samehand import errors
from samehand.embedding.engines import Done, Task
from samehand.embedding.inputs import Batch
from samehand.embedding.rows import Picture
from samehand.errors import MissingExtraError, ModelError, SamehandError

_AT_ONCE = 4096
"""So many batches are described to Ray at a time, which bounds the driver's memory."""


class RayEngine:
    """A Ray cluster: the one of $RAY_ADDRESS, or one that is started on this machine."""

    def __init__(self, workers: int | None = None) -> None:
        """Choose how many.

        Args:
            workers: Actors, of one CPU each; None for as many as the cluster has CPUs.
        """
        self.workers = workers

    def run(self, batches: Iterable[Batch], task: Task) -> Iterator[Done]:
        """Run the task on every batch and yield what became of each, as they are done.

        Raises:
            MissingExtraError: Ray is not installed.
            SamehandError: A batch cannot be done, whoever tries.
        """
        try:
            import ray
            import ray.data
        except ImportError as error:
            raise MissingExtraError("--engine ray", "ray") from error
        if not ray.is_initialized():
            ray.init(log_to_driver=False, logging_level=logging.ERROR)
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        workers = self.workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
        todo = iter(batches)
        while some := list(islice(todo, _AT_ONCE)):
            rows = [{"batch": json.dumps(asdict(batch))} for batch in some]
            done = ray.data.from_items(rows, override_num_blocks=len(rows)).map_batches(
                _Worker,
                fn_constructor_args=(task,),
                batch_size=1,
                concurrency=(1, workers),
                num_cpus=1,
            )
            try:
                for row in done.iter_rows():
                    yield _told(json.loads(row["done"]))
            except ray.exceptions.RayError as error:
                reason = str(error).strip().splitlines()[-1][:300]
                raise ModelError(
                    f"the Ray cluster could not finish ({reason}); rerun to resume"
                ) from error


class _Worker:
    """An actor of Ray Data."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._work: Callable[[Batch], Done] | None = None

    def __call__(self, rows: dict[str, Any]) -> dict[str, list[str]]:
        return {"done": [json.dumps(self._answer(text)) for text in rows["batch"]]}

    def _answer(self, text: str) -> dict[str, Any]:
        try:
            if self._work is None:
                self._work = self._task.open()
            return asdict(self._work(_batch(text)))
        except SamehandError as error:
            # As an answer, since Ray would wrap the exception in a stack of its own.
            return {"mistake": type(error).__name__, "sentence": str(error)}


def _told(answer: dict[str, Any]) -> Done:
    """Return what became of a batch, or raise the mistake that a worker met."""
    if "mistake" not in answer:
        return Done(**answer)
    kind = getattr(errors, answer["mistake"])
    if kind is MissingExtraError:
        raise SamehandError(answer["sentence"])
    raise kind(answer["sentence"])


def _batch(text: str) -> Batch:
    facts = json.loads(text)
    tar = facts["tar"]
    pictures = tuple(Picture(**one) for one in facts["pictures"])
    return Batch(facts["name"], pictures, None if tar is None else Picture(**tar))
