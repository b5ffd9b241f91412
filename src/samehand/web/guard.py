"""Which requests are answered at all, and the headers that every answer carries.

- Only under names this server is known by: a page elsewhere may make its own name point here (DNS
  rebinding), and its requests then name that page's host.
- From another site's page nothing but a link that somebody follows, and never a picture of a
  gallery: browsers send `Sec-Fetch-Site` or `Origin`; a program that sends neither carries no one's
  trust. (The resource isolation policy of https://web.dev/articles/fetch-metadata.)
"""

import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from samehand.web.prefix import path_of

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

# data: pictures are the previews that a result carries; blob: those a browser shows of its files.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    # Under "no-referrer" a browser posts a form of our own with the origin "null".
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


class Guard:
    """ASGI middleware that refuses foreign hosts and foreign sites, and adds `HEADERS`."""

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        """Wrap `app`.

        Args:
            app: What answers the requests that pass.
            hosts: Names, besides localhost and addresses, under which the server is reached.
        """
        self._app = app
        self._hosts = frozenset({"localhost", *(name.lower() for name in hosts)})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                # Verdicts and previews are the user's own; no cache may keep them.
                headers.setdefault("cache-control", "no-store")
            await send(message)

        refusal = self._refusal(scope["method"], path_of(scope), Headers(scope=scope))
        app = self._app if refusal is None else refusal
        await app(scope, receive, send_with_headers)

    def _refusal(self, method: str, path: str, headers: Headers) -> JSONResponse | None:
        host = headers.get("host", "")
        if not known_host(host, self._hosts):
            return _problem(
                421,
                "This server does not go by the name in the Host header; if it should, start it "
                "with --allow-host NAME.",
            )
        if method not in SAFE_METHODS and cross_site(headers, host):
            return _problem(403, "Posts from pages of other sites are refused.")
        if not cross_site(headers, host):
            return None
        if path.startswith("/gallery/picture/") or path.endswith("/full"):
            # Each may decode an original, which a page elsewhere could open windows for.
            return _problem(403, "Pages of other sites cannot show pictures of the gallery.")
        if not followed(headers):
            return _problem(403, "Pages of other sites can link here, and load nothing from here.")
        return None


def _problem(status: int, sentence: str) -> JSONResponse:
    return JSONResponse({"detail": sentence}, status)


def known_host(header: str, names: Collection[str]) -> bool:
    """Return whether a Host header is an address or one of `names`; a port does not matter.

    An address is always fine: rebinding needs a name.
    """
    try:
        host = urlsplit(f"//{header}").hostname or ""
        if host in names:
            return True
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def cross_site(headers: Headers, host: str) -> bool:
    """Return whether a browser says that another site's page made this request."""
    fetch_site = headers.get("sec-fetch-site")
    if fetch_site not in (None, "same-origin", "none"):
        return True
    origin = headers.get("origin")
    if origin is None:
        return False
    try:
        return urlsplit(origin).netloc.lower() != host.lower()
    except ValueError:  # no browser writes "http://[", and nothing is known of who does
        return True


def followed(headers: Headers) -> bool:
    """Return whether a browser says that a person followed a link, into a page of its own."""
    mode, target = headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")
    return mode == "navigate" and target == "document"
