"""Frozen, hashed lists of test pairs: a Parquet file of pairs and a JSON header beside it.

Shapes: N pairs in a batch, C candidate paintings. An index names a painting by its place in a
list of painting ids; an int8 stratum is 1 for yes, 0 for no, -1 for unknown.

A catalogue is the table of `catalogue/schema.py`. Only its usable rows (no exclusion, a known
artist) of the wanted split are paired, and never with themselves.
"""

import hashlib
import importlib.metadata
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from polars.io.plugins import register_io_source

from samehand.errors import OutputError, ProtocolError
from samehand.files import atomic_path

Split = Literal["train", "validation", "test"]
ArtistScope = Literal["unseen", "seen", "all"]
ImpostorKind = Literal["any", "same-style"]

_COLUMNS = ("left", "right", "same", "seen", "same_style", "same_source")
_BATCH = 1_000_000
_FORMAT = b"samehand protocol 1\n"
# What one row adds to the content hash: 20 bytes, little-endian, no padding.
_ROW = np.dtype([("left", "<u8"), ("right", "<u8"), *((name, "i1") for name in _COLUMNS[2:])])

Indices = NDArray[np.int32]
Flags = NDArray[np.bool_]
Strata = NDArray[np.int8]
_Unrank = Callable[[NDArray[np.int64]], tuple[Indices, Indices]]


@dataclass(frozen=True, slots=True, eq=False)
class PairBatch:
    """Consecutive pairs with their labels, all of shape (N,).

    Attributes:
        left, right: Indices of the two paintings.
        same: Whether one artist made both.
        seen: Whether both artists have training paintings.
        same_style: 1, 0, or -1 where a style is unknown.
        same_source: 1, 0, or -1 where a source is unknown.
    """

    left: Indices
    right: Indices
    same: Flags
    seen: Flags
    same_style: Strata
    same_source: Strata


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """The paintings that pairs are made of, in the order of their ids; arrays of shape (C,).

    Attributes:
        ids: Their painting ids, sorted.
        artist: A code for each artist.
        style, source: A code for each style and each source, -1 where unknown.
        seen: Whether the artist has usable training paintings.
        unseen: Whether no painting of the artist, usable or not, is in training or validation.
            Among validation paintings themselves only training counts.
    """

    ids: tuple[str, ...]
    artist: Indices
    style: Indices
    source: Indices
    seen: Flags
    unseen: Flags

    def label(self, left: Indices, right: Indices) -> PairBatch:
        """Return the pairs of shape (N,) given by two index arrays, with labels and strata."""
        same = self.artist[left] == self.artist[right]
        seen = self.seen[left] & self.seen[right]
        same_style = _agreement(self.style[left], self.style[right])
        same_source = _agreement(self.source[left], self.source[right])
        return PairBatch(left, right, same, seen, same_style, same_source)


@dataclass(frozen=True, slots=True, eq=False)
class PairDraft:
    """Pairs that `write_protocol` has yet to freeze.

    Attributes:
        candidates: The paintings that the batches index; some may occur in no pair.
        batches: The pairs, to be drawn once.
        options: What made the pairs, JSON-ready; complete once `batches` is exhausted.
        seed: The seed of the draw, or None where nothing was drawn at random.
    """

    candidates: Candidates
    batches: Iterator[PairBatch]
    options: dict[str, Any]
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class ProtocolHeader:
    """What a protocol is, as its JSON file states it.

    Attributes:
        name: The file name without `.parquet`.
        description: What the protocol asks, in a sentence.
        pairs: Number of pairs; `genuine` of them by one artist, `impostor` of them by two.
        paintings: Distinct paintings in the pairs, by so many `artists`.
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


def find_candidates(catalogue: pl.DataFrame, split: Split) -> Candidates:
    """Return the usable paintings of one split, whatever the catalogue's row order."""
    usable = catalogue.filter(pl.col("exclusion").is_null(), pl.col("artist").is_not_null())
    trained = usable.filter(pl.col("split") == "train")["artist"].unique().to_list()
    touching = ["train"] if split == "validation" else ["train", "validation"]
    touched = catalogue.filter(pl.col("split").is_in(touching))["artist"].unique().to_list()
    wanted = usable.filter(pl.col("split") == split).sort("painting_id")
    return Candidates(
        ids=tuple(wanted["painting_id"].to_list()),
        artist=_codes(wanted["artist"]),
        style=_codes(wanted["style"]),
        source=_codes(wanted["source"]),
        seen=wanted["artist"].is_in(trained).to_numpy(),
        unseen=(~wanted["artist"].is_in(touched)).to_numpy(),
    )


def all_pairs(
    catalogue: pl.DataFrame,
    *,
    split: Split = "test",
    artists: ArtistScope = "unseen",
    within_style: bool = False,
) -> PairDraft:
    """List every unordered pair of paintings once, in memory that does not grow with the pairs.

    Args:
        catalogue: The catalogue table.
        split: Whose paintings are paired.
        artists: "unseen" for artists without any training or validation painting, "seen" for
            artists with training paintings, "all" for both and for pairs across.
        within_style: Pair only paintings of one known style.
    """
    candidates = find_candidates(catalogue, split)
    within = candidates.style if within_style else None
    size, pairs = _number_pairs(_members(candidates, artists), within, None)

    def batches() -> Iterator[PairBatch]:
        for start in range(0, size, _BATCH):
            yield candidates.label(*pairs(np.arange(start, min(start + _BATCH, size))))

    options = {"kind": "all", "split": split, "artists": artists, "within_style": within_style}
    return PairDraft(candidates, batches(), options)


def sampled_pairs(
    catalogue: pl.DataFrame,
    *,
    split: Split = "test",
    artists: ArtistScope = "unseen",
    genuine: int | None = None,
    impostors: int | None = None,
    impostor_kind: ImpostorKind = "any",
    seed: int,
) -> PairDraft:
    """Draw pairs uniformly without replacement, in memory that grows with the drawn pairs alone.

    Args:
        catalogue: The catalogue table.
        split: Whose paintings are paired.
        artists: As for `all_pairs`.
        genuine: Pairs by one artist to draw; None takes them all.
        impostors: Pairs by two artists to draw; None draws as many as there are genuine ones.
        impostor_kind: "same-style" draws impostors among paintings of one known style.
        seed: Seeds the draw.

    Raises:
        ProtocolError: The catalogue does not have that many pairs.
    """
    candidates = find_candidates(catalogue, split)
    members = _members(candidates, artists)
    within = candidates.style if impostor_kind == "same-style" else None
    by_one, genuine_pairs = _number_pairs(members, candidates.artist, None)
    by_two, impostor_pairs = _number_pairs(members, within, candidates.artist)
    genuine = by_one if genuine is None else genuine
    impostors = genuine if impostors is None else impostors
    rng = np.random.default_rng(seed)
    drawn = (
        genuine_pairs(_draw_ranks(rng, by_one, genuine, "genuine")),
        impostor_pairs(_draw_ranks(rng, by_two, impostors, "impostor")),
    )
    base = max(len(candidates.ids), 1)
    keys = np.concatenate([left.astype(np.int64) * base + right for left, right in drawn])
    keys.sort()

    def batches() -> Iterator[PairBatch]:
        for start in range(0, len(keys), _BATCH):
            left, right = np.divmod(keys[start : start + _BATCH], base)
            yield candidates.label(left.astype(np.int32), right.astype(np.int32))

    options = {"kind": "sampled", "split": split, "artists": artists, "impostors": impostor_kind}
    return PairDraft(candidates, batches(), options, seed)


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
        ProtocolError: `path` is no `.parquet` name, or the draft has no pair.
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
            table.sink_parquet(parquet, row_group_size=_BATCH, statistics=False)
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
                    "paintings to other artists; use the one it was made from, or make it anew"
                )
    except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise ProtocolError(
            f"{parquet} is damaged or no protocol; restore the file, or make the protocol anew"
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


def _number_pairs(
    members: Indices, within: Indices | None, apart: Indices | None
) -> tuple[int, _Unrank]:
    """Number the unordered pairs of members of one `within` code and of two `apart` codes.

    With the members sorted by both codes, the partners of a member that come after it are one
    run of places, from the end of its `apart` run to the end of its `within` run, so a pair
    follows from its number without listing the others. A negative `within` code joins no group;
    without `within` all are in one, without `apart` each painting differs from each.

    Returns:
        The number of pairs, and what turns numbers below it into pairs, smaller index left.
    """
    if within is not None:
        members = members[within[members] >= 0]
    group = np.zeros(len(members), np.int64) if within is None else within[members].astype(np.int64)
    block = members if apart is None else apart[members]
    key = group * (int(block.max(initial=0)) + 1) + block
    order = np.lexsort((members, key))
    ordered, group, key = members[order], group[order], key[order]
    stop = np.searchsorted(group, group, side="right")
    ends = np.cumsum(stop - np.searchsorted(key, key, side="right"))

    def pairs(ranks: NDArray[np.int64]) -> tuple[Indices, Indices]:
        place = np.searchsorted(ends, ranks, side="right")
        one, other = ordered[place], ordered[stop[place] - (ends[place] - ranks)]
        return np.minimum(one, other), np.maximum(one, other)

    return int(ends[-1]) if len(ends) else 0, pairs


def _draw_ranks(rng: np.random.Generator, size: int, number: int, label: str) -> NDArray[np.int64]:
    """Return a uniform random subset of range(size) with `number` members, in O(number) memory."""
    if not 0 <= number <= size:
        raise ProtocolError(
            f"cannot draw {number} {label} pairs: {size} of that kind exist; ask for 0 to {size}"
        )
    if 2 * number > size:
        return rng.choice(size, number, replace=False, shuffle=False)
    ranks = np.empty(0, np.int64)
    while len(ranks) < number:
        ranks = np.union1d(ranks, rng.integers(size, size=number))
    # Every set of distinct ranks of one size is equally likely; dropping at random keeps it so.
    return rng.choice(ranks, number, replace=False, shuffle=False)


def _members(candidates: Candidates, artists: ArtistScope) -> Indices:
    everyone = np.ones_like(candidates.seen)
    masks = {"unseen": candidates.unseen, "seen": candidates.seen, "all": everyone}
    return np.flatnonzero(masks[artists]).astype(np.int32)


def _codes(column: pl.Series) -> Indices:
    return (column.cast(pl.String).rank("dense").cast(pl.Int32).fill_null(0) - 1).to_numpy()


def _agreement(left: Indices, right: Indices) -> Strata:
    return np.where((left < 0) | (right < 0), -1, left == right).astype(np.int8)


def _parquet_path(path: str | os.PathLike[str]) -> Path:
    parquet = Path(path)
    if parquet.suffix != ".parquet":
        raise ProtocolError(f"{parquet} cannot be a protocol: its name must end in .parquet")
    return parquet


def _read_header(path: Path) -> ProtocolHeader:
    try:
        return ProtocolHeader(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise ProtocolError(f"{path}, the protocol's header, is missing; restore it") from error
    except (OSError, ValueError, TypeError) as error:
        raise ProtocolError(
            f"{path} is no protocol header of this version; restore it, or make the protocol anew"
        ) from error


def _distinct_paintings(parquet: Path, header: ProtocolHeader) -> tuple[str, ...]:
    """Return the sorted ids in a Parquet file, once its columns and its length are as stated."""
    table = pl.scan_parquet(parquet)
    missing = [name for name in _COLUMNS if name not in table.collect_schema()]
    if missing:
        raise ProtocolError(
            f"{parquet} lacks the columns {', '.join(missing)}; restore it, or make it anew"
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
            f"its {len(protocol.paintings)} paintings; use the one they come from, or make it anew"
        )
    return _codes(artists)


def _changed(parquet: Path) -> ProtocolError:
    return ProtocolError(
        f"{parquet} holds other pairs than its header describes; restore both files"
    )
