"""Embedding on a Ray cluster: an actor a worker, which loads the model once and keeps it.

Ray Data hands batches to the actors, starts another for one that dies, and hands its batch out
again; see ADR 0041.
"""

import json
import logging
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from itertools import islice
from typing import Any

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
                    yield Done(**json.loads(row["done"]))
            except ray.exceptions.RayError as error:
                raise _cause(error) from error


class _Worker:
    """An actor of Ray Data."""

    def __init__(self, task: Task) -> None:
        self._work = task.open()

    def __call__(self, rows: dict[str, Any]) -> dict[str, list[str]]:
        return {"done": [json.dumps(asdict(self._work(_batch(text)))) for text in rows["batch"]]}


def _batch(text: str) -> Batch:
    facts = json.loads(text)
    tar = facts["tar"]
    pictures = tuple(Picture(**one) for one in facts["pictures"])
    return Batch(facts["name"], pictures, None if tar is None else Picture(**tar))


def _cause(error: Exception) -> SamehandError:
    """Return the mistake of a worker's, or the sentence for what befell the cluster."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, SamehandError):
            return cause
        cause = getattr(cause, "cause", None) or cause.__cause__
    reason = str(error).strip().splitlines()[-1][:300]
    return ModelError(f"the Ray cluster could not finish ({reason}); rerun to resume")
