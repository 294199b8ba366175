"""Calls that a seat dials: who may dial what, over which trunks it goes, and its way to the end.

Such a call is named by the seat's own channel. It goes OFFERED, DIALLING (the far end is rung), TALKING, CLOSED; a refusal
is said on the way (IN_FLOW).
The agent is bound to it from the first digit to the end of the wrap-up, so nothing else is offered.
"""

from __future__ import annotations

from acd import taping
from acd.agents import Activity, Agent
from acd.calls import Call, CallState
from acd.floor import close, complete, end_rest, occupy, release, withdraw
from acd.messages import AgentId, DialOut, HangUp, Millis, PassAnswered, PassFailed, SeatDialled, SeatId
from acd.reception import turn_away
from acd.service_class import Kind, ServiceClass, digits_of, kind_of, read
from acd.setup import Setup
from acd.state import State
from ivr.run import FlowRun


def may_dial(setup: Setup, agent: AgentId, number: str, seat: SeatId = "") -> str | None:
    """Why the agent may not dial the number, as a prompt; ``None``: it may be dialled.

    ``agent`` empty: nobody is signed on, only emergency numbers. ``seat``: whose class holds where the agent has none.
    """
    kind = _kind(setup, number)
    if kind is Kind.EMERGENCY:
        return None
    if agent not in setup.agents:
        return "sign-on-first"
    if kind in {Kind.NONE, Kind.OWN}:
        return "dial-unknown"
    found = read(number, setup.plan.area)
    digits = number if kind is Kind.INTERNAL or found is None else digits_of(found, setup.plan.area)
    return None if class_of(setup, agent, seat).may(kind, digits) else "dial-forbidden"


def class_of(setup: Setup, agent: AgentId, seat: SeatId = "") -> ServiceClass:
    """The class of service that holds: the agent's, else the seat's, else the city's default."""
    person, phone = setup.agents.get(agent), setup.seats.get(seat)
    name = (person.service_class if person else "") or (phone.service_class if phone else "")
    return setup.outgoing.service_class(name)


def ways_out(s: State, number: str) -> list[tuple[str, str]]:
    """The trunks over which the number can be reached now, in the order in which they are tried, and what is dialled there.

    Trunks without a free channel are left out; empty: there is no way. A line of the city goes to its own people,
    an emergency over the emergency's ways.
    """
    return [way for way in every_way_out(s.setup, number, s.now) if s.has_channel(way[0])]


def every_way_out(setup: Setup, number: str, now: Millis) -> list[tuple[str, str]]:
    """The same, whether the trunks have a free channel or not."""
    found = read(number, setup.plan.area)
    if found is None:
        return []
    kind = kind_of(found, setup.plan)
    if kind in {Kind.EMERGENCY, Kind.LINES}:
        passes = setup.plan.route(found.shown(), (), "", now).passes
        if passes:
            return [(way.trunk, way.number) for way in passes]
        if kind is Kind.LINES:
            return []
    digits = digits_of(found, setup.plan.area)
    return [(trunk, prefix + digits) for trunk, prefix in setup.outgoing.trunks]


def _kind(setup: Setup, number: str) -> Kind:
    found = read(number, setup.plan.area)
    kind = kind_of(found, setup.plan)
    if number in setup.seats and kind is not Kind.EMERGENCY:
        return Kind.INTERNAL
    return kind


# ── the call's way ───────────────────────────────────────────────────────────────────────────────────────────

_BUSY_WITH_A_CALLER = frozenset({Activity.RINGING, Activity.TALKING, Activity.DIALLING})
_LINE_WORKS = frozenset({1, 16, 17, 18, 19, 21, 22, 28})
"""Q.850: the number, or who is behind it, does not take the call: another trunk would be told the same"""
_WORDS = {"busy": "dial-busy", "noanswer": "dial-no-answer"}


def dialled(s: State, fact: SeatDialled) -> None:
    """A seat dialled a number: it is rung, or the seat hears why not."""
    if fact.call in s.calls or s.is_over(fact.call):
        return
    agent = s.agent_at(fact.seat)
    number = fact.number
    kind = _kind(s.setup, number)
    emergency = kind is Kind.EMERGENCY
    refusal = may_dial(s.setup, agent.agent if agent else "", number, fact.seat)
    if refusal is None and not emergency and agent and agent.activity in _BUSY_WITH_A_CALLER:
        refusal = "call-is-on"
    call = Call(
        call=fact.call,
        trunk="",
        called=number,
        caller=fact.seat,
        arrived=s.now,
        run=FlowRun(()),
        direction="out",
        seat=fact.seat,
        urgent=emergency,
    )
    s.take_on(call)
    s.load[call.trunk] += 1
    _bind(s, call, agent)
    who = f"agent {agent.agent}" if agent else "nobody signed on"
    call.because = (f"Dialled at seat {fact.seat} by {who}: {number} is {kind}.",)
    if refusal is not None:
        _refuse(s, call, refusal, "refused")
    elif kind is Kind.INTERNAL:
        _ring_seat(s, call, number)
    else:
        call.ways = tuple(ways_out(s, number))
        _next_way(s, call, "dial-no-channel", "refused")


def _bind(s: State, call: Call, agent: Agent | None) -> None:
    """The agent is on this call until its end. An emergency that is dialled during another call binds nobody: only the
    phone is busy."""
    if agent is None or agent.activity in _BUSY_WITH_A_CALLER:
        call.agent = None
        for seat in call.holds:
            s.held[seat] += 1
            occupy(s, seat)
        return
    call.agent = agent.agent
    withdraw(s, agent)
    if agent.activity is Activity.WRAP_UP:
        before = s.wrapping.get(agent.agent) or s.calls.get(agent.call or "")
        if before is not None:  # the work after that call is what this one is about
            call.line, call.line_name = before.line, before.line_name
            call.reference = before.reference or before.call
        call.wrap_left = max((agent.until or s.now) - s.now, 0)
        complete(s, agent)
        s.timers.drop("wrap_up", agent.agent)
    elif agent.activity is Activity.RESTING:
        agent.rang_out = 0
        end_rest(s, agent, "the agent dialled a number", offer=False)
    agent.move(Activity.DIALLING)
    agent.call, agent.until = call.call, None
    release(s, agent.agent)


def _ring_seat(s: State, call: Call, seat: SeatId) -> None:
    other = s.agent_at(seat)
    if seat == call.seat or s.busy(seat) or (other and other.activity in _BUSY_WITH_A_CALLER):
        _refuse(s, call, "dial-busy", "not taken")
    elif seat not in s.reachable:
        _refuse(s, call, "not-reachable", "not taken")
    else:
        call.to_seat = call.passed_to = seat
        s.held[seat] += 1
        occupy(s, seat)
        _dial(s, call, DialOut(call.call, seat, seat=seat, ring_ms=s.setup.outgoing.seat_ring_ms))


def _next_way(s: State, call: Call, words: str, outcome: str) -> None:
    """Ring over the next trunk that is free; none left: say why."""
    while call.ways:
        (trunk, number), call.ways = call.ways[0], call.ways[1:]
        if not s.has_channel(trunk):
            call.because += (f"Trunk {trunk} has no free channel for {number}.",)
            continue
        s.load[call.trunk] -= 1
        call.trunk, call.passed_to = trunk, number
        s.load[trunk] += 1
        setup = s.setup.outgoing
        shows = setup.shown(call.line, class_of(s.setup, call.agent or "", call.seat or ""))
        _dial(s, call, DialOut(call.call, number, trunk=trunk, shows=shows, ring_ms=setup.ring_ms))
        return
    _refuse(s, call, words, outcome)


def _dial(s: State, call: Call, order: DialOut) -> None:
    call.move(CallState.DIALLING)
    call.rung = s.now if call.rung is None else call.rung
    call.rings += 1
    s.expect_word(call, order.ring_ms)
    s.order(order)


def _refuse(s: State, call: Call, words: str, outcome: str) -> None:
    """Say why not, and let the seat go."""
    call.outcome = outcome
    call.because += (f"The seat is told: {words}.",)
    turn_away(s, call, (words,))


def answered(s: State, fact: PassAnswered) -> None:
    """The far end answered the seat."""
    call = s.calls.get(fact.call)
    if call is None or call.state is not CallState.DIALLING:
        return
    s.stop_expecting(call)
    call.move(CallState.TALKING)
    call.answered = call.seat_answered = s.now
    agent = s.agents.get(call.agent or "")
    if agent and agent.activity is Activity.DIALLING:
        agent.move(Activity.TALKING)
    taping.begin(s, call)


def failed(s: State, fact: PassFailed) -> None:
    """The far end did not take it: the next trunk if this one failed, otherwise the seat hears why."""
    call = s.calls.get(fact.call)
    if call is None or call.state is not CallState.DIALLING:
        return
    s.stop_expecting(call)
    call.because += (
        f"{call.passed_to} over {call.trunk or 'the switch'} did not take the call ({fact.why}).",
    )
    call.cause = fact.cause
    if fact.why in _WORDS or fact.cause in _LINE_WORKS:
        call.ways = ()
    _next_way(s, call, _WORDS.get(fact.why, "not-reachable"), "not taken")


def overdue(s: State, call: Call) -> None:
    """No word of the far end long after its time."""
    s.order(HangUp(call.call))
    close(s, call, broken=True)
