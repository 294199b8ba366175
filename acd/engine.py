"""The engine: facts in, orders out.

It holds no socket, file, clock, logger or random number and makes no ids: the same facts at the same times give the same orders,
on the real switch, in the simulator and in a replay of the journal.
"""

from __future__ import annotations

from typing import assert_never

from acd import desk, floor, reception, survey
from acd.calls import CallState
from acd.messages import (
    AgentAnswered,
    AgentHungUp,
    AgentRangOut,
    BackAsked,
    BreakAsked,
    CallerHungUp,
    CallOffered,
    CallReturned,
    CallSurvived,
    Command,
    Event,
    Millis,
    PassAnswered,
    PassFailed,
    PromptFinished,
    RecordStored,
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
        if s.vanished:
            desk.drop_vanished(s)
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

    def repeat_records(self) -> list[Command]:
        """Order again what may not have reached the database before a restart."""
        return [WriteRecord(record) for record in self.state.unstored.values()]

    def reconfigure(self, setup: Setup, now: Millis) -> list[Command]:
        """Go on under a new configuration. Calls that are on are not touched, they end under the rules they began with."""
        s = self.state
        s.now = max(s.now, now)
        orders: list[Command] = []
        s.orders = orders
        self._fall_due()
        s.setup = setup
        s.rebuild()
        desk.drop_vanished(s)
        floor.match_all(s)
        s.orders = []
        return orders

    def _dispatch(self, event: Event) -> None:
        s = self.state
        match event:
            case CallOffered():
                reception.offered(s, event)
            case PromptFinished():
                reception.prompt_finished(s, event)
            case CallerHungUp():
                reception.caller_hung_up(s, event)
            case AgentAnswered():
                floor.agent_answered(s, event)
            case AgentRangOut():
                floor.agent_rang_out(s, event)
            case AgentHungUp():
                floor.agent_hung_up(s, event)
            case PassAnswered():
                reception.pass_answered(s, event)
            case PassFailed():
                reception.pass_failed(s, event)
            case CallReturned():
                reception.returned(s, event)
            case CallSurvived():
                survey.survived(s, event)
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
            case SeatReachable():
                floor.reachable(s, event)
            case SeatUnreachable():
                floor.unreachable(s, event)
            case SeatEngaged():
                floor.engaged(s, event)
            case SeatDisengaged():
                floor.disengaged(s, event)
            case SwitchLost():
                survey.lost(s, event)
            case SwitchSurveyed():
                survey.surveyed(s, event)
            case RecordStored():
                s.unstored.pop(event.call, None)
            case Tick():
                pass
            case _:
                assert_never(event)

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
            case "ring" if call and call.state is CallState.RINGING:
                floor.ring_overdue(s, call)
            case "gone" if call:
                floor.close(s, call)
            case "wrap_up" if agent:
                floor.end_wrap_up(s, agent)
            case "rest" if agent:
                floor.idle(s, agent, s.now)
            case _:
                pass
