"""Limits, wishes and days, on the real switch: who waits too long, who is asked for first, what is said on a holiday, and that
nobody is called back at night."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

from acd.calls import CallState
from acd.messages import RingForCallBack
from hotline.city import City
from hotline.rehearsal.baresip_live import Softphone
from hotline.rehearsal.farend_live import FarEnd
from hotline.rehearsal.manners import Fixed, Manner
from tests.switch.conftest import Town, city_text, instant, moved, town
from tests.switch.test_seats import prompt, share_heard
from tests.switch_routing.test_routing import STAYS, TALKS, at_work, calling, in_state, waited

pytestmark = [pytest.mark.switch, pytest.mark.asyncio(loop_scope="module")]

NET, NIGHT = "127.32.3", "127.32.4"
HOLIDAY, FULL = "今天是法定节假日，人工服务照常。", "座席全忙，请稍后再拨。"
GREETING, URBAN = "开封市民热线。", "城管为您服务。"

LIMITED = f"""
[[queues]]
name = "12345"
title = "开封12345"
greeting = ["{GREETING}"]
max_wait_seconds = 2
then = "overflow"
overflow = {{ queue = "law", skill = "12348" }}
rest_seconds = 1

[[queues]]
name = "law"
title = "法律"
max_wait_seconds = 2
full_notice = ["{FULL}"]

[days]
holiday = "{HOLIDAY}"

[[callers]]
name = "dialect"
title = "方言"
numbers = ["1390033*"]
prefer = "dialect"
prefer_seconds = 1.5

[[agents]]
first = "1901"
name = "方言受理员"
skills = {{ "12345" = 2, "12319" = 2, "12348" = 1, "dialect" = 1 }}
pin_hash = "PIN"
"""
EXPERT, SPEAKS, PLAIN = "1047", "1901", "1001"


def limited() -> str:
    """Kaifeng with little patience: after 2 s of waiting the lawyers are asked, and after 2 s more it is over."""
    text = moved(city_text("kaifeng"), NET)
    text = re.sub(r"(\[\[seats\]\]\nfirst = .*\n)", r"\1nat = false\n", text)
    pin = re.search(r'pin_hash = "(.*)"', text)
    assert pin is not None
    text, made = re.subn(
        r"\[\[queues\]\]\n(?:.+\n)+", lambda _: LIMITED.replace("PIN", pin[1]), text, count=1
    )
    assert made == 1
    text, made = re.subn(r'(number = "12319"\n)', rf'\1greeting = ["{URBAN}"]\n', text)
    assert made == 1
    return text


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def here() -> AsyncIterator[Town]:
    async with town(City.read(limited(), "kaifeng"), as_of="2026-10-02T10:00") as here:
        here.end_wrap_up_at_once()
        yield here


def share(here: Town, phone: Softphone, text: str) -> float:
    return share_heard(phone.heard().samples, prompt(here, text))


# ── who waits too long ───────────────────────────────────────────────────────────────────────────────────────


async def test_who_has_waited_too_long_goes_on_to_the_other_queues_people(here: Town) -> None:
    async with at_work(here, {"8002": EXPERT}), calling(here, "12345") as (caller, phone):
        await phone.ended(within_s=20)
        record = await here.record_of(caller)
    assert (record.agent, record.disposition, record.queue) == (EXPERT, "answered", "law")
    assert 1900 <= waited(record) < 3000
    assert any("longest wait of queue 12345" in why for why in record.because)


async def test_where_nobody_is_there_either_it_is_said_and_counted(here: Town) -> None:
    state = here.platform.service.engine.state
    before = state.refusals.of_day(here.platform.service.clock.now())
    async with calling(here, "12345") as (caller, phone):
        await phone.ended(within_s=20)
        assert share(here, phone, FULL) >= 0.5
        record = await here.record_of(caller)
    assert (record.disposition, record.rings) == ("refused", 0)
    assert record.queued is not None
    assert record.ended is not None
    assert record.ended - record.queued >= 4000
    now = state.refusals.of_day(here.platform.service.clock.now())
    assert now["waited law"] == before.get("waited law", 0) + 1


async def test_what_110_hands_over_is_not_turned_away_however_long_nobody_is_there(here: Town) -> None:
    caller = "13800330110"
    async with Softphone(here.sip, bind=here.far("emergency")[0], caller=caller) as phone:
        await phone.dial("12345")
        async with calling(here, "12345") as (citizen, other):
            await other.ended(within_s=20)  # after both limits
            assert (await here.record_of(citizen)).disposition == "refused"
        assert in_state(here, caller, CallState.QUEUED)
        assert share(here, phone, FULL) < 0.5
        async with at_work(here, {"8001": PLAIN}):
            await phone.ended(within_s=20)
            record = await here.record_of(caller)
    assert (record.disposition, record.agent, record.priority) == ("answered", PLAIN, 1000)


# ── who is asked first ───────────────────────────────────────────────────────────────────────────────────────


async def test_a_caller_of_the_list_gets_who_speaks_the_dialect_though_another_is_idle_for_longer(
    here: Town,
) -> None:
    async with at_work(here, {"8001": PLAIN, "8003": SPEAKS}):
        async with calling(here, "12345", "13900330001") as (caller, phone):
            await phone.ended(within_s=20)
            record = await here.record_of(caller)
        async with calling(here, "12345") as (other, phone):
            await phone.ended(within_s=20)
            plain = await here.record_of(other)
    assert (record.agent, plain.agent) == (SPEAKS, PLAIN)
    assert waited(record) < 500


async def test_while_who_speaks_the_dialect_talks_the_others_come_after_the_set_time(here: Town) -> None:
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        await enter(at_work(here, {"8003": SPEAKS}, STAYS))
        busy, _ = await enter(calling(here, "12345", "13900330002"))
        await here.until(lambda: in_state(here, busy, CallState.TALKING), "talks", 15)
        await enter(at_work(here, {"8001": PLAIN}, TALKS))
        caller, phone = await enter(calling(here, "12345", "13900330003"))
        await phone.ended(within_s=20)
        record = await here.record_of(caller)
    assert record.agent == PLAIN
    assert 1400 <= waited(record) < 2000  # before the 2 s after which the queue gives up


# ── what is said on a day ────────────────────────────────────────────────────────────────────────────────────


async def test_on_a_holiday_the_days_notice_comes_before_the_greeting_of_the_line(here: Town) -> None:
    async with at_work(here, {"8001": PLAIN}, Manner(talk_s=Fixed(1.0))):
        async with calling(here, "12319") as (_, phone):
            await phone.ended(within_s=30)
            urban = phone.heard().samples
        async with calling(here, "12345") as (_, phone):
            await phone.ended(within_s=30)
            own = phone.heard().samples
    for samples, said, unsaid in ((urban, URBAN, GREETING), (own, GREETING, URBAN)):
        length = len(prompt(here, HOLIDAY))
        assert share_heard(samples[: length + 8000], prompt(here, HOLIDAY)) >= 0.5
        assert share_heard(samples[length:], prompt(here, said)) >= 0.5
        assert share_heard(samples, prompt(here, unsaid)) < 0.5


# ── nobody is called back at night ───────────────────────────────────────────────────────────────────────────

CALL_BACK = """
[call_back]
missed = true
from = "08:00"
to = "21:00"
missed_after_seconds = 0
ring_seconds = 15
"""


async def test_who_was_missed_before_eight_is_called_back_at_eight_and_not_sooner() -> None:
    missed, eight = "13900330081", instant("2026-10-02T08:00")
    text = re.sub(r"(\[\[seats\]\]\nfirst = .*\n)", r"\1nat = false\n", moved(city_text("zhengzhou"), NIGHT))
    text = re.sub(r'greeting = \["[^"]*"\]', "greeting = []", text)
    city = City.read(text + CALL_BACK, "zhengzhou")
    peer = next(one for one in city.trunks() if one.name == "unicom").peers[0]
    assert peer.port is not None
    rung: list[int] = []
    async with (
        FarEnd(str(peer.host), peer.port, manner=Manner(talk_s=Fixed(0.5))) as far,
        town(city, as_of="2026-10-02T07:59:40") as here,
    ):
        state, clock = here.platform.service.engine.state, here.platform.service.clock
        carry_out = here.platform.asterisk.carry_out

        def seen(order: object) -> None:
            if isinstance(order, RingForCallBack):
                rung.append(clock.now())
            carry_out(order)  # type: ignore[arg-type]

        here.platform.asterisk.carry_out = seen  # type: ignore[method-assign]
        async with Softphone(here.sip, bind=here.far("unicom")[0], caller=missed) as caller:
            await caller.dial("12345")
            await here.until(lambda: in_state(here, missed, CallState.QUEUED), "waits", 15)
            await caller.hang_up()
            await here.until(lambda: state.backs, "is on the list")
        async with at_work(here, {"8001": "1001"}):
            assert clock.now() < eight - 1000, "there is a free seat before eight"
            assert rung == []
            await here.until(lambda: rung, "called back", 30)
            await here.until(lambda: any(r.direction == "back" for r in here.records), "its record", 40)
        (record,) = [r for r in here.records if r.direction == "back"]
        assert eight <= rung[0] < eight + 1000
        assert (record.disposition, record.caller) == ("answered", missed)
        assert len(far.legs()) == 1
        assert not state.backs
        await asyncio.sleep(0)
