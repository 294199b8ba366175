"""A seat dials: who may dial what, what the far end sees, what the seat hears, and that nothing is left behind."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
import pytest_asyncio

from acd.agents import Activity
from acd.messages import CallRecord, SignOffAsked, SignOffForced, SignOnAsked
from hotline.city import City
from hotline.rehearsal.baresip_live import Softphone
from tests.switch.conftest import Town, city_text, moved, town
from tests.switch.test_seats import likeness, prompt
from tests.switch_outgoing.exchange import Exchange, Invited

pytestmark = [pytest.mark.switch, pytest.mark.asyncio(loop_scope="module")]

NET = "127.34.0"
PHONE = f"{NET}.101"
OTHER = f"{NET}.102"
WORDS = (
    "dial-busy",
    "dial-forbidden",
    "dial-unknown",
    "sign-on-first",
    "not-reachable",
    "dial-no-channel",
    "break-full",
)


@dataclass
class Outside:
    """The town with its carriers and 110 as exchanges."""

    town: Town
    unicom: Exchange
    telecom: Exchange
    police: Exchange


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def here() -> AsyncIterator[Outside]:
    text = moved(city_text("zhengzhou"), NET)
    text = re.sub(r"(\[\[seats\]\]\nfirst = .*\n)", r"\1nat = false\n", text)
    text = text.replace('1 = "小休"', '1 = { name = "小休", minutes = 15, at_once = 1 }', 1)
    text = text.replace("wrap_up_seconds = 30", "wrap_up_seconds = 3", 1)
    text = text.replace(
        'route = "carriers"\nclass = "seat"', 'route = "carriers"\nclass = "seat"\nwrap_up_seconds = 1', 1
    )
    assert "at_once = 1" in text
    async with town(City.read(text, "zhengzhou")) as at_work, contextlib.AsyncExitStack() as stack:
        ends = [
            await stack.enter_async_context(Exchange(at_work.far(name)))
            for name in ("unicom", "telecom", "emergency")
        ]
        yield Outside(at_work, *ends)


@asynccontextmanager
async def at_seat(here: Outside, seat: str, agent: str | None, bind: str = PHONE) -> AsyncIterator[Softphone]:
    """A softphone that is this seat, with the agent signed on; signed off afterwards, with nothing left behind."""
    at_work = here.town
    state = at_work.platform.service.engine.state
    async with Softphone(at_work.sip, at_work.logins([seat])[0], bind=bind) as phone:
        await at_work.until(lambda: seat in state.reachable, "the phone is registered")
        if agent is not None:
            at_work.platform.service.post(SignOnAsked(seat, agent, proven=True))
            await at_work.until(lambda: agent in state.agents, "signed on")
        yield phone
        await at_work.until(lambda: not state.calls, "no call is left")
        if agent is not None and agent in state.agents:
            at_work.platform.service.post(SignOffAsked(seat))
            await at_work.until(lambda: agent not in state.agents, "signed off")
    await at_work.until(lambda: not +state.load and not +state.held, "no channel is counted, no seat held")


def outside(here: Outside, number: str) -> Softphone:
    """Somebody who calls in."""
    return Softphone(here.town.sip, bind=here.town.far("mobile")[0], caller=number)


async def came(here: Outside, end: Exchange, number: str) -> Invited:
    """The call to this number, as it reached the far end."""
    await here.town.until(lambda: end.to(number), f"a call to {number}")
    return end.to(number)[-1]


async def record_to(here: Outside, number: str) -> CallRecord:
    """The one record of a call to this number."""
    await here.town.until(lambda: [r for r in here.town.records if r.called == number], f"record of {number}")
    (record,) = [r for r in here.town.records if r.called == number]
    return record


async def told(here: Outside, phone: Softphone, number: str) -> str:
    """Dial, listen to the end; the words that were heard."""
    await phone.dial(number)
    await phone.ended(within_s=20)
    heard = phone.heard().samples
    alike = {word: likeness(heard, prompt(here.town, word)) for word in WORDS}
    best = max(alike, key=lambda word: alike[word])
    assert alike[best] > 0.5, alike
    return best


async def test_the_far_end_sees_the_hotlines_number_and_the_record_the_seat(here: Outside) -> None:
    async with at_seat(here, "8001", "1001") as phone:
        agent = here.town.agent("1001")
        await phone.dial("13800138000")
        assert (agent.activity, agent.call is not None) == (Activity.TALKING, True)
        call = await came(here, here.unicom, "13800138000")
        assert "sip:037112345@" in call.header("From")
        assert "8001" not in call.header("From") + call.header("P-Asserted-Identity")
        await here.town.until(
            lambda: here.town.platform.service.engine.state.load["unicom"] == 1, "the channel is counted"
        )
        await phone.hang_up()
        await asyncio.wait_for(call.ended.wait(), 5)
        record = await record_to(here, "13800138000")
    assert (record.direction, record.disposition, record.trunk) == ("out", "answered", "unicom")
    assert (record.caller, record.agent, record.seat, record.passed_to) == (
        "8001",
        "1001",
        "8001",
        "13800138000",
    )
    assert record.wrap_up_ended is not None
    assert record.ended is not None
    assert record.wrap_up_ended - record.ended == pytest.approx(1000, abs=300)


async def test_the_far_end_may_hang_up_first(here: Outside) -> None:
    async with at_seat(here, "8001", "1001") as phone:
        await phone.dial("13800138001")
        call = await came(here, here.unicom, "13800138001")
        await asyncio.wait_for(call.acked.wait(), 5)
        here.unicom.hang_up(call)
        await phone.ended(within_s=5)
        assert (await record_to(here, "13800138001")).disposition == "answered"


async def test_long_distance_is_refused_in_words_and_no_carrier_hears_of_it(here: Outside) -> None:
    async with at_seat(here, "8001", "1001") as phone:
        assert await told(here, phone, "01062345678") == "dial-forbidden"
        record = await record_to(here, "01062345678")
    assert (record.disposition, record.seat_answered, record.agent) == ("refused", None, "1001")
    assert not here.unicom.to("01062345678")


async def test_without_anybody_signed_on_only_an_emergency_goes_out_and_over_its_own_line(
    here: Outside,
) -> None:
    async with at_seat(here, "8002", None) as phone:
        assert await told(here, phone, "62345678") == "sign-on-first"
        await phone.dial("110")
        call = await came(here, here.police, "110")
        assert "8002" in here.town.platform.service.engine.state.held
        await phone.hang_up()
        await asyncio.wait_for(call.ended.wait(), 5)
        record = await record_to(here, "110")
    assert (record.trunk, record.agent, record.disposition) == ("emergency", None, "answered")


async def test_busy_is_said_and_tried_over_no_other_trunk(here: Outside) -> None:
    here.unicom.manners["62000001"] = "busy"
    async with at_seat(here, "8001", "1001") as phone:
        assert await told(here, phone, "62000001") == "dial-busy"
        record = await record_to(here, "62000001")
    assert (record.disposition, record.cause) == ("not taken", 17)
    assert not here.telecom.to("62000001")


async def test_a_trunk_that_is_full_out_there_is_followed_by_the_next(here: Outside) -> None:
    here.unicom.manners["62000002"] = "full"
    async with at_seat(here, "8001", "1001") as phone:
        await phone.dial("62000002")
        await came(here, here.telecom, "62000002")
        await phone.hang_up()
        record = await record_to(here, "62000002")
    assert (record.trunk, record.disposition, record.rings) == ("telecom", "answered", 2)


async def test_a_seat_that_hangs_up_while_it_rings_leaves_nothing_ringing(here: Outside) -> None:
    here.unicom.manners["62000003"] = "rings"
    async with at_seat(here, "8001", "1001") as phone:
        dialling = asyncio.create_task(phone.dial("62000003"))
        call = await came(here, here.unicom, "62000003")
        await here.town.until(
            lambda: here.town.agent("1001").activity is Activity.DIALLING, "dialling is seen"
        )
        await phone._do("hangup")
        with contextlib.suppress(RuntimeError):
            await dialling
        await asyncio.wait_for(call.ended.wait(), 5)
        record = await record_to(here, "62000003")
        assert (record.disposition, record.seat_answered) == ("abandoned", None)
        await here.town.until(lambda: here.town.agent("1001").activity is Activity.IDLE, "free again")


async def test_who_calls_out_is_offered_nothing_and_gets_the_caller_afterwards(here: Outside) -> None:
    offers = []

    def watch(event: object, _: int) -> None:
        offers.append(here.town.agent("1001").activity is Activity.RINGING)

    async with at_seat(here, "8001", "1001") as phone:
        state = here.town.platform.service.engine.state
        await phone.dial("13800138003")
        here.town.platform.service.watchers.events.append(watch)
        async with outside(here, "13900000099") as caller:
            await caller.dial("12345")
            await here.town.until(lambda: state.waiting["12345"] == 1, "the caller waits", 15)
            assert not any(offers)
            await phone.hang_up()
            assert await phone.incoming(within_s=15) == "13900000099"
            here.town.platform.service.watchers.events.remove(watch)
            await phone.answer()
            await caller.hang_up()
            await phone.ended()


async def test_one_seat_dials_another_which_is_offered_nothing_meanwhile(here: Outside) -> None:
    async with at_seat(here, "8003", "1003", OTHER) as second, at_seat(here, "8001", "1001") as first:
        dialling = asyncio.create_task(first.dial("8003"))
        assert await second.incoming() == "8001"
        await here.town.until(
            lambda: here.town.agent("1003").activity is Activity.ENGAGED, "the other is engaged"
        )
        await second.answer()
        await dialling
        await here.town.until(lambda: here.town.agent("1001").activity is Activity.TALKING, "they talk")
        await second.hang_up()
        await first.ended()
        record = await record_to(here, "8003")
        assert (record.direction, record.disposition, record.passed_to, record.trunk) == (
            "out",
            "answered",
            "8003",
            "",
        )
        await here.town.until(lambda: here.town.agent("1003").activity is Activity.IDLE, "free again")


async def test_a_forced_sign_off_ends_an_own_call_and_gives_a_caller_back_to_the_seats(here: Outside) -> None:
    service = here.town.platform.service
    async with at_seat(here, "8001", "1001") as phone:
        await phone.dial("13800138004")
        service.post(SignOffForced("1001", "1190"))
        await phone.ended(within_s=5)
        await here.town.until(lambda: "1001" not in service.engine.state.agents, "signed off")
    async with at_seat(here, "8001", "1001") as phone, outside(here, "13900000098") as caller:
        await caller.dial("12345")
        await phone.incoming(within_s=15)
        await phone.answer()
        await here.town.until(lambda: here.town.agent("1001").activity is Activity.TALKING, "they talk")
        service.post(SignOffForced("1001", "1190"))
        await phone.ended(within_s=5)
        await here.town.until(lambda: service.engine.state.waiting["12345"] == 1, "the caller waits again")
        async with at_seat(here, "8003", "1003", OTHER) as next_one:
            assert await next_one.incoming(within_s=10) == "13900000098"
            await next_one.answer()
            await caller.hang_up()
            await next_one.ended()


async def test_a_forced_sign_off_during_the_ring_stops_the_ring_and_the_caller_stays(here: Outside) -> None:
    service = here.town.platform.service
    async with at_seat(here, "8001", "1001") as phone, outside(here, "13900000097") as caller:
        await caller.dial("12345")
        await phone.incoming(within_s=15)
        service.post(SignOffForced("1001", "1190"))
        await phone.ended(within_s=5)
        await here.town.until(lambda: "1001" not in service.engine.state.agents, "signed off")
        assert service.engine.state.waiting["12345"] == 1
        await caller.hang_up()


async def test_the_second_on_a_break_for_one_is_refused_in_words(here: Outside) -> None:
    async with at_seat(here, "8001", "1001") as first, at_seat(here, "8003", "1003", OTHER) as second:
        await first.dial("*12*1")
        await first.ended(within_s=10)
        assert await told(here, second, "*12*1") == "break-full"
        await first.dial("*13")
        await first.ended(within_s=10)
