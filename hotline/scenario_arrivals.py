"""The arrivals of a scenario's file: profile, kinds of days, surges."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, timedelta

from dialplans.hours import working_day
from hotline.scenario_schema import WEEKDAYS, ScenarioFile, SurgeTable
from simulator.scenario import Arrivals, Surge

Days = frozenset[date]

_SUNDAY, _TUESDAY = 6, 1


def public_days(file: ScenarioFile) -> tuple[Days, Days]:
    """The public holidays, and the weekend days worked in exchange, from two days before the run to its end."""
    days = (file.start + timedelta(days=day) for day in range(-2, file.days + 1))
    known = {day: working_day(day) for day in days}
    return (
        frozenset(day for day, what in known.items() if what.holiday),
        frozenset(day for day, what in known.items() if what.makeup),
    )


def arrivals_of(file: ScenarioFile, days_off: Days, makeup: Days) -> tuple[Arrivals, list[str]]:
    """The arrivals of a file, and what is wrong with them: then they are of no use."""
    table = file.arrivals
    told: list[str] = []
    known = file.records is not None and file.records.arrivals
    if table.per_day is None and not known:
        told.append("arrivals.per_day: is missing: write how many call on a usual day")
    if table.growth and table.since is None:
        told.append("arrivals.since: is missing: write for which day per_day holds, growth counts from it")
    weights = table.half_hours or (None if table.hours is None else halved(table.hours))
    if weights is None and not known:
        told.append("arrivals.hours: is missing: write how the day's calls are spread over its 24 hours")
    elif weights is not None and math.fsum(weights) <= 0:
        told.append("arrivals.hours: nobody ever calls: write at least one number above 0")
        weights = None
    total = math.fsum(weights or [48.0])
    weekdays = tuple(getattr(table.weekdays, day) for day in WEEKDAYS)
    surges = [surge for place, row in enumerate(file.surges) for surge in _surges(file, place, row, told)]
    made = Arrivals(
        per_day=table.per_day or 1.0,
        half_hours=tuple(weight / total for weight in weights or [1.0] * 48),
        weekdays=weekdays,
        holidays=_dates(file, weekdays, days_off, makeup, told),
        growth=table.growth,
        since=table.since,
        busyness=table.busyness,
        dispersion=table.dispersion,
        surges=tuple(surges),
    )
    return made, told


def _dates(
    file: ScenarioFile, weekdays: tuple[float, ...], days_off: Days, makeup: Days, told: list[str]
) -> Mapping[date, float]:
    """The days of the run whose factor is not their weekday's."""
    table = file.arrivals
    run = [file.start + timedelta(days=day) for day in range(file.days)]
    sunday, tuesday = weekdays[_SUNDAY], weekdays[_TUESDAY]
    found = {day: sunday if table.holiday is None else table.holiday for day in run if day in days_off}
    found |= {day: tuesday if table.makeup is None else table.makeup for day in run if day in makeup}
    for text, factor in table.dates.items():
        try:
            day = date.fromisoformat(text)
        except ValueError:
            told.append(f"arrivals.dates.{text}: is no date: write it as 2026-03-15")
            continue
        if day in run:
            found[day] = factor
    return found


def _surges(file: ScenarioFile, place: int, row: SurgeTable, told: list[str]) -> list[Surge]:
    first, last = minutes(row.from_), minutes(row.to)
    if last <= first:
        told.append(
            f"surges[{place}].to: ends before it starts ({row.from_}): for the next day write 24 more"
        )
        return []
    if row.day is not None and row.day > file.days:
        told.append(f"surges[{place}].day: the scenario has {file.days}: write one of them")
        return []
    days = range(file.days) if row.day is None else (row.day - 1,)
    return [Surge(row.factor, day * 1440 + first, day * 1440 + last, row.line) for day in days]


def halved(hours: list[float]) -> list[float]:
    """48 half hours of 24 hours: every hour keeps its total and leans towards its busier neighbour."""
    found: list[float] = []
    for place, hour in enumerate(hours):
        before, after = hours[place - 1], hours[(place + 1) % 24]
        lean = min(max((after - before) / 16, -hour / 2), hour / 2)
        found += [hour / 2 - lean, hour / 2 + lean]
    return found


def minutes(clock: str) -> int:
    """``08:30`` as minutes since midnight."""
    hour, _, minute = clock.partition(":")
    return int(hour) * 60 + int(minute)
