"""The pages of a gallery: browse and filter, search by image, a map, and suspect labels."""

import asyncio
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from samehand.gallery import Gallery, StoredWork
from samehand.images.decode import MAX_BYTES
from samehand.model.painting import Painting
from samehand.records import Floats
from samehand.results import SearchResult
from samehand.web.drawing import thumbnail
from samehand.web.engine import Upload
from samehand.web.forms import Engines, Probe, Served
from samehand.web.pages import render
from samehand.web.questions import of_picture
from samehand.web.slots import slots_of

PAGE = 48
MAPPED = 3000
_COLOURED = 7

router = APIRouter(include_in_schema=False, prefix="/gallery")
Text = Annotated[str, Query(max_length=200)]


@dataclass(frozen=True, slots=True)
class Point:
    """A work on the map: where, in [0, 1000], and which of the frequent artists' colours."""

    slot: int
    x: float
    y: float
    artist: str
    title: str
    colour: int


@router.get("")
async def browse(
    request: Request,
    engine: Engines,
    artist: Text = "",
    title: Text = "",
    page: Annotated[int, Query(ge=1, le=100_000)] = 1,
) -> Response:
    """Show a gallery's works, a page at a time."""
    if engine.gallery is None:
        return render(request, "gallery_none.html")
    gallery = engine.gallery
    wanted = {"artist": artist.strip(), "title": title.strip()}
    where = [f"{name}~{value}" for name, value in wanted.items() if value]

    def found() -> tuple[int, list[StoredWork]]:
        works = list(gallery.list(where, limit=PAGE, offset=PAGE * (page - 1)))
        return gallery.count(where), works

    count, works = await engine.infer(found)
    return render(
        request,
        "gallery.html",
        gallery=gallery.name,
        works=works,
        count=count,
        page=page,
        pages=max(1, -(-count // PAGE)),
        artist=wanted["artist"],
        title=wanted["title"],
    )


@router.post("")
async def search_by_image(
    request: Request, engine: Engines, gallery: Served, probe: Probe
) -> Response:
    """Show the works that are most like an image."""

    def ask(painting: Painting) -> tuple[SearchResult, dict[str, int]]:
        found = engine.model.search(painting, gallery, 24)
        return found, slots_of(gallery, [one.path for one in found.neighbours])

    result, slots = await of_picture(engine, probe, ask)
    return render(
        request,
        "gallery_found.html",
        gallery=gallery.name,
        asked=probe.name,
        result=result,
        slots=slots,
    )


@router.get("/map")
async def show_map(request: Request, engine: Engines, gallery: Served) -> Response:
    """Show a map on which works that the model finds alike lie close to one another."""
    points, artists = await engine.infer(lambda: _map(gallery))
    return render(
        request,
        "gallery_map.html",
        gallery=gallery.name,
        points=points,
        artists=artists,
        count=len(gallery),
    )


@router.get("/suspects")
async def ask_for_suspects(request: Request, gallery: Served) -> Response:
    """Show the form that looks for suspect labels."""
    return render(request, "gallery_suspects.html", gallery=gallery.name)


@router.post("/suspects")
async def suspects(request: Request, engine: Engines, gallery: Served) -> Response:
    """Show works whose labels the other works contradict."""
    async with engine.turn():
        found = await engine.infer(lambda: engine.model.cluster(gallery, suspects=24))
        slots = await engine.infer(lambda: slots_of(gallery, [one.path for one in found.suspects]))
    return render(request, "gallery_suspects.html", gallery=gallery.name, found=found, slots=slots)


@router.get("/picture/{slot}")
async def picture(engine: Engines, gallery: Served, slot: int) -> Response:
    """Return a small picture of a work; only the gallery's own files can be asked for."""
    stored = await engine.infer(lambda: _at(gallery, slot))
    if stored is None:
        raise HTTPException(404, "There is no such work.")
    data = await asyncio.to_thread(_read, Path(stored.work.path))
    async with engine.turn():
        (painting,) = await engine.open(Upload(Path(stored.work.path).name, data))
    small = await asyncio.to_thread(thumbnail, painting.image)
    # The gallery's embedding of a changed file lies in another slot.
    return Response(
        small, media_type="image/jpeg", headers={"cache-control": "private, max-age=300"}
    )


def _read(path: Path) -> bytes:
    try:
        if path.is_file() and path.stat().st_size <= MAX_BYTES:
            return path.read_bytes()
    except OSError:
        pass
    raise HTTPException(404, "The file of this work is gone.")


def _at(gallery: Gallery, slot: int) -> StoredWork | None:
    found = [one for one in gallery.store.at(np.array([slot], np.int64)) if one.slot == slot]
    return found[0] if found else None


def _map(gallery: Gallery) -> tuple[tuple[Point, ...], tuple[str, ...]]:
    about = gallery.store.about()
    return _drawn_map(gallery, (about.generation, about.slots, len(gallery)))


@lru_cache(maxsize=2)
def _drawn_map(
    gallery: Gallery, state: tuple[int, int, int]
) -> tuple[tuple[Point, ...], tuple[str, ...]]:
    """Return the points and the most frequent artists; `state` changes with the gallery."""
    works, rows = gallery.embeddings()
    if len(works) > MAPPED:
        kept = np.linspace(0, len(works) - 1, MAPPED).astype(int)
        works, rows = tuple(works[i] for i in kept), rows[kept]
    names = [stored.work.artist or "" for stored in works]
    frequent = sorted({name for name in names if name}, key=lambda name: (-names.count(name), name))
    colours = {name: number for number, name in enumerate(frequent[:_COLOURED], 1)}
    points = tuple(
        Point(stored.slot, x, y, name, stored.work.title or "", colours.get(name, 0))
        for stored, name, (x, y) in zip(works, names, places(rows).tolist(), strict=True)
    )
    return points, tuple(frequent[:_COLOURED])


def places(rows: Floats) -> Floats:
    """Return where embeddings lie on a map, (N, 2) in [20, 980].

    The two directions along which they differ most: principal components (Pearson 1901, "On lines
    and planes of closest fit"), each stretched to the whole side.

    Args:
        rows: Unit length, (N, D).
    """
    if len(rows) < 2:
        return np.full((len(rows), 2), 500, np.float32)
    centred = rows - rows.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    flat = np.zeros((len(rows), 2), np.float32)
    flat[:, : len(axes[:2])] = centred @ axes[:2].T
    low, high = flat.min(axis=0), flat.max(axis=0)
    spread = np.maximum(high - low, 1e-6)
    scaled: Floats = np.round(20 + 960 * (flat - low) / spread, 1)
    return scaled
