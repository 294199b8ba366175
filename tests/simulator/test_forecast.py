"""Forecasts find again what made the calls, bear gaps, tell their error and beat last week repeated.

Patience is not how long those waited who hung up.
"""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from statsmodels.duration.survfunc import SurvfuncRight

from simulator import observed
from simulator.forecast import HOLIDAY, Forecast, History, forecast, kind_of

MONDAY = date(2025, 9, 1)
WORTH = np.array([1.12, 1.0, 1.0, 1.0, 1.0, 0.85, 0.80, 0.70])
HALF_HOURS = np.concatenate([np.full(16, 0.4), np.linspace(2, 5, 8), np.full(16, 3.0), np.linspace(3, 1, 8)])
PROFILE = HALF_HOURS / HALF_HOURS.sum()


def rates(first: date, days: int, per_day: float = 8000.0) -> NDArray[np.float64]:
    """Expected calls by day and half hour: weekday, holiday, profile."""
    worth = [WORTH[kind_of(first + timedelta(days=day))] for day in range(days)]
    return per_day * np.array(worth)[:, None] * PROFILE


def came(
    days: int, *, seed: int = 1, busyness: float | None = None, dispersion: float = 1.0, first: date = MONDAY
) -> History:
    """Days as they come by chance."""
    draw = np.random.default_rng(seed)
    expected = rates(first, days)
    if busyness is not None:
        expected *= draw.gamma(busyness, 1 / busyness, (days, 1))
    counts = draw.poisson(expected)
    if dispersion > 1:
        counts = draw.negative_binomial(expected / (dispersion - 1), 1 / dispersion)
    return History(first, counts.astype(np.float64))


def next_week(history: History) -> list[date]:
    return [history.first + timedelta(days=history.days + day) for day in range(7)]


@pytest.fixture(scope="module")
def usual() -> Forecast:
    history = came(120, busyness=250.0, dispersion=1.6)
    return forecast(history, next_week(history))


def test_days_without_chance_are_forecast_as_they_come() -> None:
    history = History(MONDAY, rates(MONDAY, 56))
    told = forecast(history, next_week(history), weeks=0)
    expected = rates(told.dates[0], 7)
    assert np.allclose(np.array(told.series).reshape(7, 48), expected, rtol=0.01)
    assert np.allclose(told.days, expected.sum(axis=1), rtol=0.01)


def test_a_week_s_forecast_is_nearer_than_last_week_and_not_better_than_chance_allows(
    usual: Forecast,
) -> None:
    assert usual.half_hours is not None
    assert usual.daily is not None
    for errors in (usual.half_hours, usual.daily):
        assert errors.wape < errors.naive_wape
        assert errors.mase < 1
    assert usual.half_hours.floor < usual.half_hours.wape < 1.6 * usual.half_hours.floor
    assert (usual.half_hours.compared, usual.daily.compared) == (4 * 7 * 48, 4 * 7)


def test_how_much_days_and_five_minutes_vary_is_found_again(usual: Forecast) -> None:
    assert usual.busyness is not None
    # 28 days tell a variance within a factor of two
    assert 125 < usual.busyness < 500
    assert usual.dispersion == pytest.approx(1.6, rel=0.05)


def test_days_that_vary_by_chance_alone_have_no_busyness() -> None:
    history = came(120)
    told = forecast(history, next_week(history))
    # a shape beyond 2,000 is less than 2.3 % a day
    assert told.busyness is None or told.busyness > 2000
    assert told.dispersion == pytest.approx(1.0, abs=0.05)


def test_nine_of_ten_days_fall_between_low_and_high() -> None:
    inside = 0
    for seed in range(12):
        history = came(77, seed=seed, busyness=250.0)
        known = history.before(70)
        told = forecast(known, next_week(known), weeks=0)
        totals = history.counts[70:].sum(axis=1)
        inside += int(
            sum(low <= total <= high for low, total, high in zip(told.low, totals, told.high, strict=True))
        )
    # of 84 days with probability 0.9; outside of this with less than 1 in 1,000 (binomial)
    assert 66 <= inside <= 84


def test_missing_half_hours_are_not_taken_for_quiet_ones() -> None:
    whole = rates(MONDAY, 70)
    gaps = whole.copy()
    gaps[3] = gaps[11] = np.nan  # whole days
    gaps[20, 18:30] = np.nan  # a busy morning
    gaps[41:44, :12] = np.nan
    gaps[66, 40:] = np.nan
    with_gaps = forecast(
        History(MONDAY, gaps), [MONDAY + timedelta(days=70 + day) for day in range(7)], weeks=0
    )
    without = forecast(
        History(MONDAY, whole), [MONDAY + timedelta(days=70 + day) for day in range(7)], weeks=0
    )
    assert np.allclose(with_gaps.series, without.series, rtol=0.005)
    as_zeros = forecast(History(MONDAY, np.nan_to_num(gaps)), with_gaps.dates, weeks=0)
    assert not np.allclose(as_zeros.series, without.series, rtol=0.005)


def test_a_public_holiday_is_forecast_as_those_before_and_like_a_sunday_where_there_was_none() -> None:
    new_year = date(2026, 1, 1)
    seen = History(MONDAY, rates(MONDAY, (new_year - MONDAY).days))  # with eight days of October
    assert forecast(seen, [new_year], weeks=0).days[0] == pytest.approx(8000 * 0.70, rel=0.02)
    first = date(2025, 10, 13)
    unseen = History(first, rates(first, (new_year - first).days))
    assert kind_of(new_year) == HOLIDAY
    assert forecast(unseen, [new_year], weeks=0).days[0] == pytest.approx(8000 * 0.80, rel=0.02)


def test_a_weekend_day_worked_in_exchange_is_a_tuesday() -> None:
    worked = date(2025, 10, 11)
    history = History(date(2025, 7, 7), rates(date(2025, 7, 7), (worked - date(2025, 7, 7)).days))
    assert forecast(history, [worked], weeks=0).days[0] == pytest.approx(8000.0, rel=0.02)


def test_a_level_that_has_changed_is_followed() -> None:
    counts = rates(MONDAY, 84)
    counts[42:] *= 1.3
    history = History(MONDAY, counts)
    told = forecast(history, next_week(history), weeks=0)
    assert sum(told.days) == pytest.approx(1.3 * rates(MONDAY, 7).sum(), rel=0.03)


@pytest.mark.parametrize(
    ("told", "history", "day"),
    [
        ("only 13 days have calls: give 14 or more", came(13), MONDAY + timedelta(days=20)),
        ("only 0 days have calls", History(MONDAY, np.full((30, 48), np.nan)), MONDAY + timedelta(days=40)),
        ("have come already, up to 2025-09-30: forecast later days", came(30), MONDAY + timedelta(days=29)),
    ],
)
def test_what_cannot_be_forecast_is_refused(told: str, history: History, day: date) -> None:
    with pytest.raises(ValueError, match=told):
        forecast(history, [day])


def test_without_weeks_to_compare_no_error_is_claimed() -> None:
    history = came(20)
    told = forecast(history, next_week(history))
    assert (told.half_hours, told.daily) == (None, None)


# ── durations ────────────────────────────────────────────────────────────────────────────────────────────────


@given(st.lists(st.tuples(st.integers(0, 30), st.booleans()), min_size=1, max_size=80))
def test_the_share_still_waiting_is_kaplan_and_meier_s(calls: list[tuple[int, bool]]) -> None:
    waits = np.array([wait for wait, _ in calls], np.float64)
    hung_up = np.array([hung for _, hung in calls])
    at, left = observed.survival(waits, hung_up)
    known = SurvfuncRight(waits, hung_up.astype(int))
    assert np.allclose(at, known.surv_times)
    assert np.allclose(left, known.surv_prob)


def test_patience_is_found_behind_answers_that_came_sooner() -> None:
    draw = np.random.default_rng(4)
    would_wait = draw.exponential(120.0, 40_000)
    answered = np.where(
        draw.random(40_000) < 0.7, draw.exponential(4.0, 40_000), draw.exponential(60.0, 40_000)
    )
    waits, hung_up = np.minimum(would_wait, answered), would_wait < answered
    assert waits[hung_up].mean() < 50  # who hung up had waited so long: that is not patience
    sample = np.array(observed.patience(waits, hung_up))
    assert sample.mean() == pytest.approx(120, rel=0.05)
    assert np.quantile(sample, [0.1, 0.5, 0.9]) == pytest.approx(-120 * np.log([0.9, 0.5, 0.1]), rel=0.08)


def test_patience_is_not_told_from_a_handful_of_hang_ups() -> None:
    with pytest.raises(ValueError, match="only 2 callers hung up: give 30 or more"):
        observed.patience([1.0] * 100, [True, True] + [False] * 98)


@given(st.lists(st.floats(0, 5000), min_size=2, max_size=3000))
def test_a_sample_is_sorted_and_keeps_mean_and_range(seconds: list[float]) -> None:
    made = observed.sample(seconds)
    assert len(made) == min(len(seconds), observed.POINTS)
    assert all(a <= b + 1e-6 for a, b in pairwise(made))
    assert np.mean(made) == pytest.approx(np.mean(seconds), rel=1e-9, abs=1e-9)
    assert min(seconds) - 1e-6 <= made[0] <= made[-1] <= max(seconds) + 1e-6


def test_calls_in_bunches_vary_more_than_poisson_s() -> None:
    draw = np.random.default_rng(5)
    single = np.sort(draw.integers(0, 20 * 1440, 100_000))
    assert observed.dispersion(single) == pytest.approx(1.0, abs=0.06)
    bunched = np.sort(np.repeat(draw.integers(0, 20 * 1440, 50_000), 2))
    assert observed.dispersion(bunched) == pytest.approx(2.0, rel=0.06)
    assert observed.dispersion(np.zeros(0, np.int64)) == 1.0
