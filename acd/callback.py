"""Calling back: who is owed a call, and when it is made.

Whoever asked by key keeps the place in the queue: his entry stands among the waiting like a call and is matched by the same rule.
Missed calls are worked off by seats that are free while nobody waits. In both cases the seat is rung first, then the caller is
dialled with the hotline's number (`acd.calling_back`). Nothing is dialled outside the hours, to a number that is just calling us,
or twice for one missed call.

After each fact `settle` looks at what `acd.owed` says may have changed; `acd.backs.MOVES` says what may follow from what.
"""

from __future__ import annotations

from acd import nuisance, reception
from acd.back_moves import cancel, end, follow, forget, move, place, put_down, remind, step_of, take_back
from acd.backs import Back, Stage, back_id, next_change, open_at, owe
from acd.calls import Call, CallState
from acd.messages import Announce, CallRecord
from acd.outgoing import ways_out
from acd.owed import Ask
from acd.preferences import caller_key
from acd.state import State
from ivr.flow import Enqueue, LetGo, Say
from ivr.run import FlowRun

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
    put_down(s, back)
    s.leave(call)
    s.waiting[call.waits.queue] -= 1
    call.outcome = "called back"
    call.because += (f"Asked to be called back, in the place of {back.queued}: {back.back}.",)
    call.run = FlowRun((Say(s.setup.callback.thanks), LetGo()))
    reception.proceed(s, call)


# ── calls that are over ──────────────────────────────────────────────────────────────────────────────────────


def over(s: State, call: Call, record: CallRecord) -> None:
    """A call's record has been made: does it leave something owed, or settle what was?"""
    if record.direction == "back":
        if back := s.backs.get(record.call):
            if back.stage is Stage.TALKING:
                move(s, back, "ended")
            forget(s, back.back)  # whoever ended the attempt for good: its record says what became of it
        return
    back = s.backs.get(back_id(record.call))
    if back is not None and back.stage is Stage.AGREED:
        back.record = record
        move(s, back, "caller gone", s.now)
        remind(s, back)
        return
    key = caller_key(record.caller, s.setup.plan.area)
    if not key:
        return
    found = _of_key(s, key)
    if record.disposition in _SERVED and found is not None:
        cancel(s, found)
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
    put_down(s, back)


def _entry(s: State, call: Call, waits: Enqueue, *, asked: bool) -> Back:
    if not call.order:
        s.counted += 1
        call.order = s.counted
    key = caller_key(call.caller, s.setup.plan.area)
    return owe(call, waits, key, s.now, s.now + s.setup.callback.expires_ms, asked=asked)


def _of_key(s: State, key: str) -> Back | None:
    return s.backs.get(s.owed.by_key.get(key, ""))


# ── what is to be done now ───────────────────────────────────────────────────────────────────────────────────


def settle(s: State) -> None:
    """After every fact: put forward what may be called now, take back what may not. O(what there is to be done)."""
    for call, record in s.just_over:
        over(s, call, record)
    s.just_over.clear()
    if not s.backs:
        return
    ready = _hours(s) and not s.blind
    if ready is not s.owed.ready:
        s.owed.ready = ready
        s.owed.look_at_all()
    for back in s.owed.due(s.backs, s.now):
        _look_at(s, back, ready)
    if ready and s.owed.any_ripe:
        _work_off(s)


def _look_at(s: State, back: Back, ready: bool) -> None:
    follow(s, back)
    may = ready and back.key not in s.owed.live
    if back.stage in {Stage.LISTED, Stage.PLACED} and s.now >= back.expires:
        end(s, back, "too old", "too old")
    elif back.stage is Stage.PLACED and not may:
        take_back(s, back, "not now", s.now)
    elif back.stage is Stage.LISTED and back.due <= s.now:
        if back.asked and may:
            place(s, back)
        elif not back.asked:
            _ripen(s, back)


def _ripen(s: State, back: Back) -> None:
    """A missed call waits for a seat; once it asks less it is looked at again."""
    needs, step = back.waits.needs, step_of(back, s.now)
    if s.owed.ripen(back.back, (needs, step)) and step + 1 < len(needs):
        s.owed.wake(back.back, back.queued + needs[step + 1].after_ms)


def _hours(s: State) -> bool:
    """Is it an hour at which people may be called? Asked after every fact: the calendar is asked when it may have changed."""
    known = s.owed.hours
    if known is None or s.now >= known[1]:
        known = open_at(s.setup.callback, s.now), next_change(s.setup.callback, s.now)
        s.owed.hours = known
    return known[0]


def _no_seat(s: State) -> bool:
    """Missed calls come last: somebody waits, or no seat is idle beyond the reserve."""
    return bool(s.router.waiting) or s.router.idle <= s.setup.callback.reserve


def _work_off(s: State) -> None:
    """Missed calls, the oldest first, one for each seat that is idle beyond the reserve while nobody waits."""
    at, in_vain = 0, set[Ask]()
    while not _no_seat(s) and s.owed.stuck != s.router.changes:
        found = s.owed.ripest(at, in_vain)
        if found is None:
            s.owed.stuck = s.router.changes
            return
        at, name, ask = found
        back = s.backs.get(name)
        if back is None or back.stage is not Stage.LISTED or back.due > s.now:
            s.owed.unripen(name)
        elif back.key not in s.owed.live:
            place(s, back)
            follow(s, back)
            if s.calls[name].state is CallState.QUEUED:
                take_back(s, back, "not now", back.due)  # nobody of those who are free can take it
                in_vain.add(ask)
            else:
                s.owed.unripen(name)
                in_vain.clear()


def rebuild(s: State) -> None:
    """After a restart: the deadlines of what is owed."""
    for back in s.backs.values():
        remind(s, back)
        call = s.calls.get(back.back)
        if call is not None and call.dial_until is not None:
            s.timers.set("back", back.back, call.dial_until)


def may_be_dialled(s: State, back: Back) -> bool:
    """Is it an hour for it, and is the number not just calling us?"""
    return open_at(s.setup.callback, s.now) and back.key not in s.owed.live
