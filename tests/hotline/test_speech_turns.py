"""What was asked and what became of it; who came back; what may be shown of what was heard."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.records import CallRecord, Spoken
from hotline.records import RecordStore
from hotline.speech_turns import (
    AGAIN_MS,
    Conversation,
    conversations,
    day_start,
    monday,
    questions,
    read_calls,
    week_of,
)
from tests.hotline.spoken_calls import HOUR, MONDAY, WEEK, call, spoken

NOW = MONDAY + WEEK
ANSWERED = ("answered", "公积金怎么提取", "fund")


async def talks(tmp_path: object, *records: CallRecord, now: int = NOW) -> list[Conversation]:
    store = RecordStore(f"{tmp_path}/records.sqlite")
    try:
        await store.write(records)
        return conversations(await read_calls(store, "zhengzhou", 0, now), until=now, now=now)
    finally:
        await store.close()


def became(*turns: tuple[str, str, str | None]) -> list[tuple[str, str, str | None]]:
    return [(one.heard, one.became, one.entry) for one in questions(spoken(0, "contained", *turns))]


def test_a_yes_answers_the_question_that_was_asked_back_and_a_no_denies_it() -> None:
    asked = ("asked back", "我想取公积金", "fund")
    assert became(asked, ("confirmed", "对", "fund")) == [("我想取公积金", "confirmed", "fund")]
    assert became(asked, ("denied", "不是", "fund")) == [("我想取公积金", "denied", "fund")]
    assert became(asked, ("not understood", "嗡", None), ("confirmed", "对", "fund")) == [
        ("我想取公积金", "confirmed", "fund"),
        ("嗡", "not understood", None),
    ]


def test_a_yes_or_no_to_the_number_of_a_case_is_about_no_question() -> None:
    assert (
        became(("case", "我查一下工单", None), ("number", "一二三四", None), ("confirmed", "对", None)) == []
    )
    assert became(ANSWERED, ("denied", "不对", None)) == [("公积金怎么提取", "answered", "fund")]
    asked = ("asked back", "我想取公积金", "fund")
    for word in ("confirmed", "denied"):
        number = (("case", "算了我查工单", None), ("number", "一二三四", None), (word, "对", None))
        assert became(asked, *number) == [("我想取公积金", "asked back", "fund")]


def test_that_it_did_not_help_is_said_of_the_answer_before_it() -> None:
    said = spoken(
        0,
        "person",
        ANSWERED,
        ("helped", "是", "fund"),
        ("answered", "停水", "water"),
        ("not helped", "不是", "water"),
    )
    assert [(one.entry, one.helped) for one in questions(said)] == [("fund", True), ("water", False)]


async def test_a_call_that_is_answered_by_a_seat_within_a_day_puts_the_machines_answer_in_doubt(
    tmp_path: object,
) -> None:
    at = MONDAY
    (first,) = await talks(tmp_path, call(1, at, ANSWERED), call(2, at + HOUR, over=None))
    assert (first.questions[0].doubts, first.again) == (("came back",), True)


@pytest.mark.parametrize(
    ("second", "again"),
    [
        (call(2, MONDAY + 35_001 + AGAIN_MS, over=None), False),  # more than a day after the first call's end
        (call(2, MONDAY + HOUR, over=None, caller="13800138001"), False),
        (call(2, MONDAY + HOUR, over=None, line="12329"), True),  # another line: another matter
        (call(2, MONDAY + HOUR, over=None, seat_answered=None, disposition="abandoned"), True),
        (
            call(2, MONDAY + HOUR, ("passed on", "地铁几点收车", None), over="unknown"),
            True,
        ),  # he said: another matter
        (call(2, MONDAY + HOUR, over=None, direction="out"), False),
        (call(2, MONDAY + HOUR, over=None, city="jinan"), False),
    ],
)
async def test_what_is_another_matter_another_caller_another_city_or_too_late_puts_nothing_in_doubt(
    tmp_path: object, second: CallRecord, again: bool
) -> None:
    first = (await talks(tmp_path, call(1, MONDAY, ANSWERED), second))[0]
    assert (first.questions[0].doubts, first.again) == ((), again)


async def test_the_second_calls_own_words_tell_which_of_two_answers_did_not_do(tmp_path: object) -> None:
    two = call(1, MONDAY, ANSWERED, ("helped", "是", "fund"), ("answered", "小区停水了怎么办", "water"))
    again = call(2, MONDAY + HOUR, ("passed on", "公积金到底怎么提取", None), over="unknown", line="12329")
    first = (await talks(tmp_path, two, again))[0]
    assert [question.doubts for question in first.questions] == [("came back",), ()]


async def test_callers_without_a_number_are_not_taken_for_one_and_the_same(tmp_path: object) -> None:
    hidden = [
        call(1, MONDAY, ANSWERED, caller="anonymous"),
        call(2, MONDAY + HOUR, over=None, caller="anonymous"),
    ]
    first = (await talks(tmp_path, *hidden))[0]
    assert (first.questions[0].doubts, first.again) == ((), None)


async def test_whether_somebody_calls_again_is_not_known_before_the_day_is_over(tmp_path: object) -> None:
    (first,) = await talks(tmp_path, call(1, MONDAY, ANSWERED), now=MONDAY + HOUR)
    assert first.again is None


async def test_a_bad_rating_is_held_against_the_last_answer_of_the_call(tmp_path: object) -> None:
    rated = call(1, MONDAY, ANSWERED, ("answered", "小区停水了怎么办", "water"), over="person", rating=2)
    fair = call(2, MONDAY, ANSWERED, over="person", rating=3, caller="13800138001")
    first, second = await talks(tmp_path, rated, fair)
    assert [question.doubts for question in first.questions] == [(), ("bad rating",)]
    assert second.questions[0].doubts == ()


async def test_a_conversation_that_is_still_on_is_not_counted(tmp_path: object) -> None:
    still = call(1, MONDAY, ANSWERED, over=None, seat_answered=None, ended=None, disposition="")
    assert await talks(tmp_path, still) == []


async def test_only_the_citys_incoming_calls_of_the_span_are_read_from_either_database(url: str) -> None:
    store = RecordStore(url)
    try:
        await store.write(
            [
                call("late", MONDAY + 10, ANSWERED),
                call("first", MONDAY, ANSWERED, line=None),
                call("before", MONDAY - 1, ANSWERED),
                call("after", MONDAY + HOUR, ANSWERED),
                call("elsewhere", MONDAY, ANSWERED, city="jinan"),
                call("out", MONDAY, over=None, direction="out"),
                call("silent", MONDAY + 20, over=None),
            ]
        )
        read = await read_calls(store, "zhengzhou", MONDAY, MONDAY + HOUR)
    finally:
        await store.close()
    assert [one.call for one in read] == ["first", "late", "silent"]
    assert [one.line for one in read] == ["-", "12345", "12345"]
    assert [len(one.speech) for one in read] == [1, 1, 0]
    assert read[0].speech[0].turns[0].heard == "公积金怎么提取"
    assert [one.contained for one in read] == [True, True, False]


@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)))
def test_a_week_begins_on_monday_in_china_and_has_seven_days(moment: datetime) -> None:
    at = round(moment.replace(tzinfo=UTC).timestamp() * 1000)
    begin = monday(at)
    assert begin <= at < begin + WEEK
    assert week_of(begin) == week_of(at) == week_of(begin + WEEK - 1)
    assert week_of(begin - 1) != week_of(begin)


def test_the_year_of_a_week_is_that_of_its_thursday() -> None:
    assert week_of(day_start(datetime(2027, 1, 3).date())) == "2026-W53"
    assert week_of(MONDAY) == "2026-W10"


def test_a_machine_that_repeats_itself_without_an_answer_breaks_nothing() -> None:
    assert questions(Spoken("waiting", 0)) == ()
    assert became(("helped", "是", None), ("confirmed", "对", "fund"), ("denied", "不", "fund")) == [
        ("对", "confirmed", "fund")
    ]
