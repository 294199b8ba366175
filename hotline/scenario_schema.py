"""What may stand in a scenario's file: its sections, their keys, and what a key may hold.

These models check each value for itself; what must agree between values is checked by `hotline.scenario_build` and
`simulator.scenario_faults`. The same models produce ``docs/scenario.schema.json``, by which an editor completes and
checks a scenario. Every section has a default, so that a file that stands on a ``base`` or a ``city`` says only what is
different.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from hotline.city_faults import near
from hotline.city_words import STRICT, Key, Level, Phone, Text, Word
from hotline.scenario_rules import RulesTable

Clock = Annotated[str, StringConstraints(pattern=r"^([0-3][0-9]|4[0-7]):[0-5][0-9]$|^48:00$")]
"""a time of day; beyond 24:00 it is on the next day"""
Share = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0, le=86_400)]
Factor = Annotated[float, Field(ge=0, le=1000)]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Section(BaseModel):
    """A table of the file: no key that is not known, no value of another type."""

    model_config = ConfigDict(**STRICT, allow_inf_nan=False)


class DurationTable(Section):
    """How long something takes, in seconds. A plain number is ``constant``."""

    kind: Literal["constant", "exponential", "lognormal", "weibull", "empirical"] = "constant"
    mean_seconds: Seconds | None = Field(default=None, description="of every kind but empirical")
    shape: float | None = Field(
        default=None,
        gt=0,
        le=20,
        description="lognormal: sigma of the logarithm; weibull: k (1 is exponential)",
    )
    sample_seconds: list[Seconds] | None = Field(
        default=None, min_length=2, description="empirical: as observed"
    )
    file: Text | None = Field(
        default=None, description="empirical: a file with one duration in seconds a line"
    )

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.kind == "empirical":
            if self.mean_seconds is not None or self.shape is not None:
                _fault(
                    "an empirical duration has its mean and shape from the sample",
                    "take mean_seconds and shape out",
                )
            if (self.sample_seconds is None) == (self.file is None):
                _fault("an empirical duration is one list of observations", "write sample_seconds or file")
            return self
        if self.sample_seconds is not None or self.file is not None:
            _fault(f"a duration with a sample is not {self.kind}", 'write kind = "empirical"')
        if self.mean_seconds is None:
            _fault("the mean is missing", "write mean_seconds")
        if (self.shape is None) == (self.kind in ("lognormal", "weibull")):
            remedy = "write shape" if self.shape is None else "take shape out"
            _fault(f"{self.kind} {'needs a' if self.shape is None else 'has no'} shape", remedy)
        return self


def _plain(value: object) -> object:
    """A plain number is a constant."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return {"kind": "constant", "mean_seconds": value}
    if not isinstance(value, dict | DurationTable):
        _fault(
            f"is {value!r:.40}",
            'write a number without quotes, or a table such as { kind = "exponential", mean_seconds = 160 }',
        )
    return value


Lasting = Annotated[DurationTable, BeforeValidator(_plain, json_schema_input_type=Seconds | DurationTable)]
"""how long something takes: seconds, or a distribution"""
NOTHING = DurationTable(mean_seconds=0.0)


def _fault(what: str, remedy: str) -> None:
    raise PydanticCustomError("told", "{what}: {remedy}", {"what": what, "remedy": remedy})


class WeekdaysTable(Section):
    """How many call on a weekday, where 1 is usual."""

    mon: Factor = 1.0
    tue: Factor = 1.0
    wed: Factor = 1.0
    thu: Factor = 1.0
    fri: Factor = 1.0
    sat: Factor = 1.0
    sun: Factor = 1.0


class ArrivalsTable(Section):
    """How many call, and when."""

    per_day: float | None = Field(
        default=None, gt=0, le=10_000_000, description="calls of a usual day, all lines together"
    )
    hours: list[Factor] | None = Field(
        default=None,
        min_length=24,
        max_length=24,
        description="the day's profile by hour from 0:00, in any unit",
    )
    half_hours: list[Factor] | None = Field(
        default=None, min_length=48, max_length=48, description="the same by half hour, in the place of hours"
    )
    weekdays: WeekdaysTable = WeekdaysTable()
    holiday: Factor | None = Field(
        default=None, description="on every public holiday, in the weekday's place; without it like a Sunday"
    )
    makeup: Factor | None = Field(
        default=None, description="on weekend days worked in exchange; without it like a Tuesday"
    )
    dates: dict[str, Factor] = Field(
        default={}, description='"2026-03-15" = 2.2: that day, in the place of weekday and holiday'
    )
    growth: float = Field(default=0.0, ge=-0.9, le=10, description="a year, as a share: 0.05")
    since: date | None = Field(
        default=None, description="the day for which per_day holds; needed with growth"
    )
    busyness: float | None = Field(
        default=None,
        gt=0,
        le=1_000_000,
        description="shape of the gamma factor of a whole day; without it none",
    )
    dispersion: float = Field(default=1.0, ge=1, le=100, description="of five minutes; 1 is Poisson")


class SurgeTable(Section):
    """A span in which more, or fewer, call."""

    factor: Factor
    line: Word | None = Field(default=None, description="one line; without it all")
    day: int | None = Field(default=None, ge=1, le=3660, description="1 is the first; without it every day")
    from_: Clock = Field(default="00:00", alias="from")
    to: Clock = "24:00"


class TransferTable(Section):
    """Calls that are brought to a sub-centre three-way."""

    share: Share
    to: Word
    together: Lasting
    talk: Lasting = NOTHING


class CallsTable(Section):
    """How calls go, on every line that says nothing else."""

    talk: Lasting | None = None
    wrap_up: Lasting | None = None
    patience: Lasting | None = Field(default=None, description="without it nobody hangs up")
    greeting_seconds: Seconds | None = Field(
        default=None, description="said before the queue; without it as the city's words are long"
    )
    contained: Share = Field(default=0.0, description="callers whose question is answered without a seat")
    self_service: Lasting = Field(default=NOTHING, description="how long that takes")
    self_service_in_vain: Lasting = Field(
        default=NOTHING, description="what the other callers spend with it before they queue"
    )
    transfer: TransferTable | None = None
    outgoing: Share = Field(default=0.0, description="answered calls after which the seat calls somebody")
    outgoing_talk: Lasting = NOTHING


class StepTable(Section):
    """What is asked of an agent from ``after_seconds`` of waiting on."""

    skills: dict[Word, Level] = Field(min_length=1)
    after_seconds: Seconds = 0.0


class LineTable(Section):
    """One line. With a city its queue, needs, priority and name are the city's; a key that stands here comes before."""

    number: Phone | None = Field(default=None, description="as dialled; without it the table's name")
    key: Key | None = Field(default=None, description="the city's own number, and this key pressed")
    share: Share | None = Field(
        default=None, description="of all calls; one line may leave it out and has the rest"
    )
    title: Text | None = None
    queue: Word | None = None
    needs: list[StepTable] | None = Field(default=None, min_length=1)
    priority: int | None = Field(default=None, ge=-1000, le=60_000)
    talk: Lasting | None = None
    wrap_up: Lasting | None = None
    patience: Lasting | None = None
    greeting_seconds: Seconds | None = None
    contained: Share | None = None
    self_service: Lasting | None = None
    self_service_in_vain: Lasting | None = None
    transfer: TransferTable | None = None
    outgoing: Share | None = None
    outgoing_talk: Lasting | None = None


class QueueTable(Section):
    """Limits of a queue; with a city they are the city's."""

    max_length: int | None = Field(default=None, ge=1)
    max_wait_seconds: float | None = Field(default=None, ge=1, le=86_400)


class BreakTable(Section):
    """A break in a shift, taken in turn."""

    after_minutes: int = Field(ge=0, le=1440)
    minutes: int = Field(ge=1, le=720)
    waves: int = Field(default=1, ge=1, le=100)
    stagger_minutes: int = Field(default=0, ge=0, le=720)


class ShiftTable(Section):
    """From one time of day to another, on these weekdays. How many seats are taken stands with the groups."""

    title: Text | None = None
    from_: Clock = Field(default="00:00", alias="from")
    to: Clock = Field(default="24:00", description="past midnight: 08:00 after 22:00, or 32:00")
    weekdays: list[Weekday] = Field(default=list(WEEKDAYS), min_length=1, description="on which it begins")
    holidays: bool = Field(default=True, description="also on public holidays")
    breaks: list[BreakTable] = []


class GroupTable(Section):
    """People with the same skills."""

    agents: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{1,7}$")] | None = Field(
        default=None, description="the city's agent of this number: skills and name are that agent's"
    )
    title: Text | None = None
    skills: dict[Word, Level] | None = Field(default=None, min_length=1)
    expert: bool | None = Field(default=None, description="sent by a department, first for its line")
    scaled: bool | None = Field(
        default=None, description="grows and shrinks with the number of seats; without it all but experts do"
    )
    absence: Share = Field(default=0.0, description="of the people on a shift who do not come")
    shifts: dict[Word, Annotated[int, Field(ge=0, le=100_000)]] = Field(
        default={}, description="how many of its people take a seat, by shift"
    )


class SubCentreTable(Section):
    """Another centre that is brought into calls."""

    title: str = ""
    seats: int | None = Field(default=None, ge=1, le=100_000, description="its own; without it always enough")
    answer: Lasting = NOTHING
    within_seconds: Seconds = 15.0


class RetrialTable(Section):
    """Who hung up or was refused calls again."""

    share: Share
    after: Lasting
    most: int = Field(default=5, ge=1, le=50)


class RecordsTable(Section):
    """Records of real calls: arrivals are forecast from them, durations taken as they were."""

    file: Text = Field(
        description="a CSV file, the program's records (a SQLite file), or a postgresql:// address"
    )
    city: Word | None = Field(default=None, description="in a database that several cities share")
    from_: date | None = Field(default=None, alias="from", description="the first day that is taken")
    to: date | None = Field(default=None, description="the last day")
    arrivals: bool = Field(default=True, description="forecast the arrivals from them")
    shares: bool = Field(default=True, description="and the lines' shares, where they name lines")
    durations: bool = Field(
        default=True, description="talk, wrap-up and patience as recorded, where they are"
    )
    backtest_weeks: int = Field(
        default=4, ge=0, le=52, description="so many weeks are forecast from what was before"
    )


class ScenarioFile(Section):
    """A scenario: who calls when, for how long, and who is there to answer."""

    title: Text | None = None
    base: Text | None = Field(
        default=None, description="another scenario, of which this one changes some keys"
    )
    city: Text | None = Field(default=None, description="a city's name or file: lines and people are its")
    start: date = date(2026, 1, 5)
    days: int = Field(default=1, ge=1, le=3660)
    seed: int = Field(default=1, ge=0, le=2**53)
    seats: int | None = Field(
        default=None, ge=1, le=100_000, description="at the fullest: groups are scaled to it"
    )
    channels: int | None = Field(
        default=None, ge=1, le=1_000_000, description="from the carriers; without it the city's, or no limit"
    )
    ring: Lasting = Field(
        default=DurationTable(mean_seconds=2.0), description="from the seat's ring to its answer"
    )
    ageing_seconds: float | None = Field(default=None, ge=0, le=86_400)
    closest_fit: bool | None = None
    warm_up_minutes: int = Field(default=0, ge=0, le=10_080)
    within_seconds: Seconds = 15.0
    target: float = Field(default=0.98, gt=0, lt=1, description="of the answer rate")
    arrivals: ArrivalsTable = ArrivalsTable()
    records: RecordsTable | None = None
    surges: list[SurgeTable] = []
    calls: CallsTable = CallsTable()
    lines: dict[Word, LineTable] = {}
    queues: dict[Word, QueueTable] = {}
    shifts: dict[Word, ShiftTable] = {}
    groups: dict[Word, GroupTable] = {}
    subcentres: dict[Word, SubCentreTable] = {}
    retrial: RetrialTable | None = None
    rules: RulesTable = RulesTable()


def schema() -> dict[str, Any]:
    """The JSON Schema of a scenario's file, as published in ``docs/scenario.schema.json``."""
    made = ScenarioFile.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made, "title": "A scenario's file"}


def remedy(place: Sequence[str | int]) -> str:
    """What to do about a key that its table may not have: the one that was meant, its place, or those of the table."""
    *way, last = place
    here = _keys_at(way)
    elsewhere = [*ScenarioFile.model_fields, *(key for key in keys() if key not in ScenarioFile.model_fields)]
    if last in elsewhere and not difflib.get_close_matches(str(last), here, n=1):
        return f"it belongs into another table, here are {', '.join(here)}"
    return near(str(last), here, f"leave it out, the keys here are {', '.join(here)}")


def _keys_at(way: Sequence[str | int]) -> list[str]:
    """The keys of the table at a place."""
    whole = ScenarioFile.model_json_schema(by_alias=True)
    tables = [whole]
    for step in way:
        found = []
        for table in tables:
            if isinstance(step, int):
                found.append(table.get("items", {}))
            elif step in table.get("properties", {}):
                found.append(table["properties"][step])
            else:  # a table whose keys are names
                found += table.get("patternProperties", {}).values()
        tables = [one for table in found for one in _tables(table, whole)]
    return sorted({key for table in tables for key in table.get("properties", {})})


def _tables(table: dict[str, Any], whole: dict[str, Any]) -> list[dict[str, Any]]:
    """What a part of the schema may be, references followed."""
    if "$ref" in table:
        return [whole["$defs"][table["$ref"].rpartition("/")[2]]]
    if "anyOf" in table:
        return [one for other in table["anyOf"] for one in _tables(other, whole)]
    if "allOf" in table:
        return [one for other in table["allOf"] for one in _tables(other, whole)]
    return [table]


def keys() -> list[str]:
    """Every key that may stand somewhere in a scenario's file."""
    made = ScenarioFile.model_json_schema(by_alias=True)
    tables = [made, *made["$defs"].values()]
    return sorted({key for table in tables for key in table.get("properties", {})})
