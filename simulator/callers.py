"""Who calls when, what each of them is like, and who has come to work: all that is drawn.

A caller's *subject* is the number of his first call among the arrivals, with the count of his tries above it
(`subject_of`); whatever is drawn for a call is drawn by its subject, so the same callers stand before any
number of agents. The functions that the compiled loop has inside are the ones that are here called from Python
(`call`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulator import draws
from simulator import tables as laid
from simulator.compiled import compiled, inside
from simulator.draws import drawn, duration, happens, mixed
from simulator.laid_out import BACK, OFF, ON, REST, timeline
from simulator.scenario import CELL_MS, DAY_MS, HALF_HOUR_MS
from simulator.tables import Floats, Ints, Tables

TRY_SHIFT: Final = 40
"""the count of tries stands above so many bits of the first call's number"""
CELLS_A_DAY: Final = DAY_MS // CELL_MS

_U0: Final = np.uint64(0)
_U1: Final = np.uint64(1)
_U16: Final = np.uint64(16)
_U56: Final = np.uint64(56)
_U2: Final = np.uint64(2)
_U_CELLS: Final = np.uint64(CELLS_A_DAY)
_LINE_MASK: Final = np.uint64(0xFFFF)


@inside
def lasts(quantiles: Ints, number: int, key: np.uint64, subject: np.uint64, purpose: int) -> int:
    """A duration in ms by its place in the tables, or as it stands."""
    if number < 0:
        return -1 - number
    return duration(quantiles, np.uint64(number), mixed(key, subject, purpose))


@inside
def burst_factor(normals: Ints, dispersion: float, expected: float, number: np.uint64) -> float:
    """The factor (mean 1) on a five-minute cell's calls that makes their variance ``dispersion`` times their
    mean.

    A gamma distribution, by the cube of a normal (Wilson and Hilferty 1931: its mean is exact to 1 / 729
    shape**3, which is divided out). Below a shape of 1, where fewer than ``dispersion`` - 1 calls are expected,
    two points of the same mean and variance.
    """
    if dispersion <= 1.0 or expected <= 0.0:
        return 1.0
    shape = expected / (dispersion - 1.0)
    if shape < 1.0:
        share = shape / (1.0 + shape)
        return (1.0 + shape) / shape if np.int64(number >> _U2) < share * draws.CERTAIN else 0.0
    x = 1.0 / (9.0 * shape)
    root = 1.0 - x + drawn(normals, number) / draws.ONE * np.sqrt(x)
    return float(max(root, 0.0) * root * root / (1.0 - x * x * x))


@inside
def arrive(
    key: np.uint64,
    rate: Floats,
    total: Floats,
    mix: Ints,
    share: Ints,
    guide: Ints,
    factors: Floats,
    dispersion: float,
    exponentials: Ints,
    normals: Ints,
) -> Ints:
    """All first calls in order, each as ms << 16 | line.

    Calls come by a Poisson process: the expected number of calls, as it grows with time, is cut in exponential
    steps. ``total``: of all lines by cell; ``factors``: by day.
    """
    cells = np.uint64(len(total))
    ahead = np.empty(len(total), np.int64)
    whole = 0
    cell = _U0
    while cell < cells:
        expected = total[cell] * factors[cell // _U_CELLS]
        burst = burst_factor(normals, dispersion, expected, mixed(key, cell, draws.BURST))
        ahead[cell] = np.int64(expected * burst * draws.ONE + 0.5)
        whole += ahead[cell]
        cell += _U1
    mean = whole / draws.ONE
    made = np.empty(np.int64(mean + 12.0 * np.sqrt(mean) + 64.0), np.int64)
    most = np.uint64(len(made))
    count, cell = _U0, _U0
    next_one = drawn(exponentials, mixed(key, count, draws.ARRIVAL))
    start, so_far = 0, 0
    while cell < cells:
        width = ahead[cell]
        if next_one < so_far + width:
            pace = CELL_MS / width
            row = np.uint64(mix[cell])
            while next_one < so_far + width and count < most:
                number = mixed(key, count, draws.LINE)
                line = np.uint64(guide[row, number >> _U56])
                while np.int64(number >> _U2) >= share[row, line]:
                    line += _U1
                at = start + np.int64((next_one - so_far) * pace)
                made[count] = (at << 16) | np.int64(line)
                count += _U1
                next_one += drawn(exponentials, mixed(key, count, draws.ARRIVAL))
        so_far += width
        start += CELL_MS
        cell += _U1
    return made[: np.int64(count)]


_arrivals = compiled(arrive)


def factors(tables: Tables, replication: int, busyness: Sequence[float] | Floats | None = None) -> Floats:
    """How busy each day is, ``float64[days]``: as it is given, or drawn."""
    if busyness is None:
        if not tables.busyness:
            return np.ones(tables.days)
        key, gammas = key_of(tables, replication), draws.gamma_mean_1(tables.busyness)
        numbers = (draws.bits(key, day, draws.BUSYNESS) for day in range(tables.days))
        return np.array([drawn(gammas, np.uint64(n)) / draws.ONE for n in numbers])
    given = np.array(busyness, np.float64)
    if given.shape != (tables.days,) or not np.isfinite(given).all() or (given < 0).any():
        raise ValueError(f"busyness: {given} are not {tables.days} factors from 0: give one for each day")
    return given


def key_of(tables: Tables, replication: int) -> int:
    """The key of everything drawn in a replication."""
    return draws.key_of(tables.seed, replication)


def packed_arrivals(
    tables: Tables, replication: int, busyness: Sequence[float] | Floats | None = None
) -> Ints:
    """All first calls in order, each as ms << 16 | line."""
    return _arrivals(
        np.uint64(key_of(tables, replication)),
        tables.rate,
        tables.rate.sum(axis=1),
        tables.mix,
        tables.share,
        tables.guide,
        factors(tables, replication, busyness),
        float(tables.dispersion),
        draws.exponential(),
        draws.normal(),
    )


def arrivals(
    tables: Tables, replication: int, busyness: Sequence[float] | Floats | None = None
) -> tuple[Ints, Ints]:
    """All first calls in order: when (ms) and on which line (column of `Tables.lines`)."""
    made = packed_arrivals(tables, replication, busyness)
    return made >> 16, made & 0xFFFF


# ── one call ─────────────────────────────────────────────────────────────────────────────────────────────────


def subject_of(first: int, tried: int = 0) -> int:
    """The subject of a caller: the number of his first call among `arrivals`, and how many times he has tried
    again.
    """
    return tried << TRY_SHIFT | first


@dataclass(frozen=True, slots=True)
class Call:
    """What a call is like, whatever becomes of it. ``patience_ms`` from the queue on; ``None``: without an end.

    ``contained``: asks for no seat, after ``self_service_ms``; else ``in_vain_ms`` pass there before the queue.
    ``transferred``, ``together_ms``, ``answer_ms``, ``third_talk_ms``: to the line's sub-centre. ``outgoing``: the seat
    makes a call of its own afterwards, of ``own_talk_ms``. ``tries_again``: if it is blocked or abandons, after
    ``again_ms``.
    """

    ring_ms: int
    talk_ms: int
    wrap_up_ms: int
    patience_ms: int | None
    contained: bool
    self_service_ms: int
    in_vain_ms: int
    transferred: bool
    together_ms: int
    answer_ms: int
    third_talk_ms: int
    outgoing: bool
    own_talk_ms: int
    tries_again: bool
    again_ms: int


@compiled
def _call(
    quantiles: Ints,
    lines: Ints,
    subs: Ints,
    retrial: int,
    again: int,
    key: np.uint64,
    subject: int,
    line: int,
) -> Ints:
    told = np.zeros(15, np.int64)
    k, s, of = np.uint64(key), np.uint64(subject), lines[line]
    told[0] = lasts(quantiles, of[laid.RING], k, s, draws.RING)
    told[1] = lasts(quantiles, of[laid.TALK], k, s, draws.TALK)
    told[2] = lasts(quantiles, of[laid.WRAP_UP], k, s, draws.WRAP_UP)
    told[3] = lasts(quantiles, of[laid.PATIENCE], k, s, draws.PATIENCE)
    told[4] = happens(mixed(k, s, draws.CONTAINED), of[laid.CONTAINED])
    told[5] = lasts(quantiles, of[laid.SELF_SERVICE], k, s, draws.SELF_SERVICE)
    told[6] = happens(mixed(k, s, draws.TRANSFER), of[laid.TRANSFER])
    told[7] = lasts(quantiles, of[laid.TOGETHER], k, s, draws.TOGETHER)
    if of[laid.SUB_CENTRE] >= 0:
        told[8] = lasts(quantiles, subs[of[laid.SUB_CENTRE], laid.ANSWER], k, s, draws.ANSWER)
    told[9] = lasts(quantiles, of[laid.THIRD_TALK], k, s, draws.THIRD_TALK)
    told[10] = happens(mixed(k, s, draws.OUTGOING), of[laid.OUTGOING])
    told[11] = lasts(quantiles, of[laid.OWN_TALK], k, s, draws.OWN_TALK)
    told[12] = happens(mixed(k, s, draws.RETRIAL), retrial)
    told[13] = lasts(quantiles, again, k, s, draws.AGAIN)
    told[14] = lasts(quantiles, of[laid.IN_VAIN], k, s, draws.IN_VAIN)
    return told


def call(tables: Tables, key: int, subject: int, line: int) -> Call:
    """Everything that is drawn for one call. ``key``: `key_of`; ``subject``: `subject_of`. ``tries_again``
    heeds no limit of tries.
    """
    told = _call(
        tables.quantiles,
        tables.lines,
        tables.sub_centres,
        tables.retrial,
        tables.again,
        np.uint64(key),
        subject,
        line,
    ).tolist()
    (
        ring,
        talk,
        wrap_up,
        patience,
        contained,
        alone,
        moved,
        both,
        answer,
        third,
        own,
        own_talk,
        more,
        again,
        in_vain,
    ) = told
    return Call(
        ring,
        talk,
        wrap_up,
        None if patience >= draws.NEVER else patience,
        bool(contained),
        alone,
        in_vain,
        bool(moved),
        both,
        answer,
        third,
        bool(own),
        own_talk,
        bool(more),
        again,
    )


# ── all first calls together ─────────────────────────────────────────────────────────────────────────────────


@compiled
def _first_calls(key: np.uint64, made: Ints, quantiles: Ints, lines: Ints, calls: Ints, work: Ints) -> None:
    k = np.uint64(key)
    for first in range(len(made)):
        line = np.uint64(made[first]) & _LINE_MASK
        of = lines[line]
        subject = np.uint64(first)
        if happens(mixed(k, subject, draws.CONTAINED), of[laid.CONTAINED]):
            continue
        row = np.uint64((made[first] >> 16) // HALF_HOUR_MS)
        calls[row, line] += 1
        work[row, line] += lasts(quantiles, of[laid.TALK], k, subject, draws.TALK)
        work[row, line] += lasts(quantiles, of[laid.WRAP_UP], k, subject, draws.WRAP_UP)


def first_calls(
    tables: Tables, replication: int, busyness: Sequence[float] | Floats | None = None
) -> tuple[Ints, Ints]:
    """First calls that ask for a seat, and their talk and wrap-up in ms, both ``[half hour, line]``. No seat
    changes them.
    """
    calls = np.zeros((tables.half_hours, len(tables.line_names)), np.int64)
    work = np.zeros_like(calls)
    made = packed_arrivals(tables, replication, busyness)
    _first_calls(np.uint64(key_of(tables, replication)), made, tables.quantiles, tables.lines, calls, work)
    return calls, work


# ── presence ─────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Presence:
    """What happens to whom when, in order: ``what`` is `OFF`, `BACK` (from a break), `REST` (a break begins) or
    `ON`. ``agent``: index.
    """

    at_ms: NDArray[np.int64]
    what: NDArray[np.int64]
    agent: NDArray[np.int64]


def presence(tables: Tables, replication: int) -> Presence:
    """Who comes and goes in a replication: the shifts without those who stay away. Shifts that touch are one."""
    return Presence(*there(tables, replication).T)


def there(tables: Tables, replication: int) -> Ints:
    """The same as rows: ms, what, agent."""
    if not tables.absence.any():
        return tables.presence
    come = np.ones(len(tables.pieces), np.bool_)
    key = key_of(tables, replication)
    for row, (agent, day, _, _) in enumerate(tables.pieces.tolist()):
        if tables.absence[agent]:
            number = draws.bits(key, agent << 20 | (day + 1), draws.ABSENCE)
            come[row] = not happens(np.uint64(number), int(tables.absence[agent]))
    return timeline(tables.pieces, tables.rests, come)


__all__ = [
    "BACK", "OFF", "ON", "REST", "Call", "Presence", "arrivals", "call", "factors", "first_calls", "key_of",
    "packed_arrivals", "presence", "subject_of", "there",
]  # fmt: skip
