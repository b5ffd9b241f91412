"""How the help of the command line is laid out: by what a person wants, with examples."""

import re
import textwrap
from collections.abc import Iterator
from typing import Any

import typer
from typer.core import TyperGroup

from samehand.cli.examples import EXAMPLES, FIRST_EXAMPLES
from samehand.files import printable

WIDTH = 80
"""Help and answers fit a terminal of this many columns."""


def fit(text: str, width: int = WIDTH) -> str:
    """Return text with its long lines broken; what follows a label stays in its column.

    Words are never broken, so that a path can still be copied.
    """
    lines = []
    for line in text.splitlines():
        label = re.match(r" *(?:\S+(?: \S+)* {2,})?", line)
        assert label is not None
        indent = " " * min(len(label.group()), width // 3)
        lines += textwrap.wrap(
            line,
            width,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        ) or [line]
    return "\n".join(lines)


def print_fitted(text: str) -> None:
    """Print an answer, `WIDTH` wide; programs read --json."""
    print(fit("\n".join(map(printable, text.split("\n")))))


class Grouped(TyperGroup):
    """A group that lists its commands under what they are for (their help panel)."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401
        """Write the commands of each panel, in the order in which they were added."""
        panels: dict[str, list[tuple[str, Any]]] = {}
        for name, command in self.commands.items():
            if not command.hidden:
                panel = getattr(command, "rich_help_panel", None) or "Commands"
                panels.setdefault(panel, []).append((name, command))
        widest = max(map(len, self.commands), default=0)
        for panel, commands in panels.items():
            with formatter.section(panel):
                # The whole first sentence: what ends in "..." tells a newcomer little.
                rows = [(name.ljust(widest), _first(command.help)) for name, command in commands]
                formatter.write_dl(rows)
                if panel in FIRST_EXAMPLES:
                    formatter.write_text(f"$ {FIRST_EXAMPLES[panel]}")


def _first(text: str | None) -> str:
    """Return the first paragraph of a command's help."""
    return " ".join((text or "").split("\n\n")[0].split())


def command_names(commands: typer.Typer, before: str = "") -> Iterator[tuple[str, Any]]:
    """Yield what is typed for each command, "gallery add", with Typer's record of it."""
    for command in commands.registered_commands:
        assert command.callback is not None
        name = command.name or command.callback.__name__.replace("_", "-")
        yield before + name, command
    for group in commands.registered_groups:
        assert group.typer_instance is not None
        inner = group.name or group.typer_instance.info.name
        yield from command_names(group.typer_instance, f"{before}{inner} ")


def give_examples(commands: typer.Typer) -> None:
    """Show the examples of `cli/examples.py` beneath the help of every command that has some."""
    for name, command in command_names(commands):
        lines = EXAMPLES.get(name, ())
        if lines:
            shown = "\n".join(f"  {line}" for line in lines)
            command.epilog = f"\b\n{'Example' if len(lines) == 1 else 'Examples'}:\n{shown}"
