"""Talks that are written down as they go, for the seat's screen: which, and who may read them.

Nothing is, unless the city says so. A talk is written down while a caller who has heard the notice and a seat hear each other, and
the speech server has room for both; it stops at once when a third party takes the seat aside, and for good when an emergency centre
comes in. After every fact `settle` compares what is written down with what is to be, so that no way in which a talk can begin or
end needs to know of it.
"""

from __future__ import annotations

from acd import audit
from acd.calls import Call, CallState
from acd.ears import Ear
from acd.messages import (
    CallId,
    EarAsked,
    Event,
    SpeechServed,
    StopTranscribe,
    SwitchSurveyed,
    Tell,
    Transcribe,
)
from acd.parties import Place
from acd.rights import refusal
from acd.state import State
from dialplans.decision import Treatment

STREAMS_A_TALK = 2
"""the caller's side and the seat's"""
SHARE = 2
"""the machine's own callers keep all but one part in so many"""


def notice(s: State, queue: str | None) -> tuple[str, ...]:
    """What a caller who is led to the queue hears before its greeting, where talks are written down."""
    setup = s.setup.speech
    return setup.notice if setup.transcript and queue is not None else ()


def heard(s: State, call: Call, prompts: tuple[str, ...]) -> None:
    """The caller has heard these prompts to their end."""
    setup = s.setup.speech
    if setup.transcript and setup.notice and set(setup.notice) <= set(prompts):
        call.forewarned = True


def room(s: State) -> int:
    """So many talks can be written down at once."""
    return s.speech_most // SHARE // STREAMS_A_TALK


def settle(s: State, event: Event) -> None:
    """Order what is to begin and to end. A talk that found no room is not begun in its middle because another one ended."""
    touched: set[CallId] = set(s.ears)
    if isinstance(event, SpeechServed | SwitchSurveyed):
        touched |= s.calls.keys()
    else:
        touched.add(getattr(event, "call", ""))
    for name in sorted(touched):
        call, ear = s.calls.get(name), s.ears.get(name)
        wanted = _wanted(s, call) if call is not None else None
        if ear is not None and (ear != wanted or not s.speech_most):
            del s.ears[name]
            s.order(StopTranscribe(name))
            ear = None
        if ear is None and wanted is not None and call is not None and not s.blind and len(s.ears) < room(s):
            s.ears[name] = wanted
            s.order(Transcribe(name, wanted.agent, wanted.seat, call.line, wanted.channel))


def asked(s: State, fact: EarAsked) -> None:
    """Somebody wants to read along. One's own talks one may; those of others with the right to listen, and it is written down."""
    if not fact.by:
        word = () if fact.seat in s.setup.seats else ("nobody-there",)
    elif fact.by not in s.setup.agents:
        word = ("no-right",)
    else:
        over = s.agent_at(fact.seat) if fact.seat else None
        own = fact.seat == "" and refusal(s, fact.by, "listen") is not None
        if own or (over is not None and over.agent == fact.by):
            word = ()
        else:
            no = refusal(s, fact.by, "listen", over)
            audit.note(s, "transcript", fact.by, whom=fact.seat or None, allowed=no is None, why=no or "")
            word = (no,) if no else ()
    if fact.desk is not None:
        s.order(Tell(fact.desk, word))


def may_read(s: State, fact: EarAsked, ear: Ear) -> bool:
    """May whoever asked so read this talk now? Rights are looked at for every sentence: they may be taken away."""
    if fact.seat and ear.seat != fact.seat:
        return False
    if not fact.by or fact.by == ear.agent:
        return bool(fact.by or fact.seat)
    over = s.agents.get(ear.agent)
    return over is not None and fact.by in s.setup.agents and refusal(s, fact.by, "listen", over) is None


def _wanted(s: State, call: Call) -> Ear | None:
    """Whose talk with the caller is to be written down; ``None``: nobody's."""
    setup = s.setup.speech
    if not setup.transcript or call.direction != "in" or not (call.forewarned or not setup.notice):
        return None
    if call.agent is None or call.seat is None or _emergency(s, call):
        return None
    if call.state is CallState.TALKING:
        return Ear(call.call, call.agent, call.seat)
    transfer = call.transfer
    if call.state is not CallState.IN_TRANSFER or transfer is None:
        return None
    caller, seat = transfer.caller, transfer.seat
    if caller.until is not None or seat.until is not None:
        return None  # one of them is being moved
    if caller.place is not seat.place or caller.place not in {Place.BRIDGED, Place.ROOM}:
        return None
    return Ear(call.call, call.agent, call.seat, transfer.seat_channel)


def _emergency(s: State, call: Call) -> bool:
    if call.urgent or call.treatment == Treatment.EMERGENCY:
        return True
    if call.transfer is not None and call.transfer.emergency:
        return True
    emergencies = s.setup.plan.emergencies
    return any(emergencies & {done.to, done.number} for done in call.transfers)
