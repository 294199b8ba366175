"""What messages are made of: names, instants, and the form that all of them share."""

from __future__ import annotations

import msgspec

CallId = str
AgentId = str
SeatId = str
Millis = int
"""instants: ms since 1970-01-01T00:00Z; durations: ms"""


class Message(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    """One fact or one order: immutable, compared by value, tagged with its class's name in JSON."""
