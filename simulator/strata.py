"""Which days are played: strata of busyness.

How busy a day is decides most about its answer rate, and by chance a few dozen days contain too many or too
few of the busy ones. So the days of a batch are spread evenly: of ``size`` replications, each takes another
of ``size`` equally likely slices of the gamma distribution (proportional allocation, one in each stratum).
When a replication has several days each of them has slices of its own in an order of its own: a Latin
hypercube (McKay, Beckman, Conover 1979), which removes from the spread whatever the days add up to. Every day
taken for itself is an ordinary draw, so a batch's mean is right without weights, and batches are independent.

Slices are cut by integers from the bits of the batch: the same on every machine.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulator import draws

_STRATA = 30
"""purpose of these draws, used by nothing else"""
_BATCH_SHIFT = 24


def factors(seed: int, batch: int, size: int, days: int, shape: float | None) -> NDArray[np.float64]:
    """How busy the days of a batch are: ``float64[size, days]``, mean 1. ``shape``: of the gamma
    distribution; ``None``: all are 1.

    The same for every option that is compared under one seed.
    """
    if not shape:
        return np.ones((size, days))
    table = draws.gamma_mean_1(shape)
    key = draws.bits(draws.bits(seed, batch, _STRATA), 0, _STRATA)
    made = np.empty((size, days))
    for day in range(days):
        first = day << _BATCH_SHIFT
        order = np.argsort([draws.bits(key, first + i, _STRATA) for i in range(size)], kind="stable")
        for i, stratum in enumerate(order.tolist()):
            inside = draws.bits(key, first + size + i, _STRATA)
            number = np.uint64(((stratum << 64) + inside) // size)
            made[i, day] = draws.drawn(table, number) / draws.ONE
    return made


def sizes(replications: int, usual: int) -> list[int]:
    """Cut a given number of replications into batches of about ``usual``, as equal as can be, at least eight
    of them.

    >>> sizes(100, 8)
    [9, 9, 9, 9, 8, 8, 8, 8, 8, 8, 8, 8]
    >>> sizes(3, 8)
    [1, 1, 1]
    """
    batches = max(min(replications, 8), replications // usual)
    least, more = divmod(replications, batches)
    return [least + 1] * more + [least] * (batches - more)


def usual_size(shape: float | None, days: int) -> int:
    """Replications in a batch. Without strata, or where a replication has many days in it, the more batches
    the better: then the spread is known better.
    """
    return 4 if shape and days == 1 else 2
