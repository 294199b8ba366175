"""What each half hour needs: Erlang A for many loads at once, and seats shared out where they win most."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acd.erlang import wait_with_patience
from simulator.needs import demands, lost, pools, ring_loss, rows_of, shared_out, split, week_of
from simulator.rules import ROWS, Rules
from simulator.scenario import Duration, Group, Need, Shift, Wait
from tests.simulator.weeks import town


@settings(max_examples=60, deadline=None)
@given(
    load=st.floats(0.05, 300),
    over=st.floats(-0.5, 0.6),
    aht=st.floats(60, 600),
    patience=st.floats(15, 3000),
)
def test_many_loads_at_once_give_what_erlang_a_gives_one_by_one(
    load: float, over: float, aht: float, patience: float
) -> None:
    seats = max(1, round(load * (1 + over)))
    found = lost(np.array([load, 1.0]), aht, patience, seats)
    expected = wait_with_patience(load, seats, aht, patience, 15.0).p_abandon
    assert found[0, seats] == pytest.approx(expected, abs=1e-8)
    assert found[0, 0] == 1.0


def test_the_more_seats_the_less_is_lost_and_each_wins_less_than_the_one_before() -> None:
    found = lost(np.array([0.3, 5.0, 60.0]), 190.0, 120.0, 100)
    saved = found[:, :-1] - found[:, 1:]
    assert (saved >= -1e-12).all()
    assert (np.diff(saved, axis=1) <= 1e-9).all()


@pytest.mark.parametrize("aim", [0.95, 0.98, 0.99])
def test_no_seat_wins_more_calls_where_it_is_not_than_where_it_is(aim: float) -> None:
    """The condition under which no other sharing reaches as much with as few seat-hours (Fox 1966)."""
    rules = Rules(open_seats=0, half_hour=0.5)
    found = shared_out(demands(town(), rules)[-1], aim, rules)
    assert found.answer_rate >= aim
    calls, rows = found.calls, np.arange(ROWS)
    gone = found.loss[rows, np.maximum(found.need - 1, 0)] - found.loss[rows, found.need]
    come = found.loss[rows, found.need] - found.loss[rows, found.need + 1]
    least = np.argmax(1 - found.loss >= rules.half_hour, axis=1)
    free = found.need > least  # not held there by the half hour's own least
    assert (gone * calls)[free].min() >= (come * calls).max() - 1e-9


def test_an_aim_that_no_number_of_seats_reaches_ends_with_a_number_of_seats() -> None:
    demand = demands(town(), Rules())[-1]
    hopeless, hard = shared_out(demand, 0.9999, Rules()), shared_out(demand, 0.991, Rules())
    assert hopeless.answer_rate < 0.9999
    assert hard.need.sum() <= hopeless.need.sum() < 2 * hard.need.sum()


def test_every_half_hour_reaches_the_rules_least_and_nobody_is_alone() -> None:
    rules = Rules(half_hour=0.93, open_seats=3)
    found = shared_out(demands(town(), rules)[-1], 0.95, rules)
    assert (1 - found.loss[np.arange(ROWS), found.need] >= 0.93).all()
    assert found.need.min() >= 3


def test_a_seat_that_the_simulation_asked_for_is_there() -> None:
    rules = Rules()
    before = demands(town(), rules)[-1]
    more = np.zeros(ROWS, np.int64)
    more[100] = 9
    plain, mended = shared_out(before, 0.9, rules), shared_out(before, 0.9, rules, more)
    assert mended.need[100] > plain.need[100]


def test_a_week_begins_on_its_weekday() -> None:
    wednesday = replace(town(), start=town().start + timedelta(days=2))
    assert rows_of(wednesday)[0] == 96
    assert rows_of(wednesday)[5 * 48] == 0


def test_a_day_is_planned_as_a_week_and_a_short_series_is_refused() -> None:
    assert week_of(replace(town(), days=1)).days == 7
    short = replace(town().arrivals, series=(1.0,) * 48)
    with pytest.raises(
        ValueError, match=r"^arrivals\.series: it covers 1 days, and shifts are planned for 7: give"
    ):
        week_of(replace(town(), days=1, arrivals=short))


def test_groups_that_answer_the_same_lines_are_one_pool_and_experts_are_none() -> None:
    more = (
        *town().groups,
        Group("market", {"12345": 3}, (Shift("day", 5, 480, 960),), absence=0.2),
        Group("law", {"12348": 3}, (Shift("day", 3, 480, 960),), expert=True, scaled=False),
        Group("nobody", {"none": 1}, (Shift("day", 3, 480, 960),)),
    )
    (pool,) = pools(replace(town(), groups=more))
    assert pool.groups == ("general", "market")
    assert pool.weights == pytest.approx((2 / 3, 1 / 3))
    assert pool.absence == pytest.approx(0.2 / 3)
    with pytest.raises(ValueError, match=r"^groups: none can be planned: write scaled = true"):
        pools(replace(town(), groups=more[2:3]))


def test_what_experts_answer_is_taken_off_the_others_need() -> None:
    wait = Wait("law", (Need((("12348", 3),)), Need((("12348", 1),), 15_000)))
    lines = (
        replace(town().lines[0], share=0.7),
        replace(town().lines[0], name="12348", share=0.3, wait=wait),
    )
    general = Group("general", {"12345": 1, "12348": 1}, town().groups[0].shifts)
    experts = Group("law", {"12348": 3}, (Shift("day", 2, 480, 1080),), expert=True, scaled=False)
    alone = demands(replace(town(), lines=lines, groups=(general,)), Rules())[-1]
    helped = demands(replace(town(), lines=lines, groups=(general, experts)), Rules())[-1]
    noon, night = 24, 2
    assert alone.load[noon] - 2 < helped.load[noon] < alone.load[noon] - 1
    assert helped.load[night] == pytest.approx(alone.load[night])


def test_callers_who_hang_up_in_the_ring_are_lost_whatever_the_seats() -> None:
    scenario = replace(town(), ring=Duration("constant", 6.0))
    assert ring_loss(scenario, scenario.lines) == pytest.approx(1 - np.exp(-6 / 120), abs=0.001)
    found = demands(scenario, Rules())[-1]
    assert found.loss[24, -1] == pytest.approx(1 - np.exp(-6 / 120), abs=0.001)


@given(
    counts=st.lists(st.integers(0, 9), max_size=12),
    weights=st.sampled_from([(0.5, 0.3, 0.2), (1.0,), (0.9, 0.1)]),
)
def test_a_pools_people_are_split_by_its_groups_shares(counts: list[int], weights: tuple[float, ...]) -> None:
    parts = split(weights, counts)
    assert [sum(part) for part in parts] == counts
    for place, weight in enumerate(weights):
        given_ = sum(part[place] for part in parts)
        assert abs(given_ - weight * sum(counts)) <= 1.0 + 1e-9
