"""The engine on virtual time and the compiled loop decide the same, call by call: who, whom, at which millisecond."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hotline.scenario_file import open_scenario
from simulator import callers, fast, run
from simulator.outcome import Assigned, Outcome
from simulator.scenario import Scenario
from simulator.tables import tables
from tests.simulator.towns import BUNCHES, TOWNS, scenarios


def told(log: Assigned) -> list[tuple[int, int, int]]:
    """(call, agent, ms) of every ring."""
    return list(zip(log.call.tolist(), log.agent.tolist(), log.at_ms.tolist(), strict=True))


def different(one: Outcome, other: Outcome) -> dict[str, tuple[object, object]]:
    """The counts that are not alike."""
    pairs = {field.name: (getattr(one, field.name), getattr(other, field.name)) for field in fields(Outcome)}
    return {
        name: (one.tolist(), other.tolist())
        for name, (one, other) in pairs.items()
        if not np.array_equal(one, other)
    }


def agree(
    scenario: Scenario, replication: int = 0, arrived: fast.Arrived | None = None
) -> tuple[Outcome, Assigned]:
    laid = tables(scenario)
    counted, log = run.replicate_logged(scenario, laid, replication, arrived=arrived)
    fast_counted, fast_log = fast.replicate_logged(laid, replication, arrived=arrived)
    assert told(log) == told(fast_log)
    assert different(counted, fast_counted) == {}
    assert different(counted, fast.replicate(laid, replication, arrived=arrived)) == {}
    assert counted.conserved()
    return counted, log


@pytest.mark.parametrize("name", TOWNS)
def test_both_engines_give_the_same_assignments_call_by_call(name: str) -> None:
    counted, log = agree(TOWNS[name])
    assert len(log.call) > 2_000
    assert counted.wait_ms.sum() > 0


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("channels and tries again", ("blocked", "retried", "abandoned")),
        ("contained", ("contained", "blocked", "abandoned")),
        ("transfers", ("transferred", "transferred_within", "blocked")),
        ("short queues and waits, no patience", ("turned_away", "abandoned")),
        ("shifts and breaks", ("abandoned", "staffed_ms")),
    ],
)
def test_the_hand_made_scenarios_do_what_they_are_named_for(name: str, counts: tuple[str, ...]) -> None:
    """Parity of two engines in which nothing happens would say nothing."""
    outcome = fast.replicate(tables(TOWNS[name]), 0)
    assert all(getattr(outcome, count).sum() > 20 for count in counts)


@pytest.mark.parametrize("name", ["zhengzhou", "kaifeng", "jinan", "jingjiang", "heze", "epidemic"])
def test_both_engines_give_the_same_assignments_on_a_day_of_a_preset(name: str) -> None:
    scenario = replace(open_scenario(name).scenario, days=1)
    _, log = agree(scenario)
    assert len(log.call) > 400


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(scenarios())
def test_both_engines_agree_whatever_comes_together(scenario: Scenario) -> None:
    agree(scenario)


def coarse(scenario: Scenario, step_ms: int) -> fast.Arrived:
    """The scenario's calls at whole steps: many come, hang up, are answered and end at the same instant."""
    at_ms, line = callers.arrivals(tables(scenario), 0)
    return at_ms // step_ms * step_ms, line


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(scenarios(whole_s=True), st.sampled_from([10_000, 60_000]))
def test_both_engines_agree_when_everything_falls_together(scenario: Scenario, step_ms: int) -> None:
    agree(scenario, arrived=coarse(scenario, step_ms))


@pytest.mark.parametrize("name", [*BUNCHES, "ties on purpose", "nothing takes time but talk", "own calls"])
def test_both_engines_agree_when_calls_come_in_bunches(name: str) -> None:
    scenario = (BUNCHES | TOWNS)[name]
    arrived = coarse(scenario, 10_000)
    assert (np.diff(arrived[0]) == 0).sum() > 1_000
    agree(scenario, arrived=arrived)


def test_a_factor_for_each_day_is_taken_as_it_is_by_both_engines() -> None:
    scenario = TOWNS["bursts and surges"]
    laid = tables(scenario)
    counted, log = run.replicate_logged(scenario, laid, 3, busyness=[1.3])
    fast_counted, fast_log = fast.replicate_logged(laid, 3, busyness=[1.3])
    assert told(log) == told(fast_log)
    assert different(counted, fast_counted) == {}
    assert counted.calls > fast.replicate(laid, 3, busyness=[0.7]).calls
