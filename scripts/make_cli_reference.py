"""Write docs/cli.md from the command line itself: python scripts/make_cli_reference.py."""

from pathlib import Path

import typer
import typer.main

from samehand.cli import app
from samehand.cli.listing import WIDTH
from samehand.files import write_text

TARGET = Path(__file__).parents[1] / "docs" / "cli.md"

INTRODUCTION = """\
# Command line reference

Made from the command line itself by `python scripts/make_cli_reference.py`; do not edit it.
[guide.md](guide.md) shows the commands at work.

Results go to standard output, progress and warnings to standard error. Exit codes: 0 done, 2 a
mistake that the user can mend (one sentence on standard error), 130 interrupted.
"""


def cli_reference() -> str:
    """Return the help of `samehand` and of each of its commands as Markdown."""
    root = typer.main.get_command(app)
    assert isinstance(root, typer.core.TyperGroup)
    # The width is fixed, so that the text does not depend on the terminal it is made in.
    top = typer.Context(
        root, info_name="samehand", terminal_width=WIDTH, help_option_names=["-h", "--help"]
    )
    parts = [INTRODUCTION, section("samehand", root.get_help(top))]
    parts += command_sections(root, top)
    return "\n".join(parts)


def command_sections(group: typer.core.TyperGroup, parent: typer.Context) -> list[str]:
    """Return a section for each command of a group, and for the commands of groups in it."""
    parts = []
    for name, command in group.commands.items():
        context = typer.Context(command, info_name=name, parent=parent, terminal_width=WIDTH)
        parts.append(section(context.command_path, command.get_help(context)))
        if isinstance(command, typer.core.TyperGroup):
            parts += command_sections(command, context)
    return parts


def section(title: str, text: str) -> str:
    """Return one command's help under a heading."""
    lines = "\n".join(line.rstrip() for line in text.strip().splitlines())
    return f"## {title}\n\n```text\n{lines}\n```\n"


if __name__ == "__main__":
    write_text(TARGET, cli_reference())
    print(f"wrote {TARGET}")
