"""The command that answers in a browser: serve."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from samehand.cli.options import extra


def _option(name: str, text: str, **more: Any) -> Any:  # noqa: ANN401
    """Return an option that an environment variable can set as well, for containers."""
    variable = "SAMEHAND_" + name.removeprefix("--").split("/")[0].replace("-", "_").upper()
    return typer.Option(name, envvar=variable, help=text, **more)


def serve(
    host: Annotated[
        str, _option("--host", "The address to listen on; this computer alone if absent.")
    ] = "127.0.0.1",
    port: Annotated[int, _option("--port", "0 takes any free one.", min=0, max=65535)] = 8017,
    allow_host: Annotated[
        list[str] | None,
        _option("--allow-host", "A further name the server is reached by; may be repeated."),
    ] = None,
    gallery: Annotated[
        str | None,
        _option("--gallery", "A gallery to show and search: its name, folder or address."),
    ] = None,
    users: Annotated[
        Path | None,
        _option("--users", "Let in only the users of this file, which `samehand users add` makes."),
    ] = None,
    cases: Annotated[
        Path | None,
        _option("--cases", "Let people keep questions, with pictures and report, in this folder."),
    ] = None,
    root_path: Annotated[
        str, _option("--root-path", "Where a proxy shows the server, such as /samehand.")
    ] = "",
    proxy: Annotated[
        list[str] | None,
        _option(
            "--proxy",
            "A proxy's address or network, whose X-Forwarded-For and -Proto count; repeatable.",
        ),
    ] = None,
    max_pixels: Annotated[
        int | None, _option("--max-pixels", "The largest picture that is opened, in pixels.", min=1)
    ] = None,
    max_upload: Annotated[int, _option("--max-upload", "The largest request, in MiB.", min=1)] = 64,
    queue: Annotated[
        int, _option("--queue", "How many questions are worked on or wait at one time.", min=1)
    ] = 32,
    connections: Annotated[
        int, _option("--connections", "How many connections are open at one time.", min=1)
    ] = 500,
    decode_seconds: Annotated[
        float, _option("--decode-seconds", "How long opening a picture may take.", min=0.1)
    ] = 15.0,
    workers: Annotated[
        int,
        _option("--workers", "How many questions are answered at one time, by one model.", min=1),
    ] = 1,
    drain_seconds: Annotated[
        float,
        _option(
            "--drain-seconds",
            "How long /readyz answers 503 after SIGTERM before the server stops listening.",
            min=0,
        ),
    ] = 0.0,
    grace_seconds: Annotated[
        float,
        _option("--grace-seconds", "How long requests that were begun may take after that.", min=1),
    ] = 20.0,
    log_format: Annotated[
        Literal["text", "json"], _option("--log-format", "How a line of the logs is written.")
    ] = "text",
    access_log: Annotated[
        bool,
        _option(
            "--access-log/--no-access-log",
            "Log each request on standard output, without what it holds.",
        ),
    ] = False,
    model: Annotated[
        str | None,
        _option(
            "--model",
            "A model folder, vit, lite or hf:owner/name; $SAMEHAND_MODEL, else vit, if absent.",
        ),
    ] = None,
    threads: Annotated[
        int | None, _option("--threads", "CPU threads; all if absent.", min=1)
    ] = None,
) -> None:
    """Answer in a browser, and to programs, until Ctrl-C.

    Each option can also be set in the environment; the command line wins.
    """
    with extra("serving", "web"):
        from samehand.web.limits import Limits
        from samehand.web.serve import serve as run
        from samehand.web.serve import threads_for
        from samehand.web.users import Users
    from samehand.gallery import Gallery
    from samehand.verification.verifier import SameHand

    known = Users(users) if users else None
    same_hand = SameHand(model, threads_for(workers, threads))
    shown = Gallery.open(gallery, same_hand) if gallery else None
    limits = replace(
        Limits.of_upload(max_upload * 2**20),
        queue=queue,
        connections=connections,
        decode_seconds=decode_seconds,
    )
    run(
        same_hand,
        host,
        port,
        allow_host or (),
        limits if max_pixels is None else limits.for_pixels(max_pixels),
        gallery=shown,
        users=known,
        cases=cases,
        prefix=root_path,
        proxies=proxy or (),
        workers=workers,
        drain=drain_seconds,
        grace=grace_seconds,
        log_format=log_format,
        access_log=access_log,
    )
