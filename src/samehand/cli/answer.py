"""Commands that answer with a model: compare, score."""

import contextlib
from pathlib import Path
from typing import Annotated

import typer

from samehand.cli.listed import Columns, Images, tell
from samehand.cli.listing import print_fitted
from samehand.cli.options import (
    AsJson,
    Beside,
    Fast,
    Model,
    Picture,
    Point,
    Prior,
    Threads,
    print_json,
    say,
    shown_name,
    tell_written,
)
from samehand.errors import ModelError, OutputError
from samehand.plural import counted
from samehand.results import Verdict


def compare(
    left: Picture,
    right: Picture,
    as_json: AsJson = False,
    prior: Prior = 0.5,
    operating_point: Point = "eer",
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
    from samehand.verification.verifier import SameHand

    _check_targets(left, right, picture, evidence)
    if fast and evidence is not None:
        raise ModelError("evidence is set against all views; leave out --fast or --evidence")
    if fast and gallery is not None:
        raise ModelError("a gallery holds embeddings of all views; leave out --fast or --gallery")
    same_hand = SameHand(model, threads, fast=fast)
    one, two = same_hand.open(left), same_hand.open(right)
    if gallery is None and evidence is None:
        verdict = same_hand.compare(one, two, prior=prior, operating_point=operating_point)
    else:
        from samehand.explain.evidence import full_verdict

        with contextlib.ExitStack() as closing:
            beside = None
            if gallery is not None:
                from samehand.gallery import Gallery

                beside = closing.enter_context(Gallery.open(gallery, same_hand))
            verdict = full_verdict(
                same_hand,
                one,
                two,
                prior=prior,
                operating_point=operating_point,
                evidence=evidence is not None,
                gallery=beside,
            )
    if evidence is not None:
        from samehand.explain.evidence_sheet import draw_evidence

        draw_evidence(one, two, verdict, evidence)
        tell_written(evidence)
    if picture is not None:
        from samehand.explain.picture import draw_comparison

        draw_comparison(one, two, verdict, picture)
        tell_written(picture)
    if as_json:
        print_json(verdict.to_dict())
    else:
        print_fitted(_in_words(verdict))


def _check_targets(left: Path, right: Path, picture: Path | None, evidence: Path | None) -> None:
    """Refuse pictures that would overwrite something, before minutes are spent on them."""
    from samehand.images.save import check_picture_target

    for option, target in (("--picture", picture), ("--evidence", evidence)):
        if target is None:
            continue
        check_picture_target(target)
        if target.resolve() in (left.resolve(), right.resolve()):
            raise OutputError(f"{target} is one of the images itself; choose another {option}")
    if picture is not None and evidence is not None and picture.resolve() == evidence.resolve():
        raise OutputError(f"--picture and --evidence are both {picture}; name two files")


def score(
    pairs: Annotated[
        Path, typer.Argument(readable=False, help="A table with the columns left and right.")
    ],
    out: Annotated[Path, typer.Option(help="The CSV to write.")],
    images: Images = None,
    column: Columns = None,
    prior: Prior = 0.5,
    operating_point: Point = "eer",
    model: Model = None,
    fast: Fast = False,
    threads: Threads = None,
    skip_bad_images: Annotated[
        bool,
        typer.Option(
            "--skip-bad-images",
            help="Leave rows of unreadable images without a score; their warnings say why.",
        ),
    ] = False,
    cache: Annotated[Path | None, typer.Option(help="Where embeddings are kept.")] = None,
) -> None:
    """Score a table of pairs with the columns left and right; every other column is kept."""
    from samehand.catalogue.headings import parse_columns
    from samehand.model.embed import default_cache
    from samehand.verification.score import score_csv
    from samehand.verification.verifier import SameHand

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
    say(f"wrote {counted(rows, 'row')} to {out}{without}")
    if rows and rows == unscored:
        raise typer.Exit(2)


def _in_words(verdict: Verdict) -> str:
    from samehand.explain.words import (
        claim_in_words,
        error_rate_in_words,
        interval_in_words,
        one_style_in_words,
        share,
    )

    rate = error_rate_in_words(
        verdict.error_rate, verdict.condition, verdict.measured_on, verdict.refusal
    )
    between = interval_in_words(verdict.llr_interval)

    lines = [
        f"{shown_name(verdict.left)}  |  {shown_name(verdict.right)}",
        "",
        f"{verdict.strength[0].upper()}{verdict.strength[1:]}.",
        claim_in_words(verdict.llr),
        "",
        f"  log10 likelihood ratio  {verdict.llr:+.2f}"
        + (f" ({between} with other calibration artists)" if between else ""),
    ]
    if verdict.llr_one_style is not None:
        decided = one_style_in_words(verdict.decision_one_style, verdict.error_rate_one_style)
        within = f"{verdict.llr_one_style:+.2f}" + (f" ({decided})" if decided else "")
        lines.append(f"  if both of one style    {within}")
    lines += [
        f"  probability             {share(verdict.probability)} that one artist made both "
        f"(from {verdict.prior:.0%} before looking)",
        f"  decision                {verdict.decision} (operating point {verdict.operating_point})",
        f"  error rate              {rate}",
        f"  model                   {verdict.model}, {verdict.seconds:.2f} s",
    ]
    lines += [f"  warning                 {warning}" for warning in verdict.warnings]
    return "\n".join(lines + _nearby_in_words(verdict))


def _nearby_in_words(verdict: Verdict) -> list[str]:
    from samehand.explain.words import title_of
    from samehand.files import printable

    near = verdict.neighbours
    if near is None:
        return []
    lines = []
    for name, side in ((verdict.left, near.left), (verdict.right, near.right)):
        lines += ["", f"Nearest to {shown_name(name)} in the gallery {near.gallery}:"]
        lines += [
            printable(f"  {one.llr:+.2f}  {one.artist or 'unattributed'}, {title_of(one)}")
            for one in side
        ] or ["  no other work"]
    return lines
