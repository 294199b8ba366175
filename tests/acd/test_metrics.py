from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd import metrics
from acd.messages import CallRecord
from acd.metrics import STRICT, Formula

NINE = 1_772_326_800_000  # 2026-03-01 09:00 in Shanghai
HOUR = 3_600_000


def call(name: str, disposition: str, **moments: Any) -> CallRecord:
    """A call that arrived at nine; the greeting starts at once and is 4 s long."""
    queued = moments.pop("queued", NINE + 4_000)
    return CallRecord(
        call=name,
        city="zhengzhou",
        trunk="ct",
        called="12345",
        caller="13800000000",
        line="12345",
        treatment=None,
        queue=None if queued is None else "12345",
        disposition=disposition,
        arrived=moments.pop("arrived", NINE),
        answered=moments.pop("answered", NINE),
        queued=queued,
        **moments,
    )


DAY = [
    call("1.1", "answered", seat_answered=NINE + 10_000, ended=NINE + 100_000, wrap_up_ended=NINE + 130_000),
    call("1.2", "answered", seat_answered=NINE + 19_000, ended=NINE + 79_000),
    call("1.3", "answered", seat_answered=NINE + 64_000, ended=NINE + 164_000),
    call("1.4", "abandoned", ended=NINE + 6_000),
    call("1.5", "abandoned", ended=NINE + 44_000),
    call("1.6", "abandoned", queued=None, ended=NINE + 1_000),
    call("1.7", "refused", queued=None, ended=NINE),
    call("1.8", "passed", queued=None, passed_to="110", ended=NINE + 50_000),
    call("1.9", "told", queued=None, ended=NINE + 9_000),
    call("1.10", "abandoned", queued=None, passed_to="0371110", ended=NINE + 9_000),
]


def test_the_strict_answer_rate_leaves_no_call_out_for_having_been_short() -> None:
    rate = metrics.answer_rate(DAY)
    assert (rate.numerator, rate.denominator, rate.value) == (3, 6, 0.5)


@pytest.mark.parametrize(
    ("formula", "numerator", "denominator"),
    [
        (STRICT, 3, 6),
        (Formula(leave_out_short_ms=5_000), 3, 4),
        (Formula(leave_out_short_ms=2_000), 3, 5),
        (Formula(over="queued"), 3, 5),
        (Formula(over="offered"), 3, 7),
        (Formula(over="answered"), 3, 6),
    ],
)
def test_each_formula_of_the_answer_rate_has_its_own_denominator(
    formula: Formula, numerator: int, denominator: int
) -> None:
    rate = metrics.answer_rate(DAY, formula)
    assert (rate.numerator, rate.denominator) == (numerator, denominator)


@pytest.mark.parametrize(
    ("formula", "numerator", "denominator"),
    [
        (STRICT, 2, 6),  # 6, 15 and 60 s from the queue
        (Formula(since="arrived"), 1, 6),  # 10, 19 and 64 s
        (Formula(over="answered"), 2, 3),
        (Formula(over="offered", since="answered"), 1, 7),
    ],
)
def test_the_service_level_counts_from_where_the_formula_says(
    formula: Formula, numerator: int, denominator: int
) -> None:
    rate = metrics.service_level(DAY, 15_000, formula)
    assert (rate.numerator, rate.denominator) == (numerator, denominator)


def test_an_answer_at_exactly_fifteen_seconds_is_within_fifteen_seconds() -> None:
    assert metrics.service_level(DAY[1:2], 15_000).numerator == 1
    assert metrics.service_level(DAY[1:2], 14_999).numerator == 0


def test_every_rate_says_its_denominator_in_both_languages() -> None:
    assert (
        str(metrics.answer_rate(DAY))
        == "50.00% (3 / 6: answered by a seat / all calls that asked for a seat)"
    )
    assert metrics.answer_rate(DAY).zh() == "50.00%(3 / 6:人工接通 / 全部请求人工的来电)"
    short = Formula(leave_out_short_ms=5_000, since="arrived")
    assert metrics.service_level(DAY, 15_000, short).means == (
        "answered within 15 s of arrival / calls that asked for a seat, without those abandoned within 5 s"
    )
    assert metrics.service_level(DAY, 15_000, short).means_zh == (
        "自呼入起15秒内人工接通 / 请求人工的来电(不含5秒内放弃)"
    )


def test_every_formula_is_told_apart_by_its_words() -> None:
    formulas = [
        Formula(over, short, since)
        for over in ("asked", "queued", "offered", "answered")
        for short in (0, 5_000)
        for since in ("queued", "answered", "arrived")
        if not (over == "answered" and short)
    ]
    rates = [metrics.service_level(DAY, 15_000, formula) for formula in formulas]
    assert len({rate.means for rate in rates}) == len({rate.means_zh for rate in rates}) == len(formulas)
    assert all(re.search("[一-鿿]", rate.means_zh) and rate.means.isascii() for rate in rates)


def test_a_rate_over_nothing_has_no_value() -> None:
    rate = metrics.answer_rate([])
    assert rate.value is None
    assert str(rate).startswith("- (0 / 0: ")
    assert metrics.speed_of_answer([]).value is None


def test_the_mean_wait_counts_those_who_gave_up_unless_it_is_over_answered_calls() -> None:
    everyone = metrics.speed_of_answer(DAY)
    assert (everyone.total_ms, everyone.count) == (6_000 + 15_000 + 60_000 + 2_000 + 40_000 + 0, 6)
    answered = metrics.speed_of_answer(DAY, Formula(over="answered"))
    assert answered.value == 27_000
    assert "answered by a seat" in answered.means


def test_a_call_that_the_switch_served_alone_is_answered_but_not_prompt_and_its_wait_is_left_out_aloud() -> (
    None
):
    alone = call("2.1", "answered", by_fallback=True, seat="8001", ended=NINE + 60_000)
    assert metrics.answer_rate([alone]).value == 1.0
    assert metrics.service_level([alone], 15_000).numerator == 0
    mean = metrics.speed_of_answer([*DAY, alone])
    assert mean.count == 6
    assert "1 whose wait is not known left out" in mean.means


def test_blocked_calls_are_a_share_of_all_that_were_offered() -> None:
    assert (metrics.block_rate(DAY).numerator, metrics.block_rate(DAY).denominator) == (1, 10)


def test_occupancy_is_talk_and_wrap_up_over_the_time_signed_on_cut_to_the_period() -> None:
    whole = metrics.occupancy(DAY, HOUR, start=NINE, end=NINE + HOUR)
    assert whole.numerator == 120_000 + 60_000 + 100_000
    talk = metrics.occupancy(DAY, HOUR, start=NINE, end=NINE + HOUR, wrap_up=False)
    assert talk.numerator == 90_000 + 60_000 + 100_000
    cut = metrics.occupancy(DAY[:1], HOUR, start=NINE + 20_000, end=NINE + 110_000)
    assert cut.numerator == 90_000
    rung = call("3.1", "answered", rung=NINE + 5_000, seat_answered=NINE + 9_000, ended=NINE + 10_000)
    assert metrics.occupancy([rung], HOUR, start=0, end=NINE + HOUR, ringing=True).numerator == 5_000
    assert "ringing" not in whole.means
    assert whole.means.startswith("talk + wrap-up / ")


def test_a_period_holds_the_calls_that_arrived_in_it_and_its_counts_add_up() -> None:
    early = msgspec.structs.replace(DAY[0], call="0.1", arrived=NINE - 1)
    late = msgspec.structs.replace(DAY[0], call="9.9", arrived=NINE + HOUR)
    figures = metrics.measure([early, *DAY, late], start=NINE, end=NINE + HOUR, staffed_ms=HOUR)
    assert figures.offered == 10
    assert (figures.answered, figures.abandoned, figures.refused) == (3, 4, 1)
    assert (figures.passed, figures.told, figures.lost, figures.asked) == (1, 1, 0, 6)
    assert figures.answer_rate.value == 0.5
    assert figures.occupancy is not None
    assert metrics.measure(DAY, start=NINE, end=NINE + HOUR).occupancy is None


def test_a_negative_bound_for_short_calls_is_refused() -> None:
    with pytest.raises(ValueError, match="leave_out_short_ms: -1 is below 0"):
        Formula(leave_out_short_ms=-1)


dispositions = st.sampled_from(["answered", "abandoned", "refused", "passed", "told", "lost"])
moments = st.one_of(st.none(), st.integers(NINE, NINE + 90_000))


@given(
    st.lists(st.tuples(dispositions, moments, moments, moments), max_size=12),
    st.sampled_from(["asked", "queued", "offered", "answered"]),
    st.sampled_from([0, 5_000]),
    st.sampled_from(["queued", "answered", "arrived"]),
)
def test_no_rate_leaves_zero_to_one_and_prompt_answers_are_answers(
    rows: list[tuple[str, int | None, int | None, int | None]], over: Any, short: int, since: Any
) -> None:
    calls = [
        call(str(n), kind, queued=queued, seat_answered=seat if kind == "answered" else None, ended=ended)
        for n, (kind, queued, seat, ended) in enumerate(rows)
    ]
    formula = Formula(over, short, since)
    answered, prompt = metrics.answer_rate(calls, formula), metrics.service_level(calls, 15_000, formula)
    assert prompt.numerator <= answered.numerator or over == "answered"
    for rate in (answered, prompt, metrics.abandon_rate(calls, formula), metrics.block_rate(calls)):
        assert 0 <= rate.numerator <= rate.denominator
    figures = metrics.measure(calls, start=NINE, end=NINE + HOUR, formula=formula)
    kinds = (figures.answered, figures.abandoned, figures.refused, figures.passed, figures.told, figures.lost)
    assert sum(kinds) == figures.offered == len(calls)
