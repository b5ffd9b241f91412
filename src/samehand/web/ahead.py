"""Work that does not wait for a client who reads its answer slowly."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TypeVar

Item = TypeVar("Item")


async def ahead(items: AsyncGenerator[Item, None]) -> AsyncIterator[Item]:
    """Yield items, which are made as fast as they can be, however slowly they are taken.

    A generator that holds a turn gives it back when its work is done, and not when the last byte
    has been read. If the reader goes away, the work is cancelled once: the task groups of anyio
    cancel what they hold again and again, also while it cleans up.

    Args:
        items: What makes them.
    """
    made: asyncio.Queue[tuple[Item] | None] = asyncio.Queue()

    async def make() -> None:
        try:
            async for item in items:
                made.put_nowait((item,))
        finally:
            made.put_nowait(None)
            await items.aclose()

    making = asyncio.create_task(make())
    try:
        while (item := await made.get()) is not None:
            yield item[0]
        await making
    finally:
        making.cancel()
