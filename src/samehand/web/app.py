"""The web application: pages, API, health and metrics behind the guards."""

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartParser
from starlette.responses import JSONResponse, Response
from starlette.staticfiles import StaticFiles

import samehand
from samehand.errors import SamehandError
from samehand.files import printable
from samehand.gallery import Gallery
from samehand.results import Health, Problem
from samehand.verification.verifier import SameHand
from samehand.web import (
    api,
    case_page,
    decision_api,
    gallery_api,
    gallery_page,
    identify_page,
    login_page,
    map_page,
    pages,
    queue_page,
    reference_page,
    review_page,
)
from samehand.web.access import Access
from samehand.web.body import Bodies
from samehand.web.cases import prepare_folder
from samehand.web.engine import BusyError, Engine
from samehand.web.fields import only_known_fields
from samehand.web.guard import Guard
from samehand.web.head import Heads
from samehand.web.leaving import Leaving
from samehand.web.limits import Limits
from samehand.web.logs import Logged
from samehand.web.metrics import Measured, Metrics
from samehand.web.prefix import Prefixed, path_of
from samehand.web.sessions import Sessions
from samehand.web.users import Users

_ABOUT = """Were these two paintings made by the same artist?

Every answer carries a log10 likelihood ratio with a measured error rate. Nothing that is posted
here is stored or sent anywhere. Errors are `{"detail": "one sentence"}`.
"""


def create_app(
    model: SameHand,
    limits: Limits | None = None,
    hosts: Collection[str] = (),
    gallery: Gallery | None = None,
    *,
    workers: int = 1,
    users: Users | None = None,
    prefix: str = "",
    cases: Path | None = None,
) -> FastAPI:
    """Return the application.

    Args:
        model: What answers.
        limits: What is allowed; None for the defaults.
        hosts: Names, besides localhost and addresses, under which the server is reached.
        gallery: A gallery of the same model to show and search, if there is one.
        workers: How many questions the model answers at one time.
        users: Who may use it; None lets in whoever reaches it.
        prefix: Where a proxy shows it, such as "/samehand"; "" for the root.
        cases: The folder into which questions are kept, where somebody asks for that; None keeps
            none.

    Raises:
        GalleryError: The gallery is another model's.
    """
    if gallery is not None:
        gallery.require(model)
    limits = limits or Limits()
    engine = Engine(model, limits, gallery, workers)
    metrics = Metrics(engine)
    # Starlette would spool larger uploads to a disk; nothing that is posted here touches one.
    MultiPartParser.spool_max_size = limits.body_bytes

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await engine.start()
        try:
            yield
        finally:
            await engine.stop()

    app = FastAPI(
        title="samehand",
        version=samehand.__version__,
        description=_ABOUT,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        lifespan=lifespan,
        form_limits={"max_files": limits.files, "max_fields": 20, "max_part_size": 2**16},
        # Their pages load scripts from elsewhere; /api describes the API instead.
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
    )
    app.state.engine = engine
    app.state.metrics = metrics
    app.state.cases = None if cases is None else prepare_folder(cases)
    app.state.sessions = sessions = None if users is None else Sessions(users)
    for calls in (api, gallery_api, decision_api):
        app.include_router(calls.router, dependencies=[Depends(only_known_fields)])
    app.include_router(pages.router)
    app.include_router(reference_page.router)
    for one in (
        case_page,
        gallery_page,
        identify_page,
        login_page,
        map_page,
        queue_page,
        review_page,
    ):
        app.include_router(one.router)
    app.mount("/static", StaticFiles(directory=pages.FOLDER / "static"), name="static")
    _add_status(app, metrics)
    _add_errors(app)
    app.add_middleware(Leaving)
    app.add_middleware(Bodies, limits=limits)
    if sessions is not None:
        app.add_middleware(Access, sessions=sessions)
    app.add_middleware(Heads)
    app.add_middleware(Guard, hosts=hosts)
    app.add_middleware(Measured, metrics=metrics)
    app.add_middleware(Logged)
    app.add_middleware(Prefixed, prefix=prefix)
    return app


def _add_status(app: FastAPI, metrics: Metrics) -> None:
    @app.get("/healthz", tags=["operation"], summary="Whether the server answers")
    async def healthz(request: Request) -> Health:
        identity = request.app.state.engine.model.folder.identity
        return Health(status="ok", model=identity, version=samehand.__version__)

    @app.get(
        "/readyz",
        tags=["operation"],
        summary="Whether to send requests here",
        responses={503: {"model": Problem, "description": "The server is about to stop."}},
    )
    async def readyz(request: Request) -> Health:
        if not request.app.state.engine.ready:
            raise HTTPException(503, "The server is starting or about to stop; ask another one.")
        return await healthz(request)

    @app.get(
        "/metrics",
        tags=["operation"],
        summary="Prometheus metrics",
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    )
    async def prometheus() -> Response:
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _add_errors(app: FastAPI) -> None:
    async def http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        sentence = str(error.detail)
        if error.status_code == 404 and sentence == "Not Found":
            sentence = f"There is nothing at {path_of(request.scope)}; {_whereabouts(request)}."
        if error.status_code == 405:
            allowed = (error.headers or {}).get("Allow", "another method")
            sentence = f"{path_of(request.scope)} is asked with {allowed}, not {request.method}."
        if sentence.startswith(_TOO_LONG):
            sentence = f"A text field ({_fields_of(request)}) is too long: {_AS_TEXT}."
        return _problem(request, error.status_code, sentence, error.headers)

    async def wrong_form(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return _problem(request, 422, _sentence(error))

    async def user_error(request: Request, error: Exception) -> Response:
        busy = isinstance(error, BusyError)
        return _problem(
            request, 429 if busy else 422, str(error), {"retry-after": "2"} if busy else None
        )

    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(RequestValidationError, wrong_form)
    app.add_exception_handler(SamehandError, user_error)


_AS_TEXT = (
    "a picture was sent as a text field; send it as a file, with curl for example as "
    "-F left=@picture.jpg"
)
_TOO_LONG = "Part exceeded maximum size"


def _problem(
    request: Request, status: int, sentence: str, headers: Mapping[str, str] | None = None
) -> Response:
    sentence = printable(sentence)
    if path_of(request.scope).startswith(("/api/", "/healthz", "/readyz", "/metrics")):
        return JSONResponse({"detail": sentence}, status, headers)
    title = "Nothing here" if status == 404 else "No answer"
    page = pages.render(request, "problem.html", status, problem=sentence, title=title)
    page.headers.update(headers or {})
    return page


def _whereabouts(request: Request) -> str:
    """Return where to look for what is there, for a program or for a person."""
    if path_of(request.scope).startswith("/api/"):
        return "/api lists the calls"
    return "the pages are listed above"


def _fields_of(request: Request) -> str:
    """Return the picture fields of the call that a request came to, as its form was not read."""
    path = path_of(request.scope)
    if "compare" in path or "evidence" in path or path in ("/", "/cases", "/api/v1/report"):
        return "left or right"
    return "probe or references" if "verify" in path or "reference" in path else "probe"


def _sentence(error: RequestValidationError) -> str:
    """Return what is wrong with a form, in one sentence."""
    parts = []
    for item in error.errors():
        name = ".".join(map(str, item["loc"][1:]))
        expected_file = "Expected UploadFile" in item["msg"]
        parts.append(f"{name}: {_AS_TEXT if expected_file else item['msg']}")
    return "; ".join(parts) or "the form cannot be read"
