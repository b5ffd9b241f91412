"""Running under a prefix of a proxy, such as /samehand: `serve --root-path`."""

from starlette.types import ASGIApp, Receive, Scope, Send

from samehand.errors import SamehandError

TAKEN = ("api", "cases", "gallery", "healthz", "identify", "login", "logout", "metrics", "readyz",
         "reference", "report", "static")  # fmt: skip
"""First parts of the paths of pages: a prefix of that name could not be told from the page."""


def checked_prefix(prefix: str) -> str:
    """Return a prefix as ASGI writes it: with a slash before and none after; "" for none.

    Raises:
        SamehandError: It is a page's name, or not a path.
    """
    parts = [part for part in prefix.split("/") if part]
    if not parts:
        return ""
    if parts[0] in TAKEN:
        raise SamehandError(f"--root-path {prefix} is the name of a page; choose another prefix")
    allowed = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~")
    if any(part in (".", "..") or not set(part) <= allowed for part in parts):
        raise SamehandError(
            f"--root-path {prefix} is not a plain path; write it as /name or /name/more"
        )
    return "/" + "/".join(parts)


class Prefixed:
    """ASGI middleware that knows a prefix, whether the proxy passes it on or takes it away."""

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self._app = app
        self._prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and self._prefix:
            path = scope["path"]
            if path != self._prefix and not path.startswith(self._prefix + "/"):
                path = self._prefix + path
            elif path == self._prefix:
                path += "/"
            scope = {**scope, "path": path, "root_path": self._prefix}
        await self._app(scope, receive, send)


def path_of(scope: Scope) -> str:
    """Return the path that was asked for, without the prefix."""
    path: str = scope["path"]
    prefix: str = scope.get("root_path", "")
    return path[len(prefix) :] if prefix and path.startswith(prefix + "/") else path
