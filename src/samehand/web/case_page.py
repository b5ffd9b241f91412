"""The pages of cases: keep a question with its report, list, open, annotate and delete."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from samehand.files import printable
from samehand.gallery.thumbnails import thumbnail
from samehand.web import cases, questions
from samehand.web.access import Decider, named
from samehand.web.api import attached
from samehand.web.cases import Case, CaseError, Picture
from samehand.web.engine import Upload
from samehand.web.forms import AskedPair, AskedReferences, Engines
from samehand.web.pages import render
from samehand.web.words import Said, said_of_pair, said_of_set

router = APIRouter(include_in_schema=False, prefix="/cases")
Title = Annotated[str, Form(max_length=200)]
Note = Annotated[str, Form(max_length=20_000)]
Found = TypeVar("Found")


def folder_of(request: Request) -> Path:
    """Return the owner's folder for cases.

    Raises:
        HTTPException: None was named.
    """
    folder: Path | None = request.app.state.cases
    if folder is None:
        raise HTTPException(404, "No cases are kept here; start the server with --cases FOLDER.")
    return folder


Folder = Annotated[Path, Depends(folder_of)]


@router.get("")
async def show_all(request: Request, folder: Folder) -> Response:
    """List the cases, the latest first."""
    found, unreadable = await asyncio.to_thread(cases.list_cases, folder)
    return render(request, "cases.html", cases=found, unreadable=unreadable)


@router.post("")
async def keep_pair(
    request: Request,
    engine: Engines,
    folder: Folder,
    decider: Decider,
    page: AskedPair,
    title: Title = "",
    note: Note = "",
) -> Response:
    """Keep a question about two pictures."""
    filed = await questions.report(engine, page.asked)
    one, two = filed.paintings
    verdict = await engine.infer(lambda: engine.model.compare(one, two, prior=page.asked.prior))
    said = said_of_pair(verdict, None, same_file=one.sha256 == two.sha256)
    case = _new("pair", said, verdict.llr, verdict.model, named(decider, ""), title, note)
    uploads = (page.asked.left, page.asked.right)
    return await _kept(request, folder, case, uploads, filed)


@router.post("/reference")
async def keep_set(
    request: Request,
    engine: Engines,
    folder: Folder,
    decider: Decider,
    page: AskedReferences,
    title: Title = "",
    note: Note = "",
) -> Response:
    """Keep a question about a doubtful work and secure ones."""
    filed = await questions.reference_report(engine, page.asked)
    probe, *references = filed.paintings
    verdict = await engine.infer(
        lambda: engine.model.verify(probe, references, prior=page.asked.prior), long=True
    )
    said = said_of_set(verdict, None)
    case = _new("set", said, verdict.llr, verdict.model, named(decider, ""), title, note)
    uploads = (page.asked.probe, *page.asked.references)
    return await _kept(request, folder, case, uploads, filed)


@router.get("/{identity}")
async def show(request: Request, folder: Folder, identity: str, kept: bool = False) -> Response:
    """Show one case."""
    case = await _look(lambda: cases.read_case(folder, identity))
    return render(request, "case.html", case=case, kept=kept)


@router.post("/{identity}")
async def annotate(
    request: Request,
    folder: Folder,
    decider: Decider,
    identity: str,
    title: Title = "",
    note: Note = "",
) -> Response:
    """Change a case's title and note."""
    await _look(lambda: cases.annotate(folder, identity, printable(title), note))
    return RedirectResponse(_address(request, identity), 303)


@router.post("/{identity}/delete")
async def delete(request: Request, folder: Folder, decider: Decider, identity: str) -> Response:
    """Delete a case."""
    await _look(lambda: cases.delete(folder, identity))
    return RedirectResponse(_address(request), 303)


@router.get("/{identity}/report")
async def report(folder: Folder, identity: str) -> Response:
    """Hand over the report of a case as a file."""
    found = await _look(lambda: cases.read_file(folder, identity, "report.html"))
    return HTMLResponse(found, headers=attached("html"))


@router.get("/{identity}/picture/{number}")
async def picture(folder: Folder, identity: str, number: int) -> Response:
    """Return a small picture of a case."""
    found = await _look(lambda: cases.read_file(folder, identity, f"small-{number}.jpg"))
    return Response(found, media_type="image/jpeg")


def _new(
    kind: Literal["pair", "set"], said: Said, llr: float, model: str, by: str, title: str, note: str
) -> Case:
    return Case(
        id="",
        kind=kind,
        title=printable(title).strip(),
        note=note.strip(),
        by=by,
        made="",
        pictures=(),
        headline=said.headline,
        claim=said.claim,
        llr=llr,
        model=model,
    )


async def _kept(
    request: Request,
    folder: Path,
    case: Case,
    uploads: tuple[Upload, ...],
    filed: questions.Filed,
) -> Response:
    def write() -> Case:
        pictures = [
            Picture(upload.name, upload.data, thumbnail(painting.image))
            for upload, painting in zip(uploads, filed.paintings, strict=True)
        ]
        names = " and ".join(one.name for one in pictures[:2])
        more = f" and {len(pictures) - 2} more" if len(pictures) > 2 else ""
        titled = case.title or (names + more)[:200]
        return cases.keep(folder, replace(case, title=titled), pictures, filed.page)

    made = await asyncio.to_thread(write)
    return RedirectResponse(f"{_address(request, made.id)}?kept=true", 303)


async def _look(read: Callable[[], Found]) -> Found:
    try:
        return await asyncio.to_thread(read)
    except CaseError as error:
        raise HTTPException(404, str(error)) from error


def _address(request: Request, identity: str = "") -> str:
    root = request.scope.get("root_path", "")
    return f"{root}/cases/{identity}" if identity else f"{root}/cases"
