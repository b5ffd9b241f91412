"""Options that take several values: `--references a.jpg b.jpg`, as a shell's `*` writes them.

Click gives an option a fixed number of values, so `--references a b` becomes `--references a
--references b` before Click sees it. Both forms can be typed, also mixed.
"""

from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperCommand

from samehand.cli.nearest import naming_the_nearest
from samehand.errors import SamehandError

SEVERAL = ("--references",)


class SeveralValues(TyperCommand):
    """A command whose options named in `SEVERAL` take every value up to the next option."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401
        """Parse arguments, once values that follow one option are given it each."""
        spreaded = spread(args)
        # Asked now: parsing empties the lists that it is given.
        given = any(one.partition("=")[0] in SEVERAL for one in args)
        try:
            with naming_the_nearest():
                return super().parse_args(ctx, spreaded)
        except typer.BadParameter as error:
            # A missing argument, where this option has taken every path.
            missing = error.param is not None and error.param.param_type_name == "argument"
            if not given or not missing:
                raise
            raise SamehandError(
                f"every path after {SEVERAL[0]} is a reference; name the works that are asked "
                "about before it"
            ) from error


def spread(args: Sequence[str], names: Sequence[str] = SEVERAL) -> list[str]:
    """Return arguments in which each value of the options `names` has its option before it.

    Values end at the next argument that begins with a hyphen; after `--`, nothing is an option.
    """
    spreaded: list[str] = []
    option: str | None = None
    rest = iter(args)
    for arg in rest:
        if arg == "--":
            return [*spreaded, arg, *rest]
        name, equals, _ = arg.partition("=")
        if arg.startswith("-") and len(arg) > 1:
            option = name if name in names else None
            if option is None or equals:
                spreaded.append(arg)
        elif option is not None:
            spreaded += [option, arg]
        else:
            spreaded.append(arg)
    return spreaded
