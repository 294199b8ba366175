"""Callers whom the machine answers: who is offered that, and what becomes of them afterwards.

The conversation itself is `ivr.dialogue`'s, held elsewhere; here is only where the caller stands meanwhile. Who waits keeps
standing among the waiting: the router knows nothing of the conversation, and a free seat ends it (`acd.conversing`).
"""

from __future__ import annotations

from msgspec import structs

from acd.calls import Call
from acd.messages import CallerSpoke, Converse, Spoken, SpokenTurn
from acd.preferences import caller_key
from acd.state import State
from dialplans.decision import Decision

PERSON = ("speech-person",)
BACK = ("speech-back",)
LONGEST_SHOWN = 16
"""characters of a question on a seat's phone"""
LONGEST_NOTE = 200
_ASKED = frozenset({"answered", "asked back", "confirmed", "passed on", "case", "not understood"})
"""what a caller said that a seat should see"""
_HELPED = frozenset({"helped", "sms", "no sms", "bye"})
_ANSWERED = frozenset({"answered", "confirmed", "repeated"})
"""after which turns a caller who hangs up has had his answer: for sure, and as far as anyone knows"""


def offer(s: State, decision: Decision) -> tuple[str, ...]:
    """The sentence after the greeting, for callers of these lines; empty where there is none."""
    setup = s.setup.speech
    return setup.offer if setup.greeting and _on(s, decision.number) else ()


def key_for(s: State, call: Call) -> str:
    """The key by which a waiting caller asks the machine; empty when that is not on offer now."""
    key = s.setup.speech.key
    return key if key and _on(s, call.line) and call.direction == "in" and possible(s, call) else ""


def _on(s: State, line: str | None) -> bool:
    lines = s.setup.speech.lines
    return lines is None or line in lines


def possible(s: State, call: Call) -> bool:
    """Has the machine a place for one more, and has this caller not been with it already?"""
    return not call.urgent and not call.speech and len(s.conversing) < s.speech_most


def begin(s: State, call: Call, via: str, offered: tuple[str, ...]) -> None:
    """Lead the caller to the machine. ``via``: ``greeting`` or ``waiting``."""
    setup = s.setup.speech
    call.speech += (Spoken(via, s.now),)
    s.conversing.add(call.call)
    number = caller_key(call.caller, s.setup.plan.area)
    s.order(
        Converse(
            call.call,
            offered,
            PERSON if via == "greeting" else BACK,
            call.line,
            number,
            setup.sms and _is_mobile(number),
            setup.case,
            setup.identity,
        )
    )


def _is_mobile(number: str) -> bool:
    return len(number) == 11 and number.startswith("1")


def keyed(s: State, call: Call) -> None:
    """A waiting caller pressed the key: he talks to the machine, and keeps his place."""
    call.because += ("Asked the machine while waiting.",)
    begin(s, call, "waiting", s.setup.speech.question)


def spoke(s: State, fact: CallerSpoke) -> None:
    """One turn of the conversation."""
    call = s.calls.get(fact.call)
    if call is None or not call.speech:
        return
    turn = SpokenTurn(s.now, fact.did, fact.heard, fact.confidence, fact.entry, fact.score)
    last = call.speech[-1]
    call.speech = (*call.speech[:-1], structs.replace(last, turns=(*last.turns, turn)))
    if fact.did in _ASKED and fact.heard:
        call.asks = fact.heard[:LONGEST_SHOWN]
        asked = [one.heard for one in call.speech[-1].turns if one.did in _ASKED and one.heard]
        call.note = f"语音自助：{'；'.join(asked)}"[:LONGEST_NOTE]


def finish(s: State, call: Call, how: str) -> None:
    """Close the conversation that is on, if there is one."""
    s.conversing.discard(call.call)
    if call.converses:
        last = structs.replace(call.speech[-1], ended=s.now, over=how)
        call.speech = (*call.speech[:-1], last)


def hung_up(s: State, call: Call) -> None:
    """The call ends, whoever ended it: a caller who hangs up on the machine once it has answered him needed nobody.

    Not so one who waits for a seat meanwhile, unless he has said that he was helped: he may have lost patience.
    """
    if not call.converses:
        return
    last = call.speech[-1]
    did = last.turns[-1].did if last.turns else ""
    if call.seat_answered is None and (did in _HELPED or (last.via == "greeting" and did in _ANSWERED)):
        call.outcome = call.outcome or "contained"
    finish(s, call, "hung up" if call.seat_answered is None else "seat")
