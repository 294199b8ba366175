"""A switch on paper: it carries the engine's orders out after a moment, and its people ring, talk, key and hang up at random.

It knows what Asterisk does by itself (a bridge of two ends with either of them; a party that was hung up stays
away; an order for a channel that is gone comes to nothing) and nothing of the engine's rules.
``tests/switch_transfer`` holds the real one to the same promises.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Any

from acd.engine import Engine
from acd.messages import (
    AgentAnswered,
    AgentHungUp,
    AgentRangOut,
    CallerHungUp,
    CallOffered,
    CallRecord,
    CallThird,
    ChannelSeen,
    DialOut,
    DropBack,
    DropLeg,
    DropSeat,
    Event,
    HangUp,
    LegAt,
    LegGone,
    LegHeard,
    LegHolds,
    LegSeen,
    MoveLeg,
    Part,
    PassAnswered,
    PassFailed,
    PassOn,
    Play,
    PromptFinished,
    RecordStored,
    Refuse,
    RingAgent,
    RingForCallBack,
    SayTo,
    SeatDialled,
    SeatReachable,
    SignOnAsked,
    SwitchLost,
    SwitchSurveyed,
    TransferAsked,
    TransferSteered,
    WriteRecord,
)
from acd.setup import Setup

TARGETS = (
    *("110", "119", "8002", "8003", "102", "12366", "12315", "12348", "12345", "13900000000", "8999", "x"),
    *("skill:12315", "queue:12345"),
)
WISHES = ("toggle", "complete", "together", "give back", "give back", "dance")
LONELY_MS = 12_000
"""so long nobody may be alone in a room, or held without anybody who comes back for him"""


@dataclass
class Channel:
    """One leg: who it is, and where. ``place``: flow, ring, bridged, room, held, called, passed. ``placed``: a seat's, by which it
    called somebody, and by which the call is named."""

    call: str
    leg: str
    name: str
    place: str
    agent: str = ""
    alive: bool = True
    placed: bool = False
    alone_since: int | None = None


@dataclass
class Switchboard:
    """The switch and its people. ``lossy``: the share of moves that the switch fails to make."""

    setup: Setup
    rng: random.Random
    start: int
    lossy: float = 0.0
    restarts: float = 0.0
    engine: Engine = field(init=False)
    now: int = field(init=False)
    channels: dict[str, Channel] = field(default_factory=dict)
    seat_of: dict[str, Channel] = field(default_factory=dict)
    records: list[CallRecord] = field(default_factory=list)
    offered: int = 0
    seen: dict[str, int] = field(default_factory=dict)
    callers: dict[str, Channel] = field(default_factory=dict)
    """whom seats have called"""
    turned: set[str] = field(default_factory=set)
    """the calls of which the switch knows that they are their callers'"""
    _due: list[tuple[int, int, Callable[[], None]]] = field(default_factory=list)
    _numbered: int = 0

    def __post_init__(self) -> None:
        self.engine, self.now = Engine(self.setup), self.start

    # ── time ─────────────────────────────────────────────────────────────────────────────────────────────────

    def after(self, ms: int, do: Callable[[], None]) -> None:
        self._numbered += 1
        heappush(self._due, (self.now + ms, self._numbered, do))

    def run(self, until: int | None = None) -> None:
        """Until nothing is due any more, or until an instant."""
        while True:
            deadline = self.engine.deadline()
            next_due = self._due[0][0] if self._due else None
            at = min((t for t in (deadline, next_due) if t is not None), default=None)
            if at is None or (until is not None and at > until):
                return
            self.now = max(self.now, at)
            if deadline is not None and deadline <= self.now:
                self.carry_out(self.engine.tick(self.now))
            else:
                heappop(self._due)[2]()

    def post(self, fact: Event) -> None:
        if self.rng.random() < self.restarts:
            written = self.engine.snapshot()
            self.engine = Engine(self.setup)
            self.engine.restore(written)
        self.carry_out(self.engine.receive(fact, self.now))
        self.nobody_is_left_alone()

    def carry_out(self, orders: list[Any]) -> None:
        for order in orders:
            self.seen[type(order).__name__] = self.seen.get(type(order).__name__, 0) + 1
            self._carry(order)

    # ── what the switch does ─────────────────────────────────────────────────────────────────────────────────

    def sign_on(self, agent: str, seat: str) -> None:
        self.post(SeatReachable(seat))
        self.post(SignOnAsked(seat, agent, proven=True))

    def offer(self, called: str, trunk: str = "unicom") -> str:
        self.offered += 1
        call = f"{self.offered}.0"
        self.channels[call] = Channel(call, "caller", call, "flow")
        self.post(CallOffered(call, trunk, called, f"138{self.offered:08}"))
        self.after(self._soon(200, 240_000), lambda: self.hang_up(call))
        return call

    def dial_out(self) -> None:
        """A seat that is free calls somebody."""
        free = [agent for agent in self.engine.state.agents.values() if agent.available]
        if not free:
            return
        self.offered += 1
        agent, call = self.rng.choice(free), f"{self.offered}.0"
        self.channels[call] = Channel(call, "seat", call, "flow", agent.agent, placed=True)
        self.post(SeatDialled(call, agent.seat, f"139{self.offered:08}"))

    def _dial(self, call: str) -> None:
        """The far end of a call that a seat placed is rung."""
        own = self.channels.get(call)
        if own is None or not own.alive:
            return
        own.place = "ring"

        def ends() -> None:
            if self.rng.random() < 0.2:
                self.post(PassFailed(call, self.rng.choice(["busy", "noanswer"]), 17))
                return
            own.place = "bridged"
            far = self.callers[call] = Channel(call, "caller", f"{call}/far", "bridged")
            self.seat_of[call], self.channels[far.name] = own, far
            self.post(PassAnswered(call))
            self.after(self._soon(500, 120_000), lambda: self.hang_up(call))
            self.after(self._soon(500, 120_000), lambda: self.hang_up(far.name))
            self.after(self._soon(200, 20_000), lambda: self._keys(own))

        self.after(self._soon(300, 6000), lambda: self._if(call, ends))

    def _ring_back(self, order: RingForCallBack) -> None:
        own = self.channels[order.call] = Channel(
            order.call, "seat", order.call, "ring", order.agent, placed=True
        )
        self.callers.pop(order.call, None)
        self.turned.discard(order.call)

        def ends() -> None:
            if not own.alive:
                return
            if self.rng.random() < 0.15:
                own.alive = False
                self.post(AgentRangOut(order.call, order.agent, "noanswer"))
            else:
                self.post(AgentAnswered(order.call, order.agent))

        self.after(self._soon(300, 6000), ends)

    def _caller(self, call: str) -> Channel | None:
        return self.callers.get(call) if call in self.turned else self.channels.get(call)

    def _soon(self, low: int, high: int) -> int:
        return round(low * (high / low) ** self.rng.random())

    def _carry(self, order: Any) -> None:
        rng = self.rng
        match order:
            case Play():
                self.after(
                    self._soon(50, 3000),
                    lambda: self._if(order.call, lambda: self.post(PromptFinished(order.call))),
                )
            case RingAgent():
                self._ring(order)
            case DialOut():
                self._dial(order.call)
            case RingForCallBack():
                self._ring_back(order)
            case DropBack():
                self.after(3, lambda: self.hang_up(order.call))
            case PassOn() if self.channels[order.call].placed:
                self._dial(order.call)
            case PassOn():
                fact = PassAnswered(order.call) if rng.random() < 0.6 else PassFailed(order.call)
                self._place(order.call, "passed")
                self.after(self._soon(500, 9000), lambda: self._if(order.call, lambda: self.post(fact)))
            case HangUp() | Refuse():
                if leg := self._caller(order.call):
                    self.after(3, lambda: self.hang_up(leg.name))
            case DropSeat():
                if leg := self.seat_of.get(order.call):
                    self.after(3, lambda: self.hang_up(leg.name))
            case Part():
                self.after(6, lambda: self._part(order))
            case MoveLeg():
                leg = self._leg(order.call, order.leg, order.channel)
                if leg and leg.alive and rng.random() >= self.lossy:
                    self.after(self._soon(2, 40), lambda: self._arrive(leg, order.place))
            case CallThird():
                self._call_third(order)
            case DropLeg():
                if leg := self._leg(order.call, order.leg, order.channel):
                    self.after(4, lambda: self.hang_up(leg.name))
            case SayTo():
                leg = self._leg(order.call, order.leg, None)
                if leg and leg.alive and leg.place == "held":
                    self.after(1500, lambda: leg.alive and self.post(LegHeard(order.call, order.leg)))
            case WriteRecord():
                self.records.append(order.record)
                self.after(900, lambda: self.post(RecordStored(order.record.call)))
            case _:
                pass

    def _if(self, channel: str, do: Callable[[], None]) -> None:
        leg = self._caller(channel)
        if leg is not None and leg.alive:
            do()

    def _place(self, channel: str, place: str) -> None:
        leg = self._caller(channel)
        assert leg is not None
        leg.place = place

    def _leg(self, call: str, leg: str, channel: str | None) -> Channel | None:
        if leg == "caller":
            return self._caller(call)
        return self.channels.get(channel) if channel is not None else self.seat_of.get(call)

    def _ring(self, order: RingAgent) -> None:
        self._place(order.call, "ring")

        def ends() -> None:
            if self.rng.random() < 0.15:
                self.post(AgentRangOut(order.call, order.agent, self.rng.choice(["noanswer", "busy"])))
                return
            name = f"{order.call}/{order.agent}/{self._numbered}"
            leg = self.seat_of[order.call] = Channel(order.call, "seat", name, "bridged", order.agent)
            self.channels[name] = leg
            self._place(order.call, "bridged")
            self.post(AgentAnswered(order.call, order.agent))
            self.after(self._soon(500, 120_000), lambda: self.hang_up(name))
            self.after(self._soon(200, 20_000), lambda: self._keys(leg))

        self.after(self._soon(300, 6000), lambda: self._if(order.call, ends))

    def _keys(self, leg: Channel) -> None:
        """A person who transfers, toggles and completes, sensibly and not."""
        if not leg.alive or self.rng.random() < 0.1:
            return
        if self.rng.random() < 0.1:
            on = self.rng.random() < 0.7
            self.post(LegHolds(leg.call, leg.leg, on, leg.name if leg.leg == "third" else None))
        elif self.rng.random() < 0.5:
            how = self.rng.choice(["blind", "consult", "consult", "three-way"])
            self.post(TransferAsked(leg.call, how, self.rng.choice(TARGETS), desk="desk"))
        else:
            self.post(TransferSteered(leg.call, self.rng.choice(WISHES), desk="desk"))
        self.after(self._soon(30, 9000), lambda: self._keys(leg))

    def _part(self, order: Part) -> None:
        if order.agent is not None and order.call in self.callers and self.callers[order.call].alive:
            self.turned.add(order.call)
        caller, seat = self._caller(order.call), self.seat_of.get(order.call)
        if (
            caller is None
            or caller is seat
            or not caller.alive
            or caller.place != "bridged"
            or self.rng.random() < self.lossy
        ):
            return
        seat = seat if seat and seat.alive and seat.place == "bridged" else None
        if order.seat != "gone" and seat:
            self._arrive(seat, order.seat, after=self._soon(1, 20))
        elif seat:
            self.after(2, lambda: self.hang_up(seat.name))
        self._arrive(caller, order.caller, after=self._soon(1, 20))

    def _arrive(self, leg: Channel, place: str, after: int = 0) -> None:
        leg.place = "moving"

        def there() -> None:
            if leg.alive:
                leg.place = place
                self.post(LegAt(leg.call, leg.leg, place, leg.name if leg.leg == "third" else None))

        self.after(after, there)

    def _call_third(self, order: CallThird) -> None:
        leg = self.channels[order.channel] = Channel(order.call, "third", order.channel, "called")
        if order.seat is not None:
            agent = self.engine.state.agent_at(order.seat)
            leg.agent = agent.agent if agent else ""
        answers = self.rng.random() < 0.65

        def ends() -> None:
            if not leg.alive:
                return
            if answers:
                leg.place = "room"
                self.post(LegAt(order.call, "third", "room", order.channel))
                self.after(self._soon(300, 90_000), lambda: self.hang_up(leg.name))
                if leg.agent:
                    self.after(self._soon(300, 20_000), lambda: self._keys(leg))
            else:
                self.hang_up(leg.name, why=self.rng.choice(["busy", "noanswer", "refused", "congestion"]))

        self.after(min(self._soon(200, 30_000), order.ring_ms), ends)

    def hang_up(self, name: str, why: str = "cancel") -> None:
        """A channel ends, whoever did it."""
        leg = self.channels.get(name)
        if leg is None or not leg.alive:
            return
        leg.alive, was = False, leg.place
        seat = self.seat_of.get(leg.call)
        if leg.placed and leg.call not in self.turned:
            self.post(CallerHungUp(leg.call, 16))
            far = self.callers.get(leg.call)
            if far and far.alive and far.place == "bridged":
                self.after(2, lambda: self.hang_up(far.name))
        elif leg.leg == "caller":
            self.post(CallerHungUp(leg.call, 16, None if name == leg.call else name))
            if seat and seat.alive and seat.place == "bridged":
                self.after(2, lambda: self.hang_up(seat.name))
        elif leg.leg == "seat":
            self.post(AgentHungUp(leg.call, leg.agent))
            caller = self._caller(leg.call)
            if was == "bridged" and caller and caller.place == "bridged":
                self.after(2, lambda: caller.place == "bridged" and self.hang_up(caller.name))
        else:
            self.post(LegGone(leg.call, "third", name, why))

    # ── gaps ─────────────────────────────────────────────────────────────────────────────────────────────────

    def gap(self) -> None:
        """The connection is lost for a moment, and the switch is asked what it has."""
        self.post(SwitchLost())
        channels, legs = [], []
        for leg in self.channels.values():
            if not leg.alive:
                continue
            turned = leg.call in self.turned
            if leg.leg == "caller" and leg.call in self.callers and not turned:
                continue  # the other end of a call that a seat placed
            if leg.leg == "caller" or (leg.placed and not turned):
                state = {"bridged": "talking", "room": "room", "ring": "ringing", "passed": "ringing"}.get(
                    leg.place, "held"
                )
                seat = leg if leg.placed else self.seat_of.get(leg.call)
                at = self.engine.state.agents.get(seat.agent) if seat and state == "talking" else None
                channels.append(ChannelSeen(leg.call, state, at.seat if at else None))
            elif leg.place in {"room", "held", "called"}:
                legs.append(LegSeen(leg.call, leg.leg, leg.place, leg.name if leg.leg == "third" else None))
        reachable = tuple(sorted(self.engine.state.reachable))
        self.post(SwitchSurveyed(tuple(channels), reachable, legs=tuple(legs)))

    # ── promises ─────────────────────────────────────────────────────────────────────────────────────────────

    def nobody_is_left_alone(self) -> None:
        rooms: dict[str, list[Channel]] = {}
        for leg in self.channels.values():
            if leg.alive and leg.place in {"room", "held"}:
                rooms.setdefault(leg.call, []).append(leg)
        for call, legs in rooms.items():
            others = [o for o in self.channels.values() if o.call == call and o.alive and o.place != "flow"]
            for leg in legs:
                waits = call in self.engine.state.calls and self.engine.state.calls[call].transfer is None
                if len(others) > 1 or waits:
                    leg.alone_since = None
                    continue
                leg.alone_since = self.now if leg.alone_since is None else leg.alone_since
                alone = self.now - leg.alone_since
                assert alone < LONELY_MS, f"{leg.leg} of {call} alone in the {leg.place} for {alone} ms"

    def alive(self) -> list[Channel]:
        return [leg for leg in self.channels.values() if leg.alive]

    def forget(self) -> None:
        """Drop what is long over, so that many calls cost no more than few."""
        on = {leg.call for leg in self.alive()} | set(self.engine.state.calls)
        self.channels = {name: leg for name, leg in self.channels.items() if leg.call in on}
        self.seat_of = {call: leg for call, leg in self.seat_of.items() if call in on}
        self.callers = {call: leg for call, leg in self.callers.items() if call in on}
        self.turned &= on
