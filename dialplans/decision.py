"""What is to be done with a call: the answer of `NumberPlan.route`, as data.

The engine turns a `Decision` into a call flow, ``hotline trace`` reads it aloud: there is no other place where the
meaning of a number is decided.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from dialplans.number import Number


class Treatment(StrEnum):
    """What a city's plan does with a hotline's number."""

    ABSORBED = "absorbed"
    WITHDRAWN = "withdrawn"
    PARALLEL = "parallel"
    SUBCENTRE = "subcentre"
    EMERGENCY = "emergency"
    INDEPENDENT = "independent"


class Answerer(StrEnum):
    """Who picks up for the caller."""

    CITY = "12345"
    LINE = "line"
    SUBCENTRE = "subcentre"
    EMERGENCY = "emergency"
    OTHER = "other"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Need:
    """One step of what a waiting call asks of an agent: from ``after_ms`` of waiting on, at least these levels.

    A call carries its steps in order; each only ever widens the one before (no skill's level rises, none is added).
    """

    skills: tuple[tuple[str, int], ...]
    after_ms: int = 0


def wishing(needs: tuple[Need, ...], entry: str, until_ms: int | None) -> tuple[Need, ...]:
    """The same steps with one entry more (a skill at level 1), which is dropped after ``until_ms`` of waiting; ``None``: never.

    0: asked first, and dropped at once when nobody is free who has it. Each step stays as wide as the one before, or wider.
    """
    if all(entry in dict(need.skills) for need in needs):
        return needs
    held = [need for i, need in enumerate(needs) if i == 0 or until_ms is None or need.after_ms < until_ms]
    made = [Need(tuple(sorted({entry: 1, **dict(need.skills)}.items())), need.after_ms) for need in held]
    if until_ms is None:
        return tuple(made)
    rest = needs[len(held) :]
    if not rest or rest[0].after_ms > until_ms:
        made.append(Need(held[-1].skills, until_ms))
    return (*made, *rest)


@dataclass(frozen=True, slots=True)
class Wait:
    """A place in a queue: which one, with what needs, how urgent (a higher number is served first)."""

    queue: str
    needs: tuple[Need, ...]
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Pass:
    """One way to hand the caller on: this number over this trunk."""

    trunk: str
    number: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One key of a menu, and the place in a queue that it leads to."""

    key: str
    title: str
    wait: Wait


@dataclass(frozen=True, slots=True)
class Decision:
    """What a call meets, in this order: ``notices``, ``menu``, ``passes`` (each tried in turn), ``wait``; then the end.

    ``wait`` beside ``passes`` is the overflow to the city's own seats; ``None`` means that there is none, and the
    caller hears ``farewell`` and is let go. ``menu`` without a key pressed leads to ``wait``.
    ``because``: the reasons in sentences, in the order in which they were found. ``urgent``: an emergency, or handed over by
    an emergency centre: no limit of ours delays it or turns it away. ``remark``: what a seat should see beside the line, a
    few characters (``非工作时间``).
    """

    dialled: Number | None
    number: str | None
    name: str | None
    department: str | None
    treatment: Treatment | None
    answered_by: Answerer
    notices: tuple[str, ...] = ()
    menu: tuple[Choice, ...] = ()
    menu_prompt: str = ""
    passes: tuple[Pass, ...] = ()
    pass_ring_ms: int = 15_000
    wait: Wait | None = None
    farewell: tuple[str, ...] = ()
    because: tuple[str, ...] = ()
    urgent: bool = False
    remark: str = ""
