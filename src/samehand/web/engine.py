"""The verifier behind the pages: a bounded queue, decoder processes, and one thread that thinks."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from samehand.errors import ModelError, SamehandError
from samehand.images.decode import Decoded
from samehand.serving.background import Background, read_background
from samehand.serving.gallery import Gallery
from samehand.serving.verifier import SameHand
from samehand.web.decoding import Decoders
from samehand.web.limits import Limits

Answer = TypeVar("Answer")


class BusyError(SamehandError):
    """More is being asked than the queue holds."""


@dataclass(frozen=True, slots=True)
class Upload:
    """An uploaded file: what the user calls it, and its bytes."""

    name: str
    data: bytes


class Engine:
    """Answers questions about uploads, a bounded number at one time.

    Attributes:
        verifier: What answers.
        limits: What is allowed.
        gallery: The gallery that is served, if one is.
        waiting: How many questions are worked on or wait.
        background: What evidence is set against; None where the model has none.
    """

    def __init__(self, verifier: SameHand, limits: Limits, gallery: Gallery | None = None) -> None:
        self.verifier = verifier
        self.limits = limits
        self.gallery = gallery
        self.waiting = 0
        self.background = _background_of(verifier)
        self._decoders = Decoders(limits)
        # ONNX Runtime uses every core for one picture; a second thread would only share them.
        self._thinker = ThreadPoolExecutor(1, thread_name_prefix="samehand")
        # Decoded pictures are large; so few questions as there are decoders hold some.
        self._working = asyncio.Semaphore(limits.decoders)

    async def start(self) -> None:
        """Start the decoders."""
        await self._decoders.start()

    async def stop(self) -> None:
        """End the decoders and wait for the last thought."""
        await self._decoders.stop()
        self._thinker.shutdown(cancel_futures=True)

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait in the queue for a turn to work.

        Raises:
            BusyError: The queue is full.
        """
        if self.waiting >= self.limits.queue:
            raise BusyError(
                f"{self.waiting} questions are being answered already; try again in a moment"
            )
        self.waiting += 1
        try:
            async with self._working:
                yield
        finally:
            self.waiting -= 1

    async def decode(self, *uploads: Upload) -> list[Decoded]:
        """Decode uploads, one after the other, so that no question takes every decoder.

        Raises:
            ImageError: One of them cannot be read within the limits.
        """
        return [await self._decoders.decode(item.data, item.name) for item in uploads]

    async def think(self, answer: Callable[[], Answer]) -> Answer:
        """Run `answer` in the thread that may use the model."""
        return await asyncio.get_running_loop().run_in_executor(self._thinker, answer)


def _background_of(verifier: SameHand) -> Background | None:
    try:
        return read_background(verifier.model)
    except ModelError:
        return None  # a model exported without one still gives verdicts
