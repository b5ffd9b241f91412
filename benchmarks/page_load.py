"""How quickly a gallery's pages answer, and whether eight people at work lose anything.

    python -m benchmarks.page_load [--works 20000] [--seconds 60] [--people 8] [--model lite]

Makes a gallery of works whose embeddings are drawn around the model's cohort (no image is opened;
titles, dates, styles and artists are made up), and serves it on a free port of 127.0.0.1 to users
of a file. Asks for each page again and again, from one client, and prints p50 and p95. Then so many
people work at one time: each browses, searches, looks at works and the map, compares two pictures,
and decides cases of the queue. At the end every decision that was answered has to be there. Talks
to nothing but that server.
"""

import argparse
import base64
import http.client
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import numpy as np

from benchmarks.shared import EXAMPLES
from samehand import Gallery
from samehand.gallery.works import FileState, NewWork, Work
from samehand.model.folder import find_model, open_model, read_cohort
from samehand.web.users import with_user

BATCH, PER_ARTIST, MISLABELLED = 512, 20, 50
PASSWORD = "correct horse battery"
STYLES = ("Baroque", "Impressionism", "Realism", "Romanticism", "Rococo", "Symbolism")
PAGES = {
    "gallery": ["/gallery?page={n}", "/gallery?style=Baroque&page=2", "/gallery?sort=artist"],
    "search in words": ["/gallery?q=painter+{n}", "/gallery?q=work+{n}&sort=title"],
    "one work": ["/gallery/work/{n}"],
    "map": ["/gallery/map"],
    "points of the map": ["/gallery/map/points"],
    "queue": ["/gallery/queue"],
}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--works", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--people", type=int, default=8)
    parser.add_argument("--asked", type=int, default=60, help="How often each page is asked for.")
    parser.add_argument("--model", default="lite")
    parser.add_argument("--workers", default="2")
    options = parser.parse_args()
    print(f"{os.cpu_count()} processors, load average {os.getloadavg()[0]:.1f} at the start")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        make_gallery(folder / "gallery", options.model, options.works)
        for number in range(options.people):
            with_user(folder / "users.json", f"person {number}", "decider", PASSWORD)
        with served(folder, options.model, options.workers) as port:
            for name, paths in PAGES.items():
                time_page(port, name, paths, options.asked, options.works)
            together(port, options.people, options.seconds, options.works)


def make_gallery(folder: Path, model: str, count: int) -> None:
    """Store made-up works, some of them under another's label."""
    opened = open_model(model)
    cohort = read_cohort(find_model(model))
    draw = np.random.default_rng(0)
    hands = cohort[draw.integers(0, len(cohort), -(-count // PER_ARTIST))]
    with Gallery.create(folder, opened) as gallery:
        for first in range(0, count, BATCH):
            numbers = np.arange(first, min(first + BATCH, count))
            own = draw.standard_normal((len(numbers), cohort.shape[1]), np.float32)
            rows = hands[numbers // PER_ARTIST] + 0.7 * own / np.sqrt(cohort.shape[1])
            rows /= np.linalg.norm(rows, axis=1, keepdims=True)
            wrong = max(1, count // MISLABELLED)
            works = [
                NewWork(
                    Work(
                        f"/works/{i}.jpg",
                        artist=f"painter {i // PER_ARTIST + (7 if i % wrong == 0 else 0)}",
                        title=f"work {i}",
                        date=str(1500 + i % 400),
                        style=STYLES[i // PER_ARTIST % len(STYLES)],
                    ),
                    FileState(f"{i:064x}", 1, 1),
                )
                for i in numbers.tolist()
            ]
            gallery.store.put(works, rows.astype(np.float32), opened.embedder.digest)


@contextmanager
def served(folder: Path, model: str, workers: str) -> Iterator[int]:
    """Serve the gallery to its users; yields the port."""
    command = [
        sys.executable, "-m", "samehand", "serve", "--port", "0", "--model", model,
        "--gallery", str(folder / "gallery"), "--users", str(folder / "users.json"),
        "--workers", workers,
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield int(server.stdout.readline().split()[3].rsplit(":", 1)[1])
        finally:
            server.terminate()


class Person:
    """One user, with a connection that stays open."""

    def __init__(self, port: int, number: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
        told = base64.b64encode(f"person {number}:{PASSWORD}".encode()).decode()
        self._own = {"Authorization": f"Basic {told}"}

    def ask(
        self, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes, float]:
        """Return the status, the answer and the seconds."""
        started = time.perf_counter()
        method = "GET" if body is None else "POST"
        self._connection.request(method, path, body, self._own | (headers or {}))
        answer = self._connection.getresponse()
        return answer.status, answer.read(), time.perf_counter() - started


def time_page(port: int, name: str, paths: list[str], asked: int, works: int) -> None:
    person = Person(port, 0)
    draw = random.Random(0)
    status, body, first = person.ask(paths[0].format(n=1))
    started = time.perf_counter()
    while b"are being looked through" in body:
        time.sleep(1)
        status, body, _ = person.ask(paths[0].format(n=1))
    if (waited := time.perf_counter() - started) > 1:
        print(f"{name:20} said that it is looking for {waited:.0f} s")
    if status != 200:
        print(f"{name:20} status {status}", flush=True)
        return
    taken, size = [], 0
    for number in range(asked):
        path = paths[number % len(paths)].format(n=draw.randrange(1, works // 48))
        status, body, seconds = person.ask(path)
        assert status == 200, (path, status)
        taken.append(1000 * seconds)
        size = max(size, len(body))
    p50, p95 = np.percentile(taken, [50, 95])
    print(
        f"{name:20} p50 {p50:6.0f} ms   p95 {p95:6.0f} ms   first {1000 * first:6.0f} ms   "
        f"{size / 1024:.0f} KB",
        flush=True,
    )


def together(port: int, people: int, seconds: float, works: int) -> None:
    """Let people work at one time, and look whether what they decided is there."""
    statuses: Counter[int] = Counter()
    taken: list[float] = []
    kept: list[tuple[str, str]] = []
    failed: list[BaseException] = []
    parts = b"".join(
        b'--x\r\nContent-Disposition: form-data; name="%s"; filename="a.jpg"\r\n\r\n%s\r\n'
        % (name, path.read_bytes())
        for name, path in zip((b"left", b"right"), EXAMPLES, strict=True)
    )
    picture = (parts + b"--x--\r\n", {"Content-Type": "multipart/form-data; boundary=x"})
    end = time.monotonic() + seconds

    def work(number: int) -> None:
        person, draw = Person(port, number), random.Random(number)
        while time.monotonic() < end:
            page = draw.choice([path for paths in PAGES.values() for path in paths])
            answers = [person.ask(page.format(n=draw.randrange(1, works // 48)))]
            taken.append(1000 * answers[0][2])
            if draw.random() < 0.2:
                answers.append(person.ask("/api/v1/compare", *picture))
            status, body, _ = person.ask("/gallery/queue")
            case = re.findall(rb'name="(first|second)" value="([0-9a-f]{64})"', body)
            if status == 200 and case:
                pair = {key.decode(): value.decode() for key, value in case}
                note = f"{number}-{draw.random()}"
                told = urlencode({**pair, "label": "unsure", "note": note}).encode()
                answers.append(person.ask("/gallery/queue", told, FORM))
                if answers[-1][0] == 303:
                    kept.append((f"person {number}", note))
            statuses.update(answer[0] for answer in answers)

    def guarded(number: int) -> None:
        try:
            work(number)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=guarded, args=(number,)) for number in range(people)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    _, body, _ = Person(port, 0).ask("/api/v1/gallery/decisions?history=true")
    found = {(one["by"], one["note"]) for one in json.loads(body)["decisions"]}
    lost = [one for one in kept if one not in found]
    p50, p95 = np.percentile(taken, [50, 95])
    print(f"{people} people, {seconds:.0f} s: statuses {dict(sorted(statuses.items()))}")
    print(f"  pages p50 {p50:.0f} ms, p95 {p95:.0f} ms, {len(taken)} of them")
    print(f"  {len(kept)} decisions answered, {len(lost)} lost; failures {failed}")


if __name__ == "__main__":
    main()
