"""The coming days' calls by half hour from those that came, with the error that such a forecast has made before.

A day's total is a level that moves slowly, times what its kind of day is worth (weekday, public holiday): an
unobserved-components model of its logarithm, fitted by the Kalman filter of statsmodels, which takes missing days as
they are. Half hours get the shares that their kind of day had. Days observed in part count as far as they were.

Sources: Harvey, *Forecasting, Structural Time Series Models and the Kalman Filter* (1989), chapter 4; Ibrahim, Ye,
L'Ecuyer and Shen, *Modeling and forecasting call center arrivals*, International Journal of Forecasting 32 (2016), for
level times profile and the comparison with the seasonal naive; Hyndman and Koehler, *Another look at measures of
forecast accuracy*, International Journal of Forecasting 22 (2006), for MASE.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dialplans.hours import working_day

Real = NDArray[np.float64]
Whole = NDArray[np.int64]

HALF_HOURS = 48
WEEK = 7
LEAST_DAYS = 14
"""fewer observed days say nothing about a week"""
HOLIDAY = 7
"""the kind of a public holiday, behind those of the weekdays (0: Monday)"""
_SUNDAY, _TUESDAY = 6, 1
GROUPS = np.array([0, 0, 0, 0, 0, 1, 1, 1])
"""by kind, which days look alike: working days (0), and the others (1)"""
_SHRINK_DAYS = 4.0
"""a kind's profile is worth its own days; that of its group counts as so many more"""


@dataclass(frozen=True, slots=True)
class History:
    """Calls that came. ``counts``: float64[days, 48], NaN where a half hour is missing; ``first``: the first day."""

    first: date
    counts: Real

    @property
    def days(self) -> int:
        """How many days from the first to the last."""
        return int(self.counts.shape[0])

    def before(self, day: int) -> History:
        """What was known at the begin of a day (counted from the first)."""
        return History(self.first, self.counts[:day])


@dataclass(frozen=True, slots=True)
class Errors:
    """How far forecasts were from what came, over ``compared`` half hours or days.

    ``wape``: sum of the absolute errors / sum of the calls. ``mase``: mean absolute error / that of the seasonal naive
    inside the training data (below 1 is better than it). ``naive_wape``: what repeating the last week would have made of
    the same days. ``floor``: the WAPE of somebody who knows the rates exactly: chance alone makes it.
    """

    wape: float
    mase: float
    naive_wape: float
    floor: float
    compared: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is expected.

    ``series``: calls of every half hour of ``dates``, in order; ``days``: their totals, ``low`` and ``high``: within which a
    day's total falls in 90 of 100 cases. ``busyness``: shape of the gamma factor of a whole day, ``None``: days vary no
    more than chance; ``dispersion``: variance over mean of five minutes, 1 where they vary no more. ``half_hours`` and
    ``daily``: the error of the forecasts of the last weeks, each made from what was known before; ``None`` without a
    week to compare. ``used_days``: of the history, those that had calls.
    """

    dates: tuple[date, ...]
    series: tuple[float, ...]
    days: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    busyness: float | None
    dispersion: float
    half_hours: Errors | None
    daily: Errors | None
    used_days: int


def kind_of(day: date) -> int:
    """Which kind of day it is: 0 to 6 a weekday, 7 a public holiday; a weekend day worked in exchange is a Tuesday."""
    known = working_day(day)
    if known.holiday:
        return HOLIDAY
    return _TUESDAY if known.makeup else day.weekday()


def forecast(
    history: History, dates: Sequence[date], *, weeks: int = 4, dispersion: float | None = None
) -> Forecast:
    """The calls of ``dates``, which come after the history, in their order.

    ``weeks``: so many of the last weeks are forecast from what was before each, for the error. ``dispersion``: of five
    minutes, where it is known from the instants of calls; that of half hours counts where it is larger. Raises ``ValueError`` with
    fault and remedy for a history that is too short, or that knows those days already.
    """
    model = _Model(history)
    ahead = [(day - history.first).days - history.days for day in dates]
    if min(ahead, default=0) < 0:
        last = history.first + timedelta(days=history.days - 1)
        raise ValueError(f"the calls of {dates[0]} have come already, up to {last}: forecast later days")
    totals, low, high = model.totals(max(ahead, default=0) + 1)
    chosen = np.array(ahead, np.int64)
    series = np.concatenate(
        [totals[a] * model.profile[model.kind(day)] for a, day in zip(ahead, dates, strict=True)]
    )
    tested = _backtest(history, weeks)
    spread = max(model.dispersion(), dispersion or 1.0)
    return Forecast(
        dates=tuple(dates),
        series=tuple(series.tolist()),
        days=tuple(totals[chosen].tolist()),
        low=tuple(low[chosen].tolist()),
        high=tuple(high[chosen].tolist()),
        busyness=_busyness(
            *(tested.days() if tested is not None and tested.enough else model.fitted()), spread
        ),
        dispersion=spread,
        half_hours=None if tested is None else tested.half_hours(spread),
        daily=None if tested is None else tested.daily(spread),
        used_days=model.used_days,
    )


class _Model:
    """One fit. ``profile``: shares by kind of day, each summing to 1; ``observed``: day totals, NaN where too little is known."""

    def __init__(self, history: History) -> None:
        self.history = history
        kinds = [kind_of(history.first + timedelta(days=day)) for day in range(history.days)]
        self.kinds = np.array(kinds, np.int64)
        self.used_days = int(np.isfinite(history.counts).any(axis=1).sum()) if history.days else 0
        if self.used_days < LEAST_DAYS:
            raise ValueError(f"only {self.used_days} days have calls: give {LEAST_DAYS} or more")
        self.profile, self.observed = _profiles(history.counts, self.kinds)
        seen = np.bincount(self.kinds[np.isfinite(self.observed)], minlength=HOLIDAY + 1)
        self._known = seen >= 2
        self._columns = [kind for kind in range(HOLIDAY + 1) if self._known[kind]]
        if not self._columns:
            raise ValueError("no kind of day has been seen twice: give more days")
        self._fitted = self._fit()

    def kind(self, day: date) -> int:
        """The kind as which a day is forecast: one that was seen twice at least."""
        return self._seen(kind_of(day))

    def _seen(self, kind: int) -> int:
        if self._known[kind]:
            return kind
        if kind == HOLIDAY and self._known[_SUNDAY]:
            return _SUNDAY
        alike = [known for known in self._columns if GROUPS[known] == GROUPS[kind]] or self._columns
        return min(alike, key=lambda known: (abs(known - kind), known))

    def _regressors(self, kinds: Sequence[int]) -> Real:
        """One column a kind, 1 on its days; the first kind is the level's own."""
        kept = self._columns[1:]
        return np.array([[float(self._seen(kind) == column) for column in kept] for kind in kinds]).reshape(
            -1, len(kept)
        )

    def _fit(self) -> Any:
        from statsmodels.tsa.statespace.structural import (
            UnobservedComponents,
        )  # 1 s to import: only who forecasts waits

        logs = np.log(np.maximum(self.observed, 0.5))
        model = UnobservedComponents(logs, level="local level", exog=self._regressors(self.kinds.tolist()))
        # nobody reads the parameters' errors; that a fit is poor shows in the backtest
        return model.fit(disp=False, maxiter=200, cov_type="none", warn_convergence=False)

    def totals(self, ahead: int) -> tuple[Real, Real, Real]:
        """Expected totals of the next ``ahead`` days, and between what 90 % of them fall."""
        first = self.history.first + timedelta(days=self.history.days)
        kinds = [kind_of(first + timedelta(days=day)) for day in range(ahead)]
        told = self._fitted.get_forecast(ahead, exog=self._regressors(kinds))
        mean, error = np.asarray(told.predicted_mean), np.asarray(told.se_mean)
        # the mean of a lognormal; its quantiles are those of the logarithm
        return np.exp(mean + error**2 / 2), np.exp(mean - 1.645 * error), np.exp(mean + 1.645 * error)

    def fitted(self) -> tuple[Real, Real]:
        """What came, and what was expected a day before, of all days but the first fortnight."""
        expected = np.exp(np.asarray(self._fitted.fittedvalues))
        use = np.isfinite(self.observed) & (np.arange(self.history.days) >= LEAST_DAYS)
        return self.observed[use], expected[use]

    def dispersion(self) -> float:
        """Variance over mean of half hours about their day's total times its profile (Pearson's, less the fitted values)."""
        expected = self.observed[:, None] * self.profile[self.kinds]
        use = np.isfinite(self.history.counts) & np.isfinite(expected) & (expected >= 1)
        count = int(use.sum())
        fitted = int(np.isfinite(self.observed).sum()) + len(self._columns) * (HALF_HOURS - 1)
        if count <= 2 * fitted:
            return 1.0
        squares = (self.history.counts[use] - expected[use]) ** 2 / expected[use]
        return max(1.0, float(squares.sum()) / (count - fitted))


def _profiles(counts: Real, kinds: Whole) -> tuple[Real, Real]:
    """Shares by kind, float64[8, 48], and days' totals. Missing half hours are worth what the profile says: found by turns."""
    known = np.isfinite(counts)
    filled = np.where(known, counts, 0.0)
    overall = filled.sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    profile = np.tile(overall / max(overall.sum(), 1e-300), (HOLIDAY + 1, 1))
    totals = np.full(len(counts), np.nan)
    for _ in range(20):
        covered = (known * profile[kinds]).sum(axis=1)
        # a day of which less than a third is known says more about its night than about itself
        totals = np.where(covered >= 1 / 3, filled.sum(axis=1) / np.maximum(covered, 1e-300), np.nan)
        made = _shares(filled, known, totals, kinds)
        if np.abs(made - profile).max() < 1e-9:
            break
        profile = made
    return profile, totals


def _shares(filled: Real, known: NDArray[np.bool_], totals: Real, kinds: Whole) -> Real:
    """One turn: what share of their days' totals the half hours had, the group's lent to kinds with few days."""
    use = known & np.isfinite(totals)[:, None]
    worth = np.where(use, np.nan_to_num(totals)[:, None], 0.0)
    calls = np.where(use, filled, 0.0)
    made = np.zeros((HOLIDAY + 1, HALF_HOURS))
    whole = _ratio(calls.sum(axis=0), worth.sum(axis=0))
    for kind in range(HOLIDAY + 1):
        mates = GROUPS[kinds] == GROUPS[kind]
        group = _ratio(calls[mates].sum(axis=0), worth[mates].sum(axis=0)) if mates.any() else whole
        own = kinds == kind
        days = use[own].sum(axis=0)
        share = _ratio(calls[own].sum(axis=0), worth[own].sum(axis=0))
        made[kind] = (days * share + _SHRINK_DAYS * group) / (days + _SHRINK_DAYS)
        total = made[kind].sum()
        # a kind of day without a call, of a line that is closed then, has a profile all the same: nothing times it
        made[kind] = made[kind] / total if total > 0 else whole / max(whole.sum(), 1e-300)
    return made


def _ratio(part: Real, whole: Real) -> Real:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def _busyness(came: Real, expected: Real, dispersion: float) -> float | None:
    """Shape of a gamma factor with mean 1 that explains how far days were from their forecast, beyond chance."""
    use = expected > 0
    if int(use.sum()) < WEEK:
        return None
    ratio = came[use] / expected[use]
    chance = float(np.mean(dispersion / expected[use]))
    beyond = float(np.mean((ratio - ratio.mean()) ** 2)) * len(ratio) / (len(ratio) - 1) - chance
    return None if beyond <= 1e-6 else 1 / beyond


@dataclass(frozen=True, slots=True)
class _Tested:
    """What came and what had been forecast, in the weeks of the backtest; ``scale_*``: the naive's mean error in training."""

    came: Real
    told: Real
    naive: Real
    scale: float
    day_scale: float

    @property
    def enough(self) -> bool:
        """Do the days tell their spread?"""
        return len(self.days()[0]) >= 2 * WEEK

    def days(self) -> tuple[Real, Real]:
        """Totals of the days that were observed whole, and their forecasts."""
        whole = np.isfinite(self.came).all(axis=1)
        return self.came[whole].sum(axis=1), self.told[whole].sum(axis=1)

    def half_hours(self, dispersion: float) -> Errors | None:
        return _errors(self.came.ravel(), self.told.ravel(), self.naive.ravel(), self.scale, dispersion)

    def daily(self, dispersion: float) -> Errors | None:
        came, told, naive = self.came.sum(axis=1), self.told.sum(axis=1), self.naive.sum(axis=1)
        return _errors(came, told, naive, self.day_scale, dispersion)


def _errors(came: Real, told: Real, naive: Real, scale: float, dispersion: float) -> Errors | None:
    use = np.isfinite(came) & np.isfinite(naive)
    total = float(came[use].sum())
    if not total:
        return None
    wrong = np.abs(came[use] - told[use])
    return Errors(
        wape=float(wrong.sum()) / total,
        mase=float(wrong.mean()) / scale if scale > 0 else float("inf"),
        naive_wape=float(np.abs(came[use] - naive[use]).sum()) / total,
        floor=float(np.sqrt(2 * dispersion * np.maximum(told[use], 0) / np.pi).sum()) / total,
        compared=int(use.sum()),
    )


def _backtest(history: History, weeks: int) -> _Tested | None:
    """The last weeks, each forecast from what was known at its begin; ``None`` where no week has enough before it."""
    came, told, naive, scales = [], [], [], []
    for week in range(weeks, 0, -1):
        origin = history.days - week * WEEK
        before = history.before(max(origin, 0))
        if np.isfinite(before.counts).any(axis=1).sum() < 2 * LEAST_DAYS:
            continue
        model = _Model(before)
        totals, _, _ = model.totals(WEEK)
        days = [history.first + timedelta(days=origin + day) for day in range(WEEK)]
        came.append(history.counts[origin : origin + WEEK])
        told.append(
            np.stack([totals[place] * model.profile[model.kind(day)] for place, day in enumerate(days)])
        )
        naive.append(_last_week(before.counts))
        scales.append(_naive_scale(before.counts))
    if not came:
        return None
    scale, day_scale = np.mean(scales, axis=0).tolist()
    return _Tested(np.concatenate(came), np.concatenate(told), np.concatenate(naive), scale, day_scale)


def _last_week(counts: Real) -> Real:
    """The seasonal naive: every half hour as a week before, or the last week in which it is known."""
    weeks = counts[len(counts) % WEEK :].reshape(-1, WEEK, HALF_HOURS)
    found: Real = weeks[-1].copy()
    for week in weeks[-2::-1]:
        found = np.where(np.isfinite(found), found, week)
    return found


def _naive_scale(counts: Real) -> tuple[float, float]:
    """Mean absolute difference between a half hour, and a day, and the one a week before."""
    steps = np.abs(counts[WEEK:] - counts[:-WEEK])
    days = counts.sum(axis=1)
    by_day = np.abs(days[WEEK:] - days[:-WEEK])
    return _mean(steps), _mean(by_day)


def _mean(values: Real) -> float:
    use = np.isfinite(values)
    return float(values[use].mean()) if use.any() else 0.0


__all__ = ["GROUPS", "HALF_HOURS", "LEAST_DAYS", "Errors", "Forecast", "History", "forecast", "kind_of"]
