"""HTTP/1.1 as uvicorn speaks it, with time limits on a request's header and an answer's way out.

uvicorn limits how long an idle connection is kept, but waits for ever for the rest of a header, and
for a client to read what it was sent; either way a few clients could hold every connection.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from samehand.web.limits import Limits


class TimedProtocol(H11Protocol):
    """One connection; `limits` says how long it may take."""

    limits = Limits()
    _deadline: asyncio.TimerHandle | None = None

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
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """See to it that a connection that closes now does close."""
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
