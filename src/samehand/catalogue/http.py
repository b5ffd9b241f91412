"""Polite HTTP for collections on the web: slow, bounded, and only to public addresses."""

import ipaddress
import json
import re
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from urllib.parse import urljoin, urlsplit

from samehand.errors import CatalogueError, MissingExtraError

try:
    _VERSION = version("samehand")
except PackageNotFoundError:
    _VERSION = "0"
USER_AGENT = f"samehand/{_VERSION} (+https://github.com/samehand/samehand)"

JSON_BYTES = 64 * 2**20
IMAGE_BYTES = 256 * 2**20

_AGAIN = frozenset({429, 500, 502, 503, 504})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 5


class UnreachableError(CatalogueError):
    """An address that gave no usable answer; the message names it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an address answered.

    Attributes:
        body: The content, decompressed; empty where it had not changed.
        content_type: As sent, in lower case, without parameters.
        etag: What to send next time to be told that nothing changed, or None.
        unchanged: Whether the server said that the content is still what `etag` named.
    """

    body: bytes
    content_type: str
    etag: str | None
    unchanged: bool = False


@dataclass(slots=True)
class Client:
    """Asks addresses one at a time, with a pause between two questions to one host.

    Attributes:
        pause: Seconds between the starts of two requests to one host.
        tries: How often a failing request is made before it is given up.
        patience: Longest wait in seconds that a server's Retry-After is obeyed for; also the time
            that a whole answer may take.
        timeout: Seconds to wait for a connection, and for each piece of an answer.
        allow_private: Also ask addresses of this machine and of private networks.
        headers: Sent with every request, beside User-Agent.
    """

    pause: float = 1.0
    tries: int = 5
    patience: float = 120.0
    timeout: float = 30.0
    allow_private: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    _last: dict[str, float] = field(default_factory=dict)
    _pool: Any = None

    def get(
        self,
        address: str,
        *,
        most_bytes: int = JSON_BYTES,
        accept: str = "application/json",
        etag: str | None = None,
    ) -> Answer:
        """Return what an address answers, after redirects and with patience for its failures.

        Args:
            address: http or https.
            most_bytes: A longer answer is refused, compressed or not.
            accept: The type to ask for.
            etag: From an earlier answer; the server may then say that nothing changed.

        Raises:
            UnreachableError: The address is refused, or gave no usable answer.
            MissingExtraError: urllib3 is not installed.
        """
        for attempt in range(self.tries):
            status, wait, answer = self._follow(address, most_bytes, accept, etag)
            if answer is not None:
                return answer
            if attempt + 1 < self.tries:
                delay = 2.0**attempt * self.pause if wait is None else wait
                if delay > self.patience:
                    raise UnreachableError(
                        f"{address} asks to wait {delay:,.0f} seconds; run the command again later"
                    )
                time.sleep(delay)
        raise UnreachableError(
            f"{address} failed {self.tries} times ({status}); run the command again to resume"
        )

    def json(self, address: str, accept: str = "application/json") -> Any:  # noqa: ANN401
        """Return an address's JSON.

        Raises:
            UnreachableError: There is no answer, or it is not JSON.
        """
        return parse_json(self.get(address, accept=accept).body, address)

    def _follow(
        self, address: str, most_bytes: int, accept: str, etag: str | None
    ) -> tuple[str, float | None, Answer | None]:
        """Return a failure worth repeating as words and a wait, or an answer."""
        require_urllib3()
        import urllib3

        here = address
        for _ in range(_MOST_REDIRECTS + 1):
            scheme = check_address(here, self.allow_private)
            self._take_turn(here)
            headers = {"User-Agent": USER_AGENT, "Accept": accept, **self.headers}
            if etag:
                headers["If-None-Match"] = etag
            response = None
            try:
                response = self._connections().urlopen(
                    "GET",
                    here,
                    headers=headers,
                    redirect=False,
                    retries=False,
                    preload_content=False,
                    timeout=urllib3.Timeout(connect=self.timeout, read=self.timeout),
                )
                if response.status in _REDIRECTS and response.headers.get("Location"):
                    there = urljoin(here, response.headers["Location"])
                    if urlsplit(there).scheme not in {scheme, "https"}:
                        raise UnreachableError(
                            f"{address} leads to {there}, which is not followed; "
                            "name the address it leads to"
                        )
                    here = there
                    continue
                if response.status in _AGAIN:
                    return f"HTTP {response.status}", _retry_after(response.headers), None
                return "", None, _read(response, address, most_bytes, self.patience)
            except urllib3.exceptions.LocationValueError as error:
                raise UnreachableError(f"{address} is not an address; check it") from error
            except urllib3.exceptions.HTTPError as error:
                return type(error).__name__, None, None
            finally:
                if response is not None:
                    # What is left of a refused answer is not worth reading.
                    response.close()
        raise UnreachableError(f"{address} redirects without end; name another address")

    def _take_turn(self, address: str) -> None:
        host = urlsplit(address).netloc
        wait = self._last.get(host, -self.pause) + self.pause - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        self._last[host] = time.monotonic()

    def _connections(self) -> Any:  # noqa: ANN401
        if self._pool is None:
            self._pool = _guarded_pool(self.allow_private)
        return self._pool


def require_urllib3() -> None:
    """Refuse to ask anything without the package that asks.

    Raises:
        MissingExtraError: urllib3 is not installed.
    """
    try:
        import urllib3  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("fetching paintings", "fetch") from error


def parse_json(body: bytes, address: str) -> Any:  # noqa: ANN401
    """Return JSON from an answer.

    Raises:
        UnreachableError: It is not JSON.
    """
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UnreachableError(
            f"{address} did not answer with JSON; check the address, or try again later"
        ) from error


def check_address(address: str, allow_private: bool) -> str:
    """Return the scheme of an address that may be asked.

    Raises:
        UnreachableError: It is neither http nor https, holds a password, or is private.
    """
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise UnreachableError(f"{address} is not an address; check it") from error
    if parts.scheme not in {"http", "https"} or not host or parts.username or "\\" in address:
        raise UnreachableError(f"{address} is not asked; give an address with http or https")
    try:
        literal = ipaddress.ip_address(host)
    except ValueError:
        return parts.scheme
    if not allow_private and not _is_public(literal):
        raise _private(address)
    return parts.scheme


def _private(address: str) -> UnreachableError:
    return UnreachableError(
        f"{address} is on this machine or a private network; allow that with --private"
    )


def _is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_global and not address.is_multicast


def _guarded_pool(allow_private: bool) -> Any:  # noqa: ANN401
    """Return a pool whose connections end before a word is sent where they reach a private host.

    The check is made on the connection itself, since a name may resolve to a public address when
    it is checked and to a private one when it is used.
    """
    import urllib3
    from urllib3.connection import HTTPConnection, HTTPSConnection
    from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

    def checked(connected: socket.socket, host: str) -> socket.socket:
        peer = ipaddress.ip_address(connected.getpeername()[0].split("%")[0])
        if not allow_private and not _is_public(peer):
            connected.close()
            raise _private(host)
        return connected

    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return checked(super()._new_conn(), self.host)

    class Secure(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return checked(super()._new_conn(), self.host)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    pool = urllib3.PoolManager()
    pool.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}
    return pool


def _read(response: Any, address: str, most_bytes: int, patience: float) -> Answer:  # noqa: ANN401
    kind = response.headers.get("Content-Type", "").split(";")[0].strip().lower()
    etag = response.headers.get("ETag")
    if response.status == 304:
        return Answer(b"", kind, etag, unchanged=True)
    if response.status != 200:
        raise UnreachableError(
            f"{address} answered HTTP {response.status}; check the address or the search words"
        )
    large = UnreachableError(f"{address} is larger than {most_bytes / 2**20:,.0f} MiB; skip it")
    length = response.headers.get("Content-Length", "")
    if length.isdigit() and int(length) > most_bytes:
        raise large
    started, parts, size = time.monotonic(), [], 0
    while chunk := response.read(2**16):
        size += len(chunk)
        if size > most_bytes:
            raise large
        if time.monotonic() - started > patience:
            raise UnreachableError(f"{address} took longer than {patience:,.0f} seconds; try later")
        parts.append(chunk)
    return Answer(b"".join(parts), kind, etag)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a server asks to wait (RFC 9110, 10.2.3), or None."""
    text = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"\d{1,9}", text):
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError):
        return None
