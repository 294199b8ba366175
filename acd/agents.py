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
    ENGAGED = "engaged"
    """the phone is busy with a call that the engine did not order"""


A = Activity

ACTIVITY_MOVES: dict[Activity, frozenset[Activity]] = {
    A.IDLE: frozenset({A.RINGING, A.TALKING, A.ENGAGED}),
    A.RINGING: frozenset({A.IDLE, A.TALKING, A.RESTING}),
    A.TALKING: frozenset({A.WRAP_UP}),
    A.WRAP_UP: frozenset({A.IDLE, A.TALKING, A.ENGAGED}),
    A.RESTING: frozenset({A.IDLE, A.TALKING, A.ENGAGED}),
    A.ENGAGED: frozenset({A.IDLE, A.TALKING}),
}
"""An agent's legal moves. Those to TALKING from elsewhere than RINGING: the switch's fallback gave the call."""


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
    offered: bool = False
    """stands among the idle of the router"""

    def move(self, activity: Activity) -> None:
        """Go to ``activity``. A move that the table doesn't know is a fault of the program's."""
        if activity not in ACTIVITY_MOVES[self.activity]:
            raise AssertionError(f"agent {self.agent}: no move from {self.activity} to {activity}")
        self.activity = activity

    @property
    def available(self) -> bool:
        """May be offered a call."""
        return self.presence is Presence.READY and self.activity is Activity.IDLE and self.reachable
