"""The command line: thin commands over the packages, heavy imports inside them.

Exit codes: 0 done, 2 a mistake the user can mend (one sentence on standard error), 130 interrupted.
"""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from samehand.cli import (
    answer,
    attribution,
    data,
    decide,
    doctor,
    embed,
    fetch,
    gallery,
    hands,
    hub,
    learn,
    mcp,
    pairs,
    report,
    schema,
    users,
    web,
)
from samehand.cli.listing import WIDTH, Grouped, give_examples
from samehand.cli.several import SeveralValues
from samehand.errors import SamehandError


@contextmanager
def interruptible() -> Iterator[None]:
    """Say that a command was interrupted; Typer alone would leave it without a word."""
    try:
        yield
    except KeyboardInterrupt as stop:
        print("interrupted", file=sys.stderr)
        raise typer.Exit(130) from stop


class _Commands(Grouped):
    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401
        """Run a command."""
        with interruptible():
            return super().invoke(ctx)


app = typer.Typer(
    name="samehand",
    cls=_Commands,
    help="Were these two paintings made by the same artist?",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": WIDTH},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(doctor.version_line())
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_show_version,
            is_eager=True,
            help="Show the versions of samehand and of the model that ships with it.",
        ),
    ] = False,
) -> None:
    """Were these two paintings made by the same artist?"""


# In the order in which the help lists them, under what a person wants.
for purpose, commands in {
    "Pairs of paintings": (answer.compare, report.report, report.manifest, answer.score),
    "A doubtful work": (attribution.verify, attribution.identify, attribution.search),
    "A collection": (
        gallery.app,
        hands.suspects,
        hands.cluster,
        decide.queue,
        decide.decide,
        decide.decisions,
        fetch.fetch,
        embed.embed,
    ),
    "In a browser, and for programs": (web.serve, users.app, mcp.mcp, schema.schema),
    "Measuring": (data.prepare, data.protocol, learn.evaluate, attribution.calibrate),
    "Making a model": (
        pairs.app,
        learn.train,
        learn.export,
        learn.background,
        hub.push,
        data.atelier,
    ),
    "This installation": (doctor.doctor,),
}.items():
    for command in commands:
        if isinstance(command, typer.Typer):
            app.add_typer(command, rich_help_panel=purpose)
        else:
            function: Any = command
            app.command(cls=SeveralValues, rich_help_panel=purpose)(function)
give_examples(app)


def main() -> None:
    """Run the command line of samehand."""
    run(app, "samehand")


def run(commands: typer.Typer, program: str) -> None:
    """Run a command line and turn every user mistake into one sentence and exit code 2.

    Args:
        commands: Its commands.
        program: What one types to run it.
    """
    _open_closed_streams()
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A file name that is not UTF-8 must not break the terminal it is printed on.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        try:
            commands(prog_name=program)
        finally:
            sys.stdout.flush()
    except SamehandError as error:
        _fail(program, str(error))
    except BrokenPipeError:
        _discard_output()
        sys.exit(1)
    except OSError as error:
        from samehand.files import output_error

        if error.filename is None and _is_nowhere():
            _fail(program, "the current folder no longer exists; change to one that does")
        if error.filename is None:
            _discard_output()
        _fail(program, str(output_error(error.filename or "the output", error)))


def _open_closed_streams() -> None:
    """Discard what goes to a standard stream that was closed, as by `>&-` or some schedulers.

    Otherwise the next file that is opened, an output perhaps, would have the stream's number.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(number)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))


def _is_nowhere() -> bool:
    """Return whether the current folder was deleted."""
    try:
        os.getcwd()
    except FileNotFoundError:
        return True
    return False


def _discard_output() -> None:
    """Keep Python from complaining, while it exits, of a standard output nobody can write to."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(program: str, message: str) -> None:
    from samehand.images.decode import printable

    print(f"{program}: {printable(message)}", file=sys.stderr)
    sys.exit(2)
