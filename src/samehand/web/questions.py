"""What the pages and the API ask of the engine, so that both answer alike."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated

import numpy as np
from fastapi import Form, Request, UploadFile

from samehand.images.decode import Decoded, printable
from samehand.records import Floats, OperatingPoint, Verdict
from samehand.reporting.pair import pair_report
from samehand.reporting.works import Work
from samehand.serving.evidence import Evidence, find_evidence
from samehand.serving.findings import ReferenceVerdict
from samehand.serving.verify import probe_warnings, same_file_warnings, verify_embedded
from samehand.web.engine import Engine, Upload

Prior = Annotated[float, Form(gt=0, lt=1, description="P(same artist) before looking.")]
Point = Annotated[
    OperatingPoint, Form(description="Which measured error rate the decision promises.")
]
Cover = Annotated[
    bool, Form(description="Also cover each region to see what moves the verdict; takes longer.")
]


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found out about two uploads.

    Attributes:
        verdict: The verdict.
        decoded: The two pictures that it is about.
        evidence: What it rests on; None where that was not asked for, or the model has none.
    """

    verdict: Verdict
    decoded: tuple[Decoded, Decoded]
    evidence: Evidence | None


def engine_of(request: Request) -> Engine:
    """Return the engine of the app that a request came to."""
    engine: Engine = request.app.state.engine
    return engine


async def upload_of(file: UploadFile) -> Upload:
    """Return an uploaded file in memory, under a name that can be shown."""
    return Upload(printable(file.filename or "image")[-120:], await file.read())


async def compare(
    engine: Engine,
    left: Upload,
    right: Upload,
    prior: float,
    operating_point: OperatingPoint,
    *,
    evidence: bool = False,
    cover: bool = False,
) -> Answer:
    """Compare two uploads.

    Args:
        engine: What answers.
        left: A picture.
        right: Another picture.
        prior: P(same artist) before looking, strictly between 0 and 1.
        operating_point: Which measured error rate the decision promises.
        evidence: Whether to find what the verdict rests on, too.
        cover: Whether that includes what each region does to the verdict.

    Raises:
        BusyError: The queue is full.
        ImageError: One of the pictures cannot be read within the limits.
    """

    def answer() -> Answer:
        verdict = engine.verifier.compare_decoded(
            one, two, prior=prior, operating_point=operating_point
        )
        found = None
        if evidence and engine.background is not None:
            found = find_evidence(
                engine.verifier,
                one.image,
                two.image,
                occlusion=cover,
                background=engine.background,
            )
        return Answer(verdict, (one, two), found)

    async with engine.turn():
        one, two = await engine.decode(left, right)
        return await engine.think(answer)


async def report(
    engine: Engine, left: Upload, right: Upload, prior: float, operating_point: OperatingPoint
) -> str:
    """Return the report on two uploads as one HTML file; otherwise as `compare`.

    Raises:
        BusyError: The queue is full.
        ImageError: One of the pictures cannot be read within the limits.
        ModelError: The model has no background for evidence.
    """
    async with engine.turn():
        pictures = await engine.decode(left, right)
        works = [
            Work(upload.name, picture)
            for upload, picture in zip((left, right), pictures, strict=True)
        ]
        return await engine.think(
            lambda: pair_report(
                engine.verifier,
                works[0],
                works[1],
                date=date.today().isoformat(),
                prior=prior,
                operating_point=operating_point,
            )
        )


@dataclass(frozen=True, slots=True)
class Growing:
    """What is known once so many references have been looked at.

    Attributes:
        verdict: The verdict from these references.
        probe: The doubtful picture.
        references: The references so far, in the order in which they came.
        total: How many references there are to look at.
    """

    verdict: ReferenceVerdict
    probe: Decoded
    references: tuple[Decoded, ...]
    total: int


async def verify(
    engine: Engine,
    probe: Upload,
    references: Sequence[Upload],
    prior: float,
    operating_point: OperatingPoint,
) -> AsyncIterator[Growing]:
    """Weigh a doubtful work against references, and say what is known after each of them.

    Args:
        engine: What answers.
        probe: The doubtful work.
        references: At least one secure work.
        prior: P(by the artist of the references) before looking, strictly between 0 and 1.
        operating_point: Which measured error rate the decision promises.

    Raises:
        BusyError: The queue is full.
        ImageError: One of the pictures cannot be read within the limits.
        ModelError: The model has no rule for references.
    """
    verifier = engine.verifier
    async with engine.turn():
        doubtful = (await engine.decode(probe))[0]
        asked = (await engine.think(lambda: verifier.embed_decoded([doubtful])))[0]
        known = np.empty((0, len(asked)), np.float32)
        seen: tuple[Decoded, ...] = ()
        for reference in references:
            seen += tuple(await engine.decode(reference))
            names = [upload.name for upload in references[: len(seen)]]

            def weigh(
                seen: tuple[Decoded, ...] = seen,
                known: Floats = known,
                names: Sequence[str] = names,
            ) -> tuple[Floats, ReferenceVerdict]:
                rows = np.concatenate([known, verifier.embed_decoded(seen[-1:])])
                hashes = [one.sha256 for one in seen]
                warnings = probe_warnings(verifier.model, doubtful, asked)
                warnings += same_file_warnings(doubtful.sha256, hashes, names)
                return rows, verify_embedded(
                    verifier.model,
                    asked,
                    rows,
                    names,
                    prior=prior,
                    operating_point=operating_point,
                    warnings=warnings,
                )

            known, verdict = await engine.think(weigh)
            yield Growing(verdict, doubtful, seen, len(references))
