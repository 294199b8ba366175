"""``hotline trace --say``: a caller's conversation with the machine, led by the conversation and the matcher that answer calls.

There is no second rule here: what is heard is written instead of spoken, and taken to be understood.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from acd.preferences import caller_key
from acd.speaking import BACK, PERSON
from asr.knowledge import KnowledgeBase
from asr.matching import Match, NgramMatcher
from asr.speech import Utterance, Word
from hotline.city import City
from hotline.city_build import emergency_trunks
from hotline.city_speech import names, offers
from hotline.sms import mobile, parts
from hotline.speech_answers import Answers
from hotline.switch.prompts_live import standard_prompts
from hotline.tracing import Trace, trace
from ivr.dialogue import Act, Dialogue, Hearing, Leave, Note, Said, SendText, Silent, Speak, Terms
from ivr.meaning import named

OFF = "Speech is not switched on in this city (no [speech]): this is what would be said."
NOT_HERE = "Nobody offers it on this call: this is what would be said."
_ENDS = {
    "contained": "Ends: the caller needs nobody any more, and is let go.",
    "person": "Ends: the caller goes to a person.",
    "key": "Ends: the caller goes to a person.",
    "silence": "Ends: nothing was said, so the caller goes to a person.",
    "misunderstood": "Ends: not understood twice, so the caller goes to a person.",
    "unknown": "Ends: no entry is near, so the caller goes to a person.",
}


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing that the caller said. ``because``: why the matcher found what it found; ``sms``: what is sent for it."""

    note: Note
    because: str
    spoken: tuple[str, ...]
    sms: str = ""

    def document(self) -> dict[str, Any]:
        """For ``trace --json``."""
        return {
            "heard": self.note.heard,
            "did": self.note.did,
            "entry": self.note.entry,
            "score": round(self.note.score, 4),
            "because": self.because,
            "spoken": list(self.spoken),
            "sms": self.sms or None,
        }


def with_speech(
    city: City,
    traced: Trace,
    sayings: Sequence[str],
    base: KnowledgeBase,
    *,
    at_ms: int,
    trunk: str | None = None,
    caller: str = "",
) -> Trace:
    """The same call, in which the caller says these things one after the other; an empty one is silence.

    ``base``: of every state and day; only what counts at this instant is spoken.
    """
    line = traced.document["line"]
    number = line["number"] if line else None
    via, why = _offered(city, traced, number, trunk)
    terms = _terms(city, via, caller)
    talk, turns, last = Dialogue(terms), [], None
    begun = talk.begin()
    matcher, called = NgramMatcher(base.at(at_ms)), names(city.file)
    left: list[str] = []
    for place, text in enumerate(sayings):
        if last is not None:
            left = [one or "(silence)" for one in sayings[place:]]
            break
        heard, match = hear(text, matcher, called, number)
        acts = talk.hear(heard)
        turns.append(_turn(acts, match, base))
        last = next((act for act in acts if isinstance(act, Leave)), None)
    told = [*([why] if why else []), *_first(city, via, terms), f"The caller hears: {_quoted(_words(begun))}"]
    for turn in turns:
        told += _told(turn)
    if last is None:
        told.append("Then the caller is listened to.")
    else:
        told += _over(city, traced, last, via, at_ms, trunk)
    if left:
        told.append(f"Not said any more: {'、'.join(left)}.")
    document = {
        "offered": via is not None and why is None,
        "via": via,
        "turns": [turn.document() for turn in turns],
        "over": last.over if last else None,
        "line": last.line if last else None,
        "reference": last.reference if last else None,
    }
    return replace(
        traced, document={**traced.document, "speech": document}, sentences=(*traced.sentences, *told)
    )


def hear(
    text: str, matcher: NgramMatcher, called: dict[str, str], line: str | None
) -> tuple[Hearing, Match | None]:
    """What the conversation is told of a text. ``called``: lines by their names; ``line``: the one that was dialled."""
    if not text.strip():
        return Silent(), None
    found = asyncio.run(Answers(matcher, slow=False).find(text, line))
    said = Utterance((Word("".join(text.split()), 1.0),))
    entry = found[0] if found else None
    heard = Said(said.text, found=entry, line=named(said.text, called), digits=said.digits())
    return heard, matcher.match(text, line=line)


def _offered(
    city: City, traced: Trace, number: str | None, trunk: str | None
) -> tuple[str | None, str | None]:
    """How this call comes to the machine, and what is to be said against it."""
    told = traced.document
    table = city.file.speech
    if table is None:
        return None, OFF
    waits = told["queue"] is not None or told["overflow"] is not None
    urgent = trunk in emergency_trunks(city.file) and city.plan.is_link(trunk or "")
    if urgent or told["barred"] == "refuse" or not waits or not offers(city.file, number):
        return None, NOT_HERE
    if table.greeting and told["passes"] is None and told["menu"] is None:
        return "greeting", None
    queue = told["queue"] or told["overflow"]["queue"]
    heard = any(one.name == queue and one.waiting is not None for one in city.file.queues)
    return ("waiting", None) if table.waiting and heard else (None, NOT_HERE)


def _terms(city: City, via: str | None, caller: str) -> Terms:
    setup = city.setup().speech
    sms = setup.sms and (not caller or mobile(caller_key(caller, city.area)) is not None)
    if via == "waiting":
        return Terms(setup.question, sms=sms, case=setup.case, identity=setup.identity, person=BACK)
    return Terms(setup.offer, sms=sms, case=setup.case, identity=setup.identity, person=PERSON)


def _first(city: City, via: str | None, terms: Terms) -> list[str]:
    how = {
        "greeting": ["Speech: offered after the greeting."],
        "waiting": ["Speech: asked for by key while waiting; the place is kept, and a free seat ends it."],
    }
    told = how.get(via or "", [])
    if terms.sms:
        return [*told, "An answer can be sent to this caller by SMS."]
    why = "no mobile number" if city.setup().speech.sms else "the city sends none"
    return [*told, f"No answer can be sent to this caller by SMS: {why}."]


def _turn(acts: Sequence[Act], match: Match | None, base: KnowledgeBase) -> Turn:
    note = next(act for act in acts if isinstance(act, Note))
    sent = next((base.by_id[act.entry].sms for act in acts if isinstance(act, SendText)), "")
    matched = match is not None and note.did in {"answered", "asked back", "passed on"}
    return Turn(note, match.because if match and matched else "", _words(acts), sent)


def _words(acts: Sequence[Act]) -> tuple[str, ...]:
    """What the caller hears: names of the library as their words."""
    library = standard_prompts()
    prompts = [prompt for act in acts if isinstance(act, Speak | Leave) for prompt in act.prompts]
    return tuple(library.get(prompt, prompt) for prompt in prompts)


def _told(turn: Turn) -> list[str]:
    note = turn.note
    said = f"The caller says “{note.heard}”" if note.heard else "The caller says nothing"
    about = f" {note.entry} ({note.score:.2f})" if note.entry else ""
    told = [f"{said}: {note.did}{about}{', since ' + turn.because if turn.because else ''}."]
    if turn.sms:
        told.append(f"An SMS is sent ({parts(turn.sms)} parts at most): “{turn.sms}”")
    if turn.spoken:
        told.append(f"The caller hears: {_quoted(turn.spoken)}")
    return told


def _quoted(spoken: Sequence[str]) -> str:
    return " ".join(f"“{text}”" for text in spoken)


def _over(
    city: City, traced: Trace, last: Leave, via: str | None, at_ms: int, trunk: str | None
) -> list[str]:
    told = [_ENDS.get(last.over, f"Ends: {last.over}.")]
    if last.over == "contained":
        return told
    asked = last.line and trace(city, last.line, at_ms=at_ms, trunk=trunk).document
    place = traced.document["queue"] or (traced.document["overflow"] or {}).get("queue")
    if asked and via == "greeting" and asked["queue"] is not None:
        told.append(f"Asked for {last.line} by name: waits for its seats in queue {asked['queue']}.")
    elif place is not None:
        kept = ", in the same place" if via == "waiting" else ""
        told.append(f"Waits in queue {place}{kept}; the seat sees what was said.")
    if asked and not (via == "greeting" and asked["queue"] is not None):
        told.append(f"Asked for {last.line} ({asked['line']['name']}): that stands in the call's record.")
    if last.reference:
        told.append(f"The number of the case goes along: {last.reference}.")
    return told
