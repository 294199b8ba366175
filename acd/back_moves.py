"""A call-back's moves: onto the list, among the waiting and back, and off the list for good.

`acd.backs.MOVES` says what may follow from what; here it is carried out together with the call that stands for it.
"""

from __future__ import annotations

from acd import floor
from acd.agents import Activity
from acd.backs import Back, Stage, next_change
from acd.calls import Call, CallState
from acd.messages import CallId, DropBack, Millis
from acd.placing import skip_hopeless
from acd.state import State
from ivr.run import FlowRun

SEAT_AGAIN_MS = 15_000
"""after a seat that did not pick up for a missed call, or came when nobody could be dialled"""


def put_down(s: State, back: Back) -> None:
    """From now on it is owed."""
    s.backs[back.back] = back
    s.owed.enter(back, s.now)
    remind(s, back)


def move(s: State, back: Back, happening: str, due: Millis | None = None) -> None:
    """Something has happened to it; ``due``: not to be called before that."""
    back.go(happening)
    if due is not None:
        back.due = due
    s.owed.moved(back, s.now)


def follow(s: State, back: Back) -> None:
    """The stage in step with what the floor did with its call."""
    call = s.calls.get(back.back)
    if call is None:
        return
    if back.stage is Stage.PLACED and call.state is CallState.RINGING:
        move(s, back, "seat rung")
    elif back.stage is Stage.RINGING and call.state is CallState.QUEUED:
        if back.asked:
            move(s, back, "seat did not")
            remind(s, back)
        else:
            take_back(s, back, "not now", s.now + SEAT_AGAIN_MS)


def step_of(back: Back, now: Millis) -> int:
    """Which of its needs is in force, by the time that the caller has waited."""
    waited = now - back.queued
    steps = [i for i, need in enumerate(back.waits.needs) if need.after_ms <= waited]
    return steps[-1] if steps else 0


def place(s: State, back: Back) -> None:
    """Among the waiting, where its order puts it; a free seat is rung at once."""
    move(s, back, "time")
    call = Call(
        call=back.back,
        trunk="",
        called=back.called,
        caller=back.caller,
        arrived=back.queued,
        run=FlowRun((back.waits,)),
        state=CallState.QUEUED,
        line=back.line,
        line_name=back.line_name,
        treatment=back.treatment,
        because=(
            f"Calls back {back.caller}, who {'asked for it' if back.asked else 'was missed'} ({back.of}).",
            *back.why,
        ),
        queued=back.queued,
        waits=back.waits,
        widened=step_of(back, s.now),
        order=back.order,
        direction="back",
        priority=back.waits.priority,
        remark="回拨",
        called_back=back.of,
    )
    s.take_on(call)
    s.load[call.trunk] += 1
    s.waiting[back.waits.queue] += 1
    skip_hopeless(s, call)
    s.stand(call)
    remind(s, back)
    floor.find_agent(s, call)


def take_back(s: State, back: Back, why: str, due: Millis) -> None:
    """From among the waiting onto the list."""
    call = s.calls[back.back]
    s.leave(call)
    s.waiting[back.waits.queue] -= 1
    forget_call(s, call)
    move(s, back, why, due)
    remind(s, back)


def forget_call(s: State, call: Call) -> None:
    """The call that stood, or was being made, for it is no more."""
    s.load[call.trunk] -= 1
    call.ring_until, call.gone_by = None, None
    for kind in ("ring", "gone", "widen", "max_wait"):
        s.timers.drop(kind, call.call)
    s.take_off(call)


def remind(s: State, back: Back) -> None:
    """Look at it again when something changes by time alone."""
    match back.stage:
        case Stage.LISTED | Stage.PLACED:
            at = back.expires
            if back.stage is Stage.LISTED and back.due > s.now:
                at = min(at, back.due)
            at = min(at, next_change(s.setup.callback, s.now))
            if at > s.now:
                s.timers.set("back", back.back, at)
            else:  # it has expired: `acd.callback.settle` ends it before this fact is over
                s.timers.drop("back", back.back)
        case Stage.AGREED:
            s.timers.set("back", back.back, back.expires)
        case _:
            s.timers.drop("back", back.back)


# ── the end ──────────────────────────────────────────────────────────────────────────────────────────────────


def cancel(s: State, back: Back) -> None:
    """The caller has been served otherwise."""
    if back.stage not in {Stage.TALKING, Stage.OVER, Stage.AGREED}:
        back.why += ("The caller rang again and was served.",)
        end(s, back, "served")


def end(s: State, back: Back, happening: str, why: str | None = None) -> None:
    """It is owed no longer, and what is under way for it is ended. ``why``: it was given up."""
    call = s.calls.get(back.back)
    if why is not None:
        back.why += (f"Given up: {why}.",)
    if call is None or back.stage is Stage.TALKING:
        back.go(happening)
        forget(s, back.back)
        if back.tries and happening != "ended":
            floor.write(s, back.in_vain(s.setup.city, s.now))
        return
    give_up(s, back, call, happening)
    free(s, call)


def give_up(s: State, back: Back, call: Call, happening: str) -> None:
    """End it together with the call that stood, or was being made, for it."""
    if call.state in {CallState.QUEUED, CallState.RINGING}:
        if call.state is CallState.QUEUED:
            s.leave(call)
        s.waiting[back.waits.queue] -= 1
    if call.state is not CallState.QUEUED:
        s.order(DropBack(call.call))
    forget_call(s, call)
    back.go(happening)
    forget(s, back.back)
    if back.tries:
        call.because = (*call.because[:1], *back.why)
        call.outcome, call.ended = None, s.now
        floor.write(s, call.record(s.setup.city, "not reached"))


def free(s: State, call: Call) -> None:
    """The agent who was rung, or on the line, for it is free again."""
    agent = s.agents.get(call.agent or "")
    if agent and agent.call == call.call and agent.activity in {Activity.DIALLING, Activity.RINGING}:
        floor.idle(s, agent, agent.since)


def forget(s: State, name: CallId) -> None:
    """Off the list."""
    s.timers.drop("back", name)
    if (back := s.backs.pop(name, None)) is not None:
        s.owed.drop(back)
