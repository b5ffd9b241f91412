"""A pool of decoder processes: each upload is opened in one of them, within limits."""

import asyncio
import contextlib
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process

from PIL import Image

from samehand.errors import ImageError
from samehand.files import printable
from samehand.images.decode import Decoded
from samehand.web.limits import Limits

MAX_SIDE = 2048
"""What `samehand compare` decodes to; the web page must answer the same."""

_START_SECONDS = 60.0
_END_SECONDS = 1.0


class Decoders:
    """Decoder processes that are started once, killed when they take too long, and replaced."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._idle: asyncio.Queue[Process | None] = asyncio.Queue()
        self._all: set[Process] = set()
        self._asked: set[asyncio.Task[Decoded]] = set()

    async def start(self) -> None:
        """Start every process and wait until all are ready."""
        started = [self._spawn() for _ in range(self._limits.decoders)]
        for process in await asyncio.gather(*started):
            self._idle.put_nowait(process)

    async def stop(self) -> None:
        """Kill every process, busy or not."""
        await asyncio.gather(*(self._kill(process) for process in list(self._all)))

    async def decode(
        self,
        data: bytes,
        name: str,
        max_pixels: int | None = None,
        place: asyncio.Semaphore | None = None,
    ) -> Decoded:
        """Decode an uploaded file.

        Args:
            data: The whole file.
            name: What error sentences call it.
            max_pixels: The largest picture, where that is not the limits'.
            place: How many such pictures may be in decoders at one time. A place is kept until
                the decoder has finished, also for somebody who went away: or else those who come
                and go would fill every decoder. None for as many as there are decoders.

        Raises:
            ImageError: It cannot be read as an image within the limits.
        """
        name = printable(name) or "the image"
        if place is not None:
            await place.acquire()
        try:
            process = await self._idle.get()
        except BaseException:
            if place is not None:
                place.release()
            raise
        # A task of its own, which goes on when whoever asked goes away: the process stays sound,
        # and cancelling can never lose its place among the idle ones.
        asked = asyncio.create_task(self._decode_in(process, data, name, max_pixels))
        self._asked.add(asked)
        asked.add_done_callback(self._answered)
        if place is not None:
            leave = place.release
            asked.add_done_callback(lambda _: leave())
        return await asyncio.shield(asked)

    def _answered(self, asked: "asyncio.Task[Decoded]") -> None:
        self._asked.discard(asked)
        if not asked.cancelled():
            asked.exception()  # Nobody may be there to be told, which is not to be logged.

    async def _decode_in(
        self, process: Process | None, data: bytes, name: str, max_pixels: int | None
    ) -> Decoded:
        sound = False
        try:
            if process is None or process.returncode is not None:
                process = await self._spawn()
            async with asyncio.timeout(self._limits.decode_seconds):
                found = await self._ask(process, data, name, max_pixels or self._limits.pixels)
            sound = True
        except TimeoutError as error:
            raise ImageError(
                f"{name} takes more than {self._limits.decode_seconds:g} s to open; save it as "
                "an ordinary JPEG or PNG and try again"
            ) from error
        except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
            # The process died: of too much memory, or of a fault in an image library.
            raise ImageError(
                f"{name} cannot be opened safely; save it as an ordinary JPEG or PNG and try again"
            ) from error
        finally:
            self._idle.put_nowait(process if sound else None)
            if not sound and process is not None:
                await self._kill(process)
        if isinstance(found, str):
            raise ImageError(found)
        return found

    async def _ask(
        self, process: Process, data: bytes, name: str, max_pixels: int
    ) -> Decoded | str:
        """Return the picture, or the sentence that says why there is none."""
        if process.stdin is None or process.stdout is None:
            raise EOFError
        task = {
            "name": name,
            "bytes": len(data),
            "max_side": MAX_SIDE,
            "max_pixels": max_pixels,
        }
        process.stdin.write(json.dumps(task).encode() + b"\n")
        process.stdin.write(data)
        await process.stdin.drain()
        header = json.loads(await process.stdout.readline())
        if "error" in header:
            return str(header["error"])
        width, height = (int(side) for side in header["size"])
        # A decoder that a picture has taken over must not fill the memory of the server.
        if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
            raise ValueError(f"a picture of {width} x {height} pixels was not asked for")
        pixels = await process.stdout.readexactly(3 * width * height)
        return Decoded(
            Image.frombytes("RGB", (width, height), pixels),
            str(header["sha256"]),
            int(header["width"]),
            int(header["height"]),
            tuple(str(note) for note in header["notes"]),
            None if header["jpeg_quality"] is None else int(header["jpeg_quality"]),
        )

    async def _spawn(self) -> Process:
        # -P: a module in the working directory must not shadow one of the decoder's.
        command = [sys.executable, "-P", "-m", "samehand.web.decoder"]
        process = await asyncio.create_subprocess_exec(
            *command,
            str(self._limits.decode_bytes),
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            limit=2**20,
            # The Ctrl-C of a terminal must reach the server alone, which then ends its decoders. A
            # session of their own would do that too, but Linux gives sessions equal shares of the
            # processors, however much some of them yield.
            process_group=0,
            # Threads that no decoder uses would be counted against its memory.
            env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )
        self._all.add(process)
        async with asyncio.timeout(_START_SECONDS):
            if process.stdout is None or await process.stdout.readline() != b"ready\n":
                raise OSError("the process that decodes images did not start")
        return process

    async def _kill(self, process: Process) -> None:
        # Before it signals a process, `subprocess` asks whether it has ended. Of one that has, it
        # would take the status that a thread of asyncio waits for, which then warns of an "unknown
        # child process". So each is killed once, and one whose pipes are closed may end by itself.
        if process in self._all:
            self._all.discard(process)
            if _is_ending(process):
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_END_SECONDS):
                        await process.wait()
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
        await process.wait()


def _is_ending(process: Process) -> bool:
    return (process.stdin is not None and process.stdin.is_closing()) or (
        process.stdout is not None and process.stdout.at_eof()
    )
