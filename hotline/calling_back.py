"""A call-back on the wire: the seat's phone is called into ``hotline-callback``, where a FastAGI session asks what to dial.

From then on its channel is a `Line` like a caller's, with the call-back's own name: the seat is at this end, the
person called at the other.
"""

from __future__ import annotations

from collections.abc import Callable

from acd.messages import AgentRangOut, DropBack, Event, RingForCallBack
from hotline.lines import Line
from trunks.live import Fields, SwitchFault, SwitchLink

CONTEXT = "hotline-callback"
_WHY = {"3": "noanswer", "5": "busy", "8": "congestion"}
"""AMI's OriginateResponse, ``Reason``; whatever else: the phone can't be reached"""
_UNSAFE = str.maketrans(dict.fromkeys('\r\n",<>;\\', " "))


class BacksOnTheWire:
    """Rings seats for call-backs. ``lines``: where the engine's channels are kept."""

    def __init__(
        self, post: Callable[[Event], None], lines: dict[str, Line], link: Callable[[], SwitchLink | None]
    ) -> None:
        self.post = post
        self._lines = lines
        self._link = link
        self._rings: dict[str, RingForCallBack] = {}
        """by the action that makes the channel"""

    async def ring(self, order: RingForCallBack) -> None:
        """Call the seat. Raises `SwitchFault` when the switch does not take the order; the engine has been told then."""
        link = self._link()
        if link is None:
            return  # nothing is known until the switch has been surveyed
        line = self._lines[order.call] = Line(order.call, order.call)
        line.agent, line.seat = order.agent, order.seat
        try:
            action = await link.originate(
                f"PJSIP/{order.seat}",
                CONTEXT,
                ring_ms=order.ring_ms,
                caller_id=f'"{order.line.translate(_UNSAFE)}" <{digits(order.number)}>',
                variables={
                    "__ACD_CALL": order.call,
                    "ACD_SHOWN": digits(order.shown),
                    "ACD_AGENT": order.agent,
                },
                channel_id=order.call,
            )
        except SwitchFault:
            self._gone(order, "chanunavail")
            raise
        self._rings[action] = order

    def answered(self, fields: Fields) -> bool:
        """OriginateResponse: true when it was about a seat of ours. That it picked up is told by its session."""
        order = self._rings.pop(fields.get("ActionID", ""), None)
        if order is not None and fields.get("Response") == "Failure":
            self._gone(order, _WHY.get(fields.get("Reason", ""), "chanunavail"))
        return order is not None

    async def drop(self, order: DropBack) -> None:
        """Hang the seat's channel up, if there is one."""
        link = self._link()
        if link is not None and order.call in self._lines:
            await link.hangup(order.call)

    def _gone(self, order: RingForCallBack, why: str) -> None:
        line = self._lines.get(order.call)
        if line is not None and line.session is None and line.expects is None:
            del self._lines[order.call]
        self.post(AgentRangOut(order.call, order.agent, why))


def digits(number: str) -> str:
    """What of a number may stand in a caller's identity."""
    return "".join(sign for sign in number if sign in "+0123456789*#")
