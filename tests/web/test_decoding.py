"""Uploads are opened in processes of their own, which hostile pictures can do no more than end."""

import asyncio
import os
from collections.abc import Awaitable, Callable

import pytest
from dear_pictures import bomb
from PIL import Image

from samehand.errors import ImageError
from samehand.images.decode import Decoded, decode_bytes
from samehand.web.decoding import Decoders
from samehand.web.limits import Limits


def with_decoders(limits: Limits, ask: Callable[[Decoders], Awaitable[object]]) -> object:
    async def run() -> object:
        decoders = Decoders(limits)
        await decoders.start()
        try:
            return await ask(decoders)
        finally:
            await decoders.stop()

    return asyncio.run(run())


def test_a_picture_comes_back_as_it_is_decoded_here(work_of, png):
    data = png(work_of(1, 1))
    found = with_decoders(Limits(decoders=1), lambda pool: pool.decode(data, "a.png"))
    here = decode_bytes(data, "a.png")
    assert isinstance(found, Decoded)
    assert found.image.tobytes() == here.image.tobytes()
    assert (found.sha256, found.width, found.height) == (here.sha256, here.width, here.height)


def test_a_refused_picture_leaves_its_process_alive(work_of, png):
    good = png(work_of(1, 1))

    async def ask(pool: Decoders) -> set[int]:
        pids = {process.pid for process in pool._all}
        with pytest.raises(ImageError, match=r"^b\.png is 2000x2000 pixels, more than 1 million"):
            await pool.decode(bomb(2000), "b.png")
        await pool.decode(good, "a.png")
        return pids ^ {process.pid for process in pool._all}

    assert with_decoders(Limits(decoders=1, pixels=1_000_000), ask) == set()


def test_too_much_memory_is_refused_and_the_next_picture_is_read(work_of, png):
    good = png(work_of(1, 1))

    async def ask(pool: Decoders) -> Decoded:
        with pytest.raises(
            ImageError, match=r"b\.png (does not fit|needs|cannot be opened safely)"
        ):
            await pool.decode(bomb(9000), "b.png")
        return await pool.decode(good, "a.png")

    limits = Limits(decoders=1, decode_bytes=350 * 2**20, pixels=100_000_000)
    assert isinstance(with_decoders(limits, ask), Decoded)


def test_too_much_time_ends_the_process_and_the_next_picture_is_read(work_of, png):
    good = png(work_of(1, 1))

    async def ask(pool: Decoders) -> Decoded:
        (first,) = pool._all
        pool._limits = Limits(decoders=1, decode_seconds=0.01)
        with pytest.raises(ImageError, match=r"b\.png takes more than 0.01 s to open"):
            await pool.decode(bomb(6000), "b.png")
        assert first.returncode is not None
        pool._limits = Limits(decoders=1)
        return await pool.decode(good, "a.png")

    assert isinstance(with_decoders(Limits(decoders=1), ask), Decoded)


def test_a_process_that_died_is_replaced(work_of, png):
    good = png(work_of(1, 1))

    async def ask(pool: Decoders) -> Decoded:
        (first,) = pool._all
        first.kill()
        await first.wait()
        return await pool.decode(good, "a.png")

    assert isinstance(with_decoders(Limits(decoders=1), ask), Decoded)


def test_one_slow_picture_holds_up_no_other(work_of, png):
    good = png(work_of(1, 1))

    async def ask(pool: Decoders) -> bool:
        slow = asyncio.create_task(pool.decode(bomb(9000), "slow.png"))
        await asyncio.sleep(0)
        await pool.decode(good, "a.png")
        finished = slow.done()
        slow.cancel()
        await asyncio.gather(slow, return_exceptions=True)
        return finished

    limits = Limits(decoders=2, pixels=100_000_000, decode_bytes=2**31)
    assert with_decoders(limits, ask) is False


def test_who_stops_waiting_again_and_again_takes_no_process_away(work_of, png):
    """Task groups of anyio cancel in every turn of the loop until what they hold has ended."""
    good = png(work_of(1, 1))

    async def ask(pool: Decoders) -> tuple[set[int], Decoded]:
        pids = {process.pid for process in pool._all}
        for _ in range(3):
            asking = asyncio.create_task(pool.decode(good, "a.png"))
            await asyncio.sleep(0)
            while not asking.done():
                asking.cancel()
                await asyncio.sleep(0)
        found = await asyncio.wait_for(pool.decode(good, "a.png"), 30)
        return pids ^ {process.pid for process in pool._all}, found

    changed, found = with_decoders(Limits(decoders=1), ask)
    assert changed == set()
    assert isinstance(found, Decoded)


def test_those_who_come_and_go_fill_no_more_than_their_place(work_of, png):
    good = png(work_of(1, 1))

    async def ask(pool: Decoders) -> bool:
        place = asyncio.Semaphore(1)
        for _ in range(3):
            leaving = asyncio.create_task(pool.decode(bomb(4000), "slow.png", None, place))
            await asyncio.sleep(0.02)
            leaving.cancel()
            await asyncio.gather(leaving, return_exceptions=True)
        await pool.decode(good, "a.png")
        held = place.locked()
        async with asyncio.timeout(30):
            await pool.decode(good, "a.png", None, place)
        return held and not place.locked()

    limits = Limits(decoders=2, pixels=100_000_000, decode_bytes=2**31)
    assert with_decoders(limits, ask)


@pytest.mark.skipif(not hasattr(os, "getpriority"), reason="Windows has no such priorities")
def test_decoders_yield_the_processors_to_answers():
    async def ask(pool: Decoders) -> tuple[int, int, int]:
        (pid,) = (process.pid for process in pool._all)
        return os.getpriority(os.PRIO_PROCESS, pid), os.getsid(pid), os.getpgid(pid)

    priority, session, group = with_decoders(Limits(decoders=1), ask)
    assert priority == min(19, os.getpriority(os.PRIO_PROCESS, 0) + 10)
    # Linux weighs sessions alike, whatever the priorities in them; the Ctrl-C of a terminal
    # reaches groups.
    assert session == os.getsid(0)
    assert group != os.getpgid(0)


def test_stopping_leaves_no_process(work_of, png):
    async def run() -> list[int | None]:
        pool = Decoders(Limits(decoders=2))
        await pool.start()
        processes = list(pool._all)
        await pool.stop()
        return [process.returncode for process in processes]

    assert all(code is not None for code in asyncio.run(run()))


def test_stopping_in_the_middle_of_a_picture_warns_of_no_unknown_child(caplog):
    """Both who decodes and who stops end the process; neither takes its status from asyncio."""

    async def run() -> list[object]:
        slow, pool = bomb(4000), Decoders(Limits(decoders=2))
        await pool.start()
        asked = [asyncio.create_task(pool.decode(slow, "b.png")) for _ in range(2)]
        await asyncio.sleep(0.1)
        await pool.stop()
        return await asyncio.wait_for(asyncio.gather(*asked, return_exceptions=True), 30)

    refused = asyncio.run(run())
    assert all(isinstance(one, ImageError) for one in refused)
    assert caplog.records == []


def test_polyglots_are_pictures_or_nothing(png, work_of):
    page = b"<html><script>alert(1)</script></html>"
    archive = png(work_of(1, 1)) + b"PK\x03\x04" + bytes(100)

    async def ask(pool: Decoders) -> Decoded:
        with pytest.raises(ImageError, match="not an image that can be read"):
            await pool.decode(page, "a.png")
        with pytest.raises(ImageError, match="not an image that can be read"):
            await pool.decode(b"%!PS-Adobe-3.0 EPSF-3.0\n" + page, "a.eps")
        return await pool.decode(archive, "a.zip")

    found = with_decoders(Limits(decoders=1), ask)
    assert isinstance(found, Decoded)
    assert isinstance(found.image, Image.Image)
