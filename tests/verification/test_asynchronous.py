"""The facade for asyncio: the same answers, while the event loop keeps running."""

import asyncio
import threading

import pytest

from samehand import AsyncSameHand, Unreadable
from samehand.errors import ImageError, ModelError


def test_the_answers_are_those_of_the_facade(verifier, work_of):
    pictures = [work_of(1, number) for number in range(3)]

    async def ask():
        async with AsyncSameHand(verifier) as model:
            one, two = await model.open(pictures[0], "one"), await model.open(pictures[1], "two")
            return await asyncio.gather(
                model.compare(one, two, prior=0.1),
                model.explain(one, two, influence=False),
                model.embed(pictures),
            )

    verdict, evidence, rows = asyncio.run(ask())
    expected = verifier.compare(pictures[0], pictures[1], prior=0.1)
    assert (verdict.left, verdict.right) == ("one", "two")
    assert (verdict.score, verdict.probability) == (expected.score, expected.probability)
    assert evidence == verifier.explain(pictures[0], pictures[1], influence=False)
    assert (rows == verifier.embed(pictures)).all()


def test_the_event_loop_runs_while_a_question_is_answered(verifier):
    """The question waits for the loop: had it blocked the loop, neither would ever end."""
    reached = threading.Event()

    class Slow:
        def read(self) -> bytes:
            assert reached.wait(20)
            raise OSError("the plate broke")

    async def ask() -> None:
        async with AsyncSameHand(verifier) as model:
            asked = asyncio.create_task(model.open(Slow()))
            await asyncio.sleep(0)
            reached.set()
            with pytest.raises(ImageError):
                await asked

    asyncio.run(ask())


def test_many_paintings_are_streamed_with_a_sentence_for_a_bad_one(verifier, work_of, tmp_path):
    work_of(1, 0).save(tmp_path / "good.png")
    (tmp_path / "bad.png").write_bytes(b"nothing")
    paths = [tmp_path / "good.png", tmp_path / "bad.png", tmp_path / "good.png"]

    async def ask():
        async with AsyncSameHand(verifier) as model:
            return [found async for found in model.embed_many(paths)]

    one, bad, again = asyncio.run(ask())
    assert isinstance(bad, Unreadable)
    assert one[0] == str(paths[0])
    assert (one[1] == again[1]).all()


def test_a_stream_that_is_left_early_ends_its_threads(verifier, work_of):
    read = []

    def pictures():
        for number in range(1000):
            read.append(number)
            yield work_of(1, 0)

    async def ask() -> None:
        async with AsyncSameHand(verifier) as model:
            stream = model.open_many(pictures())
            async for _ in stream:
                break
            await stream.aclose()

    asyncio.run(ask())
    assert len(read) < 20
    assert not [one for one in threading.enumerate() if one.name.startswith("samehand-")]


def test_a_question_that_is_cancelled_before_its_turn_is_never_asked(verifier):
    asked = []
    free = threading.Event()

    async def ask() -> None:
        async with AsyncSameHand(verifier) as model:
            first = asyncio.create_task(model.run(free.wait, 20))
            second = asyncio.create_task(model.run(asked.append, 1))
            await asyncio.sleep(0)
            second.cancel()
            free.set()
            assert await first

    asyncio.run(ask())
    assert asked == []


def test_two_workers_answer_two_questions_at_one_time(verifier):
    both = threading.Barrier(2, timeout=20)

    async def ask() -> list[int]:
        async with AsyncSameHand(verifier, workers=2) as model:
            return await asyncio.gather(model.run(both.wait), model.run(both.wait))

    assert sorted(asyncio.run(ask())) == [0, 1]


def test_a_model_that_is_not_there_is_one_sentence():
    with pytest.raises(ModelError, match="no model folder"):
        AsyncSameHand("nowhere")
