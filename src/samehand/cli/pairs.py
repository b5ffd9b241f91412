"""Commands that show pairs: pairs show."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from samehand.cli.listing import Grouped
from samehand.cli.options import Catalogue, Threads, say

app = typer.Typer(name="pairs", cls=Grouped, no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def pairs() -> None:
    """Look at pairs of paintings."""


@app.command()
def show(
    catalogue: Catalogue,
    out: Annotated[Path, typer.Option(help="The folder for the contact sheets, PNG files.")],
    split: Annotated[
        Literal["train", "validation", "test"], typer.Option(help="Whose paintings.")
    ] = "train",
    pairs: Annotated[int, typer.Option(min=1, help="Pairs on a sheet.")] = 8,
    model: Annotated[
        str | None,
        typer.Option(help="Show what this model makes of pairs; only the pairs if absent."),
    ] = None,
    among: Annotated[
        int, typer.Option(min=2, help="With a model: how many pairs to choose from.")
    ] = 400,
    seed: Annotated[int, typer.Option(min=0, help="Seeds the draw.")] = 0,
    threads: Threads = None,
) -> None:
    """Draw pairs by one artist and by two, or a model's right and wrong answers."""
    from samehand.explain.examples import show_pairs, show_predictions

    if model is None:
        sheets = show_pairs(catalogue, out, split=split, pairs=pairs, seed=seed)
    else:
        from samehand.verification.verifier import SameHand

        same_hand = SameHand(model, threads)
        sheets = show_predictions(
            same_hand, catalogue, out, split=split, pairs=pairs, among=among, seed=seed
        )
    for sheet in sheets:
        say(f"wrote {sheet}")
