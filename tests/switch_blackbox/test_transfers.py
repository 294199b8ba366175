"""Transfers seen from outside: what phones and callers hear, what is on their displays, what stands on the wire, what is left."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio

from acd.agents import Activity
from acd.calls import Call
from acd.messages import BreakAsked, TransferAsked, TransferSteered
from acd.parties import Stage
from hotline.city import City
from hotline.rehearsal.baresip_live import Softphone
from hotline.rehearsal.farend_live import FarEnd
from hotline.rehearsal.manners import NEVER_ANSWERS, Dialled, Fixed, Manner, Plan
from tests.switch.conftest import Town, town
from tests.switch_blackbox.people import (
    at_work,
    people_told,
    post,
    records,
    replaced,
    signed_on,
    state_of,
    zhengzhou,
)
from tests.switch_blackbox.wire import Said, Wire
from tests.switch_transfer.trio import CALLER_HZ, OTHER_HZ, SEAT_HZ, THIRD_HZ, all_hung_up, hears, over, tones

pytestmark = [pytest.mark.switch, pytest.mark.asyncio(loop_scope="module")]

NET = "127.41.1"
OUTSIDE = ("unicom", "telecom", "mobile")


@dataclass
class Place:
    """The town, with 110 and a carrier who takes calls: there before the switch asks for them."""

    town: Town
    police: FarEnd
    carrier: FarEnd


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(wavs: dict[float, Path]) -> AsyncIterator[Place]:
    text = replaced(
        zhengzhou(NET),
        ('trunks = ["emergency", "unicom", "telecom", "mobile"]', 'trunks = ["emergency"]'),
        ("ring_seconds = 30\n", "ring_seconds = 3\n"),
        ('trunks = ["unicom", "telecom", "mobile"]', 'trunks = ["telecom"]'),
        ("wrap_up_seconds = 30", "wrap_up_seconds = 1"),
    )
    city = City.read(text, "zhengzhou")
    peers = {trunk.name: trunk.peers[0] for trunk in city.trunks()}
    async with AsyncExitStack() as stack:
        far = {}
        for name in ("emergency", "telecom"):
            end = FarEnd(str(peers[name].host), peers[name].port or 0, manner=answers(wavs))
            far[name] = await stack.enter_async_context(end)
        here = await stack.enter_async_context(town(city))
        await here.trunks_reachable(*far)
        yield Place(here, far["emergency"], far["telecom"])


@pytest.fixture(scope="module")
def here(place: Place) -> Town:
    return place.town


def answers(wavs: dict[float, Path]) -> Manner:
    """Picks up soon, and plays a tone."""
    return Manner(ring_s=Fixed(0.3), sound=wavs[THIRD_HZ])


@asynccontextmanager
async def behaving(far: FarEnd, manner: Manner) -> AsyncIterator[int]:
    """For a while calls are taken otherwise at a far end. Gives the number of calls that have rung there before."""
    usual = far.manner
    await far.unplug()
    far.manner = manner
    await far.plug_in()
    try:
        yield len(far.legs())
    finally:
        await far.unplug()
        far.manner = usual
        await far.plug_in()


@pytest.fixture(scope="module")
def wavs(tmp_path_factory: pytest.TempPathFactory) -> dict[float, Path]:
    return tones(tmp_path_factory.mktemp("tones"))


@pytest_asyncio.fixture(loop_scope="module")
async def wire(here: Town) -> AsyncIterator[Wire]:
    """What is said in one case. At its end no channel is left, and nobody outside was told of the inside."""
    wire = await Wire(here).begin()
    try:
        yield wire
    finally:
        await all_hung_up(here)
    await over(here)
    outside = [here.far(trunk)[0] for trunk in (*OUTSIDE, "emergency", "departments")]
    assert people_told(await wire.said(), outside) == []
    await wire.end()


@dataclass
class Pair:
    """A caller and the seat that talks to him."""

    here: Town
    number: str
    caller: Softphone
    seat: Softphone
    desk: str
    agent: str

    @property
    def call(self) -> Call:
        return next(
            call
            for call in self.here.platform.service.engine.state.calls.values()
            if call.caller == self.number
        )


@asynccontextmanager
async def talking(
    here: Town, wavs: dict[float, Path], first: int, pairs: int = 1, dials: str = "12345"
) -> AsyncIterator[list[Pair]]:
    """So many callers who talk to as many seats, whose agents are signed on."""
    people = {str(8000 + first + n): str(1000 + first + n) for n in range(pairs)}
    numbers = [f"1370041{first + n:04d}" for n in range(pairs)]
    async with AsyncExitStack() as stack:

        async def phone(number: str | None, seat: str | None) -> Softphone:
            login = here.logins([seat])[0] if seat else None
            bind = f"127.41.2.{int(seat) - 8000}" if seat else here.far("unicom")[0]
            plays = wavs[SEAT_HZ if seat else CALLER_HZ]
            made = Softphone(here.sip, login, bind=bind, caller=number or "", plays=plays)
            return await stack.enter_async_context(made)

        seats = await asyncio.gather(*(phone(None, seat) for seat in people))
        callers = await asyncio.gather(*(phone(number, None) for number in numbers))
        await stack.enter_async_context(signed_on(here, people))
        dialling = asyncio.gather(*(caller.dial(dials) for caller in callers))
        rung = await asyncio.gather(*(seat.incoming() for seat in seats))
        await asyncio.gather(*(seat.answer() for seat in seats))
        await dialling
        by_number = dict(zip(numbers, callers, strict=True))
        found = zip(people.items(), seats, rung, strict=True)
        made = [Pair(here, number, by_number[number], seat, *names) for names, seat, number in found]
        for pair in made:
            await until_hears(here, pair.caller, SEAT_HZ)
        try:
            yield made
        finally:
            await all_hung_up(here)


async def until_hears(
    here: Town, phone: Softphone, *wanted: float, not_: Sequence[float] = (), within_s: float = 6.0
) -> None:
    """Wait until a phone hears these tones, and none of the others."""

    def so() -> bool:
        heard = phone.heard().samples
        return all(hears(heard, hz) for hz in wanted) and not any(hears(heard, hz) for hz in not_)

    await here.until(so, f"hearing {wanted} and not {not_}", within_s)


def music(phone: Softphone) -> bool:
    """Whether it is music that a phone hears now: sound, and none of the tones."""
    heard = phone.heard().samples
    loud = int(abs(heard[-4000:].astype(int)).max(initial=0)) > 300
    return loud and not any(hears(heard, hz) for hz in (CALLER_HZ, SEAT_HZ, THIRD_HZ, OTHER_HZ))


def in_transfer(pair: Pair) -> bool:
    """Whether the seat's wish has reached the engine."""
    return pair.call.transfer is not None


async def hold(phone: Softphone) -> None:
    """The phone's own key: a re-INVITE with sendonly."""
    await phone._do("hold")


async def resume(phone: Softphone) -> None:
    await phone._do("resume")


def directions(said: Sequence[Said], host: str) -> list[str]:
    """How the switch has agreed, each time a phone asked, to send and to receive."""
    answers = [
        one
        for one in said
        if one.sent and one.peer[0] == host and one.method == "200" and "INVITE" in one.header("CSeq")
    ]
    return [
        found[1]
        for one in answers
        if (found := re.search(r"^a=(sendrecv|sendonly|recvonly|inactive)", one.text, re.MULTILINE))
    ]


def first_to(said: Sequence[Said], host: str) -> Said:
    """The first INVITE that the switch sent to an address."""
    return next(one for one in said if one.sent and one.method == "INVITE" and one.peer[0] == host)


async def picks_up(phone: Softphone) -> None:
    """Answer the next call."""
    await phone.incoming(within_s=10)
    await phone.answer()


# ── who is on the display ────────────────────────────────────────────────────────────────────────────────────


async def test_caller_and_hotline_are_on_both_seats_displays_and_nothing_of_the_inside_is_told_the_caller(
    here: Town, wire: Wire, wavs: dict[float, Path]
) -> None:
    async with talking(here, wavs, 51, dials="12315") as (pair,):
        begun = time.time()
        async with at_work(here, {"8052": "1052"}, Manner(ring_s=Fixed(0.2), sound=wavs[OTHER_HZ])) as other:
            await pair.seat.press("*228052#")
            await until_hears(here, pair.seat, OTHER_HZ, not_=(CALLER_HZ,))
            await pair.seat.press("*26")
            await until_hears(here, pair.caller, OTHER_HZ, SEAT_HZ)
            await pair.seat.hang_up()
            await until_hears(here, pair.caller, OTHER_HZ, not_=(SEAT_HZ,))
            await pair.caller.hang_up()
            (told,) = await records(here, [pair.number])
            rung = await wire.rung()
            assert [leg.caller for leg in other.legs()] == [pair.number]
    assert (told.agent, [(t.how, t.agent, t.outcome) for t in told.transfers]) == (
        "1052",
        [("consult", "1052", "handed over")],
    )
    for one, seat in zip(rung, ("8051", "8052"), strict=True):
        assert one.user.partition("-")[0] == seat  # a phone may add to its number
        assert re.match(rf'"12315.消费维权热线[^"]*" <sip:{pair.number}@', one.header("From"))
    inside = [
        one
        for one in await wire.said()
        if one.sent and one.peer[0] == here.far("unicom")[0] and one.at > begun
    ]
    assert {one.method for one in inside} <= {
        "200",
        "OPTIONS",
        "ACK",
    }  # the caller's phone is told nothing at all


async def test_110_is_told_caller_and_line_on_its_own_trunk_and_a_number_outside_only_line_and_case(
    here: Town, wire: Wire, wavs: dict[float, Path]
) -> None:
    async with talking(here, wavs, 53, 2) as (one, other):
        await asyncio.gather(one.seat.press("*23110#"), other.seat.press("*2113912345678#"))
        await until_hears(here, one.caller, THIRD_HZ, SEAT_HZ)
        await until_hears(here, other.caller, THIRD_HZ)
        await other.seat.ended()
        await asyncio.gather(one.caller.hang_up(), other.caller.hang_up())
        await one.seat.hang_up()
        await records(here, [one.number, other.number])
        said = await wire.said()
    police, mobile = first_to(said, here.far("emergency")[0]), first_to(said, here.far("telecom")[0])
    assert f"sip:{one.number}@" in police.header("From")
    assert "X-Hotline-Line" in police.own_headers
    assert mobile.user == "13912345678"
    assert set(mobile.own_headers) == {
        "X-Hotline-Line",
        "X-Hotline-Reference",
        "User-to-User",
    }  # nothing of the person


async def test_a_number_that_is_withheld_is_on_neither_seats_display_but_110_sees_it(
    here: Town, wire: Wire, wavs: dict[float, Path]
) -> None:
    number = "13700410088"
    plan = Plan(
        1,
        1,
        (Dialled("12345", 1.0, ("Privacy: id", f"P-Asserted-Identity: <sip:{number}@carrier.example>")),),
    )
    calls = here.platform.service.engine.state.calls
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        await enter(at_work(here, {"8055": "1055"}, answers(wavs)))
        carrier = stack.enter_context(here.carrier("unicom", int(number)))
        placing = asyncio.create_task(carrier.place(plan))
        await here.until(
            lambda: any(call.agent == "1055" and call.seat_answered for call in calls.values()), "talking"
        )
        (call,) = calls.values()
        await enter(at_work(here, {"8056": "1056"}, answers(wavs)))
        post(here, TransferAsked(call.call, "blind", "8056"))
        await here.until(lambda: call.agent == "1056", "the other seat has the call")
        post(here, TransferAsked(call.call, "three-way", "110"))
        await here.until(lambda: call.transfer and call.transfer.stage is Stage.TOGETHER, "110 is there")
        post(here, TransferSteered(call.call, "complete"))
        await here.until(lambda: call.passed_to == "110", "handed over")
        await all_hung_up(here)
        await placing
        said = await wire.rung()
    seats = [one.header("From") for one in said if one.user in {"8055", "8056"}]
    assert len(seats) == 2
    assert not [shown for shown in seats if number in shown]
    (police,) = [one for one in said if one.peer[0] == here.far("emergency")[0]]
    assert number in police.text


# ── hold ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_hold_by_the_seats_phone_gives_music_and_ends_with_the_transfer(
    here: Town, wire: Wire, wavs: dict[float, Path]
) -> None:
    async with talking(here, wavs, 57) as (pair,):
        await hold(pair.seat)
        await here.until(lambda: music(pair.caller), "music for the caller")
        post(here, TransferAsked(pair.call.call, "blind", "110"))
        await until_hears(here, pair.caller, THIRD_HZ)
        await pair.seat.ended()
        await here.until(lambda: not music(pair.caller), "no music is left")
        await pair.caller.hang_up()
        (told,) = await records(here, [pair.number])
    assert [t.outcome for t in told.transfers] == ["handed over"]


async def test_a_seat_that_holds_and_consults_and_hangs_up_leaves_nobody_with_music(
    here: Town, wire: Wire, wavs: dict[float, Path]
) -> None:
    async with talking(here, wavs, 58) as (pair,):
        await hold(pair.seat)
        await here.until(lambda: music(pair.caller), "music for the caller")
        post(here, TransferAsked(pair.call.call, "three-way", "110"))
        await until_hears(here, pair.caller, THIRD_HZ)
        await resume(pair.seat)
        await until_hears(here, pair.caller, THIRD_HZ, SEAT_HZ)
        await hold(pair.seat)
        await until_hears(here, pair.caller, THIRD_HZ, not_=(SEAT_HZ,))
        post(here, TransferSteered(pair.call.call, "give back"))
        await resume(pair.seat)
        await until_hears(here, pair.caller, SEAT_HZ, not_=(THIRD_HZ,))
        await here.until(lambda: not music(pair.caller), "no music is left")
        assert directions(await wire.said(), "127.41.2.58")[-4:] == ["recvonly", "sendrecv"] * 2
        await pair.caller.hang_up()
        (told,) = await records(here, [pair.number])
    assert [t.outcome for t in told.transfers] == ["joined"]


async def test_a_caller_who_holds_himself_is_led_on_and_talks_when_he_is_back(
    place: Place, here: Town, wire: Wire, wavs: dict[float, Path]
) -> None:
    async with talking(here, wavs, 59) as (pair,):
        before = len(place.police.legs())
        await hold(pair.caller)
        await here.until(lambda: music(pair.seat), "music for the seat")
        await pair.seat.press("*22110#")
        await until_hears(here, pair.seat, THIRD_HZ)
        await pair.seat.hang_up()
        await here.until(lambda: pair.call.transfer is None or pair.call.passed_to == "110", "handed over")
        await resume(pair.caller)
        await place.police.rung(before + 1)
        # baresip records nothing any more after a hold: that the caller is heard and hears stands on the wire
        assert directions(await wire.said(), here.far("unicom")[0])[-2:] == ["recvonly", "sendrecv"]
        await pair.caller.hang_up()
        (told,) = await records(here, [pair.number])
    assert told.passed_to == "110"


# ── a third party that does not come, the seat gone ──────────────────────────────────────────────────────────


async def test_whoever_the_third_party_is_that_fails_a_seat_which_left_the_caller_is_with_a_seat_again_or_let_go(
    place: Place, here: Town, wire: Wire, wavs: dict[float, Path]
) -> None:
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        before = await enter(behaving(place.police, NEVER_ANSWERS))
        calls = await enter(behaving(place.carrier, Manner(ring_s=Fixed(1.5), talk_s=Fixed(0.0))))
        pairs = await enter(talking(here, wavs, 61, 4))
        busy, silent, leaves, redirects = pairs
        await enter(at_work(here, {"8066": "1066"}, Manner(ring_s=Fixed(1.5), refuses="486 Busy Here")))
        await enter(
            at_work(here, {"8067": "1067"}, Manner(ring_s=Fixed(1.5), refuses="302 Moved", moved_to="110@x"))
        )
        await asyncio.gather(
            busy.seat.press("*228066#"),
            silent.seat.press("*22110#"),
            leaves.seat.press("*2212333#"),
            redirects.seat.press("*228067#"),
        )
        await asyncio.gather(*(here.until(partial(in_transfer, p), "asked") for p in pairs))
        await asyncio.gather(*(p.seat.hang_up() for p in pairs))
        post(here, BreakAsked(leaves.desk, "1"))
        await leaves.caller.ended(within_s=5)
        back = [busy, silent, redirects]
        await asyncio.gather(*(picks_up(p.seat) for p in back))
        await asyncio.gather(*(until_hears(here, p.caller, SEAT_HZ) for p in back))
        for p in back:
            assert p.caller.heard().silence_s < 1.0
        await asyncio.gather(*(p.caller.hang_up() for p in back))
        told = await records(here, [p.number for p in (busy, silent, redirects, leaves)])
        assert len(place.police.legs()) == before + 1  # the redirection to 110 was not followed
        assert len(place.carrier.legs()) == calls + 1
    outcomes = [t.outcome for r in told for t in r.transfers]
    assert outcomes[:2] + outcomes[3:] == ["busy", "noanswer", "handed over"]
    # of a phone that redirects the switch tells now one cause, now the other
    assert outcomes[2] in {"unreachable", "noanswer"}
    assert [r.disposition for r in told] == ["answered"] * 4


async def test_a_third_party_that_answers_as_it_is_given_up_keeps_nobody_and_nobody_hears_it(
    place: Place, here: Town, wire: Wire, wavs: dict[float, Path]
) -> None:
    rings_s, apart_s = 1.5, (-0.02, 0.0, 0.02, 0.04, 0.08)  # the last ones have it on the line by then
    async with AsyncExitStack() as stack:
        late = Manner(ring_s=Fixed(rings_s), sound=wavs[THIRD_HZ])
        before = await stack.enter_async_context(behaving(place.police, late))
        pairs = await stack.enter_async_context(talking(here, wavs, 91, len(apart_s)))

        async def gives_up(pair: Pair, apart: float) -> None:
            post(here, TransferAsked(pair.call.call, "consult", "110"))
            await asyncio.sleep(rings_s + apart)  # what is tested is this very moment
            post(here, TransferSteered(pair.call.call, "give back"))

        await asyncio.gather(*map(gives_up, pairs, apart_s))
        legs = (await place.police.quiet())[before:]
        for pair in pairs:
            await until_hears(here, pair.caller, SEAT_HZ, not_=(THIRD_HZ,))
            await until_hears(here, pair.seat, CALLER_HZ, not_=(THIRD_HZ,))
            assert not hears(pair.caller.heard().samples, THIRD_HZ)
        await asyncio.gather(*(pair.caller.hang_up() for pair in pairs))
        told = await records(here, [pair.number for pair in pairs])
    assert len(legs) == len(pairs)
    assert all(leg.ended is not None for leg in legs)
    for record in told:
        assert len(record.transfers) == 1, record.transfers
        (one,) = record.transfers
        assert one.outcome == ("given back" if one.answered is None else "consulted")


# ── both legs led away at once ───────────────────────────────────────────────────────────────────────────────


async def test_both_legs_led_out_of_their_bridge_stay_up_and_the_carrier_sees_no_new_dialog(
    place: Place, here: Town, wire: Wire, wavs: dict[float, Path]
) -> None:
    async with behaving(place.police, NEVER_ANSWERS), talking(here, wavs, 69, 3) as pairs:
        for _ in range(2):
            post(here, *(TransferAsked(p.call.call, "consult", "110") for p in pairs))
            await asyncio.gather(*(here.until(partial(music, p.caller), "music") for p in pairs))
            post(here, *(TransferSteered(p.call.call, "give back") for p in pairs))
            await asyncio.gather(*(until_hears(here, p.caller, SEAT_HZ) for p in pairs))
            await asyncio.gather(*(until_hears(here, p.seat, CALLER_HZ) for p in pairs))
        said = await wire.said()
        assert not [one for one in said if one.sent and one.method == "BYE"]
        await asyncio.gather(*(p.seat.hang_up() for p in pairs))
        await asyncio.gather(*(p.caller.ended() for p in pairs))
        told = await records(here, [p.number for p in pairs])
    assert [[t.outcome for t in r.transfers] for r in told] == [["given back"] * 2] * 3


# ── keys that are not finished ───────────────────────────────────────────────────────────────────────────────


async def test_a_code_that_is_not_finished_loses_neither_sides_hang_up(
    here: Town, wire: Wire, wavs: dict[float, Path]
) -> None:
    codes = ("*2", "*22", "*221") * 2
    async with talking(here, wavs, 75, 6) as pairs:
        await asyncio.gather(*(p.seat.press(code) for p, code in zip(pairs, codes, strict=True)))
        begun = here.platform.service.clock.now()
        at = time.monotonic()
        await asyncio.gather(*(p.caller.hang_up() for p in pairs[:3]), *(p.seat.hang_up() for p in pairs[3:]))
        took: list[float] = []

        async def ended(phone: Softphone) -> None:
            await phone.ended(within_s=12)
            took.append(time.monotonic() - at)

        await asyncio.gather(*(ended(p.caller) for p in pairs[3:]), *(ended(p.seat) for p in pairs[:3]))
        assert not {state_of(here, p.agent) for p in pairs} - {Activity.WRAP_UP, Activity.IDLE}
        told = await records(here, [p.number for p in pairs])
    assert max(took) < 1.5, took
    for record in told:
        assert (record.disposition, record.transfers) == ("answered", ())
        assert record.ended is not None
        assert record.ended - begun < 1500
