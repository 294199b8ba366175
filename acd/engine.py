"""The engine: facts in, orders out.

It holds no socket, file, clock, logger or random number and makes no ids: the same facts at the same times give the same orders,
on the real switch, in the simulator and in a replay of the journal.
"""

from __future__ import annotations

from typing import assert_never

from acd import (
    audit,
    breaks,
    callback,
    calling_back,
    conversing,
    desk,
    floor,
    forced,
    memory,
    nuisance,
    outgoing,
    rating,
    reception,
    speaking,
    supervision,
    survey,
    taping,
    transcribing,
    transfer,
    waiting,
)
from acd.backs import is_back
from acd.calls import CallState
from acd.messages import (
    AgentAnswered,
    AgentHungUp,
    AgentRangOut,
    AnnouncementOver,
    AuditStored,
    BackAsked,
    BarAsked,
    BreakAsked,
    BreakForced,
    CallerBarred,
    CallerHungUp,
    CallerSpoke,
    CallerUnbarred,
    CallId,
    CallOffered,
    CallReturned,
    CallSurvived,
    Command,
    ConversationOver,
    EarAsked,
    Event,
    HoldMusic,
    LegAt,
    LegGone,
    LegHeard,
    LegHolds,
    Millis,
    OpinionRecorded,
    PassAnswered,
    PassFailed,
    PromptFinished,
    ReadyForced,
    RecordingFailed,
    RecordingHalted,
    RecordingPauseAsked,
    RecordingPossible,
    RecordingResumeAsked,
    RecordStored,
    SeatDialled,
    SeatDisengaged,
    SeatEngaged,
    SeatLeft,
    SeatReachable,
    SeatUnreachable,
    SignOffAsked,
    SignOffForced,
    SignOnAsked,
    SpeechServed,
    SuperviseAsked,
    SupervisionBegan,
    SupervisionEnded,
    SwitchLost,
    SwitchSurveyed,
    Tick,
    TransferAsked,
    TransferSteered,
    WrapUpEndAsked,
    WrapUpExtendAsked,
    WriteAudit,
    WriteRecord,
)
from acd.parties import Place
from acd.setup import Setup
from acd.state import State
from acd.timers import Timer


class Engine:
    """A city's calls and seats, and the rules by which they meet."""

    def __init__(self, setup: Setup) -> None:
        self.state = State(setup)

    def receive(self, event: Event, now: Millis) -> list[Command]:
        """Take in a fact that was learnt at ``now`` and say what is to be done.

        Facts about calls and seats that are not known (any more) are passed over: a hang-up may come twice, or late.
        ``now`` never runs backwards: an earlier instant than the last one is taken as that.
        """
        s = self.state
        s.now = max(s.now, now)
        orders: list[Command] = []
        s.orders = orders
        self._fall_due()
        self._dispatch(event)
        callback.settle(s)
        if s.watches:
            supervision.settle(s)
        if s.vanished:
            desk.drop_vanished(s)
        if s.leaving or s.break_queue:
            forced.settle(s)
        if s.setup.speech.transcript or s.ears:
            transcribing.settle(s, event)
        s.orders = []
        return orders

    def deadline(self) -> Millis | None:
        """When ``tick`` must be called at the latest; ``None`` when nothing is pending."""
        return self.state.timers.next()

    def tick(self, now: Millis) -> list[Command]:
        """Carry out what has fallen due by ``now``."""
        return self.receive(Tick(), now)

    def snapshot(self) -> bytes:
        """The whole state as one line of JSON."""
        return self.state.snapshot()

    def restore(self, snapshot: bytes) -> None:
        """Take over a state that ``snapshot`` gave."""
        self.state.restore(snapshot)
        callback.rebuild(self.state)

    def repeat_records(self) -> list[Command]:
        """Order again what may not have reached the database before a restart."""
        return [WriteRecord(record) for record in self.state.unstored.values()]

    def repeat_audit(self) -> list[Command]:
        """Order again what of the audit log may not have reached the database before a restart."""
        return [WriteAudit(entry) for entry in self.state.unaudited.values()]

    def reconfigure(self, setup: Setup, now: Millis) -> list[Command]:
        """Go on under a new configuration. Calls that are on are not touched, they end under the rules they began with."""
        s = self.state
        s.now = max(s.now, now)
        orders: list[Command] = []
        s.orders = orders
        self._fall_due()
        s.setup = setup
        memory.forget(s)
        s.rebuild()
        for agent in s.agents.values():
            desk.set_shift(s, agent)
        desk.drop_vanished(s)
        floor.match_all(s)
        callback.rebuild(s)
        callback.settle(s)
        forced.settle(s)
        if s.watches:
            supervision.settle(s)
        if s.ears:
            transcribing.settle(s, Tick())
        s.orders = []
        return orders

    def _dispatch(self, event: Event) -> None:
        s = self.state
        match event:
            case CallOffered():
                reception.offered(s, event)
            case PromptFinished():
                reception.prompt_finished(s, event)
                rating.prompt_finished(s, event)
            case CallerHungUp():
                self._hung_up(event)
            case AnnouncementOver():
                waiting.over(s, event)
            case AgentAnswered() if self._calls_back(event.call):
                calling_back.seat_answered(s, event)
            case AgentAnswered():
                floor.agent_answered(s, event)
            case AgentRangOut():
                floor.agent_rang_out(s, event)
            case AgentHungUp():
                call = s.calls.get(event.call)
                if call and call.transfer and call.agent == event.agent:
                    transfer.seat_gone(s, call)
                else:
                    floor.agent_hung_up(s, event)
            case SeatLeft():
                left = s.calls.get(event.call)
                if left and left.transfer:  # that the seat is gone is another fact
                    transfer.leg_at(s, LegAt(event.call, "caller", Place.HELD))
                else:
                    rating.seat_left(s, event)
            case SpeechServed():
                s.speech_most = event.most
            case CallerSpoke():
                speaking.spoke(s, event)
            case ConversationOver():
                conversing.over(s, event)
            case OpinionRecorded():
                rating.opinion_recorded(s, event)
            case PassAnswered() if self._calls_back(event.call):
                calling_back.answered(s, event)
            case PassFailed() if self._calls_back(event.call):
                calling_back.failed(s, event)
            case PassAnswered():
                reception.pass_answered(s, event)
                outgoing.answered(s, event)
            case PassFailed():
                reception.pass_failed(s, event)
                outgoing.failed(s, event)
            case CallReturned():
                known = s.calls.get(event.call)
                if known and known.transfer:
                    # the music that the fallback gave him has ended with it
                    s.order(HoldMusic(known.call, known.waits.queue if known.waits else ""))
                    transfer.leg_at(s, LegAt(event.call, "caller", Place.HELD))
                else:
                    reception.returned(s, event)
            case CallSurvived():
                survey.survived(s, event)
            case TransferAsked():
                transfer.asked(s, event)
            case TransferSteered():
                transfer.steered(s, event)
            case LegAt():
                transfer.leg_at(s, event)
            case LegHolds():
                transfer.leg_holds(s, event)
            case LegHeard():
                transfer.leg_heard(s, event)
            case LegGone():
                transfer.leg_gone(s, event)
            case SignOnAsked():
                desk.sign_on(s, event)
            case SignOffAsked():
                desk.sign_off(s, event)
            case BreakAsked():
                desk.take_break(s, event)
            case BackAsked():
                desk.come_back(s, event)
            case WrapUpEndAsked():
                desk.wrap_up_done(s, event)
            case WrapUpExtendAsked():
                desk.extend_wrap_up(s, event)
            case SignOffForced():
                forced.sign_off_forced(s, event)
            case BreakForced():
                forced.break_forced(s, event)
            case ReadyForced():
                forced.ready_forced(s, event)
            case SeatDialled():
                outgoing.dialled(s, event)
            case SeatReachable():
                floor.reachable(s, event)
            case SeatUnreachable():
                floor.unreachable(s, event)
            case SeatEngaged():
                floor.engaged(s, event)
            case SeatDisengaged():
                floor.disengaged(s, event)
            case RecordingPauseAsked():
                taping.pause_asked(s, event)
            case RecordingResumeAsked():
                taping.resume_asked(s, event)
            case RecordingFailed():
                taping.failed(s, event)
            case RecordingHalted():
                taping.halted(s, event)
            case RecordingPossible():
                taping.possible(s, event)
            case CallerBarred():
                nuisance.bar(s, event)
            case CallerUnbarred():
                nuisance.unbar(s, event)
            case BarAsked():
                nuisance.bar_last(s, event)
            case SwitchLost():
                survey.lost(s, event)
            case SwitchSurveyed():
                survey.surveyed(s, event)
                if event.restarted:
                    supervision.restarted(s)
            case RecordStored():
                s.unstored.pop(event.call, None)
            case SuperviseAsked():
                supervision.asked(s, event)
            case SupervisionBegan():
                supervision.began(s, event)
            case SupervisionEnded():
                supervision.ended(s, event)
            case AuditStored():
                audit.stored(s, event)
            case EarAsked():
                transcribing.asked(s, event)
            case Tick():
                pass
            case _:
                assert_never(event)

    def _calls_back(self, name: CallId) -> bool:
        """Is it a call-back whose own channel is the seat's?"""
        call = self.state.calls.get(name)
        return is_back(name) and not (call and call.turned)

    def _hung_up(self, fact: CallerHungUp) -> None:
        """A call's own channel is gone, or that of the person whom a seat called."""
        s = self.state
        call = s.calls.get(fact.call)
        if call is None or call.direction == "in" or (call.turned and fact.channel is not None):
            self._caller_gone(fact.call, fact.cause)
        elif fact.channel is not None:  # the seat's own channel follows at once
            call.ended = s.now if call.state is CallState.TALKING else call.ended
        elif call.transfer is not None:
            transfer.seat_gone(s, call)
        elif call.turned:
            floor.agent_hung_up(s, AgentHungUp(call.call, call.agent or ""))
        elif call.direction == "back":
            calling_back.seat_gone(s, fact)
        else:
            floor.close(s, call, fact.cause)

    def _caller_gone(self, name: CallId, cause: int) -> None:
        s = self.state
        call = s.calls.get(name)
        if call and call.transfer:
            transfer.caller_gone(s, call, cause)
        elif call:
            floor.close(s, call, cause)

    def _fall_due(self) -> None:
        s = self.state
        while timer := s.timers.pop(s.now):
            self._carry_out(timer)

    def _carry_out(self, timer: Timer) -> None:
        s = self.state
        call, agent = s.calls.get(timer.subject), s.agents.get(timer.subject)
        match timer.kind:
            case "widen" if call and call.state is CallState.QUEUED:
                reception.widen(s, call)
            case "max_wait" if call and call.state is CallState.QUEUED:
                reception.waited_too_long(s, call)
            case "words" if call and call.state is CallState.QUEUED and not call.away:
                waiting.due(s, call)
            case "back":
                calling_back.overdue(s, timer.subject)
            case "ring" if call and call.state is CallState.RINGING and call.placed:
                calling_back.ring_overdue(s, call)
            case "ring" if call and call.state is CallState.RINGING:
                floor.ring_overdue(s, call)
            case "ring" if call and call.state is CallState.DIALLING:
                outgoing.overdue(s, call)
            case "break" if agent:
                breaks.overrun(s, agent)
            case "shift" if agent:
                forced.shift_over(s, agent)
            case "barred":
                nuisance.expired(s, timer.subject)
            case "asking" if call:
                rating.overdue(s, call)
            case "pause" if call:
                taping.pause_over(s, call)
            case "gone" if call:
                self._caller_gone(call.call, 0)
            case "legs" if call:
                transfer.overdue(s, call)
            case "watch":
                supervision.overdue(s, timer.subject)
            case "wrap_up" if agent:
                floor.end_wrap_up(s, agent)
            case "rest" if agent:
                floor.end_rest(s, agent, "its time is over")
            case _:
                pass
