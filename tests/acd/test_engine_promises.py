"""The engine's promises, held under random facts: late ones, repeated ones, and ones that make no sense.

A second engine hears the same facts. It is written down and read back now and then, and must give the same orders ever after.
"""

from __future__ import annotations

from collections import Counter

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from acd.agents import Activity
from acd.calls import Call, CallState
from acd.engine import Engine
from acd.messages import (
    AgentAnswered,
    AgentHungUp,
    AgentRangOut,
    BackAsked,
    BreakAsked,
    CallerHungUp,
    CallOffered,
    CallRecord,
    CallReturned,
    CallSurvived,
    ChannelSeen,
    Command,
    Event,
    HoldMusic,
    PassAnswered,
    PassFailed,
    Play,
    PromptFinished,
    RecordStored,
    RingAgent,
    SeatDisengaged,
    SeatEngaged,
    SeatReachable,
    SeatUnreachable,
    SignOffAsked,
    SignOnAsked,
    SwitchLost,
    SwitchSurveyed,
    Tick,
    WrapUpEndAsked,
    WriteRecord,
)
from acd.setup import Setup
from tests.acd.town import AGENTS, SEATS, START, town

CALLED = ("12345", "12345", "12315", "12315", "12348", "62912345", "12313", "12366", "110", "12301", "99999")
TRUNKS = ("unicom", "unicom", "unicom", "telecom", "tax", "no such trunk")
WHYS = ("noanswer", "busy", "congestion", "chanunavail", "cancel")
SETUPS = (
    town(),
    town(menu=True),
    town(agents=("101", "103", "105")),
    town(agents=(), closest_fit=False),
    town(closest_fit=False),
)

seats = st.sampled_from([*SEATS, *SEATS[:4], "8999"])
agents = st.sampled_from([*AGENTS, "999"])
steps = st.sampled_from([0] * 12 + [1, 1, 1000, 1000, 5_000, 5_000, 15_000, 31_000, 65_000, 400_000, -7_000])
picks = st.integers(0, 1 << 16)
CALL_FACTS = (PromptFinished, CallerHungUp, PassAnswered, PassFailed, RecordStored)


class Promises(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.engine = self.twin = Engine(SETUPS[0])
        self.setup = SETUPS[0]
        self.told: list[tuple[Event | Setup, int, list[Command]]] = []
        self.named = 0
        self.lives: dict[str, CallRecord | None] = {}
        """every call that came to the engine, and what was recorded of it"""

    # ── telling ──────────────────────────────────────────────────────────────────────────────────────────────

    @initialize(which=st.integers(0, 1))
    def open(self, which: int) -> None:
        setup = self.setup = SETUPS[which]
        self.engine, self.twin = Engine(setup), Engine(setup)
        self.told = [(setup, self.now, [])]
        for agent, seat in zip(("101", "102", "103", "105"), SEATS, strict=False):
            self.tell(SeatReachable(seat))
            self.tell(SignOnAsked(seat, agent, proven=True))

    def tell(self, event: Event, step: int = 0) -> list[Command]:
        at = self.now + step
        self.now = max(self.now, at)
        due = self.engine.deadline()
        orders = self.engine.receive(event, at)
        self.took(event, at, orders, self.twin.receive(event, at))
        if due is None or due > self.now:
            self.rings_come_last(orders)
        return orders

    def took(self, event: Event | Setup, at: int, orders: list[Command], twins: list[Command]) -> None:
        assert orders == twins
        self.told.append((event, at, orders))
        for order in orders:
            if isinstance(order, WriteRecord):
                self.recorded(order.record)

    def recorded(self, record: CallRecord) -> None:
        assert record.call not in self.lives or self.lives[record.call] is None, "a second record"
        self.lives[record.call] = record

    @staticmethod
    def rings_come_last(orders: list[Command]) -> None:
        """One who is being rung for is in the dialplan's hands: nothing can be played to him."""
        ringing: set[str] = set()
        for order in orders:
            if isinstance(order, RingAgent):
                assert order.call not in ringing
                ringing.add(order.call)
            elif isinstance(order, HoldMusic | Play):
                assert order.call not in ringing

    def call_in(self, pick: int, *states: CallState) -> Call | None:
        found = [call for call in self.engine.state.calls.values() if call.state in states]
        return found[pick % len(found)] if found else None

    # ── facts that make sense ────────────────────────────────────────────────────────────────────────────────

    @rule(called=st.sampled_from(CALLED), trunk=st.sampled_from(TRUNKS), step=steps)
    def a_call_is_offered(self, called: str, trunk: str, step: int) -> None:
        self.named += 1
        call = f"c{self.named}"
        self.lives[call] = None
        self.tell(CallOffered(call, trunk, called, "13800000000"), step)

    @rule(agent=agents, seat=seats, proven=st.sampled_from([True, True, True, False]), step=steps)
    def someone_signs_on(self, agent: str, seat: str, proven: bool, step: int) -> None:
        if proven:
            self.tell(SeatReachable(seat))
        self.tell(SignOnAsked(seat, agent, proven, "desk"), step)

    @rule(pick=picks, step=steps, key=st.sampled_from([None, "1", "9", "#"]))
    def a_prompt_ends(self, pick: int, step: int, key: str | None) -> None:
        if call := self.call_in(pick, CallState.IN_FLOW):
            self.tell(PromptFinished(call.call, key), step)

    @rule(pick=picks, step=steps, answers=st.booleans(), why=st.sampled_from(WHYS))
    def a_ring_ends(self, pick: int, step: int, answers: bool, why: str) -> None:
        if call := self.call_in(pick, CallState.RINGING):
            assert call.agent is not None
            fact = (
                AgentAnswered(call.call, call.agent) if answers else AgentRangOut(call.call, call.agent, why)
            )
            self.tell(fact, step)

    @rule(pick=picks, step=steps)
    def a_seat_hangs_up(self, pick: int, step: int) -> None:
        call = self.call_in(pick, CallState.TALKING)
        if call and call.agent is not None:
            self.tell(AgentHungUp(call.call, call.agent), step)

    @rule(pick=picks, step=steps, answers=st.booleans())
    def a_far_end_decides(self, pick: int, step: int, answers: bool) -> None:
        if call := self.call_in(pick, CallState.PASSING):
            self.tell(PassAnswered(call.call) if answers else PassFailed(call.call), step)

    @rule(pick=picks, step=steps)
    def a_caller_hangs_up(self, pick: int, step: int) -> None:
        if call := self.call_in(pick, *CallState):
            self.tell(CallerHungUp(call.call, 16), step)

    @rule(picked=st.lists(st.tuples(picks, st.integers(0, 5)), min_size=1, max_size=12), step=steps)
    def calls_go_on(self, picked: list[tuple[int, int]], step: int) -> None:
        """Some calls take their natural next step, or a new one comes."""
        for pick, way in picked:
            call = self.call_in(pick, *CallState)
            if call is None or way == 0:
                self.a_call_is_offered(CALLED[pick % len(CALLED)], "unicom", 0)
                continue
            match call.state:
                case CallState.IN_FLOW:
                    self.tell(PromptFinished(call.call, "9" if way == 1 else None))
                case CallState.RINGING if call.agent is not None:
                    rings_out = AgentRangOut(call.call, call.agent)
                    self.tell(rings_out if way == 1 else AgentAnswered(call.call, call.agent))
                case CallState.TALKING if call.agent is not None:
                    self.tell(AgentHungUp(call.call, call.agent) if way < 3 else CallerHungUp(call.call, 16))
                case CallState.PASSING:
                    self.tell(PassFailed(call.call) if way < 3 else PassAnswered(call.call))
                case CallState.LEFT | CallState.PASSED:
                    self.tell(CallerHungUp(call.call, 16))
                case _:
                    self.tell(Tick(), 1000)
        self.tell(Tick(), step)

    @rule(step=steps)
    def time_passes(self, step: int) -> None:
        self.tell(Tick(), step)

    @precondition(lambda self: self.engine.deadline() is not None)
    @rule(late=st.sampled_from([0, 0, 3]))
    def the_deadline_comes(self, late: int) -> None:
        due = self.engine.deadline()
        assert due is not None
        self.tell(Tick(), max(due - self.now, 0) + late)
        left = self.engine.deadline()
        assert left is None or left > self.now

    @rule(seat=seats, reason=st.sampled_from(["1", "7"]), kind=st.integers(0, 7), step=steps)
    def something_happens_at_a_seat(self, seat: str, reason: str, kind: int, step: int) -> None:
        facts: tuple[Event, ...] = (
            SignOffAsked(seat, "desk"),
            BreakAsked(seat, reason, "desk"),
            BackAsked(seat, "desk"),
            WrapUpEndAsked(seat, "desk"),
            SeatReachable(seat),
            SeatUnreachable(seat),
            SeatEngaged(seat),
            SeatDisengaged(seat),
        )
        self.tell(facts[kind], step)

    # ── the switch goes and comes ────────────────────────────────────────────────────────────────────────────

    @rule(step=steps)
    def the_switch_is_lost(self, step: int) -> None:
        self.tell(SwitchLost(), step)

    @rule(data=st.data(), restarted=st.booleans(), step=steps)
    def the_switch_is_surveyed(self, data: st.DataObject, restarted: bool, step: int) -> None:
        states = st.sampled_from(["held", "held", "ringing", "talking", "fallback", "gone"])
        seen = [
            ChannelSeen(
                call, state, data.draw(st.sampled_from([None, *SEATS])) if state == "talking" else None
            )
            for call in [*self.engine.state.calls, "cx"]
            if (state := data.draw(states)) != "gone"
        ]
        reachable = data.draw(st.sets(seats).map(sorted))
        self.tell(SwitchSurveyed(tuple(seen), tuple(reachable), restarted), step)

    @rule(pick=picks, called=st.sampled_from(CALLED), step=steps)
    def the_fallback_gives_a_caller_back(self, pick: int, called: str, step: int) -> None:
        self.tell(Tick(), step)
        call = f"c{pick % (self.named + 2)}"
        if call not in self.engine.state.calls and call not in self.engine.state.unstored:
            self.lives[call] = None
        record = self.lives.get(call)
        if record is not None and record.disposition not in {"answered", "passed"}:
            self.lives[call] = None  # it was given up too early: its next record takes that one's place
        self.named = max(self.named, pick % (self.named + 2))
        self.tell(CallReturned(call, "unicom", called, "13800000001"))

    @rule(pick=picks, talked=st.booleans(), over=st.booleans(), seat=st.none() | seats, step=steps)
    def the_spool_tells_of_a_call(
        self, pick: int, talked: bool, over: bool, seat: str | None, step: int
    ) -> None:
        self.tell(Tick(), step)
        s = self.engine.state
        call = f"c{pick % (self.named + 2)}"
        self.named = max(self.named, pick % (self.named + 2))
        if call not in self.lives and over:
            self.lives[call] = None
        if (
            call in s.calls or call in s.unstored or self.lives.get(call) is None
        ):  # what is stored is told once
            answered = self.now - 50 if talked else None
            ended = self.now if over else None
            self.tell(
                CallSurvived(
                    call, "unicom", "12345", "1", self.now - 100, answered, ended, seat if talked else None
                )
            )

    # ── nonsense ─────────────────────────────────────────────────────────────────────────────────────────────

    @rule(fact=st.sampled_from(CALL_FACTS), pick=picks, step=steps)
    def a_fact_comes_that_fits_nothing(self, fact: type[CallerHungUp], pick: int, step: int) -> None:
        self.tell(fact(f"c{pick % (self.named + 2)}"), step)

    @rule(
        fact=st.sampled_from([AgentAnswered, AgentRangOut, AgentHungUp]), agent=agents, pick=picks, step=steps
    )
    def a_fact_comes_about_the_wrong_two(
        self, fact: type[AgentAnswered], agent: str, pick: int, step: int
    ) -> None:
        self.tell(fact(f"c{pick % (self.named + 2)}", agent), step)

    @precondition(lambda self: len(self.told) > 2)
    @rule(back=st.integers(1, 6), step=steps)
    def a_fact_comes_again(self, back: int, step: int) -> None:
        event, _, _ = self.told[-min(back, len(self.told))]
        self.tell(Tick(), step)
        s = self.engine.state
        if isinstance(event, Setup | CallReturned):
            return
        if isinstance(event, CallOffered | CallSurvived) and not (
            event.call in s.calls
            or event.call in s.unstored
            or event.call in {c.call for c in s.wrapping.values()}
        ):
            return
        self.tell(event)

    # ── the engine itself goes and comes ─────────────────────────────────────────────────────────────────────

    @rule()
    def the_twin_is_written_down_and_read_back(self) -> None:
        written = self.engine.snapshot()
        assert self.twin.snapshot() == written
        self.twin = Engine(self.setup)
        self.twin.restore(written)
        assert self.twin.snapshot() == written
        assert self.twin.repeat_records() == self.engine.repeat_records()

    @rule(which=st.integers(0, len(SETUPS) - 1), step=steps)
    def the_city_is_reconfigured(self, which: int, step: int) -> None:
        setup = SETUPS[which]
        at = self.now + step
        self.now = max(self.now, at)
        self.setup = setup
        self.took(setup, at, self.engine.reconfigure(setup, at), self.twin.reconfigure(setup, at))

    # ── what is promised ─────────────────────────────────────────────────────────────────────────────────────

    @invariant()
    def nobody_waits_while_a_qualified_agent_is_free(self) -> None:
        s = self.engine.state
        if s.blind:
            return
        free = [s.skills_of(agent.agent) for agent in s.agents.values() if agent.available]
        for call in s.calls.values():
            if call.state is CallState.QUEUED and not call.away:
                assert call.waits is not None
                need = call.waits.needs[call.widened].skills
                assert not [has for has in free if all(has.get(skill, 0) >= level for skill, level in need)]

    @invariant()
    def agents_and_calls_agree(self) -> None:
        s = self.engine.state
        busy = Counter(c.agent for c in s.calls.values() if c.state in {CallState.RINGING, CallState.TALKING})
        del busy[None]
        assert max(busy.values(), default=0) <= 1, "an agent has two calls"
        for agent in s.agents.values():
            call = s.calls.get(agent.call or "")
            match agent.activity:
                case Activity.RINGING:
                    assert call
                    assert (call.state, call.agent, call.seat) == (CallState.RINGING, agent.agent, agent.seat)
                case Activity.TALKING:
                    assert call
                    assert (call.state, call.agent, call.seat) == (CallState.TALKING, agent.agent, agent.seat)
                case Activity.WRAP_UP:
                    ending = call is not None and call.state is CallState.LEFT and call.agent == agent.agent
                    assert ending != (agent.agent in s.wrapping)
                case Activity.IDLE | Activity.RESTING | Activity.ENGAGED:
                    assert agent.call is None
            assert (agent.until is not None) == (agent.activity in {Activity.WRAP_UP, Activity.RESTING})
            assert agent.offered == agent.available
            assert agent.reachable == (agent.seat in s.reachable)
            assert s.at_seat[agent.seat] == agent.agent
            assert agent.activity is not Activity.ENGAGED or agent.seat in s.engaged
            assert not (agent.activity is Activity.IDLE and agent.seat in s.engaged)
        assert len(s.at_seat) == len(s.agents)
        for call in s.calls.values():
            if call.state is CallState.RINGING:
                assert s.agents[call.agent or ""].call == call.call
            if call.state is CallState.TALKING and call.agent is not None:
                assert s.agents[call.agent].call == call.call
        for name, call in s.wrapping.items():
            assert s.agents[name].activity is Activity.WRAP_UP
            assert s.agents[name].call == call.call

    @invariant()
    def counters_equal_what_they_count(self) -> None:
        s = self.engine.state
        calls = s.calls.values()
        assert +s.load == Counter(t for c in calls for t in (c.trunk, c.out_trunk) if t is not None)
        assert min(s.load.values(), default=0) >= 0
        waits = {CallState.QUEUED, CallState.RINGING}
        assert +s.waiting == Counter(c.waits.queue for c in calls if c.state in waits and c.waits)
        assert min(s.waiting.values(), default=0) >= 0
        for call in calls:
            if (
                call.state is not CallState.PASSED
            ):  # the fallback passes on over a channel that we know nothing of
                assert (call.out_trunk is not None) == (call.state is CallState.PASSING)
        assert s.router.waiting == sum(c.state is CallState.QUEUED and not c.away for c in calls)
        assert s.router.idle == sum(agent.available for agent in s.agents.values())

    @invariant()
    def every_call_is_recorded_or_in_progress(self) -> None:
        s = self.engine.state
        open_calls = [call for call, record in self.lives.items() if record is None]
        in_hand = [*s.calls, *(call.call for call in s.wrapping.values())]
        assert sorted(open_calls) == sorted(in_hand)
        told = Counter(record.disposition for record in self.lives.values() if record)
        assert len(self.lives) == len(in_hand) + sum(
            told[kind] for kind in ("answered", "abandoned", "refused", "passed", "told", "lost")
        )

    @invariant()
    def no_deadline_lies_in_the_past_after_a_tick(self) -> None:
        due = self.engine.deadline()
        assert due == self.twin.deadline()
        if isinstance(self.told[-1][0], Tick):
            assert due is None or due > self.engine.state.now

    @invariant()
    def whoever_vanished_from_the_city_works_on_no_more_than_one_call(self) -> None:
        s = self.engine.state
        for agent in s.agents.values():
            assert agent.agent in s.setup.agents or agent.activity in {Activity.RINGING, Activity.TALKING}

    def teardown(self) -> None:
        """Everybody hangs up: every call ends in one record, and the same facts give the same orders again."""
        for call in list(self.engine.state.calls):
            self.tell(CallerHungUp(call, 16))
        while (due := self.engine.deadline()) is not None:
            self.tell(Tick(), max(due - self.now, 0))
        assert None not in self.lives.values()
        if not self.told:
            return
        first, _, _ = self.told[0]
        assert isinstance(first, Setup)
        again = Engine(first)
        for event, at, orders in self.told[1:]:
            repeated = again.reconfigure(event, at) if isinstance(event, Setup) else again.receive(event, at)
            assert repeated == orders


TestPromises = Promises.TestCase
TestPromises.settings = settings(
    max_examples=500,
    stateful_step_count=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
