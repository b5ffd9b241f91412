"""Signing in and out."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from samehand.web.access import address_of
from samehand.web.pages import render
from samehand.web.sessions import COOKIE, SESSION_SECONDS, Sessions, TooOftenError

router = APIRouter(include_in_schema=False)

Next = Annotated[str, Query(max_length=2000)]


@router.get("/login")
async def ask(request: Request, next: Next = "/") -> Response:  # noqa: A002
    """Show the form to sign in."""
    _sessions(request)
    return render(request, "login.html", next=own_path(next))


@router.post("/login")
async def sign_in(
    request: Request,
    name: Annotated[str, Form(max_length=200)] = "",
    password: Annotated[str, Form(max_length=2000)] = "",
    next: Annotated[str, Form(max_length=2000)] = "/",  # noqa: A002
) -> Response:
    """Begin a session, and go on to the page that was wanted."""
    sessions = _sessions(request)
    name = name.strip()
    try:
        user = await sessions.check(name, password, address_of(request))
    except TooOftenError as error:
        page = render(
            request, "login.html", 429, next=own_path(next), asked=name, problem=str(error)
        )
        page.headers["retry-after"] = str(error.seconds)
        return page
    if user is None:
        said = "That name and password do not belong together."
        return render(request, "login.html", 401, next=own_path(next), asked=name, problem=said)
    _end(request, sessions)
    root = request.scope.get("root_path", "")
    answer = RedirectResponse(root + own_path(next), 303)
    answer.set_cookie(
        COOKIE,
        sessions.begin(user),
        max_age=SESSION_SECONDS,
        path=root or "/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )
    return answer


@router.post("/logout")
async def sign_out(request: Request) -> Response:
    """End the session, also for whoever else holds its cookie."""
    _end(request, _sessions(request))
    root = request.scope.get("root_path", "")
    answer = RedirectResponse(f"{root}/login", 303)
    answer.delete_cookie(COOKIE, path=root or "/")
    return answer


def own_path(wanted: str) -> str:
    """Return a path of this server to go on to; anything that leads elsewhere is the first page."""
    plain = wanted.startswith("/") and not wanted.startswith(("//", "/\\", "/login", "/logout"))
    return wanted if plain and wanted.isprintable() and "\\" not in wanted else "/"


def _end(request: Request, sessions: Sessions) -> None:
    if cookie := request.cookies.get(COOKIE):
        sessions.end(cookie)


def _sessions(request: Request) -> Sessions:
    sessions: Sessions | None = request.app.state.sessions
    if sessions is None:
        raise HTTPException(404, "Nobody signs in here: the server was started without --users.")
    return sessions
