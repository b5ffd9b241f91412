"""What the pages and the API ask of the engine, so that both answer alike."""

from typing import Annotated

from fastapi import Form, Request, UploadFile

from samehand.images.decode import Decoded, printable
from samehand.records import OperatingPoint, Verdict
from samehand.web.engine import Engine, Upload

Prior = Annotated[float, Form(gt=0, lt=1, description="P(same artist) before looking.")]
Point = Annotated[
    OperatingPoint, Form(description="Which measured error rate the decision promises.")
]


def engine_of(request: Request) -> Engine:
    """Return the engine of the app that a request came to."""
    engine: Engine = request.app.state.engine
    return engine


async def upload_of(file: UploadFile) -> Upload:
    """Return an uploaded file in memory, under a name that can be shown."""
    return Upload(printable(file.filename or "image")[-120:], await file.read())


async def compare(
    engine: Engine, left: Upload, right: Upload, prior: float, operating_point: OperatingPoint
) -> tuple[Verdict, list[Decoded]]:
    """Compare two uploads.

    Returns:
        The verdict, and the two decoded pictures that it is about.

    Raises:
        BusyError: The queue is full.
        ImageError: One of them cannot be read within the limits.
    """
    async with engine.turn():
        decoded = await engine.decode(left, right)
        verdict = await engine.think(
            lambda: engine.verifier.compare_decoded(
                *decoded, prior=prior, operating_point=operating_point
            )
        )
    return verdict, decoded
