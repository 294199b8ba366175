"""A roster looked at again, rule by rule, without the solver that made it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

from simulator.roster import Roster
from simulator.roster_lines import Person
from simulator.rules import DAY, Pattern, clock, moment
from simulator.shifts import PlannedShift


def faults(made: Roster, shifts: Sequence[PlannedShift] | None = None) -> list[str]:
    """Every rule that a roster breaks, a line each: looked at without the solver. ``shifts``: those that have to be
    worked each week."""
    found: list[str] = []
    for person in made.people:
        found += _faults_of(person, made)
    if shifts is not None:
        found += _not_worked(made, shifts)
    return found


def _faults_of(person: Person, made: Roster) -> list[str]:
    rules, found = made.rules, []
    duties = made.of(person.number)
    days = [(duty.on - made.start).days for duty in duties]
    place = f"people.{person.number}"
    if len(set(days)) < len(days):
        found.append(f"{place}: two shifts on one day")
    for one, other in pairwise(duties):
        rest = (other.on - one.on).days * DAY + other.from_minute - one.to_minute
        if rest < rules.rest_minutes:
            found.append(f"{place}: {rest / 60:g} hours of rest before {other.on} {clock(other.from_minute)}")
    for week in range(made.weeks):
        own = [d for d, day in zip(duties, days, strict=True) if day // 7 == week]
        paid = sum(duty.pattern.kind.paid_minutes for duty in own)
        if paid > rules.weekly_minutes:
            found.append(f"{place}: {paid / 60:g} hours in week {week + 1}")
        if len(own) > rules.days_a_week:
            found.append(f"{place}: {len(own)} days of work in week {week + 1}")
    if _longest(days) > rules.most_days:
        found.append(f"{place}: {_longest(days)} days of work in a row")
    nights = [day for duty, day in zip(duties, days, strict=True) if duty.pattern.is_night]
    if _longest(nights) > rules.most_nights:
        found.append(f"{place}: {_longest(nights)} nights in a row")
    if nights and not person.nights:
        found.append(f"{place}: nights, and may work none")
    return found


def _longest(days: Sequence[int]) -> int:
    best = run = 0
    for i, day in enumerate(days):
        run = run + 1 if i and day == days[i - 1] + 1 else 1
        best = max(best, run)
    return best


def _not_worked(made: Roster, shifts: Sequence[PlannedShift]) -> list[str]:
    found = []
    for week in range(made.weeks):
        have: dict[tuple[str, Pattern], int] = defaultdict(int)
        for duty in made.duties:
            if (duty.on - made.start).days // 7 == week:
                have[duty.group, duty.pattern] += 1
        want = {(shift.group, shift.pattern): shift.people for shift in shifts}
        for group, pattern in have.keys() | want.keys():
            there, planned = have.get((group, pattern), 0), want.get((group, pattern), 0)
            if there != planned:
                found.append(
                    f"week {week + 1}: {group}, {moment(pattern.begin // 30)}: {there} people, {planned} planned"
                )
    return sorted(found)
