"""What a program sees that installs samehand: types, checked by two checkers from outside."""

import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

PROGRAM = """\
import asyncio
from typing import assert_type

from samehand import (
    AsyncSameHand, Evidence, Gallery, ImageError, Painting, SameHand, SamehandError, Unreadable,
    Verdict,
)


def ask(model: SameHand, path: str) -> float:
    try:
        verdict = model.compare(path, "b.jpg", prior=0.1, operating_point="fmr1")
    except ImageError as error:
        raise SystemExit(str(error)) from error
    except SamehandError:
        return 0.0
    assert_type(verdict, Verdict)
    assert_type(model.explain(path, path), Evidence)
    for found in model.open_many([path]):
        if isinstance(found, Unreadable):
            print(found.error)
        else:
            assert_type(found, Painting)
    with Gallery.open("masters", model) as gallery:
        print([work.artist for work in model.search(path, gallery).neighbours])
    return verdict.llr


async def wait() -> float:
    async with AsyncSameHand() as model:
        return (await model.compare("a.jpg", "b.jpg")).llr


print(ask(SameHand("lite", device="cpu"), "a.jpg"), asyncio.run(wait()))
"""

MISTAKES = """\
from samehand import SameHand

model = SameHand(device="tpu")
model.compare("a.jpg", "b.jpg", operating_point="best")
print(model.compare("a.jpg", "b.jpg").likelihood)
"""


def test_the_package_says_that_it_is_typed():
    assert (files("samehand") / "py.typed").is_file()


def check(checker: str, text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    program = folder / "program.py"
    program.write_text(text)
    command = {
        "mypy": ["-m", "mypy", "--strict", "--cache-dir", folder / "cache", program],
        "pyright": ["-m", "basedpyright", "--level", "error", program],
    }[checker]
    if checker == "pyright":
        # The rules of pyright itself, without those that basedpyright adds.
        (folder / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict"}')
    return subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=900,
    )


@pytest.mark.slow
@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_a_program_is_checked_as_it_should_be(checker, tmp_path):
    right = check(checker, PROGRAM, tmp_path)
    assert right.returncode == 0, right.stdout + right.stderr
    wrong = check(checker, MISTAKES, tmp_path)
    assert wrong.returncode == 1
    for line in (3, 4, 5):
        assert f"program.py:{line}" in wrong.stdout
