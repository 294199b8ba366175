"""A supervisor on somebody else's call: how far it is, and the moves that are legal."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from acd.messages import AgentId, CallId, Millis, SeatId


class WatchState(StrEnum):
    """How far a supervision is."""

    COMING = "coming"
    """the supervisor's phone is being called, or led to the call"""
    ON = "on"
    """the supervisor hears"""
    TAKING = "taking"
    """take over: the supervisor is on the way into the call's room; nothing has changed for the caller"""
    ENDING = "ending"
    """hung up by us; the switch has not said yet that it is gone"""
    OVER = "over"


W = WatchState

WATCH_MOVES: dict[WatchState, frozenset[WatchState]] = {
    W.COMING: frozenset({W.ON, W.ENDING, W.OVER}),
    W.ON: frozenset({W.COMING, W.TAKING, W.ENDING, W.OVER}),
    W.TAKING: frozenset({W.ENDING, W.OVER}),
    W.ENDING: frozenset({W.OVER}),
    W.OVER: frozenset(),
}
"""A take-over begins at TAKING, or goes on there from listening, and is OVER when the supervisor is the seat of the call; all else
begins at COMING. From ON back to COMING: from listening to whispering, and the like."""


class Watch(msgspec.Struct):
    """A supervisor (``by``, at ``phone``) on the call of an agent at a seat. ``channel``: the supervisor's, which names the watch.

    ``until``: when the engine stops waiting for the switch's word of it; ``None``: nothing is due.
    """

    channel: str
    by: AgentId
    phone: SeatId
    how: str
    call: CallId
    agent: AgentId
    seat: SeatId
    since: Millis
    stage: WatchState
    until: Millis | None = None
    in_room: bool = False
    """led into the call's room, and not onto the seat's channel: to barge in where a third party takes part, or to take over"""

    def move(self, state: WatchState) -> None:
        """Go to ``state``. A move that the table doesn't know is a fault of the program's."""
        if state not in WATCH_MOVES[self.stage]:
            raise AssertionError(f"watch {self.channel}: no move from {self.stage} to {state}")
        self.stage = state
