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
        begun, answered, read = False, False, asyncio.Event()
        if scope["method"] in SAFE_METHODS:
            read.set()  # They have no body that anybody reads.

        async def receive_and_note() -> Message:
            message = await receive()
            if not message.get("more_body", False):
                read.set()
            return message

        async def send_and_note(message: Message) -> None:
            nonlocal begun, answered
            begun = True
            answered = message["type"] == "http.response.body" and not message.get("more_body")
            await send(message)

        async def client_leaves() -> None:
            # Until its body is read, whoever reads it is told.
            await read.wait()
            try:
                while (await receive())["type"] != "http.disconnect":
                    pass
            except HTTPException:
                # A body too slow or too large, of a request that nobody reads the body of.
                await asyncio.Event().wait()

        answering = asyncio.create_task(self._app(scope, receive_and_note, send_and_note))  # type: ignore[arg-type]
        leaving = asyncio.create_task(client_leaves())
        status, sentence = CLIENT_LEFT, "The client left."
        try:
            await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if answered or answering.done():
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
        if not begun:
            await JSONResponse({"detail": sentence}, status)(scope, receive, send)
