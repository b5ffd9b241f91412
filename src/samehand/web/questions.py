"""What the pages and the API ask of the engine, so that both answer alike."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

import numpy as np

from samehand.images.decode import Decoded
from samehand.records import Floats, Verdict
from samehand.reporting.pair import pair_report
from samehand.reporting.references import references_report
from samehand.reporting.works import Work
from samehand.serving.evidence import Evidence, find_evidence
from samehand.serving.findings import ReferenceVerdict
from samehand.serving.neighbours import nearby, with_nearby
from samehand.serving.verify import probe_warnings, same_file_warnings, verify_embedded
from samehand.web.engine import Engine, Upload
from samehand.web.forms import ReferenceForm, TwoPictures

T = TypeVar("T")


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


async def compare(
    engine: Engine, asked: TwoPictures, *, evidence: bool = False, cover: bool = False
) -> Answer:
    """Compare two uploads.

    Args:
        engine: What answers.
        asked: The uploads, and how to decide.
        evidence: Whether to find what the verdict rests on, too, and the nearest works of the
            gallery where one is served.
        cover: Whether that includes what each region does to the verdict.

    Raises:
        BusyError: The queue is full.
        ImageError: One of the pictures cannot be read within the limits.
    """

    def answer() -> Answer:
        verdict = engine.verifier.compare_decoded(
            one, two, prior=asked.prior, operating_point=asked.operating_point
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
            if engine.gallery is not None:
                found = with_nearby(found, nearby(engine.verifier, one, two, engine.gallery))
        return Answer(verdict, (one, two), found)

    async with engine.turn():
        one, two = await engine.decode(asked.left, asked.right)
        return await engine.think(answer)


async def of_picture(engine: Engine, upload: Upload, ask: Callable[[Decoded], T]) -> T:
    """Return what `ask` says of one upload, once it is decoded and its turn has come.

    Raises:
        BusyError: The queue is full.
        ImageError: The picture cannot be read within the limits.
    """
    async with engine.turn():
        picture = (await engine.decode(upload))[0]
        return await engine.think(lambda: ask(picture))


async def report(engine: Engine, asked: TwoPictures) -> str:
    """Return the report on two uploads as one HTML file; otherwise as `compare`.

    Raises:
        BusyError: The queue is full.
        ImageError: One of the pictures cannot be read within the limits.
        ModelError: The model has no background for evidence.
    """
    async with engine.turn():
        one, two = await engine.decode(asked.left, asked.right)
        return await engine.think(
            lambda: pair_report(
                engine.verifier,
                Work(asked.left.name, one),
                Work(asked.right.name, two),
                date=date.today().isoformat(),
                prior=asked.prior,
                operating_point=asked.operating_point,
                gallery=engine.gallery,
            )
        )


async def reference_report(engine: Engine, asked: ReferenceForm) -> str:
    """Return the report on a doubtful work and secure ones as one HTML file; see `verify`.

    Raises:
        BusyError: The queue is full.
        ImageError: One of the pictures cannot be read within the limits.
        ModelError: The model has no rule for references.
    """
    async with engine.turn():
        pictures = await engine.decode(asked.probe, *asked.references)
        uploads = (asked.probe, *asked.references)
        probe, *references = [
            Work(upload.name, picture) for upload, picture in zip(uploads, pictures, strict=True)
        ]
        return await engine.think(
            lambda: references_report(
                engine.verifier,
                probe,
                references,
                date=date.today().isoformat(),
                prior=asked.prior,
                operating_point=asked.operating_point,
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


async def verify(engine: Engine, asked: ReferenceForm) -> AsyncIterator[Growing]:
    """Weigh a doubtful work against references, and say what is known after each of them.

    Args:
        engine: What answers.
        asked: The doubtful work, at least one secure one, and how to decide.

    Raises:
        BusyError: The queue is full.
        ImageError: One of the pictures cannot be read within the limits.
        ModelError: The model has no rule for references.
    """
    verifier = engine.verifier
    async with engine.turn():
        doubtful = (await engine.decode(asked.probe))[0]
        looked = await engine.think(lambda: verifier.look([doubtful]))
        row = looked.embeddings[0]
        known = np.empty((0, len(row)), np.float32)
        seen: tuple[Decoded, ...] = ()
        for reference in asked.references:
            seen += tuple(await engine.decode(reference))
            names = [upload.name for upload in asked.references[: len(seen)]]

            def weigh(
                seen: tuple[Decoded, ...] = seen,
                known: Floats = known,
                names: Sequence[str] = names,
            ) -> tuple[Floats, ReferenceVerdict]:
                rows = np.concatenate([known, verifier.look(seen[-1:]).embeddings])
                hashes = [one.sha256 for one in seen]
                warnings = probe_warnings(verifier.model, doubtful, looked)
                warnings += same_file_warnings(doubtful.sha256, hashes, names)
                return rows, verify_embedded(
                    verifier.model,
                    row,
                    rows,
                    names,
                    prior=asked.prior,
                    operating_point=asked.operating_point,
                    warnings=warnings,
                )

            known, verdict = await engine.think(weigh)
            yield Growing(verdict, doubtful, seen, len(asked.references))
