"""Who does the embedding: the seam between what is to be done and the machines that do it.

`LocalEngine` does it in this process; `ray_engine.RayEngine` on a Ray cluster. Both run the same
`Task` on each batch, in whatever order.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from samehand.embedding.inputs import Batch
from samehand.embedding.output import PartFormat, write_part
from samehand.embedding.rows import embed_pictures
from samehand.errors import ModelError


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one batch.

    Attributes:
        embedded: How many pictures have an embedding.
        failed: Why the others have none, by path.
    """

    embedded: int
    failed: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Task:
    """What is done with a batch; it can be sent to another machine.

    Attributes:
        model: A model folder or a built-in name, or None for the shipped model.
        encoder: Digest that its encoder must have, so that all machines use one model.
        out: The folder or address of the rows, without the encoder's part.
        threads: CPU threads of the encoder; None for all there are.
        form: Of the parts that are written.
    """

    model: str | None
    encoder: str
    out: str
    threads: int | None = None
    form: PartFormat = "parquet"

    @property
    def folder(self) -> str:
        """Where its rows are."""
        return f"{self.out.rstrip('/')}/{self.encoder}"

    def open(self) -> Callable[[Batch], Done]:
        """Load the model, and return what embeds a batch and writes its part of the output.

        Raises:
            ModelError: The model cannot be opened here, or is another one here.
        """
        from samehand.model.folder import open_model
        from samehand.model.runtime import Embedder

        embedder = Embedder(open_model(self.model).embedder, self.threads)
        if embedder.config.digest != self.encoder:
            raise ModelError(
                f"the model {self.model or 'that ships with samehand'} is another one on this "
                "machine; copy the model folder to every machine"
            )

        def work(batch: Batch) -> Done:
            rows = embed_pictures(embedder, batch.read())
            if rows:
                write_part(self.folder, batch.name, rows, embedder.width, self.form)
            failed = {row.path: row.problem for row in rows if row.problem is not None}
            return Done(len(rows) - len(failed), failed)

        return work


class EmbeddingEngine(Protocol):
    """What runs a task on batches."""

    def run(self, batches: Iterable[Batch], task: Task) -> Iterator[Done]:
        """Run the task on every batch and yield what became of each, in any order."""


class LocalEngine:
    """This process: pictures are decoded in two threads while the encoder runs."""

    def run(self, batches: Iterable[Batch], task: Task) -> Iterator[Done]:
        """Run the task on every batch, one after another."""
        work = task.open()
        for batch in batches:
            yield work(batch)
