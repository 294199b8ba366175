"""Which line was dialled, and what becomes of the call, on a small city made for the purpose."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialplans.decision import Answerer, Choice, Need, Pass, Treatment, Wait
from dialplans.hotline import CityLine, Hotline, Phase, TrunkRule, UnknownLine
from dialplans.hours import Hours, instant, read_ranges
from dialplans.number import Number
from dialplans.plan import NumberPlan
from hotline.city import City

HOME = "0371"
NOW = instant(datetime(2026, 1, 5, 10, 0))
CITY = Wait("12345", (Need((("12345", 1),)),))
EXPERTS = Wait("12345", (Need((("12348", 3),)), Need((("12348", 1),), 15_000)))
OFFICES = (Pass("offices", "12333"), Pass("unicom", "12333"))
POLICE = (Pass("police", "110"), Pass("unicom", "110"))
TOURISM = (Pass("unicom", "12301"), Pass("telecom", "12301"))


def number(local: str) -> Number:
    return Number(HOME, local)


def hotline(local: str, *phases: Phase) -> Hotline:
    return Hotline(number(local), f"名{local}", "局", phases)


DAY = Hours("day", {"mon": read_ranges(["09:00-17:00"])})
LINES = (
    hotline("12315", Phase(Treatment.ABSORBED)),
    hotline("12319", Phase(Treatment.ABSORBED)),
    hotline("62912345", Phase(Treatment.WITHDRAWN, notices=("已转移",))),
    hotline("12333", Phase(Treatment.PARALLEL, passes=OFFICES, hours=DAY, notices=("非工作时间",))),
    hotline("12348", Phase(Treatment.PARALLEL, wait=EXPERTS)),
    hotline("12366", Phase(Treatment.SUBCENTRE, passes=(Pass("tax", "12366"),))),
    hotline("110", Phase(Treatment.EMERGENCY, passes=POLICE, farewell=("拨打110",))),
    hotline("12301", Phase(Treatment.INDEPENDENT, notices=("不受理",), passes=TOURISM, farewell=("请拨",))),
    hotline("12329", Phase(None, passes=(Pass("offices", "12329"),)), Phase(Treatment.ABSORBED, NOW)),
)  # fmt: skip
PLAN = NumberPlan(
    area=HOME,
    own=CityLine(number("12345"), "热线", "室", CITY, also=(number("66666666"),)),
    lines=LINES,
    unknown=UnknownLine(notices=("由12345服务",)),
    rules=(
        TrunkRule("unicom"),
        TrunkRule("prefixed", strip="99"),
        TrunkRule("single", dialled_as=number("12315")),
        TrunkRule("narrow", accepts=(number("12315"),)),
        TrunkRule("police", link=True),
        TrunkRule("tax", link=True),
        TrunkRule("offices", link=True),
    ),
)
JINAN = NumberPlan(
    area="0531",
    own=CityLine(Number("0531", "12345"), "热线", "室", CITY),
    unknown=UnknownLine(
        "部门热线", "部门", (Phase(Treatment.WITHDRAWN, since_ms=NOW, notices=("已转移",)),), ("由12345服务",)
    ),
)


LATER = "Diversion: <sip:12315@x>"


def line_of(called: str, *headers: str, trunk: str = "unicom") -> str | None:
    return PLAN.route(called, headers, trunk, NOW).number


@pytest.mark.parametrize(
    ("called", "headers", "expected"),
    [
        ("12315", (), "12315"),
        ("+8637112315", (), "12315"),
        ("12345", (), "12345"),
        ("66666666", (), "12345"),
        ("12345", ("Diversion: <sip:12315@x>;reason=unconditional",), "12315"),
        ("12345", ("Diversion: <tel:+86-371-12315>",), "12315"),
        ("12345", ("History-Info: <sip:12315@x>;index=1, <sip:12345@x>;index=1.1",), "12315"),
        # the called party is a line: no header overrules it
        ("12315", ("Diversion: <sip:12319@x>",), "12315"),
        # several hops: the one dialled first, whichever header and order
        ("12345", ("Diversion: <sip:12315@x>, <sip:62912345@x>",), "62912345"),
        ("12345", ("Diversion: <sip:12315@x>", "Diversion: <sip:62912345@x>"), "62912345"),
        ("12345", ("History-Info: <sip:12315@x>;index=1.1.1, <sip:62912345@x>;index=1",), "62912345"),
        # numbers that are no line count for nothing
        ("12345", ("Diversion: <sip:12315@x>, <sip:13800138000@x>",), "12315"),
        ("12345", ("Diversion: <sip:80000000@x>, <sip:12315@x>",), "12315"),
        ("12345", ("Diversion: <sip:anonymous@anonymous.invalid>, <sip:12315@x>",), "12315"),
        ("12345", ("Diversion: <sip:12345@x>",), "12345"),
        ("12345", ("Diversion: <sip:80000000@x>",), "12345"),
        # both headers: History-Info decides, unless Diversion knows what came before
        ("12345", (LATER, "History-Info: <sip:62912345@x>;index=1, <sip:12315@x>;index=1.1"), "62912345"),
        ("12345", (f"{LATER}, <sip:62912345@x>", "History-Info: <sip:12315@x>;index=1"), "62912345"),
        ("12345", ("Diversion: <sip:12319@x>", "History-Info: <sip:12315@x>;index=1"), "12315"),
        ("88888888", ("Diversion: <sip:12315@x>",), "12315"),
        ("s", ("Diversion: <sip:12315@x>",), "12315"),
        ("s", (), "12345"),
        ("", (), "12345"),
        ("12345", ("Diversion: " + "<" * 1_000_000, "Diversion: <sip:12315@x>"), "12315"),
    ],
)  # fmt: skip
def test_the_line_really_dialled_is(called: str, headers: tuple[str, ...], expected: str) -> None:
    assert line_of(called, *headers) == expected


def test_a_trunks_own_rule_stands_above_everything() -> None:
    assert line_of("12319", "Diversion: <sip:62912345@x>", trunk="single") == "12315"
    assert line_of("9912319", trunk="prefixed") == "12319"
    assert line_of("12319", trunk="prefixed") == "12319"


def test_a_trunk_brings_in_no_line_that_it_may_not_except_an_emergency() -> None:
    assert line_of("12315", trunk="narrow") == "12315"
    assert line_of("12319", trunk="narrow") == "12345"
    assert line_of("12345", "Diversion: <sip:12319@x>", trunk="narrow") == "12345"
    assert line_of("110", trunk="narrow") == "110"


def test_absorbed_is_answered_by_the_city_without_a_word() -> None:
    decision = PLAN.route("12315", (), "unicom", NOW)
    assert (decision.answered_by, decision.notices, decision.passes, decision.wait) == (
        Answerer.CITY,
        (),
        (),
        CITY,
    )
    assert (decision.name, decision.department, decision.treatment) == ("名12315", "局", Treatment.ABSORBED)


def test_an_emergency_meets_no_notice_no_menu_and_no_queue() -> None:
    decision = PLAN.route("110", (), "unicom", NOW)
    assert decision.answered_by is Answerer.EMERGENCY
    assert (decision.notices, decision.menu, decision.wait) == ((), (), None)
    assert decision.passes == (Pass("police", "110"), Pass("unicom", "110"))
    assert decision.farewell == ("拨打110",)


def test_what_an_emergency_centre_hands_over_is_answered_and_not_sent_back() -> None:
    decision = PLAN.route("12345", ("Diversion: <sip:110@x>",), "police", NOW)
    assert (decision.answered_by, decision.passes, decision.wait) == (Answerer.CITY, (), CITY)
    assert decision.number == "110"


def test_a_subcentre_is_tried_first_and_the_city_answers_what_it_leaves() -> None:
    decision = PLAN.route("12366", (), "unicom", NOW)
    assert (decision.answered_by, decision.passes) == (Answerer.SUBCENTRE, (Pass("tax", "12366"),))
    assert decision.wait == CITY
    assert PLAN.route("12366", (), "tax", NOW).answered_by is Answerer.CITY


@pytest.mark.parametrize("reason", ["no-answer", "user-busy", "unavailable", "time-of-day"])
@pytest.mark.parametrize("called", ["12366", "12333"])
def test_people_who_were_just_asked_in_vain_are_not_asked_again(called: str, reason: str) -> None:
    decision = PLAN.route("12345", (f"Diversion: <sip:{called}@x>;reason={reason}",), "unicom", NOW)
    assert (decision.number, decision.answered_by, decision.passes) == (called, Answerer.CITY, ())
    kept = PLAN.route("12345", (f"Diversion: <sip:{called}@x>;reason=unconditional",), "unicom", NOW)
    assert kept.passes != ()


def test_an_emergency_is_passed_on_even_after_it_was_asked_in_vain() -> None:
    decision = PLAN.route("12345", ("Diversion: <sip:110@x>;reason=user-busy",), "unicom", NOW)
    assert decision.answered_by is Answerer.EMERGENCY


def test_a_parallel_line_is_its_own_in_its_hours_and_the_citys_outside() -> None:
    inside = PLAN.route("12333", (), "unicom", NOW)
    assert (inside.answered_by, inside.notices, inside.passes) == (Answerer.LINE, (), OFFICES)
    assert inside.wait == CITY
    outside = PLAN.route("12333", (), "unicom", NOW + 8 * 3_600_000)
    assert (outside.answered_by, outside.notices, outside.passes) == (Answerer.CITY, ("非工作时间",), ())


def test_expert_seats_come_first_and_the_others_after_a_while() -> None:
    decision = PLAN.route("12348", (), "unicom", NOW)
    assert (decision.answered_by, decision.wait, decision.passes) == (Answerer.CITY, EXPERTS, ())


@pytest.mark.parametrize("number", ["10086", "95598"])
def test_a_parallel_line_is_not_led_back_to_the_carrier_that_brought_the_call(number: str) -> None:
    open_hour = instant(datetime(2018, 3, 7, 10))
    plan = City.load("jingjiang").plan
    trunks = [way.trunk for way in plan.route(number, (), "", open_hour).passes]
    for trunk in trunks:
        ways = plan.route(number, (), trunk, open_hour).passes
        assert [way.trunk for way in ways][-1] == trunk
        assert sorted(way.trunk for way in ways) == sorted(trunks)


def test_an_independent_line_is_named_so_and_passed_on_by_another_carrier_first() -> None:
    decision = PLAN.route("12301", (), "unicom", NOW)
    assert (decision.answered_by, decision.notices, decision.wait) == (Answerer.OTHER, ("不受理",), None)
    assert decision.passes == (Pass("telecom", "12301"), Pass("unicom", "12301"))
    assert decision.farewell == ("请拨",)


@pytest.mark.parametrize(
    ("ends", "told", "answered_by", "notices"),
    [
        (None, None, Answerer.CITY, ("已转移",)),
        (NOW + 1, ("停用",), Answerer.CITY, ("已转移",)),
        (NOW, ("停用",), Answerer.NOBODY, ("停用",)),
        (NOW, None, Answerer.CITY, ("已转移",)),
    ],
)
def test_a_withdrawn_number_ends_as_the_city_chose(
    ends: int | None, told: tuple[str, ...] | None, answered_by: Answerer, notices: tuple[str, ...]
) -> None:
    phase = Phase(Treatment.WITHDRAWN, notices=("已转移",), transition_ends_ms=ends, told=told)
    plan = NumberPlan(HOME, PLAN.own, (hotline("12369", phase),))
    decision = plan.route("12369", (), "unicom", NOW)
    assert (decision.answered_by, decision.notices) == (answered_by, notices)
    assert (decision.wait is None) is (answered_by is Answerer.NOBODY)


def test_a_line_is_its_departments_own_to_the_last_millisecond_before_its_cutover() -> None:
    before = PLAN.route("12329", (), "unicom", NOW - 1)
    assert (before.treatment, before.answered_by) == (None, Answerer.OTHER)
    assert (before.passes, before.wait) == ((Pass("offices", "12329"),), CITY)
    assert "absorbed from 2026-01-05 10:00 on" in before.because[1]
    after = PLAN.route("12329", (), "unicom", NOW)
    assert (after.treatment, after.answered_by, after.passes) == (Treatment.ABSORBED, Answerer.CITY, ())


def test_a_number_that_nobody_knows_is_greeted_and_answered() -> None:
    for called in ("88888888", "0379-12345", "13800138000"):
        decision = PLAN.route(called, (), "unicom", NOW)
        assert (decision.number, decision.answered_by) == (None, Answerer.CITY)
        assert (decision.notices, decision.wait) == (("由12345服务",), CITY)


def test_a_city_may_have_a_rule_for_every_other_number_from_a_day_on() -> None:
    after = JINAN.route("82062345", (), "unicom", NOW)
    assert (after.number, after.name, after.treatment) == ("82062345", "部门热线", Treatment.WITHDRAWN)
    assert after.notices == ("已转移",)
    before = JINAN.route("82062345", (), "unicom", NOW - 1)
    assert (before.treatment, before.notices) == (None, ("由12345服务",))
    diverted = JINAN.route("12345", ("Diversion: <tel:053182062345>",), "unicom", NOW)
    assert (diverted.number, diverted.notices) == ("82062345", ("已转移",))


def test_the_rule_for_other_numbers_is_about_departments_not_mobiles_or_other_cities() -> None:
    assert JINAN.route("13800138000", (), "unicom", NOW).treatment is None
    assert JINAN.route("0379-12345", (), "unicom", NOW).treatment is None
    assert JINAN.route("12345", ("Diversion: <tel:13800138000>",), "unicom", NOW).notices == ()


def test_only_the_citys_own_number_has_the_menu() -> None:
    choice = Choice("9", "监管", Wait("line9", (Need((("line9", 1),)),)))
    own = CityLine(number("12345"), "热线", "室", CITY, menu=(choice,), menu_prompt="请按9")
    plan = NumberPlan(HOME, own, LINES)
    decision = plan.route("12345", (), "unicom", NOW)
    assert (decision.menu, decision.menu_prompt, decision.wait) == ((choice,), "请按9", CITY)
    assert plan.route("12315", (), "unicom", NOW).menu == ()


TEXTS = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        ["12345", "12315", "110", "12301", "12366", "62912345", "12333", "99999999", "sip:12315@x"]
    ),
)
NAMES = st.sampled_from(["Diversion", "History-Info", "X"])
HEADER = st.builds("{}: <sip:{}@x>;reason={};index={}".format, NAMES, TEXTS, TEXTS, TEXTS)
NAMES = st.sampled_from(["Diversion", "History-Info", "X"])
HEADER = st.builds("{}: <sip:{}@x>;reason={};index={}".format, NAMES, TEXTS, TEXTS, TEXTS)
HEADERS = st.lists(HEADER, max_size=4)
TRUNKS = st.sampled_from(["unicom", "single", "narrow", "police", "tax", "offices", "nowhere"])


@given(TEXTS, HEADERS, TRUNKS, st.integers(-(10**13), 10**14))
def test_no_call_raises_and_none_ends_in_silence(
    called: str, headers: list[str], trunk: str, now_ms: int
) -> None:
    for plan in (PLAN, JINAN):
        decision = plan.route(called, headers, trunk, now_ms)
        assert decision.because
        assert decision.wait or decision.farewell or decision.notices
        if decision.treatment is Treatment.EMERGENCY and decision.passes:
            assert (decision.wait, decision.notices) == (None, ())
        links = {rule.trunk for rule in plan.rules if rule.link}
        assert trunk not in links or trunk not in {way.trunk for way in decision.passes}
        assert decision == plan.route(called, headers, trunk, now_ms)


def test_a_plan_goes_through_json_and_back_so_that_the_fallback_can_read_it() -> None:
    import msgspec

    assert msgspec.json.decode(msgspec.json.encode(PLAN), type=NumberPlan) == PLAN
