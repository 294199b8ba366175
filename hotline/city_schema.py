"""What may stand in a city file: its sections, their keys, and what a key may hold.

These models check each value for itself; what must agree between values is checked in `hotline.city_checks`.
The same models produce ``docs/city.schema.json``, by which an editor completes and checks a city file.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints


def _midnight(value: object) -> object:
    """A date stands for its first moment."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day)
    return value


Text = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f]+$")]
Digits = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,8}$")]
Key = Annotated[str, StringConstraints(pattern=r"^[0-9*#]$")]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
Word = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")]
Phone = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Moment = Annotated[datetime, BeforeValidator(_midnight, json_schema_input_type=date | datetime)]
Level = Annotated[int, Field(ge=1, le=9)]
Treatments = Literal["absorbed", "withdrawn", "parallel", "subcentre", "emergency", "independent", "own"]


class Section(BaseModel):
    """A table of the file: no key that is not known, no value of another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class MenuKey(Section):
    """One key that a caller of the city's own number may press."""

    key: Key
    title: Text
    queue: Word
    skill: Word
    priority: int = 0


class Reception(Section):
    """How a call for the city's own number, and every call without a skill of its own, is taken."""

    queue: Word = "12345"
    skill: Word = "12345"
    priority: int = 0
    menu_prompt: str = ""
    keys: list[MenuKey] = []


class Notices(Section):
    """What callers hear. ``{number}`` and ``{name}`` stand for the line that was dialled."""

    withdrawn: Text = "您所拨打的{name}业务已转移到12345热线，请稍候。"
    told: Text = "您所拨打的{name}已停止使用，请挂机后直接拨打12345。"
    closed: Text = "您所拨打的{name}现在是非工作时间，由12345为您服务，请稍候。"
    independent: Text = "您所拨打的{name}不由12345受理，正在为您转接，请稍候。"
    not_passed: Text = "暂时无法为您转接，请挂机后直接拨打{number}。"
    emergency: Text = "紧急电话暂时无法转接，请立即挂机，直接拨打{number}。"
    unknown: Text = "您所拨打的号码由12345为您服务，请稍候。"


class Experts(Section):
    """Agents sent by a department: first choice for its line, the others after a while."""

    level: Level = 3
    after_seconds: float = Field(default=15, ge=0, le=600)


class Rule(Section):
    """What holds for a line, from an instant on."""

    treatment: Treatments
    from_: Moment | None = Field(
        default=None, alias="from", description="the cutover; without it: always was"
    )
    transition: bool = Field(default=True, description="false: a withdrawn number ends at once")
    transition_until: date | None = Field(default=None, description="the last day of the transition")
    after: Literal["told", "led"] = Field(
        default="led", description="after the last day: told to dial 12345 and let go, or led to 12345 still"
    )
    seats: Literal["own", "merged", "experts"] = Field(
        default="own",
        description="a parallel line's seats: its own, merged into 12345, or experts inside 12345",
    )
    experts: Experts = Experts()
    hours: Word | None = Field(default=None, description="when a parallel line's own seats answer")
    route: Name | None = Field(default=None, description="trunk or group that leads to the line's own people")
    pass_number: Phone | None = Field(
        default=None, description="what to dial there; the line's number by default"
    )
    ring_seconds: float = Field(default=15, ge=3, le=120)
    queue: Word | None = None
    skill: Word | None = None
    priority: int = 0
    notice: Text | None = None
    told: Text | None = None


class Change(Rule):
    """A later cutover: it takes over whole, nothing is kept from before."""


class Line(Rule):
    """A hotline's number."""

    number: Phone
    name: Text
    department: Text
    changes: list[Change] = []


class Unknown(Rule):
    """What holds for every number of the home area that no line has."""

    name: Text
    department: Text = "有关部门"


class Departments(Section):
    """Where a line's own people are reached before its cutover."""

    route: Name


class Emergency(Section):
    """How 110, 119, 120 and 122 are reached, even where no line names them."""

    route: Name
    ring_seconds: float = Field(default=30, ge=3, le=120)


class Secret(Section):
    """Where a carrier's password is kept: never in this file."""

    env: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    file: Text | None = None


class TrunkTable(Section):
    """A line to a carrier, a sub-centre or an emergency centre."""

    name: Name
    carrier: Text
    address: list[Text]
    channels: int = Field(ge=1, le=10_000)
    transport: Literal["udp", "tcp", "tls"] = "udp"
    srtp: bool = False
    auth: Literal["address", "digest", "registration"] = "address"
    user: Text | None = None
    secret: Secret | None = None
    realm: str = ""
    server: str = Field(default="", description="the registrar, where it is not the first address")
    codecs: list[Literal["alaw", "ulaw", "g722"]] = Field(default=["alaw", "ulaw"], min_length=1)
    dtmf: Literal["rfc4733", "info", "inband"] = "rfc4733"
    from_user: str = ""
    from_domain: str = ""
    qualify_seconds: int = Field(default=30, ge=0, le=3600)
    nat: bool = False
    link: bool = Field(default=False, description="leads to some line's own people, not to a carrier")
    strip: str = Field(
        default="", pattern=r"^[0-9]*$", description="digits that stand before every called number"
    )
    prefix: str = Field(
        default="", pattern=r"^[0-9]*$", description="digits to put before a number dialled out"
    )
    dialled_as: Phone | None = Field(
        default=None, description="everything on this trunk was dialled as this line"
    )
    accepts: list[Phone] | None = Field(
        default=None, description="the lines that may come in; without it: all"
    )


class GroupTable(Section):
    """Trunks that lead to the same place, in the order in which they are tried."""

    name: Name
    trunks: list[Name] = Field(min_length=1)


class HoursTable(Section):
    """Opening hours by weekday: ``mon = ["08:30-12:00", "14:00-18:00"]``."""

    mon: list[str] = []
    tue: list[str] = []
    wed: list[str] = []
    thu: list[str] = []
    fri: list[str] = []
    sat: list[str] = []
    sun: list[str] = []
    calendar: bool = Field(default=True, description="public holidays close, make-up working days open")
    makeup: Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"] = Field(
        default="mon", description="whose hours a make-up working day has"
    )
    special: dict[str, list[str]] = Field(
        default={}, description='"2026-05-20" = ["09:00-12:00"]; [] is closed'
    )


class SeatTable(Section):
    """A row of seats with numbers one after the other."""

    first: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{1,7}$")]
    count: int = Field(default=1, ge=1, le=10_000)
    name: Text = "座席"
    auto_answer: bool = False
    transport: Literal["udp", "tcp", "tls"] = "udp"
    srtp: bool = False
    codecs: list[Literal["alaw", "ulaw", "g722"]] = Field(default=["alaw", "ulaw", "g722"], min_length=1)
    dtmf: Literal["rfc4733", "info", "inband"] = "rfc4733"
    nat: bool = True


class Person(Section):
    """One agent of a group who differs from it."""

    agent: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{1,7}$")]
    name: Text | None = None
    skills: dict[Word, Level] | None = None
    pin_hash: str | None = None


class AgentTable(Section):
    """Agents with numbers one after the other and the same skills."""

    first: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{1,7}$")]
    count: int = Field(default=1, ge=1, le=10_000)
    name: Text
    skills: dict[Word, Level] = Field(min_length=1)
    pin_hash: str | None = None
    pin_file: Text | None = None
    people: list[Person] = []


class QueueTable(Section):
    """Where callers wait."""

    name: Word
    title: Text
    greeting: list[Text] = []
    ring_seconds: float = Field(default=20, ge=3, le=120)
    wrap_up_seconds: float = Field(default=30, ge=0, le=3600)
    rests_after: int = Field(default=1, ge=1, le=100)
    rest_seconds: float = Field(default=60, ge=0, le=3600)
    max_length: int | None = Field(default=None, ge=1)
    max_wait_seconds: float | None = Field(default=None, ge=1)
    full_notice: list[Text] = []


class Routing(Section):
    """How urgency and skill are weighed."""

    ageing_seconds: float = Field(default=60, ge=0, le=86_400)
    closest_fit: bool = True


class NetworkTable(Section):
    """Where the switch listens; a port of 0: not at all."""

    bind: Text = "0.0.0.0"
    udp: int = Field(default=5060, ge=0, le=65_535)
    tcp: int = Field(default=5060, ge=0, le=65_535)
    tls: int = Field(default=0, ge=0, le=65_535)
    rtp_first: int = Field(default=10_000, ge=1024, le=65_535)
    rtp_last: int = Field(default=29_999, ge=1024, le=65_535)
    tls_certificate: str = ""
    tls_key: str = ""
    tls_authorities: str = ""
    external_address: str = ""
    local_nets: list[Text] = []


class CityFile(Section):
    """A city: its number, its lines, its trunks, its seats and its people."""

    title: Text
    area: Annotated[str, StringConstraints(pattern=r"^0[0-9]{2,3}$")]
    number: Phone = "12345"
    also: list[Phone] = []
    department: str = ""
    reception: Reception = Reception()
    notices: Notices = Notices()
    unknown: Unknown | None = None
    departments: Departments | None = None
    emergency: Emergency
    network: NetworkTable = NetworkTable()
    routing: Routing = Routing()
    breaks: dict[Annotated[str, StringConstraints(pattern=r"^[0-9]$")], Text] = {}
    hours: dict[Word, HoursTable] = {}
    queues: list[QueueTable] = Field(min_length=1)
    trunks: list[TrunkTable] = Field(min_length=1)
    groups: list[GroupTable] = []
    seats: list[SeatTable] = Field(min_length=1)
    agents: list[AgentTable] = Field(min_length=1)
    lines: list[Line] = []


def schema() -> dict[str, Any]:
    """The JSON Schema of a city file, as published in ``docs/city.schema.json``."""
    made = CityFile.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made, "title": "A city's file"}


def keys() -> list[str]:
    """Every key that may stand somewhere in a city file."""
    made = CityFile.model_json_schema(by_alias=True)
    tables = [made, *made["$defs"].values()]
    return sorted({key for table in tables for key in table.get("properties", {})})
