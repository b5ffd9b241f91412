"""The commands and the Python of the documents run, in a folder that holds what they name.

A block that cannot run in a test says why in a comment before it: `<!-- not run: ... -->`. Python
runs in the default tests; the commands take minutes: `pytest -m slow tests/test_docs_run.py`.
"""

import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import polars as pl
import pytest

from samehand.atelier import build_atelier

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^(?:<!-- not run: (.+?) -->\n)?```(python|sh|bash)\n(.*?)^```$", re.M | re.S)
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


# Galleries that a document speaks of without making them.
GALLERIES = {"masters": "collection.csv --images scans", "loans": "more.csv"}


def blocks(document: Path, *languages: str) -> list[str]:
    found = BLOCK.findall(document.read_text(encoding="utf-8"))
    return [text for why, language, text in found if not why and language in languages]


def named(documents: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in documents]


PYTHON = [path for path in DOCUMENTS if blocks(path, "python")]
SHELL = [path for path in DOCUMENTS if blocks(path, "sh", "bash")]


@pytest.fixture(scope="module")
def painted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the documents name: pictures, folders of them, and tables."""
    folder = tmp_path_factory.mktemp("reader")
    build_atelier(folder / "paintings", painters=4, works=4, seed=3, layout="folder", size=(96, 96))
    shutil.move(next((folder / "paintings").iterdir()), folder / "paintings" / "Claude Monet")
    works = sorted((folder / "paintings").rglob("*.jpg"))
    scans = folder / "scans"
    scans.mkdir()
    rows = []
    for i, work in enumerate(works):
        shutil.copy(work, scans / f"{i}.jpg")
        rows.append({"file": f"{i}.jpg", "artist": work.parent.name, "style": f"style {i % 2}"})
    table = pl.DataFrame(rows)
    table.write_csv(folder / "paintings.csv")
    below = table.with_columns(file="scans/" + pl.col("file"))
    below.write_csv(folder / "more.csv")
    numbers = [f"SK-A-{1935 + 2046 * i}" for i in range(len(works))]  # 1935, then 3981
    table.with_columns(pl.Series("accession number", numbers)).write_csv(folder / "collection.csv")
    below.write_csv(folder / "works.csv")
    (folder / "shards").mkdir()
    with tarfile.open(folder / "shards" / "0.tar", "w") as shard:
        shard.add(scans / "0.jpg", "0.jpg")
    below.head(2).write_csv(folder / "probes.csv")
    below.tail(2).write_csv(folder / "letters.csv")
    table.head(3).rename({"file": "Image file"}).write_csv(folder / "secure.csv")
    pl.DataFrame({"left": ["0.jpg", "1.jpg"], "right": ["1.jpg", "9.jpg"]}).write_csv(
        folder / "pairs.csv"
    )
    for name, work in zip(("a", "b", "c", "doubtful", "probe"), works, strict=False):
        shutil.copy(work, folder / f"{name}.jpg")
    for name, chosen in {
        "secure": works[8:11],
        "more": works[11:12],
        "doubtful": works[4:6],
    }.items():
        (folder / name).mkdir()
        for i, work in enumerate(chosen, 1):
            shutil.copy(work, folder / name / f"{i}.jpg")
    (folder / "broken.jpg").write_bytes(b"no picture")
    for name in ("recipes", "examples"):
        (folder / name).symlink_to(ROOT / name)
    return folder


@pytest.fixture
def reader(painted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that folder to work in, with a home and a cache of its own."""
    here = tmp_path / "here"
    shutil.copytree(painted, here, symlinks=True)
    monkeypatch.setenv("SAMEHAND_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SAMEHAND_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(here)
    return here


def test_there_is_something_to_run() -> None:
    assert len(PYTHON) >= 4
    assert len(SHELL) >= 6


def test_what_is_not_run_says_why() -> None:
    for document in DOCUMENTS:
        for why, _, text in BLOCK.findall(document.read_text(encoding="utf-8")):
            outside = re.search(
                r"\$PBN|\$MORE|\$NATURAL|work/pbn|pip install|git clone|serve", text
            )
            assert why or not outside, f"{document.name}: mark this block as not run:\n{text}"


@pytest.mark.parametrize("document", PYTHON, ids=named(PYTHON))
def test_python_in_documents_runs(document: Path, reader: Path) -> None:
    for text in blocks(document, "python"):
        exec(compile(text, str(document), "exec"), {"__name__": "document"})


@pytest.mark.slow
@pytest.mark.parametrize("document", SHELL, ids=named(SHELL))
def test_commands_in_documents_run(document: Path, reader: Path, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    program = tools / "samehand"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m samehand "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    script = "\n".join(blocks(document, "sh", "bash"))
    for gallery, works in GALLERIES.items():
        if re.search(rf"\b{gallery}\b", script) and f"gallery create {gallery}" not in script:
            made = f"samehand gallery create {gallery}\nsamehand gallery add {gallery} {works}"
            script = f"{made}\n{script}"
    done = subprocess.run(
        ["bash", "-euxo", "pipefail", "-c", script],
        env=os.environ | {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
        cwd=reader,
    )
    assert done.returncode == 0, done.stderr[-3000:]
