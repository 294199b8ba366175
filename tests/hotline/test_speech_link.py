"""The engine's link to the speech process: the process is killed, hangs, can't serve, talks nonsense; the engine always knows."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import sys
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from hotline.speech_link import COMMAND, SILENT_S, Callbacks, SpeechLink, pauses
from hotline.speech_words import FD, Over, Overhear, Settings, Text, Turn
from tests.hotline.speech_callers import FUND, Caller, expected, recorded, settings, soon, spoken


class Engine:
    """What the engine is told, in order."""

    def __init__(self) -> None:
        self.capacities: list[int] = []
        self.turns: list[Turn] = []
        self.texts: list[Text] = []
        self._news = asyncio.Event()

    def callbacks(self) -> Callbacks:
        return Callbacks(self._capacity, self.turns.append, self.texts.append)

    def _capacity(self, most: int) -> None:
        self.capacities.append(most)
        self._news.set()

    async def told(self, *capacities: int) -> None:
        """Wait until exactly these have been told in all."""
        async with asyncio.timeout(60):
            while len(self.capacities) < len(capacities):
                self._news.clear()
                await self._news.wait()
        assert self.capacities == list(capacities)


@asynccontextmanager
async def linked(
    told: Settings, command: Sequence[str] = COMMAND
) -> AsyncIterator[tuple[SpeechLink, Engine]]:
    engine = Engine()
    link = SpeechLink(told, engine.callbacks(), command=command)
    link.start()
    try:
        yield link, engine
    finally:
        pid = link.pid
        await link.close()
        if pid is not None:
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)
        assert link.ready is None


async def started(link: SpeechLink, times: int) -> None:
    async with asyncio.timeout(60):
        while link.starts < times:  # noqa: ASYNC110 (a state of another process)
            await asyncio.sleep(0.01)


async def come(link: SpeechLink, name: str) -> Caller:
    assert link.ready is not None
    caller = Caller(link.ready.port, name=name)
    await caller.begin()
    await soon(caller.hear_prompt(1))
    return caller


async def test_a_conversation_is_told_turn_by_turn_and_its_outcome_once(tmp_path: Path) -> None:
    async with linked(await settings(tmp_path, FUND)) as (link, engine):
        assert await link.expect(expected()) is None  # nobody is there yet
        await engine.told(10)
        told = expected(sms=True)
        assert await link.expect(told) == ("127.0.0.1", link.ready and link.ready.port)
        assert await link.expect(told) is None  # the name is taken
        caller = await come(link, told.uuid)
        await caller.asked()
        caller.say(recorded("e23"))
        await caller.interrupted()
        caller.say(spoken("发短信"))
        await caller.interrupted()
        caller.press("0")
        assert await link.outcome(told.uuid, 20) == Over(told.uuid, told.call, "key")
        assert [turn.did for turn in engine.turns] == ["answered", "sms", "key"]
        assert [text.text for text in engine.texts] == [FUND.sms]
        await soon(caller.over())
        assert (await link.outcome(told.uuid, 20)).over == "failed"  # it was told already
    assert engine.capacities == [10, 0]


async def test_a_process_that_is_killed_in_mid_sentence_lets_everybody_go_and_another_serves(
    tmp_path: Path,
) -> None:
    async with linked(await settings(tmp_path, FUND)) as (link, engine):
        await engine.told(10)
        speaking, listening, decided, coming = (expected() for _ in range(4))
        for one in (speaking, listening, decided, coming):
            assert await link.expect(one) is not None
        callers = [await come(link, one.uuid) for one in (speaking, listening, decided)]
        callers[2].press("1")
        await soon(callers[2].over())
        callers[0].say(recorded("e23"))
        waiting = asyncio.create_task(link.outcome(listening.uuid, 60))
        await callers[0].silent(30)
        killed = link.pid
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        await engine.told(10, 0, 10)
        assert await waiting == Over(listening.uuid, listening.call, "failed")
        for one in (speaking, coming):
            assert await link.outcome(one.uuid, 60) == Over(one.uuid, one.call, "failed")
        assert (await link.outcome(decided.uuid, 60)).over == "key"  # what was decided before stays so
        for caller in callers[:2]:
            await soon(caller.over())
        assert link.pid != killed
        again = expected()
        assert await link.expect(again) is not None
        caller = await come(link, again.uuid)
        caller.press("5")
        assert (await link.outcome(again.uuid, 20)).over == "key"
        await soon(caller.over())


async def test_a_process_that_hangs_is_killed_and_another_serves(tmp_path: Path) -> None:
    async with linked(await settings(tmp_path, FUND)) as (link, engine):
        await engine.told(10)
        told, late = expected(), expected()
        assert await link.expect(told) is not None
        caller = await come(link, told.uuid)
        assert link.pid is not None
        os.kill(link.pid, signal.SIGSTOP)
        assert await link.expect(late) is None  # it does not answer: nobody is sent there
        assert await link.outcome(told.uuid, 60) == Over(told.uuid, told.call, "failed")
        await engine.told(10, 0, 10)
        await soon(caller.over())


async def test_a_process_is_not_blamed_when_it_is_the_engine_that_stood_still(tmp_path: Path) -> None:
    async with linked(await settings(tmp_path, FUND)) as (link, engine):
        await engine.told(10)
        process = link.pid
        for _ in range(2):
            time.sleep(SILENT_S + 0.3)  # noqa: ASYNC251 (the whole loop is to stand still)
            await asyncio.sleep(0.3)
        assert (link.pid, link.starts, engine.capacities) == (process, 1, [10])


async def test_an_outcome_that_does_not_come_in_time_is_a_failure_and_ends_the_stream(tmp_path: Path) -> None:
    async with linked(await settings(tmp_path, FUND)) as (link, engine):
        await engine.told(10)
        told = expected()
        assert await link.expect(told) is not None
        caller = await come(link, told.uuid)
        assert (await link.outcome(told.uuid, 0.01)).over == "failed"
        await soon(caller.over())
        assert (await link.outcome(str(uuid.uuid4()), 20)).over == "failed"  # nobody knows this one


async def test_a_seat_that_is_free_ends_a_stream(tmp_path: Path) -> None:
    async with linked(await settings(tmp_path, FUND)) as (link, engine):
        await engine.told(10)
        told, overheard = expected(), Overhear(str(uuid.uuid4()), "call-2", "caller")
        assert await link.expect(told) is not None
        assert await link.overhear(overheard) is not None
        caller = await come(link, told.uuid)
        link.end(told.uuid)
        link.end(overheard.uuid)
        link.end(str(uuid.uuid4()))
        assert await link.outcome(told.uuid, 20) == Over(told.uuid, told.call, "seat")
        assert (await link.outcome(overheard.uuid, 20)).over == "seat"
        await soon(caller.over())


async def test_a_model_that_is_missing_is_told_once_and_costs_little(tmp_path: Path) -> None:
    told = await settings(tmp_path, FUND, model=str(tmp_path / "nowhere"))
    with capture_logs() as logs:
        async with linked(told) as (link, engine):
            await started(link, 3)
            assert link.fault.startswith("speech.model: ")
            assert await link.expect(expected()) is None
            assert engine.capacities == []
    assert [entry["fault"] for entry in logs if "fault" in entry] == [link.fault]
    waited = [entry["pause_s"] for entry in logs if "pause_s" in entry]
    assert waited[:2] == [0.0, 0.1]


async def test_whatever_talks_nonsense_or_nothing_at_all_is_ended_and_started_again(tmp_path: Path) -> None:
    said = f"import os; os.write(int(os.environ['{FD}']), b'good morning\\n'); input()"
    for command in (
        [sys.executable, "-c", said],
        ["/bin/true"],
        ["/bin/sh", "-c", f"head -c 3000000 /dev/zero >&${FD}; sleep 60"],
        [str(tmp_path / "no program")],
    ):
        with capture_logs() as logs:
            async with linked(await settings(tmp_path), command) as (link, engine):
                async with asyncio.timeout(60):
                    while sum("pause_s" in entry for entry in logs) < 2:  # noqa: ASYNC110
                        await asyncio.sleep(0.01)
                assert engine.capacities == [], shlex.join(command)
                assert link.ready is None


def test_no_pause_is_longer_than_half_a_minute_and_the_second_start_comes_at_once() -> None:
    given = pauses()
    told = [next(given) for _ in range(14)]
    assert told[:5] == [0.0, 0.1, 0.2, 0.4, 0.8]
    assert told[-3:] == [30.0, 30.0, 30.0]
