"""A caller, a seat and third parties on a real switch, each playing a tone of its own, so that who hears whom can be told."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from acd.agents import Activity
from acd.calls import Call
from acd.messages import SignOffAsked
from acd.parties import Stage
from hotline.city import City
from hotline.rehearsal.baresip_live import Softphone
from hotline.rehearsal.sound import RATE, Samples, read_wav, tone, write_wav
from ivr.prompts import sound
from tests.switch.conftest import PIN, Town, city_text, moved, town
from tests.switch.test_seats import share_heard
from trunks.live import SwitchFault

CALLER_HZ, SEAT_HZ, THIRD_HZ, OTHER_HZ = 700.0, 440.0, 1000.0, 1240.0
SEAT, AGENT = "8101", "1101"
OTHER_SEAT, OTHER_AGENT = "8102", "1102"


def hears(samples: Samples, hertz: float, last_s: float = 0.6) -> bool:
    """Whether a tone is in the last of what was heard, mixed with others or not."""
    tail = samples[-round(last_s * RATE) :].astype(np.float64) / 32768
    if len(tail) < RATE // 5:
        return False
    power = np.abs(np.fft.rfft(tail * np.hanning(len(tail)))) ** 2
    at = round(hertz * len(tail) / RATE)
    return float(power[at - 2 : at + 3].sum()) > 0.05 * float(power[5:].sum())


@dataclass
class Trio:
    """The phones of one call. The seat is signed on."""

    here: Town
    caller: Softphone
    seat: Softphone
    other: Softphone

    @property
    def call(self) -> Call:
        (call,) = self.here.platform.service.engine.state.calls.values()
        return call

    def stage(self) -> Stage | None:
        calls = self.here.platform.service.engine.state.calls.values()
        return next((call.transfer.stage for call in calls if call.transfer), None)

    async def at(self, stage: Stage, within_s: float = 15.0) -> None:
        """Wait until the transfer is at a stage and every leg where it belongs."""

        def there() -> bool:
            transfer = self.call.transfer
            if transfer is None or transfer.stage is not stage:
                return False
            legs = (transfer.caller, transfer.seat, transfer.third)
            return all(leg.until is None or leg.place == "called" for leg in legs)

        await self.here.until(there, f"stage {stage}", within_s)

    async def until_hears(
        self, phone: Softphone, *tones: float, not_: tuple[float, ...] = (), within_s: float = 6.0
    ) -> None:
        """Wait until a phone hears these tones and none of the others."""

        def so() -> bool:
            heard = phone.heard().samples
            return all(hears(heard, hz) for hz in tones) and not any(hears(heard, hz) for hz in not_)

        await self.here.until(so, f"hearing {tones} and not {not_}", within_s)

    async def talking(self) -> None:
        """The caller calls, the seat answers."""
        await self.caller.dial("12345")
        await self.seat.incoming(within_s=20)
        await self.seat.answer(within_s=20)
        await self.until_hears(self.caller, SEAT_HZ)

    async def over(self) -> None:
        """Everything is over, on the switch and in the engine."""
        await over(self.here)

    def told(self, phone: Softphone, prompt: str) -> bool:
        """Whether a prompt has been heard by a phone in this call."""
        wanted = read_wav(self.here.platform.switch.settings.sounds / f"{sound(prompt)}.wav")[0]
        return share_heard(phone.heard().samples, wanted) >= 0.5


async def all_hung_up(here: Town) -> None:
    """Hang up whatever a test that failed has left behind."""
    link = here.platform.asterisk.link
    assert link is not None
    for row in await link.status():
        with contextlib.suppress(SwitchFault):
            await link.hangup(row["Channel"])
    await here.until(lambda: not here.platform.service.engine.state.calls, "no call left")


async def over(here: Town, within_s: float = 15.0) -> None:
    """No call, no channel and no busy seat is left."""
    state = here.platform.service.engine.state
    busy = {Activity.TALKING, Activity.RINGING}
    await here.until(lambda: not state.calls, "no call left in the engine", within_s)
    await here.until(lambda: not any(a.activity in busy for a in state.agents.values()), "no seat left busy")
    async with asyncio.timeout(10):
        while "0 active channels" not in await here.platform.switch.console("core show channels count"):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    assert not {trunk: n for trunk, n in state.load.items() if n}
    assert not here.platform.asterisk.lines
    assert not here.platform.asterisk.rooms.parties


def tones(directory: Path) -> dict[float, Path]:
    """A wav for each tone."""
    found = {}
    for hertz in (CALLER_HZ, SEAT_HZ, THIRD_HZ, OTHER_HZ):
        found[hertz] = directory / f"{hertz:.0f}.wav"
        write_wav(found[hertz], tone(hertz, 1.0, 0.2))
    return found


@asynccontextmanager
async def zhengzhou(net: str) -> AsyncIterator[Town]:
    """Zhengzhou with short rings; its phones register from where they listen."""
    text = moved(city_text("zhengzhou"), net).replace("ring_seconds = 20", "ring_seconds = 4")
    text = re.sub(r"(\[\[seats\]\]\nfirst = .*\n)", r"\1nat = false\n", text)
    async with town(City.read(text, "zhengzhou")) as here:
        yield here


@asynccontextmanager
async def trio(here: Town, wavs: dict[float, Path], net: str) -> AsyncIterator[Trio]:
    """Caller, seat (signed on) and another seat's phone (registered, nobody signed on)."""
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        seat = await enter(
            Softphone(here.sip, here.logins([SEAT])[0], bind=f"{net}.101", plays=wavs[SEAT_HZ])
        )
        other = await enter(
            Softphone(here.sip, here.logins([OTHER_SEAT])[0], bind=f"{net}.102", plays=wavs[OTHER_HZ])
        )
        caller = await enter(Softphone(here.sip, bind=here.far("unicom")[0], plays=wavs[CALLER_HZ]))
        made = Trio(here, caller, seat, other)
        await sign_on(here, seat, AGENT)
        try:
            yield made
        finally:
            await all_hung_up(here)
            for number in (SEAT, OTHER_SEAT):
                here.platform.service.post(SignOffAsked(number))


async def sign_on(here: Town, phone: Softphone, agent: str) -> None:
    """An agent signs on at a phone, and waits until it is free again."""
    await phone.dial(f"*11*{agent}*{PIN}")
    await phone.ended(within_s=20)
    agents = here.platform.service.engine.state.agents
    await here.until(
        lambda: agent in agents and agents[agent].activity is Activity.IDLE, f"{agent} signed on"
    )
