"""The approximate index of a gallery in Lance, with its recall against exact search measured.

Lance divides the embeddings into lists around centres and keeps eight bits of each number
(IVF_SQ); what that proposes is ordered again by the whole embeddings. Works added after it was
built are searched exactly.
"""

import json
import time
from dataclasses import asdict
from typing import Any

import numpy as np

from samehand.files import read_json
from samehand.gallery.index import WANTED_RECALL
from samehand.gallery.schema import About
from samehand.records import Floats
from samehand.results import IndexInfo

INDEX_FROM = 50_000
"""From so many works on an exact search takes longer than 50 ms on 2 cores; see ADR 0040."""

_ASKED = 50


def build(works: Any, facts: Any, about: About) -> IndexInfo:  # noqa: ANN401
    """Build the index and measure it.

    Args:
        works: The table of works, at least 1000.
        facts: The table that holds what is known of the index.
        about: What the gallery was made with.
    """
    from lancedb.index import IvfSq

    works.create_index("vector", config=IvfSq(distance_type="cosine"), replace=True)
    index_lookups(works)
    info = _measured(works, about)
    import pyarrow as pa

    line = json.dumps(asdict(info) | {"encoder": about.encoder, "time": time.time_ns()})
    facts.add(pa.table({"facts": [line]}))
    return info


def index_lookups(works: Any) -> None:  # noqa: ANN401
    """Index paths and contents, by which works are found; otherwise whole columns are read."""
    from lancedb.index import BTree

    for column in ("path", "sha256"):
        works.create_index(column, config=BTree(), replace=True)


def read_index(works: Any, facts: Any, about: About) -> IndexInfo | None:  # noqa: ANN401
    """Return what is known of the index, or None where there is none of these embeddings."""
    if not any(one.columns == ["vector"] for one in works.list_indices()):
        return None
    lines = [read_json(line) for line in facts.to_arrow()["facts"].to_pylist()]
    mine = [line for line in lines if line.pop("encoder") == about.encoder]
    if not mine:
        return None
    newest = max(mine, key=lambda line: line["time"])
    return IndexInfo(**{name: value for name, value in newest.items() if name != "time"})


def search(works: Any, probe: Floats, count: int, probed: int | None) -> Any:  # noqa: ANN401
    """Return a query for the works nearest to a probe, to be narrowed and read.

    Args:
        works: The table of works.
        probe: Unit length, (D,).
        count: How many.
        probed: How many lists to look at; None looks at every work.
    """
    query = works.search(probe).distance_type("cosine").limit(count).with_row_id(True)
    if probed is None:
        return query.bypass_vector_index()
    # Eight bits blur close calls; fewer candidates a result are enough for long lists.
    return query.nprobes(probed).refine_factor(max(2, min(10, 2000 // count)))


def _measured(works: Any, about: About) -> IndexInfo:  # noqa: ANN401
    """Find how many lists a search has to look at, and what that gives."""
    stats = works.stats()
    count = int(stats["num_rows"])
    lists = max(1, count // 4096)
    probes = _drawn(works, count, 2 * _ASKED)
    truths, exact_s = _asked(works, probes, None)
    # Some choose the number of lists, and others, which had no say in it, measure the recall.
    probed = 4
    while probed < lists:
        found, _ = _asked(works, probes[:_ASKED], probed)
        if _recall(found, truths[:_ASKED]) >= WANTED_RECALL:
            break
        probed *= 2
    found, approximate_s = _asked(works, probes[_ASKED:], probed)
    return IndexInfo(
        works=count,
        lists=lists,
        probed=probed,
        recall_at_10=round(_recall(found, truths[_ASKED:]), 4),
        exact_ms=round(1000 * exact_s, 2),
        approximate_ms=round(1000 * approximate_s, 2),
    )


def _drawn(works: Any, count: int, wanted: int) -> Floats:  # noqa: ANN401
    """Return embeddings from all over the gallery, (wanted, D), in a mixed but fixed order."""
    places = np.random.default_rng(0).choice(count, wanted, replace=False).tolist()
    column = works.take_offsets(places).select(["vector"]).to_arrow()["vector"]
    flat = column.combine_chunks().flatten().to_numpy(zero_copy_only=False)
    rows: Floats = flat.reshape(len(column), -1)
    return rows


def _asked(works: Any, probes: Floats, probed: int | None) -> tuple[list[set[int]], float]:  # noqa: ANN401
    """Return the ten nearest of each probe, and the median seconds of a search."""
    found, seconds = [], []
    for probe in probes:
        started = time.perf_counter()
        table = search(works, probe, 10, probed).select(["path", "_distance"]).to_arrow()
        seconds.append(time.perf_counter() - started)
        found.append(set(table["_rowid"].to_pylist()))
    return found, float(np.median(seconds))


def _recall(found: list[set[int]], truths: list[set[int]]) -> float:
    return sum(len(one & true) for one, true in zip(found, truths, strict=True)) / (10 * len(found))
