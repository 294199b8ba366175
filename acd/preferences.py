"""What a call wishes beyond its line's need: its last agent, an extra skill, not to take whom a reserve keeps.

A wish is written into the call's needs, as one more entry of a step: the kernel decides on it as on every other need, and the
call's steps drop it when its time is over. Two kinds of entries are no skills of anybody's: ``@1001`` (agent 1001 and nobody else)
and ``~tax`` (nobody whom the reserve ``tax`` keeps); `acd.router` knows both. No skill of a city can have such a name.

Whatever is wished, a step only ever widens the one before: `asking_also` drops wishes and adds none, `widening_fault` checks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from dialplans.decision import Need, wishing
from dialplans.number import Number, NumberFault

PERSON = "@"
BEYOND = "~"


def person(agent: str) -> str:
    """The entry of a need that only this agent meets."""
    return PERSON + agent


def beyond(reserve: str) -> str:
    """The entry of a need that nobody meets whom this reserve keeps."""
    return BEYOND + reserve


def is_wish(entry: str) -> bool:
    """Whether an entry of a need is no skill."""
    return entry[:1] in {PERSON, BEYOND}


def person_of(skills: Iterable[tuple[str, int]]) -> str | None:
    """The agent who alone meets this need, if it names one."""
    for entry, _ in skills:  # asked for every call that waits or goes: no generator
        if entry[:1] == PERSON:
            return entry[1:]
    return None


def reserves_of(skills: Iterable[tuple[str, int]]) -> tuple[str, ...]:
    """The reserves whose kept agents this need passes over."""
    return tuple(entry[1:] for entry, _ in skills if entry.startswith(BEYOND))


def real(skills: Iterable[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    """What a need asks of skills."""
    return tuple((entry, level) for entry, level in skills if not is_wish(entry))


@dataclass(frozen=True, slots=True)
class Reserve:
    """``keep`` idle agents who have ``skill`` at ``level`` or better stay free for the calls that ask for this skill, or, where
    ``lines`` are named, for the calls of these lines alone. The others get them only beyond ``keep``, or after ``after_ms`` of
    waiting (``None``: never).
    """

    name: str
    skill: str
    keep: int
    level: int = 1
    after_ms: int | None = None
    lines: tuple[str, ...] = ()

    def is_for(self, line: str | None, needs: Sequence[Need]) -> bool:
        """Whether a call of this line with these needs may take whom the reserve keeps."""
        if self.lines:
            return line in self.lines
        return any(skill == self.skill for need in needs for skill, _ in need.skills)


@dataclass(frozen=True, slots=True)
class CallerList:
    """Callers who are served in their own way. ``numbers`` and ``prefixes`` as `caller_key` writes them.

    ``prefer``: a skill that is asked besides, for the first ``prefer_ms`` of waiting. ``priority`` is added to that of the call.
    ``queue``: where those wait who would wait in the city's own queue.
    """

    name: str
    title: str
    numbers: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()
    prefer: str | None = None
    prefer_ms: int = 20_000
    priority: int = 0
    queue: str | None = None


@dataclass(frozen=True)
class Preferences:
    """What the city does for callers whom it knows. Durations in ms; 0 hours of memory: not done at all.

    ``last_agent_ms``: so long it is remembered who talked to a caller; ``last_agent_wait_ms``: so long a call waits for that agent
    alone. ``repeat_ms``: a caller who called within that time has ``repeat_priority`` more.
    """

    last_agent_ms: int = 0
    last_agent_wait_ms: int = 10_000
    repeat_ms: int = 0
    repeat_priority: int = 1
    lists: tuple[CallerList, ...] = ()

    def list_of(self, caller: str) -> CallerList | None:
        """The list that has this caller (`caller_key`): by the whole number, else by the longest prefix, else the first list."""
        numbers, prefixes = self._index
        if caller in numbers:
            return numbers[caller]
        lengths = range(len(caller), 0, -1)
        return next((prefixes[caller[:n]] for n in lengths if caller[:n] in prefixes), None)

    @cached_property
    def _index(self) -> tuple[dict[str, CallerList], dict[str, CallerList]]:
        numbers: dict[str, CallerList] = {}
        prefixes: dict[str, CallerList] = {}
        for one in self.lists:
            for number in one.numbers:
                numbers.setdefault(number, one)
            for prefix in one.prefixes:
                prefixes.setdefault(prefix, one)
        return numbers, prefixes


def caller_key(caller: str, area: str) -> str:
    """A caller's number in its one form: ``037165970001``, ``13800000001``. Empty for a caller who doesn't show it."""
    try:
        number = Number.read(caller, area)
    except NumberFault:
        return caller if caller.isascii() and caller.isdigit() and len(caller) <= 20 else ""
    return number.area + number.local


def prefix_key(text: str, area: str) -> str:
    """``6597*``, ``0371-6597*`` or ``139*`` as the beginning of a `caller_key`. Raises `ValueError` for anything else."""
    digits = text.removesuffix("*").replace("-", "").replace(" ", "")
    if not (digits.isascii() and digits.removeprefix("+").isdigit()):
        raise ValueError(f"{text!r} is no beginning of a number")
    at_home = digits[0] in "23456789" and not digits.startswith(("400", "800"))
    return area + digits if at_home else digits


class Wish(NamedTuple):
    """One entry more in a call's needs, for its first ``until_ms`` of waiting; ``None``: for good."""

    entry: str
    until_ms: int | None


def asking_also(needs: Sequence[Need], wishes: Iterable[Wish]) -> tuple[Need, ...]:
    """The steps of a call that wishes this besides; every step as wide as the one before, or wider."""
    made = tuple(needs)
    for wish in wishes:
        made = wishing(made, wish.entry, wish.until_ms)
    return made


def widening_fault(needs: Sequence[Need]) -> str | None:
    """What is wrong with the steps: none, a first one that isn't at once, times that don't rise, a step that asks more."""
    if not needs:
        return "there is no step"
    if needs[0].after_ms != 0:
        return f"the first step comes after {needs[0].after_ms} ms"
    for before, after in pairwise(needs):
        if after.after_ms < before.after_ms:
            return f"a step after {after.after_ms} ms follows one after {before.after_ms} ms"
        had: Mapping[str, int] = dict(before.skills)
        for skill, level in after.skills:
            if level > had.get(skill, 0):
                asked = had.get(skill, 0)
                return f"after {after.after_ms} ms level {level} of {skill} is asked, {asked} before"
    return None
