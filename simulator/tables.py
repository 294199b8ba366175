"""A scenario as flat arrays, for both engines: laid out once, read by every replication, sent to other machines
as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulator import draws
from simulator.kinds import Durations, KindsOfAgents, Places
from simulator.laid_out import OFF as GOES
from simulator.laid_out import ON as COMES
from simulator.laid_out import expected_calls, pieces, rests, timeline
from simulator.scenario import CELL_MS, DAY_MS, HALF_HOUR_MS, Line, Scenario

Ints = NDArray[np.int64]
Words = NDArray[np.uint64]
Floats = NDArray[np.float64]

# columns of ``lines``. A duration is the place of its table in ``quantiles``, or, when it is constant, -1 - its milliseconds
GREETING: Final = np.uint64(0)
KIND: Final = np.uint64(1)
"""the first kind of waiting call that the line's calls are"""
TALK: Final = np.uint64(2)
WRAP_UP: Final = np.uint64(3)
PATIENCE: Final = np.uint64(4)
CONTAINED: Final = np.uint64(5)
SELF_SERVICE: Final = np.uint64(6)
TRANSFER: Final = np.uint64(7)
SUB_CENTRE: Final = np.uint64(8)
TOGETHER: Final = np.uint64(9)
THIRD_TALK: Final = np.uint64(10)
OUTGOING: Final = np.uint64(11)
OWN_TALK: Final = np.uint64(12)
RING: Final = np.uint64(13)
IN_VAIN: Final = np.uint64(14)
LINE_COLUMNS: Final = 16
NO_TIME: Final = -1
"""a duration that is always nothing"""

# columns of ``kinds``: the kinds of waiting calls, (place in a queue, step of its needs)
AFTER: Final = np.uint64(0)
MORE: Final = np.uint64(1)
"""1: the next row is the next step"""
QUEUE: Final = np.uint64(2)
PRIORITY: Final = np.uint64(3)
KIND_COLUMNS: Final = 4

# columns of ``queues`` and ``sub_centres``; -1: no limit
MAX_LENGTH: Final = 0
MAX_WAIT: Final = 1
SEATS: Final = 0
ANSWER: Final = 1
WITHIN: Final = 2

# columns of ``pieces`` and ``rests``
AGENT: Final = 0
DAY: Final = 1
ON: Final = 2
OFF: Final = 3
PIECE: Final = 0

MOST_DAYS: Final = 600
"""a calendar entry has 36 bits for the time"""
MOST_CALLS: Final = 1 << 24
"""and 24 for the call"""


@dataclass(frozen=True, slots=True)
class Tables:
    """A scenario, laid out. Nothing here is drawn.

    ``rate``: expected calls ``[five-minute cell, line]`` at busyness 1. ``share`` and ``guide``: the lines'
    cumulated shares ``[mix, line]`` in 2**-62 and where to begin to look in them, ``mix``: which of these holds
    in a cell. ``quantiles``: the tables of durations. ``lines``, ``kinds``, ``queues``, ``sub_centres``:
    columns as above. ``agents``: their numbers in order, which is also that of their groups and shifts.
    ``agent_kind``: people who meet the same needs and have the same sum of levels are of one kind. ``weight``:
    that sum by kind. ``meets[kind of call]``: bits of the kinds of agents who may have it; ``serves[kind of
    agent]``: bits of the kinds of calls. ``pieces``: agent, day, on, off, by agent and time; ``rests``: piece,
    from, to. ``absence``: chance of an agent not to come, in 2**-62; ``presence``: ms, what, agent, if
    everybody comes. ``seats``: of the one pool that is always the same and answers all in turn, 0: it is not
    so.
    """

    seed: int
    days: int
    line_names: tuple[str, ...]
    rate: Floats
    mix: Ints
    share: Ints
    guide: Ints
    busyness: float
    dispersion: float
    quantiles: Ints
    lines: Ints
    kinds: Ints
    queues: Ints
    queue_names: tuple[str, ...]
    sub_centres: Ints
    agents: tuple[str, ...]
    agent_group: Ints
    agent_kind: Ints
    weight: Ints
    meets: Words
    serves: Words
    pieces: Ints
    rests: Ints
    absence: Ints
    presence: Ints
    seats: int
    channels: int
    retrial: int
    again: int
    tries: int
    ageing_ms: int
    warm_up_ms: int
    within_ms: int

    def __getstate__(self) -> list[object]:
        return [getattr(self, field.name) for field in fields(self)]

    def __setstate__(self, state: list[object]) -> None:
        """Arrays that come from another machine may be read-only; the loops are compiled for others."""
        for field, value in zip(fields(self), state, strict=True):
            own = value.copy() if isinstance(value, np.ndarray) and not value.flags.writeable else value
            object.__setattr__(self, field.name, own)

    @property
    def horizon_ms(self) -> int:
        """How long calls arrive."""
        return self.days * DAY_MS

    @property
    def half_hours(self) -> int:
        """Rows of an outcome."""
        return self.horizon_ms // HALF_HOUR_MS


def tables(scenario: Scenario) -> Tables:
    """Lay a scenario out. Raises ``ValueError``, `place: fault: remedy`, for what cannot be played."""
    if not 1 <= scenario.days <= MOST_DAYS:
        raise ValueError(
            f"days: {scenario.days} are not between 1 and {MOST_DAYS}: play several replications"
        )
    rate = expected_calls(scenario)
    tries = scenario.retrial.most if scenario.retrial else 0
    if rate.sum() * (1 + tries) > MOST_CALLS / 2:
        raise ValueError(
            f"arrivals: {rate.sum():.0f} calls are too many for one replication: give fewer days"
        )
    durations = Durations()
    places = Places(scenario)
    kinds_of_agents = KindsOfAgents(scenario, places)
    laid = pieces(scenario)
    mix, share, guide = _shares(rate)
    retrial = scenario.retrial
    third = [sub.name for sub in scenario.subcentres]
    lines = [_line(line, scenario, durations, places, third) for line in scenario.lines]
    subs = [
        [-1 if sub.seats is None else sub.seats, durations.number(sub.answer), sub.within_ms]
        for sub in scenario.subcentres
    ]
    again = durations.number(retrial.after) if retrial else -1
    absence = [draws.chance(scenario.groups[group].absence) for group in laid.group]
    worked = _rows([[piece.agent, piece.day, piece.on_ms, piece.off_ms] for piece in laid.pieces], 4)
    breaks = _rows(rests(scenario, laid.pieces), 3)
    presence = timeline(worked, breaks, np.ones(len(worked), np.bool_))
    alike = _all_alike(scenario, places, kinds_of_agents) and not any(absence)
    return Tables(
        seed=scenario.seed,
        days=scenario.days,
        line_names=tuple(line.name for line in scenario.lines),
        rate=rate,
        mix=mix,
        share=share,
        guide=guide,
        busyness=scenario.arrivals.busyness or 0.0,
        dispersion=scenario.arrivals.dispersion,
        quantiles=durations.tables(),
        lines=_rows(lines, LINE_COLUMNS),
        kinds=_rows(places.kinds, KIND_COLUMNS),
        queues=_rows(places.queues, 2),
        queue_names=tuple(places.queue_names),
        sub_centres=_rows(subs, 3),
        agents=_numbers(len(laid.group)),
        agent_group=np.array(laid.group, np.int64),
        agent_kind=np.array([kinds_of_agents.of_group[group] for group in laid.group], np.int64),
        weight=np.array(kinds_of_agents.weights, np.int64),
        meets=kinds_of_agents.meets,
        serves=kinds_of_agents.serves,
        pieces=worked,
        rests=breaks,
        absence=np.array(absence, np.int64),
        presence=presence,
        seats=_always(presence, scenario.horizon_ms + DAY_MS) if alike else 0,
        channels=-1 if scenario.channels is None else scenario.channels,
        retrial=draws.chance(retrial.share) if retrial else 0,
        again=again,
        tries=tries,
        ageing_ms=scenario.ageing_ms,
        warm_up_ms=scenario.warm_up_ms,
        within_ms=scenario.within_ms,
    )


def _all_alike(scenario: Scenario, places: Places, of: KindsOfAgents) -> bool:
    """Does every agent take every call from its first step on, and does nothing but a seat stand between a
    caller and an answer?
    """
    first = [places.first(line) for line in scenario.lines]
    limited = [sub.name for sub in scenario.subcentres if sub.seats is not None]
    return (
        scenario.channels is None
        and (scenario.retrial is None or scenario.retrial.share == 0)
        and all(limit < 0 for limits in places.queues for limit in limits)
        and len({line.greeting_ms for line in scenario.lines}) == 1
        and not any(line.goes_in_vain for line in scenario.lines)
        and len({line.wait.priority for line in scenario.lines}) == 1
        and int(np.bitwise_count(of.meets[first]).sum()) == len(first) * len(of.weights)
        and not any(line.transfer and line.transfer.to in limited for line in scenario.lines)
    )


def _always(presence: Ints, end: int) -> int:
    """How many are there from the first ms to the last, if nobody else ever is."""
    at, what = presence[:, 0], presence[:, 1]
    comes, goes = what == COMES, what == GOES
    there_all_the_time = (comes | goes).all() and (at[comes] == 0).all() and (at[goes] == end).all()
    return int(comes.sum()) if there_all_the_time else 0


def _rows(rows: list[list[int]], columns: int) -> Ints:
    made = np.zeros((len(rows), columns), np.int64)
    for row, values in zip(made, rows, strict=True):
        row[: len(values)] = values
    return made


def _numbers(agents: int) -> tuple[str, ...]:
    first = 1001 if agents <= 8_999 else 10_001
    return tuple(str(first + i) for i in range(agents))


def _line(line: Line, scenario: Scenario, of: Durations, places: Places, third: list[str]) -> list[int]:
    transfer = line.transfer
    if transfer and transfer.to not in third:
        raise ValueError(
            f"line {line.name}: sub-centre {transfer.to} is not there: name one of the scenario's"
        )
    return [
        line.greeting_ms,
        places.first(line),
        of.number(line.talk),
        of.number(line.wrap_up),
        of.number(line.patience) if line.patience else -1 - draws.NEVER,
        draws.chance(line.contained),
        of.number(line.self_service),
        draws.chance(transfer.share) if transfer else 0,
        third.index(transfer.to) if transfer else -1,
        of.number(transfer.together) if transfer else -1,
        of.number(transfer.talk) if transfer else -1,
        draws.chance(line.outgoing),
        of.number(line.outgoing_talk),
        of.number(scenario.ring),
        of.number(line.in_vain),
    ]


def _shares(rate: Floats) -> tuple[Ints, Ints, Ints]:
    """The mixes of lines that there are, each once, and where to look for a line by the first 8 bits of a number."""
    total = rate.sum(axis=1, keepdims=True)
    even = np.full(rate.shape[1], 1 / rate.shape[1])
    parts = np.where(total > 0, rate / np.where(total > 0, total, 1), even)
    _, first, mix = np.unique(np.rint(parts * 1e12), axis=0, return_index=True, return_inverse=True)
    share = np.rint(np.cumsum(parts[first], axis=1) * draws.CERTAIN).astype(np.int64)
    share[:, -1] = draws.CERTAIN
    begins = np.arange(256, dtype=np.int64) << 54
    guide = np.stack([np.searchsorted(row, begins, side="right") for row in share]).astype(np.int64)
    return mix.reshape(-1).astype(np.int64), share, guide


__all__ = ["CELL_MS", "DAY_MS", "HALF_HOUR_MS", "MOST_CALLS", "MOST_DAYS", "Tables", "tables"]
