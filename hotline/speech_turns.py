"""What callers asked the machine and what became of it, read out of the calls' records: the ground of figures and gaps.

Only a caller's number tells that he called again; who shows none can't be followed. Weeks are ISO weeks of China's time.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

import msgspec
import sqlalchemy as sa

from acd.records import Spoken, SpokenTurn
from asr.knowledge import CHINA
from asr.pinyin import syllables
from asr.wording import canonical
from hotline.records import RecordStore
from hotline.records_schema import call_records
from hotline.speech_wording import says_something, wording

DAY_MS = 86_400_000
AGAIN_MS = DAY_MS
"""who calls again within a day may have been told something wrong"""
BAD_RATINGS = frozenset({1, 2})
NOT_HELPED, CAME_BACK, BAD_RATING = "not helped", "came back", "bad rating"
"""signs that an answer was wrong, the surest first"""

_SAME_MATTER = 0.5
"""share of syllable pairs in common (Dice) from which two questions are taken to be about one matter"""
_FEWEST_DIGITS = 3


@dataclass(frozen=True, slots=True)
class SpeechCall:
    """What is needed of a call's record; the fields are `acd.records.CallRecord`'s."""

    call: str
    caller: str
    line: str
    disposition: str
    arrived: int
    prompt_ended: int | None
    queued: int | None
    seat_answered: int | None
    ended: int | None
    rating: int | None
    speech: tuple[Spoken, ...] = ()

    @property
    def contained(self) -> bool:
        """Did the machine answer the caller's questions, and he asked for nobody else?"""
        return self.seat_answered is None and (
            self.disposition == "contained" or any(spoken.over == "contained" for spoken in self.speech)
        )

    @property
    def over(self) -> int:
        """When it ended, as far as is known."""
        ends = [spoken.ended for spoken in self.speech if spoken.ended is not None]
        return self.ended if self.ended is not None else max(ends, default=self.arrived)


@dataclass(frozen=True, slots=True)
class Question:
    """One thing that a caller asked.

    ``heard``: as it was recognised. ``became``: ``answered``, ``asked back`` (and nothing came of it), ``confirmed``, ``denied``,
    ``passed on`` or ``not understood``. ``doubts``: what speaks against the answer that was given.
    """

    at: int
    heard: str
    became: str
    entry: str | None = None
    score: float = 0.0
    asked_back: bool = False
    helped: bool | None = None
    doubts: tuple[str, ...] = ()

    @property
    def answered(self) -> bool:
        return self.became in {"answered", "confirmed"}


@dataclass(frozen=True, slots=True)
class Conversation:
    """One conversation and its questions.

    ``contained``: the caller needed nobody any more: he said so, or hung up on the machine once it had answered him (which the
    call's disposition tells). ``again``: of a contained call, did the same caller call again within `AGAIN_MS`, whatever for? None
    of others, of callers without a number, and where that time is not over.
    """

    call: SpeechCall
    spoken: Spoken
    questions: tuple[Question, ...]
    contained: bool = False
    again: bool | None = None


async def read_calls(store: RecordStore, city: str, start: int, end: int) -> list[SpeechCall]:
    """The city's calls that came in from ``start`` up to, but not at, ``end``, in order. Raises `hotline.records.RecordsFault`.

    Only the columns that are needed: a month of a large city has hundreds of thousands of calls.
    """
    table = call_records.c
    columns = (
        table.call, table.caller, table.line, table.disposition, table.arrived, table.prompt_ended, table.queued,
        table.seat_answered, table.ended, table.rating, table.speech,
    )  # fmt: skip
    query = (
        sa.select(*columns)
        .where(
            table.city == city, table.direction == "in", table.arrived >= start, table.arrived < end
        )
        .order_by(table.arrived, table.call)
    )  # fmt: skip
    return await store.look(lambda connection: [_call(row) for row in connection.execute(query)])


def _call(row: Any) -> SpeechCall:
    return SpeechCall(
        row.call, row.caller, _line(row.line), row.disposition, row.arrived, row.prompt_ended, row.queued,
        row.seat_answered, row.ended, row.rating,
        () if row.speech == "[]" else tuple(msgspec.json.decode(row.speech, type=list[Spoken])),
    )  # fmt: skip


def _line(line: str | None) -> str:
    """The line as it may be shown; ``-`` where the call was on none."""
    return "".join(sign for sign in line or "" if sign.isprintable())[:40] or "-"


def conversations(calls: Sequence[SpeechCall], *, until: int, now: int) -> list[Conversation]:
    """Every conversation that is over, of the calls that arrived before ``until``; those after it only tell who called again.

    ``now``: milliseconds since 1970, up to when calls are known.
    """
    later = _by_caller(calls)
    found = []
    for call in calls:
        if call.speech and call.arrived < until:
            found += _judged(call, _after(call, later), now)
    return found


def _judged(call: SpeechCall, after: Sequence[SpeechCall] | None, now: int) -> list[Conversation]:
    asked = [list(questions(spoken)) for spoken in call.speech]
    answers = [
        (one, two) for one, several in enumerate(asked) for two, question in enumerate(several) if question.answered
    ]  # fmt: skip
    doubts: dict[tuple[int, int], list[str]] = defaultdict(list)
    for place in answers:
        if asked[place[0]][place[1]].helped is False:
            doubts[place].append(NOT_HELPED)
    again = None
    if call.contained and after is not None:
        again = bool(after) or (None if call.over + AGAIN_MS > now else False)
        if (place_back := _came_back(asked, answers, call, after)) is not None:
            doubts[place_back].append(CAME_BACK)
    if answers and call.rating in BAD_RATINGS:
        doubts[answers[-1]].append(BAD_RATING)
    for (one, two), why in doubts.items():
        asked[one][two] = replace(asked[one][two], doubts=tuple(why))
    last = len(call.speech) - 1
    return [
        Conversation(
            call,
            spoken,
            tuple(asked[number]),
            spoken.over == "contained" or (number == last and call.contained),
            again if number == last else None,
        )
        for number, spoken in enumerate(call.speech)
        if spoken.over is not None
    ]


def _came_back(
    asked: Sequence[Sequence[Question]],
    answers: Sequence[tuple[int, int]],
    call: SpeechCall,
    after: Sequence[SpeechCall],
) -> tuple[int, int] | None:
    """The answer that did not do, so that a seat had to give another.

    What the caller then asked the machine tells which one. Where he asked it nothing, a call to the same line is taken to be about
    the last answer.
    """
    for other in after:
        if other.seat_answered is None:
            continue
        said = [
            question
            for spoken in other.speech
            for question in questions(spoken)
            if says_something(question.heard)
        ]
        for place in reversed(answers):
            if any(_same_matter(asked[place[0]][place[1]], question) for question in said):
                return place
        if answers and not said and other.line == call.line:
            return answers[-1]
    return None


def _same_matter(one: Question, other: Question) -> bool:
    if one.entry is not None and one.entry == other.entry:
        return True
    pairs = [_sounds(question.heard) for question in (one, other)]
    total = sum(len(pair) for pair in pairs)
    return total > 0 and 2 * len(pairs[0] & pairs[1]) / total >= _SAME_MATTER


def _sounds(heard: str) -> frozenset[tuple[str, ...]]:
    sounds = syllables(canonical(wording(heard)))
    return frozenset(pairwise(sounds))


def _by_caller(calls: Iterable[SpeechCall]) -> dict[str, list[SpeechCall]]:
    found: dict[str, list[SpeechCall]] = defaultdict(list)
    for call in calls:
        if _known(call.caller):
            found[call.caller].append(call)
    for several in found.values():
        several.sort(key=lambda call: (call.arrived, call.call))
    return found


def _known(caller: str) -> bool:
    return sum(sign.isdigit() for sign in caller) >= _FEWEST_DIGITS


def _after(call: SpeechCall, later: Mapping[str, Sequence[SpeechCall]]) -> list[SpeechCall] | None:
    """The same caller's calls within `AGAIN_MS`; None where he shows no number."""
    if not _known(call.caller):
        return None
    several, over = later[call.caller], call.over
    first = bisect_right(several, over, key=lambda other: other.arrived)
    last = bisect_right(several, over + AGAIN_MS, key=lambda other: other.arrived)
    return [other for other in several[first:last] if other.call != call.call]


def questions(spoken: Spoken) -> tuple[Question, ...]:
    """What was asked in a conversation, in order. A yes or no to the number of a case (no ``entry``) is about no question."""
    found: list[Question] = []
    pending: int | None = None
    last: int | None = None
    for turn in spoken.turns:
        match turn.did:
            case "answered":
                found.append(_question(turn))
                pending, last = None, len(found) - 1
            case "asked back":
                found.append(replace(_question(turn), asked_back=True))
                pending = len(found) - 1
            case "confirmed" if turn.entry is not None:
                if pending is None:
                    found.append(_question(turn))
                    pending = len(found) - 1
                found[pending] = replace(found[pending], became="confirmed", entry=turn.entry)
                pending, last = None, pending
            case "denied" if turn.entry is not None and pending is not None:
                found[pending] = replace(found[pending], became="denied")
                pending = None
            case "passed on" | "not understood":
                found.append(_question(turn))
            case "helped" | "not helped" if last is not None:
                found[last] = replace(found[last], helped=turn.did == "helped")
    return tuple(found)


def _question(turn: SpokenTurn) -> Question:
    return Question(turn.at, turn.heard, turn.did, turn.entry, turn.score)


def week_of(at: int) -> str:
    """``2026-W08``."""
    year, week, _ = datetime.fromtimestamp(at / 1000, CHINA).isocalendar()
    return f"{year}-W{week:02}"


def monday(at: int) -> int:
    """When the week of an instant began."""
    day = datetime.fromtimestamp(at / 1000, CHINA).date()
    return day_start(day - timedelta(days=day.weekday()))


def day_start(day: date) -> int:
    """A day's first instant in China, milliseconds since 1970."""
    return round(datetime(day.year, day.month, day.day, tzinfo=CHINA).timestamp() * 1000)
