"""What a program sees that installs samehand: types, checked by two checkers from outside."""

import re
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

import samehand
from samehand import SameHand

PROGRAM = """\
import asyncio
from typing import assert_type

import numpy as np
from numpy.typing import NDArray

from samehand import (
    AsyncSameHand, CatalogueError, Clustering, Decision, Decisions, Evidence, Gallery, GalleryError,
    GalleryInfo, Identification, ImageError, MissingExtraError, ModelError, OutputError, Painting,
    ProtocolError, Queue, RecipeError, ReferenceVerdict, SameHand, SamehandError, SearchResult,
    Unreadable, Verdict, __version__,
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


def ask_all(path: str) -> None:
    model = SameHand.from_pretrained("owner/name", revision="v1")
    assert_type(model.open(path), Painting)
    verdict = model.verify(path, [path, path], operating_point="eer")
    assert_type(verdict, ReferenceVerdict)
    assert_type(verdict.references[0].llr, float)
    assert_type(model.embed([path]), NDArray[np.float32])
    for found in model.embed_many([path]):
        if not isinstance(found, Unreadable):
            assert_type(found, tuple[str, NDArray[np.float32]])
    print(model.model.identity, __version__)
    with Gallery.create("masters", model) as gallery:
        gallery.add([path], model)
        assert_type(gallery.info(), GalleryInfo)
        assert_type(model.search(path, gallery, where=["artist=Corot"]), SearchResult)
        assert_type(model.identify(path, gallery, top=3), Identification)
        assert_type(model.cluster(gallery, suspects=5), Clustering)
        assert_type(model.queue(gallery), Queue)
        assert_type(gallery.decide("one", "two", "unsure", by="Ada"), Decision)
        assert_type(gallery.decisions(), Decisions)


async def wait() -> float:
    async with AsyncSameHand() as model:
        assert_type(await model.verify("a.jpg", ["b.jpg"]), ReferenceVerdict)
        assert_type(await model.explain("a.jpg", "b.jpg"), Evidence)
        return (await model.compare("a.jpg", "b.jpg")).llr


ERRORS: list[type[SamehandError]] = [
    CatalogueError, GalleryError, ImageError, MissingExtraError, ModelError, OutputError,
    ProtocolError, RecipeError,
]
ask_all("a.jpg")
print(ask(SameHand("lite", device="cpu"), "a.jpg"), asyncio.run(wait()))
"""

MISTAKES = """\
from samehand import SameHand

model = SameHand(device="tpu")
model.compare("a.jpg", "b.jpg", operating_point="best")
print(model.compare("a.jpg", "b.jpg").likelihood)
"""


def test_the_program_uses_every_public_name_and_call():
    names = {name for name in vars(SameHand) if not name.startswith("_")}
    called = set(re.findall(r"[.](\w+)", PROGRAM))
    assert names <= called
    assert set(samehand.__all__) <= set(re.findall(r"\w+", PROGRAM))


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
