"""Runs the web application until it is told to stop."""

import ipaddress
import socket
import sys
from collections.abc import Collection

import uvicorn

from samehand.errors import OutputError
from samehand.gallery import Gallery
from samehand.verification.verifier import SameHand
from samehand.web.app import create_app
from samehand.web.limits import Limits
from samehand.web.protocol import timed_protocol

_GRACE_SECONDS = 20


def serve(
    model: SameHand,
    host: str,
    port: int,
    hosts: Collection[str] = (),
    limits: Limits | None = None,
    gallery: Gallery | None = None,
) -> None:
    """Answer requests until SIGINT or SIGTERM, then finish what was begun.

    Args:
        model: What answers.
        host: The address to listen on.
        port: The port to listen on; 0 for any that is free.
        hosts: Further names under which the server is reached.
        limits: What is allowed; None for the defaults.
        gallery: A gallery of the same model to show and search, if there is one.

    Raises:
        GalleryError: The gallery is another model's.
        OutputError: The address or port cannot be listened on.
    """
    limits = limits or Limits()
    app = create_app(model, limits, {host, *hosts}, gallery)
    listener = _listen(host, port)
    shown = f"[{host}]" if ":" in host else host
    print(f"samehand answers on http://{shown}:{listener.getsockname()[1]} (Ctrl-C stops it)")
    if not _only_here(host):
        print(f"anyone who reaches {host} can ask questions: there is no password", file=sys.stderr)
    sys.stdout.flush()
    config = uvicorn.Config(
        app,
        http=timed_protocol(limits),
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=limits.connections,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    try:
        uvicorn.Server(config).run(sockets=[listener])
    except KeyboardInterrupt:
        pass  # stopping is what Ctrl-C is for here, so nothing was interrupted
    finally:
        listener.close()


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
