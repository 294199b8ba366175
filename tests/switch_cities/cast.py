"""A city's own file at work on a real switch, with the far ends, phones and callers by whom its plan's sentences are shown."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from acd.agents import Activity
from acd.calls import Call, CallState
from acd.messages import (
    CallRecord,
    Event,
    LegGone,
    SignOffAsked,
    SignOnAsked,
    TransferAsked,
    TransferRecord,
    TransferSteered,
    WrapUpEndAsked,
)
from acd.parties import Place, Stage
from hotline.city import City
from hotline.rehearsal.baresip_live import Softphone
from hotline.rehearsal.farend_live import FarEnd
from hotline.rehearsal.manners import NEVER_ANSWERS, Dialled, Fixed, Manner, Plan
from hotline.rehearsal.phones_live import Phones
from hotline.rehearsal.results import Leg
from tests.switch.conftest import Town, city_text, moved, town
from tests.switch_handover.far import FarSocket, far_socket
from tests.switch_transfer.trio import CALLER_HZ, SEAT_HZ, THIRD_HZ, Trio, all_hung_up, over, tones
from trunks.live import SwitchFault

STAYS = Manner()
"""picks up at once, and stays until the other side hangs up"""
SILENT = NEVER_ANSWERS
OUT_OF_ORDER = Manner(refuses="503 Service Unavailable")


@dataclass
class OneCall:
    """One caller's call, followed by the caller's number."""

    cast: Cast
    caller: str

    @property
    def call(self) -> Call:
        """The call as the engine has it."""
        (found,) = [
            c for c in self.cast.here.platform.service.engine.state.calls.values() if c.caller == self.caller
        ]
        return found

    async def known(self) -> str:
        """Wait until the engine has the call; its name."""
        calls = self.cast.here.platform.service.engine.state.calls
        await self.cast.here.until(
            lambda: any(c.caller == self.caller for c in calls.values()), f"{self.caller} arrives"
        )
        return self.call.call

    async def talks(self, within_s: float = 12.0) -> str:
        """Wait until a seat has the call; the agent."""
        await self.known()
        await self.cast.here.until(
            lambda: self.call.state is CallState.TALKING, f"{self.caller} talks to a seat", within_s
        )
        assert self.call.agent is not None
        return self.call.agent

    async def far(self, trunk: str, within_s: float = 8.0) -> Leg:
        """Wait until this caller's call is picked up at a far end."""
        end = self.cast.ends[trunk]
        found: list[Leg] = []

        def there() -> bool:
            found[:] = [leg for leg in end.legs() if leg.caller == self.caller and leg.answered is not None]
            return bool(found)

        await self.cast.here.until(there, f"{self.caller} at {trunk}", within_s)
        return found[-1]

    def ask(self, how: str, to: str) -> None:
        """The seat's console asks for a transfer."""
        self.cast.here.platform.service.post(TransferAsked(self.call.call, how, to))

    def wish(self, wish: str) -> None:
        """The seat's console steers it."""
        self.cast.here.platform.service.post(TransferSteered(self.call.call, wish))

    async def at(self, stage: Stage, within_s: float = 12.0) -> None:
        """Wait until a transfer is at a stage, and every leg where it belongs."""

        def there() -> bool:
            transfer = self.call.transfer
            if transfer is None or transfer.stage is not stage:
                return False
            legs = (transfer.caller, transfer.seat, transfer.third)
            return all(leg.until is None or leg.place is Place.CALLED for leg in legs)

        await self.cast.here.until(there, f"{self.caller}: {stage}", within_s)

    def together(self) -> bool:
        """Are caller, seat and third party in one room, by the engine and by the switch?"""
        transfer, rooms = self.call.transfer, self.cast.here.platform.asterisk.rooms
        if transfer is None:
            return False
        placed = {leg.place for leg in (transfer.caller, transfer.seat, transfer.third)}
        here = {party.exten for party in rooms.parties.values() if party.call == self.call.call}
        return placed == {Place.ROOM} and here == {"seat", "third"}

    def legs(self) -> dict[str, str]:
        """The channels that this call has now: ``seat``, ``third``, ``caller``."""
        asterisk = self.cast.here.platform.asterisk
        mine = [
            call
            for call in self.cast.here.platform.service.engine.state.calls.values()
            if call.caller == self.caller
        ]
        calls = {call.call for call in mine}
        found = {p.exten: p.channel for p in asterisk.rooms.parties.values() if p.call in calls}
        callers = [line.channel for call, line in asterisk.lines.items() if call in calls]
        return found | {"caller": channel for channel in callers[:1]}  # noqa: B035 (one, or none)

    async def hangs_up(self, who: str = "caller") -> None:
        """The leg of the caller, the ``seat`` or the ``third`` party ends, if it is there."""
        link, channel = self.cast.here.platform.asterisk.link, self.legs().get(who)
        assert link is not None
        if channel is not None:
            with contextlib.suppress(SwitchFault):
                await link.hangup(channel)
            await self.cast.here.until(
                lambda: self.legs().get(who) != channel, f"{who} of {self.caller} is gone"
            )

    async def everybody_hangs_up(self) -> None:
        """The third party first, the caller last; who is gone already is passed over."""
        for who in ("third", "seat", "caller"):
            await self.hangs_up(who)

    async def record(self) -> CallRecord:
        """The one record, when everybody of the call has hung up."""
        await self.everybody_hangs_up()
        return await self.cast.here.record_of(self.caller)


@dataclass
class Cast:
    """A town, who sits at the far ends of its trunks, and its seats' phones."""

    here: Town
    ends: dict[str, FarEnd]
    phones: Phones
    wavs: dict[float, Path]
    net: str
    placing: list[asyncio.Task[Leg]] = field(default_factory=list)
    _next: int = 13_600_000_000

    @asynccontextmanager
    async def at_work(self, **people: str) -> AsyncIterator[None]:
        """These agents are at work at SIPp's phones (``s8001="1001"``); signed off when their calls are over."""
        service, seats = self.here.platform.service, {name[1:]: agent for name, agent in people.items()}
        for seat, agent in seats.items():
            service.post(SignOnAsked(seat, agent, proven=True))
        state = service.engine.state
        await self.here.until(lambda: all(a in state.agents for a in seats.values()), "signed on")
        busy = {Activity.TALKING, Activity.RINGING, Activity.WRAP_UP}

        def calls_over() -> bool:
            return not any(a.activity in busy for a in state.agents.values() if a.agent in seats.values())

        try:
            yield
            await self.here.until(calls_over, "calls over")
        except BaseException:  # what a test that fails leaves behind, calls and people, is no other test's
            await all_hung_up(self.here)
            raise
        finally:
            for seat in seats:
                service.post(SignOffAsked(seat))
            await service.settled()

    @asynccontextmanager
    async def call(
        self, number: str, trunk: str = "telecom", headers: tuple[str, ...] = (), caller: int | None = None
    ) -> AsyncIterator[OneCall]:
        """Somebody calls, and is hung up on at the end, when nobody did before."""
        if caller is None:
            self._next += 1
            caller = self._next
        plan = Plan(1, 50, (Dialled(number, headers=headers),), rings_s=Fixed(90), patience_s=Fixed(90))

        async def place() -> Leg:
            with self.here.carrier(trunk, caller) as carrier:
                (leg,) = (await carrier.place(plan)).legs
            return leg

        self.placing.append(
            asyncio.create_task(place())
        )  # SIPp takes its time to end: nobody waits for it here
        one = OneCall(self, str(caller))
        try:
            await one.known()
            yield one
        finally:
            await one.everybody_hangs_up()

    @asynccontextmanager
    async def instead(self, trunk: str, manner: Manner) -> AsyncIterator[None]:
        """Other people at the far end of a trunk."""
        usual = self.ends[trunk]
        await usual.stop()
        try:
            async with FarEnd(*self.here.far(trunk), manner=manner) as other:
                self.ends[trunk] = other
                await self.here.trunks_reachable(trunk)
                yield
        finally:
            await self._as_usual(trunk)

    @asynccontextmanager
    async def reading(self, trunk: str, says: str) -> AsyncIterator[FarSocket]:
        """A far end that keeps every INVITE as it came."""
        await self.ends[trunk].stop()
        try:
            async with far_socket(self.here.far(trunk), says) as far:
                await self.here.trunks_reachable(trunk)
                yield far
        finally:
            await self._as_usual(trunk)

    async def _as_usual(self, trunk: str) -> None:
        """The far end that there was, and the switch has seen that it is there: for a moment nobody was."""
        self.ends[trunk] = FarEnd(*self.here.far(trunk), manner=STAYS)
        await self.ends[trunk].start()
        await self.here.trunks_reachable(trunk)

    @asynccontextmanager
    async def dead(self, *trunks: str) -> AsyncIterator[None]:
        """Nobody is at the far end of these trunks, not even to refuse."""
        for trunk in trunks:
            await self.ends[trunk].unplug()
        try:
            yield
        finally:
            for trunk in trunks:
                await self.ends[trunk].plug_in()
            await self.here.trunks_reachable(*trunks)

    @asynccontextmanager
    async def keyed(self, seat: str, agent: str, trunk: str = "telecom") -> AsyncIterator[Trio]:
        """A seat with a real phone whose keys are pressed, and a caller with one: each plays a tone of its own."""
        async with AsyncExitStack() as stack:
            enter = stack.enter_async_context
            phone = await enter(
                Softphone(
                    self.here.sip,
                    self.here.logins([seat])[0],
                    bind=f"{self.net}.101",
                    plays=self.wavs[SEAT_HZ],
                )
            )
            caller = await enter(
                Softphone(self.here.sip, bind=self.here.far(trunk)[0], plays=self.wavs[CALLER_HZ])
            )
            async with self.at_work(**{f"s{seat}": agent}):
                yield Trio(self.here, caller, phone, phone)
                await over(self.here)

    def sounds(self) -> Manner:
        """A far end that plays the third party's tone."""
        return Manner(ring_s=Fixed(0.3), sound=self.wavs[THIRD_HZ])


def short(one: TransferRecord) -> tuple[str, str, str | None, str | None]:
    """How, to whom, over which trunk, and what came of it."""
    return one.how, one.to, one.trunk, one.outcome


def hurry(here: Town, event: Event) -> None:
    """A seat that was brought in, and has left, does not write either."""
    if isinstance(event, LegGone):
        for agent in here.platform.service.engine.state.agents.values():
            if agent.activity is Activity.WRAP_UP:
                here.platform.service.post(WrapUpEndAsked(agent.seat))


@asynccontextmanager
async def playing(
    city: str,
    at: str,
    net: str,
    tmp: Path,
    *,
    seats: tuple[str, ...] = (),
    rings: int | None = None,
    notices: bool = False,
) -> AsyncIterator[Cast]:
    """The city as on that day. Its file is as it stands but for addresses, trunks that are asked every second whether they
    answer, a shorter greeting and, without ``notices``, shorter notices; ``rings``: shorter rings."""
    text = moved(city_text(city), net)
    text = re.sub(r"^greeting = \[.*\]$", 'greeting = ["您好。"]', text, flags=re.MULTILINE)
    if not notices:
        text = re.sub(
            r'^(withdrawn|closed|independent) = ".*"$', r'\1 = "{number}。"', text, flags=re.MULTILINE
        )
    text = re.sub(r"(\[\[seats\]\]\nfirst = .*\n)", r"\1nat = false\n", text)
    text = text.replace("qualify_seconds = 5\n", "qualify_seconds = 1\n")
    text = re.sub(r"^(channels = \d+)\n(?!qualify)", r"\1\nqualify_seconds = 1\n", text, flags=re.MULTILINE)
    if rings is not None:
        text = re.sub(r"^ring_seconds = (15|20)$", f"ring_seconds = {rings}", text, flags=re.MULTILINE)
    read = City.read(text, city)
    async with AsyncExitStack() as stack:
        ends = {
            trunk.name: FarEnd(str(trunk.peers[0].host), trunk.peers[0].port or 0, manner=STAYS)
            for trunk in read.trunks()
        }
        await asyncio.gather(*(end.start() for end in ends.values()))
        here = await stack.enter_async_context(town(read, as_of=at))
        here.end_wrap_up_at_once()
        here.platform.service.watchers.events.append(lambda event, _: hurry(here, event))
        cast = Cast(here, ends, Phones(here.logins(seats), here.sip, manner=STAYS), tones(tmp), net)
        await stack.enter_async_context(cast.phones)
        await here.trunks_reachable()
        reachable = here.platform.service.engine.state.reachable
        await here.until(lambda: set(seats) <= set(reachable), "the phones are there")
        try:
            yield cast
            await asyncio.gather(*cast.placing)
        finally:
            await asyncio.gather(*(end.stop() for end in cast.ends.values()))
