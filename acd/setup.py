"""What the engine is told about its city: immutable, already validated (``hotline/city.py`` makes it).

Everything here can be exchanged while calls are on (`Engine.reconfigure`): people and seats come and go, a number
changes its treatment, and no call is touched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from acd.preferences import Preferences, Reserve
from acd.recording import RecordingSetup
from acd.service_class import OutgoingSetup
from dialplans.decision import Wait
from dialplans.hours import Hours
from dialplans.notices import DayNotices
from dialplans.plan import NumberPlan


@dataclass(frozen=True, slots=True)
class AgentSetup:
    """A person who takes calls: number, name, and the level (1 and up) of every skill that the person has.

    ``role``: one of `Setup.roles`; ``group``: the team; ``reach``: the teams over which the role's rights hold, ``None``: all.
    """

    agent: str
    name: str
    skills: Mapping[str, int]
    role: str = "agent"
    group: str = ""
    reach: frozenset[str] | None = None
    service_class: str = ""
    """what the person may dial (`acd.service_class`); empty: the seat's, else the city's default"""
    shift: Hours | None = None
    """the working hours, at whose end the agent is signed off; ``None``: nobody is signed off by the clock"""
    shift_after_call: bool = True
    """a call that is on then is finished first"""


@dataclass(frozen=True, slots=True)
class SeatSetup:
    """A SIP phone at a desk. ``auto_answer``: the phone is asked to pick up by itself; ``service_class``: what may
    be dialled on it by who has no class."""

    seat: str
    auto_answer: bool = False
    service_class: str = ""
    skills: frozenset[str] | None = None
    """of the skills of whoever is signed on there only these count; ``None``: all"""


@dataclass(frozen=True, slots=True)
class WordsSetup:
    """What a waiting caller is told, and when (ms after the wait began; ``first_ms`` 0: nothing, ``every_ms`` 0: once).

    ``position``: how many stand before; ``wait``: the expected wait (`acd.estimate`); ``words``: prompts of the city's own
    before these.
    """

    first_ms: int = 0
    every_ms: int = 0
    position: bool = False
    wait: bool = False
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CallBackSetup:
    """How callers are called back. Durations in ms; the hours in minutes since midnight, Shanghai.

    ``key``: what a waiting caller presses to be called back, empty: not on offer. ``missed``: missed calls are
    called back, ``missed_after_ms`` later at the earliest, by seats that are idle beyond ``reserve`` while nobody
    waits. An answer in vain is repeated ``again_ms`` later until there have been ``tries``; what is older than
    ``expires_ms`` is dropped. ``most``: so many are kept at once.
    ``shown``: the number that the called person sees, empty: as in `OutgoingSetup`. The rest are prompts.
    """

    key: str = ""
    missed: bool = False
    from_minute: int = 8 * 60
    to_minute: int = 21 * 60
    tries: int = 3
    again_ms: int = 15 * 60_000
    ring_ms: int = 30_000
    reserve: int = 0
    missed_after_ms: int = 60_000
    expires_ms: int = 2 * 86_400_000
    most: int = 2_000
    shown: str = ""
    offer: tuple[str, ...] = ("callback-offer",)
    number: tuple[str, ...] = ("callback-number",)
    confirm: tuple[str, ...] = ("callback-confirm",)
    thanks: tuple[str, ...] = ("callback-thanks",)
    not_possible: tuple[str, ...] = ("callback-not-possible",)
    told: tuple[str, ...] = ("callback-not-reached",)

    @property
    def on(self) -> bool:
        """Is anybody called back at all?"""
        return bool(self.key) or self.missed


@dataclass(frozen=True, slots=True)
class QueueSetup:
    """Where callers wait. Durations in ms; ``max_wait_ms`` and ``max_length`` ``None``: no limit.

    ``greeting``: prompts before the queue. ``full_notice`` is said to a caller for whom there is no place,
    ``rests_after`` calls in a row that rang out at a seat put it to rest for ``rest_ms``.
    """

    name: str
    title: str = ""
    greeting: tuple[str, ...] = ()
    ring_ms: int = 20_000
    wrap_up_ms: int = 30_000
    wrap_up_extend_ms: int = 30_000
    wrap_up_extensions: int = 2
    rests_after: int = 1
    rest_ms: int = 60_000
    max_length: int | None = None
    max_wait_ms: int | None = None
    full_notice: tuple[str, ...] = ()
    words: WordsSetup = WordsSetup()
    music: str = ""
    """a directory of recordings under ``recordings/music``; empty: the usual music"""
    then: str = "let go"
    """what becomes of a caller for whom there is no place, or whose time is over: ``let go`` after the notice,
    ``overflow``, or ``call back``: after the notice onto the list of those who are called back"""
    overflow: Wait | None = None
    """the queue to which it overflows, and what is asked there"""


@dataclass(frozen=True, slots=True)
class SurveySetup:
    """Whether and how a caller is asked about the service when the seat has hung up. Durations in ms.

    Whether: ``lines`` by the line's number as the plan shows it, else ``queues`` by the queue's name, else
    ``default``;
    after a talk of ``min_talk_ms`` at least. ``grades``: the rating, 1 (very dissatisfied) to 5 (very satisfied),
    by key. After a rating in ``open_after`` the caller may say why, for ``open_ms`` at most, until ``silence_ms``
    of silence.
    """

    default: bool = False
    lines: Mapping[str, bool] = field(default_factory=dict)
    queues: Mapping[str, bool] = field(default_factory=dict)
    min_talk_ms: int = 10_000
    ask: tuple[str, ...] = ("survey-ask",)
    wrong: tuple[str, ...] = ("menu-wrong",)
    thanks: tuple[str, ...] = ("survey-thanks",)
    farewell: tuple[str, ...] = ("goodbye",)
    wait_ms: int = 6_000
    grades: Mapping[str, int] = field(default_factory=lambda: {"1": 5, "2": 4, "3": 3, "4": 2, "5": 1})
    open_after: frozenset[int] = frozenset()
    open_ask: tuple[str, ...] = ("survey-opinion",)
    open_ms: int = 60_000
    silence_ms: int = 4_000


@dataclass(frozen=True, slots=True)
class SpeechSetup:
    """Where callers are offered to be answered by the machine; nowhere by default.

    ``greeting``: one sentence (``offer``) after the greeting, before they wait; ``key``: pressed while waiting, which they hear of
    (``waiting``) with the queue's words; ``question`` is said then. ``lines``: only callers of these, as the plan shows them;
    ``None``: of all that seats answer. ``case``: callers are asked for their case's number when they ask about a case,
    ``identity``: or for that of their identity card; ``sms``: an answer can be sent to them.

    ``transcript``: talks with seats are written down as they go; ``notice``: what callers hear of that first, empty where none is
    due.
    """

    greeting: bool = False
    key: str = ""
    lines: frozenset[str] | None = None
    offer: tuple[str, ...] = ("speech-offer",)
    waiting: tuple[str, ...] = ("speech-waiting",)
    question: tuple[str, ...] = ("speech-question",)
    case: bool = True
    sms: bool = False
    identity: bool = False
    transcript: bool = False
    notice: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Barred:
    """A nuisance caller: ``number`` in digits, a landline's with its area; with a star at the end every number that begins so.

    ``until`` and ``created`` are ms since 1970. ``mode``: ``refuse`` (a notice, then the end) or ``last`` (when nobody else waits).
    """

    number: str
    until: int
    owner: str
    reason: str
    created: int = 0
    mode: str = "refuse"


@dataclass(frozen=True)
class NuisanceSetup:
    """How nuisance callers are treated: ``listed`` by the city file; what they hear; how long an entry lasts (ms) unless
    it says so, and at most.

    ``flood``: so many calls a minute from one number are told to the supervisors as an alarm.
    """

    listed: tuple[Barred, ...] = ()
    notice: tuple[str, ...] = ("barred",)
    default_ms: int = 7 * 86_400_000
    most_ms: int = 90 * 86_400_000
    flood: int = 10

    @cached_property
    def by_number(self) -> dict[str, Barred]:
        """The entries of the city file."""
        return {entry.number: entry for entry in self.listed}


@dataclass(frozen=True, slots=True)
class TrunkSetup:
    """A line to a carrier. ``channels``: how many calls, in and out together, it carries at once."""

    name: str
    channels: int


SUPERVISING = frozenset({"listen", "whisper", "barge", "take over", "break", "ready", "sign off", "why"})
"""rights over others at work, named as `SuperviseAsked.how`"""

RIGHTS = SUPERVISING | {"floor", "audit", "nuisance", "transfer"}
"""every right that a role may have: those, to see the floor and the audit log, to keep the list of nuisance callers, to
move others' calls"""

ROLES: Mapping[str, frozenset[str]] = {
    "agent": frozenset(),
    "supervisor": frozenset(RIGHTS - {"audit"}),
    "engineer": frozenset({"why", "floor", "audit", "nuisance"}),
}
"""the rights of a role unless the city says otherwise"""


@dataclass(frozen=True, slots=True)
class BreakSetup:
    """The limits of a break. ``longest_ms`` of one and ``per_shift_ms`` of all in a shift; ``at_once``: so many may
    have it at the same time, ``at_once_group``: of one team; ``None``: no limit. ``queued``: who asks when too many
    have it gets it in turn, otherwise is refused.
    """

    longest_ms: int | None = None
    per_shift_ms: int | None = None
    at_once: int | None = None
    at_once_group: int | None = None
    queued: bool = False


@dataclass(frozen=True, slots=True)
class Setup:
    """A city as the engine sees it.

    ``ageing_ms``: waiting this long weighs as much as one step of priority (0: priority is absolute).
    ``closest_fit``: among idle agents who qualify, the one whose skills exceed the need least comes first, then the
    longest idle; without it the longest idle of all.
    """

    city: str
    plan: NumberPlan
    agents: Mapping[str, AgentSetup]
    seats: Mapping[str, SeatSetup]
    queues: Mapping[str, QueueSetup]
    trunks: Mapping[str, TrunkSetup]
    ageing_ms: int = 60_000
    closest_fit: bool = True
    breaks: Mapping[str, str] = field(default_factory=dict)
    break_rules: Mapping[str, BreakSetup] = field(default_factory=dict)
    """the limits of breaks, by the digit; a break without any has none"""
    recording: RecordingSetup | None = None
    """``None``: nothing is recorded, and nobody asks whether"""
    survey: SurveySetup = field(default_factory=SurveySetup)
    speech: SpeechSetup = field(default_factory=SpeechSetup)
    nuisance: NuisanceSetup = field(default_factory=NuisanceSetup)
    preferences: Preferences = field(default_factory=Preferences)
    reserves: tuple[Reserve, ...] = ()
    max_waiting: int | None = None
    """so many may wait in all queues together; beyond that it is overload, and a caller hears ``overload_notice``"""
    overload_notice: tuple[str, ...] = ()
    roles: Mapping[str, frozenset[str]] = field(default_factory=lambda: ROLES)
    outgoing: OutgoingSetup = field(default_factory=OutgoingSetup)
    callback: CallBackSetup = field(default_factory=CallBackSetup)
    greetings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """greetings of single lines, by the line's number as the plan shows it, in the place of the queue's"""
    days: DayNotices = field(default_factory=DayNotices)
    """what callers hear first on a public holiday or a certain day"""
