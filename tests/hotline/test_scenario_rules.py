"""The table [rules] of a scenario's file."""

from __future__ import annotations

import tomllib

import pytest
from pydantic import ValidationError

from hotline.scenario_file import ScenarioFault, open_scenario, read
from hotline.scenario_rules import RulesTable, rules_of
from simulator.rules import EIGHT, NINE, Experts, Rules

TOWN = """
[arrivals]
per_day = 100
hours = [1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]
[calls]
talk = 160
wrap_up = 30
[lines.12345]
needs = [{ skills = { "12345" = 1 } }]
queue = "12345"
[shifts.day]
from = "08:00"
to = "16:00"
[groups.general]
skills = { "12345" = 1 }
shifts = { day = 3 }
"""


def rules(text: str) -> Rules:
    return rules_of(RulesTable.model_validate(tomllib.loads(text)))


def test_a_file_without_rules_has_the_usual_ones() -> None:
    assert rules("") == Rules() == read(TOWN, "town").rules


def test_a_scenarios_file_says_its_rules() -> None:
    found = read(TOWN + "[rules]\nseats = 146\nweekly_hours = 44\nrest_hours = 12\n", "town").rules
    assert (found.seats, found.weekly_minutes, found.rest_minutes) == (146, 44 * 60, 12 * 60)


def test_built_in_scenarios_have_rules() -> None:
    assert open_scenario("zhengzhou").rules.kinds


def test_kinds_starts_and_experts_are_read() -> None:
    found = rules(
        """
        shifts = ["8h", "long"]
        starts = ["07:00", "15:30", "24:00"]
        comprehensive_hours = true
        [kinds.long]
        hours = 10.5
        meal_minutes = 45
        meal_from_hours = 4
        meal_to_hours = 5.5
        starts = ["08:00"]
        weekdays = ["mon", "sun"]
        [experts.transport]
        at_least = 3
        from = "08:30"
        to = "17:30"
        """
    )
    eight, long = found.kinds
    assert eight.starts == (420, 930, 0)
    assert (eight.minutes, eight.meal_paid) == (EIGHT.minutes, EIGHT.meal_paid)
    assert (long.minutes, long.paid_minutes, long.meal_after) == (630, 585, (240, 330))
    assert (long.starts, long.weekdays) == ((480,), frozenset({0, 6}))
    assert found.experts == (Experts("transport", 3, 510, 1050),)


def test_every_key_reaches_its_rule() -> None:
    found = rules(
        """
        shifts = ["9h"]
        daily_hours = 9
        rest_days = 2
        most_days_in_a_row = 5
        most_nights_in_a_row = 2
        open_seats = 1
        half_hour_rate = 0.8
        any_24_hours_rate = 0.9
        subcentre_rate = 0.85
        staff_per_seat = 1.5
        people = 190
        hot_desks = true
        department_people = false
        solve_seconds = 5
        """
    )
    assert found == Rules(
        kinds=(NINE,), daily_minutes=540, rest_days=2, most_days=5, most_nights=2, open_seats=1, half_hour=0.8, any_day=0.9,
        subcentre=0.85, staff_per_seat=1.5, people=190, hot_desks=True, departments=False, solve_seconds=5,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            'shifts = ["7h"]',
            "rules.shifts: '7h' is no kind of shift: take some of 6h, 8h, 9h, 12h, or write [rules.kinds.7h]",
        ),
        ('shifts = ["12h"]', "rules.kinds.12h: 11 hours of work are more than 8 a day"),
        (
            '[experts.law]\nat_least = 1\nfrom = "17:00"\nto = "09:00"',
            "rules.experts.law: it ends before it begins: give",
        ),
    ],
)
def test_what_does_not_agree_is_told_in_one_line(text: str, line: str) -> None:
    with pytest.raises(ValueError, match=r"^rules\.") as told:
        rules(text)
    assert str(told.value).startswith(line)


def test_a_scenario_with_rules_that_cannot_be_kept_is_not_opened() -> None:
    with pytest.raises(ScenarioFault, match=r"^town\.toml: rules\.kinds\.12h: 11 hours"):
        read(TOWN + '[rules]\nshifts = ["12h"]\n', "town")


@pytest.mark.parametrize(
    "text", ["seat = 3", 'seats = "3"', "rest_hours = 25", 'starts = ["8:00"]', "starts = []"]
)
def test_a_key_or_a_value_that_is_not_known_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        rules(text)
