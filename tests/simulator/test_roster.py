"""Rosters: everybody's rest, hours and nights looked at without the solver; how even it is against trying everything."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import combinations, pairwise, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.programme import Solver
from simulator.roster import Roster, roster
from simulator.roster_check import faults
from simulator.roster_flow import bands, may_follow
from simulator.roster_lines import CannotRoster, Person, fewest_people
from simulator.rules import DAY, EIGHT, NINE, SIX, Pattern, Rules
from simulator.shifts import PlannedShift, least_people
from tests.simulator.weeks import shift

BOTH: tuple[Solver, ...] = ("cp-sat", "highs")
MONDAY = date(2026, 1, 12)


@dataclass(frozen=True, slots=True)
class Town:
    """As much of a scenario as a roster asks for."""

    name: str = "town"
    start: date = date(2026, 1, 14)  # a Wednesday: the roster begins on the Monday before


@dataclass(frozen=True, slots=True)
class Plan:
    """As much of a plan as a roster asks for."""

    shifts: tuple[PlannedShift, ...]
    rules: Rules = field(default_factory=Rules)
    scenario: Town = Town()


def made(
    shifts: list[PlannedShift],
    people=None,
    weeks: int = 1,
    *,
    rules: Rules | None = None,
    solver: Solver | None = None,
) -> Roster:  # type: ignore[no-untyped-def]
    return roster(Plan(tuple(shifts), rules or Rules()), people, weeks, solver=solver)  # type: ignore[arg-type]


def round_the_clock(early: int, late: int, night: int, days: int = 7) -> list[PlannedShift]:
    found = []
    for day in range(days):
        for start, people in ((420, early), (900, late), (1320, night)):
            if people:
                found.append(shift(day, EIGHT, start, people))
    return found


@pytest.mark.parametrize("weeks", [1, 4])
@pytest.mark.parametrize("solver", BOTH)
def test_a_hotline_round_the_clock_has_a_roster_that_breaks_nothing_and_is_proven_even(
    solver: Solver, weeks: int
) -> None:
    shifts = round_the_clock(9, 6, 3)
    found = made(shifts, weeks=weeks, solver=solver)
    assert faults(found, shifts) == []
    assert found.proven
    assert found.start == MONDAY
    assert len(found.people) == 26  # 18 x 7 / 5 is 25.2
    assert len(found.duties) == 18 * 7 * weeks
    nights = Counter(d.person for d in found.duties if d.pattern.is_night)
    had = [nights.get(p.number, 0) for p in found.people]
    assert max(had) - min(had) <= 1
    assert found.nights["general"].least == min(had)


SHIFTS = st.tuples(
    st.integers(0, 6), st.sampled_from([EIGHT, NINE, SIX]), st.integers(0, 23), st.integers(1, 3)
)


@settings(max_examples=25, deadline=None)
@given(
    counts=st.lists(SHIFTS, min_size=1, max_size=14), more=st.integers(0, 4), weeks=st.sampled_from([1, 2, 4])
)
def test_whatever_the_shifts_a_roster_keeps_every_rule_or_is_refused_in_one_line(
    counts, more: int, weeks: int
) -> None:  # type: ignore[no-untyped-def]
    by_pattern: dict[tuple[str, Pattern], int] = {}
    for day, kind, hour, people in counts:
        one = shift(day, kind, hour * 60, people)
        by_pattern[one.group, one.pattern] = by_pattern.get((one.group, one.pattern), 0) + people
    shifts = [PlannedShift(group, pattern, n) for (group, pattern), n in by_pattern.items()]
    least = least_people(shifts, Rules())["general"]
    try:
        found = made(shifts, least + more, weeks)
    except CannotRoster as told:
        refused = str(told)
    else:
        refused = ""
        assert faults(found, shifts) == []
    assert "\n" not in refused
    assert not refused or ": have " in refused or "loosen" in refused


def fewest_nights_apart(shifts: list[PlannedShift], people: int, rules: Rules) -> int | None:
    """The smallest difference of nights there is, from every way to give the shifts of each day to people."""
    by_day = [[s.pattern for s in shifts if s.weekday == day for _ in range(s.people)] for day in range(7)]
    ways = [
        [
            dict(zip(who, order, strict=True))
            for who in combinations(range(people), len(day))
            for order in set(_orders(day))
        ]
        for day in by_day
    ]
    best: int | None = None
    for choice in product(*ways):
        if all(_keeps(person, choice, rules) for person in range(people)):
            nights = [sum(p in day and day[p].is_night for day in choice) for p in range(people)]
            apart = max(nights) - min(nights)
            best = apart if best is None else min(best, apart)
    return best


def _orders(day: list[Pattern]) -> list[tuple[Pattern, ...]]:
    if not day:
        return [()]
    return [(day[i], *rest) for i in range(len(day)) for rest in _orders(day[:i] + day[i + 1 :])]


def _keeps(person: int, choice: tuple[dict[int, Pattern], ...], rules: Rules) -> bool:
    own = [day.get(person) for day in choice]
    worked = [p for p in own if p is not None]
    if len(worked) > rules.days_a_week or sum(p.kind.paid_minutes for p in worked) > rules.weekly_minutes:
        return False
    rests = [b.begin - a.end for a, b in pairwise(worked)]
    return all(rest >= rules.rest_minutes for rest in rests)


@pytest.mark.parametrize(
    "days",
    [
        [(0, 1320), (1, 1320), (2, 1320)],
        [(0, 1320), (1, 420), (2, 1320), (3, 420)],
        [(0, 420), (0, 1320), (1, 420), (1, 1320), (2, 420)],
        [(4, 1320), (5, 900), (5, 1320), (6, 420)],
    ],
)
def test_nights_are_as_even_as_trying_everything_finds(days: list[tuple[int, int]]) -> None:
    shifts = [shift(day, EIGHT, start) for day, start in days]
    expected = fewest_nights_apart(shifts, 3, Rules())
    found = made(shifts, 3)
    evenness = found.nights["general"]
    assert evenness.most - evenness.least == expected


def test_who_may_not_work_nights_works_none_and_the_others_share_them() -> None:
    shifts = round_the_clock(6, 4, 2)
    people = [Person(str(2000 + i), "general", nights=i % 4 != 0) for i in range(19)]
    found = made(shifts, people, 4)
    assert faults(found, shifts) == []
    barred = {person.number for person in people if not person.nights}
    assert not any(duty.pattern.is_night for duty in found.duties if duty.person in barred)
    assert found.nights["general"].most - found.nights["general"].least <= 1


def test_too_few_people_are_told_how_many_it_takes() -> None:
    shifts = round_the_clock(9, 6, 3)
    with pytest.raises(
        CannotRoster, match=r"^people: 25 are fewer than the 26 whom 40 hours a week.*: have 26$"
    ):
        made(shifts, 25)
    with pytest.raises(CannotRoster, match=r"^people\.general: 25 are fewer than the 26 .*: have 26$"):
        made(shifts, {"general": 25})


def test_people_whom_the_rest_forbids_are_told_how_many_it_takes() -> None:
    """Two shifts, 22:00 to 6:00 and then 7:00: the hours do for one person, the rest does not."""
    shifts = [shift(0, EIGHT, 1320), shift(1, EIGHT, 420)]
    with pytest.raises(
        CannotRoster, match=r"^people\.general: no roster was found for 1 with 11 hours of rest.*: have 2$"
    ):
        made(shifts, 1)
    assert faults(made(shifts, 2), shifts) == []


def test_a_late_evening_before_a_full_day_is_given_to_those_who_begin_late() -> None:
    """16:00 to 1:00, then 10:00 or 13:00: only who begins at 13:00 has rested 11 hours, and all three are needed."""
    shifts = [shift(0, NINE, 960, 2), shift(1, NINE, 600, 1), shift(1, NINE, 780, 2)]
    found = made(shifts, 3)
    assert faults(found, shifts) == []
    assert fewest_people(shifts, Rules()) == {"general": 3}


def test_as_few_people_as_can_be_are_found_when_nobody_says_how_many() -> None:
    shifts = [shift(0, EIGHT, 1320), shift(1, EIGHT, 420), shift(2, EIGHT, 420)]
    assert least_people(shifts, Rules()) == {"general": 1}
    assert fewest_people(shifts, Rules()) == {"general": 2}
    assert len(made(shifts).people) == 2


def test_people_without_a_shift_or_with_one_number_are_refused() -> None:
    shifts = [shift(0, EIGHT, 420)]
    with pytest.raises(ValueError, match=r"^people\.7: group law has no shift"):
        made(shifts, [Person("7", "law")])
    with pytest.raises(ValueError, match=r"^people: a number stands there twice"):
        made(shifts, [Person("7", "general"), Person("7", "general")])
    with pytest.raises(ValueError, match=r"^weeks: 0 are not"):
        made(shifts, weeks=0)


def test_groups_do_not_mix() -> None:
    shifts = [*round_the_clock(2, 1, 1), shift(2, NINE, 540, 2, group="market")]
    found = made(shifts, {"general": 8, "market": 3})
    assert faults(found, shifts) == []
    of_market = {d.person for d in found.duties if d.group == "market"}
    assert of_market <= {p.number for p in found.people if p.group == "market"}
    assert sum(p.group == "market" for p in found.people) == 3


def test_people_beyond_the_fewest_make_shorter_weeks_for_all() -> None:
    found = made(round_the_clock(9, 6, 3), 42)
    assert found.days["general"].least == found.days["general"].most == 3  # 126 shifts among 42


@settings(max_examples=60, deadline=None)
@given(
    starts=st.lists(
        st.tuples(st.integers(0, 47), st.sampled_from([SIX, EIGHT, NINE])), min_size=1, max_size=12
    ),
    width=st.sampled_from([DAY, 120, 0]),
)
def test_any_two_shifts_of_a_band_leave_the_rest_and_so_do_bands_that_may_follow(starts, width: int) -> None:  # type: ignore[no-untyped-def]
    rules = Rules()
    shifts = [shift(0, kind, half * 30).pattern for half, kind in starts]
    made_, of = bands(shifts, rules, width=width)
    for one, other in product(set(shifts), repeat=2):
        rest = other.begin + DAY - one.end
        if of[one] == of[other] or may_follow(made_[of[one]], made_[of[other]], rules):
            assert rest >= rules.rest_minutes
        assert made_[of[one]].night == one.is_night
        assert made_[of[one]].paid == one.kind.paid_minutes


def test_the_check_sees_every_fault_that_is_put_in() -> None:
    shifts = round_the_clock(4, 3, 2)
    good = made(shifts, weeks=2)
    assert faults(good, shifts) == []
    first = good.duties[0]
    assert any("planned" in f for f in faults(replace(good, duties=good.duties[1:]), shifts))
    assert any("two shifts on one day" in f for f in faults(replace(good, duties=(first, *good.duties))))
    strict = {
        "hours of rest": replace(good.rules, rest_minutes=20 * 60),
        "hours in week": replace(good.rules, weekly_minutes=480),
        "days of work in week": replace(good.rules, rest_days=5),
        "days of work in a row": replace(good.rules, most_days=1),
        "nights in a row": replace(good.rules, most_nights=0),
    }
    for words, rules in strict.items():
        assert any(words in fault for fault in faults(replace(good, rules=rules))), words
    barred = tuple(replace(person, nights=False) for person in good.people)
    assert any("may work none" in fault for fault in faults(replace(good, people=barred)))
