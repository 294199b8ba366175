"""Breaks with limits, wrap-up made longer, sign-off by others and by the clock."""

from __future__ import annotations

from datetime import datetime

import pytest

from acd.agents import Activity, Presence
from acd.breaks import SHIFT_GAP_MS
from acd.messages import (
    AgentRangOut,
    BackAsked,
    BreakAsked,
    BreakForced,
    CallerHungUp,
    Command,
    DropSeat,
    HangUp,
    Part,
    PassAnswered,
    ReadyForced,
    SeatDialled,
    SignOffAsked,
    SignOffForced,
    TellSupervisors,
    WrapUpEndAsked,
    WrapUpExtendAsked,
)
from acd.shifts import shift_ends
from dialplans.hours import Hours, instant
from tests.acd.town import START, Hall, on_shift, rings, said, town

MINUTE = 60_000


def told(orders: list[Command]) -> list[str]:
    return [order.what for order in orders if isinstance(order, TellSupervisors)]


def ask(hall: Hall, seat: str, reason: str) -> list[str]:
    return said(hall.tell(BreakAsked(seat, reason, "d")))


# ── limits ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_break_that_lasts_too_long_is_told_to_supervisors_once_and_nobody_is_fetched() -> None:
    hall = Hall("101@8001")
    assert ask(hall, "8001", "3") == ["on-break"]
    assert told(hall.wait(5 * MINUTE - 1)) == []
    orders = hall.wait(1)
    assert [(o.what, o.alarm) for o in orders if isinstance(o, TellSupervisors)] == [("break overrun", True)]
    hall.restart()
    assert told(hall.wait(60 * MINUTE)) == []
    assert hall.agent("101").presence is Presence.ON_BREAK
    assert told(hall.tell(BackAsked("8001"))) == ["break ends"]


def test_dialling_the_break_again_does_not_begin_its_time_anew() -> None:
    hall = Hall("101@8001")
    ask(hall, "8001", "3")
    hall.wait(4 * MINUTE)
    assert ask(hall, "8001", "3") == ["on-break"]
    assert told(hall.wait(MINUTE)) == ["break overrun"]


def test_the_minutes_of_a_shift_are_counted_over_seats_and_end_with_the_shift() -> None:
    hall = Hall("101@8001")
    ask(hall, "8001", "3")
    hall.wait(5 * MINUTE)
    hall.tell(BackAsked("8001"), SignOffAsked("8001"))
    hall.sign_on("101@8002")
    ask(hall, "8002", "3")
    assert told(hall.wait(2 * MINUTE)) == ["break overrun"]  # 7 minutes in the shift
    hall.tell(BackAsked("8002"))
    assert ask(hall, "8002", "3") == ["break-used-up"]
    assert ask(hall, "8002", "1") == ["on-break"]
    hall.tell(SignOffAsked("8002"))
    hall.wait(SHIFT_GAP_MS)
    hall.sign_on("101@8002")
    assert ask(hall, "8002", "3") == ["on-break"]


def test_whoever_asks_for_a_break_that_is_taken_gets_it_in_turn() -> None:
    hall = Hall("101@8001", "102@8002", "103@8003")
    ask(hall, "8001", "3")
    assert ask(hall, "8003", "3") == ["break-queued"]
    hall.wait(1000)
    assert ask(hall, "8002", "3") == ["break-queued"]
    hall.restart()
    hall.tell(BackAsked("8001"))
    assert [hall.agent(name).presence for name in ("103", "102")] == [Presence.ON_BREAK, Presence.READY]
    assert said(hall.tell(BackAsked("8002", "d"))) == ["back"]  # no longer wanted
    hall.tell(BackAsked("8003"))
    assert hall.agent("102").presence is Presence.READY


def test_a_break_that_comes_in_turn_during_a_call_begins_after_its_wrap_up() -> None:
    hall = Hall("101@8001", "102@8002")
    ask(hall, "8002", "3")
    hall.talking("a", "101")
    assert ask(hall, "8001", "3") == ["break-queued"]
    hall.tell(BackAsked("8002"))
    agent = hall.agent("101")
    assert (agent.presence, agent.break_since) == (Presence.ON_BREAK, None)
    hall.tell(CallerHungUp("a", 16))
    hall.wait(30_000)
    assert (agent.activity, agent.break_since) == (Activity.IDLE, START + hall.at)


def test_back_says_so_only_to_who_was_away() -> None:
    hall = Hall("101@8001")
    assert said(hall.tell(BackAsked("8001", "d"))) == ["not-on-break"]
    ask(hall, "8001", "1")
    assert said(hall.tell(BackAsked("8001", "d"))) == ["back"]


# ── rest and wrap-up ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_rest_is_told_to_supervisors_and_to_the_seat_that_dials_a_code() -> None:
    hall = Hall("101@8001")
    hall.queued("a")
    assert told(hall.tell(AgentRangOut("a", "101"))) == ["rests"]
    for fact in (WrapUpEndAsked("8001", "d"), WrapUpExtendAsked("8001", "d")):
        assert said(hall.tell(fact)) == ["resting"]
    assert said(hall.sign_on("101@8001")) == ["resting"]
    assert told(hall.wait(60_000)) == ["back from rest"]


def test_a_wrap_up_is_made_longer_as_often_as_the_queue_allows() -> None:
    hall = Hall("101@8001")
    assert said(hall.tell(WrapUpExtendAsked("8001", "d"))) == ["no-wrap-up"]
    hall.talking("a", "101")
    hall.tell(CallerHungUp("a", 16))
    hall.wait(29_000)
    answers = [said(hall.tell(WrapUpExtendAsked("8001", "d"))) for _ in range(3)]
    assert answers == [["wrap-up-extended"], ["wrap-up-extended"], ["wrap-up-no-more"]]
    hall.restart()
    hall.wait(60_999)
    assert hall.agent("101").activity is Activity.WRAP_UP
    hall.wait(1)
    assert hall.agent("101").activity is Activity.IDLE


# ── forced ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_signs_off_during_a_call_leaves_after_the_wrap_up_and_is_offered_nothing() -> None:
    hall = Hall("101@8001")
    hall.talking("a", "101")
    assert said(hall.tell(SignOffAsked("8001", "d"))) == ["signed-off-after-call"]
    hall.queued("b")
    hall.tell(CallerHungUp("a", 16))
    assert "101" in hall.engine.state.agents
    assert rings(hall.wait(30_000)) == []
    assert "101" not in hall.engine.state.agents


def test_a_wish_to_leave_after_the_call_can_be_taken_back_but_not_another_ones_order() -> None:
    hall = Hall("101@8001", "102@8002")
    hall.talking("a", "101")
    hall.tell(SignOffAsked("8001"))
    assert said(hall.tell(BackAsked("8001", "d"))) == ["back"]
    assert hall.agent("101").leaving is None
    hall.tell(SignOffForced("101", "106", after_call=True))
    hall.tell(BackAsked("8001"))
    assert hall.agent("101").leaving is not None


def test_forced_off_an_idle_seat_is_signed_off_at_once() -> None:
    hall = Hall("101@8001")
    assert told(hall.tell(SignOffForced("101", "106", after_call=True))) == ["signed off"]
    assert "101" not in hall.engine.state.agents


def test_forced_off_during_a_talk_gives_the_caller_back_to_the_seats() -> None:
    hall = Hall("101@8001")
    hall.talking("a", "101")
    orders = hall.tell(SignOffForced("101", "106"))
    assert Part("a", "held", "gone") in orders
    assert "101" in hall.engine.state.agents


def test_forced_off_during_a_ring_drops_the_seat_and_not_the_caller() -> None:
    hall = Hall("101@8001", "102@8002")
    hall.queued("a")
    orders = hall.tell(SignOffForced("101", "106"))
    assert DropSeat("a", "8001") in orders
    orders = hall.tell(AgentRangOut("a", "101", "noanswer"))
    assert [ring.agent for ring in rings(orders)] == ["102"]
    assert "101" not in hall.engine.state.agents


def test_forced_off_during_an_own_call_ends_it() -> None:
    hall = Hall("101@8001")
    hall.tell(SeatDialled("o", "8001", "13800138000"), PassAnswered("o"))
    assert HangUp("o") in hall.tell(SignOffForced("101", "106"))
    hall.tell(CallerHungUp("o", 16))
    assert "101" not in hall.engine.state.agents


def test_a_forced_break_knows_no_limits_and_a_forced_return_ends_break_rest_and_wrap_up() -> None:
    hall = Hall("101@8001", "102@8002")
    ask(hall, "8001", "3")
    hall.tell(BreakForced("102", "106", "3"))
    assert hall.agent("102").presence is Presence.ON_BREAK
    hall.tell(ReadyForced("101", "106"), ReadyForced("102", "106"))
    assert [hall.agent(name).available for name in ("101", "102")] == [True, True]
    hall.queued("a")
    hall.tell(AgentRangOut("a", "101"))
    hall.tell(ReadyForced("101", "106"))
    assert hall.agent("101").activity is not Activity.RESTING


@pytest.mark.parametrize("name", ["101", "102"], ids=["at once", "after the call"])
def test_the_end_of_the_shift_signs_off(name: str) -> None:
    hall = Hall(f"{name}@8001", setup=on_shift(town()))
    hall.talking("a", name)
    hall.restart()
    orders = hall.wait(2 * MINUTE)
    assert (Part("a", "held", "gone") in orders) == (name == "101")
    if name == "102":
        hall.tell(CallerHungUp("a", 16))
        hall.wait(30_000)
        assert name not in hall.engine.state.agents


def test_a_shift_over_midnight_ends_in_the_morning_and_two_that_meet_are_one() -> None:
    def at(text: str) -> int:
        return instant(datetime.fromisoformat(text))

    night = Hours("night", dict.fromkeys(("mon", "tue"), ((1320, 360),)), calendar=False)
    assert shift_ends(night, at("2026-01-05T23:00")) == at("2026-01-06T06:00")
    assert shift_ends(night, at("2026-01-06T06:00")) == at("2026-01-07T06:00")
    halves = Hours("halves", {"mon": ((480, 720), (720, 1020))}, calendar=False)
    assert shift_ends(halves, at("2026-01-05T09:00")) == at("2026-01-05T17:00")
    assert shift_ends(Hours("none", {}), at("2026-01-05T09:00")) is None
