"""After a gap: what the switch says that it has, against what the engine thought; and what the spool tells."""

from __future__ import annotations

import pytest

from acd.agents import Activity
from acd.calls import CallState
from acd.messages import (
    AgentHungUp,
    CallerHungUp,
    CallOffered,
    CallReturned,
    CallSurvived,
    ChannelSeen,
    Command,
    FetchBack,
    HangUp,
    HoldMusic,
    PassFailed,
    RecordStored,
    SeatReachable,
    SwitchLost,
    SwitchSurveyed,
)
from tests.acd.town import START, Hall, records, rings


def surveyed(hall: Hall, *channels: ChannelSeen, restarted: bool = False) -> list[Command]:
    reachable = tuple(sorted(hall.engine.state.reachable))
    return hall.tell(SwitchSurveyed(channels, reachable, restarted))


def back(call: str, called: str = "12345") -> CallReturned:
    return CallReturned(call, "unicom", called, "13800000001")


def survived(call: str, answered: int | None = None) -> CallSurvived:
    return CallSurvived(call, "unicom", "12345", "1", START + 10, answered, START + 900, "8001", 16)


def test_nobody_is_rung_while_the_switch_is_lost() -> None:
    hall = Hall("101@8001")
    hall.tell(SwitchLost())
    assert rings(hall.queued("a")) == []
    hall.restart()
    assert rings(hall.sign_on("102@8002")) == []
    assert [ring.call for ring in rings(surveyed(hall, ChannelSeen("a", "held")))] == ["a"]


def test_a_survey_out_of_the_blue_rings_nobody_for_a_caller_who_is_gone() -> None:
    hall = Hall("101@8001")
    hall.queued("rings")
    hall.queued("gone too")
    orders = surveyed(hall)
    assert rings(orders) == []
    assert [record.call for record in records(orders)] == ["rings", "gone too"]


def test_a_seat_that_the_survey_does_not_reach_is_offered_nothing() -> None:
    hall = Hall("101@8001")
    hall.tell(SwitchLost())
    hall.queued("a")
    assert rings(hall.tell(SwitchSurveyed((ChannelSeen("a", "held"),), ()))) == []
    assert [ring.call for ring in rings(hall.tell(SeatReachable("8001")))] == ["a"]


@pytest.mark.parametrize(("restarted", "became"), [(True, "lost"), (False, "abandoned")])
def test_a_waiting_caller_who_is_not_listed_is_lost_only_to_a_restarted_switch(
    restarted: bool, became: str
) -> None:
    hall = Hall()
    hall.queued("a")
    assert [record.disposition for record in records(surveyed(hall, restarted=restarted))] == [became]


def test_a_ring_that_was_answered_in_the_gap_is_a_talk() -> None:
    hall = Hall("101@8001")
    hall.queued("a")
    hall.tell(SwitchLost())
    surveyed(hall, ChannelSeen("a", "talking", "8001"))
    assert hall.call("a").state is CallState.TALKING
    assert not hall.call("a").by_fallback


def test_a_pass_that_was_answered_in_the_gap_is_passed_and_answered() -> None:
    hall = Hall()
    hall.tell(CallOffered("a", "unicom", "12366", "1"))
    hall.at = 7000
    surveyed(hall, ChannelSeen("a", "talking"))
    (record,) = records(hall.tell(CallerHungUp("a", 16)))
    assert (record.disposition, record.answered, record.by_fallback) == ("passed", START + 7000, False)


def test_a_pass_that_failed_in_the_gap_and_ended_at_a_seat_gives_its_channel_back() -> None:
    hall = Hall("101@8001")
    hall.tell(CallOffered("a", "unicom", "12366", "1"))
    surveyed(hall, ChannelSeen("a", "talking", "8001"))
    assert hall.engine.state.load["tax"] == 0
    assert hall.agent("101").activity is Activity.TALKING
    assert hall.tell(PassFailed("a")) == []


def test_a_waiting_caller_whom_the_fallback_passed_on_is_passed() -> None:
    hall = Hall()
    hall.queued("a")
    surveyed(hall, ChannelSeen("a", "talking"))
    (record,) = records(hall.tell(CallerHungUp("a", 16)))
    assert (record.disposition, record.by_fallback) == ("passed", True)
    assert hall.engine.state.waiting["12345"] == 0


def test_the_record_that_waits_for_a_wrap_up_is_written_when_the_fallback_brings_another_call() -> None:
    hall = Hall("101@8001")
    hall.talking("first", "101")
    hall.tell(CallerHungUp("first", 16))
    hall.queued("second")
    orders = surveyed(hall, ChannelSeen("second", "talking", "8001"))
    assert [record.call for record in records(orders)] == ["first"]
    hall.tell(CallerHungUp("second", 16))
    assert [record.call for record in records(hall.wait(30_000))] == ["second"]


def test_a_seat_where_nobody_is_signed_on_may_have_answered_for_the_fallback() -> None:
    hall = Hall()
    hall.queued("a")
    surveyed(hall, ChannelSeen("a", "talking", "8004"))
    (record,) = records(hall.tell(CallerHungUp("a", 16)))
    assert (record.disposition, record.seat, record.agent) == ("answered", "8004", None)


def test_a_talk_that_is_listed_goes_on_untouched() -> None:
    hall = Hall("101@8001")
    hall.talking("talks", "101")
    hall.sign_on("102@8002")
    hall.talking("left", "102")
    hall.tell(AgentHungUp("left", "102"))
    written = hall.engine.snapshot()
    assert surveyed(hall, ChannelSeen("talks", "talking", "8001"), ChannelSeen("left", "held")) == []
    assert hall.engine.snapshot() == written


def test_who_waits_in_the_fallback_is_rung_for_only_when_he_is_back() -> None:
    hall = Hall("101@8001")
    hall.queued("rings")
    hall.queued("waits")
    hall.tell(SwitchLost())
    both = (ChannelSeen("rings", "fallback"), ChannelSeen("waits", "fallback"))
    assert surveyed(hall, *both) == [FetchBack("rings"), FetchBack("waits")]
    hall.restart()
    assert hall.wait(60_000) == []
    orders = hall.tell(back("rings"))
    assert orders[0] == HoldMusic("rings", "12345")
    assert [ring.call for ring in rings(orders)] == ["rings"]
    assert hall.tell(back("waits")) == [HoldMusic("waits", "12345")]


def test_who_is_back_too_late_for_the_longest_wait_is_turned_away_if_no_seat_is_free() -> None:
    hall = Hall()
    hall.queued("a")
    surveyed(hall, ChannelSeen("a", "fallback"))
    assert hall.wait(500_000) == []
    hall.tell(back("a"))
    assert [type(order).__name__ for order in hall.wait(0)] == ["Play"]


def test_who_hangs_up_in_the_fallback_leaves_no_trace_among_the_waiting() -> None:
    hall = Hall()
    hall.queued("a")
    surveyed(hall, ChannelSeen("a", "fallback"))
    assert [record.disposition for record in records(hall.tell(CallerHungUp("a", 16)))] == ["abandoned"]
    assert hall.engine.state.waiting["12345"] == 0
    assert rings(hall.sign_on("101@8001")) == []


def test_a_caller_who_came_while_there_was_no_engine_is_not_greeted_again() -> None:
    hall = Hall("101@8001")
    orders = hall.tell(back("new", "62912345"))
    assert [type(order).__name__ for order in orders] == ["HoldMusic", "RingAgent"]
    assert hall.call("new").by_fallback


def test_a_ring_for_a_caller_who_comes_back_is_void_and_the_agent_keeps_the_place() -> None:
    hall = Hall("101@8001")
    hall.queued("a")
    orders = hall.tell(back("a"))
    assert [type(order).__name__ for order in orders] == ["HoldMusic", "RingAgent"]
    assert hall.agent("101").rang_out == 0


def test_a_caller_who_was_given_up_too_early_is_served_and_recorded_anew() -> None:
    hall = Hall()
    hall.queued("a")
    assert [record.disposition for record in records(surveyed(hall))] == ["abandoned"]
    hall.tell(back("a"))
    assert hall.call("a").state is CallState.QUEUED
    assert hall.engine.repeat_records() == []


def test_a_caller_whose_talk_is_over_and_recorded_is_let_go() -> None:
    hall = Hall("105@8001")
    hall.tell(CallOffered("a", "unicom", "12315", "1"))
    surveyed(hall, ChannelSeen("a", "talking", "8001"))
    hall.tell(CallerHungUp("a", 16))
    assert hall.tell(back("a")) == [HangUp("a")]


@pytest.mark.parametrize(("answered", "became"), [(None, "abandoned"), (START + 500, "answered")])
def test_a_call_that_only_the_spool_knows_becomes_a_record_once(answered: int | None, became: str) -> None:
    hall = Hall()
    (record,) = records(hall.tell(survived("a", answered)))
    assert (record.disposition, record.seat_answered, record.ended) == (became, answered, START + 900)
    assert record.by_fallback
    hall.restart()
    assert hall.tell(survived("a", answered)) == []
    hall.tell(RecordStored("a"))
    assert hall.engine.repeat_records() == []


def test_the_spool_closes_a_call_that_the_engine_still_has() -> None:
    hall = Hall("101@8001")
    hall.queued("rings")
    hall.queued("waits")
    orders = hall.tell(survived("rings", START + 500))
    assert [(record.call, record.disposition) for record in records(orders)] == [("rings", "answered")]
    assert [ring.call for ring in rings(orders)] == ["waits"]
