"""The JSON API under /api/v1/gallery: what the gallery holds, and questions to it."""

from typing import Annotated

from fastapi import APIRouter, Form, Query

from samehand.scoring.openset import FalseAlarms
from samehand.serving import seek
from samehand.serving.cluster import cluster as group
from samehand.serving.gallery import StoredWork
from samehand.web.api import PROBLEMS
from samehand.web.forms import Engines, Probe, Served
from samehand.web.gallery_schemas import About, Clustered, Found, Identified, StoredWorks
from samehand.web.questions import of_picture

_CONDITIONS = (
    "Only works that meet every condition: column=value, column!=value, column~part, "
    "column>=number, column<=number."
)
_MOST_CONDITIONS = 20

router = APIRouter(prefix="/api/v1/gallery", responses=PROBLEMS, tags=["gallery"])

Condition = Annotated[str, Query(max_length=300)]
Where = Annotated[
    list[Annotated[str, Form(max_length=300)]],
    Form(max_length=_MOST_CONDITIONS, description=_CONDITIONS),
]


@router.get("", summary="What the gallery is")
async def about(engine: Engines, gallery: Served) -> About:
    """Return what the gallery holds and which model made it; as `samehand gallery info --json`."""
    facts = await engine.think(gallery.info)
    return About(**facts.to_dict())


@router.get("/works", summary="List the gallery's works")
async def works(
    engine: Engines,
    gallery: Served,
    where: Annotated[
        list[Condition], Query(max_length=_MOST_CONDITIONS, description=_CONDITIONS)
    ] = [],  # noqa: B006
    limit: Annotated[int, Query(ge=1, le=1000, description="So many at most.")] = 100,
    offset: Annotated[int, Query(ge=0, le=10**9, description="Pass over so many.")] = 0,
) -> StoredWorks:
    """Return works, each as a line of `samehand gallery list --json`, and how many there are."""

    def found() -> tuple[int, list[StoredWork]]:
        return gallery.store.count(where), list(gallery.list(where, limit=limit, offset=offset))

    count, stored = await engine.think(found)
    return StoredWorks(gallery=gallery.name, count=count, works=[one.to_dict() for one in stored])


@router.post("/search", summary="Find the works of the gallery most like an image")
async def search(
    engine: Engines,
    gallery: Served,
    probe: Probe,
    top: Annotated[int, Form(ge=1, le=200, description="How many works.")] = 20,
    where: Where = [],  # noqa: B006
    exact: Annotated[bool, Form(description="Look at every work in spite of an index.")] = False,
) -> Found:
    """Return the nearest works, best first; the same values as `samehand search --json`."""
    found = await of_picture(
        engine,
        probe,
        lambda picture: seek.search(
            engine.verifier, picture, gallery, top=top, where=where, exact=exact
        ),
    )
    return Found(probe=probe.name, **found.to_dict())


@router.post("/identify", summary="Say which artist of the gallery made an image, or none")
async def identify(
    engine: Engines,
    gallery: Served,
    probe: Probe,
    top: Annotated[int, Form(ge=1, le=100, description="How many candidates.")] = 5,
    where: Where = [],  # noqa: B006
    prior: Annotated[
        float, Form(gt=0, lt=1, description="P(one of the gallery's artists) before looking.")
    ] = 0.5,
    threshold: Annotated[
        FalseAlarms,
        Form(description="Share of unknown hands that may be given a name: 1 % or 10 %."),
    ] = "far10",
) -> Identified:
    """Rank the gallery's artists; the same values as `samehand identify --json`."""
    found = await of_picture(
        engine,
        probe,
        lambda picture: seek.identify(
            engine.verifier,
            picture,
            gallery,
            top=top,
            where=where,
            prior=prior,
            threshold=threshold,
        ),
    )
    return Identified(probe=probe.name, **found.to_dict())


@router.post("/cluster", summary="Group the gallery's works into probable hands")
async def cluster(
    engine: Engines,
    gallery: Served,
    where: Where = [],  # noqa: B006
    suspects: Annotated[
        int, Form(ge=0, le=1000, description="How many suspect labels to list.")
    ] = 50,
) -> Clustered:
    """Return hands and suspect labels; the same values as `samehand cluster --json`."""
    model = engine.verifier.model
    async with engine.turn():
        found = await engine.think(lambda: group(model, gallery, where=where, suspects=suspects))
    return Clustered(**found.to_dict())
