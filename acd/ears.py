"""An ear at a seat: a talk that is written down as it goes."""

from __future__ import annotations

import msgspec

from acd.ids import AgentId, CallId, SeatId


class Ear(msgspec.Struct, frozen=True):
    """Whose talk with a caller is written down: the agent's, at that seat.

    ``channel``: the seat's where it has come to the call by a transfer; ``None``: the one that was rung for it.
    """

    call: CallId
    agent: AgentId
    seat: SeatId
    channel: str | None = None
