"""One pool of constant seats needs no calendar: each caller in turn gets the seat that is free first, or is
gone before.

Where every seat takes every call, calls are served in the order in which they come, and nothing else depends on
what happens meanwhile, the state is the multiset of the times at which the seats are free again (Kiefer and
Wolfowitz 1955, with patience). Gives the outcome of `simulator.loop`, bit for bit (a test), in half the time.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from simulator import columns, draws
from simulator import tables as laid
from simulator.calendar import LATEST, sink
from simulator.callers import lasts
from simulator.columns import IN_TIME, SHIFT, WARM_UP
from simulator.compiled import inside
from simulator.draws import happens, mixed
from simulator.moves import spend
from simulator.scenario import HALF_HOUR_MS
from simulator.tables import Ints

_0: Final = np.uint64(0)
_1: Final = np.uint64(1)
_4: Final = np.uint64(4)
_LINE: Final = np.uint64(0xFFFF)
_HALF_HOUR: Final = np.uint64(HALF_HOUR_MS)


@inside
def play_one_pool(
    key: np.uint64,
    made: Ints,
    settings: Ints,
    quantiles: Ints,
    lines: Ints,
    subs: Ints,
    counts: Ints,
    hours: Ints,
    seats: int,
    until: int,
) -> bool:
    """Play. The arrays are those of `loop.play`; ``until``: when the seats are left. False: somebody would have
    to wait longer.
    """
    heap = np.full(2 * seats + 2, LATEST, np.uint64)
    heap[: seats + 1] = _0
    shift, warm_up, in_time, horizon = (
        settings[SHIFT],
        settings[WARM_UP],
        settings[IN_TIME],
        settings[columns.HORIZON],
    )
    lines_of_all, uncounted = (
        np.uint64(len(lines) // laid.LINE_COLUMNS),
        np.uint64(counts.shape[0] - columns.COUNTS),
    )
    cell, edge = _0, HALF_HOUR_MS
    subject = _0
    while subject < np.uint64(len(made)):
        at, line = made[subject] >> 16, np.uint64(made[subject]) & _LINE
        place = (np.uint64(at) // _HALF_HOUR * lines_of_all + line) << _4
        of_line = line << _4
        if at < warm_up:
            place = uncounted
        counts[place + columns.OFFERED] += 1
        if lines[of_line + laid.CONTAINED] > 0 and happens(
            mixed(key, subject, draws.CONTAINED), lines[of_line + laid.CONTAINED]
        ):
            counts[place + columns.CONTAINED] += 1
            subject += _1
            continue
        counts[place + columns.ASKED] += 1
        queued = at + shift
        leaves = queued + lasts(quantiles, lines[of_line + laid.PATIENCE], key, subject, draws.PATIENCE)
        begin = max(queued, np.int64(heap[1]))
        if leaves < begin:
            counts[place + columns.ABANDONED] += 1
            counts[place + columns.WAIT_MS] += leaves - queued
            subject += _1
            continue
        if begin >= until:
            return False
        end = leaves
        answered = begin + lasts(quantiles, lines[of_line + laid.RING], key, subject, draws.RING)
        if leaves < answered:
            counts[place + columns.ABANDONED] += 1
            counts[place + columns.WAIT_MS] += leaves - queued
        else:
            talk = lasts(quantiles, lines[of_line + laid.TALK], key, subject, draws.TALK)
            wrap_up = lasts(quantiles, lines[of_line + laid.WRAP_UP], key, subject, draws.WRAP_UP)
            counts[place + columns.ANSWERED] += 1
            counts[place + columns.WAIT_MS] += answered - queued
            counts[place + columns.WORK_MS] += talk + wrap_up
            if answered - queued <= in_time:
                counts[place + columns.WITHIN] += 1
            end = answered + talk + wrap_up
            if lines[of_line + laid.TRANSFER] > 0 and happens(
                mixed(key, subject, draws.TRANSFER), lines[of_line + laid.TRANSFER]
            ):
                end += lasts(quantiles, lines[of_line + laid.TOGETHER], key, subject, draws.TOGETHER)
                counts[place + columns.TRANSFERRED] += 1
                sub = np.uint64(lines[of_line + laid.SUB_CENTRE])
                answer = lasts(quantiles, subs[sub, laid.ANSWER], key, subject, draws.ANSWER)
                if answer <= subs[sub, laid.WITHIN]:
                    counts[place + columns.TRANSFERRED_WITHIN] += 1
            if lines[of_line + laid.OUTGOING] > 0 and happens(
                mixed(key, subject, draws.OUTGOING), lines[of_line + laid.OUTGOING]
            ):
                end += lasts(quantiles, lines[of_line + laid.OWN_TALK], key, subject, draws.OWN_TALK)
        sink(heap, np.uint64(end))
        if begin >= edge and begin < horizon:
            cell = np.uint64(begin) // _HALF_HOUR
            edge = int(np.int64(cell + _1)) * HALF_HOUR_MS
        if end <= edge and begin < horizon:
            hours[(cell << _1) + columns.BUSY] += end - begin
        else:
            spend(hours, columns.BUSY, begin, end, horizon)
        subject += _1
    row = _0
    while row < np.uint64(hours.shape[0] // 2 - 1):
        hours[(row << _1) + columns.STAFFED] = seats * HALF_HOUR_MS
        row += _1
    return True
