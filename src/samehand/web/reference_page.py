"""The page of a doubtful work beside secure ones: evidence that grows as they arrive."""

import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response, StreamingResponse

from samehand.errors import SamehandError
from samehand.files import printable
from samehand.model.painting import Painting
from samehand.records import OperatingPoint
from samehand.results import GrowthStep
from samehand.verification.references import attribution_of
from samehand.web import questions
from samehand.web.access import decides
from samehand.web.ahead import ahead
from samehand.web.api import attachment
from samehand.web.drawing import Preview, preview_of, scale_of
from samehand.web.engine import Engine
from samehand.web.forms import AskedReferences, Engines, Format
from samehand.web.pages import Picked, picked_works, render, templates
from samehand.web.questions import Growing
from samehand.web.words import said_of_set

LINES = "application/x-ndjson"
_THUMBNAIL = 240

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the drawing of how the evidence grows; places are units of the drawing."""

    references: int
    x: float
    y: float
    top: float
    bottom: float
    llr: float


@router.get("/reference")
async def form(
    request: Request,
    engine: Engines,
    probe_work: Picked = None,
    reference_work: Annotated[list[int] | None, Query(max_length=64)] = None,
) -> Response:
    """Show the form for a doubtful work and secure ones, with works that a link picked."""
    secure = {f"reference {slot}": slot for slot in reference_work or ()}
    picked = await picked_works(engine, {"probe": probe_work, **secure})
    doubtful = {name: work for name, work in picked.items() if name == "probe"}
    known = [work for name, work in picked.items() if name != "probe"]
    return render(request, "reference.html", picked=doubtful, secure=known)


@router.post("/reference")
async def verify(request: Request, engine: Engines, page: AskedReferences) -> Response:
    """Show the verdict; to the page's script, as a line of JSON after each reference."""
    answers = questions.verify(engine, page.asked)
    if LINES in request.headers.get("accept", ""):
        lines = _lines(request, answers, page.decide)
        return StreamingResponse(ahead(lines), media_type=LINES)
    shown: dict[str, Any] = {}
    async for found in answers:
        if found.opened == found.total:
            draw = partial(_shown, engine, found, page.decide, {})
            shown = await engine.infer(draw, long=True)
    return render(
        request,
        "reference.html",
        prior=page.asked.prior,
        operating_point=page.decide,
        **shown,
    )


@router.post("/reference/report")
async def report(engine: Engines, page: AskedReferences, format: Format = "html") -> Response:
    """Hand over the report on a doubtful work and secure ones as a file."""
    return await attachment(engine, format, questions.reference_report(engine, page.asked))


async def _lines(
    request: Request, answers: AsyncGenerator[Growing, None], decide: OperatingPoint | None
) -> AsyncGenerator[str, None]:
    engine: Engine = request.app.state.engine
    root = request.scope.get("root_path", "")
    template = templates.get_template("reference_verdict.html")
    drawn: dict[Painting, Preview] = {}
    keeps = {"keeps_cases": request.app.state.cases is not None, "decides": decides(request)}
    try:
        async for found in answers:
            # In a thread: pictures are drawn, and meanwhile nobody else would be answered.
            draw = partial(_shown, engine, found, decide, drawn)
            page = template.render(await engine.infer(draw, long=True), root=root, **keeps)
            done = found.opened
            yield json.dumps({"done": done, "of": found.total, "html": page}) + "\n"
    except SamehandError as error:
        # The answer has begun, so its status can say no more.
        yield json.dumps({"problem": printable(str(error))}) + "\n"
    finally:
        # At once, and not when it is collected: it holds a turn.
        await answers.aclose()


def _shown(
    engine: Engine,
    found: Growing,
    decide: OperatingPoint | None,
    drawn: dict[Painting, Preview],
) -> dict[str, Any]:
    """Return what the page shows; `drawn` keeps the pictures of one step for the next."""
    for painting in (found.probe, *found.references):
        if painting not in drawn:
            side = 420 if painting is found.probe else _THUMBNAIL
            drawn[painting] = preview_of(painting, side)
    verdict = found.verdict
    rule = attribution_of(engine.model.folder).references
    step = rule.at(len(found.references))
    return {
        "verdict": verdict,
        "said": said_of_set(verdict, decide),
        "scale": scale_of(verdict.llr, step.calibration),
        "probe": drawn[found.probe],
        "works": [
            (drawn[painting], said)
            for painting, said in zip(found.references, verdict.references, strict=True)
        ],
        "growth": _steps(verdict.growth),
    }


def _steps(growth: tuple[GrowthStep, ...]) -> list[Step]:
    """Return where each step stands in a drawing of 880 x 240, log10 -4 to +4 from the bottom."""

    def height(llr: float) -> float:
        return round(120 - 28 * max(-4.0, min(4.0, llr)), 1)

    apart = 760 / max(1, len(growth) - 1)
    return [
        Step(
            step.references,
            round(70 + apart * index, 1),
            height(step.llr),
            height(step.highest),
            height(step.lowest),
            step.llr,
        )
        for index, step in enumerate(growth)
    ]
