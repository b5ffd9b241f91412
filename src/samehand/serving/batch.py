"""One question to many images: answers are written as they come, and a repeated call goes on."""

import csv
import io
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samehand.errors import CatalogueError, ImageError, OutputError
from samehand.files import atomic_path, output_error
from samehand.progress import track

Answer = dict[str, Any]
"""What was found about one image, JSON-ready."""


@dataclass(frozen=True, slots=True)
class Table:
    """How a CSV file shows an answer.

    Attributes:
        columns: Between `probe` and `error`.
        rows: An answer's lines, each with values for some of the columns.
    """

    columns: tuple[str, ...]
    rows: Callable[[Answer], Sequence[Mapping[str, object]]]

    @property
    def header(self) -> list[str]:
        """Every column of the file."""
        return ["probe", *self.columns, "error"]


def read_probes(sources: Sequence[Path]) -> list[Path]:
    """Return the images that some arguments name, each once.

    Args:
        sources: Image files, folders of images, or CSV files with a column `path` (or `file`, or
            `filename`) of paths relative to the table.

    Raises:
        CatalogueError: A table or a folder names no image.
    """
    found: dict[Path, None] = {}
    for source in sources:
        if source.is_dir():
            images = images_below(source)
            if not images:
                raise CatalogueError(f"no images in {source}; name another folder")
            found.update(dict.fromkeys(images))
        elif source.suffix.lower() == ".csv":
            found.update(dict.fromkeys(_listed(source)))
        else:
            found[source] = None
    return list(found)


def images_below(folder: Path) -> list[Path]:
    """Return the image files anywhere below a folder, in alphabetical order."""
    from samehand.catalogue.sources import IMAGE_SUFFIXES

    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file()
    ]


def answer_all(
    probes: Sequence[Path],
    answer: Callable[[Path], Answer],
    out: Path,
    table: Table,
    label: str,
) -> tuple[int, dict[str, str]]:
    """Put a question to each image and append what was found to a file.

    Images that the file already has an answer for are passed over. An unreadable image gets a line
    with the reason, and the rest goes on.

    Args:
        probes: The images.
        answer: What to ask of each; raises ImageError for an unreadable one.
        out: A .csv or .jsonl file.
        table: How a CSV file shows an answer.
        label: What the progress bar says.

    Returns:
        How many were answered now, and why others could not be read, by path.

    Raises:
        OutputError: `out` cannot be written, or is of neither kind.
    """
    if out.suffix.lower() not in (".csv", ".jsonl"):
        raise OutputError(f"{out} is neither .csv nor .jsonl; choose one of the two for --out")
    if any(out.resolve() == probe.resolve() for probe in probes):
        raise OutputError(f"{out} is one of the images itself; choose another --out")
    is_csv = out.suffix.lower() == ".csv"
    done = _done(out, table if is_csv else None)
    answered, failed = 0, dict[str, str]()
    waiting = [probe for probe in probes if os.fspath(probe) not in done]
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with open(out, "a", encoding="utf-8", errors="surrogateescape", newline="") as sink:
            if is_csv and sink.tell() == 0:
                csv.writer(sink, lineterminator="\n").writerow(table.header)
            for probe in track(waiting, label, len(waiting)):
                name = os.fspath(probe)
                try:
                    found = {"probe": name} | answer(probe)
                    answered += 1
                except ImageError as error:
                    found = {"probe": name, "error": str(error)}
                    failed[name] = str(error)
                if is_csv:
                    sink.write(_csv_text(found, table))
                else:
                    sink.write(json.dumps(found, ensure_ascii=False) + "\n")
                sink.flush()
    except OSError as error:
        raise output_error(out, error) from error
    return answered, failed


def one_by_one(
    probes: Sequence[Path], answer: Callable[[Path], Answer]
) -> Iterator[tuple[Path, Answer | str]]:
    """Yield each image with what was found, or with why it cannot be read.

    A single image that cannot be read raises ImageError instead: nothing else is left to say.
    """
    for probe in probes:
        try:
            yield probe, answer(probe)
        except ImageError as error:
            if len(probes) == 1:
                raise
            yield probe, str(error)


def _listed(table: Path) -> list[Path]:
    from samehand.catalogue.manifest import FILE_COLUMNS, read_csv

    frame = read_csv(table)
    column = next((name for name in FILE_COLUMNS if name in frame.columns), None)
    if column is None:
        raise CatalogueError(
            f"{table} needs a column 'path' (or 'file' or 'filename'); it has "
            f"{', '.join(frame.columns)}"
        )
    return [table.parent / name for name in frame[column] if name]


def _done(out: Path, table: Table | None) -> set[str]:
    """Return which images a file has answers for, once a torn last answer is taken away."""
    if not out.exists():
        return set()
    try:
        text = out.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise output_error(out, error) from error
    whole = text[: text.rfind("\n") + 1]
    try:
        if table is not None:
            return _done_csv(out, whole, table)
        done = {json.loads(line)["probe"] for line in whole.splitlines() if line}
    except (ValueError, KeyError, TypeError, csv.Error) as error:
        raise OutputError(
            f"{out} exists and holds something else; choose another --out, or delete it"
        ) from error
    if whole != text:
        _rewrite(out, whole)
    return done


def _done_csv(out: Path, text: str, table: Table) -> set[str]:
    lines = [line for line in csv.reader(io.StringIO(text, newline="")) if line]
    if not lines:
        _rewrite(out, "")
        return set()
    if lines[0] != table.header:
        raise ValueError("other columns")
    # The last image may have had more lines, so it is asked again.
    last = lines[-1][0] if len(lines) > 1 else ""
    kept = [line for line in lines[1:] if line[0] != last]
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\n").writerows([table.header, *kept])
    _rewrite(out, buffer.getvalue())
    return {line[0] for line in kept}


def _rewrite(out: Path, text: str) -> None:
    with atomic_path(out) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="surrogateescape", newline="")


def _csv_text(found: Answer, table: Table) -> str:
    error = found.get("error", "")
    rows = [{}] if error else list(table.rows(found)) or [{}]
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, table.header, lineterminator="\n")
    for row in rows:
        writer.writerow({"probe": found["probe"], "error": error} | dict(row))
    return buffer.getvalue()
