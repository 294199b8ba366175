"""The call that is made for a call-back: the seat is rung first, then the caller is dialled with the hotline's number.

Whether it may be made, and when, is `acd.callback`'s.
"""

from __future__ import annotations

import msgspec

from acd import floor, reception, taping
from acd.agents import Activity
from acd.back_moves import SEAT_AGAIN_MS, end, follow, forget_call, free, give_up, move, remind
from acd.backs import Back, Stage
from acd.callback import may_be_dialled
from acd.calls import Call, CallState
from acd.messages import (
    AgentAnswered,
    AgentRangOut,
    CallerHungUp,
    CallId,
    DropBack,
    PassAnswered,
    PassFailed,
    PassOn,
    SwitchSurveyed,
)
from acd.outgoing import ways_out
from acd.state import State
from ivr.flow import LetGo, Say
from ivr.run import FlowRun

DIAL_GRACE_MS = 10_000


def seat_answered(s: State, fact: AgentAnswered) -> None:
    """The seat is on the line: dial the caller, unless that is no longer right."""
    back, call, agent = s.backs.get(fact.call), s.calls.get(fact.call), s.agents.get(fact.agent)
    if not back or not call or not agent or call.state is not CallState.RINGING or call.agent != fact.agent:
        s.order(DropBack(fact.call))
        return
    follow(s, back)
    floor.stop_ring(s, call)
    s.waiting[back.waits.queue] -= 1
    move(s, back, "seat answered")
    call.move(CallState.DIALLING)
    agent.move(Activity.DIALLING)
    agent.rang_out = 0
    call.answered = s.now
    remind(s, back)
    call.ways = tuple(ways_out(s, back.caller))
    if not may_be_dialled(s, back) or not call.ways:
        back.tries -= 1  # nothing was dialled: it does not count
        _not_reached(s, back, call, "not now")
        return
    _dial(s, back, call)


def ring_overdue(s: State, call: Call) -> None:
    """No word of the seat's ring long after its time: its channel is dropped, and it counts as not picked up."""
    s.order(DropBack(call.call))
    floor.agent_rang_out(s, AgentRangOut(call.call, call.agent or ""))


def _dial(s: State, back: Back, call: Call) -> None:
    (trunk, number), *rest = call.ways
    call.ways = tuple(rest)
    s.load[call.trunk] -= 1
    call.trunk = trunk
    s.load[trunk] += 1
    call.passed_to = number
    ring_ms = s.setup.callback.ring_ms
    call.dial_until = s.now + ring_ms + DIAL_GRACE_MS
    s.timers.set("back", back.back, call.dial_until)
    s.order(PassOn(call.call, trunk, number, ring_ms, call.shown))


def answered(s: State, fact: PassAnswered) -> None:
    """The caller has picked up: the two talk, and the debt is paid."""
    back, call = s.backs.get(fact.call), s.calls.get(fact.call)
    if not back or not call or call.state is not CallState.DIALLING:
        return
    agent = s.agents.get(call.agent or "")
    move(s, back, "caller answered")
    back.tries += 1
    call.dial_until = None
    call.move(CallState.TALKING)
    call.seat_answered = s.now
    if agent and agent.call == call.call:
        agent.move(Activity.TALKING)
    taping.begin(s, call)
    remind(s, back)
    if back.record is not None:
        floor.write(s, msgspec.structs.replace(back.record, called_back=back.back))
        back.record = None


def failed(s: State, fact: PassFailed) -> None:
    """The caller's phone was busy, or nobody picked up: the next way, or later again. The seat is told."""
    back, call = s.backs.get(fact.call), s.calls.get(fact.call)
    if not back or not call or call.state is not CallState.DIALLING:
        return
    if call.ways and fact.why in {"chanunavail", "congestion"} and may_be_dialled(s, back):
        _dial(s, back, call)
    else:
        _not_reached(s, back, call, fact.why)


def _not_reached(s: State, back: Back, call: Call, why: str) -> None:
    """Tell the seat, then let it go; the agent is free when its phone is."""
    back.tries += 1
    back.why += (f"Try {back.tries}: {why}.",) if back.tries else ()
    call.outcome = why
    call.dial_until = None
    s.timers.drop("back", back.back)
    call.run = FlowRun((Say(s.setup.callback.told), LetGo()))
    reception.proceed(s, call)


def seat_gone(s: State, fact: CallerHungUp) -> None:
    """The seat's channel is gone, whoever ended it."""
    back, call = s.backs.get(fact.call), s.calls.get(fact.call)
    if not call:
        return
    if back is None or call.state in {CallState.TALKING, CallState.LEFT}:
        floor.close(s, call, fact.cause)
    elif call.state is CallState.RINGING and call.agent is not None:
        floor.agent_rang_out(s, AgentRangOut(call.call, call.agent, "cancel"))
    elif call.state in {CallState.DIALLING, CallState.IN_FLOW}:
        _attempt_failed(s, back, call, "seat left" if call.outcome is None else None)


def overdue(s: State, name: CallId) -> None:
    """The deadline of a call-back has come: a new one, or no word of a call that is being dialled."""
    back, call = s.backs.get(name), s.calls.get(name)
    if back is None:
        return
    if back.stage is Stage.DIALLING and call is not None:
        s.order(DropBack(name))
        _attempt_failed(s, back, call, "silence")
    elif back.stage is Stage.AGREED:
        end(s, back, "forgotten")
    else:
        remind(s, back)


def _attempt_failed(s: State, back: Back, call: Call, why: str | None) -> None:
    """The attempt is over: the agent is free, the call-back is on the list again, or given up."""
    setup = s.setup.callback
    early = call.outcome == "not now"
    if why is not None:  # also when the seat left: the caller's phone has rung
        back.tries += 1
        back.why += (f"Try {back.tries}: {why}.",)
    again = SEAT_AGAIN_MS if early else setup.again_ms
    if back.tries >= setup.tries:
        give_up(s, back, call, "no more tries")
    else:
        forget_call(s, call)
        move(s, back, "not reached", s.now + again)
        remind(s, back)
    free(s, call)


def surveyed(s: State, fact: SwitchSurveyed) -> None:
    """After a gap: attempts of which the switch has nothing are over; what stands in the queue has no channel anyway."""
    seen = {channel.call: channel for channel in fact.channels}
    for call in [
        call
        for call in s.calls.values()
        if call.direction == "back" and call.placed and call.state is not CallState.QUEUED
    ]:
        channel = seen.get(call.call)
        if channel is None:
            seat_gone(s, CallerHungUp(call.call))
        elif channel.state == "talking" and call.state is CallState.DIALLING:
            answered(s, PassAnswered(call.call))
