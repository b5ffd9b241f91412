"""A collection of any size to embeddings on disk, resumable, in shares that several jobs divide."""

import os
import re
import time
from collections.abc import Callable, Mapping, Sequence

from samehand.embedding.engines import EmbeddingEngine, LocalEngine, Task
from samehand.embedding.inputs import batches, list_pictures
from samehand.embedding.output import PartFormat, finished
from samehand.embedding.places import is_address
from samehand.errors import CatalogueError
from samehand.model.lance_parts import require_lance
from samehand.progress import track
from samehand.results import EmbedReport


def embed_collection(
    sources: Sequence[str | os.PathLike[str]],
    out: str | os.PathLike[str],
    *,
    model: str | os.PathLike[str] | None = None,
    engine: EmbeddingEngine | None = None,
    batch: int = 256,
    shard: tuple[int, int] = (1, 1),
    threads: int | None = None,
    form: PartFormat = "parquet",
    images: str | os.PathLike[str] | None = None,
    columns: Mapping[str, str] | None = None,
    tell: Callable[[str], None] | None = None,
) -> EmbedReport:
    """Embed every picture of some sources that has no row in the output yet.

    Args:
        sources: Folders, tables, patterns, catalogues, tar shards, addresses for fsspec; see
            `inputs.list_pictures`.
        out: The folder, or an address for fsspec, below which the rows are written.
        model: A model folder or a built-in name; None for the shipped model.
        engine: Who does it; None for this process.
        batch: Pictures a batch, at least 1: what is lost with a killed worker.
        shard: (k, n): only the k-th of n shares, from 1.
        threads: CPU threads of the encoder, of each worker; None for all there are.
        form: Of the parts that are written; those that are there count, whatever their form.
        images: The folder that the paths of tables are relative to.
        columns: Which column of a table is which, by meaning.
        tell: Called with each of the readers' notes before any picture is embedded.

    Raises:
        CatalogueError: A source cannot be read, or the batch or the share is not one.
        ModelError: The model cannot be opened, or makes no embeddings to compare.
        MissingExtraError: The engine, or an address, needs packages that are not installed.
        OutputError: The output cannot be written.
    """
    from samehand.model.folder import open_model

    started = time.perf_counter()
    if batch < 1 or not 1 <= shard[0] <= shard[1]:
        raise CatalogueError(
            f"batch {batch}, share {shard[0]} of {shard[1]}: a batch holds at least 1 picture, and "
            "a share is one of 1 to N"
        )
    opened = open_model(model if model is None else os.fspath(model))
    opened.require_metric("embed a collection")
    place = os.fspath(out)
    place = place if is_address(place) else os.path.abspath(place)
    name = None if model is None else os.fspath(model)
    if name is not None and os.path.isdir(name):
        name = os.path.abspath(name)
    task = Task(name, opened.embedder.digest, place, threads, form)
    if form == "lance":
        require_lance()  # before anything is embedded
    listing = list_pictures(sources, images=images, columns=columns)
    for note in listing.notes:
        if tell is not None:
            tell(note)
    todo, already = batches(listing, batch, shard, *finished(task.folder))
    embedded, failed = 0, dict[str, str]()
    runner = engine or LocalEngine()
    if todo:
        for done in track(runner.run(todo, task), "embedding batches", len(todo)):
            embedded += done.embedded
            failed |= done.failed
    seconds = time.perf_counter() - started
    return EmbedReport(embedded, failed, already, task.folder, round(seconds, 2))


def parse_shard(text: str) -> tuple[int, int]:
    """Return the share that "3/16" means: the third of sixteen.

    Raises:
        CatalogueError: It is not of that form.
    """
    match = re.fullmatch(r"\s*(\d+)\s*/\s*(\d+)\s*", text)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise CatalogueError(f"{text!r} is not a share; write 3/16 for the third of sixteen")
    return int(match[1]), int(match[2])
