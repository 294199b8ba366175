"""Strata of busyness: one day in every slice, the right distribution on the whole, and the controls that go
with them.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator import draws
from simulator.controls import HALF_HOURS, Surplus, coefficients, corrected, weighed
from simulator.strata import factors, sizes

SHAPE = 50.0


def edges(size: int) -> list[float]:
    """Where one slice of the distribution ends and the next begins."""
    table = draws.gamma_mean_1(SHAPE)
    return [draws.drawn(table, np.uint64((i << 64) // size)) / draws.ONE for i in range(1, size)]


@pytest.mark.parametrize("size", [2, 4, 7])
def test_every_slice_of_busyness_has_one_day_of_each_batch(size: int) -> None:
    for batch in range(20):
        made = factors(1, batch, size, 3, SHAPE)
        slices = np.searchsorted(edges(size), made, side="right")
        assert [sorted(column) for column in slices.T.tolist()] == [list(range(size))] * 3


def test_days_of_one_replication_do_not_go_together() -> None:
    made = np.concatenate([factors(1, batch, 4, 2, SHAPE) for batch in range(500)])
    assert abs(np.corrcoef(made.T)[0, 1]) < 3.5 / 2000**0.5


def test_busyness_has_the_mean_the_variance_and_the_skewness_of_its_gamma_distribution() -> None:
    made = np.concatenate([factors(2, batch, 4, 1, SHAPE) for batch in range(5_000)])[:, 0]
    assert made.mean() == pytest.approx(1, abs=4 * (SHAPE * len(made)) ** -0.5)
    assert made.var() == pytest.approx(1 / SHAPE, rel=4 * (2 / len(made)) ** 0.5)
    assert (((made - 1) * SHAPE**0.5) ** 3).mean() == pytest.approx(
        2 / SHAPE**0.5, abs=4 * (15 / len(made)) ** 0.5
    )


def test_a_batch_is_the_same_whenever_it_is_asked_for_and_another_seed_gives_others() -> None:
    assert (factors(1, 7, 4, 2, SHAPE) == factors(1, 7, 4, 2, SHAPE)).all()
    assert (factors(1, 7, 4, 2, SHAPE) != factors(2, 7, 4, 2, SHAPE)).all()
    assert (factors(1, 7, 4, 2, SHAPE) != factors(1, 8, 4, 2, SHAPE)).all()


def test_days_that_are_alike_have_no_busyness() -> None:
    assert (factors(1, 0, 3, 2, None) == np.ones((3, 2))).all()


@given(st.integers(1, 3_000), st.integers(1, 9))
def test_a_given_number_of_days_is_cut_into_batches_and_none_is_lost(days: int, usual: int) -> None:
    cut = sizes(days, usual)
    assert sum(cut) == days
    assert max(cut) - min(cut) <= 1
    assert len(cut) >= min(days, 8)


# ── controls ─────────────────────────────────────────────────────────────────────────────────────────────────


def made_up(seed: int, batches: int, size: int) -> tuple[Surplus, np.ndarray, np.ndarray]:
    """Surpluses, errors that they explain but for a tenth, and where calls were lost: busy half hours, most
    on busy days.
    """
    draw = np.random.default_rng(seed)
    count = batches * size
    calls = draw.normal(0, 0.03, (count, HALF_HOURS))
    work = draw.normal(0, 0.03, (count, HALF_HOURS))
    busy = draw.normal(0, 1, (count, 1))
    batch = np.repeat(np.arange(batches), size).astype(float)
    weight = np.r_[np.zeros(18), np.ones(12), np.zeros(18)] / 12
    explained = -calls @ weight - 0.5 * work @ weight - 0.01 * busy[:, 0] - 0.005 * (busy[:, 0] ** 2 - 1)
    errors = explained + draw.normal(0, 0.1 * explained.std(), count)
    lost = np.maximum(draw.normal(100, 20, (batches, HALF_HOURS)), 0) * weight
    return Surplus(batch, calls, work, draw.normal(0, 0.01, (count, 1)), busy, 0.0), errors[:, None], lost


def test_what_came_by_chance_is_taken_off() -> None:
    surplus, errors, lost = made_up(1, 30, 4)
    assert corrected(errors, lost, surplus).var() < errors.var() / 40


def test_what_corrects_a_batch_does_not_know_that_batch() -> None:
    surplus, errors, lost = made_up(2, 24, 4)
    before = errors[:, 0] - corrected(errors, lost, surplus)
    errors[:4] += 1000.0
    lost[0] = lost[0, ::-1] * 1000
    after = errors[:, 0] - corrected(errors, lost, surplus)
    assert np.allclose(before[:4], after[:4], rtol=1e-9)
    assert not np.allclose(before[4:8], after[4:8], rtol=1e-3)


def test_of_few_days_fewer_controls_are_taken_and_they_help_less() -> None:
    surplus, errors, lost = made_up(5, 200, 4)
    few = slice(0, 24)
    cut = Surplus(
        *(getattr(surplus, name)[few] for name in ("batch", "calls", "work", "gave_up", "busy")), 0.0
    )
    some = corrected(errors[few], lost[:6], cut)
    assert corrected(errors, lost, surplus)[few].var() < some.var() < errors[few].var() / 2


def test_with_too_few_days_or_nothing_lost_nothing_is_corrected() -> None:
    surplus, errors, lost = made_up(3, 5, 1)
    assert (corrected(errors, lost, surplus) == errors[:, 0]).all()
    surplus, errors, lost = made_up(3, 30, 4)
    assert (corrected(errors, lost * 0, surplus) == errors[:, 0]).all()


def test_where_all_days_are_alike_busyness_is_no_control_and_without_hanging_up_neither_is_that() -> None:
    surplus, _, lost = made_up(4, 10, 2)
    alike = replace(surplus, busy=surplus.busy * 0)
    endless = replace(alike, gave_up=surplus.gave_up * 0)
    weight = lost[0] / lost[0].sum()
    assert weighed(endless, weight).shape == (20, 1, 2)
    assert weighed(alike, weight).shape == (20, 1, 3)
    assert weighed(surplus, weight).shape == (20, 1, 8)


@settings(max_examples=30)
@given(st.integers(0, 1000))
def test_coefficients_are_those_of_least_squares(seed: int) -> None:
    draw = np.random.default_rng(seed)
    controls = draw.normal(0, 1, (25, 2, 3)) * [1, 10, 0.1]
    errors = draw.normal([0.0, 5.0], 1, (25, 2))
    days = np.tile(np.eye(2), (25, 1))
    every = np.column_stack([days, controls.reshape(50, 3)])
    least_squares = np.linalg.lstsq(every, errors.reshape(50))[0][2:]
    assert coefficients(controls, errors) == pytest.approx(least_squares, rel=1e-3, abs=1e-4)


def test_a_control_that_never_varies_is_left_alone() -> None:
    controls = np.column_stack([np.arange(10.0), np.full(10, 3.0)])[:, None, :]
    assert coefficients(controls, np.arange(10.0)[:, None]) == pytest.approx([1.0, 0.0], abs=1e-5)
