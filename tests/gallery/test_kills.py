"""Whatever is killed, and when: no label and no decision of a gallery is lost.

`pytest -m slow tests/gallery/test_kills.py` kills add, merge, re-embed, set and decide 200 times.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from samehand.gallery import Gallery, Work
from samehand.model.folder import open_model, write_config

WORKS, NEW = 24, 12

# One process that has imported all and forks a child for each command: so a kill meets the command
# itself, not the second in which Python starts.
STARTER = """
import os, sys, json, signal
import samehand.cli.gallery, samehand.cli.decide
import samehand.gallery.adding as adding, samehand.gallery.merging as merging
import samehand.verification.verifier, samehand.catalogue.pictures, samehand.gallery.sources
from samehand.cli import main
adding._WORKS_AT_ONCE = merging._AT_ONCE = 2
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        sys.argv = ["samehand", *json.loads(line)]
        for number in (1, 2):
            os.dup2(os.open(os.devnull, os.O_WRONLY), number)
        try:
            main()
        except SystemExit as stop:
            os._exit(stop.code or 0)
        os._exit(0)
    print(child, flush=True)
    _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)
"""


class Starter:
    """Runs commands, and kills them when their time is up."""

    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, "-c", STARTER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        )

    def run(self, words, seconds=None):
        """Return the exit code of a command that may live so long; -9 if it was killed."""
        self.process.stdin.write(json.dumps([str(word) for word in words]) + "\n")
        self.process.stdin.flush()
        child = int(self.process.stdout.readline())
        if seconds is not None:
            time.sleep(seconds)
            # A child that has ended is not waited for yet, or its number could be another's.
            try:
                os.kill(child, signal.SIGKILL)
            except ProcessLookupError:
                pass
        return int(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait(60)
        self.process.stdout.close()


@pytest.fixture(scope="module")
def starter():
    if not hasattr(os, "fork"):
        pytest.skip("this system cannot fork")
    made = Starter()
    yield made
    made.close()


@pytest.fixture(scope="module")
def shelf(tmp_path_factory, tiny_model, verifier, work_of):
    """A gallery with labels and decisions, another one, a table of news, and another model."""
    folder = tmp_path_factory.mktemp("kills")
    for work in range(WORKS + NEW):
        work_of(work % 3, work).save(folder / f"{work:02}.png")
    paths = [str(folder / f"{work:02}.png") for work in range(WORKS + NEW)]

    def work(number, artist, **extra):
        return Work(paths[number], artist, title=f"Work {number}", extra=extra)

    with Gallery.create(folder / "one", verifier) as one:
        one.add([work(n, f"Painter {n % 3}", accession_number=f"A{n}") for n in range(WORKS)],
                verifier)  # fmt: skip
        for n in range(0, 10, 2):
            one.decide(paths[n], paths[n + 1], "different", by="Ann")
        one.undo(one.decide(paths[0], paths[5], "same", by="Bo").id)
    with Gallery.create(folder / "two", verifier) as two:
        works = [work(n, f"Master {n % 3}", lender="Cy") for n in range(WORKS - 6, WORKS + NEW)]
        two.add(works, verifier)
        two.decide(paths[-1], paths[-2], "same", by="Dee")
    lines = ["path,artist,accession number,room"]
    lines += [f"{paths[n]},Painter {n % 3},A{n},Room {n}" for n in range(WORKS + NEW)]
    (folder / "news.csv").write_text("\n".join(lines))
    other = shutil.copytree(tiny_model, folder / "other")
    write_config(other, replace(open_model(other).config, name="other", views=("whole",)))
    return folder


def told(gallery):
    """Return what a gallery says of each work, and the lines of its record of decisions."""
    with Gallery.open(gallery) as opened:
        works, rows = opened.embeddings()
        labels = {one.work.path: one.work for one in works}
        assert len(labels) == len(works) == len(rows)
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-4)
        return labels, {row.id: row for row in opened.store.read_decisions()}


def said(work):
    fields = ("artist", "title", "date", "style", "genre", "source")
    return {name: getattr(work, name) for name in fields} | work.extra


def check(before, after, whole, killed):
    """Fail if anything is lost, or is neither what it was nor what the whole command makes it."""
    (labels, decisions), (found, lines) = before, after
    assert decisions.keys() <= lines.keys()
    assert all(lines[one] == row for one, row in decisions.items())
    assert labels.keys() <= found.keys()
    for path, work in found.items():
        was, wanted = said(labels[path]) if path in labels else {}, said(whole[0][path])
        for name, text in said(work).items():
            assert text in (was.get(name), wanted.get(name)), (path, name)
        lost = {name for name in was if was[name] is not None and said(work).get(name) is None}
        assert not lost, (path, lost)
    if not killed:
        assert found == whole[0]


def commands(folder, gallery):
    """Return each command, and how it ends when nothing kills it."""
    tiny = ["--model", folder / "tiny"] if (folder / "tiny").exists() else []
    return {
        "add": ["gallery", "add", gallery, folder / "news.csv", *tiny],
        "merge": ["gallery", "merge", gallery, folder / "two"],
        "re-embed": ["gallery", "re-embed", gallery, "--model", folder / "other",
                     "--cache", gallery.parent / "cache"],
        "set": ["gallery", "set", gallery, "style=Baroque", "room=Store", "--all"],
        "decide": ["decide", gallery, "A1", "A7", "same", "--by", "Eve", *tiny],
    }  # fmt: skip


@pytest.mark.parametrize("times", [10, pytest.param(200, marks=pytest.mark.slow)])
def test_no_label_and_no_decision_is_lost_however_often_commands_are_killed(
    starter, shelf, tiny_model, tmp_path, times
):
    if not (shelf / "tiny").exists():
        shutil.copytree(tiny_model, shelf / "tiny")
    before = told(shelf / "one")
    whole, lasted = {}, {}
    for name in commands(shelf, tmp_path / "g"):
        gallery = shutil.copytree(shelf / "one", tmp_path / name / "g")
        started = time.monotonic()
        assert starter.run(commands(shelf, gallery)[name]) == 0, name
        lasted[name] = time.monotonic() - started
        whole[name] = told(gallery)
    draw = np.random.default_rng(times)
    killed, changed = Counter(), Counter()
    names = list(whole)
    while killed.total() < times:
        name = names[killed.total() % len(names)]
        gallery = shutil.copytree(shelf / "one", tmp_path / "now" / "g")
        code = starter.run(commands(shelf, gallery)[name], draw.uniform(0, 1.1 * lasted[name]))
        assert code in (0, -signal.SIGKILL)
        after = told(gallery)
        check(before, after, whole[name], code != 0)
        killed[name] += code != 0
        changed[name] += code != 0 and after != before
        # The same command again comes to the same end.
        if code != 0:
            assert starter.run(commands(shelf, gallery)[name]) == 0
            again = told(gallery)
            check(before, again, whole[name], False)
            if name == "merge":
                assert again[1].keys() == whole[name][1].keys()
        shutil.rmtree(tmp_path / "now")
    print(f"killed {dict(killed)}, of which in the midst of writing {dict(changed)}")
