"""The command that files an answer: report."""

import datetime
from pathlib import Path
from typing import Annotated

import typer

from samehand.cli.options import File, Model, Prior, Threads
from samehand.errors import OutputError
from samehand.records import OperatingPoint


def report(
    left: File,
    right: File,
    out: Annotated[Path, typer.Option("--out", "-o", help="The .html or .pdf file to write.")],
    prior: Prior = 0.5,
    operating_point: OperatingPoint = "eer",
    model: Model = None,
    date: Annotated[
        str | None, typer.Option(help="What stands on the report; today if absent.")
    ] = None,
    threads: Threads = None,
) -> None:
    """Write the report on two paintings: verdict, evidence, limits, and how to reproduce it."""
    from samehand.reporting.pair import pair_report
    from samehand.reporting.works import read_work
    from samehand.reporting.write import check_target, write_report
    from samehand.serving.verifier import SameHand

    check_target(out)
    if out.resolve() in (left.resolve(), right.resolve()):
        raise OutputError(f"{out} is one of the images itself; choose another --out")
    works = read_work(left), read_work(right)
    html = pair_report(
        SameHand(model, threads),
        *works,
        date=date or datetime.datetime.now().astimezone().date().isoformat(),
        prior=prior,
        operating_point=operating_point,
    )
    write_report(html, out)
    print(f"wrote {out}")
