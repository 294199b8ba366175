"""Who sits where in a drill, so that every call finds somebody who may take it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from acd.setup import AgentSetup, SeatSetup, Setup
from hotline.logs import OwnersFault


class DrillFault(OwnersFault):
    """The drill can't be held. One line: place, fault, remedy."""


Need = tuple[tuple[str, int], ...]


def has(skills: Mapping[str, int], need: Need) -> bool:
    """Do these skills meet the need?"""
    return all(skills.get(skill, 0) >= level for skill, level in need)


def _counts(agent: AgentSetup, seat: SeatSetup) -> dict[str, int]:
    """What the agent knows that counts at this seat."""
    return {s: level for s, level in agent.skills.items() if seat.skills is None or s in seat.skills}


def manned(setup: Setup, needs: Iterable[Need], most: int) -> dict[str, tuple[str, dict[str, int]]]:
    """Who sits where, and what counts there: seat to agent and skills.

    For every need three people who meet it, as far as there are seats, then whoever is left. Raises `DrillFault` for a need
    that nobody can meet, and when there are fewer seats than needs.
    """
    people: dict[str, tuple[str, dict[str, int]]] = {}
    free = dict(setup.agents)

    def sit_down(need: Need) -> bool:
        for seat in setup.seats.values():
            if seat.seat in people:
                continue
            for agent in free.values():
                skills = _counts(agent, seat)
                if skills and has(skills, need):
                    people[seat.seat] = (agent.agent, skills)
                    del free[agent.agent]
                    return True
        return False

    for wanted in (1, 3):
        for need in sorted(needs):
            while sum(has(skills, need) for _, skills in people.values()) < wanted and len(people) < most:
                if not sit_down(need):
                    break
            if not any(has(skills, need) for _, skills in people.values()):
                if len(people) >= most:
                    raise DrillFault(f"--seats {most}: not enough for every skill of the lines: give more")
                raise DrillFault(f"agents: nobody at a free seat has {dict(need)}: give somebody this skill")
    while len(people) < most and sit_down(()):
        pass
    return people
