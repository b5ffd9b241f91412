"""The approximate index of a large gallery, with its recall against exact search measured.

It is a file derived from the embeddings and can be deleted at any time. It divides them into lists
around centres and searches only the lists nearest to the probe (Jégou et al. 2011, "Product
quantization for nearest neighbor search", section IV), with eight bits a number; what it proposes
is ordered again by exact cosines. Works added after it was built are searched exactly.

Shapes: N slots, D embedding width, K results.
"""

import json
import time
from dataclasses import asdict, dataclass
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np

from samehand.codec import decode
from samehand.errors import MissingExtraError
from samehand.files import atomic_path, read_json, write_text
from samehand.gallery.vectors import Slots, best, exact_nearest, nearest_of_each
from samehand.records import Floats
from samehand.results import IndexInfo

WANTED_RECALL = 0.96
"""Lists are added to a search until it finds this share of the ten nearest; see ADR 0017."""

_PROPOSED = 4
"""Candidates taken from the index for each result, since eight bits blur close calls."""

_ASKED = 100
_TIMED = 3
"""Exact searches that are timed: each reads all vectors, from the disk where memory is short."""

_ROWS_AT_ONCE = 50_000


@dataclass(frozen=True, slots=True)
class Index:
    """An index, ready to be searched.

    Attributes:
        info: What it covers and how well.
        generation: Of the vector file that it was made from.
        lists: The index itself, of faiss.
    """

    info: IndexInfo
    generation: int
    lists: Any


def build_index(folder: Path, generation: int, rows: Floats) -> IndexInfo:
    """Build the index of a gallery's embeddings and measure it.

    Args:
        folder: The gallery's folder.
        generation: Of the vector file.
        rows: Unit length, (N, D), at least 1000; rows of works that are gone may be among them.

    Raises:
        MissingExtraError: faiss is not installed.
        OutputError: The folder cannot be written.
    """
    faiss = _faiss()
    count, width = rows.shape
    lists = int(2 * sqrt(count))
    index = faiss.IndexIVFScalarQuantizer(
        faiss.IndexFlatIP(width),
        width,
        lists,
        faiss.ScalarQuantizer.QT_8bit,
        faiss.METRIC_INNER_PRODUCT,
    )
    # 40 works a list place the centres; more of them take longer and gain nothing measurable.
    index.train(np.ascontiguousarray(rows[:: max(1, count // (40 * lists))]))
    for start in range(0, count, _ROWS_AT_ONCE):
        index.add(np.ascontiguousarray(rows[start : start + _ROWS_AT_ONCE]))
    with atomic_path(folder / f"index-{generation}.faiss") as temporary:
        faiss.write_index(index, str(temporary))
    info = _measured(index, rows)
    facts = asdict(info) | {"generation": generation}
    write_text(folder / "index.json", json.dumps(facts, indent=2) + "\n")
    for old in folder.glob("index-*.faiss"):
        if old.name != f"index-{generation}.faiss":
            old.unlink(missing_ok=True)
    return info


def read_info(folder: Path, generation: int) -> IndexInfo | None:
    """Return what is known of the index, or None where there is none of this generation."""
    try:
        facts = read_json((folder / "index.json").read_text(encoding="utf-8"))
        if facts.pop("generation") != generation:
            return None
        info = decode(IndexInfo, facts)
        return info if info.works > 0 and info.probed > 0 else None
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def open_index(folder: Path, generation: int, shape: tuple[int, int]) -> Index | None:
    """Open the index, or return None where there is none, or no faiss to read it.

    Args:
        folder: The gallery's folder.
        generation: Of the vector file.
        shape: N and D of the embeddings; an index of others is none.
    """
    info = read_info(folder, generation)
    if info is None or info.works > shape[0]:
        return None
    try:
        faiss = _faiss()
        lists = faiss.read_index(
            str(folder / f"index-{generation}.faiss"), faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY
        )
    except (MissingExtraError, RuntimeError):
        return None
    if lists.ntotal != info.works or lists.d != shape[1] or not isinstance(lists, faiss.IndexIVF):
        return None
    return Index(info, generation, lists)


def approximate_nearest(
    index: Index, rows: Floats, probe: Floats, count: int, holes: Slots, slots: Slots | None
) -> Slots:
    """Return slots with nearly the largest cosines to a probe, best first.

    Args:
        index: Which covers the first of the slots; the others are searched exactly.
        rows: Unit length, (N, D).
        probe: Unit length, (D,).
        count: K, how many at most.
        holes: Slots that are to be left out.
        slots: Look at these only, ascending; None for all but the holes.
    """
    faiss = _faiss()
    chosen, selector = None, None
    if slots is not None:
        chosen = faiss.IDSelectorBitmap(_bitmap(slots, index.info.works))
    elif len(holes):
        selector = faiss.IDSelectorBitmap(_bitmap(holes, index.info.works))
        chosen = faiss.IDSelectorNot(selector)
    parameters = faiss.SearchParametersIVF(nprobe=index.info.probed, sel=chosen)
    proposed = index.lists.search(
        np.ascontiguousarray(probe[None]), _PROPOSED * count, params=parameters
    )[1][0]
    later = np.arange(index.info.works, len(rows))
    if slots is not None:
        later = slots[slots >= index.info.works]
    elif len(holes):
        later = np.setdiff1d(later, holes)
    proposed = proposed[(proposed >= 0) & (proposed < len(rows))]
    found = np.concatenate([proposed, exact_nearest(rows, probe, count, later)])
    found = np.unique(found)
    return found[best(rows[found] @ probe, count)]


def _bitmap(slots: Slots, size: int) -> Any:  # noqa: ANN401
    bits = np.zeros(size, bool)
    bits[slots[slots < size]] = True
    return np.packbits(bits, bitorder="little")


def _measured(index: Any, rows: Floats) -> IndexInfo:  # noqa: ANN401
    """Find how many lists a search has to look at, and what that gives."""
    probes = np.array(rows[:: max(1, len(rows) // (2 * _ASKED))][: 2 * _ASKED])
    truths = nearest_of_each(rows, probes, 10)
    # Some choose the number of lists, and others, which had no say in it, measure the recall.
    tuning, held_out = slice(0, None, 2), slice(1, None, 2)
    probed = 4
    while probed < index.nlist:
        if _recall(index, rows, probes[tuning], truths[tuning], probed)[0] >= WANTED_RECALL:
            break
        probed *= 2
    recall, seconds = _recall(index, rows, probes[held_out], truths[held_out], probed)
    return IndexInfo(
        works=len(rows),
        lists=index.nlist,
        probed=probed,
        recall_at_10=round(recall, 4),
        exact_ms=round(1000 * _exact_seconds(rows, probes[held_out][:_TIMED]), 2),
        approximate_ms=round(1000 * seconds, 2),
    )


def _recall(
    index: Any,  # noqa: ANN401
    rows: Floats,
    probes: Floats,
    truths: Slots,
    probed: int,
) -> tuple[float, float]:
    """Return recall@10, and the median seconds of a search."""
    covered = Index(IndexInfo(len(rows), index.nlist, probed, 0.0, 0.0, 0.0), 0, index)
    nothing = np.empty(0, np.int64)
    hits, seconds = 0, []
    for probe, truth in zip(probes, truths, strict=True):
        started = time.perf_counter()
        found = approximate_nearest(covered, rows, probe, 10, nothing, None)
        seconds.append(time.perf_counter() - started)
        hits += len(np.intersect1d(truth, found))
    return hits / truths.size, float(np.median(seconds))


def _exact_seconds(rows: Floats, probes: Floats) -> float:
    """Return the median seconds of an exact search."""
    seconds = []
    for probe in probes:
        started = time.perf_counter()
        exact_nearest(rows, probe, 10, None)
        seconds.append(time.perf_counter() - started)
    return float(np.median(seconds))


def _faiss() -> Any:  # noqa: ANN401
    try:
        import faiss
    except ImportError as error:
        raise MissingExtraError("an approximate index", "gallery") from error
    return faiss
