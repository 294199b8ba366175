"""Seats' states changed by code, on the real switch: by a supervisor for another, and a wrap-up made longer by its own agent."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
import pytest_asyncio

from acd.agents import Activity, Presence
from acd.calls import CallState
from hotline.city import City
from hotline.rehearsal.baresip_live import Softphone
from hotline.rehearsal.manners import Manner
from tests.switch.conftest import PIN, Town, city_text, moved, town
from tests.switch.test_seats import at_work, dialled, prompt, share_heard

pytestmark = [pytest.mark.switch, pytest.mark.asyncio(loop_scope="module")]

NET = "127.34.2"
BOSS, AGENT, OTHER = "1100", "1001", "1002"
STAYS = Manner()
"""a phone whose person talks until the caller hangs up"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def here() -> AsyncIterator[Town]:
    text = re.sub(r"(\[\[seats\]\]\nfirst = .*\n)", r"\1nat = false\n", moved(city_text("zhengzhou"), NET))
    text = re.sub(r'greeting = \["[^"]*"\]', "greeting = []", text)
    text = text.replace(
        'first = "1001"\ncount = 130\n',
        'first = "1001"\ncount = 130\npeople = [{ agent = "1100", role = "supervisor" }]\n',
        1,
    )
    async with town(City.read(text, "zhengzhou")) as here:
        yield here


@asynccontextmanager
async def desk(here: Town, seat: str, agent: str) -> AsyncIterator[Softphone]:
    """A real phone at which somebody has signed on."""
    state = here.platform.service.engine.state
    bind = f"{NET}.{int(seat) % 100 + 101}"
    async with Softphone(here.sip, here.logins([seat])[0], bind=bind) as phone:
        await dialled(phone, f"*11*{agent}*{PIN}")
        await here.until(lambda: agent in state.agents and not state.busy(seat), "signed on")
        try:
            yield phone
        finally:
            await dialled(phone, "*10")
            await here.until(lambda: agent not in state.agents, "signed off")


@asynccontextmanager
async def boss(here: Town) -> AsyncIterator[Softphone]:
    """A supervisor on a break, so that no call comes."""
    async with desk(here, "8100", BOSS) as phone:
        await dialled(phone, "*12*1")
        yield phone


@asynccontextmanager
async def calling(here: Town, caller: str, state: CallState) -> AsyncIterator[Softphone]:
    """Somebody whose call has come so far."""
    calls = here.platform.service.engine.state.calls
    async with Softphone(here.sip, bind=here.far("unicom")[0], caller=caller) as phone:
        await phone.dial("12345")
        await here.until(
            lambda: any(c.caller == caller and c.state is state for c in calls.values()),
            f"{caller}: {state}",
            15,
        )
        try:
            yield phone
        finally:
            await phone.hang_up()
            await here.until(lambda: all(c.caller != caller for c in calls.values()), "call over")


async def hears(here: Town, phone: Softphone, code: str, *words: str) -> None:
    """Dial a code, and be told these prompts."""
    samples = (await dialled(phone, code)).samples
    assert [word for word in words if share_heard(samples, prompt(here, word)) < 0.5] == []


async def test_a_break_for_another_begins_after_the_call_and_its_end_brings_the_one_that_waits(
    here: Town,
) -> None:
    first, second = "13900340201", "13900340202"
    async with boss(here) as phone, at_work(here, {"8001": AGENT}, STAYS):
        async with calling(here, first, CallState.TALKING):
            await hears(here, phone, "*358001*2", "on-break-after-call")
            assert here.agent(AGENT).activity is Activity.TALKING
        await here.until(lambda: here.agent(AGENT).activity is Activity.WRAP_UP, "wrap-up")
        await hears(here, phone, "*368001", "back")
        assert (here.agent(AGENT).presence, here.agent(AGENT).activity) == (Presence.READY, Activity.IDLE)
        await hears(here, phone, "*358001*2", "on-break")
        assert here.agent(AGENT).presence is Presence.ON_BREAK
        async with calling(here, second, CallState.QUEUED):
            await hears(here, phone, "*38", "waiting-now", "why-breaks")
            await hears(here, phone, "*368001", "back")
            await here.until(
                lambda: here.agent(AGENT).activity is Activity.TALKING, "the one who waited is served"
            )
    assert (await here.record_of(second)).agent == AGENT


async def test_signed_off_at_once_a_seat_loses_its_caller_to_the_next_one(here: Town) -> None:
    caller = "13900340203"
    async with AsyncExitStack() as stack:
        phone = await stack.enter_async_context(boss(here))
        signed = await stack.enter_async_context(at_work(here, {"8001": AGENT}, STAYS))
        await stack.enter_async_context(at_work(here, {"8002": OTHER}, STAYS))  # idle for less long
        await stack.enter_async_context(calling(here, caller, CallState.TALKING))
        assert here.agent(AGENT).activity is Activity.TALKING
        await hears(here, phone, "*378001*0", "signed-off")
        await here.until(
            lambda: here.agent(OTHER).activity is Activity.TALKING, "the next one has the caller", 15
        )
        assert AGENT not in here.platform.service.engine.state.agents
        assert [leg.ended_by for leg in signed.legs()] == ["switch"]
    record = await here.record_of(caller)
    assert (record.agent, record.rings, record.disposition) == (OTHER, 2, "answered")


async def test_without_the_right_nothing_of_another_is_changed(here: Town) -> None:
    caller = "13900340204"
    async with desk(here, "8003", "1003") as phone:
        await dialled(phone, "*12*1")
        async with at_work(here, {"8001": AGENT}, STAYS), calling(here, caller, CallState.TALKING):
            for code in ("*358001*2", "*368001", "*378001*0"):
                await hears(here, phone, code, "no-right")
            found = here.agent(AGENT)
            assert (found.activity, found.presence, found.leaving) == (Activity.TALKING, Presence.READY, None)
    assert (await here.record_of(caller)).agent == AGENT


async def test_a_wrap_up_is_made_longer_by_code_twice_and_not_a_third_time_nor_without_one(
    here: Town,
) -> None:
    caller = "13900340205"
    async with desk(here, "8004", "1004") as phone:
        await hears(here, phone, "*15", "no-wrap-up")
        async with calling(here, caller, CallState.RINGING):
            await phone.incoming()
            await phone.answer()
            await here.until(lambda: here.agent("1004").activity is Activity.TALKING, "talks")
        await phone.ended()
        await here.until(lambda: here.agent("1004").activity is Activity.WRAP_UP, "wrap-up")
        ends = here.agent("1004").until
        assert ends is not None
        for more in (30_000, 60_000):
            await hears(here, phone, "*15", "wrap-up-extended")
            assert here.agent("1004").until == ends + more
        await hears(here, phone, "*15", "wrap-up-no-more")
        assert here.agent("1004").until == ends + 60_000
        await hears(here, phone, "*14", "wrap-up-ended")
    record = await here.record_of(caller)
    assert record.wrap_up_ended is not None
    assert record.wrap_up_ended < ends + 60_000
