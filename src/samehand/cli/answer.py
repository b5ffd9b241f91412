"""Commands that answer with a model: compare, score."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from samehand.cli.listed import Columns, Images, tell
from samehand.cli.options import (
    AsJson,
    Beside,
    Fast,
    File,
    Model,
    Prior,
    Threads,
    print_json,
    shown_name,
)
from samehand.errors import ModelError, OutputError
from samehand.records import OperatingPoint, Verdict

if TYPE_CHECKING:
    from samehand.serving.neighbours import Nearby
    from samehand.serving.verifier import SameHand


def compare(
    left: File,
    right: File,
    as_json: AsJson = False,
    prior: Prior = 0.5,
    operating_point: OperatingPoint = "eer",
    model: Model = None,
    fast: Fast = False,
    picture: Annotated[
        Path | None,
        typer.Option(help="Also draw both paintings and the verdict: .png, .jpg or .pdf."),
    ] = None,
    evidence: Annotated[
        Path | None,
        typer.Option(help="Also draw what the verdict rests on: .png, .jpg or .pdf."),
    ] = None,
    gallery: Beside = None,
    threads: Threads = None,
) -> None:
    """Say how strongly two images speak for one artist or two."""
    from samehand.images.save import check_picture_target
    from samehand.serving.verifier import SameHand

    for option, target in (("--picture", picture), ("--evidence", evidence)):
        if target is not None:
            check_picture_target(target)
        if target is not None and target.resolve() in (left.resolve(), right.resolve()):
            raise OutputError(f"{target} is one of the images itself; choose another {option}")
    if picture is not None and evidence is not None and picture.resolve() == evidence.resolve():
        raise OutputError(f"--picture and --evidence are both {picture}; name two files")
    if fast and evidence is not None:
        raise ModelError("evidence is set against all views; leave out --fast or --evidence")
    if fast and gallery is not None:
        raise ModelError("a gallery holds embeddings of all views; leave out --fast or --gallery")
    same_hand = SameHand(model, threads, fast=fast)
    verdict = same_hand.compare(left, right, prior=prior, operating_point=operating_point)
    near = _beside(same_hand, left, right, verdict, gallery, evidence)
    if picture is not None:
        from samehand.serving.picture import draw_comparison

        draw_comparison(left, right, verdict, picture)
    if as_json:
        names = {"left": os.fspath(left), "right": os.fspath(right)}
        found = {} if near is None else {"neighbours": near.to_dict()}
        print_json(names | verdict.to_dict() | found)
    else:
        print(_in_words(left, right, verdict))
        if near is not None:
            print(_nearby_in_words(left, right, near))


def score(
    pairs: File,
    out: Annotated[Path, typer.Option(help="The CSV to write.")],
    images: Images = None,
    column: Columns = None,
    prior: Prior = 0.5,
    operating_point: OperatingPoint = "eer",
    model: Model = None,
    fast: Fast = False,
    threads: Threads = None,
    skip_bad_images: Annotated[
        bool, typer.Option("--skip-bad-images", help="Leave their rows without a score.")
    ] = False,
    cache: Annotated[Path | None, typer.Option(help="Where embeddings are kept.")] = None,
) -> None:
    """Score a table of pairs with the columns left and right; every other column is kept."""
    from samehand.catalogue.headings import parse_columns
    from samehand.serving.embed import default_cache
    from samehand.serving.score import score_csv
    from samehand.serving.verifier import SameHand

    rows, unscored = score_csv(
        SameHand(model, threads, fast=fast),
        pairs,
        images,
        out,
        prior=prior,
        operating_point=operating_point,
        skip_bad_images=skip_bad_images,
        cache=cache or default_cache(),
        columns=parse_columns(column or ()),
        tell=tell,
    )
    without = f", {unscored:,} of them without a score" if unscored else ""
    print(f"wrote {rows:,} rows to {out}{without}")
    if rows and rows == unscored:
        raise typer.Exit(2)


def _beside(
    same_hand: "SameHand",
    left: Path,
    right: Path,
    verdict: Verdict,
    gallery: str | None,
    evidence: Path | None,
) -> "Nearby | None":
    """Return a gallery's works near both images, and draw the evidence, as far as asked for."""
    if gallery is None and evidence is None:
        return None
    from samehand.images.decode import decode_file
    from samehand.serving.evidence import find_evidence
    from samehand.serving.evidence_sheet import draw_evidence
    from samehand.serving.gallery import Gallery
    from samehand.serving.neighbours import nearby, with_nearby

    one, two = decode_file(left), decode_file(right)
    near = None
    if gallery is not None:
        with Gallery.open(gallery, same_hand.model) as opened:
            near = nearby(same_hand, one, two, opened)
    if evidence is not None:
        found = with_nearby(find_evidence(same_hand, one.image, two.image), near)
        draw_evidence(one.image, two.image, (left.name, right.name), verdict, found, evidence)
    return near


def _in_words(left: Path, right: Path, verdict: Verdict) -> str:
    from samehand.serving.words import claim_in_words, share

    lines = [
        f"{shown_name(left)}  |  {shown_name(right)}",
        "",
        f"{verdict.strength[0].upper()}{verdict.strength[1:]}.",
        claim_in_words(verdict.llr),
        "",
        f"  log10 likelihood ratio  {verdict.llr:+.2f}",
        *_within_a_style(verdict),
        f"  probability             {share(verdict.probability)} that one artist made both "
        f"(from {verdict.prior:.0%} before looking)",
        f"  decision                {verdict.decision} (operating point {verdict.operating_point}: "
        f"error rate {verdict.error_rate:.1%} on artists the model had never seen)",
        f"  model                   {verdict.model}, {verdict.seconds:.2f} s",
    ]
    lines += [f"  warning                 {warning}" for warning in verdict.warnings]
    return "\n".join(lines)


def _within_a_style(verdict: Verdict) -> list[str]:
    if verdict.llr_one_style is None:
        return []
    return [f"  if both of one style    {verdict.llr_one_style:+.2f}"]


def _nearby_in_words(left: Path, right: Path, near: "Nearby") -> str:
    from samehand.images.decode import printable
    from samehand.serving.neighbours import title_of

    lines = []
    for path, side in ((left, near.left), (right, near.right)):
        lines += ["", f"Nearest to {shown_name(path)} in the gallery {near.gallery}:"]
        lines += [
            printable(f"  {one.llr:+.2f}  {one.artist or 'unattributed'}, {title_of(one)}")
            for one in side
        ] or ["  no other work"]
    return "\n".join(lines)
