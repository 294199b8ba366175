"""One caller's conversation with the machine: `ivr.dialogue` given a voice and ears."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from asr.audiosocket import RATE
from asr.call_live import SpeechCall
from asr.speech import SPOKEN_DIGITS, Limits, grammar
from asr.speech import Heard as Listened
from hotline.speech_answers import Knowing
from hotline.speech_sounds import Sounds
from hotline.speech_words import Expect, Heard, Over, Overhear, Overheard, Text, Turn
from ivr.dialogue import (
    CASE_DIGITS,
    IDENTITY_DIGITS,
    Dialogue,
    Found,
    Hearing,
    Hears,
    Keyed,
    Leave,
    Note,
    Said,
    SendText,
    Silent,
    Speak,
    Terms,
)
from ivr.meaning import AGAIN_WORDS, CHOICE_WORDS, PERSON_WORDS, named

BETWEEN_KEYS_S = 4.0
"""without a further key, and the number is taken to be complete"""
BETWEEN_DIGITS_MS = 900
"""a pause in which a number goes on: people read it from paper, in groups"""
LONGEST_S = 900.0
"""of a conversation: whoever is still in it is better served by a person"""

_ASKING = ("", "找", "转", "我找")


def hot_words(
    names: Iterable[str], questions: Iterable[str], knows: Callable[[str], bool]
) -> dict[Hears, tuple[str, ...]]:
    """What a recogniser that can be narrowed is narrowed to, for each of `Hears`.

    ``questions``: the base's: who is asked for a name says his question once more as often as not, and of what is narrowed to
    names alone nothing would be left of it.
    """
    person = [*PERSON_WORDS, *AGAIN_WORDS]
    choice = [*CHOICE_WORDS, *person]
    called = [lead + name for name in names for lead in _ASKING]
    return {
        Hears.ANYTHING: (),
        Hears.NAMES: grammar((*called, *questions, *choice), knows),
        Hears.CHOICE: grammar(choice, knows),
        Hears.DIGITS: grammar((*SPOKEN_DIGITS, "没有", "不知道", *person), knows),
    }


@dataclass(frozen=True, slots=True)
class Means:
    """What every conversation uses. ``names``: lines by what they are called; ``sure``: the confidence from which an utterance
    counts; ``tell``: to the engine's process."""

    knowing: Knowing
    sounds: Sounds
    hot_words: dict[Hears, tuple[str, ...]]
    limits: Limits
    names: dict[str, str]
    sure: float
    tell: Callable[[Heard], None]


class Talk:
    """One conversation over one stream."""

    __slots__ = ("_call", "_dialogue", "_expected", "_means", "_texts")

    def __init__(self, call: SpeechCall, expected: Expect, means: Means) -> None:
        self._call = call
        self._expected = expected
        self._means = means
        self._dialogue = Dialogue(
            Terms(
                expected.offer,
                sms=expected.sms,
                case=expected.case,
                person=expected.person,
                identity=expected.identity,
            )
        )
        self._texts: dict[str, str] = {}  # of what was found: the base may change meanwhile

    async def run(self) -> Over:
        """Lead it to its end. Raises `CallOver`, `Unheard`, `PromptsUnmade`, or ``TimeoutError`` when it takes too long."""
        async with asyncio.timeout(LONGEST_S):
            acts = self._dialogue.begin()
            while True:
                speak: Speak | None = None
                for act in acts:
                    match act:
                        case Note(did, heard, confidence, entry, score):
                            self._tell_turn(did, heard, confidence, entry, score)
                        case SendText(entry):
                            self._send(entry)
                        case Speak():
                            speak = act
                        case Leave():
                            return await self._leave(act)
                assert speak is not None
                acts = self._dialogue.hear(await self._ask(speak))

    def _tell_turn(self, did: str, heard: str, confidence: float, entry: str | None, score: float) -> None:
        told = self._expected
        self._means.tell(Turn(told.uuid, told.call, did, heard, round(confidence, 4), entry, round(score, 4)))

    def _send(self, entry: str) -> None:
        self._means.tell(Text(self._expected.uuid, self._expected.call, entry, self._texts[entry]))

    async def _leave(self, leave: Leave) -> Over:
        if leave.prompts:
            await self._call.say(b"".join(await self._means.sounds.pcm(leave.prompts)))
        return Over(self._expected.uuid, self._expected.call, leave.over, leave.line, leave.reference)

    async def _ask(self, speak: Speak) -> Hearing:
        pieces = await self._means.sounds.pcm(speak.prompts)
        limits = self._means.limits
        if speak.hears is Hears.DIGITS:
            limits = replace(limits, end_ms=max(limits.end_ms, BETWEEN_DIGITS_MS))
        heard = await self._call.ask(
            b"".join(pieces), limits=limits, grammar=self._means.hot_words[speak.hears]
        )
        if heard.key is not None:
            return Keyed(await self._keys(heard.key) if speak.hears is Hears.DIGITS else heard.key)
        if heard.utterance is None:
            return Silent()
        question_ms = sum(len(piece) for piece in pieces[:-1]) * 1000 // (2 * RATE)
        return await self._said(heard, early=heard.barged_in and heard.played_ms < question_ms)

    async def _keys(self, first: str) -> str:
        """A number's keys, up to # or a pause. * is part of one only as the X of an identity card, else a person is asked for."""
        keys = first
        while keys[-1].isdecimal() and len(keys) < CASE_DIGITS[1]:
            key = await self._call.say(bytes(int(BETWEEN_KEYS_S * RATE) * 2))
            if key is None:
                return keys
            keys += key
        ends = (keys[-1] == "#" and len(keys) > 1) or (keys[-1] == "*" and len(keys) == IDENTITY_DIGITS)
        return keys if keys[-1].isdecimal() or ends else keys[-1]

    async def _said(self, heard: Listened, *, early: bool) -> Said:
        utterance = heard.utterance
        assert utterance is not None
        text, understood = utterance.text, heard.understood(self._means.sure)
        found: Found | None = None
        if understood:
            near = await self._means.knowing.answers.find(text, self._expected.line)
            if near is not None:
                found, entry = near
                self._texts[entry.id] = entry.sms
        return Said(
            text,
            utterance.confidence,
            understood,
            found,
            named(text, self._means.names),
            utterance.digits(),
            early,
        )


async def overhear(call: SpeechCall, told: Overhear, means: Means) -> None:
    """Write down what is said on this stream, until it ends. Raises `CallOver` and `Unheard`."""

    def partly(text: str) -> None:
        if text:
            means.tell(Overheard(told.uuid, told.call, told.who, text, final=False))

    while True:
        heard = await call.ask(limits=means.limits, on_partial=partly)
        if heard.utterance is None or not heard.utterance.text:
            continue
        text = heard.utterance.text
        suggestions = (
            await means.knowing.answers.suggest(text, told.line)
            if told.who == "caller" and heard.utterance.understood(means.sure)
            else ()
        )
        confidence = round(heard.utterance.confidence, 4)
        means.tell(Overheard(told.uuid, told.call, told.who, text, True, confidence, suggestions))
