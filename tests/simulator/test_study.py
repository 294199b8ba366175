"""`simulate` and its intervals: they cover Erlang A's exact values, whoever stops when; what is compared plays the same days."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest
from numpy.polynomial.legendre import leggauss
from scipy.special import gammaincinv
from scipy.stats import binom

from acd import erlang
from simulator import fast
from simulator.figures import MEASURES, Measure
from simulator.precision import Aim, Interval, verdict
from simulator.scenario import Arrivals, Duration, Scenario, Shift
from simulator.strata import factors
from simulator.study import Study, difference, pursue, simulate
from simulator.tables import tables
from tests.simulator.towns import FLAT, constant, exponential, group, line, mixed, pool

AHT_S, PATIENCE_S, WITHIN_S = 190.0, 120.0, 15
LOAD, SEATS = 9.0, 10
STUDIES = 300
CHANCE = 0.001
"""of each test of coverage to fail although all is well; the seeds are fixed"""
ASKED: tuple[Measure, ...] = ("answer_rate", "service_level", "abandon_rate", "asa")
"""not the occupancy: the seats' time is not cut at the end of the warm-up"""


def hall(
    seed: int = 1, seats: int = SEATS, busyness: float | None = None, load: float = LOAD, days: int = 1
) -> Scenario:
    """Erlang A: Poisson arrivals, exponential calls and patience; the first hour fills the hall and is not counted."""
    return Scenario(
        "hall",
        (line("12345", 1.0, talk=exponential(AHT_S), wrap_up=constant(0), patience=exponential(PATIENCE_S)),),
        (group("city", {"12345": 1}, seats),),
        Arrivals(load / AHT_S * 86_400, FLAT, busyness=busyness),
        seed=seed,
        days=days,
        ring=constant(0),
        warm_up_ms=3_600_000,
    )


@cache
def exact(busyness: float | None, load: float = LOAD, seats: int = SEATS) -> dict[str, float]:
    """Erlang A, and over gamma-distributed days the mean of Erlang A by the calls of each day (quadrature over its quantiles)."""
    nodes, weights = leggauss(60)
    factor = gammaincinv(busyness, (nodes + 1) / 2) / busyness if busyness else np.ones(60)
    queues = [
        erlang.wait_with_patience(load * f, seats, AHT_S, PATIENCE_S, WITHIN_S) for f in factor.tolist()
    ]
    by_calls = weights * factor / (weights * factor).sum()

    def mean(values: list[float | None]) -> float:
        return float(by_calls @ np.array(values, np.float64))

    lost = mean([queue.p_abandon for queue in queues])
    return {
        "answer_rate": 1 - lost,
        "abandon_rate": lost,
        "service_level": mean([queue.service_level for queue in queues]),
        "asa": mean([queue.asa for queue in queues]),
    }


@dataclass(frozen=True)
class Way:
    """A way to run a study of which the intervals are counted that hold the truth."""

    days: int | None
    busyness: float | None
    off: float = 0.0
    """how far the target is from the truth"""

    def studies(self) -> list[Study]:
        target = exact(self.busyness)["answer_rate"] + self.off
        aim = None if self.days else Aim(target=target, width=0.004, first_days=32)
        scenarios = (hall(seed, busyness=self.busyness) for seed in range(1000, 1000 + STUDIES))
        return [Study(scenario, days=self.days, aim=aim) for scenario in scenarios]


@pytest.mark.parametrize(
    "way",
    [
        Way(12, None), Way(32, None), Way(64, 50.0),
        Way(None, None), Way(None, None, off=0.003), Way(None, 50.0, off=-0.003),
    ],
    ids=str,
)  # fmt: skip
def test_intervals_cover_the_exact_value_as_often_as_they_say_even_when_the_study_ends_itself(
    way: Way,
) -> None:
    truth = exact(way.busyness)
    studies = way.studies()
    for study in studies:
        pursue([study])
    least, most = binom.ppf([CHANCE, 1 - CHANCE], STUDIES, 0.95)
    for measure in ASKED:
        intervals = [study.interval(measure) for study in studies]
        covered = sum(seen.low <= truth[measure] <= seen.high for seen in intervals)
        assert covered >= least, measure
        if way.days:  # the looks of the others leave something over: they cover more often
            assert covered <= most, measure
    if way.off:
        verdicts = [verdict(s.interval(), truth["answer_rate"] + way.off) for s in studies]
        wrong, right = ("met", "missed") if way.off > 0 else ("missed", "met")
        assert verdicts.count(wrong) <= STUDIES - least
        assert verdicts.count(right) > STUDIES / 2


def test_half_hours_are_covered_as_often_as_they_say() -> None:
    truth = exact(None)
    covered, counted = 0, 0
    for seed in range(60):
        band = simulate(hall(2000 + seed), days=24).by_half_hour.answer_rate
        inside = (band.low <= truth["answer_rate"]) & (truth["answer_rate"] <= band.high)
        covered += int(inside[2:47].sum())  # after the warm-up, and without the last: nobody comes after that
        counted += 45
    # neighbours go together: as if every third counted
    assert binom.ppf(CHANCE, counted / 3, 0.95) <= covered / 3 <= binom.ppf(1 - CHANCE, counted / 3, 0.95)


def test_the_difference_of_two_options_is_covered_and_far_surer_than_either() -> None:
    truth = exact(50.0, seats=SEATS + 1)["answer_rate"] - exact(50.0)["answer_rate"]
    covered, narrower = 0, []
    for seed in range(3000, 3120):
        few, more = (Study(hall(seed, seats=SEATS + i, busyness=50.0), days=48) for i in (0, 1))
        pursue([few, more])
        seen = difference(more, few)
        covered += seen.low <= truth <= seen.high
        narrower.append(seen.width / np.hypot(few.interval().width, more.interval().width))
    assert binom.ppf(CHANCE, 120, 0.95) <= covered
    assert np.median(narrower) < 0.5


def test_strata_and_controls_make_intervals_narrower_and_move_no_mean() -> None:
    truth = exact(50.0)["answer_rate"]
    plain, sharp = [], []
    for seed in range(4000, 4100):
        study = Study(hall(seed, busyness=50.0), days=64)
        pursue([study])
        sharp.append(study.interval().mean - truth)
        laid = tables(study.scenario)
        outcomes = [fast.replicate(laid, replication) for replication in range(64)]
        asked = sum(int(o.asked.sum()) for o in outcomes)
        plain.append(sum(int(o.answered.sum()) for o in outcomes) / asked - truth)
    assert np.var(sharp) < np.var(plain) / 15
    assert abs(np.mean(sharp)) < 3.5 * np.std(sharp) / 10


# ── what is played ───────────────────────────────────────────────────────────────────────────────────────────


def test_figures_are_those_of_the_replications_that_were_played() -> None:
    scenario = hall(busyness=50.0)
    figures = simulate(scenario, days=10)
    laid = tables(scenario)
    busyness = [
        factors(scenario.seed, batch, size, 1, 50.0) for batch, size in enumerate([2, 2, 1, 1, 1, 1, 1, 1])
    ]
    outcomes = [fast.replicate(laid, i, busyness=row) for i, row in enumerate(np.concatenate(busyness))]
    assert figures.calls == sum(outcome.calls for outcome in outcomes)
    total = sum(outcomes[1:], start=outcomes[0])
    assert figures.answer_rate.mean == pytest.approx(total.answer_rate, abs=1e-3)
    assert figures.by_half_hour.answer_rate.mean[20] == pytest.approx(
        total.answered[20].sum() / total.asked[20].sum(), abs=1e-12
    )
    assert figures.by_half_hour.staffed == pytest.approx(np.full(48, SEATS), abs=1e-9)
    assert figures.outcome.conserved()


@pytest.mark.parametrize(
    ("days", "long", "played"), [(1, 1, 1), (2, 1, 2), (7, 1, 7), (33, 1, 33), (8, 7, 14), (21, 7, 21)]
)
def test_as_many_days_are_played_as_are_asked_for_in_whole_replications(
    days: int, long: int, played: int
) -> None:
    figures = simulate(hall(busyness=50.0, days=long), days=days)
    assert figures.days == played
    assert figures.by_half_hour.answer_rate.mean.shape == (48 * long,)


def test_one_day_alone_says_nothing_about_other_days() -> None:
    figures = simulate(hall(), days=1)
    assert (figures.answer_rate.low, figures.answer_rate.high) == (0.0, 1.0)
    assert figures.verdict == "undecided"
    assert figures.asa.high < float("inf")


def test_a_single_week_is_judged_by_the_spread_between_its_days_which_is_rather_too_large() -> None:
    truth = exact(50.0)["answer_rate"]
    covered, widths = 0, []
    for seed in range(5000, 5100):
        seen = simulate(hall(seed, busyness=50.0, days=7), days=7).answer_rate
        covered += seen.low <= truth <= seen.high
        widths.append(seen.width)
    assert covered >= binom.ppf(CHANCE, 100, 0.95)
    assert np.median(widths) < 0.15


def test_every_figure_lies_in_its_interval_and_shares_between_0_and_1() -> None:
    for scenario in (hall(), hall(seats=2), hall(seats=30), mixed(days=2)):
        figures = simulate(scenario, days=16)
        for measure in MEASURES:
            seen = figures.measure(measure)
            assert seen.low <= seen.mean <= seen.high
            assert measure == "asa" or 0 <= seen.low <= seen.high <= 1


def test_nobody_lost_is_no_proof_that_nobody_ever_is() -> None:
    figures = simulate(hall(seats=30), days=4)
    assert figures.answer_rate.mean == figures.answer_rate.high == 1.0
    assert 1 - 4 / figures.calls < figures.answer_rate.low < 1 - 3 / figures.calls


@pytest.mark.parametrize(("seats", "expected"), [(15, "met"), (12, "missed"), (8, "missed")])
def test_a_verdict_is_reached_where_the_exact_value_is_clear(seats: int, expected: str) -> None:
    assert (exact(None, seats=seats)["answer_rate"] >= 0.98) == (expected == "met")
    assert simulate(hall(), seats=seats).verdict == expected


def test_a_target_that_is_the_truth_stays_undecided() -> None:
    truth = exact(None)["answer_rate"]
    figures = simulate(replace(hall(), target=truth), aim=Aim(target=truth, width=0.004))
    assert figures.verdict == "undecided"
    assert figures.answer_rate.width <= 0.004


def test_the_engine_that_answers_the_phones_gives_the_same_figures() -> None:
    scenario = mixed(seed=3, arrivals=Arrivals(700.0, FLAT, busyness=100.0, dispersion=1.6))
    quick, real = (simulate(scenario, days=3, engine=engine) for engine in ("fast", "engine"))  # type: ignore[arg-type]
    assert [quick.measure(m) for m in MEASURES] == [real.measure(m) for m in MEASURES]
    assert (quick.calls, quick.days) == (real.calls, real.days)


def test_the_same_seed_gives_the_same_figures_and_another_seed_others() -> None:
    one, again, other = (simulate(hall(seed, busyness=50.0), days=16) for seed in (1, 1, 2))
    assert one.answer_rate == again.answer_rate
    assert one.answer_rate != other.answer_rate


def test_progress_rises_to_what_it_foretells() -> None:
    told: list[tuple[int, int]] = []
    figures = simulate(hall(), aim=Aim(target=None, width=0.002), progress=lambda *days: told.append(days))
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert all(done <= expected for done, expected in told)
    assert told[-1] == (figures.days, figures.days)
    assert figures.looks > 1


def test_options_that_have_not_played_the_same_days_are_not_compared() -> None:
    one, cut, others = Study(hall(), days=16), Study(hall(), days=12), Study(hall(seed=2), days=16)
    pursue([one, cut, others])
    for option in (cut, others):
        with pytest.raises(ValueError, match="have not played the same days"):
            difference(one, option)


def test_lines_have_figures_of_their_own_which_add_up() -> None:
    figures = simulate(mixed(days=1), days=8)
    assert figures.lines == ("12345", "12315", "12348")
    assert figures.by_line.offered.sum() * 8 == pytest.approx(figures.calls)
    asked = figures.by_line.asked
    mean = float((figures.by_line.answer_rate.mean * asked).sum() / asked.sum())
    assert mean == pytest.approx(figures.outcome.answer_rate)
    assert figures.by_line.occupancy is None


def test_no_days_are_refused() -> None:
    with pytest.raises(ValueError, match="days: 0 are none"):
        simulate(hall(), days=0)
    with pytest.raises(ValueError, match="nothing was played yet"):
        Study(hall()).figures()


def test_an_interval_turned_round_is_that_of_the_opposite() -> None:
    assert -Interval(0.2, 0.1, 0.4) == Interval(-0.2, -0.4, -0.1)


def test_shifts_and_weekends_of_a_week_are_in_its_half_hours() -> None:
    week = replace(pool(2_000.0, 9), days=7)
    shift = Shift("office", 9, 480, 1020, frozenset(range(5)))
    week = replace(week, groups=(replace(week.groups[0], shifts=(shift,)),))
    staffed = simulate(week, days=14).by_half_hour.staffed
    assert staffed is not None
    expected = np.zeros((7, 48))
    expected[:5, 16:34] = 9
    expected[:5, 34] = staffed.reshape(7, 48)[:5, 34]  # the last calls go on past the shift's end
    assert expected[:5, 34].max() < 1
    assert staffed.reshape(7, 48) == pytest.approx(expected, abs=1e-9)


def test_a_patience_that_never_ends_leaves_only_waiting() -> None:
    scenario = replace(hall(seats=11), lines=(replace(hall().lines[0], patience=None),))
    figures = simulate(scenario, days=16)
    assert figures.answer_rate == Interval(1.0, figures.answer_rate.low, 1.0)
    assert figures.asa.low > 20


def test_other_distributions_are_played_as_well() -> None:
    lognormal = replace(hall().lines[0], talk=Duration("lognormal", AHT_S, 0.8))
    seen = simulate(replace(hall(), lines=(lognormal,)), days=64).answer_rate
    assert seen.mean == pytest.approx(exact(None)["answer_rate"], abs=0.02)
