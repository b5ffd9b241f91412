"""Commands that make and measure models: train, export, background, evaluate, benchmark."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from samehand.cli.options import Catalogue, Fast, Model, Threads, command_line, extra
from samehand.errors import ModelError


def train(
    recipe: Path,
    catalogue: Catalogue,
    out: Annotated[Path, typer.Option(help="The run folder; an interrupted run continues.")],
    seed: Annotated[int | None, typer.Option(min=0, help="Another seed than the recipe's.")] = None,
) -> None:
    """Train a recipe; the same command continues an interrupted run."""
    with extra("training", "train"):
        from samehand.training.loop import Interrupted
        from samehand.training.recipe import load_recipe
        from samehand.training.train import train as run_recipe
    try:
        chosen = load_recipe(recipe)
        if seed is not None:
            chosen = chosen.model_copy(update={"seed": seed})
        history = run_recipe(chosen, catalogue, out)
    except Interrupted as stop:
        print(f"interrupted; the same command continues from {out}", file=sys.stderr)
        raise typer.Exit(130) from stop
    print(f"trained {len(history)} epochs; next: samehand export {out} --catalogue {catalogue}")


def export(
    runs: Annotated[
        list[Path],
        typer.Argument(help="Run folders; several become one model that looks with all of them."),
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
        from samehand.evaluation.report import markdown_report, write_report
    from samehand.serving.verifier import SameHand

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
    markdown = markdown_report(found, command)
    if card:
        from samehand.files import write_text
        from samehand.serving.card import model_card

        write_text(
            same_hand.folder.path / "README.md", model_card(same_hand.folder.config, markdown)
        )
    print(markdown)
    print(f"wrote {out}/report.md, report.json and pictures", file=sys.stderr)


def benchmark(
    catalogue: Catalogue,
    out: Annotated[
        Path, typer.Option(help="The folder for the tables; what lies there is not measured again.")
    ],
    model: Model = None,
    report_model: Annotated[
        str | None,
        typer.Option(help="The report's network, a model folder; its row is left out if absent."),
    ] = None,
    submission: Annotated[
        Path | None, typer.Option(help="The competition's submission_info.csv or its zip.")
    ] = None,
    natural: Annotated[
        Path | None, typer.Option(help="Another collection's catalogue, all of it in `test`.")
    ] = None,
    page: Annotated[
        Path | None,
        typer.Option(help="Also put the tables between the marked lines of this Markdown file."),
    ] = None,
    backbone: Annotated[
        str, typer.Option(help="The frozen backbone, an EfficientNet-Lite.")
    ] = "efficientnet-lite0",
    without: Annotated[
        list[str] | None,
        typer.Option(help="Leave out rows whose name contains this; may be repeated."),
    ] = None,
    replicates: Annotated[int, typer.Option(min=1, help="Bootstrap draws.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Seeds everything that is drawn.")] = 0,
    threads: Threads = None,
) -> None:
    """Measure a model in its layers beside everything that it must beat, on every protocol."""
    with extra("the benchmark", "train"):
        from samehand.evaluation.benchmark import run_benchmark, score_question
        from samehand.evaluation.benchmark_report import write_benchmark
        from samehand.evaluation.contenders import contenders, open_material
        from samehand.evaluation.mistakes import draw_pairs, find_mistakes
        from samehand.evaluation.questions import choose_questions, open_question
    from samehand.serving.verifier import SameHand

    same_hand = SameHand(model, threads)
    report = SameHand(report_model, threads) if report_model else None
    material = open_material(catalogue, seed)
    rows = contenders(material, same_hand, backbone=backbone, report=report, threads=threads)
    unwanted = [row.name for row in rows[:-1] if any(part in row.name for part in without or ())]
    rows = [row for row in rows if row.name not in unwanted]
    questions, left_out = choose_questions(
        catalogue, out, submission=submission, natural=natural, seed=seed
    )
    if report is None:
        left_out.append("The report's network: no `--report-model` was given.")
    left_out += [f"{name[0].upper()}{name[1:]}: left out by `--without`." for name in unwanted]
    found = run_benchmark(
        material,
        rows,
        questions,
        out,
        left_out=left_out,
        replicates=replicates,
        seed=seed,
        announce=lambda what: print(f"measuring {what}", file=sys.stderr),
    )
    unseen = open_question(questions[0])
    mistakes = find_mistakes(unseen, *score_question(rows[-1].prepare(), questions[0], unseen))
    draw_pairs(mistakes.pairs, unseen.paintings, catalogue, out / "mistakes.png")
    print(
        write_benchmark(
            found,
            mistakes,
            out,
            command=command_line(),
            model=same_hand.folder.identity,
            page=page,
        )
    )
    print(f"wrote {out}/benchmark.md, benchmark.json and mistakes.png", file=sys.stderr)
