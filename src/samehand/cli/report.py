"""The commands that file an answer: report, manifest."""

import contextlib
import datetime
from pathlib import Path
from typing import Annotated

import typer

from samehand.cli.listed import Columns, Images, References, listed
from samehand.cli.options import Beside, Model, Picture, Point, Prior, Threads, say
from samehand.errors import OutputError, SamehandError
from samehand.files import printable


def report(
    left: Picture,
    out: Annotated[Path, typer.Option("--out", "-o", help="The .html or .pdf file to write.")],
    right: Annotated[
        Path | None,
        typer.Argument(readable=False, help="Another image file; none with --references."),
    ] = None,
    references: References = None,
    prior: Prior = 0.5,
    operating_point: Point = "eer",
    gallery: Beside = None,
    images: Images = None,
    column: Columns = None,
    model: Model = None,
    date: Annotated[
        str | None, typer.Option(help="The date on the report; today if absent.")
    ] = None,
    case: Annotated[
        Path | None,
        typer.Option(help="A TOML file on the case: object, question, operator and so on."),
    ] = None,
    threads: Threads = None,
) -> None:
    """Write the report on two paintings, or on one and works by one artist (--references).

    It holds the verdict, its evidence, its limits, and how to reproduce it.
    """
    from samehand.files import short_names
    from samehand.gallery import Gallery
    from samehand.reporting.case import read_case
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
    about = None if case is None else read_case(case)
    same_hand = SameHand(model, threads)
    if right is None:
        probe, *names = short_names([left, *others])
        html = references_report(
            same_hand,
            same_hand.open(left, probe),
            [same_hand.open(path, name) for path, name in zip(others, names, strict=True)],
            date=day,
            case=about,
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
                same_hand.open(left, printable(left.name)),
                same_hand.open(right, printable(right.name)),
                date=day,
                case=about,
                prior=prior,
                operating_point=operating_point,
                gallery=beside,
            )
    write_report(html, out)
    say(f"wrote {out}")


def manifest(
    left: Picture,
    right: Picture,
    out: Annotated[Path, typer.Option("--out", "-o", help="The .json file to write.")],
    base: Annotated[
        str,
        typer.Option(help="The address of the folder in which the files will be published."),
    ],
    prior: Prior = 0.5,
    operating_point: Point = "eer",
    gallery: Annotated[
        str | None,
        typer.Option(help="Take titles, numbers and decisions from a gallery that holds them."),
    ] = None,
    model: Model = None,
    threads: Threads = None,
) -> None:
    """Write a IIIF manifest of two paintings, with the evidence marked on both.

    It is a IIIF Presentation 3 manifest; the two pictures are written beside it.
    """
    from samehand.explain.evidence import full_verdict
    from samehand.gallery import Gallery
    from samehand.gallery.decisions import described
    from samehand.reporting.manifest import check_manifest, write_manifest
    from samehand.verification.verifier import SameHand

    check_manifest(out, base)
    same_hand = SameHand(model, threads)
    pair = (
        same_hand.open(left, printable(left.name)),
        same_hand.open(right, printable(right.name)),
    )
    digests = tuple(one.sha256 for one in pair)
    works, decided = {}, []
    if gallery is not None:
        with Gallery.open(gallery) as opened:
            works = described(opened.store, digests)
            decided = [
                one
                for one in opened.decisions().decisions
                if {one.first.sha256, one.second.sha256} == {*digests}
            ]
    verdict = full_verdict(same_hand, *pair, prior=prior, operating_point=operating_point)
    written = write_manifest(
        out, base, verdict, pair, (works.get(digests[0]), works.get(digests[1])), decided
    )
    say(f"wrote {', '.join(map(str, written))}; publish them in {base}")
