"""The campaign's wrong clocks: it jumps by an hour or a century, and files are of the year 1901.

Everything happens in one child process under libfaketime (Debian: `apt install libfaketime`), whose
clock is set anew before each step; the monotonic clock goes on, as on a real machine. A fault is a
stored embedding of another content than the file's, an answer in an output file for another
content, a decision that an earlier one outlives, a session that lives after it was ended, or an
export that fails.
"""

import atexit
import glob
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.campaign_trial import Trial, tried

_LIBRARY = "/usr/lib/*/faketime/libfaketimeMT.so.1"
_YEAR = 365.25 * 86400
_JUMPS = (1, 60, 3600, 86400, 13 * 3600, 400 * 86400)
_YEARS = (1971, 1979, 1999, 2037, 2039, 2107, 2250)
_MTIMES = (0, -1, -86400, -(2**31), 2**31, 2**32, 9_300_000_000, 10**10)
_STEPS = 8


class _Child:
    """A process whose clock the campaign sets, for as long as the campaign lasts."""

    def __init__(self, library: str) -> None:
        self.folder = tempfile.TemporaryDirectory()
        clock = Path(self.folder.name) / "clock"
        clock.write_text("+0")
        environment = os.environ | {
            "LD_PRELOAD": library,
            "FAKETIME_TIMESTAMP_FILE": str(clock),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
            "SAMEHAND_HOME": self.folder.name,
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.campaign_clock"],
            env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        atexit.register(self.process.kill)

    def ask(self, seed: int) -> Trial:
        """Let it try one sequence of steps."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{seed}\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            return Trial(f"clock {seed}", b"", "the process died", "died")
        found = json.loads(line)
        return Trial(found["name"], b"", found["fault"], found["answer"])


_child: list[_Child] = []


def clocks(rng: np.random.Generator) -> Trial:
    """Use a gallery, an output file, decisions, sessions and exports while the clock jumps."""
    library = next(iter(glob.glob(_LIBRARY)), None)
    if library is None:
        return Trial("no libfaketime", b"", "", "left out: libfaketime is not installed")
    if not _child:
        _child.append(_Child(library))
    return _child[0].ask(int(rng.integers(2**31)))


class _Case:
    """One folder of pictures and everything that is kept of it."""

    def __init__(self, folder: Path, rng: np.random.Generator) -> None:
        from samehand import Gallery
        from samehand.web.sessions import Sessions
        from samehand.web.users import Users, with_user

        self.folder, self.rng = folder, rng
        self.pictures = [folder / f"{number}.bmp" for number in range(3)]
        for path in self.pictures:
            self._paint(path)
        self.gallery = Gallery.create(folder / "gallery", _MODEL[0])
        with_user(folder / "users.json", "Ann", "decider", "a long password")
        users = Users(folder / "users.json")
        self.sessions, self.ann = Sessions(users), users.now().users["Ann"]
        self.ended: list[str] = []
        self.exported = 0

    def run(self) -> str:
        """Take some steps, each at another time, and return their names."""
        steps: tuple[Callable[[], None], ...] = (
            *(self.add, self.add, self.decide, self.undo, self.answer, self.sign_out),
            *(self.export, self.repaint),
        )
        names = []
        self.add()
        for _ in range(_STEPS):
            jump = self._jump()
            step = steps[int(self.rng.integers(len(steps)))]
            names.append(f"{jump} {step.__name__}")
            step()
            if any(self.sessions.of_cookie(cookie) for cookie in self.ended):
                raise AssertionError(f"an ended session lives again: {names}")
        return ", ".join(names)

    def add(self) -> None:
        """Add the folder; every stored content must be the file's."""
        from samehand.files import sha256_file

        self.gallery.add([str(path) for path in self.pictures], _MODEL[0])
        for stored in self.gallery.list():
            if stored.sha256 != sha256_file(stored.work.path):
                raise AssertionError("a changed file was not embedded again")

    def decide(self) -> None:
        """Decide on a pair as never before; that must stand."""
        label = ("same", "different", "unsure")[int(self.rng.integers(3))]
        first, second = list(self.gallery.list())[:2]
        made = self.gallery.decide(first.sha256, second.sha256, label, by="Ann")
        if not made.stands or made.id not in [one.id for one in self.gallery.decisions().decisions]:
            raise AssertionError("an earlier decision outlives a later one")

    def undo(self) -> None:
        """Undo the latest decision, if there is any; it must stand no longer."""
        there = self.gallery.decisions().decisions
        if there and self.gallery.undo(there[-1].id).stands:
            raise AssertionError("what was undone stands")

    def answer(self) -> None:
        """Ask of each picture what it holds; what the file says must be so now."""
        from samehand.files import sha256_file
        from samehand.verification.batch import answer_all
        from samehand.verification.output import Table

        out = self.folder / "out.jsonl"
        answer_all(
            self.pictures, lambda path: {"content": sha256_file(path)}, out,
            Table(("content",), lambda answer: [answer]), {"command": "campaign"}, "asking",
        )  # fmt: skip
        for line in out.read_text().splitlines():
            found = json.loads(line)
            if found["content"] != sha256_file(found["probe"]):
                raise AssertionError("an answer is of a file's earlier content")

    def sign_out(self) -> None:
        """Sign in, and out again at another time."""
        cookie = self.sessions.begin(self.ann)
        if self.sessions.of_cookie(cookie) is None:
            raise AssertionError("a new session is not one")
        self._jump()
        self.sessions.end(cookie)
        self.ended.append(cookie)

    def export(self) -> None:
        """Write the gallery in every way."""
        self.exported += 1
        for suffix in (".csv", ".parquet", ".xlsx", ".jsonld"):
            self.gallery.export(self.folder / f"export-{self.exported}{suffix}")

    def repaint(self) -> None:
        """Change a picture, which keeps its size in bytes."""
        self._paint(self.pictures[int(self.rng.integers(len(self.pictures)))])

    def _paint(self, path: Path) -> None:
        pixels = self.rng.integers(0, 256, (6, 6, 3), dtype=np.uint8)
        image = Image.fromarray(pixels).resize((60, 50), Image.Resampling.BICUBIC)
        before = path.stat().st_mtime_ns if path.exists() else None
        image.save(path)
        # The kernel's time is not faked, so it is written here, to the nanosecond.
        when = time.time_ns()
        if self.rng.random() < 0.3:
            when = int(self.rng.choice(_MTIMES)) * 10**9 + int(self.rng.integers(10**9))
        assert when != before
        os.utime(path, ns=(when, when))

    def _jump(self) -> str:
        """Set the clock, and return to what."""
        if self.rng.random() < 0.5:
            by = float(self.rng.choice(_JUMPS)) * (1 if self.rng.random() < 0.5 else -1)
            _offset[0] += by
            name = f"{by:+g} s"
        else:
            year = int(self.rng.choice(_YEARS))
            _offset[0] = (year - 1970) * _YEAR - _TRUE_START
            name = f"in {year}"
        _set_clock(_offset[0])
        return name


def _set_clock(offset: float) -> None:
    # No system's clock can be set to before 1970.
    _offset[0] = offset = max(offset, 86400.0 - _TRUE_START)
    Path(os.environ["FAKETIME_TIMESTAMP_FILE"]).write_text(f"{offset:+.3f}")


_TRUE_START = time.time()
_offset = [0.0]
_MODEL: list = []  # type: ignore[type-arg]


def _serve() -> None:
    """Try one sequence for each seed that is read, until there are no more."""
    from samehand import SameHand

    _MODEL.append(SameHand("lite", threads=1))
    for line in sys.stdin:
        print(json.dumps(_tried(int(line))), flush=True)


def _tried(seed: int) -> dict[str, str]:
    names: list[str] = []
    _set_clock(0.0)
    with tempfile.TemporaryDirectory() as folder:
        case = _Case(Path(folder), np.random.default_rng(seed))
        trial = tried("clock", b"", lambda: names.append(case.run()), 60.0)
        case.gallery.close()
    fault = trial.fault or (f"refused, though nothing is wrong: {trial.said}" if trial.said else "")
    return {"name": f"clock: {', '.join(names)}", "fault": fault, "answer": trial.answer}


if __name__ == "__main__":
    _serve()
