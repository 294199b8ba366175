"""Five hundred real calls whose seats transfer at random and whose legs are hung up at random: nothing leaks, nobody is stuck."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Sequence

import pytest

from acd.messages import AgentAnswered, Event, Millis, TransferAsked, TransferSteered
from hotline.rehearsal.farend_live import FarEnd
from hotline.rehearsal.manners import BUSY, Dialled, Manner, Plan, Uniform
from hotline.rehearsal.phones_live import Phones
from tests.switch.conftest import Town
from tests.switch_transfer.trio import over, zhengzhou
from trunks.live import SwitchFault

pytestmark = [pytest.mark.switch]
NET = "127.39.2"
CALLS, RATE = 500, 10.0
SEATS = [str(number) for number in range(8101, 8141)]
BUSY_SEATS = SEATS[-4:]
HOW = ("blind", "consult", "consult", "three-way")
WISHES = ("toggle", "together", "complete", "give back", "toggle")


class Restless:
    """Whoever answers a call transfers it, thinks better of it, and is cut off: everything at random."""

    def __init__(self, here: Town, seed: int) -> None:
        self.here = here
        self.chance = random.Random(seed)
        self.asked = 0
        self.cut: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        here.platform.service.watchers.events.append(self.heard)

    def heard(self, event: Event, _: Millis) -> None:
        """A seat has answered: in three calls of five something happens."""
        if isinstance(event, AgentAnswered) and self.chance.random() < 0.6:
            task = asyncio.get_running_loop().create_task(self.play(event.call))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def play(self, call: str) -> None:
        chance, post = self.chance, self.here.platform.service.post
        await asyncio.sleep(chance.uniform(0.05, 1.5))
        to = chance.choice(["110", "110", "119", *chance.sample(SEATS, 3), "12345", "skill:12345", "12333"])
        self.asked += 1
        post(TransferAsked(call, chance.choice(HOW), to))
        for _ in range(chance.randrange(4)):
            await asyncio.sleep(chance.choice([0.0, 0.01, 0.05, 0.3, 1.0]))
            if chance.random() < 0.4:
                await self.cut_off(call)
            else:
                post(TransferSteered(call, chance.choice(WISHES)))
        if chance.random() < 0.5:
            await asyncio.sleep(chance.uniform(0.0, 2.0))
            await self.cut_off(call)

    async def cut_off(self, call: str) -> None:
        """Hang up one of the call's legs, whichever there are."""
        asterisk = self.here.platform.asterisk
        legs = {party.channel: party.exten for party in asterisk.rooms.parties.values() if party.call == call}
        if line := asterisk.lines.get(call):
            legs[line.channel] = "caller"
        if legs and asterisk.link is not None:
            channel = self.chance.choice(sorted(legs))
            with contextlib.suppress(SwitchFault):
                await asterisk.link.hangup(channel)
                self.cut[legs[channel]] += 1

    async def done(self) -> None:
        """Wait until everybody has had enough."""
        while self._tasks:
            await asyncio.gather(*self._tasks)


async def sign_on(here: Town, groups: Sequence[Phones]) -> None:
    agents = list(here.platform.service.engine.state.setup.agents)
    for phones in groups:
        await here.sign_on(phones, [(seat, agents[int(seat) - 8101]) for seat in phones.seats])


async def test_five_hundred_calls_with_legs_hung_up_at_random_leave_nothing_behind() -> None:
    talks = Manner(ring_s=Uniform(0.0, 0.4), talk_s=Uniform(0.3, 6.0))
    async with zhengzhou(NET) as here:
        here.end_wrap_up_at_once()
        willing = here.logins(SEATS[: -len(BUSY_SEATS)])
        async with (
            FarEnd(*here.far("emergency"), manner=Manner(ring_s=Uniform(0.0, 1.0), talk_s=Uniform(0.2, 4.0))),
            Phones(willing, here.sip, manner=talks) as phones,
            Phones(here.logins(BUSY_SEATS), here.sip, manner=BUSY) as busy,
        ):
            await sign_on(here, (phones, busy))
            restless = Restless(here, seed=3)
            with here.carrier("unicom") as carrier:
                plan = Plan(
                    CALLS,
                    RATE,
                    (Dialled("12345"), Dialled("12315"), Dialled("110")),
                    rings_s=Uniform(20.0, 30.0),
                    patience_s=Uniform(2.0, 30.0),
                    talk_s=Uniform(0.3, 8.0),
                )
                placed = await carrier.place(plan, phones=[phones])
            await restless.done()
            await over(here, within_s=60)
        assert len(placed.legs) == CALLS
        await here.until(lambda: len(here.records) >= CALLS, "every call's record", 40)
        assert Counter(record.call for record in here.records).most_common(1)[0][1] == 1
        assert len(here.records) == CALLS
        assert not [record for record in here.records if record.disposition == "lost"]
        outcomes = Counter(told.outcome for record in here.records for told in record.transfers)
        print(restless.asked, restless.cut, outcomes, Counter(r.disposition for r in here.records))  # noqa: T201
        assert {"handed over", "consulted", "queued", "busy"} <= outcomes.keys()
        assert restless.cut.keys() == {"caller", "seat", "third"}
