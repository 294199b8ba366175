"""Integer programmes: both solvers give the optimum that trying everything gives, and say when there is none."""

from __future__ import annotations

import subprocess
import sys
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.programme import Programme, Solver, installed, rounded_up, solve

BOTH: tuple[Solver, ...] = ("cp-sat", "highs")
TOP = 3


@st.composite
def programmes(draw: st.DrawFn) -> Programme:
    """Small enough to try every choice: up to four unknowns from 0 to 3."""
    made = Programme()
    columns = [made.column(cost=draw(st.integers(-2, 5)), upper=TOP) for _ in range(draw(st.integers(1, 4)))]
    for _ in range(draw(st.integers(0, 4))):
        low = draw(st.one_of(st.none(), st.integers(-3, 6)))
        width = draw(st.one_of(st.none(), st.integers(0, 5)))
        high = None if width is None or low is None else low + width
        coefficients = [draw(st.integers(-2, 3)) for _ in columns]
        made.row(columns, coefficients, lower=low, upper=high)
    return made


def best_by_trying(programme: Programme) -> int | None:
    every = product(range(TOP + 1), repeat=len(programme.cost))
    costs = [sum(v * c for v, c in zip(x, programme.cost, strict=True)) for x in every if programme.holds(x)]
    return min(costs, default=None)


@pytest.mark.parametrize("solver", BOTH)
@settings(max_examples=60, deadline=None)
@given(programme=programmes())
def test_a_solver_finds_the_cost_that_trying_everything_finds(solver: Solver, programme: Programme) -> None:
    expected = best_by_trying(programme)
    found = solve(programme, solver=solver)
    assert found.proven
    assert found.cost == expected
    if expected is None:
        assert found.values is None
    else:
        assert found.bound == expected
        assert found.values is not None
        assert programme.holds(found.values)


def test_holds_sees_a_bound_and_a_row_that_are_broken() -> None:
    made = Programme()
    x, y = made.column(upper=2), made.column(lower=1, upper=2)
    made.row([x, y], [1, 1], lower=2, upper=3)
    assert made.holds((1, 1))
    assert not made.holds((0, 1))
    assert not made.holds((2, 2))
    assert not made.holds((3, 0))


def test_a_good_choice_that_is_known_does_not_change_the_optimum() -> None:
    made = Programme()
    columns = [made.column(cost=c, upper=9) for c in (3, 2, 4)]
    made.row(columns, [1, 1, 2], lower=7)
    for solver in BOTH:
        assert solve(made, solver=solver, hint=(7, 0, 0)).cost == solve(made, solver=solver).cost == 14


def test_a_bound_is_rounded_up_to_the_next_cost_that_can_be() -> None:
    assert rounded_up(470.2, 8) == 472
    assert rounded_up(472.0000001, 8) == 472
    assert rounded_up(-3.0, 1) == -3


def test_cp_sat_comes_first_and_highs_alone_gives_the_same() -> None:
    assert installed() == BOTH
    program = """
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "ortools":
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Hidden())
from simulator.programme import Programme, installed, solve
made = Programme()
made.row([made.column(cost=2, upper=9), made.column(cost=3, upper=9)], [2, 3], lower=8)
found = solve(made)
print(installed(), found.solver, found.cost, found.proven)
"""
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "('highs',) highs 8 True"


def test_no_solver_is_loaded_before_it_is_asked() -> None:
    program = """
import sys
import hotline.cli, hotline.scenario_rules, simulator.roster, simulator.staffing
print([name for name in ("ortools", "highspy", "icalendar", "pandas") if name in sys.modules])
"""
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
