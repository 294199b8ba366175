"""The compiled engine: a replication in the time of a blink, by the same rule as the engine on the switch.

`simulator.loop` plays everything; where one pool of constant seats answers all, `simulator.one_pool` gives the
same outcome without a calendar. Both are compiled at install (``python -m simulator.fast``) and hold no GIL.
Semantics and the order of what happens at one ms: `simulator.loop`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simulator import callers, columns, loop
from simulator import tables as laid
from simulator.compiled import compiled
from simulator.loop import play
from simulator.one_pool import play_one_pool
from simulator.outcome import Assigned, Outcome
from simulator.scenario import (
    DAY_MS,
    Arrivals,
    Duration,
    Group,
    Line,
    Need,
    Scenario,
    Shift,
    Wait,
)
from simulator.tables import Floats, Ints, Tables
from simulator.tables import tables as lay_out

ROOM = 4096
"""rows for calls that wait, ring in vain or are about to be transferred or to try again; doubled when they are
not enough
"""

_play = compiled(play)
_play_one_pool = compiled(play_one_pool)


Arrived = tuple[Ints, Ints]
"""first calls in order: when (ms) and on which line"""


def replicate(
    tables: Tables,
    replication: int,
    *,
    busyness: Sequence[float] | Floats | None = None,
    arrived: Arrived | None = None,
) -> Outcome:
    """Play one replication. ``busyness``: the days' factors, one a day; ``None``: drawn. ``arrived``: the calls
    themselves (recorded ones, say) instead of drawn ones. The same arguments give the same bits.
    """
    made = _made(tables, replication, busyness, arrived)
    told = _one_pool(tables, replication, made) if tables.seats else None
    return _replicate(tables, replication, made, 0)[0] if told is None else told


def replicate_logged(
    tables: Tables,
    replication: int,
    *,
    busyness: Sequence[float] | Floats | None = None,
    arrived: Arrived | None = None,
) -> tuple[Outcome, Assigned]:
    """The same, and who got which call."""
    made = _made(tables, replication, busyness, arrived)
    told, log = _replicate(tables, replication, made, laid.MOST_CALLS)
    return told, Assigned(*(np.ascontiguousarray(column) for column in log.T))


def warm() -> None:
    """Compile everything that a replication calls, or load it: afterwards nobody waits for the compiler."""
    need = (Need((("any", 1),)),)
    line = Line("any", 1.0, Wait("any", need), Duration("exponential", 60.0), Duration(), None)
    team = Group("any", {"any": 1}, (Shift("day", 1),))
    laid_out = lay_out(Scenario("warm", (line,), (team,), Arrivals(48.0, (1 / 48,) * 48)))
    replicate(laid_out, 0)
    replicate_logged(laid_out, 0)
    callers.first_calls(laid_out, 0)
    callers.call(laid_out, callers.key_of(laid_out, 0), 0, 0)


def _made(
    tables: Tables,
    replication: int,
    busyness: Sequence[float] | Floats | None,
    arrived: Arrived | None,
) -> Ints:
    if arrived is None:
        made = callers.packed_arrivals(tables, replication, busyness)
    else:
        at_ms, line = (np.asarray(column, np.int64) for column in arrived)
        _check(tables, at_ms, line)
        made = (at_ms << 16) | line
    if len(made) * (1 + tables.tries) > laid.MOST_CALLS:
        raise ValueError(f"arrivals: {len(made)} calls are too many for one replication: give fewer days")
    return made


def _check(tables: Tables, at_ms: Ints, line: Ints) -> None:
    """The loops test no bounds."""
    if at_ms.shape != line.shape or at_ms.ndim != 1:
        raise ValueError(f"arrived: {at_ms.shape} times and {line.shape} lines: give a line for each time")
    if not len(at_ms):
        return
    if not (np.diff(at_ms) >= 0).all():
        raise ValueError("arrived: the calls are not in the order of their times: sort them")
    if at_ms[0] < 0 or at_ms[-1] >= tables.horizon_ms:
        raise ValueError(
            f"arrived: a call comes at {at_ms[-1]} ms: between 0 and {tables.horizon_ms} they may"
        )
    if line.min() < 0 or line.max() >= len(tables.line_names):
        raise ValueError(f"arrived: line {line.max()}: there are {len(tables.line_names)}, counted from 0")


def _one_pool(tables: Tables, replication: int, made: Ints) -> Outcome | None:
    counts, hours = _empty(tables)
    whole = _play_one_pool(
        np.uint64(callers.key_of(tables, replication)),
        made,
        settings(tables),
        tables.quantiles,
        tables.lines.reshape(-1),
        tables.sub_centres,
        counts,
        hours,
        tables.seats,
        tables.horizon_ms + DAY_MS,
    )
    return outcome(tables, counts, hours) if whole else None


def _replicate(tables: Tables, replication: int, made: Ints, logged: int) -> tuple[Outcome, Ints]:
    presence = callers.there(tables, replication)
    most = min(logged, len(made) * (1 + tables.tries))
    room = ROOM
    while True:
        counts, hours = _empty(tables)
        log = np.empty((most, 3), np.int64)
        told = _play(
            np.uint64(callers.key_of(tables, replication)),
            made,
            settings(tables),
            tables.quantiles,
            tables.lines.reshape(-1),
            tables.kinds.reshape(-1),
            tables.queues,
            tables.sub_centres,
            tables.meets.reshape(-1),
            tables.serves.reshape(-1),
            tables.weight,
            tables.agent_kind,
            presence,
            counts,
            hours,
            room,
            log,
        )
        if told[0] == loop.DONE:
            return outcome(tables, counts, hours), log[: told[2]]
        if room >= laid.MOST_CALLS:
            raise ValueError(f"arrivals: over {room} calls wait at once: give more seats, or a patience")
        room *= 2


def settings(tables: Tables) -> Ints:
    """What is no array of its own."""
    made = np.zeros(columns.SETTINGS, np.int64)
    made[columns.CHANNELS], made[columns.RETRIAL] = tables.channels, tables.retrial
    made[columns.AGAIN], made[columns.TRIES] = tables.again, tables.tries
    made[columns.AGEING], made[columns.WARM_UP] = tables.ageing_ms, tables.warm_up_ms
    made[columns.IN_TIME], made[columns.HORIZON] = tables.within_ms, tables.horizon_ms
    greetings = tables.lines[:, laid.GREETING]
    if (tables.lines[:, laid.IN_VAIN] != laid.NO_TIME).any():
        pass  # each caller comes to the queue after a time of his own
    elif tables.channels < 0 and (greetings == greetings[0]).all():
        # nobody can be turned off before the queue: a call may as well arrive when its greeting is over
        made[columns.SHIFT] = greetings[0]
    elif (greetings == greetings[0]).all():
        made[columns.GREETED_FOR] = greetings[0]
    made[columns.LIMITED] = (tables.queues >= 0).any()
    return made


def _empty(tables: Tables) -> tuple[Ints, Ints]:
    """Room for the loop's counts: a row more for what is not counted."""
    lines, rows = len(tables.line_names), tables.half_hours
    return np.zeros((rows * lines + 1) * columns.COUNTS, np.int64), np.zeros((rows + 1) * 2, np.int64)


def outcome(tables: Tables, counts: Ints, hours: Ints) -> Outcome:
    """An outcome from the loop's counts."""
    lines, rows = len(tables.line_names), tables.half_hours
    by_line = counts[: -columns.COUNTS].reshape(rows, lines, columns.COUNTS).transpose(2, 0, 1)
    told = [np.ascontiguousarray(column) for column in by_line[: columns.COUNTED]]
    told += [hours[: 2 * rows : 2].copy(), hours[1 : 2 * rows : 2].copy()]
    return Outcome(*told)


if __name__ == "__main__":
    import sys
    import time

    warm()
    sys.stdout.write(f"planner's loops ready, {time.process_time():.1f} s\n")
