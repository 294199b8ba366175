"""A small town on whose engine the tests stand: few people of few profiles, so that ties happen on purpose."""

from __future__ import annotations

from dataclasses import replace

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
from acd.setup import AgentSetup, QueueSetup, SeatSetup, Setup, TrunkSetup
from dialplans.decision import Choice, Need, Pass, Treatment, Wait
from dialplans.hotline import CityLine, Hotline, Phase, TrunkRule
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
SEATS = ("8001", "8002", "8003", "8004", "8005")

CITY = Wait("12345", (Need((("12345", 1),)),))
CONSUMERS = Wait("12315", (Need((("12315", 1),)),))
EXPERTS = Wait(
    "12345", (Need((("12348", 3),)), Need((("12348", 1),), 15_000), Need((("12345", 1),), 40_000)), 1
)
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


def town(*, menu: bool = False, agents: tuple[str, ...] = tuple(AGENTS), closest_fit: bool = True) -> Setup:
    """The town; ``menu``: 12345 offers keys; ``agents``: who of its people is employed."""
    own = CityLine(Number(AREA, "12345"), "hotline", "city", CITY)
    if menu:
        own = replace(own, menu=KEYS, menu_prompt="menu")
    plan = NumberPlan(AREA, own, LINES, rules=(TrunkRule("tax", link=True), TrunkRule("police", link=True)))
    return Setup(
        city="town",
        plan=plan,
        agents={name: AgentSetup(name, f"agent {name}", AGENTS[name]) for name in agents},
        seats={seat: SeatSetup(seat, auto_answer=seat == "8005") for seat in SEATS},
        queues={queue.name: queue for queue in QUEUES},
        trunks={trunk.name: trunk for trunk in TRUNKS},
        closest_fit=closest_fit,
        breaks={"1": "lunch", "2": "training"},
    )


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
