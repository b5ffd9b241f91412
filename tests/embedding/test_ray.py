"""Embedding on a real Ray cluster of several nodes; needs samehand[ray] and psutil.

pytest -m slow tests/embedding/test_ray.py
KILLS=100 pytest -m slow -s tests/embedding/test_ray.py -k kills
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from samehand.embedding.ray_engine import RayEngine
from samehand.embedding.run import embed_collection
from samehand.errors import OutputError
from samehand.model.lance_parts import read_lance_part

pytestmark = [
    pytest.mark.slow,
    # Ray and what it loads warn of what is theirs to mend.
    pytest.mark.filterwarnings("ignore"),
]


@pytest.fixture(scope="module")
def cluster():
    ray = pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    made.add_node(num_cpus=1)
    ray.init(address=made.address, log_to_driver=False)
    yield made
    ray.shutdown()
    made.shutdown()


@pytest.fixture
def scans(tmp_path, work_of):
    folder = tmp_path / "scans"
    folder.mkdir()
    for work in range(30):
        work_of(work % 5, work).save(folder / f"{work}.png")
    (folder / "broken.jpg").write_bytes(b"no image")
    return folder


def rows_in(out):
    columns = ["path", "stamp", "sha256", "encoder", "problem", "embedding"]
    tables = [
        read_lance_part(str(part), columns) if part.suffix == ".lance" else pl.read_parquet(part)
        for part in Path(out).glob("*/part-*")
    ]
    table = pl.concat(table.select(columns) for table in tables).sort("path")
    return table.drop("embedding").rows(), table["embedding"].drop_nulls().to_numpy()


@pytest.mark.parametrize("form", ["parquet", "lance"])
def test_ray_gives_the_rows_that_one_process_gives(cluster, scans, tmp_path, tiny_model, form):
    if form == "lance":
        pytest.importorskip("lancedb")
    local = embed_collection([scans], tmp_path / "local", model=tiny_model, batch=4, threads=1)
    ray = embed_collection(
        [scans], tmp_path / "ray", model=tiny_model, batch=4, threads=1, form=form,
        engine=RayEngine(2),
    )  # fmt: skip
    assert (ray.embedded, ray.failed, ray.already) == (30, local.failed, 0)
    mine, its = rows_in(tmp_path / "ray"), rows_in(tmp_path / "local")
    assert mine[0] == its[0]
    np.testing.assert_array_equal(mine[1], its[1])
    again = embed_collection([scans], tmp_path / "ray", model=tiny_model, engine=RayEngine(2))
    assert (again.embedded, again.already) == (0, 31)


def test_a_mistake_of_a_worker_is_told_as_ours(cluster, scans, tmp_path, tiny_model):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write"):
        embed_collection([scans], tmp_path / "file", model=tiny_model, engine=RayEngine(1))


KILLS = int(os.environ.get("KILLS", "4"))


def test_kills_of_workers_and_of_the_driver_lose_and_double_nothing(
    cluster, tmp_path, tiny_model, work_of
):
    psutil = pytest.importorskip("psutil")
    folder, out = tmp_path / "many", tmp_path / "out"
    folder.mkdir()
    for work in range(240):
        work_of(work, 0, (32, 32)).save(folder / f"{work}.png")
    embed_collection([folder], tmp_path / "local", model=tiny_model, threads=1, batch=8)
    truth = rows_in(tmp_path / "local")
    command = [sys.executable, "-m", "samehand", "embed", folder, "--out", out, "--batch", "8",
               "--model", tiny_model, "--engine", "ray", "--workers", "2"]  # fmt: skip
    rng = np.random.default_rng(0)
    killed = {"worker": 0, "driver": 0, "finished": 0}
    started = time.monotonic()

    def run():
        environment = {**os.environ, "RAY_ADDRESS": cluster.address}
        return subprocess.Popen([*map(os.fspath, command)], env=environment)

    def workers():
        # Only what this test has started: the nodes are its children, and the actors are theirs.
        below = psutil.Process().children(recursive=True)
        return [one for one in below if "MapWorker" in _name(psutil, one)]

    driver = run()
    while killed["worker"] + killed["driver"] < KILLS:
        time.sleep(float(rng.uniform(0, 1.5)))
        if driver.poll() is not None:
            assert driver.returncode == 0
            assert rows_in(out)[0] == truth[0]
            np.testing.assert_array_equal(rows_in(out)[1], truth[1])
            killed["finished"] += 1
            shutil.rmtree(out)
            driver = run()
        elif (alive := workers()) and rng.random() < 0.8:
            os.kill(alive[int(rng.integers(len(alive)))].pid, signal.SIGKILL)
            killed["worker"] += 1
        elif alive:
            driver.kill()
            driver.wait()
            killed["driver"] += 1
            driver = run()
    assert driver.wait() == 0
    rows = rows_in(out)
    # A batch that was done and not told of is done again, into the same part.
    assert rows[0] == truth[0]
    np.testing.assert_array_equal(rows[1], truth[1])
    print(f"{killed} in {time.monotonic() - started:.0f} s; {len(rows[0])} rows equal")


def _name(psutil, process):
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""
