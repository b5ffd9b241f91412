"""A server in a thread of the tests, on a socket of the loopback, and clients of it."""

import contextlib
import http.client
import socket
import threading
import time
from collections.abc import Iterator

import uvicorn
from fastapi import FastAPI

from samehand.verification.verifier import SameHand
from samehand.web.app import create_app
from samehand.web.limits import Limits
from samehand.web.protocol import timed_protocol


@contextlib.contextmanager
def serving(app: FastAPI, limits: Limits, *, buffer: int | None = None) -> Iterator[int]:
    """Run an app and yield its port; `buffer` is how many bytes the system holds for a client."""
    config = uvicorn.Config(app, http=timed_protocol(limits), ws="none", log_level="error")
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    if buffer is not None:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        while not server.started:
            time.sleep(0.02)
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@contextlib.contextmanager
def running(verifier: SameHand, limits: Limits) -> Iterator[int]:
    with serving(create_app(verifier, limits), limits) as port:
        yield port


def healthy(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with contextlib.closing(connection):
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200


def until_closed(client: socket.socket) -> bytes:
    client.settimeout(60)
    parts = []
    with contextlib.suppress(ConnectionResetError):
        while part := client.recv(65536):
            parts.append(part)
    return b"".join(parts)
