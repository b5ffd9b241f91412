"""Assistants are answered as everybody else; asked by the SDK's own client."""

import asyncio
import base64
import io
import os
import sys
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters
from mcp.types import ListRootsResult, Root
from PIL import Image

from samehand import Gallery
from samehand.mcp import create_server


@pytest.fixture(scope="module")
def place(tmp_path_factory, work_of) -> Path:
    """A folder with an open and a private part."""
    folder = tmp_path_factory.mktemp("assistant")
    for part in ("open", "private"):
        (folder / part).mkdir()
    for artist in range(2):
        for work in range(3):
            work_of(artist, work).save(folder / "open" / f"{artist}-{work}.png")
    work_of(1, 5).save(folder / "private" / "secret.png")
    (folder / "open" / "bad.png").write_bytes(b"nothing")
    (folder / "open" / "link.png").symlink_to(folder / "private" / "secret.png")
    return folder


def without_time(values: dict) -> dict:
    return {name: value for name, value in values.items() if name != "seconds"}


def ask(server, tool: str, roots: list[Path] | None = None, mode: str = "auto", **arguments):
    async def opened(_: object) -> ListRootsResult:
        return ListRootsResult(roots=[Root(uri=path.as_uri()) for path in roots or ()])

    async def call():
        callback = None if roots is None else opened
        async with Client(server, list_roots_callback=callback, mode=mode) as client:
            return await client.call_tool(tool, arguments)

    return asyncio.run(call())


def refusal(result) -> str:
    assert result.is_error
    return result.content[0].text


@pytest.fixture
def server(verifier, place):
    return create_server(verifier, {}, [place / "open"])


def test_the_tools_are_the_questions_and_describe_their_answers(server):
    async def tools():
        async with Client(server) as client:
            return (await client.list_tools()).tools

    listed = {one.name: one for one in asyncio.run(tools())}
    assert set(listed) == {"compare", "explain", "verify", "identify", "search"}
    for one in listed.values():
        assert one.description
        assert "llr" in str(one.output_schema)
        # What the server finds out itself is no argument that an assistant could make up.
        assert "files" not in one.input_schema["properties"]


def test_compare_answers_what_the_facade_answers(server, verifier, place):
    left, right = place / "open" / "0-0.png", place / "open" / "0-1.png"
    told = ask(server, "compare", left=str(left), right="0-1.png", prior=0.1)
    expected = verifier.compare(left, right, prior=0.1).to_dict()
    assert without_time(told.structured_content) == without_time(expected)


def test_explain_returns_a_picture_and_says_it_in_words(server, verifier, place):
    told = ask(server, "explain", left="0-0.png", right="0-1.png")
    words, picture = told.content
    assert "as likely if" in words.text
    drawn = Image.open(io.BytesIO(base64.b64decode(picture.data)))
    assert drawn.format == "PNG"
    assert min(drawn.size) > 300
    expected = verifier.explain(
        place / "open" / "0-0.png", place / "open" / "0-1.png", influence=False
    )
    assert told.structured_content["evidence"] == expected.to_dict()


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_the_clients_roots_narrow_what_may_be_read(verifier, place, mode):
    server = create_server(verifier, {}, [place])
    pair = {"left": "0-0.png", "right": str(place / "open" / "0-1.png")}
    assert not ask(server, "compare", [place / "open"], mode, **pair).is_error
    secret = pair | {"right": str(place / "private" / "secret.png")}
    assert "outside the folders" in refusal(
        ask(server, "compare", [place / "open"], mode, **secret)
    )
    assert not ask(server, "compare", [place / "open", place / "private"], mode, **secret).is_error


@pytest.mark.parametrize("path", ["../private/secret.png", "link.png", "/etc/hostname"])
def test_no_way_leads_out_of_the_folders(server, path):
    assert "outside the folders" in refusal(ask(server, "compare", left="0-0.png", right=path))


def test_a_clients_roots_do_not_widen_what_the_user_allows(server, place):
    told = ask(server, "compare", [place], left="open/0-0.png", right="private/secret.png")
    assert f"outside the folders that may be read: {place / 'open'}" in refusal(told)


def test_a_client_that_opens_no_folder_is_shown_nothing(server):
    told = ask(server, "compare", [], left="0-0.png", right="0-1.png")
    assert "outside the folders that may be read" in refusal(told)


def test_mistakes_are_told_in_the_sentence_of_the_command_line(server):
    told = ask(server, "compare", left="0-0.png", right="bad.png")
    assert "bad.png" in refusal(told)
    assert "Traceback" not in refusal(told)
    assert "name a gallery that is served" in refusal(ask(server, "search", picture="0-0.png"))
    assert "prior" in refusal(ask(server, "compare", left="0-0.png", right="0-1.png", prior=1))


@pytest.fixture(scope="module")
def shipped():
    from samehand import SameHand

    return SameHand(threads=1)


def test_reference_sets_and_galleries_are_answered_as_by_the_facade(shipped, place, tmp_path):
    works = [place / "open" / f"0-{work}.png" for work in range(3)]
    with Gallery.create(tmp_path / "shelf", shipped) as gallery:
        gallery.add([place / "open" / f"{artist}-1.png" for artist in range(2)], shipped)
        server = create_server(shipped, {gallery.name: gallery}, [place / "open"])
        verified = ask(server, "verify", doubtful="0-0.png", references=["0-1.png", "0-2.png"])
        found = ask(server, "search", picture="0-0.png", top=1)
        told = shipped.verify(works[0], works[1:]).to_dict()
        assert without_time(verified.structured_content) == without_time(told)
        near = shipped.search(works[0], gallery, 1).to_dict()
        assert without_time(found.structured_content) == without_time(near)


def test_the_command_answers_over_standard_input_and_output(tiny_model, place, verifier):
    command = StdioServerParameters(
        command=sys.executable,
        args=["-m", "samehand", "mcp", "--model", str(tiny_model), "--root", str(place / "open")],
        env=dict(os.environ),
    )
    told = ask(command, "compare", left="0-0.png", right="0-1.png")
    expected = verifier.compare(place / "open" / "0-0.png", place / "open" / "0-1.png")
    assert told.structured_content["llr"] == expected.llr
