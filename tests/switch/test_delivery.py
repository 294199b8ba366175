"""Every number of every city, in every way in which carriers deliver it, as a real SIP call."""

from __future__ import annotations

import asyncio
import csv
import wave
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from acd.messages import CallRecord
from dialplans.decision import Answerer
from hotline.city import City
from hotline.rehearsal.farend_live import FarEnd
from hotline.rehearsal.manners import Dialled, Fixed, Forwarding, Manner, Plan, forwarded
from hotline.rehearsal.phones_live import Phones
from hotline.rehearsal.results import Leg
from ivr.prompts import sound
from tests.switch.conftest import Town, city_text, instant, moved, town

pytestmark = [pytest.mark.switch, pytest.mark.asyncio(loop_scope="module")]

CITY, CARRIERS = "12345", ("unicom", "telecom", "mobile")
EMERGENCIES = ("110", "119", "120", "122")
FEWER = ("called", "one Diversion", "History-Info")
UTILITIES = ("95598", "10000", "10086", "10010", "96296", "11185", "84864000", "962007")
"""Jingjiang's public utilities (line 2): no department's, reached as anybody reaches them"""


@dataclass(frozen=True)
class Scene:
    """A city on a day. ``moment`` is what the expectations below call this day."""

    city: str
    at: str
    moment: str = ""
    seats: int = 40
    experts: tuple[str, ...] = ()
    held_s: float = 16
    """so long the longest call holds its channel: notice, greeting, talk"""
    fewer: bool = False
    """the same city again: only the ways that differ most"""

    @property
    def name(self) -> str:
        """The test's name."""
        return f"{self.city}-{self.moment}" if self.moment else self.city


SCENES = (
    Scene("zhengzhou", "2020-06-16T10:00"),
    Scene("kaifeng", "2022-09-06T10:00", seats=24, experts=("1047", "1048", "1049", "1050", "1051", "1052")),
    Scene("jinan", "2018-06-12T10:00", "transition", seats=20),
    Scene("jinan", "2018-07-03T10:00", "after", seats=20, fewer=True),
    Scene("jingjiang", "2019-05-14T10:00", "open", seats=11, held_s=5.5),
    Scene("jingjiang", "2019-05-14T20:00", "closed", seats=11, fewer=True),
    Scene("heze", "2021-11-16T10:00", "transition", seats=24, experts=("1076", "1077", "1078")),
    Scene("heze", "2022-05-17T10:00", "after", seats=6, experts=("1076", "1077", "1078"), fewer=True),
)


@dataclass(frozen=True)
class Row:
    """A number as the city's document has it."""

    number: str
    treatment: str
    note: str = ""


@dataclass(frozen=True)
class Expected:
    """Who picks up: ``seat``, ``notice`` (heard, then let go), or the far end of one of ``trunks``."""

    who: str
    trunks: tuple[str, ...] = ()
    notice: bool = False


def rows(city: str) -> list[Row]:
    """The city's rows of the table that was read from the five plans, and the emergencies that hold everywhere.

    Jinan's plan names no department's number: three stand for all.
    """
    path = Path(__file__).parent.parent / "data" / "hotlines.csv"
    with path.open(encoding="utf-8", newline="") as table:
        found = [
            Row(r["number"], r["treatment"], r["note"]) for r in csv.DictReader(table) if r["city"] == city
        ]
    if city == "jinan":
        found += [Row(number, "withdrawn") for number in ("12315", "12333", "66601234")]
    listed = {row.number for row in found}
    return found + [Row(number, "emergency") for number in EMERGENCIES if number not in listed]


def expected(scene: Scene, row: Row) -> Expected:
    """What the city's document says, without a look at the program's number plan."""
    match row.treatment:
        case "absorbed":
            return Expected("seat")
        case "withdrawn" if scene.city == "heze" and (scene.moment == "after" or "at once" in row.note):
            return Expected("notice", notice=True)
        case "withdrawn":
            return Expected("seat", notice=True)
        case "parallel" if "seats merged" in row.note:
            return Expected("seat")
        case "parallel" if scene.moment == "closed":
            return Expected("seat", notice=True)
        case "parallel" if scene.city == "jingjiang" and row.number in UTILITIES:
            return Expected("far", CARRIERS)
        case "parallel":
            return Expected("far", ("departments",))
        case "subcentre":
            return Expected("far", ({"12366": "tax", "12313": "tobacco", "12305": "post"}[row.number],))
        case "emergency":
            return Expected("far", ("emergency",))
        case "independent":
            return Expected("far", CARRIERS, notice=True)
    raise AssertionError(row)


def ways(number: str, area: str) -> dict[str, Dialled]:
    """Every way in which a carrier may deliver a call for ``number``."""
    home, abroad = f"{area}-{number}", f"+86{area[1:]}{number}"
    return {
        "called": Dialled(number),
        "called with area code": Dialled(f"{area}{number}"),
        "called with area code and hyphen": Dialled(home),
        "called with area code without 0": Dialled(f"{area[1:]}{number}"),
        "called from abroad": Dialled(abroad),
        "called from abroad by 00": Dialled(f"0086{area[1:]}{number}"),
        "one Diversion": Dialled(CITY, headers=forwarded([number])),
        "two Diversions": Dialled(CITY, headers=forwarded([number, "66600000"])),
        "joined Diversion": Dialled(CITY, headers=forwarded([number, "66600000"], Forwarding.JOINED)),
        "History-Info": Dialled(CITY, headers=forwarded([number, CITY], Forwarding.HISTORY)),
        "Diversion with area code": Dialled(f"{area}{CITY}", headers=forwarded([home])),
        "History-Info from abroad": Dialled(abroad, headers=forwarded([abroad, CITY], Forwarding.HISTORY)),
    }


@dataclass(frozen=True)
class Played:
    """A call that was made, and whom it reached."""

    row: Row
    way: str
    dialled: Dialled
    trunk: str
    leg: Leg
    seats: tuple[Leg, ...]
    far: tuple[tuple[str, Leg], ...]
    records: tuple[CallRecord, ...]

    def __str__(self) -> str:
        return f"{self.row.number} ({self.row.treatment}), {self.way}, over {self.trunk}"


@dataclass(frozen=True)
class Day:
    """A scene after its last call."""

    scene: Scene
    here: Town
    played: tuple[Played, ...]

    def notice_s(self, play: Played) -> float:
        """Seconds of everything that this caller hears before anybody is rung, by the sound files' length."""
        record = play.records[0]
        plan = self.here.platform.city.plan
        headers = play.dialled.headers
        decision = plan.route(record.called, headers, play.trunk, record.arrived)
        queue = self.here.platform.city.setup().queues.get(record.queue or "")
        prompts = (*decision.notices, *(queue.greeting if queue is not None else ()))
        sounds = self.here.platform.switch.settings.sounds
        total = 0.0
        for prompt in prompts:
            with wave.open(str(sounds / f"{sound(prompt)}.wav")) as file:
                total += file.getnframes() / file.getframerate()
        return total


AT_ONCE = 2
"""so many scenes are played at the same time: a city's own channels, not this machine, set the pace of its calls"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def days(request: pytest.FixtureRequest) -> AsyncIterator[dict[Scene, asyncio.Future[Day]]]:
    """Every scene that a chosen test asks for, each played once; the switches stay up until the last test."""
    loop = asyncio.get_running_loop()
    asked = {item.callspec.params.get("day") for item in request.session.items if hasattr(item, "callspec")}
    played = {scene: loop.create_future() for scene in SCENES if scene in asked}
    turns, over = asyncio.Semaphore(AT_ONCE), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for scene, day in played.items():
            group.create_task(live(scene, day, turns, over))
        yield played
        over.set()


async def live(scene: Scene, day: asyncio.Future[Day], turns: asyncio.Semaphore, over: asyncio.Event) -> None:
    """One scene from the start of its switch to its end."""
    async with AsyncExitStack() as stack:
        try:
            async with turns:
                day.set_result(await played_through(scene, stack))
        except Exception as fault:  # noqa: BLE001 (the tests that ask for this day raise it)
            day.set_exception(fault)
        await over.wait()


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=SCENES, ids=lambda scene: scene.name)
async def day(request: pytest.FixtureRequest, days: dict[Scene, asyncio.Future[Day]]) -> Day:
    return await days[request.param]


async def played_through(scene: Scene, stack: AsyncExitStack) -> Day:
    """Open everything on ``stack`` and make the calls."""
    # scenes that are played at the same time have addresses of their own
    city = City.read(moved(city_text(scene.city), f"127.8.{1 + SCENES.index(scene)}"), scene.city)
    agents = [a for a in city.setup().agents if a not in scene.experts and scene_works(scene, a)]
    far = {
        trunk.name: FarEnd(
            str(trunk.peers[0].host), trunk.peers[0].port or 0, manner=Manner(talk_s=Fixed(0.1))
        )
        for trunk in city.trunks()
    }
    for one in far.values():
        await stack.enter_async_context(one)
    here = await stack.enter_async_context(town(city, as_of=scene.at))
    here.end_wrap_up_at_once()
    seats = [seat.number for seat in city.seats()][: scene.seats]
    phones = Phones(here.logins(seats), here.sip, manner=Manner(talk_s=Fixed(0.1)))
    await stack.enter_async_context(phones)
    people = [*scene.experts, *agents][: len(seats)]
    await here.sign_on(phones, list(zip(seats, people, strict=True)))
    await here.trunks_reachable()
    return Day(scene, here, await play(scene, here, far, phones))


def scene_works(scene: Scene, agent: str) -> bool:
    """Jingjiang's supervision agents (line 9) take no other line's calls."""
    return scene.city != "jingjiang" or agent < "1023"


async def play(scene: Scene, here: Town, far: dict[str, FarEnd], phones: Phones) -> tuple[Played, ...]:
    """Make every call, over all carriers at once, and wait for the last record."""
    city = here.platform.city
    channels = {trunk.name: trunk.channels for trunk in city.trunks() if trunk.name in CARRIERS}
    todo = [
        (row, way, dialled)
        for row in [*rows(scene.city), Row(CITY, "own")]
        for way, dialled in ways(row.number, city.area).items()
        if (row.number != CITY or way.startswith("called")) and (not scene.fewer or way in FEWER)
    ]
    total = sum(channels.values())
    rate = min(20.0, total / scene.held_s)
    shares: dict[str, list[tuple[Row, str, Dialled]]] = {name: [] for name in channels}
    for n, one in enumerate(todo):
        fullest = max(channels, key=lambda name: channels[name] * (n + 1) / total - len(shares[name]))
        shares[fullest].append(one)
    first = dict(zip(channels, (13_100_000_000, 13_300_000_000, 13_800_000_000), strict=True))

    async def over(trunk: str) -> list[Leg]:
        calls = shares[trunk]
        plan = Plan(
            len(calls),
            rate * channels[trunk] / total,
            tuple(dialled for _, _, dialled in calls),
            rings_s=Fixed(60),
            patience_s=Fixed(60),
            in_turn=True,
        )
        with here.carrier(trunk, first[trunk]) as carrier:
            return list((await carrier.place(plan)).legs)

    legs = dict(zip(channels, await asyncio.gather(*map(over, channels)), strict=True))
    await here.until(lambda: len(here.records) >= len(todo), "a record for every call")
    at_seats = phones.legs()
    at_far = [(name, leg) for name, one in far.items() for leg in one.legs()]
    played = []
    for trunk, calls in shares.items():
        by_caller = {leg.caller: leg for leg in legs[trunk]}
        for n, (row, way, dialled) in enumerate(calls):
            caller = str(first[trunk] + n)
            played.append(
                Played(
                    row,
                    way,
                    dialled,
                    trunk,
                    by_caller[caller],
                    tuple(leg for leg in at_seats if leg.caller == caller),
                    tuple((name, leg) for name, leg in at_far if leg.caller == caller),
                    tuple(record for record in here.records if record.caller == caller),
                )
            )
    return tuple(played)


async def test_every_number_in_every_way_of_delivery_reaches_what_the_citys_document_says(day: Day) -> None:
    wrong = []
    for play in day.played:
        want = Expected("seat") if play.row.number == CITY else expected(day.scene, play.row)
        if play.leg.answered is None or play.leg.ended_by != "switch":
            wrong.append(f"{play}: {play.leg}")
            continue
        reached = ("seat",) if play.seats else tuple({name for name, _ in play.far}) or ("notice",)
        wanted = want.trunks if want.who == "far" else (want.who,)
        if len(reached) != 1 or reached[0] not in wanted or len(play.seats) + len(play.far) > 1:
            wrong.append(f"{play}: reached {reached}, not {wanted}")
        if any(leg.called != play.row.number for _, leg in play.far):
            wrong.append(f"{play}: another number was asked for: {play.far}")
        if row_is_independent(play) and reached == (play.trunk,):
            wrong.append(f"{play}: passed back to the carrier that it came from")
    assert not wrong, f"{len(wrong)} of {len(day.played)}:\n" + "\n".join(wrong[:20])


def row_is_independent(play: Played) -> bool:
    """Misdirected by this carrier: it is the last that is asked to take the call back."""
    return play.row.treatment == "independent"


async def test_every_call_leaves_exactly_one_record_that_tells_line_treatment_and_end(day: Day) -> None:
    wrong = []
    for play in day.played:
        own = play.row.number == CITY
        want = Expected("seat") if own else expected(day.scene, play.row)
        if len(play.records) != 1:
            wrong.append(f"{play}: {len(play.records)} records")
            continue
        record = play.records[0]
        end = {"seat": "answered", "far": "passed", "notice": "told"}[want.who]
        told = (record.line, record.treatment, record.disposition, record.trunk)
        if told != (play.row.number, None if own else play.row.treatment, end, play.trunk):
            wrong.append(f"{play}: {told}, not {end}")
        if (record.passed_to is not None) != (want.who == "far"):
            wrong.append(f"{play}: passed to {record.passed_to}")
        if want.who == "seat" and (
            record.seat != play.seats[0].called or record.queue != CITY or not record.agent
        ):
            wrong.append(f"{play}: seat {record.seat}, queue {record.queue}, rung {play.seats}")
        if want.who != "seat" and record.queued is not None:
            wrong.append(f"{play}: stood in a queue")
        spoken = (
            (record.prompt_ended - record.answered) / 1000 if record.prompt_ended and record.answered else 0.0
        )
        if own and day.scene.city == "jingjiang":
            continue  # its keys are offered and waited for
        if want.notice != bool(plan_notices(day, play)):
            wrong.append(f"{play}: notice {plan_notices(day, play)}")
        if abs(spoken - day.notice_s(play)) > 2.0 or spoken < day.notice_s(play) - 0.1:
            wrong.append(f"{play}: heard {spoken:.1f} s of {day.notice_s(play):.1f} s")
    assert len(day.here.records) == len(day.played)
    assert not wrong, f"{len(wrong)} of {len(day.played)}:\n" + "\n".join(wrong[:20])


def plan_notices(day: Day, play: Played) -> tuple[str, ...]:
    """What the plan has said before anything else."""
    record = play.records[0]
    return day.here.platform.city.plan.route(
        record.called, play.dialled.headers, play.trunk, record.arrived
    ).notices


async def test_the_number_plan_alone_says_of_every_call_what_became_of_it(day: Day) -> None:
    plan, at = day.here.platform.city.plan, instant(day.scene.at)
    wrong = []
    for play in day.played:
        decision = plan.route(play.dialled.number, play.dialled.headers, play.trunk, at)
        (record,) = play.records
        by = {
            "answered": {Answerer.CITY},
            "told": {Answerer.NOBODY},
            "passed": {Answerer.LINE, Answerer.SUBCENTRE, Answerer.EMERGENCY, Answerer.OTHER},
        }[record.disposition]
        passes = [item.number for item in decision.passes]
        if decision.answered_by not in by or decision.number != record.line:
            wrong.append(f"{play}: {decision.answered_by} {decision.number}, but {record}")
        if record.passed_to is not None and record.passed_to not in passes:
            wrong.append(f"{play}: passed to {record.passed_to}, not one of {passes}")
    assert not wrong, "\n".join(wrong[:20])


async def test_an_emergency_is_rung_at_once_and_never_led_through_12345(day: Day) -> None:
    calls = [play for play in day.played if play.row.treatment == "emergency"]
    assert len(calls) >= 4 * (len(FEWER) if day.scene.fewer else 12)
    for play in calls:
        (record,) = play.records
        assert (record.queue, record.queued, record.prompt_ended, record.seat) == (None, None, None, None), (
            play
        )
        assert play.far[0][1].began - play.leg.began < 1.5, play


async def test_a_line_with_experts_is_answered_by_an_expert(day: Day) -> None:
    lines = {"kaifeng": {"12348", "12329"}, "heze": {"12328"}}.get(day.scene.city, set())
    asked = [play for play in day.played if play.row.number in lines]
    assert len(asked) == (len(FEWER) if day.scene.fewer else 12) * len(lines)
    assert all(play.records[0].agent in day.scene.experts for play in asked)
