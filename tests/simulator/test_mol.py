"""The modified offered load: what keeps a seat, and how many seats a half hour needs."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import numpy as np
import pytest

from acd.erlang import wait_with_patience
from simulator.mol import demand, handling, need, peak_load
from simulator.scenario import Arrivals, Duration, Group, Line, Need, Scenario, Shift, Wait

TALK, WRITE, PATIENCE = (
    Duration("exponential", 150),
    Duration("exponential", 30),
    Duration("exponential", 120),
)
LINE = Line("12345", 1.0, Wait("12345", (Need((("12345", 1),)),)), TALK, WRITE, PATIENCE)


def flat(per_day: float = 4800) -> Scenario:
    """As many calls in every half hour: 4,800 a day are 10 Erlangs."""
    groups = (Group("all", {"12345": 1}, (Shift("day", 30),)),)
    arrivals = Arrivals(per_day, (1 / 48,) * 48)
    return Scenario("flat", (LINE,), groups, arrivals, ring=Duration("constant", 0.0))


@pytest.mark.parametrize("per_day", [200, 4_800, 40_000])
def test_the_need_of_a_half_hour_is_the_fewest_seats_of_erlangs_formula(per_day: float) -> None:
    of = demand(flat(per_day))
    load, seats = float(peak_load(of)[24]), int(need(of, 0.98)[24])
    assert load == pytest.approx(per_day / 480, rel=0.01)
    enough, fewer = (wait_with_patience(load, n, of.aht, of.patience, 0.0) for n in (seats, seats - 1))
    assert enough.p_abandon <= 0.02 < fewer.p_abandon


def test_nobody_is_needed_where_nobody_calls() -> None:
    quiet = flat()
    silent = replace(quiet, arrivals=replace(quiet.arrivals, series=(0.0,) * 20 + (100.0,) * 28))
    found = need(demand(silent), 0.98)
    assert (found[:20] == 0).all()
    assert (found[21:] > 10).all()


def test_no_number_of_seats_makes_good_what_the_ring_loses() -> None:
    slow = demand(replace(flat(), ring=Duration("constant", 4.0)))
    assert (need(slow, 0.98) == inf).all()
    assert np.isfinite(need(slow, 0.95)).all()


def test_all_that_keeps_a_seat_counts_as_handling() -> None:
    assert handling(LINE, Duration("constant", 0)).mean() == pytest.approx(180)
    busier = replace(LINE, outgoing=0.25, outgoing_talk=Duration("constant", 100))
    assert handling(busier, Duration("constant", 2)).mean() == pytest.approx(207)


def test_a_line_that_a_machine_serves_wholly_takes_no_seat() -> None:
    served = demand(replace(flat(), lines=(replace(LINE, contained=1.0),)))
    assert (need(served, 0.98) == 0).all()
