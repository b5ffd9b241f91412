"""The documents say what the code does: generated parts, links, commands and recipes."""

import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from fnmatch import fnmatch
from itertools import pairwise
from pathlib import Path

import pytest
import typer
import typer.main

from benchmarks.paper.__main__ import app as paper
from samehand.cli import app

ROOT = Path(__file__).parents[1]

# Folders that git ignores hold data and results, which are none of the project's documents.
IGNORED = [line.strip("/\n") for line in (ROOT / ".gitignore").read_text().splitlines()]


def project_files(*suffixes: str) -> list[Path]:
    found = []
    for folder, inside, names in os.walk(ROOT):
        here = Path(folder)
        # What is not looked into takes no time: an environment holds tens of thousands of files.
        inside[:] = [name for name in inside if not is_ignored(here / name)]
        files = [here / name for name in names if not is_ignored(here / name)]
        found += [path for path in files if path.suffix in suffixes and path.is_file()]
    return found


def is_ignored(path: Path) -> bool:
    # An installed environment has documents of its own, whatever its folder is called.
    if (path / "pyvenv.cfg").exists():
        return True
    return any(fnmatch(path.name, name) for name in [*IGNORED, ".git"])


DOCUMENTS = [path for path in project_files(".md") if path.relative_to(ROOT).parts[0] != "tests"]
NAMES = [str(path.relative_to(ROOT)) for path in DOCUMENTS]


def fences(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def links(text: str) -> list[str]:
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    prose = re.sub(r"`[^`\n]*`", "", prose)
    return re.findall(r"\]\(<?([^)\s>]+)>?(?:\s[^)]*)?\)", prose)


def commands(text: str) -> list[list[str]]:
    """Return what is typed, but for lines with square brackets: a synopsis, which nobody types."""
    script = "".join(fences(text, "(?:sh|bash)")).replace("\\\n", " ")
    lines = [shlex.split(line, comments=True) for line in script.splitlines() if "[" not in line]
    return [words for words in lines if words]


def test_there_are_documents_to_check() -> None:
    assert {"README.md", "CONTRIBUTING.md", "docs/guide.md", "docs/cli.md"} <= set(NAMES)
    guide = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
    assert links(guide)
    assert commands(guide)
    assert fences(guide, "toml")


@pytest.mark.parametrize("columns", ["40", "200"])
def test_the_cli_reference_is_current(monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    script = runpy.run_path(str(ROOT / "scripts" / "make_cli_reference.py"))
    written = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert written == script["cli_reference"](), "run: python scripts/make_cli_reference.py"


def test_generated_pages_are_current() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "make_reference.py"))
    for path, text in script["generated"]().items():
        assert path.read_text(encoding="utf-8") == text, "run: python scripts/make_reference.py"


def test_a_table_is_included_as_it_stands_in_its_own_document() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "make_reference.py"))
    rows = "rows: lite, as served = ours; colour histogram"
    comment = f"<!-- table: benchmark.md | (a) Unseen artists, all pairs | {rows} | EER -->"
    text = f"Before.\n\n{comment}\nstale\n<!-- end of table -->\n\nAfter."
    included = script["with_tables"](text)
    benchmark = (ROOT / "docs" / "benchmark.md").read_text(encoding="utf-8")
    # The first table is the one under that heading.
    colours = next(line for line in benchmark.splitlines() if line.startswith("| colour hist"))
    assert f"| colour histogram | {colours.split('|')[3].strip()} |" in included.splitlines()
    assert "| ours | 0." in included
    assert "stale" not in included
    assert included.startswith("Before.\n\n<!-- table")
    assert included.endswith("<!-- end of table -->\n\nAfter.")


# Rows of the accuracy table of models.md, and where the benchmark has them.
_ACCURACY = {
    "unseen artists, thumbnails": ("(a) Unseen artists, all pairs", "as served"),
    "the same, pairs of one style": ("(b) Unseen artists, pairs of one style", "within a style"),
    "museum photographs": ("(f) Another collection", "as served"),
}


def test_the_accuracy_of_the_models_is_that_of_the_benchmark() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "make_reference.py"))
    benchmark = (ROOT / "docs" / "benchmark.md").read_text(encoding="utf-8")
    page = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    names = {"balanced accuracy at an LLR of 0": "balanced accuracy"}
    place, checked = None, 0
    for line in page.partition("## Accuracy")[2].partition("\n## ")[0].splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) != 3:
            continue
        if block := re.match(r"\*\*(.+?)\*\*", cells[0]):
            place = _ACCURACY.get(block[1])
        if place is None:
            continue
        heading, kind = place
        _, rows = script["_under"]("benchmark.md", benchmark, heading)
        metric = cells[0].rpartition(": ")[2]
        for model, cell in zip(("lite", "vit"), cells[1:], strict=True):
            found = rows[f"{model}, {kind}"]
            expected = found.get(names.get(metric, metric), "")
            if metric == "Cllr":
                both = (found[name].split(" ")[0] for name in ("Cllr", "min Cllr"))
                expected = "{} ({})".format(*both)
            assert cell == expected, (model, line)
            checked += 1
    assert checked >= 20


def test_what_is_said_in_words_is_what_the_benchmark_has() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "make_reference.py"))
    benchmark = (ROOT / "docs" / "benchmark.md").read_text(encoding="utf-8")
    _, rows = script["_under"]("benchmark.md", benchmark, "(a) Unseen artists, all pairs")
    right = float(rows["vit, as served"]["balanced accuracy"].split()[0])
    assert round(1 / (1 - right)) == 7
    for name in ("README.md", "docs/index.md"):
        words = " ".join((ROOT / name).read_text(encoding="utf-8").lower().split())
        assert "one decision in seven is wrong" in words
    _, rows = script["_under"]("benchmark.md", benchmark, "How far ahead vit is")
    gain = rows["lite, as served"]["(a)"].replace("+", "")
    assert f"gains {gain} in AUC" in (ROOT / "docs" / "models.md").read_text(encoding="utf-8")


def test_the_site_builds_strictly_and_asks_nothing_of_other_hosts(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    (tmp_path / "src").symlink_to(ROOT / "src")
    build = [str(Path(sys.executable).with_name("zensical")), "build", "--strict"]
    done = subprocess.run(build, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    site = tmp_path / "build" / "site"
    pages = sorted(site.rglob("*.html"))
    written = [path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md")]
    built = {path.relative_to(site) for path in pages}
    assert {path.with_suffix(".html") for path in written} <= built
    loaded = re.compile(r"<(?:script|img|iframe|source)[^>]* src=[\"']?(?:https?:)?//")
    linked = re.compile(r"<link(?![^>]*canonical)[^>]* href=[\"']?(?:https?:)?//")
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert not loaded.search(text), page
        assert not linked.search(text), page
        # The theme's link to a repository asks GitHub how many stars it has.
        assert "md-source__repository" not in text, page


def test_what_goes_on_after_a_blank_line_in_a_list_is_indented_as_the_site_reads_it() -> None:
    """By four columns: with two, GitHub goes on with the list and the site ends it."""
    for page in (ROOT / "docs").rglob("*.md"):
        lines = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.M | re.S).split("\n")
        for before, line in pairwise(lines):
            assert before or not re.match(r" {1,3}\S", line), f"{page}: {line}"


def test_every_page_of_the_site_is_in_its_navigation() -> None:
    settings = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    listed = set(re.findall(r": ([\w/-]+\.md)$", settings, re.MULTILINE))
    assert listed == {path.name for path in (ROOT / "docs").glob("*.md")} | {"adr/index.md"}


@pytest.mark.parametrize("document", DOCUMENTS, ids=NAMES)
def test_relative_links_lead_somewhere(document: Path) -> None:
    targets = [
        link.split("#")[0]
        for link in links(document.read_text(encoding="utf-8"))
        if not re.match(r"[a-z]+:", link)
    ]
    assert [name for name in targets if not (document.parent / name).exists()] == []


OWN = re.compile(
    r"https://(?:github\.com/samehand/samehand/(?:blob|tree)"
    r"|raw\.githubusercontent\.com/samehand/samehand)/main/"
)


@pytest.mark.parametrize("document", DOCUMENTS, ids=NAMES)
def test_absolute_links_to_the_repository_lead_somewhere(document: Path) -> None:
    places = [
        OWN.sub("", link).split("#")[0]
        for link in links(document.read_text(encoding="utf-8"))
        if OWN.match(link)
    ]
    assert [place for place in places if not (ROOT / place).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=NAMES)
def test_commands_are_ones_the_command_line_takes(document: Path) -> None:
    root = typer.main.get_command(app)
    assert isinstance(root, typer.core.TyperGroup)
    for program, *words in commands(document.read_text(encoding="utf-8")):
        if program != "samehand":
            continue
        name, *arguments = words
        if name.startswith("--"):
            assert name in {"--help", "--version"}
            continue
        assert name in root.commands, f"samehand {name}"
        command = root.commands[name]
        if isinstance(command, typer.core.TyperGroup):
            name, *arguments = arguments
            assert name in command.commands, f"samehand {words[0]} {name}"
            command = command.commands[name]
        if "--help" not in arguments:
            # Parses and checks the arguments without running the command.
            command.make_context(name, arguments)


@pytest.mark.parametrize("document", DOCUMENTS, ids=NAMES)
def test_benchmarks_in_documents_are_there_and_take_their_arguments(document: Path) -> None:
    benchmark = typer.main.get_command(paper)
    text = document.read_text(encoding="utf-8")
    for words in commands(text):
        if words[:3] == ["python", "-m", "benchmarks.paper"]:
            benchmark.make_context("paper", words[3:])
    named = re.findall(r"python (benchmarks/\w+\.py)", text)
    assert [name for name in named if not (ROOT / name).is_file()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=NAMES)
def test_whole_recipes_in_documents_are_recipes(document: Path, tmp_path: Path) -> None:
    shown = fences(document.read_text(encoding="utf-8"), "toml")
    whole = [text for text in shown if "[[stages]]" in text]
    if not whole:
        return
    from samehand.training.recipe import load_recipe

    for text in whole:
        path = tmp_path / "recipe.toml"
        path.write_text(text, encoding="utf-8")
        assert load_recipe(path).epochs > 0


def test_no_file_names_a_place_on_somebodys_machine() -> None:
    files = [path for path in project_files(".md", ".py", ".toml") if path.parent.name != "tests"]
    files = [path for path in files if "tests" not in path.relative_to(ROOT).parts]
    assert files
    for path in files:
        text = path.read_text(encoding="utf-8")
        # Web routes such as /work/{slot} are no places on a disk.
        assert not re.search(r"/work/(?!\{)", text), path
        assert "../shared" not in text, path
