"""What the pages and the API ask of the engine, so that both answer alike."""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from samehand.explain.evidence import full_verdict
from samehand.model.painting import Painting
from samehand.reporting.pair import pair_report
from samehand.reporting.references import references_report
from samehand.results import ReferenceVerdict, Verdict
from samehand.verification.references import NoEvidenceError, distinct_references
from samehand.web.engine import Engine, Upload
from samehand.web.forms import ReferenceForm, TwoPictures

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Compared:
    """What was found out about two uploads.

    Attributes:
        verdict: The verdict, with evidence and neighbours where they were asked for.
        paintings: The two paintings that it is about.
    """

    verdict: Verdict
    paintings: tuple[Painting, Painting]


async def compare(
    engine: Engine, asked: TwoPictures, *, evidence: bool = False, cover: bool = False
) -> Compared:
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

    def answer() -> Compared:
        model = engine.model
        # A model without a background gives verdicts, and nothing to set evidence against.
        more = evidence and engine.background is not None
        verdict = full_verdict(
            model,
            one,
            two,
            prior=asked.prior,
            operating_point=asked.operating_point,
            evidence=more,
            influence=cover,
            background=engine.background,
            gallery=engine.gallery if more else None,
        )
        return Compared(verdict, (one, two))

    async with engine.turn():
        one, two = await engine.open(asked.left, asked.right)
        return await engine.infer(answer, long=cover)


async def of_picture(engine: Engine, upload: Upload, ask: Callable[[Painting], T]) -> T:
    """Return what `ask` says of one upload, once it is decoded and its turn has come.

    Raises:
        BusyError: The queue is full.
        ImageError: The picture cannot be read within the limits.
    """
    async with engine.turn():
        painting = (await engine.open(upload))[0]
        return await engine.infer(lambda: ask(painting))


@dataclass(frozen=True, slots=True)
class Filed:
    """A report, and what it is about.

    Attributes:
        page: One HTML file.
        paintings: The paintings, so that nobody who asks more opens them again; of a reference set
            the doubtful work first.
    """

    page: str
    paintings: tuple[Painting, ...]


async def report(engine: Engine, asked: TwoPictures) -> Filed:
    """Return the report on two uploads; otherwise as `compare`.

    Raises:
        BusyError: The queue is full.
        ImageError: One of the pictures cannot be read within the limits.
        ModelError: The model has no background for evidence.
    """
    async with engine.turn():
        one, two = await engine.open(asked.left, asked.right)
        page = await engine.infer(
            lambda: pair_report(
                engine.model,
                one,
                two,
                date=date.today().isoformat(),
                prior=asked.prior,
                operating_point=asked.operating_point,
                gallery=engine.gallery,
            ),
            long=True,
        )
    return Filed(page, (one, two))


async def reference_report(engine: Engine, asked: ReferenceForm) -> Filed:
    """Return the report on a doubtful work and secure ones; see `verify`.

    Raises:
        BusyError: The queue is full.
        ImageError: One of the pictures cannot be read within the limits.
        ModelError: The model has no rule for references.
    """
    async with engine.turn(long=True):
        probe, *references = await engine.open(asked.probe, *asked.references, long=True)
        page = await engine.infer(
            lambda: references_report(
                engine.model,
                probe,
                references,
                date=date.today().isoformat(),
                prior=asked.prior,
                operating_point=asked.operating_point,
            ),
            long=True,
        )
    return Filed(page, (probe, *references))


@dataclass(frozen=True, slots=True)
class Growing:
    """What is known once this many references have been opened.

    Attributes:
        verdict: The verdict from these references.
        probe: The doubtful work.
        references: Those of the references so far that count, in the order in which they came.
        opened: How many references have been opened.
        total: How many references there are to open.
    """

    verdict: ReferenceVerdict
    probe: Painting
    references: tuple[Painting, ...]
    opened: int
    total: int


async def verify(engine: Engine, asked: ReferenceForm) -> AsyncGenerator[Growing, None]:
    """Weigh a doubtful work against references, and say what is known after each of them.

    Args:
        engine: What answers.
        asked: The doubtful work, at least one secure one, and how to decide.

    Raises:
        BusyError: The queue is full.
        ImageError: One of the pictures cannot be read within the limits.
        ModelError: The model has no rule for references.
    """
    async with engine.turn(long=True):
        (probe,) = await engine.open(asked.probe, long=True)
        known: tuple[Painting, ...] = ()
        for reference in asked.references:
            known += tuple(await engine.open(reference, long=True))

            def weigh(known: tuple[Painting, ...] = known) -> Growing:
                verdict = engine.model.verify(
                    probe, known, prior=asked.prior, operating_point=asked.operating_point
                )
                counted = distinct_references(probe, known, engine.model.folder.config)[0]
                return Growing(verdict, probe, tuple(counted), len(known), len(asked.references))

            try:
                growing = await engine.infer(weigh, long=True)
            except NoEvidenceError:
                # The references to come may be other works than the probe.
                if len(known) == len(asked.references):
                    raise
                continue
            yield growing
