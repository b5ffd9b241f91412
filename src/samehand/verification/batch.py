"""One question to many images: answers are written as they come; rerun to resume."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samehand.errors import ImageError, OutputError
from samehand.progress import track
from samehand.verification.output import Answer, Table, file_state, open_output, record_path


@dataclass(frozen=True, slots=True)
class Batch:
    """What asking about many images came to.

    Attributes:
        answered: Images that were answered now.
        before: Images that the file had an answer for already.
        failed: Why others could not be read, now or before, by path.
    """

    answered: int
    before: int
    failed: dict[str, str]


def answer_all(
    probes: Sequence[Path],
    answer: Callable[[Path], Answer],
    out: Path,
    table: Table,
    question: Mapping[str, Any],
    label: str,
) -> Batch:
    """Put a question to each image and append what was found to a file.

    Images that the file already has an answer for are skipped, unless their files have changed
    since. An unreadable image gets a line with the reason, and the rest are answered.

    Args:
        probes: The images.
        answer: What to ask of each; raises ImageError for an unreadable one.
        out: A .csv or .jsonl file.
        table: How a CSV file shows an answer.
        question: Everything that decides the answers; `out` must not answer another question.
        label: What the progress bar says.

    Raises:
        OutputError: `out` cannot be written, is of neither kind, or answers another question.
    """
    taken = {out.resolve(), record_path(out).resolve()}
    if any(probe.resolve() in taken for probe in probes):
        raise OutputError(f"{out} is one of the images itself; choose another --out")
    names = {os.fspath(probe): probe for probe in probes}
    answered = 0
    with open_output(out, question, names, table) as (output, before):
        there = names.keys() & (before.answered | before.failed.keys())
        failed = {name: before.failed[name] for name in names if name in before.failed}
        waiting = [name for name in names if name not in there]
        for name in track(waiting, label, len(waiting)):
            state = file_state(name)
            try:
                found = {"probe": name} | answer(names[name])
                answered += 1
            except ImageError as error:
                found = {"probe": name, "error": str(error)}
                failed[name] = str(error)
            output.write(found, state)
    return Batch(answered, len(names.keys() & before.answered), failed)


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
