"""Requests that are given up: their client has gone, or the server stops without them."""

import asyncio
import contextlib

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from samehand.web.guard import SAFE_METHODS

CLIENT_LEFT = 499
"""What nginx calls it; nobody is there to read it, but logs and metrics are."""


class Leaving:
    """ASGI middleware that stops working for clients who have left.

    Otherwise they could ask for hours of work in seconds. What a thread is computing is computed to
    its end; nothing further is begun.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        await _Request(receive, send).answer(self._app, scope)


class _Request:
    """A request, with what is known of how far its answer has come."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self._read = asyncio.Event()
        self._begun = self._answered = False

    async def answer(self, app: ASGIApp, scope: Scope) -> None:
        """Have it answered, or give it up."""
        if scope["method"] in SAFE_METHODS:
            self._read.set()  # They have no body that anybody reads.
        answering = asyncio.ensure_future(app(scope, self._receive_and_note, self._send_and_note))
        leaving = asyncio.create_task(self._client_leaves())
        status, sentence = CLIENT_LEFT, "The client left."
        try:
            await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if self._answered or answering.done():
                await answering
                return
        except asyncio.CancelledError:
            # uvicorn cancels what is not done when its grace is over, and would log a traceback.
            status, sentence = 503, "The server stops; ask another one, or again in a moment."
        finally:
            leaving.cancel()
            answering.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await answering
        if not self._begun:
            await JSONResponse({"detail": sentence}, status)(scope, self._receive, self._send)

    async def _receive_and_note(self) -> Message:
        message = await self._receive()
        if not message.get("more_body", False):
            self._read.set()
        return message

    async def _send_and_note(self, message: Message) -> None:
        self._begun = True
        ended = message["type"] == "http.response.body" and not message.get("more_body", False)
        self._answered = ended
        await self._send(message)

    async def _client_leaves(self) -> None:
        """Wait until the client has gone; until its body is read, whoever reads it is told."""
        await self._read.wait()
        try:
            while (await self._receive())["type"] != "http.disconnect":
                pass
        except HTTPException:
            # A body too slow or too large, of a request that nobody reads the body of.
            await asyncio.Event().wait()
