"""Supervisors' phones on the wire: the codes they dial, and their way to the call that they hear, or take over.

A phone that dialled a code is in a FastAGI session and is led on by its variables; one that hears a call already is led by
Redirect; any other is called. A channel's name is its unique id.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping
from typing import Any

from acd.messages import (
    EndSupervision,
    Event,
    LeadIn,
    SeatChanged,
    SeatDisengaged,
    SeatEngaged,
    Spy,
    SuperviseAsked,
    SupervisionBegan,
    SupervisionEnded,
)
from dialplans.supervise import SPY_OPTIONS
from hotline.legs import Legs, Party
from hotline.lines import Line
from hotline.logs import logger
from ivr.live import AgiSession
from trunks.live import ActionRefused, Fields, SwitchFault, SwitchLink

CODES = {
    "31": "listen",
    "32": "whisper",
    "33": "barge",
    "34": "take over",
    "35": "break",
    "36": "ready",
    "37": "sign off",
    "38": "why",
}
RING_MS = 20_000
"""how long a supervisor's phone is rung for a wish by command"""

Ask = Callable[[AgiSession, str, int], Awaitable[str]]
SupervisionOrder = Spy | LeadIn | SeatChanged | EndSupervision

_log = logger("supervision")


async def read_code(
    session: AgiSession, phone: str, code: str, keyed: list[str], desk: str, ask: Ask
) -> SuperviseAsked:
    """What a supervisor's code asks for; a seat, or a break's reason, that was not dialled with it is asked for."""
    how = CODES[code]
    if how == "why":
        return SuperviseAsked(how, phone=phone, desk=desk)
    seat = keyed[0] if keyed else await ask(session, "ask-seat", 8)
    reason = keyed[1] if len(keyed) > 1 and how == "sign off" else ""
    if how == "break":
        reason = keyed[1] if len(keyed) > 1 else await ask(session, "ask-reason", 1)
    return SuperviseAsked(how, seat, phone=phone, desk=desk, reason=reason)


class Supervisors:
    """The channels of supervisors who are on somebody's call.

    ``lead(desk, variables)`` lets a phone that dialled go on in the dialplan, ``own`` are the
    channels that the engine did not order, by which a seat is engaged.
    """

    def __init__(
        self,
        post: Callable[[Event], None],
        line: Callable[[str], Line | None],
        link: Callable[[], SwitchLink | None],
        spawn: Callable[[Coroutine[Any, Any, None]], None],
        lead: Callable[[str, Mapping[str, str]], bool],
        own: Callable[[], dict[str, str]],
        rooms: Legs,
    ) -> None:
        self.post = post
        self.phones: dict[str, str] = {}
        """the seats of supervisors' channels"""
        self._line = line
        self._link = link
        self._spawn = spawn
        self._lead = lead
        self._own = own
        self._rooms = rooms
        self._made: dict[str, str] = {}
        """channels that are being made, by the action that makes them"""

    # ── what the switch says ─────────────────────────────────────────────────────────────────────────────────

    def arrived(self, channel: str) -> None:
        """ChanSpyStart or ConfbridgeJoin: a supervisor is where the engine wanted."""
        if channel in self.phones:
            self.post(SupervisionBegan(channel))

    def not_made(self, fields: Fields) -> None:
        """OriginateResponse: the supervisor's phone did not answer, or could not be called."""
        channel = self._made.pop(fields.get("ActionID", ""), None)
        if channel is not None and fields.get("Response") == "Failure":
            self.hung_up(channel)

    def hung_up(self, channel: str) -> None:
        """A channel is gone. Whose phone is free by that is told by who keeps the engine's own channels."""
        if self.phones.pop(channel, None) is not None:
            self.post(SupervisionEnded(channel))

    def surveyed(self, watches: Mapping[str, str], applications: Mapping[str, str]) -> None:
        """After a gap. ``watches``: the supervisors' channels that the engine knows, with their seats; ``applications``: what each
        channel of the switch is in."""
        for channel, phone in watches.items():
            if channel in applications:
                self.phones[channel] = phone
                if applications[channel] in {"ChanSpy", "ConfBridge"}:
                    self.post(SupervisionBegan(channel))
            elif channel not in self._made.values():
                self.phones.pop(channel, None)
                self.post(SupervisionEnded(channel))

    # ── what the engine orders ───────────────────────────────────────────────────────────────────────────────

    def carry_out(self, order: SupervisionOrder) -> None:
        """Carry out one order. What comes of it comes back as an event."""
        match order:
            case Spy():
                line = self._line(order.call)
                leg = (
                    order.leg
                    or (line.leg if line is not None else None)
                    or self._rooms.seat_channel(order.call)
                )
                if leg is None:
                    self._refuse(order.channel)
                    return
                self._bring(order, "spy", {"ACD_SPY": leg, "ACD_SPYHOW": SPY_OPTIONS[order.how]})
            case LeadIn():
                self._bring(order, "room", {"ACD_CALL": order.call})
            case SeatChanged():
                self._change_seat(order)
            case EndSupervision():
                self._spawn(self._end(order.channel))

    def _refuse(self, channel: str) -> None:
        """The seat's channel is not known (any more)."""
        self._lead(channel, {})
        self.post(SupervisionEnded(channel))

    def _bring(self, order: Spy | LeadIn, to: str, variables: dict[str, str]) -> None:
        known = order.channel in self.phones
        self.phones[order.channel] = order.phone
        if self._lead(order.channel, {**variables, "ACD_NEXT": to}):
            return
        if known:
            self._spawn(self._redirect(order.channel, to, variables))
        elif order.desk:  # it has hung up meanwhile
            self.hung_up(order.channel)
        else:
            self._own()[order.channel] = order.phone
            self.post(SeatEngaged(order.phone))
            self._spawn(self._call(order, to, variables))

    async def _redirect(self, channel: str, to: str, variables: Mapping[str, str]) -> None:
        link = self._link()
        if link is None:
            return
        try:
            for name, value in variables.items():
                await link.action("Setvar", Channel=channel, Variable=name, Value=value)
            await link.redirect(channel, "hotline-supervise", f"do{to}")
        except ActionRefused:  # "No such channel": its Hangup is on the way
            _log.info("a supervisor is gone", channel=channel)

    async def _call(self, order: Spy | LeadIn, to: str, variables: Mapping[str, str]) -> None:
        link = self._link()
        if link is None:
            self._forget(order.channel)
            return
        try:
            answer = await link.action(
                "Originate",
                Channel=f"PJSIP/{order.phone}",
                ChannelId=order.channel,
                Context="hotline-supervise",
                Exten=f"do{to}",
                Priority=1,
                Timeout=RING_MS,
                CallerID='"12345" <12345>',
                Variable=[f"{name}={value}" for name, value in variables.items()],
                Async=True,
            )
        except SwitchFault as why:
            _log.warning("a supervisor could not be called", phone=order.phone, why=str(why))
            self._forget(order.channel)
            return
        if isinstance(answer, dict):
            self._made[answer["ActionID"]] = order.channel

    def _forget(self, channel: str) -> None:
        self.hung_up(channel)
        if seat := self._own().pop(channel, None):
            self.post(SeatDisengaged(seat))

    def _change_seat(self, order: SeatChanged) -> None:
        self.phones.pop(order.channel, None)
        self._rooms.enter(Party(order.call, "third", order.channel, answered=True))
        if line := self._line(order.call):
            line.leg, line.agent, line.seat = order.channel, order.agent, order.seat
        if seat := self._own().pop(order.channel, None):
            self.post(SeatDisengaged(seat))  # it is the call's now

    async def _end(self, channel: str) -> None:
        link = self._link()
        if link is None:
            return
        try:
            await link.hangup(channel)
        except ActionRefused:  # "No such channel"
            self._forget(channel)


def watched(watches: Collection[Any]) -> dict[str, str]:
    """The channels of the engine's watches, with the seats of their phones."""
    return {watch.channel: watch.phone for watch in watches}
