"""Intervals, verdicts and looks: held to tables, to a brute-force jackknife, and to many thousand made-up studies."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.precision import (
    Aim,
    Band,
    Interval,
    Looks,
    interval,
    ratios,
    standard_error,
    student,
    verdict,
)  # fmt: skip

ALPHA = 0.05


# ── intervals ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("alpha", "freedom", "factor"),
    [(0.05, 1, 12.7062), (0.05, 9, 2.26216), (0.05, 120, 1.97993), (0.01, 5, 4.03214), (0.001, 30, 3.64596)],
)
def test_the_limits_are_as_many_standard_errors_away_as_the_printed_tables_say(
    alpha: float, freedom: int, factor: float
) -> None:
    assert student(alpha, freedom) == pytest.approx(factor, rel=1e-5)


def test_one_batch_says_nothing_about_the_spread() -> None:
    assert student(ALPHA, 0) == np.inf
    seen = ratios(np.array([90.0]), np.array([100.0]), np.array([4.0])).at()
    assert seen == Interval(0.9, 0.0, 1.0)


def test_a_ratio_is_sum_over_sum_and_not_the_mean_of_the_days_ratios() -> None:
    answered, asked = np.array([90.0, 10.0]), np.array([100.0, 1000.0])
    assert ratios(answered, asked, np.ones(2)).at().mean == pytest.approx(100 / 1100)


def test_the_error_of_a_ratio_is_the_one_that_leaving_out_each_day_shows() -> None:
    draw = np.random.default_rng(1)
    asked = draw.uniform(500, 2000, 60)
    answered = asked * np.clip(1 - 0.1 * asked / 2000 + draw.normal(0, 0.02, 60), 0, 1)
    band = ratios(answered, asked, np.ones(60), share=False).at()
    left_out = (answered.sum() - answered) / (asked.sum() - asked)
    jackknife = np.sqrt(59 / 60 * ((left_out - left_out.mean()) ** 2).sum())
    assert (band.high - band.mean) / student(ALPHA, 59) == pytest.approx(jackknife, rel=0.03)


def test_batches_of_unequal_size_count_by_their_days() -> None:
    sums, sizes = np.array([3.0, -1.0, -2.0]), np.array([3.0, 1.0, 2.0])
    mean = sums.sum() / sizes.sum()
    expected = sum(s * (x / s - mean) ** 2 for x, s in zip(sums, sizes, strict=True)) / 2 * sizes.sum()
    assert standard_error(sums, sizes) == pytest.approx(np.sqrt(expected))


def test_a_hundred_calls_without_a_loss_do_not_prove_that_none_is_ever_lost() -> None:
    seen = ratios(np.array([50.0, 50.0]), np.array([50.0, 50.0]), np.ones(2)).at()
    assert seen.mean == seen.high == 1.0
    assert seen.low == pytest.approx(1 - 0.0362167, abs=1e-6)  # Clopper and Pearson, 0 of 100


def test_where_nobody_asked_the_rate_is_one_and_nothing_is_known() -> None:
    assert ratios(np.zeros(3), np.zeros(3), np.ones(3)).at() == Interval(1.0, 0.0, 1.0)
    assert ratios(np.zeros(3), np.zeros(3), np.ones(3), empty=0.0).at() == Interval(0.0, 0.0, 1.0)


def test_many_ratios_at_once_are_each_what_it_is_alone() -> None:
    draw = np.random.default_rng(2)
    whole = draw.integers(0, 50, (9, 5, 3)).astype(float)
    part = np.floor(whole * draw.uniform(0.5, 1, whole.shape))
    together = ratios(part, whole, np.ones(9))
    alone = [ratios(part[:, i, j], whole[:, i, j], np.ones(9)).at() for i in range(5) for j in range(3)]
    assert isinstance(together, Band)
    for side in ("mean", "low", "high"):
        assert getattr(together, side).ravel() == pytest.approx(
            [getattr(one, side) for one in alone], rel=1e-12
        )


def test_an_interval_without_a_spread_is_a_point() -> None:
    assert interval(0.5, 0.0, 8) == Interval(0.5, 0.5, 0.5)


# ── verdicts ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.981, 0.985, "met"), (0.98, 0.981, "met"), (0.97, 0.9799, "missed"),
        (0.9799, 0.9801, "undecided"), (0.9, 0.98, "undecided"),
    ],
)  # fmt: skip
def test_a_verdict_is_given_only_when_the_whole_interval_is_on_one_side(
    low: float, high: float, expected: str
) -> None:
    assert verdict(Interval((low + high) / 2, low, high), 0.98) == expected


# ── looks ────────────────────────────────────────────────────────────────────────────────────────────────────


@given(
    st.lists(st.floats(1e-6, 1.0), min_size=60, max_size=60),
    st.integers(1, 20),
    st.sampled_from([0.0005, 0.001, 0.01]),
)
def test_all_looks_together_never_spend_more_than_the_alpha_and_each_has_more_days(
    spreads: list[float], batch_days: int, width: float
) -> None:
    looks = Looks(Aim(width=width), batch_days)
    shares, batches = [], []
    for spread in spreads:
        shares.append(looks.alpha)
        batches.append(looks.batches)
        if looks.look(Interval(0.98, 0.97, 0.99), spread):
            break
    assert min(shares) > 0
    assert sum(shares) <= ALPHA * (1 + 1e-12)
    assert batches == sorted(set(batches))
    assert looks.done
    assert batches[-1] * batch_days <= max(Aim().most_days, 8 * batch_days)


def test_the_plan_of_the_looks_does_not_know_on_which_side_the_target_lies() -> None:
    plans = []
    for mean in (0.9801, 0.9803, 0.9799):
        looks = Looks(Aim(), 4)
        looks.look(Interval(mean, mean - 0.01, mean + 0.01), 0.02)
        plans.append((looks.planned, looks.batches, looks.alpha))
    assert len(set(plans)) == 1


def test_a_study_ends_when_the_target_is_excluded_or_the_interval_is_narrow_and_not_before() -> None:
    wide, narrow, apart = (
        Interval(0.98, 0.97, 0.99),
        Interval(0.98, 0.9796, 0.9804),
        Interval(0.9, 0.89, 0.91),
    )
    assert not Looks(Aim(), 1).look(wide, 0.1)
    assert Looks(Aim(), 1).look(narrow, 0.1)
    assert Looks(Aim(), 1).look(apart, 0.1)
    assert not Looks(Aim(target=None), 1).look(apart, 0.1)


def test_nobody_looks_again_after_the_end() -> None:
    looks = Looks(Aim(), 1)
    assert looks.look(Interval(0.9, 0.89, 0.91), 0.1)
    with pytest.raises(ValueError, match="the study has ended"):
        looks.look(Interval(0.9, 0.89, 0.91), 0.1)


def misses(seed: int, studies: int, naive: bool) -> int:
    """Of so many studies of a normal figure, the truth right at the target: how many intervals did not hold it."""
    draw = np.random.default_rng(seed)
    missed = 0
    for _ in range(studies):
        aim = Aim(target=0.0, width=0.5, first_days=16, most_days=600)
        looks = Looks(aim, 1)
        values = np.zeros(0)
        while True:
            values = np.concatenate([values, draw.normal(0, 1.5, looks.batches - len(values))])
            error = float(values.std(ddof=1)) / len(values) ** 0.5
            alpha = ALPHA if naive else looks.alpha
            seen = interval(float(values.mean()), error, len(values), alpha=alpha)
            if looks.look(seen, error * len(values) ** 0.5):
                break
        missed += not seen.low <= 0 <= seen.high
    return missed


def test_a_study_that_ends_when_it_likes_is_wrong_at_most_as_often_as_it_says() -> None:
    studies = 3_000
    limit = studies * ALPHA + 3.1 * (studies * ALPHA * (1 - ALPHA)) ** 0.5
    assert misses(3, studies, naive=False) <= limit
    # and looking again and again with the whole alpha each time is not the same
    assert misses(3, studies, naive=True) > 2 * limit
