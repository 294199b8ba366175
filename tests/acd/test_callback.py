"""Calling back: the place is kept, nobody is called twice, at night, or while calling us; what was missed is worked off last."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from acd.agents import Activity
from acd.backs import MOVES, Stage, next_change, open_at
from acd.engine import Engine
from acd.messages import (
    AgentAnswered,
    AgentRangOut,
    Announce,
    AnnouncementOver,
    CallerHungUp,
    CallOffered,
    CallRecord,
    CallSurvived,
    ChannelSeen,
    Command,
    DropBack,
    Event,
    PassAnswered,
    PassFailed,
    PassOn,
    PromptFinished,
    RingAgent,
    RingForCallBack,
    SeatReachable,
    SignOnAsked,
    SwitchLost,
    SwitchSurveyed,
    Tick,
    WrapUpEndAsked,
    WriteRecord,
)
from acd.service_class import OutgoingSetup
from acd.setup import CallBackSetup, Setup, WordsSetup
from tests.acd.town import START, Hall, records, rings, town

HOUR = 3_600_000
KEYED = CallBackSetup(key="1", missed=True, missed_after_ms=0)


def setup(callback: CallBackSetup = KEYED) -> Setup:
    base = town()
    words = WordsSetup(20_000, 45_000, position=True)
    queues = {
        **base.queues,
        "12345": replace(base.queues["12345"], words=words, max_wait_ms=None, max_length=50),
    }
    trunks = {name: replace(trunk, channels=100) for name, trunk in base.trunks.items()}
    outgoing = OutgoingSetup(trunks=(("unicom", ""), ("telecom", "0")), shows="037112345")
    return replace(base, queues=queues, trunks=trunks, outgoing=outgoing, callback=callback)


def hall(*signed_on: str, callback: CallBackSetup = KEYED) -> Hall:
    return Hall(*signed_on, setup=setup(callback))


def arrives(here: Hall, call: str, caller: str) -> list[Command]:
    here.tell(CallOffered(call, "unicom", "12345", caller))
    return here.tell(PromptFinished(call))


def asks(here: Hall, call: str) -> list[Command]:
    """The caller presses the key twice, hears the thanks, and is gone."""
    here.tell(AnnouncementOver(call, "1"))
    here.tell(AnnouncementOver(call, "1"))
    here.tell(PromptFinished(call))
    return here.tell(CallerHungUp(call, 16))


def busy(here: Hall) -> None:
    arrives(here, "busy", "13800000000")
    here.tell(AgentAnswered("busy", "101"))


def over(here: Hall, call: str = "busy") -> list[Command]:
    return here.tell(CallerHungUp(call, 16), WrapUpEndAsked("8001"))


def backs(orders: list[Command]) -> list[str]:
    return [order.call for order in orders if isinstance(order, RingForCallBack)]


def test_who_asks_keeps_his_place_before_one_who_came_later() -> None:
    here = hall("101@8001")
    busy(here)
    for name, number in (("a", "13800000001"), ("b", "13800000002"), ("c", "13800000003")):
        arrives(here, name, number)
        here.at += 1000
    (record,) = records(asks(here, "b"))
    assert (record.disposition, record.called_back) == ("called back", None)
    assert [ring.call for ring in rings(over(here))] == ["a"]
    here.tell(AgentAnswered("a", "101"))
    orders = over(here, "a")
    (order,) = [order for order in orders if isinstance(order, RingForCallBack)]
    assert (order.call, order.number, order.shown) == ("b-back", "13800000002", "037112345")
    assert "回拨" in order.line
    here.tell(AgentAnswered("b-back", "101"), PassAnswered("b-back"))
    assert [ring.call for ring in rings(over(here, "b-back"))] == ["c"]


def test_a_seat_that_answers_dials_the_caller_and_both_records_name_one_another() -> None:
    here = hall("101@8001")
    busy(here)
    arrives(here, "a", "13800000001")
    asks(here, "a")
    assert backs(over(here)) == ["a-back"]
    (dialled,) = here.tell(AgentAnswered("a-back", "101"))
    assert isinstance(dialled, PassOn)
    assert (dialled.trunk, dialled.number) == ("unicom", "13800000001")
    assert here.agent("101").activity is Activity.DIALLING
    (linked,) = records(here.tell(PassAnswered("a-back")))
    assert (linked.call, linked.called_back) == ("a", "a-back")
    (record,) = records(over(here, "a-back"))
    assert (record.direction, record.disposition, record.called_back) == ("back", "answered", "a")
    assert not here.engine.state.backs
    assert not here.engine.state.calls


def test_one_key_only_reads_the_number_back_and_the_caller_goes_on_waiting() -> None:
    here = hall("101@8001")
    busy(here)
    arrives(here, "a", "13800000001")
    (said,) = here.tell(AnnouncementOver("a", "1"))
    assert isinstance(said, Announce)
    assert said.prompts[1:4] == ("digits/1", "digits/3", "digits/8")
    assert here.tell(AnnouncementOver("a", None)) == []
    assert not here.engine.state.backs
    assert [ring.call for ring in rings(over(here))] == ["a"]


@pytest.mark.parametrize("caller", ["", "anonymous", "12345678901234567890123"])
def test_a_withheld_number_is_offered_nothing_and_not_listed(caller: str) -> None:
    here = hall("101@8001")
    busy(here)
    arrives(here, "a", caller)
    (said,) = here.wait(20_000)
    assert isinstance(said, Announce)
    assert said.keys == ""
    here.tell(AnnouncementOver("a", "1"), AnnouncementOver("a", "1"), CallerHungUp("a", 16))
    assert not here.engine.state.backs


def test_busy_is_tried_again_after_the_rule_s_time_and_given_up_after_the_last_try() -> None:
    here = hall("101@8001", callback=replace(KEYED, tries=2, again_ms=600_000))
    busy(here)
    arrives(here, "a", "13800000001")
    asks(here, "a")
    over(here)
    for last in (False, True):
        here.tell(AgentAnswered("a-back", "101"), PassFailed("a-back", "busy"), PromptFinished("a-back"))
        written = records(here.tell(CallerHungUp("a-back", 16)))
        assert here.agent("101").activity is Activity.IDLE
        assert [record.disposition for record in written] == (["not reached"] if last else [])
        if not last:
            assert backs(here.wait(599_000)) == []
            assert backs(here.wait(1_000)) == ["a-back"]
    assert not here.engine.state.backs


def test_nothing_is_dialled_at_night_and_it_goes_on_in_the_morning() -> None:
    here = hall("101@8001")
    busy(here)
    arrives(here, "a", "13800000001")
    asks(here, "a")
    here.wait(11 * HOUR - 1)  # 20:59:59.999
    assert here.engine.state.backs["a-back"].stage is Stage.PLACED
    here.wait(1)
    assert here.engine.state.backs["a-back"].stage is Stage.LISTED
    assert backs(over(here)) == []
    assert backs(here.wait(11 * HOUR - 1)) == []
    assert backs(here.wait(1)) == ["a-back"]  # 8:00


def test_a_seat_that_answers_a_moment_too_late_in_the_evening_dials_nobody() -> None:
    here = hall("101@8001")
    busy(here)
    arrives(here, "a", "13800000001")
    asks(here, "a")
    here.wait(11 * HOUR - 5_000)
    assert backs(over(here)) == ["a-back"]
    here.wait(5_000)
    assert not [o for o in here.tell(AgentAnswered("a-back", "101")) if isinstance(o, PassOn)]
    here.tell(CallerHungUp("a-back", 16))
    assert here.engine.state.backs["a-back"].tries == 0


def test_who_rings_again_and_is_answered_is_not_called_back() -> None:
    here = hall("101@8001")
    arrives(here, "a", "13800000001")
    here.tell(CallerHungUp("a", 16))  # while the seat rang
    assert not here.engine.state.calls.get("a")
    assert here.engine.state.backs
    here.tell(*[AgentRangOut("a-back", "101", "noanswer")] * bool("a-back" in here.engine.state.calls))
    arrives(here, "b", "13800000001")
    here.wait(60_000)
    here.tell(AgentAnswered("b", "101"))
    assert backs(over(here, "b")) == []
    assert not here.engine.state.backs


def test_missed_calls_wait_until_nobody_waits_and_a_seat_beyond_the_reserve_is_idle() -> None:
    here = hall("101@8001", "102@8002", callback=replace(KEYED, reserve=1))
    busy(here)
    arrives(here, "b", "13800000002")
    here.tell(AgentAnswered("b", "102"))
    arrives(here, "m", "13800000003")
    here.tell(CallerHungUp("m", 16))
    arrives(here, "w", "13800000004")
    assert [ring.call for ring in rings(over(here))] == ["w"]
    here.tell(AgentAnswered("w", "101"))
    assert backs(over(here, "w")) == []  # one idle seat: it is the reserve
    assert backs(here.tell(CallerHungUp("b", 16), WrapUpEndAsked("8002"))) == ["m-back"]


def test_a_number_that_was_missed_twice_is_called_once() -> None:
    here = hall()
    for name in ("a", "b"):
        arrives(here, name, "13800000001")
        here.tell(CallerHungUp(name, 16))
    assert list(here.engine.state.backs) == ["a-back"]


def test_it_survives_a_restart_and_a_new_configuration_at_every_step() -> None:
    here = hall("101@8001")
    busy(here)
    arrives(here, "a", "13800000001")
    steps: list[list[Event]] = [
        [AnnouncementOver("a", "1")],
        [AnnouncementOver("a", "1")],
        [PromptFinished("a"), CallerHungUp("a", 16)],
        [CallerHungUp("busy", 16), WrapUpEndAsked("8001")],
        [AgentAnswered("a-back", "101")],
        [PassFailed("a-back", "noanswer")],
        [CallerHungUp("a-back", 16)],
    ]
    for facts in steps:
        here.tell(*facts)
        here.restart()
        here.engine.reconfigure(setup(), START + here.at)
    assert backs(here.wait(15 * 60_000)) == ["a-back"]
    here.tell(AgentAnswered("a-back", "101"), PassAnswered("a-back"))
    assert [r.disposition for r in records(over(here, "a-back"))] == ["answered"]


def test_an_attempt_of_which_the_switch_has_nothing_after_a_gap_is_made_again() -> None:
    here = hall("101@8001")
    busy(here)
    arrives(here, "a", "13800000001")
    asks(here, "a")
    over(here)
    here.tell(AgentAnswered("a-back", "101"))
    here.tell(SwitchLost())
    here.tell(SwitchSurveyed((), ("8001",)))
    assert here.agent("101").activity is not Activity.DIALLING
    assert backs(here.wait(15 * 60_000)) == ["a-back"]


def test_every_stage_but_the_last_leads_somewhere_and_none_to_nowhere() -> None:
    assert MOVES.keys() == set(Stage)
    reached = {Stage.AGREED, Stage.LISTED}
    for _ in Stage:
        reached |= {to for stage in reached for to in MOVES[stage].values()}
    assert reached == set(Stage)
    assert [stage for stage in Stage if not MOVES[stage]] == [Stage.OVER]
    assert [stage for stage in Stage if Stage.TALKING in MOVES[stage].values()] == [Stage.DIALLING]


@pytest.mark.parametrize("seed", range(25))
def test_never_twice_never_at_night_never_who_is_calling(seed: int) -> None:
    """A day of random facts, with a twin that is restored now and then."""
    Walk(seed).run()


class Walk:
    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.setup = setup(replace(KEYED, tries=3, again_ms=600_000, reserve=seed % 2, expires_ms=6 * HOUR))
        self.engine, self.twin = Engine(self.setup), Engine(self.setup)
        self.now = START + 8 * HOUR  # 18:00, so that the evening comes
        self.tries: dict[str, int] = {}
        self.talked: dict[str, str] = {}
        self.last: dict[str, CallRecord] = {}
        self.named = 0
        for agent, seat in (("103", "8001"), ("104", "8002")):
            self.tell(SeatReachable(seat))
            self.tell(SignOnAsked(seat, agent, proven=True))

    def tell(self, event: Event) -> None:
        orders = self.engine.receive(event, self.now)
        assert self.twin.receive(event, self.now) == orders
        s = self.engine.state
        for order in orders:
            if isinstance(order, PassOn) and order.call.endswith("-back"):
                call = s.calls[order.call]
                assert open_at(self.setup.callback, self.now), "dialled at night"
                assert order.call not in self.talked, "called again after they had talked"
                live = [c for c in s.calls.values() if c.direction != "back" and c.caller == call.caller]
                assert not live, "dialled while calling us"
                # another trunk after one that does not work belongs to the same try
                self.tries[order.call] = self.tries.get(order.call, 0) + (order.trunk == "unicom")
            if isinstance(order, WriteRecord):
                self.last[order.record.call] = order.record
        if isinstance(event, PassAnswered) and event.call.endswith("-back"):
            self.talked[event.call] = event.call
        keys = [back.key for back in s.backs.values()]
        assert len(keys) == len(set(keys)), "a number is owed two calls"
        for call in s.calls.values():
            if call.direction == "back":
                assert call.call in s.backs
        if not s.blind and not s.router.waiting:
            return
        free = [a for a in s.agents.values() if a.available]
        assert not (free and any(c.state == "queued" and c.direction == "in" for c in s.calls.values())), (
            "nobody waits beside a free seat"
        )

    def run(self) -> None:
        for _ in range(250):
            self.now += self.chance.choice([0, 500, 2_000, 10_000, 60_000, 240_000])
            while (due := self.engine.deadline()) is not None and due <= self.now:
                at, self.now = self.now, max(due, self.engine.state.now)
                self.tell(Tick())
                self.now = at
            self.step()
            if self.chance.random() < 0.2:
                written = self.engine.snapshot()
                self.twin = Engine(self.setup)
                self.twin.restore(written)
                assert self.twin.snapshot() == written
        assert self.named > 20
        assert all(tries <= 3 for tries in self.tries.values())
        for call in self.talked:
            assert self.last[call.removesuffix("-back")].called_back == call

    def step(self) -> None:
        s, pick = self.engine.state, self.chance
        calls = list(s.calls.values())
        if not calls or pick.random() < 0.3:
            self.named += 1
            name = f"c{self.named}"
            self.tell(
                CallOffered(name, "unicom", pick.choice(["12345", "12315"]), f"1380000000{pick.randrange(8)}")
            )
            self.tell(PromptFinished(name))
            return
        call = pick.choice(calls)
        state, agent = str(call.state), call.agent or ""
        ways: dict[str, list[Event]] = {
            "queued": [
                AnnouncementOver(call.call, "1"),
                AnnouncementOver(call.call, "1"),
                CallerHungUp(call.call, 16),
            ],
            "ringing": [
                AgentAnswered(call.call, agent),
                AgentAnswered(call.call, agent),
                AgentRangOut(call.call, agent),
                CallerHungUp(call.call),
            ],
            "dialling": [
                PassAnswered(call.call),
                PassFailed(call.call, "busy"),
                PassFailed(call.call, "congestion"),
                CallerHungUp(call.call),
            ],
            "in flow": [PromptFinished(call.call), CallerHungUp(call.call)],
            "talking": [CallerHungUp(call.call, 16)],
        }
        if call.direction == "back" and state == "queued":
            return  # it has no channel of which anything could be told
        self.tell(pick.choice(ways.get(state, [CallerHungUp(call.call, 16)])))
        for held in [a for a in s.agents.values() if a.activity is Activity.WRAP_UP]:
            self.tell(WrapUpEndAsked(held.seat))
        if pick.random() < 0.02:
            self.tell(SwitchLost())
            seen = tuple(ChannelSeen(c.call, "held") for c in s.calls.values() if pick.random() < 0.7)
            self.tell(SwitchSurveyed(seen, ("8001", "8002")))


def test_the_hours_change_when_they_say() -> None:
    at = next_change(KEYED, START)
    assert at == START + 11 * HOUR
    assert open_at(KEYED, at - 1)
    assert not open_at(KEYED, at)
    assert next_change(KEYED, at) == at + 11 * HOUR


def test_a_late_answer_of_a_seat_for_what_is_no_longer_owed_is_hung_up() -> None:
    here = hall("101@8001")
    assert here.tell(AgentAnswered("gone-back", "101")) == [DropBack("gone-back")]
    assert not [
        o for o in here.tell(PassAnswered("gone-back"), CallerHungUp("gone-back")) if isinstance(o, RingAgent)
    ]


def test_who_was_missed_while_there_was_no_engine_is_called_back_too() -> None:
    here = hall()
    here.tell(CallSurvived("m", "unicom", "12345", "13900000007", START - 9000, None, START - 1000), at=0)
    assert [back.stage for back in here.engine.state.backs.values()] != []
    (ring,) = [o for o in here.sign_on("101@8001") + here.wait(1000) if isinstance(o, RingForCallBack)]
    assert ring.agent == "101"
