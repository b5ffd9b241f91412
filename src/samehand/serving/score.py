"""`samehand score`: a CSV of pairs in, the same CSV with verdicts out."""

import csv
import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import IO

import numpy as np

from samehand.errors import ImageError, ProtocolError, SamehandError
from samehand.files import atomic_path
from samehand.records import Floats, OperatingPoint
from samehand.scoring.calibration import (
    OperatingThreshold,
    decide,
    llr_from_score,
    operating_threshold,
    probability,
)
from samehand.scoring.comparator import enrol, pair_scores
from samehand.serving.embed import embed_files
from samehand.serving.verifier import SameHand

ADDED = ("score", "llr", "probability", "decision", "llr_one_style")

_ROWS_AT_ONCE = 100_000


def score_csv(
    verifier: SameHand,
    pairs: Path,
    images: Path,
    out: Path,
    *,
    prior: float = 0.5,
    operating_point: OperatingPoint = "eer",
    skip_bad_images: bool = False,
    cache: Path | None = None,
) -> tuple[int, int]:
    """Score every row of a CSV; each distinct image is embedded once.

    Args:
        verifier: The model.
        pairs: A CSV with at least the columns `left` and `right`, image paths relative to
            `images`.
        images: The folder of the images.
        out: The CSV to write: every column of `pairs`, in order, then score, llr, probability
            and decision.
        prior: P(same artist) before looking, strictly between 0 and 1.
        operating_point: Which measured error rate the decision promises.
        skip_bad_images: Leave the added columns of a row with an unreadable image empty, rather
            than stopping.
        cache: Where embeddings are kept between calls; None keeps none.

    Returns:
        How many rows were written, and how many of them have no score.

    Raises:
        SamehandError: `prior`, `operating_point` or `images` is not one that exists.
        ProtocolError: The CSV is missing, unreadable, or lacks its columns.
        ImageError: An image cannot be read, and bad images are not to be skipped.
        OutputError: `out` cannot be written.
    """
    # A bad prior or operating point is refused before minutes are spent on embedding.
    probability(0.0, prior)
    point = operating_threshold(verifier.model.config.calibration, operating_point)
    if not images.is_dir():
        raise SamehandError(f"no folder of images at {images}; name it with --images")
    if out.resolve() == pairs.resolve():
        raise SamehandError(f"{out} is the input itself; choose another --out")
    positions = _distinct_images(pairs)
    paths = [images / name for name in positions]
    if not skip_bad_images:
        _refuse_missing(paths)
    table = embed_files(verifier.embedder, paths, cache)
    bad = np.array([path in table.failures for path in paths])
    if bad.any() and not skip_bad_images:
        raise ImageError(
            f"{next(iter(table.failures.values()))} ({int(bad.sum())} unreadable images in all); "
            "mend it, or pass --skip-bad-images to leave its rows without a score"
        )
    unscored = rows = 0
    with atomic_path(out) as temporary, _open(temporary, "w") as sink:
        writer = csv.writer(sink, lineterminator="\n")
        header, stream = _read_rows(pairs)
        writer.writerow([*header, *ADDED])
        enrolled = enrol(verifier.model.comparator, table.embeddings) if paths else None
        for block in _batched(stream, _ROWS_AT_ONCE):
            assert enrolled is not None
            left = np.array([positions[row[header.index("left")]] for row in block])
            right = np.array([positions[row[header.index("right")]] for row in block])
            scores = pair_scores(verifier.model.comparator, enrolled, left, right)
            added = _columns(verifier, scores, prior, point)
            unusable = bad[left] | bad[right]
            for row, values, empty in zip(block, added, unusable.tolist(), strict=True):
                writer.writerow([*row, *([""] * len(ADDED) if empty else values)])
            rows += len(block)
            unscored += int(unusable.sum())
    return rows, unscored


def _batched(rows: Iterable[list[str]], size: int) -> Iterator[list[list[str]]]:
    remaining = iter(rows)
    while block := list(islice(remaining, size)):
        yield block


def _columns(
    verifier: SameHand, scores: Floats, prior: float, point: OperatingThreshold
) -> Iterator[tuple[str, ...]]:
    config = verifier.model.config
    llrs = llr_from_score(config.calibration, scores)
    within = [""] * len(scores)
    if config.one_style is not None:
        within = [f"{llr:.4f}" for llr in llr_from_score(config.one_style, scores).tolist()]
    rows = (scores.tolist(), llrs.tolist(), probability(llrs, prior).tolist(), within)
    for score, llr, chance, one_style in zip(*rows, strict=True):
        yield f"{score:.6f}", f"{llr:.4f}", f"{chance:.6f}", decide(score, point), one_style


def _distinct_images(pairs: Path) -> dict[str, int]:
    """Return the position of each distinct image name, in order of first appearance."""
    header, rows = _read_rows(pairs)
    left_at, right_at = header.index("left"), header.index("right")
    positions: dict[str, int] = {}
    for row in rows:
        positions.setdefault(row[left_at], len(positions))
        positions.setdefault(row[right_at], len(positions))
    return positions


def _read_rows(pairs: Path) -> tuple[list[str], Iterator[list[str]]]:
    """Return the header and a stream of rows, each as long as the header."""
    stream = _stream(pairs)
    header = next(stream, None)
    if header is None:
        raise ProtocolError(f"{pairs} is empty; it needs a header with the columns left and right")
    absent = [name for name in ("left", "right") if name not in header]
    if absent:
        raise ProtocolError(
            f"{pairs} has no column {' and no column '.join(absent)} (it has "
            f"{', '.join(header)}); name the columns left and right"
        )
    taken = [name for name in ADDED if name in header]
    if taken:
        raise ProtocolError(
            f"{pairs} already has the column {taken[0]}; rename it, so that nothing is overwritten"
        )
    return header, _checked(stream, len(header), pairs)


def _checked(rows: Iterator[list[str]], width: int, pairs: Path) -> Iterator[list[str]]:
    for number, row in enumerate(rows, start=2):
        if not row:
            continue
        if len(row) != width:
            raise ProtocolError(
                f"{pairs}, row {number}: {len(row)} values under {width} columns; mend that row"
            )
        yield row


def _stream(pairs: Path) -> Iterator[list[str]]:
    # It is read twice, which a pipe does not allow.
    if os.path.exists(pairs) and not os.path.isfile(pairs):
        raise ProtocolError(f"{pairs} is a folder or a pipe; name an ordinary CSV file")
    try:
        with _open(pairs, "r") as source:
            yield from csv.reader(source)
    except FileNotFoundError as error:
        raise ProtocolError(f"no file at {pairs}; check the path") from error
    except (OSError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ProtocolError(f"cannot read {pairs} as CSV: {reason}; name a CSV file") from error


def _open(path: Path, mode: str) -> IO[str]:
    # File names that are not UTF-8 must come out as they went in.
    encoding = "utf-8-sig" if mode == "r" else "utf-8"
    return open(path, mode, newline="", encoding=encoding, errors="surrogateescape")


def _refuse_missing(paths: Sequence[Path]) -> None:
    """Say what is missing before minutes are spent on what is there."""
    # os.path answers False where Path raises: names that no file system accepts.
    missing = [path for path in paths if not os.path.exists(path)]
    if missing:
        raise ImageError(
            f"no file at {missing[0]} ({len(missing)} of {len(paths)} images are missing); check "
            "--images, or pass --skip-bad-images to leave their rows without a score"
        )
