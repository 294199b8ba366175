"""A scenario counts its seats as they are taken, can be made larger exactly, and is told what is wrong with it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialplans.decision import Need, Wait
from simulator.scenario import (
    Arrivals,
    Break,
    Duration,
    Group,
    Line,
    Retrial,
    Scenario,
    Shift,
    SubCentre,
    Surge,
    Transfer,
    group_seats,
)
from simulator.scenario_faults import faults

TALK = Duration("lognormal", 160.0, 0.8)
LINE = Line("12345", 1.0, Wait("12345", (Need((("12345", 1),)),)), TALK, Duration("constant", 30.0), None)
FLAT = (1 / 48,) * 48


def scenario(*groups: Group, **changed: object) -> Scenario:
    made = Scenario("one", (LINE,), groups, Arrivals(8000.0, FLAT))
    return replace(made, **changed)  # type: ignore[arg-type]


def group(*shifts: Shift, name: str = "all", scaled: bool = True) -> Group:
    return Group(name, {"12345": 1}, shifts, scaled=scaled)


@st.composite
def shifts(draw: st.DrawFn) -> Shift:
    first = draw(st.integers(0, 1439))
    length = draw(st.integers(1, 1440))
    return Shift(
        "s",
        draw(st.integers(0, 60)),
        first,
        first + length,
        draw(st.frozensets(st.integers(0, 6), min_size=1)),
        draw(st.booleans()),
    )


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    """Groups with overlapping shifts over midnight, some of them fixed, with days off and days worked in exchange."""
    groups = [
        group(*draw(st.lists(shifts(), max_size=4)), name=str(place), scaled=draw(st.booleans()))
        for place in range(draw(st.integers(1, 4)))
    ]
    start = date(2026, 1, 5) + timedelta(days=draw(st.integers(0, 6)))
    days = draw(st.integers(1, 8))
    around = st.integers(-2, 8).map(lambda day: start + timedelta(days=day))
    off = draw(st.frozensets(around, max_size=2))
    makeup = draw(st.frozensets(around, max_size=2)) - off
    return scenario(*groups, start=start, days=days, days_off=off, makeup=makeup)


def by_the_minute(made: Scenario) -> int:
    """The most seats at once, counted in every minute of every day without any of the program's shortcuts."""
    taken = [0] * (made.days * 1440)
    for one in made.groups:
        for shift in one.shifts:
            for day in range(-2, made.days):
                on = made.start + timedelta(days=day)
                weekday = 0 if on in made.makeup and on not in made.days_off else on.weekday()
                if weekday not in shift.weekdays or (on in made.days_off and not shift.holidays):
                    continue
                begin, end = day * 1440 + shift.from_minute, day * 1440 + shift.to_minute
                for minute in range(max(begin, 0), min(end, len(taken))):
                    taken[minute] += shift.seats
    return max(taken)


@settings(max_examples=60, deadline=None)
@given(scenarios())
def test_the_seats_are_the_most_that_are_taken_in_any_minute(made: Scenario) -> None:
    assert made.seats() == by_the_minute(made)


@settings(max_examples=150, deadline=None)
@given(scenarios(), st.integers(0, 400))
def test_a_scenario_can_be_given_exactly_so_many_seats_or_says_why_not(made: Scenario, seats: int) -> None:
    fixed = scenario(*(g for g in made.groups if not g.scaled), start=made.start, days=made.days)
    fixed = replace(fixed, days_off=made.days_off, makeup=made.makeup)
    none = not any(
        made.worked(s, on) and s.seats for g in made.groups if g.scaled for s, on in begun(g, made)
    )
    if made.seats() != seats and (fixed.seats() > seats or none):
        with pytest.raises(ValueError, match=r"^seats: "):
            made.with_seats(seats)
        return
    larger = made.with_seats(seats)
    assert larger.seats() == seats
    for before, after in zip(made.groups, larger.groups, strict=True):
        assert before.scaled or before == after


def begun(one: Group, made: Scenario) -> list[tuple[Shift, date]]:
    """The shifts of a group that are on in some minute of the days, with the day on which they began."""
    return [
        (shift, made.start + timedelta(days=day))
        for shift in one.shifts
        for day in range(-2, made.days)
        if day * 1440 + shift.to_minute > 0
    ]


@settings(max_examples=60, deadline=None)
@given(scenarios(), st.integers(0, 200), st.integers(1, 5))
def test_no_shift_shrinks_when_the_scenario_grows(made: Scenario, seats: int, step: int) -> None:
    try:
        sizes = [made.with_seats(seats + step * more) for more in range(4)]
    except ValueError:
        return
    for smaller, larger in pairwise(sizes):
        before = [shift.seats for one in smaller.groups for shift in one.shifts]
        after = [shift.seats for one in larger.groups for shift in one.shifts]
        assert all(a <= b for a, b in zip(before, after, strict=True))


def test_the_shifts_keep_their_proportions_within_one_seat() -> None:
    made = scenario(
        group(Shift("early", 50, 480, 960), Shift("middle", 45, 600, 1080), Shift("late", 20, 960, 1440)),
        group(Shift("night", 10, 0, 480), Shift("day", 5, 480, 1080), name="more"),
        group(Shift("experts", 3, 510, 1050), name="experts", scaled=False),
    )
    assert made.seats() == 103
    for seats in range(3, 300):
        larger = made.with_seats(seats)
        factor = (seats - 3) / 100
        for before, after in zip(made.groups[:2], larger.groups[:2], strict=True):
            for was, now in zip(before.shifts, after.shifts, strict=True):
                assert abs(now.seats - was.seats * factor) <= 1.0


def test_whoever_works_past_midnight_is_counted_on_the_first_morning_too() -> None:
    made = scenario(group(Shift("night", 7, 1320, 1920), Shift("day", 3, 480, 1320)))
    assert [made.seats_at(minute) for minute in (0, 479, 480, 1319, 1320, 1439)] == [7, 7, 3 + 0, 3, 7, 7]
    assert made.seats() == 7


def test_public_holidays_and_days_worked_in_exchange_change_who_comes() -> None:
    office = Shift("office", 5, 540, 1020, frozenset(range(5)), holidays=False)
    always = Shift("always", 2)
    new_year, saturday = date(2026, 1, 1), date(2026, 1, 3)
    made = scenario(group(office, always), start=new_year, days=4)
    assert (made.worked(office, new_year), made.worked(always, new_year)) == (True, True)
    made = replace(made, days_off=frozenset({new_year}), makeup=frozenset({saturday}))
    assert not made.worked(office, new_year)
    assert made.worked(office, saturday)
    assert not made.worked(office, saturday + timedelta(days=1))
    assert [group_seats(made.groups[0], made, day * 1440 + 600) for day in range(4)] == [2, 7, 7, 2]


def test_a_scenario_without_a_fault_has_none() -> None:
    assert faults(scenario(group(Shift("day", 5)))) == []


GOOD = group(Shift("day", 5))
FAULTS: list[tuple[str, Scenario]] = [
    ("days: is 0: write 1 or more", scenario(GOOD, days=0)),
    ("target: is 1.0: write a share between 0 and 1, such as 0.98", scenario(GOOD, target=1.0)),
    ("channels: is 0: write 1 or more, or leave it out", scenario(GOOD, channels=0)),
    (
        "warm_up_minutes: nothing is left to count: make it shorter than the days",
        scenario(GOOD, warm_up_ms=86_400_000),
    ),
    ("lines: is empty: write at least 1", scenario(GOOD, lines=())),
    (
        "lines: the shares make 0.5 and not 1: let one line have the rest",
        scenario(GOOD, lines=(replace(LINE, share=0.5),)),
    ),
    ("groups: is empty: write who takes calls", scenario()),
    (
        "groups: nobody takes a seat on any of the days: give a shift seats",
        scenario(group(Shift("day", 0))),
    ),
    (
        "arrivals.per_day: is 0.0: write how many call on a usual day",
        scenario(GOOD, arrivals=Arrivals(0.0, FLAT)),
    ),
    (
        "arrivals.half_hours: a day has 48 shares, none below 0: write them all",
        scenario(GOOD, arrivals=Arrivals(1.0, FLAT[1:])),
    ),
    (
        "arrivals.half_hours: make 0.5 and not 1: divide them by that",
        scenario(GOOD, arrivals=Arrivals(1.0, (1 / 96,) * 48)),
    ),
    (
        "arrivals.weekdays: a week has seven factors, none below 0: write them all",
        scenario(GOOD, arrivals=Arrivals(1.0, FLAT, weekdays=(1.0,) * 6)),
    ),
    (
        "arrivals.since: growth counts from a day: write for which day per_day holds",
        scenario(GOOD, arrivals=Arrivals(1.0, FLAT, growth=0.1)),
    ),
    (
        "arrivals.dispersion: is 0.5: 1 is Poisson: write 1 or more",
        scenario(GOOD, arrivals=Arrivals(1.0, FLAT, dispersion=0.5)),
    ),
    (
        "arrivals.busyness: is 0: write a shape above 0, or leave it out",
        scenario(GOOD, arrivals=Arrivals(1.0, FLAT, busyness=0)),
    ),
    (
        "arrivals.series: has 47 half hours, the days have 48: give each",
        scenario(GOOD, arrivals=Arrivals(1.0, FLAT, series=(1.0,) * 47)),
    ),
    (
        "arrivals.series: has a half hour below 0: write 0 or more",
        scenario(GOOD, arrivals=Arrivals(1.0, FLAT, series=(-1.0,) * 48)),
    ),
    (
        "arrivals.holidays: nobody calls less than not at all: write 0 or more",
        scenario(GOOD, arrivals=Arrivals(1.0, FLAT, holidays={date(2026, 1, 5): -1.0})),
    ),
    (
        "surges[0].to: ends before it starts: set a later time",
        scenario(GOOD, arrivals=Arrivals(1.0, FLAT, surges=(Surge(2.0, 60, 60),))),
    ),
    (
        "surges[0].line: no line '12346': write one of those there are, or none for all",
        scenario(GOOD, arrivals=Arrivals(1.0, FLAT, surges=(Surge(2.0, 0, 60, "12346"),))),
    ),
    (
        "surges[0].factor: is -2.0: write 0 or more",
        scenario(GOOD, arrivals=Arrivals(1.0, FLAT, surges=(Surge(-2.0, 0, 60),))),
    ),
    ("groups.all: stands there 2 times: take one out", scenario(GOOD, GOOD)),
    (
        "lines.12345.contained: is 1.5: write a share between 0 and 1",
        scenario(GOOD, lines=(replace(LINE, contained=1.5),)),
    ),
    (
        "lines.12345.talk: the mean is -1.0 s: write 0 or more",
        scenario(GOOD, lines=(replace(LINE, talk=Duration("constant", -1.0)),)),
    ),
    (
        "lines.12345.talk: a duration that varies has a mean above 0: write it",
        scenario(GOOD, lines=(replace(LINE, talk=Duration("exponential")),)),
    ),
    (
        "lines.12345.talk: the shape is 0.0: write a number above 0",
        scenario(GOOD, lines=(replace(LINE, talk=Duration("weibull", 1.0, 0.0)),)),
    ),
    (
        "lines.12345.patience: 1 observations are no distribution: give at least 2",
        scenario(GOOD, lines=(replace(LINE, patience=Duration("empirical", sample_s=(1.0,))),)),
    ),
    (
        "lines.12345.patience: an observation is below 0, or no number: take it out",
        scenario(GOOD, lines=(replace(LINE, patience=Duration("empirical", sample_s=(1.0, float("nan")))),)),
    ),
    (
        "lines.12345.transfer.to: no sub-centre 'tax': write one of those there are (post)",
        scenario(
            GOOD,
            lines=(replace(LINE, transfer=Transfer(0.1, "tax", Duration())),),
            subcentres=(SubCentre("post"),),
        ),
    ),
    (
        "lines.12345.needs: there is no step: a step may only ask less than the one before",
        scenario(GOOD, lines=(replace(LINE, wait=Wait("12345", ())),)),
    ),
    (
        "lines.12345.needs: nobody who takes a seat ever has { 12315 = 2 }: give it to a group",
        scenario(GOOD, lines=(replace(LINE, wait=Wait("12345", (Need((("12315", 2),)),))),)),
    ),
    (
        "groups.all.skills: whoever takes calls has a skill, with a level from 1: write it",
        scenario(GOOD, Group("all", {"x": 0}, ())),
    ),
    ("groups.all.absence: is 2.0: write a share between 0 and 1", scenario(replace(GOOD, absence=2.0))),
    (
        "groups.all.shifts[0].to: the shift lasts 1441 minutes: write an end within 24 hours",
        scenario(group(Shift("s", 1, 0, 1441))),
    ),
    (
        "groups.all.shifts[0].from: is no time of the day on which the shift begins: write 00:00 to 23:59",
        scenario(group(Shift("s", 1, 1440, 1500), Shift("t", 1))),
    ),
    (
        "groups.all.shifts[0].weekdays: is no set of days from 0 (Monday) to 6: write at least one",
        scenario(group(Shift("s", 1, weekdays=frozenset()), Shift("t", 1))),
    ),
    (
        "groups.all.shifts[0].seats: is -1: write 0 or more",
        scenario(group(Shift("s", -1), Shift("t", 5))),
    ),
    (
        "groups.all.shifts[0].breaks[0]: its last wave ends 30 minutes after the shift: begin earlier or shorten it",
        scenario(group(Shift("s", 1, 480, 960, breaks=(Break(420, 30, 3, 30),)))),
    ),
    (
        "groups.all.shifts[0].breaks[0]: lasts a minute at least and begins in the shift: write whole numbers",
        scenario(group(Shift("s", 1, breaks=(Break(0, 0),)))),
    ),
    (
        "retrial.share: is 1.1: write a share between 0 and 1",
        scenario(GOOD, retrial=Retrial(1.1, Duration("constant", 60.0))),
    ),
    (
        "subcentres.tax.answer: the mean is -1.0 s: write 0 or more",
        scenario(GOOD, subcentres=(SubCentre("tax", answer=Duration("constant", -1.0)),)),
    ),
]


@pytest.mark.parametrize(("told", "made"), FAULTS, ids=[told[:60] for told, _ in FAULTS])
def test_this_fault_is_told_with_its_place_and_its_remedy(told: str, made: Scenario) -> None:
    assert told in faults(made)


@pytest.mark.parametrize(
    ("told", "made", "seats"),
    [
        ("no group of the scenario is scaled", scenario(group(Shift("s", 5), scaled=False)), 6),
        (
            "3 are fewer than the 5",
            scenario(group(Shift("s", 5), scaled=False), group(Shift("t", 1), name="b")),
            3,
        ),
        ("no shift of the scaled groups has a seat", scenario(group(Shift("s", 0))), 4),
    ],
)
def test_seats_that_cannot_be_had_are_refused(told: str, made: Scenario, seats: int) -> None:
    with pytest.raises(ValueError, match=told):
        made.with_seats(seats)
