"""How fast is a decision, and how does its cost grow with the number of agents?

A decision is what the live engine has carried out for one call: the best agent for a call, who then stops
being idle, and another agent who falls idle. It is taken with the kernel from compiled code, with the
kernel from Python, with the whole router, and with a scan over numpy arrays (the obvious way), interleaved
in one run; printed is the median of the rounds.

``python -m benchmarks.kernel [--json]``. 8 skills, 1,000 calls waiting, 260, 2,600 and 26,000 agents. The
agents have either one of 12 sets of skills, or each a set of their own (as far as there are so many).
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from math import log, log2
from statistics import median
from typing import ParamSpec, TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

from acd import kernel
from acd.kernel import MASK, Order
from acd.router import Router

AGENTS = (260, 2_600, 26_000)
SKILLS = 8
WAITING = 1_000
NEEDS = 24
BUSY = 64
ROUNDS = 7
DECISIONS = 100_000
SEED = 12345

P = ParamSpec("P")
R = TypeVar("R")


def _compiled(function: Callable[P, R]) -> Callable[P, R]:
    # not cached: a cached caller would keep the code of a kernel that has changed since
    made: Callable[P, R] = njit(nogil=True)(function)
    return made


@dataclass(frozen=True, slots=True)
class Hall:
    """Agents with their levels and weights, the needs asked, and both orders ready for use."""

    levels: NDArray[np.int64]
    weights: NDArray[np.int64]
    needs: NDArray[np.int64]
    asked: NDArray[np.int64]
    agents: Order
    calls: Order
    idle: NDArray[np.bool_]
    draws: NDArray[np.int64]

    def copy(self) -> Hall:
        """The same hall, to be changed."""
        return Hall(
            self.levels,
            self.weights,
            self.needs,
            self.asked,
            kernel.enlarged(self.agents, len(self.agents) - 1, 1),
            kernel.enlarged(self.calls, len(self.calls) - 1, 1),
            self.idle.copy(),
            self.draws,
        )


@dataclass(frozen=True, slots=True)
class Measured:
    """Nanoseconds of one decision, decisions a second, the height of the tree (the most steps of a walk)."""

    agents: int
    profiles: int
    compiled_ns: float
    waiting_ns: float
    from_python_ns: float
    router_ns: float
    scan_ns: float
    height: int
    decisions_per_second: float
    times_faster_than_scan: float


def hall(agents: int, distinct: bool) -> Hall:
    """``agents`` agents, 3 in 10 of them idle; the same at every call."""
    random = np.random.default_rng(SEED)
    sets: NDArray[np.int64] = random.integers(1, 5, (agents if distinct else 12, SKILLS), np.int64)
    sets *= random.random(sets.shape) < 0.4
    levels = np.zeros((agents + 1, SKILLS), np.int64)
    levels[1:] = sets if distinct else sets[random.integers(0, len(sets), agents, np.int64)]
    needs = np.zeros((NEEDS, SKILLS), np.int64)
    for minimum in needs:
        for skill in random.choice(SKILLS, random.integers(1, 3), replace=False):
            minimum[skill] = random.integers(1, 3)
    asked = random.integers(0, NEEDS, WAITING + 1)
    agent_order, call_order = kernel.empty_order(agents), kernel.empty_order(WAITING)
    for need, minimum in enumerate(needs):
        agent_order[1:, MASK] |= (levels[1:] >= minimum).all(axis=1).astype(np.int64) << need
    call_order[1:, MASK] = 1 << asked[1:]
    idle = random.random(agents + 1) < 0.3
    idle[0] = False
    weights = levels.sum(axis=1)
    for row in np.flatnonzero(idle).tolist():
        kernel.enter(agent_order, row, kernel.agent_key(int(weights[row]), row * 3), row)
    for row in range(1, WAITING + 1):
        kernel.enter(call_order, row, kernel.call_key(row * 100, row % 3, 60_000), row)
    draws = random.integers(0, 1 << 40, DECISIONS)
    return Hall(levels, weights, needs, asked, agent_order, call_order, idle, draws)


@_compiled
def _decide(agents: Order, calls: Order, weights: NDArray[np.int64], draws: NDArray[np.int64]) -> int:
    talking = np.zeros(BUSY, np.int64)
    told = 0
    for i in range(len(draws)):
        agent = kernel.best_agent(agents, calls, 1 + draws[i] % (calls.shape[0] - 1))
        if agent:
            kernel.leave(agents, agent)
        back = talking[i % BUSY]
        talking[i % BUSY] = agent
        if back:
            kernel.enter(agents, back, kernel.agent_key(weights[back], 1_000_000 + i), back)
        told = (told * 31 + agent) & 0xFFFFFFFF
    return told


@_compiled
def _serve(agents: Order, calls: Order, draws: NDArray[np.int64]) -> int:
    told = 0
    for i in range(len(draws)):
        call = kernel.best_call(agents, calls, 1 + draws[i] % (agents.shape[0] - 1))
        if call:
            kernel.leave(calls, call)
            kernel.enter(calls, call, 1_000_000 + i * 100, 10_000 + i)
        told = (told * 31 + call) & 0xFFFFFFFF
    return told


def _decide_from_python(given: Hall, decisions: int) -> int:
    agents, calls, weights = given.agents, given.calls, given.weights.tolist()
    talking = [0] * BUSY
    draws = given.draws[:decisions].tolist()
    told = 0
    for i in range(decisions):
        agent = kernel.best_agent(agents, calls, 1 + draws[i] % WAITING)
        if agent:
            kernel.leave(agents, agent)
        back = talking[i % BUSY]
        talking[i % BUSY] = agent
        if back:
            kernel.enter(agents, back, kernel.agent_key(weights[back], 1_000_000 + i), back)
        told = (told * 31 + agent) & 0xFFFFFFFF
    return told


def _decide_by_scan(given: Hall, decisions: int) -> int:
    agents = len(given.levels) - 1
    since = np.arange(agents + 1, dtype=np.int64) * 3
    idle, talking, told = given.idle, [0] * BUSY, 0
    for i in range(decisions):
        need = given.needs[given.asked[1 + int(given.draws[i]) % WAITING]]
        able = np.flatnonzero(idle & (given.levels >= need).all(axis=1))
        agent = 0
        if len(able):
            keys = (given.weights[able] << kernel.TIME_BITS) + since[able]
            agent = int(able[np.argmin(keys)])
            idle[agent] = False
        back = talking[i % BUSY]
        talking[i % BUSY] = agent
        if back:
            idle[back] = True
            since[back] = 1_000_000 + i
        told = (told * 31 + agent) & 0xFFFFFFFF
    return told


def router_for(given: Hall) -> tuple[Router, list[tuple[tuple[str, int], ...]]]:
    """The same hall behind a router."""
    names = [f"s{skill}" for skill in range(SKILLS)]
    router = Router(names, ageing_ms=60_000, closest_fit=True)
    for row in range(1, len(given.levels)):
        router.set_agent(str(row), {n: int(v) for n, v in zip(names, given.levels[row], strict=True) if v})
        if given.idle[row]:
            router.agent_idle(str(row), row * 3)
    needs = [tuple((n, int(v)) for n, v in zip(names, need, strict=True) if v) for need in given.needs]
    for need in needs:
        router.qualified(need)
    return router, needs


def _decide_by_router(
    router: Router, needs: list[tuple[tuple[str, int], ...]], asked: list[int], decisions: int
) -> int:
    talking = [0] * BUSY
    told = 0
    for i in range(decisions):
        router.call_waits("call", needs[asked[i]], 0, i)
        found = router.agent_for("call")
        router.call_gone("call")
        agent = 0
        if found:
            agent = int(found.agent)
            router.agent_gone(found.agent)
        back = talking[i % BUSY]
        talking[i % BUSY] = agent
        if back:
            router.agent_idle(str(back), 1_000_000 + i)
        told = (told * 31 + agent) & 0xFFFFFFFF
    return told


def _timed(run: Callable[[], int], decisions: int) -> tuple[float, int]:
    started = time.perf_counter_ns()
    told = run()
    return (time.perf_counter_ns() - started) / decisions, told


def measure(agents: int, distinct: bool) -> Measured:
    """Every way the same decisions; a way that decides anything else than the others stops the run."""
    start = hall(agents, distinct)
    router_start = router_for(start)
    asked = start.asked[1 + start.draws % WAITING].tolist()
    few = 300  # decisions that every way takes: the scan is slow
    ways: dict[str, list[float]] = {"compiled": [], "waiting": [], "python": [], "router": [], "scan": []}
    _decide(start.copy().agents, start.calls, start.weights, start.draws[:10])
    _serve(start.agents, start.copy().calls, start.draws[:10])
    for _ in range(ROUNDS):
        a, b, c, d, e = (start.copy() for _ in range(5))
        router, needs = router_start if not ways["router"] else router_for(start)
        scan_ns, by_scan = _timed(lambda d=d: _decide_by_scan(d, few), few)  # type: ignore[misc]
        router_ns, by_router = _timed(
            lambda r=router, n=needs: _decide_by_router(r, n, asked, few),  # type: ignore[misc]
            few,
        )
        python_ns, by_python = _timed(lambda c=c: _decide_from_python(c, few), few)  # type: ignore[misc]
        by_kernel = _decide(e.agents, e.calls, e.weights, e.draws[:few])
        if not by_scan == by_router == by_python == by_kernel:
            raise SystemExit(f"{agents} agents: the ways decide differently")
        compiled_ns, _ = _timed(
            lambda a=a: _decide(a.agents, a.calls, a.weights, a.draws),  # type: ignore[misc]
            DECISIONS,
        )
        waiting_ns, _ = _timed(
            lambda b=b: _serve(b.agents, b.calls, b.draws),  # type: ignore[misc]
            DECISIONS,
        )
        for way, ns in zip(ways, (compiled_ns, waiting_ns, python_ns, router_ns, scan_ns), strict=True):
            ways[way].append(ns)
    compiled, waiting, python, whole, scan = (median(ways[way]) for way in ways)
    height = int(start.agents[start.agents[0, kernel.ROOT], kernel.HEIGHT])
    profiles = len(np.unique(start.levels[1:], axis=0))
    return Measured(
        agents, profiles, compiled, waiting, python, whole, scan, height, 1e9 / compiled, scan / compiled
    )


def exponent(rows: list[Measured], ns: Callable[[Measured], float]) -> float:
    """The power of log2(agents) with which the cost grows from the fewest to the most: 1 is as the
    logarithm."""
    fewest, most = rows[0], rows[-1]
    return log(ns(most) / ns(fewest)) / log(log2(most.agents) / log2(fewest.agents))


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kernel", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON document and nothing else")
    told = parser.parse_args(argv)
    result: dict[str, object] = {"skills": SKILLS, "waiting": WAITING, "needs": NEEDS}
    for title, distinct in (("few_profiles", False), ("own_profiles", True)):
        rows = [measure(agents, distinct) for agents in AGENTS]
        growth = {
            "kernel": exponent(rows, lambda row: row.compiled_ns),
            "kernel_waiting": exponent(rows, lambda row: row.waiting_ns),
            "router": exponent(rows, lambda row: row.router_ns),
            "scan": exponent(rows, lambda row: row.scan_ns),
        }
        result[title] = {"rows": [asdict(row) for row in rows], "growth_in_log2": growth}
        if told.json:
            continue
        print(f"\n{title}, ns a decision, median of {ROUNDS} rounds; ratio: scan to kernel")
        print("  agents profiles height  kernel  (calls)  from Python  router      scan  decisions/s   ratio")
        for row in rows:
            print(
                f"{row.agents:8d} {row.profiles:8d} {row.height:6d} {row.compiled_ns:7.0f}"
                f"  {row.waiting_ns:7.0f}  {row.from_python_ns:11.0f} {row.router_ns:7.0f} {row.scan_ns:9.0f}"
                f"  {row.decisions_per_second:11,.0f}  {row.times_faster_than_scan:6.0f}"
            )
        powers = ", ".join(f"{way} {power:.2f}" for way, power in growth.items())
        print(f"  the cost grows as log2(agents) to the power of: {powers}")
    if told.json:
        print(json.dumps(result))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
