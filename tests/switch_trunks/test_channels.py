"""A trunk carries as many calls as it has channels, and not one more (呼损)."""

from __future__ import annotations

import asyncio
import re

import pytest

from acd.metrics import block_rate, measure
from hotline.city import City
from hotline.rehearsal.manners import Dialled, Fixed, Manner, Plan
from hotline.rehearsal.phones_live import Phones
from hotline.rehearsal.results import Leg
from tests.switch.conftest import Town, city_text, moved, town

pytestmark = pytest.mark.switch


async def call(here: Town, trunk: str, caller: int, talk_s: float) -> Leg:
    """One call over the trunk; the caller hangs up when he has waited or talked that long."""
    plan = Plan(1, 1, (Dialled("12345"),), rings_s=Fixed(20), patience_s=Fixed(talk_s))
    with here.carrier(trunk, caller) as carrier:
        (leg,) = (await carrier.place(plan)).legs
    return leg


async def test_a_full_trunk_gives_503_counts_as_blocked_and_takes_the_next_call_when_one_ends() -> None:
    text, changed = re.subn(
        r'(name = "unicom"\n(?:.*\n){2}channels = )\d+', r"\g<1>2", moved(city_text("zhengzhou"))
    )
    assert changed == 1
    async with town(City.read(text, "zhengzhou")) as here:
        here.end_wrap_up_at_once()
        state = here.platform.service.engine.state
        async with Phones(here.logins(["8001", "8002", "8003"]), here.sip, manner=Manner()) as phones:
            await here.sign_on(phones, [("8001", "1001"), ("8002", "1002"), ("8003", "1003")])
            first = asyncio.create_task(call(here, "unicom", 13_100_000_001, 3))
            second = asyncio.create_task(call(here, "unicom", 13_100_000_002, 6))
            await here.until(lambda: state.load["unicom"] == 2, "two calls on the trunk")
            third = await call(here, "unicom", 13_100_000_003, 1)
            elsewhere = await call(here, "telecom", 13_300_000_001, 1)
            await first
            fourth = await call(here, "unicom", 13_100_000_004, 1)
            await second
            await here.until(lambda: len(here.records) == 5, "five records")
            refused = await here.record_of(third.caller)
            rung = {leg.caller for leg in phones.legs()}
    assert (third.code, third.answered) == (503, None)
    assert (refused.disposition, refused.trunk, refused.cause, refused.answered) == (
        "refused",
        "unicom",
        34,
        None,
    )
    assert refused.because[-1] == "Trunk unicom has no free channel: refused with 503."
    assert third.caller not in rung
    assert (fourth.code, elsewhere.code) == (200, 200)
    blocked = block_rate(here.records)
    assert (blocked.numerator, blocked.denominator) == (1, 5)
    figures = measure(here.records, start=0, end=2**62)
    assert (figures.offered, figures.refused, figures.asked) == (5, 1, 4)
