"""The real engine on virtual time: every feature, at thousands of calls a second. `simulator.fast` gives the same, call by call.

What only the engine can do (last agents, reserves, call-backs, the most who may wait in all) comes with a city's `Habits`: the same
callers with and without tell what it costs.
"""

from __future__ import annotations

from collections.abc import Sequence

from simulator import callers
from simulator.call_backs import City, Habits
from simulator.outcome import Assigned, Outcome
from simulator.people import World
from simulator.scenario import Scenario
from simulator.setting import CALLERS, set_up
from simulator.tables import Floats, Ints, Tables
from simulator.tables import tables as lay_out

Arrived = tuple[Ints, Ints]
"""first calls in order: when (ms) and on which line"""
Busyness = Sequence[float] | Floats | None


def replicate(
    scenario: Scenario,
    tables: Tables,
    replication: int,
    *,
    busyness: Busyness = None,
    arrived: Arrived | None = None,
    habits: Habits | None = None,
) -> Outcome:
    """One replication. ``tables``: of the scenario; ``busyness``: a factor a day, drawn where ``None``; ``arrived``: the calls
    themselves instead of drawn ones, when (ms) and on which line; ``habits``: a city's own ways."""
    return replicate_logged(scenario, tables, replication, busyness=busyness, arrived=arrived, habits=habits)[
        0
    ]


def replicate_logged(
    scenario: Scenario,
    tables: Tables,
    replication: int,
    *,
    busyness: Busyness = None,
    arrived: Arrived | None = None,
    habits: Habits | None = None,
) -> tuple[Outcome, Assigned]:
    """The same with who got which call."""
    world = play(scenario, tables, replication, busyness=busyness, arrived=arrived, habits=habits)
    return world.ledger.outcome, world.ledger.log()


def play(
    scenario: Scenario,
    tables: Tables | None = None,
    replication: int = 0,
    *,
    busyness: Busyness = None,
    arrived: Arrived | None = None,
    habits: Habits | None = None,
) -> World:
    """A replication that has been played to its end, with its engine as that left it."""
    laid = lay_out(scenario) if tables is None else tables
    world = prepared(scenario, laid, replication, habits)
    at_ms, line = callers.arrivals(laid, replication, busyness) if arrived is None else arrived
    world.run(at_ms.tolist(), line.tolist())
    return world


def prepared(scenario: Scenario, tables: Tables, replication: int, habits: Habits | None = None) -> World:
    """The world before its first fact."""
    skills = {
        name: scenario.groups[group].skills
        for name, group in zip(tables.agents, tables.agent_group.tolist(), strict=True)
    }
    if habits is None:
        return World(scenario, set_up(scenario, skills), tables, replication)
    number_of = habits.callers or CALLERS
    city = City(scenario, set_up(scenario, skills, habits.city, number_of), tables, replication)
    city.habits = habits
    return city
