"""What a drill leaves: JUnit XML that tools read, a document that adds up, a table for two signatures."""

from __future__ import annotations

import io
import json
from xml.etree import ElementTree as ET

import pytest
from rich.cells import cell_len
from rich.console import Console

from hotline.drill_plan import Delivery, Expected, Reached, Seen
from hotline.drill_report import Line, Report
from hotline.rehearsal.hearing import Found, Hearing

GREETING = "您好，<请稍候> & 谢谢"
SEEN = Seen(
    Hearing((Found(GREETING, 0.0, 3.0, 1.0),), (), 3.2, 0.3, 5.0),
    (Reached("seat", "8001", "12315 消费维权热线", 3.1, 3.2),),
    200, 0.1, 4.5, "caller", None, True, 3.0,
)  # fmt: skip
GOOD = Line(
    Delivery("12315", "消费维权热线", "called", "unicom", "12315"),
    Expected((GREETING,), "seat", (("12315", 1),), "12345", line="12315"),
    SEEN,
    1_568_000_000_000,
)
BAD = Line(
    Delivery("12366", "税\x00务", "Diversion", "mobile", "12345", ("Diversion: <sip:12366@x>",)),
    Expected((), "far", trunk="tax", number="12366"),
    Seen(Hearing(others=(Found("?", 0.0, 2.0, 0.0),)), code=503, ended_s=1.0, ended_by="switch", cause=34),
    1_568_000_001_000,
    ("nobody of tax 12366 answered: refused with 503, cause 34", 'said "no" & left'),
)


def report(*lines: Line, engine_faults: int = 0) -> Report:
    return Report(
        "test",
        "示范市12345热线",
        1_549_000_000_000,
        "0.1.0",
        "abcdef",
        1_568_000_000_000,
        61.04,
        6,
        lines,
        engine_faults,
    )


def shown(one: Report) -> str:
    out = io.StringIO()
    Console(file=out, width=160, color_system=None).print(one.table())
    return out.getvalue()


@pytest.mark.parametrize(("lines", "failed"), [((GOOD, BAD, GOOD), 1), ((GOOD,), 0), ((), 0)])
def test_junit_is_well_formed_and_its_counts_are_those_of_its_cases(
    lines: tuple[Line, ...], failed: int
) -> None:
    root = ET.fromstring(report(*lines).junit().encode())
    (suite,) = root.findall("testsuite")
    for one in (root, suite):
        assert (one.get("tests"), one.get("failures"), one.get("errors")) == (
            str(len(lines)),
            str(failed),
            "0",
        )
        assert float(one.get("time") or "nan") == 61.04
    cases = suite.findall("testcase")
    assert len(cases) == len(lines)
    assert sum(case.find("failure") is not None for case in cases) == failed
    assert all(case.get("classname") and case.get("name") and case.get("time") for case in cases)


def test_a_failure_says_what_is_wrong_and_no_character_breaks_the_file() -> None:
    root = ET.fromstring(report(BAD).junit().encode())
    case = root.find("testsuite/testcase")
    assert case is not None
    assert case.get("name") == "12366 税?务, Diversion over mobile"
    failure = case.find("failure")
    assert failure is not None
    assert (
        failure.get("message") == 'nobody of tax 12366 answered: refused with 503, cause 34; said "no" & left'
    )
    assert "ended at: refused 503" in (failure.text or "")


def test_the_document_adds_up_and_is_json() -> None:
    document = json.loads(json.dumps(report(GOOD, BAD).document()))
    assert (document["city"], document["calls"], document["passed"], document["failed"]) == ("test", 2, 1, 1)
    assert document["as_of"] == "2019-02-01T13:46:40+08:00"
    first, second = document["lines"]
    assert (first["heard"], first["ended_at"], first["ring_s"], first["wrong"]) == (
        [GREETING],
        "seat 8001",
        3.1,
        [],
    )
    assert second["heard_besides"] == ["?"]
    assert second["expected"]["where"] == "tax 12366"


@pytest.mark.parametrize(
    ("one", "passed"),
    [
        (report(GOOD), True),
        (report(GOOD, BAD), False),
        (report(GOOD, engine_faults=1), False),
        (report(), False),
    ],
)
def test_a_drill_has_passed_when_calls_were_made_and_nothing_differs(one: Report, passed: bool) -> None:
    assert one.passed is passed
    assert ("不通过" not in shown(one)) is passed


def test_the_table_has_every_call_the_totals_and_room_for_signatures() -> None:
    text = shown(report(GOOD, BAD))
    assert "2 calls to 2 numbers: 1 passed, 1 differ. 不通过" in text
    assert f"P1 {GREETING}" in text
    assert "P1 queue 12345" in text
    assert "技术负责人 ____" in text
    assert "city file abcdef" in text
    assert "as of 2019-02-01 13:46" in text


def test_chinese_names_stand_in_columns() -> None:
    rows = [line for line in shown(report(GOOD, GOOD)).splitlines() if line.startswith("│")]
    assert len(rows) == 2
    assert {cell_len(row) for row in rows} == {cell_len(rows[0])}
    assert len({tuple(cell_len(row[:n]) for n, c in enumerate(row) if c == "│") for row in rows}) == 1
