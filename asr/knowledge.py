"""The voice knowledge base: questions as callers ask them, and the answer that may be spoken to them.

A base is a value: it never changes, a new one takes its place. Who provides an entry maintains it (``owner``), somebody
else signs for it (``reviewer``), and only what is published and valid that day is ever spoken.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta, timezone
from enum import StrEnum
from types import MappingProxyType

CHINA = timezone(timedelta(hours=8), "Asia/Shanghai")
"""the zone in which an entry's days begin and end; it has had no summer time since 1991"""
MOST_SENTENCES = 3
"""of a spoken answer: nobody remembers a fourth"""
LONGEST_ANSWER, LONGEST_SMS, LONGEST_QUESTION = 160, 500, 60
"""characters; 500 is about seven parts of a long Chinese SMS, which carriers still join"""

_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_LINE = re.compile(r"[1-9][0-9]{1,7}")
_SENTENCE = re.compile(r"[^。！？!?]*[。！？!?]|[^。！？!?]+$")


class State(StrEnum):
    """How far an entry has come. Only a published one is spoken."""

    DRAFT = "draft"
    REVIEWED = "reviewed"
    PUBLISHED = "published"
    EXPIRED = "expired"


MOVES: Mapping[State, frozenset[State]] = MappingProxyType(
    {
        State.DRAFT: frozenset({State.REVIEWED, State.EXPIRED}),
        State.REVIEWED: frozenset({State.PUBLISHED, State.DRAFT, State.EXPIRED}),
        State.PUBLISHED: frozenset({State.EXPIRED, State.DRAFT}),
        State.EXPIRED: frozenset({State.DRAFT}),
    }
)
"""which state may follow which; what was withdrawn is reviewed again before it is spoken"""


class IllegalMove(ValueError):
    """An entry can't go to that state from the one it is in. ``place: fault: remedy``."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One answer, and the ways of asking for it.

    ``questions``: the variants, the first is the one that is read back to the caller ("您是问……吗?"). ``answer``: what is spoken;
    ``sms``: what is sent, empty for nothing. ``line``: the number whose matter it is, ``"12345"`` for the city's own.
    ``owner``: the department that provides and maintains it; ``reviewer``: who signed for it. ``valid_from`` and
    ``valid_to``: the first and the last day, None for no limit.
    """

    id: str
    questions: tuple[str, ...]
    answer: str
    sms: str = ""
    line: str = "12345"
    owner: str = ""
    reviewer: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    state: State = State.DRAFT

    @property
    def title(self) -> str:
        """The question in its first wording."""
        return self.questions[0]

    def counts_on(self, day: date) -> bool:
        """May it be spoken on this day?"""
        return (
            self.state is State.PUBLISHED
            and (self.valid_from is None or self.valid_from <= day)
            and (self.valid_to is None or day <= self.valid_to)
        )

    def moved(self, state: State, *, reviewer: str | None = None) -> Entry:
        """The entry in another state. To review it takes a ``reviewer``; back to a draft takes the signature away.

        Raises `IllegalMove`.
        """
        if state not in MOVES[self.state]:
            may = ", ".join(sorted(MOVES[self.state]))
            raise IllegalMove(f"{self.id}.state: {self.state} does not become {state}: it may become {may}")
        if state is State.DRAFT:
            return replace(self, state=state, reviewer=None)
        if state is State.REVIEWED:
            if not reviewer:
                raise IllegalMove(f"{self.id}.reviewer: nobody signs for it: name who has reviewed it")
            return replace(self, state=state, reviewer=reviewer)
        return replace(self, state=state)


@dataclass(frozen=True, slots=True)
class KnowledgeBase:
    """Entries in their order, each id once."""

    entries: tuple[Entry, ...] = ()
    by_id: Mapping[str, Entry] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_id = {entry.id: entry for entry in self.entries}
        if len(by_id) != len(self.entries):
            raise ValueError("knowledge: an id stands twice: see `faults_of`")
        object.__setattr__(self, "by_id", MappingProxyType(by_id))

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def at(self, instant_ms: int, line: str | None = None) -> KnowledgeBase:
        """What may be spoken at this instant; with a ``line`` only its matters and the city's own (12345)."""
        day = datetime.fromtimestamp(instant_ms / 1000, CHINA).date()
        lines = None if line in {None, "12345"} else {line, "12345"}
        return KnowledgeBase(
            tuple(
                entry
                for entry in self.entries
                if entry.counts_on(day) and (lines is None or entry.line in lines)
            )
        )

    def with_entries(self, entries: Iterable[Entry]) -> KnowledgeBase:
        """These in place of those of the same ids, new ones at the end."""
        merged = dict(self.by_id) | {entry.id: entry for entry in entries}
        return KnowledgeBase(tuple(merged.values()))


def sentences(text: str) -> list[str]:
    """A text's sentences, each with its mark."""
    return [found.strip() for found in _SENTENCE.findall(text) if found.strip()]


def faults_of(entries: Iterable[Entry], place: str = "entries") -> list[str]:
    """Everything that is wrong with these entries, each as ``place: fault: remedy``; empty when they are sound."""
    faults: list[str] = []
    seen: dict[str, str] = {}
    asked: dict[str, str] = {}
    for number, entry in enumerate(entries):
        where = f"{place}.{entry.id}" if entry.id else f"{place}[{number}]"
        faults += _own_faults(entry, where)
        if entry.id in seen:
            faults.append(f"{where}.id: stands twice: give each entry an id of its own")
        seen[entry.id] = where
        for question in entry.questions:
            other = asked.setdefault(_bare(question), entry.id)
            if other != entry.id:
                faults.append(
                    f"{where}.questions: {question!r} is also asked by {other}: keep it in one of the two"
                )
    return faults


def _bare(question: str) -> str:
    return re.sub(r"[\s\W]+", "", question)


def _own_faults(entry: Entry, where: str) -> list[str]:
    faults = []
    if not _ID.fullmatch(entry.id):
        faults.append(f"{where}.id: is {entry.id!r}: write a-z, 0-9, '.', '_' and '-', at most 64")
    if not entry.questions:
        faults.append(f"{where}.questions: is empty: write at least one question, better three")
    for question in entry.questions:
        if not _bare(question):
            faults.append(f"{where}.questions: {question!r} says nothing: write a question")
        if len(question) > LONGEST_QUESTION:
            faults.append(
                f"{where}.questions: {question[:20]!r}... is too long: write at most {LONGEST_QUESTION} characters"
            )
    if not entry.answer.strip():
        faults.append(f"{where}.answer: is empty: write what is to be spoken")
    if len(entry.answer) > LONGEST_ANSWER:
        faults.append(
            f"{where}.answer: has {len(entry.answer)} characters: write at most {LONGEST_ANSWER}, the rest into the sms"
        )
    if (count := len(sentences(entry.answer))) > MOST_SENTENCES:
        faults.append(
            f"{where}.answer: has {count} sentences: write at most {MOST_SENTENCES}, the rest into the sms"
        )
    if len(entry.sms) > LONGEST_SMS:
        faults.append(f"{where}.sms: has {len(entry.sms)} characters: write at most {LONGEST_SMS}")
    if not _LINE.fullmatch(entry.line):
        faults.append(f"{where}.line: is {entry.line!r}: write the number's 2 to 8 digits in quotes")
    if not entry.owner.strip():
        faults.append(f"{where}.owner: is empty: name the department that maintains it")
    if entry.state in {State.REVIEWED, State.PUBLISHED} and not (entry.reviewer or "").strip():
        faults.append(
            f"{where}.reviewer: is empty in a {entry.state} entry: name who has reviewed it, or make it a draft"
        )
    if entry.valid_from and entry.valid_to and entry.valid_from > entry.valid_to:
        faults.append(f"{where}.valid_to: is before valid_from: write a later day")
    return faults
