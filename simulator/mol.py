"""The modified offered load: Erlang A for a day whose load changes, without playing it.

When the rate changes slowly, the number of busy seats follows it late and smoothed, as it would with
endlessly many seats: m(t) is the integral of rate(t - u) x P(handling > u) over u. Erlang A is then asked at
every five minutes with m(t) in the place of rate x mean handling (D. Jagerman 1975; S. Eick, W. Massey, W.
Whitt, "M(t)/G/infinity queues with sinusoidal arrival rates", Management Science 39, 1993; Z. Feldman, A.
Mandelbaum, W. Massey, W. Whitt, "Staffing of time-varying queues", Management Science 54, 2008).

All lines are taken for one, all people for equally able; tries again, full trunks and limits of queues are
left out. It is where a search begins and what a simulation is held against, and no proof.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import exp, inf

import numpy as np

from acd import erlang
from simulator import draws
from simulator.precision import Floats
from simulator.scenario import CELL_MS, HALF_HOUR_MS, Duration, Line, Scenario
from simulator.tables import Tables, tables

_POINTS = 1024
_STEP_S = 60.0
_CELL_S = CELL_MS / 1000
_ENDLESS_S = 1e6
"""the patience of who has one without an end"""
# multipliers of a lattice rule in seven dimensions, odd, so that each dimension takes every point once
_LATTICE = (1, 363, 275, 583, 107, 829, 541)


@dataclass(frozen=True, slots=True)
class Approximation:
    """What Erlang A says with the modified offered load. Arrays by half hour of the replication, ``asa`` in
    seconds.

    ``load``: Erlangs, mean of the half hour; ``staffed``: seats with somebody at them, breaks and absence
    off; ``need``: the fewest seats with which the half hour by itself reaches the target, infinite where the
    ring alone loses too many. ``answer_rate`` and the others: of the half hour; ``whole``: answer rate of all
    calls.
    """

    calls: Floats
    load: Floats
    staffed: Floats
    need: Floats
    answer_rate: Floats
    service_level: Floats
    asa: Floats
    whole: float


@dataclass(frozen=True, slots=True)
class Demand:
    """A scenario as one queue. ``calls[cell]`` that ask for a seat in each five minutes, ``load[cell]`` in
    Erlangs, ``staffed[cell]`` seats; ``aht``, ``patience`` and ``ring``: means in seconds.
    """

    calls: Floats
    load: Floats
    staffed: Floats
    aht: float
    patience: float
    ring: float

    @property
    def outlast_ring(self) -> float:
        """Share of callers whose patience, having reached a seat, outlasts its ring as well."""
        return exp(-self.ring / self.patience)


def demand(scenario: Scenario, laid: Tables | None = None) -> Demand:
    """Loads, seats and times of a scenario on days of busyness 1. ``laid``: its tables, if they are there
    already.
    """
    laid = laid or tables(scenario)
    asking = laid.rate * np.array([1 - line.contained for line in scenario.lines])
    load = np.zeros(len(asking))
    ring = draws.mean_s(scenario.ring)
    work = 0.0
    for column, line in enumerate(scenario.lines):
        sample = handling(line, scenario.ring)
        load += offered_load(asking[:, column] / _CELL_S, sample)
        work += float(asking[:, column].sum() * sample.mean())
    calls = asking.sum(1)
    total = float(calls.sum())
    impatience = sum(
        float(asking[:, column].sum()) / max(draws.mean_s(line.patience), 0.001)
        for column, line in enumerate(scenario.lines)
        if line.patience is not None
    )
    patience = total / impatience if impatience else _ENDLESS_S
    return Demand(calls, load, staffed(laid), max(work / total if total else 0.0, 0.001), patience, ring)


def approximate(scenario: Scenario, target: float | None = None) -> Approximation:
    """The scenario without playing it, on a day of busyness 1. ``target``: of ``need``, the scenario's where
    it is left out.
    """
    of = demand(scenario)
    within = scenario.within_ms / 1000
    wanted = scenario.target if target is None else target
    found = [_cell(*cell, of, within) for cell in zip(of.load, of.staffed, strict=True)]
    figures = np.array(found)
    per = HALF_HOUR_MS // CELL_MS
    calls = of.calls.reshape(-1, per)
    weights = np.where(calls.sum(1, keepdims=True) > 0, calls, 1.0)
    weights = weights / weights.sum(1, keepdims=True)
    by_half_hour = (figures.reshape(-1, per, 3) * weights[:, :, None]).sum(1)
    total = float(of.calls.sum())
    return Approximation(
        calls.sum(1),
        of.load.reshape(-1, per).mean(1),
        of.staffed.reshape(-1, per).mean(1),
        need(of, wanted),
        by_half_hour[:, 0],
        by_half_hour[:, 1],
        by_half_hour[:, 2],
        float((figures[:, 0] * of.calls).sum()) / total if total else 1.0,
    )


def peak_load(of: Demand) -> Floats:
    """Erlangs of the fullest five minutes of each half hour."""
    return np.asarray(of.load.reshape(-1, HALF_HOUR_MS // CELL_MS).max(1), np.float64)


def need(of: Demand, target: float) -> Floats:
    """The fewest seats with which each half hour's peak reaches the target by itself, infinite where the ring alone
    loses too many."""
    alone = target / of.outlast_ring
    return np.array(
        [_need(round(float(peak), 3), of.aht, of.patience, alone) for peak in peak_load(of)], np.float64
    )


def offered_load(rate: Floats, sample: Floats) -> Floats:
    """Mean busy seats if there were endlessly many, ``float64[cell]``, mean of each cell. ``rate``: arrivals
    a second by cell of five minutes, nobody is there before the first; ``sample``: equally likely handling
    times in seconds.
    """
    steps = max(int(np.ceil(sample.max() / _STEP_S)), 1)
    edges = np.arange(steps + 1) * _STEP_S
    stay = np.diff(
        np.minimum(np.sort(sample)[:, None], edges).mean(0)
    )  # integral of P(handling > u) over a step
    per = round(_CELL_S / _STEP_S)
    at_edges = np.concatenate([[0.0], np.convolve(np.repeat(rate, per), stay)[: len(rate) * per]])
    by_cell = (at_edges[:-1] + at_edges[1:]).reshape(-1, per) / 2
    return np.asarray(by_cell.mean(1), np.float64)


def handling(line: Line, ring: Duration) -> Floats:
    """Equally likely times in seconds that a call of the line takes of a seat: ring, talk, transfer, wrap-up,
    a call of its own after it.
    """
    points = np.arange(_POINTS)
    at = [(points * step % _POINTS + 0.5) / _POINTS for step in _LATTICE]
    parts = [_at(ring, at[0]), _at(line.talk, at[1]), _at(line.wrap_up, at[2])]
    if line.transfer:
        parts.append(np.where(at[3] < line.transfer.share, _at(line.transfer.together, at[4]), 0.0))
    if line.outgoing:
        parts.append(np.where(at[5] < line.outgoing, _at(line.outgoing_talk, at[6]), 0.0))
    return np.asarray(np.sum(parts, axis=0), np.float64)


def _at(of: Duration, shares: Floats) -> Floats:
    """Quantiles in seconds, scaled so that their mean is the distribution's."""
    mean = draws.mean_s(of)
    if of.kind == "constant" or mean == 0:
        return np.full(len(shares), mean)
    found = _quantiles(of)[(shares * _POINTS).astype(np.int64)]
    return np.asarray(found * (mean / found.mean()), np.float64)


@cache
def _quantiles(of: Duration) -> Floats:
    return draws.points(of, _POINTS)


def staffed(laid: Tables) -> Floats:
    """Seats with somebody at them, mean of every five minutes: shifts without breaks, less those who are
    expected not to come.
    """
    cells = laid.horizon_ms // CELL_MS
    come = 1 - laid.absence / draws.CERTAIN
    there = np.zeros(cells + 1)
    for agent, _, on, off in laid.pieces.tolist():
        _add(there, on, off, float(come[agent]), laid.horizon_ms)
    for piece, on, off, *_ in laid.rests.tolist():
        _add(there, on, off, -float(come[laid.pieces[piece, 0]]), laid.horizon_ms)
    return np.cumsum(there)[:cells]


def _add(there: Floats, on: int, off: int, seats: float, horizon: int) -> None:
    """Enter a span as differences between cells; a cell that is covered in part counts in part."""
    for at, sign in ((min(max(on, 0), horizon), seats), (min(max(off, 0), horizon), -seats)):
        cell, inside = divmod(at, CELL_MS)
        there[cell] += sign * (1 - inside / CELL_MS)
        if cell + 1 < len(there):
            there[cell + 1] += sign * inside / CELL_MS


def _cell(load: float, seats: float, of: Demand, within: float) -> tuple[float, float, float]:
    """Answer rate, service level, mean wait; between two whole numbers of seats in proportion."""
    low = int(np.floor(seats + 1e-9))
    part = max(seats - low, 0.0)
    left = max(within - of.ring, 0.0)
    figures = np.array(_whole(round(float(load), 6), low, of.aht, of.patience, left))
    if part > 1e-9:
        more = np.array(_whole(round(float(load), 6), low + 1, of.aht, of.patience, left))
        figures = (1 - part) * figures + part * more
    in_time = of.outlast_ring if within >= of.ring else 0.0
    return float(figures[0]) * of.outlast_ring, float(figures[1]) * in_time, float(figures[2]) + of.ring


@cache
def _whole(load: float, seats: int, aht: float, patience: float, within: float) -> tuple[float, float, float]:
    queue = erlang.wait_with_patience(load, seats, aht, patience, within)
    return 1 - queue.p_abandon, queue.service_level, queue.asa or 0.0


@cache
def _need(load: float, aht: float, patience: float, target: float) -> float:
    """The fewest seats at which Erlang A answers the target's share."""
    if target >= 1:
        return inf
    low, high = 0, max(int(load * 2), 1)
    while 1 - erlang.wait_with_patience(load, high, aht, patience, 0.0).p_abandon < target:
        high *= 2
    while low < high:
        middle = (low + high) // 2
        if 1 - erlang.wait_with_patience(load, middle, aht, patience, 0.0).p_abandon >= target:
            high = middle
        else:
            low = middle + 1
    return low


def quick_answer_rate(of: Demand, seats: Floats, busyness: Floats) -> float:
    """The answer rate of all calls by the formula for large halls, fast enough for a search: ``seats[cell]``,
    equally likely ``busyness``.

    O. Garnett, A. Mandelbaum, M. Reiman, "Designing a call center with impatient customers", 2002.
    """
    from scipy.special import erfcx

    def hazard(x: Floats) -> Floats:
        return np.asarray(np.sqrt(2 / np.pi) / erfcx(x / np.sqrt(2)), np.float64)

    load = np.maximum(of.load * busyness[:, None], 1e-9)
    n = np.maximum(seats, 0.5)
    root = np.sqrt(of.aht / of.patience)
    beta = (n - load) / np.sqrt(load)
    delta = np.clip(beta / root, -1e3, 1e3)
    waiting = 1 / (1 + root * hazard(delta) / hazard(-np.clip(beta, -1e3, 37)))
    lost = waiting * root * (hazard(delta) - delta) / np.sqrt(n)
    lost = np.clip(np.maximum(lost, 1 - n / load), 0, 1)
    calls = of.calls * busyness[:, None]
    answered = 1 - float((lost * calls).sum() / calls.sum()) if calls.sum() else 1.0
    return answered * of.outlast_ring
