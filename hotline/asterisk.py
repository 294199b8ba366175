"""Asterisk on one side, events and commands on the other: the only file that knows both.

A waiting caller is held inside a FastAGI session. Every order for him goes down that session; an assignment is a few
variables and the end of the session, upon which the dialplan dials the seat (``docs/architecture.md``). What AMI tells is filtered
to what matters: answered dials, hang-ups, contacts.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from acd.messages import (
    AgentAnswered,
    AgentHungUp,
    AgentRangOut,
    Announce,
    Answer,
    CallerHungUp,
    CallOffered,
    CallReturned,
    CallThird,
    Command,
    DialOut,
    DropBack,
    DropLeg,
    DropSeat,
    EndSupervision,
    Event,
    FetchBack,
    HangUp,
    HoldMusic,
    KeepInStep,
    LeadIn,
    LegAt,
    MoveLeg,
    OpinionRecorded,
    Part,
    PassAnswered,
    PassFailed,
    PassOn,
    PauseRecording,
    Play,
    PromptFinished,
    RaiseAlarm,
    RecordOpinion,
    Refuse,
    ResumeRecording,
    RingAgent,
    RingForCallBack,
    SayTo,
    SeatChanged,
    SeatDialled,
    SeatDisengaged,
    SeatEngaged,
    SeatLeft,
    SeatReachable,
    SeatUnreachable,
    Spy,
    StartRecording,
    StopRecording,
    Tell,
    TellSupervisors,
    WriteAudit,
    WriteRecord,
)
from hotline.announcing import announce, cut
from hotline.calling_back import BacksOnTheWire
from hotline.desk import Desks
from hotline.feature import Features
from hotline.legs import Legs
from hotline.lines import Line
from hotline.logs import logger
from hotline.opinions import record_opinion
from hotline.supervision import Supervisors
from hotline.tapes import Tapes
from ivr.agi import get_variable, run, set_variable, set_variables, stream_file, wait_for_digit
from ivr.live import AgiSession, SessionOver
from ivr.prompts import sound
from trunks import handover
from trunks.ami import variables as told
from trunks.handover import Handover
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
        links: Callable[[str], bool] = lambda _trunk: False,
        emergencies: Callable[[], Collection[str]] = tuple,
    ) -> None:
        self.post = post
        self.knows = knows
        self.gap = gap
        self.is_seat = seats
        self.is_link = links
        self.link: SwitchLink | None = None
        self.opinions: Path | None = None
        """where callers' open answers are kept"""
        self.lines: dict[str, Line] = {}
        self.legs: dict[str, Line] = {}
        """lines by the unique id of the seat's leg"""
        self.own: dict[str, str] = {}
        """seats by the unique id of a channel that the engine did not order"""
        self.contacts: dict[str, set[str]] = {}
        """the contacts of a seat's phone that answer, as far as they have been heard of"""
        self.desks = Desks(post, proven)
        self.rooms = Legs(post, self.lines.get, lambda: self.link, self._spawn)
        self.supervisors = Supervisors(
            post, self.lines.get, lambda: self.link, self._spawn, self.desks.lead, lambda: self.own, self.rooms
        )
        self.tellers: list[Callable[[Tell], bool]] = [lambda order: self.features.tell(order)]
        """who may be waiting for a word of the engine's, beside the phones that dialled a code"""
        self.features = Features(post, self.rooms.call_of, emergencies)
        self.tapes = Tapes(self.lines.get, lambda: self.link, self._spawn)
        self.backs = BacksOnTheWire(post, self.lines, lambda: self.link)
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
        elif name == "ConfbridgeJoin":
            self.rooms.joined(fields)
            self.supervisors.arrived(fields.get("Uniqueid", ""))
        elif name == "ChanSpyStart":
            self.supervisors.arrived(fields.get("SpyerUniqueid", ""))
        elif name == "OriginateResponse" and self.backs.answered(fields):
            pass
        elif name == "OriginateResponse":
            self.rooms.not_made(fields)
            self.supervisors.not_made(fields)

    def _answered(self, fields: Fields) -> None:
        if fields.get("DialStatus", "ANSWER") != "ANSWER":
            return
        line = self.lines.get(fields.get("Uniqueid", ""))
        leg = fields.get("DestUniqueid", "")
        if leg in self.lines:
            return  # a seat that is called for a call-back: its session tells
        if self.rooms.knows(leg):
            return  # a third party: it comes to the room
        if line is not None and line.expects == "seat":
            line.leg = leg
            self.legs[leg] = line
            self.rooms.seat_answered(line.call, leg)
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
        self.supervisors.hung_up(channel)
        if self.rooms.hung_up(channel, _cause(fields)):
            return
        if line := self.lines.pop(channel, None):
            line.session = None
            line.wake()
            self.post(CallerHungUp(channel, _cause(fields)))
            if seat := self.own.pop(channel, None):  # a survey found it before the engine knew it
                self.post(SeatDisengaged(seat))
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
            return
        # A phone that registers anew, from another port, is first heard of as there, then its old contact as removed.
        there, contact = self.contacts.setdefault(seat, set()), fields.get("URI", "")
        if status in _REACHABLE:
            there.add(contact)
            self.post(SeatReachable(seat))
        elif status in _UNREACHABLE:
            there.discard(contact)
            if not there:
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
        if path == "feature":
            await self.features.serve(session)
            return
        if path == "held" and session.args[:1] != ("caller",):
            await self.rooms.hold(session, *session.args[:1])
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
        elif path == "dial":
            line.out, line.leg, line.seat = True, line.call, args[0] if args else ""
            self.post(SeatDialled(line.call, line.seat, args[1] if len(args) > 1 else ""))
        elif path == "dialled" and self.knows(line.call):
            cause = int(args[1]) if len(args) > 1 and args[1].isdecimal() else 0
            self.post(PassFailed(line.call, _why(args), cause))
        elif path == "dialled":
            await self._leave(line, session, "hangup", {"ACD_CAUSE": 16})
        elif path == "again" and _why(args) == "answer":
            line.served = True
            self.post(SeatLeft(line.call, line.agent))
        elif path == "back" and self.knows(line.call) and line.agent:
            self.post(AgentAnswered(line.call, line.agent))
        elif path == "back":
            session.close()  # nobody knows of it (any more): the dialplan hangs up
        elif not self.knows(line.call) or path == "resume":
            self.post(CallReturned(line.call, *await self._offer(session)))
        elif path == "held":
            line.music = True
            await session.execute(run("StartMusicOnHold"), within=COMMAND_S)
            self.post(LegAt(line.call, "caller", "held"))
        elif path == "again":
            self.post(AgentRangOut(line.call, line.agent, _why(args)))
        elif path == "passed":
            self.post(PassFailed(line.call, _why(args)))
        else:
            _log.error("unknown FastAGI path", path=path, call=line.call)
            session.close()

    async def _offer(
        self, session: AgiSession
    ) -> tuple[str, str, str, str, tuple[str, ...], str, str, str]:
        """Trunk, called number, caller's number and name, raw headers of diversion, and what another centre tells: line,
        case, note."""
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
        told = await self._handed_over(session) if self.is_link(trunk) else Handover()
        if told.caller not in {"", caller}:  # the centre calls from a number of its own; the seat shall see the caller's
            caller = told.caller
            await session.execute(set_variable("CALLERID(num)", caller), within=COMMAND_S)
        return trunk, called, caller, name, tuple(diverted), told.line, told.reference, told.note

    async def _handed_over(self, session: AgiSession) -> Handover:
        """What the centre tells that hands this call over, in one round trip: base64 of each header and one blank."""
        asked = ".".join(f"${{BASE64_ENCODE(${{PJSIP_HEADER(read,{name})}} )}}" for name in handover.NAMES)
        (reply,) = await session.execute(get_variable(asked), within=COMMAND_S)
        values = map(_unpack, (reply.data or "").split("."))
        return handover.read(dict(zip(handover.NAMES, values, strict=False)))

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
                if not any(tell(command) for tell in self.tellers):
                    self.desks.tell(command)
            case Part() | CallThird() | DropLeg() | SayTo() | MoveLeg():
                self.rooms.carry_out(command)
            case Spy() | LeadIn() | SeatChanged() | EndSupervision():
                self.supervisors.carry_out(command)
            case StartRecording() | StopRecording() | PauseRecording() | ResumeRecording():
                self.tapes.carry_out(command)
            case RingForCallBack():
                self._spawn(self.backs.ring(command))
            case DropBack():
                self._spawn(self.backs.drop(command))
            case KeepInStep():
                self._members.put_nowait(command)
            case FetchBack():
                self._spawn(self._fetch_back(command))
            case DropSeat():
                line = self.lines.get(command.call)
                if line is not None and line.leg is not None:
                    self._spawn(self._hang_up(line.leg, 16))
                elif line is not None:
                    self._spawn(self._drop_ring(line))
            case TellSupervisors():
                tell = _log.warning if command.alarm else _log.info
                tell("seat", what=command.what, agent=command.agent, seat=command.seat, why=command.why)
            case RaiseAlarm():
                _log.warning("alarm", kind=command.kind, about=command.about, what=command.words)
            case WriteRecord() | WriteAudit():
                raise AssertionError("records are the service's")
            case _:
                self._give(command)

    def _give(self, command: Answer | Play | Announce | RecordOpinion | HoldMusic | RingAgent | PassOn | DialOut | Refuse |
    HangUp) -> None:
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
        cut(line)
        for order in orders:
            match order:
                case Answer() if at_once:
                    pass
                case Answer():
                    await session.execute(run("Answer", "0,i"), within=COMMAND_S)
                case Play():
                    await self._play(line, session, order)
                case RecordOpinion():
                    kept = await record_opinion(session, order, self.opinions)
                    self.post(OpinionRecorded(order.call, kept))
                case HoldMusic() if at_once:
                    waits = {**line.waits(order.queue), **_music(line, order)}
                case Announce() if order is not orders[-1]:
                    pass  # something else has come to pass meanwhile
                case Announce():
                    announce(line, session, order, self.post)
                case HoldMusic():
                    place = {**line.waits(order.queue), **_music(line, order)}
                    commands = (*set_variables(place), run("StartMusicOnHold"))
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
                        **handover.variables(order.handover),
                    }
                    await self._leave(line, session, "pass", variables)
                case DialOut() if order.seat is not None:
                    ring = max(order.ring_ms // 1000, 1)
                    await self._leave(line, session, "toseat", {"ACD_SEAT": order.seat, "ACD_RING": ring})
                case DialOut():
                    variables = {
                        "ACD_TRUNK": order.trunk or "",
                        "ACD_NUMBER": order.number,
                        "ACD_RING": max(order.ring_ms // 1000, 1),
                        "ACD_SHOWN": order.shows,
                    }
                    await self._leave(line, session, "out", variables)
                case MoveLeg():
                    # music that was begun by an application goes on wherever the channel is led
                    await session.execute(run("StopMusicOnHold"), within=COMMAND_S)
                    line.music = False
                    await self._leave(line, session, "room", {})
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
        if order.served and not line.served:
            await session.execute(set_variable("ACD_SERVED", 1), within=COMMAND_S)
            line.served = True
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

    async def _drop_ring(self, line: Line) -> None:
        """End the ring at a seat, and not the caller: the phone's channel has no name here before it is answered."""
        if self.link is None:
            return
        for row in await self.link.status(("ACD_CALL",)):
            rung = told(row).get("ACD_CALL") == line.call and row.get("Uniqueid") != line.call
            if rung and self.seat_of(row.get("Channel", "")) == line.seat:
                await self._hang_up(row.get("Channel", ""), 16)

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


def _music(line: Line, order: HoldMusic) -> dict[str, str | int]:
    """The variable that chooses a queue's music, where it changes."""
    if order.music == line.music_class:
        return {}
    line.music_class = order.music
    return {"CHANNEL(musicclass)": f"music-{order.music}" if order.music else "default"}


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
