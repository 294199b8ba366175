"""A scenario as the engine sees a city: a number plan whose lines are the scenario's, people at their seats, queues and trunks.

Every line has a number of its own, over which its callers come; those whom a menu or speech recognition serves come over a
second one, which leads to words and no seat. A sub-centre is the end of a link with as many channels as it has seats.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from acd.service_class import OutgoingSetup
from acd.setup import AgentSetup, QueueSetup, SeatSetup, Setup, TrunkSetup
from dialplans.decision import Pass, Treatment
from dialplans.hotline import CityLine, Hotline, Phase, TrunkRule
from dialplans.hours import instant
from dialplans.number import Number
from dialplans.plan import NumberPlan
from simulator.scenario import Line, Scenario, SubCentre

AREA = "0371"
CARRIER = "carriers"
"""the trunk over which every call comes"""
OUT = "own calls"
"""the trunk for the seats' own calls: they take no channel from callers"""
UNLIMITED = 1 << 40
LONG_MS = 1 << 31
"""rings and wrap-ups end when the people say so, not by the engine's own time-outs"""
BREAK = "1"
GREETING = ("greeting",)
ANSWERED_BY_MACHINE = ("answer",)
CALLERS = 99_999_989
"""so many numbers there are for people who never call twice"""
OUTSIDE = "13700000000"
"""whom a seat calls"""

_LINES, _MACHINES, _SUBCENTRES = "62", "63", "64"


@dataclass(frozen=True, slots=True)
class Setting:
    """The engine's `Setup`, and under which names the scenario's things stand in it.

    ``lines`` and ``machines``: the number that callers of each line dial who want a seat, and who are content with a machine;
    ``subcentres``: the number of each sub-centre, ``within``: in which time that of a line
    has to answer, ms; ``zero``: midnight of the first day, in ms since 1970.
    """

    setup: Setup
    lines: tuple[str, ...]
    machines: tuple[str, ...]
    subcentres: Mapping[str, str]
    within: Mapping[str, int]
    zero: int
    trunk: str = CARRIER
    callers: int = 0
    """so many people call, each with a number of its own; 0: nobody shows one"""

    def caller(self, key: int) -> str:
        """Whose call it is."""
        return f"13{8_00000000 + spread(key) % self.callers:09}" if self.callers else ""


def set_up(
    scenario: Scenario,
    agents: Mapping[str, Mapping[str, int]],
    city: Setup | None = None,
    callers: int = 0,
) -> Setting:
    """The engine's setup for a scenario. ``agents``: skills by number; each has a seat of the same number.

    ``city``: what holds besides the scenario: preferences (last agents, lists), reserves, call-backs, the most who may wait in all.
    Where the city's plan has a line of the same name (its number), callers dial that one and meet what the plan says.
    """
    machines = tuple(f"{_MACHINES}{i:06}" for i in range(len(scenario.lines)))
    subcentres = {centre.name: f"{_SUBCENTRES}{i:06}" for i, centre in enumerate(scenario.subcentres)}
    area = city.plan.area if city else AREA
    known = _known(city.plan) if city else {}
    lines = tuple(
        known[line.name].shown(area) if line.name in known else f"{_LINES}{i:06}"
        for i, line in enumerate(scenario.lines)
    )
    made = [
        *(
            _line(area, n, line)
            for n, line in zip(lines, scenario.lines, strict=True)
            if line.name not in known
        ),
        *(_machine(area, n) for n in machines),
        *(_subcentre(area, subcentres[centre.name], centre) for centre in scenario.subcentres),
    ]
    links = tuple(TrunkRule(_link(centre), link=True, title=centre.name) for centre in scenario.subcentres)
    plan = (
        replace(city.plan, lines=(*city.plan.lines, *made), rules=(*city.plan.rules, *links))
        if city
        else (
            NumberPlan(
                area,
                CityLine(Number(area, "12345"), "", "", scenario.lines[0].wait),
                tuple(made),
                rules=links,
            )
        )
    )
    greetings = {
        n: GREETING
        for n, line in zip(lines, scenario.lines, strict=True)
        if line.greeting_ms or line.goes_in_vain
    }
    setup = Setup(
        city=city.city if city else scenario.name,
        plan=plan,
        agents={name: AgentSetup(name, name, dict(skills)) for name, skills in agents.items()},
        seats={name: SeatSetup(name) for name in agents},
        queues=_queues(scenario, city),
        trunks=_trunks(scenario, city),
        ageing_ms=scenario.ageing_ms,
        closest_fit=scenario.closest_fit,
        breaks={BREAK: "break"},
        outgoing=OutgoingSetup(trunks=((OUT, ""),)),
        greetings=greetings,
    )
    if city is not None:
        setup = replace(
            setup,
            preferences=city.preferences,
            reserves=city.reserves,
            callback=city.callback,
            max_waiting=city.max_waiting,
            nuisance=city.nuisance,
        )
    centres = {centre.name: centre.within_ms for centre in scenario.subcentres}
    within = {line.name: centres[line.transfer.to] for line in scenario.lines if line.transfer}
    zero = midnight(scenario.start)
    return Setting(setup, lines, machines, subcentres, within, zero, callers=callers)


def spread(key: int) -> int:
    """The keys of calls mixed up (Knuth's multiplicative hash), so that one caller's calls do not follow one another."""
    return key * 2_654_435_761 % (1 << 32)


def midnight(day: date) -> int:
    """When the day begins, in ms since 1970."""
    return instant(day)


def _known(plan: NumberPlan) -> dict[str, Number]:
    lines = [plan.own.number, *plan.own.also, *(line.number for line in plan.lines)]
    return {number.shown(plan.area): number for number in lines}


def _line(area: str, number: str, line: Line) -> Hotline:
    phase = Phase(Treatment.ABSORBED, wait=line.wait)
    return Hotline(Number(area, number), line.title or line.name, "", (phase,))


def _machine(area: str, number: str) -> Hotline:
    """Words, and then the end: nobody is asked for a seat."""
    phase = Phase(Treatment.WITHDRAWN, transition_ends_ms=0, told=ANSWERED_BY_MACHINE)
    return Hotline(Number(area, number), "self-service", "", (phase,))


def _subcentre(area: str, number: str, centre: SubCentre) -> Hotline:
    phase = Phase(Treatment.SUBCENTRE, passes=(Pass(_link(centre), number),), pass_ring_ms=LONG_MS)
    return Hotline(Number(area, number), centre.title or centre.name, "", (phase,))


def _link(centre: SubCentre) -> str:
    return f"link {centre.name}"


def _queues(scenario: Scenario, city: Setup | None) -> dict[str, QueueSetup]:
    names = dict.fromkeys(line.wait.queue for line in scenario.lines)
    made = {
        name: QueueSetup(
            name,
            ring_ms=LONG_MS,
            wrap_up_ms=LONG_MS,
            max_length=scenario.max_length.get(name),
            max_wait_ms=scenario.max_wait_ms.get(name),
        )
        for name in names
    }
    if city is None:
        return made
    theirs = {
        name: replace(queue, ring_ms=LONG_MS, wrap_up_ms=LONG_MS, greeting=())
        for name, queue in city.queues.items()
    }
    return {**made, **theirs}


def _trunks(scenario: Scenario, city: Setup | None) -> dict[str, TrunkSetup]:
    channels = UNLIMITED if scenario.channels is None else scenario.channels
    seats = {_link(c): UNLIMITED if c.seats is None else c.seats for c in scenario.subcentres}
    room = {CARRIER: channels, OUT: UNLIMITED, **seats}
    ours = {name: TrunkSetup(name, most) for name, most in room.items()}
    return {**(city.trunks if city else {}), **ours}
