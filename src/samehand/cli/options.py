"""What the commands share: options, and how they print."""

import json
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Annotated, get_args

import typer

from samehand.errors import MissingExtraError
from samehand.files import printable
from samehand.records import Collection, OperatingPoint

Model = Annotated[
    str | None,
    typer.Option(
        help="A model folder, vit, lite or hf:owner/name; $SAMEHAND_MODEL, else vit, if absent."
    ),
]
# Typer's own check of permissions would answer in other words than decoding does.
File = Annotated[Path, typer.Argument(readable=False)]
Picture = Annotated[Path, typer.Argument(readable=False, help="An image file.")]
Point = Annotated[
    OperatingPoint,
    typer.Option(
        help="Which measured error rate the decision promises: equal rates (eer), or 1 % or 0.1 % "
        "of pairs by two artists called one artist's (fmr1, fmr0.1)."
    ),
]


def parse_prior(text: str | float) -> float:
    """Return the probability that "0.1", "10%" or "10 %" means.

    Raises:
        BadParameter: `text` is none.
    """
    number, percent, rest = str(text).partition("%")
    try:
        if rest.strip():
            raise ValueError
        # A hundredth by its digits: 7 / 100 is not the float that 0.07 is for every number.
        return float(Decimal(number.strip()) / 100) if percent else float(number)
    except (ValueError, ArithmeticError) as error:
        raise typer.BadParameter(f"'{text}' is not a probability; type 0.1 or 10%") from error


Prior = Annotated[
    float,
    typer.Option(
        parser=parse_prior,
        metavar="<probability>",
        help="P(same artist) before looking, such as 0.1 or 10%.",
    ),
]
Fast = Annotated[
    bool, typer.Option("--fast", help="Encode one view of each painting: quicker, less certain.")
]
Threads = Annotated[int | None, typer.Option(min=1, help="CPU threads; all if absent.")]
Catalogue = Annotated[Path, typer.Option(help="A folder made by `samehand prepare`.")]
Beside = Annotated[
    str | None,
    typer.Option(
        "--gallery",
        help="Also name the works of a gallery that are nearest to each image: its name, folder or "
        "address.",
    ),
]
AnyAttribution = Annotated[
    bool,
    typer.Option(
        "--any-attribution",
        help="Count works after, attributed to or by the workshop of an artist as the artist's.",
    ),
]
Limit = Annotated[int | None, typer.Option(min=1, help="Largest number of paintings to fetch.")]
AnyRights = Annotated[
    bool, typer.Option("--any-rights", help="Fetch works that are not openly licensed, too.")
]
Private = Annotated[
    bool, typer.Option("--private", help="Fetch from this machine and private networks, too.")
]
COLLECTIONS = ", ".join(get_args(Collection))
"""The collections on the web, as helps list them."""

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@contextmanager
def extra(task: str, extra: str) -> Iterator[None]:
    """Say which optional packages a command needs, where an import of one fails."""
    try:
        yield
    except ImportError as error:
        raise MissingExtraError(task, extra) from error


def say(text: str) -> None:
    """Print lines as any terminal can show them, whatever names stand in them."""
    print("\n".join(map(printable, text.split("\n"))))


def print_json(values: dict[str, object]) -> None:
    """Print one JSON document."""
    print(json.dumps(values, indent=2))


def shown_name(path: str | Path, whole: bool = False) -> str:
    """Return a file's name, or its whole path, as a terminal can show it."""
    return printable(str(path) if whole else Path(path).name)


def tell_written(path: Path) -> None:
    """Say on standard error that a file was written, where standard output is an answer."""
    print(f"wrote {shown_name(path, whole=True)}", file=sys.stderr)


def print_next(*words: str | Path) -> None:
    """Print the command that usually comes next, so that it can be pasted."""
    say(f"next: {shlex.join(['samehand', *map(str, words)])}")


def command_line(program: str = "samehand") -> str:
    """Return the command that is running, as one would type it again."""
    return f"{program} {shlex.join(sys.argv[1:])}"
