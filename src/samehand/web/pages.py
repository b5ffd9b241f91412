"""The HTML pages. Each works as a plain form; the scripts only make it quicker and nicer."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response
from starlette.templating import Jinja2Templates

from samehand.explain.evidence_picture import LEAST_INFLUENCE, LEAST_UNUSUAL, strongest
from samehand.explain.words import (
    context_in_words,
    influence_in_words,
    interval_in_words,
    nearby_in_words,
    rarity_in_words,
    share,
    title_of,
    unusual_in_words,
)
from samehand.gallery import StoredWork
from samehand.model.correspondence import rarest
from samehand.plural import counted
from samehand.web import questions, words
from samehand.web.access import decides, user_of
from samehand.web.api import attachment
from samehand.web.drawing import LEAST_RARITY, crop_of, preview_of, previews_with, scale_of
from samehand.web.engine import Engine
from samehand.web.forms import AskedPair, Cover, Engines, Format, PagePair
from samehand.web.prefix import path_of
from samehand.web.questions import Compared
from samehand.web.shelf import title_of_work
from samehand.web.works import slots_of, work_at

FOLDER = Path(__file__).parent
PRIORS = {
    "even": 0.5,
    "1 in 10": 0.1,
    "1 in 100": 0.01,
    "1 in 1,000": 0.001,
}


@dataclass(frozen=True, slots=True)
class Call:
    """One thing that programs can ask."""

    method: str
    path: str
    summary: str
    fields: tuple[str, ...]


router = APIRouter(include_in_schema=False)
Picked = Annotated[int | None, Query(ge=0, lt=2**40)]

templates = Jinja2Templates(directory=FOLDER / "templates")
templates.env.filters.update(
    counted=counted,
    error_rate=words.error_rate,
    decided_in_style=words.decided_in_style,
    interval=interval_in_words,
    called=title_of,
    file_name=lambda path: Path(path).name,
    names_only=words.names_only,
    work_name=title_of_work,
    share=share,
)
templates.env.trim_blocks = templates.env.lstrip_blocks = True


def render(request: Request, name: str, status: int = 200, **values: Any) -> Response:  # noqa: ANN401
    """Return a page; `values` are what its template shows."""
    engine: Engine = request.app.state.engine
    common = {
        "root": request.scope.get("root_path", ""),
        "here": path_of(request.scope),
        "user": user_of(request),
        "decides": decides(request),
        "keeps_cases": request.app.state.cases is not None,
        "identity": engine.model.folder.identity,
        "priors": PRIORS,
        "points": words.POINTS,
        "limits": engine.limits,
        "served": engine.gallery is not None,
        "host": request.url.hostname,
        "local": request.url.hostname in ("localhost", "127.0.0.1", "::1", "testserver"),
    }
    return templates.TemplateResponse(request, name, common | values, status_code=status)


@router.get("/")
async def compare_form(
    request: Request, engine: Engines, left_work: Picked = None, right_work: Picked = None
) -> Response:
    """Show the form for two images, works of the gallery in it where a link picked them."""
    picked = await picked_works(engine, {"left": left_work, "right": right_work})
    return render(request, "compare.html", picked=picked)


async def picked_works(engine: Engine, slots: dict[str, int | None]) -> dict[str, StoredWork]:
    """Return the works that frames show because a link picked them, by the frame's name."""
    gallery = engine.gallery
    if gallery is None:
        return {}
    wanted = {name: slot for name, slot in slots.items() if slot is not None}
    found = {
        name: await engine.read(lambda slot=slot: work_at(gallery, slot))  # type: ignore[misc]
        for name, slot in wanted.items()
    }
    return {name: stored for name, stored in found.items() if stored is not None}


@router.post("/")
async def compare(
    request: Request, engine: Engines, page: AskedPair, cover: Cover = False
) -> Response:
    """Show the verdict on two images, and what it rests on."""
    answer = await questions.compare(engine, page.asked, evidence=True, cover=cover)
    shown = await engine.infer(lambda: _shown(engine, answer, page))
    slots = dict(zip(("left", "right"), page.slots, strict=True))
    return render(
        request,
        "compare.html",
        prior=page.asked.prior,
        operating_point=page.decide,
        cover=cover,
        picked=await picked_works(engine, slots),
        work_slots=page.slots,
        **shown,
    )


@router.post("/report")
async def report(engine: Engines, page: AskedPair, format: Format = "html") -> Response:
    """Hand over the report on two images as a file."""
    return await attachment(engine, format, questions.report(engine, page.asked))


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


def _shown(engine: Engine, answer: Compared, page: PagePair) -> dict[str, Any]:
    """Return what a page shows of an answer."""
    verdict = answer.verdict
    evidence, near = verdict.evidence, verdict.neighbours
    one, two = answer.paintings
    same_file = one.sha256 == two.sha256
    previews = [preview_of(painting) for painting in answer.paintings]
    shown: dict[str, Any] = {
        "verdict": verdict,
        "said": words.said_of_pair(verdict, page.decide, same_file=same_file),
        "same_file": same_file,
        "previews": previews_with(previews, evidence),
        "scale": scale_of(
            verdict.llr,
            engine.model.folder.config.calibration,
            evidence.context if evidence else None,
        ),
        "evidence": evidence,
        "reasons": _reasons(engine, answer),
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


@dataclass(frozen=True, slots=True)
class Reason:
    """Two windows that correspond, side by side.

    Attributes:
        number: Its number on the pictures.
        words: How rare such a likeness is.
        left: The left window, enlarged, as a data URL.
        right: The right one.
    """

    number: int
    words: str
    left: str
    right: str


def _reasons(engine: Engine, answer: Compared) -> list[Reason]:
    evidence = answer.verdict.evidence
    if evidence is None or engine.background is None:
        return []
    one, two = answer.paintings
    found = engine.background
    most = rarest(found.places, len(found.regions), len(one.patches))
    return [
        Reason(
            match.number,
            rarity_in_words(match, most),
            crop_of(one, match.left),
            crop_of(two, match.right),
        )
        for match in evidence.matches
        if match.rarity >= LEAST_RARITY
    ]
