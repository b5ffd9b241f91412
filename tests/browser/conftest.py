"""A server with a gallery, and Chromium of the system to look at it."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI

from samehand.gallery import Gallery
from samehand.verification.verifier import SameHand
from samehand.web.app import create_app
from samehand.web.limits import Limits
from samehand.web.protocol import timed_protocol

EXAMPLES = Path(__file__).parents[2] / "examples" / "atelier"
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def serving(app: FastAPI, limits: Limits) -> Iterator[str]:
    """Serve an application on a port of this machine, and yield its address."""
    config = uvicorn.Config(app, http=timed_protocol(limits), ws="none", log_level="error")
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join()
    listener.close()


@pytest.fixture(scope="session")
def address(tmp_path_factory):
    verifier = SameHand()
    folder = tmp_path_factory.mktemp("gallery")
    for picture in sorted(EXAMPLES.glob("*.jpg")):
        # One work stands under another label, so that there is something to decide.
        by = "painter-a-4" if picture.stem == "painter-b-1" else picture.stem
        artist = folder / "works" / by.rsplit("-", 1)[0].replace("-", " ").title()
        artist.mkdir(parents=True, exist_ok=True)
        (artist / picture.name).write_bytes(picture.read_bytes())
    gallery = Gallery.create(folder / "Atelier", verifier.folder)
    gallery.add([folder / "works"], verifier)
    limits = Limits()
    with serving(create_app(verifier, limits, gallery=gallery), limits) as found:
        yield found
    gallery.close()


@pytest.fixture(scope="session")
def chromium():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium, address):
    """Open pages that may not fetch from elsewhere, nor complain of anything."""
    contexts, complaints = [], []

    def make(path="/", **options):
        context = chromium.new_context(base_url=address, **options)
        context.set_default_timeout(120_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda said: complaints.append(said.text) if "Security Policy" in said.text else None,
        )
        page.on(
            "request",
            lambda asked: (
                None
                if asked.url.startswith((address, "data:", "blob:"))
                else complaints.append(asked.url)
            ),
        )
        page.goto(path)
        return page

    yield make
    for context in contexts:
        context.close()
    assert complaints == []
