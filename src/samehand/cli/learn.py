"""Commands that make and measure models: train, export, background, evaluate."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from samehand.cli.options import Catalogue, Model, Threads, command_line, extra


def train(
    recipe: Path,
    catalogue: Catalogue,
    out: Annotated[Path, typer.Option(help="The run folder; an interrupted run continues.")],
) -> None:
    """Train a recipe; the same command continues an interrupted run."""
    with extra("training", "train"):
        from samehand.training.loop import Interrupted
        from samehand.training.recipe import load_recipe
        from samehand.training.train import train as run_recipe
    try:
        history = run_recipe(load_recipe(recipe), catalogue, out)
    except Interrupted as stop:
        print(f"interrupted; the same command continues from {out}", file=sys.stderr)
        raise typer.Exit(130) from stop
    print(f"trained {len(history)} epochs; next: samehand export {out} --catalogue {catalogue}")


def export(
    run: Path,
    catalogue: Catalogue,
    out: Annotated[Path, typer.Option(help="The model folder to make.")],
) -> None:
    """Turn a trained run into a calibrated model folder that serves without PyTorch."""
    with extra("exporting", "train"):
        from samehand.training.release import export as release
    config = release(run, catalogue, out)
    artists = config.calibration.artists
    print(f"exported {config.name} to {out}, calibrated on {artists} held-out artists")


def background(model: Path, catalogue: Catalogue, threads: Threads = None) -> None:
    """Add what evidence is set against to an exported model; `export` has done it already."""
    from samehand.training.background import build_background

    made = build_background(model, catalogue, threads)
    print(
        f"wrote {len(made.regions):,} regions of training paintings and the scores of "
        f"{int(made.genuine.sum() + made.impostor.sum()):,} calibration pairs into {model}"
    )


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
    with extra("evaluation", "evaluate"):
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
    command = command_line()
    write_report(found, out, catalogue=catalogue, command=command)
    markdown = markdown_report(found, command)
    if card:
        from samehand.files import write_text
        from samehand.serving.card import model_card

        write_text(verifier.model.path / "README.md", model_card(verifier.model.config, markdown))
    print(markdown)
    print(f"wrote {out}/report.md, report.json and pictures", file=sys.stderr)
