"""The drill on a real switch: a city as planned passes, and a platform that is not as planned fails in the right words."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from xml.etree import ElementTree as ET

import pytest
import pytest_asyncio

from hotline.city import City
from hotline.drill import DrillFault, Order, Sabotage, drill
from hotline.drill_report import Line, Report
from tests.switch.conftest import city_text, instant

pytestmark = [pytest.mark.switch, pytest.mark.asyncio(loop_scope="module")]

KAIFENG = ("12345", "12336", "12348", "12315")
HEZE = ("12366", "12336", "12315", "12313", "119", "12345")


@dataclass(frozen=True)
class Held:
    """Both drills, held at the same time."""

    good: Report
    bad: Report

    def line(self, number: str, way: str = "called", trunk: str = "unicom") -> Line:
        """A call of the sabotaged drill."""
        (found,) = [
            line
            for line in self.bad.lines
            if (line.call.number, line.call.way, line.call.trunk) == (number, way, trunk)
        ]
        return found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def held() -> AsyncIterator[Held]:
    text = city_text("heze").replace("ring_seconds = 20", "ring_seconds = 4")
    text = text.replace("ring_seconds = 15", "ring_seconds = 4")
    plan = City.read(text, "heze")
    # on the platform other words are said for 12336, and 12315's calls are passed to another number
    swapped, words = re.subn(
        r'^told = "您所拨打的\{name\}已取消.*"$',
        'told = "这里是另外一座城市的录音，与您无关。"',
        text,
        flags=re.MULTILINE,
    )
    swapped, numbers = re.subn('number = "12315"\n', 'number = "12315"\npass_number = "66612315"\n', swapped)
    assert (words, numbers) == (1, 1)
    sabotage = Sabotage(
        city=City.read(swapped, "heze"),
        silent={"tax": frozenset({"12366"}), "seat": frozenset({"8001"})},
        busy={"tobacco": frozenset({"*"})},
    )
    good, bad = await asyncio.gather(
        drill(
            City.load("kaifeng"),
            Order(instant("2022-09-06T10:00"), KAIFENG, seats=14, net="127.38.0"),
        ),
        drill(plan, Order(instant("2022-05-17T10:00"), HEZE, seats=14, net="127.38.1"), sabotage=sabotage),
    )
    yield Held(good, bad)


async def test_a_city_that_is_as_planned_passes_every_call(held: Held) -> None:
    assert [(line.title, line.wrong) for line in held.good.lines if not line.passed] == []
    assert held.good.passed
    assert len(held.good.lines) == 9 + 3 * 11
    ends = {line.ended_at.partition(" ")[0] for line in held.good.lines}
    assert ends == {"seat", "departments"}


async def test_what_was_heard_is_the_citys_own_words_and_the_voice_at_the_end(held: Held) -> None:
    for line in held.good.lines:
        assert line.seen.hearing.names == line.expected.prompts, line.title
        assert line.seen.hearing.voice is not None, line.title
    notices = {
        name for line in held.good.lines if line.call.number == "12336" for name in line.seen.hearing.names
    }
    assert any("自然资源违法举报电话" in name for name in notices)


async def test_every_call_of_the_drill_is_a_case_of_the_junit_file(held: Held) -> None:
    for report in (held.good, held.bad):
        root = ET.fromstring(report.junit().encode())
        assert len(root.findall("testsuite/testcase")) == len(report.lines)
        assert len(root.findall("testsuite/testcase/failure")) == len(report.failed)


async def test_a_far_end_that_does_not_pick_up_is_named(held: Held) -> None:
    wrong = "; ".join(held.line("12366").wrong)
    assert "tax 12366 rang and nobody picked up" in wrong
    assert re.search(r"ended at seat \d+, not at tax 12366", wrong)


async def test_a_far_end_that_refuses_is_named(held: Held) -> None:
    assert "tobacco 12313 refused the call" in "; ".join(held.line("12313").wrong)


async def test_a_notice_that_was_exchanged_is_not_taken_for_the_plans(held: Held) -> None:
    wrong = held.line("12336").wrong
    assert any(one.startswith("not heard: 您所拨打的全国统一自然资源违法举报电话已取消") for one in wrong), (
        wrong
    )
    assert any("an unknown sound" in one for one in wrong), wrong


async def test_a_call_that_is_passed_to_another_number_is_named(held: Held) -> None:
    assert held.line("12315").wrong == ("ended at departments 66612315, not at departments 12315",)


async def test_a_dead_phone_is_named_by_the_call_that_met_it(held: Held) -> None:
    dead = [line for line in held.bad.lines if any("seat 8001 rang and nobody" in one for one in line.wrong)]
    assert dead
    # and no call that did not meet it is blamed for it
    assert all(any(one.called == "8001" for one in line.seen.reached) for line in dead)


async def test_what_is_not_sabotaged_passes_even_then(held: Held) -> None:
    emergencies = [
        line for line in held.bad.lines if line.call.number == "119" and line.call.way != "handed over"
    ]
    assert len(emergencies) == 10
    assert [line.wrong for line in emergencies if not line.passed] == []
    assert not held.bad.passed


@pytest.mark.parametrize(
    ("order", "told"),
    [
        (Order(lines=["010-12399"]), "--lines 010-12399: the city has no such number"),
        (
            Order(lines=["12328", "12345"], seats=1),
            "--seats 1: not enough for every skill of the lines: give more",
        ),
        (Order(lines=["119"], seats=999), "--seats 999: heze has 1 to 60 seats"),
    ],
)
async def test_a_drill_that_cannot_be_held_says_why(order: Order, told: str) -> None:
    with pytest.raises(DrillFault, match=re.escape(told)):
        await drill(City.load("heze"), order)
