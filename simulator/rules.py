"""What a plan of shifts must keep to: the law, the five cities' plans, the national standard, and what we chose. Each
rule says which.

A `Shift pattern` is a kind of shift at a time of day with its meal at a time; the covering chooses how many people
work which pattern on which day. Minutes throughout; minutes of a day count from 0:00, 0 is Monday.

Sources. Law: 劳动法 (Labour Law) 第36条 8 hours a day, 44 a week on average, 第38条 one day of rest a week, 第39条
other systems with approval, 第41条 overtime; 国务院关于职工工作时间的规定 (1995) 第3条 8 hours a day, 40 a week.
Plans: Zhengzhou 2018 (staff = seats x 1.3, 146 seats), Heze 2021 (people sent by departments), Jingjiang 2017 (95 %
within 15 s). Standard: GB/T 33358-2016 (95 % over any 24 hours). China's law sets no hours between two shifts: the 11
hours are those of the European Union's directive 2003/88/EC, article 3, and our choice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, gcd

HALF_HOUR = 30
DAY = 1440
WEEK = 7 * DAY
ROWS = 336
"""half hours of a week, from Monday 0:00"""
NIGHT = (1320, 1800)
"""22:00 to 6:00: who works in it for three hours and more works a night (our choice of the three hours)"""
NIGHT_HOURS = 180
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True, slots=True)
class ShiftKind:
    """A kind of shift. ``minutes``: from coming to going. ``meal_minutes``: of them for the meal, which begins
    between ``meal_after`` (earliest, latest) minutes after the shift's begin; ``meal_paid``: it counts as work.
    ``starts``: when it may begin, in minutes of the day. ``weekdays``: on which days.
    """

    name: str
    minutes: int
    meal_minutes: int = 0
    meal_paid: bool = False
    meal_after: tuple[int, int] = (180, 300)
    starts: tuple[int, ...] = (0, *range(360, 1440, 60))
    weekdays: frozenset[int] = frozenset(range(7))

    @property
    def paid_minutes(self) -> int:
        """What is worked and paid."""
        return self.minutes - (0 if self.meal_paid else self.meal_minutes)


SIX = ShiftKind("6h", 360)
EIGHT = ShiftKind("8h", 480, 30, meal_paid=True, meal_after=(180, 270))
NINE = ShiftKind("9h", 540, 60, meal_after=(180, 300))
TWELVE = ShiftKind("12h", 720, 60, meal_after=(240, 420))
"""11 hours of work: only with the comprehensive system of working hours (综合计算工时), which the authority approves
(第39条)"""
KINDS: Mapping[str, ShiftKind] = {kind.name: kind for kind in (SIX, EIGHT, NINE, TWELVE)}


@dataclass(frozen=True, slots=True)
class Experts:
    """At least so many of an expert group on duty in its hours. ``weekdays``: 0 is Monday. A department's people come
    in office hours."""

    group: str
    at_least: int
    from_minute: int = 540
    to_minute: int = 1020
    weekdays: frozenset[int] = frozenset(range(5))


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules of a plan. ``None``: no limit.

    Law: ``daily_minutes``, ``weekly_minutes``, ``rest_days`` (a week). Our choice: ``rest_minutes`` between shifts,
    ``most_days`` and ``most_nights`` in a row, ``open_seats`` (so many taken at every hour: nobody is alone),
    ``half_hour`` (the answer rate below which no half hour of the week may lie), ``kinds``. ``comprehensive``: shifts
    of more than ``daily_minutes`` have been approved. Plans: ``staff_per_seat`` (Zhengzhou: 190 people for 146
    seats), ``seats`` (that the hall has), ``people`` (that there are), ``experts``, ``departments`` (Heze's people by
    yearly volume, for expert groups without a rule of their own), ``subcentre`` (Jingjiang: this share of transferred
    calls answered in time). Standard: ``any_day`` (answered over any 24 hours on end). ``hot_desks``: who eats leaves
    the desk to another; otherwise it stays taken. ``solve_seconds``: how long one covering is searched before the
    best with its bound is taken.
    """

    kinds: tuple[ShiftKind, ...] = (EIGHT, NINE)
    daily_minutes: int = 480
    weekly_minutes: int = 2400
    rest_days: int = 1
    rest_minutes: int = 660
    most_days: int = 6
    most_nights: int = 3
    comprehensive: bool = False
    open_seats: int = 2
    half_hour: float = 0.9
    any_day: float = 0.95
    subcentre: float = 0.95
    staff_per_seat: float = 1.3
    seats: int | None = None
    people: int | None = None
    hot_desks: bool = False
    experts: tuple[Experts, ...] = ()
    departments: bool = True
    solve_seconds: float = 20.0

    def staff(self, seats: int) -> int:
        """How many people the plan's ratio gives: 190 for 146 seats."""
        return ceil(round(seats * self.staff_per_seat, 6))

    @property
    def days_a_week(self) -> int:
        """The most days on which one person may work in a week."""
        return 7 - self.rest_days


def people_for(calls_a_year: float) -> int:
    """Heze's plan: how many people a department sends for its line, by the calls of a year: 1 below 500, 2 up to
    2,000, 3 above."""
    if calls_a_year < 500:
        return 1
    return 2 if calls_a_year <= 2000 else 3


@dataclass(frozen=True, slots=True)
class Pattern:
    """A kind of shift that begins at a minute of the week, its meal (``meal_minutes``, 0: none) at a minute after the
    begin."""

    begin: int
    kind: ShiftKind
    meal_after: int = 0

    @property
    def weekday(self) -> int:
        """On which it begins."""
        return self.begin // DAY

    @property
    def end(self) -> int:
        """Minute of the week; beyond its last for a Sunday night."""
        return self.begin + self.kind.minutes

    @property
    def is_night(self) -> bool:
        """Does it work in the night (`NIGHT`) for three hours and more?"""
        start = self.begin % DAY
        worked = sum(overlap(start, start + self.kind.minutes, NIGHT[0] + d, NIGHT[1] + d) for d in (-DAY, 0))
        return worked >= NIGHT_HOURS

    def present(self) -> dict[int, int]:
        """Minutes at work by half hour of the week, the meal left out; a week follows itself."""
        return self._minutes(meals=False)

    def taken(self) -> dict[int, int]:
        """Minutes in which the desk is taken, by half hour of the week: the meal is in it."""
        return self._minutes(meals=True)

    def _minutes(self, *, meals: bool) -> dict[int, int]:
        found: dict[int, int] = {}
        eats = (self.begin + self.meal_after, self.begin + self.meal_after + self.kind.meal_minutes)
        for row in range(self.begin // HALF_HOUR, -(-self.end // HALF_HOUR)):
            low, high = row * HALF_HOUR, (row + 1) * HALF_HOUR
            minutes = overlap(low, high, self.begin, self.end)
            minutes -= 0 if meals else overlap(low, high, *eats)
            if minutes:
                found[row % ROWS] = found.get(row % ROWS, 0) + minutes
        return found


def overlap(low: int, high: int, begin: int, end: int) -> int:
    """How long two spans have in common."""
    return max(0, min(high, end) - max(low, begin))


def patterns(rules: Rules) -> tuple[Pattern, ...]:
    """Every shift that the rules allow, in the order of the week. Raises ``ValueError`` with the rule, the fault and
    the remedy."""
    check(rules)
    found = []
    for kind in rules.kinds:
        meals = range(kind.meal_after[0], kind.meal_after[1] + 1, HALF_HOUR) if kind.meal_minutes else (0,)
        for day in sorted(kind.weekdays):
            found += [
                Pattern(day * DAY + start, kind, meal) for start in sorted(set(kind.starts)) for meal in meals
            ]
    return tuple(sorted(found, key=lambda p: (p.begin, p.kind.minutes, p.meal_after)))


def check(rules: Rules) -> None:
    """Raises ``ValueError`` for rules that cannot be kept or break each other."""
    if not rules.kinds:
        raise ValueError('rules.kinds: there is no shift: name some, kinds = ["8h", "9h"]')
    for kind in rules.kinds:
        place = f"rules.kinds.{kind.name}"
        if not kind.starts or not kind.weekdays:
            raise ValueError(f"{place}: it may never begin: give it starts and weekdays")
        if kind.minutes <= 0 or kind.minutes > DAY:
            raise ValueError(f"{place}: {kind.minutes} minutes are no shift: give 1 to {DAY}")
        if any(not 0 <= start < DAY for start in kind.starts):
            raise ValueError(f"{place}: a start lies outside the day: give times from 00:00 to 23:59")
        if (
            kind.meal_minutes
            and not 0 < kind.meal_after[0] <= kind.meal_after[1] < kind.minutes - kind.meal_minutes
        ):
            raise ValueError(f"{place}: the meal does not lie inside the shift: mend meal_after")
        if kind.paid_minutes > rules.daily_minutes and not rules.comprehensive:
            raise ValueError(
                f"{place}: {kind.paid_minutes / 60:g} hours of work are more than {rules.daily_minutes / 60:g} a day "
                "(劳动法 36): leave it out, or write comprehensive = true when the authority approved it (39)"
            )
        if DAY - kind.minutes < rules.rest_minutes:
            raise ValueError(
                f"{place}: two on end leave {(DAY - kind.minutes) / 60:g} hours of rest, and rest_hours asks "
                f"{rules.rest_minutes / 60:g}: make the shift shorter"
            )
        if kind.paid_minutes > rules.weekly_minutes:
            raise ValueError(f"{place}: one shift is longer than the week's hours: raise weekly_hours")


def paid_step(kinds: tuple[ShiftKind, ...]) -> int:
    """The minutes of which every sum of paid minutes is a multiple."""
    return gcd(*(kind.paid_minutes for kind in kinds))


def clock(minute: int) -> str:
    """``09:30``, of a minute of the week or the day."""
    return f"{minute % DAY // 60:02d}:{minute % 60:02d}"


def moment(row: int) -> str:
    """``Mon 09:30``, of a half hour of the week."""
    return f"{DAYS[row // 48 % 7]} {clock(row * HALF_HOUR)}"
