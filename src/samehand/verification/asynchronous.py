"""AsyncSameHand: the facade for programs that run on asyncio."""

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from samehand.model.painting import Painting
from samehand.records import FalseAlarms, Floats, OperatingPoint
from samehand.results import (
    Clustering,
    Evidence,
    Identification,
    Queue,
    ReferenceVerdict,
    SearchResult,
    Verdict,
)
from samehand.verification.handed_over import PaintingLike, Unreadable
from samehand.verification.verifier import SameHand

if TYPE_CHECKING:
    from samehand.gallery import Gallery

T = TypeVar("T")


class AsyncSameHand:
    """Each method awaits the method of `SameHand` of the same name, run in a thread of its own.

    Decoding and the encoder release Python's lock, so that the event loop keeps running meanwhile.
    A question whose task is cancelled before its turn is never asked; one that runs is finished.

    Example:
        >>> from samehand import AsyncSameHand
        >>> async with AsyncSameHand() as model:  # doctest: +SKIP
        ...     verdict = await model.compare("a.jpg", "b.jpg")

    Attributes:
        model: What answers.
    """

    def __init__(self, model: SameHand | str | Path | None = None, *, workers: int = 1) -> None:
        """Open a model, unless it is open already.

        Args:
            model: An open model, or what `SameHand` opens.
            workers: How many questions are worked on at one time. Several are quicker only with a
                model that was opened with fewer threads than there are processors.

        Raises:
            ModelError: There is no such model, or it is damaged.
        """
        self.model = model if isinstance(model, SameHand) else SameHand(model)
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="samehand-async")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Finish what runs, drop what waits, and end the threads."""
        await asyncio.to_thread(self._pool.shutdown, cancel_futures=True)

    async def open(self, source: PaintingLike, name: str | None = None) -> Painting:
        """Decode a painting once; see `SameHand.open`."""
        return await self.run(self.model.open, source, name)

    def open_many(
        self, sources: Iterable[PaintingLike]
    ) -> AsyncGenerator[Painting | Unreadable, None]:
        """Yield any number of paintings; see `SameHand.open_many`."""
        return self._each(self.model.open_many(sources))

    async def compare(
        self,
        left: PaintingLike,
        right: PaintingLike,
        *,
        prior: float = 0.5,
        operating_point: OperatingPoint = "eer",
    ) -> Verdict:
        """Say how strongly two paintings speak for one artist; see `SameHand.compare`."""
        return await self.run(
            self.model.compare, left, right, prior=prior, operating_point=operating_point
        )

    async def explain(
        self, left: PaintingLike, right: PaintingLike, *, influence: bool = True
    ) -> Evidence:
        """Find what the verdict on two paintings rests on; see `SameHand.explain`."""
        return await self.run(self.model.explain, left, right, influence=influence)

    async def verify(
        self,
        probe: PaintingLike,
        references: Sequence[PaintingLike],
        *,
        prior: float = 0.5,
        operating_point: OperatingPoint = "eer",
    ) -> ReferenceVerdict:
        """Weigh a painting against works by one artist; see `SameHand.verify`."""
        return await self.run(
            self.model.verify, probe, references, prior=prior, operating_point=operating_point
        )

    async def search(
        self,
        probe: PaintingLike,
        gallery: "Gallery | str | os.PathLike[str]",
        top: int = 20,
        *,
        where: Sequence[str] = (),
        exact: bool = False,
    ) -> SearchResult:
        """Find the works of a gallery most like a painting; see `SameHand.search`."""
        return await self.run(self.model.search, probe, gallery, top, where=where, exact=exact)

    async def identify(
        self,
        probe: PaintingLike,
        gallery: "Gallery | str | os.PathLike[str]",
        top: int = 5,
        *,
        where: Sequence[str] = (),
        prior: float = 0.5,
        threshold: FalseAlarms = "far10",
        any_attribution: bool = False,
    ) -> Identification:
        """Say which artist of a gallery made a painting, or none; see `SameHand.identify`."""
        return await self.run(
            self.model.identify,
            probe,
            gallery,
            top,
            where=where,
            prior=prior,
            threshold=threshold,
            any_attribution=any_attribution,
        )

    async def cluster(
        self,
        gallery: "Gallery | str | os.PathLike[str]",
        *,
        where: Sequence[str] = (),
        suspects: int = 50,
        any_attribution: bool = False,
    ) -> Clustering:
        """Group a gallery's works into probable hands; see `SameHand.cluster`."""
        return await self.run(
            self.model.cluster,
            gallery,
            where=where,
            suspects=suspects,
            any_attribution=any_attribution,
        )

    async def queue(
        self,
        gallery: "Gallery | str | os.PathLike[str]",
        top: int = 20,
        *,
        where: Sequence[str] = (),
        prior: float = 0.5,
        labelled: bool = False,
    ) -> Queue:
        """Suggest pairs of works to decide about; see `SameHand.queue`."""
        return await self.run(
            self.model.queue, gallery, top, where=where, prior=prior, labelled=labelled
        )

    async def embed(self, images: Iterable[PaintingLike]) -> Floats:
        """Return the unit embedding of each image, (B, D); see `SameHand.embed`."""
        return await self.run(self.model.embed, images)

    def embed_many(
        self, sources: Iterable[PaintingLike]
    ) -> AsyncGenerator[tuple[str, Floats] | Unreadable, None]:
        """Yield name and embedding of any number of images; see `SameHand.embed_many`."""
        return self._each(self.model.embed_many(sources))

    async def run(self, ask: Callable[..., T], *arguments: Any, **options: Any) -> T:  # noqa: ANN401
        """Await any other function, run among the questions.

        Args:
            ask: The function, such as one that draws an answer.
            arguments: What it is called with.
            options: What it is called with by name.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, partial(ask, *arguments, **options))

    async def _each(self, items: Iterable[T]) -> AsyncGenerator[T, None]:
        """Yield the items of an iterator that is only touched in the pool."""
        waiting = iter(items)
        nothing = object()
        try:
            while (found := await self.run(next, waiting, nothing)) is not nothing:
                yield found
        finally:
            close = getattr(waiting, "close", None)
            if close is not None:
                await self.run(close)
