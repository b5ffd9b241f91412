"""Logs of the server: one line a request, and errors; as text or as JSON, a line each.

A line says who asked what and how it ended. It never holds what was posted: no bytes of a picture,
no name of a file, and no query, in which conditions on works stand.
"""

import json
import logging
import re
import sys
import time
import uuid
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Literal

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from samehand.web.guard import HEADERS

LogFormat = Literal["text", "json"]

REQUEST_ID = "x-request-id"

_ACCESS = logging.getLogger("samehand.access")
_ERROR = logging.getLogger("samehand.error")
_SOUND_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_FIELDS = ("request_id", "client", "method", "path", "status", "bytes", "ms")

_current: ContextVar[str] = ContextVar("request_id", default="")


class Logged:
    """ASGI middleware that gives every request an identity, and logs how it ended.

    The identity is what a proxy sent as `X-Request-ID`, if that is a short plain word, or a new
    one. It stands in every line about the request, and in the answer's header.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        asked = Headers(scope=scope).get(REQUEST_ID, "")
        identity = asked if _SOUND_ID.fullmatch(asked) else uuid.uuid4().hex
        token = _current.set(identity)
        started, status, sent = time.perf_counter(), 0, 0

        async def send_and_note(message: Message) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID] = identity
            sent += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        except Exception:
            _ERROR.exception("a request failed")
            if status:
                raise  # the answer has begun, and cutting it off is all that is left
            sentence = f"The server failed; its log says why under {identity}."
            answer = JSONResponse({"detail": sentence}, 500, HEADERS)
            await answer(scope, receive, send_and_note)
        finally:
            _ACCESS.info(
                "request",
                extra={
                    "client": (scope.get("client") or ("-",))[0],
                    "method": scope["method"],
                    "path": scope["path"],
                    "status": status,
                    "bytes": sent,
                    "ms": round(1000 * (time.perf_counter() - started), 1),
                },
            )
            _current.reset(token)


def configure_logs(form: LogFormat, *, access: bool) -> None:
    """Send the server's logs where a container expects them.

    Args:
        form: As lines of text, or as lines of JSON.
        access: Whether each request is logged, on standard output. Errors always are, on standard
            error.
    """
    formatter = _AsJson() if form == "json" else _AsText()
    for name, stream, level in (
        ("samehand.access", sys.stdout, logging.INFO if access else logging.CRITICAL),
        ("samehand.error", sys.stderr, logging.INFO),
        ("uvicorn", sys.stderr, logging.WARNING),
    ):
        handler = logging.StreamHandler(stream)
        handler.setFormatter(formatter)
        handler.addFilter(_with_identity)
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.propagate = False
        logger.setLevel(level)
    # What it finds wrong in a form, the client is told in the answer.
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)


def _with_identity(record: logging.LogRecord) -> bool:
    if identity := _current.get():
        record.request_id = identity
    return True


def _facts(record: logging.LogRecord) -> dict[str, object]:
    return {name: getattr(record, name) for name in _FIELDS if hasattr(record, name)}


def _moment(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


class _AsJson(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        values: dict[str, object] = {
            "time": _moment(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        values |= _facts(record)
        if record.exc_info:
            values["traceback"] = self.formatException(record.exc_info)
        return json.dumps(values)


class _AsText(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        facts = " ".join(f"{name}={_word(value)}" for name, value in _facts(record).items())
        parts = (_moment(record), record.levelname.lower(), record.getMessage(), facts)
        line = " ".join(part for part in parts if part)
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


def _word(value: object) -> str:
    """Return a value as one word, so that no path can make up a line or a field of its own."""
    text = str(value)
    return text if re.fullmatch(r"[!-~]+", text) and "=" not in text else json.dumps(text)
