"""Commands that make and measure models: train, export, background, evaluate."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from samehand.cli.options import (
    Catalogue,
    Fast,
    Model,
    Threads,
    command_line,
    extra,
    print_next,
    say,
)
from samehand.errors import ModelError
from samehand.plural import counted


def train(
    recipe: Annotated[
        Path,
        typer.Argument(
            help="A TOML file, as in the folder recipes/; docs/recipe-keys.md lists its keys."
        ),
    ],
    catalogue: Catalogue,
    out: Annotated[Path, typer.Option(help="The run folder; an interrupted run continues.")],
    seed: Annotated[
        int | None, typer.Option(min=0, help="A seed in place of the recipe's.")
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Change a key of the recipe, as optimiser.head_rate=1e-3 or stages.0.epochs=2; "
            "may be repeated.",
        ),
    ] = None,
) -> None:
    """Train a recipe; the same command continues an interrupted run."""
    with extra("training", "train"):
        from samehand.training.loop import Interrupted
        from samehand.training.recipe import load_recipe
        from samehand.training.train import train as run_recipe
    try:
        chosen = load_recipe(recipe, changes or ())
        if seed is not None:
            chosen = chosen.model_copy(update={"seed": seed})
        history = run_recipe(chosen, catalogue, out)
    except Interrupted as stop:
        print(f"interrupted; the same command continues from {out}", file=sys.stderr)
        raise typer.Exit(130) from stop
    epochs = counted(len(history), "epoch")
    say(f"trained {epochs}; wrote {out}/best.safetensors, metrics.json, curves.png")
    print_next("export", out, "--catalogue", catalogue, "--out", f"{out}-model")


def export(
    runs: Annotated[
        list[Path],
        typer.Argument(help="Run folders; several become one model that joins them."),
    ],
    catalogue: Catalogue,
    out: Annotated[Path, typer.Option(help="The model folder to make.")],
    name: Annotated[
        str | None, typer.Option(help="The model's name; that of the first recipe if absent.")
    ] = None,
) -> None:
    """Turn trained runs into a calibrated model folder that serves without PyTorch."""
    with extra("exporting", "train"):
        from samehand.training.release import export as release
    config = release(runs, catalogue, out, name=name)
    artists = config.calibration.artists
    say(f"wrote the model {config.name} to {out}, calibrated on {artists} held-out artists")
    print_next("compare", "a.jpg", "b.jpg", "--model", out)


def background(
    model: Annotated[Path, typer.Argument(help="A model folder.")],
    catalogue: Catalogue,
    threads: Threads = None,
) -> None:
    """Give an exported model the background that evidence needs; `export` does so itself."""
    from samehand.model.fit_background import fit_background

    made = fit_background(model, catalogue, threads)
    say(
        f"wrote {len(made.regions):,} regions of training paintings and the scores of "
        f"{int(made.genuine.sum() + made.impostor.sum()):,} calibration pairs into {model}"
    )


def evaluate(
    protocol: Annotated[
        Path, typer.Argument(help="A .parquet file that `samehand protocol` made.")
    ],
    catalogue: Catalogue,
    out: Annotated[Path, typer.Option(help="The folder for the report and its pictures.")],
    model: Model = None,
    fast: Fast = False,
    baseline: Annotated[
        list[str] | None,
        typer.Option(
            help="Also measure colour-histogram, frozen:BACKBONE or texture:BACKBONE; may be "
            "repeated."
        ),
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
        from samehand.evaluation.report import markdown_report, terminal_report, write_report
    from samehand.verification.verifier import SameHand

    if card and fast:
        raise ModelError("a model's card has the figures of all its views; leave out --fast")
    same_hand = SameHand(model, threads, fast=fast)
    found = measure(
        same_hand,
        catalogue,
        protocol,
        baselines=baseline or (),
        replicates=replicates,
        seed=seed,
    )
    command = command_line()
    write_report(found, out, catalogue=catalogue, command=command)
    if card:
        from samehand.files import write_text
        from samehand.model.card import model_card

        write_text(
            same_hand.folder.path / "README.md",
            model_card(same_hand.folder.config, markdown_report(found, command)),
        )
    say(terminal_report(found))
    print(f"wrote {out}/report.md, report.json and pictures", file=sys.stderr)
