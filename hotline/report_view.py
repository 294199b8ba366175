"""What a planner's report shows, as data: the page, the pictures and the CSV are all made from one `View`. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Series = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Span:
    """A figure with its 95 % interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Bands:
    """One value a half hour with its 95 % interval; NaN where nobody called."""

    mean: Series
    low: Series
    high: Series

    def at(self, half_hour: int) -> Span:
        """The value of one half hour."""
        return Span(float(self.mean[half_hour]), float(self.low[half_hour]), float(self.high[half_hour]))


@dataclass(frozen=True, slots=True)
class LineRow:
    """One line's share of the plan: calls a day, rates with their intervals, mean wait in seconds."""

    name: str
    title: str
    calls: float
    answer_rate: Span
    service_level: Span
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
    rate: Span
    lost: float
    why: Words


@dataclass(frozen=True, slots=True)
class View:
    """A scenario that was simulated.

    ``half_hours``: labels (``Mon 09:00``); all series have as many values, a mean over what was simulated. ``seats``:
    signed on and not on a break; ``need``: seats that the half hour's load takes for the target by Erlang A.
    ``wait_s``: the mean wait of all who asked.
    """

    name: str
    title: str
    days: int
    calls: float
    most_seats: int
    target: float
    within_s: float
    figures: Mapping[str, Span]
    half_hours: tuple[str, ...]
    answer_rate: Bands
    wait_s: Bands
    occupancy: Series
    offered: Series
    seats: Series
    need: Series
    lines: tuple[LineRow, ...]
    failures: tuple[Failure, ...] = ()
    notes: tuple[Words, ...] = ()

    @property
    def verdict(self) -> str:
        """``met``: the whole interval of the answer rate is at the target or above; ``missed``: below it; else ``undecided``."""
        rate = self.figures["answer_rate"]
        return "met" if rate.low >= self.target else "missed" if rate.high < self.target else "undecided"
