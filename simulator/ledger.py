"""Counting what a run of the engine gave: calls by the half hour in which they came and their line, seats' time by the clock."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from simulator.outcome import Assigned, Outcome
from simulator.scenario import HALF_HOUR_MS, Scenario


@dataclass(slots=True)
class _Seat:
    """Since when an agent is as it is. ``staffed``: signed on and not on a break, ``busy``: of that, with a call or after one."""

    since: int = 0
    staffed: bool = False
    busy: bool = False


@dataclass(slots=True)
class Ledger:
    """The `Outcome` in the making. Times in ms since the replication's midnight."""

    outcome: Outcome
    warm_up_ms: int
    within_ms: int
    _seats: dict[str, _Seat] = field(default_factory=dict)
    _call: list[int] = field(default_factory=list)
    _agent: list[int] = field(default_factory=list)
    _at: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, scenario: Scenario) -> Ledger:
        """An empty one for a scenario."""
        half_hours = scenario.horizon_ms // HALF_HOUR_MS
        return cls(Outcome.empty(half_hours, len(scenario.lines)), scenario.warm_up_ms, scenario.within_ms)

    def row(self, arrived: int) -> int | None:
        """The half hour of a call that came then; ``None``: before the end of the warm-up, or after the last half hour."""
        row = arrived // HALF_HOUR_MS
        return row if arrived >= self.warm_up_ms and row < self.outcome.offered.shape[0] else None

    def assigned(self, call: int, agent: int, at: int) -> None:
        """A seat begins to ring for a call."""
        self._call.append(call)
        self._agent.append(agent)
        self._at.append(at)

    def seat(self, agent: str, at: int, *, staffed: bool, busy: bool) -> None:
        """From now on the agent is like this."""
        seat = self._seats.get(agent)
        if seat is None:
            seat = self._seats[agent] = _Seat()
        if seat.staffed == staffed and seat.busy == busy:
            return
        self._credit(seat, at)
        seat.staffed, seat.busy = staffed, busy

    def close(self, at: int) -> None:
        """The run is over: who is still signed on has been until the end of the last half hour."""
        for seat in self._seats.values():
            self._credit(seat, at)

    def log(self) -> Assigned:
        """Every ring, in the order in which it was decided."""
        return Assigned(*(np.array(column, np.int64) for column in (self._call, self._agent, self._at)))

    def _credit(self, seat: _Seat, until: int) -> None:
        """Its time since the last change, cut at half hours and the horizon."""
        rows = self.outcome.staffed_ms.shape[0]
        begin, end = seat.since, min(until, rows * HALF_HOUR_MS)
        seat.since = until
        while seat.staffed and begin < end:
            row = begin // HALF_HOUR_MS
            stop = min(end, (row + 1) * HALF_HOUR_MS)
            self.outcome.staffed_ms[row] += stop - begin
            if seat.busy:
                self.outcome.busy_ms[row] += stop - begin
            begin = stop
