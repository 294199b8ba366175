"""What if? Series of options, the fewest seats, how much of a surge is borne, and which input matters most.

All options of a question play the same days with the same callers (common random numbers), so that what they
differ by is known far better than what they are. A search asks only options near the answer: it begins where
the modified offered load would (`simulator.mol`), shifted by what the options played so far have shown, and
ends with two neighbours of which one reaches the target.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import exp, log, sqrt

import numpy as np

from simulator import draws, mol
from simulator.precision import Aim, Floats, Interval, Verdict, verdict
from simulator.scenario import Scenario
from simulator.study import EngineName, Figures, Progress, Study, Workers, difference, pursue
from simulator.vary import Series, surged, varied

POINT = 0.01
SERIES_AIM = Aim(width=0.4 * POINT, first_days=32)
"""an option of a series is known to +-0.2 point, unless it is surely apart from the target"""
SEARCH_AIM = Aim(width=0.05 * POINT, most_days=1_500)
"""and one of a search far better, so that few are left undecided"""
SENSITIVITY_DAYS = 64
INPUTS = ("load", "talk", "wrap_up", "patience", "ring", "seats", "busyness", "absence")


@dataclass(frozen=True, slots=True)
class Point:
    """One option of a series. ``change``: of the answer rate against the option before, on the same days;
    ``None`` at the first.
    """

    value: float
    figures: Figures
    change: Interval | None


@dataclass(frozen=True, slots=True)
class Tried:
    """An option that a search has played: the number of seats or the factor, its answer rate, and whether
    that reaches the target.
    """

    value: float
    answer_rate: Interval
    verdict: Verdict
    days: int


@dataclass(frozen=True, slots=True)
class Fewest:
    """The fewest seats that reach the target; ``seats`` is ``None`` when not even the most that were allowed
    do.

    ``verdict``: ``met``: surely; ``undecided``: more likely than not, closer to the target than can be told.
    ``tried``: all that was played.
    """

    seats: int | None
    answer_rate: Interval
    verdict: Verdict
    target: float
    tried: tuple[Tried, ...]


@dataclass(frozen=True, slots=True)
class BreakEven:
    """The largest factor at which the target still holds. ``held``: the largest that surely does; ``failed``:
    the smallest that surely does not; ``None``: none was found within the limits.
    """

    factor: float
    held: float | None
    failed: float | None
    target: float
    tried: tuple[Tried, ...]


@dataclass(frozen=True, slots=True)
class Effect:
    """What one input does to the answer rate when it alone is ``less`` or ``more`` than it stands (their
    values), on the same days.
    """

    name: str
    less: float
    more: float
    with_less: Interval
    with_more: Interval

    @property
    def size(self) -> float:
        """The larger of the two changes, without its sign."""
        return max(abs(self.with_less.mean), abs(self.with_more.mean))


def what_if(
    scenario: Scenario,
    series: Series,
    *,
    days: int | None = None,
    workers: Workers | None = None,
    engine: EngineName = "fast",
    progress: Progress | None = None,
) -> tuple[Point, ...]:
    """The scenario with every value of a series. ``days``: for each; ``None``: until each is known to +-0.2
    point or apart from the target.
    """
    aim = replace(SERIES_AIM, target=scenario.target)
    studies = [
        Study(varied(scenario, series.name, value), aim=aim, days=days, engine=engine)
        for value in series.values
    ]
    pursue(studies, workers=workers, progress=progress)
    before = [None, *studies]
    return tuple(
        Point(value, study.figures(), difference(study, last) if last else None)
        for value, study, last in zip(series.values, studies, before, strict=False)
    )


# ── the fewest seats ─────────────────────────────────────────────────────────────────────────────────────────


def fewest_seats(
    scenario: Scenario,
    low: int,
    high: int,
    *,
    target: float | None = None,
    workers: Workers | None = None,
    engine: EngineName = "fast",
    progress: Progress | None = None,
    aim: Aim | None = None,
) -> Fewest:
    """The fewest seats of ``low`` to ``high`` with which the answer rate reaches the target (the scenario's
    where it is left out).

    Every option is known to +-0.2 point, or surely reaches or misses the target; the answer is the neighbour
    of one that does not reach it.
    """
    if not 0 <= low <= high:
        raise ValueError(f"seats: from {low} to {high} there is nothing to search: give low <= high")
    wanted = scenario.target if target is None else target
    search = _Search(wanted, aim or replace(SEARCH_AIM, target=wanted), workers, engine, progress)
    guess = _Guess(scenario, wanted)
    below, above = low - 1, high + 1
    while above - below > 1:
        # Two guesses may be wrong in the same way; then halving is surer.
        seats = guess.seats(below, above) if len(search.tried) < 4 else (below + above) // 2
        tried = search.ask(seats, scenario.with_seats(seats))
        guess.learn(seats, tried.answer_rate.mean)
        if search.reaches(tried):
            above = seats
        else:
            below = seats
    if above > high:
        worst = max(search.tried, key=lambda tried: tried.value)
        return Fewest(None, worst.answer_rate, worst.verdict, wanted, tuple(search.tried))
    found = next(tried for tried in search.tried if tried.value == above)
    return Fewest(above, found.answer_rate, found.verdict, wanted, tuple(search.tried))


class _Search:
    """Plays options one after another and remembers them."""

    def __init__(
        self, target: float, aim: Aim, workers: Workers | None, engine: EngineName, progress: Progress | None
    ) -> None:
        self.target = target
        self.tried: list[Tried] = []
        self._aim = aim
        self._workers = workers
        self._engine: EngineName = engine
        self._progress = progress
        self._days = 0

    def ask(self, value: float, scenario: Scenario) -> Tried:
        study = Study(scenario, aim=self._aim, engine=self._engine)
        before = self._days
        tell = self._progress

        def told(done: int, expected: int) -> None:
            if tell:
                tell(before + done, before + expected)

        pursue([study], workers=self._workers, progress=told)
        self._days += study.days_played
        found = study.interval()
        self.tried.append(Tried(value, found, verdict(found, self.target), study.days_played))
        return self.tried[-1]

    def reaches(self, tried: Tried) -> bool:
        """By its verdict, or, where that is undecided, more likely than not."""
        if tried.verdict == "undecided":
            return tried.answer_rate.mean >= self.target
        return tried.verdict == "met"


class _Guess:
    """Where the modified offered load sees the answer, moved by what was played."""

    def __init__(self, scenario: Scenario, target: float) -> None:
        self._demand = mol.demand(scenario)
        self._now = max(scenario.seats(), 1)
        self._target = target
        self._shift = 0.0
        shape = scenario.arrivals.busyness
        self._busyness = _middles(shape, 16) if shape else np.ones(1)

    def learn(self, seats: int, answer_rate: float) -> None:
        self._shift = _odds(answer_rate) - _odds(self._quick(seats))

    def seats(self, below: int, above: int) -> int:
        """The fewest strictly between the two that are thought to do, the most if none are."""
        low, high = below + 1, above - 1
        while low < high:
            middle = (low + high) // 2
            if _odds(self._quick(middle)) + self._shift >= _odds(self._target):
                high = middle
            else:
                low = middle + 1
        return low

    def _quick(self, seats: int) -> float:
        return mol.quick_answer_rate(self._demand, self._demand.staffed * seats / self._now, self._busyness)


def _odds(share: float) -> float:
    inside = min(max(share, 1e-9), 1 - 1e-9)
    return log(inside / (1 - inside))


def _middles(shape: float, count: int) -> Floats:
    return draws.middles(draws.gamma_mean_1(shape), count) / draws.ONE


# ── how much of a surge is borne ─────────────────────────────────────────────────────────────────────────────


def break_even(
    scenario: Scenario,
    *,
    low: float = 0.25,
    high: float = 8.0,
    tolerance: float = 0.01,
    target: float | None = None,
    change: Callable[[Scenario, float], Scenario] = surged,
    workers: Workers | None = None,
    engine: EngineName = "fast",
    progress: Progress | None = None,
    aim: Aim | None = None,
) -> BreakEven:
    """The largest surge at which the target still holds, between two factors that are closer than
    ``tolerance`` (as a share).

    ``change``: what a factor does; by default it is the size of the scenario's own surges, or of one over
    everything.
    """
    if not 0 < low < high or not tolerance > 0:
        raise ValueError(f"factor: from {low:g} to {high:g} there is nothing to search: give 0 < low < high")
    wanted = scenario.target if target is None else target
    search = _Search(wanted, aim or replace(SEARCH_AIM, target=wanted), workers, engine, progress)

    def holds(factor: float) -> bool:
        return search.reaches(search.ask(factor, change(scenario, factor)))

    least, most = low, high
    factor = min(max(1.0, low), high)
    if holds(factor):
        least = factor
        while factor < high:
            factor = min(factor * 1.4, high)
            if not holds(factor):
                most = factor
                break
            least = factor
    else:
        most = factor
        while factor > low:
            factor = max(factor / 1.4, low)
            if holds(factor):
                least = factor
                break
            most = factor
    if least < most and _bracketed(search, least, most):
        while most / least > 1 + tolerance:
            middle = sqrt(least * most)
            if holds(middle):
                least = middle
            else:
                most = middle
    return BreakEven(
        _crossing(search.tried, least, most, wanted),
        max((tried.value for tried in search.tried if tried.verdict == "met"), default=None),
        min((tried.value for tried in search.tried if tried.verdict == "missed"), default=None),
        wanted,
        tuple(search.tried),
    )


def _bracketed(search: _Search, least: float, most: float) -> bool:
    """Was the one seen to hold and the other not to?"""
    seen = {tried.value: search.reaches(tried) for tried in search.tried}
    return seen.get(least, False) and not seen.get(most, True)


def _crossing(tried: Sequence[Tried], least: float, most: float, target: float) -> float:
    """Where a straight line between the two neighbours (in the factor's logarithm) goes through the target."""
    seen = {one.value: one.answer_rate.mean for one in tried}
    if least not in seen or most not in seen or seen[least] <= seen[most]:
        return least if least in seen and seen[least] >= target else most
    part = (seen[least] - target) / (seen[least] - seen[most])
    return exp(log(least) + min(max(part, 0.0), 1.0) * log(most / least))


# ── which input matters ──────────────────────────────────────────────────────────────────────────────────────


def sensitivity(
    scenario: Scenario,
    *,
    step: float = 0.1,
    inputs: Sequence[str] = INPUTS,
    days: int = SENSITIVITY_DAYS,
    workers: Workers | None = None,
    engine: EngineName = "fast",
    progress: Progress | None = None,
) -> tuple[Effect, ...]:
    """What each input does to the answer rate when it alone is less or more by ``step`` (a share of it): the
    largest effect first.

    ``seats`` are rounded to whole ones; of ``busyness`` it is the days' standard deviation that is varied, of
    ``absence`` the share of people who come. Inputs that the scenario does not have are left out.
    """
    if not 0 < step < 1:
        raise ValueError(f"step: {step:g} is no share between 0 and 1: 0.1 is 10 %")
    pairs = {name: pair for name in inputs if (pair := _pair(scenario, name, step)) is not None}
    base = Study(scenario, days=days, engine=engine)
    both = {
        name: tuple(Study(varied(scenario, name, value), days=days, engine=engine) for value in pair)
        for name, pair in pairs.items()
    }
    pursue([base, *(study for pair in both.values() for study in pair)], workers=workers, progress=progress)
    effects = [
        Effect(name, *pairs[name], difference(less, base), difference(more, base))
        for name, (less, more) in both.items()
    ]
    return tuple(sorted(effects, key=lambda effect: -effect.size))


def _pair(scenario: Scenario, name: str, step: float) -> tuple[float, float] | None:
    """The values that an input is given; ``None``: the scenario has no such input."""
    if name == "seats":
        now = scenario.seats()
        by = max(round(now * step), 1)
        return (now - by, now + by) if any(group.scaled for group in scenario.groups) else None
    if name == "busyness":
        shape = scenario.arrivals.busyness
        return (shape / (1 - step) ** 2, shape / (1 + step) ** 2) if shape else None
    if name == "absence":
        now_away = max((group.absence for group in scenario.groups), default=0.0)
        alike = len({group.absence for group in scenario.groups}) == 1
        return (max(now_away - step, 0.0), min(now_away + step, 1.0)) if alike and now_away else None
    if name == "wrap_up" and not any(draws.mean_s(line.wrap_up) for line in scenario.lines):
        return None
    if name == "patience" and all(line.patience is None for line in scenario.lines):
        return None
    if name == "ring" and not draws.mean_s(scenario.ring):
        return None
    return 1 - step, 1 + step


__all__ = [
    "BreakEven", "Effect", "Fewest", "Point", "Tried",
    "break_even", "fewest_seats", "sensitivity", "what_if",
]  # fmt: skip
