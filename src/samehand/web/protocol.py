"""HTTP/1.1 as uvicorn speaks it, with time limits on a request's header and an answer's way out.

uvicorn limits how long an idle connection is kept, but waits for ever for the rest of a header, and
for a client to read what it was sent; either way a few clients could hold every connection.
"""

import asyncio
import json
from http import HTTPStatus
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from samehand.web.guard import HEADERS
from samehand.web.limits import Limits


class TimedProtocol(H11Protocol):
    """One connection; `limits` says how long it may take."""

    limits = Limits()
    _deadline: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None
    _waited = 0.0
    _paused_at = 0.0

    def connection_made(self, transport: Any) -> None:  # noqa: ANN401
        """Start the clock for the first header."""
        super().connection_made(transport)
        self._await_header()

    def data_received(self, data: bytes) -> None:
        """Stop the clock once a header is complete."""
        # After an answer, uvicorn's own limit on idle connections ends with the first byte.
        if self._between_requests() and self._deadline is None:
            self._await_header()
        super().data_received(data)
        if not self._between_requests():
            self._stop_clock()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the clock."""
        self._stop_clock()
        self._stop_waiting()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP, also where the app is answering the header of it already."""
        if not self._between_requests():
            # A body that breaks off in the middle of a chunk, say. What the app answers would come
            # after this answer, on a connection that it ends.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            if self.cycle.response_started:
                self.transport.close()
                return
        # uvicorn's own answer is plain text, and lacks what every other answer carries.
        body = json.dumps({"detail": "The request is not HTTP that can be read."}).encode()
        headers = [
            ("content-type", "application/json"),
            ("content-length", str(len(body))),
            ("connection", "close"),
            *HEADERS.items(),
        ]
        answer = h11.Response(status_code=400, headers=headers, reason=HTTPStatus(400).phrase)
        for event in (answer, h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def pause_writing(self) -> None:
        """Start the clock of a client that does not read."""
        super().pause_writing()
        if self._unread is None:
            # All pauses of an answer count together, so that reading a byte now and then is no way
            # round; what is in memory for this client is bounded by its time.
            self._paused_at = self.loop.time()
            left = max(0.0, self.limits.send_seconds - self._waited)
            self._unread = self.loop.call_later(left, self.transport.abort)

    def resume_writing(self) -> None:
        """Stop that clock."""
        super().resume_writing()
        self._stop_waiting()

    def _stop_waiting(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None
            self._waited += self.loop.time() - self._paused_at

    def on_response_complete(self) -> None:
        """See to it that a connection that closes now does close."""
        self._waited = 0.0
        super().on_response_complete()
        self._abort_unread()

    def timeout_keep_alive_handler(self) -> None:
        """See to it that an idle connection closes."""
        super().timeout_keep_alive_handler()
        self._abort_unread()

    def _abort_unread(self) -> None:
        # Closing waits for a client that has stopped reading, with the answer in memory.
        if self.transport.is_closing():
            self.loop.call_later(self.limits.send_seconds, self.transport.abort)

    def _between_requests(self) -> bool:
        # uvicorn has no cycle before the first request, whatever it declares.
        return getattr(self, "cycle", None) is None or self.cycle.response_complete

    def _await_header(self) -> None:
        self._deadline = self.loop.call_later(self.limits.header_seconds, self.transport.close)

    def _stop_clock(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def timed_protocol(limits: Limits) -> type[TimedProtocol]:
    """Return the protocol class for uvicorn's `Config(http=...)`."""
    return type("LimitedProtocol", (TimedProtocol,), {"limits": limits})
