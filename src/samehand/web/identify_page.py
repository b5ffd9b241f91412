"""The page that says which artist of the gallery made a picture, or that none of them did."""

from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.responses import Response

from samehand.explain.words import naming_in_words, rounded
from samehand.model.painting import Painting
from samehand.results import Identification
from samehand.web.drawing import Preview, preview_of
from samehand.web.forms import AskedProbe, Engines, Served
from samehand.web.pages import Picked, picked_works, render
from samehand.web.questions import of_picture
from samehand.web.words import identified_headline
from samehand.web.works import slots_of

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Whose:
    """An identification as a page shows it.

    Attributes:
        result: What was found.
        preview: The picture asked about.
        slots: Slots of the candidates' nearest works, by file.
    """

    result: Identification
    preview: Preview
    slots: dict[str, int]


@router.get("/identify")
async def form(request: Request, engine: Engines, probe_work: Picked = None) -> Response:
    """Show the form for one picture."""
    if engine.gallery is None:
        return render(request, "gallery_none.html")
    picked = await picked_works(engine, {"probe": probe_work})
    artists = await engine.read(engine.gallery.store.artists)
    return render(
        request, "identify.html", picked=picked, gallery=engine.gallery.name, artists=artists[0]
    )


@router.post("/identify")
async def identify(
    request: Request, engine: Engines, gallery: Served, probe: AskedProbe
) -> Response:
    """Show the likeliest artists and how far to trust that, or that it is none of them."""

    def ask(painting: Painting) -> Whose:
        found = engine.model.identify(painting, gallery, 5)
        paths = [path for one in found.candidates for path in one.nearest[:3]]
        return Whose(found, preview_of(painting, 640), slots_of(gallery, paths))

    whose = await of_picture(engine, probe, ask)
    return render(
        request,
        "identify.html",
        picked={},
        gallery=gallery.name,
        artists=whose.result.artists,
        whose=whose,
        headline=identified_headline(whose.result),
        claim=known_in_words(whose.result),
    )


def known_in_words(result: Identification) -> str:
    """Return how far a name, or the lack of one, can be trusted, and what decided it."""
    times = rounded(10 ** abs(result.known_llr))
    claim, rival = "one of the gallery's artists made it", "somebody else did"
    if result.known_llr < 0:
        claim, rival = rival, claim
    return (
        f"The picture is {times} times as likely if {claim} as if {rival}. "
        f"{naming_in_words(result)}"
    )
