"""``hotline drill``: every number of a city in every way of delivery, as real SIP calls whose callers listen (接话测试).

The platform is that of ``hotline run``, with its own Asterisk. Carriers, phones, sub-centres and emergency centres are
played on the loopback; what they and the callers saw is compared with the number plan (`hotline.drill_plan`).
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from acd.messages import Millis
from hotline.city import City
from hotline.drill_city import EASTWARD, for_drill
from hotline.drill_people import DrillFault, has, manned
from hotline.drill_plan import (
    EXTRA,
    SILENCE_S,
    Delivery,
    Expected,
    Reached,
    Seen,
    expect,
    matrix,
    verdict,
)
from hotline.drill_report import Line, Report
from hotline.logs import set_up
from hotline.pins import DEMO_PIN
from hotline.platform import Place, Platform, digest_of
from hotline.rehearsal.answerers_live import Answerers, Rung
from hotline.rehearsal.callers_live import Call, Callers
from hotline.rehearsal.hearing import Hearing, listen
from hotline.rehearsal.phones_live import Phones
from hotline.rehearsal.process_live import free_port
from hotline.rehearsal.results import SeatLogin
from hotline.rehearsal.sound import RATE, Samples, read_wav, write_wav
from hotline.switch.prompts_live import HOLD_MUSIC, RINGING_TONE, make_prompts, standard_prompts
from ivr.prompts import sound

SEATS = 30
"""so many seats are manned unless told otherwise, or all that there are"""
TALK_S = 0.8
"""so long both ends are together before the caller hangs up"""
TAKEN_S = 30.0
"""so long after the last expected word a caller waits for somebody"""
AT_ONCE = 48
"""calls that are on at the same time"""
RATE_MOST = 8.0
"""calls that begin in a second"""
TRUNKS_S = 30.0
FIRST_CALLER = 13_800_000_000
SEAT_HERTZ = 800.0
FAR_HERTZ = 1000.0
"""the tone of the first trunk's far end; each further one is 100 Hz higher"""


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked of a drill. ``as_of_ms`` `None`: now. ``recordings``: a folder with the city's own prompts;
    ``keep``: a folder for what was heard in the calls that differ."""

    as_of_ms: Millis | None = None
    lines: Sequence[str] = ()
    seats: int | None = None
    silence_s: float = SILENCE_S
    recordings: Path | None = None
    keep: Path | None = None
    net: str = EASTWARD


@dataclass(frozen=True, slots=True)
class Sabotage:
    """For tests: what is wrong with the platform that the drill meets. ``city``: another file than the plan's.

    ``silent``: places (a trunk's name, ``seat``) and the numbers there that ring and are not answered (``*``: all).
    """

    city: City | None = None
    silent: dict[str, frozenset[str]] = field(default_factory=dict)
    busy: dict[str, frozenset[str]] = field(default_factory=dict)


def run_drill(city: City, order: Order, say: Callable[[str], None] = lambda _: None) -> Report:
    """Hold the drill; its report."""
    set_up(level="error")
    return asyncio.run(drill(city, order, say))


async def drill(
    city: City,
    order: Order,
    say: Callable[[str], None] = lambda _: None,
    sabotage: Sabotage = Sabotage(),
) -> Report:
    """Hold the drill. ``say`` is told how it goes on. Raises `DrillFault` where it can't be held."""
    with tempfile.TemporaryDirectory(prefix="hotline-drill-") as directory:
        return await _Drill(city, order, say, sabotage, Path(directory)).hold()


class _Drill:
    def __init__(
        self, city: City, order: Order, say: Callable[[str], None], sabotage: Sabotage, home: Path
    ) -> None:
        self.city = city
        self.order = order
        self.say = say
        self.sabotage = sabotage
        self.home = home
        self.setup = city.setup()
        notice = self.setup.speech.notice
        self.greetings = {name: (*notice, *queue.greeting) for name, queue in self.setup.queues.items()}
        self.skills: dict[str, dict[str, int]] = {}
        self.answerers: dict[str, Answerers] = {}
        self.carriers: dict[str, Callers] = {}
        self.hertz: dict[str, float] = {}
        self.picked_up: dict[str, asyncio.Event] = {}
        self.library: dict[str, Samples] = {}
        self.rooms: dict[str, asyncio.Semaphore] = {}

    async def hold(self) -> Report:
        """Start everything, make every call, judge it, end everything."""
        began, wall = time.monotonic(), time.time_ns() // 1_000_000
        try:
            calls = matrix(self.city.plan, self.city.plan.rules, self.order.lines)
        except ValueError as fault:
            raise DrillFault(str(fault)) from None
        people = self._people(calls)
        place = Place(
            self.home, ami_port=free_port("127.0.0.1", tcp=True), agi_port=free_port("127.0.0.1", tcp=True)
        )
        if self.order.recordings is not None:
            (self.home / "recordings").symlink_to(self.order.recordings.absolute())
        await asyncio.to_thread(self._learn_prompts)
        city = for_drill(self.sabotage.city or self.city, self.order.net)
        async with AsyncExitStack() as stack:
            await self._far_ends(city, stack)
            self.say(f"{self.city.title}: {len(calls)} calls; Asterisk is started …")
            platform = await stack.enter_async_context(_open(city, place, self.order.as_of_ms))
            as_of = platform.service.clock.now()
            await _trunks_reachable(platform)
            await self._sign_on(platform, people, stack)
            self.say(f"{len(self.skills)} seats are signed on, {len(self.answerers) - 1} far ends answer.")
            lines = await self._make(platform, calls)
            faults = platform.service.faults
        return Report(
            city=self.city.name,
            title=self.city.title,
            as_of=as_of,
            version=version("hotline"),
            digest=digest_of(self.city),
            began=wall,
            took_s=time.monotonic() - began,
            seats=len(self.skills),
            lines=tuple(lines),
            engine_faults=faults,
        )

    def _learn_prompts(self) -> None:
        """What every prompt sounds like: a library of the drill's own, from the plan's city."""
        known = self.home / "known"
        recordings = () if self.order.recordings is None else (self.order.recordings,)
        make_prompts(known, self.city.prompts(), recordings=recordings)
        for name in (*self.city.prompts(), *standard_prompts(), HOLD_MUSIC, RINGING_TONE):
            self.library[name] = read_wav(known / f"{sound(name)}.wav")[0]

    async def _far_ends(self, city: City, stack: AsyncExitStack) -> None:
        """Somebody at the other side of every trunk, who answers, and from where callers come."""
        port = city.network().udp
        assert port is not None
        for place, trunk in enumerate(city.trunks()):
            peer = trunk.peers[0]
            assert peer.port is not None
            self.hertz[trunk.name] = FAR_HERTZ + 100 * (place % 20)
            self.answerers[trunk.name] = await stack.enter_async_context(
                self._answerer(trunk.name, (str(peer.host), peer.port), self.hertz[trunk.name])
            )
            self.carriers[trunk.name] = await stack.enter_async_context(
                Callers(str(peer.host), ("127.0.0.1", port))
            )
            # one channel is left free: a call's end is known to the engine a moment after its end
            self.rooms[trunk.name] = asyncio.Semaphore(max(trunk.channels - 1, 1))

    def _answerer(self, place: str, address: tuple[str, int], hertz: float) -> Answerers:
        nobody: frozenset[str] = frozenset()
        return Answerers(
            place,
            address,
            hertz,
            silent=self.sabotage.silent.get(place, nobody),
            busy=self.sabotage.busy.get(place, nobody),
            on_answered=self._answered,
        )

    def _answered(self, rung: Rung) -> None:
        if (event := self.picked_up.get(rung.caller)) is not None:
            event.set()

    async def _sign_on(
        self, platform: Platform, people: Mapping[str, tuple[str, dict[str, int]]], stack: AsyncExitStack
    ) -> None:
        """The phones of everybody, registered and signed on."""
        port = platform.city.network().udp
        assert port is not None
        logins = [
            SeatLogin(s.number, platform.secrets[s.secret])
            for s in platform.city.seats()
            if s.number in people
        ]
        phones = Phones(logins, ("127.0.0.1", port), directory=self.home / "phones")
        await phones.register()
        self.hertz["seat"] = SEAT_HERTZ
        answerer = self._answerer("seat", phones.bind, SEAT_HERTZ)
        self.answerers["seat"] = await stack.enter_async_context(answerer)
        await phones.sign_on({seat: (agent, DEMO_PIN) for seat, (agent, _) in people.items()}, rate=30.0)
        self.skills = {seat: skills for seat, (_, skills) in people.items()}

    def _people(self, calls: Sequence[Delivery]) -> dict[str, tuple[str, dict[str, int]]]:
        """Who sits where in this drill, and how many calls of each need may be on at once."""
        now = self.order.as_of_ms if self.order.as_of_ms is not None else time.time_ns() // 1_000_000
        needs = {expect(self.city.plan, self.greetings, call, now).skills for call in calls} - {()}
        every = len(self.setup.seats)
        most = min(every, SEATS) if self.order.seats is None else self.order.seats
        if not 1 <= most <= every:
            raise DrillFault(f"--seats {most}: {self.city.name} has 1 to {every} seats: change [[seats]]")
        people = manned(self.setup, needs, most)
        for need in needs:
            able = sum(has(skills, need) for _, skills in people.values())
            # most of a call is heard before the seat rings: where many can take it, two calls may share a seat
            self.rooms[str(need)] = asyncio.Semaphore(2 * able if able >= 6 else able)
        return people

    # ── the calls ────────────────────────────────────────────────────────────────────────────────────────────

    async def _make(self, platform: Platform, calls: Sequence[Delivery]) -> list[Line]:
        """Every call, many at once and in an order that is no number's; the lines in the matrix's order."""
        order = list(range(len(calls)))
        random.Random(12345).shuffle(order)
        rate = min(RATE_MOST, max(0.35 * len(self.skills), 1.0))
        most = asyncio.Semaphore(AT_ONCE)
        lines: dict[int, Line] = {}

        async def one(n: int) -> None:
            try:
                lines[n] = await self._call(platform, calls[n], str(FIRST_CALLER + n))
            finally:
                most.release()
            if len(lines) % 50 == 0:
                failed = sum(not line.passed for line in lines.values())
                self.say(f"{len(lines)} of {len(calls)} calls made, {failed} differ …")

        due = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for n in order:
                await most.acquire()
                group.create_task(one(n))
                due = max(due + 1 / rate, time.monotonic())
                await asyncio.sleep(due - time.monotonic())
        return [lines[n] for n in range(len(calls))]

    async def _call(self, platform: Platform, call: Delivery, caller: str) -> Line:
        """One call from its INVITE to its verdict."""
        async with AsyncExitStack() as stack:
            now = platform.service.clock.now()
            expected = expect(self.city.plan, self.greetings, call, now)
            asks = {call.trunk, *((expected.trunk,) if expected.trunk else ()), str(expected.skills)}
            for name in sorted(asks & self.rooms.keys()):
                await stack.enter_async_context(self.rooms[name])
            # the wait for room may have lasted over a cutover
            now = platform.service.clock.now()
            expected = expect(self.city.plan, self.greetings, call, now)
            made = await self._talk(call, caller, expected)
        return await self._judge(call, caller, expected, made, now)

    async def _talk(self, call: Delivery, caller: str, expected: Expected) -> Call:
        """Dial, press the key, wait for somebody, stay a moment, hang up."""
        picked_up = self.picked_up[caller] = asyncio.Event()
        callers = self.carriers[call.trunk]
        made = await callers.dial(call.called, caller, call.headers)
        spoken = self._spoken(expected.prompts)
        if call.key:
            await made.up.wait()
            if made.answered is not None:
                await asyncio.sleep(max(made.answered + spoken + 0.3 - time.monotonic(), 0))
                await callers.press(made, call.key)
        taken = asyncio.create_task(picked_up.wait())
        over = asyncio.create_task(made.over.wait())
        limit = spoken + (TAKEN_S if expected.end != "nobody" else 8.0)
        await asyncio.wait({taken, over}, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
        if picked_up.is_set():
            await asyncio.wait({over}, timeout=TALK_S)
        for task in (taken, over):
            task.cancel()
        await callers.hang_up(made)
        del self.picked_up[caller]
        return made

    def _spoken(self, prompts: Sequence[str]) -> float:
        return sum(len(self.library[name]) for name in prompts) / RATE

    async def _judge(self, call: Delivery, caller: str, expected: Expected, made: Call, now: Millis) -> Line:
        """What the caller heard and where the call ended, beside what ought to be."""
        rung = [one for ends in self.answerers.values() for one in ends.rung if one.caller == caller]
        rung.sort(key=lambda one: one.at)
        released = await _released(rung)
        taken = [one for one in rung if one.answered is not None]
        hertz = self.hertz[taken[-1].place] if taken else None
        if made.answered is None:
            hearing = Hearing()
        else:
            hearing = await asyncio.to_thread(
                listen,
                made.heard(),
                expected.prompts,
                self.library,
                voice_hertz=hertz,
                usual=EXTRA,
                opens=made.answered - made.began,
            )
        seen = Seen(
            hearing=hearing,
            reached=tuple(
                Reached(
                    one.place,
                    one.called,
                    one.shown,
                    one.at - made.began,
                    None if one.answered is None else one.answered - made.began,
                    one.ended_by,
                )
                for one in rung
            ),
            code=made.code,
            answered_s=None if made.answered is None else made.answered - made.began,
            ended_s=None if made.ended is None else made.ended - made.began,
            ended_by=made.ended_by,
            cause=made.cause,
            released=released,
            spoken_s=self._spoken(expected.prompts),
        )
        wrong = verdict(call, expected, seen, self.skills, silence_s=self.order.silence_s)
        if wrong and self.order.keep is not None:
            self.order.keep.mkdir(parents=True, exist_ok=True)
            name = f"{call.number}-{call.way.replace(' ', '-')}-{call.trunk}.wav".replace("/", "-")
            await asyncio.to_thread(write_wav, self.order.keep / name, made.heard())
        return Line(call, expected, seen, now, tuple(wrong))


@asynccontextmanager
async def _open(city: City, place: Place, as_of_ms: Millis | None) -> AsyncIterator[Platform]:
    """The platform with its Asterisk; nothing is left of either."""
    async with Platform.open(city, place, as_of_ms=as_of_ms) as platform:
        try:
            yield platform
        finally:
            await platform.stop_switch()


async def _trunks_reachable(platform: Platform) -> None:
    """Wait until the other side of every trunk has answered the switch's OPTIONS, at most half a minute."""
    wanted = {trunk.name for trunk in platform.city.trunks() if trunk.qualify}
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(TRUNKS_S):
            while wanted:
                said = await platform.switch.console("pjsip show contacts")
                wanted -= set(re.findall(r"Contact: +([a-z0-9_-]+)/.* Avail ", said))
                await asyncio.sleep(0.1)  # the switch's console can only be asked again
    if wanted:
        raise DrillFault(
            f"trunks: {', '.join(sorted(wanted))} not reachable on this machine: is the address in use?"
        )


async def _released(rung: Sequence[Rung]) -> bool:
    """Whether everybody who was called is let go within two seconds."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(2.0):
            while any(one.ended is None for one in rung):  # noqa: ASYNC110 (a far end's own note)
                await asyncio.sleep(0.02)
    return all(one.ended is not None for one in rung)
