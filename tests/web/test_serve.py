"""A real server on a real socket: slow clients, full queues, and a clean end."""

import asyncio
import contextlib
import http.client
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from live_server import healthy, running, until_closed

from samehand.errors import OutputError
from samehand.verification.verifier import SameHand
from samehand.web.app import create_app
from samehand.web.limits import Limits
from samehand.web.serve import serve, threads_for

QUICK = Limits(
    header_seconds=0.5, body_grace=0.5, body_rate=1e6, decoders=1, queue=1, body_bytes=2**20
)


@pytest.fixture(scope="module")
def port(verifier: SameHand) -> Iterator[int]:
    with running(verifier, QUICK) as port:
        yield port


def post_head(size: int) -> bytes:
    return (
        b"POST /api/v1/compare HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; "
        b"boundary=x\r\nContent-Length: " + str(size).encode() + b"\r\n\r\n"
    )


@pytest.mark.parametrize("start", [b"", b"GET / HTTP/1.1\r\nHost: local"])
def test_a_header_that_never_ends_is_cut_off(port, start):
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(start)
        assert healthy(port)
        began = time.monotonic()
        assert until_closed(client) == b""
        assert time.monotonic() - began < 5


def test_so_is_the_second_header_of_a_connection(port):
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"200 OK" in client.recv(65536)
        client.sendall(b"GET /healthz HTT")
        began = time.monotonic()
        until_closed(client)
        assert time.monotonic() - began < 5


def test_a_body_that_dribbles_is_cut_off_while_others_are_served(port):
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(post_head(100_000) + b"--x\r\n")
        assert healthy(port)
        assert b"408 Request Timeout" in until_closed(client)


def test_many_slow_bodies_block_nobody(port):
    with contextlib.ExitStack() as stack:
        for _ in range(40):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            client.sendall(post_head(100_000))
        began = time.monotonic()
        assert healthy(port)
        assert time.monotonic() - began < 5


def test_a_body_that_is_too_large_is_refused_unread(port):
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(post_head(10**9))
        assert b"413 " in client.recv(65536)


@pytest.mark.parametrize(
    "start",
    [
        b"\x16\x03\x01 not http\r\n\r\n",
        b"GET /healthz\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\n\r\n",
        b"GET /\x1b[31m HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
        b"POST /api/v1/compare HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
        b"POST /api/v1/compare HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: x\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 2**18,
    ],
)
def test_a_connection_that_is_no_http_is_refused(port, start):
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(start)
        head, _, body = until_closed(client).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 Bad Request")
    assert b"nosniff" in head
    assert list(json.loads(body)) == ["detail"]
    assert healthy(port)


@pytest.mark.parametrize("path", ["/api/v1/compare", "/nothing"])
def test_a_body_that_stops_being_http_is_refused_without_a_traceback(
    port, caplog, monkeypatch, path
):
    monkeypatch.setattr(logging.getLogger("uvicorn"), "propagate", True)
    head = post_head(9).replace(b"/api/v1/compare", path.encode())
    chunked = head.replace(b"Content-Length: 9", b"Transfer-Encoding: chunked")
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(chunked + b"3\r\n--xx\r\nno chunk\r\n")
        assert b" 400 " in until_closed(client)[:20]
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(head.replace(b"POST", b"GET") + b"four")
        client.shutdown(socket.SHUT_WR)
        until_closed(client)
    assert healthy(port)
    assert not [one for one in caplog.records if one.exc_info]


def test_a_full_queue_answers_429_and_says_when_to_come_back(port, pair):
    boundary = b"x"
    parts = b"".join(
        b'--x\r\nContent-Disposition: form-data; name="%s"; filename="%s"\r\n'
        b"Content-Type: image/png\r\n\r\n%s\r\n" % (name.encode(), file[0].encode(), file[1])
        for name, file in pair.items()
    )
    body = parts + b"--" + boundary + b"--\r\n"
    with contextlib.ExitStack() as stack:
        clients = [
            stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(12)
        ]
        for client in clients:
            client.sendall(post_head(len(body)) + body)
        answers = []
        for client in clients:
            client.settimeout(30)
            answers.append(client.recv(65536))
    statuses = [answer.split(b" ", 2)[1] for answer in answers]
    assert set(statuses) == {b"200", b"429"}
    refused = answers[statuses.index(b"429")]
    assert b"retry-after: 2" in refused
    assert "try again" in json.loads(refused.split(b"\r\n\r\n", 1)[1])["detail"]


def test_a_taken_port_is_one_sentence(verifier):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OutputError, match=f"cannot listen on 127.0.0.1, port {port}: .*--port"):
            serve(verifier, "127.0.0.1", port)


def test_workers_and_the_threads_of_their_model_are_as_many_as_the_processors(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    assert threads_for(1) is None
    assert [threads_for(workers) for workers in (2, 4, 8, 20)] == [7, 5, 1, 1]
    assert threads_for(4, 3) == 3


def test_two_workers_answer_at_one_time_and_as_one_does(verifier, pair):
    """Each waits until the other is inside the model; one worker alone would wait for ever."""
    app = create_app(verifier, Limits(decoders=1, queue=4), workers=2)
    both = threading.Barrier(2, timeout=20)
    engine = app.state.engine

    async def ask() -> list[int]:
        return await asyncio.gather(*(engine.infer(both.wait) for _ in range(2)))

    assert sorted(asyncio.run(ask())) == [0, 1]
    with TestClient(app, base_url="http://127.0.0.1") as client:
        answer = client.post("/api/v1/compare", files=pair).json()
    expected = verifier.compare(pair["left"][1], pair["right"][1])
    assert (answer["score"], answer["llr"]) == (expected.score, expected.llr)


def test_a_server_that_drains_is_alive_but_not_ready(verifier):
    app = create_app(verifier, Limits(decoders=1))
    with TestClient(app, base_url="http://127.0.0.1") as client:
        assert client.get("/readyz").json() == client.get("/healthz").json()
        app.state.engine.ready = False
        refused = client.get("/readyz")
        assert refused.status_code == 503
        assert "about to stop" in refused.json()["detail"]
        assert client.get("/healthz").status_code == 200


def test_every_option_of_serve_can_be_set_in_the_environment(tiny_model):
    from typer.main import get_command

    from samehand.cli import app

    command = get_command(app).commands["serve"]
    options = {one.name: one.envvar for one in command.params if one.name != "help"}
    assert len(options) > 12
    assert {name: f"SAMEHAND_{name.upper()}" for name in options} == options


def port_of(process: "subprocess.Popen[str]") -> int:
    assert process.stdout is not None
    port = int(process.stdout.readline().split()[3].rsplit(":", 1)[1])
    for _ in range(600):
        with contextlib.suppress(OSError):
            if healthy(port):
                return port
        time.sleep(0.05)
    raise AssertionError("the server did not start")


def status_of(port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with contextlib.closing(connection):
        connection.request("GET", path)
        return connection.getresponse().status


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to catch")
def test_the_environment_sets_up_a_server_that_drains_and_logs_json(tiny_model: Path):
    settings = {
        "SAMEHAND_PORT": "0",
        "SAMEHAND_MODEL": str(tiny_model),
        "SAMEHAND_WORKERS": "2",
        "SAMEHAND_DRAIN_SECONDS": "2",
        "SAMEHAND_LOG_FORMAT": "json",
        "SAMEHAND_ACCESS_LOG": "1",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "samehand", "serve"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | settings,
    )
    with process:
        port = port_of(process)
        assert status_of(port, "/readyz") == 200
        process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        assert status_of(port, "/readyz") == 503
        assert status_of(port, "/healthz") == 200
        assert process.wait(30) == -signal.SIGTERM
        assert process.stdout is not None
        assert process.stderr is not None
        lines = [json.loads(line) for line in process.stdout.read().splitlines()]
        assert process.stderr.read() == ""
    assert [(one["path"], one["status"]) for one in lines if one["path"] == "/readyz"] == [
        ("/readyz", 200),
        ("/readyz", 503),
    ]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at /proc")
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_the_command_listens_here_alone_and_ends_cleanly(end, tiny_model: Path):
    command = [sys.executable, "-m", "samehand", "serve", "--port", "0", "--model", tiny_model]
    process = subprocess.Popen(
        [os.fspath(part) for part in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        address = process.stdout.readline().split()[3]
        assert address.startswith("http://127.0.0.1:")
        port = int(address.rsplit(":", 1)[1])
        for _ in range(600):
            with contextlib.suppress(OSError):
                if healthy(port):
                    break
            time.sleep(0.05)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        process.send_signal(end)
        code = process.wait(30)
        assert process.stderr.read() == ""
    assert code == (0 if end == signal.SIGINT else -signal.SIGTERM)
    assert children
    assert not [child for child in children if Path(f"/proc/{child}").exists()]
