"""Which paintings can be paired, and the pairs drawn among them.

Shapes: N pairs in a batch, C candidate paintings. An index names a painting by its place in a
list of painting ids; an int8 stratum is 1 for yes, 0 for no, -1 for unknown.

A catalogue is the table of `catalogue/schema.py`. Only its usable rows (no exclusion, a known
artist) of the wanted split are paired, and never with themselves.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from samehand.errors import ProtocolError
from samehand.records import Split

ArtistScope = Literal["unseen", "seen", "all"]
ImpostorKind = Literal["any", "same-style"]

Indices = NDArray[np.int32]
Flags = NDArray[np.bool_]
Strata = NDArray[np.int8]
_Unrank = Callable[[NDArray[np.int64]], tuple[Indices, Indices]]

_BATCH = 1_000_000


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
        unseen: Whether no painting of the artist is in training or validation.
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
    """Pairs that `protocol.write_protocol` has yet to freeze.

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


def find_candidates(catalogue: pl.DataFrame, split: Split) -> Candidates:
    """Return the usable paintings of a split, or of all, whatever the catalogue's row order."""
    usable = catalogue.filter(pl.col("exclusion").is_null(), pl.col("artist").is_not_null())
    trained = usable.filter(pl.col("split") == "train")["artist"].unique().to_list()
    touching = ["train"] if split == "validation" else ["train", "validation"]
    touched = catalogue.filter(pl.col("split").is_in(touching))["artist"].unique().to_list()
    chosen = pl.col("split").is_not_null() if split == "all" else pl.col("split") == split
    wanted = usable.filter(chosen).sort("painting_id")
    return Candidates(
        ids=tuple(wanted["painting_id"].to_list()),
        artist=codes_of(wanted["artist"]),
        style=codes_of(wanted["style"]),
        source=codes_of(wanted["source"]),
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
        impostor_kind: "same-style" draws impostors among paintings of one known style. Genuine
            pairs are drawn among all of an artist's paintings either way.
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


def codes_of(column: pl.Series) -> Indices:
    """Return a number for each distinct text of a column, shape (N,); -1 where it is null."""
    return (column.cast(pl.String).rank("dense").cast(pl.Int32).fill_null(0) - 1).to_numpy()


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


def _agreement(left: Indices, right: Indices) -> Strata:
    return np.where((left < 0) | (right < 0), -1, left == right).astype(np.int8)
