"""Random numbers by name, and durations from them: the same bits on every machine, in every thread, in compiled
code and in Python.

A random number is a function of a *key* (the seed and the replication), a *subject* (a call, a day, an agent)
and a *purpose*: nothing is drawn in a row, so nothing shifts when somebody else draws more. ``bits`` is
SplitMix64 read at any place (Steele, Lea, Flood 2014).

A duration is its distribution's quantile at such a number, from a table of 256 steps that is refined by 256 at
its first and its last step, and these again, down to 2**-32. A step has the exact mean of the distribution over
it and rises linearly: so the mean is right to far better than 1e-4, and the loop needs no logarithm. Tables are
integers in fixed point (`UNIT`).
"""

from __future__ import annotations

from functools import cache
from math import gamma, lgamma, log
from statistics import NormalDist
from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulator.compiled import inside
from simulator.scenario import Duration

Floats = NDArray[np.float64]
Quantiles = NDArray[np.int64]
"""a step's lowest value and its width, step after step, table after table"""

# purposes: what a number is drawn for
ARRIVAL: Final = 0
LINE: Final = 1
TALK: Final = 2
WRAP_UP: Final = 3
PATIENCE: Final = 4
RING: Final = 5
CONTAINED: Final = 6
SELF_SERVICE: Final = 7
TRANSFER: Final = 8
TOGETHER: Final = 9
ANSWER: Final = 10
THIRD_TALK: Final = 11
OUTGOING: Final = 12
OWN_TALK: Final = 13
RETRIAL: Final = 14
AGAIN: Final = 15
BUSYNESS: Final = 16
BURST: Final = 17
ABSENCE: Final = 18
IN_VAIN: Final = 19
REPLICATION: Final = 31

STEPS: Final = 256
DEPTH: Final = 4
ROWS: Final = STEPS * (2 * DEPTH - 1)
SIZE: Final = 2 * ROWS
"""numbers of a table"""
LOWER: Final = STEPS
UPPER: Final = STEPS * DEPTH
"""where the refined steps of the two tails begin"""
UNIT: Final = 1 << 8
"""a millisecond of a table of durations"""
ONE: Final = 1 << 24
"""1.0 in the tables without a unit: the exponential of mean 1, the normal, the gamma of mean 1"""
LONGEST_MS: Final = 1 << 31
"""no duration is longer: 24 days"""
NEVER: Final = 1 << 40
"""a patience without an end, in ms"""
CERTAIN: Final = 1 << 62
"""the chance 1 as `happens` takes it"""

_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_FIRST: Final = np.uint64(0xBF58476D1CE4E5B9)
_SECOND: Final = np.uint64(0x94D049BB133111EB)
_MASK: Final = (1 << 64) - 1
_U5: Final = np.uint64(5)
_U8: Final = np.uint64(8)
_U27: Final = np.uint64(27)
_U30: Final = np.uint64(30)
_U31: Final = np.uint64(31)
_U48: Final = np.uint64(48)
_U56: Final = np.uint64(56)
_LAST: Final = np.uint64(STEPS - 1)
_TWO: Final = np.uint64(2)
_ONE: Final = np.uint64(1)


@inside
def mixed(key: np.uint64, subject: np.uint64, purpose: int) -> np.uint64:
    """``bits`` inside compiled code; all unsigned. ``subject`` below 2**59."""
    z = key + ((subject << _U5) | np.uint64(purpose)) * _GOLDEN
    z = (z ^ (z >> _U30)) * _FIRST
    z = (z ^ (z >> _U27)) * _SECOND
    return z ^ (z >> _U31)


@inside
def happens(number: np.uint64, chance: int) -> bool:
    """Does something of this chance (in 2**-62) happen?"""
    return bool(np.int64(number >> _TWO) < chance)


@inside
def drawn_at(quantiles: Quantiles, table: np.uint64, number: np.uint64) -> int:
    """The value of one of several tables at a random number, in its unit. ``table``: where it begins, a
    multiple of `SIZE`.
    """
    row = number >> _U56
    rest = number << _U8
    if ((row + _ONE) & _LAST) < _TWO:
        row = _refined(row, rest, number)
        rest = _rest(number)
    at = table + (row << _ONE)
    return int(quantiles[at] + ((quantiles[at + _ONE] * np.int64(rest >> _U48)) >> 16))


@inside
def drawn(table: Quantiles, number: np.uint64) -> int:
    """A table's value at a random number, in its unit."""
    return drawn_at(table, np.uint64(0), number)


@inside
def _refined(row: np.uint64, rest: np.uint64, number: np.uint64) -> np.uint64:
    """The row of a step near an end."""
    end, base = row, np.uint64(UPPER)
    if row == np.uint64(0):
        base = np.uint64(LOWER)
    level = 1
    while level < DEPTH and row == end:
        row = rest >> _U56
        rest = rest << _U8
        level += 1
    return base + np.uint64(STEPS) * np.uint64(level - 2) + row


@inside
def _rest(number: np.uint64) -> np.uint64:
    """What is left of a number near an end when its row is found."""
    end = number >> _U56
    rest = number << _U8
    row = end
    level = 1
    while level < DEPTH and row == end:
        row = rest >> _U56
        rest = rest << _U8
        level += 1
    return rest


@inside
def duration(quantiles: Quantiles, table: np.uint64, number: np.uint64) -> int:
    """A duration in whole milliseconds, rounded to the nearest."""
    return (drawn_at(quantiles, table, number) + (UNIT >> 1)) >> 8


_bits = njit("uint64(uint64, uint64, int64)", nogil=True, cache=True)(mixed)


def bits(key: int, subject: int, purpose: int) -> int:
    """64 random bits for one purpose of one subject (from 0, below 2**59) under a key.

    >>> bits(1, 2, 3) == bits(1, 2, 3) != bits(1, 3, 3)
    True
    """
    return int(_bits(np.uint64(key & _MASK), np.uint64(subject), purpose))


def uniform(key: int, subject: int, purpose: int) -> float:
    """Between 0 and 1, neither of them."""
    return ((bits(key, subject, purpose) >> 11) + 0.5) / (1 << 53)


def key_of(seed: int, replication: int) -> int:
    """The key of a replication under a scenario's seed."""
    return bits(bits(seed & _MASK, 0, REPLICATION), replication, REPLICATION)


def chance(share: float) -> int:
    """A share between 0 and 1 as `happens` takes it."""
    return min(max(round(share * CERTAIN), 0), CERTAIN)


# ── tables ───────────────────────────────────────────────────────────────────────────────────────────────────


@cache
def quantiles(of: Duration) -> Quantiles:
    """The table of a distribution, in `UNIT`. Do not write to it. Raises ``ValueError`` for figures that are none."""
    return _table(_values(of) * 1000.0, UNIT)


@cache
def exponential() -> Quantiles:
    """Of mean 1, in `ONE`."""
    return _table(-_log_upper(), ONE)


@cache
def normal() -> Quantiles:
    """Of mean 0 and variance 1, in `ONE`."""
    return _table(_normal(), ONE)


@cache
def gamma_mean_1(shape: float) -> Quantiles:
    """Of mean 1 and variance 1 / shape, in `ONE`."""
    return _table(gamma_quantile(shape, *_nodes()), ONE)


def middles(table: Quantiles, count: int) -> Floats:
    """``count`` equally likely values of a table, in its unit: the middles of as many slices."""
    numbers = (np.uint64(((2 * i + 1) << 63) // count) for i in range(count))
    return np.array([drawn(table, number) for number in numbers], np.float64)


def points(of: Duration, count: int) -> Floats:
    """``count`` equally likely durations in seconds."""
    return middles(quantiles(of), count) / (UNIT * 1000)


def gamma_quantile(shape: float, lower: Floats, upper: Floats) -> Floats:
    """The gamma distribution of mean 1 at a share from below and what is left above it, which add up to 1.

    The density is integrated over a fine grid and read backwards; the error is below 1e-7 of the mean for a
    shape of 0.5 and more.
    """
    if shape <= 0:
        raise ValueError(
            f"busyness: a shape of {shape:g} is not above 0: leave it out for days that are alike"
        )
    low = log(1e-14) / shape + lgamma(shape + 1) / shape - log(shape)
    spread = shape**-0.5
    high = log(1 + 9 * spread + 40 * spread * spread)
    low = max(low, -10 * spread - 60 * spread * spread)
    y = np.linspace(low, high, 200_001)  # logarithm of the value
    x = np.exp(y)
    dense = np.exp(shape * log(shape) - lgamma(shape) + shape * y - shape * x)
    middle = np.exp(
        shape * log(shape)
        - lgamma(shape)
        + shape * (y[1:] + y[:-1]) / 2
        - shape * np.exp((y[1:] + y[:-1]) / 2)
    )
    parts = (dense[1:] + dense[:-1] + 4 * middle) / 6 * (y[1] - y[0])
    below = np.concatenate([[0.0], np.cumsum(parts)])
    above = np.concatenate([np.cumsum(parts[::-1])[::-1], [0.0]])
    total = below[-1]
    inner = slice(1, -1)
    grid = np.log(np.maximum(below[inner], 1e-300)), np.log(np.maximum(above[inner], 1e-300))
    by_lower = np.interp(np.log(lower * total), grid[0], y[inner])
    by_upper = np.interp(-np.log(upper * total), -grid[1], y[inner])
    told: Floats = np.exp(np.where(lower < 0.5, by_lower, by_upper))
    return told


def mean_s(of: Duration) -> float:
    """The mean of a distribution in seconds."""
    if of.kind == "empirical":
        return float(np.mean(of.sample_s)) if of.sample_s else 0.0
    return of.mean_s


_EDGE: Final = 2
"""nodes of a step: its two ends, then those of the quadrature"""
_GAUSS: Final = np.polynomial.legendre.leggauss(6)


@cache
def _nodes() -> tuple[Floats, Floats]:
    """The shares below and above every node of every row, ``[ROWS, nodes]``; the two add up to 1, each exact
    near its end.
    """
    at = np.concatenate([[0.0, 1.0], (_GAUSS[0] + 1) / 2])
    lower, upper = np.empty((ROWS, len(at))), np.empty((ROWS, len(at)))
    for step in range(STEPS):
        lower[step] = (step + at) / STEPS
        upper[step] = (STEPS - step - at) / STEPS
        for level in range(1, DEPTH):
            width = float(STEPS) ** -(level + 1)
            row = LOWER + STEPS * (level - 1) + step
            lower[row] = (step + at) * width
            upper[row] = 1 - lower[row]
            row = UPPER + STEPS * (level - 1) + step
            upper[row] = (STEPS - step - at) * width
            lower[row] = 1 - upper[row]
    least = float(STEPS) ** -(DEPTH + 2)  # the very ends are infinite for many: a step there is flat
    return np.maximum(lower, least), np.maximum(upper, least)


@cache
def _normal() -> Floats:
    lower, upper = _nodes()
    inverse = NormalDist().inv_cdf
    nearer = np.minimum(lower, upper)
    at = np.array([inverse(float(p)) for p in nearer.ravel()]).reshape(nearer.shape)
    return np.where(lower < upper, at, -at)


@cache
def _log_upper() -> Floats:
    lower, upper = _nodes()
    return np.where(lower < 0.5, np.log1p(-np.minimum(lower, 0.5)), np.log(upper))


def _values(of: Duration) -> Floats:
    """The quantile at every node, in seconds."""
    lower, _ = _nodes()
    if of.kind == "empirical":
        return _observed(of.sample_s, lower)
    if not 0 <= of.mean_s < LONGEST_MS / 1000:
        raise ValueError(f"{of.kind}: a mean of {of.mean_s:g} s is not between 0 and {LONGEST_MS // 1000} s")
    if of.kind != "constant" and of.mean_s and of.shape <= 0:
        raise ValueError(f"{of.kind}: a shape of {of.shape:g} is not above 0")
    if of.fixed:
        return np.full_like(lower, of.mean_s)
    if of.kind == "lognormal":
        return np.asarray(np.exp(log(of.mean_s) - of.shape**2 / 2 + of.shape * _normal()))
    unit = -_log_upper()
    if of.kind == "weibull":
        unit = unit ** (1 / of.shape) / gamma(1 + 1 / of.shape)
    return np.asarray(unit * of.mean_s)


def _observed(sample: tuple[float, ...], lower: Floats) -> Floats:
    """Between the observed, in their order, each as likely as every other: the mean is theirs."""
    if not sample:
        raise ValueError("empirical: no duration was observed: give some, or another kind")
    seen = np.sort(np.asarray(sample, np.float64))
    if seen[0] < 0 or not np.isfinite(seen[-1]):
        raise ValueError("empirical: a duration is below 0 or none: leave it out")
    at = (np.arange(len(seen)) + 0.5) / len(seen)
    values: Floats = np.interp(lower, at, seen)
    nodes = np.concatenate([[0.0], at, [1.0]])  # over a whole step the exact mean, whatever is in it
    ends = np.concatenate([[seen[0]], seen, [seen[-1]]])
    so_far = np.concatenate([[0.0], np.cumsum(np.diff(nodes) * (ends[1:] + ends[:-1]) / 2)])
    edges = np.arange(STEPS + 1) / STEPS
    before = np.searchsorted(nodes, edges, side="right").clip(1, len(nodes) - 1) - 1
    height = np.interp(edges, nodes, ends)
    summed = so_far[before] + (edges - nodes[before]) * (ends[before] + height) / 2
    values[:STEPS, _EDGE:] = (np.diff(summed) * STEPS)[:, None]
    return values


def _table(values: Floats, unit: int) -> Quantiles:
    """Steps from the values at the nodes: the mean by quadrature, the width between the ends."""
    mean = values[:, _EDGE:] @ (_GAUSS[1] / 2)
    width = values[:, 1] - values[:, 0]
    ends = [0, *range(LOWER, UPPER, STEPS)], [*range(UPPER + STEPS - 1, ROWS, STEPS), STEPS - 1]
    width[[*ends[0], *ends[1]]] = 0.0  # all but the last of each are refined and never read
    table = np.empty((ROWS, 2), np.int64)
    most = LONGEST_MS * UNIT
    whole = np.minimum(np.rint(width * unit), most).astype(np.int64)
    table[:, 1] = whole
    table[:, 0] = np.clip(np.rint(mean * unit - whole / 2), -most, most).astype(np.int64)
    flat = table.reshape(-1)
    flat.flags.writeable = False
    return flat
