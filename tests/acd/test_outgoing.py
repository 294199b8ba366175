"""Calls that a seat dials: refused, rung, answered, ended; nothing is offered meanwhile, and nothing is left."""

from __future__ import annotations

from dataclasses import replace

import pytest

from acd.agents import Activity
from acd.calls import CallState
from acd.messages import (
    AgentAnswered,
    AgentRangOut,
    CallerHungUp,
    CallOffered,
    CallRecord,
    ChannelSeen,
    Command,
    DialOut,
    HangUp,
    PassAnswered,
    PassFailed,
    Play,
    PromptFinished,
    SeatDialled,
    SeatDisengaged,
    SeatEngaged,
    SignOnAsked,
    SwitchLost,
    SwitchSurveyed,
    TransferAsked,
)
from acd.outgoing import ways_out
from acd.setup import TrunkSetup
from tests.acd.town import Hall, records, rings, said, town

MOBILE = "13800138000"


def dial(hall: Hall, number: str, call: str = "o", seat: str = "8001") -> list[Command]:
    return hall.tell(SeatDialled(call, seat, number))


def rung(orders: list[Command]) -> list[DialOut]:
    return [order for order in orders if isinstance(order, DialOut)]


def spoken(orders: list[Command]) -> list[str]:
    return [prompt for order in orders if isinstance(order, Play) for prompt in order.prompts]


def only(orders: list[Command]) -> CallRecord:
    (record,) = records(orders)
    return record


def test_an_own_call_shows_the_hotline_and_is_followed_to_the_end_of_its_wrap_up() -> None:
    hall = Hall("101@8001")
    (order,) = dial(hall, MOBILE)
    assert order == DialOut("o", MOBILE, trunk="unicom", shows="037112345", ring_ms=45_000)
    assert hall.agent("101").activity is Activity.DIALLING
    assert hall.engine.state.load["unicom"] == 1
    assert hall.tell(PassAnswered("o")) == []
    assert hall.agent("101").activity is Activity.TALKING
    hall.wait(60_000)
    hall.tell(CallerHungUp("o", 16))
    assert hall.agent("101").activity is Activity.WRAP_UP
    record = only(hall.wait(10_000))
    assert (record.direction, record.disposition, record.caller, record.called) == (
        "out",
        "answered",
        "8001",
        MOBILE,
    )
    assert (record.trunk, record.passed_to, record.agent, record.seat) == ("unicom", MOBILE, "101", "8001")
    assert record.wrap_up_ended == record.ended + 10_000  # type: ignore[operator]
    assert not +hall.engine.state.load


def test_who_calls_out_is_offered_nothing_until_the_wrap_up_is_over() -> None:
    hall = Hall("101@8001")
    dial(hall, MOBILE)
    assert rings(hall.queued("a")) == []
    hall.tell(PassAnswered("o"))
    assert rings(hall.tell(CallerHungUp("o", 16))) == []
    assert [ring.agent for ring in rings(hall.wait(10_000))] == ["101"]


def test_a_call_that_nobody_takes_frees_the_agent_at_once_without_a_wrap_up() -> None:
    hall = Hall("101@8001")
    dial(hall, MOBILE)
    orders = hall.tell(CallerHungUp("o", 16))
    assert only(orders).disposition == "abandoned"
    assert hall.agent("101").activity is Activity.IDLE


def test_from_a_wrap_up_the_number_is_about_its_line_and_case_and_the_rest_of_the_time_is_kept() -> None:
    hall = Hall("103@8001")
    hall.tell(CallOffered("a", "unicom", "12315", "13900000001"), AgentAnswered("a", "103"))
    hall.engine.state.setup = replace(hall.engine.state.setup, queues={})  # a wrap-up that lasts
    hall.tell(CallerHungUp("a", 16))
    hall.wait(10_000)
    orders = dial(hall, MOBILE)
    assert [order.shows for order in rung(orders)] == ["037112315"]
    assert only(orders).call == "a"
    hall.tell(CallerHungUp("o", 16))
    agent = hall.agent("103")
    assert agent.activity is Activity.WRAP_UP
    record = only(hall.wait(20_000))
    assert (record.disposition, record.line, record.reference) == ("abandoned", "12315", "a")


@pytest.mark.parametrize(
    ("why", "cause", "words"),
    [("busy", 17, "dial-busy"), ("noanswer", 0, "dial-no-answer"), ("chanunavail", 1, "not-reachable")],
)
def test_what_the_far_end_says_is_said_and_tried_over_no_other_trunk(
    why: str, cause: int, words: str
) -> None:
    hall = Hall("101@8001")
    dial(hall, MOBILE)
    orders = hall.tell(PassFailed("o", why, cause))
    assert (rung(orders), spoken(orders)) == ([], [words])
    assert HangUp("o", 16) in hall.tell(PromptFinished("o"))
    assert only(hall.tell(CallerHungUp("o", 16))).disposition == "not taken"


def test_a_trunk_that_fails_is_followed_by_the_next_with_its_own_prefix() -> None:
    hall = Hall("101@8001")
    dial(hall, MOBILE)
    (order,) = rung(hall.tell(PassFailed("o", "congestion", 34)))
    assert (order.trunk, order.number) == ("telecom", "9" + MOBILE)
    assert +hall.engine.state.load == {"telecom": 1}
    assert spoken(hall.tell(PassFailed("o", "congestion", 34))) == ["not-reachable"]


def test_without_a_free_channel_that_is_said() -> None:
    setup = replace(town(), trunks={"unicom": TrunkSetup("unicom", 0), "telecom": TrunkSetup("telecom", 0)})
    hall = Hall("101@8001", setup=setup)
    assert spoken(dial(hall, MOBILE)) == ["dial-no-channel"]
    hall.tell(PromptFinished("o"))
    assert only(hall.tell(CallerHungUp("o", 16))).disposition == "refused"


def test_a_full_trunk_is_left_out_of_the_ways_and_an_emergency_has_its_own() -> None:
    hall = Hall("101@8001")
    assert ways_out(hall.engine.state, MOBILE) == [("unicom", MOBILE), ("telecom", "9" + MOBILE)]
    assert ways_out(hall.engine.state, "110") == [("police", "110")]
    assert ways_out(hall.engine.state, "12366") == [("tax", "12366"), ("telecom", "037112366")]
    assert ways_out(hall.engine.state, "no number") == []
    hall.engine.state.load.update({"unicom": 6, "police": 1})
    assert ways_out(hall.engine.state, MOBILE) == [("telecom", "9" + MOBILE)]
    assert ways_out(hall.engine.state, "110") == []


def test_an_emergency_is_dialled_at_once_even_where_nobody_is_signed_on() -> None:
    hall = Hall()
    (order,) = rung(dial(hall, "110"))
    assert (order.trunk, order.number) == ("police", "110")
    hall.tell(SignOnAsked("8001", "101", proven=True))
    assert hall.agent("101").activity is Activity.ENGAGED
    hall.tell(PassAnswered("o"))
    hall.restart()
    record = only(hall.tell(CallerHungUp("o", 16)))
    assert (record.disposition, record.agent, record.seat) == ("answered", None, "8001")
    assert hall.agent("101").activity is Activity.IDLE


def test_an_emergency_that_is_dialled_while_a_caller_rings_keeps_the_phone_busy_and_the_caller_his_place() -> (
    None
):
    hall = Hall("101@8001")
    hall.queued("a")
    assert rung(dial(hall, "110"))
    hall.tell(AgentRangOut("a", "101", "busy"))
    assert rings(hall.wait(30_000)) == []
    assert [ring.call for ring in rings(hall.tell(CallerHungUp("o", 16)))] == ["a"]


def test_while_a_caller_rings_or_talks_no_ordinary_number_is_dialled() -> None:
    hall = Hall("101@8001")
    hall.queued("a")
    assert spoken(dial(hall, MOBILE)) == ["call-is-on"]
    hall.tell(PromptFinished("o"))
    assert only(hall.tell(CallerHungUp("o", 16))).disposition == "refused"
    assert hall.call("a").state is CallState.RINGING


def test_a_seat_rings_another_whose_agent_is_offered_nothing_meanwhile() -> None:
    hall = Hall("101@8001", "102@8002")
    (order,) = rung(dial(hall, "8002"))
    assert (order.seat, order.trunk, order.shows) == ("8002", None, "")
    assert hall.agent("102").activity is Activity.ENGAGED
    assert rings(hall.queued("a")) == []
    hall.tell(SeatEngaged("8002"), PassAnswered("o"), SeatDisengaged("8002"))
    assert hall.agent("102").activity is Activity.ENGAGED
    hall.restart()
    orders = hall.tell(CallerHungUp("o", 16))
    assert [ring.agent for ring in rings(orders)] == ["102"]


@pytest.mark.parametrize(
    ("number", "words"), [("8001", "dial-busy"), ("8002", "dial-busy"), ("8004", "not-reachable")]
)
def test_a_seat_that_is_busy_or_off_is_not_rung(number: str, words: str) -> None:
    hall = Hall("101@8001", "102@8002")
    dial(hall, MOBILE, "x", "8002")
    assert spoken(dial(hall, number)) == [words]


def test_a_resting_seat_that_dials_is_there_again() -> None:
    hall = Hall("101@8001")
    hall.queued("a")
    hall.tell(AgentRangOut("a", "101"))
    orders = dial(hall, MOBILE)
    assert [getattr(order, "what", "") for order in orders] == ["back from rest", ""]
    assert [ring.call for ring in rings(hall.tell(CallerHungUp("o", 16)))] == ["a"]


def test_a_silent_switch_does_not_keep_the_agent() -> None:
    hall = Hall("101@8001")
    dial(hall, MOBILE)
    orders = hall.wait(55_000)
    assert HangUp("o") in orders
    assert only(orders).disposition == "lost"
    assert hall.agent("101").activity is Activity.IDLE


def test_an_own_call_outlasts_the_engine_and_what_ended_meanwhile_is_closed() -> None:
    hall = Hall("101@8001", "102@8002")
    dial(hall, MOBILE)
    dial(hall, "62345678", "p", "8002")
    hall.restart()
    orders = hall.tell(SwitchLost(), SwitchSurveyed((ChannelSeen("o", "talking"),), ("8001", "8002")))
    assert (only(orders).call, only(orders).disposition) == ("p", "abandoned")
    assert (hall.call("o").state, hall.agent("101").activity) == (CallState.TALKING, Activity.TALKING)
    hall.tell(CallerHungUp("o", 16))
    assert only(hall.wait(10_000)).disposition == "answered"


def test_an_own_call_is_not_transferred_before_it_is_answered() -> None:
    hall = Hall("101@8001")
    dial(hall, MOBILE)
    assert said(hall.tell(TransferAsked("o", "blind", "8003", desk="d"))) == ["transfer-not-now"]
    assert hall.call("o").state is CallState.DIALLING
