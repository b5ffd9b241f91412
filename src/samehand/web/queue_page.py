"""Review: works with suspect labels, and a table of a few works beside one another."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Form, Query, Request
from starlette.responses import Response

from samehand.gallery import Gallery, StoredWork
from samehand.model.readings import llrs_of_pairs
from samehand.results import Suspect
from samehand.web.engine import Engine
from samehand.web.forms import Engines, Served
from samehand.web.gallery_page import TABLE
from samehand.web.pages import render
from samehand.web.works import slots_of, work_at

SHOWN = 24
MOST = 1000

MARGINS = {"any": 0.0, "at least 3 times": 0.5, "at least 10 times": 1.0}
"""By how much another artist must fit better, as the log10 of how many times."""

router = APIRouter(include_in_schema=False, prefix="/gallery")


@dataclass(frozen=True, slots=True)
class Row:
    """A work of the table, and its log10 likelihood ratio with each of them; None with itself."""

    stored: StoredWork
    llrs: tuple[float | None, ...]


@router.get("/suspects")
async def ask_for_suspects(request: Request, gallery: Served) -> Response:
    """Show the form that looks for suspect labels."""
    return render(request, "gallery_suspects.html", gallery=gallery.name, margins=MARGINS)


@router.post("/suspects")
async def suspects(
    request: Request,
    engine: Engines,
    gallery: Served,
    margin: Annotated[float, Form(ge=0, le=10)] = 0.0,
) -> Response:
    """Show works whose labels the other works contradict, the most doubtful of them all."""

    def look() -> tuple[list[Suspect], int, dict[str, int]]:
        found = engine.model.cluster(gallery, suspects=MOST)
        kept = [one for one in found.suspects if clear(one, margin)]
        return kept, found.works, slots_of(gallery, [one.path for one in kept[:SHOWN]])

    async with engine.turn():
        found, works, slots = await engine.infer(look, long=True)
    return render(
        request,
        "gallery_suspects.html",
        gallery=gallery.name,
        margins=MARGINS,
        margin=margin,
        found=found[:SHOWN],
        total=len(found),
        capped=len(found) >= MOST,
        works=works,
        slots=slots,
    )


def clear(suspect: Suspect, margin: float) -> bool:
    """Return whether a label is doubtful by a margin in log10; duplicates always are."""
    if suspect.duplicate is not None or suspect.suspicion is None:
        return True
    return suspect.suspicion >= margin


@router.get("/table")
async def table(
    request: Request,
    engine: Engines,
    gallery: Served,
    work: Annotated[list[int] | None, Query(max_length=TABLE)] = None,
) -> Response:
    """Show up to twelve works beside one another, and a matrix of their likelihood ratios."""
    rows = await engine.read(lambda: _table(engine, gallery, list(dict.fromkeys(work or ()))))
    return render(request, "gallery_table.html", gallery=gallery.name, rows=rows, most=TABLE)


def _table(engine: Engine, gallery: Gallery, slots: list[int]) -> list[Row]:
    works = [stored for slot in slots if (stored := work_at(gallery, slot)) is not None]
    known = gallery.store.rows_with_content(
        sorted({stored.sha256 for stored in works}), gallery.store.about().encoder
    )
    works = [stored for stored in works if stored.sha256 in known]
    if not works:
        return []
    folder = engine.model.folder
    enrolled = folder.comparator.enrol(np.stack([known[stored.sha256] for stored in works]))
    left, right = (axis.ravel() for axis in np.indices((len(works), len(works))))
    scores = folder.comparator.pair_scores(enrolled, left, right)
    llrs, _ = llrs_of_pairs(folder.config, gallery.kinds(works), left, right, scores)
    return [
        Row(
            stored,
            tuple(
                None if other.sha256 == stored.sha256 else float(llr)
                for other, llr in zip(works, line, strict=True)
            ),
        )
        for stored, line in zip(works, llrs.reshape(len(works), -1), strict=True)
    ]
