"""A call, the states that it goes through, and the moves between them that are legal."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from acd.messages import AgentId, CallId, CallRecord, Millis, SeatId, TransferRecord
from ivr.flow import Enqueue, LetGo
from ivr.run import FlowRun


class CallState(StrEnum):
    """Where a call is."""

    OFFERED = "offered"
    """the carrier asks; nothing is answered yet"""
    IN_FLOW = "in flow"
    """hears a notice, a greeting or a menu"""
    QUEUED = "queued"
    """waits for a seat"""
    RINGING = "ringing"
    """a seat's phone is being rung for it"""
    TALKING = "talking"
    """with a seat"""
    LEFT = "left"
    """the seat has hung up, the caller's channel is about to end"""
    PASSING = "passing"
    """a far end (a line's own seats, a sub-centre, 110) is being rung for it"""
    PASSED = "passed"
    """with the far end"""
    CLOSED = "closed"
    """over"""


S = CallState

MOVES: dict[CallState, frozenset[CallState]] = {
    S.OFFERED: frozenset({S.IN_FLOW, S.QUEUED, S.PASSING, S.TALKING, S.PASSED, S.CLOSED}),
    S.IN_FLOW: frozenset({S.IN_FLOW, S.QUEUED, S.PASSING, S.TALKING, S.PASSED, S.CLOSED}),
    S.QUEUED: frozenset({S.RINGING, S.IN_FLOW, S.TALKING, S.PASSED, S.CLOSED}),
    S.RINGING: frozenset({S.TALKING, S.QUEUED, S.CLOSED}),
    S.TALKING: frozenset({S.LEFT, S.CLOSED}),
    S.LEFT: frozenset({S.CLOSED}),
    S.PASSING: frozenset({S.PASSED, S.PASSING, S.IN_FLOW, S.QUEUED, S.TALKING, S.CLOSED}),
    S.PASSED: frozenset({S.CLOSED}),
    S.CLOSED: frozenset(),
}
"""A call's legal moves. Those from OFFERED, IN_FLOW and QUEUED straight to TALKING and PASSED, and from PASSING to TALKING, are
made by the switch's own fallback while the engine is gone; the engine itself goes through RINGING and PASSING."""


class Call(msgspec.Struct):
    """A call that the engine has in its hands. Instants in ms, ``None`` where the moment has not come."""

    call: CallId
    trunk: str
    called: str
    caller: str
    arrived: Millis
    run: FlowRun
    state: CallState = CallState.OFFERED
    line: str | None = None
    line_name: str = ""
    treatment: str | None = None
    because: tuple[str, ...] = ()
    answered: Millis | None = None
    prompt_ended: Millis | None = None
    queued: Millis | None = None
    rung: Millis | None = None
    seat_answered: Millis | None = None
    ended: Millis | None = None
    wrap_up_ended: Millis | None = None
    waits: Enqueue | None = None
    widened: int = 0
    """which of ``waits.needs`` is in force"""
    order: int = 0
    """arrival order in the queue; a call that rang out keeps it, and so its place"""
    agent: AgentId | None = None
    seat: SeatId | None = None
    rings: int = 0
    ring_until: Millis | None = None
    """when the engine stops believing in the ring"""
    dropped: bool = False
    """the seat's leg has been dropped because no word of the ring came"""
    gone_by: Millis | None = None
    """when the engine closes the call without the switch's word of its end"""
    out_trunk: str | None = None
    passed_to: str | None = None
    turned_away: bool = False
    by_fallback: bool = False
    away: bool = False
    """the switch's fallback holds the caller: no seat is rung until he is back in our hands"""
    cause: int = 0
    direction: str = "in"
    priority: int = 0
    reference: str | None = None
    """the case that travels along with the call; ``None``: its own id"""
    transfers: tuple[TransferRecord, ...] = ()
    rating: int | None = None
    opinion: str | None = None
    recordings: tuple[str, ...] = ()
    called_back: CallId | None = None

    @property
    def shown(self) -> str:
        """The line as a seat's phone shows it."""
        return "-".join(part for part in (self.line, self.line_name) if part)

    def move(self, state: CallState) -> None:
        """Go to ``state``. A move that the table doesn't know is a fault of the program's."""
        if state not in MOVES[self.state]:
            raise AssertionError(f"call {self.call}: no move from {self.state} to {state}")
        self.state = state

    def disposition(self, broken: bool) -> str:
        """What became of it; ``broken``: neither side hung up."""
        if self.seat_answered is not None:
            return "answered"
        if self.state is CallState.PASSED:
            return "passed"
        if self.turned_away:
            return "refused"
        if broken:
            return "lost"
        if self.waits is None and self.answered is not None and (self._only_told() or self._let_go()):
            return "told"
        return "abandoned"

    def _only_told(self) -> bool:
        return not any(isinstance(step, Enqueue) for step in self.run.flow) and self.passed_to is None

    def _let_go(self) -> bool:
        return self.state is CallState.IN_FLOW and isinstance(self.run.step, LetGo)

    def record(self, city: str, disposition: str) -> CallRecord:
        """What remains of it."""
        return CallRecord(
            call=self.call,
            city=city,
            trunk=self.trunk,
            called=self.called,
            caller=self.caller,
            line=self.line,
            treatment=self.treatment,
            queue=self.waits.queue if self.waits else None,
            disposition=disposition,
            arrived=self.arrived,
            answered=self.answered,
            prompt_ended=self.prompt_ended,
            queued=self.queued,
            rung=self.rung,
            seat_answered=self.seat_answered,
            ended=self.ended,
            wrap_up_ended=self.wrap_up_ended,
            agent=self.agent,
            seat=self.seat,
            passed_to=self.passed_to,
            rings=self.rings,
            cause=self.cause,
            by_fallback=self.by_fallback,
            because=self.because,
            direction=self.direction,
            priority=self.priority,
            reference=self.reference,
            transfers=self.transfers,
            rating=self.rating,
            opinion=self.opinion,
            recordings=self.recordings,
            called_back=self.called_back,
        )
