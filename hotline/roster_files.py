"""A roster as files: CSV for spreadsheets, iCalendar (RFC 5545) for people's calendars."""

from __future__ import annotations

import csv
import io
from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from simulator.roster import Duty, Roster

ZONE = ZoneInfo("Asia/Shanghai")
COLUMNS = (
    "week",
    "date",
    "weekday",
    "person",
    "group",
    "from",
    "to",
    "meal",
    "meal_minutes",
    "paid_hours",
    "night",
)
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def table(roster: Roster) -> str:
    """One row a person and day, by day and time. ``from``, ``to`` and ``meal`` are instants with their offset."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for duty in roster.duties:
        meal = (
            None
            if duty.meal_minute is None
            else _instant(duty, duty.meal_minute).isoformat(timespec="minutes")
        )
        writer.writerow(
            [
                (duty.on - roster.start).days // 7 + 1,
                duty.on.isoformat(),
                _WEEKDAYS[duty.on.weekday()],
                duty.person,
                duty.group,
                _instant(duty, duty.from_minute).isoformat(timespec="minutes"),
                _instant(duty, duty.to_minute).isoformat(timespec="minutes"),
                meal or "",
                duty.pattern.kind.meal_minutes,
                f"{duty.pattern.kind.paid_minutes / 60:g}",
                "yes" if duty.pattern.is_night else "no",
            ]
        )
    return text.getvalue()


def calendar(roster: Roster, person: str | None = None) -> str:
    """An iCalendar file of one person, or of all. An event's UID says whose day it is: a roster imported again moves it.

    Raises ``ValueError`` for a person who is not in the roster.
    """
    from icalendar import Calendar, Event

    if person is not None and all(one.number != person for one in roster.people):
        raise ValueError(f"person: {person} is not in this roster: take one of its numbers")
    made = Calendar()
    made.add("prodid", "-//hotline//roster//EN")
    made.add("version", "2.0")
    made.add("x-wr-calname", f"{roster.name} {person}" if person else roster.name)
    stamp = datetime.combine(roster.start, time(0), ZONE)
    for duty in roster.duties if person is None else roster.of(person):
        event = Event()
        # the day is the event's name: a second roster for the same week replaces it in the calendar
        event.add("uid", f"{duty.on:%Y%m%d}-{duty.person}@{roster.name}")
        event.add("dtstamp", stamp.astimezone(ZoneInfo("UTC")))
        event.add("dtstart", _instant(duty, duty.from_minute).astimezone(ZoneInfo("UTC")))
        event.add("dtend", _instant(duty, duty.to_minute).astimezone(ZoneInfo("UTC")))
        event.add("summary", f"{duty.person} {duty.group}")
        if duty.meal_minute is not None:
            event.add(
                "description",
                f"用餐 meal {_instant(duty, duty.meal_minute):%H:%M}, {duty.pattern.kind.meal_minutes} min",
            )
        made.add_component(event)
    return str(made.to_ical().decode())


def write_roster(roster: Roster, folder: Path) -> list[Path]:
    """``roster.csv``, ``roster.ics`` and ``people/NUMBER.ics`` in a folder, which is made; returns the files."""
    people = folder / "people"
    people.mkdir(parents=True, exist_ok=True)
    files = [folder / "roster.csv", folder / "roster.ics"]
    # spreadsheets take a CSV for UTF-8 only when it begins with a mark
    files[0].write_text("\ufeff" + table(roster), encoding="utf-8", newline="")
    files[1].write_text(calendar(roster), encoding="utf-8", newline="")
    for person in roster.people:
        path = people / f"{person.number}.ics"
        path.write_text(calendar(roster, person.number), encoding="utf-8", newline="")
        files.append(path)
    return files


def _instant(duty: Duty, minute: int) -> datetime:
    """A minute of the duty's day, in the city's time; beyond 1,440 on the next day."""
    return datetime.combine(duty.on, time(0), ZONE) + timedelta(minutes=minute)
