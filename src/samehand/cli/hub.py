"""The command that publishes a model: push."""

from pathlib import Path
from typing import Annotated

import typer

from samehand.cli.options import say


def push(
    model: Annotated[str, typer.Argument(help="A model folder, or a built-in name.")],
    repo: Annotated[str, typer.Argument(help="The repository, as owner/name.")],
    report: Annotated[
        Path | None,
        typer.Option(help="The report.json of `samehand evaluate`, for the figures of the card."),
    ] = None,
    public: Annotated[
        bool, typer.Option("--public", help="Make a new repository public; private if absent.")
    ] = False,
    licence: Annotated[
        str | None, typer.Option(help="The model's licence, as the hub spells it.")
    ] = None,
) -> None:
    """Publish a model on the Hugging Face hub, with its card; log in with `hf auth login` first."""
    from samehand.model.publish import publish_model

    address = publish_model(model, repo, report=report, private=not public, licence=licence)
    say(f"published {repo}: {address}")
