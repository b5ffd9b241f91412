"""What docs/adr/0017 rests on: engines that could hold and search a gallery, measured side by side.

    python benchmarks/vector_engines.py --out OUT.json [--sizes 10000 100000 1000000]
    pip install faiss-cpu usearch lancedb sqlite-vec apsw    # what it compares

Works are drawn with the covariance of the shipped model's cohort: some hands, some works of each,
so neighbourhoods are as crowded as those of paintings. Every engine and size runs in a process of
its own, which reports its peak memory. `search` is one query at a time, `recall@10` is against
exact search. The last table kills a process that adds works, at random moments, and counts what the
store still holds of the works it had reported as added.
"""

import argparse
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

Search = Callable[[np.ndarray], np.ndarray]
"""One query, (D,), to the numbers of its ten nearest vectors, best first."""

ENGINES = ("numpy", "faiss-ivf-sq8", "usearch-hnsw-i8", "lancedb-ivf-pq", "sqlite-vec")
QUERIES, WORKS_PER_HAND, KILLS = 200, 20, 12


def draw_works(count: int, seed: int, folder: Path) -> np.ndarray:
    """Return unit vectors, (count, D), from a file that is made once."""
    path = folder / f"works-{count}-{seed}.npy"
    if not path.exists():
        from samehand.serving.folder import find_model, read_cohort

        cohort = read_cohort(find_model(None))
        centre = cohort.mean(axis=0)
        spread = np.linalg.cholesky(np.cov(cohort.T) + 1e-6 * np.eye(cohort.shape[1]))
        hands = max(1, 1_000_000 // WORKS_PER_HAND)
        drawn = np.empty((count, len(centre)), np.float32)
        draw = np.random.default_rng(seed)
        noise = np.random.default_rng(1).standard_normal((hands, len(centre)), np.float32)
        for start in range(0, count, 50_000):
            block = drawn[start : start + 50_000]
            hand = noise[draw.integers(0, hands, len(block))]
            own = draw.standard_normal(block.shape, np.float32)
            block[:] = centre + (0.7 * hand + 0.714 * own) @ spread.T.astype(np.float32)
        drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
        np.save(path, drawn)
    return np.load(path, mmap_mode="r")


def exact(works: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """Return the numbers of the ten nearest works of each query, (Q, 10)."""
    scores = np.concatenate(
        [queries @ works[start : start + 50_000].T for start in range(0, len(works), 50_000)],
        axis=1,
    )
    top = np.argpartition(scores, -10, axis=1)[:, -10:]
    return np.take_along_axis(top, np.argsort(-np.take_along_axis(scores, top, 1), axis=1), 1)


def numpy_exact(works: np.ndarray, folder: Path) -> Callable[[], Search]:
    np.save(folder / "works.npy", works)

    def reopen() -> Search:
        stored = np.load(folder / "works.npy", mmap_mode="r")
        return lambda query: exact(stored, query[None])[0]

    return reopen


def faiss_ivf(works: np.ndarray, folder: Path) -> Callable[[], Search]:
    import faiss

    width = works.shape[1]
    lists = int(2 * np.sqrt(len(works)))
    index = faiss.IndexIVFScalarQuantizer(
        faiss.IndexFlatIP(width), width, lists, faiss.ScalarQuantizer.QT_8bit,
        faiss.METRIC_INNER_PRODUCT,
    )  # fmt: skip
    step = max(1, len(works) // (40 * lists))
    index.train(np.ascontiguousarray(works[::step]))
    for start in range(0, len(works), 50_000):
        index.add(np.ascontiguousarray(works[start : start + 50_000]))
    faiss.write_index(index, str(folder / "index.faiss"))

    def reopen() -> Search:
        opened = faiss.read_index(str(folder / "index.faiss"), faiss.IO_FLAG_MMAP)
        opened.nprobe = enough(opened, works)

        def search(query: np.ndarray) -> np.ndarray:
            found = opened.search(query[None], 40)[1][0]
            return found[np.argsort(-(works[found] @ query))][:10]

        return search

    return reopen


def enough(index: object, works: np.ndarray) -> int:
    """Return the least number of lists, doubled each time, that finds 95 % of the nearest ten."""
    asked = np.array(works[:: max(1, len(works) // 100)][:100])
    truth = exact(works, asked)
    index.nprobe = 4
    while True:
        found = index.search(asked, 40)[1]
        hits = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(found, truth, strict=True)])
        if hits >= 0.96 or index.nprobe >= index.nlist:
            return index.nprobe
        index.nprobe *= 2


def usearch_hnsw(works: np.ndarray, folder: Path) -> Callable[[], Search]:
    from usearch.index import Index

    index = Index(ndim=works.shape[1], metric="ip", dtype="i8", expansion_add=64)
    for start in range(0, len(works), 50_000):
        block = np.ascontiguousarray(works[start : start + 50_000])
        index.add(np.arange(start, start + len(block)), block, threads=os.cpu_count() or 1)
    index.save(str(folder / "index.usearch"))

    def reopen() -> Search:
        opened = Index.restore(str(folder / "index.usearch"), view=True)
        opened.expansion_search = 128

        def search(query: np.ndarray) -> np.ndarray:
            found = opened.search(query, 40).keys.astype(np.int64)
            return found[np.argsort(-(works[found] @ query))][:10]

        return search

    return reopen


def lance_table(works: np.ndarray, start: int) -> object:
    import pyarrow as pa

    flat = pa.array(np.ascontiguousarray(works).ravel())
    vectors = pa.FixedSizeListArray.from_arrays(flat, works.shape[1])
    return pa.table({"id": pa.array(range(start, start + len(works))), "vector": vectors})


def lancedb_ivf(works: np.ndarray, folder: Path) -> Callable[[], Search]:
    import lancedb

    table = lancedb.connect(folder).create_table("works", lance_table(works[:50_000], 0))
    for start in range(50_000, len(works), 50_000):
        table.add(lance_table(works[start : start + 50_000], start))
    if len(works) >= 50_000:
        table.create_index(
            metric="dot",
            num_partitions=int(np.sqrt(len(works))),
            num_sub_vectors=works.shape[1] // 8,
        )

    def reopen() -> Search:
        opened = lancedb.connect(folder).open_table("works")

        def search(query: np.ndarray) -> np.ndarray:
            asked = opened.search(query).distance_type("dot").select(["id"]).limit(10)
            if len(works) >= 50_000:
                asked = asked.nprobes(max(8, int(np.sqrt(len(works))) // 16)).refine_factor(10)
            return asked.to_arrow()["id"].to_numpy()

        return search

    return reopen


def vec_connection(path: Path) -> object:
    """Open SQLite with the extension, by way of apsw: many builds of Python cannot load one."""
    import apsw
    import sqlite_vec

    connection = apsw.Connection(str(path))
    connection.enable_load_extension(True)
    connection.load_extension(sqlite_vec.loadable_path())
    connection.execute("PRAGMA journal_mode=WAL")
    return connection


def sqlite_vec_exact(works: np.ndarray, folder: Path) -> Callable[[], Search]:
    connection = vec_connection(folder / "works.db")
    connection.execute(
        f"CREATE VIRTUAL TABLE works USING vec0(v float[{works.shape[1]}] distance_metric=cosine)"
    )
    for start in range(0, len(works), 10_000):
        block = np.ascontiguousarray(works[start : start + 10_000])
        with connection:
            connection.executemany(
                "INSERT INTO works(rowid, v) VALUES (?, ?)",
                ((start + i, row.tobytes()) for i, row in enumerate(block)),
            )

    def reopen() -> Search:
        opened = vec_connection(folder / "works.db")
        ask = "SELECT rowid FROM works WHERE v MATCH ? AND k = 10 ORDER BY distance"
        return lambda query: np.array([row[0] for row in opened.execute(ask, (query.tobytes(),))])

    return reopen


BUILD = dict(
    zip(
        ENGINES,
        (numpy_exact, faiss_ivf, usearch_hnsw, lancedb_ivf, sqlite_vec_exact),
        strict=True,
    )
)


def measure(engine: str, size: int, scratch: Path) -> dict[str, float | str | int]:
    """Build one engine with so many works, search it, and say what that took."""
    works = draw_works(size, 2, scratch)
    queries = np.array(draw_works(QUERIES, 3, scratch))
    truth_path = scratch / f"truth-{size}.npy"
    if not truth_path.exists():
        np.save(truth_path, exact(works, queries))
    truth = np.load(truth_path)
    with tempfile.TemporaryDirectory(dir=scratch) as name:
        folder = Path(name)
        started = time.perf_counter()
        reopen = BUILD[engine](works, folder)
        built = time.perf_counter() - started
        started = time.perf_counter()
        search = reopen()
        search(queries[0])
        opened = time.perf_counter() - started
        slow = engine == "sqlite-vec" or (engine == "numpy" and size > 500_000)
        asked = 25 if slow else QUERIES
        seconds, hits = [], 0
        for query, wanted in zip(queries[:asked], truth, strict=False):
            started = time.perf_counter()
            found = search(query)
            seconds.append(time.perf_counter() - started)
            hits += len(set(found.tolist()) & set(wanted.tolist()))
        disk = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return {
        "engine": engine,
        "works": size,
        "build_s": round(built, 2),
        "open_and_first_search_ms": round(1000 * opened, 1),
        "p50_ms": round(1000 * float(np.percentile(seconds, 50)), 2),
        "p99_ms": round(1000 * float(np.percentile(seconds, 99)), 2),
        "recall_at_10": round(hits / (10 * asked), 3),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "disk_mb": round(disk / 2**20, 1),
    }


# What adds batches of 500 works to a store for ever and says so once each is stored durably.
ADDERS = {
    "samehand gallery": """
from samehand.serving.folder import open_model
from samehand.serving.gallery import Gallery, Work
from samehand.serving.gallery.store import FileState, NewWork
gallery = Gallery.create(folder / "gallery", open_model())
for n in range(10**6):
    works = [NewWork(Work(f"/{n}-{i}"), FileState("x", 1, 1)) for i in range(500)]
    gallery.store.put(works, rows, gallery.store.about().encoder)
    print((n + 1) * 500, flush=True)
""",
    "faiss-ivf-sq8": """
import faiss
index = faiss.IndexFlatIP(256)
for n in range(10**6):
    index.add(rows)
    faiss.write_index(index, str(folder / "index.faiss"))
    print((n + 1) * 500, flush=True)
""",
    "usearch-hnsw-i8": """
from usearch.index import Index
index = Index(ndim=256, metric="ip", dtype="i8")
for n in range(10**6):
    index.add(np.arange(n * 500, n * 500 + 500), rows)
    index.save(str(folder / "index.usearch"))
    print((n + 1) * 500, flush=True)
""",
    "lancedb-ivf-pq": """
import lancedb
from vector_engines import lance_table
table = lancedb.connect(folder).create_table("works", lance_table(rows, 0))
print(500, flush=True)
for n in range(1, 10**6):
    table.add(lance_table(rows, n * 500))
    print((n + 1) * 500, flush=True)
""",
    "sqlite-vec": """
from vector_engines import vec_connection
connection = vec_connection(folder / "works.db")
connection.execute("CREATE VIRTUAL TABLE works USING vec0(v float[256])")
for n in range(10**6):
    with connection:
        connection.executemany("INSERT INTO works(v) VALUES (?)", [(r.tobytes(),) for r in rows])
    print((n + 1) * 500, flush=True)
""",
}
HELD = {
    "samehand gallery": "from samehand.serving.gallery import Gallery\n"
    "print(len(Gallery.open(folder / 'gallery')))",
    "faiss-ivf-sq8": "import faiss\nprint(faiss.read_index(str(folder / 'index.faiss')).ntotal)",
    "usearch-hnsw-i8": "from usearch.index import Index\n"
    "print(len(Index.restore(str(folder / 'index.usearch'))))",
    "lancedb-ivf-pq": "import lancedb\n"
    "print(lancedb.connect(folder).open_table('works').count_rows())",
    "sqlite-vec": "from vector_engines import vec_connection\n"
    "print(next(vec_connection(folder / 'works.db').execute('SELECT count(*) FROM works'))[0])",
}
HEAD = (
    "import sys\nfrom pathlib import Path\nimport numpy as np\n"
    f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
    "folder = Path(sys.argv[1])\n"
    "rows = np.random.default_rng(0).standard_normal((500, 256)).astype(np.float32)\n"
    "rows /= np.linalg.norm(rows, axis=1, keepdims=True)\n"
)


def crash(engine: str, scratch: Path) -> dict[str, str | int]:
    """Kill an adding process again and again; count the stores that lost a reported work."""
    draw = np.random.default_rng(4)
    intact = broken = short = 0
    for _ in range(KILLS):
        with tempfile.TemporaryDirectory(dir=scratch) as name:
            command = [sys.executable, "-c", HEAD + ADDERS[engine], name]
            child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            assert child.stdout is not None
            first = child.stdout.readline()
            time.sleep(float(draw.uniform(0.0, 0.7)))
            child.send_signal(signal.SIGKILL)
            rest = child.stdout.read().splitlines()
            child.wait()
            reported = int(([first.strip()] + [line for line in rest if line])[-1])
            done = subprocess.run(
                [sys.executable, "-c", HEAD + HELD[engine], name],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            if done.returncode:
                broken += 1
            elif int(done.stdout) < reported:
                short += 1
            else:
                intact += 1
    return {"engine": engine, "kills": KILLS, "intact": intact, "cannot_open": broken,
            "lost_works": short}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--sizes", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--engines", nargs="*", default=list(ENGINES))
    parser.add_argument("--no-crash", action="store_true")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        engine, size, scratch = options.one
        print(json.dumps(measure(engine, int(size), Path(scratch))))
        return
    scratch = Path(tempfile.mkdtemp(dir=options.out.parent))
    found: dict[str, list[object]] = {"search": [], "crash": []}
    try:
        for size in options.sizes:
            for engine in options.engines:
                command = [sys.executable, __file__, "--out", str(options.out), "--one"]
                done = subprocess.run(
                    [*command, engine, str(size), str(scratch)],
                    capture_output=True, text=True, check=False,
                )  # fmt: skip
                answer = done.stdout.strip().splitlines()[-1:] or [done.stderr[-500:]]
                print(answer[0], flush=True)
                found["search"].append(
                    json.loads(answer[0]) if not done.returncode else {engine: answer[0]}
                )
        for engine in () if options.no_crash else ADDERS:
            found["crash"].append(crash(engine, scratch))
            print(json.dumps(found["crash"][-1]), flush=True)
    finally:
        shutil.rmtree(scratch)
    options.out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
