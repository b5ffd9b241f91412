"""The command that describes the answers: schema."""

from typing import Annotated

import typer

from samehand.cli.options import print_json


def schema(
    answer: Annotated[
        str | None, typer.Argument(help="One answer, such as Verdict; all of them if absent.")
    ] = None,
) -> None:
    """Print the JSON Schema of what the commands and the API answer, with its version."""
    from samehand.results.schema import answers_schema

    print_json(answers_schema(answer))
