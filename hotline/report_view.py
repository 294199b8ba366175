"""What a planner's report shows, as data: the page, the pictures and the CSV are all made from one `View`. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.precision import Band, Interval, Verdict, verdict

Series = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LineRow:
    """One line's share of the plan: calls a day, rates with their intervals, mean wait in seconds."""

    name: str
    title: str
    calls: float
    answer_rate: Interval
    service_level: Interval
    asa: float


@dataclass(frozen=True, slots=True)
class Words:
    """A sentence in both languages."""

    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class Failure:
    """A half hour, or a line, that misses the target: how many calls it loses a day, and why."""

    where: Words
    rate: Interval
    lost: float
    why: Words


@dataclass(frozen=True, slots=True)
class View:
    """A scenario that was simulated.

    ``half_hours``: labels (``Mon 09:00``); all series have as many values, a mean over what was simulated. ``seats``:
    signed on and not on a break; ``need``: seats that the half hour's load takes for the target by Erlang A,
    NaN where no number of them does.
    ``wait_s``: the mean wait of all who asked. ``sure``: enough was simulated to tell the figures' intervals (else they are
    from 0 to 1), ``parted``: and those of half hours and lines.
    """

    name: str
    title: str
    days: int
    calls: float
    most_seats: int
    target: float
    within_s: float
    figures: Mapping[str, Interval]
    half_hours: tuple[str, ...]
    answer_rate: Band
    wait_s: Band
    occupancy: Series
    offered: Series
    seats: Series
    need: Series
    lines: tuple[LineRow, ...]
    failures: tuple[Failure, ...] = ()
    notes: tuple[Words, ...] = ()
    sure: bool = True
    parted: bool = True

    @property
    def verdict(self) -> Verdict:
        """Does the answer rate reach the target?"""
        return verdict(self.figures["answer_rate"], self.target)
