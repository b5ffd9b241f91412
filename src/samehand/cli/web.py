"""The command that answers in a browser: serve."""

from typing import Annotated

import typer

from samehand.cli.options import Model, Threads, extra


def serve(
    host: Annotated[
        str, typer.Option(help="The address to listen on; this computer alone if absent.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free one.")] = 8017,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="A further name the server is reached by; may be repeated."),
    ] = None,
    gallery: Annotated[
        str | None, typer.Option(help="A gallery to show and search: its name, folder or address.")
    ] = None,
    max_pixels: Annotated[
        int | None,
        typer.Option(min=1, help="The largest picture that is opened, in pixels."),
    ] = None,
    model: Model = None,
    threads: Threads = None,
) -> None:
    """Answer in a browser, and to programs, until Ctrl-C."""
    with extra("serving", "web"):
        from samehand.web.limits import Limits
        from samehand.web.serve import serve as run
    from samehand.gallery import Gallery
    from samehand.verification.verifier import SameHand

    same_hand = SameHand(model, threads)
    shown = Gallery.open(gallery, same_hand) if gallery else None
    limits = Limits() if max_pixels is None else Limits.for_pixels(max_pixels)
    run(same_hand, host, port, allow_host or (), limits, gallery=shown)
