"""The compiled engine against exact solutions: Erlang's three formulas, a two-skill chain, days whose load rises and falls.

All limits are Student's between independent days, by Bonferroni for all figures of a test: one test in 1,000 is wrong by chance,
and the seeds are fixed.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from acd import erlang
from simulator import fast
from simulator.outcome import Outcome
from simulator.precision import Band, ratios
from simulator.scenario import Arrivals, Duration, Group, Line, Scenario, Shift
from simulator.tables import tables
from tests.simulator.markov import NDesign, day, pool_by_half_hour
from tests.simulator.towns import FLAT, constant, exponential, line, wait

REFERENCE: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "data" / "queueing_reference.json").read_text()
)
ALPHA = 0.001
SETTLED = slice(12, 47)
"""half hours of a day that began empty in which it is no longer felt, but for the last: nobody comes after that"""
Floats = NDArray[np.float64]


def of_kind(kind: str) -> list[dict[str, Any]]:
    return [row for row in REFERENCE if row["kind"] == kind]


def played(scenario: Scenario, days: int) -> list[Outcome]:
    laid = tables(scenario)
    outcomes = [fast.replicate(laid, number) for number in range(days)]
    assert all(outcome.conserved() for outcome in outcomes)
    return outcomes


def told(outcomes: list[Outcome], name: str, rows: slice = SETTLED) -> Floats:
    """The sum over these half hours of every day: ``[day, line]``, or ``[day]`` for the seats' time."""
    return np.array([getattr(one, name)[rows].sum(0) for one in outcomes], np.float64)


def by_row(outcomes: list[Outcome], name: str) -> Floats:
    return np.array([getattr(one, name) for one in outcomes], np.float64)


def limits(part: Floats, whole: Floats, figures: int, *, share: bool = True) -> Band:
    return ratios(part, whole, np.ones(len(part)), alpha=ALPHA / figures, share=share)


def holds(band: Band, exact: object, *, wide: float) -> None:
    """The exact values lie between the limits, which are narrow enough to say something: no wider than ``wide``."""
    values = np.asarray(exact, np.float64)
    wrong = (values < band.low - 1e-9) | (values > band.high + 1e-9)
    assert not wrong.any(), f"{values[wrong]} not in {band.low[wrong]} to {band.high[wrong]}"
    assert (band.high - band.low).max() < wide


def pool(row: dict[str, Any], *, patience: Duration | None, within_s: float) -> Scenario:
    """The reference's single pool: exponential talks, no ring, no wrap-up."""
    only = line("12345", 1.0, talk=exponential(float(row["aht_s"])), wrap_up=constant(0), patience=patience)
    return Scenario(
        "pool",
        (only,),
        (Group("all", {"12345": 1}, (Shift("day", row["n"]),)),),
        Arrivals(float(row["lam_per_s"]) * 86_400, FLAT),
        ring=constant(0),
        within_ms=round(within_s * 1000),
    )


# ── Erlang ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("row", of_kind("erlang_b"), ids=lambda row: f"n={row['n']}")
def test_who_finds_every_channel_taken_is_lost_as_erlang_b_says(row: dict[str, Any]) -> None:
    seats, load = row["n"], float(row["a"])
    base = pool({"n": seats, "aht_s": 60.0, "lam_per_s": load / 60.0}, patience=None, within_s=0)
    outcomes = played(replace(base, channels=seats), 12 if load > 50 else 120)
    band = limits(told(outcomes, "blocked"), told(outcomes, "offered"), 1)
    holds(band, float(row["out"]["P_block"]), wide=0.01)


@pytest.mark.parametrize("row", of_kind("erlang_c"), ids=lambda row: f"n={row['n']}")
def test_waits_without_end_are_erlang_c(row: dict[str, Any]) -> None:
    out, calls = row["out"], 86_400 * float(row["lam_per_s"])
    days = round(12_000_000 / calls)
    some = played(pool(row, patience=None, within_s=float(row["T_s"])), days)
    none = played(pool(row, patience=None, within_s=0), days // 2)
    asked = told(some, "asked")
    holds(limits(told(some, "within"), asked, 4), float(out["SL_T"]), wide=0.05)
    holds(limits(told(some, "wait_ms"), asked * 1000, 4, share=False), float(out["ASA_s"]), wide=4.0)
    busy = limits(told(some, "busy_ms"), told(some, "staffed_ms"), 4)
    holds(busy, float(out["occupancy"]), wide=0.005)
    holds(
        limits(told(none, "asked") - told(none, "within"), told(none, "asked"), 4),
        float(out["P_wait"]),
        wide=0.05,
    )


@pytest.mark.parametrize("row", of_kind("erlang_a"), ids=lambda row: f"n={row['n']}-{row['lam_per_s']}")
def test_waits_with_patience_are_erlang_a(row: dict[str, Any]) -> None:
    out, calls = row["out"], 86_400 * float(row["lam_per_s"])
    days = round(10_000_000 / calls)
    patience = exponential(float(row["patience_s"]))
    some = played(pool(row, patience=patience, within_s=float(row["T_s"])), days)
    none = played(pool(row, patience=patience, within_s=0), days // 2)
    asked = told(some, "asked")
    holds(limits(told(some, "answered"), asked, 5), float(out["answer_rate"]), wide=0.006)
    holds(limits(told(some, "within"), asked, 5), float(out["P_served_within_T"]), wide=0.025)
    holds(limits(told(some, "wait_ms"), asked * 1000, 5, share=False), float(out["E_wait_all"]), wide=0.8)
    holds(limits(told(some, "busy_ms"), told(some, "staffed_ms"), 5), float(out["occupancy"]), wide=0.006)
    holds(
        limits(told(none, "asked") - told(none, "within"), told(none, "asked"), 5),
        float(out["P_wait"]),
        wide=0.04,
    )


@pytest.mark.parametrize(
    "row", of_kind("erlang_a_min_n_for_answer_rate"), ids=lambda row: str(row["patience_s"])
)
def test_the_fewest_seats_of_the_reference_answer_enough_and_one_less_does_not(row: dict[str, Any]) -> None:
    aht, patience = float(row["aht_s"]), float(row["patience_s"])
    found = []
    for seats in (row["out"]["n"] - 1, row["out"]["n"]):
        asked = {"n": seats, "aht_s": aht, "lam_per_s": float(row["load"]) / aht}
        outcomes = played(pool(asked, patience=exponential(patience), within_s=15), 120)
        band = limits(told(outcomes, "answered"), told(outcomes, "asked"), 2)
        exact = erlang.wait_with_patience(float(row["load"]), seats, aht, patience, 15.0)
        holds(band, 1.0 - exact.p_abandon, wide=0.002)
        found.append(1.0 - exact.p_abandon)
    assert found[0] < row["target"] <= found[1]
    assert found[1] == pytest.approx(float(row["out"]["answer_rate"]), rel=1e-9)


# ── two skills ───────────────────────────────────────────────────────────────────────────────────────────────


def letter_n(
    one: int, two: int, talk_s: float, patience_s: float, arrivals: Arrivals, share: float
) -> Scenario:
    """Line A first asks its own people; B's, who know both, take B before A."""
    calm = {"talk": exponential(talk_s), "wrap_up": constant(0), "patience": exponential(patience_s)}
    lines: tuple[Line, ...] = (
        line("A", share, wait("q", ({"a": 1}, 0)), **calm),
        line("B", 1 - share, wait("q", ({"b": 1}, 0), priority=1), **calm),
    )
    groups = (
        Group("one", {"a": 1}, (Shift("day", one),)),
        Group("two", {"a": 1, "b": 1}, (Shift("day", two),)),
    )
    return Scenario("N", lines, groups, arrivals, ring=constant(0), ageing_ms=0, within_ms=0)


@pytest.mark.parametrize("row", of_kind("n_design_exact"), ids=lambda row: f"{row['n1']}+{row['n2']}")
def test_two_lines_with_an_overflow_are_the_exact_chain(row: dict[str, Any]) -> None:
    """The unit of time of the reference is a talk: 100 s here."""
    out, unit = row["out"], 100.0
    calls = (row["lamA"] + row["lamB"]) / unit * 86_400
    share = row["lamA"] / (row["lamA"] + row["lamB"])
    scenario = letter_n(
        row["n1"], row["n2"], unit / row["mu"], unit / row["theta"], Arrivals(calls, FLAT), share
    )
    outcomes = played(scenario, 1_500)
    asked = told(outcomes, "asked")
    lost = limits(told(outcomes, "abandoned"), asked, 7)
    holds(lost, [out["P_abandon_A"], out["P_abandon_B"]], wide=0.005)
    waits = limits(asked - told(outcomes, "within"), asked, 7)
    holds(waits, [out["P_wait_A"], out["P_wait_B"]], wide=0.01)
    wait_s = limits(told(outcomes, "wait_ms"), asked * 1000 * unit, 7, share=False)
    holds(wait_s, [out["E_wait_A"], out["E_wait_B"]], wide=0.01)
    busy = limits(told(outcomes, "busy_ms"), told(outcomes, "staffed_ms"), 7)
    holds(busy, (out["busy1"] + out["busy2"]) / (row["n1"] + row["n2"]), wide=0.003)


@pytest.mark.parametrize("row", of_kind("n_design_exact"), ids=lambda row: f"{row['n1']}+{row['n2']}")
def test_the_chain_of_these_tests_is_that_of_the_reference(row: dict[str, Any]) -> None:
    design = NDesign(row["n1"], row["n2"], row["mu"], row["theta"])
    steady = design.chain(row["lamA"], row["lamB"]).steady()
    waiting = np.array(design.states)[:, 2:].T @ steady
    lost = waiting * row["theta"] / [row["lamA"], row["lamB"]]
    assert lost == pytest.approx([row["out"]["P_abandon_A"], row["out"]["P_abandon_B"]], rel=1e-10)


# ── days that rise and fall ──────────────────────────────────────────────────────────────────────────────────

RISING = tuple(
    np.array([0.3] * 14 + [1.0, 1.6, 2.2, 2.4, 2.2, 2.0, 1.8, 1.4] + [1.2] * 6 + [2.4, 0.4] * 4 + [0.6] * 12)
)
"""a morning's rise, an afternoon that jumps, a quiet night"""


def test_every_half_hour_of_a_two_skill_day_is_the_exact_chain() -> None:
    """Answer rate and wait of both lines, by the half hour in which callers come, over a day that is never steady."""
    one, two, talk_s, patience_s, share = 3, 2, 200.0, 90.0, 0.6
    per_day = 48 * 1800 * 0.016
    weights = np.array(RISING) / sum(RISING)
    rates = weights * per_day / 1800
    exact = day(
        NDesign(one, two, 1 / talk_s, 1 / patience_s, room=12), rates * share, rates * (1 - share), steps=40
    )
    scenario = letter_n(one, two, talk_s, patience_s, Arrivals(per_day, tuple(weights)), share)
    outcomes = played(scenario, 8_000)
    asked = by_row(outcomes, "asked")
    figures = 2 * asked[0].size
    rate = limits(by_row(outcomes, "answered"), asked, figures)
    holds(rate, [[pair.a, pair.b] for pair in exact.answered], wide=0.05)
    waits = limits(by_row(outcomes, "wait_ms"), asked * 1000, figures, share=False)
    holds(waits, [[pair.a, pair.b] for pair in exact.wait], wide=4.0)
    answered = np.array([[pair.a, pair.b] for pair in exact.answered])
    assert answered.min() < 0.75
    assert answered.max() > 0.99  # a flat day would not tell a wrong clock


def test_every_hour_of_the_reference_day_is_the_exact_chain() -> None:
    (row,) = of_kind("mt_m_n_m_exact_day")
    hourly = np.array(row["hour_profile"]) * row["daily_calls"] / 24
    exact = pool_by_half_hour(
        row["n"],
        1 / row["aht_s"],
        1 / row["patience_s"],
        list(hourly / 3600),
        3600.0,
        row["out"]["K"],
        steps=60,
    )
    daily = 1.0 - float(np.average(exact, weights=hourly))
    assert daily == pytest.approx(
        row["out"]["P_abandon_day"], rel=2e-4
    )  # Simpson's rule in steps of a minute
    scenario = replace(
        pool({**row, "lam_per_s": 1.0}, patience=exponential(row["patience_s"]), within_s=15),
        arrivals=Arrivals(float(hourly.sum()), tuple(np.repeat(hourly / 2, 2) / hourly.sum())),
    )
    outcomes = played(scenario, 400)
    answered, asked = by_row(outcomes, "answered")[:, :, 0], by_row(outcomes, "asked")[:, :, 0]
    hours = (len(outcomes), 24, 2)
    band = limits(answered.reshape(hours).sum(2), asked.reshape(hours).sum(2), 25)
    holds(band, exact, wide=0.01)
    whole = limits(answered.sum(1), asked.sum(1), 25)
    holds(whole, row["out"]["answer_rate_day"], wide=0.001)
