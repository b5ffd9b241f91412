"""The command that files an answer: report."""

import contextlib
import datetime
from pathlib import Path
from typing import Annotated

import typer

from samehand.cli.listed import Columns, Images, References, listed
from samehand.cli.options import Beside, File, Model, Prior, Threads
from samehand.errors import OutputError, SamehandError
from samehand.records import OperatingPoint


def report(
    left: File,
    out: Annotated[Path, typer.Option("--out", "-o", help="The .html or .pdf file to write.")],
    right: Annotated[Path | None, typer.Argument(readable=False)] = None,
    references: References = None,
    prior: Prior = 0.5,
    operating_point: OperatingPoint = "eer",
    gallery: Beside = None,
    images: Images = None,
    column: Columns = None,
    model: Model = None,
    date: Annotated[
        str | None, typer.Option(help="The date on the report; today if absent.")
    ] = None,
    threads: Threads = None,
) -> None:
    """Write the report on two paintings, or on one and works by one artist (--references).

    It holds the verdict, its evidence, its limits, and how to reproduce it.
    """
    from samehand.gallery import Gallery
    from samehand.reporting.pair import pair_report
    from samehand.reporting.references import references_report
    from samehand.reporting.write import check_target, write_report
    from samehand.verification.verifier import SameHand

    if (right is None) == (not references):
        raise SamehandError("a report is on a second image or on --references; give one of the two")
    if right is None and gallery is not None:
        raise SamehandError(
            "--gallery goes with a second image; samehand identify sets one image against a gallery"
        )
    check_target(out)
    others = listed(references, images, column).files() if references else []
    pictures = [left, *others] if right is None else [left, right]
    if out.resolve() in [path.resolve() for path in pictures]:
        raise OutputError(f"{out} is one of the images itself; choose another --out")
    day = date or datetime.datetime.now().astimezone().date().isoformat()
    same_hand = SameHand(model, threads)
    if right is None:
        # Files of one name in several folders are told apart by their paths.
        html = references_report(
            same_hand,
            same_hand.open(left),
            [same_hand.open(path) for path in others],
            date=day,
            prior=prior,
            operating_point=operating_point,
        )
    else:
        with contextlib.ExitStack() as closing:
            beside = None
            if gallery is not None:
                beside = closing.enter_context(Gallery.open(gallery, same_hand))
            html = pair_report(
                same_hand,
                same_hand.open(left, left.name),
                same_hand.open(right, right.name),
                date=day,
                prior=prior,
                operating_point=operating_point,
                gallery=beside,
            )
    write_report(html, out)
    print(f"wrote {out}")
