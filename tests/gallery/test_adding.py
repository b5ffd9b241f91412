"""`samehand gallery add`, killed at random moments and beside another of its kind."""

import json
import shutil
import signal
import subprocess
import sys
import time
from contextlib import closing

import numpy as np
import pytest

from samehand.files import sha256_file
from samehand.gallery import Gallery
from samehand.gallery.adding import add_works
from samehand.gallery.embedded import EmbeddedStorage
from samehand.model.folder import open_model

WORKS, CHANGED = 180, 60

# Small batches, so that many are written and a kill often meets one.
COMMAND = """
import samehand.gallery.adding as adding
from samehand.cli import main
adding._WORKS_AT_ONCE = 2
main()
"""


def start(gallery, scans, model):
    command = ["gallery", "add", gallery, *scans, "--model", model, "--threads", "1", "--json"]
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, *map(str, command)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(child):
    out, err = child.communicate(timeout=120)
    assert child.returncode == 0, err
    return json.loads(out)


@pytest.fixture(scope="module")
def collection(tmp_path_factory, tiny_model, verifier, picture):
    """Return files, the embedding of each content, and a gallery that knows some older contents."""
    folder = tmp_path_factory.mktemp("collection")
    scans = folder / "scans"
    scans.mkdir()
    rows = {}

    def paint(number, seed):
        path = scans / f"{number:03}.png"
        picture(seed, (24, 18)).save(path)
        rows[sha256_file(path)] = verifier.embed([path])[0]

    for number in range(CHANGED):
        paint(number, 10_000 + number)
    with Gallery.create(folder / "before", open_model(tiny_model)) as gallery:
        gallery.add([scans], verifier)
    for number in range(WORKS):
        paint(number, number)
    return scans, rows, folder / "before"


def held(gallery, rows):
    """Return the content of each work that a gallery lists, having compared its embedding."""
    with Gallery.open(gallery) as opened:
        works, embeddings = opened.embeddings()
    for stored, row in zip(works, embeddings, strict=True):
        np.testing.assert_allclose(row, rows[stored.sha256], atol=1e-6)
    return {stored.work.path: stored.sha256 for stored in works}


def listed(gallery):
    with Gallery.open(gallery) as opened:
        return {stored.work.path: stored.sha256 for stored in opened.list()}


def kill_at_random(folder, collection, verifier, times, seed):
    """Kill so many commands, and return how many works had been written at each death."""
    scans, rows, before = collection
    wanted = {str(path): sha256_file(path) for path in scans.iterdir()}
    draw = np.random.default_rng(seed)

    def fresh(works):
        return {path for path, digest in works.items() if digest == wanted[path]}

    written = []
    for number in range(times):
        gallery = shutil.copytree(before, folder / f"g{number}")
        child = start(gallery, [scans], verifier.folder.path)
        # One in nine dies while it starts, the others with about so many works written.
        moment = int(draw.integers(-WORKS // 8, WORKS))
        if moment < 0:
            time.sleep(draw.uniform(0, 1))
        seen = listed(gallery)
        while len(fresh(seen)) < moment and child.poll() is None:
            time.sleep(0.001)
            # What another process can list has been reported as added.
            seen = listed(gallery)
        time.sleep(draw.uniform(0, 0.02))
        child.kill()
        said, _ = child.communicate(timeout=60)
        assert child.returncode in (0, -signal.SIGKILL)
        if said:
            assert json.loads(said)["added"] == WORKS - CHANGED
            seen = wanted
        after = held(gallery, rows)
        assert seen.keys() <= after.keys()
        assert fresh(seen) <= fresh(after)
        with Gallery.open(gallery) as opened:
            report = opened.add([scans], verifier)
        assert (report.added, report.unchanged) == (WORKS - len(after), len(fresh(after)))
        assert report.changed == len(after) - len(fresh(after))
        assert held(gallery, rows) == wanted
        written.append(len(fresh(after)))
        shutil.rmtree(gallery)
    return written


@pytest.mark.slow
def test_a_killed_command_loses_nothing_and_goes_on(tmp_path, collection, verifier):
    kill_at_random(tmp_path, collection, verifier, 4, 0)


@pytest.mark.slow
def test_a_hundred_killed_commands_lose_nothing(tmp_path, collection, verifier):
    written = kill_at_random(tmp_path, collection, verifier, 100, 1)
    midway = sum(0 < count < WORKS for count in written)
    print(f"{midway} of {len(written)} commands were killed with some works written")
    assert midway >= 50, written


def test_two_commands_fill_one_gallery(tmp_path, collection, verifier):
    scans, rows, before = collection
    gallery = shutil.copytree(before, tmp_path / "shared")
    files = sorted(scans.iterdir())
    # A third of the works, new ones and changed ones, is added by both.
    parts = files[: WORKS * 2 // 3], files[WORKS // 3 :]
    children = [start(gallery, part, verifier.folder.path) for part in parts]
    assert [finished(child)["failed"] for child in children] == [{}, {}]
    assert held(gallery, rows) == {str(path): sha256_file(path) for path in files}


class Beside(EmbeddedStorage):
    """A store to which another command adds works as soon as this one has looked at the rows."""

    def __init__(self, folder, add):
        super().__init__(folder)
        self.add = add

    def snapshot(self):
        found = super().snapshot()
        self.add()
        return found


def test_what_another_command_adds_after_the_first_look_is_no_twin(tmp_path, collection, verifier):
    scans, rows, before = collection
    gallery = shutil.copytree(before, tmp_path / "shared")
    # The last one's content is new to the gallery until the other command brings it.
    part = [sorted(scans.iterdir())[-1]]

    def other_command():
        finished(start(gallery, part, verifier.folder.path))

    with closing(Beside(gallery, other_command)) as store:
        assert add_works(store, part, verifier.embedder, None).failed == {}
    assert held(gallery, rows)[str(part[0])] == sha256_file(part[0])


def test_a_name_that_is_not_utf8_is_said_and_the_others_are_added(tmp_path, verifier, oddly_named):
    with Gallery.create(tmp_path / "g", verifier) as gallery:
        report = gallery.add([oddly_named], verifier)
        assert report.added == 1
        (said,) = report.failed.values()
        assert r"\udce9/\udcff.png has a name that is not UTF-8" in said
        assert [one.work.path for one in gallery.list()] == [str(oddly_named / "Ann" / "plain.png")]
