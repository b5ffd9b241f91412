"""The pages of a gallery: browse by words, facets and years, search by a picture, one work."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

import numpy as np
from fastapi import APIRouter, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, RedirectResponse, Response

from samehand.errors import GalleryError, ModelError
from samehand.gallery import Gallery, StoredWork
from samehand.gallery.decisions import standing
from samehand.gallery.storage import DecisionRow
from samehand.gallery.thumbnails import thumbnail
from samehand.model.painting import Painting
from samehand.model.readings import llrs_of_pairs
from samehand.results import Identification, SearchResult
from samehand.web.engine import Engine, Upload
from samehand.web.forms import AskedProbe, Engines, Served
from samehand.web.pages import render
from samehand.web.questions import of_picture
from samehand.web.shelf import FACETS, Browsed, Shelf, Sorting, Wanted
from samehand.web.words import identified_headline
from samehand.web.works import read_file, slots_of, work_at

PAGE = 48
TABLE = 12
"""So many works of 100 pixels each stand beside one another on a desk's screen."""
_NEAREST = 12
_SHOWN = frozenset({"image/jpeg", "image/png", "image/webp", "image/gif", "image/avif"})
_KEPT = {"cache-control": "private, max-age=3600"}

router = APIRouter(include_in_schema=False, prefix="/gallery")
Text = Annotated[str, Query(max_length=200)]
Year = Annotated[int | None, Query(ge=-5000, le=3000)]


@dataclass(frozen=True, slots=True)
class Chip:
    """A condition that holds, and the address of the page without it."""

    words: str
    without: str


@dataclass(frozen=True, slots=True)
class Facet:
    """A column to narrow works down by: its values with counts and the address of each."""

    column: str
    values: tuple[tuple[str, int, str], ...]


@dataclass(frozen=True, slots=True)
class Decade:
    """A bar of the time axis; its height is a share of the tallest in percent."""

    year: int
    count: int
    height: int
    address: str


@router.get("")
async def browse(
    request: Request,
    engine: Engines,
    q: Text = "",
    artist: Text | None = None,
    style: Text | None = None,
    genre: Text | None = None,
    source: Text | None = None,
    qualifier: Text | None = None,
    first: Year = None,
    last: Year = None,
    sort: Sorting = "added",
    page: Annotated[int, Query(ge=1, le=100_000)] = 1,
    pick: Annotated[str, Query(max_length=20, pattern="^[a-z]*$")] = "",
    work: Annotated[list[int] | None, Query(max_length=TABLE)] = None,
) -> Response:
    """Show a gallery's works, a page at a time; `work` are those on a table that is added to."""
    if engine.gallery is None:
        return render(request, "gallery_none.html")
    given = {"artist": artist, "style": style, "genre": genre, "source": source}
    given["qualifier"] = qualifier
    chosen = {column: value for column, value in given.items() if value is not None}
    wanted = Wanted(q.strip(), chosen, first, last)
    kept: dict[str, Any] = {"q": wanted.words, **chosen, "first": first, "last": last}
    kept |= {"sort": sort if sort != "added" else None, "pick": pick, "work": work}
    kept = {name: value for name, value in kept.items() if value not in (None, "", [])}
    shelves = engine.shelves
    assert shelves is not None

    def look() -> tuple[Shelf, Browsed]:
        shelf = shelves.now()
        return shelf, shelf.browse(wanted, sort)

    shelf, found = await engine.read(look)
    places = found.places
    pages = max(1, -(-len(places) // PAGE))
    if page > pages:
        # A page that is no longer there, or never was: the last one is what was looked for.
        return RedirectResponse(_address(request, kept | {"page": pages}), 303)
    return render(
        request,
        "gallery.html",
        gallery=engine.gallery.name,
        whole=shelf.whole,
        works=[shelf.works[place] for place in places[PAGE * (page - 1) : PAGE * page]],
        count=len(places),
        page=page,
        pages=pages,
        earlier=_address(request, kept | {"page": page - 1}),
        later=_address(request, kept | {"page": page + 1}),
        everything=_address(
            request, {name: kept[name] for name in ("pick", "work") if name in kept}
        ),
        chips=_chips(request, kept),
        facets=_facets(request, found, kept),
        decades=_decades(request, found, kept),
        kept=kept,
        sort=sort,
        pick=pick,
    )


@router.post("")
async def search_by_image(
    request: Request, engine: Engines, gallery: Served, probe: AskedProbe
) -> Response:
    """Say whose a picture may be, then show the works that are most like it."""

    def ask(
        painting: Painting,
    ) -> tuple[SearchResult, Identification | None, dict[str, int]]:
        found = engine.model.search(painting, gallery, 24)
        return found, identified(engine, painting), slots_of(gallery, _paths(found))

    result, whose, slots = await of_picture(engine, probe, ask)
    return render(
        request,
        "gallery_found.html",
        gallery=gallery.name,
        asked=probe.name,
        result=result,
        whose=whose,
        headline="" if whose is None else identified_headline(whose),
        slots=slots,
    )


def identified(engine: Engine, painting: Painting) -> Identification | None:
    """Return whose a picture may be, or None where the gallery or the model cannot say."""
    try:
        assert engine.gallery is not None
        return engine.model.identify(painting, engine.gallery, 5)
    except (GalleryError, ModelError):
        return None


@router.get("/work/{slot}")
async def show_work(request: Request, engine: Engines, gallery: Served, slot: int) -> Response:
    """Show one work: a large picture, all that is known, and the works nearest to it."""
    stored = await engine.read(lambda: _work(gallery, slot))

    def near() -> list[tuple[StoredWork, float]]:
        return _near(engine, gallery, stored)

    return render(
        request,
        "gallery_work.html",
        gallery=gallery.name,
        stored=stored,
        columns=_columns(stored),
        near=await engine.read(near),
        decisions=await engine.read(lambda: _decisions(gallery, stored)),
    )


@router.get("/work/{slot}/full")
async def full(engine: Engines, gallery: Served, slot: int) -> Response:
    """Return a work in all its pixels: its own file where browsers show such files."""
    stored = await engine.read(lambda: _work(gallery, slot))
    path = Path(stored.work.path)
    kind = _kind(await engine.read(lambda: read_file(path, 16)))
    if kind in _SHOWN:
        # Piece by piece: an original may have a gigabyte, and a hundred may be asked for.
        return FileResponse(path, media_type=kind, headers=_KEPT)
    painting = await engine.show(lambda: Upload(path.name, read_file(path), own=True))
    picture = await asyncio.to_thread(thumbnail, painting.image, max(painting.image.size))
    return Response(picture, media_type="image/jpeg", headers=_KEPT)


@router.get("/picture/{slot}")
async def picture(engine: Engines, gallery: Served, slot: int) -> Response:
    """Return a small picture of a work; only the gallery's own files can be asked for."""
    stored = await engine.read(lambda: _work(gallery, slot))
    small = await engine.read(lambda: gallery.thumbnails.get(stored.sha256))
    if small is None:
        path = Path(stored.work.path)
        painting = await engine.show(lambda: Upload(path.name, read_file(path), own=True))
        made = await asyncio.to_thread(thumbnail, painting.image)
        await engine.read(lambda: gallery.thumbnails.keep([(stored.sha256, made)]))
        small = made
    # The gallery's embedding of a changed file lies in another slot.
    return Response(small, media_type="image/jpeg", headers=_KEPT)


def _work(gallery: Gallery, slot: int) -> StoredWork:
    stored = work_at(gallery, slot)
    if stored is None:
        raise HTTPException(404, "There is no such work in the gallery.")
    return stored


def _near(engine: Engine, gallery: Gallery, stored: StoredWork) -> list[tuple[StoredWork, float]]:
    """Return the works nearest to one of the gallery, by its stored embedding, with their llrs."""
    rows = gallery.store.rows_with_content([stored.sha256], gallery.store.about().encoder)
    if stored.sha256 not in rows:
        return []
    found = gallery.nearest(rows[stored.sha256], _NEAREST + 4)
    others = [i for i, one in enumerate(found.works) if one.sha256 != stored.sha256][:_NEAREST]
    folder = engine.model.folder
    both = np.concatenate([rows[stored.sha256][None], found.embeddings[others]])
    enrolled = folder.comparator.enrol(both)
    mine, theirs = np.zeros(len(others), np.int64), np.arange(1, len(both))
    scores = folder.comparator.pair_scores(enrolled, mine, theirs)
    kinds = gallery.kinds([stored, *(found.works[i] for i in others)])
    llrs, _ = llrs_of_pairs(folder.config, kinds, mine, theirs, scores)
    pairs = [(found.works[i], llr) for i, llr in zip(others, llrs.tolist(), strict=True)]
    return sorted(pairs, key=lambda pair: -pair[1])


def _decisions(gallery: Gallery, stored: StoredWork) -> list[DecisionRow]:
    lines = standing(gallery.store.read_decisions())
    return [line for line in lines if stored.sha256 in (line.first, line.second)]


def _columns(stored: StoredWork) -> list[tuple[str, str]]:
    work = stored.work
    rows = [
        ("Artist", work.artist or "unattributed"),
        ("Title", work.title),
        ("Date", work.date),
        ("Style", work.style),
        ("Genre", work.genre),
        ("Collection", work.source),
        *((name.replace("_", " ").capitalize(), text) for name, text in work.extra.items()),
        ("File", Path(work.path).name),
        ("Added", stored.added[:10]),
    ]
    return [(name, text) for name, text in rows if text]


def _paths(found: SearchResult) -> list[str]:
    return [one.path for one in found.neighbours]


def _address(request: Request, values: dict[str, Any]) -> str:
    query = urlencode(values, doseq=True)
    return f"{request.scope.get('root_path', '')}/gallery" + (f"?{query}" if query else "")


def _chips(request: Request, kept: dict[str, Any]) -> list[Chip]:
    def without(*names: str) -> str:
        rest = {name: value for name, value in kept.items() if name not in names}
        return _address(request, rest)

    chips = [Chip(f"“{kept['q']}”", without("q"))] if "q" in kept else []
    chips += [Chip(f"{name}: {kept[name]}", without(name)) for name in FACETS if name in kept]
    if "first" in kept or "last" in kept:
        years = f"{kept.get('first', '…')} to {kept.get('last', '…')}"
        chips.append(Chip(years, without("first", "last")))
    return chips


def _facets(request: Request, browsed: Browsed, kept: dict[str, Any]) -> tuple[Facet, ...]:
    found = []
    for column in FACETS:
        if column in kept:
            continue
        values = browsed.facets[column]
        if len(values) < 2 and column != "artist":
            continue
        found.append(
            Facet(
                column,
                tuple(
                    (value, count, _address(request, kept | {column: value}))
                    for value, count in values
                ),
            )
        )
    return tuple(found)


def _decades(request: Request, browsed: Browsed, kept: dict[str, Any]) -> list[Decade]:
    found = browsed.decades
    if len(found) < 2 or len(found) > 120:
        return []
    tallest = max(count for _, count in found)
    return [
        Decade(
            year,
            count,
            max(4, round(100 * count / tallest)) if count else 0,
            _address(request, kept | {"first": year, "last": year + 9}),
        )
        for year, count in found
    ]


def _kind(data: bytes) -> str:
    if data[:3] == b"\xff\xd8\xff":
        return "image/jpeg"
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return "image/png"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return "image/gif" if data[:4] == b"GIF8" else ""
