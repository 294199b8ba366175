"""A scenario's callers as real SIP calls: what the planner foretells of them is what the switch does with them."""

from __future__ import annotations

import pytest

from hotline.city import City
from hotline.demo_scenario import run_scenario
from simulator.scenario import Arrivals, Duration, Group, Line, Need, Scenario, Shift, Wait

pytestmark = pytest.mark.switch


def crowded() -> Scenario:
    """72 callers expected in half an hour, 6.8 Erlangs on 7 seats: many wait, some give up. Experts for 12315 first."""
    talk, wrap_up, patience = (
        Duration(kind, s, 0.8) for kind, s in (("lognormal", 140), ("lognormal", 25), ("exponential", 120))
    )
    steps = (Need((("12315", 1),)), Need((("12345", 1),), 20_000))
    lines = (
        Line("12345", 0.7, Wait("12345", (Need((("12345", 1),)),)), talk, wrap_up, patience),
        Line("12315", 0.3, Wait("12345", steps, 1), talk, wrap_up, patience),
    )
    groups = (
        Group("experts", {"12315": 2, "12345": 1}, (Shift("day", 2),)),
        Group("all", {"12345": 1}, (Shift("day", 5),)),
    )
    series = tuple(72.0 if n == 20 else 0.0 for n in range(48))
    return Scenario(
        "crowded",
        lines,
        groups,
        Arrivals(1.0, (1 / 48,) * 48, series=series),
        ring=Duration("constant", 3.0),
        seed=3,
    )


def test_the_forecast_of_a_crowded_half_hour_is_what_the_real_switch_does() -> None:
    figures = run_scenario(
        City.load("zhengzhou"), crowded(), at=None, minutes=30, speed=30.0, seats=None, quiet=True
    )
    offered = figures["offered"]
    assert 40 < offered < 110
    assert figures["lost"] == figures["refused"] == figures["engine_faults"] == 0
    assert offered == figures["answered"] + figures["abandoned"]
    assert figures["abandoned"] > 0
    told = figures["compared"]
    # the same callers meet the same seats; what differs is the switch's own time, 30 times magnified
    assert told["answer_rate"]["measured"] == pytest.approx(told["answer_rate"]["forecast"], abs=4 / offered)
    assert told["asa"]["measured"] == pytest.approx(told["asa"]["forecast"], rel=0.3, abs=3)
    assert told["occupancy"]["measured"] == pytest.approx(told["occupancy"]["forecast"], abs=0.06)
