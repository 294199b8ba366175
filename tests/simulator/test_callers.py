"""Who calls when, what each caller is like, and who comes to work."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simulator import callers
from simulator.callers import arrivals, call, factors, first_calls, key_of, subject_of
from simulator.scenario import CELL_MS, DAY_MS, Arrivals, Duration, Retrial, SubCentre, Transfer
from simulator.tables import tables
from tests.simulator.towns import (
    BUSY,
    FLAT,
    TOWNS,
    constant,
    every_line,
    exponential,
    group,
    line,
    mixed,
    pool,
)


def test_calls_come_in_order_within_the_horizon_on_lines_by_their_shares() -> None:
    laid = tables(mixed(arrivals=Arrivals(40_000, BUSY), days=2))
    at, of = arrivals(laid, 3)
    assert (np.diff(at) >= 0).all()
    assert at[0] >= 0
    assert at[-1] < 2 * DAY_MS
    shares = np.bincount(of) / len(of)
    assert shares == pytest.approx([0.6, 0.25, 0.15], abs=4 * np.sqrt(0.25 / len(of)))
    expected = 80_000 * sum(BUSY)
    assert len(at) == pytest.approx(expected, abs=4 * np.sqrt(expected))


def counts(laid, days: int) -> np.ndarray:  # type: ignore[no-untyped-def]
    """Calls ``[day, five minutes]``, over replications."""
    made = [
        np.bincount(arrivals(laid, day)[0] // CELL_MS, minlength=288 * laid.days).reshape(-1, 288)
        for day in range(days)
    ]
    return np.concatenate(made)


def test_calls_of_five_minutes_are_poisson() -> None:
    made = counts(tables(pool(5_760, 1)), 120)
    assert made.mean() == pytest.approx(20, abs=4 * np.sqrt(20 / made.size))
    assert made.var() / made.mean() == pytest.approx(1.0, abs=4 * np.sqrt(2 / made.size))
    # the days as a whole too
    assert made.sum(axis=1).var() / 5_760 == pytest.approx(1.0, abs=4 * np.sqrt(2 / 120))
    following = np.corrcoef(made[:, :-1].ravel(), made[:, 1:].ravel())[0, 1]
    assert abs(following) < 4 / np.sqrt(made.size)


@pytest.mark.parametrize("mean", [0.3, 2.0, 30.0])
def test_bursts_give_five_minutes_their_dispersion_and_leave_the_mean(mean: float) -> None:
    laid = tables(pool(0, 1, arrivals=Arrivals(288 * mean, FLAT, dispersion=1.6)))
    made = counts(laid, 150)
    assert made.mean() == pytest.approx(mean, abs=4 * np.sqrt(1.6 * mean / made.size))
    assert made.var() / made.mean() == pytest.approx(1.6, abs=0.1)


def test_busyness_is_a_gamma_by_day_or_what_is_given() -> None:
    laid = tables(pool(0, 1, days=200, arrivals=Arrivals(100.0, FLAT, busyness=25.0)))
    drawn = np.concatenate([factors(laid, replication) for replication in range(20)])
    assert drawn.mean() == pytest.approx(1.0, abs=4 * 0.2 / np.sqrt(4_000))
    assert drawn.std() == pytest.approx(0.2, rel=0.06)
    given = np.linspace(0.0, 2.0, 200)
    assert factors(laid, 0, given).tolist() == given.tolist()
    days = np.bincount(arrivals(laid, 0, given)[0] // DAY_MS, minlength=200)
    assert days[0] == 0
    assert days[100:].sum() / days[:100].sum() == pytest.approx(3.0, rel=0.1)
    with pytest.raises(ValueError, match="give one for each day"):
        factors(laid, 0, [1.0])
    with pytest.raises(ValueError, match="give one for each day"):
        factors(laid, 0, [-1.0] * 200)


def test_the_same_callers_stand_before_any_number_of_seats() -> None:
    few, many = tables(mixed()), tables(mixed().with_seats(40))
    assert [a.tolist() for a in arrivals(few, 2)] == [a.tolist() for a in arrivals(many, 2)]
    assert call(few, key_of(few, 2), 17, 1) == call(many, key_of(many, 2), 17, 1)
    assert arrivals(few, 2)[0].tolist() != arrivals(few, 3)[0].tolist()


RICH = mixed(
    retrial=Retrial(0.4, exponential(300.0)),
    ring=Duration("lognormal", 3.0, 0.5),
    subcentres=(SubCentre("tax", answer=exponential(9.0)),),
    lines=every_line(
        contained=0.2,
        self_service=exponential(40.0),
        in_vain=exponential(12.0),
        transfer=Transfer(0.09, "tax", exponential(25.0), exponential(200.0)),
        outgoing=0.25,
        outgoing_talk=exponential(90.0),
    ),
)


def test_a_call_is_what_its_line_says_on_the_average() -> None:
    laid = tables(RICH)
    made = [call(laid, key_of(laid, 0), subject, 1) for subject in range(20_000)]

    def mean(name: str) -> float:
        return float(np.mean([getattr(one, name) for one in made]))

    for name, seconds in (
        ("ring_ms", 3.0),
        ("talk_ms", 160.0),
        ("wrap_up_ms", 30.0),
        ("patience_ms", 120.0),
        ("self_service_ms", 40.0),
        ("in_vain_ms", 12.0),
        ("together_ms", 25.0),
        ("answer_ms", 9.0),
        ("third_talk_ms", 200.0),
        ("own_talk_ms", 90.0),
        ("again_ms", 300.0),
    ):
        assert mean(name) == pytest.approx(seconds * 1000, rel=0.04), name
    for name, share in (("contained", 0.2), ("transferred", 0.09), ("outgoing", 0.25), ("tries_again", 0.4)):
        assert mean(name) == pytest.approx(share, abs=0.015), name
    pairs = np.corrcoef([one.talk_ms for one in made], [one.patience_ms for one in made])
    assert abs(pairs[0, 1]) < 0.03


def test_a_try_again_is_another_call_of_the_same_caller() -> None:
    laid = tables(RICH)
    key = key_of(laid, 0)
    assert call(laid, key, subject_of(7), 0) == call(laid, key, 7, 0)
    assert call(laid, key, subject_of(7, 1), 0) != call(laid, key, 7, 0)
    assert call(laid, key, subject_of(7, 1), 0) != call(laid, key, subject_of(8, 1), 0)


def test_who_never_gives_up_has_no_patience_to_end() -> None:
    laid = tables(pool(100, 1, lines=(line("a", 1.0, patience=None),)))
    assert call(laid, key_of(laid, 0), 0, 0).patience_ms is None


def test_first_calls_and_their_work_are_those_of_the_arrivals() -> None:
    laid = tables(RICH)
    at, of = arrivals(laid, 1)
    key = key_of(laid, 1)
    calls, work = np.zeros((48, 3), np.int64), np.zeros((48, 3), np.int64)
    for subject, (ms, column) in enumerate(zip(at.tolist(), of.tolist(), strict=True)):
        one = call(laid, key, subject, column)
        if not one.contained:
            calls[ms // 1_800_000, column] += 1
            work[ms // 1_800_000, column] += one.talk_ms + one.wrap_up_ms
    told = first_calls(laid, 1)
    assert np.array_equal(told[0], calls)
    assert np.array_equal(told[1], work)


def test_who_stays_away_is_drawn_by_agent_and_day() -> None:
    people = (replace(group("city", {"12345": 1}, 40), absence=0.25),)
    laid = tables(pool(100, 1, days=30, groups=people))
    there = callers.presence(laid, 0)
    away = 1 - sum(there.at_ms[there.what == callers.OFF]) / DAY_MS / (40 * 31)
    away += sum(there.at_ms[there.what == callers.ON]) / DAY_MS / (40 * 31)
    assert away == pytest.approx(0.25, abs=4 * np.sqrt(0.25 * 0.75 / 1_240))
    more = tables(pool(100, 1, days=30, groups=(*people, group("more", {"12345": 1}, 5))))
    also = callers.presence(more, 0)
    mine = also.agent < 40
    assert also.at_ms[mine].tolist() == there.at_ms.tolist()
    assert callers.presence(laid, 1).at_ms.tolist() != there.at_ms.tolist()


def test_nobody_is_told_to_come_twice_without_going() -> None:
    for name in ("shifts and breaks", "absence"):
        there = callers.presence(tables(TOWNS[name]), 5)
        for agent in set(there.agent.tolist()):
            what = [w for w in there.what[there.agent == agent].tolist() if w in {callers.ON, callers.OFF}]
            assert what == [callers.ON, callers.OFF] * (len(what) // 2)


def test_a_line_without_calls_and_a_day_without_any_are_played() -> None:
    laid = tables(pool(0, 1, arrivals=Arrivals(0.0, FLAT), lines=(line("a", 1.0), line("b", 0.0))))
    assert [len(column) for column in arrivals(laid, 0)] == [0, 0]
    quiet = tables(pool(1_000, 1, lines=(line("a", 0.0), line("b", 1.0), line("c", 0.0))))
    assert set(arrivals(quiet, 0)[1].tolist()) == {1}


def test_durations_of_no_chance_are_constant() -> None:
    laid = tables(pool(100, 1, lines=(line("a", 1.0, talk=constant(7.25), patience=constant(3)),)))
    one = call(laid, key_of(laid, 0), 5, 0)
    assert (one.talk_ms, one.patience_ms, one.ring_ms) == (7_250, 3_000, 2_000)
