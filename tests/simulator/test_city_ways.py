"""What a city's own ways cost: the real engine with its call-backs, last agents, reserves, on the same callers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from acd.preferences import Preferences, Reserve
from acd.setup import CallBackSetup, Setup, WordsSetup
from simulator import run
from simulator.call_backs import Habits
from simulator.people import World
from simulator.scenario import Arrivals, Scenario
from simulator.setting import set_up
from simulator.tables import tables
from tests.simulator.towns import EXPERTS, PEOPLE, exponential, mixed

MORNING = Arrivals(2_200.0, tuple([0.0] * 16 + [1 / 10] * 10 + [0.0] * 22))
"""calls from 8:00 to 13:00 alone, more than the seats can take at once"""
SCENARIO = mixed(arrivals=MORNING)
BOTH_WORDS = WordsSetup(15_000, 30_000, position=True)


def city(scenario: Scenario = SCENARIO, **ways: object) -> Setup:
    """A city that is the scenario and nothing else, but for these ways."""
    laid = tables(scenario)
    skills = {
        name: scenario.groups[group].skills
        for name, group in zip(laid.agents, laid.agent_group.tolist(), strict=True)
    }
    setup = set_up(scenario, skills).setup
    queues = {name: replace(queue, words=BOTH_WORDS) for name, queue in setup.queues.items()}
    return replace(setup, queues=queues, **ways)  # type: ignore[arg-type]


def played(habits: Habits | None, scenario: Scenario = SCENARIO) -> World:
    world = run.play(scenario, habits=habits)
    assert world.ledger.outcome.conserved()
    assert not world.engine.state.calls
    return world


@pytest.fixture(scope="module")
def plain() -> World:
    return played(None)


def test_a_city_without_ways_of_its_own_gives_the_same_assignments(plain: World) -> None:
    log, other = plain.ledger.log(), played(Habits(city())).ledger.log()
    assert np.array_equal(log.call, other.call)
    assert np.array_equal(log.agent, other.agent)
    assert np.array_equal(log.at_ms, other.at_ms)


def test_who_takes_a_call_back_hangs_up_no_more_and_is_served_later(plain: World) -> None:
    base = plain.ledger.outcome
    setup = city(callback=CallBackSetup(key="1"))
    world = played(Habits(setup, take=1.0, reached=1.0))
    outcome = world.ledger.outcome
    agreed = [call for call in world.calls if call.promised is not None]
    assert len(agreed) > 50
    assert all(call.promised is not None and call.promised >= BOTH_WORDS.first_ms for call in agreed)
    assert all(call.talking for call in agreed)
    assert outcome.answered.sum() > base.answered.sum() + len(agreed) / 5
    assert outcome.abandoned.sum() < base.abandoned.sum()


def test_who_is_not_reached_is_tried_again_and_counts_as_lost_in_the_end(plain: World) -> None:
    setup = city(callback=CallBackSetup(key="1", tries=2, again_ms=600_000))
    never = played(Habits(setup, take=1.0, reached=0.0))
    agreed = [call for call in never.calls if call.promised is not None]
    assert len(agreed) > 50
    assert not any(call.talking for call in agreed)
    rung = [call.rings for call in agreed]
    assert max(rung) >= 2
    assert never.ledger.outcome.answer_rate < plain.ledger.outcome.answer_rate


def test_missed_callers_who_are_called_back_take_the_seats_time(plain: World) -> None:
    missed = played(Habits(city(callback=CallBackSetup(missed=True, missed_after_ms=60_000)), reached=1.0))
    base, outcome = plain.ledger.outcome, missed.ledger.outcome
    backs = len(missed.ledger.log().call) - len(plain.ledger.log().call)
    assert backs > 100
    assert outcome.busy_ms.sum() > base.busy_ms.sum() + 100 * 150_000
    assert missed.ledger.log().at_ms.max() > MORNING_ENDS_MS  # when nobody waits any more


MORNING_ENDS_MS = 13 * 3_600_000


def test_a_reserve_keeps_a_seat_for_its_own_and_others_wait_longer(plain: World) -> None:
    scenario = replace(SCENARIO, arrivals=replace(MORNING, per_day=1_500.0))
    base = played(None, scenario).ledger.outcome
    kept = Reserve("consumers", "12315", keep=2)
    outcome = played(Habits(city(scenario, reserves=(kept,))), scenario).ledger.outcome
    others, own = 0, 1
    assert outcome.wait_ms[:, others].sum() > base.wait_ms[:, others].sum()
    assert outcome.wait_ms[:, own].sum() < base.wait_ms[:, own].sum()


def test_callers_come_to_their_last_agent_more_often_when_the_city_asks_for_it() -> None:
    scenario = mixed(
        arrivals=replace(MORNING, per_day=1_300.0),
        lines=tuple(replace(line, patience=exponential(300.0)) for line in EXPERTS),
        groups=PEOPLE,
    )

    def same_agent(preferences: Preferences) -> float:
        world = played(Habits(city(scenario, preferences=preferences), callers=250), scenario)
        last: dict[str, int] = {}
        same = again = 0
        for call in world.calls:
            if call.talking:
                number = world.setting.caller(call.first)
                again += number in last
                same += last.get(number) == call.agent
                last[number] = call.agent
        assert again > 500
        return same / again

    known = same_agent(Preferences(last_agent_ms=86_400_000, last_agent_wait_ms=30_000))
    assert known > 2 * same_agent(Preferences())


def test_the_most_who_may_wait_in_all_are_no_more() -> None:
    outcome = played(Habits(city(max_waiting=2))).ledger.outcome
    assert outcome.turned_away.sum() > 100
    assert outcome.asa < 10
