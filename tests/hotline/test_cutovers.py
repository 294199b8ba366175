"""Batches of a city file: their dates are their lines', the way back leads to what was before, faults are named."""

from __future__ import annotations

from datetime import datetime

import pytest

from dialplans.decision import Treatment
from dialplans.hours import instant
from hotline.city import City, CityFault
from hotline.cutovers import listed
from hotline.tracing import trace

PIN = "scrypt$8192$8$1$aG90bGluZS1kZW1v$HQyrYXvEdxOHGLpPLWSnHgiv/v0EnRnY5F8GVFyRCj0="
CITY = f"""
title = "示范市12345热线"
area = "0371"
[emergency]
route = "unicom"
[departments]
route = "offices"
[[queues]]
name = "12345"
title = "热线"
[[trunks]]
name = "unicom"
carrier = "中国联通"
address = ["192.0.2.1"]
channels = 30
[[trunks]]
name = "offices"
carrier = "专网"
address = ["192.0.2.2"]
channels = 30
link = true
[[seats]]
first = "8001"
count = 3
[[agents]]
first = "1001"
count = 3
name = "受理员"
skills = {{ "12345" = 1 }}
pin_hash = "{PIN}"
[[lines]]
number = "12315"
name = "消费维权热线"
department = "工商局"
treatment = "absorbed"
[[lines]]
number = "12336"
name = "违法举报"
department = "国土局"
treatment = "absorbed"
[[lines.changes]]
treatment = "withdrawn"
after = "told"
transition = false
[[lines]]
number = "12333"
name = "人社热线"
department = "人社局"
treatment = "parallel"
route = "offices"
from = 2019-02-01T00:00:00
[[lines.changes]]
treatment = "absorbed"
from = 2020-01-01T00:00:00
[[lines]]
number = "12320"
name = "卫生热线"
department = "卫健委"
treatment = "absorbed"
from = 2018-01-01T00:00:00
[[lines]]
number = "110"
name = "报警"
department = "公安局"
treatment = "emergency"
"""
LATER = '[[lines.changes]]\ntreatment = "withdrawn"'
CITY_WITHOUT_BATCHES = CITY.replace(LATER, LATER + "\nfrom = 2019-02-01T00:00:00")
FIRST = """
[[cutovers]]
name = "第一批"
at = 2019-02-01T00:00:00
lines = ["12315", "0371-12333"]
rehearsal = 2019-01-15
way_back = { until = 2019-02-28, to = "own" }
"""


def city(more: str) -> City:
    """12336's change has no date of its own where a batch gives it one."""
    return City.read((CITY if '"12336"' in more else CITY_WITHOUT_BATCHES) + more, "test")


def treatment(of: City, number: str, moment: str) -> Treatment | None:
    decision = of.plan.route(number, (), "unicom", instant(datetime.fromisoformat(moment)))
    return decision.treatment


def faults(more: str) -> list[str]:
    with pytest.raises(CityFault) as caught:
        city(more)
    return [fault.removeprefix("test.toml: ") for fault in caught.value.faults]


CUT_CHANGE = """
[[cutovers]]
name = "取消"
at = 2019-02-01T00:00:00
lines = ["12336"]
"""


def test_the_batchs_instant_is_the_from_of_its_lines() -> None:
    here = city(FIRST + CUT_CHANGE)
    for number in ("12315", "12333"):
        assert treatment(here, number, "2019-01-31T23:59:59") is None, number
    assert treatment(here, "12315", "2019-02-01T00:00:00") is Treatment.ABSORBED
    assert treatment(here, "12333", "2019-02-01T00:00:00") is Treatment.PARALLEL
    assert treatment(here, "12333", "2020-01-01T00:00:00") is Treatment.ABSORBED


def test_of_a_line_with_changes_the_one_without_a_date_is_the_batchs() -> None:
    here = city(CUT_CHANGE)
    assert treatment(here, "12336", "2019-01-31T23:59:59") is Treatment.ABSORBED
    assert treatment(here, "12336", "2019-02-01T00:00:00") is Treatment.WITHDRAWN


def test_a_batch_that_is_switched_back_returns_every_line_to_what_held_before() -> None:
    back = "back = 2019-02-03T06:00:00\n"
    here = city(FIRST + back + CUT_CHANGE + 'way_back = { until = 2019-02-28, to = "absorbed" }\n' + back)
    for number, before, after in (
        ("12315", None, Treatment.ABSORBED),
        ("12333", None, Treatment.PARALLEL),
        ("12336", Treatment.ABSORBED, Treatment.WITHDRAWN),
    ):
        assert treatment(here, number, "2019-02-03T05:59:59") is after
        assert treatment(here, number, "2019-02-03T06:00:00") is before
        assert treatment(here, number, "2019-12-31T23:59:59") is before
    # a change that is dated later than the way back is a cutover of its own
    assert treatment(here, "12333", "2020-01-01T00:00:00") is Treatment.ABSORBED
    decision = here.plan.route("12315", (), "unicom", instant(datetime(2019, 2, 4)))
    assert [way.trunk for way in decision.passes] == ["offices"]


def test_trace_names_the_batch_and_its_dates() -> None:
    document = trace(city(FIRST), "12315", at_ms=instant(datetime(2019, 2, 2))).document
    assert document["because"][2] == (
        "Batch 第一批: rehearsed 2019-01-15, cutover 2019-02-01 00:00, way back to own until 2019-03-01 00:00."
    )
    assert document["batch"]["name"] == "第一批"
    assert document["batch"]["standing"] == "cut over, the way back is open"
    assert document["batch"]["way_back"] == {"until": "2019-03-01T00:00:00+08:00", "to": "own"}
    assert trace(city(FIRST), "110", at_ms=0).document["batch"] is None


def test_the_list_says_of_every_batch_where_it_stands() -> None:
    here = city(FIRST + CUT_CHANGE)
    standing = [one["standing"] for one in listed(here.file, instant(datetime(2019, 1, 1)))]
    assert standing == ["planned", "planned"]
    assert [one["lines"] for one in listed(here.file, 0)] == [["12315", "0371-12333"], ["12336"]]


def test_the_next_cutover_is_the_first_instant_after_now_at_which_a_line_changes() -> None:
    plan = city(FIRST + "back = 2019-02-03T06:00:00\n").plan
    # 12336 changes together with the batch
    moments = ["2018-01-01T00:00:00", "2019-02-01T00:00:00", "2019-02-03T06:00:00", "2020-01-01T00:00:00"]
    at: int | None = 0
    for moment in moments:
        assert at is not None
        at = plan.next_cutover(at)
        assert at == instant(datetime.fromisoformat(moment))
    assert at is not None
    assert plan.next_cutover(at) is None


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (
            FIRST.replace('"12315",', '"12399",'),
            "cutovers[0].lines[0]: no line has the number 12399: did you mean 12336?",
        ),
        (
            FIRST.replace('"12315",', '"12333",'),
            "cutovers[0].lines[1]: 0371-12333 is in cutovers[0] 第一批 already, and a line moves with one batch: take one out",
        ),
        (
            FIRST + FIRST.replace("第一批", "第二批").replace(', "0371-12333"', ""),
            "cutovers[1].lines[0]: 12315 is in cutovers[0] 第一批 already, and a line moves with one batch: take one out",
        ),
        (
            FIRST + CUT_CHANGE.replace("取消", "第一批"),
            "cutovers[1].name: cutovers[0] has this name already: choose another",
        ),
        (
            FIRST.replace('"12315"', '"12320"'),
            "cutovers[0].lines[0]: 12320: the line has from = 2018-01-01 of its own: "
            "take that from out, or the line out of the batch",
        ),
        (
            FIRST.replace('"12315"', '"110"'),
            "cutovers[0].lines[0]: 110 is an emergency number and is never cut over: take it out",
        ),
        (
            FIRST.replace('"12315"', '"12336"'),
            "cutovers[0].lines[0]: 12336 was absorbed before, and the way back leads to own: "
            'write to = "absorbed", or put the line into a batch of its own',
        ),
        (
            FIRST.replace("2019-01-15", "2019-02-02"),
            "cutovers[0].rehearsal: 2019-02-02 is after the cutover (2019-02-01): rehearse before it",
        ),
        (
            FIRST.replace("2019-02-28", "2019-01-28"),
            "cutovers[0].way_back.until: ends before the cutover (2019-02-01): set a later day",
        ),
        (
            FIRST + "back = 2019-02-01T00:00:00\n",
            "cutovers[0].back: 2019-02-01 is not after the cutover (2019-02-01): correct one of them",
        ),
        (
            FIRST + "back = 2019-03-01T00:00:01\n",
            "cutovers[0].back: 2019-03-01 00:00 is after the way back's end (2019-02-28): "
            "set way_back.until later, or cut the lines over anew with [[lines.changes]]",
        ),
        (
            CUT_CHANGE + "back = 2019-02-03T06:00:00\n",
            "cutovers[0].back: the batch has no way back: write way_back = { until = ... }",
        ),
        (
            FIRST.replace('lines = ["12315", "0371-12333"]', "lines = []"),
            "cutovers[0].lines: is empty: write at least 1",
        ),
    ],
)
def test_a_fault_names_place_fault_and_remedy(more: str, told: str) -> None:
    assert faults(more) == [told]


def test_the_three_cities_whose_plans_move_lines_in_batches_have_every_dated_line_in_one() -> None:
    for name, count in (("zhengzhou", 3), ("heze", 4), ("kaifeng", 4)):
        here = City.load(name)
        assert len(here.file.cutovers) == count
        for line in here.plan.lines:
            moves = len(line.phases) > 1
            assert (line.batch is not None) is moves, (name, line.number)
