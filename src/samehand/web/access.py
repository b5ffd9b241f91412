"""Who is let in where users are named: pages ask to sign in, calls of programs are answered 401."""

from typing import Annotated
from urllib.parse import quote

from fastapi import Depends, Request
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from samehand.web.guard import SAFE_METHODS
from samehand.web.prefix import path_of
from samehand.web.sessions import COOKIE, Sessions, TooOftenError
from samehand.web.users import User, UsersError

ALIVE = ("/healthz", "/readyz")
"""Answered, as /static/ is, without a look at who asks."""

OPEN = ("/login", "/logout")
"""Whoever asks is answered here, too."""

USER = "samehand.user"
"""Under this key of a request's scope stands who sent it."""

PROGRAMS = ("/api/", "/metrics", "/gallery/map/points", "/gallery/map/state")


class Access:
    """ASGI middleware that lets users in and sends others to sign in."""

    def __init__(self, app: ASGIApp, sessions: Sessions) -> None:
        self._app = app
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = path_of(scope)
        if path in ALIVE or path.startswith("/static/"):
            await self._app(scope, receive, send)
            return
        try:
            user = await self._user(scope)
        except TooOftenError as error:
            answer = JSONResponse({"detail": str(error)}, 429, {"retry-after": str(error.seconds)})
            await answer(scope, receive, send)
            return
        except UsersError as error:
            await JSONResponse({"detail": f"{error}."}, 503)(scope, receive, send)
            return
        scope[USER] = user
        if user is not None or path in OPEN:
            await self._app(scope, receive, send)
        elif path.startswith(PROGRAMS):
            answer = JSONResponse(
                {"detail": "Sign in: send a user's name and password as HTTP Basic."},
                401,
                {"www-authenticate": 'Basic realm="samehand", charset="UTF-8"'},
            )
            await answer(scope, receive, send)
        else:
            await self._to_login(scope, path)(scope, receive, send)

    async def _user(self, scope: Scope) -> User | None:
        connection = HTTPConnection(scope)
        cookie = connection.cookies.get(COOKIE)
        if cookie and (user := self._sessions.of_cookie(cookie)):
            return user
        return await self._sessions.of_basic(Headers(scope=scope), address_of(connection))

    @staticmethod
    def _to_login(scope: Scope, path: str) -> ASGIApp:
        root = scope.get("root_path", "")
        if scope["method"] not in SAFE_METHODS:
            # What was posted would be lost on the way; the browser stays where it is.
            return _refused
        query = scope.get("query_string", b"").decode("latin-1")
        wanted = path + (f"?{query}" if query else "")
        suffix = "" if wanted == "/" else f"?next={quote(wanted, safe='')}"
        return RedirectResponse(f"{root}/login{suffix}", 303)


async def _refused(scope: Scope, receive: Receive, send: Send) -> None:
    from samehand.web.pages import render

    page = render(
        Request(scope, receive),
        "problem.html",
        401,
        title="Sign in first",
        problem="Your session is over. Sign in again in another window, then press the button "
        "here once more.",
    )
    await page(scope, receive, send)


def address_of(connection: HTTPConnection) -> str:
    """Return from which address a request comes; a proxy's word counts only where it is named."""
    return connection.client.host if connection.client else ""


def user_of(request: Request) -> User | None:
    """Return who sent a request; None where no users are named."""
    user: User | None = request.scope.get(USER)
    return user


def decides(request: Request) -> bool:
    """Return whether whoever sent a request may change what is kept."""
    user = user_of(request)
    if user is None:
        return request.app.state.sessions is None
    return user.role == "decider"


def decider_of(request: Request) -> User | None:
    """Return who sent a request that changes something; None where no users are named.

    Raises:
        HTTPException: It is somebody who may not.
    """
    if not decides(request):
        raise HTTPException(403, "You may look and ask; only deciders may change what is kept.")
    return user_of(request)


def named(user: User | None, said: str) -> str:
    """Return whose name stands beside a decision: the user's, or what was said without users."""
    return said if user is None else user.name


Decider = Annotated[User | None, Depends(decider_of)]
"""Every route that changes something takes this; a test lists those that do not."""
