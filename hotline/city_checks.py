"""What must agree between the numbers and rules of a city file: lines ``place: fault: remedy``.

The trunks, queues, seats and people are checked in `hotline.city_equipment`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time

from dialplans.hours import SHANGHAI, instant
from dialplans.number import Number, NumberFault, is_area
from hotline import city_equipment, city_recording, city_service, city_sms, city_speech, city_waiting
from hotline.city_build import EVERYWHERE, number_or_none
from hotline.city_faults import unknown_word
from hotline.city_schema import CityFile, Line, Notices, Rule

_SPOKEN = {"number": "12345", "name": "热线"}


def faults(file: CityFile) -> list[str]:
    """Every fault that is between values rather than in one."""
    checks = (
        _numbers,
        _rules,
        _routes,
        _words,
        city_service.faults,
        city_recording.faults,
        city_waiting.faults,
        city_speech.faults,
        _sms,
    )
    own = [fault for check in checks for fault in check(file)]
    return own + list(city_equipment.faults(file, list(_each_rule(file))))


def _sms(file: CityFile) -> Iterator[str]:
    return city_sms.faults(file.sms)


def _numbers(file: CityFile) -> Iterator[str]:
    if not is_area(file.area):
        yield f"area: {file.area} is no area code in China: write 010, 02x or 0xxx"
    seen: dict[Number, str] = {}
    given = [("number", file.number)]
    given += [(f"also[{place}]", text) for place, text in enumerate(file.also)]
    given += [(f"lines[{place}].number", line.number) for place, line in enumerate(file.lines)]
    for where, text in given:
        try:
            number = Number.read(text, file.area)
        except NumberFault as fault:
            yield f"{where}: {fault}"
            continue
        if number in seen:
            yield f"{where}: {number.shown(file.area)} stands in {seen[number]} already: take one out"
        seen.setdefault(number, where)


def _each_rule(file: CityFile) -> Iterator[tuple[str, Rule]]:
    for place, line in enumerate(file.lines):
        yield f"lines[{place}]", line
        for later, change in enumerate(line.changes):
            yield f"lines[{place}].changes[{later}]", change
    if file.unknown:
        yield "unknown", file.unknown


def _rules(file: CityFile) -> Iterator[str]:
    for where, rule in _each_rule(file):
        yield from _rule(where, rule)
    for place, line in enumerate(file.lines):
        yield from _cutovers(f"lines[{place}]", line)
        digits = number_or_none(line.number, file.area)
        if digits and digits.local in EVERYWHERE:
            for where, rule in ((f"lines[{place}]", line), *_changes(place, line)):
                if rule.treatment != "emergency":
                    yield f"{where}.treatment: {digits.local} is an emergency number: write emergency"


def _changes(place: int, line: Line) -> list[tuple[str, Rule]]:
    return [(f"lines[{place}].changes[{later}]", change) for later, change in enumerate(line.changes)]


def _rule(where: str, rule: Rule) -> Iterator[str]:
    """A key that says nothing under this treatment is a misunderstanding, and a silent one."""
    given = rule.model_fields_set
    for key, treatment in (
        ("transition", "withdrawn"),
        ("transition_until", "withdrawn"),
        ("after", "withdrawn"),
        ("told", "withdrawn"),
        ("seats", "parallel"),
        ("experts", "parallel"),
        ("hours", "parallel"),
    ):
        if key in given and rule.treatment != treatment:
            yield f"{where}.{key}: only a {treatment} line has it, this one is {rule.treatment}: take it out"
    if "experts" in given and rule.treatment == "parallel" and rule.seats != "experts":
        yield f'{where}.experts: the line has no expert seats: write seats = "experts" or take it out'
    if rule.hours and rule.treatment == "parallel" and rule.seats != "own":
        yield f"{where}.hours: seats inside 12345 answer day and night: take it out"
    if rule.transition_until is not None:
        until = rule.transition_until
        if not rule.transition:
            yield f"{where}.transition_until: the line has no transition: take one of the two out"
        elif rule.from_ and instant(datetime.combine(until, time(23, 59), SHANGHAI)) < instant(rule.from_):
            yield f"{where}.transition_until: ends before it starts ({_day(rule.from_)}): set a later day"
    if where == "unknown" and rule.treatment not in ("absorbed", "withdrawn"):
        yield "unknown.treatment: such numbers have no people of their own: write withdrawn or absorbed"
    if rule.told and rule.after != "told":
        yield f'{where}.told: nobody hears it: write after = "told" or take it out'


def _cutovers(where: str, line: Line) -> Iterator[str]:
    last = line.from_
    for later, change in enumerate(line.changes):
        here = f"{where}.changes[{later}].from"
        if change.from_ is None:
            yield f"{here}: is missing: write the day of the cutover"
        elif last is not None and instant(change.from_) <= instant(last):
            yield f"{here}: {_day(change.from_)} is not after {_day(last)}: put the changes in order"
        last = change.from_ or last


def _day(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d" if moment.time() == time() else "%Y-%m-%d %H:%M")


def _routes(file: CityFile) -> Iterator[str]:
    """Every route, queue and opening hours that a rule names is there, and no rule lacks a route."""
    routes = [*(trunk.name for trunk in file.trunks), *(group.name for group in file.groups)]
    given = [("emergency", file.emergency.route)]
    given += [("departments", file.departments.route)] if file.departments else []
    for where, route in given:
        if route not in routes:
            yield f"{where}.route: {unknown_word('trunk or group', route, routes)}"
    queues = [queue.name for queue in file.queues]
    for where, rule in _each_rule(file):
        if rule.route is not None and rule.route not in routes:
            yield f"{where}.route: {unknown_word('trunk or group', rule.route, routes)}"
        if rule.queue is not None and rule.queue not in queues:
            yield f"{where}.queue: {unknown_word('queue', rule.queue, queues)}"
        if rule.hours is not None and rule.hours not in file.hours:
            yield f"{where}.hours: {unknown_word('opening hours', rule.hours, list(file.hours))}"
        own = rule.treatment == "parallel" and rule.seats == "own"
        if (own or rule.treatment in ("subcentre", "independent")) and rule.route is None:
            yield f"{where}.route: is missing: name the trunk or group that leads to its own people"
        if rule.route is not None and rule.treatment in ("absorbed", "withdrawn"):
            yield f"{where}.route: the city's seats answer a line that is {rule.treatment}: take it out"
        if rule.route is not None and rule.treatment == "parallel" and rule.seats != "own":
            yield f"{where}.route: the line's seats are inside 12345: take it out"
        if rule.pass_number is not None and number_or_none(rule.pass_number, file.area) is None:
            yield f"{where}.pass_number: {rule.pass_number!r} can't be dialled: write a telephone number"


def _words(file: CityFile) -> Iterator[str]:
    given = [(f"notices.{key}", getattr(file.notices, key)) for key in Notices.model_fields]
    for where, rule in _each_rule(file):
        given += [(f"{where}.{key}", text) for key in ("notice", "told") if (text := getattr(rule, key))]
    for where, text in given:
        try:
            text.format(**_SPOKEN)
        except (KeyError, IndexError, ValueError):
            yield f"{where}: only {{number}} and {{name}} can stand in braces: mend {text!r}"
