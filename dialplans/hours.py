"""When somebody is there: weekly hours, public holidays, make-up working days; pure functions of an instant.

A working day in China is not Monday to Friday: every November the State Council publishes next year's
holidays and the weekend days on which people work to make up for them (国务院办公厅关于部分节假日安排的通知).
`chinese_calendar` keeps these arrangements; `holidays` knows the statutory days (全国年节及纪念日放假办法)
of the years that are not published yet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache

# China has kept UTC+8 without summer time since 1992: no zone database is needed.
SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY = 1440  # minutes

_IN_CHINESE = {
    "New Year's Day": "元旦",
    "Spring Festival": "春节",
    "Tomb-sweeping Day": "清明",
    "Labour Day": "劳动节",
    "Dragon Boat Festival": "端午",
    "National Day": "国庆节",
    "Mid-autumn Festival": "中秋",
}

Ranges = tuple[tuple[int, int], ...]
"""Minutes since midnight, the end not included; a range that ends before it starts ends on the next day."""


def local(now_ms: int) -> datetime:
    """The instant (ms since 1970) as the city's clock shows it."""
    return datetime(1970, 1, 1, tzinfo=UTC).astimezone(SHANGHAI) + timedelta(milliseconds=now_ms)


def instant(moment: datetime | date) -> int:
    """Milliseconds since 1970; a date is its first moment, a time without a zone is the city's."""
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day)
    aware = moment if moment.tzinfo else moment.replace(tzinfo=SHANGHAI)
    return (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def clock(now_ms: int) -> str:
    """``2019-02-01 00:00``, the city's time."""
    return local(now_ms).strftime("%Y-%m-%d %H:%M")


@dataclass(frozen=True, slots=True)
class Day:
    """Whether people work on a day, and why.

    ``holiday``: it is a public one; ``makeup``: a weekend day worked in exchange for one. ``published`` is
    false for a year whose arrangement the kept library does not know: then the statutory days are known and
    no others.
    """

    works: bool
    why: str
    holiday: bool = False
    makeup: bool = False
    published: bool = True


@lru_cache(maxsize=4096)
def working_day(day: date) -> Day:
    """What the public calendar says of this day."""
    import chinese_calendar  # imported at the first question: most commands never ask

    weekend = day.weekday() >= 5
    try:
        works = bool(chinese_calendar.is_workday(day))
        name = _IN_CHINESE.get(chinese_calendar.get_holiday_detail(day)[1] or "", "")
    except NotImplementedError:
        return _statutory(day)
    if works and weekend:
        return Day(True, f"{_named(day)} is worked in exchange for a holiday ({name})", makeup=True)
    if works:
        return Day(True, f"{_named(day)} is a working day")
    if name:
        return Day(False, f"{_named(day)} is a public holiday ({name})", holiday=True)
    return Day(False, f"{_named(day)} is a weekend")


def _statutory(day: date) -> Day:
    """The same for a year without a published arrangement."""
    import holidays

    name = holidays.country_holidays("CN", years=[day.year], observed=False, language="zh_CN").get(day)
    state = "is not yet published" if day.year > 2004 else "is not kept"
    caveat = f"the State Council's arrangement for {day.year} {state}, so statutory days only"
    if name:
        return Day(
            False, f"{_named(day)} is a public holiday ({name}; {caveat})", holiday=True, published=False
        )
    what = "a weekend" if day.weekday() >= 5 else "a working day"
    return Day(day.weekday() < 5, f"{_named(day)} is {what} ({caveat})", published=False)


def _named(day: date) -> str:
    return f"{WEEKDAYS[day.weekday()].capitalize()} {day.isoformat()}"


@dataclass(frozen=True, slots=True)
class Hours:
    """Opening hours by weekday (``mon`` to ``sun``; a weekday without an entry is closed).

    ``calendar``: the public holidays close and the make-up days open, with the hours of weekday ``makeup``.
    ``special``: what holds on single dates instead of all that, ``()`` closed. A range that spans midnight
    belongs to the day on which it begins: on the morning after a closed day it is not open.
    """

    name: str
    weekly: Mapping[str, Ranges]
    calendar: bool = True
    makeup: str = "mon"
    special: Mapping[date, Ranges] | None = None

    def open_at(self, now_ms: int) -> tuple[bool, str]:
        """Whether somebody is there at the instant, and why, in words that end a sentence."""
        now = local(now_ms)
        minute = now.hour * 60 + now.minute
        today, yesterday = now.date(), now.date() - timedelta(days=1)
        ranges, why = self._day(today)
        if any(_within(minute, start, end) for start, end in ranges):
            return True, why
        before, why_before = self._day(yesterday)
        if any(end <= start and minute < end for start, end in before):
            return True, f"{why_before} and its hours last past midnight"
        if ranges:
            why = f"{why}, open {', '.join(written(item) for item in ranges)}"
        return False, why

    def _day(self, day: date) -> tuple[Ranges, str]:
        """The ranges that begin on a day."""
        if self.special and day in self.special:
            return self.special[day], f"{_named(day)} has hours of its own in the city file"
        weekday = WEEKDAYS[day.weekday()]
        if not self.calendar:
            return self.weekly.get(weekday, ()), f"it is {_named(day)}"
        known = working_day(day)
        if known.makeup:
            return self.weekly.get(self.makeup, ()), known.why
        if known.holiday:
            return (), known.why
        return self.weekly.get(weekday, ()), known.why


def _within(minute: int, start: int, end: int) -> bool:
    return start <= minute < end if start < end else minute >= start


def read_ranges(texts: Sequence[str]) -> Ranges:
    """Read ``08:30-12:00``; ``24:00`` is midnight at the end. Raises `ValueError` with fault and remedy."""
    ranges: list[tuple[int, int]] = []
    for text in texts:
        start, dash, end = text.replace("–", "-").partition("-")
        try:
            first, last = _minute(start), _minute(end)
        except ValueError:
            dash = ""
        if not dash:
            raise ValueError(f"{text!r} is no range of time: write it as 08:30-12:00")
        if first in (DAY, last):
            raise ValueError(f"{text!r} is empty: a whole day is 00:00-24:00")
        ranges.append((first, last))
    return tuple(ranges)


def _minute(text: str) -> int:
    hour, colon, minute = text.strip().partition(":")
    if not colon or not (hour.isdigit() and minute.isdigit() and len(minute) == 2 and len(hour) <= 2):
        raise ValueError(text)
    value = int(hour) * 60 + int(minute)
    if int(minute) > 59 or value > DAY:
        raise ValueError(text)
    return value


def written(span: tuple[int, int]) -> str:
    """A range as `read_ranges` reads it."""
    return "-".join(f"{minute // 60:02}:{minute % 60:02}" for minute in span)
