"""Help, version and doctor: what a person sees before the first answer."""

import json
import re
import shlex
from importlib import metadata

import pytest
import typer.main

from samehand import __version__
from samehand.cli import app, build
from samehand.cli.doctor import PURPOSES, required
from samehand.cli.examples import EXAMPLES, FIRST_EXAMPLES
from samehand.cli.listing import WIDTH, command_names, fit

NAMES = [name for name, _ in command_names(app)]


def test_every_command_shows_an_example_and_every_example_belongs_to_one() -> None:
    assert sorted(EXAMPLES) == sorted(NAMES)


@pytest.mark.parametrize(
    "example", [*FIRST_EXAMPLES.values(), *(line for lines in EXAMPLES.values() for line in lines)]
)
def test_examples_are_commands_that_the_command_line_takes(example: str) -> None:
    program, *words = shlex.split(example)
    assert program == "samehand"
    command = typer.main.get_command(app)
    while isinstance(command, typer.core.TyperGroup):
        name, *words = words
        command = command.commands[name]
    # Parses and checks the arguments without running the command.
    command.make_context(name, words)


def test_the_help_lists_every_command_once_under_what_it_is_for(samehand, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    shown = samehand("-h").out
    assert shown == samehand("--help").out
    listed = [line.split()[0] for line in shown.splitlines() if re.match(r"  \w", line)]
    for name in {name.split()[0] for name in NAMES}:
        assert listed.count(name) == 1, name
    for panel, example in FIRST_EXAMPLES.items():
        assert f"{panel}:" in shown
        assert f"$ {example}" in shown
    assert "..." not in shown.replace("[ARGS]...", "")


@pytest.mark.parametrize("name", ["", *NAMES])
def test_help_fits_eighty_columns(samehand, monkeypatch, name: str) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    code, shown, _ = samehand(*name.split(), "-h")
    assert code == 0
    # A choice is never broken, however long it is.
    long = [line for line in shown.splitlines() if len(line) > WIDTH and "|" not in line]
    assert long == []


def test_the_version_names_the_model_and_its_error_rate(samehand) -> None:
    code, shown, _ = samehand("--version")
    first, second = shown.splitlines()
    assert (code, first) == (0, f"samehand {__version__}")
    assert second.startswith("model ")
    assert "artists it had never seen, of all kinds of pictures together" in second


def test_the_doctor_finds_what_is_here(samehand) -> None:
    code, shown, _ = samehand("doctor", "--json")
    found = json.loads(shown)
    assert code == 0
    names = [one["name"] for one in found]
    assert {"samehand", "python", "model", "cache", "disk", "threads"} <= set(names)
    assert [f"[{extra}]" for extra in PURPOSES] == [name for name in names if name[0] == "["]
    assert not any(one["broken"] for one in found)


def test_the_doctor_says_what_to_type_for_what_is_missing(samehand, monkeypatch) -> None:
    true = metadata.version

    def without_the_web(package: str) -> str:
        if package == "uvicorn":
            raise metadata.PackageNotFoundError(package)
        return true(package)

    monkeypatch.setattr(metadata, "version", without_the_web)
    shown = samehand("doctor").out.splitlines()
    place = next(i for i, line in enumerate(shown) if line.startswith("[web]"))
    assert "missing (uvicorn)" in shown[place]
    # As typed: words after the command would be taken for packages.
    assert shown[place + 1].endswith("-> pip install '.[web]'")


def test_the_doctor_knows_every_set_of_packages_that_a_user_can_install() -> None:
    for_developers = {"test", "browser", "docs", "dev"}
    extras = set(metadata.metadata("samehand").get_all("Provides-Extra") or []) - for_developers
    # What is installed may be older than the checkout, and know fewer.
    assert extras <= set(PURPOSES)


def test_packages_of_sets_within_sets_are_counted() -> None:
    assert {"torch", "scikit-learn", "matplotlib"} <= set(required("train"))
    assert "samehand" not in required("train")
    assert "torch" not in required("web")


def test_long_lines_are_broken_under_what_they_say() -> None:
    words = "  decision                " + "word " * 20
    shown = fit(f"short\n\n{words}\n").split("\n")
    assert shown[:2] == ["short", ""]
    assert all(len(line) <= WIDTH for line in shown)
    assert len(shown) > 3
    assert all(line.startswith(" " * 26 + "word") for line in shown[3:])
    assert " ".join(" ".join(shown[2:]).split()) == " ".join(words.split())


def test_a_path_is_never_broken() -> None:
    path = "/".join(["folder"] * 20)
    assert path in fit(f"       {path}").splitlines()[-1]


def test_a_command_that_is_named_is_built_alone_and_helps_as_among_all():
    for name in ("compare", "gallery"):
        alone = typer.main.get_command(build([name, "--help"]))
        assert list(alone.commands) == [name]
        context = typer.Context(alone, info_name="samehand")
        among = typer.main.get_command(app).commands[name]
        assert alone.commands[name].get_help(context) == among.get_help(context)
    everything = list(typer.main.get_command(app).commands)
    for arguments in ([], ["-h"], ["comparr"]):
        assert list(typer.main.get_command(build(arguments)).commands) == everything
