"""A changed city file while a call is talking: the call goes on, and what is new is there."""

from __future__ import annotations

import asyncio

import pytest

from acd.agents import Activity
from hotline.city import City
from hotline.rehearsal.manners import Dialled, Fixed, Manner, Plan
from hotline.rehearsal.phones_live import Phones
from tests.switch.conftest import city_text, moved, town

pytestmark = pytest.mark.switch

LINE = 'number = "12315"\nname = "消费维权热线"\ndepartment = "工商局"\ntreatment = "absorbed"'
PEOPLE = '[[agents]]\nfirst = "1131"'


async def test_a_new_seat_a_new_agent_and_a_changed_treatment_come_while_a_call_talks() -> None:
    text = moved(city_text("zhengzhou"))
    before = City.read(text, "zhengzhou")
    newcomer = (
        '[[agents]]\nfirst = "1991"\nname = "新人"\nskills = { "12345" = 1, "12315" = 1 }\n'
        'pin_hash = "scrypt$8192$8$1$aG90bGluZS1kZW1v$HQyrYXvEdxOHGLpPLWSnHgiv/v0EnRnY5F8GVFyRCj0="\n\n'
    )
    changed = text.replace("count = 146", "count = 147", 1)
    changed = changed.replace(PEOPLE, newcomer + PEOPLE, 1)
    changed = changed.replace(LINE, LINE.replace("absorbed", "withdrawn"), 1)
    after = City.read(changed, "zhengzhou")
    assert len(after.seats()) == len(before.seats()) + 1
    seat = after.seats()[-1].number

    async with town(before) as here:
        old = here.logins(["8001"])
        async with Phones(old, here.sip, manner=Manner(talk_s=Fixed(12.0))) as phones:
            await here.sign_on(phones, [("8001", "1001")])
            with here.carrier("unicom") as carrier, here.carrier("telecom", 13_600_000_000) as other:
                plan = Plan(1, 1, (Dialled("12315"),), patience_s=Fixed(60))
                placing = asyncio.create_task(carrier.place(plan))
                await here.until(
                    lambda: (
                        "1001" in here.platform.service.engine.state.agents
                        and here.agent("1001").activity is Activity.TALKING
                    ),
                    "the call talks",
                    15,
                )
                # this one waits, under what held when it came
                waiting = asyncio.create_task(
                    other.place(Plan(1, 1, (Dialled("12345"),), patience_s=Fixed(60)))
                )
                await here.until(
                    lambda: here.platform.service.engine.state.waiting["12345"] == 1,
                    "a second caller waits",
                    15,
                )
                pid = here.platform.switch.pid
                await here.platform.reload(after)
                assert here.platform.switch.pid == pid
                assert here.agent("1001").activity is Activity.TALKING
                async with Phones(here.logins([seat]), here.sip, manner=Manner(talk_s=Fixed(0.5))) as new:
                    await here.sign_on(new, [(seat, "1991")])
                    (second,) = (await waiting).legs
                    (first,) = (await placing).legs
                    assert [leg.caller for leg in new.legs()] == [second.caller]
                    await new.dial(seat, "*14")
                    (third,) = (await other.place(plan)).legs
                    assert [leg.caller for leg in new.legs()] == [second.caller, third.caller]
                    await new.dial(seat, "*14")
                (talked,) = phones.legs()
                await phones.dial("8001", "*14")
        assert (talked.caller, talked.ended_by) == (first.caller, "phone")
        assert talked.talk_s == pytest.approx(12.0, abs=0.5)
        told = [await here.record_of(leg.caller) for leg in (first, second, third)]
    assert [(r.line, r.treatment, r.agent, r.disposition) for r in told] == [
        ("12315", "absorbed", "1001", "answered"),
        ("12345", None, "1991", "answered"),
        ("12315", "withdrawn", "1991", "answered"),
    ]
