"""When how many call, and who is there: rates by five minutes, people by shifts and breaks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from simulator.scenario import DAY_MS, Break, Scenario, Shift

MINUTE_MS = 60_000

# what happens to an agent, in the order in which it does at one ms
OFF = 0
BACK = 1
REST = 2
ON = 3


@dataclass(frozen=True, slots=True)
class Piece:
    """One agent on one shift: from ``on_ms`` to ``off_ms`` after the replication's first midnight. ``seat``:
    which of the shift's seats.
    """

    agent: int
    day: int
    on_ms: int
    off_ms: int
    shift: Shift
    seat: int


@dataclass(frozen=True, slots=True)
class People:
    """Every seat of every shift is a person: the groups by person, and when they work, by person and time."""

    group: tuple[int, ...]
    pieces: tuple[Piece, ...]


def expected_calls(scenario: Scenario) -> NDArray[np.float64]:
    """Calls expected ``[five-minute cell, line]`` on days of busyness 1."""
    arrivals = scenario.arrivals
    by_half_hour = (
        np.concatenate([_day(scenario, day) for day in scenario.dates()])
        if arrivals.series is None
        else np.array(arrivals.series, np.float64)
    )
    if len(by_half_hour) != scenario.days * 48:
        had = len(by_half_hour)
        raise ValueError(f"series: {had} half hours are not the {scenario.days * 48} of {scenario.days} days")
    share = np.array([line.share for line in scenario.lines], np.float64)
    rate = np.repeat(by_half_hour / 6, 6)[:, None] * share / share.sum()
    begins = np.arange(len(rate)) * 5.0
    for surge in scenario.arrivals.surges:
        inside = np.minimum(begins + 5, surge.to_minute) - np.maximum(begins, surge.from_minute)
        factor = 1 + (surge.factor - 1) * np.clip(inside, 0, 5) / 5
        for column, line in enumerate(scenario.lines):
            if surge.line in {None, line.name}:
                rate[:, column] *= factor
    if not np.isfinite(rate).all() or (rate < 0).any():
        raise ValueError("arrivals: a rate is below 0 or without end: look at the factors and the shares")
    return np.ascontiguousarray(rate)


def _day(scenario: Scenario, day: date) -> NDArray[np.float64]:
    arrivals = scenario.arrivals
    factor = arrivals.holidays.get(day, arrivals.weekdays[day.weekday()])
    if arrivals.since is not None:
        factor *= (1 + arrivals.growth) ** ((day - arrivals.since).days / 365)
    return np.array(arrivals.half_hours, np.float64) * arrivals.per_day * factor


def pieces(scenario: Scenario) -> People:
    """Who works when. The day before counts as far as it reaches past midnight, the day after so that the last
    callers are served.
    """
    groups: list[int] = []
    made: list[Piece] = []
    for number, group in enumerate(scenario.groups):
        for shift in group.shifts:
            spans = _spans(scenario, shift)
            for seat in range(shift.seats):
                agent = len(groups)
                made += [Piece(agent, day, on, off, shift, seat) for day, on, off in spans]
                groups.append(number)
    return People(tuple(groups), tuple(made))


def _spans(scenario: Scenario, shift: Shift) -> list[tuple[int, int, int]]:
    """Day, on and off of a shift, whoever has it."""
    made = []
    for day in range(-1, scenario.days + 1):
        on, off = (day * 1440 + minute for minute in (shift.from_minute, shift.to_minute))
        if off > max(on, 0) and scenario.worked(shift, scenario.start + timedelta(days=day)):
            made.append((day, max(on, 0) * MINUTE_MS, off * MINUTE_MS))
    return made


def rests(scenario: Scenario, worked: tuple[Piece, ...]) -> list[list[int]]:
    """The breaks inside the pieces: number of the piece, from, to."""
    made = []
    for number, piece in enumerate(worked):
        begins = piece.day * DAY_MS + piece.shift.from_minute * MINUTE_MS
        for rest in piece.shift.breaks:
            on = begins + _after(rest, piece.seat) * MINUTE_MS
            off = on + rest.minutes * MINUTE_MS
            if on > piece.on_ms and off < piece.off_ms and rest.minutes > 0:
                made.append([number, on, off])
    return made


def _after(rest: Break, seat: int) -> int:
    return rest.after_minutes + seat % max(rest.waves, 1) * rest.stagger_minutes


def timeline(
    worked: NDArray[np.int64], breaks: NDArray[np.int64], come: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Who comes and goes when, in order: ms, what, agent. ``come``: which of the pieces are worked; those that
    touch are one.
    """
    kept = worked[come]
    agent, on, off = kept[:, 0], kept[:, 2], kept[:, 3]
    apart = (agent[1:] != agent[:-1]) | (on[1:] > off[:-1])
    ends_there = np.ones(min(len(kept), 1), np.bool_)
    begins, ends = np.concatenate([ends_there, apart]), np.concatenate([apart, ends_there])
    taken = breaks[come[breaks[:, 0]]]
    who = worked[taken[:, 0], 0]
    at = np.concatenate([on[begins], off[ends], taken[:, 1], taken[:, 2]])
    counts = int(begins.sum()), int(ends.sum()), len(taken), len(taken)
    what = np.repeat(np.array([ON, OFF, REST, BACK]), counts)
    agents = np.concatenate([agent[begins], agent[ends], who, who])
    order = np.lexsort((agents, what, at))
    return np.stack([at[order], what[order], agents[order]], axis=1)
