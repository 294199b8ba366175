"""``hotline trace --seat``: what goes on at the seat that gets the call, read from the set-up by which the engine acts."""

from __future__ import annotations

import json

import pytest

from acd.messages import SuperviseAsked
from acd.setup import SUPERVISING
from hotline import cli
from hotline.city import City
from hotline.tracing import trace
from hotline.tracing_seat import at_the_seat
from tests.acd.town import START, Hall, said
from tests.switch.conftest import city_text

RECORDED = """
[recording]
default = "mixed"
keep_days = 90
min_free_mb = 2000
pause_limit_seconds = 60
"""
LIMITED = '2 = { name = "用餐", minutes = 45, minutes_per_shift = 60, at_once = 3, beyond = "queue" }'


def city(section: str = "") -> City:
    text = city_text("zhengzhou").replace("\n[network]\n", f"\n{section}\n[network]\n", 1)
    return City.read(text.replace('2 = "用餐"', LIMITED, 1), "zhengzhou")


def told(number: str = "12315", here: City | None = None) -> list[str]:
    here = here or city()
    one = at_the_seat(here, trace(here, number, at_ms=START))
    return list(one.sentences[len(trace(here, number, at_ms=START).sentences) :])


def test_the_ring_the_rest_and_the_wrap_up_are_the_queues() -> None:
    words = told()
    assert "It rings for 20 s, and shows the caller's number and the line." in words
    assert any(one.startswith("Rung out or refused: the seat rests for 60 s (*13 ends it)") for one in words)
    assert "After the talk 30 s of wrap-up: *14 ends it, *15 adds 30 s, 2 times at most." in words


def test_a_break_is_told_with_its_limits_and_one_without_by_its_name_alone() -> None:
    (breaks,) = (one for one in told() if one.startswith("A break"))
    assert "1 小休, 2 用餐 (45 min, 60 min a shift, 3 at once, then in turn), 3 培训" in breaks


def test_who_may_hear_a_call_and_change_a_seat_is_told_by_role() -> None:
    text = "\n".join(told())
    assert "listened to (*31), whispered to (*32), joined (*33), taken over (*34): by " in text
    assert "sent into a break (*35), made ready (*36), signed off (*37): by " in text
    assert "Why a call waits is told (*38, hotline ask)" in text


def test_a_right_that_a_role_lacks_is_not_told_of_it() -> None:
    without = city('[roles.supervisor]\nrights = ["listen"]\n')
    text = "\n".join(told(here=without))
    assert "listened to (*31): by" in text
    assert "*32" not in text
    assert "*35" not in text
    assert "*38" not in text
    none = City.read(city_text("zhengzhou").replace('role = "supervisor"', 'role = "agent"'), "zhengzhou")
    assert (
        "Nobody is employed who has a right over others' calls: give somebody the role supervisor."
        in told(here=none)
    )


def test_a_recording_is_told_only_where_the_call_is_recorded() -> None:
    assert not any("recording" in one for one in told())
    words = told(here=city(RECORDED))
    assert "*27 pauses the recording; *28, or 60 s, go on with it." in words
    assert any("kept for 90 days. With less than 2000 MB free nothing is recorded" in one for one in words)


def test_a_call_that_is_led_to_no_seat_says_so_and_nothing_else() -> None:
    assert told("110") == ["No seat ever has this call."]
    assert at_the_seat(city(), trace(city(), "110", at_ms=START)).document["seat"] is None


@pytest.mark.parametrize("how", sorted(SUPERVISING - {"why"}))
def test_a_right_of_which_trace_tells_is_one_that_the_engine_asks_for(how: str) -> None:
    hall = Hall("101@8001", "102@8002", "103@8003")
    hall.talking("a", "101")
    asked = SuperviseAsked(how, "8001", phone="8002", desk="d", reason="1")
    assert said(hall.tell(asked)) == ["no-right"]


def test_the_command_prints_it_and_wants_a_call(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["trace", "kaifeng", "12348", "--seat", "--json"]) == 0
    seat = json.loads(capsys.readouterr().out)["seat"]
    assert (seat["ring_s"], seat["rests_after"], seat["rest_s"], seat["wrap_up_s"]) == (20.0, 1, 60.0, 30.0)
    assert [one["role"] for one in seat["supervised_by"]] == ["supervisor"]
    assert cli.main(["trace", "kaifeng", "--seat"]) == 2
    assert "write NUMBER before it" in capsys.readouterr().err
