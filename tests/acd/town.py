"""A small town on whose engine the tests stand: few people of few profiles, so that ties happen on purpose."""

from __future__ import annotations

from dataclasses import replace

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
