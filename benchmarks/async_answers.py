"""What AsyncSameHand costs, and how long it keeps the event loop.

    python benchmarks/async_answers.py [N]

Answers N questions (20 unless told) one after the other with SameHand, then with AsyncSameHand
while another task wakes every 5 ms and notes by how much it comes too late.
"""

import asyncio
import statistics
import sys
import time

from shared import EXAMPLES

from samehand import AsyncSameHand, SameHand


async def awaited(model: SameHand, count: int) -> tuple[float, list[float]]:
    late: list[float] = []

    async def watch() -> None:
        while True:
            due = time.perf_counter() + 0.005
            await asyncio.sleep(0.005)
            late.append(time.perf_counter() - due)

    async with AsyncSameHand(model) as asking:
        watching = asyncio.create_task(watch())
        started = time.perf_counter()
        for _ in range(count):
            await asking.compare(*EXAMPLES)
        spent = time.perf_counter() - started
        watching.cancel()
    return spent / count, late


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    model = SameHand(threads=1)
    model.compare(*EXAMPLES)
    started = time.perf_counter()
    for _ in range(count):
        model.compare(*EXAMPLES)
    plain = (time.perf_counter() - started) / count
    spent, late = asyncio.run(awaited(model, count))
    late.sort()
    print(f"SameHand       {1000 * plain:6.0f} ms a question")
    print(f"AsyncSameHand  {1000 * spent:6.0f} ms a question")
    print(
        f"event loop     late by {1000 * statistics.median(late):.1f} ms at the median, "
        f"{1000 * late[int(0.99 * len(late))]:.1f} ms at the 99th percentile"
    )


if __name__ == "__main__":
    main()
