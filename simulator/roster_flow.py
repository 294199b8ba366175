"""One week's shifts shared out among people who are not yet named: a flow, as an integer programme.

A person's week is a path through the days. At every midnight it is in a *state*: days and minutes worked so far, the
band of the day before, nights and weekend days so far. Shifts whose times are alike are one *band*: so narrow that
anybody may work any two of its shifts on days that follow each other, so one step may be followed by another exactly
when the latest end and the earliest begin of the bands leave the hours of rest. How many people take which step on
which day is a whole number, however many people there are: the size of the programme does not grow with them. Every
path in it keeps the rules, and the flow falls apart into paths (L. Ford, D. Fulkerson, "Flows in networks", 1962, ch.
I.2).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from simulator.programme import Programme, Solver, solve
from simulator.rules import DAY, Pattern, Rules

OFF = -1


@dataclass(frozen=True, slots=True)
class Band:
    """Shifts that are alike. ``begin``: the earliest, ``end``: the latest, in minutes of the day; ``paid``: minutes
    of each; ``night``: of each."""

    begin: int
    end: int
    paid: int
    night: bool


@dataclass(frozen=True, slots=True)
class Limits:
    """What everybody's week must lie within. Ranges are (least, most). ``nightless``: so many people work no night at
    all, whatever ``nights`` says; ``days`` of work, ``weekend``: days of work on Saturday and Sunday. ``rotating``:
    what each day beyond two costs that is worked on end from a Monday on or up to a Sunday: it narrows what may come
    in the other week."""

    people: int
    days: tuple[int, int]
    nights: tuple[int, int]
    weekend: tuple[int, int]
    nightless: int = 0
    rotating: int = 0
    comfort: bool = True


@dataclass(frozen=True, slots=True)
class _State:
    days: int
    paid: int
    last: int
    run: int
    """nights in a row; of `OFF`: days off in a row, 2 stands for more"""
    nights: int
    weekend: int
    row: int
    """days of work in a row"""


_START = _State(0, 0, OFF, 2, 0, 0, 0)
_ALONE, _EARLIER = 2, 1
"""what a single day off between two of work costs, and a step to a band that begins earlier: people sleep badly on
both"""


def bands(
    shifts: Iterable[Pattern], rules: Rules, *, width: int = DAY
) -> tuple[tuple[Band, ...], dict[Pattern, int]]:
    """The bands of some shifts, and each shift's. ``width``: minutes between the first and the last begin in a band, at most:
    the narrower the bands, the more may follow each other, and the larger the programme."""
    made: list[Band] = []
    of: dict[Pattern, int] = {}
    by_kind: dict[tuple[int, bool], list[Pattern]] = defaultdict(list)
    for pattern in sorted(set(shifts), key=lambda p: (p.begin % DAY, p.kind.minutes, p.begin, p.meal_after)):
        by_kind[pattern.kind.paid_minutes, pattern.is_night].append(pattern)
    for (paid, night), alike in sorted(by_kind.items(), key=lambda item: (item[0][0], item[0][1])):
        band: Band | None = None
        for pattern in alike:
            begin = pattern.begin % DAY
            end = begin + pattern.kind.minutes
            latest = max(end, band.end) if band else end
            other = band is not None and begin - band.begin > width
            if band is None or other or band.begin + DAY - latest < rules.rest_minutes:
                band = Band(begin, end, paid, night)
                made.append(band)
            else:
                band = Band(band.begin, latest, paid, night)
                made[-1] = band
            of[pattern] = len(made) - 1
    return tuple(made), of


def may_follow(first: Band, second: Band, rules: Rules) -> bool:
    """Do any two shifts of these bands, on days that follow each other, leave the hours of rest?"""
    return second.begin + DAY - first.end >= rules.rest_minutes


class Week:
    """The programme of one week. ``wanted[day][band]``: so many people on it."""

    def __init__(
        self, made: Sequence[Band], wanted: Sequence[Sequence[int]], limits: Limits, rules: Rules
    ) -> None:
        self.bands, self.wanted, self.limits, self.rules = made, wanted, limits, rules
        self.follows = [[may_follow(a, b, rules) for b in made] for a in made]
        self.steps = self._steps()

    def paths(self, *, solver: Solver | None, seconds: float) -> list[tuple[int, ...]] | None:
        """Each person's bands by day (`OFF`: not at work); ``None``: nobody can share these shifts out so, which is
        proven.

        Raises ``TimeoutError`` where the seconds did not do for either.
        """
        programme, columns = self._programme()
        if programme is None:
            return None
        found = solve(programme, solver=solver, seconds=seconds)
        if found.values is None:
            if found.proven:
                return None
            raise TimeoutError(f"roster: {seconds:g} s did not do")
        return self._taken_apart(columns, found.values)

    # ── the network ──────────────────────────────────────────────────────────────────────────────────────────

    def _after(self, state: _State, day: int) -> Iterable[_State]:
        rules, limits = self.rules, self.limits
        free = min(state.run + 1, 2) if state.last == OFF else 1
        yield _State(state.days, state.paid, OFF, free, state.nights, state.weekend, 0)
        if state.days == min(rules.days_a_week, limits.days[1]):
            return
        weekend = state.weekend + (day >= 5)
        if weekend > limits.weekend[1]:
            return
        for number, band in enumerate(self.bands):
            if not self.wanted[day][number] or state.paid + band.paid > rules.weekly_minutes:
                continue
            if state.last != OFF and not self.follows[state.last][number]:
                continue
            again = state.last != OFF and self.bands[state.last].night
            run = (state.run * again + 1) if band.night else 0
            nights = state.nights + band.night
            if nights <= limits.nights[1] and run <= rules.most_nights:
                yield _State(
                    state.days + 1, state.paid + band.paid, number, run, nights, weekend, state.row + 1
                )

    def _cost(self, before: _State, after: _State, day: int) -> int:
        if not self.limits.comfort:
            return 0
        if after.last == OFF:
            first_off = before.last != OFF and before.row == before.days
            return self.limits.rotating * max(before.row - 2, 0) if first_off else 0
        last = self.limits.rotating * max(after.row - 2, 0) if day == 6 else 0
        if before.last == OFF:
            return last + _ALONE * (before.run == 1)
        return last + _EARLIER * (self.bands[after.last].begin < self.bands[before.last].begin)

    def _ends(self, state: _State) -> bool:
        limits = self.limits
        enough = state.nights >= limits.nights[0] or (limits.nightless > 0 and state.nights == 0)
        return enough and state.days >= limits.days[0] and state.weekend >= limits.weekend[0]

    def _steps(self) -> list[list[tuple[_State, _State]]]:
        """By day the steps from state to state that lie on a path from the first midnight to an end that is allowed."""
        layers: list[set[_State]] = [{_START}]
        steps: list[list[tuple[_State, _State]]] = []
        for day in range(7):
            made = [(state, after) for state in layers[-1] for after in self._after(state, day)]
            steps.append(made)
            layers.append({after for _, after in made})
        alive = {state for state in layers[7] if self._ends(state)}
        for day in range(6, -1, -1):
            steps[day] = sorted((step for step in steps[day] if step[1] in alive), key=_order)
            alive = {state for state, _ in steps[day]}
        return steps

    def _programme(self) -> tuple[Programme | None, list[list[tuple[_State, _State, int]]]]:
        programme = Programme()
        columns: list[list[tuple[_State, _State, int]]] = []
        entering: dict[tuple[int, _State], list[int]] = defaultdict(list)
        leaving: dict[tuple[int, _State], list[int]] = defaultdict(list)
        on: dict[tuple[int, int], list[int]] = defaultdict(list)
        for day, steps in enumerate(self.steps):
            today = []
            for before, after in steps:
                column = programme.column(cost=self._cost(before, after, day), upper=self.limits.people)
                today.append((before, after, column))
                leaving[day, before].append(column)
                entering[day + 1, after].append(column)
                if after.last != OFF:
                    on[day, after.last].append(column)
            columns.append(today)
        if not self.steps[0]:
            return None, columns
        first = leaving[0, _START]
        programme.row(first, [1] * len(first), lower=self.limits.people, upper=self.limits.people)
        for (day, state), arriving in entering.items():
            if day < 7:
                going = leaving[day, state]
                signs = [1] * len(arriving) + [-1] * len(going)
                programme.row([*arriving, *going], signs, lower=0, upper=0)
        for day in range(7):
            for band, count in enumerate(self.wanted[day]):
                if count and not on[day, band]:
                    return None, columns
                if count:
                    programme.row(on[day, band], [1] * len(on[day, band]), lower=count, upper=count)
        if self.limits.nightless:
            free = [c for _, after, c in columns[6] if after.nights == 0]
            most = None if self.limits.nights[0] == 0 else self.limits.nightless
            programme.row(free, [1] * len(free), lower=self.limits.nightless, upper=most)
        return programme, columns

    def _taken_apart(
        self, columns: list[list[tuple[_State, _State, int]]], values: Sequence[int]
    ) -> list[tuple[int, ...]]:
        left: list[dict[_State, list[tuple[_State, int]]]] = []
        for today in columns:
            going: dict[_State, list[tuple[_State, int]]] = defaultdict(list)
            for before, after, column in today:
                if values[column]:
                    going[before].append((after, values[column]))
            left.append(going)
        made = []
        for _ in range(self.limits.people):
            state, path = _START, []
            for day in range(7):
                after, count = left[day][state].pop()
                if count > 1:
                    left[day][state].append((after, count - 1))
                state = after
                path.append(state.last)
            made.append(tuple(path))
        return made


def _order(step: tuple[_State, _State]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """So that the programme is the same every time."""
    return _key(step[0]), _key(step[1])


def _key(state: _State) -> tuple[int, ...]:
    return state.days, state.paid, state.last, state.run, state.nights, state.weekend, state.row
