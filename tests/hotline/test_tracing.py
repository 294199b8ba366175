"""``hotline trace``: the contract's document, from the same rule that answers calls."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from dialplans.hours import instant
from dialplans.number import NumberFault
from hotline.city import City
from hotline.tracing import trace, trace_all

NOW = instant(datetime(2026, 1, 5, 10, 0))
CONTRACT = ("city", "dialled", "at", "line", "answered_by", "notices", "queue", "skills", "trunk", "because")


def test_the_document_of_an_absorbed_line_is_the_contracts() -> None:
    document = trace(City.load("zhengzhou"), "0371-12315", at_ms=NOW).document
    assert {key: document[key] for key in CONTRACT} == {
        "city": "zhengzhou",
        "dialled": "12315",
        "at": "2026-01-05T10:00:00+08:00",
        "line": {"number": "12315", "name": "消费维权热线", "department": "工商局", "treatment": "absorbed"},
        "answered_by": "12345",
        "notices": [],
        "queue": "12345",
        "skills": {"12315": 1},
        "trunk": None,
        "because": [
            "The called number is 12315, a line of the city.",
            "12315 消费维权热线 (工商局) is absorbed since 2019-02-01 00:00.",
            "Batch 第一批 留号并入: rehearsed 2019-01-15, cutover 2019-02-01 00:00, way back to own until 2019-03-01 00:00.",
            "Absorbed: the city's own seats answer; they see which line was dialled.",
        ],
    }
    json.dumps(document)


def test_a_line_that_answers_itself_has_a_trunk_and_the_queue_only_as_overflow() -> None:
    document = trace(City.load("heze"), "12333", at_ms=NOW).document
    assert (document["answered_by"], document["trunk"]) == ("line", "departments")
    assert (document["queue"], document["skills"]) == (None, None)
    assert document["overflow"] == {"queue": "12345", "skills": {"12345": 1}}


def test_an_emergency_has_neither_queue_nor_overflow() -> None:
    document = trace(City.load("jinan"), "119", at_ms=NOW).document
    assert (document["answered_by"], document["trunk"]) == ("emergency", "emergency")
    assert (document["queue"], document["overflow"], document["notices"]) == (None, None, [])


def test_plain_diverting_numbers_stand_in_the_order_in_which_the_call_went() -> None:
    zhengzhou = City.load("zhengzhou")
    found = trace(zhengzhou, "12345", ["0371-62912345", "12315"], at_ms=NOW).document
    assert found["line"]["number"] == found["dialled"] == "62912345"
    assert trace(zhengzhou, "12345", ["12315", "62912345"], at_ms=NOW).document["line"]["number"] == "12315"
    raw = ["Diversion: <sip:12315@x>, <sip:62912345@x>"]
    assert trace(zhengzhou, "12345", raw, at_ms=NOW).document["line"]["number"] == "62912345"


@pytest.mark.parametrize(
    ("press", "queue", "skills"),
    [
        ("", "12345", {"12345": 1}),
        ("1", "12345", {"12345": 1}),
        ("2", "line2", {"line2": 1}),
        ("9", "line9", {"line9": 1}),
        ("5", "12345", {"12345": 1}),
    ],
)
def test_the_key_that_is_pressed_decides_the_queue(press: str, queue: str, skills: dict[str, int]) -> None:
    document = trace(City.load("jingjiang"), "12345", at_ms=NOW, press=press).document
    assert (document["queue"], document["skills"]) == (queue, skills)
    assert [key["key"] for key in document["menu"]] == ["1", "2", "9"]


def test_a_key_where_none_is_offered_is_told_to_mean_nothing() -> None:
    document = trace(City.load("zhengzhou"), "12345", at_ms=NOW, press="9").document
    assert document["because"][-1] == "Key 9 means nothing here: no keys are offered."


@pytest.mark.parametrize(
    ("name", "count"), [("zhengzhou", 33), ("kaifeng", 19), ("jinan", 3), ("jingjiang", 38), ("heze", 24)]
)
def test_without_a_number_every_line_is_listed_in_the_files_order(name: str, count: int) -> None:
    city = City.load(name)
    listed = trace_all(city, at_ms=NOW)
    assert [item.document["line"]["number"] for item in listed] == [line.number for line in city.file.lines]
    assert len(listed) == count


def test_a_number_of_no_line_has_no_line_but_a_notice_and_a_queue() -> None:
    document = trace(City.load("kaifeng"), "25252525", at_ms=NOW).document
    assert (document["line"], document["dialled"], document["queue"]) == (None, "25252525", "12345")
    assert len(document["notices"]) == 1


def test_a_number_that_nobody_can_dial_is_a_fault() -> None:
    with pytest.raises(NumberFault, match="no telephone number"):
        trace(City.load("kaifeng"), "twelve", at_ms=NOW)


def test_the_sentences_tell_the_call_to_its_end() -> None:
    assert trace(City.load("kaifeng"), "12348", at_ms=NOW).sentences == (
        "开封市12345政务服务便民热线, 2026-01-05 10:00: 12348 is dialled.",
        "The called number is 12348, a line of the city.",
        "12348 公共法律服务专用电话 (市司法局) is parallel since 2022-06-01 00:00.",
        "Batch 第二批 双号并行 坐席在12345: rehearsed 2022-05-25, cutover 2022-06-01 00:00, "
        "way back to own until 2022-07-01 00:00.",
        "Parallel, its seats are the city's: its expert seats first, then the others.",
        "The caller hears: “您好，开封12345，请稍候。”",
        "Waits in queue 12345 for an agent with 12348 at 3 or better (3 of 52).",
        "After 15 s also for an agent with 12348 at 1 or better (49 of 52).",
        "Of all who wait, in whatever queue, the highest priority comes first (60 s of waiting count as one step), "
        "then who came first.",
        "Of those who are free, who knows just enough comes first, then who is idle for longest.",
        "When the seat hangs up, the caller is asked about the service after a talk of 10 s or more "
        "(grade by key: 1 = 5, 2 = 4, 3 = 3, 4 = 2, 5 = 1); after a 1 or 2 what he says is recorded, 60 s at most.",
    )
    assert trace(City.load("heze"), "12349", at_ms=NOW).sentences[-2:] == (
        "The caller hears: “您所拨打的全国统一民政服务电话已取消，请挂机后直接拨打12345政务服务便民热线。”",
        "Then the call ends.",
    )
