"""Whom a seat means when it asks for a transfer: one rule for keys and commands, for consulting, three-way and sending on.

`aim` is what the city's plan and equipment say by themselves, and what ``hotline trace --transfer`` reads aloud; `find`
adds who is there now.
"""

from __future__ import annotations

from dataclasses import dataclass

from acd.calls import Call
from acd.messages import AgentId, Millis, SeatId
from acd.outgoing import every_way_out, may_dial
from acd.parties import How, Way
from acd.service_class import is_emergency
from acd.setup import Setup
from acd.state import State
from dialplans.decision import Decision, Need, Treatment, Wait
from dialplans.number import Number, NumberFault
from ivr.flow import Enqueue

RING_MS: Millis = 20_000
"""how long a number that has no rule of its own is rung"""
_PROBE = "a transfer asks"
"""the name under which the router is asked who would get a call"""


@dataclass(frozen=True, slots=True)
class Aim:
    """Whom the words mean, whoever is signed on. One of: ``ways`` to be rung in turn, a ``seat``, an ``agent`` wherever
    it sits, ``wait`` for a seat with a skill, or ``refusal``, a prompt.

    ``because``: why, for a record.
    """

    because: str = ""
    ways: tuple[Way, ...] = ()
    seat: SeatId | None = None
    agent: AgentId | None = None
    wait: Wait | None = None
    emergency: bool = False
    ring_ms: Millis = RING_MS
    refusal: str | None = None
    outside: bool = False
    """no seat, no line and no emergency: the class of service decided"""


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


# ── what the city says ───────────────────────────────────────────────────────────────────────────────────────


def aim(
    setup: Setup,
    asked: str,
    now: Millis,
    *,
    agent: AgentId = "",
    seat: SeatId = "",
    waits: Enqueue | None = None,
) -> Aim:
    """Whom ``asked`` means: a seat, an agent's number, ``skill:NAME``, ``queue:NAME``, a line of the city, or any number
    that may be dialled by ``agent`` at ``seat``. ``waits``: where the caller waited before."""
    kind, colon, name = asked.partition(":")
    if colon:
        return _skilled(setup, asked, kind, name, waits)
    if asked in setup.seats:
        return Aim(seat=asked)
    if asked in setup.agents:
        return Aim(agent=asked)
    plan = setup.plan
    try:
        number = Number.read(asked, plan.area)
    except NumberFault:
        return Aim(refusal="transfer-unknown")
    line, own = plan.line(number), number in {plan.own.number, *plan.own.also}
    if line is None and not own:
        return _outside(setup, asked, number, now, agent, seat)
    decision = plan.route(asked, (), "", now)
    if decision.passes:
        return _line(decision, asked)
    phase = line.phase_at(now) if line is not None else None
    if decision.treatment is Treatment.PARALLEL and phase is not None and phase.passes:
        return Aim(
            refusal="transfer-closed"
        )  # outside its hours: whoever asks is one of those who answer it then
    if decision.wait is None:
        return Aim(refusal="transfer-unreachable")
    return Aim(wait=decision.wait)


def _skilled(setup: Setup, asked: str, kind: str, name: str, waits: Enqueue | None) -> Aim:
    own = setup.plan.own.wait
    priority = waits.priority if waits else 0
    if kind == "skill" and any(name in agent.skills for agent in setup.agents.values()):
        queue = waits.queue if waits else own.queue
        return Aim(wait=Wait(queue, (Need(((name, 1),)),), priority))
    if kind == "queue" and name in setup.queues:
        return Aim(wait=next((w for w in _waits(setup) if w.queue == name), Wait(name, own.needs, priority)))
    return Aim(refusal="transfer-unknown")


def _waits(setup: Setup) -> list[Wait]:
    """Every place in a queue that the number plan knows."""
    plan = setup.plan
    waits = [plan.own.wait, *(choice.wait for choice in plan.own.menu)]
    return waits + [phase.wait for line in plan.lines for phase in line.phases if phase.wait]


def _line(decision: Decision, asked: str) -> Aim:
    ways = tuple(Way(item.number, trunk=item.trunk) for item in decision.passes)
    emergency = decision.treatment is Treatment.EMERGENCY
    why = f"Transfer to {asked}: {decision.because[-1]}" if decision.because else f"Transfer to {asked}."
    return Aim(why, ways, emergency=emergency, ring_ms=decision.pass_ring_ms)


def _outside(setup: Setup, asked: str, number: Number, now: Millis, agent: AgentId, seat: SeatId) -> Aim:
    if may_dial(setup, agent, asked, seat) is not None:
        return Aim(refusal="transfer-forbidden")
    ways = tuple(Way(dialled, trunk=trunk) for trunk, dialled in every_way_out(setup, asked, now))
    if not ways:
        return Aim(refusal="transfer-unreachable")
    emergency = is_emergency(number, setup.plan)
    what = "an emergency number that is no line of the city" if emergency else "a number outside"
    return Aim(f"Transfer to {asked}, {what}.", ways, emergency=emergency, outside=not emergency)


# ── who is there ─────────────────────────────────────────────────────────────────────────────────────────────


def find(s: State, call: Call, asked: str, how: How) -> Target:
    """The same with who is signed on and free now, and which trunks have a channel. An emergency asks for neither."""
    aimed = aim(s.setup, asked, s.now, agent=call.agent or "", seat=call.seat or "", waits=call.waits)
    if aimed.refusal is not None:
        return Target(refusal=aimed.refusal)
    if aimed.wait is not None:
        return _seats(s, call, asked, aimed.wait, how)
    if aimed.agent is not None:
        agent = s.agents.get(aimed.agent)
        return _seat(s, call, agent.seat) if agent else Target(refusal="transfer-unreachable")
    if aimed.seat is not None:
        return _seat(s, call, aimed.seat)
    if not any(is_open(s, way, aimed.emergency) for way in aimed.ways):
        return Target(refusal="transfer-unreachable")
    return Target(aimed.because, aimed.ways, emergency=aimed.emergency, ring_ms=aimed.ring_ms)


def is_open(s: State, way: Way, emergency: bool) -> bool:
    """Has the way's trunk a channel for one more? What we count of a trunk never holds an emergency back."""
    return way.trunk is None or s.has_channel(way.trunk) or (emergency and way.trunk in s.setup.trunks)


def citys_own(s: State) -> Enqueue:
    """Where a caller of the city's own number waits."""
    own = s.setup.plan.own.wait
    return Enqueue(own.queue, own.needs, own.priority)


def _seat(s: State, call: Call, seat: str) -> Target:
    agent = s.agent_at(seat)
    if agent is None:
        return Target(refusal="transfer-unreachable")
    if not agent.available or seat == call.seat:
        return Target(refusal="transfer-busy")
    return Target(
        f"Transfer to seat {seat} (agent {agent.agent}).", (Way(seat, seat=seat, agent=agent.agent),)
    )


def _seats(s: State, call: Call, asked: str, wait: Wait, how: How) -> Target:
    """Seats with a skill. Sent there blind the caller waits for one; to be asked, one must be free now: the router says which."""
    if how is How.BLIND:
        # whom an emergency centre handed over is first in every queue
        priority = max(wait.priority, call.waits.priority) if call.urgent and call.waits else wait.priority
        return Target(f"Sent on to {asked}.", queue=Enqueue(wait.queue, wait.needs, priority))
    for need in wait.needs:
        s.router.call_waits(_PROBE, need.skills, wait.priority, s.now)
        found = s.router.agent_for(_PROBE)
        s.router.call_gone(_PROBE)
        if found is not None:
            seat = s.agents[found.agent].seat
            way = Way(seat, seat=seat, agent=found.agent)
            return Target(f"Transfer to {asked}: {found.reason.at(s.now)}.", (way,))
    return Target(refusal="transfer-no-seat")
