"""What is posted, stated once for the pages and the API: FastAPI fills these in."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, File, Form, Request, UploadFile
from starlette.exceptions import HTTPException

from samehand.gallery import Gallery
from samehand.images.decode import printable
from samehand.records import OperatingPoint
from samehand.web.engine import Engine, Upload

Prior = Annotated[float, Form(gt=0, lt=1, description="P(same artist) before looking.")]
Point = Annotated[
    OperatingPoint, Form(description="Which measured error rate the decision promises.")
]
Cover = Annotated[
    bool, Form(description="Also cover each region to see what moves the verdict; takes longer.")
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
Served = Annotated[Gallery, Depends(gallery_of)]
