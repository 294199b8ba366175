"""A talk at a seat written down as it goes, on the real switch: what is published to whom, and that the talk never notices."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from acd.calls import CallState
from acd.messages import EarAsked
from hotline.cli_ear import lines, reading
from hotline.control import FILE
from hotline.ear import Begun, Ended, Published, Said
from hotline.rehearsal.callers_live import Call, Callers
from hotline.rehearsal.manners import Manner
from hotline.rehearsal.phones_live import Phones
from hotline.rehearsal.sound import RATE, Samples, read_wav, write_wav
from tests.switch.conftest import Town
from tests.switch_speech.lines import Talker, ends, recordings, speaking_town, spoken, talkers

SEAT, AGENT = "8001", "1001"
QUESTION, ENTRY = "公积金怎么提取", "gjj.withdraw"
SEATS_WORDS = "谢谢你"
PAUSE_S = 3.0
TRANSCRIPT = """
[speech]
transcript = true
"""


@dataclass
class Reader:
    """A console at the door. ``told``: what it was told, with the instants of the monotonic clock."""

    answer: asyncio.Future[dict[str, object]]
    told: list[tuple[float, Published]] = field(default_factory=list)

    def said(self, who: str) -> list[Said]:
        return [one for _, one in self.told if isinstance(one, Said) and one.final and one.who == who]

    def count(self, kind: type[Published]) -> int:
        return sum(isinstance(one, kind) for _, one in self.told)


@asynccontextmanager
async def console(here: Town, asked: EarAsked) -> AsyncIterator[Reader]:
    reader = Reader(asyncio.get_running_loop().create_future())

    async def read() -> None:
        async with contextlib.aclosing(reading(here.platform.place.home / FILE, asked)) as told:
            async for one in told:
                if isinstance(one, dict):
                    reader.answer.set_result(one)
                else:
                    reader.told.append((time.monotonic(), one))

    task = asyncio.create_task(read())
    try:
        yield reader
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def at_the_seat(here: Town, scratch: Path) -> AsyncIterator[Phones]:
    """The seat, whose person says the same few words again and again."""
    words = spoken(SEATS_WORDS)
    pause = np.zeros(round(PAUSE_S * RATE), dtype=np.int16)
    path = scratch / "seat.wav"
    write_wav(path, np.concatenate([pause, words, pause]))
    async with Phones(here.logins([SEAT]), here.sip, manner=Manner(sound=path)) as phones:
        await here.sign_on(phones, [(SEAT, AGENT)])
        yield phones


async def talk(here: Town, callers: Callers, caller: str) -> Talker:
    """A caller whom the seat has answered."""
    talker = Talker(here, callers, await callers.dial("12345", caller))
    await here.until(
        lambda: any(
            call.caller == caller and call.state is CallState.TALKING
            for call in here.platform.service.engine.state.calls.values()
        ),
        "the seat talks to the caller",
        40,
    )
    return talker


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


def heard_seat(call: Call, last_s: float) -> bool:
    """Was anything loud heard in the last seconds?"""
    return any(at > time.monotonic() - last_s for at in call.loud)


async def test_what_the_caller_and_the_seat_say_is_published_with_the_entry_that_helps(tmp_path: Path) -> None:
    async with (
        speaking_town(TRANSCRIPT) as here,
        at_the_seat(here, tmp_path),
        talkers(here) as callers,
        console(here, EarAsked(SEAT)) as screen,
        console(here, EarAsked(by="1002")) as colleague,
    ):
        assert await screen.answer == {"said": [], "done": True}
        caller = await talk(here, callers, "13800000001")
        assert caller.hears("speech-notice"), "the notice comes before the seat answers"
        await here.until(lambda: screen.count(Begun), "the talk is written down")
        await until_ears(here, 4)
        over = await caller.say(QUESTION)
        await here.until(lambda: screen.said("caller"), "the question is published")
        at, (said,) = next(at for at, one in screen.told if one in screen.said("caller")), screen.said("caller")
        print(f"delay {at - over:.3f} s: {lines(said)}")
        assert said.text.replace(" ", "") == QUESTION
        assert (said.seat, said.agent) == (SEAT, AGENT)
        assert said.suggestions[0].entry == ENTRY
        await here.until(lambda: screen.said("seat"), "the seat's words are published", 20)
        assert {one.text.replace(" ", "") for one in screen.said("seat")} == {SEATS_WORDS}
        assert {one.suggestions for one in screen.said("seat")} == {()}
        await callers.hang_up(caller.call)
        await here.until(lambda: screen.count(Ended), "the talk is over")
        await until_ears(here, 0)
        assert await colleague.answer == {"said": [], "done": True}
        assert colleague.told == [], "others' talks are not for everybody"
