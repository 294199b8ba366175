"""Queues seen from outside: who is told what, who is rung and who never, who is served next."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

from acd.agents import Activity
from acd.messages import BackAsked, BreakAsked, CallRecord
from hotline.city import City
from hotline.rehearsal.farend_live import FarEnd
from hotline.rehearsal.manners import DECLINES, NEVER_ANSWERS, Fixed, Manner, moved
from hotline.rehearsal.phones_live import Phones
from tests.switch.conftest import Town, town
from tests.switch.test_seats import prompt, share_heard
from tests.switch_blackbox.people import at_work, calling, post, records, replaced, state_of, waits, zhengzhou
from tests.switch_blackbox.wire import Said, Wire
from tests.switch_transfer.trio import over

pytestmark = [pytest.mark.switch, pytest.mark.asyncio(loop_scope="module")]

NET = "127.41.0"
FULL = "等候的人很多，请稍后再拨。"
TALKS = Manner(talk_s=Fixed(0.2))
STAYS = Manner()
WRITES_S = {"12345": 1, "urban": 2}
"""wrap-up by queue"""
RING_S, REST_S = 3, 2

KEYS = f"""
max_length = 3
full_notice = ["{FULL}"]

[queues.waiting]
first_seconds = 1
every_seconds = 0
position = true

[[queues]]
name = "urban"
title = "城建"
ring_seconds = 3
wrap_up_seconds = {WRITES_S["urban"]}

[[callers]]
name = "park"
title = "园区企业"
numbers = ["1390041*"]
priority = 1
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def here() -> AsyncIterator[Town]:
    text = replaced(
        zhengzhou(NET),
        ("rest_seconds = 60", f"rest_seconds = {REST_S}\n{KEYS}"),
        ("wrap_up_seconds = 30", f"wrap_up_seconds = {WRITES_S['12345']}"),
        ('number = "12319"\n', 'number = "12319"\nqueue = "urban"\n'),
    )
    async with town(City.read(text, "zhengzhou")) as here:
        yield here


@pytest_asyncio.fixture(loop_scope="module")
async def wire(here: Town) -> AsyncIterator[Wire]:
    """What is said in one case; at its end no channel is left."""
    wire = await Wire(here).begin()
    yield wire
    await wire.end()
    await over(here)


def hears(here: Town, phone: object, name: str) -> bool:
    """Whether this prompt was heard by a caller."""
    return share_heard(phone.heard().samples, prompt(here, name)) >= 0.5  # type: ignore[attr-defined]


def rings(said: Sequence[Said]) -> list[tuple[str, str]]:
    """Which seat was rung for whom."""
    return [(one.user, one.header("From").partition("sip:")[2].partition("@")[0]) for one in said]


async def heard(here: Town, phone: object, name: str) -> None:
    """Wait until a caller has heard a prompt."""
    await here.until(lambda: hears(here, phone, name), f"{name} heard", 12)


async def test_each_is_told_the_place_that_priority_gives_and_a_full_queue_turns_away_all_but_the_urgent(
    here: Town, wire: Wire
) -> None:
    first, second, park, late, urgent = (
        "13700410001",
        "13700410002",
        "13900410003",
        "13900410004",
        "13700410005",
    )
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(calling(here, "12345", first))
        await waits(here, first)
        two = await stack.enter_async_context(calling(here, "12345", second))
        await heard(here, one, "waiting-next")
        await heard(here, two, "waiting-ahead")
        three = await stack.enter_async_context(calling(here, "12345", park))
        await waits(here, park)
        four = await stack.enter_async_context(calling(here, "12345", late))
        await four.ended(within_s=10)
        five = await stack.enter_async_context(calling(here, "12345", urgent, "emergency"))
        await waits(here, urgent)
        await heard(here, three, "waiting-next")
        await heard(here, five, "waiting-next")
        assert hears(here, four, FULL)
        for served in (one, two, three, five):
            assert not hears(here, served, FULL)
        assert not hears(here, two, "waiting-next")
        assert not hears(here, three, "waiting-ahead")
        async with at_work(here, {"8001": "1001"}, TALKS) as phones:
            await asyncio.gather(*(phone.ended(within_s=20) for phone in (one, two, three, five)))
            legs = phones.legs()
    assert [leg.caller for leg in legs] == [urgent, park, first, second]
    told = await records(here, (urgent, park, first, second, late))
    assert [r.disposition for r in told] == ["answered"] * 4 + ["refused"]
    assert [r.priority for r in told[:4]] == [1000, 1, 0, 0]
    assert [seat for seat, _ in rings(await wire.rung())] == ["8001"] * 4


async def test_who_talks_is_on_a_break_or_rests_is_never_rung_and_a_rest_ends_by_itself(
    here: Town, wire: Wire
) -> None:
    one, other = "13700410011", "13700410012"
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        await enter(at_work(here, {"8011": "1011"}, NEVER_ANSWERS))
        first = await enter(calling(here, "12345", one))
        await here.until(lambda: state_of(here, "1011") is Activity.RESTING, "rings out, and rests", 10)
        resting = await enter(
            at_work(here, {"8012": "1012"}, STAYS)
        )  # takes the first caller, and stays with him
        await here.until(lambda: state_of(here, "1012") is Activity.TALKING, "the first is served")
        await enter(at_work(here, {"8013": "1013"}, TALKS))
        post(here, BreakAsked("8013", "1"))
        second = await enter(calling(here, "12345", other))
        await here.until(lambda: state_of(here, "1011") is Activity.RINGING, "the rest is over", REST_S + 3)
        await here.until(lambda: state_of(here, "1011") is Activity.RESTING, "rings out again", RING_S + 3)
        before = rings(await wire.rung())
        post(here, BackAsked("8013"))
        await second.ended(within_s=10)
        await first.hang_up()
        assert [leg.caller for leg in resting.legs()] == [one]
    assert before == [("8011", one), ("8012", one), ("8011", other)]
    assert rings(await wire.rung()) == [*before, ("8013", other)]
    told = await records(here, (one, other))
    assert [(r.agent, r.rings, r.disposition) for r in told] == [
        ("1012", 2, "answered"),
        ("1013", 2, "answered"),
    ]


async def test_a_rest_after_a_call_holds_for_all_queues_lasts_as_the_calls_own_queue_says_and_is_each_ones_own(
    here: Town, wire: Wire
) -> None:
    urban, hotline, again, other = (f"1370041002{n}" for n in range(4))
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        await enter(at_work(here, {"8021": "1021", "8022": "1022"}, TALKS))
        post(here, BreakAsked("8022", "1"))
        a = await enter(calling(here, "12319", urban))
        await a.ended(within_s=10)
        b = await enter(calling(here, "12345", hotline))
        c = await enter(calling(here, "12319", again))
        await b.ended(within_s=10)
        await c.ended(within_s=10)
        assert state_of(here, "1021") is Activity.WRAP_UP
        post(here, BackAsked("8022"))  # whose own wrap-up it is not
        d = await enter(calling(here, "12319", other))
        await d.ended(within_s=10)
    first, second, third, fourth = await records(here, (urban, hotline, again, other))
    assert [r.agent for r in (first, second, third, fourth)] == ["1021", "1021", "1021", "1022"]
    assert 1000 * WRITES_S["urban"] <= gap(first, second) < 1000 * WRITES_S["urban"] + 500
    assert 1000 * WRITES_S["12345"] <= gap(second, third) < 1000 * WRITES_S["12345"] + 500
    assert gap(third, fourth) < 1000 * WRITES_S["urban"]
    assert fourth.rung is not None
    assert fourth.queued is not None
    assert fourth.rung - fourth.queued < 300
    assert len(await wire.rung()) == 4


def gap(before: CallRecord, after: CallRecord) -> int:
    """From the end of one call to the ring of another, ms."""
    assert before.ended is not None
    assert after.rung is not None
    return after.rung - before.ended


@pytest.mark.parametrize(
    "to", ["8032@elsewhere", "110@elsewhere", "13700410039@elsewhere"], ids=["seat", "110", "outside"]
)
async def test_a_phone_that_redirects_sends_no_caller_anywhere_and_the_next_seat_has_the_call(
    here: Town, wire: Wire, to: str
) -> None:
    caller = f"137004100{30 + len(to) % 10}"
    before = len(here.events)
    async with (
        FarEnd(*here.far("emergency")) as police,
        at_work(here, {"8031": "1031"}, moved(to)) as redirecting,
        at_work(here, {"8033": "1033"}, TALKS) as taking,
        at_work(here, {"8032": "1032"}, TALKS) as named,
    ):
        async with calling(here, "12345", caller) as phone:
            await phone.ended(within_s=10)
        assert state_of(here, "1031") is Activity.RESTING
        assert [leg.caller for leg in redirecting.legs()] == [caller]
        assert [leg.caller for leg in taking.legs()] == [caller]
        assert named.legs() == []
        assert police.legs() == []
        (told,) = await records(here, [caller])
    assert (told.agent, told.rings, told.disposition) == ("1033", 2, "answered")
    assert [seat for seat, _ in rings(await wire.rung())] == ["8031", "8033"]
    kinds = [type(event).__name__ for event, _ in here.events[before:]]
    assert kinds.count("CallOffered") == 1
    assert "SeatDialled" not in kinds


async def test_with_everybody_away_a_caller_waits_is_rung_nowhere_and_may_give_up(
    here: Town, wire: Wire
) -> None:
    caller = "13700410041"
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        phones: Phones = await enter(at_work(here, {"8041": "1041", "8042": "1042"}, DECLINES))
        post(here, BreakAsked("8041", "1"), BreakAsked("8042", "2"))
        caller_phone = await enter(calling(here, "12345", caller))
        await heard(here, caller_phone, "waiting-next")
        await caller_phone.hang_up()
        (told,) = await records(here, [caller])
        assert phones.legs() == []
    assert (told.disposition, told.rings, told.agent) == ("abandoned", 0, None)
    assert await wire.rung() == []
