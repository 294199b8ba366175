"""After a gap: what the switch says it has, against what the engine thought."""

from __future__ import annotations

from acd import calling_back, outgoing, steering, taping, transfer
from acd.agents import ON_A_CALL, Activity
from acd.calls import Call, CallState
from acd.floor import agent_answered, agent_hung_up, close, complete, give_back, match_all, record, withdraw
from acd.messages import (
    AgentAnswered,
    AgentHungUp,
    CallSurvived,
    ChannelSeen,
    FetchBack,
    Millis,
    PassAnswered,
    SeatId,
    SwitchLost,
    SwitchSurveyed,
)
from acd.parties import Leg, Place
from acd.reception import pass_answered
from acd.state import State
from ivr.flow import flow_for
from ivr.run import FlowRun


def lost(s: State, _fact: SwitchLost) -> None:
    """Nobody is rung until the switch has said what it has."""
    s.blind = True


def surveyed(s: State, fact: SwitchSurveyed) -> None:
    """Close what is over, follow what went on without us, fetch back who waits in the fallback."""
    seen = {channel.call: channel for channel in fact.channels}
    s.blind = True  # until all is known: nobody is rung for a caller who is gone, or at a phone that is off
    calling_back.surveyed(s, fact)
    for call in list(s.calls.values()):
        if call.direction == "back" and call.placed:
            continue
        if call.transfer is not None:
            legs = [leg for leg in fact.legs if leg.call == call.call]
            transfer.surveyed(s, call, seen.get(call.call), legs)
        elif call.call not in seen:
            close(s, call, broken=fact.restarted)
    # Who talks comes last: by then the seat is free of what the engine thought it did.
    left = [c for c in s.calls.values() if c.transfer is None and c.call in seen]
    left = [c for c in left if not (c.direction == "back" and c.placed)]
    for call in sorted(left, key=lambda call: seen[call.call].state == "talking"):
        _follow(s, call, seen[call.call])
    for channel in fact.channels:
        if channel.state == "fallback":
            s.order(FetchBack(channel.call))
    s.reachable = set(fact.reachable)
    for agent in s.agents.values():
        agent.reachable = agent.seat in s.reachable
        if not agent.available:
            withdraw(s, agent)
    s.blind = False
    match_all(s)


def _follow(s: State, call: Call, channel: ChannelSeen) -> None:
    if call.placed:
        if channel.state == "talking":
            outgoing.answered(s, PassAnswered(call.call))
        return
    if call.state is CallState.TALKING and channel.state in {"held", "fallback"} and call.agent is not None:
        agent_hung_up(
            s, AgentHungUp(call.call, call.agent)
        )  # while nobody listened; the caller is being let go
    if call.state in {CallState.TALKING, CallState.LEFT, CallState.ASKED, CallState.PASSED}:
        return  # it goes on, or its end is on the way
    if channel.state == "talking":
        _talks(s, call, channel.seat)
    elif channel.state == "fallback":
        if call.state is CallState.RINGING:
            give_back(s, call)
        if call.state is CallState.QUEUED:
            s.lend(call)


def _talks(s: State, call: Call, seat: SeatId | None) -> None:
    if call.state is CallState.RINGING and call.agent is not None and seat in {None, call.seat}:
        agent_answered(s, AgentAnswered(call.call, call.agent))
    elif call.state is CallState.PASSING and seat is None:
        pass_answered(s, PassAnswered(call.call))
    else:
        _served_by_fallback(s, call, seat)
        taping.begin(s, call)


def _served_by_fallback(s: State, call: Call, seat: SeatId | None) -> None:
    """While the engine was gone the switch itself gave the caller to a seat, or passed him on (``seat`` ``None``)."""
    if call.state is CallState.RINGING:
        give_back(s, call)
    if call.state is CallState.QUEUED and call.waits:
        s.leave(call)
        s.waiting[call.waits.queue] -= 1
    call.by_fallback, call.away = True, False
    if seat is None:
        call.move(CallState.PASSED)
        call.answered = s.now if call.answered is None else call.answered
        ways = s.setup.plan.route(call.called, (), call.trunk, call.arrived).passes
        call.passed_to = call.passed_to or (ways[0].number if ways else call.line)
        return
    s.release(call)
    call.move(CallState.TALKING)
    call.seat = seat
    call.seat_answered = s.now  # until the spool has told the instant
    agent = s.agent_at(seat)
    if agent and agent.activity not in ON_A_CALL:
        withdraw(s, agent)
        if agent.activity is Activity.WRAP_UP:
            complete(s, agent)
        s.timers.drop("rest", agent.agent)
        s.timers.drop("wrap_up", agent.agent)
        agent.move(Activity.TALKING)
        agent.call, agent.until, call.agent = call.call, None, agent.agent


def survived(s: State, fact: CallSurvived) -> None:
    """What the fallback wrote of a call. One that is over becomes a record, once; of one that is still on we learn who took it."""
    call = s.calls.get(fact.call)
    if call is None:
        if fact.ended is not None and not s.is_over(fact.call):
            _record_unknown(s, fact)
        return
    if call.placed:
        return  # what a seat dials never comes to the fallback
    if fact.ended is None:
        _still_on(call, fact)
        return
    before, s.blind = s.blind, True  # the agent who was rung for it is offered the others, not this one
    _ended_in_fallback(s, call, fact, fact.ended)
    s.blind = before
    match_all(s)


def _still_on(call: Call, fact: CallSurvived) -> None:
    """The survey has found who took the call; the spool knows when."""
    if fact.answered is None or not call.by_fallback:
        return
    if call.state is CallState.TALKING and fact.seat == call.seat:
        call.seat_answered = fact.answered
    elif call.state is CallState.PASSED:
        call.answered = fact.answered


def _ended_in_fallback(s: State, call: Call, fact: CallSurvived, ended: Millis) -> None:
    if call.state is CallState.RINGING:
        give_back(s, call)
    call.by_fallback, call.ended = True, ended
    if fact.answered is not None and call.state in _WAITING:
        if fact.seat is None:
            _served_by_fallback(s, call, None)
            call.answered = fact.answered
        else:  # whoever took the call is long done with it
            agent = s.agent_at(fact.seat)
            call.seat, call.seat_answered = fact.seat, fact.answered
            call.agent = agent.agent if agent else None
    if call.transfer is not None:  # he was held for a third party, which is let go
        call.transfer.caller, call.cause = Leg(Place.GONE), fact.cause
        steering.end(s, call)
        return
    close(s, call, fact.cause)


_WAITING = frozenset({CallState.OFFERED, CallState.IN_FLOW, CallState.QUEUED, CallState.RINGING})


def _record_unknown(s: State, fact: CallSurvived) -> None:
    """A call that came and went while there was no engine."""
    decision = s.setup.plan.route(fact.called, fact.diverted, fact.trunk, fact.arrived)
    agent = s.agent_at(fact.seat or "")
    call = Call(
        call=fact.call,
        trunk=fact.trunk,
        called=fact.called,
        caller=fact.caller,
        arrived=fact.arrived,
        run=FlowRun(flow_for(decision)),  # whom he wanted to reach: he may have to be called back
        line=decision.number,
        line_name=decision.name or "",
        treatment=decision.treatment,
        because=decision.because,
        answered=fact.arrived,
        ended=fact.ended,
        cause=fact.cause,
        by_fallback=True,
    )
    if fact.answered is None:
        nobody = decision.wait is None and not decision.passes
        record(s, call, "told" if nobody else "abandoned")
    elif fact.seat is None:
        call.answered = fact.answered
        call.passed_to = decision.passes[0].number if decision.passes else decision.number
        record(s, call, "passed")
    else:
        call.seat_answered, call.seat = fact.answered, fact.seat
        call.agent = agent.agent if agent else None
        record(s, call, "answered")
