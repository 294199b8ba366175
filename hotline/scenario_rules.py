"""The rules of a plan of shifts as they stand in a scenario's file: the table ``[rules]``.

```toml
[rules]
shifts = ["8h", "9h"]                 # 6h, 8h, 9h, 12h, or kinds of one's own
seats = 146                           # that the hall has
[rules.experts.transport]             # a group of the scenario
at_least = 3
```
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from hotline.city_words import STRICT, Word
from simulator.rules import KINDS, Experts, Rules, ShiftKind, check

Time = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$")]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Rate = Annotated[float, Field(ge=0, lt=1)]


class Table(BaseModel):
    """No key that is not known, no value of another type."""

    model_config = STRICT


class KindTable(Table):
    """A kind of shift."""

    hours: float = Field(gt=0, le=24, description="from coming to going")
    meal_minutes: int = Field(default=0, ge=0, le=180)
    meal_paid: bool = Field(default=False, description="the meal counts as work")
    meal_from_hours: float = Field(
        default=3.0, ge=0, le=24, description="begins at the earliest so long after coming"
    )
    meal_to_hours: float = Field(default=5.0, ge=0, le=24, description="and at the latest")
    starts: list[Time] | None = Field(default=None, min_length=1, description="without it those of [rules]")
    weekdays: list[Weekday] = Field(default=list(WEEKDAYS), min_length=1)


class ExpertsTable(Table):
    """At least so many of a group on duty in its hours."""

    at_least: int = Field(ge=1, le=1000)
    from_: Time = Field(default="09:00", alias="from")
    to: Time = "17:00"
    weekdays: list[Weekday] = Field(default=list(WEEKDAYS[:5]), min_length=1)


class RulesTable(Table):
    """What ``hotline staff`` keeps to. Sources: docs/staffing.md."""

    shifts: list[str] = Field(
        default=["8h", "9h"],
        min_length=1,
        description="which kinds are allowed: 6h, 8h, 9h, 12h, or one of kinds",
    )
    kinds: dict[Word, KindTable] = Field(default={}, description="kinds of shift of one's own")
    starts: list[Time] | None = Field(
        default=None,
        min_length=1,
        description="when shifts may begin; without it midnight and 06:00 to 23:00 by the hour",
    )
    daily_hours: float = Field(default=8.0, gt=0, le=24, description="law: 8")
    weekly_hours: float = Field(default=40.0, gt=0, le=168, description="law: 40, and 44 at most")
    comprehensive_hours: bool = Field(
        default=False, description="the authority approved longer days (综合计算工时工作制)"
    )
    rest_days: int = Field(default=1, ge=1, le=6, description="a week; law: 1")
    rest_hours: float = Field(default=11.0, ge=0, le=23, description="between two shifts")
    most_days_in_a_row: int = Field(default=6, ge=1, le=12)
    most_nights_in_a_row: int = Field(default=3, ge=1, le=7)
    open_seats: int = Field(default=2, ge=0, le=1000, description="taken at every hour")
    half_hour_rate: Rate = Field(default=0.90, description="answer rate below which no half hour may lie")
    any_24_hours_rate: Rate = Field(default=0.95, description="over any 24 hours on end: GB/T 33358-2016")
    subcentre_rate: Rate = Field(default=0.95, description="transferred calls answered in time")
    staff_per_seat: float = Field(default=1.3, ge=0, le=20, description="Zhengzhou: 190 people for 146 seats")
    seats: int | None = Field(default=None, ge=1, le=100_000, description="that the hall has")
    people: int | None = Field(default=None, ge=1, le=1_000_000, description="that there are")
    hot_desks: bool = Field(default=False, description="who eats leaves the desk to another")
    department_people: bool = Field(
        default=True, description="expert groups have 1, 2 or 3 people by their yearly calls: Heze"
    )
    experts: dict[Word, ExpertsTable] = Field(default={}, description="by group of the scenario")
    solve_seconds: float = Field(
        default=20.0, gt=0, le=3600, description="of one search for the cheapest shifts"
    )


def rules_of(table: RulesTable) -> Rules:
    """The rules that a file's table means. Raises ``ValueError``, `place: fault: remedy`."""
    kinds = tuple(_kind(name, table) for name in table.shifts)
    for group, experts in table.experts.items():
        if minutes(experts.from_) >= minutes(experts.to):
            raise ValueError(f"rules.experts.{group}: it ends before it begins: give from and to of one day")
    made = Rules(
        kinds=kinds,
        daily_minutes=round(table.daily_hours * 60),
        weekly_minutes=round(table.weekly_hours * 60),
        rest_days=table.rest_days,
        rest_minutes=round(table.rest_hours * 60),
        most_days=table.most_days_in_a_row,
        most_nights=table.most_nights_in_a_row,
        comprehensive=table.comprehensive_hours,
        open_seats=table.open_seats,
        half_hour=table.half_hour_rate,
        any_day=table.any_24_hours_rate,
        subcentre=table.subcentre_rate,
        staff_per_seat=table.staff_per_seat,
        seats=table.seats,
        people=table.people,
        hot_desks=table.hot_desks,
        experts=tuple(
            Experts(group, e.at_least, minutes(e.from_), minutes(e.to), _weekdays(e.weekdays))
            for group, e in sorted(table.experts.items())
        ),
        departments=table.department_people,
        solve_seconds=table.solve_seconds,
    )
    check(made)
    return made


def _kind(name: str, table: RulesTable) -> ShiftKind:
    starts = None if table.starts is None else tuple(minutes(t) % 1440 for t in table.starts)
    own = table.kinds.get(name)
    if own is None:
        if name not in KINDS:
            known = ", ".join([*KINDS, *table.kinds])
            raise ValueError(
                f"rules.shifts: {name!r} is no kind of shift: take some of {known}, or write [rules.kinds.{name}]"
            )
        return KINDS[name] if starts is None else replace(KINDS[name], starts=starts)
    made = ShiftKind(
        name,
        round(own.hours * 60),
        own.meal_minutes,
        own.meal_paid,
        (round(own.meal_from_hours * 60), round(own.meal_to_hours * 60)),
        weekdays=_weekdays(own.weekdays),
    )
    if own.starts is not None:
        starts = tuple(minutes(t) % 1440 for t in own.starts)
    return made if starts is None else replace(made, starts=starts)


def _weekdays(names: list[Weekday]) -> frozenset[int]:
    return frozenset(WEEKDAYS.index(name) for name in names)


def minutes(time: str) -> int:
    """``"09:30"`` as minutes of the day."""
    hours, rest = time.split(":")
    return int(hours) * 60 + int(rest)
