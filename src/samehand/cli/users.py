"""Commands on who may use a server: users add, remove, list."""

from pathlib import Path
from typing import Annotated

import typer

from samehand.cli.listing import Grouped
from samehand.cli.options import extra, say
from samehand.errors import SamehandError
from samehand.files import printable
from samehand.records import Role

app = typer.Typer(
    name="users",
    cls=Grouped,
    help="Say who may use a server (serve --users).",
    no_args_is_help=True,
    rich_markup_mode=None,
)

File = Annotated[Path, typer.Argument(help="The file that `samehand serve --users` reads.")]
Name = Annotated[str, typer.Argument(help="What the user signs in with.")]


@app.command()
def add(
    file: File,
    name: Name,
    role: Annotated[
        Role, typer.Option(help="Readers see and ask; deciders also decide, undo and keep cases.")
    ] = "reader",
    replace: Annotated[
        bool, typer.Option("--replace", help="Give a user that is there a new password and role.")
    ] = False,
) -> None:
    """Add a user; the password is asked for, and only its hash is kept."""
    with extra("users", "web"):
        from samehand.web.users import check_name, read_users, with_user

    check_name(name)
    if file.exists() and name in read_users(file).users and not replace:
        raise SamehandError(f"{file} has a user {name} already; --replace changes it")
    password = typer.prompt(f"Password of {name}", hide_input=True, confirmation_prompt=True)
    with_user(file, name, role, password)
    say(f"{name} may use servers of {file} as a {role}")


@app.command()
def remove(file: File, name: Name) -> None:
    """Take a user away; sessions that are open end at once."""
    with extra("users", "web"):
        from samehand.web.users import without_user

    without_user(file, name)
    say(f"{name} may no longer use servers of {file}")


@app.command(name="list")
def show(file: File) -> None:
    """List users and their roles."""
    with extra("users", "web"):
        from samehand.web.users import read_users

    for one in read_users(file).users.values():
        print(f"{one.role}\t{printable(one.name)}")
