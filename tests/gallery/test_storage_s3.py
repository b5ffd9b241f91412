"""A gallery in an object store, against a real server that speaks S3: moto, as a process.

python -m venv s3 && s3/bin/pip install 'moto[server,s3]'
MOTO_SERVER=s3/bin/moto_server pytest -m slow tests/gallery/test_storage_s3.py
"""

import json
import subprocess
import sys

import numpy as np
import pytest

from samehand.errors import GalleryError
from samehand.gallery.engines import create_storage, open_storage
from samehand.gallery.schema import About
from samehand.gallery.storage import DecisionRow
from samehand.gallery.works import FileState, NewWork, Work

pytestmark = pytest.mark.slow

ENCODER, WIDTH = "e" * 16, 16


@pytest.fixture
def store(bucket):
    pytest.importorskip("lancedb")
    return bucket


def unit(count, seed=0):
    rows = np.random.default_rng(seed).standard_normal((count, WIDTH)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def new(path, **known):
    return NewWork(Work(path, **known), FileState(f"{path}!", 1, 1))


def test_a_gallery_lives_in_a_bucket(store):
    address = f"{store}/atlas"
    storage = create_storage(address, About(ENCODER, "tiny", WIDTH))
    rows = unit(40)
    works = [new(f"/{i}", artist=f"a{i % 3}", extra={"room": str(i % 2)}) for i in range(40)]
    storage.put(works, rows, ENCODER)
    again = open_storage(address)
    assert (again.address, again.count(), again.extra_columns()) == (address, 40, ["room"])
    near = again.nearest(rows[5], 3, ["room=1"])
    expected = sorted(range(1, 40, 2), key=lambda i: -float(rows[i] @ rows[5]))[:3]
    assert [one.work.path for one in near.works] == [f"/{i}" for i in expected]
    assert again.edit(["artist=a1"], lambda work: Work(work.path, artist="Ann")) == 13
    assert again.remove(["/0", "/1"]) == 2
    decision = DecisionRow("1", "2026-11-25", "a", "b", "same", "", "Bo", "tiny", 2.0)
    again.append_decisions([decision])
    storage.replace_all("f" * 16, "other", ["/5"], unit(1, 3), before=38)
    # Whoever had it open before sees the new embeddings, too.
    assert (again.about().encoder, again.count()) == ("f" * 16, 1)
    assert again.read_decisions() == [decision]
    assert again.size() > 0
    with pytest.raises(GalleryError, match="exists"):
        create_storage(address, About(ENCODER, "tiny", WIDTH))
    with pytest.raises(GalleryError, match="object store"):
        storage.rename("other")
    storage.delete()
    with pytest.raises(GalleryError, match="no gallery"):
        open_storage(address)


WRITER = """
import sys
import numpy as np
from samehand.gallery.engines import open_storage
from samehand.gallery.works import FileState, NewWork, Work
storage = open_storage(sys.argv[1])
for number in range(8):
    paths = [f"/{sys.argv[2]}-{number}", f"/shared-{number}"]
    works = [NewWork(Work(p), FileState(p, 1, 1)) for p in paths]
    storage.put(works, np.eye(2, 16, dtype=np.float32), "e" * 16)
"""


def test_two_writers_to_one_bucket_lose_and_double_nothing(store):
    address = f"{store}/shared"
    storage = create_storage(address, About(ENCODER, "tiny", WIDTH))
    children = [
        subprocess.Popen([sys.executable, "-c", WRITER, address, name]) for name in ("one", "two")
    ]
    assert [child.wait() for child in children] == [0, 0]
    paths = sorted(one.work.path for one in storage.works())
    assert paths == sorted([f"/{name}-{i}" for name in ("one", "two", "shared") for i in range(8)])


def test_the_commands_reach_a_bucket(store, tmp_path, work_of, samehand, tiny_model):
    address, model = f"{store}/masters", ("--model", tiny_model)
    for work in range(3):
        work_of(work, 0).save(tmp_path / f"{work}.png")
    for arguments in (
        ("gallery", "create", address, *model),
        ("gallery", "add", address, tmp_path, *model),
        ("gallery", "info", address),
    ):
        run = samehand(*arguments)
        assert run.code == 0, run
    found = samehand("search", tmp_path / "1.png", "--gallery", address, *model, "--json")
    assert json.loads(found.out)["neighbours"][0]["path"] == str(tmp_path / "1.png")
