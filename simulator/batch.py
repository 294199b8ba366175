"""A batch of replications: what is to be played, playing it, and what came of it. It is what is sent to other
machines.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from simulator import draws
from simulator.figures import PARTS, WHOLES
from simulator.outcome import Outcome
from simulator.precision import Floats
from simulator.scenario import CELL_MS, Scenario
from simulator.tables import Tables, tables

EngineName = Literal["fast", "engine"]
_COUNTED = ("offered", *dict.fromkeys((*PARTS, *WHOLES)))


@dataclass(frozen=True, slots=True)
class Job:
    """One batch of one option. ``key``: the same for the same scenario; ``first``: number of its first
    replication; ``busyness[replication, day]``.
    """

    scenario: Scenario
    key: str
    engine: EngineName
    first: int
    busyness: Floats


@dataclass(frozen=True, slots=True)
class Played:
    """What a batch gave. ``outcome``: the sum; ``parts`` and ``wholes``: ``[replication, day, measure]``;
    ``first`` and ``excess``: ``[replication, half hour]`` first calls, and work of the answered calls beyond
    its mean in ms; ``gave_up[replication, day]``: callers who hung up beyond those that their waiting lets
    expect; ``busyness`` as in the job.
    """

    outcome: Outcome
    parts: Floats
    wholes: Floats
    first: Floats
    excess: Floats
    gave_up: Floats
    busyness: Floats


@dataclass(frozen=True, slots=True)
class Kept:
    """What a study keeps of a batch: everything as in `Played`, but of the outcome only the sums that intervals
    are made of. ``by_half_hour[name]`` over all lines, ``by_line[name]`` over all half hours.
    """

    parts: Floats
    wholes: Floats
    first: Floats
    excess: Floats
    gave_up: Floats
    busyness: Floats
    by_half_hour: Mapping[str, Floats]
    by_line: Mapping[str, Floats]


def kept(played: Played) -> Kept:
    """What is kept; a week of thirteen lines takes a twentieth of the room."""
    counts = {name: getattr(played.outcome, name) for name in _COUNTED}
    return Kept(
        played.parts,
        played.wholes,
        played.first,
        played.excess,
        played.gave_up,
        played.busyness,
        {name: (rows.sum(1) if rows.ndim == 2 else rows).astype(np.float64) for name, rows in counts.items()},
        {name: rows.sum(0).astype(np.float64) for name, rows in counts.items() if rows.ndim == 2},
    )


@dataclass(frozen=True, slots=True)
class _Keyed:
    """A scenario that is known again by its key: it has mappings in it, which have no hash."""

    key: str
    scenario: Scenario = field(compare=False)


@lru_cache(maxsize=16)
def _tables(of: _Keyed) -> Tables:
    return tables(of.scenario)


def laid_out(scenario: Scenario, key: str) -> Tables:
    """The tables of a scenario, made once in each process that plays it."""
    return _tables(_Keyed(key, scenario))


def play(job: Job) -> Played:
    """Play a batch, here."""
    laid = laid_out(job.scenario, job.key)
    replicate = _engine(job.engine, job.scenario, laid)
    days = job.scenario.days
    outcomes = [replicate(job.first + i, factors) for i, factors in enumerate(job.busyness)]
    mean_ms, hazard = handling_ms(job.scenario), hazards(job.scenario)
    forgetful = hazard > 0
    gave_up = [(o.abandoned - o.wait_ms * hazard)[:, forgetful].sum(1) for o in outcomes]
    return Played(
        sum(outcomes[1:], start=outcomes[0]),
        np.stack([_by_day([getattr(o, name) for o in outcomes], days) for name in PARTS], axis=2),
        np.stack([_by_day([getattr(o, name) for o in outcomes], days) for name in WHOLES], axis=2),
        np.array([(o.offered - o.retried).sum(1) for o in outcomes], np.float64),
        np.array([(o.work_ms - o.answered * mean_ms).sum(1) for o in outcomes], np.float64),
        _by_day(gave_up, days),
        job.busyness,
    )


def _by_day(rows: Sequence[NDArray[Any]], days: int) -> Floats:
    """Sums of each replication's days, ``[replication, day]``."""
    return np.array([row.reshape(days, -1).sum(1) for row in rows], np.float64)


def handling_ms(scenario: Scenario) -> Floats:
    """Mean talk and wrap-up by line."""
    seconds = [draws.mean_s(line.talk) + draws.mean_s(line.wrap_up) for line in scenario.lines]
    return np.array(seconds) * 1000


def hazards(scenario: Scenario) -> Floats:
    """By line: how likely a caller who waits hangs up in the next ms, where that does not change while he
    waits; else 0.
    """
    found = []
    for line in scenario.lines:
        of = line.patience
        forgets = of is not None and (of.kind == "exponential" or (of.kind == "weibull" and of.shape == 1))
        found.append(1 / (1000 * of.mean_s) if forgets and of is not None and of.mean_s > 0 else 0.0)
    return np.array(found)


def _engine(name: EngineName, scenario: Scenario, laid: Tables) -> Callable[[int, Floats], Outcome]:
    if name == "fast":
        from simulator import fast

        return lambda replication, busyness: fast.replicate(laid, replication, busyness=busyness)
    from simulator import run

    return lambda replication, busyness: run.replicate(scenario, laid, replication, busyness=busyness)


def expectations(scenario: Scenario, laid: Tables) -> tuple[Floats, Floats]:
    """First calls expected by half hour at busyness 1, those before the warm-up's end left out, and their
    talk and wrap-up in ms.
    """
    begins = np.arange(len(laid.rate)) * CELL_MS
    counted = np.clip((begins + CELL_MS - scenario.warm_up_ms) / CELL_MS, 0, 1)[:, None]
    by_line = (laid.rate * counted).reshape(laid.half_hours, -1, laid.rate.shape[1]).sum(1)
    return by_line.sum(1), by_line @ handling_ms(scenario)
