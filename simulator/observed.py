"""Durations as they were observed: samples for `simulator.scenario.Duration` of kind ``empirical``.

Patience is censored: whoever was answered would have waited longer, nobody knows how long. Kaplan and Meier's product limit
(*Nonparametric estimation from incomplete observations*, JASA 53, 1958) weighs both.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.float64]

POINTS = 500
"""so many quantiles stand for a sample"""
LEAST_HUNG_UP = 30
"""from fewer hang-ups no patience is told"""


def sample(seconds: Sequence[float] | Real) -> tuple[float, ...]:
    """At most 500 durations for all of them, sorted: each the mean of as many neighbours, so that the mean stays what it was."""
    ordered = np.sort(np.asarray(seconds, np.float64))
    if len(ordered) <= POINTS:
        return tuple(ordered.tolist())
    edges = np.linspace(0, len(ordered), POINTS + 1)
    # a neighbour between two groups counts for both in part: all groups are the same size
    sums = np.interp(edges, np.arange(len(ordered) + 1), np.concatenate([[0.0], np.cumsum(ordered)]))
    return tuple(np.round(np.diff(sums) * POINTS / len(ordered), 6).tolist())


def survival(waits: Sequence[float] | Real, hung_up: Sequence[bool] | NDArray[np.bool_]) -> tuple[Real, Real]:
    """Kaplan and Meier: the times of hang-ups in order, and the share that is still willing to wait after each."""
    times, ended = np.asarray(waits, np.float64), np.asarray(hung_up, np.bool_)
    at, events = np.unique(times[ended], return_counts=True)
    # who was answered in the same moment was still waiting then
    still = len(times) - np.searchsorted(np.sort(times), at, side="left")
    return at, np.cumprod(1 - events / still, dtype=np.float64)


def patience(waits: Sequence[float] | Real, hung_up: Sequence[bool] | NDArray[np.bool_]) -> tuple[float, ...]:
    """A sample of how long callers would wait, in seconds, from how long they did and whether they hung up.

    Beyond the time that fewer than 30 callers waited nothing is known: there they go on to hang up at the rate of the
    longer half of the waits. Raises ``ValueError`` for fewer than 30 hang-ups.
    """
    times, ended = np.asarray(waits, np.float64), np.asarray(hung_up, np.bool_)
    if int(ended.sum()) < LEAST_HUNG_UP:
        raise ValueError(f"only {int(ended.sum())} callers hung up: give {LEAST_HUNG_UP} or more")
    at, left = survival(times, ended)
    known_to = np.sort(times)[-LEAST_HUNG_UP]
    at, left = at[at <= known_to], left[at <= known_to]
    if not len(at):
        at, left = np.zeros(1), np.ones(1)
    shares = (np.arange(POINTS) + 0.5) / POINTS
    # the first time after which no more than 1 - share are left
    place = np.searchsorted(-left, -(1 - shares), side="left")
    known = place < len(at)
    found = np.where(known, at[np.minimum(place, len(at) - 1)], 0.0)
    if not known.all():
        found[~known] = at[-1] + np.log(left[-1] / (1 - shares[~known])) / _rate(times, ended)
    return tuple(found.tolist())


def _rate(times: Real, ended: NDArray[np.bool_]) -> float:
    """Hang-ups a second of waiting in the longer half of the waits, of all where these are too few."""
    middle = float(np.median(times))
    late = int((ended & (times > middle)).sum())
    if late >= LEAST_HUNG_UP:
        return late / float((times - middle).clip(min=0).sum())
    return int(ended.sum()) / max(float(times.sum()), 1e-9)


def dispersion(minutes: NDArray[np.int64]) -> float:
    """Variance over mean of the calls of five minutes within their half hours; ``minutes``: of the calls, since some midnight.

    Half hours with fewer than six calls say little and are left out; 1 where none is left.
    """
    if not len(minutes):
        return 1.0
    cells = np.bincount((minutes - minutes.min() // 1440 * 1440) // 5)
    cells = np.concatenate([cells, np.zeros(-len(cells) % 6, np.int64)]).reshape(-1, 6)
    busy = cells[cells.sum(axis=1) >= 6]
    if len(busy) < 48:
        return 1.0
    return max(1.0, float(busy.var(axis=1, ddof=1).sum() / busy.mean(axis=1).sum()))


__all__ = ["LEAST_HUNG_UP", "POINTS", "dispersion", "patience", "sample", "survival"]
