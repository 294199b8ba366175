"""Which shifts meet the target at the least cost? Needs, covering, simulation, cuts: `staff`.

1. Erlang A on the modified offered load says how many seats each half hour needs (`simulator.needs`).
2. An integer programme covers them with shifts, proven to be the cheapest (`simulator.covering`).
3. The week with these shifts is played (`simulator.study`). Where a half hour is under the rules' least, one seat
   more is asked of it (a *cut*); where the week is off the target, the aim of step 1 moves by as much. Then from 2.
4. What the week can spare is taken away again, shift by shift, and the rest covered anew.
5. The plan is played with callers that no step before has seen, until its interval says met or missed: what was
   chosen on some callers looks better on them than it is.

Every loop has an end; a plan that ends short of the target says so. (J. Atlason, M. Epelman, S. Henderson, "Call
center staffing with simulation and cutting plane methods", Annals of Operations Research 127, 2004, for steps 2 and
3.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from simulator.needs import ring_loss
from simulator.precision import Interval, Verdict, verdict
from simulator.programme import Solver
from simulator.roster_lines import fewest_people
from simulator.rules import DAYS, Rules, clock, moment
from simulator.scenario import Scenario
from simulator.shifts import PlannedShift
from simulator.staffing_search import Progress, Search, Trial, in_time, spread, worst_day
from simulator.study import Figures, Workers

_DOUBT = 1.95
"""the limits of 336 half hours together are so many times wider than those of one (Bonferroni at 95 %)"""


@dataclass(frozen=True, slots=True)
class StaffPlan:
    """Shifts for a week, and what they achieve.

    By half hour of the week from Monday 0:00: ``need``, seats that the planned groups must have at work, and
    ``seats``, people at work on all seats (nobody who eats). ``shifts``: people by group and shift. ``paid_hours`` a
    week; ``least_hours``: no shifts that cover this need cost less, ``proven``: these cost just that. ``people``: the
    fewest who can work them, ``establishment``: what the plan's ratio of people to seats gives. ``answer_rate`` with
    95 % limits, from callers that the search has not seen; ``verdict`` on it and on the rules that are about
    calls.
    ``scenario`` has these shifts: play it again. ``notes``: what a planner should know, a line each.
    """

    scenario: Scenario
    target: float
    rules: Rules
    need: tuple[int, ...]
    seats: tuple[int, ...]
    shifts: tuple[PlannedShift, ...]
    paid_hours: float
    least_hours: float
    proven: bool
    solver: Solver
    people: int
    establishment: int
    most_seats: int
    answer_rate: Interval
    verdict: Verdict
    figures: Figures
    rounds: int
    notes: tuple[str, ...] = ()

    @property
    def gap(self) -> float:
        """By what share of the cost the shifts might be too dear."""
        return (self.paid_hours - self.least_hours) / self.paid_hours if self.paid_hours else 0.0

    def document(self) -> dict[str, Any]:
        """As plain data: what ``hotline staff --json`` prints."""
        rate = self.answer_rate
        return {
            "seats": self.most_seats,
            "target": self.target,
            "answer_rate": {"mean": rate.mean, "low": rate.low, "high": rate.high},
            "verdict": self.verdict,
            "paid_hours": self.paid_hours,
            "least_hours": self.least_hours,
            "proven": self.proven,
            "solver": self.solver,
            "people": self.people,
            "establishment": self.establishment,
            "need": list(self.need),
            "at_work": list(self.seats),
            "shifts": [_shift_document(shift) for shift in self.shifts],
            "days": self.figures.days,
            "calls": self.figures.calls,
            "rounds": self.rounds,
            "notes": list(self.notes),
        }


def _shift_document(shift: PlannedShift) -> dict[str, Any]:
    pattern = shift.pattern
    meal = pattern.begin + pattern.meal_after
    return {
        "group": shift.group,
        "weekday": DAYS[shift.weekday].lower(),
        "from": clock(pattern.begin),
        "to": clock(pattern.end),
        "meal": clock(meal) if pattern.kind.meal_minutes else None,
        "meal_minutes": pattern.kind.meal_minutes,
        "people": shift.people,
        "paid_hours": shift.paid_minutes / 60,
        "night": pattern.is_night,
    }


def staff(
    scenario: Scenario,
    target: float | None = None,
    *,
    rules: Rules | None = None,
    progress: Progress | None = None,
    workers: Workers | None = None,
    solver: Solver | None = None,
) -> StaffPlan:
    """The cheapest shifts with which the week's answer rate reaches ``target`` (``None``: the scenario's).

    ``workers``: who plays the days (`simulator.sweep_live`), ``None``: this thread. ``solver``: that one alone.
    Raises ``ValueError``, `place: fault: remedy`, for rules and scenarios with which there is no plan; a target that
    is out of reach is a verdict and no error.
    """
    wanted = scenario.target if target is None else target
    if not 0 < wanted < 1:
        raise ValueError(
            f"target: {wanted} is no share of calls: give a number between 0 and 1, such as 0.98"
        )
    chosen = Rules() if rules is None else rules
    search = Search(scenario, wanted, chosen, progress, workers, solver)
    best, figures = search.best()
    return _plan(search, best, figures)


def _plan(search: Search, best: Trial, figures: Figures) -> StaffPlan:
    found = best.cover
    top = best.demands[-1]
    notes = list(search.notes)
    answer = verdict(figures.answer_rate, search.target)
    broken = _broken(search, figures)
    if broken and answer == "met":
        answer = "missed"
    late = _late(search, figures)
    if search.limit is not None and answer != "met":
        notes.append(search.limit)
    if answer != "met":
        hurried = ring_loss(search.base, search.base.lines)
        if hurried > (1 - search.target) / 2:
            notes.append(
                f"ring: {hurried:.2%} of the callers hang up while the seat rings, whatever the shifts: make the ring shorter"
            )
    for before, sub in zip(search.given.subcentres, best.scenario.subcentres, strict=True):
        if before.seats != sub.seats:
            notes.append(
                f"rules.subcentre: {sub.name} takes {sub.seats} seats for {search.rules.subcentre:.0%} within "
                f"{sub.within_ms / 1000:g} s, {before.seats} are in the scenario: agree on that with it"
            )
    people = sum(fewest_people(best.shifts, search.rules, solver=search.solver).values())
    desks = np.array(found.desks(hot=search.rules.hot_desks), np.int64) + search.taken
    seats = int(desks.max())
    establishment = search.rules.staff(seats)
    if people > establishment:
        notes.append(
            f"rules.staff_per_seat: {establishment} people for {seats} seats ({search.rules.staff_per_seat:g} each) cannot work "
            f"these shifts in {search.rules.weekly_minutes / 60:g} hours a week: it takes {people}"
        )
    at_work = np.array(found.present(), np.int64) + search.taken
    return StaffPlan(
        scenario=best.scenario,
        target=search.target,
        rules=search.rules,
        need=tuple(top.need.tolist()),
        seats=tuple(at_work.tolist()),
        shifts=best.shifts,
        paid_hours=found.paid_minutes / 60,
        least_hours=found.bound / 60,
        proven=found.proven,
        solver=found.solver,
        people=people,
        establishment=establishment,
        most_seats=seats,
        answer_rate=figures.answer_rate,
        verdict=answer,
        figures=figures,
        rounds=search.rounds,
        notes=(*notes, *broken, *late),
    )


def _broken(search: Search, figures: Figures) -> list[str]:
    """Rules about calls that the played plan breaks, a line each."""
    found: list[str] = []
    rates = figures.by_half_hour.answer_rate
    sure = rates.mean + (rates.high - rates.mean) * _DOUBT
    found += [
        f"rules.half_hour: {moment(int(search.rows[place]))} answers {rates.mean[place]:.1%}, under the "
        f"{search.rules.half_hour:.0%} that every half hour should reach: have more seats then"
        for place in np.flatnonzero(sure < search.rules.half_hour)[:3].tolist()
    ]
    asked = figures.outcome.asked.sum(1).astype(np.float64)
    answered = figures.outcome.answered.sum(1).astype(np.float64)
    day = worst_day(asked, answered)
    least = search.rules.any_day
    if day is not None and day[1] + 2 * float(spread(least, asked[day[0] : day[0] + 48].sum())) < least:
        found.append(
            f"rules.any_day: the 24 hours from {moment(int(search.rows[day[0]]))} answer {day[1]:.1%}, under the "
            f"{search.rules.any_day:.0%} of GB/T 33358: have more seats then"
        )
    return found


def _late(search: Search, figures: Figures) -> list[str]:
    """Sub-centres that answer too late though they always have a seat: no shift of this plan mends that."""
    found: list[str] = []
    for sub in search.base.subcentres:
        share = in_time(search.base, sub, figures.outcome)
        if share is not None and share < search.rules.subcentre:
            found.append(
                f"rules.subcentre: {sub.name} answers {share:.1%} of its transfers within {sub.within_ms / 1000:g} s, "
                f"and {search.rules.subcentre:.0%} are asked: it has to answer sooner"
            )
    return found
