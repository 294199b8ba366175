"""The world around the engine on virtual time: callers who come, wait and hang up, people at seats, sub-centres.

It tells the engine facts, each at its millisecond, and does what the engine orders, without a moment's delay. What is drawn comes
from `simulator.callers`; the rule is the engine's alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from heapq import heappop, heappush
from typing import Any, ClassVar, NamedTuple

from acd.agents import Activity, Presence
from acd.engine import Engine
from acd.messages import (
    AgentAnswered,
    AgentHungUp,
    BackAsked,
    BreakAsked,
    CallerHungUp,
    CallOffered,
    CallThird,
    Command,
    DialOut,
    Event,
    HangUp,
    HoldMusic,
    LegAt,
    MoveLeg,
    Part,
    PassAnswered,
    Play,
    PromptFinished,
    RecordStored,
    Refuse,
    RingAgent,
    SeatDialled,
    SeatReachable,
    SignOffForced,
    SignOnAsked,
    TransferAsked,
    WrapUpEndAsked,
    WriteRecord,
)
from simulator import callers
from simulator.callers import Call
from simulator.ledger import Ledger
from simulator.scenario import Scenario
from simulator.setting import BREAK, OUTSIDE, Setting
from simulator.tables import Tables


class Kind(IntEnum):
    """What happens, in the order in which it does at the same millisecond; the engine's own deadlines come before all."""

    ASKS_THIRD = 0
    LEAVES = 1
    THIRD_ANSWERS = 2
    ANSWERS = 3
    FREE = 4
    PRESENCE = 5
    GIVES_UP = 6
    HEARD = 7
    COMES_AGAIN = 8
    COMES = 9
    BACK_SEAT = 10
    BACK_CALLER = 11
    BACK_OVER = 12


class Due(NamedTuple):
    """An entry of the calendar. ``number``: of the call, the agent, the row of `callers.Presence` or of the arrivals."""

    at: int
    kind: Kind
    number: int
    what: int = 0


@dataclass(slots=True)
class Caller:
    """A call. ``first`` and ``tried``: whose it is, as `callers.subject_of` takes it; ``row``: the half hour in which it counts."""

    number: int
    first: int
    tried: int
    line: int
    row: int | None
    of: Call
    queued: int | None = None
    agent: int = -1
    rings: int = 0
    talking: bool = False
    together: bool = False
    """the seat has asked the sub-centre"""
    over: bool = False
    third: str | None = None
    """the sub-centre's channel"""
    own: bool = False
    """the seat makes its own call"""
    promised: int | None = None
    """how long the caller had waited when a call back was agreed"""


class World:
    """One replication under way. ``run`` plays it to its end; ``ledger`` then has what came of it."""

    happens: ClassVar[dict[Kind, Callable[[Any, Due], None]]]
    """what is done when something is due"""

    def __init__(self, scenario: Scenario, setting: Setting, tables: Tables, replication: int) -> None:
        self.scenario, self.setting, self.tables = scenario, setting, tables
        self.ledger = Ledger.of(scenario)
        self.engine = Engine(setting.setup)
        self.key = callers.key_of(tables, replication)
        self.now = 0
        self.agents = tables.agents
        self.index = {name: i for i, name in enumerate(tables.agents)}
        self.calls: list[Caller] = []
        self.soon: deque[Event] = deque()
        """facts that follow at once"""
        self.touched: set[str] = set()
        self.busy_with: dict[int, Caller] = {}
        """whose call an agent has worked on last"""
        self._due: list[Due] = []
        self._arrivals: tuple[list[int], list[int]] = ([], [])
        self._presence = callers.presence(tables, replication)
        for row, at in enumerate(self._presence.at_ms.tolist()):
            self.at(Due(at, Kind.PRESENCE, row))

    # ── time ─────────────────────────────────────────────────────────────────────────────────────────────────

    def at(self, due: Due) -> None:
        """Something is to happen."""
        heappush(self._due, due)

    def run(self, at_ms: list[int], line: list[int]) -> None:
        """These call for the first time, in order. Played until everybody who could be served has been."""
        self._arrivals = at_ms, line
        self._next_arrival(0)
        engine, zero = self.engine, self.setting.zero
        while True:
            own = engine.deadline()
            if self._due and (own is None or own - zero > self._due[0].at):
                due = heappop(self._due)
                self.now = due.at
                self.happens[due.kind](self, due)
            elif own is not None:
                self.now = own - zero
                self._carry_out(engine.tick(own))
            else:
                break
            self._settle()
        self._in_vain()
        self.ledger.close(self.scenario.horizon_ms)

    def _next_arrival(self, first: int) -> None:
        at_ms, line = self._arrivals
        if first < len(at_ms):
            self.at(Due(at_ms[first], Kind.COMES, first, line[first]))

    def _in_vain(self) -> None:
        """Who waits still, without an end, when nobody will come any more."""
        for call in self.calls:
            if call.queued is not None and not call.over and not call.talking:
                call.over = True
                self._abandoned(call)

    def tell(self, fact: Event) -> None:
        """Tell the engine, and do what it orders."""
        self._carry_out(self.engine.receive(fact, self.setting.zero + self.now))

    def _settle(self) -> None:
        """What follows at once has its turn, then whoever was touched is as they are now."""
        while self.soon:
            self.tell(self.soon.popleft())
        for name in self.touched:
            agent = self.engine.state.agents.get(name)
            busy = agent is not None and agent.activity in _BUSY
            staffed = agent is not None and (busy or agent.presence is Presence.READY)
            self.ledger.seat(name, self.now, staffed=staffed, busy=busy)
        self.touched.clear()

    # ── what the engine orders ───────────────────────────────────────────────────────────────────────────────

    def _carry_out(self, orders: list[Command]) -> None:
        for order in orders:
            self.obey(order)

    def obey(self, order: Command) -> None:
        """Do what is ordered, or let it begin."""
        match order:
            case RingAgent():
                self._ring(order)
            case HoldMusic():
                self._waits(self._call(order.call))
            case Play():
                self._hears(self._call(order.call))
            case Refuse():
                self._blocked(self._call(order.call))
            case HangUp() if not order.call.startswith(_OWN):
                self._hung_up(self._call(order.call))
            case WriteRecord():
                self.soon.append(RecordStored(order.record.call))
            case DialOut():
                self.soon.append(PassAnswered(order.call))
            case Part():
                self.soon.append(LegAt(order.call, "caller", order.caller))
                self.soon.append(LegAt(order.call, "seat", order.seat))
            case MoveLeg():
                self.soon.append(LegAt(order.call, order.leg, order.place, order.channel))
            case CallThird():
                self._call_third(order)
            case _:
                pass

    def _call(self, name: str) -> Caller:
        return self.calls[int(name)]

    def _ring(self, order: RingAgent) -> None:
        call = self._call(order.call)
        self.rung(call, order.agent)
        self.at(Due(self.now + call.of.ring_ms, Kind.ANSWERS, call.number, call.rings))

    def rung(self, call: Caller, agent: str) -> None:
        """The engine has given the call to an agent."""
        call.agent = self.index[agent]
        call.rings += 1
        self.ledger.assigned(call.number, call.agent, self.now)
        self.touched.add(agent)

    def _waits(self, call: Caller) -> None:
        if call.queued is None:
            call.queued = self.now
            if call.of.patience_ms is not None:
                self.at(Due(self.now + call.of.patience_ms, Kind.GIVES_UP, call.number))

    def _hears(self, call: Caller) -> None:
        """The greeting, and self-service that was of no use; whatever else is said takes no time."""
        ms = self.scenario.lines[call.line].greeting_ms + call.of.in_vain_ms if call.queued is None else 0
        self.at(Due(self.now + ms, Kind.HEARD, call.number))

    def _blocked(self, call: Caller) -> None:
        call.over = True
        self.count("blocked", call)
        self._calls_again(call)

    def _hung_up(self, call: Caller) -> None:
        """There was no place for the caller; others are hung up when their call is over anyway."""
        if not call.over and not call.talking:
            call.over = True
            self.count("asked", call)
            self.count("turned_away", call)
            self.count("wait_ms", call, self.now - call.queued if call.queued is not None else 0)
            self.soon.append(CallerHungUp(named(call.number), 16))

    # ── callers ──────────────────────────────────────────────────────────────────────────────────────────────

    def _comes(self, due: Due) -> None:
        self._offer(due.number, 0, due.what)
        self._next_arrival(due.number + 1)

    def _comes_again(self, due: Due) -> None:
        before = self.calls[due.number]
        self._offer(before.first, before.tried + 1, before.line)

    def _offer(self, first: int, tried: int, line: int) -> None:
        of = callers.call(self.tables, self.key, callers.subject_of(first, tried), line)
        call = Caller(len(self.calls), first, tried, line, self.ledger.row(self.now), of)
        self.calls.append(call)
        self.count("offered", call)
        if tried:
            self.count("retried", call)
        called = (self.setting.machines if of.contained else self.setting.lines)[line]
        caller = self.setting.caller(first)
        self.tell(CallOffered(named(call.number), self.setting.trunk, called, caller))
        if of.contained and not call.over:
            call.over = True
            self.count("contained", call)
            ms = self.scenario.lines[line].greeting_ms + of.self_service_ms
            self.at(Due(self.now + ms, Kind.LEAVES, call.number))

    def _heard(self, due: Due) -> None:
        if not self.calls[due.number].over:
            self.tell(PromptFinished(named(due.number)))

    def _gives_up(self, due: Due) -> None:
        call = self.calls[due.number]
        if call.over or call.talking:
            return
        call.over = True
        self._abandoned(call)
        if call.agent >= 0:
            self.touched.add(self.agents[call.agent])
        self.tell(CallerHungUp(named(call.number), 16))
        self._calls_again(call)

    def _abandoned(self, call: Caller) -> None:
        assert call.queued is not None
        self.count("asked", call)
        self.count("abandoned", call)
        self.count("wait_ms", call, self.now - call.queued)

    def _calls_again(self, call: Caller) -> None:
        at = self.now + call.of.again_ms
        if call.of.tries_again and call.tried < self.tables.tries and at < self.scenario.horizon_ms:
            self.at(Due(at, Kind.COMES_AGAIN, call.number))

    def count(self, what: str, call: Caller, much: int = 1) -> None:
        """Add to a count of the call's half hour and line."""
        if call.row is not None:
            getattr(self.ledger.outcome, what)[call.row, call.line] += much

    # ── seats ────────────────────────────────────────────────────────────────────────────────────────────────

    def _answers(self, due: Due) -> None:
        call = self.calls[due.number]
        if call.over or call.talking or call.rings != due.what:
            return
        assert call.queued is not None
        self.talks(call, self.now - call.queued)
        self.count("within", call, int(self.now - call.queued <= self.scenario.within_ms))
        self.tell(AgentAnswered(named(call.number), self.agents[call.agent]))
        kind = Kind.ASKS_THIRD if call.of.transferred else Kind.LEAVES
        self.at(Due(self.now + call.of.talk_ms, kind, call.number))

    def talks(self, call: Caller, waited: int) -> None:
        """A seat has the caller."""
        call.talking = True
        self.busy_with[call.agent] = call
        self.count("asked", call)
        self.count("answered", call)
        self.count("wait_ms", call, waited)
        self.count("work_ms", call, call.of.talk_ms + call.of.wrap_up_ms)

    def _leaves(self, due: Due) -> None:
        """The talk is over, or that with the sub-centre, or the caller has been told by a machine what there was to know."""
        call = self.calls[due.number]
        name = named(due.number)
        if call.together and call.third is not None:  # with the sub-centre from now on
            call.together, call.over = False, True
            self.tell(AgentHungUp(name, self.agents[call.agent]))
            self.writes(call)
            self.at(Due(self.now + call.of.third_talk_ms, Kind.LEAVES, call.number))
            return
        self.tell(CallerHungUp(name, 16))
        if not call.over:
            call.over = True
            self.writes(call)

    def writes(self, call: Caller) -> None:
        """The wrap-up after a call has begun."""
        self.at(Due(self.now + call.of.wrap_up_ms, Kind.FREE, call.agent))

    def _free(self, due: Due) -> None:
        """The wrap-up is over, or the own call after it: an own call first, then free again."""
        call = self.busy_with[due.number]
        seat, own = self.agents[due.number], f"{_OWN}{call.number:09}"
        self.touched.add(seat)
        if call.of.outgoing and not call.own:
            call.own = True
            self.tell(SeatDialled(own, seat, OUTSIDE))
            self.at(Due(self.now + call.of.own_talk_ms, Kind.FREE, due.number))
            return
        if call.own:
            self.tell(CallerHungUp(own, 16))
        self.tell(WrapUpEndAsked(seat))

    # ── sub-centres ──────────────────────────────────────────────────────────────────────────────────────────

    def _asks_third(self, due: Due) -> None:
        """The seat brings the sub-centre in and stays for a while, whether that has somebody or not."""
        call = self.calls[due.number]
        transfer = self.scenario.lines[call.line].transfer
        assert transfer is not None
        call.together = True
        self.count("transferred", call)
        centre = self.setting.subcentres[transfer.to]
        self.tell(TransferAsked(named(call.number), "three-way", centre, self.agents[call.agent]))
        self.at(Due(self.now + call.of.together_ms, Kind.LEAVES, call.number))

    def _call_third(self, order: CallThird) -> None:
        call = self._call(order.call)
        call.third = order.channel
        within = self.setting.within[self.scenario.lines[call.line].name]
        self.count("transferred_within", call, int(call.of.answer_ms <= within))
        self.at(Due(self.now + call.of.answer_ms, Kind.THIRD_ANSWERS, call.number))

    def _third_answers(self, due: Due) -> None:
        call = self.calls[due.number]
        self.tell(LegAt(named(call.number), "third", "room", call.third))

    # ── presence ─────────────────────────────────────────────────────────────────────────────────────────────

    def _comes_or_goes(self, due: Due) -> None:
        name = self.agents[int(self._presence.agent[due.number])]
        self.touched.add(name)
        match int(self._presence.what[due.number]):
            case callers.OFF:
                self.tell(SignOffForced(name, "self", after_call=True))
            case callers.BACK:
                self.tell(BackAsked(name))
            case callers.REST:
                self.tell(BreakAsked(name, BREAK))
            case _ if name in self.engine.state.agents:  # busy since the end of the shift before: stays
                self.tell(BackAsked(name))
            case _:
                self.tell(SeatReachable(name))
                self.tell(SignOnAsked(name, name, proven=True))


_OWN = "own "
_BUSY = frozenset({Activity.RINGING, Activity.TALKING, Activity.WRAP_UP, Activity.DIALLING})
World.happens = {
    Kind.ASKS_THIRD: World._asks_third,
    Kind.LEAVES: World._leaves,
    Kind.THIRD_ANSWERS: World._third_answers,
    Kind.ANSWERS: World._answers,
    Kind.FREE: World._free,
    Kind.PRESENCE: World._comes_or_goes,
    Kind.GIVES_UP: World._gives_up,
    Kind.HEARD: World._heard,
    Kind.COMES_AGAIN: World._comes_again,
    Kind.COMES: World._comes,
}


def named(call: int) -> str:
    """Names of calls sort as their numbers do: so do the engine's deadlines."""
    return f"{call:09}"
