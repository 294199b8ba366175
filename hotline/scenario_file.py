"""Read a scenario: a built-in one by its name, or a TOML file by its path.

```python
scenario = load("storm")                            # or a path to a TOML file of one's own
```
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hotline import scenario_sources
from hotline.city import City
from hotline.city_faults import CityFault, near, syntax_fault, value_faults
from hotline.logs import OwnersFault
from hotline.scenario_build import Build
from hotline.scenario_city import CityBase, written
from hotline.scenario_history import remarks, strangers, with_records
from hotline.scenario_records import Records, SourceFault
from hotline.scenario_rules import rules_of
from hotline.scenario_schema import RecordsTable, ScenarioFile, remedy
from hotline.scenario_sources import Progress
from simulator.forecast import Forecast
from simulator.rules import Rules
from simulator.scenario import Scenario
from simulator.scenario_faults import faults

_BUILT_IN = resources.files("simulator") / "scenarios"
_DEEPEST = 8
"""so many scenarios may stand on one another"""


class ScenarioFault(OwnersFault):
    """A scenario that can't be used. ``faults``: one line each, ``place: fault: remedy``."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults: tuple[str, ...] = tuple(faults)
        super().__init__("\n".join(self.faults))


def built_in() -> tuple[str, ...]:
    """The names of the scenarios that come with the program."""
    names = (entry.name for entry in _BUILT_IN.iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


@dataclass(frozen=True)
class Loaded:
    """A scenario and what it stands on.

    ``city``: whose lines and people it has, ``None`` where all stands in the file. ``dialled``: by line's name what its
    callers dial, and the key that they press then, if any; without the lines that are wholly the file's. ``records`` and
    ``forecast``: where arrivals come from records; ``remarks``: what should be known of all this, in sentences. ``rules``: of
    shifts.
    """

    scenario: Scenario
    city: City | None = None
    dialled: Mapping[str, tuple[str, str | None]] = field(default_factory=dict)
    records: Records | None = None
    forecast: Forecast | None = None
    remarks: tuple[str, ...] = ()
    rules: Rules = field(default_factory=Rules)


def load(name_or_path: str | Path) -> Scenario:
    """A built-in scenario by its name, or a TOML file by its path. Raises `ScenarioFault` with every fault."""
    return open_scenario(name_or_path).scenario


def base(name_or_path: str | Path) -> City | None:
    """The city that a scenario stands on. Raises `ScenarioFault` with every fault."""
    return open_scenario(name_or_path).city


def open_scenario(name_or_path: str | Path, *, progress: Progress | None = None) -> Loaded:
    """A scenario with what it stands on. ``progress``: told while records are read. Raises `ScenarioFault` with every fault."""
    text, name, shown, home = _source(name_or_path)
    return from_values(_layered(text, shown, home), name, shown, home, progress=progress)


def read(text: str, name: str, shown: str | None = None, home: Path | None = None) -> Loaded:
    """A scenario from its file's text. ``shown`` names it in faults; ``home`` is where its own files lie."""
    shown = shown or f"{name}.toml"
    return from_values(_layered(text, shown, home), name, shown, home)


def from_values(
    values: Mapping[str, Any],
    name: str,
    shown: str = "scenario",
    home: Path | None = None,
    *,
    progress: Progress | None = None,
) -> Loaded:
    """A scenario from what its file says, scenarios below included. ``shown`` and ``home`` as in `read`."""
    try:
        file = ScenarioFile.model_validate(values)
    except ValidationError as error:
        raise ScenarioFault([f"{shown}: {fault}" for fault in value_faults(error, (), remedy)]) from None
    city = _city(file, shown, home)
    build = Build(name, file, city, home)
    made = Loaded(build.scenario())
    if city is not None:
        made = replace(made, city=city.city, dialled=build.dialled(), remarks=_left_out(city))
    found = build.faults
    if not found and file.records is not None:
        made, found = _recorded(made, file, file.records, home, progress)
    found = found or list(dict.fromkeys(_as_written(fault, made.scenario) for fault in faults(made.scenario)))
    try:
        made = replace(made, rules=rules_of(file.rules))
    except ValueError as fault:
        found = [*found, str(fault)]
    if not found and file.seats is not None:
        try:
            made = replace(made, scenario=made.scenario.with_seats(file.seats))
        except ValueError as fault:
            found = [str(fault)]
    if found:
        raise ScenarioFault([f"{shown}: {fault}" for fault in found])
    return made


def _as_written(fault: str, scenario: Scenario) -> str:
    """A fault in a group's shift, told of the shift's own table."""
    place = re.match(r"groups\.(.+?)\.shifts\[(\d+)\]\.(?!seats)", fault)
    if place is None:
        return fault
    shifts = {group.name: group.shifts for group in scenario.groups}[place[1]]
    return f"shifts.{shifts[int(place[2])].name}.{fault[place.end() :]}"


def _left_out(city: CityBase) -> tuple[str, ...]:
    found = city.left_out()
    if not found:
        return ()
    return (
        f"The city's file also asks for {', '.join(found)}: scenarios have no word for that, it is not played.",
    )


def _recorded(
    made: Loaded, file: ScenarioFile, table: RecordsTable, home: Path | None, progress: Progress | None
) -> tuple[Loaded, list[str]]:
    """The scenario with what its records say, and what is wrong with them."""
    name = table.city or (made.city.name if made.city is not None else None)
    try:
        records = scenario_sources.read(
            table.file,
            home,
            table.from_,
            table.to,
            city=name,
            tries=file.retrial is None,
            progress=progress,
        )
    except SourceFault as fault:
        return made, [f"records.file: {fault}"]
    numbers = {line.name: line.name for line in made.scenario.lines}
    numbers |= {number: name for name, (number, key) in made.dialled.items() if key is None}
    if made.city is not None:  # 0371-12315 is 12315
        shown = {number: written(number, made.city) for number in records.lines}
        numbers |= {number: numbers[text] for number, text in shown.items() if text in numbers}
    rest = next(
        (name for name, line in file.lines.items() if line.share is None), made.scenario.lines[0].name
    )
    try:
        scenario, told = with_records(made.scenario, table, records, rest, numbers)
    except ValueError as fault:
        return made, [f"records: {fault}"]
    sentences = (*made.remarks, *remarks(records, told))
    if table.shares:
        sentences += tuple(strangers(records, rest, numbers))
    return replace(made, scenario=scenario, records=records, forecast=told, remarks=sentences), []


def _layered(text: str, shown: str, home: Path | None) -> dict[str, Any]:
    """The file's values upon those of the scenarios that it stands on: tables key by key, all else whole."""
    layers: list[dict[str, Any]] = []
    seen = [(home, shown)]
    while True:
        try:
            values = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ScenarioFault([f"{shown}: {syntax_fault(error)}"]) from None
        layers.append(values)
        under = values.get("base")
        if not isinstance(under, str):  # none; what is no text is told with the other values
            break
        text, _, below, home = _source(under, home, f"{shown}: base")
        if (home, below) in seen or len(seen) == _DEEPEST:
            chain = " stands on ".join([*(named for _, named in seen), below])
            raise ScenarioFault([f"{shown}: base: {chain}: take one of them out"])
        seen.append((home, below))
        shown = below
    made: dict[str, Any] = {}
    for layer in reversed(layers):
        made = merged(made, layer)
    return made


def merged(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """One layer upon another."""
    made = dict(under)
    for key, value in over.items():
        before = made.get(key)
        both = isinstance(before, dict) and isinstance(value, dict)
        made[key] = merged(before, value) if both else value  # type: ignore[arg-type]
    return made


def _city(file: ScenarioFile, shown: str, home: Path | None) -> CityBase | None:
    if file.city is None:
        return None
    path = file.city if file.city in City.built_in() or home is None else home / file.city
    try:
        return CityBase(City.load(path if Path(path).suffix else file.city), file.start)
    except CityFault as fault:
        raise ScenarioFault([f"{shown}: city: {told}" for told in fault.faults]) from None


def _source(
    name_or_path: str | Path, home: Path | None = None, place: str = ""
) -> tuple[str, str, str, Path | None]:
    """Text, name, name for faults, and folder of a scenario's file. ``home``: where a path begins, ``place``: who asks."""
    asked = str(name_or_path)
    told = f"{place}: {asked}" if place else asked
    if asked in built_in():
        return (_BUILT_IN / f"{asked}.toml").read_text(encoding="utf-8"), asked, f"{asked}.toml", None
    path = (home or Path()) / asked
    if not path.suffix and not path.exists() and os.sep not in asked:
        remedy = near(asked, built_in(), f"write one of {', '.join(built_in())}, or a path to a TOML file")
        raise ScenarioFault([f"{told}: no built-in scenario has this name: {remedy}"])
    try:
        return path.read_text(encoding="utf-8-sig"), path.stem, path.name, path.parent
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise ScenarioFault([f"{told}: can't be read ({why}): give the path of a scenario's file"]) from None
    except UnicodeError:
        raise ScenarioFault([f"{told}: is not text in UTF-8: save it as UTF-8"]) from None
