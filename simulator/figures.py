"""The figures of a scenario: which there are, of what they are made, and how they are told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from simulator.outcome import Outcome
from simulator.precision import Band, Floats, Interval, Verdict, verdict

Measure = Literal["answer_rate", "service_level", "abandon_rate", "asa", "occupancy"]
MEASURES: tuple[Measure, ...] = ("answer_rate", "service_level", "abandon_rate", "asa", "occupancy")
PARTS = ("answered", "within", "abandoned", "wait_ms", "busy_ms")
WHOLES = ("asked", "asked", "asked", "asked", "staffed_ms")
EMPTY = (1.0, 1.0, 0.0, 0.0, 0.0)
"""the figure where nobody asked"""
UNIT = (1.0, 1.0, 1.0, 1000.0, 1.0)
SHARE = (True, True, True, False, False)
"""counted calls: the binomial limits hold where few were seen"""
AT_MOST_ONE = (True, True, True, False, True)


@dataclass(frozen=True, slots=True)
class Breakdown:
    """Figures by half hour of the replication, or by line: every array has one value for each.

    ``offered``, ``asked``: mean calls of one replication; ``staffed``, ``busy``: mean seats (``None`` by
    line: a seat has no line).
    """

    offered: Floats
    asked: Floats
    answer_rate: Band
    service_level: Band
    abandon_rate: Band
    asa: Band
    occupancy: Band | None = None
    staffed: Floats | None = None
    busy: Floats | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """What a scenario will be like. Rates between 0 and 1, ``asa`` in seconds, each with its limits (95 %).

    ``days`` and ``calls``: played in all. ``outcome``: the sum of the ``replications``, for whatever else is
    asked. ``looks``: how often the interval was looked at before this. ``seats``: of the scenario at its
    fullest.
    """

    name: str
    seats: int
    answer_rate: Interval
    service_level: Interval
    abandon_rate: Interval
    asa: Interval
    occupancy: Interval
    days: int
    calls: int
    target: float
    looks: int
    replications: int
    by_half_hour: Breakdown
    by_line: Breakdown
    lines: tuple[str, ...]
    outcome: Outcome

    @property
    def verdict(self) -> Verdict:
        """Does the answer rate reach the scenario's target?"""
        return verdict(self.answer_rate, self.target)

    def measure(self, name: Measure) -> Interval:
        """One of the five by its name."""
        found: Interval = getattr(self, name)
        return found
