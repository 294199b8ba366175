"""After a gap: what the switch says it has, against what the engine thought."""

from __future__ import annotations

from acd.agents import Activity
from acd.calls import Call, CallState
from acd.floor import agent_answered, back_to_queue, close, idle, match_all, record
from acd.messages import AgentAnswered, CallSurvived, ChannelSeen, FetchBack, SwitchLost, SwitchSurveyed
from acd.state import State
from ivr.run import FlowRun


def lost(s: State, _fact: SwitchLost) -> None:
    """Nobody is rung until the switch has said what it has."""
    s.blind = True


def surveyed(s: State, fact: SwitchSurveyed) -> None:
    """Close what is over, follow what went on without us, fetch back who waits in the fallback."""
    seen = {channel.call: channel for channel in fact.channels}
    for call in list(s.calls.values()):
        channel = seen.get(call.call)
        if channel is None:
            close(s, call, broken=fact.restarted)
        else:
            _follow(s, call, channel)
    for channel in fact.channels:
        if channel.state == "fallback":
            s.order(FetchBack(channel.call))
    s.reachable = set(fact.reachable)
    for agent in s.agents.values():
        agent.reachable = agent.seat in s.reachable
        if not agent.available and agent.offered:
            s.router.agent_gone(agent.agent)
            agent.offered = False
    s.blind = False
    match_all(s)


def _follow(s: State, call: Call, channel: ChannelSeen) -> None:
    if channel.state == "talking":
        if call.state is CallState.RINGING and call.agent is not None:
            agent_answered(s, AgentAnswered(call.call, call.agent))
        elif call.state is CallState.PASSING:
            call.move(CallState.PASSED)
        elif (
            call.state in {CallState.QUEUED, CallState.IN_FLOW, CallState.OFFERED}
            and channel.seat is not None
        ):
            _given_by_fallback(s, call, channel.seat)
        return
    if call.state in {CallState.TALKING, CallState.LEFT}:
        return  # its end is on the way
    if channel.state == "fallback" and call.state is CallState.RINGING:
        agent = s.agents.get(call.agent or "")
        back_to_queue(s, call)
        if agent and agent.call == call.call:
            idle(s, agent, agent.since)


def _given_by_fallback(s: State, call: Call, seat: str) -> None:
    """While the engine was gone the switch's own queue gave the caller to a seat."""
    if call.state is CallState.QUEUED and call.waits:
        s.leave(call)
        s.waiting[call.waits.queue] -= 1
    call.move(CallState.TALKING)
    call.by_fallback, call.seat, call.seat_answered = True, seat, s.now
    agent = s.agent_at(seat)
    if agent and agent.activity not in {Activity.TALKING, Activity.RINGING}:
        if agent.offered:
            s.router.agent_gone(agent.agent)
            agent.offered = False
        s.timers.drop("rest", agent.agent)
        s.timers.drop("wrap_up", agent.agent)
        agent.move(Activity.TALKING)
        agent.call, agent.until, call.agent = call.call, None, agent.agent


def survived(s: State, fact: CallSurvived) -> None:
    """A call that ended while there was no engine becomes a record, once."""
    call = s.calls.get(fact.call)
    if call is None:
        if fact.call in s.unstored or any(c.call == fact.call for c in s.wrapping.values()):
            return
        decision = s.setup.plan.route(fact.called, fact.diverted, fact.trunk, fact.arrived)
        call = Call(
            call=fact.call,
            trunk=fact.trunk,
            called=fact.called,
            caller=fact.caller,
            arrived=fact.arrived,
            run=FlowRun(()),
            line=decision.number,
            line_name=decision.name or "",
            treatment=decision.treatment,
            because=decision.because,
        )
        call.answered = fact.arrived
        _tell_as(call, fact)
        record(s, call, "answered" if fact.answered is not None else "abandoned")
        return
    _tell_as(call, fact)
    close(s, call, fact.cause)


def _tell_as(call: Call, fact: CallSurvived) -> None:
    call.by_fallback = True
    call.cause, call.ended = fact.cause, fact.ended
    if fact.answered is not None and call.seat_answered is None:
        call.seat_answered, call.seat = fact.answered, fact.seat
