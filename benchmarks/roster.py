"""A week's roster with its proof: the cheapest shifts for a city's need, and who works them, against the limit of 2
s.

python -m benchmarks.roster [--scenario zhengzhou] [--weeks 1] [--repeat 3] [--json]

Prints seconds over the limit as a ratio (below 1: within it), for both solvers together as the program uses them and
for each alone. The need is Erlang A's for the scenario's target; loading the solvers and reading the scenario are not
in it, laying out the integer programmes is.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from types import SimpleNamespace

from hotline.scenario_file import open_scenario
from simulator.covering import cover
from simulator.needs import Demand, demands, pools, shared_out, week_of
from simulator.programme import Solver, installed
from simulator.roster import roster
from simulator.roster_check import faults
from simulator.rules import Rules
from simulator.scenario import Scenario
from simulator.shifts import planned, with_shifts

LIMIT_S = 2.0


@dataclass(frozen=True, slots=True)
class Measured:
    """Medians. ``shifts_proven``: nothing cheaper covers the need; ``roster_proven``: nights and weekends cannot be
    more even."""

    solver: str
    shifts_s: float
    roster_s: float
    ratio: float
    paid_hours: float
    least_hours: float
    shifts_proven: bool
    people: int
    duties: int
    roster_proven: bool


def measure(scenario: Scenario, rules: Rules, solver: Solver | None, weeks: int, repeat: int) -> Measured:
    """Cover and roster once unmeasured (which loads the solvers), then ``repeat`` times."""
    who = pools(scenario)
    need: list[Demand] = [shared_out(d, scenario.target, rules) for d in demands(scenario, rules)]
    times: list[tuple[float, float]] = []
    for _ in range(repeat + 1):
        begun = time.perf_counter()
        found = cover(need, who, rules, solver=solver)
        covered = time.perf_counter()
        shifts = planned(found, who)
        plan = SimpleNamespace(shifts=shifts, rules=rules, scenario=with_shifts(scenario, shifts))
        made = roster(plan, None, weeks, solver=solver)  # type: ignore[arg-type]
        times.append((covered - begun, time.perf_counter() - covered))
    broken = faults(made, shifts)
    if broken:
        raise AssertionError(broken[0])
    shifts_s, roster_s = (statistics.median(column) for column in zip(*times[1:], strict=True))
    return Measured(
        solver or "both",
        shifts_s,
        roster_s,
        (shifts_s + roster_s) / LIMIT_S,
        found.paid_minutes / 60,
        found.bound / 60,
        found.proven,
        len(made.people),
        len(made.duties),
        made.proven,
    )


def told(name: str, row: Measured) -> str:
    """One line."""
    over = row.paid_hours - row.least_hours
    proof = "the least" if row.shifts_proven else f"at most {over:g} h over the least"
    even = "as even as can be" if row.roster_proven else "not proven to be as even as can be"
    return (
        f"{name:<12} {row.solver:<7} x{row.ratio:.2f} of {LIMIT_S:g} s  "
        f"shifts {row.shifts_s:.2f} s: {row.paid_hours:,.0f} h, {proof}; "
        f"roster {row.roster_s:.2f} s: {row.people} people, {row.duties} duties, {even}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; exit 0 when it was measured, 2 for arguments that can't be used."""
    parser = argparse.ArgumentParser(prog="roster", description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--scenario", default="zhengzhou,jinan", help="built-in names or files, separated by commas"
    )
    parser.add_argument("--weeks", type=int, default=1, help="of the roster")
    parser.add_argument("--repeat", type=int, default=3, help="repetitions; medians are printed")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    given = parser.parse_args(arguments)
    rows: dict[str, list[Measured]] = {}
    for name in given.scenario.split(","):
        loaded = open_scenario(name)
        scenario = week_of(loaded.scenario)
        rows[name] = [
            measure(scenario, loaded.rules, solver, given.weeks, given.repeat)
            for solver in (None, *installed())
        ]
    if given.json:
        print(json.dumps({name: [asdict(row) for row in measured] for name, measured in rows.items()}))
        return 0
    for name, measured in rows.items():
        for row in measured:
            print(told(name, row))
    return 0


if __name__ == "__main__":
    sys.exit(main())
