"""How much faster the compiled loop is than the engine whose decisions it makes: calls a second of both, and their ratio.

    python -m benchmarks.virtual [SECONDS]

Both play the same callers and decide the same, call by call (`tests/simulator/test_parity.py`); both are measured in this one run,
turn by turn, and the fastest turn counts.
"""

from __future__ import annotations

import sys
import time

from simulator import fast, run
from simulator.scenario import Arrivals, Duration, Group, Line, Need, Scenario, Shift, Wait
from simulator.tables import Tables, tables

TURNS = 3


def day(calls: float = 8_000.0) -> Scenario:
    """A multi-skill day: four lines, experts, two priorities, relaxation, callers who hang up."""
    plain = Wait("12345", (Need((("12345", 1),)),))
    consumers = Wait("12345", (Need((("12315", 1),)), Need((("12345", 1),), 0)))
    law = Wait("12345", (Need((("12348", 2),)), Need((("12345", 1),), 20_000)), 1)
    places = {"12345": (0.6, plain), "12315": (0.2, consumers), "12319": (0.1, plain), "12348": (0.1, law)}
    lines = tuple(
        Line(
            name,
            share,
            place,
            talk=Duration("lognormal", 160.0, 0.8),
            wrap_up=Duration("exponential", 30.0),
            patience=Duration("exponential", 120.0),
            greeting_ms=8_000,
        )
        for name, (share, place) in places.items()
    )
    groups = (
        Group("city", {"12345": 1}, (Shift("day", 16),)),
        Group("consumers", {"12345": 1, "12315": 1}, (Shift("day", 5),)),
        Group("law", {"12345": 1, "12348": 2}, (Shift("day", 3),), expert=True),
    )
    shares = [0.2] * 14 + [1.7] * 20 + [1.0] * 10 + [0.25] * 4
    return Scenario("day", lines, groups, Arrivals(calls, tuple(share / sum(shares) for share in shares)))


def fastest(seconds: float, play: object, calls: int) -> float:
    """Calls a second of the fastest of the plays that fit into the time; one at least."""
    assert callable(play)
    best, until = 0.0, time.perf_counter() + seconds
    while best == 0.0 or time.perf_counter() < until:
        begin = time.perf_counter()
        play()
        best = max(best, calls / (time.perf_counter() - begin))
    return best


def main(seconds: float) -> None:
    """Print both and their ratio."""
    scenario = day()
    laid: Tables = tables(scenario)
    calls = fast.replicate(laid, 0).calls
    engine = loop = 0.0
    for _ in range(TURNS):
        engine = max(engine, fastest(seconds / TURNS, lambda: run.replicate(scenario, laid, 0), calls))
        loop = max(loop, fastest(seconds / TURNS / 4, lambda: fast.replicate(laid, 0), calls))
    sys.stdout.write(f"a multi-skill day of {calls} calls, 24 seats, one thread\n")
    sys.stdout.write(f"the engine on virtual time  {engine:12,.0f} calls/s\n")
    sys.stdout.write(f"the compiled loop           {loop:12,.0f} calls/s\n")
    sys.stdout.write(f"ratio                       {loop / engine:12,.0f} x\n")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 9.0)
