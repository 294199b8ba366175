"""From a covering to people on shifts: planned shifts by group, and the scenario that has them, to be played again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from simulator.covering import Cover
from simulator.laid_out import expected_calls
from simulator.needs import Ints, Pool, can_answer, fixed_seats, rows_of, split
from simulator.rules import ROWS, Experts, Pattern, Rules, clock, people_for
from simulator.scenario import Break, Group, Line, Scenario, Shift


@dataclass(frozen=True, slots=True)
class PlannedShift:
    """So many people of a group work this shift each week. ``pattern``: when, how long, when they eat."""

    group: str
    pattern: Pattern
    people: int

    @property
    def name(self) -> str:
        """``09:00-18:00 meal 13:00``."""
        return shift_name(self.pattern)

    @property
    def weekday(self) -> int:
        """0: Monday."""
        return self.pattern.weekday

    @property
    def paid_minutes(self) -> int:
        """Of one of the people."""
        return self.pattern.kind.paid_minutes


def shift_name(pattern: Pattern) -> str:
    """The shift in words; the same on every weekday."""
    name = f"{clock(pattern.begin)}-{clock(pattern.end)}"
    return f"{name} meal {clock(pattern.begin + pattern.meal_after)}" if pattern.kind.meal_minutes else name


def planned(found: Cover, pools: Sequence[Pool]) -> tuple[PlannedShift, ...]:
    """The covering's people by group: each pool's are shared out as its groups' seats are in the scenario."""
    made = []
    for pool in pools:
        chosen = [(pattern, n) for (name, pattern), n in found.people.items() if name == pool.name]
        chosen.sort(key=lambda item: (item[0].begin, item[0].kind.minutes, item[0].meal_after))
        parts = split(pool.weights, [n for _, n in chosen])
        for (pattern, _), part in zip(chosen, parts, strict=True):
            made += [PlannedShift(g, pattern, n) for g, n in zip(pool.groups, part, strict=True) if n]
    return tuple(
        sorted(made, key=lambda s: (s.pattern.begin, s.pattern.kind.minutes, s.pattern.meal_after, s.group))
    )


def least_people(shifts: Sequence[PlannedShift], rules: Rules) -> dict[str, int]:
    """By group the fewest people, as far as hours, days of rest and the fullest day say."""
    made: dict[str, int] = {}
    for group in sorted({shift.group for shift in shifts}):
        own = [shift for shift in shifts if shift.group == group]
        by_day = [sum(s.people for s in own if s.weekday == day) for day in range(7)]
        paid = sum(s.people * s.paid_minutes for s in own)
        shortest = min(s.paid_minutes for s in own)
        each = max(1, min(rules.days_a_week, rules.weekly_minutes // max(shortest, 1)))
        made[group] = max(-(-paid // rules.weekly_minutes), -(-sum(by_day) // each), *by_day)
    return made


def with_shifts(scenario: Scenario, shifts: Sequence[PlannedShift]) -> Scenario:
    """The scenario in which the planned groups work these shifts, the others theirs; on public holidays too, as the
    plans' 7x24 asks."""
    groups = []
    for group in scenario.groups:
        if group.scaled:
            own = [shift for shift in shifts if shift.group == group.name]
            groups.append(replace(group, shifts=_merged(own)))
        else:
            groups.append(group)
    return replace(scenario, groups=tuple(groups))


def _merged(shifts: Sequence[PlannedShift]) -> tuple[Shift, ...]:
    """Days on which as many people have the same shift become one."""
    days: dict[tuple[str, int], set[int]] = {}
    first: dict[tuple[str, int], PlannedShift] = {}
    for shift in shifts:
        key = (shift.name, shift.people)
        days.setdefault(key, set()).add(shift.weekday)
        first.setdefault(key, shift)
    made = []
    for key, weekdays in days.items():
        pattern = first[key].pattern
        begin = pattern.begin % 1440
        meals = (Break(pattern.meal_after, pattern.kind.meal_minutes),) if pattern.kind.meal_minutes else ()
        made.append(
            Shift(key[0], key[1], begin, begin + pattern.kind.minutes, frozenset(weekdays), breaks=meals)
        )
    return tuple(sorted(made, key=lambda s: (s.from_minute, s.to_minute, s.name, min(s.weekdays))))


def with_experts(scenario: Scenario, rules: Rules) -> tuple[Scenario, tuple[str, ...]]:
    """The scenario with as many experts on duty as the rules ask, and a line for every group that had too few.

    Raises ``ValueError`` for a rule about a group that is not there.
    """
    notes: list[str] = []
    known = {group.name for group in scenario.groups}
    for rule in rules.experts:
        if rule.group not in known:
            raise ValueError(
                f"rules.experts.{rule.group}: the scenario has no such group: name one of its groups"
            )
    groups = []
    for group in scenario.groups:
        mended = group
        for rule, reason in _rules_of(scenario, group, rules):
            missing = _missing(scenario, mended, rule)
            if missing and not group.scaled:
                extra = Shift(
                    f"{clock(rule.from_minute)}-{clock(rule.to_minute)} rule", missing, rule.from_minute,
                    rule.to_minute, rule.weekdays,
                )  # fmt: skip
                mended = replace(mended, shifts=(*mended.shifts, extra))
                notes.append(
                    f"rules.experts.{group.name}: {rule.at_least} at least on duty {clock(rule.from_minute)} to "
                    f"{clock(rule.to_minute)} ({reason}): {missing} more than the scenario has"
                )
        groups.append(mended)
    return replace(scenario, groups=tuple(groups)), tuple(notes)


def _rules_of(scenario: Scenario, group: Group, rules: Rules) -> list[tuple[Experts, str]]:
    own = [(rule, "rule") for rule in rules.experts if rule.group == group.name]
    if own or not group.expert or not rules.departments:
        return own
    lines = [line for line in scenario.lines if _expert_for(scenario, group, line)]
    if not lines:
        return []
    a_year = sum(calls_a_year(scenario, line) for line in lines)
    return [(Experts(group.name, people_for(a_year)), f"{a_year:,.0f} calls a year")]


def _expert_for(scenario: Scenario, group: Group, line: Line) -> bool:
    """Does the line ask this group first, and not everybody?"""
    first = line.wait.needs[0].skills
    asked = all(group.skills.get(skill, 0) >= level for skill, level in first)
    everybody = all(can_answer(other, line) for other in scenario.groups)
    return asked and not (everybody and len(line.wait.needs) == 1)


def calls_a_year(scenario: Scenario, line: Line) -> float:
    """Calls expected on the line, from the scenario's days."""
    column = scenario.lines.index(line)
    return float(expected_calls(scenario)[:, column].sum()) / scenario.days * 365


def _missing(scenario: Scenario, group: Group, rule: Experts) -> int:
    """By how many seats the group is below the rule, at the worst half hour of its hours."""
    on_duty = fixed_seats(scenario, group)
    worst = 0
    for place, row in enumerate(rows_of(scenario).tolist()):
        minute = row % 48 * 30
        date = scenario.dates()[place // 48]
        if (
            row // 48 in rule.weekdays
            and rule.from_minute <= minute < rule.to_minute
            and date not in scenario.days_off
        ):
            worst = max(worst, rule.at_least - int(on_duty[place]))
    return worst


def fixed(scenario: Scenario) -> Ints:
    """Desks by half hour of the week that groups hold whom nobody plans: the most of all weeks."""
    import numpy as np

    found = np.zeros(ROWS, np.int64)
    total = np.zeros(scenario.days * 48, np.int64)
    for group in scenario.groups:
        if not group.scaled:
            total += fixed_seats(scenario, group)
    np.maximum.at(found, rows_of(scenario), total)
    return found


def uncovered(scenario: Scenario, pools: Sequence[Pool]) -> tuple[str, ...]:
    """Lines that only groups answer which are not planned: what is lost there no shift of this plan brings back."""
    reach = frozenset[str]().union(*(pool.lines for pool in pools))
    return tuple(
        f"line {line.name}: no planned group answers it; its calls are lost where its own group is not there"
        for line in scenario.lines
        if line.name not in reach
    )


__all__ = [
    "PlannedShift", "calls_a_year", "fixed", "least_people", "planned", "shift_name", "uncovered", "with_experts",
    "with_shifts",
]  # fmt: skip
