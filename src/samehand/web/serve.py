"""Runs the web application until it is told to stop."""

import ipaddress
import os
import signal
import socket
import sys
import time
from collections.abc import Collection
from pathlib import Path
from types import FrameType

import uvicorn

from samehand.errors import OutputError, SamehandError
from samehand.gallery import Gallery
from samehand.verification.verifier import SameHand
from samehand.web.app import create_app
from samehand.web.engine import Engine
from samehand.web.limits import Limits
from samehand.web.logs import LogFormat, configure_logs
from samehand.web.prefix import checked_prefix
from samehand.web.protocol import timed_protocol
from samehand.web.users import Users

GRACE_SECONDS = 20.0


def threads_for(workers: int, threads: int | None = None) -> int | None:
    """Return with how many threads to open a model that so many workers run.

    ONNX Runtime's threads are one pool, which every run shares, and each worker runs in a thread
    of its own beside it: together they should be as many as there are processors.

    Args:
        workers: How many questions are answered at one time.
        threads: What the user asked for, which stands; None for all processors.
    """
    if threads is not None or workers == 1:
        return threads
    owned = getattr(os, "sched_getaffinity", None)
    processors = len(owned(0)) if owned else os.cpu_count() or 1
    return max(1, processors - workers + 1)


def serve(
    model: SameHand,
    host: str,
    port: int,
    hosts: Collection[str] = (),
    limits: Limits | None = None,
    gallery: Gallery | None = None,
    *,
    users: Users | None = None,
    prefix: str = "",
    proxies: Collection[str] = (),
    cases: Path | None = None,
    workers: int = 1,
    drain: float = 0.0,
    grace: float = GRACE_SECONDS,
    log_format: LogFormat = "text",
    access_log: bool = False,
) -> None:
    """Answer requests until SIGINT or SIGTERM, then finish what was begun.

    Args:
        model: What answers.
        host: The address to listen on.
        port: The port to listen on; 0 for any that is free.
        hosts: Further names under which the server is reached.
        limits: What is allowed; None for the defaults.
        gallery: A gallery of the same model to show and search, if there is one.
        users: Who may use it; None lets in whoever reaches it.
        prefix: Where a proxy shows it, such as "/samehand"; "" for the root.
        proxies: Addresses and networks whose word on a client's address and on TLS counts.
        cases: The folder into which questions are kept; None keeps none.
        workers: How many questions the model answers at one time.
        drain: Seconds between SIGTERM and the end of listening, in which /readyz answers 503, so
            that a balancer can turn elsewhere first.
        grace: Seconds that requests which were begun may take after that.
        log_format: As what logs are written.
        access_log: Whether to log each request.

    Raises:
        GalleryError: The gallery is another model's.
        OutputError: The address or port cannot be listened on.
        SamehandError: The prefix or a proxy is not one.
    """
    trusted = checked_proxies(proxies)
    limits = limits or Limits()
    app = create_app(
        model,
        limits,
        {host, *hosts},
        gallery,
        workers=workers,
        users=users,
        prefix=checked_prefix(prefix),
        cases=cases,
    )
    listener = _listen(host, port)
    configure_logs(log_format, access=access_log)
    shown = f"[{host}]" if ":" in host else host
    print(f"samehand answers on http://{shown}:{listener.getsockname()[1]} (Ctrl-C stops it)")
    if not _only_here(host):
        print(_warning(host, users is not None, bool(trusted)), end="", file=sys.stderr)
    sys.stdout.flush()
    config = uvicorn.Config(
        app,
        http=timed_protocol(limits),
        ws="none",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=bool(trusted),
        forwarded_allow_ips=trusted,
        limit_concurrency=limits.connections,
        timeout_graceful_shutdown=max(1, round(grace)),
    )
    try:
        _DrainingServer(config, app.state.engine, drain).run(sockets=[listener])
    except KeyboardInterrupt:
        pass  # stopping is what Ctrl-C is for here, so nothing was interrupted
    finally:
        listener.close()


def checked_proxies(proxies: Collection[str]) -> list[str]:
    """Return addresses and networks of proxies.

    Raises:
        SamehandError: One is neither.
    """
    for one in proxies:
        try:
            ipaddress.ip_network(one, strict=False)
        except ValueError as error:
            raise SamehandError(
                f"--proxy {one} is not an address or a network; write it as 10.0.0.7 or 10.0.0.0/24"
            ) from error
    return [str(ipaddress.ip_network(one, strict=False)) for one in proxies]


def _warning(host: str, users: bool, proxied: bool) -> str:
    if not users:
        return (
            f"anyone who reaches {host} can ask questions: there is no password; --users FILE "
            "lets in only those it names\n"
        )
    if not proxied:
        return f"passwords reach {host} unencrypted unless a proxy adds TLS; name it with --proxy\n"
    return ""


class _DrainingServer(uvicorn.Server):
    """Says that it is not ready for a while before it stops listening."""

    def __init__(self, config: uvicorn.Config, engine: Engine, drain: float) -> None:
        super().__init__(config)
        self._engine = engine
        self._drain = drain
        self._stop_at: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to drain on the first SIGTERM; anything else stops at once."""
        self._engine.ready = False
        if sig == signal.SIGTERM and self._drain > 0 and self._stop_at is None:
            self._stop_at = time.monotonic() + self._drain
            return
        super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        """Stop once the time to drain is over."""
        if self._stop_at is not None and time.monotonic() >= self._stop_at:
            self._stop_at = float("inf")
            super().handle_exit(signal.SIGTERM, None)
        return await super().on_tick(counter)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=256)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise OutputError(
            f"cannot listen on {host}, port {port}: {reason.lower()}; choose another --host or "
            "--port"
        ) from error


def _only_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
