"""What does a fact cost the engine while callers are owed a call?

The same calls (offered, answered, over, wrapped up) go through the pure engine with nothing owed, and with so many call-backs that
are not due: listed for later, standing among the waiting for a skill that nobody has just now, or due and missed while no idle seat
can take them. The order is turned round from one repetition to the next; the medians and their ratio to nothing owed are printed.

    python -m benchmarks.owed --owed 0,100,2000 --calls 300 --repeat 5
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import replace

from acd.backs import Back, Stage
from acd.engine import Engine
from acd.messages import (
    AgentAnswered,
    CallerHungUp,
    CallOffered,
    Event,
    RecordStored,
    SeatReachable,
    SignOnAsked,
    Tick,
    WrapUpEndAsked,
)
from acd.setup import CallBackSetup, Setup
from dialplans.decision import Need
from hotline.city import City
from ivr.flow import Enqueue

START = 1_767_578_400_000
"""2026-01-05 10:00 in Shanghai"""
KINDS = ("later", "waiting", "stuck")
SEATS = 6


def town() -> Setup:
    """Zhengzhou, called back, without a greeting."""
    setup = City.load("zhengzhou").setup()
    queues = {name: replace(queue, greeting=(), wrap_up_ms=1_000) for name, queue in setup.queues.items()}
    return replace(setup, queues=queues, callback=CallBackSetup(key="1", missed=True))


def engine_with(setup: Setup, owed: int, kind: str) -> Engine:
    """An engine with some seats idle and so many call-backs of one kind, handed to it as after a restart."""
    engine = Engine(setup)
    for agent, seat in list(zip(setup.agents, setup.seats, strict=False))[:SEATS]:
        engine.receive(SeatReachable(seat), START)
        engine.receive(SignOnAsked(seat, agent, proven=True), START)
    own = setup.plan.own.wait
    needs = own.needs if kind == "later" else (Need((("nobody has this", 1),)),)
    for i in range(owed):
        name = f"{i}-back"
        engine.state.backs[name] = Back(
            name,
            of=str(i),
            caller=f"139{i:08d}",
            key=f"139{i:08d}",
            asked=kind == "waiting",
            called="12345",
            waits=Enqueue(own.queue, needs),
            order=i + 1,
            queued=START,
            since=START,
            due=START + (4 * 3_600_000 if kind == "later" else 0),
            expires=START + 86_400_000,
        )
    engine.state.counted = owed
    engine.restore(engine.snapshot())
    engine.receive(Tick(), START)
    return engine


def ns_a_fact(setup: Setup, owed: int, kind: str, calls: int) -> float:
    """The mean over so many calls, one after the other."""
    engine = engine_with(setup, owed, kind)
    wanted = Stage.PLACED if kind == "waiting" else Stage.LISTED
    assert all(back.stage is wanted for back in engine.state.backs.values())
    now, trunk = START, next(iter(setup.trunks))
    spent = facts = 0

    def tell(event: Event) -> None:
        nonlocal spent, facts
        began = time.perf_counter_ns()
        engine.receive(event, now)
        spent += time.perf_counter_ns() - began
        facts += 1

    for i in range(calls):
        name = f"c{i}"
        tell(CallOffered(name, trunk, "12345", f"138{i:08d}"))
        call = engine.state.calls[name]
        agent, seat = call.agent or "", call.seat or ""
        now += 1_000
        tell(AgentAnswered(name, agent))
        now += 1_000
        tell(CallerHungUp(name, 16))
        tell(WrapUpEndAsked(seat))
        tell(RecordStored(name))
    assert len(engine.state.backs) == owed
    return spent / facts


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; exit 0 when it was measured, 2 for arguments that can't be used."""
    parser = argparse.ArgumentParser(prog="owed", description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--owed", default="0,100,2000", help="how many are owed a call; the first is the base"
    )
    parser.add_argument("--calls", type=int, default=300, help="calls a repetition")
    parser.add_argument("--repeat", type=int, default=5, help="repetitions; medians are printed")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    given = parser.parse_args(arguments)
    try:
        owed = [int(count) for count in given.owed.split(",")]
    except ValueError:
        parser.error(f"--owed {given.owed}: give whole numbers separated by commas")
    setup = town()
    ns_a_fact(setup, 0, "later", 50)
    found: dict[tuple[str, int], list[float]] = {}
    for repetition in range(given.repeat):
        for kind in KINDS:
            for count in owed if repetition % 2 == 0 else owed[::-1]:
                found.setdefault((kind, count), []).append(ns_a_fact(setup, count, kind, given.calls))
    rows = []
    for (kind, count), times in found.items():
        base = statistics.median(found[kind, owed[0]])
        middle = statistics.median(times)
        rows.append({"kind": kind, "owed": count, "ns_a_fact": middle, "ratio": middle / base})
    rows.sort(key=lambda row: (KINDS.index(str(row["kind"])), row["owed"]))
    if given.json:
        print(json.dumps({"rows": rows}))
    else:
        print("kind      owed   ns a fact   ratio")
        for row in rows:
            print(f"{row['kind']:<8} {row['owed']:5} {row['ns_a_fact']:11.0f}   x{row['ratio']:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
