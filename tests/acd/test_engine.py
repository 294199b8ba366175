"""The engine: its tables, its deadlines, who is served first, and a new configuration while calls are on."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TypeVar

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
    SeatDisengaged,
    SeatEngaged,
    WriteRecord,
)
from acd.setup import TrunkSetup
from acd.timers import Timer, Timers
from tests.acd.town import START, Hall, records, rings, town

State = TypeVar("State", CallState, Activity)


def reached(moves: dict[State, frozenset[State]], start: State) -> set[State]:
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
    hall.wait(60_000)
    hall.sign_on("101@8002")
    assert [ring.agent for ring in rings(hall.queued("a"))] == ["101"]


def test_without_closest_fit_the_longest_idle_is_rung() -> None:
    hall = Hall("103@8001", setup=town(closest_fit=False))
    hall.wait(60_000)
    hall.sign_on("101@8002")
    assert [ring.agent for ring in rings(hall.queued("a"))] == ["103"]


def test_of_two_alike_the_lowest_number_is_rung() -> None:
    hall = Hall("102@8001", "101@8002")
    assert [ring.agent for ring in rings(hall.queued("a"))] == ["101"]


def test_an_agent_who_is_free_gets_the_urgent_call_before_the_one_that_came_first() -> None:
    hall = Hall(setup=town(menu=True))
    hall.queued("first")
    hall.tell(PromptFinished("first"))
    hall.wait(50_000)
    hall.queued("urgent")
    hall.tell(PromptFinished("urgent", "9"))
    assert [ring.call for ring in rings(hall.sign_on("103@8001"))] == ["urgent"]


def test_waiting_long_enough_weighs_more_than_being_urgent() -> None:
    hall = Hall(setup=town(menu=True))
    hall.tell(CallOffered("first", "unicom", "12315", "1"))
    hall.wait(121_000)
    hall.queued("urgent")
    hall.tell(PromptFinished("urgent", "9"))
    assert [ring.call for ring in rings(hall.sign_on("105@8001"))] == ["first"]


def test_a_ring_says_why_this_agent() -> None:
    hall = Hall("101@8001")
    hall.wait(7000)
    (ring,) = rings(hall.queued("a"))
    assert ring.because == "agent 101: level 1 of 12345 asked 1; exceeds by 0, idle 7 s"


def test_of_two_that_came_in_the_same_millisecond_the_first_keeps_its_place_after_a_missed_ring() -> None:
    hall = Hall("101@8001")
    hall.queued("z")
    hall.queued("a")
    hall.tell(AgentRangOut("z", "101"))
    assert [ring.call for ring in rings(hall.sign_on("102@8002"))] == ["z"]


def test_an_agent_whose_caller_hung_up_during_the_ring_has_been_idle_all_the_time() -> None:
    hall = Hall("102@8001")
    hall.wait(10_000)
    hall.sign_on("101@8002")
    assert [ring.agent for ring in rings(hall.queued("a"))] == ["102"]
    hall.wait(10_000)
    hall.tell(CallerHungUp("a", 16))
    assert [ring.agent for ring in rings(hall.queued("b"))] == ["102"]


def test_an_answered_call_forgives_the_missed_one_before_it() -> None:
    hall = Hall("105@8001")
    hall.tell(CallOffered("a", "unicom", "12315", "1"))
    assert rings(hall.tell(AgentRangOut("a", "105")))
    hall.tell(AgentAnswered("a", "105"), CallerHungUp("a", 16))
    hall.tell(CallOffered("b", "unicom", "12315", "1"))
    assert rings(hall.tell(AgentRangOut("b", "105")))


def test_a_phone_that_is_busy_when_the_wrap_up_ends_is_offered_nothing_until_it_is_free() -> None:
    hall = Hall("101@8001")
    hall.talking("a", "101")
    hall.tell(SeatEngaged("8001"), CallerHungUp("a", 16))
    hall.queued("b")
    assert rings(hall.wait(60_000)) == []
    assert hall.agent("101").activity is Activity.ENGAGED
    assert [ring.call for ring in rings(hall.tell(SeatDisengaged("8001")))] == ["b"]


def test_a_call_passed_on_takes_a_channel_from_those_who_come_in() -> None:
    hall = Hall()
    hall.tell(CallOffered("out", "unicom", "12366", "1"))
    assert Refuse("in", 34) in hall.tell(CallOffered("in", "tax", "12345", "1"))
    hall.tell(CallerHungUp("out", 16))
    assert Refuse("next", 34) not in hall.tell(CallOffered("next", "tax", "12345", "1"))


def test_a_call_over_a_trunk_that_nobody_set_up_is_refused() -> None:
    orders = Hall().tell(CallOffered("a", "stray", "12345", "1"))
    assert orders[0] == Refuse("a", 34)
    assert [record.disposition for record in records(orders)] == ["refused"]


def test_a_call_that_is_offered_twice_is_one_call() -> None:
    hall = Hall()
    offer = CallOffered("a", "unicom", "12345", "1")
    hall.tell(offer)
    assert hall.tell(offer) == []
    hall.tell(CallerHungUp("a", 16))
    assert hall.tell(offer) == []


def test_who_is_rung_again_hears_music_before_and_not_after() -> None:
    hall = Hall("105@8001")
    hall.tell(CallOffered("a", "unicom", "12315", "1"))
    orders = hall.tell(AgentRangOut("a", "105"))
    assert [type(order) for order in orders] == [HoldMusic, type(rings(orders)[0])]


def test_turning_a_caller_away_does_not_move_the_end_of_his_greeting() -> None:
    hall = Hall()
    hall.at = 3000
    hall.queued("a")
    hall.wait(120_000)
    hall.tell(PromptFinished("a"), at=130_000)
    (record,) = records(hall.tell(CallerHungUp("a", 16)))
    assert (record.disposition, record.prompt_ended) == ("refused", START + 3000)


def test_a_talk_whose_caller_comes_back_from_the_dialplan_is_over_within_ten_seconds() -> None:
    hall = Hall("101@8001")
    hall.talking("a", "101")
    assert hall.tell(CallReturned("a", "unicom", "12345", "1")) == [HangUp("a")]
    hall.wait(10_000)
    assert "a" not in hall.engine.state.calls
    assert hall.agent("101").activity is Activity.WRAP_UP


# ── records ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_record_is_repeated_until_the_database_has_it() -> None:
    hall = Hall()
    hall.queued("a")
    hall.queued("b")
    written = hall.tell(CallerHungUp("a", 16), CallerHungUp("b", 16))
    assert hall.engine.repeat_records() == written
    hall.tell(RecordStored("a"))
    hall.restart()
    assert [record.call for record in records(hall.engine.repeat_records())] == ["b"]
    hall.tell(RecordStored("b"), RecordStored("b"), RecordStored("never was"))
    assert hall.engine.repeat_records() == []


def test_a_seat_that_hangs_up_first_ends_the_call_at_that_moment() -> None:
    hall = Hall("101@8001")
    hall.talking("a", "101")
    hall.tell(AgentHungUp("a", "101"), at=9000)
    hall.tell(CallerHungUp("a", 16), at=9040)
    (record,) = records(hall.wait(60_000))
    assert (record.ended, record.wrap_up_ended) == (START + 9000, START + 39_000)


def test_what_is_written_down_is_one_line_of_json() -> None:
    hall = Hall("101@8001")
    hall.talking("a", "101")
    written = hall.engine.snapshot()
    assert b"\n" not in written
    assert [call["call"] for call in json.loads(written)["calls"]] == ["a"]


def test_what_is_no_snapshot_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        Engine(town()).restore(b'{"now": "noon"}')


# ── another configuration ────────────────────────────────────────────────────────────────────────────────────


def reconfigured(hall: Hall, **changed: object) -> list[object]:
    setup = replace(hall.engine.state.setup, **changed)  # type: ignore[arg-type]
    return list(hall.engine.reconfigure(setup, START + hall.at))


def test_someone_who_is_newly_employed_takes_the_call_that_waits() -> None:
    hall = Hall(setup=town(agents=("105",)))
    hall.queued("a")
    hall.engine.reconfigure(town(), START)
    assert [ring.call for ring in rings(hall.sign_on("101@8001"))] == ["a"]


def test_new_skills_of_someone_at_work_find_the_call_that_waits() -> None:
    hall = Hall("105@8001")
    hall.queued("a")
    agents = dict(hall.engine.state.setup.agents)
    agents["105"] = replace(agents["105"], skills={"12345": 1})
    orders = reconfigured(hall, agents=agents)
    assert [getattr(order, "agent", None) for order in orders] == ["105"]


def test_whoever_vanishes_from_the_city_ends_the_talk_and_is_signed_off() -> None:
    hall = Hall("101@8001", "105@8002")
    hall.talking("a", "101")
    orders = hall.engine.reconfigure(town(agents=("103",)), START)
    assert orders == [KeepInStep("8002", member=False)]
    orders = hall.tell(CallerHungUp("a", 16))
    assert [type(order) for order in orders] == [WriteRecord, KeepInStep]
    assert not hall.engine.state.agents


def test_a_restarted_engine_signs_off_whoever_vanished_while_it_was_gone() -> None:
    hall = Hall("101@8001")
    written = hall.engine.snapshot()
    hall.engine = Engine(town(agents=("103",)))
    hall.engine.restore(written)
    assert hall.wait(1) == [KeepInStep("8001", member=False)]


def test_what_is_due_when_the_configuration_changes_is_done_by_the_old_one() -> None:
    hall = Hall("101@8001")
    hall.talking("a", "101")
    hall.tell(CallerHungUp("a", 16))
    hall.at = 30_000
    assert [type(order) for order in reconfigured(hall)] == [WriteRecord]


def test_calls_are_not_touched_by_another_configuration() -> None:
    hall = Hall("101@8001")
    hall.talking("talks", "101")
    hall.queued("waits")
    hall.tell(CallOffered("passed", "unicom", "12366", "1"))
    assert reconfigured(hall, trunks={"unicom": TrunkSetup("unicom", 1)}, queues={}) == []
    states = [hall.call(name).state for name in ("talks", "waits", "passed")]
    assert states == [CallState.TALKING, CallState.QUEUED, CallState.PASSING]
    assert Refuse("b", 34) in hall.tell(CallOffered("b", "unicom", "12345", "1"))


def test_an_answer_that_comes_late_changes_nothing() -> None:
    hall = Hall("101@8001", "102@8002")
    assert [ring.agent for ring in rings(hall.queued("a"))] == ["101"]
    hall.tell(AgentRangOut("a", "101"))
    assert hall.tell(AgentAnswered("a", "101")) == []
    assert (hall.call("a").state, hall.call("a").agent) == (CallState.RINGING, "102")
