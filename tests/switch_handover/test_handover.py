"""What travels along with a call over real trunks, in both directions, and who is never made to wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import pytest
import pytest_asyncio

from acd.agents import Activity
from acd.messages import CallRecord, RingAgent, SignOffAsked, SignOnAsked
from hotline.city import City
from hotline.rehearsal.manners import Dialled, Fixed, Manner, Plan
from hotline.rehearsal.phones_live import Phones
from hotline.rehearsal.results import Leg
from tests.switch.conftest import Town, city_text, moved, town
from tests.switch_handover.far import FarSocket, far_socket, header, headers
from trunks import handover
from trunks.handover import Handover

pytestmark = [pytest.mark.switch, pytest.mark.asyncio(loop_scope="module")]

NET = "127.31.0"
SEAT, AGENT = "8001", "1001"
BUSY, TAKES = "486 Busy Here", "200 OK"
TALKS = Manner(talk_s=Fixed(0.3))


@dataclass
class Place:
    """A town whose far ends can all be looked at. ``rung``: what the engine ordered to be shown at seats."""

    here: Town
    far: dict[str, FarSocket]
    phones: Phones

    @asynccontextmanager
    async def seat(self) -> AsyncIterator[None]:
        """The one agent at work; signed off when his call is over. By facts, since the feature codes are others' to test."""
        service = self.here.platform.service
        service.post(SignOnAsked(SEAT, AGENT, proven=True))
        yield
        busy = {Activity.TALKING, Activity.RINGING, Activity.WRAP_UP}
        await self.here.until(lambda: self.here.agent(AGENT).activity not in busy, "the calls are over")
        service.post(SignOffAsked(SEAT))
        await service.settled()

    async def call(self, trunk: str, caller: int, dialled: Dialled, patience_s: float = 20) -> Leg:
        """One call that comes in over ``trunk``; it ends when the other side, or its patience, does."""
        plan = Plan(1, 1, (dialled,), rings_s=Fixed(patience_s), patience_s=Fixed(patience_s))
        with self.here.carrier(trunk, caller) as carrier:
            (leg,) = (await carrier.place(plan)).legs
        return leg

    async def record(self, caller: str) -> CallRecord:
        return await self.here.record_of(caller, 40)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place() -> AsyncIterator[Place]:
    text = moved(city_text("kaifeng"), NET)
    text = text.replace(
        'channels = 30\n\n[[trunks]]\nname = "mobile"', 'channels = 1\n\n[[trunks]]\nname = "mobile"', 1
    )
    city = City.read(text, "kaifeng")
    assert next(trunk.channels for trunk in city.trunks() if trunk.name == "telecom") == 1
    async with AsyncExitStack() as stack:
        far = {
            trunk.name: await stack.enter_async_context(
                far_socket((str(trunk.peers[0].host), trunk.peers[0].port or 0))
            )
            for trunk in city.trunks()
        }
        here = await stack.enter_async_context(town(city, as_of="2022-09-06T10:00"))
        here.end_wrap_up_at_once()
        await here.trunks_reachable()
        phones = await stack.enter_async_context(Phones(here.logins([SEAT]), here.sip, manner=TALKS))
        await here.until(lambda: SEAT in here.platform.service.engine.state.reachable, "the phone is there")
        yield Place(here, far, phones)


@pytest.fixture(autouse=True)
def forget(place: Place) -> None:
    for far in place.far.values():
        far.says = BUSY
        far.invites.clear()


async def test_a_subcentre_reads_line_caller_and_case_and_its_refusal_is_seen_at_the_seat(
    place: Place,
) -> None:
    rung: list[RingAgent] = []
    carry_out = place.here.platform.asterisk.carry_out

    def watched(command: object) -> None:
        if isinstance(command, RingAgent):
            rung.append(command)
        carry_out(command)  # type: ignore[arg-type]

    place.here.platform.asterisk.carry_out = watched  # type: ignore[method-assign]
    try:
        async with place.seat():
            leg = await place.call("unicom", 13_100_000_001, Dialled("12366"))
    finally:
        place.here.platform.asterisk.carry_out = carry_out  # type: ignore[method-assign]
    record = await place.record(leg.caller)
    (invite,) = place.far["tax"].invites
    told = headers(invite)
    assert handover.read(told) == Handover("12366", leg.caller, record.call, "")
    assert told["User-to-User"].endswith(";encoding=hex;purpose=isdn-uui")
    assert (record.disposition, record.seat, record.reference) == ("answered", "8001", record.call)
    (attempt,) = record.passes
    assert (attempt.trunk, attempt.outcome, attempt.answered) == ("tax", "busy", None)
    assert [ring.line for ring in rung] == ["12366-全国税务系统统一电话-分中心占线"]


async def test_a_subcentre_that_takes_the_call_is_told_and_the_record_knows_when(place: Place) -> None:
    place.far["tax"].says = TAKES
    leg = await place.call("unicom", 13_100_000_002, Dialled("12366"), patience_s=1)
    record = await place.record(leg.caller)
    (attempt,) = record.passes
    assert record.disposition == "passed"
    assert attempt.outcome == "answered"
    assert attempt.answered is not None
    assert 0 <= attempt.answered - attempt.asked < 2_000
    assert attempt.ended == record.ended


async def test_a_carrier_is_told_nothing_of_the_person(place: Place) -> None:
    place.far["unicom"].says = TAKES
    leg = await place.call("mobile", 13_100_000_003, Dialled("110"), patience_s=1)
    record = await place.record(leg.caller)
    assert [one.trunk for one in record.passes] == ["emergency", "unicom"]
    (link,), (carrier,) = place.far["emergency"].invites, place.far["unicom"].invites
    assert handover.read(headers(link)) == Handover("110", leg.caller, record.call, "")
    assert set(headers(carrier)) == {"X-Hotline-Line", "X-Hotline-Reference", "User-to-User"}
    assert handover.read(headers(carrier)) == Handover("110", "", record.call, "")


async def test_what_110_hands_over_goes_before_who_waited_and_hears_no_greeting(place: Place) -> None:
    sent = Handover("", "13912345678", "110-20220906-77", "路灯坏了，人行道上")
    dialled = Dialled(
        "12345", headers=tuple(f"{n}: {v}" for n, v in handover.headers(sent) if n.startswith("X-"))
    )
    state = place.here.platform.service.engine.state
    first = asyncio.create_task(place.call("unicom", 13_100_000_004, Dialled("12345"), patience_s=30))
    await place.here.until(lambda: state.waiting["12345"] == 1, "one waits", 15)
    second = asyncio.create_task(place.call("emergency", 13_100_000_005, dialled, patience_s=30))
    await place.here.until(lambda: state.waiting["12345"] == 2, "the handed over one waits", 15)
    async with place.seat():
        await asyncio.gather(first, second)
        assert [leg.caller for leg in place.phones.legs()][-2:] == ["13912345678", "13100000004"]
    record = await place.record("13912345678")
    assert (record.reference, record.priority, record.prompt_ended) == ("110-20220906-77", 1000, None)
    assert record.queued is not None
    assert record.queued - record.arrived < 500
    assert "Case 110-20220906-77 came along: 路灯坏了，人行道上" in record.because


async def test_a_subcentre_that_only_knows_user_to_user_hands_over_with_its_line(place: Place) -> None:
    sent = dict(handover.headers(Handover("12366", "", "TAX-9", "问个税")))["User-to-User"]
    async with place.seat():
        leg = await place.call("tax", 13_100_000_006, Dialled("12345", headers=(f"User-to-User: {sent}",)))
    record = await place.record(leg.caller)
    assert (record.line, record.reference, record.priority) == ("12366", "TAX-9", 1)
    assert (record.disposition, record.passes) == ("answered", ())


async def test_a_case_that_came_along_goes_on_to_the_next_centre(place: Place) -> None:
    place.far["tax"].says = TAKES
    headers_sent = ("X-Hotline-Reference: 110-5", "X-Hotline-Summary: %E9%97%AE%E7%A8%8E")
    leg = await place.call("emergency", 13_100_000_007, Dialled("12366", headers=headers_sent), patience_s=1)
    (invite,) = place.far["tax"].invites
    assert handover.read(headers(invite)) == Handover(
        "12366", leg.caller, "110-5", "问税；110指挥中心联动专线转来"
    )
    assert header(invite, "X-Hotline-Reference") == "110-5"


HOSTILE = (
    'X-Hotline-Reference: %0D%0AAction%3A Hangup|${SHELL(id)}"),b,c(' + "7" * 300,
    "X-Hotline-Summary: " + "%E7%A8%8E" * 300,
    "User-to-User: 00zz",
)


async def test_hostile_headers_of_a_link_are_cut_and_the_caller_is_served(place: Place) -> None:
    async with place.seat():
        leg = await place.call("departments", 13_100_000_008, Dialled("12345", headers=HOSTILE))
    record = await place.record(leg.caller)
    assert record.disposition == "answered"
    assert record.reference is not None
    assert record.reference.startswith('Action: Hangup${SHELL(id)}"),b,c(777')
    assert len(record.reference) == handover.REFERENCE_LENGTH


async def test_a_hostile_case_is_passed_on_as_nothing_but_text(place: Place) -> None:
    place.far["tax"].says = TAKES
    leg = await place.call("departments", 13_100_000_009, Dialled("12366", headers=HOSTILE), patience_s=1)
    record = await place.record(leg.caller)
    (invite,) = place.far["tax"].invites
    told = handover.read(headers(invite))
    assert told.reference == record.reference
    assert told.note.startswith("税税税")
    assert len(headers(invite)) == 5


async def test_what_a_carrier_sends_in_these_headers_is_not_believed(place: Place) -> None:
    forged = ("X-Hotline-Line: 110", "X-Hotline-Reference: 110-1", "X-Hotline-Caller: 110")
    async with place.seat():
        leg = await place.call("unicom", 13_100_000_010, Dialled("12345", headers=forged))
    record = await place.record(leg.caller)
    assert (record.line, record.reference, record.priority) == ("12345", record.call, 0)


async def test_an_emergency_is_passed_on_a_trunk_whose_channels_are_all_taken(place: Place) -> None:
    place.far["emergency"].says = TAKES
    state = place.here.platform.service.engine.state
    waits = asyncio.create_task(place.call("telecom", 13_100_000_011, Dialled("12345"), patience_s=6))
    await place.here.until(lambda: state.load["telecom"] == 1, "telecom is full", 15)
    refused = await place.call("telecom", 13_100_000_012, Dialled("12345"), patience_s=2)
    passed = await place.call("telecom", 13_100_000_013, Dialled("110"), patience_s=1)
    assert refused.code == 503
    record = await place.record(passed.caller)
    assert (record.disposition, record.passed_to) == ("passed", "110")
    assert len(place.far["emergency"].invites) == 1
    await waits
    await place.here.until(lambda: not +state.load, "every channel is given back")
