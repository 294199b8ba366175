"""What the engine decided on the real switch it decides again when the journal is read: the same seats for the same calls."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from acd.engine import Engine
from acd.messages import Command, RingAgent
from hotline.city import City
from hotline.journal import Header
from hotline.rehearsal.manners import Dialled, Fixed, Manner, Plan, Uniform
from hotline.rehearsal.phones_live import Phones
from hotline.replay import Note, Step, replay
from tests.switch.conftest import city_text, moved, town

pytestmark = pytest.mark.switch

SEATS, CALLS, RATE = 8, 60, 6.0
"""more than the seats can take at once: some wait, some hang up"""
PLAN = Plan(
    CALLS,
    RATE,
    (Dialled("12345", 3), Dialled("12315"), Dialled("037112319")),
    patience_s=Uniform(2.0, 9.0),
    talk_s=Fixed(60),
)


def rings(orders: tuple[Command, ...]) -> list[tuple[str, str]]:
    return [(order.call, order.agent) for order in orders if isinstance(order, RingAgent)]


def read_again(journal: Path, city: City) -> list[Step]:
    def engine(_: Header) -> Engine:
        return Engine(city.setup())

    return [step for step in replay(journal, engine) if not isinstance(step, Note)]


async def test_the_journal_of_the_real_switch_gives_its_assignments_again() -> None:
    text = moved(city_text("zhengzhou")).replace("wrap_up_seconds = 30", "wrap_up_seconds = 1", 1)
    city = City.read(text, "zhengzhou")
    async with town(city) as here:
        seats = [seat.number for seat in city.seats()][:SEATS]
        people = list(city.setup().agents)[:SEATS]
        async with Phones(here.logins(seats), here.sip, manner=Manner(talk_s=Uniform(0.5, 3.0))) as phones:
            await here.sign_on(phones, list(zip(seats, people, strict=True)))
            with here.carrier("unicom") as carrier:
                await carrier.place(PLAN)
            engine = here.platform.service.engine
            await here.until(lambda: not engine.state.calls and not engine.state.wrapping, "all is over", 30)
        steps = await asyncio.to_thread(read_again, here.platform.place.home / "journal", city)
    known = [step for step in steps if step.written is not None]
    assert [step.difference for step in known if step.difference] == []
    written = [ring for step in known for ring in rings(step.written or ())]
    assert [ring for step in known for ring in rings(step.ordered)] == written
    assert len({agent for _, agent in written}) == SEATS
    assert len({call for call, _ in written}) == sum(1 for r in here.records if r.rings) > CALLS // 3
