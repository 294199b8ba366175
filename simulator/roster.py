"""Who works when: a plan's shifts given to numbered people over one week or several.

A week's shifts fall into *lines*, one a person, which keep every rule and are as even as can be
(`simulator.roster_flow`, with the proof). Each week everybody takes another line: whoever had fewest nights and
weekend days so far takes most, as far as the hours of rest, the days in a row and the nights in a row over Sunday's
midnight allow. What is even is compared with what arithmetic allows at best: nights that cannot be divided among the
people leave a difference of 1, and no roster whatever has less.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np

from simulator.programme import Solver
from simulator.roster_lines import CannotRoster, Crew, Line, Person, fewest_people
from simulator.rules import DAY, Pattern, Rules
from simulator.shifts import PlannedShift, least_people
from simulator.staffing import StaffPlan

_SWEEPS = 4
_ROTATING = (1, 2, 4)
"""how much lines give way to each other over Sunday, tried until nights and weekends are even"""
_NEVER = 1e12


@dataclass(frozen=True, slots=True)
class Duty:
    """One person on one day."""

    person: str
    group: str
    on: date
    pattern: Pattern

    @property
    def from_minute(self) -> int:
        """Of its day."""
        return self.pattern.begin % DAY

    @property
    def to_minute(self) -> int:
        """Of its day; beyond 1,440 on the next."""
        return self.from_minute + self.pattern.kind.minutes

    @property
    def meal_minute(self) -> int | None:
        """When the meal begins; ``None``: there is none."""
        return self.from_minute + self.pattern.meal_after if self.pattern.kind.meal_minutes else None


@dataclass(frozen=True, slots=True)
class Evenness:
    """How even something is among the people of a group: the fewest and the most of anybody; ``bound``: no roster has
    a smaller difference."""

    least: int
    most: int
    bound: int

    @property
    def proven(self) -> bool:
        """Is it as even as can be?"""
        return self.most - self.least <= self.bound


@dataclass(frozen=True, slots=True)
class Roster:
    """``duties`` by day and person. ``nights``, ``weekends`` (days of work on Saturdays and Sundays), ``hours`` (days
    of work) by group, of the people who may work nights for the first."""

    name: str
    start: date
    weeks: int
    people: tuple[Person, ...]
    duties: tuple[Duty, ...]
    nights: Mapping[str, Evenness]
    weekends: Mapping[str, Evenness]
    days: Mapping[str, Evenness]
    rules: Rules

    @property
    def proven(self) -> bool:
        """Are nights and weekends as even as can be, in every group?"""
        return all(e.proven for e in (*self.nights.values(), *self.weekends.values()))

    def of(self, person: str) -> tuple[Duty, ...]:
        """One person's days."""
        return tuple(duty for duty in self.duties if duty.person == person)


@dataclass(slots=True)
class _Rota:
    """The people of one group and who works which line when."""

    people: list[Person]
    lines: list[Line]
    chosen: list[list[int]] = field(default_factory=list)
    """by week the line of each person"""

    @property
    def nights(self) -> Evenness:
        return _even(self, _nights, only_nights=True)

    @property
    def weekends(self) -> Evenness:
        return _even(self, _weekend)

    @property
    def apart(self) -> tuple[int, int]:
        """Differences between people: in nights, in weekend days."""
        return self.nights.most - self.nights.least, self.weekends.most - self.weekends.least

    @property
    def as_even_as_can_be(self) -> bool:
        return self.nights.proven and self.weekends.proven


def roster(
    plan: StaffPlan,
    people: int | Mapping[str, int] | Sequence[Person] | None = None,
    weeks: int = 1,
    *,
    solver: Solver | None = None,
    seconds: float = 10.0,
) -> Roster:
    """Give a plan's shifts to people, beginning with the Monday of the scenario's first week.

    ``people``: how many in all, or by group, or whom; ``None``: as few as can be. ``seconds`` for each group's
    programme. Raises `CannotRoster` with the group, the rule and how many people it takes.
    """
    if not 1 <= weeks <= 52:
        raise ValueError(f"weeks: {weeks} are not between 1 and 52: give 1, or 4")
    start = plan.scenario.start - timedelta(days=plan.scenario.start.weekday())
    by_group: dict[str, list[PlannedShift]] = defaultdict(list)
    for shift in plan.shifts:
        by_group[shift.group].append(shift)
    who = _crews(by_group, people, plan.rules)
    duties: list[Duty] = []
    nights: dict[str, Evenness] = {}
    weekends: dict[str, Evenness] = {}
    days: dict[str, Evenness] = {}
    for group, shifts in sorted(by_group.items()):
        crew = _rotated(group, shifts, who[group], weeks, plan.rules, solver, seconds)
        for week, chosen in enumerate(crew.chosen):
            for person, number in zip(crew.people, chosen, strict=True):
                for day, pattern in enumerate(crew.lines[number]):
                    if pattern is not None:
                        on = start + timedelta(days=7 * week + day)
                        duties.append(Duty(person.number, group, on, pattern))
        nights[group] = crew.nights
        weekends[group] = crew.weekends
        days[group] = _even(crew, _days)
    duties.sort(key=lambda d: (d.on, d.from_minute, d.group, d.person))
    everybody = tuple(person for group in sorted(who) for person in who[group])
    return Roster(
        plan.scenario.name, start, weeks, everybody, tuple(duties), nights, weekends, days, plan.rules
    )


# ── who there is ─────────────────────────────────────────────────────────────────────────────────────────────


def _crews(
    by_group: Mapping[str, list[PlannedShift]],
    people: int | Mapping[str, int] | Sequence[Person] | None,
    rules: Rules,
) -> dict[str, list[Person]]:
    least = least_people([shift for shifts in by_group.values() for shift in shifts], rules)
    if isinstance(people, Sequence):
        given: dict[str, list[Person]] = {group: [] for group in by_group}
        for person in people:
            if person.group not in given:
                raise ValueError(
                    f"people.{person.number}: group {person.group} has no shift in this plan: move the person"
                )
            given[person.group].append(person)
        if len({person.number for person in people}) < len(people):
            raise ValueError("people: a number stands there twice: give everybody an own one")
        for group, crew in given.items():
            _enough(group, len(crew), least[group], rules)
        return given
    if isinstance(people, Mapping):
        counts = {group: people.get(group, least[group]) for group in by_group}
    else:
        counts = _spread(least, by_group, people, rules)
    for group, count in counts.items():
        _enough(group, count, least[group], rules)
    numbers = iter(range(1001 if sum(counts.values()) <= 8_999 else 10_001, 1 << 30))
    return {g: [Person(str(next(numbers)), g) for _ in range(counts[g])] for g in sorted(counts)}


def _spread(
    least: Mapping[str, int], by_group: Mapping[str, list[PlannedShift]], people: int | None, rules: Rules
) -> dict[str, int]:
    """The people beyond the fewest go where one has most shifts."""
    counts = dict(least)
    wanted = sum(least.values())
    if people is None:
        return fewest_people([shift for own in by_group.values() for shift in own], rules)
    if people < wanted:
        raise CannotRoster(
            f"people: {people} are fewer than the {wanted} whom {rules.weekly_minutes / 60:g} hours a week, "
            f"{rules.rest_days} day of rest and the fullest day take: have {wanted}"
        )
    shifts = {group: sum(s.people for s in own) for group, own in by_group.items()}
    for _ in range(people - wanted):
        counts[max(counts, key=lambda g: (shifts[g] / counts[g], g))] += 1
    return counts


def _enough(group: str, there: int, least: int, rules: Rules) -> None:
    if there < least:
        raise CannotRoster(
            f"people.{group}: {there} are fewer than the {least} whom {rules.weekly_minutes / 60:g} hours a week, "
            f"{rules.rest_days} day of rest and the fullest day take: have {least}"
        )


# ── week after week ──────────────────────────────────────────────────────────────────────────────────────────


def _nights(line: Line) -> int:
    return sum(pattern is not None and pattern.is_night for pattern in line)


def _weekend(line: Line) -> int:
    return sum(pattern is not None for pattern in line[5:])


def _days(line: Line) -> int:
    return sum(pattern is not None for pattern in line)


def _rotated(
    group: str,
    shifts: Sequence[PlannedShift],
    people: list[Person],
    weeks: int,
    rules: Rules,
    solver: Solver | None,
    seconds: float,
) -> _Rota:
    """Lines that are good to live with, when they can be shared evenly; else such that more of them may follow each
    other."""
    nightless = sum(not person.nights for person in people)
    best: _Rota | None = None
    for rotating in _ROTATING if weeks > 1 else (0,):
        one = Crew(group, tuple(shifts), len(people), nightless, rules, solver, seconds, rotating)
        rota = _Rota(people, one.lines())
        _rotate(rota, weeks, rules)
        if best is None or rota.apart < best.apart:
            best = rota
        if best.as_even_as_can_be:
            break
    assert best is not None
    return best


def _rotate(crew: _Rota, weeks: int, rules: Rules) -> None:
    """Choose everybody's line week by week, then look again at each week while the others stand."""
    follows = np.array([[_may_follow(a, b, rules) for b in crew.lines] for a in crew.lines])
    nightless = np.array([not person.nights for person in crew.people])
    barred = np.outer(nightless, [_nights(line) > 0 for line in crew.lines])
    for week in range(weeks):
        crew.chosen.append([])
        crew.chosen[week] = _assigned(crew, week, follows, barred)
    for _ in range(_SWEEPS if weeks > 1 else 0):
        before = [list(chosen) for chosen in crew.chosen]
        for week in range(weeks):
            crew.chosen[week] = _assigned(crew, week, follows, barred)
        if crew.chosen == before:
            break


def _assigned(crew: _Rota, week: int, follows: np.ndarray, barred: np.ndarray) -> list[int]:
    """The lines of one week, the other weeks given: least squares of nights, of weekend days and of days of work."""
    from scipy.optimize import linear_sum_assignment

    others = [chosen for w, chosen in enumerate(crew.chosen) if w != week and chosen]
    cost = np.zeros((len(crew.people), len(crew.lines)))
    for weight, count in ((400.0, _nights), (40.0, _weekend), (1.0, _days)):
        by_line = np.array([count(line) for line in crew.lines], np.float64)
        had = sum((by_line[chosen] for chosen in others), start=np.zeros(len(crew.people)))
        cost += weight * (had[:, None] + by_line[None, :]) ** 2
    cost[barred] = _NEVER
    if week > 0 and crew.chosen[week - 1]:
        cost[~follows[crew.chosen[week - 1], :]] = _NEVER
    if week + 1 < len(crew.chosen) and crew.chosen[week + 1]:
        cost[~follows[:, crew.chosen[week + 1]].T] = _NEVER
    people, lines = linear_sum_assignment(cost)
    if cost[people, lines].max(initial=0) >= _NEVER:
        raise CannotRoster(
            f"people.{crew.people[0].group}: after week {week} nobody may take some line of the next without breaking rest or "
            "days in a row: have one person more"
        )
    chosen: list[int] = lines[np.argsort(people)].tolist()
    return chosen


def _may_follow(first: Line, second: Line, rules: Rules) -> bool:
    """May somebody work the second line in the week after the first?"""
    last, head = first[6], second[0]
    if last is None or head is None:
        return True
    if head.begin % DAY + DAY - (last.begin % DAY + last.kind.minutes) < rules.rest_minutes:
        return False
    if _leading(second) + _leading(first[::-1]) > rules.most_days:
        return False
    return _leading(second, nights=True) + _leading(first[::-1], nights=True) <= rules.most_nights


def _leading(line: Line, *, nights: bool = False) -> int:
    """Days of work (or nights) in a row at the line's begin."""
    count = 0
    for pattern in line:
        if pattern is None or (nights and not pattern.is_night):
            break
        count += 1
    return count


def _even(crew: _Rota, count: object, *, only_nights: bool = False) -> Evenness:
    assert callable(count)
    by_line = [int(count(line)) for line in crew.lines]
    had = [
        sum(by_line[chosen[i]] for chosen in crew.chosen)
        for i, person in enumerate(crew.people)
        if person.nights or not only_nights
    ]
    total = sum(had)
    return Evenness(min(had, default=0), max(had, default=0), int(bool(had) and total % len(had) != 0))
