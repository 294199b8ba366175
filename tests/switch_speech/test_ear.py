"""A talk at a seat written down as it goes, on the real switch: what is published to whom, and that the talk never notices."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from acd.agents import Activity
from acd.calls import CallState
from acd.messages import (
    AgentAnswered,
    EarAsked,
    Event,
    Millis,
    SwitchSurveyed,
    TransferAsked,
    TransferSteered,
)
from acd.parties import Stage
from hotline.control import FILE
from hotline.ear import Begun, Ended, Published, Said
from hotline.ear_reading import reading
from hotline.rehearsal.callers_live import Callers
from hotline.rehearsal.manners import Manner
from hotline.rehearsal.phones_live import Phones
from hotline.rehearsal.sound import RATE, write_wav
from tests.switch.conftest import Town
from tests.switch_gone.running import Run
from tests.switch_speech.lines import Talker, spoken, talkers
from tests.switch_speech.people import answering_town, hasty

pytestmark = pytest.mark.switch

SEAT, AGENT, OTHER = "8001", "1001", "1002"
QUESTION, ENTRY = "公积金怎么提取", "gjj.withdraw"
SEATS_WORDS = "谢谢你"
PAUSE_S = 3.0
TRANSCRIPT = """
[speech]
transcript = true
"""


@dataclass
class Reader:
    """A console at the door. ``told``: what it was told."""

    answer: asyncio.Future[dict[str, object]]
    told: list[Published] = field(default_factory=list)

    def said(self, who: str) -> list[Said]:
        return [one for one in self.told if isinstance(one, Said) and one.final and one.who == who]

    def count(self, kind: type[Published]) -> int:
        return sum(isinstance(one, kind) for one in self.told)


@asynccontextmanager
async def console(here: Town, asked: EarAsked) -> AsyncIterator[Reader]:
    reader = Reader(asyncio.get_running_loop().create_future())

    async def read() -> None:
        async with contextlib.aclosing(reading(here.platform.place.home / FILE, asked)) as told:
            async for one in told:
                if isinstance(one, dict):
                    reader.answer.set_result(one)
                else:
                    reader.told.append(one)

    task = asyncio.create_task(read())
    try:
        yield reader
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def at_the_seat(here: Town, scratch: Path, *seats: str) -> AsyncIterator[Phones]:
    """The seats, whose people say the same few words again and again."""
    people = [(seat, f"1{seat[1:]}") for seat in seats or (SEAT,)]
    words = spoken(SEATS_WORDS)
    pause = np.zeros(round(PAUSE_S * RATE), dtype=np.int16)
    path = scratch / "seat.wav"
    write_wav(path, np.concatenate([pause, words, pause]))
    async with Phones(
        here.logins([seat for seat, _ in people]), here.sip, manner=Manner(sound=path)
    ) as phones:
        await here.sign_on(phones, people)
        yield phones


async def dials(here: Town, callers: Callers, number: str) -> Talker:
    """A caller on his way."""
    return Talker(here, callers, await callers.dial("12345", number))


async def talks(here: Town, caller: Talker) -> None:
    """The seat has answered him."""
    calls = here.platform.service.engine.state.calls
    await here.until(
        lambda: any(
            call.caller == caller.call.caller and call.state is CallState.TALKING for call in calls.values()
        ),
        "the seat talks to the caller",
        40,
    )


async def ears_on_the_switch(here: Town) -> list[str]:
    """The channels of ears that there are."""
    link = here.platform.asterisk.link
    assert link is not None
    rows = await link.status(())
    return [row["Channel"] for row in rows if "hotline-ear" in row.get("Channel", "")]


async def until_ears(here: Town, count: int, within_s: float = 10.0) -> None:
    deadline = time.monotonic() + within_s
    while len(found := await ears_on_the_switch(here)) != count:
        assert time.monotonic() < deadline, f"{count} channels of ears are wanted, there are {found}"
        await asyncio.sleep(0.05)


async def until_gone(here: Town, channels: list[str], within_s: float = 10.0) -> None:
    """Wait until none of these is there any more; others may be."""
    deadline = time.monotonic() + within_s
    while left := set(channels) & set(await ears_on_the_switch(here)):
        assert time.monotonic() < deadline, f"still there: {left}"
        await asyncio.sleep(0.05)


async def say_until_read(talker: Talker, screen: Reader) -> None:
    """The caller asks, and the console shows it with the entry that helps."""
    here, before = talker.here, len(screen.said("caller"))
    await talker.say(QUESTION)
    await here.until(lambda: len(screen.said("caller")) > before, "the question is published")
    asked = screen.said("caller")[before]
    assert asked.text.replace(" ", "") == QUESTION
    assert asked.suggestions[0].entry == ENTRY


async def test_what_the_caller_and_the_seat_say_is_published_with_the_entry_that_helps(
    tmp_path: Path,
) -> None:
    async with (
        answering_town(hasty(TRANSCRIPT)) as here,
        at_the_seat(here, tmp_path),
        talkers(here) as callers,
        console(here, EarAsked(SEAT)) as screen,
        console(here, EarAsked(by="1002")) as colleague,
    ):
        assert await screen.answer == {"said": [], "done": True}
        heard_before: list[bool] = []
        caller = await dials(here, callers, "13800000001")

        def answers(event: Event, _: Millis) -> None:
            if isinstance(event, AgentAnswered):
                heard_before.append(caller.hears("speech-notice"))

        here.platform.service.watchers.events.append(answers)
        await talks(here, caller)
        assert heard_before == [True], "the notice comes before the seat answers"
        await here.until(lambda: screen.count(Begun), "the talk is written down")
        await until_ears(here, 4)
        await say_until_read(caller, screen)
        assert {(one.seat, one.agent) for one in screen.said("caller")} == {(SEAT, AGENT)}
        await here.until(lambda: screen.said("seat"), "the seat's words are published", 20)
        assert {one.text.replace(" ", "") for one in screen.said("seat")} == {SEATS_WORDS}
        assert {one.suggestions for one in screen.said("seat")} == {()}
        await callers.hang_up(caller.call)
        await here.until(lambda: screen.count(Ended), "the talk is over")
        await until_ears(here, 0)
        assert await colleague.answer == {"said": [], "done": True}
        assert colleague.told == [], "others' talks are not for everybody"
        written = [
            text.encode(code) for text in (QUESTION, SEATS_WORDS) for code in ("utf-8", "unicode-escape")
        ]
        written += [text.replace("金", "金 ").encode() for text in (QUESTION,)]
        home = here.platform.place.home
        kept = [path for path in home.rglob("*") if path.is_file() and path.parent != home / "sounds"]
        assert kept
        assert [path for path in kept for words in written if words in path.read_bytes()] == []


async def test_nothing_is_published_and_no_channel_made_where_the_city_does_not_say_so(
    tmp_path: Path,
) -> None:
    async with (
        answering_town() as here,
        at_the_seat(here, tmp_path),
        talkers(here) as callers,
        console(here, EarAsked(SEAT)) as screen,
    ):
        assert await screen.answer == {"said": [], "done": True}
        caller = await dials(here, callers, "13800000001")
        await talks(here, caller)
        await caller.say(QUESTION)
        here.platform.service.post(TransferSteered("nobody", "toggle"))
        await here.platform.service.settled()
        assert await ears_on_the_switch(here) == []
        assert screen.told == []
        assert not caller.hears("speech-notice")


async def test_the_talk_goes_on_when_the_speech_process_dies_and_is_written_down_again_when_it_is_back(
    tmp_path: Path,
) -> None:
    async with (
        answering_town(hasty(TRANSCRIPT)) as here,
        at_the_seat(here, tmp_path),
        talkers(here) as callers,
        console(here, EarAsked(by=AGENT)) as screen,
    ):
        caller = await dials(here, callers, "13800000001")
        await talks(here, caller)
        await until_ears(here, 4)
        (call,) = here.platform.service.engine.state.calls
        link = here.platform.speech.link
        assert link is not None

        def told(kind: type[Published], times: int) -> Callable[[], bool]:
            return lambda: screen.count(kind) == times

        for n, blow in enumerate((signal.SIGKILL, signal.SIGSTOP), 1):
            before = await ears_on_the_switch(here)
            assert link.pid is not None
            os.kill(link.pid, blow)
            await here.until(told(Ended, n), "the console is told", 15)
            await until_gone(here, before)
            await here.until(told(Begun, n + 1), "it is written down again", 30)
            await until_ears(here, 4)
            await say_until_read(caller, screen)
        assert list(here.platform.service.engine.state.calls) == [call]
        assert not caller.call.over.is_set()
        at = time.monotonic()
        await here.until(lambda: any(loud > at for loud in caller.call.loud), "the seat is heard")
        await callers.hang_up(caller.call)
        await until_ears(here, 0)


async def test_a_survey_takes_no_ear_for_a_call_or_a_seats_own_talk(tmp_path: Path) -> None:
    async with (
        answering_town(hasty(TRANSCRIPT)) as here,
        at_the_seat(here, tmp_path),
        talkers(here) as callers,
        console(here, EarAsked(by=AGENT)) as screen,
    ):
        caller = await dials(here, callers, "13800000001")
        await talks(here, caller)
        await until_ears(here, 4)
        before = await ears_on_the_switch(here)
        here.platform.asterisk.gap()
        await here.until(lambda: isinstance(here.events[-1][0], SwitchSurveyed), "the switch is surveyed", 10)
        surveyed = here.events[-1][0]
        assert isinstance(surveyed, SwitchSurveyed)
        assert [(seen.state, seen.seat) for seen in surveyed.channels] == [("talking", SEAT)]
        assert here.platform.asterisk.own == {}
        assert await ears_on_the_switch(here) == before
        await say_until_read(caller, screen)
        assert screen.count(Begun) == 1
        assert here.agent(AGENT).activity is Activity.TALKING


async def test_in_a_room_with_a_third_party_it_is_the_seat_and_the_caller_who_are_written_down(
    tmp_path: Path,
) -> None:
    async with (
        answering_town(hasty(TRANSCRIPT)) as here,
        at_the_seat(here, tmp_path, "8001", "8002"),
        talkers(here) as callers,
        console(here, EarAsked(by=AGENT)) as screen,
        console(here, EarAsked(by=OTHER)) as second,
    ):
        caller = await dials(here, callers, "13800000001")
        await talks(here, caller)
        await until_ears(here, 4)
        (call,) = here.platform.service.engine.state.calls.values()
        assert call.agent is not None
        first, later = (screen, second) if call.agent == AGENT else (second, screen)
        to = "8002" if call.seat == "8001" else "8001"
        here.platform.service.post(TransferAsked(call.call, "three-way", to, call.agent))
        await here.until(
            lambda: call.transfer and call.transfer.stage is Stage.TOGETHER, "all three talk", 20
        )
        await here.until(lambda: first.count(Begun) == first.count(Ended) + 1, "it is written down there")
        await until_ears(here, 4)
        await say_until_read(caller, first)
        here.platform.service.post(TransferSteered(call.call, "complete", call.agent))
        await here.until(lambda: later.count(Begun), "the other seat has the caller", 20)
        await until_ears(here, 4)
        await say_until_read(caller, later)
        await here.until(lambda: later.said("seat"), "the other seat's words are published", 20)
        await callers.hang_up(caller.call)
        await until_ears(here, 0)


async def test_no_ear_outlives_the_engine_and_the_next_engine_writes_the_same_talk_down(
    tmp_path: Path,
) -> None:
    run = Run("127.8.14")
    run.file.write_text(run.file.read_text("utf-8").replace("[speech]\n", TRANSCRIPT.lstrip()), "utf-8")

    async def ears() -> set[str]:
        return set(
            re.findall(
                r"Local/spy@hotline-ear-\w+;[12]", await run.switch.console("core show channels concise")
            )
        )

    async def until(true: Callable[[set[str]], bool], what: str) -> set[str]:
        deadline = time.monotonic() + 40
        while not true(found := await ears()):
            assert time.monotonic() < deadline, f"{what}: {found}"
            await asyncio.sleep(0.1)
        return found

    try:
        await run.start()
        async with run.phones(1, 600.0) as phones, Callers(run.far("unicom")[0], run.sip) as callers:
            await run.sign_on(phones)
            await run.until(lambda: run.events("speech is answered"), "the speech process serves", 40)
            call = await callers.dial("12345", "13800000001")
            before = await until(lambda found: len(found) == 4, "the talk is written down")
            os.kill(run.worker(), signal.SIGKILL)
            heard = {one for one in before if one.endswith(";1")}
            await until(lambda found: not found & heard, "nothing is led to the former speech process")
            await until(lambda found: len(found - before) == 4, "the talk is written down again")
            # Nobody's phone has sent a packet of sound, and ChanSpy waits for one before it goes.
            await callers.say(call, np.zeros(RATE // 50, dtype=np.int16))
            await until(lambda found: len(found) == 4 and not found & before, "the former ears are gone")
            assert not call.over.is_set()
            await callers.hang_up(call)
            await until(lambda found: not found, "none is left")
        await run.stop()
    finally:
        await run.clear()
