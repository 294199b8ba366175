"""Control variates: what is known to have come out by chance is taken off again.

On a day on which 2 % more called than was to be expected the answer rate is lower than it should be, and the
expectation is known exactly. Five kinds of such surplus are used, each with mean 0 by construction:

1. to 3. the days' busyness, its square and its cube, less their means (moments of the gamma distribution);
4. first calls by half hour, less busyness x the rate of the scenario;
5. talk and wrap-up of the answered calls, less answered calls x their mean. A call's length is drawn for
   itself and is unknown while it waits, so that it says nothing about whether the call was answered;

and 4 and 5 once more times the busyness, because on a quiet day they hardly matter (P. L'Ecuyer, E. Buist,
"On the interaction between stratification and control variates", Journal of Simulation 2, 2008). Half hours
count as much as is lost in them: callers at four in the morning change nothing.

Coefficients and weights come from data, and those who take them from the same days that they correct are
wrong by about 1 / days, and too sure. So batches are dealt into folds, and a fold is corrected with what the
*other* folds say (cross-fitting, as in A. Avramidis, J. Wilson, "A splitting scheme for control variates",
Operations Research Letters 14, 1993): its own surplus is independent of that, so nothing is biased.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.precision import Floats

HALF_HOURS = 48
_FOLDS = 8
_LEAST = 4
"""so many replications for each coefficient that is to be found have to be in the other folds, or nothing is
corrected
"""
_RIDGE = 1e-6


@dataclass(frozen=True, slots=True)
class Surplus:
    """What came by chance in every replication, each beyond its expectation. ``batch[replication]``: whose it
    is, in order.

    ``calls[replication, half hour]`` and ``work[...]``: relative to the expected calls (to their expected
    work). ``busy[replication, day]``: how far the busyness is from 1, in standard deviations; 0 where every
    day is alike. ``third``: the mean of its cube.
    """

    batch: Floats
    calls: Floats
    work: Floats
    busy: Floats
    third: float

    @property
    def alike(self) -> bool:
        """Has no day a busyness of its own?"""
        return not self.busy.any()


def corrected(errors: Floats, lost: Floats, surplus: Surplus) -> Floats:
    """Every replication's error without what its surplus explains: ``errors[replication]``.

    ``errors``: part - ratio x whole of each replication, in shares of the mean whole. ``lost[batch, half
    hour]``: where the figure is made or lost.
    """
    batches = len(lost)
    folds = min(_FOLDS, batches)
    fold_of = surplus.batch.astype(np.int64) % folds
    made = errors.copy()
    lost_by_fold = np.stack([lost[fold::folds].sum(0) for fold in range(folds)])
    everywhere = lost_by_fold.sum(0)
    for fold in range(folds):
        inside = fold_of == fold
        others = everywhere - lost_by_fold[fold]
        if others.sum() <= 0:
            continue
        controls = weighed(surplus, others / others.sum())
        if (~inside).sum() < _LEAST * controls.shape[1]:
            continue
        made[inside] -= controls[inside] @ coefficients(controls[~inside], errors[~inside])
    return made


def weighed(surplus: Surplus, weight: Floats) -> Floats:
    """The controls ``[replication, control]`` for half hours that count ``weight[half hour]``."""
    calls, work = surplus.calls * weight, surplus.work * weight
    if surplus.alike:
        return np.stack([calls.sum(1), work.sum(1)], axis=1)
    busy = surplus.busy
    by_day = weight.reshape(-1, HALF_HOURS).sum(1)
    by_half_hour = np.repeat(busy, HALF_HOURS, axis=1)
    made = [busy, busy**2 - 1, busy**3 - surplus.third]
    columns = [power @ by_day for power in made]
    columns += [calls.sum(1), (calls * by_half_hour).sum(1), work.sum(1), (work * by_half_hour).sum(1)]
    return np.stack(columns, axis=1)


def coefficients(controls: Floats, errors: Floats) -> Floats:
    """Least squares with a constant, which is left out: ``float64[control]``. A control that does not vary
    gets 0.
    """
    centred = controls - controls.mean(0)
    scale = np.sqrt((centred**2).mean(0))
    scale[scale == 0] = 1.0
    centred /= scale
    square = centred.T @ centred + _RIDGE * len(controls) * np.eye(controls.shape[1])
    return np.asarray(np.linalg.solve(square, centred.T @ (errors - errors.mean())) / scale, np.float64)
