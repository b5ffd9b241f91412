"""The command that makes a model such as `vit`: python -m benchmarks.make_vit."""

from pathlib import Path
from typing import Annotated

import typer

from samehand.cli import interruptible, run
from samehand.cli.options import extra
from samehand.errors import OutputError, RecipeError

PROGRAM = "python -m benchmarks.make_vit"

app = typer.Typer(
    name=PROGRAM, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
)


@app.command()
@interruptible()
def make(
    recipe: Annotated[Path, typer.Argument(help='A recipe of pooling "tokens": recipes/vit.toml.')],
    pbn: Annotated[Path, typer.Option(help="A catalogue made by `samehand prepare pbn`.")],
    work: Annotated[
        Path, typer.Option(help="The folder for pictures and features; a second run reads them.")
    ],
    out: Annotated[Path, typer.Option(help="The model folder to make; it must not exist.")],
    more: Annotated[
        list[Path] | None,
        typer.Option(help="A folder with paintings.csv and further pictures; may be repeated."),
    ] = None,
    folds: Annotated[int, typer.Option(min=2, help="Folds of training artists.")] = 5,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a key of the recipe."),
    ] = None,
) -> None:
    """Gather the pictures, fit discriminants and cohort, and calibrate in folds and by kinds."""
    with extra("making a model", "train"):
        from benchmarks.make_vit.fitting import Making, make_model
        from benchmarks.make_vit.gather import gather
        from samehand.training.recipe import Recipe, load_recipe
    chosen = load_recipe(recipe, changes or ())
    if not isinstance(chosen, Recipe) or chosen.model.pooling != "tokens":
        raise RecipeError(f'{recipe} is not of pooling "tokens"; name one such as recipes/vit.toml')
    if chosen.discriminant is None:
        raise RecipeError(f"{recipe} has no [discriminant]; name one such as recipes/vit.toml")
    if out.exists():
        raise OutputError(f"{out} exists already; choose another --out")
    table = gather(pbn, more or (), work)
    config = make_model(Making(chosen, table, work, folds), out)
    print(
        f"wrote the model {config.name} to {out}: {config.training['training_paintings']:,} "
        f"paintings by {config.training['training_artists']} artists, calibrated on "
        f"{config.calibration.artists} in {folds} folds, {len(config.conditions)} pairs of kinds"
    )


if __name__ == "__main__":
    run(app, PROGRAM)
