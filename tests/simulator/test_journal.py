"""What the engine decided once it decides again: a run's facts, written into a journal and read, give its assignments."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from acd.engine import Engine
from acd.messages import Command, Event, Millis, RingAgent, Tick
from hotline.journal import Alarm, Header, open_journal
from hotline.replay import Note, Step, replay
from simulator.callers import arrivals
from simulator.people import World
from simulator.run import prepared
from simulator.scenario import Arrivals
from simulator.tables import tables
from tests.simulator.towns import TOWNS

MORNING = tuple([0.0] * 18 + [1 / 6] * 6 + [0.0] * 24)
HEADER = Header("simulated", "d1g357", "0.1.0")


class Heard(Engine):
    """An engine that keeps what it is told."""

    told: list[tuple[Millis, Event]]

    def receive(self, event: Event, now: Millis) -> list[Command]:
        self.told.append((now, event))
        return super().receive(event, now)


def played(name: str) -> World:
    scenario = replace(TOWNS[name], arrivals=Arrivals(1_000.0, MORNING), days=1)
    laid = tables(scenario)
    world = prepared(scenario, laid, 0)
    engine = Heard(world.setting.setup)
    engine.told = []
    world.engine = engine
    at_ms, line = arrivals(laid, 0)
    world.run(at_ms.tolist(), line.tolist())
    return world


def alarmed(alarm: Alarm) -> None:
    raise AssertionError(alarm.text)


async def write(where: Path, world: World, told: list[tuple[Millis, Event]], snapshots: int) -> None:
    """As the live program does: the fact, then what is ordered on it; now and then the engine's state."""
    journal = await open_journal(where, header=HEADER, alarm=alarmed)
    await journal.recover()
    engine = Engine(world.setting.setup)
    due = {len(told) * (i + 1) // (snapshots + 1) for i in range(snapshots)}
    for place, (now, event) in enumerate(told):
        (number,) = await journal.append([(now, event)])
        journal.note_orders(number, engine.receive(event, now))
        if place in due:
            assert await journal.snapshot(engine.snapshot(), now)
    await journal.close()


@pytest.mark.parametrize(
    "name", ["experts and relaxation", "ties on purpose", "transfers", "own calls", "shifts and breaks"]
)
async def test_the_journal_of_a_run_gives_its_assignments_again(name: str, tmp_path: Path) -> None:
    world = played(name)
    assert isinstance(world.engine, Heard)
    told = world.engine.told
    assert any(isinstance(event, Tick) for _, event in told)
    await write(tmp_path, world, told, snapshots=3)

    def again(_: Header) -> Engine:
        return Engine(world.setting.setup)

    found = await asyncio.to_thread(lambda: list(replay(tmp_path, again)))
    steps = [step for step in found if isinstance(step, Step)]
    assert len(steps) == len(told)
    assert sum(isinstance(one, Note) for one in found) == 1 + 3  # a segment each
    assert [step.difference for step in steps if step.difference] == []
    zero = world.setting.zero
    rings = [
        (int(order.call), order.agent, step.now - zero)
        for step in steps
        for order in step.ordered
        if isinstance(order, RingAgent)
    ]
    log = world.ledger.log()
    names = [world.agents[agent] for agent in log.agent.tolist()]
    assert rings == list(zip(log.call.tolist(), names, log.at_ms.tolist(), strict=True))
    assert len(rings) > 300
