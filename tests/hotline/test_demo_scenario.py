"""A part of a scenario as real calls: what is played, and what is compared."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from acd.messages import CallRecord
from dialplans.decision import Treatment
from hotline.city import City
from hotline.demo import DemoFault
from hotline.demo_scenario import ScenarioDemo, Span, city_of, measured, span_of
from simulator.scenario import (
    Arrivals,
    Duration,
    Group,
    Line,
    Need,
    Retrial,
    Scenario,
    Shift,
    SubCentre,
    Transfer,
    Wait,
)
from simulator.tables import tables

STEPS = (Need((("12315", 1),)), Need((("12345", 1),), 20_000))


def scenario() -> Scenario:
    """Two days; most call from 10:00 to 11:00 of the second. Experts for 12315 first, all others after 20 s."""
    series = [10.0] * 96
    series[48 + 20] = series[48 + 21] = 60.0
    talk, wrap_up, patience = (Duration("exponential", s) for s in (150, 30, 120))
    line = Line(
        "12315", 1.0, Wait("12345", STEPS), talk, wrap_up, patience, greeting_ms=4000, contained=0.2,
        self_service=Duration("constant", 30), in_vain=Duration("constant", 9),
        transfer=Transfer(0.1, "tax", Duration("constant", 20)),
        outgoing=0.3, outgoing_talk=Duration("constant", 60),
    )  # fmt: skip
    groups = (
        Group("experts", {"12315": 2}, (Shift("day", 3, 480, 1080),), expert=True, scaled=False),
        Group("all", {"12345": 1}, (Shift("day", 12, 480, 1080), Shift("night", 2, 0, 480)), absence=0.1),
    )
    return Scenario(
        "two days", (line,), groups, Arrivals(1.0, (1 / 48,) * 48, series=tuple(series)), days=2,
        start=date(2026, 1, 5), subcentres=(SubCentre("tax"),), channels=10,
        retrial=Retrial(0.4, Duration("constant", 300)), ring=Duration("lognormal", 1.2, 0.4), ageing_ms=60_000,
    )  # fmt: skip


def span(at: str | None = None, minutes: int = 30, speed: float = 20.0, seats: int | None = None) -> Span:
    return span_of(scenario(), at=at, minutes=minutes, speed=speed, seats=seats)


def test_the_busiest_half_hours_of_any_day_are_played_unless_another_time_is_asked() -> None:
    busiest = span(minutes=60)
    assert (busiest.begin, busiest.end) == (20, 22)
    assert busiest.scenario.start == date(2026, 1, 6)
    assert busiest.real_s == 180
    assert span("09:30").scenario.start == date(2026, 1, 5)


def test_only_the_span_has_calls_and_its_seats_are_those_of_its_middle() -> None:
    played = span("09:30").scenario
    assert played.arrivals.series is not None
    assert [n for n, calls in enumerate(played.arrivals.series) if calls] == [19]
    assert [(g.name, g.shifts[0].seats) for g in played.groups] == [("experts", 3), ("all", 12)]
    assert span("07:00").scenario.seats() == 2
    assert span("09:30", seats=9).scenario.seats() == 9


def test_what_phones_can_not_show_is_left_out_on_both_sides() -> None:
    played = span().scenario
    (line,) = played.lines
    assert (line.contained, line.greeting_ms, line.transfer, line.outgoing) == (0.0, 0, None, 0.0)
    assert not line.goes_in_vain
    assert (played.retrial, played.subcentres, played.channels) == (None, (), None)
    assert played.groups[1].absence == 0
    assert (played.ring.kind, played.ring.mean_s) == ("constant", pytest.approx(1.2))


def test_the_engines_own_times_run_at_the_speed_of_the_calls() -> None:
    played = span()
    setup = city_of(City.load("zhengzhou"), played, tables(played.scenario)).setup()
    assert setup.ageing_ms == 3000
    line = next(line for line in setup.plan.lines if line.phases[0].treatment is Treatment.ABSORBED)
    wait = line.phases[0].wait
    assert wait is not None
    assert [need.after_ms for need in wait.needs] == [0, 1000]
    assert len(setup.seats) == len(setup.agents) == 15


def test_every_caller_of_the_simulation_calls_at_his_time_and_talks_as_long() -> None:
    played = span()
    demo = ScenarioDemo(City.load("zhengzhou"), played, tables(played.scenario), quiet=True)
    assert len(demo.told) == len(demo.drawn) == demo.calls
    assert all(0 <= one.at_s <= played.real_s for one in demo.told)
    assert [one.at_s for one in demo.told] == sorted(one.at_s for one in demo.told)
    for one, drawn in zip(demo.told, demo.drawn, strict=True):
        assert one.talk_s == pytest.approx(drawn.talk_ms / 20_000)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"at": "9:15"}, "demo: --at 9:15: the planner counts by half hours"),
        ({"minutes": 20}, "demo: --minutes 20: the planner counts by half hours"),
        ({"speed": 500.0}, "demo: --speed 500: at 1 to 60 times"),
        ({"at": "23:30", "minutes": 60}, "demo: the span reaches past midnight"),
        ({"at": "19:00"}, "demo: nobody is on a shift at that time"),
    ],
)
def test_a_span_that_can_not_be_played_is_told_in_one_line(asked: dict[str, object], told: str) -> None:
    with pytest.raises(DemoFault, match=f"^{told}"):
        span(**asked)  # type: ignore[arg-type]


def record(
    n: int, queued: int, rung: int | None, answered: int | None, ended: int, done: int | None
) -> CallRecord:
    return CallRecord(
        call=str(n), city="x", trunk="t", called="1", caller="2", line=None, treatment=None, queue="12345", arrived=queued,
        queued=queued, rung=rung, seat_answered=answered, ended=ended, wrap_up_ended=done,
        disposition="answered" if answered else "abandoned",
    )  # fmt: skip


def test_measurements_are_told_in_the_scenarios_time() -> None:
    """20 times as fast: a wait of 1 s is one of 20 s, which is too late for 15 s."""
    played = replace(span(), speed=20.0)
    records = [
        record(1, 1_000, 1_000, 1_100, 9_000, 11_000),
        record(2, 2_000, 3_000, 3_000, 8_000, 9_000),
        record(3, 5_000, None, None, 6_000, None),
    ]
    found = measured(played, records, 0, seats=2)
    assert found["answer_rate"] == pytest.approx(2 / 3)
    assert found["service_level"] == pytest.approx(1 / 3)
    assert found["abandon_rate"] == pytest.approx(1 / 3)
    assert found["asa"] == pytest.approx((2 + 20 + 20) / 3)
    assert found["occupancy"] == pytest.approx((10 + 6) / (90 * 2))
