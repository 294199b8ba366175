"""What if, the fewest seats, the largest surge, what matters: held to Erlang A and to the exact day of the reference."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from acd import erlang
from simulator import mol
from simulator.analysis import break_even, fewest_seats, sensitivity, what_if
from simulator.precision import Aim
from simulator.scenario import Arrivals, Break, Duration, Scenario, Shift, SubCentre, Surge, Transfer
from simulator.study import simulate
from simulator.vary import NAMES, Series, series, varied
from tests.simulator.towns import CITY, FLAT, constant, exponential, group, line, mixed, pool

REFERENCE = json.loads((Path(__file__).parents[1] / "data" / "queueing_reference.json").read_text())
EXACT_DAY = next(row for row in REFERENCE if row["kind"] == "mt_m_n_m_exact_day")
FEWEST = [row for row in REFERENCE if row["kind"] == "erlang_a_min_n_for_answer_rate"]
SINUSOIDS = [row for row in REFERENCE if row["kind"] == "mol_sinusoid_offered_load"]
HOUR_MS = 3_600_000


def hall(
    load: float, seats: int, aht: float = 210.0, patience: float = 120.0, target: float = 0.98, **more: object
) -> Scenario:
    """Erlang A in its steady state."""
    scenario = Scenario(
        "hall",
        (line("12345", 1.0, talk=exponential(aht), wrap_up=constant(0), patience=exponential(patience)),),
        (group("city", {"12345": 1}, seats),),
        Arrivals(load / aht * 86_400, FLAT),
        ring=constant(0),
        warm_up_ms=HOUR_MS,
        target=target,
    )
    return replace(scenario, **more)  # type: ignore[arg-type]


@cache
def exact(load: float, seats: int, aht: float = 210.0, patience: float = 120.0) -> float:
    return 1 - erlang.wait_with_patience(load, seats, aht, patience, 15.0).p_abandon


def exact_day() -> Scenario:
    """The reference's day: empty at midnight, hourly rates."""
    profile = np.repeat(EXACT_DAY["hour_profile"], 2)
    scenario = hall(1.0, EXACT_DAY["n"], EXACT_DAY["aht_s"], EXACT_DAY["patience_s"], warm_up_ms=0)
    shares = tuple((profile / profile.sum()).tolist())
    return replace(scenario, arrivals=Arrivals(EXACT_DAY["daily_calls"], shares))


# ── the modified offered load ────────────────────────────────────────────────────────────────────────────────


def test_mol_is_nearer_to_the_exact_day_than_taking_every_hour_for_itself() -> None:
    out = EXACT_DAY["out"]
    lost = 1 - mol.approximate(exact_day()).whole
    assert lost == pytest.approx(out["P_abandon_day"], rel=0.01)
    assert abs(lost - out["P_abandon_day"]) < abs(out["PSA_P_abandon_day"] - out["P_abandon_day"]) / 4


def test_mol_is_near_to_the_exact_day_in_every_hour() -> None:
    found = mol.approximate(exact_day())
    calls = found.calls.reshape(24, 2)
    lost = ((1 - found.answer_rate.reshape(24, 2)) * calls).sum(1) / calls.sum(1)
    assert lost == pytest.approx(np.array(EXACT_DAY["out"]["P_abandon_by_hour"]), abs=3e-4)


def test_the_simulation_of_the_exact_day_covers_it() -> None:
    seen = simulate(exact_day(), aim=Aim(target=None, width=0.0004))
    assert seen.answer_rate.width <= 0.0004
    assert seen.answer_rate.low <= EXACT_DAY["out"]["answer_rate_day"] <= seen.answer_rate.high


@pytest.mark.parametrize("row", SINUSOIDS, ids=lambda row: f"{row['lam_bar']:.3g}")
def test_the_load_follows_a_sinus_as_late_and_as_smooth_as_the_formula_says(row: dict) -> None:  # type: ignore[type-arg]
    hours = 3 if row["ES"] == 1.0 else 72
    # the first in its own unit of time: one is taken for 210 s
    unit = 210.0 if row["ES"] == 1.0 else 1.0
    times = np.arange(hours * 12) * 300.0 / unit
    middle = times + 150.0 / unit
    rate = (row["lam_bar"] + row["amp"] * np.sin(row["gamma"] * middle)) / unit
    sample = mol._at(Duration("exponential", row["ES"] * unit), (np.arange(1024) + 0.5) / 1024)
    found = mol.offered_load(np.asarray(rate), sample)
    out = row["out"]
    angle = row["gamma"] * (middle - out["lag_of_peak"])
    settled = slice(len(middle) // 2, None)
    expected = out["mean"] + out["amplitude"] * np.sin(angle)
    assert found[settled] == pytest.approx(expected[settled], rel=0.05 if unit > 1 else 0.002)


def test_the_load_counts_all_that_a_call_takes_of_a_seat() -> None:
    transfer = Transfer(0.25, "court", constant(40.0), constant(300.0))
    one = line(
        "12345", 1.0, talk=constant(100.0), wrap_up=constant(20.0),
        transfer=transfer, outgoing=0.5, outgoing_talk=constant(60.0), contained=0.2,
    )  # fmt: skip
    scenario = pool(8_640.0, 20, lines=(one,), ring=constant(3.0), subcentres=(SubCentre("court"),))
    found = mol.demand(scenario)
    seat_s = 3 + 100 + 20 + 0.25 * 40 + 0.5 * 60
    assert found.aht == pytest.approx(seat_s)
    assert found.load[-1] == pytest.approx(0.1 * 0.8 * seat_s, rel=1e-6)


def test_breaks_and_those_who_stay_away_are_not_counted_as_staff() -> None:
    shift = Shift("day", 8, 480, 960, breaks=(Break(120, 30, waves=2, stagger_minutes=30),))
    people = replace(group("city", {"12345": 1}, 8), shifts=(shift,), absence=0.25)
    found = mol.approximate(pool(500.0, 1, groups=(people,))).staffed
    expected = np.zeros(48)
    expected[16:32] = 6.0
    expected[20:22] = 3.0
    assert found == pytest.approx(expected, abs=1e-6)


def test_a_patience_that_the_ring_outlasts_is_lost_in_the_ring() -> None:
    scenario = hall(50.0, 90, ring=constant(6.0))
    assert mol.approximate(scenario).whole == pytest.approx(np.exp(-6 / 120), abs=1e-6)
    assert simulate(scenario, days=16).answer_rate.mean == pytest.approx(np.exp(-6 / 120), abs=2e-3)
    assert mol.approximate(scenario, target=0.98).need.max() == np.inf


@pytest.mark.parametrize("seats", [120, 146, 175])
def test_the_quick_formula_is_good_enough_to_begin_a_search_with(seats: int) -> None:
    scenario = exact_day().with_seats(seats)
    of = mol.demand(scenario)
    assert mol.quick_answer_rate(of, of.staffed, np.ones(1)) == pytest.approx(
        mol.approximate(scenario).whole, abs=0.004
    )


# ── the fewest seats ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("row", FEWEST, ids=lambda row: f"patience {row['patience_s']}")
def test_the_fewest_seats_are_those_of_erlang_a(row: dict) -> None:  # type: ignore[type-arg]
    scenario = hall(row["load"], 260, row["aht_s"], row["patience_s"], target=row["target"])
    found = fewest_seats(scenario, 130, 260)
    assert found.seats == row["out"]["n"]
    assert found.answer_rate.low <= float(row["out"]["answer_rate"]) <= found.answer_rate.high
    below = next(tried for tried in found.tried if tried.value == found.seats - 1)
    assert below.answer_rate.mean < row["target"]
    assert len(found.tried) <= 6


def test_every_option_that_a_search_judges_is_apart_from_the_target_or_known_to_a_fifth_of_a_point() -> None:
    for tried in fewest_seats(hall(40.0, 50), 20, 80).tried:
        assert tried.verdict != "undecided" or tried.answer_rate.width <= 0.004


@pytest.mark.parametrize(("low", "high", "expected"), [(10, 30, None), (60, 80, 60), (48, 48, 48)])
def test_a_search_that_is_too_narrow_says_none_or_its_lowest(
    low: int, high: int, expected: int | None
) -> None:
    found = fewest_seats(hall(40.0, 50), low, high)
    assert found.seats == expected
    assert found.verdict == ("missed" if expected is None else "met")


def test_a_search_from_more_to_fewer_is_refused() -> None:
    with pytest.raises(ValueError, match="seats: from 9 to 8 there is nothing to search"):
        fewest_seats(hall(5.0, 9), 9, 8)


# ── series ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("seats=146:150", (146, 147, 148, 149, 150)),
        ("seats=146:260:57", (146, 203, 260)),
        ("load=0.8:1.2:0.2", (0.8, 1.0, 1.2)),
        ("patience=0.5,1,2", (0.5, 1, 2)),
        ("wrap-up=1:1.2", (1.0, 1.1, 1.2)),
        ("busyness=50,250", (50, 250)),
        ("seats=10", (10,)),
    ],
)
def test_a_series_is_read_with_both_of_its_ends(text: str, values: tuple[float, ...]) -> None:
    assert series(text).values == pytest.approx(values)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("seats", "is no series"), ("seats=", "is no series"), ("chairs=1:2", "can't be varied: choose one of seats"),
        ("seats=1:x", "are no numbers"), ("seats=9:1", "leads nowhere"), ("load=1:2:0", "leads nowhere"),
        ("seats=1.5", "is no number of seats"), ("talk=150:180:10", "is a factor"), ("absence=1.5", "is a share"),
        ("busyness=0", "not above 0"), ("load=1:2:0.0001", "are more than"), ("load=1:2:3:4", "write from:to"),
    ],
)  # fmt: skip
def test_a_series_that_cannot_be_meant_is_refused_with_its_place_and_a_remedy(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault) as told:
        series(text)
    assert str(told.value).startswith("vary: ")
    assert str(told.value).count(": ") >= 2


def test_everything_that_can_be_varied_changes_the_scenario() -> None:
    scenario = replace(mixed(), arrivals=replace(mixed().arrivals, busyness=250.0))
    assert {
        name for name in NAMES if name != "retrial" and varied(scenario, name, _other(name)) == scenario
    } == set()


def _other(name: str) -> float:
    return {"seats": 9.0, "busyness": 50.0, "absence": 0.1, "contained": 0.2}.get(name, 1.5)


def test_a_series_of_seats_on_the_same_days_never_answers_fewer_with_more() -> None:
    points = what_if(hall(40.0, 50), Series("seats", (40.0, 43.0, 46.0, 49.0)))
    assert [point.value for point in points] == [40.0, 43.0, 46.0, 49.0]
    assert points[0].change is None
    for before, point in pairwise(points):
        truth = exact(40.0, int(point.value)) - exact(40.0, int(before.value))
        assert point.change is not None
        assert 0 < point.change.low <= truth <= point.change.high
        assert point.figures.seats == point.value


def test_a_series_says_what_erlang_a_says_of_each() -> None:
    for point in what_if(hall(40.0, 45), series("load=0.9:1.1:0.1"), days=40):
        truth = exact(round(40.0 * point.value, 9), 45)
        half = 2 * point.figures.answer_rate.width  # three intervals at once
        assert point.figures.answer_rate.mean == pytest.approx(truth, abs=half)
        assert point.figures.days == 40


# ── the largest surge ────────────────────────────────────────────────────────────────────────────────────────


def largest_load(seats: int, target: float) -> float:
    low, high = 1.0, float(seats) * 2
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (middle, high) if exact(middle, seats) >= target else (low, middle)
    return low


@pytest.mark.parametrize("load", [25.0, 44.0])
def test_the_largest_surge_is_the_one_that_erlang_a_bears(load: float) -> None:
    found = break_even(hall(load, 46))
    truth = largest_load(46, 0.98) / load
    assert found.held is not None
    assert found.failed is not None
    assert found.held < truth < found.failed
    assert found.factor == pytest.approx(truth, rel=0.01)
    assert found.failed / found.held < 1.03


def test_a_surge_of_the_scenarios_own_is_what_grows() -> None:
    scenario = hall(20.0, 46, arrivals=Arrivals(20 / 210 * 86_400, FLAT, surges=(Surge(1.2, 600, 720),)))
    found = break_even(scenario)
    assert found.factor > largest_load(46, 0.98) / 20.0  # two hours of it, and the day is quiet otherwise


def test_who_bears_everything_or_nothing_is_told_the_end_of_the_search() -> None:
    assert break_even(hall(5.0, 60), high=2.0).factor == 2.0
    assert break_even(hall(5.0, 60), high=2.0).failed is None
    assert break_even(hall(60.0, 20), low=0.5).factor == 0.5
    assert break_even(hall(60.0, 20), low=0.5).held is None


# ── what matters ─────────────────────────────────────────────────────────────────────────────────────────────


def test_every_effect_is_the_one_that_erlang_a_has() -> None:
    effects = {effect.name: effect for effect in sensitivity(hall(40.0, 44))}
    base = exact(40.0, 44)
    truths = {
        "load": (exact(36.0, 44), exact(44.0, 44)),
        "talk": (exact(36.0, 44, aht=189.0), exact(44.0, 44, aht=231.0)),
        "patience": (exact(40.0, 44, patience=108.0), exact(40.0, 44, patience=132.0)),
        "seats": (exact(40.0, 40), exact(40.0, 48)),
    }
    assert effects.keys() == truths.keys()  # no ring, no wrap-up, no busyness, nobody absent: nothing to vary
    for name, (less, more) in truths.items():
        seen = effects[name]
        # eight intervals at once: half as wide again
        assert seen.with_less.mean == pytest.approx(less - base, abs=0.75 * seen.with_less.width)
        assert seen.with_more.mean == pytest.approx(more - base, abs=0.75 * seen.with_more.width)


def test_the_largest_effect_comes_first_and_its_sign_is_the_right_one() -> None:
    lines = tuple(replace(one, patience=exponential(60.0)) for one in (line("12345", 1.0, CITY),))
    arrivals = Arrivals(1_900.0, FLAT, busyness=100.0)
    people = (replace(group("city", {"12345": 1}, 6), absence=0.05),)
    effects = sensitivity(pool(1.0, 6, lines=lines, arrivals=arrivals, groups=people))
    assert [effect.size for effect in effects] == sorted((effect.size for effect in effects), reverse=True)
    signs = {
        effect.name: effect.with_more.mean > 0
        for effect in effects
        if effect.with_more.low * effect.with_more.high > 0
    }
    expected = {"load": False, "talk": False, "seats": True, "patience": True, "absence": False}
    assert {name: signs[name] for name in expected} == expected


def test_a_step_that_is_no_share_is_refused() -> None:
    with pytest.raises(ValueError, match="step: 1 is no share"):
        sensitivity(hall(5.0, 6), step=1.0)
