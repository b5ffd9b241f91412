"""The JSON API under /api/v1, on pairs and reference sets; `gallery_api` has the rest."""

from collections.abc import Coroutine
from typing import Any

from fastapi import APIRouter
from starlette.responses import HTMLResponse, Response

from samehand.errors import SamehandError
from samehand.reporting.write import pdf_of, require_pdf
from samehand.results import Problem, ReferenceVerdict, Verdict
from samehand.web import questions
from samehand.web.engine import Engine
from samehand.web.forms import Cover, Engines, Format, Pair, References

PROBLEMS: dict[int | str, dict[str, Any]] = {
    code: {"model": Problem, "description": words}
    for code, words in {
        400: "The body cannot be read as a form.",
        401: "Users sign in here, and no user's name and password came with the request.",
        403: "The request comes from a page of another site, or from a user who may not.",
        404: "There is no such call, or no gallery is served.",
        408: "The upload came in too slowly.",
        413: "The upload is too large.",
        421: "The server does not go by the name in the Host header.",
        422: "A field is missing, wrong or unknown, or a file cannot be read as a picture.",
        429: "Too much is being asked at once; try again in a moment.",
    }.items()
}

router = APIRouter(prefix="/api/v1", responses=PROBLEMS, tags=["verdicts"])

REPORT: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            "text/html": {"schema": {"type": "string"}},
            "application/pdf": {"schema": {"type": "string", "format": "binary"}},
        }
    }
}


@router.post("/compare", summary="Compare two images")
async def compare(engine: Engines, asked: Pair) -> Verdict:
    """Say how strongly two images speak for one artist or two; their order does not matter."""
    return (await questions.compare(engine, asked)).verdict


@router.post("/evidence", summary="Compare two images, and find what the verdict rests on")
async def evidence(engine: Engines, asked: Pair, cover: Cover = False) -> Verdict:
    """Compare, and find which regions correspond, and where the score lies among known pairs.

    Where a gallery is served, its works nearest to each image are `neighbours`. `evidence` is null
    for a model that was exported without a background.
    """
    return (await questions.compare(engine, asked, evidence=True, cover=cover)).verdict


@router.post(
    "/report", summary="The report on two images", response_class=HTMLResponse, responses=REPORT
)
async def report(engine: Engines, asked: Pair, format: Format = "html") -> Response:
    """Return one self-contained HTML file with both images, the verdict, and what it rests on.

    With `format=pdf` in the address it is a PDF, with the verdict as data attached.
    """
    return await attachment(engine, format, questions.report(engine, asked))


@router.post("/verify", summary="Weigh a doubtful work against secure ones")
async def verify(engine: Engines, asked: References) -> ReferenceVerdict:
    """Say how strongly a work speaks for the artist of some references, and what each adds."""
    found = [growing.verdict async for growing in questions.verify(engine, asked)]
    return found[-1]


@router.post(
    "/verify/report",
    summary="The report on a doubtful work and secure ones",
    response_class=HTMLResponse,
    responses=REPORT,
)
async def verify_report(engine: Engines, asked: References, format: Format = "html") -> Response:
    """Return one self-contained HTML file with all images, the verdict, and what each says.

    With `format=pdf` in the address it is a PDF, with the verdict as data attached.
    """
    return await attachment(engine, format, questions.reference_report(engine, asked))


def attached(format: Format) -> dict[str, str]:
    """Return the headers of a report that is a file to keep."""
    return {"content-disposition": f'attachment; filename="samehand-report.{format}"'}


async def attachment(
    engine: Engine, format: Format, asked: Coroutine[Any, Any, questions.Filed]
) -> Response:
    """Return a report as a file to keep; its own styles are none that a page here may have.

    Args:
        engine: What answers.
        format: What kind of file.
        asked: What makes the report.

    Raises:
        MissingExtraError: It is to be a PDF, and what writes PDF is not installed.
        OutputError: So is a library that it needs.
    """
    headers = attached(format)
    if format == "html":
        return HTMLResponse((await asked).page, headers=headers)
    try:
        require_pdf()
    except SamehandError:
        asked.close()
        raise
    page = (await asked).page
    data = await engine.infer(lambda: pdf_of(page))
    return Response(data, media_type="application/pdf", headers=headers)
