"""Fair under attack: whatever one client does, others are answered, and memory is bounded."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from dear_pictures import bomb
from fastapi.testclient import TestClient
from live_server import healthy, serving, until_closed

from samehand.gallery import Gallery
from samehand.web.ahead import ahead
from samehand.web.app import create_app
from samehand.web.engine import BusyError, Engine
from samehand.web.leaving import CLIENT_LEFT, Leaving
from samehand.web.limits import Limits

STREAMED = "Accept: application/x-ndjson\r\n"


def request_of(path, files, more=""):
    """Return a whole request that posts files as a form."""
    parts = [
        b'--x\r\nContent-Disposition: form-data; name="%s"; filename="%s"\r\n\r\n%s\r\n'
        % (field.encode(), name.encode(), data)
        for field, (name, data, *_) in files
    ]
    body = b"".join(parts) + b"--x--\r\n"
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{more}"
        f"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def asked(port, data):
    """Return the status of an answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        client.sendall(data)
        return int(until_closed(client).split(b" ", 2)[1])


def eventually(holds):
    """Return whether something comes true; a busy machine may take long."""
    end = time.monotonic() + 60
    while not holds() and time.monotonic() < end:
        time.sleep(0.02)
    return holds()


@pytest.fixture(scope="module")
def references(work_of, png):
    known = [("references", (f"r{n}.png", png(work_of(1, n)))) for n in range(1, 9)]
    return [("probe", ("p.png", png(work_of(1, 0)))), *known]


def test_what_is_made_ahead_does_not_wait_for_its_reader():
    finished = asyncio.Event()

    async def items():
        try:
            for number in range(5):
                yield number
        finally:
            finished.set()

    async def read():
        found = []
        async for item in ahead(items()):
            await finished.wait()  # All of it is made while the first is being read.
            found.append(item)
        return found

    assert asyncio.run(asyncio.wait_for(read(), 20)) == [0, 1, 2, 3, 4]


def test_an_error_ahead_reaches_the_reader_after_the_items_before_it():
    async def items():
        yield 1
        raise ValueError("torn")

    async def read():
        reader = ahead(items())
        assert await anext(reader) == 1
        await anext(reader)

    with pytest.raises(ValueError, match="torn"):
        asyncio.run(read())


def test_work_ahead_ends_when_its_reader_goes_away():
    ended = []

    async def items():
        try:
            yield 1
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    async def read():
        reader = ahead(items())
        await anext(reader)
        await reader.aclose()
        for _ in range(5):
            await asyncio.sleep(0)

    asyncio.run(read())
    assert ended == [True]


@pytest.mark.slow
def test_who_reads_a_streamed_answer_a_byte_at_a_time_holds_up_nobody(shipped, references):
    """Its turn is given back when the work is done, and its connection is cut off in the end."""
    limits = Limits(decoders=1, queue=8, send_seconds=1)
    app = create_app(shipped, limits)
    with (
        serving(app, limits, buffer=4096) as port,
        socket.socket() as slow,
    ):
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(("127.0.0.1", port))
        slow.sendall(request_of("/reference", references, STREAMED))
        assert slow.recv(1) == b"H"
        assert asked(port, request_of("/api/v1/verify", references[:2])) == 200
        assert app.state.engine.waiting == 0
        # What the system holds for it can still be read, but the end never comes.
        end = time.monotonic() + 1.5 * limits.send_seconds
        while time.monotonic() < end:
            time.sleep(0.2)
            with contextlib.suppress(ConnectionError):
                slow.recv(1)
        assert not until_closed(slow).endswith(b"0\r\n\r\n")


def test_a_client_that_leaves_is_worked_for_no_longer():
    began, stopped, sent = asyncio.Event(), [], []

    async def app(scope, receive, send):
        await receive()
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.append(True)

    async def ask():
        messages = [{"type": "http.request", "body": b"x", "more_body": False}]

        async def receive():
            if messages:
                return messages.pop()
            await began.wait()
            return {"type": "http.disconnect"}

        async def send(message):
            sent.append(message)

        await Leaving(app)({"type": "http", "method": "POST"}, receive, send)

    asyncio.run(asyncio.wait_for(ask(), 20))
    assert stopped == [True]
    assert sent[0]["status"] == CLIENT_LEFT


def test_clients_that_leave_while_a_picture_is_decoded_take_nothing_with_them(shipped, references):
    limits = Limits(decoders=1, queue=8)
    app = create_app(shipped, limits)
    with serving(app, limits) as port:
        for number in range(6):
            path, more = ("/reference", STREAMED) if number % 2 else ("/api/v1/verify", "")
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.sendall(request_of(path, references, more))
                assert eventually(lambda: app.state.engine.waiting > 0)
            assert eventually(lambda: app.state.engine.waiting == 0)
        assert asked(port, request_of("/api/v1/verify", references[:2])) == 200


def test_one_long_question_is_worked_on_at_a_time_and_short_ones_pass_it(verifier):
    engine = Engine(verifier, Limits(decoders=2, queue=4))

    async def ask():
        async with engine.turn(long=True):
            second = asyncio.create_task(engine.turn(long=True).__aenter__())
            await asyncio.sleep(0)
            with pytest.raises(BusyError):
                async with engine.turn(long=True):
                    pass
            async with asyncio.timeout(20), engine.turn():
                assert not second.done()
        await asyncio.wait_for(second, 20)

    asyncio.run(ask())


def test_a_comparison_is_computed_while_a_long_answer_is(verifier):
    """Each waits until the other is inside; in one thread they would wait for ever."""
    engine = Engine(verifier, Limits(decoders=1))
    both = threading.Barrier(2, timeout=20)

    async def ask():
        await asyncio.gather(engine.infer(both.wait), engine.infer(both.wait, long=True))

    asyncio.run(ask())


@pytest.fixture
def originals(shipped, work_of, tmp_path):
    """A gallery of works of which no browser shows the files."""
    for number in range(3):
        work_of(number, 0).save(tmp_path / f"{number}.tif")
    with Gallery.create(tmp_path / "shelf", shipped) as gallery:
        gallery.add([tmp_path], shipped)
        yield gallery


def test_a_hundred_pictures_of_the_gallery_fill_no_queue(shipped, originals, references):
    limits = Limits(decoders=2, queue=1)
    app = create_app(shipped, limits, gallery=originals)
    with serving(app, limits) as port, contextlib.ExitStack() as stack:
        clients = []
        for number in range(100):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            path = f"/gallery/work/{number % 3}/full"
            head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            client.sendall(head.encode())
            clients.append(client)
        pair = [("left", references[0][1]), ("right", references[1][1])]
        assert asked(port, request_of("/api/v1/compare", pair)) == 200
        for client in clients:
            answer = until_closed(client)
            assert answer.startswith(b"HTTP/1.1 200 ")
            assert b"image/jpeg" in answer


def test_no_picture_is_decoded_for_another_sites_page(shipped, originals, limits):
    elsewhere = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}
    elsewhere["sec-fetch-dest"] = "image"
    app = create_app(shipped, limits, gallery=originals)
    with TestClient(app, base_url="http://127.0.0.1") as client:
        for path in ("/gallery/work/0/full", "/gallery/picture/0"):
            assert client.get(path, headers=elsewhere).status_code == 403
            opened = elsewhere | {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
            assert client.get(path, headers=opened).status_code == 403
            assert client.get(path).status_code == 200


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to catch")
def test_a_server_that_stops_in_the_middle_of_its_work_logs_no_traceback(tiny_model: Path):
    picture = ("a.png", bomb(6000))
    data = request_of("/api/v1/compare", [("left", picture), ("right", picture)])
    process = subprocess.Popen(
        [sys.executable, "-m", "samehand", "serve", "--port", "0", "--grace-seconds", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"SAMEHAND_MODEL": str(tiny_model)},
    )
    with process, contextlib.ExitStack() as stack:
        assert process.stdout is not None
        assert process.stderr is not None
        port = int(process.stdout.readline().split()[3].rsplit(":", 1)[1])
        assert healthy(port)
        for _ in range(8):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            client.sendall(data)
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == -signal.SIGTERM
        log = process.stderr.read()
    assert "Traceback" not in log
    assert "never retrieved" not in log
