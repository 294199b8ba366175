"""What the engine is told about its city: immutable, already validated (``hotline/city.py`` makes it).

Everything here can be exchanged while calls are on (`Engine.reconfigure`): people and seats come and go, a number
changes its treatment, and no call is touched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dialplans.plan import NumberPlan


@dataclass(frozen=True, slots=True)
class AgentSetup:
    """A person who takes calls: number, name, and the level (1 and up) of every skill that the person has."""

    agent: str
    name: str
    skills: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class SeatSetup:
    """A SIP phone at a desk. ``auto_answer``: the phone is asked to pick up by itself."""

    seat: str
    auto_answer: bool = False


@dataclass(frozen=True, slots=True)
class QueueSetup:
    """Where callers wait. Durations in ms; ``max_wait_ms`` and ``max_length`` ``None``: no limit.

    ``greeting``: prompts before the queue. ``full_notice`` is said to a caller for whom there is no place,
    ``rests_after`` calls in a row that rang out at a seat put it to rest for ``rest_ms``.
    """

    name: str
    title: str = ""
    greeting: tuple[str, ...] = ()
    ring_ms: int = 20_000
    wrap_up_ms: int = 30_000
    rests_after: int = 1
    rest_ms: int = 60_000
    max_length: int | None = None
    max_wait_ms: int | None = None
    full_notice: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TrunkSetup:
    """A line to a carrier. ``channels``: how many calls, in and out together, it carries at once."""

    name: str
    channels: int


@dataclass(frozen=True, slots=True)
class Setup:
    """A city as the engine sees it.

    ``ageing_ms``: waiting this long weighs as much as one step of priority (0: priority is absolute).
    ``closest_fit``: among idle agents who qualify, the one whose skills exceed the need least comes first, then the
    longest idle; without it the longest idle of all.
    """

    city: str
    plan: NumberPlan
    agents: Mapping[str, AgentSetup]
    seats: Mapping[str, SeatSetup]
    queues: Mapping[str, QueueSetup]
    trunks: Mapping[str, TrunkSetup]
    ageing_ms: int = 60_000
    closest_fit: bool = True
    breaks: Mapping[str, str] = field(default_factory=dict)
