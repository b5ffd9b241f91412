"""The tasks of the benchmark: frozen pairs, and the paintings on either side of them."""

from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from benchmarks.paper.capture import CaptureRange, draw_capture, recapture
from samehand.catalogue.schema import load_catalogue
from samehand.errors import ProtocolError
from samehand.evaluation.evaluate import Labels, protocol_paintings, read_labels
from samehand.files import atomic_path, sha256_bytes, sha256_file
from samehand.images.decode import decode_file
from samehand.pairs.choose import choose_pairs
from samehand.pairs.draws import ArtistScope, find_candidates
from samehand.pairs.protocol import Protocol, ProtocolHeader, load_protocol, write_protocol
from samehand.progress import track


@dataclass(frozen=True, slots=True)
class Task:
    """A protocol and how its paintings are shown.

    Attributes:
        name: "unseen", "seen", "submission", "recaptured" or "natural".
        protocol: Its frozen pairs.
        header: Their header.
        folder: The catalogue of the paintings.
        captured: Where the right painting of each pair is photographed anew, or None for never.
        seed: Seeds those photographs.
    """

    name: str
    protocol: Path
    header: ProtocolHeader
    folder: Path
    captured: Path | None = None
    seed: int = 0

    @property
    def key(self) -> str:
        """What tells it from every other."""
        shown = "" if self.captured is None else self.captured.name
        return f"{self.header.content_hash}|{shown}"


@dataclass(frozen=True, slots=True, eq=False)
class OpenTask:
    """A task with its pairs.

    Attributes:
        protocol: The verified protocol.
        paintings: Its paintings in the order that the pairs index.
        labels: What is true of the pairs.
    """

    protocol: Protocol
    paintings: pl.DataFrame
    labels: Labels


def choose_tasks(
    folder: Path, out: Path, *, submission: Path | None, natural: Path | None, seed: int
) -> tuple[list[Task], list[str]]:
    """Freeze the protocols that a catalogue allows; those that lie there already are kept.

    Args:
        folder: The catalogue.
        out: The benchmark's folder.
        submission: The competition's list of pairs, or None to leave that task out.
        natural: Another catalogue, or None to leave that task out.
        seed: Seeds the second photographs.

    Returns:
        The tasks, and a sentence for each that is left out.

    Raises:
        CatalogueError: A catalogue cannot be used.
        ProtocolError: There is no pair of unseen artists, or `submission` cannot be used.
    """
    unseen = _freeze("unseen", folder, out)
    found = [unseen, recaptured(unseen, out, seed)]
    left_out = []
    if find_candidates(load_catalogue(folder), "test").seen.any():
        found.append(_freeze("seen", folder, out, artists="seen"))
    else:
        left_out.append("Seen artists: the test paintings have none.")
    if submission is None:
        left_out.append("The competition's pairs: no `--submission` was given.")
    else:
        found.append(_freeze("submission", folder, out, submission=submission))
    if natural is None:
        left_out.append("Another collection: no `--natural` was given.")
    else:
        found.append(_freeze("natural", natural, out, artists="all"))
    return found, left_out


def recaptured(task: Task, out: Path, seed: int) -> Task:
    """Return the same pairs with the right painting of each photographed anew."""
    limits = CaptureRange()
    digest = sha256_bytes(f"{task.header.content_hash}|{seed}|{limits}".encode())[:12]
    return replace(task, name="recaptured", captured=out / f"recaptured-{digest}", seed=seed)


def open_task(task: Task) -> OpenTask:
    """Verify a task's protocol and read its labels.

    Raises:
        ProtocolError: It is damaged or belongs to another catalogue.
    """
    table = load_catalogue(task.folder)
    protocol = load_protocol(task.protocol, table)
    paintings = protocol_paintings(protocol, table)
    return OpenTask(protocol, paintings, read_labels(protocol, paintings))


def capture_again(task: Task, paintings: pl.DataFrame) -> list[str]:
    """Photograph paintings anew, where that has not been done, and return the files.

    Args:
        task: One whose right paintings are photographed anew.
        paintings: Rows of its catalogue.

    Returns:
        Paths relative to `task.captured`, one a row.

    Raises:
        ImageError: A painting of the catalogue cannot be read.
        OutputError: The folder cannot be written.
    """
    assert task.captured is not None
    names = [str(Path(path).with_suffix(".jpg")) for path in paintings["path"]]
    wanted = list(zip(paintings["painting_id"], paintings["path"], names, strict=True))
    wanted = [row for row in wanted if not (task.captured / row[2]).is_file()]
    for painting_id, path, name in track(wanted, "photographing anew"):
        capture = draw_capture(painting_id, task.seed, CaptureRange())
        data = recapture(decode_file(task.folder / path).image, capture)
        with atomic_path(task.captured / name) as temporary:
            temporary.write_bytes(data)
    return names


def _freeze(
    name: str,
    folder: Path,
    out: Path,
    *,
    artists: ArtistScope | None = None,
    submission: Path | None = None,
) -> Task:
    path = out / "protocols" / f"{name}.parquet"
    digest = sha256_file(folder / "catalogue.parquet")
    try:
        header = load_protocol(path).header
        fresh = header.catalogue_sha256 == digest
        if submission is not None:
            fresh = fresh and header.options.get("file_sha256") == sha256_file(submission)
    except (ProtocolError, OSError):
        fresh = False
    if not fresh:
        draft, description = choose_pairs(
            load_catalogue(folder),
            split="test",
            artists=artists,
            within_style=False,
            genuine=None,
            impostors=None,
            submission=submission,
            seed=0,
        )
        header = write_protocol(path, draft, description=description, catalogue_sha256=digest)
    return Task(name, path, header, folder)
