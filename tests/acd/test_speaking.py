"""Callers whom the machine answers: random lives, in which nothing may leak, and the rules one by one.

The stories ``tests/scenarios/machine_*.toml`` tell whole calls."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from acd.agents import Activity
from acd.calls import CallState
from acd.engine import Engine
from acd.floor_view import floor_view
from acd.messages import (
    AgentAnswered,
    AgentRangOut,
    AnnouncementOver,
    CallerHungUp,
    CallerSpoke,
    CallOffered,
    Command,
    ConversationOver,
    Converse,
    Event,
    HangUp,
    Play,
    PromptFinished,
    RecordStored,
    RingAgent,
    SpeechServed,
    WrapUpEndAsked,
    WriteRecord,
)
from acd.setup import CallBackSetup
from tests.acd.town import START, Hall, answering, records, town

OVERS = ("contained", "person", "key", "silence", "misunderstood", "unknown", "full", "failed", "seat")
DIDS = ("answered", "asked back", "helped", "not helped", "sms", "passed on", "number", "bye")
AGENTS = ("101@8001", "103@8002", "105@8003")


class Life:
    """Random facts, each of which can happen where the call is."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        setup = answering(town(), greeting=bool(seed % 2))
        self.hall = Hall(*AGENTS, setup=replace(setup, callback=CallBackSetup()))
        self.engine = self.hall.engine
        self.at = 10
        self.calls = 0
        self.records: list[WriteRecord] = []
        self.tell(SpeechServed(self.random.randint(0, 3)))

    def tell(self, fact: Event) -> list[Command]:
        self.at += self.random.choice((1, 50, 900, 7_000, 21_000))
        orders: list[Command] = []
        while (due := self.engine.deadline()) is not None and due < START + self.at:
            orders += self.engine.tick(due)
        orders += self.engine.receive(fact, START + self.at)
        for order in orders:
            if isinstance(order, WriteRecord):
                self.records.append(order)
                self.engine.receive(RecordStored(order.record.call), START + self.at)
        return orders

    def step(self) -> None:
        calls = list(self.engine.state.calls.values())
        if (len(calls) < 6 and self.random.random() < 0.3) or not calls:
            self.calls += 1
            called = self.random.choice(("12345", "12345", "12315"))
            self.tell(CallOffered(f"c{self.calls}", "unicom", called, f"1380000{self.calls:04d}"))
            return
        if self.random.random() < 0.05:
            self.tell(SpeechServed(self.random.randint(0, 3)))
            return
        if self.random.random() < 0.1:
            written = self.engine.snapshot()
            self.engine = Engine(self.engine.state.setup)
            self.engine.restore(written)
            assert self.engine.snapshot() == written
            return
        call = self.random.choice(calls)
        self.tell(self.fact_of(call.call, call.state, call.converses, call.agent or ""))

    def fact_of(self, call: str, state: CallState, converses: bool, agent: str) -> Event:
        chance = self.random.random()
        if chance < 0.1:
            return CallerHungUp(call, 16)
        if converses and chance < 0.6:
            return CallerSpoke(call, self.random.choice(DIDS), "公积金怎么提取", 1.0, "gjj.withdraw", 0.9)
        if converses:
            line = self.random.choice((None, None, "12315", "12366", "99999"))
            return ConversationOver(call, self.random.choice(OVERS), line)
        match state:
            case CallState.IN_FLOW:
                return PromptFinished(call)
            case CallState.QUEUED:
                return AnnouncementOver(call, self.random.choice(("2", "2", "7", None)))
            case CallState.RINGING:
                return AgentAnswered(call, agent) if chance < 0.7 else AgentRangOut(call, agent)
            case _:
                busy = [one for one in self.engine.state.agents.values() if one.activity is Activity.WRAP_UP]
                return WrapUpEndAsked(busy[0].seat) if busy and chance < 0.5 else CallerHungUp(call, 16)

    def end(self) -> None:
        for call in list(self.engine.state.calls):
            self.tell(CallerHungUp(call, 16))
        for _ in range(60):
            self.tell(SpeechServed(1))


@pytest.mark.parametrize("seed", range(60))
def test_nothing_leaks_whatever_callers_the_machine_and_the_seats_do(seed: int) -> None:
    life = Life(seed)
    for _ in range(250):
        life.step()
        state = life.engine.state
        assert state.conversing == {call.call for call in state.calls.values() if call.converses}
        waiting = [c for c in state.calls.values() if c.state in {CallState.QUEUED, CallState.RINGING}]
        assert state.waiting.total() == len(waiting)
        assert all(call.converses is False or len(call.speech) == 1 for call in state.calls.values())
    life.end()
    state = life.engine.state
    assert not state.calls
    assert not state.conversing
    assert state.waiting.total() == state.load.total() == 0
    assert all(agent.activity in {Activity.IDLE, Activity.RESTING} for agent in state.agents.values())
    written = [order.record for order in life.records]
    assert len({record.call for record in written}) == life.calls, "one record a call"
    assert all(spoken.over is not None for record in written for spoken in record.speech)


def asked(hall: Hall, call: str = "a", **more: str) -> list[Command]:
    """A caller who has come to the end of the greeting."""
    hall.tell(CallOffered(call, "unicom", more.pop("called", "12345"), more.pop("caller", "13800000001")))
    return hall.tell(PromptFinished(call))


def machine(**more: object) -> Hall:
    hall = Hall("101@8001", setup=answering(town(), **more))
    hall.tell(SpeechServed(2))
    return hall


def converse(orders: list[Command]) -> list[Converse]:
    return [order for order in orders if isinstance(order, Converse)]


def test_an_answer_can_be_sent_to_a_mobile_and_to_no_other_number() -> None:
    hall = machine()
    assert [one.sms for one in converse(asked(hall))] == [True]
    assert [one.sms for one in converse(asked(hall, "b", caller="037165970001"))] == [False]


def test_only_callers_of_the_lines_that_the_city_names_are_offered_the_machine() -> None:
    hall = machine(lines=frozenset({"12315"}))
    assert not converse(asked(hall))
    assert converse(hall.tell(CallOffered("b", "unicom", "12315", "13800000002")))


def test_an_emergency_is_never_offered_the_machine() -> None:
    hall = machine()
    assert not converse(hall.tell(CallOffered("a", "unicom", "110", "13800000001")))


def test_whoever_hangs_up_on_the_machine_before_its_answer_has_abandoned_and_behind_it_is_contained() -> None:
    for did, disposition in (
        ("asked back", "abandoned"),
        ("answered", "contained"),
        ("not helped", "abandoned"),
    ):
        hall = machine()
        asked(hall)
        hall.tell(CallerSpoke("a", did, "公积金怎么提取", 1.0, "gjj.withdraw", 0.9))
        (record,) = records(hall.tell(CallerHungUp("a", 16)))
        assert record.disposition == disposition, did
        assert record.speech[-1].over == "hung up"


def test_a_case_number_and_what_was_said_go_along_to_the_seat() -> None:
    hall = machine()
    asked(hall)
    hall.tell(CallerSpoke("a", "case", "我要查询工单", 1.0))
    orders = hall.tell(ConversationOver("a", "person", reference="20260105"))
    (ring,) = [order for order in orders if isinstance(order, RingAgent)]
    assert "我要查询工单" in ring.line
    assert hall.engine.state.calls["a"].reference == "20260105"


def test_word_of_a_conversation_that_is_not_on_changes_nothing() -> None:
    hall = machine()
    asked(hall)
    hall.tell(ConversationOver("a", "person"))
    before = hall.engine.snapshot()
    assert hall.tell(ConversationOver("a", "contained")) == []
    assert hall.tell(CallerSpoke("nobody", "answered")) == []
    assert replace_now(hall.engine.snapshot()) == replace_now(before)


def replace_now(snapshot: bytes) -> bytes:
    """Without the instant."""
    return snapshot.partition(b",")[2]


def test_a_caller_is_led_to_the_machine_once() -> None:
    hall = machine()
    asked(hall)
    hall.tell(ConversationOver("a", "person"))
    hall.tell(AgentRangOut("a", "101"))
    assert hall.engine.state.calls["a"].speech[-1].over == "person"
    assert not converse(hall.tell(AnnouncementOver("a", "2")))


def test_the_floor_shows_who_talks_to_the_machine_and_that_it_is_gone() -> None:
    hall = machine()
    asked(hall)
    view = floor_view(hall.engine.state, START)
    assert view.machine == (1, 2)
    assert [alarm.what for alarm in view.alarms] == []
    hall.tell(SpeechServed(0))
    assert [alarm.what for alarm in floor_view(hall.engine.state, START).alarms] == ["no machine"]
    assert floor_view(Hall(setup=town()).engine.state, START).machine is None


def test_a_full_queue_turns_a_caller_away_behind_his_conversation_too() -> None:
    setup = answering(town())
    queues = {**setup.queues, "12345": replace(setup.queues["12345"], max_length=0)}
    hall = Hall(setup=replace(setup, queues=queues))
    hall.tell(SpeechServed(2))
    assert converse(asked(hall))
    orders = hall.tell(ConversationOver("a", "unknown"))
    assert [order.prompts for order in orders if isinstance(order, Play)] == [("all-busy",)]
    assert [type(order) for order in hall.tell(PromptFinished("a"))] == [HangUp]
