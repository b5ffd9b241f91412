"""The command that fills docs/benchmark.md: python -m benchmarks.paper."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from samehand.cli import interruptible, run
from samehand.cli.options import Catalogue, Threads, command_line, extra

PROGRAM = "python -m benchmarks.paper"

app = typer.Typer(
    name=PROGRAM,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.command()
@interruptible()
def benchmark(
    catalogue: Catalogue,
    out: Annotated[
        Path, typer.Option(help="The folder for the tables; what lies there is not measured again.")
    ],
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="A model folder, vit, lite or hf:owner/name; may be repeated. The first is "
            "measured in its layers, too, and the mistakes are those of the last. "
            "$SAMEHAND_MODEL, else vit, if absent."
        ),
    ] = None,
    report_model: Annotated[
        str | None,
        typer.Option(help="The report's network, a model folder; left out if absent."),
    ] = None,
    submission: Annotated[
        Path | None, typer.Option(help="The competition's submission_info.csv or its zip.")
    ] = None,
    natural: Annotated[
        Path | None, typer.Option(help="Another collection's catalogue, all of it in `test`.")
    ] = None,
    page: Annotated[
        Path | None,
        typer.Option(
            help="Also put the tables between the marked lines of this Markdown file, where rows "
            "that are not measured now are kept."
        ),
    ] = None,
    backbone: Annotated[
        str, typer.Option(help="The frozen backbone, an EfficientNet-Lite.")
    ] = "efficientnet-lite0",
    without: Annotated[
        list[str] | None,
        typer.Option(help="Do not measure systems whose name contains this; may be repeated."),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            help="Measure only systems whose name contains this; may be repeated. What OUT holds "
            "of others is shown all the same."
        ),
    ] = None,
    task: Annotated[
        list[str] | None,
        typer.Option(
            help="Measure only unseen, recaptured, seen, submission or natural; may be repeated."
        ),
    ] = None,
    replicates: Annotated[int, typer.Option(min=1, help="Bootstrap draws.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Seeds everything that is drawn.")] = 0,
    threads: Threads = None,
) -> None:
    """Measure models beside everything that they must beat, on every protocol."""
    with extra("the benchmark", "train"):
        from benchmarks.paper.mistakes import draw_pairs, find_mistakes
        from benchmarks.paper.report import write_benchmark
        from benchmarks.paper.run import run_benchmark
        from benchmarks.paper.systems import choose_systems, open_material
        from benchmarks.paper.tasks import choose_tasks, open_task
    from samehand.verification.verifier import SameHand

    named: list[str | None] = [*(model or ())] or [None]
    models = [SameHand(name, threads) for name in named]
    report = SameHand(report_model, threads) if report_model else None
    material = open_material(catalogue, seed)
    systems = choose_systems(material, models, backbone=backbone, report=report, threads=threads)
    tasks, left_out = choose_tasks(
        catalogue, out, submission=submission, natural=natural, seed=seed
    )
    if report is None:
        left_out.append("The report's network: no `--report-model` was given.")

    def wanted(task_name: str, system: str) -> bool:
        if task and task_name not in task:
            return False
        if any(part in system for part in without or ()):
            return False
        return not only or any(part in system for part in only)

    found = run_benchmark(
        material,
        systems,
        tasks,
        out,
        left_out=left_out,
        replicates=replicates,
        seed=seed,
        announce=lambda what: print(f"measuring {what}", file=sys.stderr),
        wanted=wanted,
    )
    unseen = open_task(tasks[0])
    mistakes = find_mistakes(unseen, *systems[-1].prepare().score(tasks[0], unseen))
    draw_pairs(mistakes.pairs, unseen.paintings, catalogue, out / "mistakes.png")
    print(
        write_benchmark(
            found,
            mistakes,
            out,
            command=command_line(PROGRAM),
            models=[one.folder.identity for one in models],
            page=page,
        )
    )
    print(f"wrote {out}/benchmark.md, benchmark.json and mistakes.png", file=sys.stderr)


if __name__ == "__main__":
    run(app, PROGRAM)
