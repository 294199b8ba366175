"""What a scenario takes from a city: lines as its plan leads them on a day, its queues, its people, its carriers.

The planner so routes as the switch does: the needs, steps, priorities, queues and limits are those of `City.plan` and
`City.setup`, and not written a second time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cached_property

from acd.setup import Setup
from dialplans.decision import Wait
from dialplans.hours import instant
from dialplans.number import Number, NumberFault
from hotline.city import City
from hotline.city_build import people
from hotline.city_faults import near

_CHARACTER_MS = 280
"""a spoken character or digit; measured with the program's own voice (Chinese, 170 words a minute): 4.7 to 8.0 s for 12 to 26"""
_PAUSE_MS = 300
_SPOKEN = re.compile(r"[\w]")
_PAUSE = re.compile(r"[，。、；：！？,.;:!?]")


@dataclass(frozen=True, slots=True)
class CityLine:
    """One line as the city has it on the scenario's first day. ``said_ms``: notices and greeting before the queue."""

    title: str
    wait: Wait
    said_ms: int
    wrap_up_ms: int


@dataclass(frozen=True, slots=True)
class CityGroup:
    """People of the city with the same skills. ``first``: the number of the first of them, ``people``: how many."""

    first: str
    title: str
    skills: Mapping[str, int]
    people: int
    expert: bool


class CityBase:
    """A city on one day, as a scenario asks about it."""

    def __init__(self, city: City, start: date) -> None:
        self.city = city
        self.start = start

    @cached_property
    def setup(self) -> Setup:
        """The city as the engine sees it."""
        return self.city.setup()

    @property
    def number(self) -> str:
        """The city's own number, as it is dialled."""
        return self._shown(self.city.plan.own.number)

    def written(self, digits: str) -> str:
        """A number as the plan shows it: ``0371-12315`` is ``12315`` at home; as it is given where it can't be read."""
        return written(digits, self.city)

    @cached_property
    def groups(self) -> tuple[CityGroup, ...]:
        """Everybody who takes calls, those with the same skills together, in the file's order."""
        found: list[CityGroup] = []
        for table in self.city.file.agents:
            by_skills: dict[tuple[tuple[str, int], ...], list[str]] = {}
            for agent in people(table):
                by_skills.setdefault(tuple(sorted(agent.skills.items())), []).append(agent.agent)
            for skills, agents in by_skills.items():
                found.append(
                    CityGroup(agents[0], table.name, dict(skills), len(agents), self._expert(dict(skills)))
                )
        return tuple(found)

    @property
    def seats(self) -> int:
        """The phones at which agents sign on."""
        return len(self.setup.seats)

    @property
    def channels(self) -> int:
        """What the carriers bring at once: the trunks that are no links."""
        return sum(trunk.channels for trunk in self.city.file.trunks if not trunk.link)

    def left_out(self) -> list[str]:
        """What the city's file asks of the switch and a scenario has no word for."""
        file = self.city.file
        asked = {
            "reserves": bool(file.reserves),
            "lists of callers": bool(file.callers),
            "last agents": file.routing.last_agent_hours > 0,
            "priority of repeated calls": file.routing.repeat_hours > 0,
            "overflow of queues": any(queue.then != "let_go" for queue in file.queues),
            "the most who may wait in all queues": file.routing.max_waiting is not None,
            "calling back": bool(file.call_back.key) or file.call_back.missed,
        }
        return [name for name, stands in asked.items() if stands]

    def line(self, digits: str, key: str | None = None) -> CityLine:
        """The line that is dialled so. Raises ``ValueError`` with fault and remedy where 12345's seats do not answer it."""
        plan = self.city.plan
        if key is not None:
            choices = {choice.key: choice for choice in plan.own.menu}
            if key not in choices:
                listed = ", ".join(choices) or "none"
                raise ValueError(
                    f"the city's number has no key {key!r}: write one of those there are ({listed})"
                )
            return self._made(choices[key].title, choices[key].wait, ())
        try:
            number = Number.read(digits, plan.area)
        except NumberFault as fault:
            raise ValueError(str(fault)) from None
        carrier = next(trunk.name for trunk in self.city.file.trunks if not trunk.link)
        decision = plan.route(digits, (), carrier, self._now)
        if number != plan.own.number and plan.line(number) is None and not plan.unknown.phases:
            shown = [self.number, *(line.number.shown(plan.area) for line in plan.lines)]
            raise ValueError(
                f"the city has no line {digits}: {near(digits, shown, 'write queue and needs, or one of its lines')}"
            )
        if decision.wait is None:
            why = decision.because[-1].rstrip(".") if decision.because else "it is answered elsewhere"
            raise ValueError(f"12345's seats do not answer it on {self.start} ({why}): take the line out")
        title = decision.name or self.city.title
        return self._made(title, decision.wait, decision.notices, self._shown(number))

    def agent(self, number: str) -> CityGroup:
        """The people of whom this agent is one. Raises ``ValueError`` with fault and remedy."""
        agent = self.setup.agents.get(number)
        if agent is None:
            listed = [group.first for group in self.groups]
            raise ValueError(
                f"no agent {number}: {near(number, listed, 'write one of ' + ', '.join(listed))}"
            )
        skills = dict(agent.skills)
        for group in self.groups:
            if group.skills == skills:
                title = next(
                    t.name
                    for t in self.city.file.agents
                    if int(t.first) <= int(number) < int(t.first) + t.count
                )
                return CityGroup(group.first, title, group.skills, group.people, group.expert)
        raise AssertionError(number)

    def _made(self, title: str, wait: Wait, notices: Sequence[str], shown: str | None = None) -> CityLine:
        queue = self.setup.queues[wait.queue]
        greeting = self.setup.greetings.get(shown or "", queue.greeting)
        return CityLine(title, wait, spoken_ms((*notices, *greeting)), queue.wrap_up_ms)

    def _expert(self, skills: Mapping[str, int]) -> bool:
        """Whoever cannot take the city's own calls was sent for a line."""
        return not any(
            all(skills.get(skill, 0) >= level for skill, level in wait.needs[-1].skills)
            for wait in self._own()
        )

    def _own(self) -> Iterator[Wait]:
        yield self.city.plan.own.wait
        yield from (choice.wait for choice in self.city.plan.own.menu)

    @property
    def _now(self) -> int:
        """The first day at ten, when everybody works who has working hours."""
        return instant(datetime.combine(self.start, time(10)))

    def _shown(self, number: Number) -> str:
        return number.shown(self.city.plan.area)


def written(digits: str, city: City) -> str:
    """A number as the city's plan shows it; as it is given where it can't be read."""
    try:
        return Number.read(digits, city.plan.area).shown(city.plan.area)
    except NumberFault:
        return digits


def spoken_ms(texts: Sequence[str]) -> int:
    """About how long these texts are when they are said, in ms: nobody renders them to plan with them."""
    text = "".join(texts)
    return _CHARACTER_MS * len(_SPOKEN.findall(text)) + _PAUSE_MS * len(_PAUSE.findall(text))
