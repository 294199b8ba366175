"""What must hold whatever is drawn: no call is lost, more seats never hurt, time has no unit of its own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator import fast, run
from simulator.outcome import Outcome
from simulator.people import World
from simulator.run import prepared
from simulator.scenario import Arrivals, Duration, Line, Scenario
from simulator.tables import tables
from tests.simulator.towns import BUSY, TOWNS, constant, every_line, line, mixed, pool, scenarios


def rung_at(scenario: Scenario, replication: int = 0) -> np.ndarray:
    """When the seat of each call begins to ring, by call."""
    laid = tables(scenario)
    _, log = fast.replicate_logged(laid, replication)
    assert len(np.unique(log.call)) == len(log.call)
    return log.at_ms[np.argsort(log.call)]


@settings(max_examples=60)
@given(scenarios(), st.integers(0, 3))
def test_no_call_is_lost_and_none_counted_twice(scenario: Scenario, replication: int) -> None:
    outcome = fast.replicate(tables(scenario), replication)
    assert outcome.conserved()
    assert (outcome.within <= outcome.answered).all()
    assert (outcome.transferred <= outcome.answered).all()
    assert (outcome.transferred_within <= outcome.transferred).all()
    assert (outcome.busy_ms <= outcome.staffed_ms).all()
    lost = int(outcome.abandoned.sum() + outcome.blocked.sum())
    assert outcome.retried.sum() <= lost
    assert scenario.retrial is not None or not outcome.retried.any()


@settings(max_examples=30)
@given(st.integers(0, 1 << 20), st.integers(8, 14), st.sampled_from([0, 6_000]), st.sampled_from([0.0, 2.0]))
def test_without_hang_ups_one_seat_more_lets_nobody_wait_longer(
    seed: int, seats: int, greeting_ms: int, ring_s: float
) -> None:
    """Call by call, on the same callers: first come, first served, in one pool (Kiefer and Wolfowitz 1955)."""
    patient = line("12345", 1.0, patience=None, greeting_ms=greeting_ms)
    base = pool(3_300, seats, lines=(patient,), seed=seed, ring=constant(ring_s))
    more = pool(3_300, seats + 1, lines=(patient,), seed=seed, ring=constant(ring_s))
    few, many = rung_at(base), rung_at(more)
    assert (many <= few).all()
    assert (many < few).any()


def test_with_hang_ups_every_seat_more_answers_more_on_the_same_callers() -> None:
    """Not call by call: who is answered instead of hanging up may have a long talk. Over days the answer rate rises."""
    base = mixed(arrivals=Arrivals(9_000, BUSY))
    rates = []
    for seats in range(16, 52, 3):
        laid = tables(base.with_seats(seats))
        total = sum((fast.replicate(laid, day) for day in range(1, 40)), fast.replicate(laid, 0))
        rates.append(total.answer_rate)
    assert rates == sorted(rates)
    assert rates[0] < 0.7
    assert rates[-1] > 0.97


def stretched(scenario: Scenario, factor: int) -> Scenario:
    """Everything that lasts takes so many times as long."""

    def longer(of: Duration) -> Duration:
        return replace(of, mean_s=of.mean_s * factor)

    def slow(one: Line) -> Line:
        needs = tuple(replace(need, after_ms=need.after_ms * factor) for need in one.wait.needs)
        return replace(
            one,
            wait=replace(one.wait, needs=needs),
            talk=longer(one.talk),
            wrap_up=longer(one.wrap_up),
            patience=longer(one.patience) if one.patience else None,
            greeting_ms=one.greeting_ms * factor,
        )

    return replace(
        scenario,
        lines=tuple(map(slow, scenario.lines)),
        ring=longer(scenario.ring),
        ageing_ms=scenario.ageing_ms * factor,
        within_ms=scenario.within_ms * factor,
    )


def test_a_clock_of_another_pace_scales_every_wait_exactly() -> None:
    """The same arrivals told at a third of the pace, in the real engine: the same seats for the same calls, all times threefold."""
    factor, rng = 3, np.random.default_rng(7)
    base = mixed(
        lines=every_line(talk=constant(170), wrap_up=constant(31), patience=constant(47), greeting_ms=4_000)
    )
    at_ms = np.sort(rng.integers(0, 6 * 3_600_000, 1_400))
    lines = rng.choice(3, 1_400, p=[0.6, 0.25, 0.15])

    def played(scenario: Scenario, pace: int) -> World:
        laid = tables(scenario)
        world = prepared(scenario, laid, 0)
        world.run((at_ms * pace).tolist(), lines.tolist())
        return world

    once, slowly = played(base, 1), played(stretched(base, factor), factor)
    log, slow = once.ledger.log(), slowly.ledger.log()
    assert np.array_equal(log.call, slow.call)
    assert np.array_equal(log.agent, slow.agent)
    assert np.array_equal(log.at_ms * factor, slow.at_ms)
    one, other = once.ledger.outcome, slowly.ledger.outcome
    for name in ("wait_ms", "busy_ms", "work_ms"):
        assert getattr(one, name).sum() * factor == getattr(other, name).sum() > 0
    for name in ("answered", "within", "abandoned"):
        assert getattr(one, name).sum() == getattr(other, name).sum() > 0


def test_a_clock_of_another_pace_scales_the_waits_of_the_compiled_engine() -> None:
    """Drawn anew: half the calls a day that last twice as long, over twice the days."""
    base = mixed(arrivals=Arrivals(8_000, (1 / 48,) * 48))
    slow = replace(stretched(base, 2), arrivals=replace(base.arrivals, per_day=4_000.0), days=2)

    def total(scenario: Scenario, days: int) -> Outcome:
        laid = tables(scenario)
        return sum((fast.replicate(laid, day) for day in range(1, days)), fast.replicate(laid, 0))

    one, other = total(base, 60), total(slow, 60)
    assert other.calls == pytest.approx(one.calls, rel=1e-3)
    assert other.asa == pytest.approx(2 * one.asa, rel=0.02)
    assert other.answer_rate == pytest.approx(one.answer_rate, abs=0.004)
    assert other.occupancy == pytest.approx(one.occupancy, abs=0.004)


@pytest.mark.parametrize("name", ["experts and relaxation", "channels and tries again", "shifts and breaks"])
def test_the_same_replication_gives_the_same_bits_and_another_one_others(name: str) -> None:
    laid = tables(TOWNS[name])
    first, again, other = (fast.replicate(laid, number) for number in (4, 4, 5))
    assert np.array_equal(first.wait_ms, again.wait_ms)
    assert not np.array_equal(first.wait_ms, other.wait_ms)


def test_the_engine_is_left_empty_when_a_run_is_over() -> None:
    world = run.play(TOWNS["transfers"])
    state = world.engine.state
    assert not state.calls
    assert not state.wrapping
    assert not state.agents
    assert not state.unstored
    assert not any(state.load.values())
    assert not any(state.waiting.values())
