"""Shifts that cover a need: every rule looked at without the solver, the optimum by trying everything."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.covering import CannotCover, Cover, cover, people_needed
from simulator.needs import Pool
from simulator.programme import Solver
from simulator.rules import EIGHT, HALF_HOUR, NINE, ROWS, SIX, Rules, patterns
from tests.simulator.weeks import FIVE, FOUR, POOL, demand

TINY = Rules(
    kinds=(replace(FOUR, weekdays=frozenset({0})), replace(FIVE, weekdays=frozenset({0}))), rest_minutes=600
)
BOTH: tuple[Solver, ...] = ("cp-sat", "highs")


def at_work(found: Cover, pool: str | None = None) -> list[float]:
    """People at work by half hour, counted here from the shifts alone."""
    minutes = [0] * (ROWS * 2)
    for (name, pattern), people in found.people.items():
        if pool in {None, name}:
            meal = range(
                pattern.begin + pattern.meal_after,
                pattern.begin + pattern.meal_after + pattern.kind.meal_minutes,
            )
            for minute in range(pattern.begin, pattern.end):
                if minute not in meal:
                    minutes[minute // HALF_HOUR] += people
    return [(minutes[row] + minutes[row + ROWS]) / HALF_HOUR for row in range(ROWS)]


def seated(found: Cover) -> list[int]:
    """Most people with a desk in some minute of each half hour; meals do not free it."""
    taken = [0] * (ROWS * 2)
    for (_, pattern), people in found.people.items():
        for row in range(pattern.begin // HALF_HOUR, -(-pattern.end // HALF_HOUR)):
            taken[row] += people
    return [taken[row] + taken[row + ROWS] for row in range(ROWS)]


def cheapest_by_trying(need: dict[int, int], rules: Rules) -> int | None:
    allowed = patterns(rules)
    best: int | None = None
    for counts in product(range(3), repeat=len(allowed)):
        present = [0] * ROWS
        for pattern, count in zip(allowed, counts, strict=True):
            for row, minutes in pattern.present().items():
                present[row] += minutes * count
        if all(present[row] >= seats * HALF_HOUR for row, seats in need.items()):
            paid = sum(p.kind.paid_minutes * n for p, n in zip(allowed, counts, strict=True))
            best = paid if best is None else min(best, paid)
    return best


@pytest.mark.parametrize("solver", BOTH)
@settings(max_examples=25, deadline=None)
@given(need=st.dictionaries(st.integers(16, 31), st.integers(1, 2), min_size=1, max_size=8))
def test_the_shifts_cost_what_trying_everything_finds(solver: Solver, need: dict[int, int]) -> None:
    expected = cheapest_by_trying(need, TINY)
    assert expected is not None
    found = cover([demand(need)], [POOL], TINY, solver=solver)
    assert (found.paid_minutes, found.bound, found.proven) == (expected, expected, True)
    assert all(at_work(found)[row] >= seats for row, seats in need.items())


def day_profile(peak: int, night: int) -> list[int]:
    day = [night] * 14 + [peak // 2] * 4 + [peak] * 14 + [peak // 2] * 8 + [night] * 8
    return day * 7


@pytest.mark.parametrize(
    ("kinds", "peak", "night"),
    [((EIGHT,), 6, 1), ((EIGHT, NINE), 20, 2), ((SIX, NINE), 6, 1), ((EIGHT, NINE), 61, 3)],
    ids=["8h", "8h and 9h", "6h and 9h", "a large hall"],
)
def test_cp_sat_and_highs_give_the_same_optimum(kinds, peak: int, night: int) -> None:  # type: ignore[no-untyped-def]
    rules = Rules(kinds=kinds)
    need = day_profile(peak, night)
    found = [cover([demand(need)], [POOL], rules, solver=solver, seconds=60) for solver in BOTH]
    assert [one.proven for one in found] == [True, True]
    assert found[0].paid_minutes == found[1].paid_minutes == found[0].bound
    for one in found:
        assert all(there >= seats for there, seats in zip(at_work(one), need, strict=True))


@settings(max_examples=12, deadline=None)
@given(
    seats=st.lists(st.integers(0, 9), min_size=48, max_size=48), hall=st.integers(12, 20), hot=st.booleans()
)
def test_a_hall_is_never_fuller_than_it_is(seats: list[int], hall: int, hot: bool) -> None:
    rules = Rules(seats=hall, hot_desks=hot, solve_seconds=5)
    taken = np.full(ROWS, 2)
    found = cover([demand(seats * 7)], [POOL], rules, taken=taken, elastic=True)
    desks = at_work(found) if hot else seated(found)
    assert max(desks) <= hall - 2
    there = at_work(found)
    for row, wanted in enumerate(seats * 7):
        assert there[row] + found.short.get(row, 0) >= wanted
    assert (found.limit is None) == (not found.short)


def test_people_who_do_not_come_are_made_good() -> None:
    pool = replace(POOL, absence=0.1)
    found = cover([demand(dict.fromkeys(range(18, 22), 9))], [pool], Rules())
    assert min(at_work(found)[18:22]) * 0.9 >= 9


def test_pools_together_cover_what_either_can_answer_and_each_its_own() -> None:
    pools = [Pool("a", ("a",), frozenset({"1"}), (1.0,)), Pool("b", ("b",), frozenset({"1", "2"}), (1.0,))]
    rows = range(20, 24)
    own = demand(dict.fromkeys(rows, 3), ["b"])
    together = demand(dict.fromkeys(rows, 8), ["a", "b"])
    found = cover([own, together], pools, Rules())
    assert min(at_work(found, "b")[20:24]) >= 3
    assert min(at_work(found)[20:24]) >= 8


def test_the_weeks_hours_and_days_of_the_people_are_kept() -> None:
    need = day_profile(20, 2)
    free = cover([demand(need)], [POOL], Rules())
    enough = people_needed(free, Rules())
    kept = cover([demand(need)], [POOL], Rules(people=enough))
    assert kept.paid_minutes <= enough * 2400
    with pytest.raises(CannotCover) as told:
        cover([demand(need)], [POOL], Rules(people=enough - 5))
    line = str(told.value)
    assert line.startswith("rules.people: the shifts take ")
    assert f"have {enough} people" in line


def test_a_hall_that_is_too_small_is_named_with_its_half_hour() -> None:
    with pytest.raises(CannotCover) as told:
        cover([demand({20: 4, 21: 12, 22: 4})], [POOL], Rules(seats=10))
    assert told.value.row == 21
    assert str(told.value).startswith(
        "rules.seats: Mon 10:30 needs 12 people at work, 2 more than the hall's 10 seats allow: "
    )
    assert "\n" not in str(told.value)


def test_a_half_hour_that_no_shift_reaches_is_named() -> None:
    rules = Rules(kinds=(replace(EIGHT, starts=(480,)),))
    with pytest.raises(
        CannotCover, match=r"^rules\.kinds: no shift .* on Tue 03:00, where 2 are needed: allow"
    ) as told:
        cover([demand({48 + 6: 2})], [POOL], rules)
    assert told.value.row == 54


def test_what_is_missing_is_spread_and_keeps_off_the_nights() -> None:
    need = day_profile(20, 2)
    found = cover([demand(need)], [POOL], Rules(seats=18, hot_desks=True, solve_seconds=20), elastic=True)
    assert found.limit is not None
    assert found.limit.startswith("rules.seats: ")
    assert set(found.short.values()) == {2}
    assert all(need[row] == 20 for row in found.short)
    assert sorted(found.short) == [row for row in range(ROWS) if need[row] == 20]
