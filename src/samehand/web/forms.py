"""What is posted, stated once for the pages and the API: FastAPI fills these in."""

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Depends, File, Form, Query, Request, UploadFile
from starlette.exceptions import HTTPException

from samehand.files import printable
from samehand.gallery import Gallery
from samehand.records import OperatingPoint
from samehand.web.engine import Engine, Upload
from samehand.web.works import read_work

Prior = Annotated[float, Form(gt=0, lt=1, description="P(same artist) before looking.")]
Point = Annotated[
    OperatingPoint, Form(description="Which measured error rate the decision promises.")
]
Cover = Annotated[
    bool, Form(description="Also cover each region to see what moves the verdict; takes longer.")
]
Format = Annotated[
    Literal["html", "pdf"], Query(description="What kind of file the report is to be.")
]
Picture = Annotated[UploadFile, File(description="A painting: JPEG, PNG, WebP, TIFF, ...")]
Pictures = Annotated[list[UploadFile], File(min_length=1, description="Works by one artist.")]


@dataclass(frozen=True, slots=True)
class TwoPictures:
    """A question about two pictures.

    Attributes:
        left: A picture.
        right: Another picture.
        prior: P(same artist) before looking, strictly between 0 and 1.
        operating_point: Which measured error rate the decision promises.
    """

    left: Upload
    right: Upload
    prior: float
    operating_point: OperatingPoint


@dataclass(frozen=True, slots=True)
class ReferenceForm:
    """A question about a doubtful work and secure ones.

    Attributes:
        probe: The doubtful work.
        references: At least one secure work.
        prior: P(by the artist of the references) before looking, strictly between 0 and 1.
        operating_point: Which measured error rate the decision promises.
    """

    probe: Upload
    references: tuple[Upload, ...]
    prior: float
    operating_point: OperatingPoint


async def engine_of(request: Request) -> Engine:
    """Return the engine of the app that a request came to."""
    engine: Engine = request.app.state.engine
    return engine


async def upload_of(file: UploadFile) -> Upload:
    """Return an uploaded file in memory, under a name that can be shown."""
    return Upload(printable(file.filename or "image")[-120:], await file.read())


async def two_pictures(
    left: Picture, right: Picture, prior: Prior = 0.5, operating_point: Point = "eer"
) -> TwoPictures:
    """Return the question of a form with two pictures."""
    return TwoPictures(await upload_of(left), await upload_of(right), prior, operating_point)


async def reference_form(
    probe: Picture, references: Pictures, prior: Prior = 0.5, operating_point: Point = "eer"
) -> ReferenceForm:
    """Return the question of a form with a doubtful work and secure ones."""
    known = [await upload_of(file) for file in references]
    return ReferenceForm(await upload_of(probe), tuple(known), prior, operating_point)


Decide = Annotated[
    OperatingPoint | None, Form(description="How to decide; nothing, for no decision.")
]
Optional = Annotated[UploadFile | None, File()]
Slot = Annotated[int | None, Form(ge=0, lt=2**40)]


@dataclass(frozen=True, slots=True)
class PagePair:
    """A question about two pictures as a page asks it.

    Attributes:
        asked: The question.
        decide: How to decide, or None where no decision is wanted.
        slots: For each picture its slot, where it was picked from the gallery.
    """

    asked: TwoPictures
    decide: OperatingPoint | None
    slots: tuple[int | None, int | None]


@dataclass(frozen=True, slots=True)
class PageReferences:
    """A question about a doubtful work and secure ones as a page asks it; see `PagePair`."""

    asked: ReferenceForm
    decide: OperatingPoint | None


async def page_pair(
    request: Request,
    left: Optional = None,
    right: Optional = None,
    left_work: Slot = None,
    right_work: Slot = None,
    prior: Prior = 0.5,
    operating_point: Decide = None,
) -> PagePair:
    """Return the question of a page with two pictures, each a file or a work of the gallery."""
    engine = await engine_of(request)
    one = await _picture(engine, left, left_work, "the first painting")
    two = await _picture(engine, right, right_work, "the second painting")
    asked = TwoPictures(one, two, prior, operating_point or "eer")
    return PagePair(asked, operating_point, (left_work, right_work))


async def page_references(
    request: Request,
    probe: Optional = None,
    references: Annotated[list[UploadFile] | None, File()] = None,
    probe_work: Slot = None,
    reference_work: Annotated[list[int] | None, Form(max_length=64)] = None,
    prior: Prior = 0.5,
    operating_point: Decide = None,
) -> PageReferences:
    """Return the question of a page with a doubtful work and secure ones; see `page_pair`."""
    engine = await engine_of(request)
    doubtful = await _picture(engine, probe, probe_work, "the doubtful work")
    known = [await upload_of(file) for file in references or () if file.filename]
    known += [await work_upload(engine, slot) for slot in reference_work or ()]
    if not known:
        raise HTTPException(422, "Choose at least one secure work.")
    asked = ReferenceForm(doubtful, tuple(known), prior, operating_point or "eer")
    return PageReferences(asked, operating_point)


async def page_probe(request: Request, probe: Optional = None, probe_work: Slot = None) -> Upload:
    """Return the one picture of a page's form; see `page_pair`."""
    return await _picture(await engine_of(request), probe, probe_work, "a picture")


async def _picture(engine: Engine, file: UploadFile | None, slot: int | None, what: str) -> Upload:
    if file is not None and file.filename:
        return await upload_of(file)
    if slot is None:
        raise HTTPException(422, f"Choose {what}.")
    return await work_upload(engine, slot)


async def work_upload(engine: Engine, slot: int) -> Upload:
    """Return a work of the gallery as a picture to open.

    Raises:
        HTTPException: There is no such work, or its file is gone.
    """
    gallery = await gallery_of(engine)
    return await engine.read(lambda: read_work(gallery, slot))


async def probe_of(probe: Picture) -> Upload:
    """Return the one picture of a form."""
    return await upload_of(probe)


Engines = Annotated[Engine, Depends(engine_of)]


async def gallery_of(engine: Engines) -> Gallery:
    """Return the gallery that is served.

    Raises:
        HTTPException: None is.
    """
    if engine.gallery is None:
        raise HTTPException(404, "No gallery is served here; start with --gallery NAME.")
    return engine.gallery


Pair = Annotated[TwoPictures, Depends(two_pictures)]
References = Annotated[ReferenceForm, Depends(reference_form)]
Probe = Annotated[Upload, Depends(probe_of)]
AskedPair = Annotated[PagePair, Depends(page_pair)]
AskedReferences = Annotated[PageReferences, Depends(page_references)]
AskedProbe = Annotated[Upload, Depends(page_probe)]
Served = Annotated[Gallery, Depends(gallery_of)]
