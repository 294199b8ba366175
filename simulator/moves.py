"""What the loop does beside making pairs: callers' rows, seats' time, who comes and goes, sub-centres."""

from __future__ import annotations

from typing import Final

import numpy as np

from acd import pools
from acd.pools import HEAD, KEY, Bits, Pool, agent_key
from simulator import callers, draws
from simulator import tables as laid
from simulator.callers import lasts
from simulator.columns import (
    ABANDONED,
    COUNT,
    LINE,
    OTHERWISE,
    OWNER,
    QUEUED,
    SIGNED_ON,
    SINCE,
    STAFFED,
    STATE,
    SUBJECT,
    TRANSFERRED,
    TRANSFERRED_WITHIN,
    WAIT_MS,
    WAITS,
)
from simulator.compiled import inside
from simulator.scenario import HALF_HOUR_MS
from simulator.tables import Ints, Words

_0: Final = np.uint64(0)
_1: Final = np.uint64(1)
_2: Final = np.uint64(2)
_3: Final = np.uint64(3)
_4: Final = np.uint64(4)
_6: Final = np.uint64(6)
_63: Final = np.uint64(63)
_HALF_HOUR: Final = np.uint64(HALF_HOUR_MS)


@inside
def claim(
    calls: Pool,
    row: np.uint64,
    number: np.uint64,
    subject: np.uint64,
    line: np.uint64,
    place: np.uint64,
    state: int,
) -> bool:
    """A row for a call, or its own once more. False: another call still has it."""
    owner = np.int64(number) + 1
    if calls[row + OWNER] != 0 and calls[row + OWNER] != owner:
        return False
    calls[row + OWNER] = owner
    calls[row + SUBJECT] = np.int64(subject)
    calls[row + LINE] = np.int64(line)
    calls[row + COUNT] = np.int64(place)
    calls[row + STATE] = state
    return True


@inside
def spend(hours: Ints, column: np.uint64, begin: int, end: int, horizon: int) -> None:
    """A seat's time from begin to end, to the half hours in which it falls."""
    end = min(end, horizon)
    while begin < end:
        row = np.uint64(begin) // _HALF_HOUR
        edge = min(int(np.int64(row + _1)) * HALF_HOUR_MS, end)
        hours[(row << _1) + column] += edge - begin
        begin = edge


@inside
def duty(on_duty: Ints, serves: Words, agent_kind: np.uint64, change: int) -> None:
    """Somebody signs on or off: for which kinds of calls there is anybody at all."""
    kind, words = _0, np.uint64((on_duty.shape[0] + 63) // 64)
    while kind < np.uint64(on_duty.shape[0]):
        if (serves[agent_kind * words + (kind >> _6)] >> (kind & _63)) & _1 != _0:
            on_duty[kind] += change
        kind += _1


@inside
def hopeful(on_duty: Ints, kinds: Ints, kind: np.uint64) -> np.uint64:
    """The first step from this one on that anybody signed on can serve; this one, if there is none."""
    step = kind
    while on_duty[step] == 0:
        if kinds[(step << _2) + laid.MORE] == 0:
            return kind
        step += _1
    return step


@inside
def greet(
    hall: Ints,
    stands: np.uint64,
    until: int,
    number: np.uint64,
    subject: np.uint64,
    line: np.uint64,
    place: np.uint64,
) -> None:
    """A caller hears the greeting until then: four numbers in the hall."""
    hall[stands] = (until << 16) | np.int64(line)
    hall[stands + _1] = np.int64(number)
    hall[stands + _2] = np.int64(subject)
    hall[stands + _3] = np.int64(place)


@inside
def give_up(calls: Pool, first_call: np.uint64, room: int, counts: Ints, now: int) -> None:
    """Nobody will ever serve those who still wait."""
    for i in range(room):
        row = first_call + (np.uint64(i) << _4)
        if calls[row + OWNER] != 0 and calls[row + STATE] == WAITS:
            counts[np.uint64(calls[row + COUNT]) + ABANDONED] += 1
            counts[np.uint64(calls[row + COUNT]) + WAIT_MS] += now - calls[row + QUEUED]


@inside
def hang_up(ends: Ints, count: int, now: int) -> int:
    """Of the times at which channels are free again those that are still to come, and how many; the first of them last."""
    kept, soonest = 0, draws.NEVER
    i = 0
    while i < count:
        end = ends[np.uint64(i)]
        if end > now:
            ends[np.uint64(kept)] = end
            soonest = min(soonest, end)
            kept += 1
        i += 1
    ends[len(ends) - 1] = soonest
    return kept


@inside
def attend(
    agents: Pool,
    idle: Bits,
    agent: np.uint64,
    kind: np.uint64,
    happened: int,
    now: int,
    weight: int,
    on_duty: Ints,
    serves: Words,
    hours: Ints,
    horizon: int,
) -> bool:
    """Somebody comes, goes, begins or ends a break. Whoever is on a call finishes it first. True: seeks a call now."""
    if happened == callers.ON:
        seeks = agents[agent + SIGNED_ON] == 0
        if seeks:
            agents[agent + OTHERWISE] = 0
            agents[agent + SINCE] = now
            agents[agent + KEY] = agent_key(weight, now)
            duty(on_duty, serves, kind, 1)
        agents[agent + SIGNED_ON] = 1
        return bool(seeks)
    if agents[agent + SIGNED_ON] == 0:
        return False
    was = agents[agent + OTHERWISE]
    if happened == callers.BACK:
        if was & 2 != 0:
            agents[agent + OTHERWISE] = was & 1
            agents[agent + KEY] = agent_key(weight, now)
        if was == 2:
            agents[agent + SINCE] = now
            return True
        return False
    if was == 0:
        spend(hours, STAFFED, agents[agent + SINCE], now, horizon)
        if agents[agent + HEAD] != 0:
            pools.leave(agents, idle, agent)
    if happened == callers.REST:
        agents[agent + OTHERWISE] = was | 2
    elif was & 1 != 0:
        agents[agent + SIGNED_ON] = 2
    else:
        agents[agent + SIGNED_ON] = 0
        duty(on_duty, serves, kind, -1)
    return False


@inside
def bring_in(
    key: np.uint64,
    subject: np.uint64,
    line: np.uint64,
    now: int,
    quantiles: Ints,
    lines: Ints,
    subs: Ints,
    third: Ints,
    counts: Ints,
    place: np.uint64,
) -> tuple[int, np.uint64]:
    """A sub-centre is asked. Returns when the caller's channel is free, and whose seat then (0: none was)."""
    of_line = line << _4
    sub = np.uint64(lines[of_line + laid.SUB_CENTRE])
    over = now + lasts(quantiles, lines[of_line + laid.TOGETHER], key, subject, draws.TOGETHER)
    counts[place + TRANSFERRED] += 1
    seat = _0
    if subs[sub, laid.SEATS] < 0 or third[sub + _1] < subs[sub, laid.SEATS]:
        seat = sub + _1
        third[seat] += 1
        answer = lasts(quantiles, subs[sub, laid.ANSWER], key, subject, draws.ANSWER)
        if answer <= subs[sub, laid.WITHIN]:
            counts[place + TRANSFERRED_WITHIN] += 1
        over += lasts(quantiles, lines[of_line + laid.THIRD_TALK], key, subject, draws.THIRD_TALK)
    return over, seat
