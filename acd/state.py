"""What the engine knows: calls, agents, seats, deadlines. It can be written down and read back whole."""

from __future__ import annotations

from collections import Counter

import msgspec

from acd.agents import Activity, Agent
from acd.calls import Call, CallState
from acd.messages import AgentId, CallId, CallRecord, Command, Millis, SeatId
from acd.router import Router
from acd.setup import QueueSetup, Setup
from acd.timers import Timers


class WrongPins(msgspec.Struct):
    """Wrong PINs in a row for an agent's number, and until when it is locked."""

    count: int = 0
    locked_until: Millis = 0


class Snapshot(msgspec.Struct, frozen=True):
    """The engine's state at one instant. What can be derived (heaps, deadlines, the load of trunks) is not in it."""

    now: Millis
    calls: list[Call]
    wrapping: list[Call]
    agents: list[Agent]
    reachable: list[SeatId]
    engaged: list[SeatId]
    unstored: list[CallRecord]
    wrong_pins: dict[AgentId, WrongPins]
    counted: int
    blind: bool


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Snapshot)

GONE_AFTER_MS = 10_000
"""how long the switch may take to confirm the end of a call before the engine closes it by itself"""
RING_GRACE_MS = 10_000
"""how long past the ring's own time-out the engine waits for word of it"""


class State:
    """The owner of everything that changes. ``orders`` collects what the fact in hand leads to."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.now: Millis = 0
        self.orders: list[Command] = []
        self.blind = False
        """the connection to the switch is down: nobody is rung"""
        self.counted = 0
        self.calls: dict[CallId, Call] = {}
        self.wrapping: dict[AgentId, Call] = {}
        """calls that are over, whose record waits for the end of the seat's wrap-up"""
        self.agents: dict[AgentId, Agent] = {}
        self.at_seat: dict[SeatId, AgentId] = {}
        self.reachable: set[SeatId] = set()
        self.engaged: set[SeatId] = set()
        self.unstored: dict[CallId, CallRecord] = {}
        self.wrong_pins: dict[AgentId, WrongPins] = {}
        self.load: Counter[str] = Counter()
        """calls on each trunk, in and out together"""
        self.waiting: Counter[str] = Counter()
        """calls in each queue, those that are being rung for included"""
        self.vanished: set[AgentId] = set()
        """people at work whom the configuration no longer has: they are signed off when no call is on"""
        self.timers = Timers()
        self.router = self._router()

    def order(self, command: Command) -> None:
        """Give an order."""
        self.orders.append(command)

    def queue(self, name: str) -> QueueSetup:
        """The queue's settings. A queue that a new configuration no longer has goes on under the defaults."""
        return self.setup.queues.get(name) or QueueSetup(name)

    def has_channel(self, trunk: str) -> bool:
        """Is there room for one more call on this trunk?"""
        settings = self.setup.trunks.get(trunk)
        return settings is not None and self.load[trunk] < settings.channels

    def agent_at(self, seat: SeatId) -> Agent | None:
        """Who is signed on at the seat."""
        agent = self.at_seat.get(seat)
        return self.agents[agent] if agent is not None else None

    def snapshot(self) -> bytes:
        """The state as JSON."""
        return _encoder.encode(
            Snapshot(
                now=self.now,
                calls=list(self.calls.values()),
                wrapping=list(self.wrapping.values()),
                agents=list(self.agents.values()),
                reachable=sorted(self.reachable),
                engaged=sorted(self.engaged),
                unstored=list(self.unstored.values()),
                wrong_pins=self.wrong_pins,
                counted=self.counted,
                blind=self.blind,
            )
        )

    def restore(self, data: bytes) -> None:
        """Take over the state that ``snapshot`` wrote. Raises ``msgspec.ValidationError`` for anything else."""
        told = _decoder.decode(data)
        self.now, self.counted, self.blind = told.now, told.counted, told.blind
        self.calls = {call.call: call for call in told.calls}
        self.wrapping = {call.agent: call for call in told.wrapping if call.agent is not None}
        self.agents = {agent.agent: agent for agent in told.agents}
        self.reachable, self.engaged = set(told.reachable), set(told.engaged)
        self.unstored = {record.call: record for record in told.unstored}
        self.wrong_pins = dict(told.wrong_pins)
        self.rebuild()

    def rebuild(self) -> None:
        """Derive from the facts what is derived: the router's heaps, the deadlines, the trunks' load."""
        self.at_seat = {agent.seat: agent.agent for agent in self.agents.values()}
        self.vanished = {agent for agent in self.agents if agent not in self.setup.agents}
        self.load, self.waiting = Counter(), Counter()
        self.timers, self.router = Timers(), self._router()
        for agent in self.agents.values():
            agent.reachable = agent.seat in self.reachable
            self.router.set_agent(agent.agent, self.skills_of(agent.agent))
            if agent.until is not None:
                kind = "wrap_up" if agent.activity is Activity.WRAP_UP else "rest"
                self.timers.set(kind, agent.agent, agent.until)
            agent.offered = agent.available
            if agent.offered:
                self.router.agent_idle(agent.agent, agent.since)
        for call in self.calls.values():
            self._rebuild_call(call)

    def _rebuild_call(self, call: Call) -> None:
        self.load[call.trunk] += 1
        if call.out_trunk is not None:
            self.load[call.out_trunk] += 1
        if call.state in {CallState.QUEUED, CallState.RINGING}:
            assert call.waits is not None
            self.waiting[call.waits.queue] += 1
            if call.state is CallState.QUEUED:
                self.stand(call)
        if call.ring_until is not None:
            self.timers.set("ring", call.call, call.ring_until)
        if call.gone_by is not None:
            self.timers.set("gone", call.call, call.gone_by)

    def expect_end(self, call: Call) -> None:
        """The switch is about to say that the caller's channel is gone; if it doesn't, the engine closes the call."""
        call.gone_by = self.now + GONE_AFTER_MS
        self.timers.set("gone", call.call, call.gone_by)

    def expect_word(self, call: Call, ring_ms: Millis) -> None:
        """The switch is about to say what became of a ring of so many ms."""
        call.ring_until = self.now + ring_ms + RING_GRACE_MS
        self.timers.set("ring", call.call, call.ring_until)

    def stand(self, call: Call) -> None:
        """Put a queued call among the waiting, at the place that its arrival gives it, and set its deadlines."""
        if call.away:
            return
        assert call.waits is not None
        assert call.queued is not None
        needs = call.waits.needs
        self.router.call_waits(
            call.call,
            needs[call.widened].skills,
            call.waits.priority,
            call.queued,
            call.order,
            queue=call.waits.queue,
        )
        if call.widened + 1 < len(needs):
            self.timers.set("widen", call.call, call.queued + needs[call.widened + 1].after_ms)
        limit = self.queue(call.waits.queue).max_wait_ms
        if limit is not None:
            self.timers.set("max_wait", call.call, call.queued + limit)

    def leave(self, call: Call) -> None:
        """Take a queued call out from among the waiting."""
        if call.away:
            return
        self.router.call_gone(call.call)
        self.timers.drop("widen", call.call)
        self.timers.drop("max_wait", call.call)

    def lend(self, call: Call) -> None:
        """The switch's fallback has the queued caller: no seat is rung until he is returned."""
        self.leave(call)
        call.away = True

    def release(self, call: Call) -> None:
        """Give back the channel over which the call was passed on, if it was."""
        if call.out_trunk is not None:
            self.load[call.out_trunk] -= 1
            call.out_trunk = None

    def is_over(self, call: CallId) -> bool:
        """Has the call ended, while its record is not known to be stored yet?"""
        return call in self.unstored or any(call == other.call for other in self.wrapping.values())

    def skills_of(self, agent: AgentId) -> dict[str, int]:
        """The agent's skills; none for one whom a new configuration no longer has."""
        settings = self.setup.agents.get(agent)
        return dict(settings.skills) if settings else {}

    def _router(self) -> Router:
        skills = sorted({skill for agent in self.setup.agents.values() for skill in agent.skills})
        return Router(skills, ageing_ms=self.setup.ageing_ms, closest_fit=self.setup.closest_fit)
