"""`python -m benchmarks.validation`: see `report.py`."""

import os
import shlex
import sys
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from benchmarks.validation.copies import KINDS, make_copies
from benchmarks.validation.criteria import Metric
from benchmarks.validation.measure import (
    Answers,
    answer,
    coherence,
    figures,
    promises,
    read_set,
    within_style,
)
from benchmarks.validation.plots import draw_all
from benchmarks.validation.report import Row, validation_report
from benchmarks.validation.sets import make_sets
from samehand.errors import SamehandError
from samehand.files import write_text
from samehand.verification.verifier import SameHand

_LEAST_GENUINE = 100
"""Fewer pairs by one artist say too little of a style to stand in a row of its own."""

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.command()
def sets(
    catalogue: Annotated[Path, typer.Option(help="Of Painter by Numbers, made by prepare.")],
    more: Annotated[Path, typer.Option(help="The folder of further pictures.")],
    natural: Annotated[Path, typer.Option(help="The folder of the museum's photographs.")],
    out: Annotated[Path, typer.Option(help="The folder to fill.")],
) -> None:
    """Write the tables of the test sets, and the copies of their pictures."""
    for table in make_sets(catalogue, more, natural, out):
        print(f"wrote {table}")


@app.command()
def copies(
    table: Path,
    kind: Annotated[str, typer.Argument(help=f"One of {', '.join(KINDS)}.")],
    out: Path,
    images: Annotated[Path | None, typer.Option()] = None,
) -> None:
    """Make copies of a table's pictures: recaptured, greyscale or small."""
    print(f"wrote {make_copies([table], images, kind, out)}")


@app.command()
def report(
    data: Annotated[
        list[str],
        typer.Argument(
            metavar="ROLE:NAME=TABLE...",
            help="Data sets, such as 'accuracy:photographs=works.csv'; ROLE is accuracy, "
            "robustness or generalisation. Copies of the accuracy set before them are set "
            "against it.",
        ),
    ],
    out: Annotated[Path, typer.Option(help="The page to write.")],
    model: Annotated[str | None, typer.Option()] = None,
    note: Annotated[list[str] | None, typer.Option(help="What to say of the data.")] = None,
    cache: Annotated[Path | None, typer.Option(help="Where embeddings are kept.")] = None,
    threads: Annotated[int | None, typer.Option()] = None,
) -> None:
    """Measure a model on data sets and write the validation report."""
    # Variables stand for folders, in the command as the page prints it too.
    same_hand = SameHand(model and os.path.expandvars(model), threads)
    kept = None if cache is None else Path(os.path.expandvars(cache))
    rows: list[Row] = []
    answers: dict[str, Answers] = {}
    originals: Answers | None = None
    for one in data:
        role, _, rest = one.partition(":")
        name, _, place = rest.partition("=")
        pictures = read_set(same_hand, name, Path(os.path.expandvars(place)), None, kept)
        found = answers[name] = answer(same_hand, pictures)
        measured: dict[Metric, float] = dict(figures(found))
        if role == "accuracy":
            originals = found
            ratio = coherence(same_hand, pictures)
            if ratio is not None:
                measured["Cllr with five references over Cllr with one"] = ratio
        if role == "robustness" and originals is not None:
            least = figures(originals)["minimum Cllr"]
            measured["minimum Cllr above that of the originals"] = measured["minimum Cllr"] - least
        rows.append(Row(name, role, _described(found), measured, promises(found)))
        if role != "robustness":
            rows += _generalisation(name, found)
    if not rows:
        raise SamehandError("name at least one data set")
    folder = out.parent / "images"
    plots = draw_all(answers, folder)
    command = shlex.join(["python", "-m", "benchmarks.validation", *sys.argv[1:]])
    write_text(
        out,
        validation_report(same_hand.folder.identity, command, rows, plots, note or [], folder.name),
    )
    print(f"wrote {out}")


def _described(found: Answers) -> str:
    return (
        f"{found.pictures:,} pictures by {found.artists} artists; {found.same.sum():,} pairs by "
        f"one, {(~found.same).sum():,} by two; {found.refused.mean():.1%} refused"
    )


def _generalisation(name: str, found: Answers) -> list[Row]:
    """Return a row for each style with pairs enough, and one for all pairs within a style."""
    rows = []
    both = [mask for mask in found.styles.values() if found.same[mask].sum() >= _LEAST_GENUINE]
    if both and np.isfinite(found.llrs_one_style).any():
        mask = found.same_style
        rows.append(
            Row(
                f"{name}, pairs of one style, read within a style",
                "generalisation",
                f"{found.same[mask].sum():,} pairs by one, {(~found.same)[mask].sum():,} by two",
                within_style(found),
                promises(found, mask, in_style=True),
            )
        )
    return rows


if __name__ == "__main__":
    try:
        app()
    except SamehandError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from error
