"""A call, the states that it goes through, and the moves between them that are legal."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from acd.messages import AgentId, CallId, CallRecord, Millis, SeatId, Spoken, TransferRecord
from acd.parties import Transfer
from acd.passes import Passes, over
from acd.recording import Recording
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
    IN_TRANSFER = "in transfer"
    """with a seat and a third party, or one of them: see `Call.transfer`"""
    LEFT = "left"
    """the seat has hung up, the caller's channel is about to end"""
    ASKED = "asked"
    """the seat has hung up, the caller is asked about the service: see `Call.asking`"""
    PASSING = "passing"
    """a far end (a line's own seats, a sub-centre, 110) is being rung for it"""
    PASSED = "passed"
    """with the far end"""
    DIALLING = "dialling"
    """a seat dialled, or calls somebody back: the far end is being rung for it"""
    CLOSED = "closed"
    """over"""


S = CallState

MOVES: dict[CallState, frozenset[CallState]] = {
    S.OFFERED: frozenset({S.DIALLING, S.IN_FLOW, S.QUEUED, S.PASSING, S.TALKING, S.PASSED, S.CLOSED}),
    S.IN_FLOW: frozenset({S.IN_FLOW, S.QUEUED, S.PASSING, S.TALKING, S.PASSED, S.CLOSED}),
    S.QUEUED: frozenset({S.RINGING, S.IN_FLOW, S.TALKING, S.PASSED, S.CLOSED}),
    S.RINGING: frozenset({S.TALKING, S.DIALLING, S.QUEUED, S.CLOSED}),
    S.IN_TRANSFER: frozenset({S.QUEUED, S.TALKING, S.LEFT, S.CLOSED}),
    S.TALKING: frozenset({S.IN_TRANSFER, S.LEFT, S.CLOSED}),
    S.LEFT: frozenset({S.ASKED, S.CLOSED}),
    S.ASKED: frozenset({S.CLOSED}),
    S.PASSING: frozenset({S.PASSED, S.PASSING, S.IN_FLOW, S.QUEUED, S.TALKING, S.CLOSED}),
    S.DIALLING: frozenset({S.DIALLING, S.IN_FLOW, S.TALKING, S.CLOSED}),
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
    mark: str = ""
    """what the seat is told of the caller: a list, a repeated call"""
    earlier: int = 0
    """calls of the same caller within the time that counts"""
    overflowed: tuple[str, ...] = ()
    """the queues that had no place for it, or in which its time is over"""
    moved: Millis | None = None
    """since when it waits in the queue to which another one overflowed"""
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
    note: str = ""
    """what was said so far, as another centre told it"""
    urgent: bool = False
    """an emergency, or handed over by an emergency centre: no limit of ours turns it away"""
    remark: str = ""
    """how the caller came to a seat after all, for its display"""
    passes: Passes = ()
    to_seat: SeatId | None = None
    """the seat that another seat dialled"""
    ways: tuple[tuple[str, str], ...] = ()
    """of a call that a seat dialled: trunks, and what is dialled there, that have not been tried yet"""
    outcome: str | None = None
    """the disposition, where it is known before the end"""
    wrap_left: Millis | None = None
    """of a call that was dialled during a wrap-up: how long that would have lasted still"""
    turned: bool = False
    """of a call that a seat placed, once a third party has been asked for: the person called is the call's caller, on a channel of
    the far end's own, and the channel that names the call is a leg like any seat's"""
    seat_holds: bool = False
    """the seat's phone has put the caller on hold, while the two are in their plain bridge"""
    transfer: Transfer | None = None
    """the third party that is on"""
    thirds: int = 0
    """how many third parties have been rung; it names their channels"""
    transfers: tuple[TransferRecord, ...] = ()
    barred: str | None = None
    """the entry of the list of nuisance callers that is his"""
    asking: str | None = None
    """which step of the survey is on (`acd.rating.Step`)"""
    ask_until: Millis | None = None
    """when the engine stops believing in that step"""
    asked: bool = False
    rating: int | None = None
    opinion: str | None = None
    recording: Recording | None = None
    """how it is recorded, once somebody has answered and a rule says so"""
    recordings: tuple[str, ...] = ()
    called_back: CallId | None = None
    words_at: Millis | None = None
    """when a waiting caller hears the next announcement"""
    asked_back: bool = False
    """the number has been read back to a caller who wants to be called back; the same key again agrees"""
    sought: Enqueue | None = None
    """where the call was to wait, also if there was no place for it"""
    speech: tuple[Spoken, ...] = ()
    """conversations with the machine, the last of which may be on"""
    asks: str = ""
    """what he said last that a seat should see, cut for its phone"""
    forewarned: bool = False
    """he has heard that his talk with a seat will be written down"""
    dial_until: Millis | None = None
    """of a call-back: when the engine stops believing that the caller's phone is being rung"""

    @property
    def shown(self) -> str:
        """The line as a seat's phone shows it."""
        return "-".join(
            part for part in (self.line, self.line_name, self.remark, self.mark, self.asks) if part
        )

    @property
    def converses(self) -> bool:
        """Does he talk to the machine?"""
        return bool(self.speech) and self.speech[-1].over is None

    @property
    def placed(self) -> bool:
        """Is the call's own channel that of the seat, which called somebody (back)?"""
        return self.direction != "in" and not self.turned

    @property
    def person(self) -> str:
        """The number of whom the hotline talks to, whoever called whom."""
        return self.called if self.direction == "out" else self.caller

    @property
    def holds(self) -> tuple[SeatId, ...]:
        """Seats whose phone this call keeps busy without an agent's being bound to it."""
        if self.direction != "out" or self.state is CallState.CLOSED:
            return ()
        own = (self.seat,) if self.agent is None and self.seat is not None else ()
        return own + ((self.to_seat,) if self.to_seat is not None else ())

    def move(self, state: CallState) -> None:
        """Go to ``state``. A move that the table doesn't know is a fault of the program's."""
        if state not in MOVES[self.state]:
            raise AssertionError(f"call {self.call}: no move from {self.state} to {state}")
        self.state = state

    def disposition(self, broken: bool) -> str:
        """What became of it; ``broken``: neither side hung up."""
        if self.outcome is not None:
            return self.outcome
        if self.seat_answered is not None:
            return "answered"
        if self.state is CallState.PASSED:
            return "passed"
        if self.turned_away:
            return "barred" if self.barred else "refused"
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
            reference=self.reference or self.call,
            transfers=self.transfers,
            asked=self.asked,
            rating=self.rating,
            opinion=self.opinion,
            recordings=self.recordings,
            called_back=self.called_back,
            passes=over(self.passes, self.ended or self.arrived),
            speech=self.speech,
        )
