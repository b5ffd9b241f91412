"""Request bodies: none that dribbles in for ever, and not too many in memory at one time."""

import asyncio
import time

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from samehand.web.limits import Limits
from samehand.web.prefix import path_of

_DRAINED = 8
"""So many times the largest body are read and thrown away at most."""


class Bodies:
    """ASGI middleware that times bodies and counts the bytes of all that are being worked on.

    What a body breaks is raised where the app reads it, so that the app words the answer.
    """

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits
        self._buffered = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        length = Headers(scope=scope).get("content-length", "")
        large = length.isdecimal() and int(length[:20]) > self._limits.body_bytes
        if large and path_of(scope).startswith("/api/"):
            # Unread: an honest client is told before it sends what nobody will keep.
            await JSONResponse({"detail": self._too_large()}, 413)(scope, receive, send)
            return
        started, received, held, whole = time.monotonic(), 0, 0, False

        async def receive_in_time() -> Message:
            nonlocal received, held, whole
            if whole:  # from here on the app only waits for a client to go away
                return await receive()
            allowed = self._limits.body_grace + received / self._limits.body_rate
            try:
                async with asyncio.timeout(started + allowed - time.monotonic()):
                    message = await receive()
            except TimeoutError as error:
                raise HTTPException(408, "The upload came in too slowly; try again.") from error
            size = len(message.get("body", b""))
            received += size
            if large or received > self._limits.body_bytes:
                more = message.get("more_body", False)
                await self._drain(receive, received, started, more)
                raise HTTPException(413, self._too_large())
            held += size
            self._buffered += size
            if self._buffered > self._limits.buffered_bytes:
                raise HTTPException(
                    429, "Too much is being uploaded at once; try again.", {"retry-after": "2"}
                )
            whole = not message.get("more_body", False)
            return message

        try:
            await self._app(scope, receive_in_time, send)
        finally:
            self._buffered -= held

    async def _drain(self, receive: Receive, received: int, started: float, more: bool) -> None:
        """Throw away the rest of a body: a browser that is still sending would not read why."""
        while more and received < _DRAINED * self._limits.body_bytes:
            allowed = self._limits.body_grace + received / self._limits.body_rate
            try:
                async with asyncio.timeout(started + allowed - time.monotonic()):
                    message = await receive()
            except TimeoutError:
                return
            received += len(message.get("body", b""))
            more = message.get("more_body", False)

    def _too_large(self) -> str:
        size = self._limits.body_bytes // 2**20
        return f"The upload is larger than {size} MiB; send fewer or smaller files."
