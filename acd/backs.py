"""A call-back: somebody whom the hotline owes a call, and the table of what may become of that.

It begins when a waiting caller asks for it by key, or when a call is missed; it ends when the two talk and part, when
it is no longer owed (the caller rang again and was served, or nobody could be reached in so many tries), or when it
is too old.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from acd.messages import CallId, CallRecord, Millis
from acd.setup import CallBackSetup
from dialplans.hours import local
from ivr.flow import Enqueue

if TYPE_CHECKING:
    from acd.calls import Call

DAY = 86_400_000
MINUTE = 60_000


class Stage(StrEnum):
    """How far a call-back is."""

    AGREED = "agreed"
    """the caller asked for it and still hears the thanks"""
    LISTED = "listed"
    """nobody does anything for it: it waits for its time, its hours or, a missed call, for seats that have nothing else to do"""
    PLACED = "placed"
    """stands among the waiting, at the place that the caller had"""
    RINGING = "ringing"
    """a seat's phone is rung for it"""
    DIALLING = "dialling"
    """the seat is on the line, the caller's phone is rung"""
    TALKING = "talking"
    OVER = "over"


S = Stage

MOVES: dict[Stage, dict[str, Stage]] = {
    S.AGREED: {"caller gone": S.LISTED, "forgotten": S.OVER},
    S.LISTED: {"time": S.PLACED, "served": S.OVER, "too old": S.OVER, "barred": S.OVER},
    S.PLACED: {"seat rung": S.RINGING, "not now": S.LISTED, "served": S.OVER, "too old": S.OVER},
    S.RINGING: {"seat answered": S.DIALLING, "seat did not": S.PLACED, "not now": S.LISTED, "served": S.OVER},
    S.DIALLING: {"caller answered": S.TALKING, "not reached": S.LISTED, "no more tries": S.OVER, "served": S.OVER},
    S.TALKING: {"ended": S.OVER},
    S.OVER: {},
}  # fmt: skip
"""To which stage a happening leads. Only DIALLING leads to TALKING, and only one seat's answer to DIALLING: never two at once."""


class Back(msgspec.Struct):
    """One call-back. ``back`` is its own id (and that of the seat's channel), ``of`` the call that it answers,
    ``caller`` whom to call.

    ``key``: the number in its one form (`acd.preferences.caller_key`): a number is owed one call-back and no more.
    ``asked``: by key, and so with the place (``order``, ``queued``, ``waits``) that the caller had; otherwise a
    missed call. ``due``: not before; ``expires``: not after. ``record``: that of the call that it answers, to be
    linked once the two have talked.
    """

    back: CallId
    of: CallId
    caller: str
    key: str
    asked: bool
    called: str
    waits: Enqueue
    order: int
    queued: Millis
    since: Millis
    due: Millis
    expires: Millis
    stage: Stage = Stage.LISTED
    line: str | None = None
    line_name: str = ""
    treatment: str | None = None
    tries: int = 0
    record: CallRecord | None = None
    why: tuple[str, ...] = ()

    def go(self, happening: str) -> None:
        """Move as the table says. A move that it doesn't know is a fault of the program's."""
        if happening not in MOVES[self.stage]:
            raise AssertionError(
                f"call-back {self.back}: nothing follows from {happening!r} when {self.stage}"
            )
        self.stage = MOVES[self.stage][happening]

    def in_vain(self, city: str, now: Millis) -> CallRecord:
        """The record of a call-back that was tried in vain, and is on the list as it ends."""
        return CallRecord(
            call=self.back,
            city=city,
            trunk="",
            called=self.called,
            caller=self.caller,
            line=self.line,
            treatment=self.treatment,
            queue=self.waits.queue,
            disposition="not reached",
            arrived=self.queued,
            queued=self.queued,
            ended=now,
            rings=self.tries,
            because=self.why,
            direction="back",
            called_back=self.of,
        )


BACK = "-back"


def back_id(call: CallId) -> CallId:
    """The name of the call-back that answers a call: nothing else is ever named so.

    >>> back_id("1767578400.12")
    '1767578400.12-back'
    """
    return call + BACK


def owe(call: Call, waits: Enqueue, key: str, now: Millis, expires: Millis, *, asked: bool) -> Back:
    """What is owed to this call, from now on: it keeps the call's place in the queue."""
    return Back(
        back=back_id(call.call),
        of=call.call,
        caller=call.caller,
        key=key,
        asked=asked,
        called=call.called,
        waits=waits,
        order=call.order,
        queued=call.queued if call.queued is not None else call.arrived,
        since=now,
        due=now,
        expires=expires,
        line=call.line,
        line_name=call.line_name,
        treatment=call.treatment,
    )


def open_at(setup: CallBackSetup, now: Millis) -> bool:
    """Is it an hour at which people may be called?"""
    moment = local(now)
    return setup.from_minute <= moment.hour * 60 + moment.minute < setup.to_minute


def next_change(setup: CallBackSetup, now: Millis) -> Millis:
    """When the hours begin or end next."""
    moment = local(now)
    minute = moment.hour * 60 + moment.minute
    midnight = now - (minute * MINUTE + moment.second * 1000 + moment.microsecond // 1000)
    ends = [
        midnight + day * DAY + at * MINUTE for day in (0, 1) for at in (setup.from_minute, setup.to_minute)
    ]
    return min(at for at in ends if at > now)


def is_back(call: CallId) -> bool:
    """Is this the name of a call-back?"""
    return call.endswith(BACK)
