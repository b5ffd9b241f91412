"""The review queue: each suspect label as a case to decide, and what was decided.

A case is a work, the work of its own label most like it, and the rival's work most like it. What is
decided is about the work and the rival's; a decided case is not shown again until it is undone.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Form, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from samehand.errors import GalleryError
from samehand.files import scratch_error
from samehand.gallery import Gallery, StoredWork
from samehand.gallery.decisions import standing
from samehand.gallery.export import write_decisions
from samehand.records import Judgement
from samehand.results import Suspect
from samehand.verification.hands import suspect_labels
from samehand.web.access import Decider, named
from samehand.web.engine import Engine
from samehand.web.forms import Engines, Served
from samehand.web.pages import render

MOST = 1000
_LISTED = 50
_PATIENCE_S = 2.0

router = APIRouter(include_in_schema=False, prefix="/gallery/queue")

Content = Annotated[str, Form(pattern="^[0-9a-f]{64}$")]


@dataclass(frozen=True, slots=True)
class Case:
    """A question of the queue.

    Attributes:
        work: The work whose label is doubtful.
        own: The work most like it under its own label; None where it is alone.
        rival: The work most like it under the label that fits better.
        suspect: What was found of it.
    """

    work: StoredWork
    own: StoredWork | None
    rival: StoredWork
    suspect: Suspect


def cases_of(suspects: Sequence[Suspect], gallery: Gallery) -> list[Case]:
    """Return suspect labels as cases, the most doubtful first, without those that are decided."""
    return _undecided(_cases(suspects, gallery), gallery)


def _undecided(cases: Sequence[Case], gallery: Gallery) -> list[Case]:
    lines = standing(gallery.store.read_decisions())
    decided = {frozenset((line.first, line.second)) for line in lines}
    return [
        case for case in cases if frozenset((case.work.sha256, case.rival.sha256)) not in decided
    ]


def _cases(suspects: Sequence[Suspect], gallery: Gallery) -> list[Case]:
    works, rows = gallery.embeddings()
    place = {stored.work.path: i for i, stored in enumerate(works)}
    artists = np.array([stored.work.artist or "" for stored in works])
    _, contents = np.unique([stored.sha256 for stored in works], return_inverse=True)
    found = []
    for suspect in suspects:
        here = place.get(suspect.path)
        if here is None:
            continue
        alike = rows @ rows[here]
        alike[contents == contents[here]] = -np.inf
        own, rival = (_best(alike, artists == name) for name in (suspect.artist, suspect.rival))
        if rival is None:
            continue
        found.append(Case(works[here], None if own is None else works[own], works[rival], suspect))
    return found


def _best(alike: np.ndarray, among: np.ndarray) -> int | None:
    places = np.flatnonzero(among & np.isfinite(alike))
    return int(places[np.argmax(alike[places])]) if len(places) else None


@router.get("")
async def show(request: Request, engine: Engines, gallery: Served) -> Response:
    """Show the next case, how far the queue has come, and what was decided."""
    found = await _found(engine, gallery)
    cases = await engine.read(lambda: _undecided(found or [], gallery))
    lines = await engine.read(lambda: standing(gallery.store.read_decisions()))
    latest = lines[::-1][:_LISTED]
    contents = sorted({one for line in latest for one in (line.first, line.second)})
    names = await engine.read(lambda: gallery.store.works_with_content(contents))
    return render(
        request,
        "gallery_queue.html",
        gallery=gallery.name,
        case=cases[0] if cases else None,
        left=len(cases),
        looking=found is None,
        done=len(lines),
        lines=latest,
        names={sha256: works[0] for sha256, works in names.items() if works},
    )


async def _found(engine: Engine, gallery: Gallery) -> list[Case] | None:
    """Return what the suspect labels ask, found once for each state of the gallery.

    Nobody waits long for it: meanwhile it is what was found before the gallery changed, or None.
    """
    about = await engine.read(gallery.store.about)
    state = (about.generation, about.slots, await engine.read(lambda: len(gallery)))
    if engine.cases is None or engine.cases[0] != state:
        if engine.finding is None or engine.finding.done():
            engine.finding = asyncio.create_task(_find(engine, gallery, state))
        done, _ = await asyncio.wait({engine.finding}, timeout=_PATIENCE_S)
        for one in done:
            one.result()  # what it failed of is said
    return None if engine.cases is None else engine.cases[1]


async def _find(engine: Engine, gallery: Gallery, state: object) -> None:
    def look() -> list[Case]:
        return _cases(suspect_labels(engine.model.folder, gallery, MOST), gallery)

    async with engine.turn():
        engine.cases = (state, await engine.infer(look, long=True))


@router.post("")
async def decide(
    request: Request,
    engine: Engines,
    gallery: Served,
    decider: Decider,
    first: Content,
    second: Content,
    label: Annotated[Judgement, Form()],
    note: Annotated[str, Form(max_length=2000)] = "",
    name: Annotated[str, Form(max_length=100)] = "",
) -> Response:
    """Write a decision down, and go on to the next case."""
    by = named(decider, name)
    with _refusals():
        await engine.infer(
            lambda: gallery.decide(
                first, second, label, note=note, by=by, model=engine.model, files=False
            )
        )
    return RedirectResponse(_here(request), 303)


@router.post("/undo")
async def undo(
    request: Request,
    engine: Engines,
    gallery: Served,
    decider: Decider,
    line: Annotated[str, Form(max_length=64)],
    name: Annotated[str, Form(max_length=100)] = "",
) -> Response:
    """Take a decision back; the record keeps both."""
    with _refusals():
        await engine.read(lambda: gallery.undo(line, by=named(decider, name)))
    return RedirectResponse(_here(request), 303)


@router.get("/decisions.csv")
async def export(engine: Engines, gallery: Served) -> Response:
    """Hand over every decision as a table; as `samehand decisions --history --out` does."""

    def written() -> bytes:
        try:
            with TemporaryDirectory(prefix="samehand-decisions-") as folder:
                out = Path(folder) / "decisions.csv"
                write_decisions(out, gallery.decisions(history=True))
                return out.read_bytes()
        except OSError as error:
            raise scratch_error(error) from error

    name = {"content-disposition": 'attachment; filename="decisions.csv"'}
    return Response(await engine.read(written), media_type="text/csv; charset=utf-8", headers=name)


@contextmanager
def _refusals() -> Iterator[None]:
    """Say on a page what a gallery refuses: a work or a decision that is no longer there."""
    try:
        yield
    except GalleryError as error:
        raise HTTPException(404, f"{error}.") from error


def _here(request: Request) -> str:
    return f"{request.scope.get('root_path', '')}/gallery/queue"
