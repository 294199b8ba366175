"""A small town on whose engine the tests stand: few people of few profiles, so that ties happen on purpose."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from acd.agents import Agent
from acd.calls import Call
from acd.engine import Engine
from acd.messages import (
    AgentAnswered,
    CallOffered,
    CallRecord,
    Command,
    Event,
    PromptFinished,
    RingAgent,
    SeatReachable,
    SignOnAsked,
    Tell,
    WriteRecord,
)
from acd.preferences import CallerList, Preferences, Reserve
from acd.recording import Mode, RecordingRule, RecordingSetup
from acd.service_class import OutgoingSetup, ServiceClass
from acd.setup import (
    AgentSetup,
    Barred,
    BreakSetup,
    CallBackSetup,
    NuisanceSetup,
    QueueSetup,
    SeatSetup,
    Setup,
    SpeechSetup,
    SurveySetup,
    TrunkSetup,
    WordsSetup,
)
from dialplans.batches import Batch
from dialplans.decision import Choice, Need, Pass, Treatment, Wait
from dialplans.hotline import CityLine, Hotline, Phase, TrunkRule
from dialplans.hours import Hours
from dialplans.notices import DayNotices
from dialplans.number import Number
from dialplans.plan import NumberPlan

AREA = "0371"
START = 1_767_578_400_000
"""2026-01-05T10:00 in Shanghai, a Monday, in ms since 1970"""

GENERALIST = {"12345": 1}
BOTH = {"12345": 1, "12315": 1}
CONSUMER = {"12315": 1}
LAWYER = {"12345": 1, "12348": 3}

AGENTS = {
    "101": GENERALIST,
    "102": GENERALIST,
    "103": BOTH,
    "104": BOTH,
    "105": CONSUMER,
    "106": LAWYER,
}
SUPERVISORS = ("103", "106")
SEATS = ("8001", "8002", "8003", "8004", "8005")

CITY = Wait("12345", (Need((("12345", 1),)),))
CONSUMERS = Wait("12315", (Need((("12315", 1),)),))
EXPERTS = Wait("12345", (Need((("12348", 3),)), Need((("12348", 1),), 15_000), Need((), 40_000)), 1)
KEYS = (Choice("1", "consultation", CITY), Choice("9", "supervision", replace(CONSUMERS, priority=2)))


def _line(local: str, phase: Phase) -> Hotline:
    return Hotline(Number(AREA, local), f"line {local}", "office", (phase,))


LINES = (
    _line("12315", Phase(Treatment.ABSORBED, wait=CONSUMERS)),
    _line("12348", Phase(Treatment.PARALLEL, wait=EXPERTS)),
    _line("62912345", Phase(Treatment.WITHDRAWN, notices=("moved",))),
    _line("12313", Phase(Treatment.WITHDRAWN, transition_ends_ms=START - 1, told=("dial-12345",))),
    _line("12366", Phase(Treatment.SUBCENTRE, passes=(Pass("tax", "12366"), Pass("telecom", "037112366")))),
    _line("110", Phase(Treatment.EMERGENCY, passes=(Pass("police", "110"),), farewell=("dial-110",))),
    _line("12301", Phase(Treatment.INDEPENDENT, notices=("not-ours",), passes=(Pass("telecom", "12301"),))),
)

LINKS = (
    TrunkRule("tax", link=True, title="tax office", priority=1),
    TrunkRule("police", link=True, title="110", priority=1000, urgent=True),
)

QUEUES = (
    QueueSetup(
        "12345",
        "city",
        greeting=("greeting",),
        max_length=3,
        max_wait_ms=120_000,
        full_notice=("all-busy",),
    ),
    QueueSetup("12315", "consumers", ring_ms=10_000, wrap_up_ms=0, rests_after=2, rest_ms=30_000),
)
TRUNKS = (
    TrunkSetup("unicom", 6),
    TrunkSetup("telecom", 2),
    TrunkSetup("tax", 1),
    TrunkSetup("police", 1),
)


OUTGOING = OutgoingSetup(
    trunks=(("unicom", ""), ("telecom", "9")),
    shows="037112345",
    lines={"12315": "037112315"},
    classes={
        "seat": ServiceClass(
            "seat", frozenset({"internal", "lines", "local", "mobile"}), ("0379*",), ("62999XXX",)
        ),
        "chief": ServiceClass(
            "chief", frozenset({"internal", "lines", "local", "mobile", "national"}), shows="037162912345"
        ),
    },
    default="seat",
    wrap_up_ms=10_000,
)
"""how the town's seats call out: the default class knows no long distance but that to 0379"""


def cutting_over(setup: Setup) -> Setup:
    """The same town, where 12333 is its department's own, moves to 12345 at 10:01 and is switched back at 10:02."""
    own = Phase(None, passes=(Pass("telecom", "12333"),), wait=CITY)
    phases = (
        own,
        Phase(Treatment.ABSORBED, since_ms=START + 60_000, wait=CITY),
        replace(own, since_ms=START + 120_000),
    )
    batch = Batch("first", START + 60_000, ("12333",), back_ms=START + 120_000)
    line = Hotline(Number(AREA, "12333"), "line 12333", "office", phases, batch=batch)
    return replace(setup, plan=replace(setup.plan, lines=(*setup.plan.lines, line)))


def in_office_hours(setup: Setup) -> Setup:
    """The same town, where 12320's own people are there until 10:05, 12315 is greeted in its own words, and something is
    said first on this one day."""
    office = Hours("office", {"mon": ((480, 605),)}, calendar=False)
    phase = Phase(
        Treatment.PARALLEL,
        notices=("office-closed",),
        hours=office,
        passes=(Pass("telecom", "12320"), Pass("unicom", "12320")),
        wait=CITY,
    )
    return replace(
        setup,
        plan=replace(setup.plan, lines=(*setup.plan.lines, _line("12320", phase))),
        greetings={"12315": ("consumers-greeting",)},
        days=DayNotices(days={date(2026, 1, 5): "storm-notice"}),
    )


def on_shift(setup: Setup) -> Setup:
    """The same town, where 101 and 102 are signed off at 10:02, 101 in the middle of a call."""
    shift = Hours("early", {"mon": ((480, 602),)}, calendar=False)
    people = {
        name: replace(setup.agents[name], shift=shift, shift_after_call=name != "101")
        for name in ("101", "102")
        if name in setup.agents
    }
    return replace(setup, agents={**setup.agents, **people})


def town(*, menu: bool = False, agents: tuple[str, ...] = tuple(AGENTS), closest_fit: bool = True) -> Setup:
    """The town; ``menu``: 12345 offers keys; ``agents``: who of its people is employed."""
    own = CityLine(Number(AREA, "12345"), "hotline", "city", CITY)
    if menu:
        own = replace(own, menu=KEYS, menu_prompt="menu")
    plan = NumberPlan(AREA, own, LINES, rules=LINKS)
    return Setup(
        city="town",
        plan=plan,
        agents={
            name: AgentSetup(
                name, f"agent {name}", AGENTS[name], role="supervisor" if name in SUPERVISORS else "agent"
            )
            for name in agents
        },
        seats={seat: SeatSetup(seat, auto_answer=seat == "8005") for seat in SEATS},
        queues={queue.name: queue for queue in QUEUES},
        trunks={trunk.name: trunk for trunk in TRUNKS},
        closest_fit=closest_fit,
        breaks={"1": "lunch", "2": "training", "3": "meal"},
        break_rules={"3": BreakSetup(300_000, 420_000, at_once=1, at_once_group=1, queued=True)},
        outgoing=OUTGOING,
    )


def asking(setup: Setup) -> Setup:
    """The same town, where callers are asked about the service and two numbers are known for a nuisance. 101 may keep that list."""
    listed = (
        Barred("13800000666", START + 86_400_000, "office", "calls at night and says nothing"),
        Barred("1380077*", START + 86_400_000, "office", "advertises", mode="last"),
    )
    supervisor = replace(setup.agents["101"], role="supervisor")
    return replace(
        setup,
        agents={**setup.agents, "101": supervisor},
        survey=SurveySetup(default=True, lines={"12348": False}, open_after=frozenset({1, 2})),
        nuisance=NuisanceSetup(listed, flood=3),
    )


def preferring(setup: Setup) -> Setup:
    """The same town, where callers are known: last agents for 10 s, repeated calls, enterprises (139), who are asked a
    lawyer for at first.

    One agent with 12315 stays free for 12315's own calls, for a minute; 12345's queue overflows to 12315's, at most
    5 wait in all; at seat 8004 nothing but 12315 counts.
    """
    enterprises = CallerList(
        "enterprise", "企业", prefixes=("139",), prefer="12348", prefer_ms=20_000, priority=1
    )
    wishes = Preferences(3_600_000, 10_000, 3_600_000, 1, (enterprises,))
    queues = {
        **setup.queues,
        "12345": replace(setup.queues["12345"], then="overflow", overflow=CONSUMERS),
        "12315": replace(setup.queues["12315"], max_length=3, full_notice=("queue-full",)),
    }
    return replace(
        setup,
        seats={**setup.seats, "8004": SeatSetup("8004", skills=frozenset({"12315"}))},
        queues=queues,
        preferences=wishes,
        reserves=(Reserve("consumers", "12315", keep=1, after_ms=60_000),),
        max_waiting=5,
        overload_notice=("overload",),
    )


def recorded(setup: Setup) -> Setup:
    """The same town, where calls are recorded: 12315's with each side apart, those with the tax office not at all."""
    rules = (
        RecordingRule(Mode.APART, lines=frozenset({"12315"})),
        RecordingRule(Mode.OFF, lines=frozenset({"12366"}), directions=frozenset({"passed"})),
    )
    recording = RecordingSetup(Mode.MIXED, Mode.MIXED, rules, notice=("recorded",), pause_limit_ms=60_000)
    return replace(setup, recording=recording)


def calling_back(setup: Setup, **more: Any) -> Setup:
    """The same town, where callers hear their position while they wait, may be called back by key 1, and are when they
    were missed."""
    words = WordsSetup(20_000, 45_000, position=True)
    queues = {
        **setup.queues,
        "12345": replace(setup.queues["12345"], words=words, max_wait_ms=None, max_length=50),
    }
    return replace(
        setup,
        queues=queues,
        trunks={name: replace(trunk, channels=100) for name, trunk in setup.trunks.items()},
        outgoing=OutgoingSetup(trunks=(("unicom", ""), ("telecom", "0")), shows="037112345"),
        callback=replace(CallBackSetup(key="1", missed=True, missed_after_ms=0), **more),
    )


def answering(setup: Setup, **more: Any) -> Setup:
    """The same town, where the machine answers questions: after the greeting, and by key 2 while callers wait."""
    speech = SpeechSetup(greeting=True, key="2", sms=True)
    return replace(calling_back(setup, missed=False), speech=replace(speech, **more))


class Hall:
    """The town's engine at work, told facts in the order of their times (ms after ``START``)."""

    def __init__(self, *signed_on: str, setup: Setup | None = None) -> None:
        self.engine = Engine(setup or town())
        self.at = 0
        for pair in signed_on:
            self.sign_on(pair)

    def sign_on(self, pair: str) -> list[Command]:
        """``101@8001``: the agent signs on at the seat, whose phone works."""
        agent, _, seat = pair.partition("@")
        return self.tell(SeatReachable(seat), SignOnAsked(seat, agent, proven=True, desk="desk"))

    def tell(self, *facts: Event, at: int | None = None) -> list[Command]:
        """Tell facts, all at the same time; the orders that they lead to."""
        self.at = self.at if at is None else at
        return [order for fact in facts for order in self.engine.receive(fact, START + self.at)]

    def wait(self, ms: int) -> list[Command]:
        """Let time pass, each deadline at its own millisecond."""
        self.at += ms
        orders: list[Command] = []
        while (due := self.engine.deadline()) is not None and due <= START + self.at:
            orders += self.engine.tick(due)
        return orders + self.engine.tick(START + self.at)

    def queued(self, call: str, called: str = "12345") -> list[Command]:
        """A call that has come and heard its greeting; the orders since."""
        self.tell(CallOffered(call, "unicom", called, "13800000001"))
        return self.tell(PromptFinished(call))

    def talking(self, call: str, agent: str, called: str = "12345") -> None:
        """A call that the agent has answered."""
        assert agent in {ring.agent for ring in rings(self.queued(call, called))}
        self.tell(AgentAnswered(call, agent))

    def restart(self) -> None:
        """Write the engine down and go on with another one that has read it."""
        written = self.engine.snapshot()
        self.engine = Engine(self.engine.state.setup)
        self.engine.restore(written)

    def agent(self, name: str) -> Agent:
        """Who is signed on by this number."""
        return self.engine.state.agents[name]

    def call(self, name: str) -> Call:
        """A call in the engine's hands."""
        return self.engine.state.calls[name]


def rings(orders: list[Command]) -> list[RingAgent]:
    """The seats to be rung."""
    return [order for order in orders if isinstance(order, RingAgent)]


def records(orders: list[Command]) -> list[CallRecord]:
    """The records to be written."""
    return [order.record for order in orders if isinstance(order, WriteRecord)]


def said(orders: list[Command]) -> list[str]:
    """What is said to phones that asked."""
    return [prompt for order in orders if isinstance(order, Tell) for prompt in order.prompts]
