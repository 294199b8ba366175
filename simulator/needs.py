"""How many seats each half hour of the week needs, and of whom: Erlang A on the modified offered load, shared out
where a seat wins most.

People whom the plan may move are in *pools*: groups that can in the end answer the same lines (`Scenario.groups` with
``scaled``; their levels decide who comes first and not who comes at all). All other groups (experts, departments)
keep the shifts that the scenario gives them, and what they answer is taken off the pools' load. A *demand* is a set
of pools and the seats that they need together: the calls that nobody else can answer.

Seats are shared out by marginal analysis (B. Fox, "Discrete optimization via marginal analysis", Management Science
13, 1966): first every half hour gets the fewest with which it reaches `Rules.half_hour`, then the next seat goes
where it saves most calls, until the week reaches the aim. What is lost is convex in the seats, so no other sharing
does it with fewer seat-hours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from heapq import heapify, heapreplace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulator import draws
from simulator.mol import handling, offered_load
from simulator.rules import ROWS, Rules
from simulator.scenario import CELL_MS, HALF_HOUR_MS, Duration, Group, Line, Scenario
from simulator.tables import Tables, tables

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CELLS: Final = HALF_HOUR_MS // CELL_MS
_SPREAD: Final = (-1.3998, -0.5319, 0.0, 0.5319, 1.3998)
"""means of the five equally likely slices of a normal distribution: how busy it may be"""
_SMOOTHED: Final = 0.7
"""share of the five minutes' own variance that is left of it when calls last as long as that"""
_ENDLESS_S: Final = 1e5
_WORTH: Final = 0.002
"""calls a week: a seat that saves fewer in its half hour is not asked for, whatever the aim"""
_TERMS: Final = 4000
_POINTS: Final = 500


@dataclass(frozen=True, slots=True)
class Pool:
    """Groups that can answer the same lines. ``lines``: their names; ``absence``: share of the people who do not
    come, mean of the groups by the seats that they have; ``weights``: the groups' share of the pool's seats, as in
    the scenario."""

    name: str
    groups: tuple[str, ...]
    lines: frozenset[str]
    weights: tuple[float, ...]
    absence: float = 0.0


@dataclass(frozen=True, slots=True)
class Demand:
    """What ``pools`` must have at work together. ``lines``: those that nobody else can answer. By half hour of the
    week from Monday 0:00: ``calls`` that ask, ``load`` in Erlangs, ``need`` in seats. ``loss[half hour, seats]``:
    share of the calls lost (Erlang A, and in the ring)."""

    pools: frozenset[str]
    lines: tuple[str, ...]
    calls: Floats
    load: Floats
    loss: Floats
    need: Ints

    @property
    def answer_rate(self) -> float:
        """As Erlang A has it, with the seats that are needed."""
        lost = self.loss[np.arange(ROWS), np.minimum(self.need, self.loss.shape[1] - 1)]
        total = float(self.calls.sum())
        return 1 - float((lost * self.calls).sum()) / total if total else 1.0


def week_of(scenario: Scenario) -> Scenario:
    """The scenario over a week at least: a plan of shifts is a plan of weeks."""
    if scenario.days >= 7:
        return scenario
    if scenario.arrivals.series is not None:
        raise ValueError(
            f"arrivals.series: it covers {scenario.days} days, and shifts are planned for 7: give a series of a week"
        )
    return replace(scenario, days=7)


def rows_of(scenario: Scenario) -> Ints:
    """The half hour of the week (0: Monday 0:00) of each half hour of the replication."""
    first = scenario.start.weekday() * 48
    return (first + np.arange(scenario.days * 48, dtype=np.int64)) % ROWS


def can_answer(group: Group, line: Line, step: int = -1) -> bool:
    """Has the group what the line asks at a step: 0 the first, -1 the widest?"""
    return all(group.skills.get(skill, 0) >= level for skill, level in line.wait.needs[step].skills)


def pools(scenario: Scenario) -> tuple[Pool, ...]:
    """Who is planned. Raises ``ValueError`` when nobody is."""
    found: dict[frozenset[str], list[Group]] = {}
    for group in scenario.groups:
        if group.scaled:
            reach = frozenset(line.name for line in scenario.lines if can_answer(group, line))
            found.setdefault(reach, []).append(group)
    if not any(found):
        raise ValueError("groups: none can be planned: write scaled = true in one that answers a line")
    made = []
    for reach, groups in found.items():
        if not reach:
            continue
        seats = [sum(s.seats * len(s.weekdays) for s in group.shifts) or 1 for group in groups]
        total = sum(seats)
        absence = sum(n * group.absence for n, group in zip(seats, groups, strict=True)) / total
        weights = tuple(n / total for n in seats)
        made.append(Pool(groups[0].name, tuple(g.name for g in groups), reach, weights, absence))
    return tuple(made)


def demands(scenario: Scenario, rules: Rules, laid: Tables | None = None) -> tuple[Demand, ...]:
    """What the pools must have, without a need yet: one demand for each set of pools that alone can answer a line,
    and one for all."""
    planned = pools(scenario)
    laid = laid or tables(scenario)
    of_line = {
        line.name: frozenset(pool.name for pool in planned if line.name in pool.lines)
        for line in scenario.lines
    }
    sets = {names for names in of_line.values() if names}
    sets.add(frozenset[str]().union(*sets) if sets else frozenset())
    made = []
    for names in sorted(sets, key=lambda s: (len(s), sorted(s))):
        lines = [line for line in scenario.lines if of_line[line.name] and of_line[line.name] <= names]
        made.append(_demand(scenario, rules, laid, names, lines))
    return tuple(made)


def _demand(
    scenario: Scenario, rules: Rules, laid: Tables, names: frozenset[str], lines: list[Line]
) -> Demand:
    columns = [scenario.lines.index(line) for line in lines]
    asking = laid.rate[:, columns] * np.array([1 - line.contained for line in lines])
    samples = [handling(line, scenario.ring) for line in lines]
    by_line = np.stack(
        [_steady(asking[:, i] / (CELL_MS / 1000), sample) for i, sample in enumerate(samples)], axis=1
    )
    per = (-1, CELLS, len(lines))
    calls, load = asking.reshape(per).sum(1), by_line.reshape(per).mean(1)
    left = load - _answered_by_others(scenario, lines, load)
    with np.errstate(invalid="ignore", divide="ignore"):
        calls = calls * np.where(load > 0, left / load, 1.0)
    shape = scenario.arrivals.busyness
    rows = rows_of(scenario)
    week_calls, week_load = np.zeros(ROWS), np.zeros(ROWS)
    np.maximum.at(week_calls, rows, calls.sum(1))
    np.maximum.at(week_load, rows, left.sum(1))
    work = float((asking * [s.mean() for s in samples]).sum())
    aht = work / asking.sum() if asking.sum() else 1.0
    patience = _patience(lines, asking.sum(0))
    five = np.maximum(week_calls / CELLS, 0.1)
    varied = np.sqrt((1 / shape if shape else 0.0) + _SMOOTHED * (scenario.arrivals.dispersion - 1) / five)
    most = int(week_load.max() * 2 + 30)
    spread = [lost(np.maximum(week_load * (1 + z * varied), 0.0), aht, patience, most) for z in _SPREAD]
    hurried = ring_loss(scenario, lines)
    loss = 1 - (1 - np.mean(spread, axis=0)) * (1 - hurried)
    return Demand(
        names, tuple(line.name for line in lines), week_calls, week_load, loss, np.zeros(ROWS, np.int64)
    )


def ring_loss(scenario: Scenario, lines: Sequence[Line]) -> float:
    """Share of callers who hang up while the seat rings, however many seats there are: no plan of shifts wins them
    back."""
    ring = points(scenario.ring)
    weights = [line.share * (1 - line.contained) for line in lines]
    shares = [
        float((points(line.patience)[:, None] < ring).mean()) if line.patience is not None else 0.0
        for line in lines
    ]
    total = sum(weights)
    return sum(w * s for w, s in zip(weights, shares, strict=True)) / total if total else 0.0


def points(of: Duration) -> Floats:
    """Equally likely durations in seconds."""
    if of.fixed:
        return np.array([of.mean_s])
    return draws.points(of, _POINTS)


def _steady(rate: Floats, sample: Floats) -> Floats:
    """The load of a week that follows itself: those who called on Sunday night are still there on Monday."""
    return offered_load(np.concatenate([rate[-48:], rate]), sample)[48:]


def _patience(lines: list[Line], calls: Floats) -> float:
    leaving = sum(
        float(n) / max(draws.mean_s(line.patience), 0.001)
        for n, line in zip(calls, lines, strict=True)
        if line.patience is not None
    )
    return float(calls.sum()) / leaving if leaving else _ENDLESS_S


def _answered_by_others(scenario: Scenario, lines: list[Line], load: Floats) -> Floats:
    """Erlangs by half hour and line that groups take which keep their shifts: what Erlang B does not turn away from
    their seats."""
    taken = np.zeros_like(load)
    for group in scenario.groups:
        if group.scaled or not group.shifts:
            continue
        own = [
            i for i, line in enumerate(lines) if can_answer(group, line) or can_answer(group, line, step=0)
        ]
        offered = (load - taken)[:, own].sum(1)
        seats = fixed_seats(scenario, group)
        carried = offered * (1 - _blocked(offered, seats))
        share = np.where(offered > 0, carried / np.where(offered > 0, offered, 1), 0.0)
        taken[:, own] += (load - taken)[:, own] * share[:, None]
    return taken


def fixed_seats(scenario: Scenario, group: Group) -> Ints:
    """Seats of one group at work, by half hour of the replication, breaks left out."""
    found = np.zeros(scenario.days * 48, np.int64)
    for shift in group.shifts:
        for day in range(-2, scenario.days):
            if scenario.worked(shift, scenario.start + timedelta(days=day)):
                low = max(0, day * 48 + -(-shift.from_minute // 30))
                high = max(0, day * 48 + shift.to_minute // 30)
                found[low:high] += shift.seats
    return found


def _blocked(load: Floats, seats: Ints) -> Floats:
    """Erlang B for many loads at once."""
    blocked = np.ones_like(load)
    for seat in range(1, int(seats.max(initial=0)) + 1):
        more = load * blocked / (seat + load * blocked)
        blocked = np.where(seats >= seat, more, blocked)
    return blocked


def lost(load: Floats, aht: float, patience: float, most: int) -> Floats:
    """Erlang A: share of calls that give up, ``[load, seats 0..most]``, for many loads (Erlangs) at once. ``aht``,
    ``patience`` in seconds.

    Palm's closed form (W. Whitt, A. Mandelbaum, S. Zeltyn): from Erlang B and the sum of y^j / ((c + 1) ... (c + j))
    with c = seats x patience / aht, y = load x patience / aht. The same numbers as `acd.erlang.wait_with_patience`
    gives one by one.
    """
    load = np.maximum(np.asarray(load, np.float64), 1e-9)
    ratio = patience / aht
    blocked = np.ones_like(load)
    y = load * ratio
    lose = np.empty((len(load), most + 1))
    lose[:, 0] = 1.0
    for seats in range(1, most + 1):
        blocked = load * blocked / (seats + load * blocked)
        log_a = _log_series(seats * ratio, y)
        # 1 / (P(all busy)) = 1 + (1 - B) / (A B): in this form nothing overflows
        waits = 1 / (1 + np.exp(np.log1p(-blocked) - np.log(np.maximum(blocked, 1e-300)) - log_a))
        rho = load / seats
        give_up = np.exp(-log_a) / rho + 1 - 1 / rho
        lose[:, seats] = np.clip(waits * give_up, 0.0, 1.0)
    return lose


def _log_series(c: float, y: Floats) -> Floats:
    """log of 1 + the sum over j >= 1 of y^j / ((c + 1) ... (c + j)): the terms grow while c + j < y, then fall."""
    total, term, scale = np.ones_like(y), np.ones_like(y), np.zeros_like(y)
    for j in range(1, _TERMS):
        term = term * (y / (c + j))
        total = total + term
        if j % 64 == 0:
            big = np.maximum(total, 1.0)
            total, term, scale = total / big, term / big, scale + np.log(big)
        if j % 16 == 0 and bool((term < total * 1e-14).all()) and c + j > float(y.max()):
            break
    return scale + np.log(total)


def shared_out(demand: Demand, aim: float, rules: Rules, more: Ints | None = None) -> Demand:
    """The demand with its need: fewest seat-hours with which the week reaches ``aim`` and every half hour the rules'
    least.

    ``more``: seats that a simulation asked for, added to what the half hour would have.
    """
    most = demand.loss.shape[1] - 1
    enough = 1 - demand.loss >= rules.half_hour
    need = np.where(enough.any(1), enough.argmax(1), most)
    need = np.where(demand.calls > 1e-9, need, 0)
    if more is not None:
        need = np.minimum(need + more, most)
    lost_calls = demand.loss * demand.calls[:, None]
    at = np.arange(ROWS)
    left = float(lost_calls[at, need].sum())
    allowed = (1 - aim) * float(demand.calls.sum())
    saved = lost_calls[:, :-1] - lost_calls[:, 1:]
    queue = [(-float(saved[row, need[row]]), row) for row in range(ROWS) if need[row] < most]
    heapify(queue)
    while left > allowed and queue and queue[0][0] < -_WORTH:
        gain, row = queue[0]
        left += gain
        need[row] += 1
        heapreplace(queue, (-float(saved[row, need[row]]) if need[row] < most else 0.0, row))
    return replace(demand, need=np.maximum(need, rules.open_seats if len(demand.lines) else 0))


def split(weights: Sequence[float], counts: Sequence[int]) -> list[list[int]]:
    """Each count shared out by the weights, so that the running totals keep to them too: ``[count][weight]``."""
    given = [0.0] * len(weights)
    made, total = [], 0
    for count in counts:
        part = [0] * len(weights)
        for _ in range(count):
            total += 1
            behind = [w * total - g for w, g in zip(weights, given, strict=True)]
            chosen = behind.index(max(behind))
            part[chosen] += 1
            given[chosen] += 1
        made.append(part)
    return made
