"""The engine's promises, held under random facts: late ones, repeated ones, and ones that make no sense.

A second engine hears the same facts. It is written down and read back now and then, and must give the same orders ever after.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from acd.agents import ON_A_CALL, Activity, Presence
from acd.calls import Call, CallState
from acd.engine import Engine
from acd.messages import (
    AgentAnswered,
    AgentHungUp,
    AgentRangOut,
    AnnouncementOver,
    AuditEntry,
    AuditStored,
    BackAsked,
    BarAsked,
    BreakAsked,
    BreakForced,
    CallerBarred,
    CallerHungUp,
    CallerUnbarred,
    CallOffered,
    CallRecord,
    CallReturned,
    CallSurvived,
    ChannelSeen,
    Command,
    DialOut,
    Event,
    HoldMusic,
    LeadIn,
    OpinionRecorded,
    PassAnswered,
    PassFailed,
    Play,
    PromptFinished,
    ReadyForced,
    RecordingFailed,
    RecordingHalted,
    RecordingPauseAsked,
    RecordingPossible,
    RecordingResumeAsked,
    RecordStored,
    Refuse,
    RingAgent,
    SeatDialled,
    SeatDisengaged,
    SeatEngaged,
    SeatLeft,
    SeatReachable,
    SeatUnreachable,
    SignOffAsked,
    SignOffForced,
    SignOnAsked,
    Spy,
    SuperviseAsked,
    SupervisionBegan,
    SupervisionEnded,
    SwitchLost,
    SwitchSurveyed,
    Tick,
    WrapUpEndAsked,
    WrapUpExtendAsked,
    WriteAudit,
    WriteRecord,
)
from acd.outgoing import ways_out
from acd.preferences import is_wish, widening_fault
from acd.rights import supervises
from acd.setup import CallBackSetup, Setup
from acd.watches import WatchState
from acd.why import why_waiting
from tests.acd.leg_watch import LegWatch, TransferRules, left_to_others, loads, third_of
from tests.acd.tape_watch import TapeWatch
from tests.acd.town import AGENTS, SEATS, START, asking, calling_back, on_shift, preferring, recorded, town

CALLED = ("12345", "12345", "12315", "12315", "12348", "62912345", "12313", "12366", "110", "12301", "99999")
TRUNKS = ("unicom", "unicom", "unicom", "telecom", "tax", "police", "no such trunk")
CASES = (("", "", ""), ("", "", ""), ("12366", "110-77", "问税"), ("nonsense", "", "x"))
WHYS = ("noanswer", "busy", "congestion", "chanunavail", "cancel")
SETUPS = (
    town(),
    recorded(town(menu=True)),
    on_shift(town(agents=("101", "103", "105"))),
    town(agents=(), closest_fit=False),
    town(closest_fit=False),
    preferring(asking(town())),
    asking(town(menu=True)),
    preferring(town(menu=True, closest_fit=False)),
    replace(calling_back(town()), callback=CallBackSetup()),
)

HOWS = (
    "listen",
    "listen",
    "whisper",
    "barge",
    "take over",
    "take over",
    "break",
    "ready",
    "sign off",
    "why",
    "nonsense",
)

DIALLED = (
    "13800000000",
    "01012345678",
    "110",
    "119",
    "12366",
    "12345",
    "8003",
    "8004",
    "8999",
    "62999001",
    "0371",
    "",
)

seats = st.sampled_from([*SEATS, *SEATS[:4], "8999"])
agents = st.sampled_from([*AGENTS, "999"])
steps = st.sampled_from([0] * 12 + [1, 1, 1000, 1000, 5_000, 5_000, 15_000, 31_000, 65_000, 400_000, -7_000])
picks = st.integers(0, 1 << 16)
CALLERS = (
    *("13800000000", "13800000000", "13800000001", "13900000000", "anonymous"),
    *("13800000000", "13800000666", "13800770001", "13811112222"),
)
CALL_FACTS = (
    SeatLeft,
    OpinionRecorded,
    PromptFinished,
    AnnouncementOver,
    CallerHungUp,
    PassAnswered,
    PassFailed,
    RecordStored,
)


class Promises(TransferRules):
    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.engine = self.twin = Engine(SETUPS[0])
        self.setup = SETUPS[0]
        self.told: list[tuple[Event | Setup, int, list[Command]]] = []
        self.named = 0
        self.audit: list[AuditEntry] = []
        self.tapes = TapeWatch()
        self.legs = LegWatch()
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
        self.tapes.took(event, orders)
        self.legs.took(event, orders)
        for order in orders:
            if isinstance(order, WriteRecord):
                self.recorded(order.record)
            elif isinstance(order, WriteAudit):
                self.audit.append(order.entry)

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

    @rule(
        called=st.sampled_from(CALLED), trunk=st.sampled_from(TRUNKS), case=st.sampled_from(CASES), step=steps
    )
    def a_call_is_offered(
        self, called: str, trunk: str, step: int, case: tuple[str, str, str] = CASES[0]
    ) -> None:
        self.named += 1
        call = f"c{self.named}"
        self.lives[call] = None
        line, reference, note = case
        told = CallOffered(
            call, trunk, called, CALLERS[self.named % len(CALLERS)], line=line, reference=reference, note=note
        )
        orders = self.tell(told, step)
        assert not any(isinstance(o, Refuse) for o in orders if called == "110" or trunk == "police")

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

    @rule(pick=picks, step=steps)
    def a_seat_hangs_up_and_leaves_the_caller_in_our_hands(self, pick: int, step: int) -> None:
        call = self.call_in(pick, CallState.TALKING, CallState.LEFT)
        if call and call.agent is not None:
            self.tell(SeatLeft(call.call, call.agent), step)

    @rule(pick=picks, step=steps, key=st.sampled_from([None, "1", "2", "5", "8", "#"]), kept=st.booleans())
    def a_caller_says_what_he_thinks(self, pick: int, step: int, key: str | None, kept: bool) -> None:
        if call := self.call_in(pick, CallState.ASKED):
            recording = call.asking == "recording"
            self.tell(OpinionRecorded(call.call, kept) if recording else PromptFinished(call.call, key), step)

    @rule(
        number=st.sampled_from(["13800000000", "13811112222", "1381111*", "138*", "anonymous", "110"]),
        owner=st.sampled_from(["101", "102", ""]),
        lasts=st.sampled_from([None, -5, 1_000, 20_000, 10**12]),
        mode=st.sampled_from(["refuse", "last", "shoot"]),
        step=steps,
    )
    def someone_is_barred(self, number: str, owner: str, lasts: int | None, mode: str, step: int) -> None:
        until = None if lasts is None else self.now + lasts
        self.tell(CallerBarred(number, until, owner, "nuisance", mode), step)

    @rule(number=st.sampled_from(["13800000000", "13811112222", "1381111*", "x"]), owner=agents, step=steps)
    def someone_is_let_off(self, number: str, owner: str, step: int) -> None:
        self.tell(CallerUnbarred(number, owner), step)

    @rule(seat=seats, of=st.sampled_from(["", *SEATS]), sure=st.booleans(), step=steps)
    def a_phone_bars_the_last_caller(self, seat: str, of: str, sure: bool, step: int) -> None:
        self.tell(BarAsked(seat, of, sure, "desk"), step)

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
                case CallState.DIALLING:
                    self.tell(PassAnswered(call.call) if way < 3 else PassFailed(call.call, "busy"))
                case CallState.LEFT | CallState.PASSED:
                    self.tell(CallerHungUp(call.call, 16))
                case _:
                    self.tell(Tick(), 1000)
        self.tell(Tick(), step)

    @rule(how=st.sampled_from(HOWS), seat=seats, phone=seats, by_command=st.booleans(), step=steps)
    def somebody_supervises(self, how: str, seat: str, phone: str, by_command: bool, step: int) -> None:
        """By a code from a phone, which is engaged by it then, or by command."""
        self.tell(Tick(), step)
        s = self.engine.state
        self.named += 1
        desk = None if by_command else f"desk-{self.named}"
        if desk is not None:
            self.tell(SeatEngaged(phone))
        by = s.agent_at(phone)
        self.tell(
            SuperviseAsked(
                how, seat, by.agent if by and by_command else "", "" if by_command else phone, desk, "1"
            )
        )

    @rule(how=st.sampled_from(HOWS[:6]), pick=picks, by_command=st.booleans())
    def a_supervisor_goes_to_a_talk(self, how: str, pick: int, by_command: bool) -> None:
        """A seat talks, a supervisor signs on where nobody is and goes to it; mostly the channel comes."""
        self.tell(Tick())
        s = self.engine.state
        talks = [
            call for call in s.calls.values() if call.state is CallState.TALKING and call.agent in s.agents
        ]
        free = [seat for seat in SEATS if seat not in s.at_seat]
        if not talks or "106" in s.agents or not free:
            return
        call = talks[pick % len(talks)]
        assert call.seat is not None
        self.tell(SeatReachable(free[0]))
        self.tell(SignOnAsked(free[0], "106", proven=True))
        self.tell(BreakAsked(free[0], "1"))
        self.named += 1
        desk = None if by_command else f"desk-{self.named}"
        orders = self.tell(SuperviseAsked(how, call.seat, "106", "" if by_command else free[0], desk))
        for order in orders:
            if isinstance(order, Spy | LeadIn) and pick % 4:
                self.tell(SupervisionBegan(order.channel))

    @rule(pick=picks, what=st.integers(0, 3), step=steps)
    def a_supervisors_channel_comes_or_goes(self, pick: int, what: int, step: int) -> None:
        self.tell(Tick(), step)
        s = self.engine.state
        channels = [*s.watches, "desk-1", "desk-2"]
        channel = channels[pick % len(channels)]
        if what < 3:
            self.tell(SupervisionBegan(channel) if what else SupervisionEnded(channel))
        for entry in list(s.unaudited.values())[: pick % 3]:
            self.tell(AuditStored(entry.at, entry.number))

    @invariant()
    def a_supervisor_is_on_one_call_and_a_call_is_heard_by_one(self) -> None:
        s = self.engine.state
        on = [watch for watch in s.watches.values() if watch.stage is not WatchState.ENDING]
        assert len({watch.by for watch in on}) == len(on) == len({watch.call for watch in on})
        for watch in on:
            assert s.calls[watch.call].agent == watch.agent
            assert s.agents[watch.by].activity not in {Activity.RINGING, Activity.TALKING}
            assert watch.by != watch.agent
            assert supervises(s, watch.by)

    @invariant()
    def every_use_of_a_right_is_in_the_audit_log_once(self) -> None:
        assert [entry.number for entry in self.audit] == list(range(1, self.engine.state.audited + 1))
        assert self.engine.state.unaudited.keys() <= {entry.number for entry in self.audit}

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

    @rule(seat=seats, reason=st.sampled_from(["1", "3", "7"]), kind=st.integers(0, 7), step=steps)
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

    @rule(seat=seats, number=st.sampled_from(DIALLED), step=steps)
    def a_seat_dials(self, seat: str, number: str, step: int) -> None:
        self.named += 1
        call = f"c{self.named}"
        self.tell(Tick(), step)
        self.lives[call] = None
        ways = ways_out(self.engine.state, number)
        orders = self.tell(SeatDialled(call, seat, number))
        if number in {"110", "119"} and ways:
            rung = [order for order in orders if isinstance(order, DialOut)]
            assert [(order.trunk, order.number) for order in rung] == ways[:1]

    @rule(
        pick=picks,
        answers=st.booleans(),
        why=st.sampled_from(WHYS),
        cause=st.sampled_from([0, 17, 34]),
        step=steps,
    )
    def whom_a_seat_rings_decides(self, pick: int, answers: bool, why: str, cause: int, step: int) -> None:
        if call := self.call_in(pick, CallState.DIALLING):
            self.tell(PassAnswered(call.call) if answers else PassFailed(call.call, why, cause), step)

    @rule(
        agent=agents, what=st.integers(0, 3), reason=st.sampled_from(["1", "3", "7"]), seat=seats, step=steps
    )
    def somebody_imposes_something(self, agent: str, what: int, reason: str, seat: str, step: int) -> None:
        facts: tuple[Event, ...] = (
            SignOffForced(agent, "106", after_call=reason == "1"),
            BreakForced(agent, "106", reason),
            ReadyForced(agent, "106"),
            WrapUpExtendAsked(seat, "desk"),
        )
        self.tell(facts[what], step)

    @invariant()
    def an_own_call_binds_its_agent_or_holds_its_seat(self) -> None:
        s = self.engine.state
        held: Counter[str] = Counter()
        for call in s.calls.values():
            if call.direction != "out":
                assert call.state is not CallState.DIALLING
                continue
            held.update(call.holds)
            if call.turned:
                assert call.to_seat is None
                continue
            assert call.state in {CallState.DIALLING, CallState.IN_FLOW, CallState.TALKING, CallState.LEFT}
            assert (call.ring_until is not None) == (call.state is CallState.DIALLING)
            if call.agent is not None and call.state is not CallState.LEFT:
                assert s.agents[call.agent].call == call.call
        assert +s.held == held
        for agent in s.agents.values():
            if agent.activity is Activity.DIALLING:
                call = s.calls[agent.call or ""]
                assert (call.direction, call.agent, call.seat) == ("out", agent.agent, agent.seat)

    @invariant()
    def breaks_and_sign_offs_keep_their_rules(self) -> None:
        s = self.engine.state
        for agent in s.agents.values():
            on_break = agent.presence is Presence.ON_BREAK
            assert (agent.break_reason is not None) == on_break
            assert agent.break_since is None or on_break
            assert agent.break_until is None or agent.break_since is not None
            if agent.activity in {Activity.IDLE, Activity.ENGAGED, Activity.RESTING}:
                assert agent.leaving is None, "somebody free is kept from going"
                assert not on_break or agent.break_since is not None
            if agent.activity is Activity.WRAP_UP and agent.leaving is not None:
                assert agent.leaving.after_call
            assert (agent.leaving is not None) == (agent.agent in s.leaving)
            assert (agent.break_asked is not None) == (agent.agent in s.break_queue)
        assert s.leaving <= s.agents.keys()
        assert s.break_queue <= s.agents.keys()

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

    @rule(pick=picks, how=st.integers(0, 5), by=agents, step=steps)
    def a_recording_is_steered(self, pick: int, how: int, by: str, step: int) -> None:
        name = f"c{pick % (self.named + 2)}"
        call = self.engine.state.calls.get(name)
        who = "" if pick % 3 else (call.agent or by) if call else by
        file = call.recordings[-1] if call and call.recordings else "nothing"
        facts: tuple[Event, ...] = (
            RecordingPauseAsked(name, who, "desk"),
            RecordingResumeAsked(name, who, "desk"),
            RecordingFailed(name, file),
            RecordingHalted("full"),
            RecordingPossible(),
            RecordingPauseAsked(name, by),
        )
        self.tell(facts[how], step)

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
        if isinstance(event, CallOffered | CallSurvived | SeatDialled) and not (
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
        free = [agent.agent for agent in s.agents.values() if agent.available]
        for call in s.calls.values():
            if call.state is CallState.QUEUED and not call.away:
                assert call.waits is not None
                need = call.waits.needs[call.widened].skills
                assert not [agent for agent in free if self.may_take(agent, need)]

    def may_take(self, agent: str, need: tuple[tuple[str, int], ...]) -> bool:
        s = self.engine.state
        has = s.skills_of(agent)
        for entry, level in need:
            if entry.startswith("@"):
                if agent != entry[1:]:
                    return False
            elif entry.startswith("~"):
                if entry[1:] in s.router.kept_by(agent):
                    return False
            elif has.get(entry, 0) < level:
                return False
        return True

    @invariant()
    def a_reserve_keeps_as_many_idle_agents_as_it_should_or_all(self) -> None:
        s = self.engine.state
        free = [agent.agent for agent in s.agents.values() if agent.available]
        for reserve in s.setup.reserves:
            able = [agent for agent in free if s.skills_of(agent).get(reserve.skill, 0) >= reserve.level]
            kept = [agent for agent in free if reserve.name in s.router.kept_by(agent)]
            assert set(kept) <= set(able)
            assert len(kept) == min(reserve.keep, len(able)) == s.router.kept(reserve.name)

    @invariant()
    def the_steps_of_every_call_only_widen_and_no_urgent_call_is_held_up_by_wishes(self) -> None:
        s = self.engine.state
        for call in s.calls.values():
            if call.waits is not None:
                assert widening_fault(call.waits.needs) is None
                assert call.widened < len(call.waits.needs)
                assert not (call.urgent and any(is_wish(e) for n in call.waits.needs for e, _ in n.skills))
            if call.state is CallState.QUEUED:
                assert why_waiting(s, call.call, s.now)

    @invariant()
    def callers_are_forgotten_in_the_order_in_which_they_were_heard_of(self) -> None:
        s = self.engine.state
        heard = [known.heard_of for known in s.callers.values()]
        assert heard == sorted(heard)
        assert all(caller.isdigit() for caller in s.callers), "nobody who hides the number is remembered"
        wishes = s.setup.preferences
        assert not s.callers or wishes.last_agent_ms

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
                    own = (call.state, call.agent, call.seat) == (CallState.RINGING, agent.agent, agent.seat)
                    assert own or third_of(call, agent.agent)
                case Activity.TALKING:
                    assert call
                    assert call.state in {CallState.TALKING, CallState.IN_TRANSFER}
                    assert (call.agent, call.seat) == (agent.agent, agent.seat) or third_of(call, agent.agent)
                case Activity.DIALLING:
                    assert call
                    assert call.state in {CallState.DIALLING, CallState.IN_FLOW}
                case Activity.WRAP_UP:
                    over = s.wrapping.get(agent.agent)
                    if over is not None:  # its record waits for the end of this wrap-up
                        assert call is None
                        assert (over.call, over.agent) == (agent.call, agent.agent)
                    elif (
                        call is not None and call.agent == agent.agent
                    ):  # the caller's channel is still ending
                        assert call.state in {CallState.LEFT, CallState.ASKED} or left_to_others(call)
                    else:  # the call went on, or goes on, with others
                        told = call or self.lives.get(agent.call or "")
                        assert told is None or told.agent != agent.agent
                case Activity.IDLE | Activity.RESTING | Activity.ENGAGED:
                    assert agent.call is None
            assert (agent.until is not None) == (agent.activity in {Activity.WRAP_UP, Activity.RESTING})
            assert agent.offered == agent.available
            assert agent.reachable == (agent.seat in s.reachable)
            assert s.at_seat[agent.seat] == agent.agent
            assert agent.activity is not Activity.ENGAGED or s.busy(agent.seat)
            assert not (agent.activity is Activity.IDLE and s.busy(agent.seat))
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
        assert +s.load == Counter(t for c in calls for t in (c.trunk, c.out_trunk, loads(c)) if t is not None)
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
    def a_call_is_rung_at_a_far_end_exactly_while_its_last_attempt_is_open(self) -> None:
        for call in self.engine.state.calls.values():
            assert all(one.outcome is not None and one.ended is not None for one in call.passes[:-1])
            if call.state is CallState.PASSING:
                assert call.passes[-1].outcome is None
        for record in self.lives.values():
            if record is not None:
                assert all(one.outcome is not None and one.ended is not None for one in record.passes)

    @invariant()
    def what_an_emergency_centre_hands_over_is_first_and_has_no_limit(self) -> None:
        s = self.engine.state
        for call in s.calls.values():
            if call.direction == "in" and call.trunk == "police" and call.treatment != "emergency":
                assert call.urgent
                assert not call.turned_away
                assert call.waits is None or call.waits.priority >= 1000

    @invariant()
    def the_switch_records_what_the_engine_thinks_it_does(self) -> None:
        self.tapes.agrees(self.engine.state)

    @invariant()
    def every_call_is_recorded_or_in_progress(self) -> None:
        s = self.engine.state
        open_calls = [call for call, record in self.lives.items() if record is None]
        in_hand = [*s.calls, *(call.call for call in s.wrapping.values())]
        assert sorted(open_calls) == sorted(in_hand)
        told = Counter(record.disposition for record in self.lives.values() if record)
        assert len(self.lives) == len(in_hand) + sum(
            told[kind]
            for kind in ("answered", "abandoned", "refused", "passed", "told", "lost", "barred", "not taken")
        )

    @invariant()
    def a_seat_is_never_kept_by_a_survey_and_an_emergency_asks_no_list(self) -> None:
        s = self.engine.state
        for call in s.calls.values():
            assert (call.ask_until is not None) <= (call.state is CallState.ASKED)
            assert (call.state is CallState.ASKED) <= call.asked
            agent = s.agents.get(call.agent or "")
            if call.state is CallState.ASKED and agent and agent.call == call.call:
                assert agent.activity is Activity.WRAP_UP
            if call.urgent or call.trunk in {"police", "tax"}:
                assert call.barred is None
        assert all(entry.until > s.now for entry in s.barred.values())

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
            assert agent.agent in s.setup.agents or agent.activity in ON_A_CALL

    def teardown(self) -> None:
        """Everybody hangs up: every call ends in one record, and the same facts give the same orders again."""
        for call in list(self.engine.state.calls):
            self.tell(CallerHungUp(call, 16, "far"))  # whom a seat called; otherwise it says nothing more
            self.tell(CallerHungUp(call, 16))
        self.everybody_left_in_a_room_hangs_up()
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
