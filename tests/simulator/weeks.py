"""Needs, pools and shifts for the tests of plans, made by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np

from simulator.needs import Demand, Pool, lost
from simulator.rules import DAY, ROWS, Pattern, ShiftKind
from simulator.scenario import Arrivals, Duration, Group, Line, Need, Scenario, Shift, Wait
from simulator.shifts import PlannedShift

FOUR = ShiftKind("4h", 240, starts=(480, 600, 720))
FIVE = ShiftKind("5h", 300, 30, meal_after=(120, 150), starts=(480, 660))
POOL = Pool("general", ("general",), frozenset({"12345"}), (1.0,))


def demand(need: Mapping[int, int] | Iterable[int], pools: Iterable[str] = ("general",)) -> Demand:
    """So many people in these half hours, and nobody in others; their load is what so many can carry."""
    wanted = np.zeros(ROWS, np.int64)
    if isinstance(need, Mapping):
        for row, seats in need.items():
            wanted[row] = seats
    else:
        wanted[:] = list(need)
    load = wanted * 0.8
    loss = lost(load, 200.0, 120.0, int(wanted.max(initial=0)) * 2 + 30)
    return Demand(frozenset(pools), ("12345",), load * 9.0, load, loss, wanted)


def shift(
    day: int, kind: ShiftKind, start: int, people: int = 1, group: str = "general", meal: int | None = None
) -> PlannedShift:
    """People on a shift that begins at a minute of a day."""
    after = kind.meal_after[0] if meal is None else meal
    return PlannedShift(group, Pattern(day * DAY + start, kind, after if kind.meal_minutes else 0), people)


def town(per_day: float = 1500.0, **changed: Any) -> Scenario:
    """A week of a small hotline with one line and one group; ``changed``: other fields of the scenario."""
    hours = (1, 1, 1, 1, 1, 1, 2, 4, 8, 9, 10, 9, 8, 8, 9, 9, 8, 6, 5, 4, 4, 4, 3, 2)
    shares = tuple(h / sum(hours) / 2 for h in hours for _ in range(2))
    line = Line(
        "12345",
        1.0,
        Wait("12345", (Need((("12345", 1),)),)),
        Duration("lognormal", 160.0, 0.8),
        Duration("lognormal", 30.0, 0.4),
        Duration("exponential", 120.0),
    )
    made = Scenario(
        "town",
        (line,),
        (Group("general", {"12345": 1}, (Shift("day", 10, 480, 960),)),),
        Arrivals(per_day, shares, weekdays=(1.1, 1, 1, 1, 1, 0.8, 0.8), busyness=250.0),
        start=date(2026, 1, 12),
        days=7,
        seed=7,
        ring=Duration("constant", 1.0),
        target=0.97,
    )
    return replace(made, **changed)
