"""Who gets the call, as city files say it, and as ``hotline trace`` tells it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from acd.preferences import widening_fault
from dialplans.decision import Need, Wait
from dialplans.hours import instant
from hotline.city import City
from hotline.city_callers import seated, widening_faults
from hotline.tracing import trace
from tests.hotline.test_city_faults import SOUND

NOW = instant(datetime(2026, 1, 5, 10, 0))
KEYS = """
[routing]
last_agent_hours = 24
last_agent_seconds = 8
repeat_hours = 4
max_waiting = 200

[[callers]]
name = "park"
title = "园区企业"
numbers = ["6597*", "13800000001"]
prefer = "12348"
prefer_seconds = 5
priority = 2
queue = "park"

[[reserves]]
name = "law"
skill = "12348"
level = 3
keep = 1
after_seconds = 30
lines = ["0371-12348"]

[[queues]]
name = "park"
title = "园区"
max_length = 9
full_notice = ["园区线路忙。"]
then = "overflow"
overflow = { queue = "12345", skill = "12345" }

"""


def city() -> City:
    return City.read(SOUND.replace("[hours.working]", KEYS + "[hours.working]"), "mycity")


@pytest.mark.parametrize("name", City.built_in())
def test_no_step_of_any_city_asks_more_than_the_one_before(name: str) -> None:
    plan = City.load(name).plan
    waits = [plan.own.wait, *(choice.wait for choice in plan.own.menu)]
    waits += [phase.wait for line in plan.lines for phase in line.phases if phase.wait]
    assert len(waits) > 1
    assert {widening_fault(wait.needs) for wait in waits} == {None}


def test_steps_that_do_not_widen_are_a_fault_of_the_city() -> None:
    plan = city().plan
    bad = Wait("12345", (Need((("12348", 3),)), Need((("12345", 1),), 15_000)))
    plan = replace(plan, own=replace(plan.own, wait=bad))
    assert list(widening_faults(plan)) == [
        "reception: after 15000 ms level 1 of 12345 is asked, 0 before: a step may only ask less than the one before"
    ]


def test_the_engine_is_told_what_the_file_says() -> None:
    setup = city().setup()
    (park,) = setup.preferences.lists
    assert (park.numbers, park.prefixes) == ({"13800000001"}, ("03716597",))
    assert (park.prefer, park.prefer_ms, park.priority, park.queue) == ("12348", 5_000, 2, "park")
    assert (setup.preferences.last_agent_ms, setup.preferences.last_agent_wait_ms) == (86_400_000, 8_000)
    (law,) = setup.reserves
    assert (law.keep, law.level, law.after_ms, law.lines) == (1, 3, 30_000, ("12348",))
    assert (setup.max_waiting, setup.overload_notice) == (200, ("overload",))
    assert setup.queues["park"].overflow == Wait("12345", (Need((("12345", 1),)),))
    assert (setup.queues["park"].then, setup.queues["12345"].then) == ("overflow", "let go")


def test_trace_tells_a_known_caller_step_by_step() -> None:
    told = trace(city(), "12345", at_ms=NOW, caller="0371-65970001")
    assert told.sentences[-12:] == (
        "The caller is on the list park (园区企业).",
        "An agent with 12348 is asked first, for 5 s.",
        "Waits in queue park for an agent with 12345 at 1 or better and 12348 at 1 or better, beyond those whom the reserve "
        "law keeps (10 of 12).",
        "After 5 s also for an agent with 12345 at 1 or better, beyond those whom the reserve law keeps (10 of 12).",
        "After 30 s also for an agent with 12345 at 1 or better (10 of 12).",
        "Priority 2.",
        "Of all who wait, in whatever queue, the highest priority comes first (60 s of waiting count as one step), "
        "then who came first.",
        "Of those who are free, who knows just enough comes first, then who is idle for longest.",
        "Whoever talked to the caller within 24 h is asked first, for 8 s, if signed on.",
        "Priority 1 more for a caller who called within 4 h.",
        "When 9 wait in queue park, the next caller goes on to queue 12345.",
        "When 200 wait in all queues together, the next caller hears of the overload.",
    )
    assert [(step["after_s"], step["skills"], step["agents"]) for step in told.document["steps"]] == [
        (0.0, {"12345": 1, "12348": 1}, 10),
        (5.0, {"12345": 1}, 10),
        (30.0, {"12345": 1}, 10),
    ]


def test_trace_of_a_caller_nobody_knows_tells_no_list() -> None:
    told = trace(city(), "12348", at_ms=NOW, caller="13700000000")
    assert not any("list" in sentence for sentence in told.sentences)
    assert [step["agents"] for step in told.document["steps"]] == [2, 12]
    assert all(step["passes_over"] == [] for step in told.document["steps"]), "the reserve is this line's own"


def test_people_are_seated_where_their_skills_count() -> None:
    setup = City.load("jingjiang").setup()
    people = seated(setup, setup.seats, setup.agents)
    assert people["8001"] == "1001"
    assert people["8012"] == "1023", "the seat of line 9"
    assert len(set(people.values())) == len(people) == 12
