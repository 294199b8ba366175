"""Rules of shifts: what the law and the plans say, and patterns that keep to it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from simulator.rules import (
    DAY,
    EIGHT,
    NINE,
    ROWS,
    SIX,
    TWELVE,
    Pattern,
    Rules,
    ShiftKind,
    moment,
    paid_step,
    patterns,
    people_for,
)  # fmt: skip


def test_zhengzhou_has_190_people_for_146_seats() -> None:
    assert Rules().staff(146) == 190
    assert Rules().staff(10) == 13  # 10 x 1.3 is 13.000000000000002 or so in a computer


@pytest.mark.parametrize(("calls", "people"), [(0, 1), (499, 1), (500, 2), (2000, 2), (2001, 3), (90_000, 3)])
def test_a_department_sends_people_by_its_calls_of_a_year(calls: int, people: int) -> None:
    assert people_for(calls) == people


def test_all_patterns_work_and_sit_as_long_as_their_kind_says() -> None:
    every = patterns(Rules(kinds=(SIX, EIGHT, NINE, TWELVE), comprehensive=True))
    for pattern in every:
        kind = pattern.kind
        assert sum(pattern.taken().values()) == kind.minutes
        assert sum(pattern.present().values()) == kind.minutes - kind.meal_minutes
        assert all(0 <= row < ROWS for row in pattern.taken())
        assert kind.meal_after[0] <= pattern.meal_after <= kind.meal_after[1] or not kind.meal_minutes


def test_sundays_night_shift_is_at_work_on_monday_morning() -> None:
    night = Pattern(6 * DAY + 1320, EIGHT, 180)
    assert 0 in night.present()
    assert 11 in night.present()
    assert 12 not in night.present()
    assert 6 * 48 + 44 in night.present()


def test_nobody_is_counted_as_at_work_while_eating() -> None:
    early = Pattern(480, NINE, 240)  # 08:00 to 17:00, meal 12:00 to 13:00
    assert 24 not in early.present()
    assert 25 not in early.present()
    assert early.taken()[24] == 30
    assert early.present()[23] == early.present()[26] == 30


@pytest.mark.parametrize(
    ("begin", "night"),
    [(0, True), (1320, True), (1380, True), (960, False), (1020, True), (360, False), (540, False)],
)
def test_three_hours_between_22_and_6_make_a_night(begin: int, night: bool) -> None:
    assert Pattern(begin, EIGHT, 180).is_night == night


@pytest.mark.parametrize(
    ("rules", "line"),
    [
        (Rules(kinds=()), "rules.kinds: there is no shift"),
        (Rules(kinds=(TWELVE,)), "rules.kinds.12h: 11 hours of work are more than 8 a day"),
        (Rules(kinds=(replace(EIGHT, meal_after=(0, 600)),)), "rules.kinds.8h: the meal does not lie inside"),
        (Rules(kinds=(replace(EIGHT, starts=(1440,)),)), "rules.kinds.8h: a start lies outside the day"),
        (Rules(kinds=(replace(EIGHT, weekdays=frozenset()),)), "rules.kinds.8h: it may never begin"),
        (
            Rules(kinds=(ShiftKind("day", 900),), comprehensive=True),
            "rules.kinds.day: two on end leave 9 hours",
        ),
        (Rules(kinds=(ShiftKind("none", 0),)), "rules.kinds.none: 0 minutes are no shift"),
        (Rules(kinds=(EIGHT,), weekly_minutes=400), "rules.kinds.8h: one shift is longer than the week"),
    ],
)
def test_rules_that_cannot_be_kept_are_named_with_the_remedy(rules: Rules, line: str) -> None:
    with pytest.raises(ValueError, match=r"^rules\.") as told:
        patterns(rules)
    assert str(told.value).startswith(line)
    assert str(told.value).count(": ") >= 2
    assert "\n" not in str(told.value)


def test_twelve_hours_are_allowed_once_the_authority_approved_them() -> None:
    assert {p.kind.name for p in patterns(Rules(kinds=(TWELVE,), comprehensive=True))} == {"12h"}


def test_every_sum_of_paid_minutes_is_a_multiple_of_the_step() -> None:
    assert paid_step((EIGHT, NINE)) == 480
    assert paid_step((SIX, EIGHT, NINE)) == 120


def test_a_half_hour_is_named_by_weekday_and_time() -> None:
    assert moment(0) == "Mon 00:00"
    assert moment(335) == "Sun 23:30"
