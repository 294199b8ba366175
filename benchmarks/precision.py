"""How many days fewer do strata of busyness and control variates take, for an interval of the same width?

``python -m benchmarks.precision [--json] [--days N]``. Every scenario is played for N days three times: plain
days with a busyness of their own; days in strata; strata with control variates. Printed is the answer rate's
variance for one day plain over the others: so many times fewer days are needed. The variances are taken
between independent batches, and the three are interleaved in one run.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict, dataclass, replace

import numpy as np

from simulator import fast, strata
from simulator.batch import laid_out
from simulator.precision import Floats
from simulator.scenario import Arrivals, Scenario
from simulator.study import Study, pursue

DAYS = 1_200
SHARES = (
    0.33, 0.25, 0.20, 0.18, 0.20, 0.33, 0.38, 2.59, 5.56, 7.80, 8.91, 7.77,
    6.98, 7.35, 7.77, 7.76, 7.43, 5.98, 5.12, 4.16, 3.75, 3.85, 3.48, 2.68,
)  # fmt: skip
"""percent of a day's calls by the hour, of a line that answers day and night"""


@dataclass(frozen=True, slots=True)
class Measured:
    """Of one scenario: its answer rate, its standard deviation from day to day, and the times fewer days."""

    scenario: str
    answer_rate: float
    deviation: float
    strata: float
    strata_and_controls: float
    ms_a_day: float


def one_line(calls: float, seats: int) -> Scenario:
    """One line, one pool, days as busy as Zhengzhou's: busyness gamma with shape 250, bursts of 1.6."""
    from dialplans.decision import Need, Wait
    from simulator.scenario import Duration, Group, Line, Shift

    shares = tuple(share / sum(SHARES) / 2 for share in SHARES for _ in range(2))
    line = Line(
        "12345", 1.0, Wait("12345", (Need((("12345", 1),)),)),
        Duration("lognormal", 160.0, 0.8), Duration("lognormal", 30.0, 0.5), Duration("exponential", 120.0),
    )  # fmt: skip
    group = Group("city", {"12345": 1}, (Shift("all", seats),))
    arrivals = Arrivals(calls, shares, busyness=250.0, dispersion=1.6)
    ring = Duration("constant", 1.0)
    return Scenario(f"{calls:,.0f} calls, {seats} seats", (line,), (group,), arrivals, ring=ring)


def scenarios() -> list[Scenario]:
    """Around 98 %, and the presets whose days are one by one."""
    from hotline.scenario_file import load

    made = [one_line(calls, 146) for calls in (28_000, 30_000, 32_000, 35_000)]
    return [*made, *(replace(load(name), name=name) for name in ("storm", "15-march"))]


def variance(errors: Floats, batch: int) -> float:
    """Of one day, from the means of batches."""
    means = errors.reshape(-1, batch).mean(1)
    return float(means.var(ddof=1)) * batch


def plain(scenario: Scenario, days: int) -> Floats:
    """Each day's error of the ratio, in shares of the mean day, without strata."""
    laid = laid_out(scenario, scenario.name)
    outcomes = [fast.replicate(laid, replication) for replication in range(1 << 30, (1 << 30) + days)]
    answered = np.array([outcome.answered.sum() for outcome in outcomes], np.float64)
    asked = np.array([outcome.asked.sum() for outcome in outcomes], np.float64)
    return np.asarray((answered - answered.sum() / asked.sum() * asked) / asked.mean(), np.float64)


def measure(scenario: Scenario, days: int) -> Measured:
    """All three of one scenario."""
    study = Study(scenario, days=days)
    started = time.perf_counter()
    pursue([study])
    spent = time.perf_counter() - started
    usual = variance(plain(scenario, days), 1)
    size = strata.usual_size(scenario.arrivals.busyness, scenario.days)
    errors = study.errors()
    only_strata = variance(errors[: len(errors) // size * size], size)
    figures = study.figures()
    with_controls = study.standard_error() ** 2 * figures.replications
    return Measured(
        scenario.name,
        figures.answer_rate.mean,
        usual**0.5,
        usual / only_strata,
        usual / with_controls,
        spent / figures.days * 1000,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--days", type=int, default=DAYS, help="played of each scenario, each way")
    arguments = parser.parse_args()
    found = [measure(scenario, arguments.days) for scenario in scenarios()]
    if arguments.json:
        print(json.dumps([asdict(one) for one in found]))
        return
    print(
        f"{'scenario':26} answer rate  s.d. of a day  times fewer days: strata  strata and controls  ms a day"
    )
    for one in found:
        print(
            f"{one.scenario:26} {one.answer_rate:11.4f} {one.deviation:14.4f} {one.strata:25.1f} "
            f"{one.strata_and_controls:20.1f} {one.ms_a_day:9.2f}"
        )


if __name__ == "__main__":
    main()
