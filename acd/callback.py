"""Calling back: who is owed a call, when it is made, and that it is made once.

Whoever asked by key keeps the place in the queue: his entry stands among the waiting like a call and is matched by the same rule.
Missed calls are worked off by seats that are free while nobody waits. In both cases the seat is rung first, then the caller is
dialled with the hotline's number. Nothing is dialled outside the hours, to a number that is just calling us, or twice
for one missed call.

Everything is re-examined in `settle` after each fact; `acd.backs.MOVES` says what may follow from what.
"""

from __future__ import annotations

import msgspec

from acd import floor, nuisance, reception, taping
from acd.agents import Activity
from acd.backs import Back, Stage, back_id, next_change, open_at, owe
from acd.calls import Call, CallState
from acd.messages import (
    AgentAnswered,
    AgentRangOut,
    Announce,
    CallerHungUp,
    CallId,
    CallRecord,
    DropBack,
    Millis,
    PassAnswered,
    PassFailed,
    PassOn,
    SwitchSurveyed,
)
from acd.outgoing import ways_out
from acd.placing import skip_hopeless
from acd.preferences import caller_key
from acd.state import State
from ivr.flow import Enqueue, LetGo, Say
from ivr.run import FlowRun

SEAT_AGAIN_MS = 15_000
"""after a seat that did not pick up for a missed call, or came when nobody could be dialled"""
DIAL_GRACE_MS = 10_000
_MISSED = frozenset({"abandoned", "refused", "lost"})
_SERVED = frozenset({"answered", "passed"})


# ── by key, while waiting ────────────────────────────────────────────────────────────────────────────────────


def key_for(s: State, call: Call) -> str:
    """The key by which this caller may ask to be called back; empty when that is not on offer."""
    setup = s.setup.callback
    owed = owed_to(s, call)
    return setup.key if setup.key and open_at(s.setup.callback, s.now) and owed and not call.urgent else ""


def owed_to(s: State, call: Call) -> str:
    """The caller's number in its one form, if it can be called back; a withheld one, or one that nobody can dial, can't."""
    key = caller_key(call.caller, s.setup.plan.area)
    return key if key and ways_out(s, call.caller) else ""


def keyed(s: State, call: Call, key: str) -> None:
    """A waiting caller pressed a key that was on offer: first the number is read back, then it is agreed."""
    setup = s.setup.callback
    if call.asked_back and key == setup.key:
        _agree(s, call)
    elif key == key_for(s, call):
        call.asked_back = True
        digits = [f"digits/{digit}" for digit in call.caller if digit in "0123456789"]
        s.order(Announce(call.call, (*setup.number, *digits, *setup.confirm), setup.key))


def _agree(s: State, call: Call) -> None:
    assert call.waits is not None
    call.asked_back = False
    if _of_key(s, owed_to(s, call)) or len(s.backs) >= s.setup.callback.most or not key_for(s, call):
        s.order(Announce(call.call, s.setup.callback.not_possible, ""))
        return
    back = _entry(s, call, call.waits, asked=True)
    back.stage = Stage.AGREED
    s.backs[back.back] = back
    _remind(s, back)
    s.leave(call)
    s.waiting[call.waits.queue] -= 1
    call.outcome = "called back"
    call.because += (f"Asked to be called back, in the place of {back.queued}: {back.back}.",)
    call.run = FlowRun((Say(s.setup.callback.thanks), LetGo()))
    reception._go(s, call)


# ── calls that are over ──────────────────────────────────────────────────────────────────────────────────────


def over(s: State, call: Call, record: CallRecord) -> None:
    """A call's record has been made: does it leave something owed, or settle what was?"""
    if record.direction == "back":
        if back := s.backs.get(record.call):
            if back.stage is Stage.TALKING:
                back.go("ended")
            _forget(
                s, back
            )  # otherwise somebody else ended the attempt for good: its record says what became of it
        return
    back = s.backs.get(back_id(record.call))
    if back is not None and back.stage is Stage.AGREED:
        back.go("caller gone")
        back.record, back.due = record, s.now
        return
    key = caller_key(record.caller, s.setup.plan.area)
    if not key:
        return
    found = _of_key(s, key)
    if record.disposition in _SERVED and found is not None:
        _cancel(s, found)
    elif record.direction == "in" and record.disposition in _MISSED and found is None:
        _list_missed(s, call, record)


def _list_missed(s: State, call: Call, record: CallRecord) -> None:
    setup = s.setup.callback
    waits = (
        call.waits or call.sought or next((step for step in call.run.flow if isinstance(step, Enqueue)), None)
    )
    asked = waits is not None and record.disposition == "refused" and s.queue(waits.queue).then == "call back"
    if not (setup.missed or asked) or waits is None or call.urgent or len(s.backs) >= setup.most:
        return
    if call.barred or nuisance.find(s, record.caller) or not owed_to(s, call):
        return
    back = _entry(s, call, waits, asked=False)
    back.record = record
    back.due = s.now + setup.missed_after_ms
    s.backs[back.back] = back
    _remind(s, back)


def _entry(s: State, call: Call, waits: Enqueue, *, asked: bool) -> Back:
    if not call.order:
        s.counted += 1
        call.order = s.counted
    key = caller_key(call.caller, s.setup.plan.area)
    return owe(call, waits, key, s.now, s.now + s.setup.callback.expires_ms, asked=asked)


def _of_key(s: State, key: str) -> Back | None:
    return next((back for back in s.backs.values() if back.key == key and back.stage is not Stage.OVER), None)


# ── what is to be done now ───────────────────────────────────────────────────────────────────────────────────


def settle(s: State) -> None:
    """After every fact: put forward what may be called now, take back what may not."""
    for call, record in s.just_over:
        over(s, call, record)
    s.just_over.clear()
    if not s.backs:
        return
    ready = open_at(s.setup.callback, s.now) and not s.blind
    live = _calling_us(s)
    for back in list(s.backs.values()):
        _follow(s, back)
        may = ready and back.key not in live
        if back.stage in {Stage.LISTED, Stage.PLACED} and s.now >= back.expires:
            _end(s, back, "too old", "too old")
        elif back.stage is Stage.PLACED and not may:
            _take_back(s, back, "not now", s.now)
        elif back.stage is Stage.LISTED and back.asked and may and back.due <= s.now:
            _place(s, back)
    if ready:
        _work_off(s, live)


def _follow(s: State, back: Back) -> None:
    """The stage in step with what the floor did with its call."""
    call = s.calls.get(back.back)
    if call is None:
        return
    if back.stage is Stage.PLACED and call.state is CallState.RINGING:
        back.go("seat rung")
    elif back.stage is Stage.RINGING and call.state is CallState.QUEUED:
        if back.asked:
            back.go("seat did not")
        else:
            _take_back(s, back, "not now", s.now + SEAT_AGAIN_MS)


def _work_off(s: State, live: set[str]) -> None:
    """Missed calls, the oldest first, one for each seat that is idle beyond the reserve while nobody waits."""
    if s.blind:
        return
    for back in list(s.backs.values()):
        if s.router.waiting or s.router.idle <= s.setup.callback.reserve:
            return
        if back.stage is Stage.LISTED and not back.asked and back.due <= s.now and back.key not in live:
            _place(s, back)
            _follow(s, back)
            if s.calls[back.back].state is CallState.QUEUED:  # nobody of those who are free can take it
                _take_back(s, back, "not now", back.due)


def _place(s: State, back: Back) -> None:
    """Among the waiting, where its order puts it; a free seat is rung at once."""
    back.go("time")
    waited = s.now - back.queued
    steps = [i for i, need in enumerate(back.waits.needs) if need.after_ms <= waited]
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
        widened=steps[-1] if steps else 0,
        order=back.order,
        direction="back",
        priority=back.waits.priority,
        remark="回拨",
        called_back=back.of,
    )
    s.calls[call.call] = call
    s.load[call.trunk] += 1
    s.waiting[back.waits.queue] += 1
    skip_hopeless(s, call)
    s.stand(call)
    _remind(s, back)
    floor.find_agent(s, call)


def _take_back(s: State, back: Back, why: str, due: Millis) -> None:
    """From among the waiting onto the list."""
    call = s.calls[back.back]
    s.leave(call)
    s.waiting[back.waits.queue] -= 1
    _forget_call(s, call)
    back.go(why)
    back.due = due
    _remind(s, back)


def _forget_call(s: State, call: Call) -> None:
    s.load[call.trunk] -= 1
    call.ring_until, call.gone_by = None, None
    for kind in ("ring", "gone", "widen", "max_wait"):
        s.timers.drop(kind, call.call)
    del s.calls[call.call]


def _remind(s: State, back: Back) -> None:
    """Look at it again when something changes by time alone."""
    match back.stage:
        case Stage.LISTED | Stage.PLACED:
            at = back.expires
            if back.stage is Stage.LISTED and back.due > s.now:
                at = min(at, back.due)
            at = min(at, next_change(s.setup.callback, s.now))
            s.timers.set("back", back.back, at)
        case Stage.AGREED:
            s.timers.set("back", back.back, back.expires)
        case _:
            s.timers.drop("back", back.back)


def rebuild(s: State) -> None:
    """After a restart: the deadlines of what is owed."""
    for back in s.backs.values():
        _remind(s, back)
        call = s.calls.get(back.back)
        if call is not None and call.dial_until is not None:
            s.timers.set("back", back.back, call.dial_until)


def remind(s: State, name: CallId) -> None:
    """The deadline of a call-back has come: a new one, or no word of a call that is being dialled."""
    back, call = s.backs.get(name), s.calls.get(name)
    if back is None:
        return
    if back.stage is Stage.DIALLING and call is not None:
        s.order(DropBack(name))
        _attempt_failed(s, back, call, "silence")
    elif back.stage is Stage.AGREED:
        _end(s, back, "forgotten")
    else:
        _remind(s, back)


# ── one attempt ──────────────────────────────────────────────────────────────────────────────────────────────


def seat_answered(s: State, fact: AgentAnswered) -> None:
    """The seat is on the line: dial the caller, unless that is no longer right."""
    back, call, agent = s.backs.get(fact.call), s.calls.get(fact.call), s.agents.get(fact.agent)
    if not back or not call or not agent or call.state is not CallState.RINGING or call.agent != fact.agent:
        s.order(DropBack(fact.call))
        return
    _follow(s, back)
    floor.stop_ring(s, call)
    s.waiting[back.waits.queue] -= 1
    back.go("seat answered")
    call.move(CallState.DIALLING)
    agent.move(Activity.DIALLING)
    agent.rang_out = 0
    call.answered = s.now
    _remind(s, back)
    call.ways = tuple(ways_out(s, back.caller))
    if not _may_be_dialled(s, back) or not call.ways:
        back.tries -= 1  # nothing was dialled: it does not count
        _not_reached(s, back, call, "not now")
        return
    _dial(s, back, call)


def ring_overdue(s: State, call: Call) -> None:
    """No word of the seat's ring long after its time: its channel is dropped, and it counts as not picked up."""
    s.order(DropBack(call.call))
    floor.agent_rang_out(s, AgentRangOut(call.call, call.agent or ""))


def _may_be_dialled(s: State, back: Back) -> bool:
    return open_at(s.setup.callback, s.now) and back.key not in _calling_us(s)


def _calling_us(s: State) -> set[str]:
    """The numbers of those who are on a line of ours now."""
    return {
        caller_key(call.caller, s.setup.plan.area) for call in s.calls.values() if call.direction != "back"
    }


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
    back.go("caller answered")
    back.tries += 1
    call.dial_until = None
    call.move(CallState.TALKING)
    call.seat_answered = s.now
    if agent and agent.call == call.call:
        agent.move(Activity.TALKING)
    taping.begin(s, call)
    _remind(s, back)
    if back.record is not None:
        floor.write(s, msgspec.structs.replace(back.record, called_back=back.back))
        back.record = None


def failed(s: State, fact: PassFailed) -> None:
    """The caller's phone was busy, or nobody picked up: the next way, or later again. The seat is told."""
    back, call = s.backs.get(fact.call), s.calls.get(fact.call)
    if not back or not call or call.state is not CallState.DIALLING:
        return
    if call.ways and fact.why in {"chanunavail", "congestion"} and _may_be_dialled(s, back):
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
    reception._go(s, call)


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


def _attempt_failed(s: State, back: Back, call: Call, why: str | None) -> None:
    """The attempt is over: the agent is free, the call-back is on the list again, or given up."""
    setup = s.setup.callback
    early = call.outcome == "not now"
    if why is not None:  # also when the seat left: the caller's phone has rung
        back.tries += 1
        back.why += (f"Try {back.tries}: {why}.",)
    again = SEAT_AGAIN_MS if early else setup.again_ms
    if back.tries >= setup.tries:
        _give_up(s, back, call, "no more tries")
    else:
        _forget_call(s, call)
        back.go("not reached")
        back.due = s.now + again
        _remind(s, back)
    _free(s, call)


def _free(s: State, call: Call) -> None:
    agent = s.agents.get(call.agent or "")
    if agent and agent.call == call.call and agent.activity in {Activity.DIALLING, Activity.RINGING}:
        floor.idle(s, agent, agent.since)


# ── the end ──────────────────────────────────────────────────────────────────────────────────────────────────


def _cancel(s: State, back: Back) -> None:
    """The caller has been served otherwise."""
    if back.stage not in {Stage.TALKING, Stage.OVER, Stage.AGREED}:
        back.why += ("The caller rang again and was served.",)
        _end(s, back, "served")


def _end(s: State, back: Back, happening: str, why: str | None = None) -> None:
    call = s.calls.get(back.back)
    if why is not None:
        back.why += (f"Given up: {why}.",)
    if call is None or back.stage is Stage.TALKING:
        back.go(happening)
        _forget(s, back)
        if back.tries and happening != "ended":
            floor.write(s, back.in_vain(s.setup.city, s.now))
        return
    _give_up(s, back, call, happening)
    _free(s, call)


def _give_up(s: State, back: Back, call: Call, happening: str) -> None:
    """End it together with the call that stood, or was being made, for it."""
    if call.state in {CallState.QUEUED, CallState.RINGING}:
        if call.state is CallState.QUEUED:
            s.leave(call)
        s.waiting[back.waits.queue] -= 1
    if call.state is not CallState.QUEUED:
        s.order(DropBack(call.call))
    _forget_call(s, call)
    back.go(happening)
    _forget(s, back)
    if back.tries:
        call.because = (*call.because[:1], *back.why)
        call.outcome, call.ended = None, s.now
        floor.write(s, call.record(s.setup.city, "not reached"))


def _forget(s: State, back: Back) -> None:
    s.timers.drop("back", back.back)
    s.backs.pop(back.back, None)


def surveyed(s: State, fact: SwitchSurveyed) -> None:
    """After a gap: attempts of which the switch has nothing are over; what stands in the queue has no channel anyway."""
    seen = {channel.call: channel for channel in fact.channels}
    for call in [
        call for call in s.calls.values() if call.direction == "back" and call.state is not CallState.QUEUED
    ]:
        channel = seen.get(call.call)
        if channel is None:
            seat_gone(s, CallerHungUp(call.call))
        elif channel.state == "talking" and call.state is CallState.DIALLING:
            answered(s, PassAnswered(call.call))
