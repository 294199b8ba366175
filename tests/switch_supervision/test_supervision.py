"""Supervisors on a real switch: who hears whom, in all directions, by tones; whatever a supervisor does, the call goes on."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

import numpy as np
import pytest
import pytest_asyncio

from acd.agents import Activity
from acd.messages import AuditEntry, SuperviseAsked
from acd.watches import WatchState
from hotline import audit
from hotline.city import City
from hotline.rehearsal.baresip_live import Softphone
from hotline.rehearsal.sound import RATE, Samples, tone, write_wav
from tests.switch.conftest import PIN, Town, city_text, moved, town
from tests.switch.test_seats import dialled, prompt, share_heard

pytestmark = [pytest.mark.switch, pytest.mark.asyncio(loop_scope="module")]

NET = "127.35.0"
CALLER, SEAT, BOSS = 400.0, 650.0, 1100.0
"""what each of the three says, in Hz"""
STEP = RATE // 10
LOUD = 0.005
"""a tone's share of full scale from which it is heard"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def here() -> AsyncIterator[Town]:
    text = re.sub(r"(\[\[seats\]\]\nfirst = .*\n)", r"\1nat = false\n", moved(city_text("zhengzhou"), NET))
    text = text.replace(
        'first = "1001"\ncount = 130\n',
        'first = "1001"\ncount = 130\npeople = [{ agent = "1100", role = "supervisor" }]\n',
        1,
    )
    async with town(City.read(text, "zhengzhou")) as here:
        yield here


def loudness(samples: Samples, hertz: float) -> list[float]:
    """How loud one tone is in each tenth of a second, as a share of full scale."""
    count = len(samples) // STEP
    frames = samples[: count * STEP].reshape(count, STEP) / 32768
    wave = np.exp(-2j * np.pi * hertz * np.arange(STEP) / RATE)
    return [float(share) for share in 2 * np.abs(frames @ wave) / STEP]


@dataclass
class Three:
    """A caller, a seat and a supervisor, who is on a break so that no call comes. Each says a tone of its own."""

    town: Town
    caller: Softphone
    seat: Softphone
    boss: Softphone

    async def talk(self) -> str:
        """The caller calls, the seat answers; the call's name."""
        await self.caller.dial("12345")
        await self.seat.incoming(within_s=20)
        await self.seat.answer()
        await self.town.until(lambda: self.town.agent("1001").activity is Activity.TALKING, "the two talk")
        await self.hears(self.caller, SEAT)
        await self.hears(self.seat, CALLER)
        call = self.town.agent("1001").call
        assert call is not None
        return call

    async def over(self) -> None:
        """Wait until nothing is left: no call, no supervision, no channel, and both seats as they were."""
        state = self.town.platform.service.engine.state
        await self.town.until(
            lambda: not state.calls and not state.watches, "no call and no supervision is left"
        )
        await self.town.until(lambda: self.town.agent("1001").activity is Activity.IDLE, "the seat is free")
        await self.town.until(
            lambda: self.town.agent("1100").activity is Activity.IDLE, "the supervisor is free"
        )
        link = self.town.platform.asterisk.link
        assert link is not None
        async with asyncio.timeout(5):
            while await link.status():  # noqa: ASYNC110 (the switch can only be asked)
                await asyncio.sleep(0.05)
        for phone in (self.caller, self.seat, self.boss):
            while not phone._events.empty():  # the ends of calls that nobody waited for
                phone._events.get_nowait()

    async def hears(self, phone: Softphone, *tones: float) -> None:
        """Wait until the last 0.4 s that came to a phone hold these tones and none of the others."""
        others = {CALLER, SEAT, BOSS} - set(tones)

        def just_these() -> bool:
            samples = phone.heard().samples
            if len(samples) < 4 * STEP:
                return False
            last = {hertz: loudness(samples, hertz)[-4:] for hertz in (CALLER, SEAT, BOSS)}
            return all(min(last[t]) > LOUD for t in tones) and all(max(last[t]) < LOUD for t in others)

        await self.town.until(just_these, f"just the tones {tones}")

    async def never(self, phone: Softphone, hertz: float, tenths: int = 10) -> None:
        """The next tenths of a second that come to a phone are without this tone."""
        before = len(phone.heard().samples)
        await self.town.until(lambda: len(phone.heard().samples) > before + tenths * STEP, "more sound")
        assert max(loudness(phone.heard().samples[before:], hertz)) < LOUD

    def watches(self) -> list[WatchState]:
        """How far the supervisors are."""
        return [watch.stage for watch in self.town.platform.service.engine.state.watches.values()]

    async def heard_by_boss(self) -> None:
        """Wait until the supervisor is on the call."""
        await self.town.until(lambda: self.watches() == [WatchState.ON], "the supervisor hears")

    async def supervise(self, code: str) -> None:
        """Dial a supervisor's code for the seat and wait until it hears."""
        await self.boss.dial(f"{code}8001")
        await self.heard_by_boss()

    async def refused(self, phone: Softphone, code: str, word: str) -> None:
        """Dial a code that is refused with this prompt."""
        heard = await dialled(phone, code)
        assert share_heard(heard.samples, prompt(self.town, word)) >= 0.5, word


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def on(here: Town, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Three]:
    directory = tmp_path_factory.mktemp("tones")
    for name, hertz in (("caller", CALLER), ("seat", SEAT), ("boss", BOSS)):
        write_wav(directory / f"{name}.wav", tone(hertz, 1.0))
    here.end_wrap_up_at_once()
    caller = Softphone(
        here.sip, bind=here.far("unicom")[0], caller="13900080010", plays=directory / "caller.wav"
    )
    seat, boss = (
        Softphone(here.sip, here.logins([number])[0], bind=f"{NET}.{place}", plays=directory / f"{name}.wav")
        for number, place, name in (("8001", 101, "seat"), ("8100", 102, "boss"))
    )
    async with caller, seat, boss:
        for phone, agent in ((boss, "1100"), (seat, "1001")):
            await dialled(phone, f"*11*{agent}*{PIN}")
        await dialled(boss, "*122")
        await here.until(lambda: here.agent("1001").activity is Activity.IDLE, "signed on")
        yield Three(here, caller, seat, boss)


async def entries(here: Town) -> list[AuditEntry]:
    """The audit log, once everything is in it."""
    state = here.platform.service.engine.state
    await here.until(lambda: not state.unaudited, "all is written")
    return await audit.read(here.platform.service.recorder._store)


async def test_listening_whispering_and_barging_are_heard_by_whom_they_should_be(
    here: Town, on: Three
) -> None:
    call = await on.talk()
    await on.supervise("*31")
    await on.hears(on.boss, CALLER, SEAT)
    await on.never(on.caller, BOSS)
    await on.hears(on.seat, CALLER)
    await on.hears(on.caller, SEAT)
    await on.boss.hang_up()
    await here.until(lambda: not on.watches(), "no longer heard")

    await on.supervise("*32")
    await on.hears(on.seat, CALLER, BOSS)
    await on.hears(on.boss, CALLER, SEAT)
    await on.never(on.caller, BOSS)
    await on.boss.press("8002#*#")  # ChanSpy would go on to another call, were it let
    await on.boss.ended(within_s=10)
    await here.until(lambda: not on.watches(), "no longer heard")

    await on.supervise("*33")
    await on.hears(on.caller, SEAT, BOSS)
    await on.hears(on.seat, CALLER, BOSS)
    await on.hears(on.boss, CALLER, SEAT)
    assert here.agent("1100").activity is Activity.ENGAGED
    await on.caller.hang_up()
    await on.boss.ended(within_s=5)
    await on.seat.ended(within_s=5)
    await on.over()
    told = [(entry.what, entry.who, entry.whom, entry.call) for entry in await entries(here)]
    hows = ("listen", "whisper", "barge")
    assert told == [(what, "1100", "1001", call) for how in hows for what in (how, f"end of {how}")]


async def test_a_seat_that_hangs_up_while_it_is_heard_is_free_at_once(here: Town, on: Three) -> None:
    await on.talk()
    await on.supervise("*31")
    await on.seat.hang_up()
    await on.boss.ended(within_s=5)
    await on.caller.ended(within_s=10)
    await on.over()


async def test_a_take_over_is_heard_at_once_and_the_former_seat_wraps_up(here: Town, on: Three) -> None:
    call = await on.talk()
    before = len(on.caller.heard().samples)
    await on.boss.dial("*348001")
    await here.until(lambda: here.agent("1100").call == call, "the supervisor has the call")
    assert here.agent("1001").activity is Activity.WRAP_UP
    await on.seat.ended(within_s=5)
    await on.hears(on.caller, BOSS)
    await on.hears(on.boss, CALLER)
    heard = on.caller.heard().samples[before:]
    quiet = [
        n for n, share in enumerate(np.maximum(loudness(heard, SEAT), loudness(heard, BOSS))) if share < LOUD
    ]
    assert len(quiet) <= 3, f"without a voice in these tenths of a second: {quiet}"
    await on.caller.hang_up()
    await on.boss.ended(within_s=5)
    await on.over()
    record = next(record for record in here.records if record.call == call)
    assert (record.disposition, record.agent, record.seat) == ("answered", "1100", "8100")
    assert [(one.how, one.by, one.outcome) for one in record.transfers] == [
        ("take over", "1001", "handed over")
    ]


async def test_who_took_a_call_over_ends_it_by_hanging_up(here: Town, on: Three) -> None:
    call = await on.talk()
    await on.boss.dial("*348001")
    await here.until(lambda: here.agent("1100").call == call, "the supervisor has the call")
    await on.hears(on.caller, BOSS)
    await on.boss.hang_up()
    await on.caller.ended(within_s=15)
    await on.over()


async def test_what_may_not_be_is_said_and_written_down(here: Town, on: Three) -> None:
    before = len(await entries(here))
    await on.refused(on.boss, "*318001", "no-call-there")
    await on.refused(on.seat, "*318100", "no-right")
    await on.refused(on.boss, "*38", "nobody-waits")
    await on.over()
    told = [(entry.what, entry.who, entry.whom, entry.allowed, entry.why) for entry in await entries(here)][
        before:
    ]
    assert told == [
        ("listen", "1100", "1001", False, "no-call-there"),
        ("listen", "1001", "1100", False, "no-right"),
        ("why", "1100", None, True, ""),
    ]


async def test_a_supervisors_phone_that_dies_does_not_disturb_the_call(here: Town, on: Three) -> None:
    await on.talk()
    boss = Softphone(here.sip, here.logins(["8100"])[0], bind=f"{NET}.103", plays=on.boss.plays)
    async with boss:
        await boss.dial("*338001")
        await on.heard_by_boss()
        await on.hears(on.caller, SEAT, BOSS)
    await on.hears(on.caller, SEAT)  # the phone sends nothing any more, and never said goodbye
    await on.hears(on.seat, CALLER)
    assert on.watches() == [WatchState.ON]
    await on.caller.hang_up()
    await on.over()
    await on.boss.stop()
    await on.boss.start()  # registered again


async def test_by_command_the_phone_rings_and_goes_from_listening_to_the_take_over(
    here: Town, on: Three
) -> None:
    call = await on.talk()
    post = here.platform.service.post
    post(SuperviseAsked("listen", "8001", by="1100"))
    await on.boss.incoming()
    await on.boss.answer()
    await on.heard_by_boss()
    await on.hears(on.boss, CALLER, SEAT)
    post(SuperviseAsked("whisper", "8001", by="1100"))
    await on.hears(on.seat, CALLER, BOSS)
    await on.never(on.caller, BOSS)
    post(SuperviseAsked("take over", "8001", by="1100"))
    await here.until(lambda: here.agent("1100").call == call, "the supervisor has the call")
    await on.hears(on.caller, BOSS)
    await on.hears(on.boss, CALLER)
    await on.caller.hang_up()
    await on.boss.ended(within_s=5)
    await on.over()


async def test_a_phone_that_is_not_picked_up_leaves_nothing_behind(here: Town, on: Three) -> None:
    await on.talk()
    here.platform.service.post(SuperviseAsked("listen", "8001", by="1100"))
    await on.boss.incoming()
    await on.boss._do("hangup")  # declines
    await here.until(lambda: not on.watches(), "the supervision is over")
    await on.hears(on.caller, SEAT)
    await on.caller.hang_up()
    await on.over()
