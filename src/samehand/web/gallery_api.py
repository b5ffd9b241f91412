"""The JSON API under /api/v1/gallery: what the gallery holds, and questions to it."""

from typing import Annotated

from fastapi import APIRouter, Form, Query

from samehand.records import FalseAlarms
from samehand.results import Clustering, GalleryInfo, Identification, Listing, SearchResult
from samehand.web.api import PROBLEMS
from samehand.web.forms import Engines, Probe, Served
from samehand.web.questions import of_picture

_CONDITIONS = (
    "Only works that meet every condition: column=value, column!=value, column~part, "
    "column>=number, column<=number; column==value compares letter by letter."
)
_MOST_CONDITIONS = 20

router = APIRouter(prefix="/api/v1/gallery", responses=PROBLEMS, tags=["gallery"])

Condition = Annotated[str, Query(max_length=300)]
Where = Annotated[
    list[Annotated[str, Form(max_length=300)]],
    Form(max_length=_MOST_CONDITIONS, description=_CONDITIONS),
]
AnyAttribution = Annotated[
    bool,
    Form(description='Let works "after" an artist or from the workshop count as the artist\'s.'),
]


@router.get("", summary="What the gallery is")
async def about(engine: Engines, gallery: Served) -> GalleryInfo:
    """Return what the gallery holds and which model made it; as `samehand gallery info --json`."""
    return await engine.read(gallery.info)


@router.get("/works", summary="List the gallery's works")
async def works(
    engine: Engines,
    gallery: Served,
    where: Annotated[
        list[Condition], Query(max_length=_MOST_CONDITIONS, description=_CONDITIONS)
    ] = [],  # noqa: B006
    limit: Annotated[int, Query(ge=1, le=1000, description="Largest number of works.")] = 100,
    offset: Annotated[int, Query(ge=0, le=10**9, description="Number of works to skip.")] = 0,
) -> Listing:
    """Return works, each as a line of `samehand gallery list --json`, and how many there are."""

    def found() -> Listing:
        stored = gallery.list(where, limit=limit, offset=offset)
        works = tuple(one.record() for one in stored)
        return Listing(gallery.name, gallery.count(where), works)

    return await engine.read(found)


@router.post("/search", summary="Find the works of the gallery most like an image")
async def search(
    engine: Engines,
    gallery: Served,
    probe: Probe,
    top: Annotated[int, Form(ge=1, le=200, description="How many works.")] = 20,
    where: Where = [],  # noqa: B006
    exact: Annotated[
        bool, Form(description="Compare with every work even where there is an index.")
    ] = False,
) -> SearchResult:
    """Return the nearest works, best first; the same values as `samehand search --json`."""
    model = engine.model
    return await of_picture(
        engine,
        probe,
        lambda painting: model.search(painting, gallery, top, where=where, exact=exact),
    )


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
    any_attribution: AnyAttribution = False,
) -> Identification:
    """Rank the gallery's artists; the same values as `samehand identify --json`."""
    model = engine.model
    return await of_picture(
        engine,
        probe,
        lambda painting: model.identify(
            painting,
            gallery,
            top,
            where=where,
            prior=prior,
            threshold=threshold,
            any_attribution=any_attribution,
        ),
    )


@router.post("/cluster", summary="Group the gallery's works into probable hands")
async def cluster(
    engine: Engines,
    gallery: Served,
    where: Where = [],  # noqa: B006
    suspects: Annotated[
        int, Form(ge=0, le=1000, description="How many suspect labels to list.")
    ] = 50,
    any_attribution: AnyAttribution = False,
) -> Clustering:
    """Return hands and suspect labels; the same values as `samehand cluster --json`."""
    model = engine.model
    async with engine.turn():
        return await engine.infer(
            lambda: model.cluster(
                gallery, where=where, suspects=suspects, any_attribution=any_attribution
            ),
            long=True,
        )
