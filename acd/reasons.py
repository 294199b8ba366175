"""Why a call goes to an agent and not to the others, in words.

Nothing is decided here: the words say what the kernel's order made of it. They are made when they are
read, so that an assignment costs nothing for a reason in which nobody is interested.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from acd.preferences import BEYOND, PERSON, is_wish

Need = tuple[tuple[str, int], ...]
"""the levels that a call asks at least, by skill, each skill once; and its wishes (`acd.preferences`)"""


class Idle(Protocol):
    """What is to be known of an agent to compare two."""

    @property
    def agent(self) -> str:
        """The agent's number."""

    @property
    def kept(self) -> Collection[str]:
        """The reserves that keep the agent now."""

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
            if not is_wish(skill)
        )
        fit = f"; exceeds by {self.exceeds}" if self.closest_fit else ""
        wished = "".join(f"; {_granted(entry)}" for entry, _ in self.need if is_wish(entry))
        return f"agent {self.agent}: {asked or 'no skill asked'}{fit}{wished}"

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
        lacks = next((asked for asked in need if not meets(agent, asked)), None)
        if lacks is not None:
            lost[_refused(lacks)] += 1
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


def meets(agent: Idle, asked: tuple[str, int]) -> bool:
    """Whether an idle agent has one entry of a need."""
    entry, least = asked
    if entry.startswith(PERSON):
        return agent.agent == entry[1:]
    if entry.startswith(BEYOND):
        return entry[1:] not in agent.kept
    return agent.skills.get(entry, 0) >= least


def _refused(asked: tuple[str, int]) -> str:
    entry, least = asked
    if entry.startswith(PERSON):
        return f"are not {entry[1:]}, who talked to the caller last"
    if entry.startswith(BEYOND):
        return f"are kept by the reserve {entry[1:]}"
    return f"lack level {least} of {entry}"


def _granted(entry: str) -> str:
    if entry.startswith(PERSON):
        return "talked to the caller last"
    return f"beyond those whom the reserve {entry[1:]} keeps"


def _seconds(duration_ms: int) -> str:
    return f"{duration_ms / 1000:.0f} s"
