"""What a city file says of waiting, of calling back and of single days: built, and checked (``place: fault: remedy``)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from acd.backs import open_at
from acd.preferences import caller_key
from acd.setup import CallBackSetup, WordsSetup
from dialplans.notices import DayNotices
from dialplans.number import Number, NumberFault
from hotline.city_schema import CityFile, QueueTable

DAY_MINUTES = 24 * 60


def words(table: QueueTable) -> WordsSetup:
    """What a waiting caller of this queue is told."""
    said = table.waiting
    if said is None:
        return WordsSetup()
    return WordsSetup(
        first_ms=round(said.first_seconds * 1000),
        every_ms=round(said.every_seconds * 1000),
        position=said.position,
        wait=said.expected_wait,
        words=tuple(said.words),
    )


def callback(file: CityFile) -> CallBackSetup:
    """How callers are called back."""
    table = file.call_back
    texts = {
        key: tuple(given)
        for key in ("offer", "number", "confirm", "thanks", "not_possible", "told")
        if (given := getattr(table, key))
    }
    return CallBackSetup(
        key=table.key,
        missed=table.missed,
        from_minute=minute(table.from_),
        to_minute=minute(table.to),
        tries=table.tries,
        again_ms=round(table.again_minutes * 60_000),
        ring_ms=round(table.ring_seconds * 1000),
        reserve=table.reserve,
        missed_after_ms=round(table.missed_after_seconds * 1000),
        expires_ms=round(table.expires_hours * 3_600_000),
        most=table.most,
        shown=caller_key(table.shown, file.area) if table.shown else "",
        **texts,
    )


def greetings(file: CityFile) -> dict[str, tuple[str, ...]]:
    """The greetings of single lines, by the line's number as the plan shows it."""
    found: dict[str, tuple[str, ...]] = {}
    for line in file.lines:
        if line.greeting is not None:
            found[Number.read(line.number, file.area).shown(file.area)] = tuple(line.greeting)
    return found


def days(file: CityFile) -> DayNotices:
    """What is said first on public holidays, and on single dates."""
    return DayNotices(
        file.days.holiday, {date.fromisoformat(day): text for day, text in file.days.dates.items()}
    )


def music(file: CityFile) -> tuple[str, ...]:
    """The directories of music that the queues play besides the usual one."""
    return tuple(dict.fromkeys(queue.music for queue in file.queues if queue.music))


def texts(file: CityFile) -> Iterator[str]:
    """Everything of these sections that a caller may hear."""
    for queue in file.queues:
        yield from words(queue).words
    for line in file.lines:
        yield from line.greeting or ()
    setup = callback(file)
    for said in (setup.offer, setup.number, setup.confirm, setup.thanks, setup.not_possible, setup.told):
        yield from said
    yield from days(file).texts


def told(file: CityFile, queue: str, at_ms: int) -> list[str]:
    """What happens to a caller who waits in this queue at an instant, in sentences."""
    table = next((one for one in file.queues if one.name == queue), None)
    said = table.waiting if table else None
    found: list[str] = []
    back = callback(file)
    if table and table.music:
        found.append(f"Hears the music of {table.music} while waiting.")
    if said is not None:
        kinds = [*(["the city's words"] if said.words else []), *(["the position"] if said.position else [])]
        kinds += ["the expected wait"] if said.expected_wait else []
        again = f", then every {said.every_seconds:g} s" if said.every_seconds else ""
        what = ", ".join(kinds) or f"the offer of {'a call-back' if back.key else 'speech'}"
        found.append(
            f"After {said.first_seconds:g} s of waiting{again}, hears {what}; a free seat cuts it short."
        )
    if said is not None and back.key:
        now = "now" if open_at(back, at_ms) else "not at this hour"
        found.append(
            f"Key {back.key}, pressed twice: is called back in the same place ({_hours(file)}; {now})."
        )
    if back.missed:
        tries = f"up to {back.tries} times ({_hours(file)})"
        found.append(f"If the caller gives up: is called back by a seat that is free, {tries}.")
    return found


def _hours(file: CityFile) -> str:
    return f"{file.call_back.from_} to {file.call_back.to}"


def minute(text: str) -> int:
    """``08:00`` in minutes since midnight; ``24:00`` is the day's end."""
    hours, _, minutes = text.partition(":")
    return int(hours) * 60 + int(minutes)


def faults(file: CityFile) -> Iterator[str]:
    """What can't be."""
    table = file.call_back
    if minute(table.from_) >= minute(table.to) or minute(table.to) > DAY_MINUTES:
        yield f"call_back.from: {table.from_} to {table.to} is no time of one day: write an earlier time before a later one"
    if table.shown:
        try:
            Number.read(table.shown, file.area)
        except NumberFault as fault:
            yield f"call_back.shown: {fault}"
    for place, queue in enumerate(file.queues):
        said = queue.waiting
        where = f"queues[{place}].waiting"
        offered = table.key or (file.speech is not None and file.speech.waiting)
        if said is not None and not (said.position or said.expected_wait or said.words or offered):
            yield f"{where}: nothing is said: write position, expected_wait or words, or take it out"
        if said is not None and 0 < said.every_seconds < 15:
            tight = f"{said.every_seconds:g} s leaves no music between two announcements"
            yield f"{where}.every_seconds: {tight}: write 15 or more, or 0"
    if table.key and not any(queue.waiting for queue in file.queues):
        yield "call_back.key: no queue says anything while callers wait, so nobody hears of it: write [queues.waiting]"
    for day in file.days.dates:
        try:
            date.fromisoformat(day)
        except ValueError:
            yield f"days.dates.{day}: is no date: write it as 2026-05-20"
