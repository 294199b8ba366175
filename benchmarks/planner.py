"""How fast is the planner? Against the same algorithm in C, against SimPy and against Ciw, interleaved in one
run.

A day of 60,000 calls, on one pool of seats and on eight lines with experts, two priorities and relaxation, is
played by `simulator.fast` and by ``planner_reference.c`` (gcc -O3 -march=native): the same arrays, the same
random numbers, and every count has to be the same, or the run stops. Ours is timed as it is called, from
`Tables` to `Outcome`. Printed are medians, in processor time.

``python -m benchmarks.planner [--rounds N] [--without-others] [--json]``
"""

from __future__ import annotations

import argparse
import ctypes
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import fields
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

from benchmarks.planner_scenarios import SEATS, several, single
from simulator import callers, columns, draws, fast
from simulator.outcome import Outcome
from simulator.tables import Tables, tables

SOURCE = Path(__file__).with_name("planner_reference.c")
COMPILER = ("gcc", "-O3", "-march=native", "-ffp-contract=off", "-fPIC", "-shared")
ROUNDS = 41
OTHERS_ROUNDS = 5
SCALARS = ("cells", "lines", "kinds", "agents", "agent_kinds", "ageing", "in_time", "horizon")
ARRAYS = (
    "total", "mix", "share", "guide", "exponentials", "quantiles", "line", "kind", "meets", "serves", "weight",
    "agent_kind",
)  # fmt: skip


class _Scenario(ctypes.Structure):
    _fields_ = [(name, ctypes.c_int64) for name in SCALARS] + [(name, ctypes.c_void_p) for name in ARRAYS]


class Reference:
    """The loops in C, on the arrays of a `Tables`."""

    def __init__(self, library: ctypes.CDLL, laid: Tables) -> None:
        self._library, self._laid = library, laid
        self._kept: list[NDArray[np.generic]] = [
            laid.rate.sum(axis=1), laid.mix, laid.share, laid.guide, draws.exponential(), laid.quantiles, laid.lines,
            laid.kinds, laid.meets, laid.serves, laid.weight, laid.agent_kind,
        ]  # fmt: skip
        scalars = (
            len(laid.rate), len(laid.line_names), len(laid.kinds), len(laid.agents), len(laid.weight), laid.ageing_ms,
            laid.within_ms, laid.horizon_ms,
        )  # fmt: skip
        self._scenario = _Scenario(*scalars, *(array.ctypes.data for array in self._kept))

    def play(self, replication: int, *, pool: bool) -> Outcome:
        """One replication."""
        laid = self._laid
        lines, rows = len(laid.line_names), laid.half_hours
        counts = np.zeros((rows * lines + 1) * columns.COUNTS, np.int64)
        hours = np.zeros((rows + 1) * 2, np.int64)
        key = ctypes.c_uint64(callers.key_of(laid, replication))
        here = ctypes.byref(self._scenario), key, ctypes.c_double(1.0)
        out = ctypes.c_void_p(counts.ctypes.data), ctypes.c_void_p(hours.ctypes.data)
        if pool:
            self._library.one_pool(*here, *out)
        elif self._library.many_skills(*here, *out, ctypes.c_int64(fast.ROOM)) < 0:
            raise SystemExit("benchmarks.planner: the C loop needs more rows: raise ROOM for both")
        return fast.outcome(laid, counts, hours)


def compiled(directory: Path) -> ctypes.CDLL:
    """The reference, compiled. Raises ``SystemExit`` where there is no compiler."""
    library = directory / "planner_reference.so"
    try:
        subprocess.run([*COMPILER, "-o", library, SOURCE, "-lm"], check=True)
    except (FileNotFoundError, subprocess.CalledProcessError) as fault:
        raise SystemExit(
            f"benchmarks.planner: the C reference can't be compiled: {fault}: install gcc"
        ) from fault
    loaded = ctypes.CDLL(str(library))
    loaded.one_pool.restype = loaded.many_skills.restype = ctypes.c_int64
    return loaded


Timed = tuple[float, Outcome]


def _seconds(play: Callable[[], Outcome]) -> Timed:
    began = time.process_time()
    told = play()
    return time.process_time() - began, told


def _swapped(one: Timed, other: Timed) -> tuple[Timed, Timed]:
    return other, one


def _calls_a_second(laid: Tables, replication: int) -> float:
    spent, told = _seconds(lambda: fast.replicate(laid, replication))
    return told.calls / spent


def against_c(library: ctypes.CDLL, laid: Tables, rounds: int, *, pool: bool) -> dict[str, float]:
    """Both in turn, on the same replications. A count that differs stops the run."""
    theirs = Reference(library, laid)
    ours_s, theirs_s, calls = [], [], 0
    for i in range(-2, rounds):
        replication = i % 5
        ours = partial(fast.replicate, laid, replication)
        other = partial(theirs.play, replication, pool=pool)
        mine, its = (_seconds(ours), _seconds(other)) if i % 2 else _swapped(_seconds(other), _seconds(ours))
        for column in fields(Outcome):
            if (getattr(mine[1], column.name) != getattr(its[1], column.name)).any():
                raise SystemExit(
                    f"benchmarks.planner: {column.name} is not the same in C: mend one of the two"
                )
        if i >= 0:
            ours_s.append(mine[0] / mine[1].calls)
            theirs_s.append(its[0] / its[1].calls)
            calls = mine[1].calls
    return {
        "calls_a_second": 1 / median(ours_s),
        "c_calls_a_second": 1 / median(theirs_s),
        "of_c": median(its / mine for mine, its in zip(ours_s, theirs_s, strict=True)),
        "day_ms": median(ours_s) * calls * 1000,
    }


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.planner", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--without-others", action="store_true", help="without SimPy and Ciw")
    parser.add_argument("--json", action="store_true", help="one JSON document and nothing else")
    told = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as directory:
        library = compiled(Path(directory))
        pool = against_c(library, tables(single()), told.rounds, pool=True)
        several_lines = against_c(library, tables(several()), told.rounds, pool=False)
    result: dict[str, dict[str, float]] = {"single_pool": pool, "eight_lines": several_lines}
    if not told.without_others:
        from benchmarks import planner_others

        laid = tables(several())
        ways = (("simpy", planner_others.play_simpy), ("ciw", planner_others.play_ciw))
        rounds: dict[str, list[tuple[float, float, float]]] = {name: [] for name, _ in ways}
        for seed in range(OTHERS_ROUNDS):
            for name, play in ways:
                ours = median(_calls_a_second(laid, seed + i) for i in range(9))
                speed, rate = planner_others.measured(play, SEATS, seed)
                rounds[name].append((speed, rate, ours / speed))
        own = fast.replicate(tables(single()), 0).answer_rate
        for name, seen in rounds.items():
            speed, rate, times = (median(column) for column in zip(*seen, strict=True))
            result[name] = {
                "calls_a_second": speed,
                "answer_rate": rate,
                "our_answer_rate": own,
                "ours_on_eight_lines_is_times_faster": times,
            }
    if told.json:
        json.dump(result, sys.stdout)
        return 0
    for title, row in (("one pool", pool), ("eight lines", several_lines)):
        print(
            f"{title:12s} {row['calls_a_second'] / 1e6:6.2f} M calls/s, C {row['c_calls_a_second'] / 1e6:6.2f} M:"
            f" {row['of_c']:.3f} of C; a day of 60,000 calls in {row['day_ms']:.2f} ms"
        )
    for name in ("simpy", "ciw"):
        if name in result:
            row = result[name]
            times = row["ours_on_eight_lines_is_times_faster"]
            print(
                f"{name:12s} {row['calls_a_second']:10,.0f} calls/s on one pool: ours on eight lines {times:,.0f} x;"
                f" answered {row['answer_rate']:.4f}, ours {row['our_answer_rate']:.4f}"
            )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
