"""Promises of SECURITY.md that no other test holds; each test quotes its promise."""

import ast
import io
import socket
import string
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import polars as pl
import pytest

import samehand
from samehand.catalogue.schema import SCHEMA, load_catalogue, write_catalogue
from samehand.pairs.draws import all_pairs
from samehand.pairs.protocol import write_protocol
from samehand.reporting.write import write_report

SOURCES = sorted(Path(samehand.__file__).parent.rglob("*.py"))

_WATCHED = """
import sys
asked = []
sys.addaudithook(lambda name, details: asked.append((name, details))
    if name in ("socket.connect", "socket.getaddrinfo", "socket.sendto") else None)
import os
from samehand.cli import main
sys.argv = ["samehand", *sys.argv[1:]]
try:
    main()
finally:
    assert not asked, asked
    assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"
"""


def calls(tree: ast.AST) -> list[ast.Call]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def test_comparing_and_scoring_connect_to_nothing(tiny_model, work_of, tmp_path):
    # "Comparing, scoring ... connect to nothing. ONNX Runtime's reports ... are turned off"
    for number in range(2):
        work_of(1, number).save(tmp_path / f"{number}.png")
    (tmp_path / "pairs.csv").write_text("left,right\n0.png,1.png\n")
    for words in (
        ["compare", tmp_path / "0.png", tmp_path / "1.png"],
        ["score", tmp_path / "pairs.csv", "--out", tmp_path / "scored.csv"],
    ):
        command = [sys.executable, "-c", _WATCHED, *words, "--model", tiny_model]
        done = subprocess.run(
            [str(word) for word in command], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


@pytest.fixture
def connections():
    """Return what is asked of the network from now on, in this process."""
    asked: list[object] = []
    watching = [True]

    def note(name, details):
        # A hook cannot be taken away again.
        if watching and name in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
            asked.append((name, details))

    sys.addaudithook(note)
    yield asked
    watching.clear()


@pytest.mark.slow  # pytest -m slow tests/test_security.py
def test_preparing_and_evaluating_connect_to_nothing(
    connections, samehand, tiny_model, work_of, catalogued, tmp_path
):
    # "Comparing, scoring, preparing and evaluating a model folder connect to nothing."
    for artist in range(3):
        (tmp_path / "works" / f"{artist}").mkdir(parents=True)
        work_of(artist, 1).save(tmp_path / "works" / f"{artist}" / "1.png")
    folder, pairs = tmp_path / "catalogue", tmp_path / "pairs.parquet"
    folder.mkdir()
    rows = [catalogued(folder, n // 2, n % 2, style="one", split="test") for n in range(8)]
    write_catalogue(pl.DataFrame(rows, schema=SCHEMA), folder)
    write_protocol(pairs, all_pairs(load_catalogue(folder)), description="", catalogue_sha256="0")
    evaluate = ["evaluate", pairs, "--catalogue", folder, "--model", tiny_model]
    for words in (
        ["prepare", "folder", tmp_path / "works", "--out", tmp_path / "prepared"],
        [*evaluate, "--out", tmp_path / "report", "--replicates", 2],
    ):
        done = samehand(*words)
        assert done.code == 0, done.err
    assert connections == []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        socket.create_connection(listener.getsockname()).close()
    assert connections, "the hook hears nothing"


def test_no_weights_are_unpickled_and_no_code_of_a_hub_is_run():
    # "never as pickle", "loaded with `weights_only=True`", "`trust_remote_code` is never set"
    for path in SOURCES:
        tree = ast.parse(path.read_text())
        imported = {
            alias.name.split(".")[0]
            for node in ast.walk(tree)
            if isinstance(node, ast.Import)
            for alias in node.names
        } | {
            (node.module or "").split(".")[0]
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
        }
        assert not imported & {"pickle", "dill", "joblib", "shelve", "marshal"}, path
        for call in calls(tree):
            options = {word.arg: word.value for word in call.keywords}
            assert "trust_remote_code" not in options, path
            if ast.unparse(call.func) == "torch.load":
                assert ast.literal_eval(options["weights_only"]) is True, path


def test_members_of_a_zip_are_written_under_no_name_of_their_own(samehand, work_of, tmp_path):
    # "called by an identifier of ASCII letters ...", "never unpacked by name"
    names = ["../../evil/1.png", "/evil/2.png", "Ann<b>/=3.png", "Ann<b>/.4.png", "Bo/\u202e5.png"]
    with zipfile.ZipFile(tmp_path / "works.zip", "w") as archive:
        for number, name in enumerate(names):
            stream = io.BytesIO()
            work_of(number, 0).save(stream, "PNG")
            archive.writestr(name, stream.getvalue())
    base = tmp_path / "deep" / "down"
    base.mkdir(parents=True)
    done = samehand("prepare", "folder", tmp_path / "works.zip", "--out", base / "catalogue")
    assert done.code == 0, done.err
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    pictures = [path for path in written if path.suffix in (".png", ".jpg", ".jpeg", ".webp")]
    assert pictures
    allowed = set(string.ascii_letters + string.digits + "-_")
    for path in pictures:
        assert base in path.parents
        assert set(path.stem) <= allowed
    assert not Path("/evil").exists()


@pytest.mark.usefixtures("pango")
def test_a_pdf_fetches_neither_a_file_nor_an_address(tmp_path):
    # A report shows names and metadata that strangers wrote; a PDF of it fetches nothing.
    secret = tmp_path / "secret.txt"
    secret.write_text("SECRET-WORD")
    reached = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/x.png"

        def wait():
            try:
                reached.append(listener.accept())
            except TimeoutError:
                pass

        waiting = threading.Thread(target=wait)
        waiting.start()
        page = (
            f'<title>r</title><link rel="stylesheet" href="{address}"><img src="{address}">'
            f'<img src="{secret.as_uri()}"><link rel="attachment" href="{secret.as_uri()}">'
            f"<style>p {{ background: url({address}) }}</style><p>words</p>"
        )
        write_report(page, tmp_path / "r.pdf")
        waiting.join()
    assert reached == []
    assert b"secret.txt" not in (tmp_path / "r.pdf").read_bytes()
