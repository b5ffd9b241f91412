"""The JSON API under /api/v1."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, UploadFile

from samehand.web import questions
from samehand.web.engine import Engine
from samehand.web.questions import Point, Prior, engine_of, upload_of
from samehand.web.schemas import Comparison, Problem

PROBLEMS: dict[int | str, dict[str, Any]] = {
    code: {"model": Problem, "description": words}
    for code, words in {
        400: "The body is no form that can be read.",
        403: "The request comes from a page of another site.",
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
    verdict, _ = await questions.compare(engine, one, two, prior, operating_point)
    return Comparison.of(one.name, two.name, verdict)
