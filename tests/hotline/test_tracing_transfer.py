"""What ``hotline trace --transfer`` tells, from the same rule by which the engine finds the third party."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from acd import target
from acd.messages import TransferAsked
from acd.orders import CallThird
from dialplans.hours import instant
from hotline import cli
from hotline.city import City
from hotline.tracing import trace
from hotline.tracing_transfer import with_transfer
from tests.acd.town import START, Hall, town

AT = instant(datetime(2026, 1, 5, 10))


def traced(to: str, number: str = "12345", city: str = "kaifeng") -> tuple[dict[str, Any], str]:
    here = City.load(city)
    one = with_transfer(here, trace(here, number, at_ms=AT), to, at_ms=AT)
    json.dumps(one.document)
    return one.document["transfer"], "\n".join(one.sentences)


def test_an_emergency_names_every_way_in_its_order_with_its_time_and_what_goes_along() -> None:
    told, text = traced("110")
    assert [way["trunk"] for way in told["ways"]] == ["emergency", "unicom", "telecom", "mobile"]
    assert (told["emergency"], told["queue"], told["refused"]) == (True, None, None)
    assert "Rings 110 over emergency for 30 s." in text
    assert "At once, three-way and without #: *29 110." in text
    assert "Over emergency go along: line, caller, case and what was said" in text
    assert "no class of service holds for an emergency" in text
    assert "If the caller is cut off while it is rung: it is rung on" in text
    assert "Recorded, both sides mixed: every emergency is." in text
    assert "not asked about the service: an emergency centre was brought in" in text


def test_a_seat_an_agent_and_a_skill_are_told_apart() -> None:
    seat, words = traced("8002")
    assert seat["ways"] == [{"number": "8002", "trunk": None, "seat": "8002"}]
    assert "whoever is signed on at seat 8002" in words
    agent, words = traced("1002")
    assert agent["ways"] == [{"number": "1002", "trunk": None, "seat": None}]
    assert "agent 1002, wherever signed on" in words
    skill, words = traced("skill:12345")
    assert (skill["ways"], skill["queue"]) == ([], "12345")
    assert "Not by key: only by command" in words
    assert "Sent on (*21) the caller waits there, in the place that the arrival gave" in words


@pytest.mark.parametrize(
    ("to", "refused", "heard"),
    [
        ("02087654321", "transfer-forbidden", "您没有权限拨打该号码"),
        ("twelve", "transfer-unknown", "转接号码无效"),
        ("queue:none", "transfer-unknown", "转接号码无效"),
        ("skill:cooking", "transfer-unknown", "转接号码无效"),
    ],
)
def test_what_is_refused_is_told_in_the_words_that_the_seat_hears(to: str, refused: str, heard: str) -> None:
    told, text = traced(to)
    assert (told["refused"], told["ways"], told["queue"]) == (refused, [], None)
    assert heard in text
    assert "Rings" not in text[text.index("Suppose") :]


def test_a_call_that_no_seat_ever_has_cannot_be_transferred() -> None:
    told, text = traced("8002", number="110")
    assert told["refused"] == "transfer-none"
    assert "this call is led to no seat" in text


def test_a_sub_centres_call_that_overflows_to_a_seat_can() -> None:
    told, text = traced("110", number="12366")
    assert told["emergency"]
    assert "head of queue 12345" in text


@pytest.mark.parametrize(
    "to", ["110", "119", "12366", "12315", "13800000000", "8002", "62912345", "01062345678"]
)
def test_what_is_told_is_what_the_engine_does(to: str) -> None:
    made = Hall("101@8001", "102@8002")
    made.talking("c", "101")
    aimed = target.aim(town(), to, START, agent="101", seat="8001")
    orders = made.tell(TransferAsked("c", "consult", to, desk="keys"))
    thirds = [order for order in orders if isinstance(order, CallThird)]
    if aimed.refusal is not None:
        assert thirds == []
    elif aimed.wait is not None:
        assert [third.trunk for third in thirds] in ([], [None]), "a seat of the city's own, if one is free"
    elif aimed.seat is not None:
        assert [(third.seat, third.trunk) for third in thirds] == [(aimed.seat, None)]
    else:
        (third,) = thirds
        assert (third.number, third.trunk) == (aimed.ways[0].number, aimed.ways[0].trunk)
        assert third.ring_ms == aimed.ring_ms


def test_the_classes_that_differ_are_named() -> None:
    here = City.load("kaifeng")
    setup = here.setup()
    first = next(iter(setup.agents))
    agents = {**setup.agents, first: replace(setup.agents[first], service_class="chief")}

    class Promoted(City):
        def setup(self) -> Any:
            return replace(setup, agents=agents)

    promoted = Promoted(here.name, here.file, here.pins)
    one = with_transfer(promoted, trace(promoted, "12345", at_ms=AT), "02087654321", at_ms=AT)
    assert "Class of service seat does not allow it; chief does." in one.sentences


def test_the_command_prints_it_and_wants_a_call(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["trace", "kaifeng", "12315", "--transfer", "110", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["transfer"]["to"] == "110"
    assert cli.main(["trace", "kaifeng", "12315", "--transfer", "8002"]) == 0
    assert "Suppose that a seat has this call, and asks for 8002." in capsys.readouterr().out
    assert cli.main(["trace", "kaifeng", "--transfer", "110"]) == 2
    assert "--transfer needs the call" in capsys.readouterr().err
