"""What goes along with a call, and how one that another centre hands over is taken in."""

from __future__ import annotations

import pytest

from acd.handover import headers_for, remark, said, taken_along
from acd.messages import (
    CallerHungUp,
    CallOffered,
    CallReturned,
    HoldMusic,
    PassFailed,
    PassOn,
    Play,
    PromptFinished,
    Refuse,
)
from tests.acd.town import START, Hall, records, rings
from trunks.handover import Handover


def passed(orders: list[object]) -> list[PassOn]:
    return [order for order in orders if isinstance(order, PassOn)]


def test_over_a_link_go_line_caller_and_case_over_a_carrier_nothing_of_the_person() -> None:
    hall = Hall()
    (tax,) = passed([*hall.tell(CallOffered("a", "unicom", "12366", "13800000001"))])
    assert tax.handover == Handover("12366", "13800000001", "a", "")
    (carrier,) = passed([*hall.tell(PassFailed("a"))])
    assert (carrier.trunk, carrier.handover) == ("telecom", Handover("12366", "", "a", ""))


def test_the_case_that_another_centre_gave_goes_on_with_the_call_and_into_the_record() -> None:
    hall = Hall()
    told = CallOffered("a", "police", "12366", "13800000001", reference="110-77", note="问个税")
    (tax,) = passed([*hall.tell(told)])
    assert tax.handover == Handover("12366", "13800000001", "110-77", "问个税；110转来")
    (record,) = records(hall.tell(CallerHungUp("a", 16)))
    assert record.reference == "110-77"
    assert "Case 110-77 came along: 问个税" in record.because


def test_a_call_without_a_case_is_its_own() -> None:
    hall = Hall()
    hall.tell(CallOffered("a", "unicom", "12345", "1"))
    (record,) = records(hall.tell(CallerHungUp("a", 16)))
    assert record.reference == "a"


def test_what_was_said_so_far_tells_the_wait_and_who_talked_how_long() -> None:
    hall = Hall("101@8001")
    hall.talking("a", "101")
    hall.at = 35_000
    hall.wait(0)
    call = hall.call("a")
    assert said(call, START + 35_000) == "10:00起在12345等候0秒；工号101已通话35秒"
    assert taken_along(hall.engine.state, call, "tax").note == said(call, START + 35_000)
    names = [name for name, _ in headers_for(hall.engine.state, call, "tax")]
    assert names == [
        "X-Hotline-Line",
        "X-Hotline-Caller",
        "X-Hotline-Reference",
        "X-Hotline-Summary",
        "User-to-User",
    ]
    assert "X-Hotline-Summary" not in [name for name, _ in headers_for(hall.engine.state, call, "telecom")]


def test_the_line_that_a_centre_names_is_believed_of_a_link_and_not_of_a_carrier() -> None:
    hall = Hall()
    hall.tell(CallOffered("a", "police", "12345", "1", line="12315"))
    hall.tell(CallOffered("b", "unicom", "12345", "1", line="12315"))
    assert (hall.call("a").line, hall.call("b").line) == ("12315", "12345")


@pytest.mark.parametrize("line", ["", "nonsense", "99999", "12345"])
def test_a_line_that_says_nothing_leaves_what_was_dialled(line: str) -> None:
    hall = Hall()
    hall.tell(CallOffered("a", "police", "12315", "1", line=line))
    assert hall.call("a").line == "12315"


@pytest.mark.parametrize("called", ["12345", "12315", "110", "12313", "62912345", "99999", "12348"])
def test_what_an_emergency_centre_hands_over_waits_at_once_whatever_it_calls(called: str) -> None:
    hall = Hall()
    orders = hall.tell(CallOffered("p", "police", called, "1"))
    assert not [order for order in orders if isinstance(order, Play | Refuse)]
    assert isinstance(orders[-1], HoldMusic)
    assert hall.call("p").priority >= 1000


def test_what_an_emergency_centre_hands_over_passes_everybody_who_waits() -> None:
    hall = Hall()
    for call in ("a", "b"):
        hall.queued(call)
    hall.wait(100_000)
    hall.tell(CallOffered("p", "police", "12345", "1"))
    (ring,) = rings(hall.sign_on("101@8001"))
    assert ring.call == "p"


def test_a_line_that_ended_is_led_to_a_seat_when_its_own_people_hand_the_caller_over() -> None:
    hall = Hall()
    hall.tell(CallOffered("p", "tax", "12313", "1"))
    orders = hall.tell(PromptFinished("p"))
    assert isinstance(orders[-1], HoldMusic)


def test_a_caller_whom_the_fallback_returns_keeps_his_case_and_his_haste() -> None:
    hall = Hall()
    orders = hall.tell(CallReturned("p", "police", "12345", "1", reference="110-7"))
    assert isinstance(orders[-1], HoldMusic)
    assert (hall.call("p").reference, hall.call("p").urgent) == ("110-7", True)


def test_the_remark_says_who_did_not_take_the_call_and_why() -> None:
    assert remark("subcentre", "busy") == "分中心占线"
    assert remark("parallel", "noanswer") == "本线未接"
    assert remark(None, "chanunavail") == "原单位不通"
