"""The threads that recognise: who is served by which, and what becomes of whoever is too fast."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable
from typing import Any

import pytest

from asr.pool_live import PARTIAL_FRAMES, PoolFull, RecognizerPool, Unheard
from asr.speech import Utterance, Word

FRAME = bytes(320)


def soon(waiting: Awaitable[Any]) -> Any:
    return asyncio.wait_for(waiting, 10)


class Counting:
    """A recogniser that counts its frames, and knows the thread that made it."""

    made: list[Counting]

    def __init__(self, grammar: tuple[str, ...]) -> None:
        self.grammar = grammar
        self.thread = threading.get_ident()
        self.frames = 0

    def accept(self, frame: bytes) -> None:
        assert threading.get_ident() == self.thread
        self.frames += 1

    @property
    def partial(self) -> str:
        return f"{self.frames}"

    def result(self) -> Utterance:
        assert threading.get_ident() == self.thread
        frames, self.frames = self.frames, 0
        return Utterance((Word(str(frames), 1.0),))


class Gated(Counting):
    """Recognises nothing before the gate is open."""

    gate = threading.Event()

    def accept(self, frame: bytes) -> None:
        self.gate.wait(10)
        super().accept(frame)


async def test_each_caller_has_his_own_recogniser_in_one_thread_and_the_threads_share_the_callers() -> None:
    made: list[Counting] = []

    def make(grammar: tuple[str, ...]) -> Counting:
        made.append(Counting(grammar))
        return made[-1]

    async with RecognizerPool(make, most=6, workers=3) as pool:
        ears = [pool.open() for _ in range(6)]
        for ear in ears:
            ear.begin()
        for count, ear in enumerate(ears):
            for _ in range(count):
                ear.accept(FRAME)
        texts = [(await soon(ear.result(5))).text for ear in ears]
    assert texts == ["0", "1", "2", "3", "4", "5"]
    assert len(made) == 6
    threads = [recognizer.thread for recognizer in made]
    assert sorted(threads.count(thread) for thread in set(threads)) == [2, 2, 2]
    assert threading.get_ident() not in threads


async def test_an_utterance_hears_nothing_of_the_one_before_even_if_nobody_asked_for_that() -> None:
    async with RecognizerPool(Counting, most=1, workers=1) as pool:
        ear = pool.open()
        for _ in range(2):
            ear.begin()
            for _ in range(7):
                ear.accept(FRAME)
        assert (await soon(ear.result(5))).text == "7"


async def test_a_recogniser_is_made_anew_only_for_other_hot_words() -> None:
    made: list[tuple[str, ...]] = []

    def make(grammar: tuple[str, ...]) -> Counting:
        made.append(grammar)
        return Counting(grammar)

    async with RecognizerPool(make, most=1, workers=1) as pool:
        ear = pool.open()
        for hot in ((), (), ("是",), ("是",), ()):
            ear.begin(hot)
        await soon(ear.result(5))
    assert made == [(), ("是",), ()]


async def test_one_caller_too_many_is_told_and_gets_the_place_of_one_who_left() -> None:
    async with RecognizerPool(Counting, most=2, workers=2) as pool:
        first, _second = pool.open(), pool.open()
        with pytest.raises(PoolFull, match="2 callers"):
            pool.open()
        first.close()
        first.close()
        pool.open()
        assert (pool.in_use, pool.counts.refused_full) == (2, 1)
    with pytest.raises(PoolFull):
        pool.open()


async def test_who_is_faster_than_the_recogniser_loses_frames_is_told_and_then_served_again() -> None:
    Gated.gate.clear()
    async with RecognizerPool(Gated, most=1, workers=1, behind_frames=10) as pool:
        ear = pool.open()
        ear.begin()
        for _ in range(25):
            ear.accept(FRAME)
        assert ear.dropped == pool.counts.dropped_frames == 15
        Gated.gate.set()
        with pytest.raises(Unheard, match="15 frames"):
            await soon(ear.result(5))
        ear.begin()
        ear.accept(FRAME)
        assert (await soon(ear.result(5))).text == "1"


async def test_a_recogniser_that_hangs_is_not_waited_for() -> None:
    Gated.gate.clear()
    async with RecognizerPool(Gated, most=1, workers=1) as pool:
        ear = pool.open()
        ear.begin()
        ear.accept(FRAME)
        with pytest.raises(Unheard, match=r"within 0\.05 s"):
            await soon(ear.result(0.05))
        Gated.gate.set()


async def test_whoever_waits_for_a_result_is_told_when_his_place_or_the_pool_is_closed() -> None:
    Gated.gate.clear()
    async with RecognizerPool(Gated, most=2, workers=1) as pool:
        ears = [pool.open(), pool.open()]
        for ear in ears:
            ear.begin()
            ear.accept(FRAME)
        waiting = [asyncio.ensure_future(ear.result(5)) for ear in ears]
        await asyncio.sleep(0)
        ears[0].close()
        with pytest.raises(Unheard, match="closed"):
            await soon(waiting[0])
        closing = asyncio.ensure_future(pool.close())
        with pytest.raises(Unheard, match="closed"):
            await soon(waiting[1])
        Gated.gate.set()
        await soon(closing)
    with pytest.raises(Unheard, match="closed"):
        await ears[0].result(5)


async def test_what_a_library_raises_is_one_callers_fault_and_no_others() -> None:
    class Fragile(Counting):
        def accept(self, frame: bytes) -> None:
            if any(frame):
                raise OSError("torn")
            super().accept(frame)

    async with RecognizerPool(Fragile, most=2, workers=1) as pool:
        good, bad = pool.open(), pool.open()
        good.begin()
        bad.begin()
        bad.accept(b"\1" * 320)
        bad.accept(FRAME)
        good.accept(FRAME)
        with pytest.raises(Unheard, match="torn"):
            await soon(bad.result(5))
        assert (await soon(good.result(5))).text == "1"
        bad.begin()
        assert (await soon(bad.result(5))).text == "0"
    assert pool.counts.failed == 1


async def test_a_recogniser_that_cannot_be_made_is_a_fault_of_that_call() -> None:
    def make(grammar: tuple[str, ...]) -> Counting:
        raise MemoryError

    async with RecognizerPool(make, most=1, workers=1) as pool:
        ear = pool.open()
        ear.begin()
        ear.accept(FRAME)
        with pytest.raises(Unheard, match="MemoryError"):
            await soon(ear.result(5))


async def test_what_has_been_understood_so_far_is_told_while_the_caller_speaks() -> None:
    told: list[str] = []
    async with RecognizerPool(Counting, most=1, workers=1) as pool:
        ear = pool.open()
        ear.begin((), told.append)
        for _ in range(PARTIAL_FRAMES * 3):
            ear.accept(FRAME)
        await soon(ear.result(5))
    assert told == ["10", "20", "30"]
