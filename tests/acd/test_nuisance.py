"""Nuisance callers: who can stand in the list and who never, how long, who may put him there; an emergency asks no list."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd import nuisance
from acd.messages import (
    AuditEntry,
    BarAsked,
    CallerBarred,
    CallerHungUp,
    CallerUnbarred,
    CallOffered,
    Command,
    HangUp,
    PassOn,
    Play,
    PromptFinished,
    RaiseAlarm,
    WriteAudit,
)
from dialplans.plan import NumberPlan
from tests.acd.town import START, Hall, asking, records, said, town

DAY = 86_400_000
PLAN = town().plan


def hall(*signed_on: str) -> Hall:
    return Hall(*(signed_on or ("101@8001", "102@8002")), setup=asking(town()))


def audited(orders: list[Command]) -> list[AuditEntry]:
    return [order.entry for order in orders if isinstance(order, WriteAudit)]


def calls(here: Hall, call: str, caller: str, called: str = "12345", trunk: str = "unicom") -> list[Command]:
    return here.tell(CallOffered(call, trunk, called, caller))


# ── what can stand in the list ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("number", "entry"),
    [
        ("13800000001", "13800000001"),
        ("+86 138 0000 0001", "13800000001"),
        ("013800000001", "13800000001"),
        ("62912399", "037162912399"),
        ("0371-62912399", "037162912399"),
        ("1380000*", "1380000*"),
        ("anonymous", None),
        ("", None),
        ("*", None),
        ("1*3", None),
    ],
)
def test_every_way_to_write_a_number_is_the_same_entry(number: str, entry: str | None) -> None:
    assert nuisance.written(number, PLAN) == entry


@pytest.mark.parametrize(
    "number",
    [
        *(
            "1*",
            "138*",
            "138000*",
            "0371*",
            "03716*",
            "037162*",
            "",
            "anonymous",
            "12345",
            "110",
            "12315",
            "62912345",
        ),
        *("6291234*", "0371629*", "*", "86*", "123*", "037112*", "0371123*", "0086138*", "010888*"),
    ],
)
def test_nobody_bars_a_whole_area_the_citys_own_lines_or_nobody(number: str) -> None:
    here = hall()
    orders = here.tell(CallerBarred(number, None, "101", "nuisance", desk="d"))
    assert said(orders) == ["bar-impossible"]
    assert not here.engine.state.barred
    (entry,) = audited(orders)
    assert not entry.allowed
    assert entry.why


@given(st.text("0123456789*+- a", max_size=14))
def test_an_entry_never_covers_a_line_of_the_city_nor_more_than_ten_thousand_mobiles(number: str) -> None:
    if nuisance.fault(number, PLAN) is not None:
        return
    entry = nuisance.written(number, PLAN)
    assert entry is not None
    digits = entry.removesuffix("*")
    assert len(digits) >= (7 if entry.endswith("*") else 5)
    for line in PLAN.lines:
        own = line.number.area + line.number.local
        assert not (own.startswith(digits) if entry.endswith("*") else own == entry)


# ── what a caller meets ──────────────────────────────────────────────────────────────────────────────────────


def test_a_barred_caller_hears_why_and_is_counted_as_barred() -> None:
    here = hall()
    here.tell(CallerBarred("13811112222", None, "101", "shouts every night"))
    orders = calls(here, "a", "+8613811112222")
    assert [order.prompts for order in orders if isinstance(order, Play)] == [("barred",)]
    assert here.tell(PromptFinished("a")) == [HangUp("a")]
    (record,) = records(here.tell(CallerHungUp("a", 16)))
    assert (record.disposition, record.seat_answered, record.queued) == ("barred", None, None)
    told = record.because[-1]
    assert "by 101 until 2026-01-12 10:00" in told
    assert "shouts every night" in told


def test_a_prefix_bars_who_begins_so_and_nobody_else() -> None:
    here = hall()
    here.tell(CallerBarred("1381111*", None, "101", "a machine dials"))
    calls(here, "a", "13811119999")
    calls(here, "b", "13811129999")
    assert here.call("a").barred == "1381111*"
    assert here.call("b").barred is None


@pytest.mark.parametrize("withheld", ["", "anonymous", "unknown"])
def test_a_withheld_number_is_never_barred(withheld: str) -> None:
    here = hall()
    here.tell(CallerBarred(withheld, None, "101", "nuisance"))
    calls(here, "a", withheld)
    assert here.call("a").barred is None


@pytest.mark.parametrize(
    ("called", "trunk"),
    [
        ("110", "unicom"),
        ("110", "telecom"),
        ("12345", "police"),
        ("110", "police"),
        ("12345", "tax"),
        ("12366", "tax"),
    ],
)
def test_a_blocked_emergency_is_impossible_and_so_is_a_blocked_centre(called: str, trunk: str) -> None:
    here = hall()
    here.tell(CallerBarred("13811112222", None, "101", "shouts every night"))
    orders = calls(here, "a", "13811112222", called, trunk)
    assert here.call("a").barred is None
    assert ("barred",) not in [order.prompts for order in orders if isinstance(order, Play)]
    if (called, trunk) == ("110", "unicom"):
        assert [order.number for order in orders if isinstance(order, PassOn)] == ["110"]


def test_an_entry_ends_by_the_engines_clock_even_across_a_restart() -> None:
    here = hall()
    here.tell(CallerBarred("13811112222", START + 5_000, "101", "once"))
    here.restart()
    here.wait(4_999)
    calls(here, "a", "13811112222")
    assert here.call("a").barred == "13811112222"
    orders = here.wait(1)
    assert [(entry.what, entry.whom) for entry in audited(orders)] == [("nuisance end", "13811112222")]
    calls(here, "b", "13811112222")
    assert here.call("b").barred is None


def test_nobody_is_barred_for_longer_than_the_city_allows() -> None:
    here = hall()
    here.tell(CallerBarred("13811112222", START + 10_000 * DAY, "101", "for ever"))
    here.tell(CallerBarred("13811113333", None, "101", "the usual time"))
    assert here.engine.state.barred["13811112222"].until == START + 90 * DAY
    assert here.engine.state.barred["13811113333"].until == START + 7 * DAY


def test_an_entry_of_the_city_file_holds_until_its_last_day_and_is_taken_out_there() -> None:
    here = hall()
    orders = here.tell(CallerUnbarred("13800000666", "101", "calm now", desk="d"))
    assert said(orders) == ["bar-nobody"]
    calls(here, "a", "13800000666")
    assert here.call("a").barred == "13800000666"
    here.wait(DAY)
    calls(here, "b", "13800000666")
    assert here.call("b").barred is None


# ── who may ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("owner", ["102", "999", ""])
def test_without_the_right_nobody_is_barred_or_let_off_and_the_attempt_is_written_down(owner: str) -> None:
    here = hall()
    orders = here.tell(CallerBarred("13811112222", None, owner, "I don't like him", desk="d"))
    assert said(orders) == ["no-right"]
    assert [(entry.allowed, entry.who) for entry in audited(orders)] == [(False, owner)]
    here.tell(CallerBarred("13811112222", None, "101", "shouts"))
    assert said(here.tell(CallerUnbarred("13811112222", owner, desk="d"))) == ["no-right"]
    assert "13811112222" in here.engine.state.barred


def test_each_change_is_written_to_the_audit_log() -> None:
    here = hall()
    orders = here.tell(
        CallerBarred("13811112222", None, "101", "shouts"), CallerUnbarred("13811112222", "101", "sorry")
    )
    told = [(entry.what, entry.who, entry.whom, entry.allowed) for entry in audited(orders)]
    assert told == [
        ("nuisance add", "101", "13811112222", True),
        ("nuisance remove", "101", "13811112222", True),
    ]
    assert not here.engine.state.barred


def test_by_phone_the_last_caller_of_a_seat_is_barred_after_a_confirmation() -> None:
    here = hall()
    assert said(here.tell(BarAsked("8001", confirmed=True, desk="d"))) == ["bar-nobody"]
    here.talking("a", "101")
    assert said(here.tell(BarAsked("8001", desk="d"))) == ["bar-cancelled"]
    assert said(here.tell(BarAsked("8003", confirmed=True, desk="d"))) == ["not-signed-on"]
    assert said(here.tell(BarAsked("8002", "8001", confirmed=True, desk="d"))) == ["no-right"]
    here.restart()
    orders = here.tell(BarAsked("8001", confirmed=True, desk="d"))
    assert said(orders) == ["bar-done"]
    (entry,) = audited(orders)
    assert (entry.phone, entry.whom, entry.who) == ("8001", "13800000001", "101")
    assert "13800000001" in here.engine.state.barred


@pytest.mark.parametrize(
    "fact",
    [
        CallerBarred("13811112222", None, "101", "  "),
        CallerBarred("13811112222", None, "101", "x", mode="shoot"),
        CallerBarred("13811112222", START - 1, "101", "x"),
    ],
)
def test_an_entry_without_reason_mode_or_future_is_refused(fact: CallerBarred) -> None:
    here = hall()
    here.tell(fact)
    assert not here.engine.state.barred


def test_the_list_has_an_end() -> None:
    here = hall()
    for number in range(nuisance.MOST):
        here.tell(CallerBarred(f"139{number:08}", None, "101", "x"))
    assert said(here.tell(CallerBarred("13811112222", None, "101", "x", desk="d"))) == ["bar-full"]
    assert said(here.tell(CallerBarred("13900000001", None, "101", "renewed", desk="d"))) == ["bar-done"]
    assert len(here.engine.state.barred) == nuisance.MOST


# ── floods ───────────────────────────────────────────────────────────────────────────────────────────────────


def alarms(orders: list[Command]) -> list[str]:
    return [order.about for order in orders if isinstance(order, RaiseAlarm)]


def flood(
    here: Hall, count: int, caller: str, every_ms: int, first: int = 0, trunk: str = "unicom"
) -> list[str]:
    told: list[str] = []
    for number in range(first, first + count):
        told += alarms(calls(here, f"f{number}", caller, trunk=trunk))
        here.tell(CallerHungUp(f"f{number}", 16))
        here.wait(every_ms)
    return told


def test_a_flood_from_one_number_raises_one_alarm_and_bars_nobody() -> None:
    here = hall()
    assert flood(here, 20, "13811112222", 1_000) == ["13811112222"]
    assert not here.engine.state.barred
    calls(here, "x", "13811112222")
    assert here.call("x").barred is None


def test_calls_that_are_spread_out_raise_no_alarm() -> None:
    assert flood(hall(), 20, "13811112222", 20_000) == []


def test_withheld_numbers_and_centres_are_not_counted_together() -> None:
    here = hall()
    assert flood(here, 10, "anonymous", 1_000) == []
    assert flood(here, 10, "13811112222", 1_000, first=10, trunk="tax") == []


def test_what_is_remembered_of_callers_is_a_minute_and_no_more() -> None:
    here = hall()
    for number in range(50):
        flood(here, 1, f"139{number:08}", 0, first=number)
    assert len(here.engine.state.recent) == 50
    here.wait(60_000)
    flood(here, 1, "13811112222", 0, first=50)
    assert list(here.engine.state.recent) == ["13811112222"]


def test_without_a_plan_no_number_is_the_citys_own_but_12345() -> None:
    assert nuisance.fault("13811112222", NumberPlan()) is None
    assert nuisance.fault("12345", NumberPlan()) is not None


def test_a_caller_served_last_keeps_every_key_of_the_menu() -> None:
    setup = asking(town(menu=True))
    here = Hall("101@8001", setup=replace(setup, survey=setup.survey))
    calls(here, "a", "13800770001")
    here.tell(PromptFinished("a"), PromptFinished("a", "9"))
    waits = here.call("a").waits
    assert waits is not None
    assert (waits.queue, waits.priority) == ("12315", nuisance.LAST)
