"""The map of a gallery: works that the model finds alike lie near one another."""

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from fastapi import APIRouter, Request
from numpy.typing import NDArray
from starlette.responses import JSONResponse, Response

from samehand.gallery import Gallery
from samehand.gallery.layout import flat, read_layout
from samehand.web.forms import Engines, Served
from samehand.web.pages import render
from samehand.web.works import title_of_work

router = APIRouter(include_in_schema=False, prefix="/gallery/map")

MOST_POINTS = 50_000
"""Beyond so many a sample is drawn: dots would hide one another."""

_LISTED = 200


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """A map.

    Attributes:
        slots: Of the works, N.
        places: Where they lie, in [0, 1], (N, 2).
        artists: Number of each work's artist in `names`, (N,); -1 for none.
        names: The artists, the most frequent first.
        counts: How many works each has.
        titles: What to call each work.
        neighbours: Whether the layout was made to keep neighbours together.
        total: How many works the gallery holds.
    """

    slots: list[int]
    places: NDArray[np.float32]
    artists: list[int]
    names: tuple[str, ...]
    counts: tuple[int, ...]
    titles: list[str]
    neighbours: bool
    total: int


@router.get("")
async def show_map(request: Request, engine: Engines, gallery: Served) -> Response:
    """Show the map, and its artists as a table."""
    drawn = await engine.read(lambda: draw(gallery))
    around = await engine.read(lambda: _around(drawn))
    return render(
        request,
        "gallery_map.html",
        gallery=gallery.name,
        drawn=drawn,
        count=len(drawn.slots),
        around=around,
    )


@router.get("/points")
async def points(engine: Engines, gallery: Served) -> Response:
    """Return the points of the map: slots, places in [0, 1], artists and titles."""
    drawn = await engine.read(lambda: draw(gallery))
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


def draw(gallery: Gallery) -> Drawn:
    """Return the map as the gallery is now."""
    about = gallery.store.about()
    stamp = read_layout(gallery.folder)
    state = (about.generation, about.slots, len(gallery), None if stamp is None else len(stamp))
    return _drawn(gallery, state)


@lru_cache(maxsize=2)
def _drawn(gallery: Gallery, state: tuple[object, ...]) -> Drawn:
    works, rows = gallery.embeddings()
    total = len(works)
    if total > MOST_POINTS:
        kept = np.linspace(0, total - 1, MOST_POINTS).astype(int)
        works, rows = tuple(works[i] for i in kept), rows[kept]
    layout = read_layout(gallery.folder) or {}
    neighbours = bool(works) and all(stored.sha256 in layout for stored in works)
    if neighbours:
        places = np.array([layout[stored.sha256] for stored in works], np.float32)
    else:
        places = flat(rows)
    counted = Counter(stored.work.artist for stored in works if stored.work.artist)
    ordered = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    number = {name: place for place, (name, _) in enumerate(ordered)}
    return Drawn(
        slots=[stored.slot for stored in works],
        places=places,
        artists=[number.get(stored.work.artist or "", -1) for stored in works],
        names=tuple(name for name, _ in ordered),
        counts=tuple(count for _, count in ordered),
        titles=[title_of_work(stored) for stored in works],
        neighbours=neighbours,
        total=total,
    )


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
