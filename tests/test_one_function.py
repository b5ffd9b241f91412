"""Whoever asks, and however, one function answers: no question is written twice.

Every command, route and tool is listed here with the function that answers it, or as one that asks
nothing of a model. A new one fails until it is listed; each listed one is asked, and must reach its
function.
"""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import typer.main
from fastapi.testclient import TestClient
from mcp import Client

from samehand import AsyncSameHand, Gallery, SameHand
from samehand.cli import app as commands
from samehand.embedding.ray_engine import RayEngine
from samehand.embedding.run import embed_collection
from samehand.explain import evidence
from samehand.gallery import decisions
from samehand.mcp import create_server
from samehand.model.embed import cached_embeddings
from samehand.verification import hands, identify, queue, references
from samehand.web.app import create_app
from samehand.web.limits import Limits

# The one function for each question, by where it is looked up.
ANSWERED_BY = {
    "compare": (SameHand, "compare"),
    "explain": (evidence, "explain"),
    "nearby": (identify, "nearby"),
    "verify": (references, "verify"),
    "search": (identify, "search"),
    "identify": (identify, "identify"),
    "cluster": (hands, "cluster"),
    "queue": (queue, "queue"),
    "decide": (decisions, "decide"),
    "undo": (decisions, "undo"),
}

COMMANDS = {
    "compare": {"compare"},
    "compare --evidence": {"compare", "explain"},
    "report": {"compare", "explain"},
    "verify": {"verify"},
    "report --references": {"verify"},
    "search": {"search"},
    "identify": {"identify"},
    "cluster": {"cluster"},
    "suspects": {"cluster"},
    "manifest": {"compare", "explain"},
    "queue": {"queue"},
    "decide": {"decide"},
    "decisions --undo": {"undo"},
}

# What prepares, measures, publishes or describes, and asks nothing about a picture.
OTHER_COMMANDS = {
    "atelier", "background", "calibrate", "doctor", "embed", "evaluate", "export", "fetch",
    "gallery", "mcp", "pairs", "prepare", "protocol", "push", "schema", "serve", "train", "users",
    # Many pairs at once, by the same comparator and calibration; tests/verification/test_score.py
    # holds its rows to what `compare` says of each.
    "score",
}  # fmt: skip

ROUTES = {
    "POST /api/v1/compare": {"compare"},
    "POST /api/v1/evidence": {"compare", "explain"},
    "POST /api/v1/report": {"compare", "explain"},
    "POST /api/v1/verify": {"verify"},
    "POST /api/v1/verify/report": {"verify"},
    "POST /api/v1/gallery/search": {"search"},
    "POST /api/v1/gallery/identify": {"identify"},
    "POST /api/v1/gallery/cluster": {"cluster"},
    "POST /api/v1/gallery/queue": {"queue"},
    "POST /api/v1/gallery/decisions": {"decide"},
    "POST /api/v1/gallery/decisions/undo": {"undo"},
}

TOOLS = {
    "compare": {"compare"},
    "explain": {"compare", "explain"},
    "verify": {"verify"},
    "search": {"search"},
    "identify": {"identify"},
}


@pytest.fixture
def reached(monkeypatch: pytest.MonkeyPatch) -> Callable[[], contextmanager]:
    """Note which of the functions are run, each of which does what it does."""
    seen: set[str] = set()

    def noting(name: str, function: Callable) -> Callable:
        def noted(*arguments: object, **options: object) -> object:
            seen.add(name)
            return function(*arguments, **options)

        return noted

    for name, (home, attribute) in ANSWERED_BY.items():
        found = noting(name, getattr(home, attribute))
        for place in PLACES:
            if getattr(place, attribute, None) is getattr(home, attribute):
                monkeypatch.setattr(place, attribute, found)

    @contextmanager
    def during() -> Iterator[set[str]]:
        seen.clear()
        yield seen

    return during


PLACES = (SameHand, evidence, identify, references, hands, queue, decisions)


@pytest.fixture(scope="module")
def model() -> SameHand:
    return SameHand(threads=1)


@pytest.fixture(scope="module")
def shelf(model, painting_of, tmp_path_factory) -> Iterator[Gallery]:
    folder = tmp_path_factory.mktemp("works")
    for artist in range(2):
        (folder / f"Artist {artist}").mkdir()
        for work in range(3):
            painting_of(artist, work).save(folder / f"Artist {artist}" / f"{work}.png")
    with Gallery.create(folder.parent / "one-function", model) as gallery:
        gallery.add([folder], model)
        yield gallery


@pytest.fixture(scope="module")
def pictures(painting_of, tmp_path_factory) -> list[Path]:
    """Two works by the first artist of the gallery that it does not hold."""
    folder = tmp_path_factory.mktemp("doubtful")
    paths = [folder / f"{work}.png" for work in (7, 8)]
    for work, path in zip((7, 8), paths, strict=True):
        painting_of(0, work).save(path)
    return paths


def some_works(shelf: Gallery) -> list[str]:
    return [stored.sha256 for stored in list(shelf.list())[:2]]


def some_decision(shelf: Gallery) -> str:
    return shelf.decide(*some_works(shelf), "unsure", by="Ada").id


def without_time(values: dict) -> dict:
    names = {"seconds", "left", "right", "probe", "references"}
    return {name: value for name, value in values.items() if name not in names}


def test_every_command_route_and_tool_is_listed(model, shelf):
    named = {name.split()[0] for name in COMMANDS} | OTHER_COMMANDS
    assert set(typer.main.get_command(commands).commands) == named
    described = create_app(model, gallery=shelf).openapi()["paths"]
    posts = {f"POST {path}" for path, methods in described.items() if "post" in methods}
    assert posts == set(ROUTES)
    server = create_server(model, {}, [Path()])
    assert {tool.name for tool in asyncio.run(server.list_tools())} == set(TOOLS)


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_ask_the_one_function(
    command, samehand, reached, model, tiny_model, shelf, pictures, tmp_path
):
    one, two = pictures
    arguments = {
        "compare": ["compare", one, two],
        "compare --evidence": ["compare", one, two, "--evidence", tmp_path / "evidence.png"],
        "report": ["report", one, two, "--out", tmp_path / "report.html"],
        "verify": ["verify", one, "--references", two],
        "report --references": [
            "report", one, "--references", two, "--out", tmp_path / "report.html",
        ],
        "search": ["search", one, "--gallery", shelf.folder],
        "identify": ["identify", one, "--gallery", shelf.folder],
        "cluster": ["cluster", "--gallery", shelf.folder],
        "suspects": ["suspects", "--gallery", shelf.folder],
        "manifest": [
            "manifest", one, two, "--out", tmp_path / "pair.json", "--base", "https://a.org/iiif",
        ],
        "queue": ["queue", shelf.folder],
        "decide": ["decide", shelf.folder, *some_works(shelf), "unsure"],
        "decisions --undo": ["decisions", shelf.folder, "--undo", some_decision(shelf)],
    }[command]  # fmt: skip
    if "explain" in COMMANDS[command]:
        # It encodes each picture 13 times a view.
        arguments += ["--model", tiny_model]
    with reached() as seen:
        said = samehand(*arguments)
    assert said.code == 0, said.err
    assert seen == COMMANDS[command]


@pytest.fixture(scope="module")
def client(model, shelf) -> Iterator[TestClient]:
    limits = Limits(decoders=1, decode_seconds=60)
    with TestClient(
        create_app(model, limits, gallery=shelf), base_url="http://127.0.0.1"
    ) as client:
        yield client


def posted(client: TestClient, path: str, pictures: list[Path], shelf: Gallery):
    if path.endswith("/decisions"):
        first, second = some_works(shelf)
        return client.post(path, data={"first": first, "second": second, "label": "unsure"})
    if path.endswith("/undo"):
        return client.post(path, data={"id": shelf.decisions().decisions[-1].id})
    one, two = (("x.png", path.read_bytes(), "image/png") for path in pictures)
    if path.endswith(("/cluster", "/queue")):
        return client.post(path)
    if "gallery" in path:
        return client.post(path, files={"probe": one})
    first, second = ("probe", "references") if "verify" in path else ("left", "right")
    return client.post(path, files={first: one, second: two})


@pytest.mark.parametrize("route", ROUTES)
def test_routes_ask_the_one_function(route, client, verifier, reached, shelf, pictures):
    path = route.split()[1]
    if path == "/api/v1/report":
        app = create_app(verifier, Limits(decoders=1, decode_seconds=60))
        with TestClient(app, base_url="http://127.0.0.1") as light, reached() as seen:
            assert posted(light, path, pictures, shelf).status_code == 200
        assert seen == ROUTES[route]
        return
    some_decision(shelf)
    with reached() as seen:
        answer = posted(client, path, pictures, shelf)
    assert answer.status_code == 200, answer.text
    # The nearest works stand beside.
    beside = {"nearby"} if path == "/api/v1/evidence" else set()
    assert seen == ROUTES[route] | beside


def called(model: SameHand, shelf: Gallery, tool: str, pictures: list[Path]):
    one, two = map(str, pictures)
    arguments = {
        "compare": {"left": one, "right": two},
        "explain": {"left": one, "right": two},
        "verify": {"doubtful": one, "references": [two]},
        "search": {"picture": one},
        "identify": {"picture": one},
    }[tool]

    async def call():
        server = create_server(model, {shelf.name: shelf}, [pictures[0].parent])
        async with Client(server) as asking:
            return await asking.call_tool(tool, arguments)

    return asyncio.run(call())


@pytest.mark.parametrize("tool", TOOLS)
def test_tools_ask_the_one_function(tool, reached, model, shelf, pictures):
    with reached() as seen:
        told = called(model, shelf, tool, pictures)
    assert not told.is_error, told.content
    assert seen == TOOLS[tool]


@pytest.mark.parametrize("question", ["compare", "verify", "search", "identify"])
def test_python_asyncio_command_line_http_and_assistants_answer_alike(
    question, samehand, client, model, shelf, pictures
):
    one, two = pictures
    others = {"compare": [two], "verify": [[two]], "search": [shelf], "identify": [shelf]}[question]

    async def ask():
        async with AsyncSameHand(model) as asking:
            return await getattr(asking, question)(one, *others)

    direct = getattr(model, question)(one, *others)
    options = {
        "compare": [two],
        "verify": ["--references", two],
        "search": ["--gallery", shelf.folder],
        "identify": ["--gallery", shelf.folder],
    }[question]
    path = {"compare": "compare", "verify": "verify"}.get(question, f"gallery/{question}")
    answers = {
        "asyncio": asyncio.run(ask()).to_dict(),
        "command line": json.loads(samehand(question, one, *options, "--json").out),
        "http": posted(client, f"/api/v1/{path}", pictures, shelf).json(),
        "assistant": called(model, shelf, question, pictures).structured_content,
    }
    for by, values in answers.items():
        assert without_time(values) == without_time(direct.to_dict()), by
        if question == "verify":
            assert values["references"][0]["llr"] == direct.references[0].llr, by


@pytest.fixture(scope="module")
def same_shelf_in_lance(model, shelf, tmp_path_factory) -> Iterator[Gallery]:
    pytest.importorskip("lancedb")
    folder = tmp_path_factory.mktemp("lance") / "one-function"
    with Gallery.create(f"lance://{folder}", model) as lance:
        lance.add([stored.work.path for stored in shelf.list()], model)
        # A path of one file says nothing of its folder, from which the other gallery has artists.
        for stored in shelf.list():
            where = [f"path={stored.work.path}"]
            lance.set_columns({"artist": stored.work.artist}, where=where)
        yield lance


@pytest.mark.parametrize("question", ["search", "identify"])
def test_a_gallery_in_lance_answers_as_the_same_gallery_in_sqlite(
    question, model, shelf, same_shelf_in_lance, pictures
):
    answers = [
        getattr(model, question)(pictures[0], gallery).to_dict()
        for gallery in (shelf, same_shelf_in_lance)
    ]
    assert without_time(answers[0]) == without_time(answers[1])


@pytest.mark.slow
@pytest.mark.parametrize("question", ["search", "identify"])
def test_a_gallery_in_lance_answers_alike_whoever_asks(
    question, samehand, model, shelf, same_shelf_in_lance, pictures
):
    lance, one = same_shelf_in_lance, pictures[0]
    direct = without_time(getattr(model, question)(one, shelf).to_dict())

    async def ask():
        async with AsyncSameHand(model) as asking:
            return (await getattr(asking, question)(one, lance)).to_dict()

    app = create_app(model, Limits(decoders=1, decode_seconds=60), gallery=lance)
    with TestClient(app, base_url="http://127.0.0.1") as client:
        by_http = posted(client, f"/api/v1/gallery/{question}", pictures, lance).json()
    said = samehand(question, one, "--gallery", lance.address, "--json")
    assert said.code == 0, said.err
    answers = {
        "asyncio": asyncio.run(ask()),
        "command line": json.loads(said.out),
        "http": by_http,
        "assistant": called(model, lance, question, pictures).structured_content,
    }
    for by, values in answers.items():
        assert without_time(values) == direct, by


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # Ray and what it loads warn of what is theirs to mend.
@pytest.mark.parametrize("engine", ["sqlite", "lance"])
def test_a_gallery_of_embeddings_from_ray_answers_as_one_embedded_here(
    engine, model, shelf, same_shelf_in_lance, pictures, tmp_path
):
    """Needs samehand[ray]."""
    ray = pytest.importorskip("ray")
    paths = [stored.work.path for stored in shelf.list()]
    ray.init(num_cpus=1, log_to_driver=False)
    try:
        embed_collection(paths, tmp_path / "rows", threads=1, engine=RayEngine(1))
    finally:
        ray.shutdown()
    digests = {stored.sha256 for stored in shelf.list()}
    assert cached_embeddings(model.embedder, tmp_path / "rows", digests).keys() == digests
    folder = tmp_path / "one-function"
    address = f"lance://{folder}" if engine == "lance" else folder
    with Gallery.create(address, model) as made:
        made.add(paths, model, cache=tmp_path / "rows")
        for stored in shelf.list():
            where = [f"path={stored.work.path}"]
            made.set_columns({"artist": stored.work.artist}, where=where)
        for question in ("search", "identify"):
            here, there = (
                without_time(getattr(model, question)(pictures[0], gallery).to_dict())
                for gallery in (shelf, made)
            )
            assert here == there


def test_a_collection_is_embedded_as_a_picture_is(samehand, model, pictures, tmp_path):
    """tests/embedding/test_ray.py holds the rows of Ray to those of this process."""
    said = samehand("embed", *pictures, "--out", tmp_path / "rows")
    assert said.code == 0, said.err
    rows = pl.read_parquet(tmp_path / "rows" / "**/*.parquet")
    found = {Path(path).name: row for path, row in rows.select("path", "embedding").iter_rows()}
    for path in pictures:
        np.testing.assert_array_equal(
            np.asarray(found[path.name], np.float32), model.open(path).embedding
        )
