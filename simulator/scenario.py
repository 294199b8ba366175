"""Scenario: who calls when, for how long, and who is there to answer. Plain data.

``hotline/scenario_file.py`` reads it from a file, `simulator.scenario_faults` checks it.

Times of day are minutes since midnight in the city's time, durations whole milliseconds or `Duration`, shares between 0 and 1.
A *replication* is one run over ``Scenario.days`` days from ``Scenario.start``; replications differ only in what is drawn.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from fractions import Fraction
from typing import Literal

from dialplans.decision import Need, Wait

DAY_MS = 86_400_000
CELL_MS = 300_000
"""the rate of arrivals is constant over five minutes, the shortest time over which hotlines count"""
HALF_HOUR_MS = 1_800_000

Kind = Literal["constant", "exponential", "lognormal", "weibull", "empirical"]


@dataclass(frozen=True, slots=True)
class Duration:
    """How long something takes, at random: whole milliseconds when drawn.

    ``mean_s``: the mean in seconds, of every kind but ``empirical``. ``shape``: lognormal: sigma of the logarithm; Weibull: k (1 is
    exponential). ``sample_s``: the observed durations in seconds of ``empirical``, drawn between them by their quantiles.
    """

    kind: Kind = "constant"
    mean_s: float = 0.0
    shape: float = 1.0
    sample_s: tuple[float, ...] = ()

    @property
    def fixed(self) -> bool:
        """Is it always ``mean_s``?"""
        return self.kind == "constant" or (self.kind != "empirical" and self.mean_s == 0)


NOTHING = Duration()


@dataclass(frozen=True, slots=True)
class Surge:
    """A span in which more (or fewer) call: ``factor`` times as many, of one line or (``None``) of all.

    ``from_minute`` and ``to_minute`` count from midnight of the replication's first day; ``to_minute`` is not in it.
    """

    factor: float
    from_minute: int
    to_minute: int
    line: str | None = None


@dataclass(frozen=True, slots=True)
class Arrivals:
    """How many call, and when. The rate of a five-minute cell is the product of all that is here.

    ``per_day``: calls of a usual day in the year of ``since``, all lines together. ``half_hours``: the 48 shares of
    a day from 0:00, sum 1. ``weekdays``: seven factors from Monday; ``holidays``: factor by date, in the weekday's
    place (public holidays, make-up working days, any other date: who works then is `Scenario.days_off`'s).
    ``growth``: a year, as a share (0.05). ``busyness``: shape of the gamma factor (mean 1) that a whole day has,
    ``None``: none. ``dispersion``: variance over mean of the calls of five minutes, 1: Poisson. ``series``:
    expected calls of every half hour of the replication, in the place of ``per_day``, ``half_hours``, ``weekdays``,
    ``holidays`` and ``growth`` (a forecast).
    """

    per_day: float
    half_hours: tuple[float, ...]
    weekdays: tuple[float, ...] = (1.0,) * 7
    holidays: Mapping[date, float] = field(default_factory=dict)
    growth: float = 0.0
    since: date | None = None
    busyness: float | None = None
    dispersion: float = 1.0
    surges: tuple[Surge, ...] = ()
    series: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class SubCentre:
    """Another centre that is brought into calls.

    ``seats``: its own, ``None``: as many as are asked; ``within_ms``: in which time it has to answer.
    """

    name: str
    title: str = ""
    seats: int | None = None
    answer: Duration = NOTHING
    within_ms: int = 15_000


@dataclass(frozen=True, slots=True)
class Transfer:
    """What share of a line's answered calls is transferred three-way to a sub-centre.

    The seat stays for ``together``, then leaves; ``talk``: how long the sub-centre then has the caller.
    """

    share: float
    to: str
    together: Duration
    talk: Duration = NOTHING


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its share of all calls, the place in a queue that it leads to, how its calls go.

    ``wait``: queue, needs by steps (relaxation), priority, as in the number plan. ``greeting_ms``: what is said
    before the queue; who hangs up does so while waiting or in the ring. ``contained``: share of callers whose
    question speech recognition or a menu answers, after ``self_service``; they ask for no seat. ``in_vain``: what the others
    spend with it, after the greeting, before they queue. ``outgoing``: share of answered calls after which the seat makes a call
    of its own, of ``outgoing_talk``.
    """

    name: str
    share: float
    wait: Wait
    talk: Duration
    wrap_up: Duration
    patience: Duration | None
    title: str = ""
    greeting_ms: int = 0
    contained: float = 0.0
    self_service: Duration = NOTHING
    in_vain: Duration = NOTHING
    transfer: Transfer | None = None
    outgoing: float = 0.0
    outgoing_talk: Duration = NOTHING

    @property
    def goes_in_vain(self) -> bool:
        """May a caller spend time with self-service and queue all the same?"""
        return not self.in_vain.fixed or round(self.in_vain.mean_s * 1000) != 0


@dataclass(frozen=True, slots=True)
class Break:
    """A break in a shift: begins ``after_minutes`` after the shift's begin.

    Those who have the shift take it in turn, in ``waves`` that begin ``stagger_minutes`` apart.
    """

    after_minutes: int
    minutes: int
    waves: int = 1
    stagger_minutes: int = 0


@dataclass(frozen=True, slots=True)
class Shift:
    """So many seats of a group are taken from ``from_minute`` to ``to_minute`` (beyond 1,440: past midnight; 24 hours at most).

    ``weekdays``: of the day on which it begins, 0 is Monday. Who really works when is asked of `Scenario.worked`.
    """

    name: str
    seats: int
    from_minute: int = 0
    to_minute: int = 1440
    weekdays: frozenset[int] = frozenset(range(7))
    holidays: bool = True
    """also on public holidays"""
    breaks: tuple[Break, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """People with the same skills (levels from 1).

    ``expert``: sent by a department, first for its line; ``scaled``: ``--seats`` makes this group larger or smaller.
    ``absence``: share of the people on a shift who do not come.
    """

    name: str
    skills: Mapping[str, int]
    shifts: tuple[Shift, ...]
    title: str = ""
    expert: bool = False
    scaled: bool = True
    absence: float = 0.0


@dataclass(frozen=True, slots=True)
class Retrial:
    """Who hung up or was blocked calls again: with this probability, after this time, at most so many times in all."""

    share: float
    after: Duration
    most: int = 5


@dataclass(frozen=True, slots=True)
class Scenario:
    """Everything a run needs.

    ``channels``: of all trunks from the carriers together, ``None``: no limit. ``ring``: from the seat's ring to its
    answer. ``warm_up_ms``: calls that come before are played and not counted. ``within_ms``: of the service level,
    ``target``: of the answer rate. ``ageing_ms`` and ``closest_fit`` as in `acd.setup.Setup`. ``max_length``: so many
    may wait by queue, ``max_wait_ms``: so long, before they are turned away. ``days_off``: public holidays;
    ``makeup``: weekend days that are worked as Mondays in exchange for one.
    """

    name: str
    lines: tuple[Line, ...]
    groups: tuple[Group, ...]
    arrivals: Arrivals
    title: str = ""
    start: date = date(2026, 1, 5)
    days: int = 1
    seed: int = 1
    ring: Duration = Duration("constant", 2.0)
    subcentres: tuple[SubCentre, ...] = ()
    channels: int | None = None
    retrial: Retrial | None = None
    ageing_ms: int = 60_000
    closest_fit: bool = True
    warm_up_ms: int = 0
    within_ms: int = 15_000
    target: float = 0.98
    max_length: Mapping[str, int] = field(default_factory=dict)
    max_wait_ms: Mapping[str, int] = field(default_factory=dict)
    days_off: frozenset[date] = frozenset()
    makeup: frozenset[date] = frozenset()

    @property
    def horizon_ms(self) -> int:
        """How long calls arrive; those that are on then are played to their end."""
        return self.days * DAY_MS

    def dates(self) -> tuple[date, ...]:
        """The days of a replication."""
        return tuple(self.start + timedelta(days=day) for day in range(self.days))

    def worked(self, shift: Shift, on: date) -> bool:
        """Does this shift begin on that day? Everybody who plans people asks here."""
        if on in self.days_off:
            return shift.holidays and on.weekday() in shift.weekdays
        return (0 if on in self.makeup else on.weekday()) in shift.weekdays

    def seats(self) -> int:
        """The most seats that are taken at once in the replication, breaks and absence left out."""
        return max(
            (sum(group_seats(g, self, minute) for g in self.groups) for minute in self._edges()), default=0
        )

    def seats_at(self, minute: int) -> int:
        """How many seats are taken at a minute of the replication, breaks and absence left out."""
        return sum(group_seats(group, self, minute) for group in self.groups)

    def with_seats(self, seats: int) -> Scenario:
        """The same scenario with exactly so many seats at its fullest: ``with_seats(n).seats() == n``.

        The scaled groups' shifts keep their proportions; what rounding leaves goes to the largest remainders, the
        first in the file on a tie. No shift is smaller in a larger scenario (Webster's divisors, where plain
        largest remainders would take a seat away now and then), so that options are compared fairly. Raises
        ``ValueError`` when the groups that are not scaled need more, or none can grow.
        """
        now = self.seats()
        if now == seats:
            return self
        if not any(group.scaled for group in self.groups):
            raise ValueError("seats: no group of the scenario is scaled: write scaled = true in one")
        fixed = replace(self, groups=tuple(group for group in self.groups if not group.scaled)).seats()
        if seats < fixed:
            raise ValueError(
                f"seats: {seats} are fewer than the {fixed} of the groups that are not scaled: take more"
            )
        return replace(self, groups=self._grown(seats))

    def _edges(self) -> set[int]:
        """The minutes of the replication at which the number of seats can grow."""
        shifts = [shift for group in self.groups for shift in group.shifts]
        begins = {day * 1440 + shift.from_minute for day in range(self.days) for shift in shifts}
        return {0, *(minute for minute in begins if minute < self.days * 1440)} if shifts else set()

    def _grown(self, seats: int) -> tuple[Group, ...]:
        """The groups whose scaled shifts have grown from nothing, in step, until ``seats`` are taken at once."""
        shifts = [shift for group in self.groups if group.scaled for shift in group.shifts]
        taken, inside = self._spans(shifts)
        made = [0] * len(shifts)
        # A shift of s seats gets its n-th when the others are scaled to (n - 1/2) / s: exact fractions, so that ties are ties.
        coming = [(Fraction(1, 2 * shift.seats), place) for place, shift in enumerate(shifts) if shift.seats]
        if not any(inside[place] for _, place in coming):
            raise ValueError("seats: no shift of the scaled groups has a seat: give one of them a seat")
        heapq.heapify(coming)
        most = max(taken, default=0)
        while most < seats:
            at, place = coming[0]
            heapq.heapreplace(coming, (at + Fraction(1, shifts[place].seats), place))
            made[place] += 1
            for edge in inside[place]:
                taken[edge] += 1
                most = max(most, taken[edge])
        counts = iter(made)
        return tuple(
            replace(group, shifts=tuple(replace(shift, seats=next(counts)) for shift in group.shifts))
            if group.scaled
            else group
            for group in self.groups
        )

    def _spans(self, shifts: list[Shift]) -> tuple[list[int], list[list[int]]]:
        """By edge the seats of groups that are not scaled; by shift the edges at which it is on."""
        fixed = replace(self, groups=tuple(group for group in self.groups if not group.scaled))
        known: dict[tuple[int, ...], int] = {}
        taken: list[int] = []
        for minute in sorted(self._edges()):
            on = tuple(
                place for place, shift in enumerate(shifts) if any(True for _ in _begun(shift, self, minute))
            )
            base = fixed.seats_at(minute)
            if on in known:
                taken[known[on]] = max(taken[known[on]], base)
            else:
                known[on] = len(taken)
                taken.append(base)
        inside: list[list[int]] = [[] for _ in shifts]
        for on, edge in known.items():
            for place in on:
                inside[place].append(edge)
        return taken, inside


def group_seats(group: Group, scenario: Scenario, minute: int) -> int:
    """How many seats of a group are taken at a minute of the replication."""
    return sum(shift.seats for shift in group.shifts for _ in _begun(shift, scenario, minute))


def _begun(shift: Shift, scenario: Scenario, minute: int) -> Iterator[date]:
    """The days on which the shift began that is on at this minute: one, or none."""
    today = minute // 1440
    for day in range(today - shift.to_minute // 1440, today + 1):
        on = scenario.start + timedelta(days=day)
        if shift.from_minute <= minute - day * 1440 < shift.to_minute and scenario.worked(shift, on):
            yield on


__all__ = [
    "CELL_MS",
    "DAY_MS",
    "HALF_HOUR_MS",
    "Arrivals",
    "Break",
    "Duration",
    "Group",
    "Line",
    "Need",
    "Retrial",
    "Scenario",
    "Shift",
    "SubCentre",
    "Surge",
    "Transfer",
    "Wait",
]
