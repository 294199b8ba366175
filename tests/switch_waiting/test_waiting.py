"""Waiting on the real switch: what is said, that a free seat cuts it at once, and that call-backs reach a real phone."""

from __future__ import annotations

import asyncio
import os
import re
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
import pytest_asyncio

from acd.agents import Activity, Presence
from acd.messages import Announce, BackAsked, CallRecord, PassFailed, RingForCallBack
from hotline.city import City
from hotline.rehearsal.baresip_live import Softphone
from hotline.rehearsal.farend_live import FarEnd
from hotline.rehearsal.manners import BUSY, Fixed, Manner
from tests.switch.conftest import Town, city_text, moved, town
from tests.switch.test_seats import PIN, BarePhone, at_work, prompt, share_heard

pytestmark = [pytest.mark.switch, pytest.mark.asyncio(loop_scope="module")]

NET = "127.33.0"
SAMPLES = int(os.environ.get("HOTLINE_SAMPLES", "12"))
CALLER = "13900000071"
WAITING = """
[queues.waiting]
first_seconds = 1
every_seconds = 15
position = true
expected_wait = true
"""
CALL_BACK = """
[call_back]
key = "1"
missed = true
from = "00:00"
to = "24:00"
tries = 3
again_minutes = 0.05
ring_seconds = 15
missed_after_seconds = 0
"""


@dataclass
class Place:
    """The town, and whoever answers at the number that is called back: a SIPp at the carrier's."""

    town: Town
    far: FarEnd


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place() -> AsyncIterator[Place]:
    text = moved(city_text("zhengzhou"), NET)
    text, found = re.subn(r'(\[\[queues\]\]\nname = "12345"\n(?:.+\n)*)', r"\1" + WAITING, text, count=1)
    assert found
    text = re.sub(r"(\[\[seats\]\]\nfirst = .*\n)", r"\1nat = false\n", text)
    city = City.read(text + CALL_BACK, "zhengzhou")
    peer = next(one for one in city.trunks() if one.name == "unicom").peers[0]
    assert peer.port is not None
    async with (
        FarEnd(str(peer.host), peer.port, manner=BUSY) as far,
        town(city) as here,
    ):  # there before it is asked
        here.end_wrap_up_at_once()
        yield Place(here, far)


@pytest.fixture(scope="module")
def here(place: Place) -> Town:
    return place.town


async def manner(far: FarEnd, new: Manner) -> None:
    """From now on calls are taken so at the far end."""
    await far.unplug()
    far.manner = new
    await far.plug_in()


def orders_of(here: Town, kind: type) -> list[object]:
    """Every order of a kind that the engine gives from now on."""
    found: list[object] = []
    carry_out = here.platform.asterisk.carry_out

    def seen(order: object) -> None:
        if isinstance(order, kind):
            found.append(order)
        carry_out(order)  # type: ignore[arg-type]

    here.platform.asterisk.carry_out = seen  # type: ignore[method-assign]
    return found


@asynccontextmanager
async def seat(here: Town, number: str, agent: str) -> AsyncIterator[Softphone]:
    """A real phone with an agent signed on."""
    async with Softphone(
        here.sip, here.logins([number])[0], bind=f"{NET}.{int(number) % 100 + 100}"
    ) as phone:
        await phone.dial(f"*11*{agent}*{PIN}")
        await phone.ended(within_s=20)
        agents = here.platform.service.engine.state.agents
        await here.until(
            lambda: agent in agents and agents[agent].activity is not Activity.ENGAGED, "the seat is free"
        )
        try:
            yield phone
        finally:
            await phone.dial("*10")
            await phone.ended(within_s=20)
            await here.until(lambda: agent not in here.platform.service.engine.state.agents, "signed off")


async def takes_a_break(here: Town, phone: Softphone, agent: str) -> None:
    await phone.dial("*12*1")
    await phone.ended(within_s=20)
    await here.until(lambda: here.agent(agent).presence is Presence.ON_BREAK, f"{agent} is on a break")


async def waits(here: Town, caller: Softphone) -> None:
    """The caller has dialled, heard the greeting, and waits."""
    await caller.dial("12345")
    await here.until(lambda: here.platform.service.engine.state.waiting["12345"] == 1, "waits", 15)


async def test_the_position_is_heard_and_a_free_seat_cuts_it_short(here: Town) -> None:
    said = orders_of(here, Announce)
    async with (
        seat(here, "8001", "1001") as phone,
        Softphone(here.sip, bind=here.far("unicom")[0], caller=CALLER) as caller,
    ):
        await takes_a_break(here, phone, "1001")
        await waits(here, caller)
        await here.until(lambda: said, "an announcement")
        await asyncio.sleep(2.5)  # it is being heard: what is tested is that it does not last to its end
        (order,) = said
        begun = time.monotonic()
        await phone.dial("*13")
        ring = asyncio.create_task(phone.incoming(within_s=15))
        await ring
        await phone.answer()
        assert time.monotonic() - begun < 6
        await here.until(lambda: here.agent("1001").activity is Activity.TALKING, "talking")
        heard = caller.heard()
        await caller.hang_up()
        await phone.ended()
    assert isinstance(order, Announce)
    assert order.prompts[0] == "waiting-next"
    assert share_heard(heard.samples, prompt(here, "waiting-next")) >= 0.5
    record = await here.record_of(CALLER)
    assert record.disposition == "answered"


class Timed(BarePhone):
    """A phone that is busy, and notes when it is rung."""

    def __init__(self) -> None:
        super().__init__()
        self.rung: asyncio.Queue[float] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        at = time.perf_counter()
        super().datagram_received(data, addr)
        if data.startswith(b"INVITE "):
            self.rung.put_nowait(at)


async def delays(here: Town, call: str, bare: Timed, samples: int) -> dict[str, list[float]]:
    """How long a seat that becomes free waits for its ring (ms), with music and with an announcement, in turns."""
    found: dict[str, list[float]] = {"music": [], "announcement": []}
    said = ("waiting-ahead", "count/7", "waiting-callers", "waiting-about", "count/12", "waiting-minutes")
    for turn in range(2 * samples):
        kind = ("music", "announcement")[turn % 2]
        await here.until(lambda: here.agent("1002").activity is Activity.RESTING, "the seat rests")
        line = here.platform.asterisk.lines[call]
        await here.until(lambda: line.session is not None and line.music, "the caller hears music")  # noqa: B023
        if kind == "announcement":
            here.platform.asterisk.carry_out(Announce(call, said, "1"))
            await here.until(lambda: not line.music, "the words have begun")  # noqa: B023
        await asyncio.sleep(0.15 + 0.01 * (turn % 7))  # anywhere in the words
        assert line.music is (kind == "music")
        while not bare.rung.empty():
            bare.rung.get_nowait()  # an INVITE that was sent twice
        begun = time.perf_counter()
        here.platform.service.post(BackAsked("8002"))
        found[kind].append(1000 * (await asyncio.wait_for(bare.rung.get(), 10) - begun))
    return found


async def test_a_ring_comes_as_soon_during_an_announcement_as_during_music(here: Town) -> None:
    loop = asyncio.get_running_loop()
    async with at_work(here, {"8002": "1002"}, BUSY) as phones:
        await phones.unplug()
        phones._undeafen()
        transport, bare = await loop.create_datagram_endpoint(Timed, local_addr=phones.bind)
        try:
            async with Softphone(here.sip, bind=here.far("unicom")[0], caller="13900000072") as caller:
                await waits(here, caller)
                (call,) = here.platform.service.engine.state.calls
                here.platform.service.engine.state.calls[call].words_at = None  # the test says them
                here.platform.service.engine.state.timers.drop("words", call)
                await asyncio.wait_for(bare.rung.get(), 15)
                found = await delays(here, call, bare, SAMPLES)
                await caller.hang_up()
                state = here.platform.service.engine.state
                await here.until(lambda: state.backs, "the caller is on the list of the missed")
                state.backs.clear()  # nobody is to be called back for having been measured
        finally:
            transport.close()
        await asyncio.sleep(0)
        await phones.plug_in()
    for kind, values in found.items():
        ordered = sorted(values)
        last = ordered[min(len(ordered) - 1, round(0.99 * len(ordered)))]
        told = f"median {statistics.median(values):.2f} ms, p99 {last:.2f} ms of {len(values)}"
        print(f"\nring delay during {kind}: {told}")  # noqa: T201 (the figures in docs/engineers.md)
    with_words, without = (statistics.median(found[kind]) for kind in ("announcement", "music"))
    assert with_words <= without + 1.0
    assert (
        max(found["announcement"]) < 100
    )  # a command that had to wait for the words' end would take seconds


def back_record(here: Town, caller: str) -> CallRecord | None:
    """The record of the call-back to this caller, once there is one."""
    return next((r for r in here.records if r.caller == caller and r.direction == "back"), None)


async def test_a_caller_who_asks_by_key_is_called_back_at_his_place_busy_first_and_then_reached(
    place: Place,
) -> None:
    here, caller_number = place.town, "13900000073"
    rings, said, failed = orders_of(here, RingForCallBack), orders_of(here, Announce), []
    here.platform.service.watchers.events.append(
        lambda e, _: failed.append(e) if isinstance(e, PassFailed) else None
    )
    async with seat(here, "8003", "1003") as phone:
        await takes_a_break(here, phone, "1003")
        async with Softphone(here.sip, bind=here.far("unicom")[0], caller=caller_number) as caller:
            await waits(here, caller)
            await here.until(lambda: said, "the offer")
            await caller.press("1")
            await here.until(lambda: len(said) > 1, "the number is read back")
            await caller.press("1")
            await caller.ended(within_s=20)
            heard = caller.heard()
        assert share_heard(heard.samples, prompt(here, "callback-thanks")) >= 0.5
        (asked,) = [r for r in here.records if r.caller == caller_number]
        assert (asked.disposition, asked.direction) == ("called back", "in")
        assert not rings
        await phone.dial("*13")
        assert await phone.incoming(within_s=20) == caller_number
        await phone.answer()
        await here.until(lambda: failed, "busy", 15)
        assert failed[0].why == "busy"
        await phone.ended(within_s=20)
        assert back_record(here, caller_number) is None
        await manner(place.far, Manner(talk_s=Fixed(1.0)))
        await phone.incoming(within_s=20)
        await phone.answer()
        await phone.ended(within_s=20)
        await here.until(lambda: back_record(here, caller_number), "its record", 15)
    record = back_record(here, caller_number)
    assert record is not None
    assert (record.disposition, record.trunk, record.called_back, record.agent) == (
        "answered",
        "unicom",
        asked.call,
        "1003",
    )
    assert [r.called_back for r in here.records if r.call == asked.call] == [None, record.call]
    assert place.far.legs()[-1].called.endswith(caller_number)
    assert not here.platform.service.engine.state.backs
    assert len(rings) == 2


async def test_a_missed_call_is_called_back_by_a_free_seat_unless_it_was_answered_meanwhile(
    place: Place,
) -> None:
    here, missed = place.town, "13900000074"
    await manner(place.far, Manner(talk_s=Fixed(0.5)))
    async with Softphone(here.sip, bind=here.far("unicom")[0], caller=missed) as caller:
        await waits(here, caller)
        await caller.hang_up()
    await here.until(lambda: here.platform.service.engine.state.backs, "it is on the list")
    (first,) = [r for r in here.records if r.caller == missed]
    assert first.disposition == "abandoned"
    async with seat(here, "8004", "1004") as phone:
        assert await phone.incoming(within_s=20) == missed
        await phone.answer()
        await phone.ended(within_s=20)
        await here.until(lambda: back_record(here, missed), "its record", 15)
    record = back_record(here, missed)
    assert record is not None
    assert (record.disposition, record.called_back) == ("answered", first.call)
    assert not here.platform.service.engine.state.backs
