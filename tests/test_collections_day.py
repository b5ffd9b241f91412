"""A day of a collection, from its own table to files that other tools read, over the command line.

Three people work in turn: who has the table imports it and a loan from another museum, who knows
the painters decides, who looks after the models changes one; then a doubtful work comes in.
"""

import csv
import io
import json
import shutil
import threading
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import polars as pl
import pytest

from samehand.catalogue.schema import SCHEMA, write_catalogue
from samehand.model.background import read_background, write_background
from samehand.model.folder import open_model, write_config

PAINTERS, WORKS = 13, 9
PICTURES = PAINTERS * WORKS
MISLABELLED = {(2, 4): 5, (7, 1): 9}
"""Works that the table gives to another painter."""

PRIOR = 0.1


@pytest.fixture(scope="module")
def models(tiny_model, catalogued, tmp_path_factory):
    """Two small models whose embeddings cannot be compared, both with rules for galleries."""
    held_out = tmp_path_factory.mktemp("held out")
    rows = [
        catalogued(held_out, 3000 + artist, work, style="one", split="validation")
        for artist in range(14)
        for work in range(6)
    ]
    write_catalogue(pl.DataFrame(rows, schema=SCHEMA), held_out)
    made = []
    for name, views in (("first", ("whole", "mirror", "centre")), ("second", ("whole", "mirror"))):
        folder = Path(shutil.copytree(tiny_model, held_out / "models" / name))
        background = read_background(open_model(folder))
        config = replace(open_model(folder).config, name=name, views=views)
        write_config(folder, config)
        write_background(folder, config, background)
        made.append((folder, held_out))
    return made


@pytest.fixture
def scans(tmp_path, work_of):
    """The pictures, and the table as a German Excel writes it."""
    folder = tmp_path / "scans"
    folder.mkdir()
    lines = ["Inventar-Nr.;Künstler;Werktitel;Datierung;Bilddatei;Standort"]
    for painter in range(PAINTERS):
        for work in range(WORKS):
            work_of(painter, work).save(folder / f"p{painter:02}-{work}.png")
            said = MISLABELLED.get((painter, work), painter)
            lines.append(
                f"INV {painter:02}.{work};Maler Nr. {said:02};Bild {work};um 18{50 + work};"
                f"p{painter:02}-{work}.png;Saal {painter}"
            )
    (tmp_path / "export.csv").write_bytes("\r\n".join(lines).encode("cp1252"))
    return folder


@pytest.fixture
def loan(tmp_path, work_of):
    """The address of a manifest that another museum publishes."""
    folder = tmp_path / "web"
    folder.mkdir()
    work_of(3, 50).save(folder / "loan.png")

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    base = f"http://127.0.0.1:{server.server_address[1]}"
    body = {"id": f"{base}/loan.png", "type": "Image"}
    canvas = {"type": "Canvas", "items": [{"items": [{"body": body}]}]}
    manifest = {
        "id": f"{base}/manifest.json",
        "type": "Manifest",
        "label": {"en": ["On loan"]},
        "rights": "http://creativecommons.org/publicdomain/zero/1.0/",
        "items": [canvas],
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"{base}/manifest.json"
    server.shutdown()
    thread.join()
    server.server_close()


def painter_of(path):
    name = Path(path).name
    return int(name[1:3]) if name.startswith("p") else 3


@pytest.mark.slow
def test_a_day_of_a_collection(models, scans, loan, tmp_path, work_of, samehand, monkeypatch):
    monkeypatch.setenv("SAMEHAND_HOME", str(tmp_path / "home"))

    def run(*words):
        done = samehand(*words)
        assert done.code == 0, done.err
        return done.out

    (first, held_out), (second, _) = models
    for folder in (first, second):
        run("calibrate", folder, "--catalogue", held_out)

    # The table as it is, and the loan.
    run("gallery", "create", "house", "--model", first)
    told = run(
        "gallery", "add", "house", tmp_path / "export.csv", "--images", scans, "--model", first
    )
    assert f"added {PICTURES}," in told
    told = run("gallery", "add", "house", f"iiif:{loan}", "--private", "--model", first)
    assert "added 1," in told
    info = json.loads(run("gallery", "info", "house", "--json"))
    assert (info["works"], info["artists"], info["unattributed"]) == (PICTURES + 1, PAINTERS, 1)
    found = run("gallery", "list", "house", "--where", "date<=1855", "--json").splitlines()
    assert {json.loads(one)["date"] for one in found} == {"um 1850"}

    # Which labels are wrong.
    sheet, table = tmp_path / "suspects.png", tmp_path / "suspects.csv"
    run("suspects", "--gallery", "house", "--out", table, "--sheet", sheet, "--model", first)
    rows = list(csv.DictReader(io.StringIO(table.read_text(encoding="utf-8-sig"))))
    wrong = {f"INV {painter:02}.{work}" for painter, work in MISLABELLED}
    assert wrong == {one["accession_number"] for one in rows[:2]}
    assert sheet.stat().st_size > 1000

    # Twenty pairs are decided: the suspects first, then, round by round, what teaches most.
    pairs = []

    def decide(one, two):
        label = "same" if painter_of(one) == painter_of(two) else "different"
        run("decide", "house", one, two, label, "--by", "Vera", "--model", first)
        pairs.append(frozenset((one, two)))

    for one in rows[:2]:
        decide(one["path"], one["rival_work"])
    while len(pairs) < 20:
        asked = ("--labelled", "--top", min(9, 20 - len(pairs)), "--prior", PRIOR, "--json")
        queue = json.loads(run("queue", "house", *asked, "--model", first))
        assert queue["decided"] == len(pairs)
        assert queue["suggestions"]
        for one in queue["suggestions"]:
            decide(one["first"]["path"], one["second"]["path"])
    assert len({*pairs}) == 20
    before = json.loads(run("decisions", "house", "--json"))
    assert before["count"] == 20

    # The other model.
    run("gallery", "re-embed", "house", "--model", second)
    assert json.loads(run("decisions", "house", "--json")) == before
    hands = json.loads(run("cluster", "--gallery", "house", "--json", "--model", second))
    hand = {path: one["number"] for one in hands["hands"] for path in one["works"]}
    for one, two in pairs:
        assert (hand[one] == hand[two]) == (painter_of(one) == painter_of(two))

    # A doubtful work, and what is filed about it.
    doubtful = tmp_path / "doubtful.png"
    work_of(6, 70).save(doubtful)
    answer = json.loads(
        run("identify", doubtful, "--gallery", "house", "--json", "--model", second)
    )
    assert answer["candidates"][0]["artist"] == "Maler Nr. 06"
    nearest = answer["candidates"][0]["nearest"][0]
    run("report", doubtful, nearest, "--out", tmp_path / "report.html", "--model", second)
    assert "doubtful.png" in (tmp_path / "report.html").read_text(encoding="utf-8")

    # Out again.
    run("gallery", "export", "house", "--out", tmp_path / "house.csv")
    written = io.StringIO((tmp_path / "house.csv").read_text(encoding="utf-8-sig"))
    numbers = [row["accession_number"] for row in csv.DictReader(written)]
    assert sum(number.startswith("INV ") for number in numbers) == PICTURES
    run("gallery", "export", "house", "--out", tmp_path / "house.jsonld")
    graph = json.loads((tmp_path / "house.jsonld").read_text(encoding="utf-8"))["@graph"]
    assert len(graph) == PICTURES + 1
    assert sum(len(one.get("attributed_by", ())) for one in graph) == 20
    out = tmp_path / "pair.json"
    run("manifest", doubtful, nearest, "--out", out, "--base", "https://museum.example/iiif",
        "--gallery", "house", "--model", second)  # fmt: skip
    manifest = json.loads(out.read_text(encoding="utf-8"))
    assert [bool(one["annotations"][0]["items"]) for one in manifest["items"]] == [True, True]
    prezi = pytest.importorskip("iiif_prezi3")
    assert len(prezi.Manifest(**manifest).items) == 2
