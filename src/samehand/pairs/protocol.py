"""Frozen, hashed lists of test pairs: a Parquet file of pairs and a JSON header beside it.

Shapes are those of `pairs/draws.py`.
"""

import hashlib
import importlib.metadata
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from polars.io.plugins import register_io_source

from samehand.errors import OutputError, ProtocolError
from samehand.files import atomic_path, read_json
from samehand.pairs.draws import Indices, PairBatch, PairDraft, codes_of

_COLUMNS = ("left", "right", "same", "seen", "same_style", "same_source")
_ROW_GROUP = 1_000_000
_FORMAT = b"samehand protocol 1\n"
# What one row adds to the content hash: 20 bytes, little-endian, no padding.
_ROW = np.dtype([("left", "<u8"), ("right", "<u8"), *((name, "i1") for name in _COLUMNS[2:])])


@dataclass(frozen=True, slots=True)
class ProtocolHeader:
    """What a protocol is, as its JSON file states it.

    Attributes:
        name: The file name without `.parquet`.
        description: What the protocol asks, in a sentence.
        pairs: Number of pairs; `genuine` of them by one artist, `impostor` of them by two.
        paintings: Distinct paintings in the pairs, by this many `artists`.
        seed: The seed of the draw, or None where nothing was drawn at random.
        options: What made the pairs.
        catalogue_sha256: Hex digest of the catalogue file.
        version: The samehand version that wrote it.
        content_hash: Hex SHA-256 over a fixed line and then the rows in file order, so a row
            changed, turned round or moved makes another protocol, however Parquet stores it. A
            row is 20 bytes: the first 8 of the SHA-256 of the left and of the right id (UTF-8),
            then same, seen, same_style, same_source, one byte each.
    """

    name: str
    description: str
    pairs: int
    genuine: int
    impostor: int
    paintings: int
    artists: int
    seed: int | None
    options: dict[str, Any]
    catalogue_sha256: str
    version: str
    content_hash: str


@dataclass(frozen=True, slots=True)
class Protocol:
    """A verified protocol on disk.

    Attributes:
        header: Its header.
        paintings: The ids of the distinct paintings in its pairs, sorted.
        path: Its Parquet file.
    """

    header: ProtocolHeader
    paintings: tuple[str, ...]
    path: Path

    def batches(self, size: int = 2_000_000) -> Iterator[PairBatch]:
        """Stream the pairs in file order.

        Args:
            size: Pairs per batch, at least 1; the last batch may be smaller.

        Yields:
            Batches whose `left` and `right` index `paintings`.
        """
        codes = pl.col("left", "right").cast(pl.String).cast(pl.Enum(self.paintings))
        strata = pl.col("same_style", "same_source").cast(pl.Int8).fill_null(-1)
        table = pl.scan_parquet(self.path).select(
            codes.to_physical().cast(pl.Int32), pl.col("same", "seen"), strata
        )
        for start in range(0, self.header.pairs, size):
            frame = table.slice(start, size).collect()
            yield PairBatch(*(frame[name].to_numpy() for name in _COLUMNS))


def write_protocol(
    path: str | os.PathLike[str], draft: PairDraft, *, description: str, catalogue_sha256: str
) -> ProtocolHeader:
    """Freeze a draft: stream its pairs to `NAME.parquet` and describe them in `NAME.json`.

    Args:
        path: The `.parquet` file to write; both files appear, or neither does.
        draft: The pairs; its batches are used up.
        description: What the protocol asks, in a sentence.
        catalogue_sha256: Hex digest of the catalogue file that the pairs come from.

    Raises:
        ProtocolError: `path` does not end in `.parquet`, or the draft has no pair.
        OutputError: The files cannot be written.
    """
    target = _parquet_path(path)
    candidates = draft.candidates
    names = pl.Series("ids", candidates.ids, dtype=pl.Enum(candidates.ids))
    schema = {name: names.dtype if name in ("left", "right") else pl.Boolean() for name in _COLUMNS}
    tally = _Tally(candidates.ids)

    unknown_is_null = pl.col("same_style", "same_source").replace(-1, None).cast(pl.Boolean)

    def frames(*_: object) -> Iterator[pl.DataFrame]:
        for batch in draft.batches:
            tally.add(batch)
            columns: dict[str, Any] = {name: getattr(batch, name) for name in _COLUMNS}
            columns |= {"left": names.gather(batch.left), "right": names.gather(batch.right)}
            yield pl.DataFrame(columns).with_columns(unknown_is_null)

    with atomic_path(target) as parquet, atomic_path(target.with_suffix(".json")) as sidecar:
        table = register_io_source(frames, schema=schema)
        try:
            # An open file, since Polars creates a named one on a thread of its own, which may come
            # after the draft has failed and the temporary file is deleted.
            with parquet.open("wb") as stream:
                table.sink_parquet(stream, row_group_size=_ROW_GROUP, statistics=False)
        except pl.exceptions.PolarsError as error:
            raise OutputError(f"cannot write {target}: the disk may be full; free space") from error
        if tally.pairs == 0:
            raise ProtocolError(
                f"cannot write {target}: no pair of usable paintings fits; ask for other paintings"
            )
        header = ProtocolHeader(
            name=target.stem,
            description=description,
            pairs=tally.pairs,
            genuine=tally.genuine,
            impostor=tally.pairs - tally.genuine,
            paintings=int(tally.used.sum()),
            artists=len(np.unique(candidates.artist[tally.used])),
            seed=draft.seed,
            options=draft.options,
            catalogue_sha256=catalogue_sha256,
            version=importlib.metadata.version("samehand"),
            content_hash=tally.hash.hexdigest(),
        )
        sidecar.write_text(json.dumps(asdict(header), indent=2) + "\n", encoding="utf-8")
    return header


def load_protocol(path: str | os.PathLike[str], catalogue: pl.DataFrame | None = None) -> Protocol:
    """Open a protocol and verify every pair of it against its header.

    Args:
        path: Its `.parquet` file; the header lies beside it.
        catalogue: The catalogue that it will be used with, to check that the paintings are
            usable there and that the labels agree with it; None skips that check.

    Raises:
        ProtocolError: A file is missing or damaged, the pairs are not the ones that the header
            describes, or the catalogue is not the one that they were made from.
    """
    parquet = _parquet_path(path)
    if not parquet.is_file():
        raise ProtocolError(f"there is no protocol {parquet}; name the .parquet file of one")
    header = _read_header(parquet.with_suffix(".json"))
    try:
        protocol = Protocol(header, _distinct_paintings(parquet, header), parquet)
        tally = _Tally(protocol.paintings)
        maker = None if catalogue is None else _catalogue_artists(protocol, catalogue)
        for batch in protocol.batches():
            tally.add(batch)
            same = batch.same if maker is None else maker[batch.left] == maker[batch.right]
            if not np.array_equal(same, batch.same):
                raise ProtocolError(
                    f"{parquet} belongs to another catalogue: this one credits some of its "
                    "paintings to other artists; use the one it was made from, or make it again"
                )
    except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise ProtocolError(
            f"{parquet} is damaged or not a protocol; restore the file, or make the protocol again"
        ) from error
    found = (tally.hash.hexdigest(), tally.genuine, int(tally.used.sum()))
    if found != (header.content_hash, header.genuine, header.paintings):
        raise _changed(parquet)
    return protocol


class _Tally:
    """The counts and the content hash of pairs, batch by batch."""

    def __init__(self, paintings: tuple[str, ...]) -> None:
        digests = b"".join(hashlib.sha256(name.encode()).digest()[:8] for name in paintings)
        self._digests = np.frombuffer(digests, "<u8")
        self.used = np.zeros(len(paintings), bool)
        self.hash = hashlib.sha256(_FORMAT)
        self.pairs = self.genuine = 0

    def add(self, batch: PairBatch) -> None:
        rows = np.empty(len(batch.left), _ROW)
        rows["left"] = self._digests[batch.left]
        rows["right"] = self._digests[batch.right]
        for name in _COLUMNS[2:]:
            rows[name] = getattr(batch, name)
        self.hash.update(rows.tobytes())
        self.used[batch.left] = self.used[batch.right] = True
        self.pairs += len(rows)
        self.genuine += int(batch.same.sum())


def _parquet_path(path: str | os.PathLike[str]) -> Path:
    parquet = Path(path)
    if parquet.suffix != ".parquet":
        raise ProtocolError(f"{parquet} cannot be a protocol: its name must end in .parquet")
    return parquet


def _read_header(path: Path) -> ProtocolHeader:
    try:
        return ProtocolHeader(**read_json(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise ProtocolError(f"{path}, the protocol's header, is missing; restore it") from error
    except (OSError, ValueError, TypeError) as error:
        raise ProtocolError(
            f"{path} is not a protocol header of this version; "
            "restore it, or make the protocol again"
        ) from error


def _distinct_paintings(parquet: Path, header: ProtocolHeader) -> tuple[str, ...]:
    """Return the sorted ids in a Parquet file, once its columns and its length are as stated."""
    table = pl.scan_parquet(parquet)
    missing = [name for name in _COLUMNS if name not in table.collect_schema()]
    if missing:
        raise ProtocolError(
            f"{parquet} lacks the columns {', '.join(missing)}; restore it, or make it again"
        )
    required = pl.col("left", "right", "same", "seen").null_count()
    pairs, *nulls = table.select(pl.len(), required).collect().row(0)
    if pairs != header.pairs or any(nulls):
        raise _changed(parquet)
    sides = [table.select(pl.col(side).unique().cast(pl.String)) for side in ("left", "right")]
    ids = pl.concat([side.rename(lambda _: "id") for side in sides]).unique().collect()
    return tuple(ids["id"].sort().to_list())


def _catalogue_artists(protocol: Protocol, catalogue: pl.DataFrame) -> Indices:
    """Return a code for the artist of each of the protocol's paintings, shape (C,)."""
    usable = catalogue.filter(pl.col("exclusion").is_null(), pl.col("artist").is_not_null())
    ids = pl.DataFrame({"painting_id": protocol.paintings})
    artists = ids.join(usable, on="painting_id", how="left", maintain_order="left")["artist"]
    if lacking := artists.null_count():
        raise ProtocolError(
            f"{protocol.path} belongs to another catalogue: this one lacks or bars {lacking} of "
            f"its {len(protocol.paintings)} paintings; use the one they come from, or make it again"
        )
    return codes_of(artists)


def _changed(parquet: Path) -> ProtocolError:
    return ProtocolError(
        f"{parquet} holds other pairs than its header describes; restore both files"
    )
