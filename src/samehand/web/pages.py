"""The HTML pages. Each works as a plain form; the scripts only make it quicker and nicer."""

from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Request, UploadFile
from starlette.responses import Response
from starlette.templating import Jinja2Templates

from samehand.records import OperatingPoint, Verdict
from samehand.web import questions, words
from samehand.web.drawing import preview_of
from samehand.web.engine import Engine
from samehand.web.questions import Point, Prior, engine_of, upload_of

FOLDER = Path(__file__).parent
PRIORS = {
    "even": 0.5,
    "1 in 10": 0.1,
    "1 in 100": 0.01,
    "1 in 1,000": 0.001,
}
POINTS: dict[OperatingPoint, str] = {
    "eer": "Always decide",
    "fmr1": "Only where 1 error in 100 is kept",
    "fmr0.1": "Only where 1 error in 1,000 is kept",
}

router = APIRouter(include_in_schema=False)
Engines = Annotated[Engine, Depends(engine_of)]
Picture = Annotated[UploadFile, File()]

templates = Jinja2Templates(directory=FOLDER / "templates")
templates.env.filters.update(
    headline=words.headline,
    likelihood=words.likelihood_sentence,
    decision=words.decision_words,
    share=words.share,
)
templates.env.trim_blocks = templates.env.lstrip_blocks = True


def render(request: Request, name: str, status: int = 200, **values: Any) -> Response:  # noqa: ANN401
    """Return a page; `values` are what its template shows."""
    common = {
        "identity": request.app.state.engine.verifier.model.identity,
        "priors": PRIORS,
        "points": POINTS,
    }
    return templates.TemplateResponse(request, name, common | values, status_code=status)


@router.get("/")
async def compare_form(request: Request) -> Response:
    """Show the form for two images."""
    return render(request, "compare.html")


@router.post("/")
async def compare(
    request: Request,
    engine: Engines,
    left: Picture,
    right: Picture,
    prior: Prior = 0.5,
    operating_point: Point = "eer",
) -> Response:
    """Show the verdict on two images."""
    one, two = await upload_of(left), await upload_of(right)
    verdict, decoded = await questions.compare(engine, one, two, prior, operating_point)
    previews = await engine.think(
        lambda: [
            preview_of(item.name, picture)
            for item, picture in zip((one, two), decoded, strict=True)
        ]
    )
    return render(
        request,
        "compare.html",
        verdict=verdict,
        previews=previews,
        scale=_scale(engine, verdict),
        prior=prior,
        operating_point=operating_point,
    )


def _scale(engine: Engine, verdict: Verdict) -> dict[str, float]:
    """Return where the verdict stands between the bounds of what the model can say."""
    calibration = engine.verifier.model.config.calibration
    return {"lower": calibration.lower, "upper": calibration.upper, "llr": verdict.llr}
