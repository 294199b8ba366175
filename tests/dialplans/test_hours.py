"""Working hours over weekends, holidays, make-up days and midnight."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialplans.hours import WEEKDAYS, Hours, clock, instant, local, read_ranges, working_day, written

OFFICE = ["08:30-12:00", "14:00-18:00"]
WORKING = Hours("working", {day: read_ranges(OFFICE) for day in WEEKDAYS[:5]})


def at(text: str) -> int:
    return instant(datetime.fromisoformat(text))


@pytest.mark.parametrize(
    ("when", "is_open", "why"),
    [
        ("2019-01-31T08:29:59", False, "Thu 2019-01-31 is a working day, open 08:30-12:00, 14:00-18:00"),
        ("2019-01-31T08:30", True, "Thu 2019-01-31 is a working day"),
        ("2019-01-31T11:59:59.999", True, "Thu 2019-01-31 is a working day"),
        ("2019-01-31T12:00", False, "Thu 2019-01-31 is a working day, open 08:30-12:00, 14:00-18:00"),
        ("2019-01-31T14:00", True, "Thu 2019-01-31 is a working day"),
        ("2019-01-31T18:00", False, "Thu 2019-01-31 is a working day, open 08:30-12:00, 14:00-18:00"),
        ("2019-01-26T10:00", False, "Sat 2019-01-26 is a weekend"),
        ("2019-02-02T10:00", True, "Sat 2019-02-02 is worked in exchange for a holiday (春节)"),
        ("2019-02-03T10:00", True, "Sun 2019-02-03 is worked in exchange for a holiday (春节)"),
        ("2019-02-04T10:00", False, "Mon 2019-02-04 is a public holiday (春节)"),
        ("2019-02-11T10:00", True, "Mon 2019-02-11 is a working day"),
        ("2022-10-07T10:00", False, "Fri 2022-10-07 is a public holiday (国庆节)"),
        ("2022-10-08T10:00", True, "Sat 2022-10-08 is worked in exchange for a holiday (国庆节)"),
        ("2026-02-17T10:00", False, "Tue 2026-02-17 is a public holiday (春节)"),
    ],
)
def test_office_hours_follow_the_state_councils_arrangement(when: str, is_open: bool, why: str) -> None:
    assert WORKING.open_at(at(when)) == (is_open, why)


def test_a_year_without_an_arrangement_has_its_statutory_days_and_says_so() -> None:
    caveat = "the State Council's arrangement for 2040 is not yet published, so statutory days only"
    assert working_day(date(2040, 10, 1)).why == f"Mon 2040-10-01 is a public holiday (国庆节; {caveat})"
    assert not working_day(date(2040, 10, 1)).works
    assert working_day(date(2040, 10, 10)).why == f"Wed 2040-10-10 is a working day ({caveat})"
    assert not working_day(date(2040, 10, 13)).works
    assert not working_day(date(2040, 10, 13)).published
    assert "for 1999 is not kept" in working_day(date(1999, 10, 1)).why


def test_makeup_days_have_the_hours_of_the_weekday_that_is_named() -> None:
    hours = Hours(
        "h", {"mon": read_ranges(["09:00-10:00"]), "fri": read_ranges(["15:00-16:00"])}, makeup="fri"
    )
    assert hours.open_at(at("2019-02-02T15:30"))[0]
    assert not hours.open_at(at("2019-02-02T09:30"))[0]


def test_without_the_calendar_a_holiday_is_a_weekday_like_any_other() -> None:
    hours = Hours("h", WORKING.weekly, calendar=False)
    assert hours.open_at(at("2019-02-04T10:00")) == (True, "it is Mon 2019-02-04")
    assert not hours.open_at(at("2019-02-02T10:00"))[0]


def test_a_range_over_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    night = Hours("night", {day: read_ranges(["22:00-06:00"]) for day in WEEKDAYS[:5]})
    assert not night.open_at(at("2019-01-31T21:59"))[0]
    assert night.open_at(at("2019-01-31T22:00"))[0]
    assert night.open_at(at("2019-02-01T00:00"))[0]
    assert night.open_at(at("2019-02-01T05:59")) == (
        True,
        "Thu 2019-01-31 is a working day and its hours last past midnight",
    )
    assert not night.open_at(at("2019-02-01T06:00"))[0]
    # Monday's early morning would belong to Sunday, which is closed, though Monday is open in the evening.
    assert not night.open_at(at("2019-01-28T03:00"))[0]
    # Sunday 3 February is worked; the morning of the holiday that follows is still its night.
    assert night.open_at(at("2019-02-04T03:00"))[0]
    assert not night.open_at(at("2019-02-04T23:00"))[0]


def test_a_whole_day_and_an_end_at_midnight_are_open_to_the_last_moment() -> None:
    hours = Hours("h", {"thu": read_ranges(["00:00-24:00"]), "fri": read_ranges(["20:00-00:00"])})
    assert hours.open_at(at("2019-01-31T00:00"))[0]
    assert hours.open_at(at("2019-01-31T23:59:59.999"))[0]
    assert hours.open_at(at("2019-02-01T23:59"))[0]
    assert not hours.open_at(at("2019-02-02T00:00"))[0]


def test_a_special_date_stands_above_the_calendar() -> None:
    special = {date(2019, 2, 4): read_ranges(["09:00-11:00"]), date(2019, 1, 31): ()}
    hours = Hours("h", WORKING.weekly, special=special)
    assert hours.open_at(at("2019-02-04T09:30")) == (
        True,
        "Mon 2019-02-04 has hours of its own in the city file",
    )
    assert not hours.open_at(at("2019-01-31T10:00"))[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("8.30-12", "'8.30-12' is no range of time: write it as 08:30-12:00"),
        ("25:00-26:00", "'25:00-26:00' is no range of time: write it as 08:30-12:00"),
        ("08:30", "'08:30' is no range of time: write it as 08:30-12:00"),
        ("08:60-09:00", "'08:60-09:00' is no range of time: write it as 08:30-12:00"),
        ("08:00-08:00", "'08:00-08:00' is empty: a whole day is 00:00-24:00"),
        ("24:00-06:00", "'24:00-06:00' is empty: a whole day is 00:00-24:00"),
    ],
)
def test_a_range_that_is_none_is_named_with_its_remedy(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        read_ranges([text])


MINUTES = st.integers(0, 1439)


@given(MINUTES, st.integers(1, 1440), st.integers(0, 400_000_000))
def test_a_daily_range_is_open_exactly_within_its_minutes(start: int, length: int, minutes: int) -> None:
    end = start + length
    text = written((start, end if end <= 1440 else end - 1440))
    hours = Hours(
        "h",
        dict.fromkeys(WEEKDAYS, read_ranges([text]))
        if length < 1440
        else dict.fromkeys(WEEKDAYS, ((0, 1440),)),
        calendar=False,
    )
    now = local(minutes * 60_000)
    minute = now.hour * 60 + now.minute
    expected = (minute - start) % 1440 < length
    assert hours.open_at(minutes * 60_000)[0] is expected


@given(st.datetimes(datetime(1992, 1, 1), datetime(2100, 1, 1)))
def test_an_instant_and_the_citys_clock_are_inverse(moment: datetime) -> None:
    whole = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    assert local(instant(whole)).replace(tzinfo=None) == whole
    assert instant(whole.replace(tzinfo=UTC)) == instant(whole) + timedelta(hours=8) // timedelta(
        milliseconds=1
    )


def test_a_date_is_its_first_moment_by_the_citys_clock() -> None:
    assert clock(instant(date(2019, 2, 1))) == "2019-02-01 00:00"
    assert instant(date(1970, 1, 1)) == -8 * 3600 * 1000
