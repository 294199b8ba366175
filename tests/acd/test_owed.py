"""What is owed is looked at when there is something to do about it, and it comes to the same as looking at all of it every time."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from acd.backs import Stage
from acd.engine import Engine
from acd.messages import (
    AgentAnswered,
    AgentRangOut,
    AnnouncementOver,
    CallerHungUp,
    CallOffered,
    Event,
    PassAnswered,
    PassFailed,
    PromptFinished,
    SeatReachable,
    SignOffAsked,
    SignOnAsked,
    SwitchLost,
    SwitchSurveyed,
    Tick,
    WrapUpEndAsked,
)
from acd.preferences import caller_key
from acd.setup import CallBackSetup
from tests.acd.test_callback import HOUR, KEYED, arrives, asks, backs, busy, hall, over, setup
from tests.acd.town import START


@pytest.mark.parametrize("seed", range(12))
def test_looking_at_all_that_is_owed_after_every_fact_changes_nothing(seed: int) -> None:
    """The twin forgets before each fact what it need not look at."""
    Twins(seed).run()


class Twins:
    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        calls = CallBackSetup(
            key="1",
            missed=True,
            missed_after_ms=(0, 60_000, 600_000)[seed % 3],
            again_ms=300_000,
            reserve=seed % 3,
            expires_ms=(1 + seed % 4) * HOUR,
        )
        self.setups = [setup(calls), setup(replace(calls, reserve=1, to_minute=20 * 60))]
        self.engine, self.twin = Engine(self.setups[0]), Engine(self.setups[0])
        self.now = START + self.chance.choice([0, 10]) * HOUR
        self.people = [("101", "8001"), ("103", "8002"), ("104", "8003")][: 1 + seed % 3]
        self.numbers = (8, 40, 400)[seed % 3]
        self.named = self.most = 0
        for agent, seat in self.people:
            self.tell(SeatReachable(seat))
            self.tell(SignOnAsked(seat, agent, proven=True))

    def tell(self, event: Event) -> None:
        orders = self.engine.receive(event, self.now)
        self.twin.state.owed.look_at_all()
        assert self.twin.receive(event, self.now) == orders
        assert self.engine.deadline() == self.twin.deadline()
        s = self.engine.state
        calling = {caller_key(c.caller, "0371") for c in s.calls.values() if c.direction != "back"}
        assert set(s.owed.live) == calling
        self.most = max(self.most, len(s.backs))

    def run(self) -> None:
        for _ in range(250):
            self.now += self.chance.choice([0, 500, 2_000, 10_000, 60_000, 240_000])
            while (due := self.engine.deadline()) is not None and due <= self.now:
                at, self.now = self.now, max(due, self.engine.state.now)
                self.tell(Tick())
                self.now = at
            self.step()
            if self.chance.random() < 0.05:
                written = self.engine.snapshot()
                assert self.twin.snapshot() == written
                self.twin = Engine(self.setups[0])
                self.twin.restore(written)
            elif self.chance.random() < 0.02:
                self.setups.reverse()
                orders = self.engine.reconfigure(self.setups[0], self.now)
                assert self.twin.reconfigure(self.setups[0], self.now) == orders
        assert self.engine.snapshot() == self.twin.snapshot()
        assert self.most > 3

    def step(self) -> None:
        s, pick = self.engine.state, self.chance
        calls = list(s.calls.values())
        if not calls or pick.random() < 0.3:
            self.named += 1
            number = f"138{pick.randrange(self.numbers):08d}"
            self.tell(CallOffered(f"c{self.named}", "unicom", pick.choice(["12345", "12315"]), number))
            self.tell(PromptFinished(f"c{self.named}"))
            return
        call = pick.choice(calls)
        name, agent = call.call, call.agent or ""
        agrees, gone = AnnouncementOver(name, "1"), CallerHungUp(name, 16)
        ways: dict[str, list[Event]] = {
            "queued": [agrees, agrees, gone],
            "ringing": [
                AgentAnswered(name, agent),
                AgentAnswered(name, agent),
                AgentRangOut(name, agent),
                gone,
            ],
            "dialling": [PassAnswered(name), PassFailed(name, "busy"), PassFailed(name, "congestion"), gone],
            "in flow": [PromptFinished(name), gone],
        }
        if call.direction == "back" and str(call.state) == "queued":
            return  # it has no channel of which anything could be told
        self.tell(pick.choice(ways.get(str(call.state), [gone])))
        for held in [a for a in s.agents.values() if str(a.activity) == "wrap-up"]:
            self.tell(WrapUpEndAsked(held.seat))
        if pick.random() < 0.02:
            self.tell(SwitchLost())
            self.tell(Tick())
            self.tell(SwitchSurveyed((), tuple(seat for _, seat in self.people)))
        elif pick.random() < 0.03:
            someone, seat = pick.choice(self.people)
            wishes: list[Event] = [SignOffAsked(seat), SignOnAsked(seat, someone, proven=True)]
            self.tell(pick.choice(wishes))


def test_what_is_too_old_is_dropped_at_its_time_though_nothing_else_happens() -> None:
    here = hall("101@8001", callback=replace(KEYED, expires_ms=HOUR))
    busy(here)
    arrives(here, "a", "13800000001")
    here.tell(CallerHungUp("a", 16))
    here.wait(HOUR - 1)
    assert here.engine.state.backs["a-back"].stage is Stage.LISTED
    here.wait(1)
    assert not here.engine.state.backs
    assert not here.engine.state.owed.by_key
    assert backs(over(here)) == []


def test_who_agreed_in_the_last_minute_of_the_evening_is_called_at_the_first_of_the_morning() -> None:
    here = hall("101@8001")
    busy(here)
    arrives(here, "a", "13800000001")
    here.wait(11 * HOUR - 1)  # 20:59:59.999
    here.tell(AnnouncementOver("a", "1"), AnnouncementOver("a", "1"))
    here.wait(1)
    here.tell(PromptFinished("a"), CallerHungUp("a", 16))
    over(here)
    assert backs(here.wait(11 * HOUR - 1)) == []
    assert backs(here.wait(1)) == ["a-back"]


def test_a_missed_call_that_nobody_idle_can_take_is_made_when_somebody_signs_on_who_can() -> None:
    here = hall("105@8002")  # he has 12315 alone
    arrives(here, "m", "13800000001")
    here.tell(CallerHungUp("m", 16))
    stuck = here.engine.state.owed.stuck
    assert here.engine.state.backs["m-back"].stage is Stage.LISTED
    assert stuck is not None
    here.tell(CallOffered("x", "unicom", "12345", "13800000002"))
    assert here.engine.state.owed.stuck is stuck
    assert backs(here.sign_on("101@8001")) == ["m-back"]


def test_a_call_back_that_is_due_waits_for_the_end_of_the_caller_s_own_call() -> None:
    here = hall("101@8001")
    busy(here)
    arrives(here, "a", "13800000001")
    asks(here, "a")
    here.tell(CallOffered("again", "unicom", "12345", "13800000001"))
    assert here.engine.state.backs["a-back"].stage is Stage.LISTED
    assert backs(over(here)) == []
    assert backs(here.tell(CallerHungUp("again", 16))) == ["a-back"]
