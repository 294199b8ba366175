"""Control variates: what is known to have come out by chance is taken off again.

On a day on which 2 % more called than was to be expected the answer rate is lower than it should be, and the
expectation is known exactly. Six kinds of such surplus are used, each with mean 0 by construction:

1. to 3. the days' busyness, its square and its cube, less their means (moments of the gamma distribution);
4. first calls by half hour, less busyness x the rate of the scenario;
5. talk and wrap-up of the answered calls, less answered calls x their mean. A call's length is drawn for
   itself and is unknown while it waits, so that it says nothing about whether the call was answered;
6. callers who hung up, less their waiting / mean patience, where patience is exponential: who has waited is
   as patient as before, so that hanging up is a matter of chance with a constant rate (a martingale);

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
"""for each coefficient that is to be found there have to be so many days in the other folds: of few days fewer
controls are taken
"""
_SPARE = 6
"""replications of the other folds that are left for the spread itself"""
_RIDGE = 1e-6


@dataclass(frozen=True, slots=True)
class Surplus:
    """What came by chance in every replication, each beyond its expectation. ``batch[replication]``: whose it
    is, in order.

    ``calls[replication, half hour]`` and ``work[...]``: relative to the expected calls (to their expected
    work). ``gave_up[replication, day]``: relative to all expected calls. ``busy[replication, day]``: how far
    the busyness is from 1, in standard deviations; 0 where every day is alike. ``third``: the mean of its
    cube.
    """

    batch: Floats
    calls: Floats
    work: Floats
    gave_up: Floats
    busy: Floats
    third: float

    @property
    def alike(self) -> bool:
        """Has no day a busyness of its own?"""
        return not self.busy.any()


def corrected(errors: Floats, lost: Floats, surplus: Surplus) -> Floats:
    """Every replication's error without what its surplus explains: ``float64[replication]``.

    ``errors[replication, day]``: part - ratio x whole, in shares of the mean whole. ``lost[batch, half
    hour]``: where the figure is made or lost.
    """
    folds = min(_FOLDS, len(lost))
    fold_of = surplus.batch.astype(np.int64) % folds
    made = errors.sum(1)
    lost_by_fold = np.stack([lost[fold::folds].sum(0) for fold in range(folds)])
    everywhere = lost_by_fold.sum(0)
    for fold in range(folds):
        inside = fold_of == fold
        others = everywhere - lost_by_fold[fold]
        if others.sum() <= 0:
            continue
        known = (int((~inside).sum()) - _SPARE) * errors.shape[1]
        controls = weighed(surplus, others / others.sum())[:, :, : max(known, 0) // _LEAST]
        if not controls.shape[2]:
            continue
        made[inside] -= controls[inside].sum(1) @ coefficients(controls[~inside], errors[~inside])
    return np.asarray(made, np.float64)


def weighed(surplus: Surplus, weight: Floats) -> Floats:
    """The controls ``[replication, day, control]`` for half hours that count ``weight[half hour]``, those
    that explain most first.
    """
    shape = len(surplus.calls), -1, HALF_HOURS
    calls = (surplus.calls * weight).reshape(shape).sum(2)
    work = (surplus.work * weight).reshape(shape).sum(2)
    columns = [calls, work]
    if surplus.gave_up.any():
        columns.append(surplus.gave_up)
    if not surplus.alike:
        busy = surplus.busy
        by_day = weight.reshape(-1, HALF_HOURS).sum(1)
        columns = [busy * by_day, (busy**2 - 1) * by_day, *columns]
        columns += [calls * busy, work * busy, (busy**3 - surplus.third) * by_day]
    return np.stack(columns, axis=2)


def coefficients(controls: Floats, errors: Floats) -> Floats:
    """Least squares, ``float64[control]``: one coefficient for all days, each day with a constant of its own.
    A control that does not vary gets 0. ``controls[replication, day, control]``, ``errors[replication,
    day]``.
    """
    centred = (controls - controls.mean(0)).reshape(-1, controls.shape[2])
    wanted = (errors - errors.mean(0)).reshape(-1)
    scale = np.sqrt((centred**2).mean(0))
    scale[scale == 0] = 1.0
    centred /= scale
    square = centred.T @ centred + _RIDGE * len(centred) * np.eye(len(scale))
    return np.asarray(np.linalg.solve(square, centred.T @ wanted) / scale, np.float64)
