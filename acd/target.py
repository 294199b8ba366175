"""Whom a seat means when it asks for a transfer: one rule for keys and commands, for consulting, three-way and sending on."""

from __future__ import annotations

from dataclasses import dataclass

from acd.calls import Call
from acd.messages import Millis
from acd.outgoing import may_dial, ways_out
from acd.parties import How, Way
from acd.state import State
from dialplans.decision import Decision, Need, Treatment, Wait
from dialplans.number import Number, NumberFault
from ivr.flow import Enqueue

RING_MS: Millis = 20_000
"""how long a number that has no rule of its own is rung"""
_PROBE = "a transfer asks"
"""the name under which the router is asked who would get a call"""


@dataclass(frozen=True, slots=True)
class Target:
    """Whom a transfer goes to: ``ways`` to be rung in turn, or ``queue``, where the caller waits for another seat.

    ``refusal``: why not, as a prompt. ``because``: what the record says.
    """

    because: str = ""
    ways: tuple[Way, ...] = ()
    queue: Enqueue | None = None
    emergency: bool = False
    ring_ms: Millis = RING_MS
    refusal: str | None = None


def find(s: State, call: Call, asked: str, how: How) -> Target:
    """Whom ``asked`` means: a seat, an agent's number, ``skill:NAME``, ``queue:NAME``, a line of the city, or any number that may be dialled."""
    kind, colon, name = asked.partition(":")
    if colon:
        return _skilled(s, call, asked, kind, name, how)
    if asked in s.setup.seats:
        return _seat(s, call, asked)
    if asked in s.setup.agents:
        agent = s.agents.get(asked)
        return _seat(s, call, agent.seat) if agent else Target(refusal="transfer-unreachable")
    plan = s.setup.plan
    try:
        number = Number.read(asked, plan.area)
    except NumberFault:
        return Target(refusal="transfer-unknown")
    line, own = plan.line(number), number in {plan.own.number, *plan.own.also}
    if line is None and not own:
        return _outside(s, call, asked)
    decision = plan.route(asked, (), "", s.now)
    if decision.passes:
        return _line(decision, asked)
    if decision.wait is None:
        return Target(refusal="transfer-unreachable")
    return _seats(s, call, asked, decision.wait, how)


def _seat(s: State, call: Call, seat: str) -> Target:
    agent = s.agent_at(seat)
    if agent is None:
        return Target(refusal="transfer-unreachable")
    if not agent.available or seat == call.seat:
        return Target(refusal="transfer-busy")
    return Target(f"Transfer to seat {seat} (agent {agent.agent}).", (Way(seat, seat=seat, agent=agent.agent),))


def _skilled(s: State, call: Call, asked: str, kind: str, name: str, how: How) -> Target:
    waits = call.waits
    priority = waits.priority if waits else 0
    if kind == "skill" and any(name in agent.skills for agent in s.setup.agents.values()):
        queue = waits.queue if waits else s.setup.plan.own.wait.queue
        return _seats(s, call, asked, Wait(queue, (Need(((name, 1),)),), priority), how)
    if kind == "queue" and name in s.setup.queues:
        own = s.setup.plan.own.wait
        found = next((w for w in _waits(s) if w.queue == name), Wait(name, own.needs, priority))
        return _seats(s, call, asked, found, how)
    return Target(refusal="transfer-unknown")


def _waits(s: State) -> list[Wait]:
    """Every place in a queue that the number plan knows."""
    plan = s.setup.plan
    waits = [plan.own.wait, *(choice.wait for choice in plan.own.menu)]
    return waits + [phase.wait for line in plan.lines for phase in line.phases if phase.wait]


def _seats(s: State, call: Call, asked: str, wait: Wait, how: How) -> Target:
    """Seats with a skill. Sent there blind the caller waits for one; to be asked, one must be free now: the router says which."""
    if how is How.BLIND:
        return Target(f"Sent on to {asked}.", queue=Enqueue(wait.queue, wait.needs, wait.priority))
    for need in wait.needs:
        s.router.call_waits(_PROBE, need.skills, wait.priority, s.now)
        found = s.router.agent_for(_PROBE)
        s.router.call_gone(_PROBE)
        if found is not None:
            seat = s.agents[found.agent].seat
            way = Way(seat, seat=seat, agent=found.agent)
            return Target(f"Transfer to {asked}: {found.reason.at(s.now)}.", (way,))
    return Target(refusal="transfer-no-seat")


def _line(decision: Decision, asked: str) -> Target:
    ways = tuple(Way(item.number, trunk=item.trunk) for item in decision.passes)
    emergency = decision.treatment is Treatment.EMERGENCY
    why = f"Transfer to {asked}: {decision.because[-1]}" if decision.because else f"Transfer to {asked}."
    return Target(why, ways, emergency=emergency, ring_ms=decision.pass_ring_ms)


def _outside(s: State, call: Call, asked: str) -> Target:
    refusal = may_dial(s.setup, call.agent or "", asked)
    if refusal is not None:
        return Target(refusal="transfer-forbidden")
    ways = tuple(Way(number, trunk=trunk) for trunk, number in ways_out(s, asked))
    if not ways:
        return Target(refusal="transfer-unreachable")
    return Target(f"Transfer to {asked}, a number outside.", ways)
