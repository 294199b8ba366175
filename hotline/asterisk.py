"""Asterisk on one side, events and commands on the other: the only file that knows both.

A waiting caller is held inside a FastAGI session. Every order for him goes down that session; an assignment is a few
variables and the end of the session, upon which the dialplan dials the seat (``docs/architecture.md``). What AMI tells is filtered
to what matters: answered dials, hang-ups, contacts.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Callable, Mapping, Sequence

from acd.messages import (
    AgentAnswered,
    AgentHungUp,
    AgentRangOut,
    Answer,
    CallerHungUp,
    CallOffered,
    CallReturned,
    Command,
    DropSeat,
    Event,
    FetchBack,
    HangUp,
    HoldMusic,
    KeepInStep,
    PassAnswered,
    PassFailed,
    PassOn,
    Play,
    PromptFinished,
    Refuse,
    RingAgent,
    SeatDisengaged,
    SeatEngaged,
    SeatReachable,
    SeatUnreachable,
    Tell,
    WriteRecord,
)
from hotline.desk import Desks
from hotline.lines import Line
from hotline.logs import logger
from ivr.agi import get_variable, run, set_variables, stream_file, wait_for_digit
from ivr.live import AgiSession, SessionOver
from ivr.prompts import sound
from trunks.live import Fields, SwitchFault, SwitchLink

COMMAND_S = 10.0
PROMPT_S = 180.0
HOPS = 5
"""so many Diversion and History-Info headers are read at most"""
FALLBACK = "fallback"
_REACHABLE = frozenset({"Created", "Reachable", "NonQualified", "Updated"})
_UNREACHABLE = frozenset({"Removed", "Unreachable"})

_log = logger("asterisk")


class Asterisk:
    """Turns what the switch says into events for ``post``, and commands into what it understands.

    ``knows`` says whether the engine has a call; ``gap`` is told when a caller fell out of our hands (a session broke, an order was
    refused), so that the switch is surveyed anew.
    """

    def __init__(
        self,
        post: Callable[[Event], None],
        *,
        knows: Callable[[str], bool],
        gap: Callable[[], None],
        proven: Callable[[str, str], bool],
        seats: Callable[[str], bool],
    ) -> None:
        self.post = post
        self.knows = knows
        self.gap = gap
        self.is_seat = seats
        self.link: SwitchLink | None = None
        self.lines: dict[str, Line] = {}
        self.legs: dict[str, Line] = {}
        """lines by the unique id of the seat's leg"""
        self.own: dict[str, str] = {}
        """seats by the unique id of a channel that the engine did not order"""
        self.desks = Desks(post, proven)
        self._tasks: set[asyncio.Task[None]] = set()
        self._members: asyncio.Queue[KeepInStep] = asyncio.Queue()

    # ── what AMI tells ───────────────────────────────────────────────────────────────────────────────────────

    def heard(self, name: str, fields: Fields) -> None:
        """One AMI event, in the order of the wire."""
        if name == "DialEnd":
            self._answered(fields)
        elif name == "Hangup":
            self._hung_up(fields)
        elif name == "ContactStatus":
            self._contact(fields)

    def _answered(self, fields: Fields) -> None:
        if fields.get("DialStatus", "ANSWER") != "ANSWER":
            return
        line = self.lines.get(fields.get("Uniqueid", ""))
        leg = fields.get("DestUniqueid", "")
        if line is not None and line.expects == "seat":
            line.leg = leg
            self.legs[leg] = line
            self.post(AgentAnswered(line.call, line.agent))
        elif line is not None and line.expects == "pass":
            self.post(PassAnswered(line.call))
        elif seat := self.seat_of(fields.get("DestChannel", "")):
            self.own[leg] = seat
            self.post(SeatEngaged(seat))
            if line is not None:  # the fallback found a seat before we fetched the caller back
                self.gap()

    def _hung_up(self, fields: Fields) -> None:
        channel = fields.get("Uniqueid", "")
        if line := self.lines.pop(channel, None):
            line.session = None
            line.wake()
            self.post(CallerHungUp(channel, _cause(fields)))
        elif line := self.legs.pop(channel, None):
            if line.leg == channel:
                line.leg = None
                self.post(AgentHungUp(line.call, line.agent))
        elif seat := self.own.pop(channel, None):
            self.post(SeatDisengaged(seat))

    def _contact(self, fields: Fields) -> None:
        seat, status = fields.get("AOR", ""), fields.get("ContactStatus", "")
        if not self.is_seat(seat):
            if status in _UNREACHABLE:
                _log.warning("trunk does not answer", trunk=seat, status=status)
            elif status in _REACHABLE:
                _log.info("trunk answers", trunk=seat, status=status)
        elif status in _REACHABLE:
            self.post(SeatReachable(seat))
        elif status in _UNREACHABLE:
            self.post(SeatUnreachable(seat))

    def seat_of(self, channel: str) -> str | None:
        """The seat whose phone a channel's name tells of (``PJSIP/8001-0000002a``)."""
        name = channel.removeprefix("PJSIP/").rpartition("-")[0]
        return name if name and self.is_seat(name) else None

    # ── FastAGI sessions ─────────────────────────────────────────────────────────────────────────────────────

    async def session(self, session: AgiSession) -> None:
        """One FastAGI session, from its opening to its end."""
        call, path = session.env["agi_uniqueid"], session.path
        if path == "desk":
            seat = session.args[0] if session.args else ""
            self.own[call] = seat
            self.post(SeatEngaged(seat))
            await self.desks.serve(session, call)
            return
        line = self.lines.get(call)
        if line is None:
            line = self.lines[call] = Line(call, session.env.get("agi_channel", ""))
        line.session, line.expects, line.music = session, None, False
        line.orders.clear()  # orders that found no session are void: this fact makes the engine decide anew
        await self._tell_arrival(line, session)
        while orders := await line.take(session):
            await self._carry(line, session, orders)

    async def _tell_arrival(self, line: Line, session: AgiSession) -> None:
        path, args = session.path, session.args
        if path == "enter":
            self.post(CallOffered(line.call, *await self._offer(session)))
        elif not self.knows(line.call) or path == "resume":
            self.post(CallReturned(line.call, *await self._offer(session)))
        elif path == "again":
            self.post(AgentRangOut(line.call, line.agent, _why(args)))
        elif path == "passed":
            self.post(PassFailed(line.call, _why(args)))
        else:
            _log.error("unknown FastAGI path", path=path, call=line.call)
            session.close()

    async def _offer(self, session: AgiSession) -> tuple[str, str, str, str, tuple[str, ...]]:
        """Trunk, called number, caller's number and name, raw headers of diversion."""
        env = session.env
        entering = session.path == "enter"
        called = env.get("agi_extension", "") if entering else env.get("agi_dnid", "")
        trunk = session.args[0] if entering and session.args else env.get("agi_channel", "")
        diverted: list[str] = []
        for place, name in ((1, "Diversion"), (2, "History-Info")):
            first = _unpack(session.args[place]) if entering and len(session.args) > place else None
            if first is None or first:
                diverted += await self._headers(session, name, first)
        if not entering:
            trunk = trunk.removeprefix("PJSIP/").rpartition("-")[0]
        caller, name = _known(env.get("agi_callerid", "")), _known(env.get("agi_calleridname", ""))
        return trunk, called, caller, name, tuple(diverted)

    async def _headers(self, session: AgiSession, name: str, first: str | None) -> list[str]:
        """Every header of this name; the first is known already when the dialplan sent it along."""
        values = [] if first is None else [first]
        while len(values) < HOPS:
            read = f"${{PJSIP_HEADER(read,{name},{len(values) + 1})}}"
            (reply,) = await session.execute(get_variable(read), within=COMMAND_S)
            if not reply.data:
                break
            values.append(reply.data)
        return [f"{name}: {value}" for value in values]

    def gone(self, session: AgiSession) -> None:
        """A session's connection is gone. Unless we ended it or the caller hung up, the caller is in the fallback now."""
        line = self.lines.get(session.env.get("agi_uniqueid", ""))
        if line is not None and line.session is session:
            line.session = None
            line.wake()
            if not session.hung_up.is_set() and line.expects is None:
                _log.warning("a caller's session broke", call=line.call)
                self.gap()

    # ── what the engine orders ───────────────────────────────────────────────────────────────────────────────

    def carry_out(self, command: Command) -> None:
        """Carry out one order. Returns at once; what comes of it comes back as an event."""
        match command:
            case Tell():
                self.desks.tell(command)
            case KeepInStep():
                self._members.put_nowait(command)
            case FetchBack():
                self._spawn(self._fetch_back(command))
            case DropSeat():
                line = self.lines.get(command.call)
                if line is not None and line.leg is not None:
                    self._spawn(self._hang_up(line.leg, 16))
                elif line is not None:
                    self._spawn(self._hang_up(line.channel, 16))
            case WriteRecord():
                raise AssertionError("records are the service's")
            case _:
                self._give(command)

    def _give(self, command: Answer | Play | HoldMusic | RingAgent | PassOn | Refuse | HangUp) -> None:
        line = self.lines.get(command.call)
        if line is None:
            return  # the channel is gone, and its end is on the way to the engine
        if line.session is not None:
            line.give(command)
        elif isinstance(command, HangUp):
            self._spawn(self._hang_up(line.channel, command.cause))

    async def _carry(self, line: Line, session: AgiSession, orders: Sequence[Command]) -> None:
        """Carry out a row of orders down the session; raises `SessionOver` when it ends meanwhile."""
        # A seat is free: the dialplan answers and plays the music by itself as it rings the seat, and the caller's place in
        # the queue travels with the other variables. One round trip instead of four.
        at_once = isinstance(orders[-1], RingAgent) and not any(isinstance(order, Play) for order in orders)
        waits: dict[str, str | int] = {}
        for order in orders:
            match order:
                case Answer() if at_once:
                    pass
                case Answer():
                    await session.execute(run("Answer", "0,i"), within=COMMAND_S)
                case Play():
                    await self._play(line, session, order)
                case HoldMusic() if at_once:
                    waits = {"ACD_QUEUE": order.queue}
                case HoldMusic():
                    commands = (*set_variables({"ACD_QUEUE": order.queue}), run("StartMusicOnHold"))
                    line.music = True
                    await session.execute(*commands, within=COMMAND_S)
                case RingAgent():
                    line.agent, line.seat = order.agent, order.seat
                    await self._leave(
                        line,
                        session,
                        "seat",
                        {
                            **waits,
                            "ACD_SEAT": order.seat,
                            "ACD_AGENT": order.agent,
                            "ACD_RING": max(order.ring_ms // 1000, 1),
                            "ACD_AUTO": int(order.auto_answer),
                            "ACD_LINE": order.line,
                        },
                    )
                case PassOn():
                    ring = max(order.ring_ms // 1000, 1)
                    variables: dict[str, str | int] = {
                        "ACD_TRUNK": order.trunk,
                        "ACD_NUMBER": order.number,
                        "ACD_RING": ring,
                    }
                    await self._leave(line, session, "pass", variables)
                case Refuse():
                    await self._leave(line, session, "refuse", {"ACD_CAUSE": order.cause})
                case HangUp():
                    await self._leave(line, session, "hangup", {"ACD_CAUSE": order.cause})

    async def _leave(
        self, line: Line, session: AgiSession, to: str, variables: Mapping[str, str | int]
    ) -> None:
        """Set the variables, close the session: the dialplan acts on them."""
        # before the first command: an answer must not come before we know what it answers
        line.expects = "seat" if to == "seat" else "pass"
        try:
            await session.execute(*set_variables({**variables, "ACD_NEXT": to}), within=COMMAND_S)
        except SessionOver:
            line.expects = None
            if not session.hung_up.is_set():
                self.gap()
            raise
        line.session = None
        session.close()

    async def _play(self, line: Line, session: AgiSession, order: Play) -> None:
        if line.music:
            await session.execute(run("StopMusicOnHold"), within=COMMAND_S)
            line.music = False
        key = None
        if order.keys:
            for prompt in order.prompts:
                (reply,) = await session.execute(stream_file(sound(prompt), order.keys), within=PROMPT_S)
                if key := reply.key:
                    break
            if key is None and order.wait_ms:
                wait = wait_for_digit(order.wait_ms)
                (reply,) = await session.execute(wait, within=order.wait_ms / 1000 + COMMAND_S)
                key = reply.key
        elif order.prompts:
            files = "&".join(map(sound, order.prompts))
            await session.execute(run("Playback", files), within=PROMPT_S)
        self.post(PromptFinished(order.call, key))

    # ── actions ──────────────────────────────────────────────────────────────────────────────────────────────

    async def keep_members(self) -> None:
        """Carry the fallback queue's members out, one after the other, until cancelled."""
        while True:
            order = await self._members.get()
            if self.link is None or not self.link.up:
                continue  # the survey puts the queue right
            interface = f"PJSIP/{order.seat}"
            try:
                if order.member:
                    await self.link.queue_add(FALLBACK, interface)
                else:
                    await self.link.queue_remove(FALLBACK, interface)
            except SwitchFault as why:
                _log.info("fallback queue", seat=order.seat, member=order.member, why=str(why))

    async def _fetch_back(self, order: FetchBack) -> None:
        line = self.lines.get(order.call)
        if line is not None and self.link is not None:
            await self.link.redirect(line.channel, "hotline-resume")

    async def carried_out(self) -> None:
        """Wait for the actions that are under way."""
        await asyncio.gather(*self._tasks)

    async def _hang_up(self, channel: str, cause: int) -> None:
        if self.link is not None:
            await self.link.hangup(channel, cause)

    def _spawn(self, work: object) -> None:
        async def guarded() -> None:
            try:
                await work  # type: ignore[misc]
            except SwitchFault as why:
                _log.warning("the switch did not do it", why=str(why))
                self.gap()

        task = asyncio.get_running_loop().create_task(guarded())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _cause(fields: Fields) -> int:
    cause = fields.get("Cause", "0")
    return int(cause) if cause.isdecimal() else 0


def _why(args: Sequence[str]) -> str:
    return args[0].lower() if args and args[0] else "noanswer"


def _known(text: str) -> str:
    return "" if text == "unknown" else text


def _unpack(text: str) -> str:
    """The header's value behind base64 and one blank; a carrier's bytes need not be UTF-8."""
    try:
        return base64.b64decode(text, validate=True).decode("utf-8", "replace").strip()
    except (binascii.Error, ValueError):
        return ""
