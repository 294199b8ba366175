"""A caller's conversation with the machine: what was heard goes in, what is to be said comes out.

The conversation is at a *stage*. It holds no recogniser and no knowledge base: what those found comes in with what was said. A
wrong answer is worse than none, and a person is never further away than a word, a key, or two misunderstandings.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from ivr.identity import is_identity
from ivr.meaning import Meaning, meaning

TRIES = 2
"""misunderstandings in a row that lead to a person"""
MOST_TURNS = 24
"""of one conversation: whoever is still not done is better served by a person"""
MOST_REPEATS = 3
CASE_DIGITS = (4, 20)
"""how long a case's number may be"""
IDENTITY_DIGITS = 18


class Stage(StrEnum):
    """What the caller was asked last."""

    QUESTION = "question"
    """what he wants to know"""
    CONFIRM = "confirm"
    """whether he asks this"""
    HELPED = "helped"
    """whether the answer was the one he looked for"""
    SMS = "sms"
    """whether it is to be sent to him"""
    MORE = "more"
    """whether there is anything else"""
    NUMBER = "number"
    """his case's number"""
    CHECK = "check"
    """whether that is the number"""
    OVER = "over"


class Hears(StrEnum):
    """What a recogniser may be narrowed to while the caller is listened to."""

    ANYTHING = "anything"
    NAMES = "names"
    """lines and departments, and `CHOICE`"""
    CHOICE = "choice"
    """yes, no, and the like"""
    DIGITS = "digits"
    """a number, spoken or keyed"""


@dataclass(frozen=True, slots=True)
class Found:
    """The entry of the knowledge base that is the nearest to what was said.

    ``sure``: it may be answered at once; otherwise the caller is asked whether it is meant. ``asked_back``: how he is asked.
    ``sms``: is there a text that can be sent? ``score``: 0 to 1.
    """

    entry: str
    answer: str
    asked_back: str
    sure: bool
    sms: bool = False
    score: float = 0.0


@dataclass(frozen=True, slots=True)
class Said:
    """The caller said something. ``understood``: the recogniser knows every word, and is sure of them. ``found``: None where
    nothing in the base is near. ``line``: of which line he said the name, and nothing else. ``digits``: where he said nothing but
    those. ``early``: he began before the last of the prompts did, which asks him something.
    """

    text: str
    confidence: float = 1.0
    understood: bool = True
    found: Found | None = None
    line: str | None = None
    digits: str | None = None
    early: bool = False


@dataclass(frozen=True, slots=True)
class Keyed:
    """A key was pressed, or, where a number was asked for, several."""

    keys: str


@dataclass(frozen=True, slots=True)
class Silent:
    """Nothing was said for as long as is waited for."""


Hearing = Said | Keyed | Silent


@dataclass(frozen=True, slots=True)
class Speak:
    """Say these prompts (names in the library, or texts) and listen; the caller's voice stops them."""

    prompts: tuple[str, ...]
    hears: Hears


@dataclass(frozen=True, slots=True)
class Note:
    """What became of the last thing that was heard: `acd.records.SpokenTurn`'s fields of the same names."""

    did: str
    heard: str = ""
    confidence: float = 0.0
    entry: str | None = None
    score: float = 0.0


@dataclass(frozen=True, slots=True)
class SendText:
    """Send the entry's SMS to the number that the caller calls from."""

    entry: str


@dataclass(frozen=True, slots=True)
class Leave:
    """The conversation is over, after these prompts. ``over`` as in `acd.records.Spoken`; ``line``: the caller asked for this one;
    ``reference``: the number of his case."""

    over: str
    prompts: tuple[str, ...] = ()
    line: str | None = None
    reference: str | None = None


Act = Speak | Note | SendText | Leave


@dataclass(frozen=True, slots=True)
class Terms:
    """What a city allows. ``offer``: the first words. ``sms``: can this caller be sent one? ``case``: is a case's number asked for?
    ``identity``: will that of his identity card do as well? ``person``: the words with which he is led to a person (back to the
    queue)."""

    offer: tuple[str, ...] = ("speech-offer",)
    sms: bool = False
    case: bool = True
    person: tuple[str, ...] = ("speech-person",)
    identity: bool = False


class Dialogue:
    """One conversation. `begin` once, then `hear` until an act is a `Leave`."""

    __slots__ = ("_about", "_asked", "_digits", "_failed", "_repeats", "_turns", "stage", "terms")

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.stage = Stage.QUESTION
        self._asked = Speak(terms.offer, Hears.ANYTHING)  # what the caller heard last, without an answer
        self._about: Found | None = None
        self._digits = ""
        self._failed = 0
        self._repeats = 0
        self._turns = 0

    def begin(self) -> list[Act]:
        """The first words."""
        return [self._asked]

    def hear(self, heard: Hearing) -> list[Act]:
        """What is to be done about this: a `Note` first, then in the end a `Speak` or a `Leave`."""
        if self.stage is Stage.OVER:
            return []
        self._turns += 1
        match heard:
            case Silent():
                return self._silent()
            case Keyed(keys) if self.stage is Stage.NUMBER and (digits := self._keyed(keys)):
                return self._number(Said(digits, digits=digits))
            case Keyed():  # without a word: a seat is to ring at once
                return self._leave("key", Note("key"), prompts=())
            case Said():
                return self._said(heard)

    # ── what was heard ──────────────────────────────────────────────────────────────────────────────────────

    def _silent(self) -> list[Act]:
        if self.stage is Stage.QUESTION and self._turns == 1:  # he did not take the offer
            return self._leave("silence", Note("silence"), prompts=())
        return self._again(Note("silence"), "silence", self._asked)

    def _said(self, said: Said) -> list[Act]:
        meant = meaning(said.text)
        if meant is Meaning.CASE and not self.terms.case:
            meant = Meaning.OTHER  # a question like any other, of which the base may know something
        if meant is Meaning.PERSON:  # however unsure: who is led to a person in vain loses nothing
            return self._leave("person", _note("person", said), prompts=())  # and without a word, as by a key
        if self._turns > MOST_TURNS:
            return self._person("person", "misunderstood", said)
        if self.stage is Stage.NUMBER and (said.digits is not None or meant in {Meaning.NO, Meaning.BYE}):
            return self._number(said)
        if not said.understood:
            return self._unclear(said)
        if (
            said.line is not None
        ):  # who says a name and nothing else wants those people, not an answer about them
            return self._leave("person", _note("person", said), line=said.line)
        if meant is Meaning.CASE:
            return self._ask_number(said)
        if said.digits is not None and self.stage is not Stage.CHECK:
            right = self.terms.case and self._is_number(said.digits)
            return self._number(said) if right else self._unclear(said)
        match self.stage:
            case Stage.CONFIRM:
                return self._confirm(said, meant)
            case Stage.HELPED:
                return self._helped(said, meant)
            case Stage.SMS:
                return self._sms(said, meant)
            case Stage.MORE:
                return self._more(said, meant)
            case Stage.CHECK:
                return self._check(said, meant)
            case _:
                return self._question(said, meant)

    def _question(self, said: Said, meant: Meaning) -> list[Act]:
        match meant:
            case Meaning.REPEAT:
                return self._repeat(said)
            case Meaning.NO | Meaning.BYE | Meaning.FINE:  # he has none, or not for a machine
                return self._person("person", "person", said)
            case Meaning.OTHER:
                return self._asks(said)
            case _:
                return self._unclear(said)

    def _asks(self, said: Said) -> list[Act]:
        """A question, wherever it was asked."""
        found = said.found
        if found is None:
            return self._leave("unknown", _note("passed on", said), prompts=("speech-unknown",))
        if not found.sure:
            self._about = found
            asked = Speak((found.asked_back,), Hears.ANYTHING)
            return self._say(Stage.CONFIRM, _note("asked back", said, found), asked, keep=True)
        return self._answer(found, _note("answered", said, found))

    def _answer(self, found: Found, note: Note) -> list[Act]:
        self._about, self._failed, self._repeats = found, 0, 0
        self._asked = Speak(("speech-helped",), Hears.ANYTHING)
        self.stage = Stage.HELPED
        return [note, Speak((found.answer, "speech-helped"), Hears.ANYTHING)]

    def _confirm(self, said: Said, meant: Meaning) -> list[Act]:
        about = self._about
        assert about is not None
        match meant:
            case Meaning.YES | Meaning.FINE:
                return self._answer(about, _note("confirmed", said, about))
            case Meaning.NO | Meaning.TROUBLE:
                other = Speak(("speech-other-words",), Hears.ANYTHING)
                return self._again(_note("denied", said, about), "misunderstood", other, Stage.QUESTION)
            case Meaning.REPEAT:
                return self._repeat(said)
            case Meaning.OTHER if (
                said.found and said.found.entry == about.entry
            ):  # in other words, but the same
                return self._answer(about, _note("confirmed", said, about))
            case Meaning.OTHER if said.found and not said.found.sure:
                self._about = said.found
                again = Speak((said.found.asked_back,), Hears.ANYTHING)
                return self._again(
                    _note("asked back", said, said.found), "misunderstood", again, Stage.CONFIRM
                )
            case Meaning.OTHER if said.found:
                return self._asks(said)
            case _:
                return self._unclear(said)

    def _helped(self, said: Said, meant: Meaning) -> list[Act]:
        about = self._about
        assert about is not None
        match meant:
            case Meaning.NO | Meaning.TROUBLE if said.early:  # to what? he has not been asked anything yet
                return [_note("not understood", said, about), self._asked]
            case Meaning.YES | Meaning.FINE:  # early, too: that is how one stops somebody who has said enough
                return self._after(_note("helped", said, about))
            case Meaning.NO | Meaning.TROUBLE:
                return self._leave("person", _note("not helped", said, about), prompts=("speech-sorry",))
            case Meaning.REPEAT if self._repeats < MOST_REPEATS:
                self._repeats += 1
                self._failed = 0
                return [
                    _note("repeated", said, about),
                    Speak((about.answer, "speech-helped"), Hears.ANYTHING),
                ]
            case Meaning.REPEAT:
                return self._person("person", "misunderstood", said)
            case Meaning.SMS:
                return self._sms(said, Meaning.YES)
            case Meaning.BYE:
                return self._bye(_note("bye", said, about))
            case Meaning.OTHER:
                return self._asks(said)
            case _:
                return self._unclear(said)

    def _after(self, note: Note) -> list[Act]:
        """The answer was the right one: it can be sent, and there may be another question."""
        about = self._about
        if self.terms.sms and about is not None and about.sms:
            return self._say(Stage.SMS, note, Speak(("speech-sms",), Hears.CHOICE))
        return self._say(Stage.MORE, note, Speak(("speech-more",), Hears.ANYTHING))

    def _sms(self, said: Said, meant: Meaning) -> list[Act]:
        about = self._about
        assert about is not None
        more = Speak(("speech-more",), Hears.ANYTHING)
        match meant:
            case Meaning.YES | Meaning.FINE | Meaning.SMS if self.terms.sms and about.sms:
                sent = Speak(("speech-sms-sent", "speech-more"), Hears.ANYTHING)
                acts = self._say(Stage.MORE, _note("sms", said, about), sent)
                self._asked = more
                return [acts[0], SendText(about.entry), *acts[1:]]
            case Meaning.YES | Meaning.FINE | Meaning.SMS:
                none = Speak(("speech-no-sms", "speech-more"), Hears.ANYTHING)
                acts = self._say(Stage.MORE, _note("no sms", said, about), none)
                self._asked = more
                return acts
            case Meaning.NO | Meaning.TROUBLE:
                return self._say(Stage.MORE, _note("no sms", said, about), more)
            case Meaning.REPEAT:
                return self._repeat(said)
            case Meaning.BYE:
                return self._bye(_note("bye", said, about))
            case Meaning.OTHER if said.found:
                return self._asks(said)
            case _:
                return self._unclear(said)

    def _more(self, said: Said, meant: Meaning) -> list[Act]:
        match meant:
            case Meaning.YES | Meaning.FINE if said.early:  # to the words before the question
                return [_note("not understood", said), self._asked]
            case Meaning.YES | Meaning.TROUBLE:
                return self._say(
                    Stage.QUESTION, _note("more", said), Speak(("speech-please",), Hears.ANYTHING)
                )
            case Meaning.NO | Meaning.FINE | Meaning.BYE:
                return self._bye(_note("bye", said))
            case Meaning.REPEAT:
                return self._repeat(said)
            case Meaning.SMS:
                return self._sms(said, Meaning.YES)
            case Meaning.OTHER:
                return self._asks(said)
            case _:
                return self._unclear(said)

    # ── the number of a case ────────────────────────────────────────────────────────────────────────────────

    @property
    def _number_asked(self) -> Speak:
        return Speak(("speech-case-or-identity" if self.terms.identity else "speech-case",), Hears.DIGITS)

    def _keyed(self, keys: str) -> str:
        """The number that was keyed: a star stands for the X behind 17 digits. Empty where it is none."""
        number = keys.removesuffix("#")
        if self.terms.identity and len(number) == IDENTITY_DIGITS and number[-1] == "*":
            number = f"{number[:-1]}X"
        return number if number.removesuffix("X").isdecimal() else ""

    def _is_number(self, digits: str) -> bool:
        """Can it be what was asked for? One that proves itself is believed only then."""
        if self.terms.identity and len(digits) == IDENTITY_DIGITS:
            return is_identity(digits)
        least, most = CASE_DIGITS
        return digits.isdecimal() and least <= len(digits) <= most

    def _ask_number(self, said: Said) -> list[Act]:
        return self._say(Stage.NUMBER, _note("case", said), self._number_asked)

    def _number(self, said: Said) -> list[Act]:
        if said.digits is None:  # he has none at hand
            return self._person("person", "person", said)
        if not self._is_number(said.digits):
            return self._again(_note("not understood", said), "misunderstood", self._number_asked)
        self._digits = said.digits
        read = (
            "speech-number",
            *(f"digits/{digit.lower()}" for digit in said.digits),
            "speech-right",
        )
        return self._say(Stage.CHECK, _note("number", said), Speak(read, Hears.CHOICE), keep=True)

    def _check(self, said: Said, meant: Meaning) -> list[Act]:
        match meant:
            case Meaning.YES | Meaning.FINE:
                return self._leave("person", _note("confirmed", said), reference=self._digits)
            case Meaning.NO | Meaning.TROUBLE:
                again = self._number_asked
                return self._again(_note("denied", said), "misunderstood", again, Stage.NUMBER)
            case Meaning.REPEAT:
                return self._repeat(said)
            case _:
                return self._unclear(said)

    # ── what follows ────────────────────────────────────────────────────────────────────────────────────────

    def _say(self, stage: Stage, note: Note, speak: Speak, *, keep: bool = False) -> list[Act]:
        """On to a stage. ``keep``: it is no proof yet that the caller was understood."""
        self.stage, self._asked = stage, speak
        if not keep:
            self._failed = 0
        return [note, speak]

    def _again(self, note: Note, over: str, speak: Speak, stage: Stage | None = None) -> list[Act]:
        """It failed: once more, or a person."""
        self._failed += 1
        if self._failed >= TRIES:
            return self._leave(over, note)
        self.stage = stage or self.stage
        self._asked = speak
        return [note, speak]

    def _unclear(self, said: Said) -> list[Act]:
        """Once more, and what may be heard is named: a recogniser that is narrowed to some names hears them better."""
        first = {
            Stage.QUESTION: Speak(("speech-again",), Hears.NAMES),
            Stage.NUMBER: self._number_asked,
        }
        sorry = replace(self._asked, prompts=("speech-pardon", *self._asked.prompts))
        kept = self._asked
        acts = self._again(_note("not understood", said), "misunderstood", first.get(self.stage, sorry))
        if self.stage not in first:
            self._asked = kept
        return acts

    def _repeat(self, said: Said) -> list[Act]:
        """What was asked last, in the same words. Who asks for that for ever gets a person."""
        return self._again(_note("repeated", said), "misunderstood", self._asked)

    def _bye(self, note: Note) -> list[Act]:
        return self._leave("contained", note, prompts=("goodbye",))

    def _person(self, did: str, over: str, said: Said | None = None) -> list[Act]:
        return self._leave(over, _note(did, said) if said else Note(did), prompts=self.terms.person)

    def _leave(
        self,
        over: str,
        note: Note,
        *,
        prompts: tuple[str, ...] | None = None,
        line: str | None = None,
        reference: str | None = None,
    ) -> list[Act]:
        self.stage = Stage.OVER
        words = self.terms.person if prompts is None else prompts
        return [note, Leave(over, words, line, reference)]


def _note(did: str, said: Said, found: Found | None = None) -> Note:
    found = found or said.found
    return Note(
        did, said.text, said.confidence, found.entry if found else None, found.score if found else 0.0
    )
