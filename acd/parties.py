"""A caller, a seat and a third party: where each of them is, where each is to be, and the table of a transfer's moves.

A transfer is at a *stage*. ``LAYOUT`` says where the three belong at each stage, ``MOVES`` to which stage a
happening or a wish leads. What stands in neither table can't happen: a wish is refused in words, a fact is passed
over.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from acd.messages import AgentId, Millis, SeatId, TransferRecord
from ivr.flow import Enqueue


class Place(StrEnum):
    """Where a party is, or is to be."""

    NOWHERE = "nowhere"
    """not called yet"""
    BRIDGED = "bridged"
    """caller and seat in the plain bridge of a call"""
    ROOM = "room"
    """in the call's room: hears, and is heard by, whoever is there"""
    HELD = "held"
    """outside, in the engine's hands: hears music, or what it is told"""
    CALLED = "called"
    """a third party's phone is being rung"""
    GONE = "gone"
    """hung up"""


class How(StrEnum):
    """How a seat brings somebody in."""

    BLIND = "blind"
    CONSULT = "consult"
    THREE_WAY = "three-way"


class Stage(StrEnum):
    """How far a transfer is."""

    ASKING = "asking"
    """consult: the third party is rung, the seat hears the ringing, the caller music"""
    INVITING = "inviting"
    """three-way: the third party is rung, caller and seat go on talking"""
    SENDING = "sending"
    """the seat has left, the third party is rung for the caller"""
    CONSULTING = "consulting"
    """seat and third party talk, the caller hears music"""
    TOGGLED = "toggled"
    """seat and caller talk, the third party hears music"""
    TOGETHER = "together"
    """all three talk"""
    HANDED_OVER = "handed over"
    """caller and third party talk, the seat has left"""
    TELLING = "telling"
    """the third party did not come: the seat is told why, the caller hears music for those two seconds"""
    BACK = "back"
    """caller and seat talk as before"""
    ALERTING = "alerting"
    """the caller is gone, an emergency centre is still rung for the seat"""
    ASIDE = "aside"
    """the caller is gone, seat and third party finish"""
    REQUEUED = "requeued"
    """the caller goes to the seats, at the place that the arrival gave"""
    PARTED = "parted"
    """the seat hung up last: the caller is asked about the service, or let go"""
    OVER = "over"


S, P = Stage, Place
PARTIES = ("caller", "seat", "third")

LAYOUT: dict[Stage, tuple[Place, Place, Place]] = {
    S.ASKING: (P.HELD, P.ROOM, P.CALLED),
    S.INVITING: (P.ROOM, P.ROOM, P.CALLED),
    S.SENDING: (P.HELD, P.GONE, P.CALLED),
    S.CONSULTING: (P.HELD, P.ROOM, P.ROOM),
    S.TOGGLED: (P.ROOM, P.ROOM, P.HELD),
    S.TOGETHER: (P.ROOM, P.ROOM, P.ROOM),
    S.HANDED_OVER: (P.ROOM, P.GONE, P.ROOM),
    S.TELLING: (P.HELD, P.HELD, P.GONE),
    S.BACK: (P.ROOM, P.ROOM, P.GONE),
    S.ALERTING: (P.GONE, P.ROOM, P.CALLED),
    S.ASIDE: (P.GONE, P.ROOM, P.ROOM),
    S.REQUEUED: (P.HELD, P.GONE, P.GONE),
    S.PARTED: (P.HELD, P.GONE, P.GONE),
    S.OVER: (P.GONE, P.GONE, P.GONE),
}
"""Where caller, seat and third party belong at each stage."""

_SEAT_LEAVES = {"seat gone": S.HANDED_OVER, "complete": S.HANDED_OVER}
_BEGINS = {"ask": S.ASKING, "invite": S.INVITING, "send": S.SENDING, "send to seats": S.REQUEUED}
_THIRD_LEAVES = {"third gone": S.BACK, "give back": S.BACK}

MOVES: dict[Stage, dict[str, Stage]] = {
    S.ASKING: {
        "third answered": S.CONSULTING,
        "third gone": S.TELLING,
        "seat gone": S.SENDING,
        "caller gone": S.OVER,
        "caller gone, emergency": S.ALERTING,
        "complete": S.SENDING,
        "together": S.INVITING,
        "give back": S.BACK,
    },
    S.INVITING: {
        "third answered": S.TOGETHER,
        "third gone": S.TELLING,
        "seat gone": S.SENDING,
        "caller gone": S.OVER,
        "caller gone, emergency": S.ALERTING,
        "complete": S.SENDING,
        "give back": S.BACK,
    },
    S.SENDING: {
        "third answered": S.HANDED_OVER,
        "third gone": S.REQUEUED,
        "caller gone": S.OVER,
    },
    S.CONSULTING: {
        **_SEAT_LEAVES,
        **_THIRD_LEAVES,
        "caller gone": S.ASIDE,
        "toggle": S.TOGGLED,
        "together": S.TOGETHER,
    },
    S.TOGGLED: {
        **_SEAT_LEAVES,
        **_THIRD_LEAVES,
        "caller gone": S.ASIDE,
        "toggle": S.CONSULTING,
        "together": S.TOGETHER,
    },
    S.TOGETHER: {**_SEAT_LEAVES, **_THIRD_LEAVES, "caller gone": S.ASIDE, "toggle": S.CONSULTING},
    S.HANDED_OVER: {"third gone": S.OVER, "caller gone": S.OVER},
    S.TELLING: {"seat told": S.BACK, "give back": S.BACK, "seat gone": S.REQUEUED, "caller gone": S.OVER},
    S.BACK: {**_BEGINS, "seat gone": S.PARTED, "caller gone": S.OVER},
    S.ALERTING: {"third answered": S.ASIDE, "third gone": S.OVER, "seat gone": S.OVER},
    S.ASIDE: {"third gone": S.OVER, "seat gone": S.OVER},
    S.REQUEUED: {"caller gone": S.OVER},
    S.PARTED: {"caller gone": S.OVER},
    S.OVER: {},
}  # fmt: skip
"""To which stage a happening, or a wish of the seat's, leads."""

WISHES = frozenset({"toggle", "complete", "together", "give back"})
"""what a seat may wish for while a transfer is on"""


class Leg(msgspec.Struct):
    """One party's channel. ``until``: an order is under way, and what comes of it is due by then. ``holds``: its phone has put the
    call on hold, and sends nothing."""

    place: Place
    until: Millis | None = None
    holds: bool = False


class Way(msgspec.Struct, frozen=True):
    """One way to the third party: a number over a trunk, or a seat with whoever is signed on there."""

    number: str
    trunk: str | None = None
    seat: SeatId | None = None
    agent: AgentId | None = None


class Transfer(msgspec.Struct):
    """A call's third party, from the wish to the end. ``ways`` are tried in turn, ``way`` is the one that is on.

    ``channel``: the third party's channel, named by us, ``None`` while none is called; ``seat_channel``: the
    seat's, when it was a third party itself before.
    ``to_queue``: where a caller who is sent to other seats waits; ``None``: where the call waited before.
    """

    how: How
    to: str
    by: AgentId
    asked: Millis
    stage: Stage
    caller: Leg
    seat: Leg
    third: Leg
    ways: tuple[Way, ...] = ()
    way: Way | None = None
    channel: str | None = None
    seat_channel: str | None = None
    emergency: bool = False
    ring_ms: Millis = 20_000
    words: str | None = None
    to_queue: Enqueue | None = None
    answered: Millis | None = None
    handed_over: Millis | None = None
    together: bool = False
    outcome: str | None = None
    """known before the end: why the third party did not come"""
    recorded: bool = False

    def leg(self, name: str) -> Leg:
        """The party of this name."""
        return {"caller": self.caller, "seat": self.seat, "third": self.third}[name]

    def wanted(self) -> dict[str, Place]:
        """Where each party belongs now: as the stage lays it out, but for who would hear nothing in the room.

        A phone that holds sends nothing, and a room plays nothing in its place. So a caller or a third party with whom nobody
        is but one who holds is led out, and hears music there. The seat stays: it could not key anything outside.
        """
        wants = dict(zip(PARTIES, LAYOUT[self.stage], strict=True))
        heard = {name for name, want in wants.items() if want is Place.ROOM and not self.leg(name).holds}
        for name in ("caller", "third"):
            others = {other for other, want in wants.items() if want is Place.ROOM and other != name}
            if wants[name] is Place.ROOM and others and not others & heard:
                wants[name] = Place.HELD
        return wants

    def record(self, ended: Millis) -> TransferRecord:
        """What remains of it."""
        way = self.way
        return TransferRecord(
            how=self.how,
            to=self.to,
            by=self.by,
            asked=self.asked,
            number=way.number if way else None,
            trunk=way.trunk if way else None,
            seat=way.seat if way else None,
            agent=way.agent if way else None,
            answered=self.answered,
            handed_over=self.handed_over,
            ended=ended,
            outcome=self.outcome or self._outcome(),
        )

    def _outcome(self) -> str:
        if self.handed_over is not None:
            return "handed over"
        if self.answered is not None:
            return "joined" if self.together else "consulted"
        return "queued" if self.stage is Stage.REQUEUED else "hung up"
