"""The JSON API under /api/v1/gallery: decisions on pairs of works, and the queue of suggestions."""

from typing import Annotated

from fastapi import APIRouter, Form, Query

from samehand.records import Judgement
from samehand.results import Decision, Decisions, Queue
from samehand.web.access import Decider, named
from samehand.web.api import PROBLEMS
from samehand.web.forms import Engines, Served
from samehand.web.gallery_api import Where

router = APIRouter(prefix="/api/v1/gallery", responses=PROBLEMS, tags=["decisions"])

Work = Annotated[
    str,
    Form(
        min_length=1,
        max_length=4096,
        description="A work of the gallery: its content hash, its path or its accession number.",
    ),
]
By = Annotated[
    str,
    Form(
        max_length=100,
        description="Who decides; where users sign in, it is the user, whatever stands here.",
    ),
]


@router.get("/decisions", summary="List the decisions on the gallery's works")
async def decisions(
    engine: Engines,
    gallery: Served,
    history: Annotated[
        bool, Query(description="Also what was undone or replaced by the same person.")
    ] = False,
) -> Decisions:
    """Return what people decided, by time; the same values as `samehand decisions --json`."""
    return await engine.read(lambda: gallery.decisions(history=history))


@router.post("/decisions", summary="Decide whether one hand made two works")
async def decide(
    engine: Engines,
    gallery: Served,
    decider: Decider,
    first: Work,
    second: Work,
    label: Annotated[Judgement, Form(description="One hand, different hands, or unsure.")],
    note: Annotated[str, Form(max_length=4000, description="Why.")] = "",
    by: By = "",
) -> Decision:
    """Write a decision down; a person's later one on a pair takes the place of an earlier one."""
    # A path from the web names a work of the gallery, never a file of this machine.
    return await engine.infer(
        lambda: gallery.decide(
            first, second, label, note=note, by=named(decider, by), model=engine.model, files=False
        )
    )


@router.post("/decisions/undo", summary="Let a decision no longer count")
async def undo(
    engine: Engines,
    gallery: Served,
    decider: Decider,
    id: Annotated[str, Form(min_length=1, max_length=64, description="Of the decision.")],
    by: By = "",
) -> Decision:
    """Undo a decision; it stays in the record."""
    return await engine.read(lambda: gallery.undo(id, by=named(decider, by)))


@router.post("/queue", summary="Suggest pairs of works to decide about")
async def queue(
    engine: Engines,
    gallery: Served,
    top: Annotated[int, Form(ge=1, le=1000, description="How many suggestions.")] = 20,
    where: Where = [],  # noqa: B006
    prior: Annotated[float, Form(gt=0, lt=1, description="P(same hand) before looking.")] = 0.5,
    labelled: Annotated[
        bool, Form(description="Also ask about works that both have an artist's name.")
    ] = False,
) -> Queue:
    """Return pairs, those first whose decision would teach most; as `samehand queue --json`."""
    model = engine.model
    async with engine.turn():
        return await engine.infer(
            lambda: model.queue(gallery, top, where=where, prior=prior, labelled=labelled),
            long=True,
        )
