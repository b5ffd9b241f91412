"""The command that answers assistants: mcp."""

import contextlib
from pathlib import Path
from typing import Annotated

import typer

from samehand.cli.options import Model, Threads, extra


def mcp(
    root: Annotated[
        list[Path] | None,
        typer.Option(
            help="A folder whose pictures may be read; may be repeated. The current folder if "
            "absent."
        ),
    ] = None,
    gallery: Annotated[
        list[str] | None,
        typer.Option(help="A gallery to ask about, its name or folder; may be repeated."),
    ] = None,
    model: Model = None,
    threads: Threads = None,
) -> None:
    """Answer an assistant over standard input and output (Model Context Protocol).

    It reads pictures below the given folders alone, and only where the assistant's roots let it.
    """
    with extra("answering assistants", "mcp"):
        from samehand.mcp import create_server
    from samehand.gallery import Gallery
    from samehand.verification.verifier import SameHand

    same_hand = SameHand(model, threads)
    with contextlib.ExitStack() as closing:
        opened = [closing.enter_context(Gallery.open(name, same_hand)) for name in gallery or ()]
        shown = {one.name: one for one in opened}
        create_server(same_hand, shown, root or [Path.cwd()]).run("stdio")
