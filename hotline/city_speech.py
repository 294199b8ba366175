"""Speech in a city file: what may stand in ``[speech]``, what must agree in it, and what the program makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, Field, StringConstraints

from acd.setup import SpeechSetup
from dialplans.number import Number, NumberFault
from hotline.city_faults import near
from hotline.city_names import NamedLine, fault_of, spoken_names
from hotline.city_words import STRICT, Key, Phone, Text
from ivr.prompts import is_name

if TYPE_CHECKING:
    from hotline.city_schema import CityFile, Line, Rule
    from hotline.speech_words import Settings

NOTICE = "speech-notice"
_STANDARD_KEY = "2"
"""the key of which the prompt ``speech-waiting`` tells"""
_NEVER_SEATS = frozenset({"emergency", "independent"})
"""treatments whose callers no seat of ours answers"""
_Said = Annotated[str, StringConstraints(min_length=2, max_length=40, pattern=r"^[^\x00-\x1f\x7f]+$")]


class SpeechTable(BaseModel):
    """Callers who like are answered by speech recognition from the voice knowledge base, and never without a way to a person."""

    model_config = STRICT

    model: Text | None = Field(
        default=None,
        description="folder of a Vosk model; without it the small one for demonstrations, which never heard a human",
    )
    greeting: bool = Field(default=False, description="offered in one sentence after the greeting")
    waiting: bool = Field(
        default=False, description="offered by key to those who wait; their place in the queue is kept"
    )
    key: Key = Field(default=_STANDARD_KEY, description="what a waiting caller presses")
    lines: list[Phone] | None = Field(
        default=None, description="only to callers of these lines; without it of all that seats answer"
    )
    offer: list[Text] = Field(default=["speech-offer"], min_length=1)
    waiting_offer: list[Text] = Field(default=["speech-waiting"], min_length=1)
    question: list[Text] = Field(default=["speech-question"], min_length=1)
    identity_numbers: bool = Field(
        default=False, description="and may give the number of the identity card instead"
    )
    case_numbers: bool = Field(
        default=True, description="who asks about a case is asked for its number, for the seat to see"
    )
    sms: bool | None = Field(
        default=None, description="answers can be sent by SMS; without it where there is [sms]"
    )
    most: int = Field(
        default=0,
        ge=0,
        le=10_000,
        description="callers at once; 0: as many as this machine was measured to take",
    )
    sure: float = Field(
        default=0.95, ge=0.5, le=1, description="mean confidence from which words count as understood"
    )
    silence_ms: int = Field(default=460, ge=200, le=2000, description="so much silence ends an utterance")
    wait_seconds: float = Field(default=4, ge=1, le=30, description="so long a first word is waited for")
    longest_seconds: float = Field(default=15, ge=3, le=60, description="a talker is stopped then")
    names: dict[_Said, Phone] = Field(
        default={}, description='what callers call a line, beside its own names: "公积金" = "12329"'
    )
    transcript: bool = Field(
        default=False, description="talks at seats are written down as they go, for the seat's screen"
    )
    transcript_notice: list[Text] = Field(
        default=[NOTICE],
        description="what a caller hears of that before a seat answers; [] only where none is due",
    )


def setup(file: CityFile) -> SpeechSetup:
    """Where callers are offered it, as the engine sees it."""
    table = file.speech
    if table is None:
        return SpeechSetup()
    return SpeechSetup(
        greeting=table.greeting,
        key=table.key if table.waiting else "",
        lines=None if table.lines is None else frozenset(_shown(file, line) for line in table.lines),
        offer=tuple(table.offer),
        waiting=tuple(table.waiting_offer),
        question=tuple(table.question),
        case=table.case_numbers,
        identity=table.identity_numbers,
        sms=sends_sms(file),
        transcript=table.transcript,
        notice=transcript_notice(file) or (),
    )


def sends_sms(file: CityFile) -> bool:
    """Can answers be sent by SMS?"""
    if file.speech is None or file.speech.sms is None:
        return file.sms is not None
    return file.speech.sms


def transcript_notice(file: CityFile) -> tuple[str, ...] | None:
    """What a caller hears before a talk is written down; ``None`` where none is."""
    table = file.speech
    return tuple(table.transcript_notice) if table is not None and table.transcript else None


def model_of(table: SpeechTable, home: Path | None) -> Path:
    """The model's folder. ``home``: where the city file lies."""
    if table.model is not None:
        return (home or Path()) / table.model
    from asr.vosk_live import SMALL_MODEL

    return SMALL_MODEL


def names(file: CityFile) -> dict[str, str]:
    """Lines, as the plan shows them, by what callers call them (`hotline.city_names`)."""
    further = (
        {} if file.speech is None else {said: _shown(file, to) for said, to in file.speech.names.items()}
    )
    return spoken_names((_named(file, line) for line in file.lines), further)


def settings(
    file: CityFile,
    home: Path | None,
    *,
    city: str,
    records: str,
    sounds: Path,
    recordings: tuple[Path, ...] = (),
) -> Settings | None:
    """What the speech process is started with; ``None`` where the city has none.

    ``home``: where the city file lies; ``records``: the database with the knowledge base; ``sounds``: the prompt library;
    ``recordings``: people's recordings that win over it.
    """
    table = file.speech
    if table is None:
        return None
    from hotline.speech_words import Settings

    return Settings(
        city=city,
        model=str(model_of(table, home)),
        records=records,
        sounds=str(sounds),
        recordings=tuple(str(directory) for directory in recordings),
        names=names(file),
        most=table.most,
        sure=table.sure,
        end_ms=table.silence_ms,
        no_input_ms=round(table.wait_seconds * 1000),
        longest_ms=round(table.longest_seconds * 1000),
    )


def texts(file: CityFile) -> Iterator[str]:
    """Everything of this section that a caller may hear; the base's answers are not in it."""
    table = file.speech
    if table is None:
        return
    made = setup(file)
    yield from made.offer if made.greeting else ()
    yield from (*made.waiting, *made.question) if made.key else ()
    yield from transcript_notice(file) or ()


def offers(file: CityFile, line: str | None) -> bool:
    """Is a caller of this line, whom our seats answer, offered it somewhere?"""
    made = setup(file)
    return bool(made.greeting or made.key) and (made.lines is None or line in made.lines)


def told(file: CityFile, line: str | None, queue: str, *, greeted: bool) -> list[str]:
    """What a caller of a line who waits in this queue is offered, in sentences. ``greeted``: seats of ours answer first, and no
    keys are offered."""
    if file.speech is None:
        return []
    made, found = setup(file), []
    if made.greeting and greeted and offers(file, line):
        found.append(
            "After the greeting a question may be spoken (speech); silence or a key: waits as usual."
        )
    waits = next((one.waiting for one in file.queues if one.name == queue), None)
    if made.key and waits is not None and offers(file, line):
        found.append(
            f"Key {made.key}, of which is told while waiting: the question may be spoken (speech); the place is kept, and a "
            "free seat ends it."
        )
    notice = transcript_notice(file)
    if notice is not None:
        from hotline.switch.prompts_live import standard_prompts

        heard = ", ".join(f"“{standard_prompts().get(text, text)}”" for text in notice) or "nothing of it"
        found.append(f"The talk with the seat is written down for its screen; the caller hears {heard}.")
    return found


def faults(file: CityFile) -> Iterator[str]:
    """What can't be."""
    table = file.speech
    if table is None:
        return
    given = table.model_fields_set
    if not (table.greeting or table.waiting or table.transcript):
        yield "speech: nobody is offered it: write greeting = true or waiting = true, or take the section out"
    yield from _waiting(file, table)
    for key in ("offer",) if not table.greeting else ():
        if key in given:
            yield f"speech.{key}: nobody hears it: write greeting = true, or take it out"
    if table.sms and file.sms is None:
        yield "speech.sms: there is no provider: write [sms], or take it out"
    if "transcript_notice" in given and not table.transcript:
        yield "speech.transcript_notice: nothing is written down: write transcript = true, or take it out"
    yield from _lines(file, table)
    yield from _names(file, table)
    yield from _prompts(table)


def _waiting(file: CityFile, table: SpeechTable) -> Iterator[str]:
    given = table.model_fields_set
    if not table.waiting:
        for key in ("key", "waiting_offer", "question"):
            if key in given:
                yield f"speech.{key}: nobody hears of it: write waiting = true, or take it out"
        return
    if table.key == file.call_back.key:
        yield f"speech.key: {table.key} asks for a call-back already (call_back.key): write another key"
    if table.key != _STANDARD_KEY and "waiting_offer" not in given:
        yield f"speech.key: the words of speech-waiting tell of {_STANDARD_KEY}: write waiting_offer with {table.key}, too"
    if not any(queue.waiting for queue in file.queues):
        yield "speech.waiting: no queue says anything while callers wait, so nobody hears of it: write [queues.waiting]"


def _lines(file: CityFile, table: SpeechTable) -> Iterator[str]:
    known: dict[str | None, Line | None] = {_number(file, line.number): line for line in file.lines}
    known[_number(file, file.number)] = None
    for place, number in enumerate(table.lines or ()):
        where = f"speech.lines[{place}]"
        shown = _number(file, number)
        if shown is None or shown not in known:
            yield f"{where}: {number!r} is no line of this city: write a number of [[lines]], or {file.number}"
        elif (line := known[shown]) is not None and _treatments(line) <= _NEVER_SEATS:
            yield f"{where}: {number} is {line.treatment}, no seat answers it: take it out"
    if table.lines == []:
        yield "speech.lines: is empty, so nobody is offered it: write a line, or take it out"


def _names(file: CityFile, table: SpeechTable) -> Iterator[str]:
    known = {_number(file, line.number) for line in file.lines} - {None}
    for said, number in table.names.items():
        if fault := fault_of(said):
            yield f"speech.names.{said}: {fault}"
        if _number(file, number) not in known:
            yield f"speech.names.{said}: {number!r} is no line of this city: write a number of [[lines]]"


def _prompts(table: SpeechTable) -> Iterator[str]:
    from hotline.switch.prompts_live import standard_prompts

    library = standard_prompts()
    for key in ("offer", "waiting_offer", "question", "transcript_notice"):
        for place, prompt in enumerate(getattr(table, key)):
            if is_name(prompt) and prompt not in library:
                remedy = near(prompt, list(library), "write a text, or a name of the library")
                yield f"speech.{key}[{place}]: no prompt has the name {prompt}: {remedy}"


def _named(file: CityFile, line: Line) -> NamedLine:
    """An emergency centre is asked for by its own name only: who wants the police's office does not want 110."""
    urgent = "emergency" in _treatments(line)
    return NamedLine(_shown(file, line.number), line.name, None if urgent else line.department)


def _treatments(line: Line) -> set[str]:
    rules: list[Rule] = [line, *line.changes]
    return {rule.treatment for rule in rules}


def _shown(file: CityFile, number: str) -> str:
    return Number.read(number, file.area).shown(file.area)


def _number(file: CityFile, number: str) -> str | None:
    try:
        return _shown(file, number)
    except NumberFault:
        return None
