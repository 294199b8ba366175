"""The legs of calls that have a third party, on the wire: led out of a bridge, into a room, out of it; called, told, hung up.

A caller's channel is a `Line`; here are the seats' and the third parties'. A channel that is in a bridge or a room
is led by AMI Redirect, one that is held in a FastAGI session by its variables: never is a channel redirected whose
session has just ended.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine
from dataclasses import dataclass
from typing import Any

from acd.messages import (
    CallThird,
    DropLeg,
    Event,
    LegAt,
    LegGone,
    LegHeard,
    LegHolds,
    LegSeen,
    MoveLeg,
    Part,
    SayTo,
)
from hotline.calling_back import digits
from hotline.lines import Line
from hotline.logs import logger
from ivr.agi import run, set_variables
from ivr.live import AgiSession, SessionOver
from ivr.prompts import sound
from trunks import handover
from trunks.live import ActionRefused, Fields, SwitchFault, SwitchLink

COMMAND_S = 10.0
PROMPT_S = 30.0
HANGUP_S = 0.3
"""so soon after Asterisk gives a call up it hangs the channel up"""
AGAIN_S = (0.05, 0.2, 1.0, 3.0)
"""when a channel is hung up that the switch is only just making, it is tried again after so long"""

LegOrder = Part | MoveLeg | CallThird | DropLeg | SayTo

_log = logger("legs")

_WHY = {17: "busy", 18: "noanswer", 19: "noanswer", 21: "refused"}
"""Q.850 causes of a third party that did not come"""
_WHY_NOT_MADE = {"1": "noanswer", "3": "noanswer", "5": "busy", "8": "congestion"}
"""AMI's OriginateResponse, ``Reason``: control frames of Asterisk's (hang-up, ringing, busy, congestion)"""


@dataclass(slots=True)
class Party:
    """A seat's or third party's channel. ``exten``: the name by which the dialplan knows it, which it keeps for its life."""

    call: str
    exten: str
    channel: str
    session: AgiSession | None = None
    answered: bool = False


class Legs:
    """The legs beside the callers'. ``line`` finds a call's `Line`, ``whose`` that of a caller's channel; ``spawn`` runs an action
    and looks after its faults."""

    def __init__(
        self,
        post: Callable[[Event], None],
        line: Callable[[str], Line | None],
        link: Callable[[], SwitchLink | None],
        spawn: Callable[[Coroutine[Any, Any, None]], None],
        emergencies: Callable[[], Collection[str]] = tuple,
        whose: Callable[[str], Line | None] | None = None,
    ) -> None:
        self.post = post
        self._emergencies = emergencies
        self.parties: dict[str, Party] = {}
        """by the channel's unique id; entered and taken out by `enter` and `_leave` alone"""
        self._thirds: dict[str, set[str]] = {}
        """the third parties' channels, by the call: it is asked at every hang-up"""
        self._line = line
        self._whose = whose or line
        self._link = link
        self._spawn = spawn
        self._made: dict[str, str] = {}
        """channels that are being made, by the action that makes them"""

    # ── what the switch says ─────────────────────────────────────────────────────────────────────────────────

    def seat_answered(self, call: str, channel: str) -> None:
        """A seat has a call: should it bring somebody in, this is its channel."""
        self.enter(Party(call, "seat", channel, answered=True))

    def enter(self, party: Party) -> None:
        """A seat or a third party takes part from now on."""
        self._leave(party.channel)
        self.parties[party.channel] = party
        if party.exten == "third":
            self._thirds.setdefault(party.call, set()).add(party.channel)

    def _leave(self, channel: str) -> Party | None:
        party = self.parties.pop(channel, None)
        if party is not None and party.exten == "third":
            thirds = self._thirds[party.call]
            thirds.discard(channel)
            if not thirds:
                del self._thirds[party.call]
        return party

    def knows(self, channel: str) -> bool:
        """Is it a third party's channel?"""
        party = self.parties.get(channel)
        return party is not None and party.exten == "third"

    def call_of(self, channel: str) -> str | None:
        """The call in which a seat's or third party's channel takes part."""
        party = self.parties.get(channel)
        return party.call if party else None

    def third_of(self, call: str) -> bool:
        """Has the call a third party, rung or talking?"""
        return call in self._thirds

    def joined(self, fields: Fields) -> None:
        """ConfbridgeJoin: somebody is in the room."""
        channel = fields.get("Uniqueid", "")
        party = self.parties.get(channel)
        if party is not None:
            party.answered = True
            self.post(LegAt(party.call, party.exten, "room", _named(party)))
        elif line := self._whose(channel):
            self.post(LegAt(line.call, "caller", "room"))

    def holds(self, channel: str, on: bool) -> None:
        """Hold, Unhold: a phone that takes part in a call."""
        party = self.parties.get(channel)
        if party is not None:
            self.post(LegHolds(party.call, party.exten, on, _named(party)))

    def not_made(self, fields: Fields) -> None:
        """OriginateResponse: the switch could not even call the third party, or nobody took it."""
        channel = self._made.pop(fields.get("ActionID", ""), None)
        if channel is not None and fields.get("Response") == "Failure":
            # A channel that was made is hung up next, and the cause of that says more.
            why = _WHY_NOT_MADE.get(fields.get("Reason", ""), "unreachable")
            asyncio.get_running_loop().call_later(HANGUP_S, self._gone, channel, why)

    def hung_up(self, channel: str, cause: int) -> bool:
        """A channel is gone; true when it was a third party's."""
        party = self.parties.get(channel)
        if party is None or party.exten == "seat":
            self._leave(channel)
            return False
        self._gone(channel, _WHY.get(cause, "noanswer" if cause in {0, 16} else "unreachable"))
        return True

    def _gone(self, channel: str, why: str) -> None:
        party = self._leave(channel)
        if party is not None:
            self.post(LegGone(party.call, party.exten, channel, why))

    def take_over(self, seen: tuple[LegSeen, ...], seats: dict[str, str]) -> None:
        """What the switch has after a gap. ``seats``: the calls of the seats' channels, by unique id."""
        before, self.parties, self._thirds = self.parties, {}, {}
        for channel, call in seats.items():
            self.enter(before.get(channel) or Party(call, "seat", channel, answered=True))
        for leg in seen:
            if leg.leg == "third" and leg.channel is not None:
                known = before.get(leg.channel) or Party(leg.call, "third", leg.channel)
                known.answered = leg.place != "called"
                self.enter(known)

    async def hold(self, session: AgiSession, exten: str) -> None:
        """The session of a seat or a third party that is held, until it is led on."""
        channel = session.env["agi_uniqueid"]
        party = self.parties.get(channel)
        if party is None:
            return  # nobody knows it: the dialplan hangs it up
        party.session = session
        try:
            if exten == "third":
                await session.execute(run("StartMusicOnHold"), within=COMMAND_S)
            self.post(LegAt(party.call, party.exten, "held", _named(party)))
            await session.closed.wait()
        finally:
            if party.session is session:
                party.session = None

    # ── what the engine orders ───────────────────────────────────────────────────────────────────────────────

    def carry_out(self, order: LegOrder) -> None:
        """Carry out one order. What comes of it comes back as an event."""
        match order:
            case Part():
                self._spawn(self._part(order))
            case MoveLeg():
                self._move(order)
            case CallThird():
                self.enter(Party(order.call, "third", order.channel))
                self._spawn(self._call(order))
            case DropLeg():
                # whose it is, is looked up now: by the time the task runs the call may have another seat
                self._spawn(self._drop(order.channel or self.seat_channel(order.call)))
            case SayTo():
                self._spawn(self._say(order))

    def _seat_of(self, call: str) -> Party | None:
        """The seat that the call's line leads to."""
        line = self._line(call)
        if line is not None and line.leg is not None:
            return self.parties.get(line.leg)
        return next((p for p in self.parties.values() if p.call == call and p.exten == "seat"), None)

    def seat_channel(self, call: str) -> str | None:
        """The seat's channel of a call, also when the caller is gone."""
        seat = self._seat_of(call)
        return seat.channel if seat is not None else None

    def _party(self, order: MoveLeg | DropLeg | SayTo) -> Party | None:
        channel = getattr(order, "channel", None)
        if channel is not None:
            return self.parties.get(channel)
        return self._seat_of(order.call)

    async def _part(self, order: Part) -> None:
        line, seat, link = self._line(order.call), self._seat_of(order.call), self._link()
        if line is None or link is None:
            return
        if order.agent is not None and not line.turned:
            return  # whom the seat called is gone: the end of the seat's own channel follows
        line.expects = None
        extra: dict[str, Any] = {}
        if order.agent is not None:
            # so that the switch's own list of channels tells who is who, and the next seat's phone whom it talks to
            for name, value in (("ACD_TURNED", "1"), ("CALLERID(num)", digits(order.number))):
                await link.action("Setvar", Channel=line.channel, Variable=name, Value=value)
            if order.seat == "gone" and line.call in self.parties:
                extra = {
                    "ExtraChannel": line.call,
                    "ExtraContext": "hotline-callback",
                    "ExtraExten": "dohangup",
                    "ExtraPriority": 1,
                }
        if seat is not None and order.seat != "gone":
            extra = {
                "ExtraChannel": seat.channel,
                "ExtraContext": f"hotline-{order.seat}",
                "ExtraExten": "seat",
                "ExtraPriority": 1,
            }
        await link.action(
            "Redirect",
            Channel=line.channel,
            Context=f"hotline-{order.caller}",
            Exten="caller",
            Priority=1,
            **extra,
        )

    def _move(self, order: MoveLeg) -> None:
        if order.leg == "caller":
            line = self._line(order.call)
            if line is None:
                return
            if order.place == "room":
                line.give(order)
            else:
                self._spawn(self._redirect(line.channel, order.place, "caller"))
            return
        party = self._party(order)
        if party is None:
            return
        if order.place == "held":
            self._spawn(self._redirect(party.channel, "held", party.exten))
        elif party.session is not None:
            self._spawn(self._let_in(party, party.session))

    async def _redirect(self, channel: str, place: str, exten: str) -> None:
        link = self._link()
        if link is not None:
            await link.redirect(channel, f"hotline-{place}", exten)

    async def _let_in(self, party: Party, session: AgiSession) -> None:
        try:
            await session.execute(
                run("StopMusicOnHold"), *set_variables({"ACD_NEXT": "room"}), within=COMMAND_S
            )
        except SessionOver:
            return  # hung up: AMI tells of it
        session.close()

    async def _call(self, order: CallThird) -> None:
        link = self._link()
        if link is None:
            return
        caller = "anonymous" if await self._hidden(order, link) else _plain(order.caller) or "anonymous"
        where = f"PJSIP/{order.seat}" if order.seat is not None else f"PJSIP/{order.number}@{order.trunk}"
        given = [(f"PJSIP_HEADER(add,{name})", value) for name, value in _headers(order)]
        given.append(("__ACD_CALL", order.call))
        try:
            answer = await link.action(
                "Originate",
                Channel=where,
                ChannelId=order.channel,
                Context="hotline-room",
                Exten="third",
                Priority=1,
                Timeout=order.ring_ms,
                CallerID=f'"{_plain(order.line)}" <{caller}>',
                Variable=[f"{name}={value}" for name, value in given],
                Async=True,
            )
        except SwitchFault as why:
            _log.warning("a third party could not be called", call=order.call, why=str(why))
            self._gone(order.channel, "unreachable")
            raise
        if isinstance(answer, dict) and order.channel in self.parties:
            self._made[answer["ActionID"]] = order.channel

    async def _hidden(self, order: CallThird, link: SwitchLink) -> bool:
        """Has the caller withheld the number, from this third party too? An emergency centre sees it always, and what a
        link takes along names it. The switch is asked: the engine goes by the number whether it is shown or not."""
        line = self._line(order.call)
        emergency = order.number.endswith(tuple(self._emergencies()))
        if line is None or emergency or (order.handover is not None and order.handover.caller):
            return False
        try:
            told = await link.action("Getvar", Channel=line.channel, Variable="CALLERID(num-pres)")
        except ActionRefused:  # the caller has just hung up
            return True
        return isinstance(told, dict) and told.get("Value", "").startswith("prohib")

    async def _drop(self, channel: str | None) -> None:
        link = self._link()
        if channel is None or link is None:
            return
        for wait in AGAIN_S:
            party = self.parties.get(channel)
            if party is None:
                return
            try:
                await link.hangup(channel)
            except ActionRefused:  # "No such channel": gone already, or not yet there
                if party.answered:
                    return
            else:
                return
            await asyncio.sleep(wait)

    async def _say(self, order: SayTo) -> None:
        party = self._party(order)
        if party is None or party.session is None:
            return
        try:
            await party.session.execute(run("Playback", "&".join(map(sound, order.prompts))), within=PROMPT_S)
        except SessionOver:
            return
        self.post(LegHeard(order.call, order.leg))


def _named(party: Party) -> str | None:
    return party.channel if party.exten == "third" else None


def _headers(order: CallThird) -> list[tuple[str, str]]:
    told = handover.headers(order.handover) if order.handover is not None else []
    if order.auto_answer:
        told += [
            ("Alert-Info", "<http://127.0.0.1>;info=alert-autoanswer;delay=0"),
            ("Call-Info", "<sip:127.0.0.1>;answer-after=0"),
        ]
    return told


def _plain(text: str) -> str:
    """Nothing that would end the text early in a header of AMI's."""
    return "".join(letter for letter in text if letter.isprintable() and letter not in '"<>\\,')
