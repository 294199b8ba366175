"""Every city's lines in the other direction: what a line's own people or an emergency centre hand over to 12345."""

from __future__ import annotations

from datetime import datetime

import pytest

from dialplans.decision import Answerer, Treatment
from dialplans.hours import instant
from dialplans.plan import NumberPlan
from hotline.city import City

CITIES = City.built_in()
NOW = {
    "zhengzhou": "2020-06-16T10:00",
    "kaifeng": "2022-09-06T10:00",
    "jinan": "2018-06-12T10:00",
    "jingjiang": "2019-05-14T10:00",
    "heze": "2021-11-16T10:00",
}
CLOSED = "2019-05-14T20:00"
"""Jingjiang's parallel lines are not at work at this hour"""


def at(text: str) -> int:
    return instant(datetime.fromisoformat(text))


def own_people(plan: NumberPlan, now: int) -> list[tuple[str, str]]:
    """Every line that is passed on over a link, and that link."""
    return [
        (line.number.local, way.trunk)
        for line in plan.lines
        if (phase := line.phase_at(now)) is not None
        and phase.treatment in {Treatment.PARALLEL, Treatment.SUBCENTRE}
        for way in phase.passes
        if plan.is_link(way.trunk)
    ]


@pytest.mark.parametrize("city", CITIES)
def test_a_line_comes_back_from_its_own_people_under_its_number_and_goes_to_the_citys_seats(
    city: str,
) -> None:
    plan, now = City.load(city).plan, at(NOW[city])
    for number, trunk in own_people(plan, now):
        there = plan.route(number, (), "unicom", now)
        assert trunk in [way.trunk for way in there.passes]
        back = plan.route("12345", (), trunk, now, told=number)
        assert (back.number, back.answered_by, back.passes) == (number, Answerer.CITY, ())
        assert (back.notices, back.menu) == ((), ())
        assert back.wait is not None
        assert back.wait.priority >= 1
        assert back.remark.endswith("转来")
        assert not back.urgent


def test_the_cities_with_such_lines_are_the_four_whose_plans_name_them() -> None:
    found = {city: len(own_people(City.load(city).plan, at(NOW[city]))) for city in CITIES}
    assert found == {"zhengzhou": 0, "jinan": 0, "kaifeng": 6, "jingjiang": 14, "heze": 8}


@pytest.mark.parametrize("city", CITIES)
@pytest.mark.parametrize("called", ["12345", "110", "119", "120", "122", "12315", "unknown"])
def test_what_an_emergency_centre_hands_over_is_urgent_whatever_it_calls(city: str, called: str) -> None:
    plan, now = City.load(city).plan, at(NOW[city])
    number = "66123456" if called == "unknown" else called
    told = plan.route(number, (), "emergency", now)
    assert told.urgent
    assert (told.notices, told.menu, told.farewell) == ((), (), ())
    assert told.wait is not None
    assert told.wait.priority == 1000
    assert len(told.wait.needs) == 1
    if called in {"12345", "110", "119", "120", "122"}:
        assert (told.answered_by, told.passes) == (Answerer.CITY, ())


@pytest.mark.parametrize("city", CITIES)
@pytest.mark.parametrize("number", ["110", "119", "120", "122"])
def test_an_emergency_that_is_dialled_is_urgent_on_every_carrier_and_never_waits(
    city: str, number: str
) -> None:
    plan, now = City.load(city).plan, at(NOW[city])
    for trunk in ("unicom", "telecom", "mobile"):
        told = plan.route(number, (), trunk, now)
        assert (told.answered_by, told.urgent, told.wait, told.notices) == (
            Answerer.EMERGENCY,
            True,
            None,
            (),
        )
        assert told.passes[0].trunk == "emergency"


@pytest.mark.parametrize("city", CITIES)
def test_nobody_else_is_urgent(city: str) -> None:
    plan, now = City.load(city).plan, at(NOW[city])
    for line in plan.lines:
        told = plan.route(line.number.local, (), "unicom", now)
        assert told.urgent == (told.treatment is Treatment.EMERGENCY)


def test_jingjiang_outside_working_hours_says_so_at_the_seat_and_not_to_whom_the_line_handed_over() -> None:
    plan = City.load("jingjiang").plan
    dialled = plan.route("12366", (), "unicom", at(CLOSED))
    assert (dialled.remark, len(dialled.notices)) == ("非工作时间", 1)
    back = plan.route("12366", (), "departments", at(CLOSED))
    assert (back.remark, back.notices) == ("部门热线呼叫转接专线转来", ())


def test_a_subcentre_behind_a_trunk_of_its_own_need_not_name_its_line() -> None:
    plan = City.load("heze").plan
    for trunk, number in (("tax", "12366"), ("tobacco", "12313"), ("post", "12305")):
        told = plan.route("12345", (), trunk, at(NOW["heze"]))
        assert (told.number, told.passes) == (number, ())


def test_a_line_whose_people_did_not_take_it_says_so_at_the_seat() -> None:
    tried = ("Diversion: <sip:12366@c>;reason=no-answer",)
    assert City.load("heze").plan.route("12345", tried, "unicom", at(NOW["heze"])).remark == "分中心未接"
    assert (
        City.load("jingjiang").plan.route("12345", tried, "unicom", at(NOW["jingjiang"])).remark == "本线未接"
    )


def test_the_line_that_a_carrier_names_in_our_headers_is_not_believed() -> None:
    plan = City.load("heze").plan
    assert plan.route("12345", (), "unicom", at(NOW["heze"]), told="12366").number == "12345"


@pytest.mark.parametrize("told", ["", "x" * 9000, "99999", "<script>", "١٢٣٦٦", "12345"])
def test_whatever_a_link_names_the_plan_answers(told: str) -> None:
    plan = City.load("heze").plan
    assert plan.route("12345", (), "departments", at(NOW["heze"]), told=told).number == "12345"
