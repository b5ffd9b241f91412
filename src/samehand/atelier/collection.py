"""Whole collections of atelier paintings, in the layouts that real collections come in."""

import csv
import io
import json
import shutil
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Literal

import numpy as np

from samehand.atelier.brush import paint
from samehand.atelier.painters import Painter, painter
from samehand.atelier.scenes import KINDS
from samehand.errors import OutputError
from samehand.files import atomic_path, output_error, write_text
from samehand.progress import track

_WORKS_LIMIT = 1000
_ASPECTS = (1.0, 0.8, 1.25, 0.75, 1.33)
_STAMP = ".atelier.json"
_UNFINISHED = ".unfinished"
_COLUMNS = (
    "artist", "date", "genre", "pixelsx", "pixelsy", "size_bytes", "source", "style", "title",
    "artist_group", "in_train", "new_filename",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Work:
    """One painting to make; `subject` gives every painter scenes of their own."""

    maker: Painter
    number: int

    @property
    def subject(self) -> int:
        return self.maker.index * _WORKS_LIMIT + self.number

    def size(self, size: tuple[int, int]) -> tuple[int, int]:
        """The size asked for, in one of a few proportions; the area stays about the same."""
        rng = np.random.default_rng([self.subject, 6])
        stretch = float(rng.choice(_ASPECTS)) ** 0.5
        if KINDS[self.subject % len(KINDS)] == "portrait":
            stretch = min(stretch, 1 / stretch)
        return max(16, round(size[0] * stretch)), max(16, round(size[1] / stretch))


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of the Painter by Numbers catalogue.

    `fault` is what its file in the archive suffers; "truncated" files have a replacement.
    """

    work: _Work
    filename: str
    group: str
    in_train: bool
    artist: str
    fault: Literal["", "truncated", "empty", "missing"] = ""


def build_atelier(
    out: Path,
    *,
    painters: int,
    works: int,
    seed: int,
    first: int = 0,
    layout: Literal["folder", "pbn"] = "folder",
    size: tuple[int, int] = (256, 256),
) -> None:
    """Write a collection of synthetic paintings; continues where an earlier call stopped.

    The layout "folder" is `out/Painter 007/<subject>.jpg`, every seventh work a PNG. The layout
    "pbn" has the files of Kaggle's Painter by Numbers: `all_data_info.csv`, `train_2.zip`,
    `test.zip`, `replacements_for_corrupted_files.zip` and `submission_info.csv.zip`, whose pairs
    are all those within a style among the test paintings. Of five painters three are
    `train_and_test` (three tenths of their works in test), one `train_only` and one `test_only`.
    As in the original some entries are faulty: in train and in test a truncated file that has a
    replacement, in train an empty file that has none, a row whose file is in no archive, and one
    painting catalogued twice under two artists.

    Args:
        out: The folder to write to.
        painters: How many painters, at least 1 (5 in "pbn").
        works: Paintings of each, 1 to 1000 (at least 4 in "pbn").
        seed: Of the atelier.
        first: Index of the first painter: disjoint ranges are disjoint artists.
        layout: See above.
        size: Width and height in pixels of a square-ish work; proportions vary around it.

    Raises:
        OutputError: The folder cannot be written, holds another atelier, or a number is out of
            range.
    """
    least_painters, least_works = (5, 4) if layout == "pbn" else (1, 1)
    if painters < least_painters or not least_works <= works <= _WORKS_LIMIT:
        raise OutputError(
            f"cannot write an atelier of {painters} painters and {works} works each to {out}: the "
            f"layout {layout!r} needs at least {least_painters} painters and {least_works} to "
            f"{_WORKS_LIMIT} works"
        )
    if min(size) < 16 or min(seed, first) < 0:
        raise OutputError(
            f"cannot write an atelier to {out}: give a size of at least 16 x 16 pixels and a seed "
            "and a first painter that are not negative"
        )
    plan: dict[str, object] = {"layout": layout, "seed": seed, "size": list(size)}
    if layout == "pbn":
        plan |= {"painters": painters, "works": works, "first": first}
    _claim(out, plan)
    makers = [painter(seed, index) for index in range(first, first + painters)]
    if layout == "pbn":
        _write_pbn(out, _catalogue(makers, works, seed), seed, size)
        return
    for work in track(_all_works(makers, works), "painting"):
        suffix = "png" if work.number % 7 == 6 else "jpg"
        _make(work, out / work.maker.name / f"{work.subject}.{suffix}", size)


def _claim(out: Path, plan: dict[str, object]) -> None:
    """Note what `out` holds, or refuse to mix it with something else."""
    stamp = out / _STAMP
    text = json.dumps(plan)
    try:
        held = stamp.read_text(encoding="utf-8") if stamp.exists() else None
    except OSError as error:
        raise output_error(stamp, error) from error
    if held not in (None, text):
        raise OutputError(
            f"cannot write an atelier to {out}: it holds another one ({held}); choose an empty "
            "folder or repeat the earlier arguments"
        )
    if held is None:
        write_text(stamp, text)


def _all_works(makers: list[Painter], works: int) -> list[_Work]:
    return [_Work(maker, number) for maker in makers for number in range(works)]


def _make(work: _Work, target: Path, size: tuple[int, int]) -> None:
    if target.exists():
        return
    picture = paint(work.maker, work.subject, work.size(size))
    with atomic_path(target) as temporary:
        picture.save(temporary, quality=90)


def _catalogue(makers: list[Painter], works: int, seed: int) -> list[_Row]:
    """The catalogue's rows in shuffled order, faults included."""
    rng = np.random.default_rng([seed, 7])
    groups = ("train_and_test", "train_only", "train_and_test", "test_only", "train_and_test")
    numbers = (rng.permutation(10 * len(makers) * works) + 1).tolist()
    rows: list[_Row] = []
    for position, maker in enumerate(makers):
        group = groups[position % len(groups)]
        held_out = {"train_only": 0, "test_only": works}.get(group, max(1, round(0.3 * works)))
        in_test = rng.permutation(works) < held_out
        for number in range(works):
            filename = f"{numbers.pop()}.jpg"
            train = not in_test[number]
            rows.append(_Row(_Work(maker, number), filename, group, train, maker.name))

    # Every fault falls on another painting; the second painter is train_only, the fourth test_only.
    trained, tested = works, 3 * works
    rows[trained] = replace(rows[trained], fault="truncated")
    rows[tested] = replace(rows[tested], fault="truncated")
    rows[trained + 1] = replace(rows[trained + 1], fault="empty")
    rows[trained + 2] = replace(rows[trained + 2], fault="missing")
    twice = rows[trained + 3]
    rows.append(
        replace(twice, filename=f"{numbers.pop()}.jpg", artist=makers[0].name, group=rows[0].group)
    )
    return [rows[i] for i in rng.permutation(len(rows))]


def _write_pbn(out: Path, rows: list[_Row], seed: int, size: tuple[int, int]) -> None:
    replacements = "replacements_for_corrupted_files"
    archives = ("train_2.zip", "test.zip", f"{replacements}.zip", "submission_info.csv.zip")
    if all((out / name).exists() for name in ("all_data_info.csv", *archives)):
        return
    drafts = out / _UNFINISHED
    for row in track(rows, "painting"):
        _make(row.work, drafts / row.filename, size)
    try:
        data = {row.filename: (drafts / row.filename).read_bytes() for row in rows}
    except OSError as error:
        raise output_error(drafts, error) from error

    for folder, in_train in (("train_2", True), ("test", False)):
        chosen = [row for row in rows if row.in_train == in_train and row.fault != "missing"]
        _write_zip(
            out / f"{folder}.zip",
            ((f"{folder}/{row.filename}", _suffer(data[row.filename], row)) for row in chosen),
        )
    _write_zip(
        out / f"{replacements}.zip",
        (
            (f"{replacements}/{'train' if r.in_train else 'test'}/{r.filename}", data[r.filename])
            for r in rows
            if r.fault == "truncated"
        ),
    )
    pairs = _csv(("index", "image1", "image2"), _submission(rows))
    _write_zip(out / "submission_info.csv.zip", [("submission_info.csv", pairs.encode())])
    records = [_record(row, len(data[row.filename]), seed, size) for row in rows]
    write_text(out / "all_data_info.csv", _csv(_COLUMNS, records))
    shutil.rmtree(drafts, ignore_errors=True)


def _suffer(data: bytes, row: _Row) -> bytes:
    if row.fault == "truncated":
        return data[: len(data) // 3]
    return b"" if row.fault == "empty" else data


def _submission(rows: list[_Row]) -> list[tuple[object, ...]]:
    """Every pair of test paintings within a style, numbered."""
    styles: dict[str, list[str]] = {}
    for row in rows:
        if not row.in_train:
            styles.setdefault(row.work.maker.school, []).append(row.filename)
    pairs = [pair for style in sorted(styles) for pair in combinations(styles[style], 2)]
    return [(index, *pair) for index, pair in enumerate(pairs)]


def _record(row: _Row, size_bytes: int, seed: int, size: tuple[int, int]) -> tuple[object, ...]:
    width, height = row.work.size(size)
    rng = np.random.default_rng([seed, row.work.subject, 8])
    year = "" if rng.random() < 0.25 else float(1900 + rng.integers(100))
    kind = KINDS[row.work.subject % len(KINDS)]
    title = f"{kind.capitalize()} no. {row.work.number + 1}"
    return (
        row.artist, year, kind, float(width), float(height), float(size_bytes), "atelier",
        row.work.maker.school, title, row.group, row.in_train, row.filename,
    )  # fmt: skip


def _csv(header: tuple[str, ...], records: Iterable[tuple[object, ...]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(records)
    return text.getvalue()


def _write_zip(target: Path, entries: Iterable[tuple[str, bytes]]) -> None:
    """Write an archive whose bytes depend on nothing but its entries."""
    with atomic_path(target) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, data in entries:
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
