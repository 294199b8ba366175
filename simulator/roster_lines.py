"""A week's shifts as lines, one a person: as even as can be, and whether so many people can work them at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from simulator.programme import Solver
from simulator.roster_flow import OFF, Band, Limits, Week, bands
from simulator.rules import DAY, Pattern, Rules
from simulator.shifts import PlannedShift, least_people

Line = tuple[Pattern | None, ...]
"""a week by day"""
_SEARCH = 40
"""people more than there are, among whom the remedy is looked for"""


class CannotRoster(ValueError):
    """These people cannot work these shifts. One line."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a number. ``nights``: may work nights (in China not with child from the seventh month on, nor
    while nursing: 女职工劳动保护特别规定 第6, 9条)."""

    number: str
    group: str
    nights: bool = True


@dataclass(frozen=True, slots=True)
class Crew:
    """The shifts of one group and how many share them. ``nightless``: of the ``people``, those who work no night.
    ``rotating``: how much it counts that a line may follow any other (`simulator.roster_flow.Limits`)."""

    group: str
    shifts: tuple[PlannedShift, ...]
    people: int
    nightless: int
    rules: Rules
    solver: Solver | None = None
    seconds: float = 10.0
    rotating: int = 0

    def lines(self) -> list[Line]:
        """Lines with the smallest differences that there are: nights first, then weekends, then days of work.

        Raises `CannotRoster` with the number of people that it takes.
        """
        for fine in (False, True):
            made, of = bands([shift.pattern for shift in self.shifts], self.rules, fine=fine)
            paths = self._most_even(made, of)
            if paths is not None:
                return _told_apart(paths, self.shifts, of)
        more = replace(self, people=self.people + 1).fewest()
        if more is None:
            raise CannotRoster(
                f"people.{self.group}: neither {self.people} nor {_SEARCH} more can work these shifts with "
                f"{self.rules.rest_minutes / 60:g} hours of rest and {self.rules.most_nights} nights in a row: let more of "
                "them work nights, or loosen these rules"
            )
        raise CannotRoster(
            f"people.{self.group}: {self.people} cannot work these shifts with {self.rules.rest_minutes / 60:g} hours of rest, "
            f"{self.rules.most_nights} nights in a row and {self.rules.weekly_minutes / 60:g} hours a week: have {more}"
        )

    def fewest(self) -> int | None:
        """How many people can work these shifts, from ``people`` on upwards; ``None``: a few dozen more cannot
        either."""
        for people in range(self.people, self.people + _SEARCH + 1):
            for fine in (False, True):
                made, of = bands([shift.pattern for shift in self.shifts], self.rules, fine=fine)
                if replace(self, people=people)._open(made, of) is not None:
                    return people
        return None

    def _most_even(self, made: Sequence[Band], of: Mapping[Pattern, int]) -> list[tuple[int, ...]] | None:
        wanted = self._wanted(made, of)
        total = sum(map(sum, wanted))
        nights = sum(wanted[day][k] for day in range(7) for k, band in enumerate(made) if band.night)
        weekend = sum(wanted[5]) + sum(wanted[6])
        if self.nightless >= self.people and nights:
            return None
        if self._open(made, of) is None:
            return None
        for n, w, d in sorted(product(range(3), repeat=3), key=lambda t: (sum(t), t)):
            limits = Limits(
                self.people,
                _range(total, self.people, d, self.rules.days_a_week),
                _range(nights, self.people - self.nightless, n, 7),
                _range(weekend, self.people, w, 2),
                self.nightless,
                self.rotating,
            )
            try:
                paths = Week(made, wanted, limits, self.rules).paths(solver=self.solver, seconds=self.seconds)
            except TimeoutError:
                continue
            if paths is not None:
                return paths
        return self._open(made, of)

    def _open(self, made: Sequence[Band], of: Mapping[Pattern, int]) -> list[tuple[int, ...]] | None:
        """Lines that keep the rules, however uneven."""
        limits = Limits(self.people, (0, 7), (0, 7), (0, 2), self.nightless)
        try:
            return Week(made, self._wanted(made, of), limits, self.rules).paths(
                solver=self.solver, seconds=self.seconds
            )
        except TimeoutError:
            return None

    def _wanted(self, made: Sequence[Band], of: Mapping[Pattern, int]) -> list[list[int]]:
        wanted = [[0] * len(made) for _ in range(7)]
        for shift in self.shifts:
            wanted[shift.weekday][of[shift.pattern]] += shift.people
        return wanted


def fewest_people(
    shifts: Sequence[PlannedShift], rules: Rules, *, solver: Solver | None = None
) -> dict[str, int]:
    """By group how many people can work these shifts, and no fewer; a group that nobody found lines for has its
    least."""
    made = {}
    for group, least in least_people(shifts, rules).items():
        own = tuple(shift for shift in shifts if shift.group == group)
        made[group] = Crew(group, own, least, 0, rules, solver).fewest() or least
    return made


def _range(total: int, people: int, wider: int, most: int) -> tuple[int, int]:
    """What everybody has when a total is divided as evenly as can be, and so much to both sides."""
    if people <= 0:
        return 0, 0
    return max(total // people - wider, 0), min(-(-total // people) + wider, most)


def _told_apart(
    paths: Sequence[tuple[int, ...]], shifts: Sequence[PlannedShift], of: Mapping[Pattern, int]
) -> list[Line]:
    """Bands become shifts: who began early the day before begins early again."""
    made: list[list[Pattern | None]] = [[None] * 7 for _ in paths]
    begun = [0] * len(paths)
    for day in range(7):
        for band in sorted({path[day] for path in paths} - {OFF}):
            there = [i for i, path in enumerate(paths) if path[day] == band]
            today = [
                shift.pattern
                for shift in sorted(
                    shifts, key=lambda s: (s.pattern.begin, s.pattern.kind.minutes, s.pattern.meal_after)
                )
                if shift.weekday == day and of[shift.pattern] == band
                for _ in range(shift.people)
            ]
            there.sort(key=lambda i: (begun[i], i))
            for i, pattern in zip(there, today, strict=True):
                made[i][day] = pattern
                begun[i] = pattern.begin % DAY
    return [tuple(line) for line in made]
