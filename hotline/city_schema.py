"""What may stand in a city file: its sections, their keys, and what a key may hold.

These models check each value for itself; what must agree between values is checked in `hotline.city_checks`.
The same models produce ``docs/city.schema.json``, by which an editor completes and checks a city file.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, StringConstraints

from hotline.city_routing import CallersTable, OverflowTable, ReserveTable, Routing
from hotline.city_seats import BreakTable, ClassTable, OutgoingTable, SeatTable
from hotline.city_sms import SmsTable
from hotline.city_speech import SpeechTable
from hotline.city_switch import GroupTable, HoursTable, NetworkTable, TrunkTable
from hotline.city_words import STRICT, Key, Level, Moment, Name, Phone, Text, Treatments, Word


class Section(BaseModel):
    """A table of the file: no key that is not known, no value of another type."""

    model_config = STRICT


class MenuKey(Section):
    """One key that a caller of the city's own number may press."""

    key: Key
    title: Text
    queue: Word
    skill: Word
    priority: int = 0
    prefer: Word | None = Field(
        default=None, description="a skill that is asked besides, at first (a dialect)"
    )
    prefer_seconds: float = Field(default=20, ge=0, le=600, description="so long it is asked")


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
    prefer: Word | None = Field(default=None, description="a skill that is asked besides, at first")
    prefer_seconds: float = Field(default=20, ge=0, le=600, description="so long it is asked")
    notice: Text | None = None
    told: Text | None = None


class Change(Rule):
    """A later cutover: it takes over whole, nothing is kept from before."""


class Line(Rule):
    """A hotline's number."""

    number: Phone
    name: Text
    department: Text
    greeting: list[Text] | None = Field(default=None, description="in the place of the queue's greeting")
    survey: bool | None = Field(default=None, description="whether its callers are asked about the service")
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
    handover_priority: int = Field(
        default=1000,
        ge=0,
        le=60_000,
        description="how urgent a call is that one of these hands over to 12345",
    )


class RoleTable(Section):
    """What those who have a role may do beside taking calls."""

    rights: list[
        Literal[
            "listen",
            "whisper",
            "barge",
            "take over",
            "break",
            "ready",
            "sign off",
            "why",
            "floor",
            "audit",
            "nuisance",
            "transfer",
        ]
    ]


class Person(Section):
    """One agent of a group who differs from it."""

    agent: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{1,7}$")]
    name: Text | None = None
    skills: dict[Word, Level] | None = None
    pin_hash: str | None = None
    class_: Word | None = Field(default=None, alias="class")
    role: Word | None = None
    reach: list[Word] | None = Field(
        default=None, description="the teams over which the role's rights hold; without it the group's"
    )


class AgentTable(Section):
    """Agents with numbers one after the other and the same skills."""

    first: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{1,7}$")]
    count: int = Field(default=1, ge=1, le=10_000)
    name: Text
    skills: dict[Word, Level] = Field(min_length=1)
    pin_hash: str | None = None
    pin_file: Text | None = None
    class_: Word | None = Field(
        default=None, alias="class", description="what may be dialled; without it the seat's"
    )
    shift: Word | None = Field(default=None, description="the [hours] at whose end they are signed off")
    shift_end: Literal["after_call", "at_once"] = "after_call"
    people: list[Person] = []
    team: Word | None = Field(default=None, description="whom supervisors' reach and teams refer to")
    role: Word = Field(default="agent", description="agent, supervisor, engineer, or one of [roles]")
    reach: list[Word] | None = Field(
        default=None, description="the teams over which the role's rights hold; without it: all"
    )


class WaitingTable(Section):
    """What callers hear while they wait. A seat that becomes free is never kept waiting by it."""

    first_seconds: float = Field(default=20, ge=1, le=600)
    every_seconds: float = Field(default=45, ge=0, le=3600, description="0: said once")
    position: bool = Field(default=False, description="how many callers stand before")
    expected_wait: bool = Field(default=False, description="the expected wait in minutes")
    words: list[Text] = Field(default=[], description="the city's own words, before these")


Clock = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-4]):[0-5][0-9]$")]


class CallBackTable(Section):
    """Calling back: callers who ask for it by key while they wait, and calls that were missed."""

    key: Annotated[str, StringConstraints(pattern=r"^[0-9*#]?$")] = Field(
        default="",
        description="what a waiting caller presses, and presses again to confirm; without it: not on offer",
    )
    missed: bool = Field(
        default=False, description="missed calls are called back by seats that are free while nobody waits"
    )
    from_: Clock = Field(
        default="08:00", alias="from", description="nobody is called back earlier in the day"
    )
    to: Clock = Field(default="21:00", description="or later")
    tries: int = Field(default=3, ge=1, le=20)
    again_minutes: float = Field(default=15, ge=0.05, le=1440, description="between two tries")
    ring_seconds: float = Field(default=30, ge=3, le=120)
    reserve: int = Field(
        default=0,
        ge=0,
        description="so many idle seats are left for callers while missed calls are worked off",
    )
    missed_after_seconds: float = Field(default=60, ge=0, le=86_400)
    expires_hours: float = Field(default=48, gt=0, le=720)
    most: int = Field(default=2000, ge=1, le=100_000, description="so many are kept at once")
    shown: Phone | None = Field(
        default=None, description="the number that the called person sees; the city's own by default"
    )
    offer: list[Text] = []
    number: list[Text] = []
    confirm: list[Text] = []
    thanks: list[Text] = []
    not_possible: list[Text] = []
    told: list[Text] = []


class DaysTable(Section):
    """What callers who are led to seats hear first on certain days."""

    holiday: str = Field(default="", max_length=500, description="on every public holiday")
    dates: dict[str, str] = Field(
        default={}, description='"2026-05-20" = "..."; an empty text: nothing on that day'
    )


class QueueTable(Section):
    """Where callers wait."""

    name: Word
    title: Text
    greeting: list[Text] = []
    ring_seconds: float = Field(default=20, ge=3, le=120)
    wrap_up_seconds: float = Field(default=30, ge=0, le=3600)
    wrap_up_extend_seconds: float = Field(default=30, ge=1, le=3600, description="what *15 adds")
    wrap_up_extensions: int = Field(default=2, ge=0, le=100, description="how many times")
    rests_after: int = Field(default=1, ge=1, le=100)
    rest_seconds: float = Field(default=60, ge=0, le=3600)
    max_length: int | None = Field(default=None, ge=1)
    max_wait_seconds: float | None = Field(default=None, ge=1)
    full_notice: list[Text] = []
    waiting: WaitingTable | None = Field(default=None, description="what is said while callers wait")
    music: Name | None = Field(default=None, description="a directory of recordings under recordings/music")
    then: Literal["let_go", "overflow", "call_back"] = Field(
        default="let_go",
        description="what becomes of a caller for whom there is no place, or whose time is over",
    )
    overflow: OverflowTable | None = Field(default=None, description="the queue to which this one overflows")
    survey: bool | None = Field(default=None, description="whether its callers are asked about the service")


class SurveyTable(Section):
    """Callers are asked about the service, in five grades by keypad, when the seat has hung up (满意度评价)."""

    default: bool = Field(default=False, description="asked unless a line or a queue says otherwise")
    min_talk_seconds: float = Field(
        default=10, ge=0, le=3600, description="after shorter calls nobody is asked"
    )
    ask: Text | None = None
    wrong: Text | None = Field(
        default=None, description="after a wrong key, before the question is put once more"
    )
    thanks: Text | None = None
    farewell: Text | None = Field(default=None, description="for one who presses no key")
    wait_seconds: float = Field(default=6, ge=1, le=30)
    keys: dict[Key, Annotated[int, Field(ge=1, le=5)]] = Field(
        default={"1": 5, "2": 4, "3": 3, "4": 2, "5": 1}, description="the grade by key; 5 is very satisfied"
    )
    open_after: list[Annotated[int, Field(ge=1, le=5)]] = Field(
        default=[], description="grades after which the caller may say why; what he says is recorded"
    )
    open_ask: Text | None = None
    open_seconds: float = Field(default=60, ge=5, le=300)
    silence_seconds: float = Field(default=4, ge=1, le=30)


class BarredTable(Section):
    """One nuisance caller."""

    number: Phone = Field(description="a number, or its first 7 digits and more with a star")
    since: date
    until: date = Field(description="the last day")
    owner: Text
    reason: Text
    mode: Literal["refuse", "last"] = Field(
        default="refuse", description="a notice, then the end; or served when nobody else waits"
    )


class NuisanceTable(Section):
    """Nuisance callers (骚扰来电). Emergencies and what other centres hand over never ask this list."""

    notice: Text | None = None
    days: int = Field(default=7, ge=1, le=365, description="so long an entry made at work lasts")
    most_days: int = Field(default=90, ge=1, le=365, description="nobody is barred for longer")
    calls_per_minute: int = Field(
        default=10, ge=3, le=1000, description="more from one number raise an alarm"
    )
    barred: list[BarredTable] = []


class WayBack(Section):
    """How long a batch can be switched back, and to what."""

    until: Moment = Field(description="the last day, or the last instant")
    to: Treatments = Field(default="own", description="what its lines were before")


class CutoverTable(Section):
    """A batch of lines that are cut over together (批次割接)."""

    name: Text
    at: Moment = Field(description="the moment of the cutover: the from of each of its lines")
    lines: list[Phone] = Field(min_length=1)
    rehearsal: date | None = Field(default=None, description="the day of the drill (接话测试)")
    way_back: WayBack | None = None
    back: Moment | None = Field(
        default=None, description="switched back: from here on its lines are what they were before"
    )
    owner: Text | None = Field(default=None, description="who decides on the night of the cutover")
    remark: Text | None = None


Recorded = Literal["off", "mixed", "apart"]


class RecordingRuleTable(Section):
    """Calls that are recorded otherwise than by default. A key that is left out fits every call; the first rule that fits
    decides."""

    mode: Recorded
    lines: list[Phone] = Field(default=[], description="the lines that were dialled")
    queues: list[Word] = []
    directions: list[Literal["in", "out", "back", "passed"]] = Field(
        default=[], description="passed: with others' people (a sub-centre, a line's own seats)"
    )


class RecordingTable(Section):
    """Which calls are recorded, and how long that is kept. Calls with an emergency centre are recorded always."""

    default: Recorded = Field(default="off", description="mixed: both sides in one file; apart: a file each")
    passed: Recorded = Field(default="off", description="calls with others' people")
    notice: Text | None = Field(
        default=None, description="what callers hear before the greeting when their call is recorded"
    )
    keep_days: int | None = Field(default=None, ge=1, le=36_500, description="without it: for ever")
    min_free_mb: int = Field(
        default=1000, ge=10, le=100_000_000, description="with less free on the disk nothing is recorded"
    )
    pause_limit_seconds: float = Field(
        default=300, ge=10, le=3600, description="a pause that nobody ends is ended then"
    )
    rules: list[RecordingRuleTable] = []


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
    callers: list[CallersTable] = []
    reserves: list[ReserveTable] = []
    recording: RecordingTable = RecordingTable()
    sms: SmsTable | None = Field(default=None, description="without it no SMS is sent")
    speech: SpeechTable | None = Field(default=None, description="without it nobody is answered by a machine")
    survey: SurveyTable = SurveyTable()
    call_back: CallBackTable = CallBackTable()
    days: DaysTable = DaysTable()
    nuisance: NuisanceTable = NuisanceTable()
    roles: dict[Word, RoleTable] = Field(
        default={}, description="further roles, or other rights for agent, supervisor and engineer"
    )
    breaks: dict[Annotated[str, StringConstraints(pattern=r"^[0-9]$")], Text | BreakTable] = {}
    outgoing: OutgoingTable = OutgoingTable()
    classes: list[ClassTable] = []
    hours: dict[Word, HoursTable] = {}
    queues: list[QueueTable] = Field(min_length=1)
    trunks: list[TrunkTable] = Field(min_length=1)
    groups: list[GroupTable] = []
    seats: list[SeatTable] = Field(min_length=1)
    agents: list[AgentTable] = Field(min_length=1)
    lines: list[Line] = []
    cutovers: list[CutoverTable] = []


def schema() -> dict[str, Any]:
    """The JSON Schema of a city file, as published in ``docs/city.schema.json``."""
    made = CityFile.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made, "title": "A city's file"}


def keys() -> list[str]:
    """Every key that may stand somewhere in a city file."""
    made = CityFile.model_json_schema(by_alias=True)
    tables = [made, *made["$defs"].values()]
    return sorted({key for table in tables for key in table.get("properties", {})})
