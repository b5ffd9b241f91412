"""The command line: thin commands over the packages, heavy imports inside them.

Exit codes: 0 done, 2 a mistake the user can mend (one sentence on standard error), 130 interrupted.
"""

import io
import json
import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from samehand.errors import MissingExtraError, OutputError, SamehandError
from samehand.records import OperatingPoint, Verdict


class _Commands(TyperGroup):
    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401
        """Run a command; Typer alone would leave an interrupted one without a word."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as stop:
            print("interrupted", file=sys.stderr)
            raise typer.Exit(130) from stop


app = typer.Typer(
    name="samehand",
    cls=_Commands,
    help="Were these two paintings made by the same artist?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


Model = Annotated[
    str | None, typer.Option(help="A model folder or a built-in name; the shipped model if absent.")
]
# Typer's own check of permissions would answer in other words than decoding does.
File = Annotated[Path, typer.Argument(readable=False)]
Prior = Annotated[float, typer.Option(help="P(same artist) before looking, between 0 and 1.")]
Threads = Annotated[int | None, typer.Option(min=1, help="CPU threads; all if absent.")]
Catalogue = Annotated[Path, typer.Option(help="A folder made by `samehand prepare`.")]


def _show_version(wanted: bool) -> None:
    if wanted:
        from samehand import __version__

        print(__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show it.")
    ] = False,
) -> None:
    """Were these two paintings made by the same artist?"""


@app.command()
def compare(
    left: File,
    right: File,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    prior: Prior = 0.5,
    operating_point: OperatingPoint = "eer",
    model: Model = None,
    picture: Annotated[
        Path | None, typer.Option(help="Also write a PNG of both paintings and the verdict.")
    ] = None,
    threads: Threads = None,
) -> None:
    """Say how strongly two images speak for one artist or two."""
    from samehand.serving.verifier import SameHand

    if picture is not None and picture.resolve() in (left.resolve(), right.resolve()):
        raise OutputError(f"{picture} is one of the images itself; choose another --picture")
    verdict = SameHand(model, threads).compare(
        left, right, prior=prior, operating_point=operating_point
    )
    if picture is not None:
        from samehand.serving.picture import draw_comparison

        draw_comparison(left, right, verdict, picture)
    if as_json:
        names = {"left": os.fspath(left), "right": os.fspath(right)}
        _print_json(names | verdict.to_dict())
    else:
        print(_in_words(left, right, verdict))


@app.command()
def prepare(
    kind: Literal["pbn", "folder", "csv", "parquet"],
    source: Path,
    out: Annotated[Path, typer.Option(help="The catalogue's folder.")],
    split: Annotated[
        Literal["pbn", "artist-disjoint", "image-level", "given"] | None,
        typer.Option(help="How to divide the paintings; absent, what suits the source."),
    ] = None,
    images: Annotated[
        Path | None, typer.Option(help="The folder that a manifest's paths are relative to.")
    ] = None,
    max_side: Annotated[int, typer.Option(min=1, help="Longest cached side in pixels.")] = 640,
    validation_artists: Annotated[
        int, typer.Option(min=1, help="Artists held out for validation and calibration.")
    ] = 60,
    seed: Annotated[int, typer.Option(min=0, help="Decides the split.")] = 0,
) -> None:
    """Read a collection, repair it, find duplicates, and write a catalogue with its images."""
    from samehand.catalogue.prepare import prepare as build

    report = build(
        kind,
        source,
        out,
        split=split,
        seed=seed,
        images=images,
        max_side=max_side,
        validation_artists=validation_artists,
    )
    for name, count in report.splits.items():
        print(f"{name:<12}{count['paintings']:>8,} paintings by {count['artists']:>6,} artists")
    print(
        f"repaired {len(report.repaired)}, unreadable {len(report.unreadable)}, missing "
        f"{len(report.missing)}, duplicates {len(report.duplicates)}, contested attributions "
        f"{len(report.contested)}: see {out / 'prepare-report.md'}"
    )


@app.command()
def atelier(
    out: Path,
    painters: Annotated[int, typer.Option(min=1, help="How many painters.")] = 20,
    works: Annotated[int, typer.Option(min=1, help="Paintings of each.")] = 12,
    layout: Annotated[
        Literal["folder", "pbn"], typer.Option(help="A folder an artist, or competition files.")
    ] = "folder",
    size: Annotated[int, typer.Option(min=32, help="About so many pixels a side.")] = 256,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, other painters.")] = 0,
) -> None:
    """Paint a synthetic collection with known makers, to try everything without data."""
    from samehand.atelier import build_atelier

    build_atelier(out, painters=painters, works=works, seed=seed, layout=layout, size=(size, size))
    print(f"painted {painters * works:,} works by {painters} synthetic painters into {out}")


@app.command()
def score(
    pairs: File,
    images: Annotated[Path, typer.Option(help="The folder that `left` and `right` refer to.")],
    out: Annotated[Path, typer.Option(help="The CSV to write.")],
    prior: Prior = 0.5,
    operating_point: OperatingPoint = "eer",
    model: Model = None,
    threads: Threads = None,
    skip_bad_images: Annotated[
        bool, typer.Option("--skip-bad-images", help="Leave their rows without a score.")
    ] = False,
    cache: Annotated[Path | None, typer.Option(help="Where embeddings are kept.")] = None,
) -> None:
    """Score a CSV of pairs with the columns left and right; every other column is kept."""
    from samehand.serving.embed import default_cache
    from samehand.serving.score import score_csv
    from samehand.serving.verifier import SameHand

    rows, unscored = score_csv(
        SameHand(model, threads),
        pairs,
        images,
        out,
        prior=prior,
        operating_point=operating_point,
        skip_bad_images=skip_bad_images,
        cache=cache or default_cache(),
    )
    without = f", {unscored:,} of them without a score" if unscored else ""
    print(f"wrote {rows:,} rows to {out}{without}")


@app.command()
def protocol(
    catalogue: Catalogue,
    out: Annotated[Path, typer.Option(help="The .parquet file to write.")],
    split: Annotated[
        Literal["train", "validation", "test"], typer.Option(help="Whose paintings.")
    ] = "test",
    artists: Annotated[
        Literal["unseen", "seen", "all"] | None,
        typer.Option(help="Known from training or not; absent, unseen ones."),
    ] = None,
    within_style: Annotated[
        bool, typer.Option("--within-style", help="Only pairs, or drawn impostors, of one style.")
    ] = False,
    impostors: Annotated[
        int | None,
        typer.Option(min=1, help="Draw so many impostor pairs; absent, as genuine."),
    ] = None,
    genuine: Annotated[
        int | None, typer.Option(min=1, help="Draw so many genuine pairs; with neither, list all.")
    ] = None,
    submission: Annotated[
        Path | None, typer.Option(help="Use the pairs of a submission_info.csv or its zip.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seeds the draw.")] = 0,
) -> None:
    """Freeze a hashed list of test pairs."""
    from samehand.catalogue.schema import load_catalogue
    from samehand.files import sha256_file
    from samehand.pairs.choose import choose_pairs
    from samehand.pairs.protocol import write_protocol

    table = load_catalogue(catalogue)
    draft, description = choose_pairs(
        table,
        split=split,
        artists=artists,
        within_style=within_style,
        genuine=genuine,
        impostors=impostors,
        submission=submission,
        seed=seed,
    )
    digest = sha256_file(catalogue / "catalogue.parquet")
    header = write_protocol(out, draft, description=description, catalogue_sha256=digest)
    print(
        f"wrote {header.pairs:,} pairs ({header.genuine:,} genuine) of {header.paintings:,} "
        f"paintings by {header.artists:,} artists to {out} (hash {header.content_hash[:16]})"
    )


@app.command()
def train(
    recipe: Path,
    catalogue: Catalogue,
    out: Annotated[Path, typer.Option(help="The run folder; an interrupted run continues.")],
) -> None:
    """Train a recipe; the same command continues an interrupted run."""
    with _extra("training", "train"):
        from samehand.training.loop import Interrupted
        from samehand.training.recipe import load_recipe
        from samehand.training.train import train as run_recipe
    try:
        history = run_recipe(load_recipe(recipe), catalogue, out)
    except Interrupted as stop:
        print(f"interrupted; the same command continues from {out}", file=sys.stderr)
        raise typer.Exit(130) from stop
    print(f"trained {len(history)} epochs; next: samehand export {out} --catalogue {catalogue}")


@app.command()
def export(
    run: Path,
    catalogue: Catalogue,
    out: Annotated[Path, typer.Option(help="The model folder to make.")],
) -> None:
    """Turn a trained run into a calibrated model folder that serves without PyTorch."""
    with _extra("exporting", "train"):
        from samehand.training.release import export as release
    config = release(run, catalogue, out)
    artists = config.calibration.artists
    print(f"exported {config.name} to {out}, calibrated on {artists} held-out artists")


@app.command()
def evaluate(
    protocol: Path,
    catalogue: Catalogue,
    out: Annotated[Path, typer.Option(help="The folder for the report and its pictures.")],
    model: Model = None,
    baseline: Annotated[
        list[str] | None,
        typer.Option(help="Also measure colour-histogram or frozen:BACKBONE; may be repeated."),
    ] = None,
    replicates: Annotated[int, typer.Option(min=1, help="Bootstrap draws.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Seeds the bootstrap.")] = 0,
    card: Annotated[
        bool, typer.Option("--card", help="Write the figures into the model folder's card, too.")
    ] = False,
    threads: Threads = None,
) -> None:
    """Measure a model's error rates on a protocol, with intervals over artists."""
    with _extra("evaluation", "evaluate"):
        from samehand.evaluation.evaluate import evaluate as measure
        from samehand.evaluation.report import markdown_report, write_report
    from samehand.serving.verifier import SameHand

    verifier = SameHand(model, threads)
    found = measure(
        verifier,
        catalogue,
        protocol,
        baselines=baseline or (),
        replicates=replicates,
        seed=seed,
    )
    command = _command_line()
    write_report(found, out, catalogue=catalogue, command=command)
    markdown = markdown_report(found, command)
    if card:
        from samehand.files import write_text
        from samehand.serving.card import model_card

        write_text(verifier.model.path / "README.md", model_card(verifier.model.config, markdown))
    print(markdown)
    print(f"wrote {out}/report.md, report.json and pictures", file=sys.stderr)


@contextmanager
def _extra(task: str, extra: str) -> Iterator[None]:
    """Say which optional packages a command needs, where an import of one fails."""
    try:
        yield
    except ImportError as error:
        raise MissingExtraError(task, extra) from error


def _rounded(times: float) -> str:
    """Return a ratio to two digits, never in exponents: 1.8, 23, 110, 1,800."""
    return f"{times:.1f}" if times < 9.95 else f"{float(f'{times:.2g}'):,.0f}"


def _in_words(left: Path, right: Path, verdict: Verdict) -> str:
    times = 10 ** abs(verdict.llr)
    claim, rival = "one artist made both", "two artists did"
    if verdict.llr < 0:
        claim, rival = "two artists made them", "one did"
    lines = [
        f"{_name(left)}  |  {_name(right)}",
        "",
        f"{verdict.strength[0].upper()}{verdict.strength[1:]}.",
        f"The images are {_rounded(times)} times as likely if {claim} as if {rival}.",
        "",
        f"  log10 likelihood ratio  {verdict.llr:+.2f}",
        f"  probability             {verdict.probability:.0%} that one artist made both "
        f"(from {verdict.prior:.0%} before looking)",
        f"  decision                {verdict.decision} (operating point {verdict.operating_point}: "
        f"error rate {verdict.error_rate:.1%} on artists the model had never seen)",
        f"  model                   {verdict.model}, {verdict.seconds:.2f} s",
    ]
    lines += [f"  warning                 {warning}" for warning in verdict.warnings]
    return "\n".join(lines)


def _name(path: Path) -> str:
    from samehand.images.decode import printable

    return printable(path.name)


def _print_json(values: dict[str, object]) -> None:
    print(json.dumps(values, indent=2))


def _command_line() -> str:
    return shlex.join(["samehand", *sys.argv[1:]])


def main() -> None:
    """Run the command line and turn every user mistake into one sentence and exit code 2."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A file name that is not UTF-8 must not break the terminal it is printed on.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        try:
            app(prog_name="samehand")
        finally:
            sys.stdout.flush()
    except SamehandError as error:
        _fail(str(error))
    except BrokenPipeError:
        _discard_output()
        sys.exit(1)
    except OSError as error:
        from samehand.files import output_error

        if error.filename is None:
            _discard_output()
        _fail(str(output_error(error.filename or "the output", error)))


def _discard_output() -> None:
    """Keep Python from complaining, while it exits, of a standard output nobody can write to."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(message: str) -> None:
    from samehand.images.decode import printable

    print(f"samehand: {printable(message)}", file=sys.stderr)
    sys.exit(2)
