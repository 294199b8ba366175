"""A scenario laid out: rates, kinds, people."""

from __future__ import annotations

import pickle
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from simulator import fast
from simulator import tables as laid
from simulator.callers import BACK, OFF, ON, REST
from simulator.scenario import (
    DAY_MS,
    Arrivals,
    Break,
    Duration,
    Group,
    Retrial,
    Shift,
    SubCentre,
    Surge,
    Transfer,
)
from simulator.tables import Tables, tables
from tests.simulator.towns import EXPERTS, FLAT, PEOPLE, TOWNS, constant, group, line, mixed, pool, wait

HOUR = 3_600_000
MINUTE = 60_000


def calls_by_day(told: Tables) -> list[float]:
    return told.rate.sum(axis=1).reshape(told.days, 288).sum(axis=1).tolist()


def test_rates_are_shares_of_days_of_lines() -> None:
    told = tables(mixed(arrivals=Arrivals(4_800, (0.5, 0.5) + (0.0,) * 46)))
    assert told.rate.shape == (288, 3)
    assert told.rate[:12].sum() == pytest.approx(4_800)
    assert not told.rate[12:].any()
    assert told.rate.sum(axis=0) == pytest.approx([4_800 * share for share in (0.6, 0.25, 0.15)])


def test_a_date_has_its_own_factor_in_the_place_of_its_weekdays_and_growth_is_a_year() -> None:
    start = date(2026, 1, 5)
    weekdays = (1.2, 1.0, 1.0, 1.0, 1.0, 0.5, 0.4)
    arrivals = Arrivals(
        1_000, FLAT, weekdays, {start + timedelta(1): 0.3}, growth=0.21, since=date(2024, 1, 6)
    )
    told = calls_by_day(tables(pool(0, 5, arrivals=arrivals, start=start, days=7)))
    growth = 1.21**2
    assert told[0] == pytest.approx(1_200 * growth, rel=1e-9)
    assert told[1] == pytest.approx(300 * growth, rel=1e-3)
    assert told[6] == pytest.approx(400 * growth, rel=5e-3)


def test_a_forecast_takes_the_place_of_days_and_must_be_as_long() -> None:
    series = tuple(float(i) for i in range(96))
    told = tables(pool(1, 5, days=2, arrivals=Arrivals(1e9, FLAT, series=series)))
    assert told.rate.sum(axis=1).reshape(96, 6).sum(axis=1).tolist() == pytest.approx(series)
    with pytest.raises(ValueError, match="series: 95 half hours are not the 96"):
        tables(pool(1, 5, days=2, arrivals=Arrivals(1, FLAT, series=series[1:])))


def test_surges_multiply_and_those_of_a_line_change_its_share() -> None:
    base = tables(mixed(arrivals=Arrivals(2_880, FLAT)))
    surges = (Surge(3.0, 60, 122), Surge(2.0, 90, 120, "12315"))
    told = tables(mixed(arrivals=Arrivals(2_880, FLAT, surges=surges)))
    factor = told.rate / base.rate
    assert factor[11].tolist() == [1, 1, 1]
    assert factor[12].tolist() == pytest.approx([3, 3, 3])
    assert factor[18].tolist() == pytest.approx([3, 6, 3])
    assert factor[24].tolist() == pytest.approx([1.8, 1.8, 1.8])  # two of its five minutes
    assert len(told.share) == 2
    assert told.mix[12] != told.mix[18] == told.mix[19]


def test_agents_are_numbered_in_the_order_of_groups_and_shifts() -> None:
    shifts = (Shift("early", 2, 480, 960), Shift("late", 1, 900, 1440))
    told = tables(pool(100, 1, groups=(Group("a", {"12345": 1}, shifts), group("b", {"12345": 2}, 2))))
    assert told.agents == ("1001", "1002", "1003", "1004", "1005")
    assert told.agent_group.tolist() == [0, 0, 0, 1, 1]
    assert told.agent_kind.tolist() == [0, 0, 0, 1, 1]
    assert told.weight.tolist() == [1, 2]


def test_names_of_many_agents_sort_as_their_numbers() -> None:
    told = tables(pool(100, 9_500))
    assert list(told.agents) == sorted(told.agents)


def test_groups_that_meet_the_same_needs_with_the_same_sum_are_of_one_kind() -> None:
    people = (group("x", {"12345": 1, "tea": 1}, 1), group("y", {"12345": 2}, 1), group("z", {"12345": 1}, 1))
    assert tables(pool(100, 1, groups=people)).agent_kind.tolist() == [0, 0, 1]
    assert tables(pool(100, 1, groups=people, closest_fit=False)).agent_kind.tolist() == [0, 0, 0]


def test_who_meets_a_step_has_its_bit_and_lines_of_one_place_share_it() -> None:
    lines = (*EXPERTS, replace(EXPERTS[1], name="12365"))
    told = tables(mixed(lines=lines))
    assert told.lines[:, laid.KIND].tolist() == [0, 1, 3, 1]
    assert told.kinds[:, laid.AFTER].tolist() == [0, 0, 0, 0, 15_000, 40_000]
    assert told.kinds[:, laid.MORE].tolist() == [0, 1, 0, 1, 1, 0]
    assert told.queue_names == ("12345", "law")
    # kinds of agents: city, both, law, clerks
    assert [int(word) for word in told.meets[:, 0]] == [0b1111, 0b0010, 0b1111, 0b0100, 0b1100, 0b1111]
    for kind, word in enumerate(told.meets[:, 0].tolist()):
        for agents, served in enumerate(told.serves[:, 0].tolist()):
            assert (word >> agents & 1) == (served >> kind & 1)


def moments(told: Tables, what: int) -> list[tuple[int, int]]:
    """(ms, agent) of what happens."""
    return [(at, agent) for at, happened, agent in told.presence.tolist() if happened == what]


def test_shifts_that_touch_are_one_and_those_past_midnight_begin_the_day_before() -> None:
    night = Shift("night", 1, 1320, 1920)
    told = tables(pool(100, 1, days=2, groups=(Group("g", {"12345": 1}, (Shift("all", 1), night)),)))
    assert moments(told, ON) == [(0, 0), (0, 1), (22 * HOUR, 1), (46 * HOUR, 1), (70 * HOUR, 1)]
    assert moments(told, OFF) == [
        (8 * HOUR, 1),
        (32 * HOUR, 1),
        (56 * HOUR, 1),
        (72 * HOUR, 0),
        (80 * HOUR, 1),
    ]


def test_breaks_are_taken_in_waves() -> None:
    shift = Shift("day", 3, 480, 960, breaks=(Break(120, 30, waves=2, stagger_minutes=20), Break(479, 30)))
    told = tables(pool(100, 1, groups=(Group("g", {"12345": 1}, (shift,)),)))
    first = [(at, agent) for at, agent in moments(told, REST) if at < DAY_MS]
    assert first == [(600 * MINUTE, 0), (600 * MINUTE, 2), (620 * MINUTE, 1)]
    assert [at for at, _ in moments(told, BACK)][:3] == [630 * MINUTE, 630 * MINUTE, 650 * MINUTE]


def test_a_day_off_and_a_weekend_have_nobody() -> None:
    shift = Shift("day", 1, 480, 960, weekdays=frozenset(range(5)), holidays=False)
    told = tables(
        pool(
            100,
            1,
            start=date(2026, 1, 8),
            days=5,
            groups=(Group("g", {"12345": 1}, (shift,)),),
            days_off=frozenset({date(2026, 1, 8)}),
        )
    )
    days = {at // DAY_MS for at, _ in moments(told, ON)}
    assert days == {1, 4, 5}  # Friday, Monday, and the Tuesday after the horizon


ONE_POOL = pool(1_000, 7)


@pytest.mark.parametrize(
    "change",
    [
        {"channels": 100},
        {"retrial": Retrial(0.1, constant(60))},
        {"max_length": {"12345": 5}},
        {"max_wait_ms": {"12345": 5}},
        {"groups": (group("g", {"12345": 1}, 7, from_minute=480),)},
        {"groups": (group("g", {"12345": 1}, 7, breaks=(Break(100, 10),)),)},
        {"groups": (Group("g", {"12345": 1}, (Shift("d", 7),), absence=0.1),)},
        {"groups": (group("g", {"12345": 1}, 7), group("h", {"12348": 1}, 1))},
        {"lines": (line("a", 1.0), line("b", 1.0, greeting_ms=1))},
        {"lines": (line("a", 1.0), line("b", 1.0, wait("q", ({"12345": 1}, 0), priority=1)))},
        {
            "lines": (line("a", 1.0, transfer=Transfer(0.1, "s", constant(10))),),
            "subcentres": (SubCentre("s", seats=1),),
        },
    ],
    ids=str,
)
def test_only_one_pool_that_never_changes_needs_no_calendar(change: dict[str, object]) -> None:
    assert tables(ONE_POOL).seats == 7
    assert tables(replace(ONE_POOL, **change)).seats == 0  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"days": 0}, "days: 0 are not between"),
        ({"days": 601}, "days: 601 are not between"),
        ({"arrivals": Arrivals(2e7, FLAT)}, "arrivals: 20000000 calls are too many"),
        ({"arrivals": Arrivals(-1.0, FLAT)}, "arrivals: a rate is below 0"),
        (
            {"lines": (line("a", 1.0, transfer=Transfer(0.1, "s", constant(1))),)},
            "line a: sub-centre s is not there",
        ),
        ({"lines": (line("a", 1.0, wait("q", ({"x": 1}, 0), priority=70_000)),)}, "line a: priority 70000"),
        ({"lines": (line("a", 1.0, wait("q")),)}, "line a: its place in queue q asks nothing"),
        ({"groups": (group("g", {"12345": 70_000}, 1),)}, "group g: its levels add up to 70000"),
        ({"ring": Duration("weibull", 2.0, 0.0)}, "weibull: a shape of 0"),
        ({"max_wait_ms": {"12345": 1 << 40}}, "queue 12345: a longest wait of"),
        ({"lines": (line("a", 1.0), line("b", 1.0, greeting_ms=1 << 40))}, "line b: a greeting of"),
        (
            {"lines": (line("a", 1.0, wait("q", ({"x": 2}, 0), ({"x": 1}, 9_000), ({}, 8_000))),)},
            "line a: steps after",
        ),
    ],
    ids=str,
)
def test_what_cannot_be_played_is_refused_in_a_line(change: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        tables(replace(ONE_POOL, **change))  # type: ignore[arg-type]


def test_tables_that_were_sent_as_read_only_memory_give_the_same() -> None:
    told = tables(TOWNS["experts and relaxation"])
    sent: list[pickle.PickleBuffer] = []
    data = pickle.dumps(told, protocol=5, buffer_callback=sent.append)
    there = pickle.loads(data, buffers=[bytes(buffer) for buffer in sent])
    assert len(sent) > 10
    assert np.array_equal(fast.replicate(there, 1).wait_ms, fast.replicate(told, 1).wait_ms)


def test_people_of_the_towns_are_all_there() -> None:
    told = tables(mixed())
    assert len(told.agents) == sum(shift.seats for one in PEOPLE for shift in one.shifts)
    assert told.horizon_ms == DAY_MS
    assert told.half_hours == 48
