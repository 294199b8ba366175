"""A caller's conversation with the machine is over: let go when he needs nobody, and otherwise on where he was."""

from __future__ import annotations

from acd.calls import Call, CallState
from acd.floor import give_back
from acd.messages import ConversationOver, HoldMusic
from acd.reception import proceed
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
                if call.state is CallState.RINGING:
                    give_back(s, call)
                assert call.waits is not None
                s.leave(call)
                s.waiting[call.waits.queue] -= 1
                _contained(s, call)
                return
            if call.state is CallState.QUEUED:  # who is rung for is on his way to the seat
                assert call.waits is not None
                s.order(HoldMusic(call.call, call.waits.queue, s.queue(call.waits.queue).music))
                s.hear_words(call)
        case _:
            pass  # whatever was ordered meanwhile goes on


def _contained(s: State, call: Call) -> None:
    call.outcome = "contained"
    call.run = FlowRun((LetGo(),))
    proceed(s, call)


def _lead_to(s: State, call: Call, line: str) -> None:
    """The caller asked for a line by its name: where our own seats answer it, he waits for one of those."""
    decision = s.setup.plan.route(line, (), call.trunk, s.now)
    wanted = [step for step in flow_for(decision) if isinstance(step, Enqueue)]
    if decision.passes or decision.urgent or not wanted:
        call.because += (f"Asked for {line}, which our seats do not answer now.",)
        return
    place = call.run.at
    call.run.flow = (*call.run.flow[: place + 1], wanted[-1])
    call.because += (f"Asked for {line} by name: waits for its seats.",)
