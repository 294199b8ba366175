"""Who gets the call, on the real switch: experts, last agents, reserves, lists, the seat of line 9, overload."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
import pytest_asyncio

from acd.agents import Activity
from acd.calls import CallState
from acd.messages import CallRecord
from acd.why import why_waiting
from hotline.city import City
from hotline.rehearsal.baresip_live import Softphone
from hotline.rehearsal.manners import Fixed, Manner
from hotline.rehearsal.phones_live import Phones
from tests.switch.conftest import Town, city_text, moved, town
from tests.switch.test_seats import prompt, share_heard

pytestmark = [pytest.mark.switch, pytest.mark.asyncio(loop_scope="module")]

KAIFENG, JINGJIANG = "127.32.1", "127.32.2"
TALKS = Manner(talk_s=Fixed(0.3))
STAYS = Manner()
"""a phone whose person talks until the caller hangs up"""
_callers = iter(range(13_500_320_000, 13_500_330_000))
OVERLOAD = "来电太多，请稍后再拨。"

KEYS = f"""
closest_fit = true
last_agent_hours = 1
last_agent_seconds = 2
repeat_hours = 1
max_waiting = 2
overload_notice = ["{OVERLOAD}"]

[[callers]]
name = "park"
title = "园区企业"
numbers = ["1390032*"]
priority = 1

[[reserves]]
name = "urban"
skill = "12319"
level = 2
keep = 1
after_seconds = 3
"""


def kaifeng() -> str:
    """Kaifeng with short waits: experts for 1.5 s, last agents for 2 s, one who knows 12319 well kept free for 3 s."""
    text = moved(city_text("kaifeng"), KAIFENG)
    text, made = re.subn(r"closest_fit = true.*\n", KEYS, text)
    assert made == 1
    text = text.replace("after_seconds = 15", "after_seconds = 1.5")
    text = re.sub(r'greeting = \["[^"]*"\]', "greeting = []", text)
    # a contact is taken as the phone names it: these phones register from other ports than they listen at
    return re.sub(r"(\[\[seats\]\]\nfirst = .*\n)", r"\1nat = false\n", text)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def here() -> AsyncIterator[Town]:
    async with town(City.read(kaifeng(), "kaifeng")) as here:
        here.end_wrap_up_at_once()
        yield here


@asynccontextmanager
async def at_work(here: Town, people: Mapping[str, str], manner: Manner = TALKS) -> AsyncIterator[Phones]:
    """Phones of their own for these people (seat: agent), signed on; signed off and unregistered afterwards."""
    agents = here.platform.service.engine.state.agents
    async with Phones(here.logins(people), here.sip, manner=manner) as phones:
        try:
            await here.sign_on(phones, list(people.items()))
            yield phones
        finally:
            await here.until(lambda: not _busy(here) & set(people.values()), "calls over", 20)
            await phones.dial_all([(seat, "*10") for seat in people])
            await phones.register(0)
            await here.until(lambda: not agents.keys() & set(people.values()), "signed off")


def _busy(here: Town) -> set[str]:
    agents = here.platform.service.engine.state.agents.values()
    return {agent.agent for agent in agents if agent.activity in {Activity.TALKING, Activity.RINGING}}


@asynccontextmanager
async def calling(here: Town, number: str, caller: str | None = None) -> AsyncIterator[tuple[str, Softphone]]:
    """Somebody who has dialled and listens."""
    caller = caller or str(next(_callers))
    calls = here.platform.service.engine.state.calls
    async with Softphone(here.sip, bind=here.far("unicom")[0], caller=caller) as phone:
        await phone.dial(number)
        try:
            yield caller, phone
        finally:
            if any(call.caller == caller for call in calls.values()):
                await phone.hang_up()
                await here.until(lambda: caller not in {call.caller for call in calls.values()}, "call over")


async def served(here: Town, number: str, caller: str | None = None) -> CallRecord:
    """A call to its end, which the seat brings about."""
    before = len(here.records)
    async with calling(here, number, caller) as (known, phone):
        await phone.ended(within_s=20)
        await here.until(lambda: len(here.records) > before, f"record of {known}")
    (record,) = [record for record in here.records[before:] if record.caller == known]
    return record


def waited(record: CallRecord) -> int:
    assert record.queued is not None
    assert record.rung is not None
    return record.rung - record.queued


def in_state(here: Town, caller: str, state: CallState) -> bool:
    calls = here.platform.service.engine.state.calls.values()
    return any(call.caller == caller and call.state is state for call in calls)


# Kaifeng: 1001 and following are generalists, 1047 and following know 12348 best


async def test_an_expert_gets_the_call_though_others_are_idle_for_longer(here: Town) -> None:
    async with at_work(here, {"8001": "1001", "8002": "1047"}):
        record = await served(here, "12348")
    assert record.agent == "1047"
    assert waited(record) < 500


async def test_without_a_free_expert_the_others_come_after_the_set_time_and_not_before(here: Town) -> None:
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(at_work(here, {"8002": "1047"}, STAYS))
        busy, _ = await stack.enter_async_context(calling(here, "12348"))
        await here.until(lambda: in_state(here, busy, CallState.TALKING), "the expert talks")
        await stack.enter_async_context(at_work(here, {"8001": "1001"}))
        record = await served(here, "12348")
    assert record.agent == "1001"
    assert 1400 <= waited(record) < 2500


async def test_a_caller_finds_the_last_agent_again_and_waits_for_a_busy_one_so_long_as_is_set(
    here: Town,
) -> None:
    caller = str(next(_callers))
    async with at_work(here, {"8001": "1001", "8002": "1002"}):
        first = await served(here, "12345", caller)
        assert first.agent is not None
        assert first.priority == 0
        again = await served(here, "12345", caller)
        assert again.agent == first.agent, "though the other one is idle for longer"
        assert again.priority == 1, "a repeated call goes one step ahead"
        assert any("called once within" in why for why in again.because)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(at_work(here, {"8001": first.agent}, STAYS))
        busy, _ = await stack.enter_async_context(calling(here, "12345"))
        await here.until(lambda: in_state(here, busy, CallState.TALKING), "the last agent talks")
        other = "1002" if first.agent == "1001" else "1001"
        await stack.enter_async_context(at_work(here, {"8002": other}))
        late = await served(here, "12345", caller)
    assert late.agent == other
    assert 1900 <= waited(late) < 3000


async def test_a_seat_is_kept_free_for_its_line_and_lent_after_the_set_time(here: Town) -> None:
    state = here.platform.service.engine.state
    expert = next(name for name, one in state.setup.agents.items() if one.skills.get("12319", 0) >= 2)
    async with at_work(here, {"8001": expert}):
        assert state.router.kept_by(expert) == {"urban"}
        own = await served(here, "12319")
        assert (own.agent, waited(own) < 500) == (expert, True)
        async with calling(here, "12345") as (caller, phone):
            await here.until(lambda: in_state(here, caller, CallState.QUEUED), "waits")
            (call,) = [one for one in state.calls.values() if one.caller == caller]
            told = why_waiting(state, call.call, here.platform.service.clock.now())
            assert "1 signed on have that: 1 kept free by the reserve urban." in told
            await phone.ended(within_s=20)
            other = await here.record_of(caller)
    assert other.agent == expert
    assert 2900 <= waited(other) < 4000


async def test_a_caller_of_the_list_goes_before_one_who_came_first(here: Town) -> None:
    async with calling(here, "12345") as (first, one), calling(here, "12345", "13900320001") as (park, other):
        await here.until(lambda: in_state(here, park, CallState.QUEUED), "both wait")
        await here.until(lambda: in_state(here, first, CallState.QUEUED), "both wait")
        async with at_work(here, {"8001": "1001"}):
            await asyncio.gather(one.ended(within_s=20), other.ended(within_s=20))
        records = [await here.record_of(caller) for caller in (park, first)]
    assert [record.priority for record in records] == [1, 0]
    park_answered, first_answered = (record.seat_answered for record in records)
    assert park_answered is not None
    assert first_answered is not None
    assert park_answered < first_answered


async def test_overload_is_said_politely_and_counted_and_the_call_is_recorded_as_refused(here: Town) -> None:
    before = here.platform.service.engine.state.refusals.of_day(here.platform.service.clock.now())
    async with calling(here, "12345") as (one, _), calling(here, "12345") as (other, _):
        await here.until(lambda: in_state(here, one, CallState.QUEUED), "the first waits")
        await here.until(lambda: in_state(here, other, CallState.QUEUED), "the second waits")
        async with calling(here, "12348") as (third, phone):
            await phone.ended(within_s=20)
            heard = phone.heard()
        record = await here.record_of(third)
    assert record.disposition == "refused"
    assert record.because[-1] == "Overload: 2 wait in all, and 2 may."
    assert share_heard(heard.samples, prompt(here, OVERLOAD)) >= 0.5
    now = here.platform.service.engine.state.refusals.of_day(here.platform.service.clock.now())
    assert now["overload"] == before.get("overload", 0) + 1


# ── Jingjiang: the seat of line 9 ────────────────────────────────────────────────────────────────────────────


async def test_line_9_rings_at_its_own_seat_and_nowhere_else_and_nothing_else_rings_there() -> None:
    text = re.sub(r'greeting = \["[^"]*"\]', "greeting = []", moved(city_text("jingjiang"), JINGJIANG))
    text = re.sub(r'menu_prompt = "[^"]*"', 'menu_prompt = "请按键。"', text)
    text = re.sub(r"(\[\[seats\]\]\nfirst = .*\n)", r"\1nat = false\n", text)
    async with town(City.read(text, "jingjiang")) as here:
        here.end_wrap_up_at_once()
        agents = here.platform.service.engine.state.agents
        async with Phones(here.logins(["8001", "8011", "8012"]), here.sip, manner=TALKS) as phones:
            await phones.sign_on({"8011": ("1023", "1234")})  # a supervisor of line 9 at an ordinary desk
            assert agents == {}
            await phones.sign_on({"8012": ("1002", "1234")})  # a call taker of line 1 at the desk of line 9
            assert agents == {}
            await here.sign_on(phones, [("8001", "1001"), ("8012", "1024")])
            ninth, first, second = [await pressed(here, key) for key in "911"]
    assert (ninth.queue, ninth.seat, ninth.agent) == ("line9", "8012", "1024")
    assert [(record.queue, record.seat) for record in (first, second)] == [("12345", "8001")] * 2


async def pressed(here: Town, key: str) -> CallRecord:
    """A call to its end, whose caller presses this key."""
    async with calling(here, "12345") as (caller, phone):
        pressing = asyncio.create_task(_press(phone, key))
        await phone.ended(within_s=20)
        pressing.cancel()
        return await here.record_of(caller)


async def _press(phone: Softphone, key: str) -> None:
    while True:  # until the menu hears it
        await phone.press(key)
        await asyncio.sleep(0.3)
