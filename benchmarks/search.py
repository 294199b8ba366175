"""How long does the search for the fewest seats take on one core: 146 to 260, each option to +-0.2 point? The
limit is 3 s.

``python -m benchmarks.search [--json]``. One thread, the compiled loop warm (it is compiled at installation);
median of the rounds.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict, dataclass, replace
from statistics import median

from benchmarks.precision import one_line
from simulator.analysis import Fewest, fewest_seats
from simulator.scenario import Scenario

LIMIT_S = 3.0
LOW, HIGH = 146, 260
ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Measured:
    """Of one scenario: the answer, what it took, and what share of the limit that is."""

    scenario: str
    seats: int | None
    verdict: str
    answer_rate: float
    half_width: float
    options: int
    days: int
    calls_a_day: float
    seconds: float
    of_the_limit: float


def scenarios() -> list[Scenario]:
    """Days that need 150 to 240 seats: one line, the multi-skill storm and epidemic of the presets,
    Zhengzhou's week with twice the calls.
    """
    from hotline.scenario_file import load

    storm, week = load("storm"), load("zhengzhou")
    return [
        one_line(34_000, 146),
        one_line(48_000, 146),
        _times(replace(storm, name="storm, 1.25 times"), 1.25),
        _times(replace(week, name="zhengzhou's week, doubled"), 2.0),
    ]


def _times(scenario: Scenario, factor: float) -> Scenario:
    arrivals = replace(scenario.arrivals, per_day=scenario.arrivals.per_day * factor)
    return replace(scenario, arrivals=arrivals)


def measure(scenario: Scenario) -> Measured:
    """The median of some rounds, the first of which warms up."""
    spent: list[float] = []
    found: Fewest | None = None
    for _ in range(ROUNDS + 1):
        started = time.perf_counter()
        found = fewest_seats(scenario, LOW, HIGH)
        spent.append(time.perf_counter() - started)
    assert found is not None
    seconds = median(spent[1:])
    return Measured(
        scenario.name,
        found.seats,
        found.verdict,
        found.answer_rate.mean,
        max(tried.answer_rate.width for tried in found.tried) / 2,
        len(found.tried),
        sum(tried.days for tried in found.tried),
        scenario.arrivals.per_day,
        seconds,
        seconds / LIMIT_S,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    found = [measure(scenario) for scenario in scenarios()]
    if arguments.json:
        print(json.dumps([asdict(one) for one in found]))
        return
    print(f"{'scenario':28} seats  answer rate  widest +-  options   days  seconds  of {LIMIT_S:g} s")
    for one in found:
        print(
            f"{one.scenario:28} {one.seats!s:>5} {one.answer_rate:12.4f} {one.half_width:10.4f} {one.options:8} "
            f"{one.days:6} {one.seconds:8.2f} {one.of_the_limit:8.2f}  {one.verdict}"
        )


if __name__ == "__main__":
    main()
