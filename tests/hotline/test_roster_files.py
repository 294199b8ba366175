"""Rosters as files: a spreadsheet and calendars read back what was planned."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar

from hotline.roster_files import COLUMNS, calendar, table, write_roster
from simulator.roster import Roster, roster
from simulator.rules import EIGHT, NINE, SIX, Rules
from tests.simulator.weeks import shift

SHANGHAI = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True)
class Town:
    name: str = "郑州"
    start: date = date(2026, 1, 12)


@dataclass(frozen=True, slots=True)
class Plan:
    shifts: tuple[object, ...]
    rules: Rules = field(default_factory=Rules)
    scenario: Town = field(default_factory=Town)


@pytest.fixture(scope="module")
def made() -> Roster:
    shifts = [shift(day, EIGHT, 1320, 2) for day in range(7)]
    shifts += [shift(day, NINE, 540, 3) for day in range(5)]
    shifts += [shift(6, SIX, 480, 1)]
    return roster(Plan(tuple(shifts)), weeks=2)  # type: ignore[arg-type]


def test_the_spreadsheet_has_a_row_for_every_person_and_day(made: Roster) -> None:
    rows = list(csv.DictReader(table(made).splitlines()))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == len(made.duties) == 30 * 2
    for row, duty in zip(rows, made.duties, strict=True):
        begins, ends = datetime.fromisoformat(row["from"]), datetime.fromisoformat(row["to"])
        assert row["person"] == duty.person
        assert begins.date() == duty.on == date.fromisoformat(row["date"])
        assert ends - begins == timedelta(minutes=duty.pattern.kind.minutes)
        assert begins.utcoffset() == timedelta(hours=8)
        assert (row["meal"] == "") == (duty.pattern.kind is SIX)
        assert row["night"] == ("yes" if begins.hour == 22 else "no")
    assert {row["week"] for row in rows} == {"1", "2"}


def test_a_calendar_has_everybodys_shifts_at_their_instants(made: Roster) -> None:
    events = Calendar.from_ical(calendar(made)).walk("VEVENT")
    spans = sorted((event["dtstart"].dt, event["dtend"].dt) for event in events)
    expected = sorted(
        (
            datetime.combine(duty.on, datetime.min.time(), SHANGHAI) + timedelta(minutes=duty.from_minute),
            datetime.combine(duty.on, datetime.min.time(), SHANGHAI) + timedelta(minutes=duty.to_minute),
        )
        for duty in made.duties
    )
    assert spans == expected
    assert len({str(event["uid"]) for event in events}) == len(events)
    assert all(event["dtstart"].dt.utcoffset() == timedelta(0) for event in events)


def test_ones_own_calendar_has_ones_own_days_only(made: Roster) -> None:
    person = made.people[0].number
    events = Calendar.from_ical(calendar(made, person)).walk("VEVENT")
    assert len(events) == len(made.of(person)) > 0
    assert all(str(event["summary"]).startswith(f"{person} ") for event in events)
    with pytest.raises(ValueError, match=r"^person: 9999 is not in this roster"):
        calendar(made, "9999")


def test_lines_end_and_fold_as_the_standard_asks(made: Roster) -> None:
    """RFC 5545, 3.1: CRLF, and no line longer than 75 octets."""
    text = calendar(made)
    assert text.endswith("END:VCALENDAR\r\n")
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    assert "\n" not in text.replace("\r\n", "")


def test_a_folder_holds_the_roster_and_a_calendar_for_each(made: Roster, tmp_path: Path) -> None:
    files = write_roster(made, tmp_path / "january")
    assert all(file.stat().st_size for file in files)
    assert len(files) == 2 + len(made.people)
    assert (tmp_path / "january" / "roster.csv").read_bytes().startswith(b"\xef\xbb\xbfweek,")
    people = {path.stem for path in (tmp_path / "january" / "people").iterdir()}
    assert people == {person.number for person in made.people}
