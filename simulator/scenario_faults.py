"""What is wrong with a scenario: lines ``place: fault: remedy``, none where nothing is.

The places are those of a scenario's file (``lines.12315.share``), whether the scenario came from one or from a program.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from acd.preferences import widening_fault
from simulator.scenario import Arrivals, Duration, Group, Line, Scenario, Shift

_EXACT = 1e-9
"""within which shares make 1: whoever makes them from counts rounds no worse"""


def faults(scenario: Scenario) -> list[str]:
    """Every fault, in the order of the file's sections."""
    found = [*_whole(scenario), *_arrivals(scenario.arrivals, scenario)]
    found += _names(scenario)
    for line in scenario.lines:
        found += _line(line, scenario)
    for group in scenario.groups:
        found += _group(group)
    for centre in scenario.subcentres:
        found += _duration(f"subcentres.{centre.name}.answer", centre.answer)
    if scenario.retrial is not None:
        found += _share("retrial.share", scenario.retrial.share)
        found += _duration("retrial.after", scenario.retrial.after)
    return found


def _whole(scenario: Scenario) -> Iterator[str]:
    if scenario.days < 1:
        yield f"days: is {scenario.days}: write 1 or more"
    if not 0 < scenario.target < 1:
        yield f"target: is {scenario.target}: write a share between 0 and 1, such as 0.98"
    if scenario.channels is not None and scenario.channels < 1:
        yield f"channels: is {scenario.channels}: write 1 or more, or leave it out"
    if not 0 <= scenario.warm_up_ms < max(scenario.horizon_ms, 1):
        yield "warm_up_minutes: nothing is left to count: make it shorter than the days"
    yield from _duration("ring", scenario.ring)
    if not scenario.lines:
        yield "lines: is empty: write at least 1"
    elif abs((total := math.fsum(line.share for line in scenario.lines)) - 1) > _EXACT:
        yield f"lines: the shares make {total:.6g} and not 1: let one line have the rest"
    if not scenario.groups:
        yield "groups: is empty: write who takes calls"
    elif scenario.days > 0 and scenario.seats() == 0:
        yield "groups: nobody takes a seat on any of the days: give a shift seats"


def _arrivals(arrivals: Arrivals, scenario: Scenario) -> Iterator[str]:
    if not (arrivals.per_day > 0 and math.isfinite(arrivals.per_day)) and arrivals.series is None:
        yield f"arrivals.per_day: is {arrivals.per_day}: write how many call on a usual day"
    if len(arrivals.half_hours) != 48 or min(arrivals.half_hours, default=0) < 0:
        yield "arrivals.half_hours: a day has 48 shares, none below 0: write them all"
    elif abs((total := math.fsum(arrivals.half_hours)) - 1) > _EXACT:
        yield f"arrivals.half_hours: make {total:.6g} and not 1: divide them by that"
    if len(arrivals.weekdays) != 7 or min(arrivals.weekdays, default=0) < 0:
        yield "arrivals.weekdays: a week has seven factors, none below 0: write them all"
    if any(factor < 0 for factor in arrivals.holidays.values()):
        yield "arrivals.holidays: nobody calls less than not at all: write 0 or more"
    if arrivals.growth and arrivals.since is None:
        yield "arrivals.since: growth counts from a day: write for which day per_day holds"
    if arrivals.busyness is not None and not arrivals.busyness > 0:
        yield f"arrivals.busyness: is {arrivals.busyness}: write a shape above 0, or leave it out"
    if not arrivals.dispersion >= 1:
        yield f"arrivals.dispersion: is {arrivals.dispersion}: 1 is Poisson: write 1 or more"
    if arrivals.series is not None and len(arrivals.series) != scenario.days * 48:
        yield f"arrivals.series: has {len(arrivals.series)} half hours, the days have {scenario.days * 48}: give each"
    if arrivals.series is not None and any(not (count >= 0) for count in arrivals.series):
        yield "arrivals.series: has a half hour below 0: write 0 or more"
    names = {line.name for line in scenario.lines}
    for place, surge in enumerate(arrivals.surges):
        if not surge.factor >= 0:
            yield f"surges[{place}].factor: is {surge.factor}: write 0 or more"
        if surge.from_minute >= surge.to_minute:
            yield f"surges[{place}].to: ends before it starts: set a later time"
        if surge.line is not None and surge.line not in names:
            yield f"surges[{place}].line: no line {surge.line!r}: write one of those there are, or none for all"


def _names(scenario: Scenario) -> Iterator[str]:
    """A name means one thing."""
    for what, names in (
        ("lines", [line.name for line in scenario.lines]),
        ("groups", [group.name for group in scenario.groups]),
        ("subcentres", [centre.name for centre in scenario.subcentres]),
    ):
        for name in dict.fromkeys(names):
            if names.count(name) > 1:
                yield f"{what}.{name}: stands there {names.count(name)} times: take one out"


def _line(line: Line, scenario: Scenario) -> Iterator[str]:
    where = f"lines.{line.name}"
    yield from _share(f"{where}.share", line.share)
    yield from _share(f"{where}.contained", line.contained)
    yield from _share(f"{where}.outgoing", line.outgoing)
    yield from _duration(f"{where}.talk", line.talk)
    yield from _duration(f"{where}.wrap_up", line.wrap_up)
    if line.patience is not None:
        yield from _duration(f"{where}.patience", line.patience)
    yield from _duration(f"{where}.self_service", line.self_service)
    yield from _duration(f"{where}.self_service_in_vain", line.in_vain)
    yield from _duration(f"{where}.outgoing_talk", line.outgoing_talk)
    if line.transfer is not None:
        yield from _share(f"{where}.transfer.share", line.transfer.share)
        yield from _duration(f"{where}.transfer.together", line.transfer.together)
        yield from _duration(f"{where}.transfer.talk", line.transfer.talk)
        centres = [centre.name for centre in scenario.subcentres]
        if line.transfer.to not in centres:
            listed = ", ".join(centres) or "none"
            yield f"{where}.transfer.to: no sub-centre {line.transfer.to!r}: write one of those there are ({listed})"
    if (fault := widening_fault(line.wait.needs)) is not None:
        yield f"{where}.needs: {fault}: a step may only ask less than the one before"
    elif line.share > 0 and not any(_meets(group, line, scenario) for group in scenario.groups):
        asked = ", ".join(f"{skill} = {level}" for skill, level in line.wait.needs[-1].skills)
        yield f"{where}.needs: nobody who takes a seat ever has {{ {asked} }}: give it to a group"


def _meets(group: Group, line: Line, scenario: Scenario) -> bool:
    """Can some of the group's people take the line's calls, at its last step at the latest?"""
    able = all(group.skills.get(skill, 0) >= level for skill, level in line.wait.needs[-1].skills)
    days = scenario.dates()
    return able and any(
        shift.seats > 0 and any(scenario.worked(shift, day) for day in days) for shift in group.shifts
    )


def _group(group: Group) -> Iterator[str]:
    where = f"groups.{group.name}"
    yield from _share(f"{where}.absence", group.absence)
    if not group.skills or min(group.skills.values()) < 1:
        yield f"{where}.skills: whoever takes calls has a skill, with a level from 1: write it"
    for place, shift in enumerate(group.shifts):
        yield from _shift(f"{where}.shifts[{place}]", shift)


def _shift(where: str, shift: Shift) -> Iterator[str]:
    length = shift.to_minute - shift.from_minute
    if shift.seats < 0:
        yield f"{where}.seats: is {shift.seats}: write 0 or more"
    if not 0 <= shift.from_minute < 1440:
        yield f"{where}.from: is no time of the day on which the shift begins: write 00:00 to 23:59"
    if not 0 < length <= 1440:
        yield f"{where}.to: the shift lasts {length} minutes: write an end within 24 hours"
    if not shift.weekdays or not shift.weekdays <= frozenset(range(7)):
        yield f"{where}.weekdays: is no set of days from 0 (Monday) to 6: write at least one"
    for item, rest in enumerate(shift.breaks):
        here = f"{where}.breaks[{item}]"
        end = rest.after_minutes + rest.minutes + (rest.waves - 1) * rest.stagger_minutes
        if rest.minutes < 1 or rest.waves < 1 or rest.after_minutes < 0 or rest.stagger_minutes < 0:
            yield f"{here}: lasts a minute at least and begins in the shift: write whole numbers"
        elif end > length:
            yield f"{here}: its last wave ends {end - length} minutes after the shift: begin earlier or shorten it"


def _share(where: str, share: float) -> Iterator[str]:
    if not 0 <= share <= 1:
        yield f"{where}: is {share}: write a share between 0 and 1"


def _duration(where: str, duration: Duration) -> Iterator[str]:
    if duration.kind == "empirical":
        if len(duration.sample_s) < 2:
            yield f"{where}: {len(duration.sample_s)} observations are no distribution: give at least 2"
        elif any(not (0 <= value < math.inf) for value in duration.sample_s):
            yield f"{where}: an observation is below 0, or no number: take it out"
        return
    if not 0 <= duration.mean_s < math.inf:
        yield f"{where}: the mean is {duration.mean_s} s: write 0 or more"
    elif duration.kind != "constant" and duration.mean_s == 0:
        yield f"{where}: a duration that varies has a mean above 0: write it"
    if duration.kind in ("lognormal", "weibull") and not 0 < duration.shape < math.inf:
        yield f"{where}: the shape is {duration.shape}: write a number above 0"


__all__ = ["faults"]
