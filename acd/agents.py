"""An agent at a seat: what the person chose (presence) apart from what the work imposes (activity)."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from acd.messages import AgentId, CallId, Millis, SeatId


class Presence(StrEnum):
    """Chosen by the person."""

    READY = "ready"
    ON_BREAK = "on break"


class Activity(StrEnum):
    """Imposed by the work."""

    IDLE = "idle"
    RINGING = "ringing"
    TALKING = "talking"
    WRAP_UP = "wrap-up"
    RESTING = "resting"
    """calls rang out at the seat: it is offered none for a while"""
    DIALLING = "dialling"
    """the person dialled a number and hears it ring, or hears why not"""
    ENGAGED = "engaged"
    """the phone is busy with a call that the engine did not order"""


A = Activity

ACTIVITY_MOVES: dict[Activity, frozenset[Activity]] = {
    A.IDLE: frozenset({A.RINGING, A.TALKING, A.DIALLING, A.ENGAGED}),
    A.RINGING: frozenset({A.IDLE, A.TALKING, A.DIALLING, A.RESTING}),
    A.TALKING: frozenset({A.WRAP_UP}),
    A.WRAP_UP: frozenset({A.IDLE, A.TALKING, A.DIALLING, A.ENGAGED}),
    A.RESTING: frozenset({A.IDLE, A.TALKING, A.DIALLING, A.ENGAGED}),
    A.DIALLING: frozenset({A.IDLE, A.TALKING, A.WRAP_UP}),
    A.ENGAGED: frozenset({A.IDLE, A.TALKING, A.DIALLING}),
}
"""An agent's legal moves. Those to TALKING from elsewhere than RINGING: the switch's fallback gave the call."""


ON_A_CALL = frozenset({A.RINGING, A.TALKING, A.DIALLING})
"""a conversation is on, or is about to be"""


class BreakBook(msgspec.Struct):
    """What an agent has had of breaks in the shift: ms by reason. ``left``: signed off since, ``None``: at work."""

    used: dict[str, Millis]
    left: Millis | None = None


class Leaving(msgspec.Struct, frozen=True):
    """The agent is to be signed off as soon as it can be. ``by``: who wants it, an agent's number, ``shift`` or ``self``.

    ``after_call``: the call and its wrap-up are finished first, otherwise the call is taken away.
    """

    by: str
    after_call: bool


class Agent(msgspec.Struct):
    """A person who is signed on at a seat. ``since``: idle since; ``until``: when the wrap-up or the rest ends."""

    agent: AgentId
    seat: SeatId
    since: Millis
    presence: Presence = Presence.READY
    break_reason: str | None = None
    activity: Activity = Activity.IDLE
    reachable: bool = False
    call: CallId | None = None
    until: Millis | None = None
    rang_out: int = 0
    last_caller: str | None = None
    """who was answered last: whom a supervisor may want to bar"""
    offered: bool = False
    """stands among the idle of the router"""
    rest_told: bool = False
    """supervisors have been told of the rest that is on"""
    extended: int = 0
    """how many times this wrap-up has been made longer"""
    break_since: Millis | None = None
    """when the break began; ``None``: none is on, or it begins after the call"""
    break_until: Millis | None = None
    """when the break has lasted as long as its reason allows"""
    overran: bool = False
    """the break has lasted longer, and supervisors have been told"""
    break_asked: str | None = None
    """the break for which the agent waits, since too many have theirs"""
    asked_at: Millis = 0
    shift_ends: Millis | None = None
    leaving: Leaving | None = None

    def move(self, activity: Activity) -> None:
        """Go to ``activity``. A move that the table doesn't know is a fault of the program's."""
        if activity not in ACTIVITY_MOVES[self.activity]:
            raise AssertionError(f"agent {self.agent}: no move from {self.activity} to {activity}")
        self.activity = activity

    @property
    def available(self) -> bool:
        """May be offered a call."""
        ready = self.presence is Presence.READY and self.leaving is None
        return ready and self.activity is Activity.IDLE and self.reachable
