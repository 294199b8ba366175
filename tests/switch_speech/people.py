"""Callers and seats of a city whose machine answers, with a clock of their own: who heard what, and whose phone rang when."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from functools import cache
from typing import Self

import numpy as np

from asr.knowledge import CHINA, Entry
from hotline.city import City
from hotline.knowledge_files import starting_base
from hotline.rehearsal.answerers_live import Answerers, Rung
from hotline.rehearsal.callers_live import Callers
from hotline.rehearsal.hearing import find
from hotline.rehearsal.phones_live import Phones
from hotline.rehearsal.sound import RATE, Samples
from ivr.prompts import sound
from tests.switch.conftest import Town, city_text, moved, town
from tests.switch_speech.lines import Talker, ends, machine_ready, spoken

OFFER = "请说出您要问的事情"
"""a short one: most tests are not about the offer's words"""
ON = f'[speech]\ngreeting = true\noffer = ["{OFFER}"]\n'
CELL = "unicom"
AT_ONCE_S = 1.0


def hasty(speech: str = ON) -> str:
    """Heze with the shortest of greetings, so that the tests take minutes and not hours."""
    text, greetings = re.subn(
        r'greeting = \["您好，菏泽12345，请稍候。"\]', 'greeting = ["您好。"]', moved(city_text("heze"))
    )
    assert greetings == 1
    return f"{text}\n{speech}"


@cache
def entries() -> dict[str, Entry]:
    """What may be spoken today, by its id."""
    return {entry.id: entry for entry in starting_base().at(round(datetime.now(CHINA).timestamp() * 1000))}


@asynccontextmanager
async def answering_town(text: str | None = None, *, ready: bool = True) -> AsyncIterator[Town]:
    """The town with its machine, nobody writing after a call. ``ready``: wait until the machine takes callers."""
    async with town(City.read(hasty() if text is None else text, "heze")) as here:
        here.end_wrap_up_at_once()
        if ready:
            await machine_ready(here)
        yield here


@asynccontextmanager
async def seats(here: Town, count: int) -> AsyncIterator[Answerers]:
    """The first seats of the city with their people signed on; whoever rings there is answered at once, and never let go."""
    people = [(str(8001 + n), str(1001 + n)) for n in range(count)]
    async with Phones(here.logins(seat for seat, _ in people), here.sip) as phones:
        await here.sign_on(phones, people)
        await phones.unplug()
        phones._undeafen()  # its address is taken by somebody who sees more of an INVITE
        async with Answerers("seats", phones.bind, 450.0) as answerers:
            yield answerers


async def rung_for(there: Answerers, caller: str, within_s: float = 10.0) -> Rung:
    """The seat's ring for this caller."""
    deadline = time.monotonic() + within_s
    while True:
        found = [rung for rung in there.rung if rung.caller == caller]
        if found:
            return found[0]
        assert time.monotonic() < deadline, f"no seat rang for {caller} within {within_s:g} s"
        await asyncio.sleep(0.02)


class Guest(Talker):
    """A caller who listens on from where he last heard something: what he asks for once, he hears once."""

    since = 0

    @classmethod
    async def calls(cls, here: Town, callers: Callers, number: str, called: str = "12345") -> Self:
        """Dial, and be answered."""
        call = await callers.dial(called, number)
        await asyncio.wait_for(call.up.wait(), 10)
        assert call.answered is not None, f"{number}: {call.code}"
        return cls(here, callers, call)

    def hears(self, prompt: str, share: float = 0.7, first_s: float | None = None) -> bool:
        """Has this, or the first seconds of it, been heard since?"""
        if not self.sounds(prompt):
            return False
        wanted = self.prompt(prompt)[: None if first_s is None else round(first_s * RATE)]
        heard = self.call.heard()[self.since :]
        found = find(prompt, heard, wanted)
        if found is None or found.share < share:
            return False
        self.since += round(max(found.begins, 0) * RATE) + len(wanted) // 2
        return True

    def sounds(self, prompt: str) -> bool:
        """Is there a sound of this?"""
        return (self.here.platform.switch.settings.sounds / f"{sound(prompt)}.wav").exists()

    async def until_begins(self, prompt: str, first_s: float = 1.0, within_s: float = 15.0) -> None:
        """Wait until so much of this has been heard."""
        await self.until(lambda: self.hears(prompt, first_s=first_s), f"hears {prompt}", within_s)

    async def until_heard(self, prompt: str, within_s: float = 20.0) -> None:
        """Wait until this has been heard."""
        await self.until(lambda: self.hears(prompt), f"hears {prompt}", within_s)

    async def until(self, true: Callable[[], object], what: str, within_s: float) -> None:
        """Wait until it is so, while the call lasts."""
        deadline = time.monotonic() + within_s
        while not true():
            assert not self.call.over.is_set(), f"{self.call.caller}: the call ended before: {what}"
            assert time.monotonic() < deadline, (
                f"{self.call.caller}: not within {within_s:g} s: {what}: {self.said}"
            )
            await asyncio.sleep(0.2)

    async def hang_up(self) -> None:
        """Hang up."""
        await self.callers.hang_up(self.call)

    async def press(self, key: str) -> float:
        """Press keys; when the first of them was pressed."""
        began = time.monotonic()
        await self.callers.press(self.call, key)
        return began

    @property
    def said(self) -> list[tuple[str, str]]:
        """What the machine made of what this caller has said so far."""
        calls = self.here.platform.service.engine.state.calls.values()
        mine = [call for call in calls if call.caller == self.call.caller]
        return [(turn.did, turn.heard) for call in mine for spoken in call.speech for turn in spoken.turns]

    @property
    def conversing(self) -> bool:
        """Does the engine take this caller to be with the machine?"""
        state = self.here.platform.service.engine.state
        return any(call.caller == self.call.caller and call.converses for call in state.calls.values())


def first_voice(samples: Samples) -> int:
    """At which sample the first word begins: the first 20 ms louder than a fiftieth of the loudest."""
    frames = samples[: len(samples) // 160 * 160].reshape(-1, 160).astype(float)
    loud = np.sqrt(np.mean(frames**2, axis=1))
    return int(np.flatnonzero(loud > loud.max() / 50)[0]) * 160


async def say_over(guest: Guest, text: str) -> tuple[float, float]:
    """Say this; when its first word began, and when its last was over."""
    samples = spoken(text)
    left = await guest.callers.say(guest.call, samples)
    began = left - ((len(samples) + 159) // 160 * 160) / RATE
    return began + first_voice(samples) / RATE, began + ends(samples) / RATE


async def channels(here: Town) -> int:
    """How many channels the switch has."""
    said = await here.platform.switch.console("core show channels count")
    found = re.search(r"(\d+) active channel", said)
    assert found is not None, said
    return int(found[1])
