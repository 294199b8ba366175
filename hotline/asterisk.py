"""Asterisk on one side, events and commands on the other: the only file that knows both.

A waiting caller is held inside a FastAGI session. Every order for him goes down that session; an assignment is a few
variables and the end of the session, upon which the dialplan dials the seat (``docs/architecture.md``). What AMI tells is filtered
to what matters: answered dials, hang-ups, contacts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence

from acd.backs import is_back
from acd.messages import (
    AgentAnswered,
    AgentHungUp,
    AgentRangOut,
    Announce,
    Answer,
    CallerHungUp,
    CallThird,
    Command,
    Converse,
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
    Part,
    PassAnswered,
    PassFailed,
    PassOn,
    PauseRecording,
    Play,
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
    StopTranscribe,
    Tell,
    TellSupervisors,
    Transcribe,
    WriteAudit,
    WriteRecord,
)
from hotline import arrivals
from hotline.calling_back import BacksOnTheWire
from hotline.desk import Desks
from hotline.ear import Ears
from hotline.feature import Features
from hotline.held import Held
from hotline.legs import Legs
from hotline.lines import Line
from hotline.logs import logger
from hotline.reachability import Reachability
from hotline.supervision import Supervisors
from hotline.tapes import Tapes
from ivr.agi import run, set_variables
from ivr.live import AgiSession
from trunks.ami import variables as told
from trunks.live import Fields, SwitchFault, SwitchLink

COMMAND_S = 10.0
PROMPT_S = 180.0
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
        self.held = Held(post, gap)
        self.lines: dict[str, Line] = {}
        self.legs: dict[str, Line] = {}
        """lines by the unique id of the seat's leg"""
        self.far: dict[str, Line] = {}
        """lines of calls that a seat placed, by the unique id of the other end's channel"""
        self.own: dict[str, str] = {}
        """seats by the unique id of a channel that the engine did not order"""
        self.contacts: dict[str, set[str]] = {}
        """the contacts of a seat's phone that answer, as far as they have been heard of"""
        self.reachability = Reachability(lambda: self.link)
        self.desks = Desks(post, proven)
        self.rooms = Legs(post, self.lines.get, lambda: self.link, self._spawn, emergencies, self.line_of)
        self.supervisors = Supervisors(
            post,
            self.lines.get,
            lambda: self.link,
            self._spawn,
            self.desks.lead,
            lambda: self.own,
            self.rooms,
        )
        self.tellers: list[Callable[[Tell], bool]] = [lambda order: self.features.tell(order)]
        """who may be waiting for a word of the engine's, beside the phones that dialled a code"""
        self.features = Features(post, self.rooms.call_of, emergencies)
        self.tapes = Tapes(self.lines.get, lambda: self.link, self._spawn, self.rooms.seat_channel)
        self.backs = BacksOnTheWire(post, self.lines, lambda: self.link)
        self.ears: Ears | None = None
        """who writes talks down, where there is somebody"""
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
        elif name in {"Hold", "Unhold"}:
            self.rooms.holds(fields.get("Uniqueid", ""), name == "Hold")
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
        line = self.line_of(fields.get("Uniqueid", ""))
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
            if line.out or is_back(line.call):
                line.far, self.far[leg] = leg, line
                self.rooms.seat_answered(line.call, line.call)
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
        if line := self.far.pop(channel, None):
            self._far_hung_up(line, _cause(fields))
        elif line := self.line_of(channel):
            self._line_over(line)
            self.post(CallerHungUp(channel, _cause(fields)))
            if seat := self.own.pop(channel, None):  # a survey found it before the engine knew it
                self.post(SeatDisengaged(seat))
        elif line := self.legs.pop(channel, None):
            if line.leg == channel:
                line.leg = None
                self.post(AgentHungUp(line.call, line.agent))
        elif seat := self.own.pop(channel, None):
            self.post(SeatDisengaged(seat))

    def _far_hung_up(self, line: Line, cause: int) -> None:
        """Whom a seat called is gone: with a third party in the call he was its caller, otherwise the seat's end follows."""
        gone, line.far = line.far, line.far if line.turned else None
        if line.turned:
            self._line_over(line)
        elif not self.rooms.third_of(line.call):
            self.features.alone(line.call)
        self.post(CallerHungUp(line.call, cause, gone))

    def _line_over(self, line: Line) -> None:
        """The caller's channel is gone."""
        self.lines.pop(line.call, None)
        line.session = None
        line.wake()
        if not self.rooms.third_of(line.call):
            self.features.alone(line.call)

    def line_of(self, channel: str) -> Line | None:
        """The line whose caller's channel this is."""
        line = self.far.get(channel) or self.lines.get(channel)
        return line if line is not None and line.own == channel else None

    def _turn(self, order: Part) -> None:
        """Whom a seat called is the call's caller from now on, and the seat's channel a leg like any seat's."""
        line = self.lines.get(order.call)
        if order.agent is None or line is None or line.turned or line.far is None:
            return
        line.turned, line.channel = True, line.far
        self.legs[line.call] = line
        if line.leg in {None, line.call}:  # otherwise a supervisor has taken the seat's place
            line.leg, line.agent = line.call, order.agent

    def _contact(self, fields: Fields) -> None:
        seat, status = fields.get("AOR", ""), fields.get("ContactStatus", "")
        if status == "Unreachable":
            self.reachability.missed(fields.get("EndpointName") or seat)
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
        line = self.line_of(call)
        if line is None and call in self.lines:  # the seat's own channel of a call that goes on without it
            await session.execute(*set_variables({"ACD_NEXT": "hangup", "ACD_CAUSE": 16}), within=COMMAND_S)
            session.close()
            return
        if line is None:
            line = self.lines[call] = Line(call, session.env.get("agi_channel", ""))
        line.session, line.expects, line.music = session, None, False
        if session.path != "spoken":
            line.orders.clear()  # orders that found no session are void: this fact makes the engine decide anew
        await self._tell_arrival(line, session)
        while orders := await line.take(session):
            await self.held.carry(line, session, orders)
        self._let_go_on_the_way(line)

    def _let_go_on_the_way(self, line: Line) -> None:
        """Hang up a caller who was to be let go while his session was ended to lead him elsewhere: it took that order no more."""
        last = next((order for order in line.orders if isinstance(order, HangUp)), None)
        if line.session is None and last is not None and self.lines.get(line.call) is line:
            line.orders.clear()
            self._spawn(self._hang_up(line.channel, last.cause))

    async def _tell_arrival(self, line: Line, session: AgiSession) -> None:
        path, args = session.path, session.args
        if path == "enter":
            self.post(await arrivals.offered(session, line.call, self.is_link))
        elif path == "dial":
            line.out, line.leg, line.seat = True, line.call, args[0] if args else ""
            self.post(SeatDialled(line.call, line.seat, args[1] if len(args) > 1 else ""))
        elif path == "dialled" and self.knows(line.call):
            cause = int(args[1]) if len(args) > 1 and args[1].isdecimal() else 0
            self.post(PassFailed(line.call, _why(args), cause))
        elif path == "dialled":
            await self.held.leave(line, session, "hangup", {"ACD_CAUSE": 16})
        elif path == "again" and _why(args) == "answer":
            line.served = True
            self.post(SeatLeft(line.call, line.agent))
        elif path == "back" and self.knows(line.call) and line.agent:
            self.post(AgentAnswered(line.call, line.agent))
        elif path == "back":
            session.close()  # nobody knows of it (any more): the dialplan hangs up
        elif not self.knows(line.call) or path == "resume":
            self.post(await arrivals.returned(session, line.call, self.is_link))
        elif path == "spoken":
            await self.held.conversations.back(line)
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

    def gone(self, session: AgiSession) -> None:
        """A session's connection is gone. Unless we ended it or the caller hung up, the caller is in the fallback now."""
        line = self.line_of(session.env.get("agi_uniqueid", ""))
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
            case Part():
                self._turn(command)
                self.rooms.carry_out(command)
            case CallThird() | DropLeg() | SayTo() | MoveLeg():
                self.rooms.carry_out(command)
            case Spy() | LeadIn() | SeatChanged() | EndSupervision():
                self.supervisors.carry_out(command)
            case StartRecording() | StopRecording() | PauseRecording() | ResumeRecording():
                self.tapes.carry_out(command)
            case Transcribe() | StopTranscribe():
                if self.ears is not None:
                    self.ears.carry_out(command)
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

    def _give(
        self,
        command: Answer
        | Play
        | Announce
        | RecordOpinion
        | Converse
        | HoldMusic
        | RingAgent
        | PassOn
        | DialOut
        | Refuse
        | HangUp,
    ) -> None:
        line = self.lines.get(command.call)
        if line is None:
            return  # the channel is gone, and its end is on the way to the engine
        if line.session is not None:
            line.give(command)
        elif not isinstance(command, HangUp) and self.held.conversations.given(line, command):
            pass
        elif isinstance(command, HangUp):
            self._spawn(self._hang_up(line.channel, command.cause))

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


def _cause(fields: Fields) -> int:
    cause = fields.get("Cause", "0")
    return int(cause) if cause.isdecimal() else 0


def _why(args: Sequence[str]) -> str:
    return args[0].lower() if args and args[0] else "noanswer"
