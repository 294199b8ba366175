"""Towns and people of the black-box cases: short rings, no greeting, addresses of their own."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager

from acd.agents import Activity
from acd.messages import CallRecord, Event, SignOffAsked, SignOnAsked
from hotline.rehearsal.baresip_live import Softphone
from hotline.rehearsal.manners import Manner
from hotline.rehearsal.phones_live import Phones
from tests.switch.conftest import Town, city_text, moved
from tests.switch_blackbox.wire import Said

BUSY = {Activity.TALKING, Activity.RINGING, Activity.ENGAGED}
_INTERNAL = re.compile(r"8[01]\d\d|1[01]\d\d|座席|受理员|fallback|hotline-|Local/")
"""seats' and agents' numbers and names, and the dialplan's own"""


def zhengzhou(net: str) -> str:
    """Zhengzhou without greeting and survey, with rings of 3 s; its phones register from where they listen."""
    text = moved(city_text("zhengzhou"), net).replace("ring_seconds = 20", "ring_seconds = 3")
    text = re.sub(r'greeting = \["[^"]*"\]', "greeting = []", text)
    text = text.replace("min_talk_seconds = 10", "min_talk_seconds = 3600")
    return re.sub(r"(\[\[seats\]\]\nfirst = .*\n)", r"\1nat = false\n", text)


def replaced(text: str, *pairs: tuple[str, str]) -> str:
    """Each first text by the second, which must change something."""
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def state_of(here: Town, agent: str) -> Activity | None:
    """What an agent does, ``None`` while nobody of this number is signed on."""
    found = here.platform.service.engine.state.agents.get(agent)
    return found.activity if found else None


def post(here: Town, *facts: Event) -> None:
    """What a console would ask."""
    for fact in facts:
        here.platform.service.post(fact)


@asynccontextmanager
async def signed_on(here: Town, people: Mapping[str, str]) -> AsyncIterator[None]:
    """These people (seat: agent) signed on, one after the other; signed off at the end, when their calls are over."""
    reachable = here.platform.service.engine.state.reachable
    await here.until(lambda: reachable >= people.keys(), "every phone is reachable")
    post(here, *(SignOnAsked(seat, agent, proven=True) for seat, agent in people.items()))
    await here.until(lambda: all(state_of(here, agent) for agent in people.values()), "signed on")
    try:
        yield
    finally:
        await here.until(
            lambda: not any(state_of(here, a) in BUSY for a in people.values()), "calls over", 20
        )
        post(here, *(SignOffAsked(seat) for seat in people))
        await here.until(lambda: all(state_of(here, a) is None for a in people.values()), "signed off")


@asynccontextmanager
async def at_work(
    here: Town, people: Mapping[str, str], manner: Manner | None = None
) -> AsyncIterator[Phones]:
    """SIPp phones of their own for these people (seat: agent), signed on; at the end nobody and nothing is left."""
    async with Phones(here.logins(people), here.sip, manner=manner or Manner()) as phones:
        async with signed_on(here, people):
            yield phones
        await phones.register(0)


@asynccontextmanager
async def calling(here: Town, number: str, caller: str, trunk: str = "unicom") -> AsyncIterator[Softphone]:
    """Somebody who has dialled and listens; hangs up at the end."""
    async with Softphone(here.sip, bind=here.far(trunk)[0], caller=caller) as phone:
        await phone.dial(number)
        try:
            yield phone
        finally:
            if caller in {
                call.caller
                for call in here.platform.service.engine.state.calls.values()
                if call.ended is None
            }:
                await phone.hang_up()


async def waits(here: Town, caller: str) -> None:
    """The caller is in a queue."""
    calls = here.platform.service.engine.state.calls
    await here.until(
        lambda: any(c.caller == caller and c.state.value == "queued" for c in calls.values()),
        f"{caller} waits",
    )


async def records(here: Town, callers: Iterable[str]) -> list[CallRecord]:
    """The one record of each of these callers."""
    return list(await asyncio.gather(*(here.record_of(caller) for caller in callers)))


def people_told(said: Iterable[Said], hosts: Iterable[str]) -> list[str]:
    """What of the inside the switch told these addresses: seats, agents, and the dialplan's own names."""
    outside = set(hosts)
    found = []
    for one in said:
        if one.sent and one.peer[0] in outside:
            for name in one.names:
                named = re.sub(
                    r"sip:[\d.]+(:\d+)?(?=[>;]|$)", "", name
                )  # a host alone, whose port may look like a seat
                plain = re.sub(r";.*|@[^>]*|>", "", named)  # whom it names: without tags, hosts and ports
                if _INTERNAL.search(plain.replace("<sip:", " ")) and not re.search(r"13\d{9}", plain):
                    found.append(f"{one.method}: {name}")
    return found
