"""Why a call goes to an agent and not to the others, in words.

Nothing is decided here: the words say what the kernel's order made of it. They are made when they are
read, so that an assignment costs nothing for a reason in which nobody is interested.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

Need = tuple[tuple[str, int], ...]
"""the levels that a call asks at least, by skill, each skill once"""


class Idle(Protocol):
    """What is to be known of an agent to compare two."""

    @property
    def skills(self) -> Mapping[str, int]:
        """Level by skill."""

    @property
    def weight(self) -> int:
        """The sum of the levels, where the closest fit counts."""

    @property
    def since_ms(self) -> int | None:
        """Idle since when."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why this agent: what was asked, what the agent has, by how much that exceeds it, idle since when.

    It is put into words when somebody reads it: ``str(reason)``, or ``reason.at(now_ms)`` with the idle time.
    """

    agent: str
    need: Need
    levels: tuple[int, ...]
    exceeds: int
    idle_since_ms: int
    closest_fit: bool

    def __str__(self) -> str:
        asked = ", ".join(
            f"level {level} of {skill} asked {least}"
            for (skill, least), level in zip(self.need, self.levels, strict=True)
        )
        fit = f"; exceeds by {self.exceeds}" if self.closest_fit else ""
        return f"agent {self.agent}: {asked or 'no skill asked'}{fit}"

    def at(self, now_ms: int) -> str:
        """The reason with the time that the agent had been idle at ``now_ms``."""
        return f"{self}, idle {_seconds(now_ms - self.idle_since_ms)}"


@dataclass(frozen=True, slots=True)
class Assignment:
    """This call to this agent."""

    call: str
    agent: str
    reason: Reason


def against(need: Need, chosen: Idle | None, others: Iterable[Idle]) -> str:
    """How many of the other idle agents lost by what: ``: 5 lack level 1 of 12329, 7 fit less closely``.

    Empty: there are no others. Nobody chosen (``None``): then each of them lacks something.
    """
    lost: Counter[str] = Counter()
    for agent in others:
        lacks = next((asked for asked in need if agent.skills.get(asked[0], 0) < asked[1]), None)
        if lacks is not None:
            lost[f"lack level {lacks[1]} of {lacks[0]}"] += 1
        elif chosen is None:
            raise AssertionError("an idle agent who has what is asked was not chosen")
        elif agent.weight != chosen.weight:
            lost["fit less closely"] += 1
        elif agent.since_ms != chosen.since_ms:
            lost["are idle for a shorter time"] += 1
        else:
            lost["have a higher number"] += 1
    told = ", ".join(f"{count} {why}" for why, count in sorted(lost.items()))
    return f": {told}" if told else ""


def _seconds(duration_ms: int) -> str:
    return f"{duration_ms / 1000:.0f} s"
