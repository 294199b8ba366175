"""A caller's conversation with the machine is over: let go when he needs nobody, and otherwise on where he was."""

from __future__ import annotations

from acd.calls import Call, CallState
from acd.floor import back_to_queue, find_agent, idle
from acd.messages import ConversationOver, HoldMusic
from acd.placing import skip_hopeless
from acd.reception import proceed, widen_due
from acd.speaking import finish
from acd.state import State
from ivr.flow import Converse, Enqueue, LetGo, flow_for
from ivr.run import FlowRun


def over(s: State, fact: ConversationOver) -> None:
    """The caller is in our hands again: let go when he needs nobody, and otherwise on where he was."""
    call = s.calls.get(fact.call)
    if call is None or not call.converses:
        return
    finish(s, call, fact.over)
    if fact.reference:
        call.reference = fact.reference
        call.because += (f"Gave the number of a case: {fact.reference}.",)
    call.because += (f"The conversation with the machine is over: {fact.over}.",)
    match call.state:
        case CallState.IN_FLOW if isinstance(call.run.step, Converse):
            if fact.over == "contained":
                _contained(s, call)
                return
            if fact.line:
                _lead_to(s, call, fact.line)
            call.run.advance()
            proceed(s, call)
        case CallState.QUEUED | CallState.RINGING:
            if fact.over == "contained":
                _needs_no_seat(s, call)
                return
            if call.state is CallState.QUEUED:  # who is rung for is on his way to the seat
                wanted = _seats_of(s, call, fact.line) if fact.line else None
                waits = wanted or call.waits
                assert waits is not None
                s.order(HoldMusic(call.call, waits.queue, s.queue(waits.queue).music))
                s.hear_words(call)
                if wanted is not None:
                    _wait_for(s, call, wanted)
        case _:
            pass  # whatever was ordered meanwhile goes on


def _contained(s: State, call: Call) -> None:
    call.outcome = "contained"
    call.run = FlowRun((LetGo(),))
    proceed(s, call)


def _needs_no_seat(s: State, call: Call) -> None:
    """He is no longer among the waiting; whoever was just being rung for him is free for the next."""
    agent = s.agents.get(call.agent or "")
    if call.state is CallState.RINGING:
        back_to_queue(s, call)
    assert call.waits is not None
    s.leave(call)
    s.waiting[call.waits.queue] -= 1
    _contained(s, call)
    if agent and agent.call == call.call:
        idle(s, agent, agent.since)


def _lead_to(s: State, call: Call, line: str) -> None:
    """The caller asked for a line by its name before he waits."""
    if wanted := _seats_of(s, call, line):
        call.run.flow = (*call.run.flow[: call.run.at + 1], wanted)


def _wait_for(s: State, call: Call, wanted: Enqueue) -> None:
    """The same of a caller who waits already: from now on for the others, by the same arrival."""
    assert call.waits is not None
    s.leave(call)
    s.waiting[call.waits.queue] -= 1
    call.waits, call.widened = wanted, 0
    s.waiting[wanted.queue] += 1
    skip_hopeless(s, call)
    s.stand(call)
    find_agent(s, call)
    widen_due(s, call)


def _seats_of(s: State, call: Call, line: str) -> Enqueue | None:
    """Where callers of a line wait, if our own seats answer it."""
    decision = s.setup.plan.route(line, (), call.trunk, s.now)
    wanted = [step for step in flow_for(decision) if isinstance(step, Enqueue)]
    if decision.passes or decision.urgent or not wanted:
        call.because += (f"Asked for {line}, which our seats do not answer now.",)
        return None
    call.because += (f"Asked for {line} by name: waits for its seats.",)
    return wanted[-1]
