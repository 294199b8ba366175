"""The engine: its tables, its deadlines, who is served first, and a new configuration while calls are on."""

from __future__ import annotations

import json
from dataclasses import replace

import msgspec
import pytest

from acd.agents import ACTIVITY_MOVES, Activity, Agent
from acd.calls import MOVES, CallState
from acd.engine import Engine
from acd.messages import (
    AgentAnswered,
    AgentHungUp,
    AgentRangOut,
    CallerHungUp,
    CallOffered,
    CallReturned,
    HangUp,
    HoldMusic,
    KeepInStep,
    PromptFinished,
    RecordStored,
    Refuse,
    WriteRecord,
)
from acd.setup import TrunkSetup
from acd.timers import Timer, Timers
from tests.acd.town import START, Hall, records, rings, town


def reached[State: CallState | Activity](moves: dict[State, frozenset[State]], start: State) -> set[State]:
    found, left = {start}, [start]
    while left:
        new = moves[left.pop()] - found
        found |= new
        left += new
    return found


@pytest.mark.parametrize("state", CallState)
def test_every_state_of_a_call_leads_to_its_end(state: CallState) -> None:
    assert CallState.CLOSED in reached(MOVES, state)
    assert state in reached(MOVES, CallState.OFFERED)


def test_from_its_end_a_call_goes_nowhere() -> None:
    assert MOVES[CallState.CLOSED] == frozenset()
    assert [state for state in CallState if not MOVES[state]] == [CallState.CLOSED]


@pytest.mark.parametrize("activity", Activity)
def test_every_activity_leads_back_to_idle(activity: Activity) -> None:
    assert Activity.IDLE in reached(ACTIVITY_MOVES, activity)
    assert activity in reached(ACTIVITY_MOVES, Activity.IDLE)


def test_a_move_that_the_table_does_not_know_is_refused() -> None:
    hall = Hall("101@8001")
    hall.talking("a", "101")
    with pytest.raises(AssertionError, match="call a: no move from talking to queued"):
        hall.call("a").move(CallState.QUEUED)
    with pytest.raises(AssertionError, match="agent 1: no move from idle to wrap-up"):
        Agent("1", "8001", 0).move(Activity.WRAP_UP)


# ── time ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_nothing_is_due_in_an_empty_hall() -> None:
    assert Hall().engine.deadline() is None


def test_an_earlier_instant_is_taken_as_the_last_one() -> None:
    hall = Hall()
    hall.tell(CallOffered("a", "unicom", "12345", "1"), at=5000)
    hall.tell(CallOffered("b", "unicom", "12345", "1"), at=1000)
    assert hall.call("b").arrived == START + 5000


def test_what_fell_due_is_carried_out_before_the_fact_that_came_later() -> None:
    hall = Hall("101@8001")
    hall.talking("a", "101")
    hall.tell(CallerHungUp("a", 16))
    orders = hall.tell(CallOffered("b", "unicom", "12345", "1"), at=400_000)
    assert [type(order).__name__ for order in orders] == ["WriteRecord", "Answer", "Play"]


def test_of_two_deadlines_in_the_same_millisecond_the_name_decides() -> None:
    timers = Timers()
    for subject in ("b", "a"):
        timers.set("wrap_up", subject, 7)
    timers.set("rest", "z", 7)
    assert [timers.pop(7) for _ in range(4)] == [
        Timer("rest", "z"),
        Timer("wrap_up", "a"),
        Timer("wrap_up", "b"),
        None,
    ]


def test_a_deadline_that_is_set_anew_or_dropped_does_not_fall_due() -> None:
    timers = Timers()
    timers.set("ring", "a", 5)
    timers.set("ring", "a", 9)
    timers.set("ring", "b", 6)
    timers.drop("ring", "b")
    timers.drop("ring", "never set")
    assert (timers.pop(8), timers.next(), len(timers)) == (None, 9, 1)
    assert timers.pop(9) == Timer("ring", "a")
    assert timers.next() is None


# ── who is served ────────────────────────────────────────────────────────────────────────────────────────────


def test_the_closest_fit_is_rung_though_another_is_idle_for_longer() -> None:
    hall = Hall("103@8001")
    hall.at = 60_000
    hall.tell(*[], at=60_000)
    hall = Hall("103@8001", "101@8002")
    assert [ring.agent for ring in rings(hall.queued("a"))] == ["101"]


def test_without_closest_fit_the_longest_idle_is_rung() -> None:
    hall = Hall("103@8001", setup=town(closest_fit=False))
    hall.at = 1000
    for fact in (*_sign_on("101", "8002"),):
        hall.tell(fact)
    assert [ring.agent for ring in rings(hall.queued("a"))] == ["103"]


def _sign_on(agent: str, seat: str) -> tuple[object, ...]:
    raise NotImplementedError


def test_of_two_alike_the_lowest_number_is_rung() -> None:
    hall = Hall("102@8001", "101@8002")
    assert [ring.agent for ring in rings(hall.queued("a"))] == ["101"]
