"""Breaks, classes of service and calls out, as a city file says them: built and checked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from acd.service_class import EMERGENCIES, OutgoingSetup, ServiceClass, fits, pattern_fault
from acd.setup import BreakSetup
from dialplans.number import Number, NumberFault
from hotline.city_faults import unknown_word
from hotline.city_seats import BreakTable

if TYPE_CHECKING:
    from hotline.city_schema import CityFile
from hotline.city_switch import TrunkTable


def break_names(file: CityFile) -> dict[str, str]:
    """What each break is called, by its digit."""
    return {digit: told.name if isinstance(told, BreakTable) else told for digit, told in file.breaks.items()}


def break_rules(file: CityFile) -> dict[str, BreakSetup]:
    """The limits of the breaks that have any."""
    return {
        digit: BreakSetup(
            longest_ms=_ms(told.minutes),
            per_shift_ms=_ms(told.minutes_per_shift),
            at_once=told.at_once,
            at_once_group=told.at_once_per_team,
            queued=told.beyond == "queue",
        )
        for digit, told in file.breaks.items()
        if isinstance(told, BreakTable)
    }


def _ms(minutes: float | None) -> int | None:
    return None if minutes is None else round(minutes * 60_000)


def outgoing(file: CityFile, trunks: list[TrunkTable]) -> OutgoingSetup:
    """How calls go out; ``trunks``: those of its route."""
    told = file.outgoing
    number = Number.read(file.number, file.area)
    return OutgoingSetup(
        trunks=tuple((trunk.name, trunk.prefix) for trunk in trunks),
        shows=told.shows or f"{number.area}{number.local}",
        lines={Number.read(line, file.area).shown(file.area): shown for line, shown in told.lines.items()},
        classes={
            table.name: ServiceClass(
                table.name,
                frozenset(table.allows),
                tuple(table.numbers),
                tuple(table.never),
                table.shows or "",
            )
            for table in file.classes
        },
        default=told.class_ or "",
        ring_ms=round(told.ring_seconds * 1000),
        wrap_up_ms=round(told.wrap_up_seconds * 1000),
    )


def faults(file: CityFile) -> Iterator[str]:
    """What does not agree."""
    yield from _out(file)
    yield from _classes(file)
    yield from _people(file)
    teams = {table.team for table in file.agents}
    for digit, told in file.breaks.items():
        if isinstance(told, BreakTable):
            both = told.minutes is not None and told.minutes_per_shift is not None
            if both and told.minutes > told.minutes_per_shift:  # type: ignore[operator]
                yield f"breaks.{digit}.minutes: one is longer than all in a shift may be: write it shorter"
            if told.beyond == "queue" and told.at_once is None and told.at_once_per_team is None:
                yield f"breaks.{digit}.beyond: nobody ever waits without at_once: write at_once or take it out"
            if told.at_once_per_team is not None and teams == {None}:
                yield f"breaks.{digit}.at_once_per_team: there are no teams: write team in agents or take it out"


def _out(file: CityFile) -> Iterator[str]:
    told = file.outgoing
    routes = [*(trunk.name for trunk in file.trunks), *(group.name for group in file.groups)]
    if told.route is not None and told.route not in routes:
        yield f"outgoing.route: {unknown_word('trunk or group', told.route, routes)}"
    known = {_number(line.number, file.area) for line in file.lines}
    known |= {_number(text, file.area) for text in (file.number, *file.also)}
    for line in told.lines:
        if (number := _number(line, file.area)) is None or number not in known:
            yield f"outgoing.lines.{line}: {line} is no line of the city: add it to lines or take it out"


def _number(text: str, area: str) -> Number | None:
    try:
        return Number.read(text, area)
    except NumberFault:
        return None


def _classes(file: CityFile) -> Iterator[str]:
    seen: dict[str, int] = {}
    for place, table in enumerate(file.classes):
        where = f"classes[{place}]"
        if table.name in seen:
            yield f"{where}.name: {table.name} stands in classes[{seen[table.name]}] already: give it another"
        seen.setdefault(table.name, place)
        for key in ("numbers", "never"):
            for item, pattern in enumerate(getattr(table, key)):
                if fault := pattern_fault(pattern):
                    yield f"{where}.{key}[{item}]: {fault}"
                elif key == "never" and (barred := [n for n in sorted(EMERGENCIES) if fits(n, pattern)]):
                    yield f"{where}.never[{item}]: {barred[0]} can't be barred: write a narrower pattern"


def _people(file: CityFile) -> Iterator[str]:
    names = [table.name for table in file.classes]
    given = [("outgoing.class", file.outgoing.class_)]
    given += [(f"seats[{place}].class", row.class_) for place, row in enumerate(file.seats)]
    for place, row in enumerate(file.agents):
        given.append((f"agents[{place}].class", row.class_))
        given += [
            (f"agents[{place}].people[{item}].class", one.class_) for item, one in enumerate(row.people)
        ]
        if row.shift is not None and row.shift not in file.hours:
            yield f"agents[{place}].shift: {unknown_word('opening hours', row.shift, list(file.hours))}"
        if row.shift is None and "shift_end" in row.model_fields_set:
            yield f"agents[{place}].shift_end: there is no shift to end: write shift or take it out"
    for where, name in given:
        if name is not None and name not in names:
            yield f"{where}: {unknown_word('class', name, names)}"
