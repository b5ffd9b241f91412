"""`samehand score`: a table of pairs in, the same table with verdicts out, as CSV."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import IO

import numpy as np

from samehand.catalogue.pair_table import open_pairs
from samehand.catalogue.text_table import csv_line, safe_cell
from samehand.errors import ImageError, OutputError, SamehandError
from samehand.files import atomic_path
from samehand.model.folder import ModelConfig
from samehand.model.readings import readings_of_pairs
from samehand.plural import counted
from samehand.records import OperatingPoint
from samehand.scoring.calibration import (
    llr_from_score,
    operating_threshold,
    probability,
)
from samehand.scoring.comparator import Enrolled, Indices
from samehand.scoring.conditions import Reading
from samehand.verification.condition import one_style_decisions, one_style_llr
from samehand.verification.file_facts import FileFacts, embed_with_novelty
from samehand.verification.verifier import SameHand

ADDED = (
    "score", "llr", "probability", "decision", "llr_one_style", "condition", "error_rate",
    "decision_one_style", "error_rate_one_style", "warnings",
)  # fmt: skip

_ROWS_AT_ONCE = 100_000


def score_csv(
    model: SameHand,
    pairs: Path,
    images: Path | None,
    out: Path,
    *,
    prior: float = 0.5,
    operating_point: OperatingPoint = "eer",
    skip_bad_images: bool = False,
    cache: Path | None = None,
    columns: Mapping[str, str] | None = None,
    tell: Callable[[str], None] | None = None,
) -> tuple[int, int]:
    """Score every row of a table; each distinct image is embedded once.

    Args:
        model: The model.
        pairs: A table with at least the columns `left` and `right`, the images' paths.
        images: The folder that they are relative to; absent, beside the table.
        out: The CSV to write: every column of `pairs`, in order, then what `ADDED` lists.
        prior: P(same artist) before looking, strictly between 0 and 1.
        operating_point: Which measured error rate the decision promises.
        skip_bad_images: Leave the added columns of a row with an unreadable image empty, but for
            `warnings`, which says why, rather than stopping.
        cache: Where embeddings are kept between calls; None keeps none.
        columns: Which column is which, by meaning: {"left": "Image A"}.
        tell: Called with what a person should know of how the table was read.

    Returns:
        How many rows were written, and how many of them have no score.

    Raises:
        SamehandError: `prior`, `operating_point` or `images` is not one that exists.
        ProtocolError: The table is missing, unreadable, or lacks its columns.
        ImageError: An image cannot be read, and bad images are not to be skipped.
        OutputError: `out` cannot be written.
    """
    # A bad prior or operating point is refused before minutes are spent on embedding.
    probability(0.0, prior)
    operating_threshold(model.folder.config.calibration, operating_point)
    if images is not None and not images.is_dir():
        raise SamehandError(f"no folder of images at {images}; name it with --images")
    if out.resolve() == pairs.resolve():
        raise SamehandError(f"{out} is the input itself; choose another --out")
    if out.suffix.lower() != ".csv" and not out.is_dir():
        raise OutputError(
            f"{out} does not end in .csv; the scores are written as CSV, so name --out NAME.csv"
        )
    source = open_pairs(pairs, ADDED, columns)
    for note in source.table.notes:
        if tell is not None:
            tell(note)
    positions = source.positions()
    paths = source.locate(positions, images)
    if not skip_bad_images:
        _refuse_missing(paths)
    table, novel = embed_with_novelty(model.embedder, model.folder.config, paths, cache)
    bad = np.array([path in table.failures for path in paths])
    if bad.any() and not skip_bad_images:
        raise ImageError(
            f"{next(iter(table.failures.values()))} ({counted(int(bad.sum()), 'unreadable image')} "
            "in all); repair it, or pass --skip-bad-images to leave its rows without a score"
        )
    facts = FileFacts(model.folder.config, paths, novel)
    question = (prior, operating_point)
    unscored = rows = 0
    with atomic_path(out) as temporary, _open(temporary, source.table.encoding) as sink:
        sink.write(csv_line([*source.table.header, *ADDED]))
        enrolled = model.folder.comparator.enrol(table.embeddings) if paths else None
        for block in _batched(source.rows(), _ROWS_AT_ONCE):
            assert enrolled is not None
            left = np.array([positions[row[source.left]] for row in block])
            right = np.array([positions[row[source.right]] for row in block])
            added = _columns(model, enrolled, (left, right), facts, question)
            told = facts.pair_warnings(left, right, table.embeddings)
            why = _reasons(table.failures, paths, left, right)
            for row, values, text, reason in zip(block, added, told, why, strict=True):
                found = [""] * (len(ADDED) - 1) if reason else values
                sink.write(csv_line([*row, *found, safe_cell(reason or text)]))
            rows += len(block)
            unscored += int((bad[left] | bad[right]).sum())
    return rows, unscored


def _reasons(
    failures: Mapping[Path, str], paths: Sequence[Path], left: Indices, right: Indices
) -> Iterator[str]:
    """Yield why each pair has no score, or nothing; sides are positions in `paths`."""
    for one, two in zip(left.tolist(), right.tolist(), strict=True):
        sides = dict.fromkeys((paths[one], paths[two]))
        yield "; ".join(f"not scored: {failures[side]}" for side in sides if side in failures)


def _batched(rows: Iterable[list[str]], size: int) -> Iterator[list[list[str]]]:
    remaining = iter(rows)
    while block := list(islice(remaining, size)):
        yield block


def _columns(
    model: SameHand,
    enrolled: Enrolled,
    sides: tuple[Indices, Indices],
    facts: FileFacts,
    question: tuple[float, OperatingPoint],
) -> list[tuple[str, ...]]:
    """Return the figures of a block of pairs, whose pictures are positions in `facts`."""
    config, comparator = model.folder.config, model.folder.comparator
    prior, operating_point = question
    scores = comparator.pair_scores(enrolled, *sides)
    styled = comparator.style_scores(enrolled, *sides)
    rows: list[tuple[str, ...]] = [()] * len(scores)
    for reading, chosen in _readings(config, facts, *sides):
        point = operating_threshold(reading.calibration, operating_point)
        promised = reading.error_rate(point)
        rate = "" if promised is None else f"{promised:.4f}"
        some = scores[chosen]
        llrs = llr_from_score(reading.calibration, some)
        within = one_style_llr(config, reading, some, styled[chosen])
        styles = [""] * len(some) if within is None else [f"{llr:.4f}" for llr in within.tolist()]
        pair = (some, styled[chosen])
        decided = one_style_decisions(config, reading, pair, within, operating_point)
        in_style = decided[0] if decided else [""] * len(some)
        rate_in_style = f"{decided[1]:.4f}" if decided else ""
        each = (some.tolist(), llrs.tolist(), probability(llrs, prior).tolist(), styles, in_style)
        for row, score, llr, chance, style, other in zip(chosen.tolist(), *each, strict=True):
            decision = reading.decide(score, point, llr)
            found = (f"{score:.6f}", f"{llr:.4f}", f"{chance:.6f}", decision, style)
            rows[row] = (*found, reading.condition, rate, other, rate_in_style)
    return rows


def _readings(
    config: ModelConfig, facts: FileFacts, left: Indices, right: Indices
) -> Iterator[tuple[Reading, Indices]]:
    """Yield how pairs are to be read, as `compare` reads them, with the rows read so."""
    either = facts.novel[left] | facts.novel[right]
    for novel in (False, True):
        rows = np.flatnonzero(either == novel)
        of_rows = readings_of_pairs(config, facts.kinds, left[rows], right[rows], novel=novel)
        yield from ((reading, rows[chosen]) for reading, chosen in of_rows)


def _open(path: Path, encoding: str) -> IO[str]:
    # File names that are not UTF-8 must come out as they went in.
    plain = encoding if encoding in ("cp1252", "latin-1") else "utf-8"
    return open(path, "w", newline="", encoding=plain, errors="surrogateescape")


def _refuse_missing(paths: Sequence[Path]) -> None:
    """Say what is missing before minutes are spent on what is there."""
    # os.path answers False where Path raises: names that no file system accepts.
    missing = [path for path in paths if not os.path.exists(path)]
    if missing:
        raise ImageError(
            f"no file at {missing[0]} ({len(missing)} of {counted(len(paths), 'image')} missing); "
            "check --images, or pass --skip-bad-images to leave their rows without a score"
        )
