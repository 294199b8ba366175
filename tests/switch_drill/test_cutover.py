"""A cutover while calls are on: offered before keeps its way, offered after goes the new way, and the way back likewise."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from hotline.city import City
from hotline.rehearsal.farend_live import FarEnd
from hotline.rehearsal.manners import Dialled, Fixed, Manner, Plan, forwarded
from hotline.rehearsal.phones_live import Phones
from tests.switch.conftest import Town, city_text, instant, moved, town

pytestmark = [pytest.mark.switch, pytest.mark.asyncio(loop_scope="module")]

MIDNIGHT = "2019-02-01T00:00:00"
BEFORE = "2019-01-31T23:59:48"
BACK = "2019-02-01T00:00:08"
ONCE = Plan(1, 1, (Dialled("12315"),), rings_s=Fixed(60), patience_s=Fixed(60))
FORWARDED = Plan(
    1, 1, (Dialled("12345", headers=forwarded(["12315"])),), rings_s=Fixed(60), patience_s=Fixed(60)
)
BRIEF = Plan(1, 1, (Dialled("12315"),), rings_s=Fixed(60), patience_s=Fixed(1))
TALKS_S = 13.0
"""long enough to be talking on the other side of midnight"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene() -> AsyncIterator[tuple[Town, FarEnd]]:
    text = moved(city_text("zhengzhou"), "127.38.2")
    name = 'name = "第一批 留号并入"\n'
    assert text.count(name) == 1
    city = City.read(text.replace(name, f"{name}back = {BACK}\n"), "zhengzhou")
    (peer,) = next(trunk for trunk in city.trunks() if trunk.name == "departments").peers
    # the offices answer before the switch asks for the first time
    async with (
        FarEnd(str(peer.host), peer.port or 0, manner=Manner(talk_s=Fixed(TALKS_S))) as offices,
        town(city, as_of=BEFORE) as here,
    ):
        here.end_wrap_up_at_once()
        yield here, offices


def survival(here: Town, number: str) -> str:
    """What the survival program would do with a call for this number."""
    table = json.loads(here.platform.switch.settings.snapshot.read_text(encoding="utf-8"))
    found: str = table["lines"][number]["next"]
    return found


async def offices_reachable(here: Town) -> None:
    """Wait until the offices have answered the switch's OPTIONS; the carriers' far sides answer nobody here."""
    async with asyncio.timeout(8):
        while not re.search(  # noqa: ASYNC110 (the console can only be asked again)
            r"Contact: +departments/.* Avail ", await here.platform.switch.console("pjsip show contacts")
        ):
            await asyncio.sleep(0.1)


async def test_calls_on_both_sides_of_a_cutover_and_of_its_way_back(scene: tuple[Town, FarEnd]) -> None:
    here, offices = scene
    clock = here.platform.service.clock
    async with Phones(here.logins(["8001", "8002"]), here.sip, manner=Manner(talk_s=Fixed(0.2))) as phones:
        with (
            here.carrier("unicom", 13_900_000_100) as first,
            here.carrier("telecom", 13_900_000_200) as second,
            here.carrier("mobile", 13_900_000_300) as third,
        ):
            await here.sign_on(phones, [("8001", "1001"), ("8002", "1002")])
            assert clock.now() < instant(MIDNIGHT), "the switch was slow: begin earlier"
            await offices_reachable(here)
            assert survival(here, "12315") == "pass"
            await here.until(lambda: clock.now() >= instant(MIDNIGHT) - 4000, "shortly before midnight", 20)
            before = asyncio.create_task(first.place(ONCE))
            (passed,) = await offices.rung(1)
            assert passed.called == "12315"
            assert clock.now() < instant(MIDNIGHT)

            await here.until(lambda: clock.now() >= instant(MIDNIGHT), "midnight", 20)
            assert not before.done()
            (leg,) = (await second.place(FORWARDED)).legs
            (answered,) = [one for one in phones.legs() if one.caller == leg.caller]
            assert answered.answered is not None
            assert len(offices.legs()) == 1
            # the call that was offered before midnight talks on
            assert not before.done()
            await here.until(lambda: survival(here, "12315") == "queue", "the survival program follows", 3)

            await here.until(lambda: clock.now() >= instant(BACK), "the way back", 20)
            await here.until(lambda: survival(here, "12315") == "pass", "and follows back", 3)
            back = asyncio.create_task(third.place(BRIEF))
            _, again = await offices.rung(2)
            assert again.called == "12315"
            (old,) = (await before).legs
            assert old.talk_s is not None
            assert old.talk_s > TALKS_S - 1
            await back
    records = [await here.record_of(caller) for caller in ("13900000100", "13900000200", "13900000300")]
    told = [(record.disposition, record.treatment) for record in records]
    assert told == [("passed", None), ("answered", "absorbed"), ("passed", None)]
    assert all(any(reason.startswith("Batch 第一批") for reason in one.because) for one in records)
