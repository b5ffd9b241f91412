"""The model behind the pages: a bounded queue, decoder processes, and inference threads."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from samehand.errors import ModelError, SamehandError
from samehand.gallery import Gallery
from samehand.images.decode import MAX_PIXELS
from samehand.model.background import Background, read_background
from samehand.model.painting import Painting
from samehand.verification.verifier import SameHand
from samehand.web.decoding import Decoders
from samehand.web.limits import Limits
from samehand.web.maps import Maps
from samehand.web.shelf import Shelves

Answer = TypeVar("Answer")


class BusyError(SamehandError):
    """More is being asked than the queue holds."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A picture to open.

    Attributes:
        name: What the user calls it.
        data: The whole file.
        own: Whether it is a work of the gallery, which its owner has let in already, and not
            something that a stranger sends.
    """

    name: str
    data: bytes
    own: bool = False


class Engine:
    """Answers questions about uploads, a bounded number at one time.

    Attributes:
        model: What answers.
        limits: What is allowed.
        gallery: The gallery that is served, if one is.
        shelves: Its works in memory, to browse.
        maps: Its map in memory.
        cases: What its suspect labels ask, with the state of the gallery they were found in.
        finding: Looks for them, once for all who wait.
        waiting: How many questions are worked on or wait.
        background: What evidence is set against; None where the model has none.
        ready: Whether requests are welcome: the decoders have started, and nobody has asked the
            server to stop.
    """

    def __init__(
        self,
        model: SameHand,
        limits: Limits,
        gallery: Gallery | None = None,
        workers: int = 1,
    ) -> None:
        """Prepare an engine.

        Args:
            model: What answers.
            limits: What is allowed.
            gallery: A gallery of the same model, if one is served.
            workers: How many threads run the model. One of them uses every core that the model
                was opened with; several share one copy of its weights.
        """
        self.model = model
        self.limits = limits
        self.gallery = gallery
        self.cases: tuple[object, list[Any]] | None = None
        self.finding: asyncio.Task[None] | None = None
        self.maps = None if gallery is None else Maps(gallery, gallery.folder)
        self.waiting = 0
        self.ready = False
        self.background = _background_of(model)
        self._decoders = Decoders(limits)
        self._inference = ThreadPoolExecutor(workers, thread_name_prefix="samehand")
        # What takes long has a thread of its own, beside which others share the processors.
        self._aside = ThreadPoolExecutor(1, thread_name_prefix="samehand-long")
        # Browsing must not wait until somebody else's question is answered.
        self._reading = ThreadPoolExecutor(2, thread_name_prefix="samehand-gallery")
        self.shelves = None if gallery is None else Shelves(gallery, self._reading.submit)
        # Decoded pictures are large; so few questions as there are decoders hold some.
        self._working = asyncio.Semaphore(max(limits.decoders, workers))
        # One question about many pictures at a time, and one picture of the gallery: the other
        # turns and decoders are for everybody else.
        self._long = asyncio.Semaphore(1)
        self._waiting_long = 0
        self._showing = asyncio.Semaphore(1)
        # The same for their pictures that are in decoders, since those outlive who asked.
        self._decoding_long = asyncio.Semaphore(1)
        self._decoding_shown = asyncio.Semaphore(1)

    async def start(self) -> None:
        """Start the decoders."""
        await self._decoders.start()
        self.ready = True
        if self.shelves is not None:
            # Nobody has to wait for it, neither a balancer nor the first who browses.
            self._reading.submit(self.shelves.now)

    async def stop(self) -> None:
        """End the decoders and wait for running inference."""
        self.ready = False
        if self.finding is not None:
            self.finding.cancel()
        if self.maps is not None:
            self.maps.stop()
        await self._decoders.stop()
        self._inference.shutdown(cancel_futures=True)
        self._aside.shutdown(cancel_futures=True)
        self._reading.shutdown(cancel_futures=True)

    @contextlib.asynccontextmanager
    async def turn(self, *, long: bool = False) -> AsyncIterator[None]:
        """Wait in the queue for a turn to work.

        Args:
            long: Whether the question takes many times as long as a comparison, or as much memory.
                One such is worked on at a time, and they fill no more than half of the queue.

        Raises:
            BusyError: The queue is full.
        """
        full = self.waiting >= self.limits.queue
        if full or (long and self._waiting_long >= max(1, self.limits.queue // 2)):
            raise BusyError(
                f"{self.waiting} questions are being answered already; try again in a moment"
            )
        self.waiting += 1
        self._waiting_long += long
        try:
            async with self._long if long else contextlib.nullcontext(), self._working:
                yield
        finally:
            self.waiting -= 1
            self._waiting_long -= long

    async def show(self, read: Callable[[], Upload]) -> Painting:
        """Open a picture that a page of the gallery shows, one at a time and beside all questions.

        Args:
            read: Reads its file; called when its turn has come, since originals may be large.

        Raises:
            ImageError: It cannot be read.
        """
        async with self._showing:
            return await self._open(await self.read(read), self._decoding_shown)

    async def open(self, *uploads: Upload, long: bool = False) -> list[Painting]:
        """Open uploads, one after the other, so that no question takes every decoder.

        Args:
            uploads: The pictures.
            long: Whether they are of a long question; see `turn`.

        Raises:
            ImageError: One of them cannot be read within the limits.
        """
        place = self._decoding_long if long else None
        return [await self._open(item, place) for item in uploads]

    async def _open(self, upload: Upload, place: asyncio.Semaphore | None) -> Painting:
        most = MAX_PIXELS if upload.own else None
        decoded = await self._decoders.decode(upload.data, upload.name, most, place)
        return Painting(upload.name, self.model.embedder, lambda: decoded)

    async def infer(self, answer: Callable[[], Answer], *, long: bool = False) -> Answer:
        """Run `answer` in a thread that may use the model.

        Args:
            answer: What to run.
            long: Whether it takes many times as long as a comparison, so that comparisons must not
                wait for it.
        """
        thread = self._aside if long else self._inference
        return await asyncio.get_running_loop().run_in_executor(thread, answer)

    async def read(self, look: Callable[[], Answer]) -> Answer:
        """Run `look`, which reads the gallery and never uses the model."""
        return await asyncio.get_running_loop().run_in_executor(self._reading, look)


def _background_of(model: SameHand) -> Background | None:
    try:
        return read_background(model.folder)
    except ModelError:
        return None  # a model exported without one still gives verdicts
