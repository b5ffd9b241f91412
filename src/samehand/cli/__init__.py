"""The command line: thin commands over the packages, heavy imports inside them.

Exit codes: 0 done, 2 a mistake the user can mend (one sentence on standard error), 130 interrupted.
"""

import io
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

import typer

from samehand.cli.listing import WIDTH, Grouped, give_examples
from samehand.cli.several import SeveralValues
from samehand.errors import SamehandError

if TYPE_CHECKING:
    app: typer.Typer

COMMANDS = {
    "Pairs of paintings": {
        "compare": "answer", "report": "report", "manifest": "report", "score": "answer",
    },
    "A doubtful work": {
        "verify": "attribution", "identify": "attribution", "search": "attribution",
    },
    "A collection": {
        "gallery": "gallery", "suspects": "hands", "cluster": "hands", "queue": "decide",
        "decide": "decide", "decisions": "decide", "fetch": "fetch", "embed": "embed",
    },
    "In a browser, and for programs": {
        "serve": "web", "users": "users", "mcp": "mcp", "schema": "schema",
    },
    "Measuring": {
        "prepare": "data", "protocol": "data", "evaluate": "learn", "calibrate": "attribution",
    },
    "Making a model": {
        "pairs": "pairs", "train": "learn", "export": "learn", "background": "learn",
        "push": "hub", "atelier": "data",
    },
    "This installation": {"doctor": "doctor"},
}  # fmt: skip
"""The module of each command, in the order in which the help lists them, under what one wants."""

GROUPS = ("gallery", "users", "pairs")
"""Commands that have commands: each is the `app` of its module."""


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


def _show_version(wanted: bool) -> None:
    if wanted:
        from samehand.cli import doctor

        print(doctor.version_line())
        raise typer.Exit


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


def build(arguments: Sequence[str] = ()) -> typer.Typer:
    """Return the command line; of one command only where the first argument names it.

    To import and describe all of them takes a tenth of the time of a comparison.
    """
    app = typer.Typer(
        name="samehand",
        cls=_Commands,
        help="Were these two paintings made by the same artist?",
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": WIDTH},
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback()(_root)
    asked = arguments[0] if arguments else None
    one = any(asked in names for names in COMMANDS.values())
    for purpose, names in COMMANDS.items():
        for name, module in names.items():
            if one and name != asked:
                continue
            inside = import_module(f"samehand.cli.{module}")
            if name in GROUPS:
                app.add_typer(inside.app, rich_help_panel=purpose)
            else:
                function = getattr(inside, name)
                app.command(cls=SeveralValues, rich_help_panel=purpose)(function)
    give_examples(app)
    return app


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """Return `app`, the whole command line, once somebody wants it."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()["app"] = build()
    return globals()["app"]


def main() -> None:
    """Run the command line of samehand."""
    run(build(sys.argv[1:]), "samehand")


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
    from samehand.files import printable

    print(f"{program}: {printable(message)}", file=sys.stderr)
    sys.exit(2)
