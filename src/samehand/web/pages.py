"""The HTML pages. Each works as a plain form; the scripts only make it quicker and nicer."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response
from starlette.templating import Jinja2Templates

from samehand.explain.evidence_picture import LEAST_INFLUENCE, LEAST_UNUSUAL, strongest
from samehand.explain.words import (
    claim_in_words,
    context_in_words,
    influence_in_words,
    interval_in_words,
    nearby_in_words,
    share,
    title_of,
    unusual_in_words,
)
from samehand.records import OperatingPoint
from samehand.web import questions, words
from samehand.web.api import attachment
from samehand.web.drawing import preview_of, previews_with, scale_of
from samehand.web.engine import Engine
from samehand.web.forms import Cover, Engines, Pair
from samehand.web.questions import Compared
from samehand.web.slots import slots_of

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


@dataclass(frozen=True, slots=True)
class Call:
    """One thing that programs can ask."""

    method: str
    path: str
    summary: str
    fields: tuple[str, ...]


router = APIRouter(include_in_schema=False)

templates = Jinja2Templates(directory=FOLDER / "templates")
templates.env.filters.update(
    headline=words.headline,
    decision=words.decision_words,
    error_rate=words.error_rate,
    interval=interval_in_words,
    called=title_of,
    share=share,
)
templates.env.trim_blocks = templates.env.lstrip_blocks = True


def render(request: Request, name: str, status: int = 200, **values: Any) -> Response:  # noqa: ANN401
    """Return a page; `values` are what its template shows."""
    common = {
        "identity": request.app.state.engine.model.folder.identity,
        "priors": PRIORS,
        "points": POINTS,
    }
    return templates.TemplateResponse(request, name, common | values, status_code=status)


@router.get("/")
async def compare_form(request: Request) -> Response:
    """Show the form for two images."""
    return render(request, "compare.html")


@router.post("/")
async def compare(request: Request, engine: Engines, asked: Pair, cover: Cover = False) -> Response:
    """Show the verdict on two images, and what it rests on."""
    answer = await questions.compare(engine, asked, evidence=True, cover=cover)
    shown = await engine.infer(lambda: _shown(engine, answer))
    return render(
        request,
        "compare.html",
        prior=asked.prior,
        operating_point=asked.operating_point,
        cover=cover,
        **shown,
    )


@router.post("/report")
async def report(engine: Engines, asked: Pair) -> Response:
    """Hand over the report on two images as a file."""
    return attachment(await questions.report(engine, asked))


@router.get("/api")
async def api(request: Request) -> Response:
    """Show what programs can ask."""
    described = request.app.openapi()
    forms = described["components"]["schemas"]
    calls = []
    for path, methods in described["paths"].items():
        for method, call in methods.items():
            content = call.get("requestBody", {}).get("content", {}).get("multipart/form-data", {})
            form = content.get("schema", {}).get("$ref", "").rsplit("/", 1)[-1]
            fields = list(forms.get(form, {}).get("properties", {}))
            fields += [item["name"] for item in call.get("parameters", [])]
            calls.append(Call(method.upper(), path, call.get("summary", ""), tuple(fields)))
    return render(request, "api.html", calls=calls)


def _shown(engine: Engine, answer: Compared) -> dict[str, Any]:
    """Return what a page shows of an answer."""
    evidence, near = answer.verdict.evidence, answer.verdict.neighbours
    previews = [preview_of(painting) for painting in answer.paintings]
    shown: dict[str, Any] = {
        "verdict": answer.verdict,
        "claim": claim_in_words(answer.verdict.llr),
        "previews": previews_with(previews, evidence),
        "scale": scale_of(
            answer.verdict.llr,
            engine.model.folder.config.calibration,
            evidence.context if evidence else None,
        ),
        "evidence": evidence,
    }
    if evidence is not None:
        sides = (evidence.left, evidence.right)
        maps = [side.influence for side in sides if side.influence is not None]
        shown["words"] = {
            "context": context_in_words(evidence.context),
            "unusual": unusual_in_words(
                strongest(*(side.unusual for side in sides), least=LEAST_UNUSUAL)
            ),
            "influence": influence_in_words(strongest(*maps, least=LEAST_INFLUENCE))
            if maps
            else "",
            "nearby": nearby_in_words(near.gallery) if near else "",
        }
    if near is not None and engine.gallery is not None:
        paths = [one.path for one in (*near.left, *near.right)]
        shown["slots"] = slots_of(engine.gallery, paths)
    return shown
