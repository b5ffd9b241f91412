"""The map of a gallery: works that the model finds alike lie near one another."""

from dataclasses import dataclass

import numpy as np
from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from samehand.web.engine import Engine
from samehand.web.forms import Engines, Served
from samehand.web.maps import Drawn, Layout
from samehand.web.pages import render

router = APIRouter(include_in_schema=False, prefix="/gallery/map")

_LISTED = 200

LAYOUTS: dict[Layout, str] = {
    "neighbours": "Works stand beside those that the model finds most like them. Who is next to "
    "whom tells something; how far groups lie apart, and in which direction, tells nothing.",
    "making": "The neighbourhoods are being laid out, which takes minutes where there are "
    "thousands of works. Until then you see the two directions along which the embeddings differ "
    "most, where few works lie beside those most like them.",
    "components": "The two directions along which the model's embeddings differ most; much of what "
    "it sees lies in others, so neighbours here are a hint only.",
}
"""What a layout shows, in words."""


@router.get("")
async def show_map(request: Request, engine: Engines, gallery: Served) -> Response:
    """Show the map, and its artists as a table."""
    drawn = await engine.read(lambda: _now(engine))
    around = await engine.read(lambda: _around(drawn))
    return render(
        request,
        "gallery_map.html",
        gallery=gallery.name,
        drawn=drawn,
        count=len(drawn.slots),
        around=around,
        layouts=LAYOUTS,
    )


@router.get("/points")
async def points(engine: Engines, gallery: Served) -> Response:
    """Return the points of the map: slots, places in [0, 1], artists and titles."""
    drawn = await engine.read(lambda: _now(engine))
    return JSONResponse(
        {
            "slots": drawn.slots,
            "x": np.round(drawn.places[:, 0], 4).tolist(),
            "y": np.round(drawn.places[:, 1], 4).tolist(),
            "artists": drawn.artists,
            "names": drawn.names,
            "titles": drawn.titles,
        }
    )


@router.get("/state")
async def state(engine: Engines, gallery: Served) -> Response:
    """Return how the works are laid out now (`maps.Layout`), and the sentence that says it."""
    drawn = await engine.read(lambda: _now(engine))
    return JSONResponse({"layout": drawn.layout, "words": LAYOUTS[drawn.layout]})


def _now(engine: Engine) -> Drawn:
    assert engine.maps is not None
    return engine.maps.now()


@dataclass(frozen=True, slots=True)
class Around:
    """An artist of the map in words: how many works, and whose works lie nearest."""

    name: str
    works: int
    nearest: tuple[str, ...]


def _around(drawn: Drawn) -> list[Around]:
    """Return the most frequent artists with those whose works lie nearest to theirs on the map."""
    labels = np.array(drawn.artists)
    most = min(len(drawn.names), _LISTED)
    if not most:
        return []
    middles = np.stack([np.median(drawn.places[labels == i], axis=0) for i in range(most)])
    found = []
    for i in range(most):
        order = np.argsort(np.hypot(*(middles - middles[i]).T), kind="stable")
        nearest = tuple(drawn.names[j] for j in order[1:4])
        found.append(Around(drawn.names[i], drawn.counts[i], nearest))
    return found
