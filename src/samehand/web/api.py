"""The JSON API under /api/v1."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Form, UploadFile
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

from samehand.serving.seek import search
from samehand.web import questions
from samehand.web.engine import Engine
from samehand.web.questions import Cover, Point, Prior, engine_of, upload_of
from samehand.web.schemas import Comparison, ComparisonWithEvidence, Problem, ReferenceAnswer

PROBLEMS: dict[int | str, dict[str, Any]] = {
    code: {"model": Problem, "description": words}
    for code, words in {
        400: "The body is no form that can be read.",
        403: "The request comes from a page of another site.",
        404: "There is no such call, or no gallery is served.",
        408: "The upload came in too slowly.",
        413: "The upload is too large.",
        421: "The server does not go by the name in the Host header.",
        422: "A field is missing or wrong, or a file is no picture that can be read.",
        429: "Too much is being asked at once; try again in a moment.",
    }.items()
}

router = APIRouter(prefix="/api/v1", responses=PROBLEMS, tags=["verdicts"])

Engines = Annotated[Engine, Depends(engine_of)]
Picture = Annotated[UploadFile, File(description="A painting: JPEG, PNG, WebP, TIFF, ...")]

Pictures = Annotated[list[UploadFile], File(min_length=1, description="Works by one artist.")]


@router.post("/compare", summary="Compare two images")
async def compare(
    engine: Engines,
    left: Picture,
    right: Picture,
    prior: Prior = 0.5,
    operating_point: Point = "eer",
) -> Comparison:
    """Say how strongly two images speak for one artist or two; their order does not matter."""
    one, two = await upload_of(left), await upload_of(right)
    answer = await questions.compare(engine, one, two, prior, operating_point)
    return Comparison.of(one.name, two.name, answer.verdict)


@router.post("/evidence", summary="Compare two images, and find what the verdict rests on")
async def evidence(
    engine: Engines,
    left: Picture,
    right: Picture,
    prior: Prior = 0.5,
    operating_point: Point = "eer",
    cover: Cover = False,
) -> ComparisonWithEvidence:
    """Compare, and find which regions correspond, and where the score lies among known pairs.

    `evidence` is null for a model that was exported without a background.
    """
    one, two = await upload_of(left), await upload_of(right)
    answer = await questions.compare(
        engine, one, two, prior, operating_point, evidence=True, cover=cover
    )
    found = None if answer.evidence is None else answer.evidence.to_dict()
    comparison = Comparison.of(one.name, two.name, answer.verdict)
    return ComparisonWithEvidence(**comparison.model_dump(), evidence=found)


@router.post(
    "/report",
    summary="The report on two images",
    response_class=HTMLResponse,
    responses={200: {"content": {"text/html": {"schema": {"type": "string"}}}}},
)
async def report(
    engine: Engines,
    left: Picture,
    right: Picture,
    prior: Prior = 0.5,
    operating_point: Point = "eer",
) -> Response:
    """Return one self-contained HTML file with both images, the verdict, and what it rests on."""
    one, two = await upload_of(left), await upload_of(right)
    return attachment(await questions.report(engine, one, two, prior, operating_point))


@router.post("/verify", summary="Weigh a doubtful work against secure ones")
async def verify(
    engine: Engines,
    probe: Picture,
    references: Pictures,
    prior: Prior = 0.5,
    operating_point: Point = "eer",
) -> ReferenceAnswer:
    """Say how strongly a work speaks for the artist of some references, and what each adds."""
    doubtful = await upload_of(probe)
    known = [await upload_of(file) for file in references]
    verdict: dict[str, Any] = {}
    async for found in questions.verify(engine, doubtful, known, prior, operating_point):
        verdict = found.verdict.to_dict()
    return ReferenceAnswer(probe=doubtful.name, **verdict)


@router.post("/gallery/search", summary="Find the works of the gallery most like an image")
async def search_gallery(
    engine: Engines, probe: Picture, top: Annotated[int, Form(ge=1, le=200)] = 20
) -> dict[str, Any]:
    """Return the nearest works, best first; the same values as `samehand search --json`."""
    if engine.gallery is None:
        raise HTTPException(404, "No gallery is served here; start with --gallery NAME.")
    gallery, upload = engine.gallery, await upload_of(probe)
    async with engine.turn():
        picture = (await engine.decode(upload))[0]
        found = await engine.think(
            lambda: search(engine.verifier, picture, gallery, top=top, where=(), exact=False)
        )
    return {"probe": upload.name, **found.to_dict()}


def attachment(report: str) -> Response:
    """Return a report as a file to keep; its own styles are none that a page here may have."""
    return HTMLResponse(
        report, headers={"content-disposition": 'attachment; filename="samehand-report.html"'}
    )
