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
_TRIES = sorted(product(range(3), range(3), range(3)), key=lambda t: (sum(t), t))
"""how much wider than arithmetic asks the differences of nights, of weekend days and of days of work may be, the best
first"""
_WIDTHS = (DAY, 120)
"""of the bands: the widest first, for then the programme is small"""
_EVEN = 1
"""up to this one of the tries nights and weekends are as even as can be"""
_A_TRY = 2.0
"""seconds for one of them: what is left then is only how comfortable the lines are"""
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
        best: tuple[int, list[Line]] | None = None
        for width in _WIDTHS:
            made, of = bands([shift.pattern for shift in self.shifts], self.rules, width=width)
            found = self._most_even(made, of, len(_TRIES) if best is None else best[0])
            if found is not None:
                best = found[0], _told_apart(found[1], self.shifts, of)
            if best is not None and (best[0] <= _EVEN or self.rotating):
                break
        if best is not None:
            return best[1]
        more = replace(self, people=self.people + 1).fewest()
        if more is None:
            raise CannotRoster(
                f"people.{self.group}: no roster was found for {self.people} nor for {_SEARCH} more with "
                f"{self.rules.rest_minutes / 60:g} hours of rest and {self.rules.most_nights} nights in a row: let more of "
                "them work nights, or loosen these rules"
            )
        raise CannotRoster(
            f"people.{self.group}: no roster was found for {self.people} with {self.rules.rest_minutes / 60:g} hours of rest, "
            f"{self.rules.most_nights} nights in a row and {self.rules.weekly_minutes / 60:g} hours a week: have {more}"
        )

    def fewest(self) -> int | None:
        """How many people can work these shifts, from ``people`` on upwards; ``None``: a few dozen more cannot
        either."""
        for people in range(self.people, self.people + _SEARCH + 1):
            for width in _WIDTHS:
                made, of = bands([shift.pattern for shift in self.shifts], self.rules, width=width)
                if replace(self, people=people)._can(made, of):
                    return people
        return None

    def _most_even(
        self, made: Sequence[Band], of: Mapping[Pattern, int], before: int
    ) -> tuple[int, list[tuple[int, ...]]] | None:
        """The first of the `_TRIES` that gives lines, of those before this one, and the lines; last come any at all."""
        if self.nightless >= self.people and any(band.night for band in made):
            return None
        anyhow: list[tuple[int, ...]] | None = None
        for place, tried in enumerate(_TRIES[:before]):
            limits = self._limits(made, of, tried)
            paths = self._paths(made, self._wanted(made, of), limits, min(self.seconds, _A_TRY))
            if paths is not None:
                return place, paths
            if anyhow is None:
                # the first try is mostly enough; where it is not, it may be that nothing is
                anyhow = self._open(made, of)
                if anyhow is None:
                    return None
        return (before, anyhow) if anyhow is not None and before == len(_TRIES) else None

    def _limits(
        self,
        made: Sequence[Band],
        of: Mapping[Pattern, int],
        wider: tuple[int, int, int],
        *,
        comfort: bool = True,
    ) -> Limits:
        wanted = self._wanted(made, of)
        total = sum(map(sum, wanted))
        nights = sum(wanted[day][k] for day in range(7) for k, band in enumerate(made) if band.night)
        weekend = sum(wanted[5]) + sum(wanted[6])
        return Limits(
            self.people,
            _range(total, self.people, wider[2], self.rules.days_a_week),
            _range(nights, self.people - self.nightless, wider[0], 7),
            _range(weekend, self.people, wider[1], 2),
            self.nightless,
            self.rotating,
            comfort,
        )

    def _can(self, made: Sequence[Band], of: Mapping[Pattern, int]) -> bool:
        """Is there a roster at all? An even one is found sooner, for there are fewer states to look at."""
        even = self._limits(made, of, _TRIES[0], comfort=False)
        if self._paths(made, self._wanted(made, of), even, min(self.seconds, _A_TRY)) is not None:
            return True
        return self._open(made, of) is not None

    def _open(self, made: Sequence[Band], of: Mapping[Pattern, int]) -> list[tuple[int, ...]] | None:
        """Lines that keep the rules, however uneven."""
        limits = Limits(self.people, (0, 7), (0, 7), (0, 2), self.nightless, comfort=False)
        return self._paths(made, self._wanted(made, of), limits, self.seconds)

    def _paths(
        self, made: Sequence[Band], wanted: Sequence[Sequence[int]], limits: Limits, seconds: float
    ) -> list[tuple[int, ...]] | None:
        try:
            return Week(made, wanted, limits, self.rules).paths(solver=self.solver, seconds=seconds)
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
