"""A drill's matrix, what each call ought to meet, and the words for what is wrong."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime

import pytest

from dialplans.hotline import TrunkRule
from dialplans.hours import instant
from dialplans.number import Number, NumberFault
from hotline.city import City
from hotline.drill_plan import (
    UNLISTED,
    Delivery,
    DrillPlanFault,
    Expected,
    Reached,
    Seen,
    expect,
    matrix,
    verdict,
)
from hotline.rehearsal.hearing import Found, Hearing

CITIES = City.built_in()
AFTER = instant(datetime(2022, 9, 6, 10))


def calls(city: City, *only: str) -> list[Delivery]:
    return matrix(city.plan, city.plan.rules, only)


def greetings(city: City) -> dict[str, tuple[str, ...]]:
    return {name: queue.greeting for name, queue in city.setup().queues.items()}


# ── the matrix ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", CITIES)
def test_every_number_comes_over_every_carrier_and_in_every_way_over_the_first(name: str) -> None:
    city = City.load(name)
    carriers = [rule.trunk for rule in city.plan.rules if not rule.link]
    found = calls(city)
    for line in city.plan.lines:
        mine = [call for call in found if call.number == line.number.shown(city.area)]
        ways = Counter((call.way, call.trunk) for call in mine)
        assert set(ways.values()) == {1}
        for trunk in carriers:
            assert {("called", trunk), ("Diversion", trunk)} <= ways.keys()
        every = {"called", "area code", "area code-", "+86", "Diversion", "History-Info"}
        assert {way for way, trunk in ways if trunk == carriers[0]} == every
    assert {call.number for call in found} >= {"110", "119", "120", "122", "12345", UNLISTED}


@pytest.mark.parametrize("name", CITIES)
def test_every_delivery_of_a_number_is_read_by_the_plan_as_that_number(name: str) -> None:
    city = City.load(name)
    for call in calls(city):
        decision = city.plan.route(call.called, call.headers, call.trunk, AFTER)
        assert decision.dialled is not None, call
        found = decision.dialled.shown(city.area)
        if (
            call.number == UNLISTED and call.headers
        ):  # a forwarding of no line's number counts as 12345's own call
            assert found == (UNLISTED if city.plan.unknown.phases else "12345"), call
        elif (
            call.way == "handed over" and call.number == "12345"
        ):  # a centre with one line says so by its trunk
            assert found == "12345" or city.plan.line(decision.dialled) is not None, call
        else:
            assert found == call.number, call


def test_the_unlisted_number_is_no_citys_line() -> None:
    for name in CITIES:
        plan = City.load(name).plan
        assert plan.line(Number(plan.area, UNLISTED)) is None


def test_only_the_numbers_that_are_asked_for_are_called() -> None:
    heze = City.load("heze")
    found = calls(heze, "12366", "0530-110")
    assert {call.number for call in found} == {"12366", "110"}
    assert any(call.way == "handed over" and call.trunk == "tax" for call in found)
    with pytest.raises(DrillPlanFault, match="the city has no such number"):
        calls(heze, "010-12399")
    with pytest.raises(NumberFault):
        calls(heze, "abc")


def test_every_key_of_the_citys_menu_is_pressed_once() -> None:
    jingjiang = City.load("jingjiang")
    pressed = [call for call in calls(jingjiang) if call.key]
    assert [call.key for call in pressed] == ["1", "2", "9"]
    assert {call.number for call in pressed} == {"12345"}
    needs = [expect(jingjiang.plan, greetings(jingjiang), call, AFTER).queue for call in pressed]
    assert needs == ["12345", "line2", "line9"]


def test_a_trunk_of_one_line_and_one_that_takes_some_lines_bring_these() -> None:
    zhengzhou = City.load("zhengzhou")
    line, other = Number("0371", "12315"), Number("0371", "12319")
    rules = [
        TrunkRule("some", accepts=(line,)),
        TrunkRule("all", strip="99"),
        TrunkRule("one", dialled_as=other),
    ]
    found = matrix(zhengzhou.plan, rules)
    assert {call.number for call in found if call.trunk == "some"} == {"12345", "12315"}
    assert {(call.number, call.called) for call in found if call.trunk == "one"} == {("12319", "12319")}
    assert all(call.called.startswith("99") for call in found if call.trunk == "all")
    assert {"area code", "History-Info"} <= {call.way for call in found if call.trunk == "all"}


def test_a_city_without_a_carrier_cannot_be_rehearsed() -> None:
    with pytest.raises(DrillPlanFault, match="none leads to a carrier"):
        matrix(City.load("heze").plan, [TrunkRule("tax", link=True)])


# ── what ought to be ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "at", "number", "end", "where", "prompts"),
    [
        ("zhengzhou", "2019-01-31T23:59:59", "12315", "far", "departments 12315", 0),
        ("zhengzhou", "2019-02-01T00:00:00", "12315", "seat", "queue 12345", 1),
        ("zhengzhou", "2019-02-01T00:00:00", "62912345", "seat", "queue 12345", 2),
        ("zhengzhou", "2020-01-01T00:00:00", "12366", "far", "telecom 12366", 1),
        ("heze", "2022-03-31T23:59:00", "12349", "seat", "queue 12345", 2),
        ("heze", "2022-04-01T00:00:00", "12349", "nobody", "let go", 1),
        ("heze", "2022-04-01T00:00:00", "12366", "far", "tax 12366", 0),
        ("jinan", "2026-01-05T10:00:00", "119", "far", "emergency 119", 0),
    ],
)
def test_what_a_call_ought_to_meet_is_the_plans_answer_at_that_instant(
    name: str, at: str, number: str, end: str, where: str, prompts: int
) -> None:
    city = City.load(name)
    call = next(c for c in calls(city) if (c.number, c.way, c.trunk) == (number, "called", "unicom"))
    found = expect(city.plan, greetings(city), call, instant(datetime.fromisoformat(at)))
    assert (found.end, found.where, len(found.prompts)) == (end, where, prompts)


def test_an_expert_line_asks_for_the_experts_level() -> None:
    heze = City.load("heze")
    (call, *_) = calls(heze, "12328")
    assert expect(heze.plan, greetings(heze), call, AFTER).skills == (("12328", 3),)


# ── the verdict ──────────────────────────────────────────────────────────────────────────────────────────────

CALL = Delivery("12315", "消费维权热线", "called", "unicom", "12315")
SKILLS = {"8001": {"12345": 1, "12315": 2}, "8002": {"12345": 1}}
SEAT = Expected(("稍候",), "seat", (("12315", 1),), "12345", line="12315")
FAR = Expected((), "far", trunk="tax", number="12366", line="12366")
TOLD = Expected(("取消",), "nobody", line="12336")
AT_SEAT = Reached("seat", "8001", "12315 消费维权热线", 3.1, 3.3)
GOOD = Seen(
    Hearing((Found("稍候", 0.1, 3.0, 1.0),), (), 3.4, 0.4, 5.0),
    (AT_SEAT,),
    200,
    0.1,
    5.0,
    "caller",
    None,
    True,
    3.0,
)
AT_TAX = Seen(
    Hearing((), (), 0.1, 0.2, 2.0), (Reached("tax", "12366", "", 0.1, 0.2),), 200, 0.3, 2.0, "caller", None
)
LET_GO = Seen(Hearing((Found("取消", 0.1, 3.0, 1.0),), (), None, 0.4, 3.0), (), 200, 0.1, 3.2, "switch", 16)


def hears(seen: Seen, **changed: object) -> Seen:
    return replace(seen, hearing=replace(seen.hearing, **changed))  # type: ignore[arg-type]


@pytest.mark.parametrize(("expected", "seen"), [(SEAT, GOOD), (FAR, AT_TAX), (TOLD, LET_GO)])
def test_a_call_that_is_as_planned_has_nothing_wrong(expected: Expected, seen: Seen) -> None:
    assert verdict(CALL, expected, seen, SKILLS) == []


@pytest.mark.parametrize(
    ("expected", "seen", "told"),
    [
        (SEAT, hears(GOOD, prompts=()), ["not heard: 稍候"]),
        (
            SEAT,
            hears(GOOD, others=(Found("闭线", 1.0, 4.5, 1.0),)),
            ["heard besides, at 1.0 s for 3.5 s: 闭线"],
        ),
        (
            SEAT,
            hears(GOOD, others=(Found("?", 1.0, 2.0, 0.0),)),
            ["heard besides, at 1.0 s for 1.0 s: an unknown sound"],
        ),
        (SEAT, hears(GOOD, silence_s=3.1), ["silence of 3.1 s"]),
        (SEAT, hears(GOOD, voice=None), ["the voice of seat 8001 was not heard"]),
        (
            SEAT,
            replace(GOOD, reached=(replace(AT_SEAT, called="8002"),)),
            ["ended at seat 8002, whose agent has not 12315 at 1"],
        ),
        (
            SEAT,
            replace(GOOD, reached=(replace(AT_SEAT, shown="12319 城建"),)),
            ["seat 8001 shows '12319 城建', not 12315"],
        ),
        (
            SEAT,
            replace(GOOD, reached=(Reached("tax", "12366", "", 3.1, 3.3),)),
            ["ended at tax 12366, not at a seat of queue 12345"],
        ),
        (
            SEAT,
            replace(GOOD, reached=(replace(AT_SEAT, rang_s=9.0),)),
            ["seat 8001 was called 6.0 s after the last word"],
        ),
        (
            SEAT,
            replace(GOOD, reached=(replace(AT_SEAT, called="8002", answered_s=None), AT_SEAT)),
            ["seat 8002 rang and nobody picked up (called 3.1 s after the call began)"],
        ),
        (
            SEAT,
            replace(GOOD, reached=(replace(AT_SEAT, answered_s=None, ended_by="phone"), AT_SEAT)),
            ["seat 8001 refused the call (called 3.1 s after the call began)"],
        ),
        (SEAT, replace(GOOD, released=False), ["seat 8001 was not let go when the caller hung up"]),
        (
            SEAT,
            replace(GOOD, ended_by="switch", cause=38),
            ["hung up by the switch with cause 38 while they talked"],
        ),
        (SEAT, replace(GOOD, reached=()), ["nobody of queue 12345 answered: the caller gave up"]),
        (
            FAR,
            Seen(Hearing(), code=503, ended_by="switch", cause=34),
            ["nobody of tax 12366 answered: refused with 503, cause 34"],
        ),
        (FAR, replace(AT_TAX, reached=(AT_SEAT,)), ["ended at seat 8001, not at tax 12366"]),
        (
            FAR,
            replace(AT_TAX, reached=(Reached("tax", "12313", "", 0.1, 0.2),)),
            ["ended at tax 12313, not at tax 12366"],
        ),
        (
            FAR,
            replace(
                AT_TAX,
                reached=(Reached("tax", "12366", "", 0.1, 0.2), Reached("unicom", "12366", "", 0.2, 0.3)),
            ),
            ["answered 2 times: tax 12366, unicom 12366", "ended at unicom 12366, not at tax 12366"],
        ),
        (TOLD, replace(LET_GO, reached=(AT_SEAT,)), ["ended at seat 8001, not let go"]),
        (TOLD, replace(LET_GO, ended_by="caller", cause=None), ["not let go: the caller gave up"]),
        (TOLD, replace(LET_GO, cause=38), ["hung up with cause 38, not 16"]),
        (TOLD, Seen(Hearing()), ["no answer from the switch"]),
    ],
)
def test_what_differs_is_said_in_words(expected: Expected, seen: Seen, told: list[str]) -> None:
    assert verdict(CALL, expected, seen, SKILLS) == told


def test_prompts_in_another_order_are_a_fault() -> None:
    expected = replace(SEAT, prompts=("一", "二"))
    found = (Found("二", 0.0, 1.0, 1.0), Found("一", 1.0, 3.0, 1.0))
    assert verdict(CALL, expected, hears(GOOD, prompts=found), SKILLS) == ["heard in another order: 二 / 一"]
    assert verdict(CALL, expected, hears(GOOD, prompts=found[::-1]), SKILLS) == []
