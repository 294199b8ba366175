"""Whom a seat means by a number, whoever is signed on."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from acd.setup import Setup
from acd.target import aim
from dialplans.decision import Pass, Treatment
from dialplans.hotline import Hotline, Phase
from dialplans.hours import Hours, instant
from dialplans.number import Number
from tests.acd.town import AREA, town

OFFICE = Hours("office", {"mon": ((8 * 60, 18 * 60),)}, calendar=False)
MONDAY, SUNDAY = instant(datetime(2026, 1, 5, 10)), instant(datetime(2026, 1, 4, 10))


def with_office_hours() -> Setup:
    """The town with one line more, whose own people are there on Mondays."""
    made = town()
    phase = Phase(Treatment.PARALLEL, passes=(Pass("telecom", "12333"),), hours=OFFICE)
    line = Hotline(Number(AREA, "12333"), "labour", "office", (phase,))
    return replace(made, plan=replace(made.plan, lines=(*made.plan.lines, line)))


def test_a_line_is_asked_in_its_hours_and_refused_in_words_outside_them() -> None:
    made = with_office_hours()
    assert [way.number for way in aim(made, "12333", MONDAY).ways] == ["12333"]
    closed = aim(made, "12333", SUNDAY)
    assert (closed.refusal, closed.ways, closed.wait) == ("transfer-closed", (), None)


def test_a_parallel_line_whose_seats_are_the_citys_is_never_closed() -> None:
    made = with_office_hours()
    found = aim(made, "12348", SUNDAY)
    assert found.refusal is None
    assert found.wait is not None
