"""The compiled event loop: one replication from the first caller to the last hang-up.

At one ms things happen in the order of `simulator.calendar`'s types, those of one type in that of their calls'
or agents' numbers; what is due at the same ms and of a lower type than the event that brought it about comes
next. A call's number is its place among all arrivals, tries included. Every event leads to at most one call
that seeks an agent or one agent who seeks a call; so there is one place where a pair is made. A seat's time is
known in that moment, up to the end of its work after the call, and is one entry: `FREE`.

Columns of a call behind the pool's own say what it is about to do; the rows are used in turn, call after call.
If one is needed that is still in use, the loop says so (`FULL`) and is run again with twice as many.

Two things are kept outside the calendar. Where all greetings are alike, callers leave them in the order in which
they came. And when a channel is free again is noted in no order: only when all that were taken could still be in use
is it found out which are.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from acd import pools
from acd.pools import KEY, TIE, agent_key, call_key, first, head_of
from simulator import calendar, columns, draws, moves
from simulator import tables as laid
from simulator.calendar import LATEST, entry, rise, shrink, sink
from simulator.callers import TRY_SHIFT, lasts
from simulator.columns import (
    AWAY,
    COUNT,
    GREETED,
    KIND,
    LEAVES,
    LINE,
    OTHERWISE,
    OWNER,
    PENDING,
    QUEUED,
    RINGS,
    SEAT,
    SIGNED_ON,
    SINCE,
    STATE,
    SUBJECT,
    TALKS,
    WAITS,
)
from simulator.compiled import inside
from simulator.draws import happens, mixed
from simulator.moves import claim, duty, hopeful, spend
from simulator.scenario import HALF_HOUR_MS
from simulator.tables import Ints, Words

DONE: Final = 0
FULL: Final = 1

# what a call or an agent is about to do
_NOTHING: Final = 0
_ARRIVES: Final = 1
_QUEUES: Final = 2
_SEEKS_AGENT: Final = 3
_SEEKS_CALL: Final = 4
_PAIR: Final = 5
_GIVES_UP: Final = 6

_0: Final = np.uint64(0)
_1: Final = np.uint64(1)
_2: Final = np.uint64(2)
_3: Final = np.uint64(3)
_4: Final = np.uint64(4)
_6: Final = np.uint64(6)
_63: Final = np.uint64(63)
_LINE: Final = np.uint64(0xFFFF)
_HALF_HOUR: Final = np.uint64(HALF_HOUR_MS)
_16: Final = np.uint64(16)
_TRIED: Final = np.uint64(1 << TRY_SHIFT)
_TRIES: Final = np.uint64(TRY_SHIFT)


@inside
def play(
    key: np.uint64,
    made: Ints,
    settings: Ints,
    quantiles: Ints,
    lines: Ints,
    kinds: Ints,
    queues: Ints,
    subs: Ints,
    meets: Words,
    serves: Words,
    weight: Ints,
    agent_kind: Ints,
    presence: Ints,
    counts: Ints,
    hours: Ints,
    room: int,
    log: Ints,
) -> NDArray[np.int64]:
    """Play. ``made``: the arrivals; ``presence``: ms, what, agent; ``counts``: `COUNTS` columns by half hour
    and line, and once more for what is not counted.

    ``hours``: two columns by half hour. ``room``: rows of calls, a power of two. ``log``: ``[assignments, 3]``,
    or without rows. Returns how it ended (`DONE`, `FULL`), the number of calls and of assignments.
    """
    told = np.zeros(3, np.int64)
    agents, idle = pools.empty_pool(len(weight), len(agent_kind), columns.AGENT_COLUMNS)
    calls, waiting = pools.empty_pool(len(kinds) // 4, room, columns.CALL_COLUMNS)
    first_agent, first_call = head_of(np.uint64(len(weight))), head_of(np.uint64(len(kinds) // 4))
    mask = np.uint64(room - 1)
    on_duty = np.zeros(len(kinds) // 4, np.int64)
    length = np.zeros(len(queues), np.int64)
    third = np.zeros(len(subs) + 1, np.int64)
    most = np.uint64(len(agent_kind) + 2 * room)
    heap = np.full(np.int64(2 * most + np.uint64(4)), LATEST, np.uint64)
    heap[0] = _0
    due = np.empty(8, np.uint64)
    hall = np.zeros(4 * room, np.int64)
    came, heard, greeted = _0, _0, LATEST
    ends = np.zeros(
        min(max(settings[columns.CHANNELS], 0), len(made) * (1 + settings[columns.TRIES])) + 8, np.int64
    )
    ended, soonest = 0, 0
    size, hole, count = _0, False, _0
    channels, retrial, again = settings[columns.CHANNELS], settings[columns.RETRIAL], settings[columns.AGAIN]
    ageing, warm_up, in_time = settings[columns.AGEING], settings[columns.WARM_UP], settings[columns.IN_TIME]
    horizon, shift, limited, greeting = (
        settings[columns.HORIZON],
        settings[columns.SHIFT],
        settings[columns.LIMITED],
        settings[columns.GREETED_FOR],
    )
    tries = np.uint64(settings[columns.TRIES])
    lines_of_all, uncounted = (
        np.uint64(len(lines) // laid.LINE_COLUMNS),
        np.uint64(counts.shape[0] - columns.COUNTS),
    )
    for i in range(len(agent_kind)):
        agents[first_agent + (np.uint64(i) << _3) + TIE] = i
    used, numbered, seq, now, logged = 0, _0, 0, 0, 0
    cell, edge = _0, min(HALF_HOUR_MS, horizon)
    if len(presence) > 0:
        size = _1
        heap[1] = entry(presence[0, 0], calendar.PRESENCE, _0)
    next_first, firsts, arrival = _0, np.uint64(len(made)), LATEST
    if firsts > _0:
        arrival = entry((made[0] >> 16) + shift, calendar.ARRIVAL, _0)
    while True:
        top = heap[1]
        if hole:
            top = min(heap[2], heap[3])
            if top < min(arrival, greeted):  # else who comes may take the free place
                shrink(heap, size)
                size -= _1
                hole = False
        step, agent, row = _NOTHING, _0, _0
        subject, line, number, kind, place = _0, _0, _0, _0, _0
        queued, leaves, widens = 0, 0, False
        if greeted < min(top, arrival):
            now = int(np.int64(greeted >> calendar.TIME))
            stands = (heard & mask) << _2
            line = np.uint64(hall[stands]) & _LINE
            number, subject = np.uint64(hall[stands + _1]), np.uint64(hall[stands + _2])
            place = np.uint64(hall[stands + _3])
            heard += _1
            greeted = LATEST
            if heard < came:
                greeted = entry(hall[(heard & mask) << _2] >> 16, calendar.QUEUE, _0)
            step = _QUEUES
        elif arrival < top:
            now = int(np.int64(arrival >> calendar.TIME))
            subject, line = next_first, np.uint64(made[next_first]) & _LINE
            next_first += _1
            arrival = LATEST
            if next_first < firsts:
                arrival = entry((made[next_first] >> 16) + shift, calendar.ARRIVAL, _0)
            step = _ARRIVES
        elif top == LATEST:
            break
        else:
            hole = True
            now = int(np.int64(top >> calendar.TIME))
            what, whom = (top >> calendar.TYPE) & calendar.TYPES, top & calendar.WHOM
            if what == calendar.FREE:
                agent = whom
                agents[agent + KEY] = agent_key(weight[agent_kind[(agent - first_agent) >> _3]], now)
                agents[agent + OTHERWISE] &= ~1
                step = _SEEKS_CALL
            elif what == calendar.PRESENCE:
                agent = first_agent + (np.uint64(presence[whom, 2]) << _3)
                happened = presence[whom, 1]
                if whom + _1 < np.uint64(len(presence)):
                    due[count] = entry(presence[whom + _1, 0], calendar.PRESENCE, whom + _1)
                    count += _1
                of = np.uint64(agent_kind[(agent - first_agent) >> _3])
                if moves.attend(
                    agents, idle, agent, of, happened, now, weight[of], on_duty, serves, hours, horizon
                ):
                    step = _SEEKS_CALL
            elif what == calendar.HANG_UP:
                used -= 1
                third[whom] -= 1
            elif what == calendar.ANSWER:
                length[whom] -= 1
            else:
                row, number = first_call + ((whom & mask) << _4), whom
                if calls[row + OWNER] == np.int64(number) + 1:
                    state = calls[row + STATE]
                    subject, line = np.uint64(calls[row + SUBJECT]), np.uint64(calls[row + LINE])
                    place, queued = np.uint64(calls[row + COUNT]), calls[row + QUEUED]
                    leaves, kind = calls[row + LEAVES], np.uint64(calls[row + KIND])
                    if what == calendar.ABANDON:
                        if state == WAITS:
                            pools.leave(calls, waiting, row)
                            step = _GIVES_UP
                        elif state == RINGS:
                            agent = np.uint64(calls[row + SEAT])
                            agents[agent + OTHERWISE] &= ~1
                            step = _GIVES_UP
                    elif what == calendar.WIDEN:
                        if state == WAITS:
                            pools.leave(calls, waiting, row)
                            kind = hopeful(on_duty, kinds, kind + _1)
                            step = _SEEKS_AGENT
                    elif what == calendar.QUEUE:
                        step = _QUEUES
                    elif what == calendar.MAX_WAIT:
                        if state == WAITS:
                            pools.leave(calls, waiting, row)
                            length[kinds[(kind << _2) + laid.QUEUE]] -= 1
                            counts[place + columns.TURNED_AWAY] += 1
                            counts[place + columns.WAIT_MS] += now - queued
                            used -= 1
                            calls[row + OWNER] = 0
                    elif what == calendar.RETRY:
                        calls[row + OWNER] = 0
                        row = _0
                        step = _ARRIVES
                    else:  # a transfer
                        over, seat = moves.bring_in(
                            key, subject, line, now, quantiles, lines, subs, third, counts, place
                        )
                        due[count] = entry(over, calendar.HANG_UP, seat)
                        count += _1
                        calls[row + OWNER] = 0

        of_line = line << _4
        if step == _ARRIVES:
            number = numbered
            numbered += _1
            at = now - shift
            place = (np.uint64(at) // _HALF_HOUR * lines_of_all + line) << _4
            if at < warm_up:
                place = uncounted
            counts[place + columns.OFFERED] += 1
            if subject >= _TRIED:
                counts[place + columns.RETRIED] += 1
            step = _QUEUES
            used += 1
            if channels >= 0 and used > channels and now >= soonest:
                left = moves.hang_up(ends, ended, now)
                used -= ended - left
                ended, soonest = left, ends[len(ends) - 1]
            if channels >= 0 and used > channels:
                counts[place + columns.BLOCKED] += 1
                step = _GIVES_UP
            elif lines[of_line + laid.CONTAINED] > 0 and happens(
                mixed(key, subject, draws.CONTAINED), lines[of_line + laid.CONTAINED]
            ):
                counts[place + columns.CONTAINED] += 1
                step = _NOTHING
                if channels >= 0:
                    alone = lasts(
                        quantiles, lines[of_line + laid.SELF_SERVICE], key, subject, draws.SELF_SERVICE
                    )
                    ends[ended] = now + lines[of_line + laid.GREETING] + alone
                    soonest = min(soonest, ends[ended])
                    ended += 1
            elif greeting > 0:
                if came - heard > mask:
                    told[0] = FULL
                    break
                moves.greet(hall, (came & mask) << _2, now + greeting, number, subject, line, place)
                if came == heard:
                    greeted = entry(now + greeting, calendar.QUEUE, _0)
                came += _1
                step = _NOTHING
            elif lines[of_line + laid.GREETING] > shift or lines[of_line + laid.IN_VAIN] != laid.NO_TIME:
                alone = lasts(quantiles, lines[of_line + laid.IN_VAIN], key, subject, draws.IN_VAIN)
                due[count] = entry(now + lines[of_line + laid.GREETING] + alone, calendar.QUEUE, number)
                count += _1
                step = _NOTHING
                row = first_call + ((number & mask) << _4)
                if not claim(calls, row, number, subject, line, place, GREETED):
                    told[0] = FULL
                    break

        if step == _QUEUES:
            counts[place + columns.ASKED] += 1
            kind = np.uint64(lines[of_line + laid.KIND])
            queue = np.uint64(kinds[(kind << _2) + laid.QUEUE])
            queued = now
            leaves = now + lasts(quantiles, lines[of_line + laid.PATIENCE], key, subject, draws.PATIENCE)
            if (
                limited != 0
                and queues[queue, laid.MAX_LENGTH] >= 0
                and length[queue] >= queues[queue, laid.MAX_LENGTH]
            ):
                counts[place + columns.TURNED_AWAY] += 1
                used -= 1
                step = _NOTHING
                if row != _0:
                    calls[row + OWNER] = 0
            else:
                length[queue] += 1
                kind = hopeful(on_duty, kinds, kind)
                step, widens = _SEEKS_AGENT, True

        if step == _SEEKS_AGENT:
            while True:
                agent = first(agents, idle, meets, kind)
                if agent != _0 or not widens or kinds[(kind << _2) + laid.MORE] == 0:
                    break
                if kinds[((kind + _1) << _2) + laid.AFTER] > 0:
                    break
                kind = hopeful(on_duty, kinds, kind + _1)
            if agent != _0:
                pools.leave(agents, idle, agent)
                step = _PAIR
            else:
                if widens:
                    row = first_call + ((number & mask) << _4)
                    if not claim(calls, row, number, subject, line, place, WAITS):
                        told[0] = FULL
                        break
                    calls[row + QUEUED], calls[row + LEAVES] = queued, leaves
                    calls[row + KEY] = call_key(queued, kinds[(kind << _2) + laid.PRIORITY], ageing)
                    calls[row + TIE] = seq
                calls[row + KIND] = np.int64(kind)
                pools.enter(calls, waiting, row, kind)
                next_due, what = leaves, calendar.ABANDON
                if (
                    kinds[(kind << _2) + laid.MORE] != 0
                    and queued + kinds[((kind + _1) << _2) + laid.AFTER] <= next_due
                ):
                    next_due, what = queued + kinds[((kind + _1) << _2) + laid.AFTER], calendar.WIDEN
                if limited != 0:
                    wait = queues[np.uint64(kinds[(kind << _2) + laid.QUEUE]), laid.MAX_WAIT]
                    if wait >= 0 and queued + wait <= next_due:
                        next_due, what = queued + wait, calendar.MAX_WAIT
                if next_due - now < draws.NEVER >> 1:
                    due[count] = entry(next_due, what, number)
                    count += _1
                calls[row + PENDING] = np.int64(what)
            seq += 1

        if step == _GIVES_UP:
            # blocked, or gone before a seat answered
            used -= 1
            if row != _0:
                counts[place + columns.ABANDONED] += 1
                counts[place + columns.WAIT_MS] += now - queued
                length[np.uint64(kinds[(kind << _2) + laid.QUEUE])] -= 1
                calls[row + OWNER] = 0
            if (
                retrial > 0
                and subject >> _TRIES < tries
                and happens(mixed(key, subject, draws.RETRIAL), retrial)
            ):
                at = now + lasts(quantiles, again, key, subject, draws.AGAIN)
                if at < horizon:
                    due[count] = entry(at + shift, calendar.RETRY, number)
                    count += _1
                    row = first_call + ((number & mask) << _4)
                    if not claim(calls, row, number, subject + _TRIED, line, place, AWAY):
                        told[0] = FULL
                        break
            if agent != _0:
                step = _SEEKS_CALL

        if step == _SEEKS_CALL:
            of = np.uint64(agent_kind[(agent - first_agent) >> _3])
            if agents[agent + SIGNED_ON] != 1:
                agents[agent + SIGNED_ON] = 0
                duty(on_duty, serves, of, -1)
                spend(hours, columns.STAFFED, agents[agent + SINCE], now, horizon)
            elif agents[agent + OTHERWISE] != 0:
                spend(hours, columns.STAFFED, agents[agent + SINCE], now, horizon)
            else:
                row = first(calls, waiting, serves, of)
                if row == _0:
                    pools.enter(agents, idle, agent, of)
                else:
                    pools.leave(calls, waiting, row)
                    number = np.uint64(calls[row + OWNER] - 1)
                    subject, line = np.uint64(calls[row + SUBJECT]), np.uint64(calls[row + LINE])
                    place, queued = np.uint64(calls[row + COUNT]), calls[row + QUEUED]
                    leaves, kind = calls[row + LEAVES], np.uint64(calls[row + KIND])
                    of_line = line << _4
                    step = _PAIR

        if step == _PAIR:
            if logged < len(log):
                log[logged, 0], log[logged, 1], log[logged, 2] = (
                    np.int64(number),
                    np.int64((agent - first_agent) >> _3),
                    now,
                )
                logged += 1
            agents[agent + OTHERWISE] |= 1
            answered = now + lasts(quantiles, lines[of_line + laid.RING], key, subject, draws.RING)
            end = leaves
            if leaves < answered:  # hangs up in the ring
                pending = calendar.WIDEN
                if row != _0 and calls[row + STATE] == WAITS:
                    pending = np.uint64(calls[row + PENDING])
                row = first_call + ((number & mask) << _4)
                if not claim(calls, row, number, subject, line, place, RINGS):
                    told[0] = FULL
                    break
                calls[row + QUEUED], calls[row + LEAVES] = queued, leaves
                calls[row + KIND], calls[row + SEAT] = np.int64(kind), np.int64(agent)
                if pending != calendar.ABANDON:
                    due[count] = entry(leaves, calendar.ABANDON, number)
                    count += _1
            else:
                talk = lasts(quantiles, lines[of_line + laid.TALK], key, subject, draws.TALK)
                wrap_up = lasts(quantiles, lines[of_line + laid.WRAP_UP], key, subject, draws.WRAP_UP)
                counts[place + columns.ANSWERED] += 1
                counts[place + columns.WAIT_MS] += answered - queued
                counts[place + columns.WORK_MS] += talk + wrap_up
                if answered - queued <= in_time:
                    counts[place + columns.WITHIN] += 1
                if limited == 0 or answered == now:
                    length[np.uint64(kinds[(kind << _2) + laid.QUEUE])] -= 1
                else:
                    due[count] = entry(answered, calendar.ANSWER, np.uint64(kinds[(kind << _2) + laid.QUEUE]))
                    count += _1
                end = answered + talk
                kept = False
                if lines[of_line + laid.TRANSFER] > 0 and happens(
                    mixed(key, subject, draws.TRANSFER), lines[of_line + laid.TRANSFER]
                ):
                    kept = True
                    due[count] = entry(end, calendar.TRANSFER, number)
                    count += _1
                    row = first_call + ((number & mask) << _4)
                    if not claim(calls, row, number, subject, line, place, TALKS):
                        told[0] = FULL
                        break
                    end += lasts(quantiles, lines[of_line + laid.TOGETHER], key, subject, draws.TOGETHER)
                elif channels >= 0:
                    ends[ended] = end
                    soonest = min(soonest, end)
                    ended += 1
                if row != _0 and not kept:
                    calls[row + OWNER] = 0
                end += wrap_up
                if lines[of_line + laid.OUTGOING] > 0 and happens(
                    mixed(key, subject, draws.OUTGOING), lines[of_line + laid.OUTGOING]
                ):
                    end += lasts(quantiles, lines[of_line + laid.OWN_TALK], key, subject, draws.OWN_TALK)
                due[count] = entry(end, calendar.FREE, agent)
                count += _1
            if now >= edge:
                cell = np.uint64(now) // _HALF_HOUR
                edge = min(int(np.int64(cell + _1)) * HALF_HOUR_MS, horizon)
            if end <= edge:
                hours[(cell << _1) + columns.BUSY] += end - now
            else:
                spend(hours, columns.BUSY, now, end, horizon)

        slot = _0
        while slot < count:
            if hole:
                hole = False
                sink(heap, due[slot])
            else:
                size += _1
                rise(heap, size, due[slot])
            slot += _1
        count = _0
        if size >= most:
            told[0] = FULL
            break
    if told[0] == DONE:
        moves.give_up(calls, first_call, room, counts, now)
    told[1], told[2] = np.int64(numbered), logged
    return told
