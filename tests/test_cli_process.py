"""What can only be seen of the command line from outside its process."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

HEAVY = ("torch", "transformers", "polars", "scipy", "sklearn", "matplotlib", "pydantic",
         "numpy.ma")  # fmt: skip

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pipes, limits and signals of POSIX")


# Every write to a file fails under this limit, as on a disk without room.
ON_A_FULL_DISK = (
    "import resource\n"
    "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
    "from samehand.cli import main\n"
    "main()"
)


def run(
    *arguments: object, full_disk: bool = False, stdout: object = subprocess.PIPE
) -> subprocess.CompletedProcess[str]:
    start = ["-c", ON_A_FULL_DISK] if full_disk else ["-m", "samehand"]
    # Output must be buffered, as it is for users: its last part is written while Python exits.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return subprocess.run(
        [sys.executable, *start, *map(str, arguments)],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
        env=environment,
    )


@pytest.fixture
def pairs(tmp_path: Path, work_of) -> Path:
    for name, (artist, work) in {"a0": (0, 0), "a1": (0, 1), "b0": (1, 0)}.items():
        work_of(artist, work).save(tmp_path / f"{name}.png")
    path = tmp_path / "pairs.csv"
    path.write_text("left,right\na0.png,a1.png\na0.png,b0.png\n")
    return path


def loaded_by(script: str, names: tuple[str, ...], arguments: list[object]) -> tuple[str, str]:
    """Return what a script prints, and which of some modules it has loaded."""
    script += f"\nimport sys\nprint([n for n in {names} if n in sys.modules], file=sys.stderr)\n"
    command = [sys.executable, "-c", script, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout, done.stderr


def test_comparing_imports_nothing_heavy(pairs: Path, tiny_model: Path):
    pair = [pairs.parent / "a0.png", pairs.parent / "b0.png"]
    script = (
        "import samehand.cli\n"
        "try:\n    samehand.cli.main()\n"
        "except SystemExit as stop:\n    assert not stop.code"
    )
    out, loaded = loaded_by(script, HEAVY, ["compare", *pair, "--json", "--model", tiny_model])
    assert loaded == "[]\n"
    assert json.loads(out)["decision"] == "different"


def test_comparing_from_python_imports_nothing_heavy(pairs: Path, tiny_model: Path):
    script = (
        "import sys, samehand.cli\nfrom samehand import SameHand\n"
        "print(SameHand(sys.argv[3]).compare(*sys.argv[1:3]).decision)"
    )
    pair = [pairs.parent / "a0.png", pairs.parent / "b0.png"]
    out, loaded = loaded_by(script, HEAVY, [*pair, tiny_model])
    assert (out, loaded) == ("different\n", "[]\n")


def test_a_full_disk_is_one_sentence_and_leaves_nothing(pairs: Path, tiny_model: Path):
    folder = pairs.parent
    scoring = ("score", pairs, "--images", folder, "--model", tiny_model)
    cold = (*scoring, "--out", folder / "out.csv", "--cache", folder / "cold")
    warm = (*scoring, "--out", folder / "out.csv", "--cache", folder / "warm")
    picture = ("compare", folder / "a0.png", folder / "b0.png", "--model", tiny_model)
    picture = (*picture, "--picture", folder / "verdict.png")
    assert run(*warm).returncode == 0
    (folder / "out.csv").unlink()
    before = {path for path in folder.rglob("*") if path.is_file()}
    for command, target in ((cold, "cold/"), (warm, "out.csv:"), (picture, "verdict.png:")):
        done = run(*command, full_disk=True)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"samehand: cannot write {folder}/{target}")
        assert done.stderr.endswith(": file too large; choose another place for the output\n")
        assert done.stderr.count("\n") == 1
    assert {path for path in folder.rglob("*") if path.is_file()} == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_an_answer_that_cannot_be_printed_is_one_sentence():
    with open("/dev/full", "w") as full:
        done = run("--version", stdout=full)
    assert done.returncode == 2
    assert done.stderr == (
        "samehand: cannot write the output: the disk is full; make room or write elsewhere\n"
    )


def test_a_reader_that_goes_away_is_no_news():
    reading, writing = os.pipe()
    os.close(reading)
    done = run("--version", stdout=writing)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


def test_names_in_bytes_that_are_no_text(pairs: Path, tiny_model: Path):
    folder = os.fsencode(pairs.parent)
    try:
        os.rename(folder + b"/a0.png", folder + b"/caf\xe9.png")
    except OSError:
        pytest.skip("this file system accepts no such name")
    for name, code in ((b"/caf\xe9.png", 0), (b"/th\xe9.png", 2)):
        command = [sys.executable, "-m", "samehand", "compare", folder + name]
        command += [folder + b"/b0.png", "--model", os.fspath(tiny_model)]
        done = subprocess.run(command, capture_output=True, check=False)
        assert done.returncode == code
        assert rb"\udce9.png" in (done.stderr if code else done.stdout)
        assert done.stderr.count(b"\n") == (1 if code else 0)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="watches open files in /proc")
def test_an_interruption_is_one_word_and_leaves_nothing(pairs: Path, tiny_model: Path):
    folder = pairs.parent
    with open(folder / "long.png", "wb") as stream:
        stream.truncate(2**30)  # a hole: no room on the disk, but long to read
    pairs.write_text("left,right\na0.png,a1.png\na0.png,long.png\n")
    before = set(folder.rglob("*"))
    command = ["score", pairs, "--images", folder, "--out", folder / "out.csv"]
    command += ["--model", tiny_model, "--cache", folder / "cache"]
    child = subprocess.Popen(
        [sys.executable, "-m", "samehand", *map(str, command)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_until_open(child, folder / "long.png")
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=60)
    finally:
        child.kill()
    assert (child.returncode, out, err) == (130, "", "interrupted\n")
    assert set(folder.rglob("*")) == before


def wait_until_open(child: subprocess.Popen[str], path: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and child.poll() is None:
        for entry in Path(f"/proc/{child.pid}/fd").iterdir():
            try:
                if os.readlink(entry) == os.fspath(path):
                    return
            except FileNotFoundError:
                continue
        time.sleep(0.005)
    pytest.fail(f"{path} was never opened: {child.communicate(timeout=5)}")


def test_onnx_runtime_keeps_no_record_of_use(tiny_model, tmp_path, work_of):
    """It would write one into the cache folder, and send it to its makers some seconds later."""
    for work in range(2):
        work_of(1, work).save(tmp_path / f"{work}.png")
    homes = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    environment = {name: os.environ[name] for name in os.environ if not name.startswith("ORT_")}
    command = [sys.executable, "-m", "samehand", "compare", "0.png", "1.png", "--model", tiny_model]
    subprocess.run(
        command, env=environment | homes, cwd=tmp_path, check=True, stdout=subprocess.DEVNULL
    )
    assert not list(tmp_path.rglob("*Microsoft*"))
    assert not list(tmp_path.rglob("*onnxruntime*"))


def test_closed_streams_harm_no_output(pairs: Path, tiny_model: Path):
    # Else the first file that is opened would be the standard output, and be printed into.
    left, right, out = (pairs.parent / name for name in ("a0.png", "b0.png", "verdict.png"))
    ask = [sys.executable, "-m", "samehand", "compare", left, right, "--picture", out]
    line = shlex.join(map(str, [*ask, "--model", tiny_model]))
    done = subprocess.run(["sh", "-c", f"exec {line} <&- >&- 2>&-"], check=False, timeout=60)
    assert done.returncode == 0
    with Image.open(out) as picture:
        picture.load()


def test_a_deleted_current_folder_is_told_to_be_that(tmp_path: Path):
    script = (
        "import os, sys\nfrom samehand.cli import main\n"
        "os.rmdir(os.getcwd())\nsys.argv = ['samehand', 'embed', 'works', '--out', 'out']\nmain()"
    )
    (tmp_path / "gone").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path / "gone", capture_output=True, text=True,
        check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == (
        "samehand: the current folder no longer exists; change to one that does\n"
    )
