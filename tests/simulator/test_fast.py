"""The compiled engine by itself: its two loops, its threads, its rows, its cache. (What it decides:
`test_parity`, `test_exact`.)
"""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from simulator import callers, fast
from simulator.loop import play
from simulator.one_pool import play_one_pool
from simulator.outcome import Outcome
from simulator.scenario import Arrivals, Duration, Retrial, Scenario, SubCentre, Transfer
from simulator.tables import tables
from tests.simulator.towns import (
    EXPERTS,
    FLAT,
    TOWNS,
    constant,
    exponential,
    group,
    line,
    mixed,
    pool,
    scenarios,
    wait,
)


def same(one: Outcome, other: Outcome) -> bool:
    return all(np.array_equal(getattr(one, f.name), getattr(other, f.name)) for f in fields(Outcome))


@st.composite
def pools(draw: st.DrawFn) -> Scenario:
    """Scenarios for the loop without a calendar: one pool, several lines, all times coarse or fine."""
    times = st.one_of(
        st.integers(0, 200).map(lambda s: constant(float(s))), st.floats(1, 200).map(exponential)
    )
    greeting = draw(st.sampled_from([0, 4_000]))
    subs = (SubCentre("s", answer=draw(times)),)
    lines = tuple(
        line(
            f"l{i}",
            1.0,
            talk=draw(times),
            wrap_up=draw(times),
            patience=draw(st.one_of(st.none(), times)),
            greeting_ms=greeting,
            contained=draw(st.sampled_from([0.0, 0.3])),
            outgoing=draw(st.sampled_from([0.0, 0.4])),
            outgoing_talk=draw(times),
            transfer=draw(st.sampled_from([None, Transfer(0.3, "s", constant(20), constant(100))])),
        )
        for i in range(draw(st.integers(1, 3)))
    )
    return pool(
        draw(st.sampled_from([300.0, 2_000.0])),
        draw(st.integers(1, 9)),
        lines=lines,
        subcentres=subs,
        ring=draw(st.sampled_from([constant(0), constant(2), exponential(10.0)])),
        warm_up_ms=draw(st.sampled_from([0, 3_600_000])),
        seed=draw(st.integers(0, 1 << 20)),
        arrivals=Arrivals(draw(st.sampled_from([300.0, 2_000.0])), FLAT, busyness=10.0, dispersion=2.0),
    )


@settings(max_examples=120, deadline=None)
@given(pools())
def test_the_loop_without_a_calendar_gives_the_same_counts(scenario: Scenario) -> None:
    laid = tables(scenario)
    assert laid.seats > 0
    without = fast.replicate(laid, 0)
    with_calendar, log = fast.replicate_logged(laid, 0)
    assert same(without, with_calendar)
    assert with_calendar.conserved()
    assert len(log.call) >= with_calendar.answered.sum()


def test_a_pool_in_which_somebody_waits_longer_than_a_day_is_left_to_the_calendar() -> None:
    """The seats go home a day after the horizon: what is then still on is not the one pool any more."""
    endless = pool(3_000, 1, lines=(line("a", 1.0, patience=None, talk=constant(120)),))
    laid = tables(endless)
    assert laid.seats == 1
    assert same(fast.replicate(laid, 0), fast.replicate_logged(laid, 0)[0])
    assert fast.replicate(laid, 0).abandoned.sum() > 0


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1 << 20), st.integers(1, 12), st.integers(5, 120))
def test_one_seat_more_answers_no_fewer_when_all_calls_last_as_long(
    seed: int, seats: int, patience_s: int
) -> None:
    """On the same callers, with hang-ups, in one pool. With calls that last differently it need not be so on
    every day: a long one that is answered instead of hanging up can cost several short ones.
    """
    handled = line("a", 1.0, talk=constant(150), wrap_up=constant(30), patience=exponential(patience_s))
    base = pool(4_000, seats, lines=(handled,), ring=constant(0), seed=seed)
    more = replace(base, groups=(group("city", {"12345": 1}, seats + 1),))
    assert fast.replicate(tables(base), 0).answered.sum() <= fast.replicate(tables(more), 0).answered.sum()


@pytest.mark.parametrize("name", ["one pool", "experts and relaxation", "channels and tries again"])
def test_threads_give_the_bits_of_one_after_another(name: str) -> None:
    laid = tables(TOWNS[name])
    alone = [fast.replicate(laid, day) for day in range(12)]
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(lambda day: fast.replicate(laid, day), range(12)))
    assert all(same(one, other) for one, other in zip(alone, together, strict=True))


def test_more_callers_than_there_are_rows_are_played_with_more() -> None:
    """10,000 wait at once; who was played before the rows ran out is not counted twice."""
    crowd = mixed(
        arrivals=Arrivals(12_000, (1.0,) + (0.0,) * 47),
        lines=(line("a", 1.0, wait("q", ({"12348": 1}, 0), ({"12345": 1}, 3_600_000)), patience=None),),
        groups=(group("city", {"12345": 1}, 1), group("law", {"12348": 1}, 1)),
    )
    laid = tables(crowd)
    told, log = fast.replicate_logged(laid, 0)
    assert told.conserved()
    assert told.calls == len(callers.arrivals(laid, 0)[0]) > 2 * fast.ROOM
    assert told.answered.sum() == len(log.call) == len(set(log.call.tolist()))
    assert told.abandoned.sum() == told.calls - told.answered.sum()


@settings(max_examples=60, deadline=None)
@given(scenarios(), st.sampled_from([None, 0, 1, 7_000]))
def test_channels_that_are_never_all_taken_change_nothing(
    scenario: Scenario, greeting_ms: int | None
) -> None:
    """Without channels a call comes to the queue as one event; with them it is greeted first: in one hall if
    all greetings last as long, else each by itself.
    """
    lines = scenario.lines
    if greeting_ms is not None:
        lines = tuple(replace(one, greeting_ms=greeting_ms) for one in lines)
    free = tables(replace(scenario, lines=lines, channels=None))
    enough = tables(replace(scenario, lines=lines, channels=1_000_000))
    assert same(fast.replicate(free, 0), fast.replicate(enough, 0))


def test_time_with_self_service_in_vain_is_as_a_longer_greeting() -> None:
    """And so it is not waiting: nobody loses patience in it, and no service level counts it."""
    lines = tuple(replace(one, greeting_ms=20_000) for one in EXPERTS)
    greeted = mixed(channels=30, lines=lines)
    served = mixed(
        channels=30, lines=tuple(replace(one, greeting_ms=5_000, in_vain=constant(15)) for one in lines)
    )
    assert same(fast.replicate(tables(greeted), 0), fast.replicate(tables(served), 0))
    alone = pool(4_000, 8, lines=(line("12345", 1.0, greeting_ms=5_000, in_vain=constant(15)),))
    said = pool(4_000, 8, lines=(line("12345", 1.0, greeting_ms=20_000),))
    assert same(fast.replicate(tables(alone), 0), fast.replicate(tables(said), 0))


def test_more_who_are_greeted_than_the_hall_holds_are_played_with_a_larger_one() -> None:
    rush = pool(
        9_000,
        20,
        arrivals=Arrivals(9_000, (1.0,) + (0.0,) * 47),
        lines=(line("a", 1.0, greeting_ms=1_500_000),),
    )
    assert same(fast.replicate(tables(rush), 0), fast.replicate(tables(replace(rush, channels=100_000)), 0))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1 << 20), st.integers(3, 40))
def test_no_more_channels_are_held_than_there_are(seed: int, channels: int) -> None:
    """All lasts as long: who holds a channel when is known from the counts alone."""
    base = pool(
        6_000,
        30,
        channels=channels,
        seed=seed,
        ring=constant(0),
        lines=(line("a", 1.0, talk=constant(200), patience=constant(0), greeting_ms=10_000),),
    )
    laid = tables(base)
    told, log = fast.replicate_logged(laid, 0)
    firsts, _ = callers.arrivals(laid, 0)
    answered = set(log.call.tolist())
    held: list[int] = []
    blocked = 0
    for number, at in enumerate(firsts.tolist()):
        held = [end for end in held if end > at]
        if len(held) == channels:
            blocked += 1
            assert number not in answered
        else:
            held.append(at + (210_000 if number in answered else 10_000))
    assert told.blocked.sum() == blocked
    assert told.answered.sum() == len(answered)


def test_tries_again_are_calls_of_their_own_and_end() -> None:
    """Nobody is ever there: every caller tries as often as may be, within the day."""
    laid = tables(
        pool(
            500,
            0,
            groups=(group("nobody", {"other": 1}, 1),),
            retrial=Retrial(1.0, constant(60), 3),
            lines=(line("a", 1.0, patience=constant(10)),),
            arrivals=Arrivals(500, (0.5, 0.5) + (0.0,) * 46),
        )
    )
    told = fast.replicate(laid, 0)
    firsts = len(callers.arrivals(laid, 0)[0])
    assert told.calls == 4 * firsts
    assert told.retried.sum() == 3 * firsts
    assert told.abandoned.sum() == told.calls
    assert told.wait_ms.sum() == told.calls * 10_000


def test_more_kinds_of_agents_and_calls_than_a_word_has_bits() -> None:
    """Seventy lines, each with an expert of its own, asked first; then anybody."""
    names = [f"s{i}" for i in range(70)]
    scenario = mixed(
        lines=tuple(
            line(name, 1.0, wait(name, ({name: 2}, 0), ({name: 1}, 5_000)), patience=constant(30))
            for name in names
        ),
        groups=(
            group("all", dict.fromkeys(names, 1), 6),
            *(group(name, {name: 2, "x": i}, 1) for i, name in enumerate(names)),
        ),
        arrivals=Arrivals(30_000, FLAT),
    )
    laid = tables(scenario)
    told, log = fast.replicate_logged(laid, 0)
    assert laid.meets.shape == (140, 2)
    assert told.conserved()
    _, of = callers.arrivals(laid, 0)
    seat = log.agent
    of_line = of[log.call]
    assert ((seat < 6) | (seat - 6 == of_line)).all()
    assert (seat < 6).any()


def test_a_busy_seat_is_paid_for_what_it_does_and_no_more() -> None:
    """Everything constant: the sums are known."""
    day = line("a", 1.0, talk=constant(100), wrap_up=constant(20), patience=None, greeting_ms=5_000)
    laid = tables(pool(800, 9, lines=(day,), ring=constant(3), within_ms=3_000, days=3))
    told = fast.replicate(laid, 0)
    assert told.staffed_ms.tolist() == [9 * 1_800_000] * 144
    assert told.work_ms.sum() == told.answered.sum() * 120_000
    late = callers.arrivals(laid, 0)[0] > laid.horizon_ms - 200_000
    cut = told.answered.sum() * 123_000 - told.busy_ms.sum()
    assert 0 <= cut <= late.sum() * 123_000
    assert told.wait_ms.sum() >= told.calls * 3_000
    assert told.within.sum() == told.calls  # nobody waited: nine seats for a load of one


@pytest.mark.parametrize(("plain", "played"), [(play, fast._play), (play_one_pool, fast._play_one_pool)])
def test_nothing_floats_in_the_loops(plain: Callable[..., object], played: Any) -> None:
    """A signed and an unsigned number together are a float to the compiler: none of the loops may have one, nor
    what is inside them.
    """
    fast.warm()
    (signature,) = played.signatures
    anew = njit(error_model="numpy")(plain)
    anew.compile(signature)
    assert "double" not in anew.inspect_llvm(signature)


def test_a_change_of_what_is_inside_is_a_cache_of_another_name(tmp_path: Path) -> None:
    """ADR 4: the cache of a compiled function does not know the files of the functions inside it; its name does."""
    package = tmp_path / "acd"
    package.mkdir()
    (package / "__init__.py").touch()

    def fingerprint(source: str) -> str:
        (package / "inner.py").write_text(source)
        code = f"""
            import sys
            sys.dont_write_bytecode = True
            import simulator.compiled as cache
            sys.modules.pop("acd", None)
            sys.path.insert(0, {str(tmp_path)!r})
            import acd.inner as inner
            def outer(n):
                return inner.part(n) + inner.CONSTANT
            print(cache.fingerprint(outer))
        """
        ran = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
        )
        return ran.stdout.strip()

    text = (
        "CONSTANT = 3\nOTHER = 1\ndef deeper(n):\n    return n * 2\ndef part(n):\n    return deeper(n) + 1\n"
    )
    first = fingerprint(text)
    assert fingerprint("# a remark\n" + text) == first
    assert fingerprint(text.replace("OTHER = 1", "OTHER = 2")) == first  # nobody uses it
    assert fingerprint(text.replace("CONSTANT = 3", "CONSTANT = 4")) != first
    assert fingerprint(text.replace("n * 2", "n * 3")) != first


@pytest.mark.parametrize(
    ("at_ms", "line_of", "said"),
    [
        ([5, 4], [0, 0], "not in the order"),
        ([-1, 4], [0, 0], "between 0 and 86400000"),
        ([0, 86_400_000], [0, 0], "between 0 and 86400000"),
        ([0, 1], [0, 3], "line 3: there are 3"),
        ([0, 1], [-1, 0], "counted from 0"),
        ([0, 1], [0], "give a line for each time"),
    ],
)
def test_calls_that_cannot_come_are_refused(at_ms: list[int], line_of: list[int], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        fast.replicate(tables(mixed()), 0, arrived=(np.array(at_ms), np.array(line_of)))


def test_a_day_busier_than_there_are_numbers_for_is_refused() -> None:
    laid = tables(
        pool(4e6, 10, retrial=Retrial(1.0, constant(1), 1), lines=(line("a", 1.0, patience=constant(0)),))
    )
    with pytest.raises(ValueError, match="too many for one replication"):
        fast.replicate(laid, 0, busyness=[2.2])


def test_distributions_of_a_scenario_are_those_that_are_played() -> None:
    lognormal = Duration("lognormal", 160.0, 0.8)
    laid = tables(pool(20_000, 60, lines=(line("a", 1.0, talk=lognormal, wrap_up=constant(0)),)))
    told = fast.replicate(laid, 0)
    mean = told.work_ms.sum() / told.answered.sum() / 1000
    assert mean == pytest.approx(160, abs=4 * 160 * np.sqrt(np.exp(0.64) - 1) / np.sqrt(told.answered.sum()))
