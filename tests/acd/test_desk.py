"""What agents ask for from their phones, and the word that they hear."""

from __future__ import annotations

import pytest

from acd.agents import Activity, Presence
from acd.desk import LOCK_AFTER, LOCK_MS
from acd.messages import (
    AgentRangOut,
    BackAsked,
    BreakAsked,
    CallerHungUp,
    CallOffered,
    Event,
    KeepInStep,
    SeatDisengaged,
    SeatEngaged,
    SeatUnreachable,
    SignOffAsked,
    SignOnAsked,
    WrapUpEndAsked,
)
from tests.acd.town import Hall, rings, said


def wrong(agent: str) -> SignOnAsked:
    return SignOnAsked("8001", agent, proven=False, desk="desk")


@pytest.mark.parametrize(
    ("fact", "word"),
    [
        (SignOnAsked("8999", "101", proven=True, desk="desk"), "seat-unknown"),
        (SignOnAsked("8001", "999", proven=True, desk="desk"), "agent-unknown"),
        (SignOnAsked("8001", "101", proven=False, desk="desk"), "wrong-pin"),
        (SignOffAsked("8001", "desk"), "not-signed-on"),
        (BreakAsked("8001", "1", "desk"), "not-signed-on"),
        (BackAsked("8001", "desk"), "not-signed-on"),
        (WrapUpEndAsked("8001", "desk"), "not-signed-on"),
        (BreakAsked("8002", "7", "desk"), "reason-unknown"),
        (WrapUpEndAsked("8002", "desk"), "no-wrap-up"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(fact: Event, word: str) -> None:
    hall = Hall("102@8002")
    before = hall.engine.state.agents.copy()
    assert said(hall.tell(fact)) == [word]
    assert hall.engine.state.agents == before


@pytest.mark.parametrize(
    "fact",
    [
        SignOnAsked("8001", "101", proven=True),
        SignOffAsked("8002"),
        BreakAsked("8002", "1"),
        BackAsked("8002"),
        WrapUpEndAsked("8002"),
        SignOffAsked("8999"),
    ],
)
def test_nothing_is_said_when_no_phone_is_on_the_line(fact: Event) -> None:
    assert said(Hall("102@8002").tell(fact)) == []


def test_whoever_comes_to_a_seat_signs_off_who_was_idle_there() -> None:
    hall = Hall("101@8001")
    hall.sign_on("102@8001")
    assert list(hall.engine.state.agents) == ["102"]
    assert [ring.agent for ring in rings(hall.queued("a"))] == ["102"]


def test_the_wrap_up_of_who_was_there_is_over_when_another_comes() -> None:
    hall = Hall("101@8001")
    hall.talking("a", "101")
    hall.tell(CallerHungUp("a", 16))
    kinds = [type(order).__name__ for order in hall.sign_on("102@8001")]
    assert kinds == ["WriteRecord", "KeepInStep", "KeepInStep", "Tell"]
    assert hall.wait(120_000) == []


def test_signing_on_where_one_is_signed_on_changes_nothing() -> None:
    hall = Hall("101@8001")
    hall.tell(BreakAsked("8001", "1"))
    assert said(hall.sign_on("101@8001")) == ["signed-on"]
    assert hall.agent("101").presence is Presence.ON_BREAK


def test_at_a_phone_that_is_busy_or_off_one_signs_on_and_is_offered_nothing_yet() -> None:
    hall = Hall()
    hall.tell(SeatEngaged("8001"), SeatUnreachable("8002"))
    hall.sign_on("101@8001")
    hall.tell(SignOnAsked("8002", "102", proven=True))
    assert rings(hall.queued("a")) == []
    assert hall.agent("101").activity is Activity.ENGAGED
    assert [ring.agent for ring in rings(hall.tell(SeatDisengaged("8001")))] == ["101"]


def test_one_on_a_break_is_offered_nothing_and_is_no_member_of_the_fallback() -> None:
    hall = Hall("101@8001")
    assert KeepInStep("8001", member=False) in hall.tell(BreakAsked("8001", "2"))
    assert hall.agent("101").break_reason == "2"
    assert rings(hall.queued("a")) == []
    orders = hall.tell(BackAsked("8001"))
    assert orders[0] == KeepInStep("8001", member=True)
    assert [ring.call for ring in rings(orders)] == ["a"]


def test_one_who_rests_after_a_missed_call_is_back_at_once_by_asking() -> None:
    hall = Hall("101@8001")
    hall.queued("a")
    assert rings(hall.tell(AgentRangOut("a", "101"))) == []
    assert hall.agent("101").activity is Activity.RESTING
    assert [ring.call for ring in rings(hall.tell(BackAsked("8001")))] == ["a"]
    assert rings(hall.wait(19_000)) == []


def test_being_back_forgives_the_call_that_was_missed_before() -> None:
    hall = Hall("105@8001")
    hall.tell(CallOffered("a", "unicom", "12315", "1"))
    hall.tell(AgentRangOut("a", "105"), BackAsked("8001"))
    assert rings(hall.tell(AgentRangOut("a", "105")))


def test_the_rest_of_who_signed_off_does_not_end_the_next_shift() -> None:
    hall = Hall("101@8001")
    hall.queued("a")
    hall.tell(AgentRangOut("a", "101"), SignOffAsked("8001"), CallerHungUp("a", 16))
    hall.wait(50_000)
    hall.sign_on("101@8001")
    hall.queued("b")
    hall.wait(10_000)
    assert hall.agent("101").activity is Activity.RINGING


def test_a_break_during_a_rest_outlasts_it() -> None:
    hall = Hall("101@8001")
    hall.queued("a")
    hall.tell(AgentRangOut("a", "101"))
    hall.tell(BreakAsked("8001", "1"))
    assert rings(hall.wait(60_000)) == []
    assert hall.agent("101").activity is Activity.IDLE


def test_a_right_pin_forgives_the_wrong_ones_before_it() -> None:
    hall = Hall()
    for _ in range(2):
        for _ in range(LOCK_AFTER - 1):
            assert said(hall.tell(wrong("101"))) == ["wrong-pin"]
        assert said(hall.sign_on("101@8001")) == ["signed-on"]


def test_the_lock_of_one_number_is_nobody_elses_and_outlasts_a_restart() -> None:
    hall = Hall()
    for _ in range(LOCK_AFTER):
        hall.tell(wrong("101"))
    hall.restart()
    assert said(hall.sign_on("101@8001")) == ["agent-locked"]
    assert said(hall.sign_on("102@8002")) == ["signed-on"]
    hall.wait(LOCK_MS)
    assert said(hall.sign_on("101@8001")) == ["signed-on"]


def test_nobody_signs_off_or_moves_while_a_call_is_on() -> None:
    hall = Hall("101@8001")
    hall.talking("a", "101")
    assert said(hall.tell(SignOffAsked("8001", "desk"))) == ["signed-off-after-call"]
    assert said(hall.sign_on("101@8002")) == ["signed-on-elsewhere"]
    assert said(hall.sign_on("102@8001")) == ["seat-taken"]
    assert hall.agent("101").call == "a"
