"""Where a scenario's records come from: CSV files as cities keep them, and the program's own call records."""

from __future__ import annotations

import asyncio
import csv
import io
import math
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from dialplans.hours import SHANGHAI
from hotline.city_faults import near
from hotline.scenario_records import Call, Count, Records, SourceFault, from_calls, from_counts

if TYPE_CHECKING:
    import sqlalchemy as sa

_COLUMNS: dict[str, tuple[str, ...]] = {
    "arrived": ("arrived", "来电时间", "呼入时间", "time"),
    "half_hour": ("half_hour", "时段", "interval"),
    "calls": ("calls", "来电量", "呼入量"),
    "line": ("line", "热线", "线路", "号码"),
    "caller": ("caller", "主叫", "主叫号码"),
    "answered": ("answered", "是否接通", "接通"),
    "wait_seconds": ("wait_seconds", "等待时长", "wait"),
    "talk_seconds": ("talk_seconds", "通话时长", "talk"),
    "wrap_up_seconds": ("wrap_up_seconds", "话后时长", "话后处理时长", "wrap_up"),
}
_NAMES = {name.casefold(): column for column, names in _COLUMNS.items() for name in names}
_NO = frozenset({"0", "no", "n", "false", "否", "未接通", "abandoned", "放弃"})
_YES = frozenset({"1", "yes", "y", "true", "是", "接通", "已接通", "answered"})
_DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::\d{2}(?:\.\d+)?)?")
_START = datetime(1970, 1, 1)


Progress = Callable[[int, int], None]
"""told now and then: so much has been read, of so much"""
_OFTEN = 20_000


def read(
    source: str,
    home: Path | None,
    first: date | None,
    last: date | None,
    *,
    city: str | None,
    tries: bool,
    progress: Progress | None = None,
) -> Records:
    """The records of a scenario. ``source``: a file's path, from ``home`` on, or a database's address. Raises `SourceFault`."""
    source = source.removeprefix("sqlite:///")  # a file that is not there is told, and not made
    if source.startswith(("postgresql://", "postgresql+")):
        return from_calls(_stored(source, city, first, last, progress), first, last, tries=tries)
    path = (home or Path()) / source
    try:
        with path.open("rb") as file:
            begin = file.read(16)
    except OSError as error:
        raise SourceFault(
            f"{source} can't be read ({(error.strerror or str(error)).lower()}): give a file"
        ) from None
    if begin.startswith(b"SQLite format 3"):
        return from_calls(_stored(str(path), city, first, last, progress), first, last, tries=tries)
    try:
        return _csv(_text(path), first, last, tries, progress)
    except SourceFault as fault:
        raise SourceFault(f"{path.name}: {fault}") from None


# ── CSV ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _text(path: Path) -> str:
    """UTF-8, or what a Chinese spreadsheet writes."""
    data = path.read_bytes()
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise SourceFault("is a spreadsheet's own file: save it there as CSV in UTF-8")
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise SourceFault("is not text in UTF-8 or GB18030: save it as CSV in UTF-8")


def _csv(text: str, first: date | None, last: date | None, tries: bool, progress: Progress | None) -> Records:
    """A table of calls (it has a column ``arrived``) or of counts (``half_hour`` and ``calls``)."""
    head = text.partition("\n")[0]
    file = io.StringIO(text, newline="")
    rows: Iterator[list[str]] = csv.reader(file, delimiter=max(",;\t", key=head.count))
    if progress is not None:
        rows = _watched(rows, file, len(text), progress)
    header = next(rows, [])
    columns = {
        _NAMES[name.strip().casefold()]: place
        for place, name in enumerate(header)
        if name.strip().casefold() in _NAMES
    }
    if "arrived" in columns:
        return from_calls(_calls(rows, columns), first, last, tries=tries)
    if "half_hour" in columns and "calls" in columns:
        return from_counts(list(_counts(rows, columns)), first, last)
    shown = next((name.strip() for name in header if name.strip()), "")
    remedy = near(shown.casefold(), list(_NAMES), "name the columns arrived, or half_hour and calls")
    raise SourceFault(f"line 1: no column arrived, and none half_hour with calls: {remedy}")


def _watched(
    rows: Iterator[list[str]], file: io.StringIO, size: int, progress: Progress
) -> Iterator[list[str]]:
    for number, row in enumerate(rows, start=1):
        if number % _OFTEN == 0:
            progress(file.tell(), size)
        yield row


def _cells(
    rows: Iterator[list[str]], columns: dict[str, int], names: Sequence[str]
) -> Iterator[tuple[int, list[str]]]:
    """The table's lines with their numbers, the cells in the order of ``names``; a column that is not there is empty."""
    places = [columns.get(name, -1) for name in names]
    most = max(places)
    for number, row in enumerate(rows, start=2):
        cells = row
        if len(cells) <= most:
            if not any(cells):
                continue
            cells = cells + [""] * (most + 1 - len(cells))
        yield number, [cells[place].strip() if place >= 0 else "" for place in places]


def _calls(rows: Iterator[list[str]], columns: dict[str, int]) -> Iterator[Call]:
    names = ("arrived", "line", "caller", "answered", "wait_seconds", "talk_seconds", "wrap_up_seconds")
    # where nobody says whether it was answered, a call with a talk was
    by_talk = "answered" not in columns and "talk_seconds" in columns
    known = by_talk or "answered" in columns
    for number, (arrived, line, caller, told, waited, talked, wrapped) in _cells(rows, columns, names):
        talk = _seconds(number, "talk_seconds", talked)
        wait = _seconds(number, "wait_seconds", waited)
        wrap_up = _seconds(number, "wrap_up_seconds", wrapped)
        minute = _instant(number, "arrived", arrived)
        answered = _answered(number, told) if told else talk is not None and talk > 0 if by_talk else True
        if answered:
            yield Call(
                minute, line or None, caller or None, True, wait if known else None, False, talk, wrap_up
            )
        else:
            yield Call(minute, line or None, caller or None, False, wait if known else None, True)


def _answered(number: int, told: str) -> bool:
    text = told.casefold()
    if text in _YES:
        return True
    if text not in _NO:
        raise SourceFault(f"line {number}: answered is {told[:20]!r}: write 1 or 0")
    return False


def _counts(rows: Iterator[list[str]], columns: dict[str, int]) -> Iterator[Count]:
    for number, (half_hour, text, line) in _cells(rows, columns, ("half_hour", "calls", "line")):
        try:
            calls = float(text) if text else None
        except ValueError:
            calls = -1.0
        if calls is not None and not 0 <= calls < 1e9:
            raise SourceFault(
                f"line {number}: calls is {text[:20]!r}: write a number, or nothing where nobody counted"
            )
        yield Count(_instant(number, "half_hour", half_hour), calls, line or None)


def _instant(number: int, column: str, text: str) -> int:
    """Minutes since 1970 in the city's time.

    ``2026-01-05 08:03:12``, ``2026/1/5 8:03``, with a zone, or milliseconds since 1970.
    """
    day, _, clock = text.partition(" ")
    try:
        # most are written in this way: the same few days and minutes again and again
        return _day(day) + _minute(clock)
    except ValueError:
        pass
    try:
        if text.isdigit() and len(text) >= 12:
            moment = datetime.fromtimestamp(int(text) / 1000, UTC).astimezone(SHANGHAI).replace(tzinfo=None)
        else:
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is not None:
                moment = moment.astimezone(SHANGHAI).replace(tzinfo=None)
    except (ValueError, OverflowError, OSError):
        raise SourceFault(
            f"line {number}: {column} is {text[:30]!r}: write it as 2026-01-05 08:03:12"
        ) from None
    return (moment - _START) // timedelta(minutes=1)


@lru_cache(maxsize=4096)
def _day(text: str) -> int:
    """Minutes from 1970 to a day. Raises ``ValueError`` for what is none."""
    found = _DAY.fullmatch(text)
    if found is None:
        raise ValueError(text)
    year, month, day = (int(part) for part in found.groups())
    return (datetime(year, month, day) - _START) // timedelta(minutes=1)


@lru_cache(maxsize=100_000)
def _minute(text: str) -> int:
    """Minutes since midnight. Raises ``ValueError`` for what is no time of day."""
    found = _CLOCK.fullmatch(text)
    if found is None or int(found[1]) > 23 or int(found[2]) > 59:
        raise ValueError(text)
    return int(found[1]) * 60 + int(found[2])


def _seconds(number: int, column: str, text: str) -> float | None:
    """``95``, ``95.5``, ``1:35`` or ``0:01:35``; nothing is `None`."""
    if not text:
        return None
    seconds = 0.0
    parts = text.replace("：", ":").split(":")
    try:
        for part in parts:
            value = float(part)
            seconds = seconds * 60 + value if value >= 0 else math.nan
    except ValueError:
        seconds = math.nan
    if len(parts) > 3 or not seconds < 1e6:
        raise SourceFault(f"line {number}: {column} is {text[:20]!r}: write seconds, or 0:01:35")
    return seconds


# ── the program's own records ────────────────────────────────────────────────────────────────────────────────


def _stored(
    url: str, city: str | None, first: date | None, last: date | None, progress: Progress | None
) -> list[Call]:
    """The calls that came in, of one city. Raises `SourceFault`."""
    from hotline import records
    from hotline.records_schema import call_records

    async def asked() -> list[Call]:
        store = records.RecordStore(url)
        try:
            return await store.look(
                lambda connection: list(_select(connection, call_records, city, first, last, progress))
            )
        finally:
            await store.close()

    try:
        # the caller may be inside an event loop of its own
        with ThreadPoolExecutor(1) as beside:
            return beside.submit(asyncio.run, asked()).result()
    except records.RecordsFault as fault:
        raise SourceFault(str(fault)) from None


def _select(
    connection: sa.Connection,
    table: sa.Table,
    city: str | None,
    first: date | None,
    last: date | None,
    progress: Progress | None,
) -> Iterator[Call]:
    import sqlalchemy as sa

    column = table.c
    cities: Sequence[str] = (
        connection.execute(sa.select(column.city).distinct().order_by(column.city)).scalars().all()
    )
    if city is None and len(cities) > 1:
        raise SourceFault(f"the database has {', '.join(cities)}: write city and which")
    if city is not None and city not in cities:
        raise SourceFault(
            f"the database has no calls of {city}: {near(city, cities, 'write one of ' + ', '.join(cities or ['none']))}"
        )
    query = sa.select(
        column.arrived,
        column.line,
        column.caller,
        column.disposition,
        column.queued,
        column.seat_answered,
        column.ended,
        column.wrap_up_ended,
    ).where(column.direction == "in")
    # what a line's own people answered, or a notice ended, never asked for a seat; whom the machine contained would have,
    # and a scenario's `contained` is a share of them all
    query = query.where(
        sa.or_(
            column.queued.is_not(None),
            column.disposition.in_(("answered", "abandoned", "refused", "contained")),
        )
    )
    if city is not None:
        query = query.where(column.city == city)
    if first is not None:
        query = query.where(column.arrived >= _ms(first))
    if last is not None:
        query = query.where(column.arrived < _ms(last + timedelta(days=1)))
    total: int = connection.execute(sa.select(sa.func.count()).select_from(query.subquery())).scalar_one()
    for number, row in enumerate(connection.execute(query), start=1):
        if progress is not None and number % _OFTEN == 0:
            progress(number, total)
        yield _call(*row)


def _call(
    arrived: int,
    line: str | None,
    caller: str,
    disposition: str,
    queued: int | None,
    answered: int | None,
    ended: int | None,
    wrapped: int | None,
) -> Call:
    """A record as the planner sees it; 8 hours ahead of Greenwich, without summer time."""
    until = answered if answered is not None else ended
    talk = (ended - answered) / 1000 if ended is not None and answered is not None else None
    return Call(
        minute=(arrived + 8 * 3_600_000) // 60_000,
        line=line,
        caller=caller or None,
        answered=answered is not None or disposition == "contained",
        wait=(until - queued) / 1000 if until is not None and queued is not None else None,
        hung_up=answered is None and disposition == "abandoned",
        talk=talk,
        wrap_up=(wrapped - ended) / 1000
        if talk is not None and wrapped is not None and ended is not None
        else None,
    )


def _ms(day: date) -> int:
    return ((day - _START.date()).days * 24 - 8) * 3_600_000


__all__ = ["read"]
