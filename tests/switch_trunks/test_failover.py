"""Calls that go out: the trunks of a group in their order, and what a far end that is gone costs the caller."""

from __future__ import annotations

import io
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
import pytest_asyncio

from acd.messages import CallRecord
from hotline import logs
from hotline.city import City
from hotline.rehearsal.baresip_live import Softphone
from hotline.rehearsal.farend_live import FarEnd
from hotline.rehearsal.manners import BUSY, Dialled, Fixed, Manner, Plan
from hotline.rehearsal.results import Leg
from hotline.rehearsal.sound import Heard
from tests.switch.conftest import Town, city_text, moved, town

pytestmark = [pytest.mark.switch, pytest.mark.asyncio(loop_scope="module")]

TALKS = Manner(talk_s=Fixed(0.2))
NO_CHANNEL = Manner(refuses="503 Service Unavailable")
RINGS = Manner(ring_s=Fixed(60))
RING_S = 8
EMERGENCY = ("emergency", "unicom", "telecom", "mobile")
_callers = iter(range(13_500_000_000, 13_600_000_000, 10))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def here() -> AsyncIterator[Town]:
    text = moved(city_text("zhengzhou")).replace("ring_seconds = 30", f"ring_seconds = {RING_S}", 1)
    # The emergency trunk is asked every second; the others so seldom that nobody learns that they are gone.
    text, changed = re.subn("qualify_seconds = 5", "qualify_seconds = 1", text)
    text, more = re.subn(
        r'(name = "(?:unicom|telecom|mobile)"\n)(?=carrier)', r"\1qualify_seconds = 0\n", text
    )
    assert (changed, more) == (1, 3)
    async with town(City.read(text, "zhengzhou")) as here:
        yield here


@asynccontextmanager
async def far_ends(here: Town, **manners: Manner) -> AsyncIterator[dict[str, FarEnd]]:
    """These trunks' other sides; the emergency trunk's is found reachable before anything is dialled."""
    async with AsyncExitStack() as stack:
        ends = {name: FarEnd(*here.far(name), manner=manner) for name, manner in manners.items()}
        for end in ends.values():
            await stack.enter_async_context(end)
        if "emergency" in ends:
            await contact(here, "emergency", "Avail")
        yield ends


async def contact(here: Town, trunk: str, word: str) -> None:
    """Wait until the switch finds a trunk's far end ``Avail`` or ``Unavail``."""
    while True:  # the switch says it on its console only; it ends with the test's own limit
        lines = (await here.platform.switch.console("pjsip show contacts")).splitlines()
        if any(f"  {trunk}/sip:" in line and f" {word} " in line for line in lines):
            return


async def call(here: Town, number: str, patience_s: float = 20) -> tuple[Leg, CallRecord]:
    """One call from a mobile, and its record."""
    with here.carrier("mobile", next(_callers)) as carrier:
        plan = Plan(1, 1, (Dialled(number),), rings_s=Fixed(60), patience_s=Fixed(patience_s))
        (leg,) = (await carrier.place(plan)).legs
    return leg, await here.record_of(leg.caller)


def failures(record: CallRecord) -> list[str]:
    """The ways that were tried in vain."""
    return [why for why in record.because if "did not take the call" in why]


async def test_a_way_that_refuses_and_one_that_is_busy_are_passed_over_for_the_third(here: Town) -> None:
    async with far_ends(here, emergency=NO_CHANNEL, unicom=BUSY, telecom=TALKS) as ends:
        leg, record = await call(here, "110")
        asked = {name: [one.called for one in end.legs()] for name, end in ends.items()}
    assert asked == {"emergency": ["110"], "unicom": ["110"], "telecom": ["110"]}
    assert (record.disposition, record.passed_to) == ("passed", "110")
    assert len(failures(record)) == 2
    assert "congestion" in failures(record)[0]
    assert "busy" in failures(record)[1]
    assert leg.answered is not None
    assert leg.answered - leg.began < 2


async def test_a_way_that_rings_for_ever_is_given_up_after_its_ring_time(here: Town) -> None:
    async with far_ends(here, emergency=RINGS, unicom=TALKS) as ends:
        leg, record = await call(here, "120")
        (given_up,) = await ends["emergency"].quiet()
    assert given_up.code == 487
    assert leg.answered is not None
    assert RING_S - 1 < leg.answered - leg.began < RING_S + 2
    assert (record.disposition, len(failures(record))) == ("passed", 1)


async def test_whoever_a_carrier_finds_busy_is_not_rung_again_over_the_next(here: Town) -> None:
    async with far_ends(here, unicom=BUSY, telecom=TALKS) as ends:
        _, record = await call(here, "12333", 40)
        asked = {name: [one.called for one in end.legs()] for name, end in ends.items()}
    assert asked == {"unicom": ["12333"], "telecom": []}
    assert [(one.trunk, one.outcome) for one in record.passes] == [("unicom", "busy")]
    assert record.disposition == "told"


async def test_where_a_carrier_fails_the_next_one_rings_the_lines_people(here: Town) -> None:
    async with far_ends(here, unicom=NO_CHANNEL, telecom=TALKS) as ends:
        _, record = await call(here, "12333", 40)
        asked = {name: [one.called for one in end.legs()] for name, end in ends.items()}
    assert asked == {"unicom": ["12333"], "telecom": ["12333"]}
    assert [(one.trunk, one.outcome) for one in record.passes] == [
        ("unicom", "congestion"),
        ("telecom", "answered"),
    ]
    assert record.disposition == "passed"


async def test_a_far_end_that_went_silent_costs_seconds_and_nothing_once_supervision_saw_it(
    here: Town,
) -> None:
    told = io.StringIO()
    logs.set_up(level="info", stream=told, terminal=False)
    try:
        async with far_ends(here, emergency=TALKS, unicom=TALKS) as ends:
            await ends["emergency"].unplug()
            unnoticed, record = await call(here, "110")
            assert (record.disposition, len(failures(record))) == ("passed", 1)
            await contact(here, "emergency", "Unavail")
            noticed, record = await call(here, "110")
            assert (record.disposition, len(failures(record))) == ("passed", 1)
            assert len(ends["unicom"].legs()) == 2
            await ends["emergency"].plug_in()
            await contact(here, "emergency", "Avail")
            _, record = await call(here, "110")
            assert (record.disposition, failures(record)) == ("passed", [])
            assert len(ends["unicom"].legs()) == 2
    finally:
        logs.set_up(level="warning")
    assert unnoticed.answered is not None
    assert noticed.answered is not None
    assert unnoticed.answered - unnoticed.began < 7.5  # Asterisk alone: 30 s, the whole ring
    assert noticed.answered - noticed.began < 1
    events = [
        line
        for line in told.getvalue().splitlines()
        if '"emergency"' in line and ("trunk answers" in line or "trunk does not answer" in line)
    ]
    assert any('"Unreachable"' in line for line in events)
    assert '"Reachable"' in events[-1]


async def test_when_no_way_takes_it_the_farewell_is_heard_and_the_caller_let_go(here: Town) -> None:
    nobody = dict.fromkeys(EMERGENCY, NO_CHANNEL)
    async with (
        far_ends(here, **nobody),
        Softphone(here.sip, bind=here.far("mobile")[0], caller="13577770001") as phone,
    ):
        await phone.dial("119", within_s=20)
        await phone.ended(within_s=30)
        heard = phone.heard()
        record = await here.record_of("13577770001")
    assert (record.disposition, record.passed_to) == ("told", "119")
    assert len(failures(record)) == 4
    spoken = [window for window in heard.windows if window.heard is not Heard.SILENCE]
    assert len(spoken) > 20  # tenths of a second
    assert heard.silence_s < 2
