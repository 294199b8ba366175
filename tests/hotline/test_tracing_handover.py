"""The words in which ``hotline trace`` tells what is handed over, and what goes along."""

from __future__ import annotations

from datetime import datetime

import pytest

from dialplans.hours import instant
from hotline.city import City
from hotline.tracing import trace

AT = instant(datetime(2022, 9, 6, 10))


def told(city: str, number: str, *diverted: str, trunk: str | None = None, at_ms: int = AT) -> str:
    return "\n".join(trace(City.load(city), number, diverted, at_ms=at_ms, trunk=trunk).sentences)


def test_what_110_hands_over_is_told_without_a_greeting_and_with_its_priority() -> None:
    text = told("kaifeng", "12345", trunk="emergency")
    assert "Handed over by 110指挥中心联动专线: no notice and no menu, priority 1000 at least." in text
    assert "no limit of the queue turns it away" in text
    assert "The caller hears" not in text
    assert "Priority 1000." in text


def test_what_goes_along_is_told_apart_for_links_and_carriers() -> None:
    text = told("kaifeng", "110", trunk="unicom")
    assert "Over emergency go along: line, caller, case and what was said" in text
    assert "Over a carrier only the line and the case go along." in text
    assert "No count of channels of ours holds it back" in text
    assert "Over a carrier" not in told("kaifeng", "12366", trunk="unicom")


@pytest.mark.parametrize(
    ("trunk", "diverted", "line"),
    [
        ("tax", (), "12366"),
        ("departments", ("X-Hotline-Line: 12320",), "12320"),
        ("departments", (), "12345"),
    ],
)
def test_the_line_of_a_call_that_was_handed_over_is_told(
    trunk: str, diverted: tuple[str, ...], line: str
) -> None:
    found = trace(City.load("kaifeng"), "12345", diverted, at_ms=AT, trunk=trunk).document
    assert found["line"] is not None
    assert (found["line"]["number"], found["answered_by"], found["passes"]) == (line, "12345", None)


def test_a_carrier_that_sends_our_header_changes_nothing() -> None:
    assert told("kaifeng", "12345", "X-Hotline-Line: 12320", trunk="unicom") == told(
        "kaifeng", "12345", trunk="unicom"
    )


def test_what_counts_for_a_lines_15_s_is_told_of_everybody_who_is_passed_on() -> None:
    counted = (
        "Counts for line {}: answered within 15 s of being asked, target 95 % of all that were passed to it"
    )
    for number in ("12366", "110"):
        assert counted.format(number) in told("kaifeng", number, trunk="unicom")
    assert "Counts for line" not in told("kaifeng", "12345")


def test_why_nobody_took_a_call_is_told_as_the_seats_display_has_it_and_of_an_emergency_never() -> None:
    sees = "sees why beside the line: {0}未接, {0}占线, {0}线路满, {0}不通."
    assert sees.format("分中心") in told("kaifeng", "12366", trunk="unicom")
    assert sees.format("本线") in told("kaifeng", "12320", trunk="unicom")
    assert "sees why" not in told("kaifeng", "110", trunk="unicom")


def test_that_nobody_is_rung_over_every_carrier_is_told_where_there_are_several_and_no_emergency() -> None:
    again = "Another carrier is tried only where one fails"
    may = instant(datetime(2019, 5, 14, 10))
    assert again in told("jingjiang", "95598", at_ms=may)
    assert again not in told("jingjiang", "12333", at_ms=may)
    assert again not in told("jingjiang", "110", at_ms=may)
