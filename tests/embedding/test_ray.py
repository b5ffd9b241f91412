"""Embedding on a real Ray cluster of several nodes; needs samehand[ray].

pytest -m slow tests/embedding/test_ray.py
"""

import numpy as np
import polars as pl
import pytest

from samehand.embedding.ray_engine import RayEngine
from samehand.embedding.run import embed_collection
from samehand.errors import OutputError

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
    table = pl.read_parquet(f"{out}/*/part-*.parquet").sort("path")
    return table.drop("embedding").rows(), table["embedding"].drop_nulls().to_numpy()


def test_ray_gives_the_rows_that_one_process_gives(cluster, scans, tmp_path, tiny_model):
    local = embed_collection([scans], tmp_path / "local", model=tiny_model, batch=4, threads=1)
    ray = embed_collection(
        [scans], tmp_path / "ray", model=tiny_model, batch=4, threads=1, engine=RayEngine(2)
    )
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
