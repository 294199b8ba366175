from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acd import erlang

REFERENCE: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "data" / "queueing_reference.json").read_text()
)


def of_kind(kind: str) -> list[dict[str, Any]]:
    return [row for row in REFERENCE if row["kind"] == kind]


def near(value: str, rel: float = 1e-13) -> Any:
    return pytest.approx(float(value), rel=rel, abs=0)


@pytest.mark.parametrize("row", of_kind("erlang_b"), ids=lambda row: f"n={row['n']}")
def test_erlang_b_agrees_with_the_reference(row: dict[str, Any]) -> None:
    assert erlang.p_block(float(row["a"]), row["n"]) == near(row["out"]["P_block"])


@pytest.mark.parametrize("row", of_kind("erlang_c"), ids=lambda row: f"n={row['n']}")
def test_erlang_c_agrees_with_the_reference(row: dict[str, Any]) -> None:
    aht = float(row["aht_s"])
    queue = erlang.wait_for_ever(float(row["lam_per_s"]) * aht, row["n"], aht, float(row["T_s"]))
    assert queue.p_wait == near(row["out"]["P_wait"])
    assert queue.asa == near(row["out"]["ASA_s"])
    assert queue.service_level == near(row["out"]["SL_T"])
    assert queue.occupancy == near(row["out"]["occupancy"])


@pytest.mark.parametrize("row", of_kind("erlang_a"), ids=lambda row: f"n={row['n']}-{row['lam_per_s']}")
def test_erlang_a_agrees_with_the_reference(row: dict[str, Any]) -> None:
    aht, out = float(row["aht_s"]), row["out"]
    load = float(row["lam_per_s"]) * aht
    queue = erlang.wait_with_patience(load, row["n"], aht, float(row["patience_s"]), float(row["T_s"]))
    assert queue.p_wait == near(out["P_wait"])
    assert queue.p_abandon == near(out["P_abandon"])
    assert queue.asa == near(out["E_wait_all"])
    assert queue.asa_answered == near(out["E_wait_served"])
    assert queue.queue == near(out["E_queue"])
    assert queue.occupancy == near(out["occupancy"])
    assert queue.service_level == near(out["P_served_within_T"])
    answered = 1 - queue.p_abandon
    assert answered == near(out["answer_rate"])
    assert queue.service_level / answered == near(out["SL_over_answered"])
    assert answered - queue.service_level == near(out["P_wait_gt_T_and_served"], rel=1e-12)


@pytest.mark.parametrize(
    "row", of_kind("erlang_a_min_n_for_answer_rate"), ids=lambda row: str(row["patience_s"])
)
def test_one_seat_fewer_than_the_reference_misses_the_answer_rate(row: dict[str, Any]) -> None:
    def answered(seats: int) -> float:
        return (
            1 - erlang.wait_with_patience(row["load"], seats, row["aht_s"], row["patience_s"], 15).p_abandon
        )

    assert answered(row["out"]["n"]) == near(row["out"]["answer_rate"])
    assert answered(row["out"]["n"]) >= row["target"] > answered(row["out"]["n"] - 1)


def plain_erlang_a(load: float, seats: int, aht: float, patience: float) -> tuple[float, float]:
    """The birth-and-death chain summed state by state: the obvious way, for small numbers."""
    chances, chance = [1.0], 1.0
    for k in range(1, seats + 2000):
        leaving = min(k, seats) / aht + max(0, k - seats) / patience
        chance *= load / aht / leaving
        chances.append(chance)
    total = math.fsum(chances)
    queue = math.fsum((k - seats) * p for k, p in enumerate(chances) if k > seats) / total
    return math.fsum(chances[seats:]) / total, queue


@settings(deadline=None, max_examples=60)
@given(
    load=st.floats(0.1, 60),
    seats=st.integers(1, 40),
    aht=st.floats(60, 400),
    patience=st.floats(5, 120),
)
def test_erlang_a_is_the_chain_summed_state_by_state(
    load: float, seats: int, aht: float, patience: float
) -> None:
    p_wait, queue = plain_erlang_a(load, seats, aht, patience)
    fast = erlang.wait_with_patience(load, seats, aht, patience, 20)
    assert fast.p_wait == pytest.approx(p_wait, rel=1e-9)
    assert fast.queue == pytest.approx(queue, rel=1e-9)


@settings(deadline=None, max_examples=80)
@given(
    busy=st.floats(0.2, 3),
    seats=st.integers(1, 10_000),
    aht=st.floats(1, 1000),
    patience=st.floats(1, 3000),
    within=st.floats(0, 600),
)
def test_erlang_a_keeps_its_own_books(
    busy: float, seats: int, aht: float, patience: float, within: float
) -> None:
    """Whoever does not give up is answered; the quadrature and the chain are two roads to the same share."""
    queue = erlang.wait_with_patience(busy * seats, seats, aht, patience, within)
    ever = erlang.wait_with_patience(busy * seats, seats, aht, patience, 1e7)
    assert ever.service_level == pytest.approx(1 - queue.p_abandon, rel=1e-8)
    assert 0 <= queue.service_level <= ever.service_level + 1e-12
    assert 0 <= queue.p_abandon <= queue.p_wait + 1e-12 <= 1 + 2e-12
    assert queue.occupancy <= 1 + 1e-9


@pytest.mark.parametrize("seats", [1, 100, 10_000])
def test_very_patient_callers_make_erlang_c_of_erlang_a(seats: int) -> None:
    load = seats - math.sqrt(seats) / 2
    a = erlang.wait_with_patience(load, seats, 180, 1e8, 15)
    c = erlang.wait_for_ever(load, seats, 180, 15)
    assert a.asa == pytest.approx(c.asa, rel=1e-4)
    assert a.service_level == pytest.approx(c.service_level, rel=1e-4)


def test_ten_thousand_seats_overloaded_for_hours_of_patience_do_not_overflow() -> None:
    queue = erlang.wait_with_patience(20_000, 10_000, 180, 36_000, 15)
    assert queue.p_abandon == pytest.approx(0.5, rel=1e-9)
    assert queue.service_level == pytest.approx(0, abs=1e-12)
    assert queue.occupancy == pytest.approx(1, rel=1e-9)


def test_a_load_of_all_seats_makes_a_queue_without_end_under_erlang_c() -> None:
    assert erlang.answer("c", load=10, seats=10) == {
        "p_wait": 1.0,
        "asa": None,
        "service_level": 0.0,
        "occupancy": 1.0,
    }


def test_no_seats_lose_everybody_and_no_load_loses_nobody() -> None:
    assert erlang.p_block(5, 0) == 1.0
    assert erlang.p_block(0, 5) == 0.0
    nobody = erlang.wait_with_patience(3, 0, 180, 60, 15)
    assert (nobody.p_abandon, nobody.service_level) == (1.0, 0.0)
    assert nobody.asa == pytest.approx(60)
    assert erlang.answer("a", load=0, seats=5)["service_level"] == 1.0


def test_each_formula_answers_with_the_keys_of_the_contract() -> None:
    asked: dict[str, Any] = {"load": 25.0, "seats": 30}
    assert list(erlang.answer("b", **asked)) == ["p_block"]
    assert list(erlang.answer("c", **asked)) == ["p_wait", "asa", "service_level", "occupancy"]
    assert list(erlang.answer("a", **asked)) == ["p_wait", "asa", "service_level", "occupancy", "p_abandon"]


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"load": -1.0, "seats": 3}, "load: "),
        ({"load": math.nan, "seats": 3}, "load: "),
        ({"load": 1.0, "seats": -3}, "seats: "),
        ({"load": 1.0, "seats": 3, "aht": 0.0}, "aht: "),
        ({"load": 1.0, "seats": 3, "patience": 0.0}, "patience: "),
        ({"load": 1.0, "seats": 3, "within": -1.0}, "within: "),
        ({"load": 1e6, "seats": 3, "aht": 1.0, "patience": 1e9}, "patience: "),
    ],
)
def test_an_argument_that_means_nothing_is_named(asked: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=f"^{named}"):
        erlang.answer("a", **asked)
