"""Many images to one embedding table: decoded ahead, cached by content, resumable."""

import os
import uuid
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image

from samehand.errors import CatalogueError, ImageError
from samehand.files import atomic_path, scratch_array, sha256_file
from samehand.images.condition import picture_kind
from samehand.images.decode import decode, decode_file
from samehand.model.kinds import KindCache
from samehand.model.lance_parts import SUFFIX, read_lance_part
from samehand.plural import counted
from samehand.progress import track
from samehand.records import Floats, PictureKind

_PAINTINGS_AT_ONCE = 8
_SAVE_EVERY = 512


class Digest(Protocol):
    """What tells one way of embedding from every other."""

    @property
    def digest(self) -> str:
        """The key of every cache of these embeddings."""


class Embeds(Protocol):
    """Whatever turns images into rows of numbers: a model's `Embedder`, or a baseline."""

    @property
    def config(self) -> Digest:
        """What it was made from."""

    @property
    def width(self) -> int:
        """D, the length of a row."""

    @property
    def dtype(self) -> np.dtype[np.floating[Any]]:
        """Of its numbers."""

    def render(self, image: Image.Image) -> Floats:
        """Return what it looks at of one RGB image, of one shape for all images: (V, ...)."""

    def embed(self, views: Floats) -> Floats:
        """Return one row a painting, (B, D), from (B, V, ...)."""


@dataclass(frozen=True, slots=True)
class EmbeddingTable:
    """Embeddings of distinct images.

    Attributes:
        embeddings: Unit length, (N, D); row i belongs to the i-th path asked for. A large table
            lies in a file.
        failures: Message of each image that could not be read, by its path; its row is zero.
        digests: SHA-256 of each path's content, None where there is no file.
        kinds: What kind of picture each content is that was decoded, by its SHA-256.
    """

    embeddings: Floats
    failures: dict[Path, str]
    digests: tuple[str | None, ...]
    kinds: dict[str, PictureKind]


def embed_files(
    embedder: Embeds,
    paths: Sequence[Path],
    cache: Path | None = None,
    label: str = "embedding paintings",
) -> EmbeddingTable:
    """Embed image files, each distinct content once.

    Args:
        embedder: The model's encoder; its digest is part of the cache's key.
        paths: Image files; unreadable ones are reported, not fatal.
        cache: A folder where embeddings are kept between calls; None keeps none. An interrupted
            call loses at most the last 512 paintings.
        label: What the progress bar says.

    Returns:
        One row a path.
    """
    store = _Store(cache / embedder.config.digest) if cache else None
    failures: dict[Path, str] = {}
    digests: list[str | None] = []
    for path in paths:
        try:
            # Opening a pipe could block for ever; decoding says what is wrong with it.
            digests.append(sha256_file(path) if os.path.isfile(path) else None)
        except OSError:
            digests.append(None)
    rows_of = _places(digests)
    table = scratch_array((len(paths), embedder.width), embedder.dtype)
    known: set[str] = set()
    for found, kept in store.load(set(rows_of)) if store else ():
        table[rows_of[found]] = kept
        known.add(found)
    wanted = [
        (digest, path)
        for digest, path in dict(zip(digests, paths, strict=True)).items()
        if digest is not None and digest not in known
    ]
    unreadable = [path for digest, path in zip(digests, paths, strict=True) if digest is None]
    for path in unreadable:
        failures[path] = _why_unreadable(path)
    fresh: dict[str, Floats] = {}
    kinds: dict[str, PictureKind] = {}
    try:
        for digest, row in track(embed_stream(embedder, wanted, kinds), label, len(wanted)):
            if isinstance(row, str):
                failures.update(
                    (p, row) for d, p in zip(digests, paths, strict=True) if d == digest
                )
                continue
            table[rows_of[digest]] = fresh[digest] = row
            if store and len(fresh) >= _SAVE_EVERY:
                store.save(fresh)
                fresh = {}
    finally:
        if store and fresh:
            store.save(fresh)
        if cache and kinds:
            KindCache(cache).save(kinds)
    return EmbeddingTable(table, failures, tuple(digests), kinds)


def embed_catalogued(
    embedder: Embeds,
    paths: Sequence[str],
    folder: Path,
    cache: Path | None = None,
    label: str = "embedding paintings",
) -> Floats:
    """Return the embeddings, (N, D), of `catalogued_table`, whose arguments these are."""
    return catalogued_table(embedder, paths, folder, cache, label).embeddings


def catalogued_table(
    embedder: Embeds,
    paths: Sequence[str],
    folder: Path,
    cache: Path | None = None,
    label: str = "embedding paintings",
) -> EmbeddingTable:
    """Embed images of a catalogue's cache, none of which should be unreadable.

    Args:
        embedder: The model's encoder.
        paths: Image files, relative to `folder`.
        folder: The catalogue's folder.
        cache: As for `embed_files`.
        label: What the progress bar says.

    Returns:
        One row a path.

    Raises:
        CatalogueError: An image cannot be read.
    """
    table = embed_files(embedder, [folder / path for path in paths], cache, label)
    if table.failures:
        raise CatalogueError(
            f"{next(iter(table.failures.values()))} ({counted(len(table.failures), 'such image')} "
            f"in the cache of {folder}); run samehand prepare again"
        )
    return table


def default_cache() -> Path:
    """Return the user's cache folder: $SAMEHAND_CACHE, or the platform's usual place."""
    named = os.environ.get("SAMEHAND_CACHE")
    if named:
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    return Path(base) / "samehand" if base else Path.home() / ".cache" / "samehand"


def cached_embeddings(embedder: Embeds, cache: Path, digests: set[str]) -> dict[str, Floats]:
    """Return what `embed_files` has kept in `cache` of these contents, by their SHA-256."""
    return dict(_Store(cache / embedder.config.digest).load(digests))


def embed_stream(
    embedder: Embeds,
    wanted: Iterable[tuple[str, Path | bytes]],
    kinds: dict[str, PictureKind] | None = None,
) -> Iterator[tuple[str, Floats | str]]:
    """Yield each key with the unit embedding of its image, (D,), or with why there is none.

    Args:
        embedder: The model's encoder.
        wanted: A key, and an image file or its bytes, which sentences call by the key; read only a
            few ahead of what has been yielded.
        kinds: Filled with what kind of picture each is, by its key, before it is yielded.
    """
    batch: list[tuple[str, Floats]] = []
    for digest, views in _views_ahead(embedder, wanted, kinds):
        if isinstance(views, str):
            yield digest, views
            continue
        batch.append((digest, views))
        if len(batch) == _PAINTINGS_AT_ONCE:
            yield from _run(embedder, batch)
            batch = []
    if batch:
        yield from _run(embedder, batch)


def _run(embedder: Embeds, batch: list[tuple[str, Floats]]) -> Iterator[tuple[str, Floats]]:
    rows = embedder.embed(np.stack([views for _, views in batch]))
    yield from zip((digest for digest, _ in batch), rows, strict=True)


def _views_ahead(
    embedder: Embeds,
    wanted: Iterable[tuple[str, Path | bytes]],
    kinds: dict[str, PictureKind] | None,
) -> Iterator[tuple[str, Floats | str]]:
    """Decode in two threads while the encoder runs; at most a few paintings are in memory."""

    def render(key: str, source: Path | bytes) -> Floats | str:
        try:
            name = key if isinstance(source, bytes) else None
            item = decode(source, name)
            if kinds is not None:
                kinds[key] = picture_kind(item)
            return embedder.render(item.image)
        except ImageError as error:
            return str(error)

    with ThreadPoolExecutor(max_workers=2) as pool:
        pending: list[tuple[str, Future[Floats | str]]] = []
        try:
            for key, source in wanted:
                pending.append((key, pool.submit(render, key, source)))
                if len(pending) > 2 * _PAINTINGS_AT_ONCE:
                    first, future = pending.pop(0)
                    yield first, future.result()
            while pending:
                first, future = pending.pop(0)
                yield first, future.result()
        finally:
            for _, future in pending:
                future.cancel()


def _places(digests: Sequence[str | None]) -> dict[str, list[int]]:
    places: dict[str, list[int]] = {}
    for index, digest in enumerate(digests):
        if digest is not None:
            places.setdefault(digest, []).append(index)
    return places


def _why_unreadable(path: Path) -> str:
    try:
        decode_file(path)
    except ImageError as error:
        return str(error)
    return f"{path} could not be read a moment ago; try again"


class _Store:
    """Append-only parts of (sha256, embedding); a crash loses a part that was being written.

    Parts of `samehand embed` are read, too.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def load(self, wanted: set[str]) -> Iterator[tuple[str, Floats]]:
        """Yield the embeddings that are there, one part in memory at a time."""
        from safetensors import SafetensorError, safe_open

        for part in sorted(self.folder.glob("part-*.safetensors")):
            try:
                with safe_open(part, framework="np") as stored:
                    digests = stored.metadata()["sha256"].split()
                    if wanted.isdisjoint(digests):
                        continue
                    rows = stored.get_tensor("embeddings")
                pairs = list(zip(digests, rows, strict=True))
            except (SafetensorError, OSError, KeyError, TypeError, ValueError):
                continue  # a damaged part only costs embedding those paintings again
            yield from ((digest, row) for digest, row in pairs if digest in wanted)
        parts = [*self.folder.glob("part-*.parquet"), *self.folder.glob(f"part-*{SUFFIX}")]
        for part in sorted(parts):
            yield from _embedded_rows(part, wanted)

    def save(self, rows: dict[str, Floats]) -> None:
        from safetensors.numpy import save

        data = save(
            {"embeddings": np.stack(list(rows.values()))}, metadata={"sha256": " ".join(rows)}
        )
        # A name of its own lets several processes fill one cache.
        with atomic_path(self.folder / f"part-{uuid.uuid4().hex}.safetensors") as temporary:
            temporary.write_bytes(data)


def _embedded_rows(part: Path, wanted: set[str]) -> Iterator[tuple[str, Floats]]:
    """Yield what a part of `samehand embed` holds of some contents."""
    import polars as pl

    columns = ["sha256", "embedding"]
    try:
        if part.suffix == SUFFIX:
            table = read_lance_part(str(part), columns)
            rows = pl.LazyFrame() if table is None else table.lazy()
        else:
            rows = pl.scan_parquet(part)
        found = rows.select(columns).drop_nulls().filter(pl.col("sha256").is_in(wanted)).collect()
    except (pl.exceptions.PolarsError, OSError):
        return
    if len(found):
        yield from zip(found["sha256"], found["embedding"].to_numpy(), strict=True)
