"""What the engine knows: calls, agents, seats, deadlines. It can be written down and read back whole."""

from __future__ import annotations

from collections import Counter

import msgspec

from acd.agents import Activity, Agent, BreakBook
from acd.backs import Back
from acd.calls import Call, CallState
from acd.ears import Ear
from acd.memory import Known
from acd.messages import AgentId, AuditEntry, CallId, CallRecord, Command, Millis, SeatId
from acd.owed import Owed
from acd.parties import Place, Transfer
from acd.placing import Refusals
from acd.preferences import caller_key
from acd.router import Router
from acd.setup import Barred, QueueSetup, Setup
from acd.timers import Timers
from acd.watches import Watch


class WrongPins(msgspec.Struct):
    """Wrong PINs in a row for an agent's number, and until when it is locked."""

    count: int = 0
    locked_until: Millis = 0


class Snapshot(msgspec.Struct, frozen=True):
    """The engine's state at one instant. What can be derived (heaps, deadlines, the load of trunks) is not in it."""

    now: Millis
    calls: list[Call]
    wrapping: list[Call]
    agents: list[Agent]
    reachable: list[SeatId]
    engaged: list[SeatId]
    unstored: list[CallRecord]
    wrong_pins: dict[AgentId, WrongPins]
    counted: int
    blind: bool
    break_books: dict[AgentId, BreakBook] = {}
    callers: list[Known] = []
    refusals: Refusals = msgspec.field(default_factory=Refusals)
    watches: list[Watch] = []
    unaudited: list[AuditEntry] = []
    audited: int = 0
    recording_halted: str | None = None
    backs: list[Back] = []
    handling: dict[str, int] = {}
    barred: list[Barred] = []
    recent: dict[str, list[Millis]] = {}
    alarmed: dict[str, Millis] = {}
    speech_most: int = 0
    ears: list[Ear] = []


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Snapshot)

GONE_AFTER_MS = 10_000
"""how long the switch may take to confirm the end of a call before the engine closes it by itself"""
RING_GRACE_MS = 10_000
"""how long past the ring's own time-out the engine waits for word of it"""


class State:
    """The owner of everything that changes. ``orders`` collects what the fact in hand leads to."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.now: Millis = 0
        self.orders: list[Command] = []
        self.blind = False
        """the connection to the switch is down: nobody is rung"""
        self.counted = 0
        self.calls: dict[CallId, Call] = {}
        self.wrapping: dict[AgentId, Call] = {}
        """calls that are over, whose record waits for the end of the seat's wrap-up"""
        self.agents: dict[AgentId, Agent] = {}
        self.at_seat: dict[SeatId, AgentId] = {}
        self.reachable: set[SeatId] = set()
        self.engaged: set[SeatId] = set()
        self.held: Counter[SeatId] = Counter()
        """seats whose phone has a call that another seat dialled, or that was dialled there by nobody who could be bound to it"""
        self.leaving: set[AgentId] = set()
        """people who are to be signed off as soon as they can be"""
        self.break_queue: set[AgentId] = set()
        """people who wait for a break"""
        self.break_books: dict[AgentId, BreakBook] = {}
        """what everybody has had of breaks in the shift"""
        self.unstored: dict[CallId, CallRecord] = {}
        self.wrong_pins: dict[AgentId, WrongPins] = {}
        self.barred: dict[str, Barred] = {}
        """nuisance callers by number, as `acd.nuisance` writes it"""
        self.recent: dict[str, list[Millis]] = {}
        """when a number called within the last minute, in the order of the last calls"""
        self.alarmed: dict[str, Millis] = {}
        """numbers that call too often, and until when no other alarm is raised about them"""
        self.callers: dict[str, Known] = {}
        """what is remembered of callers, the longest silent one first"""
        self.refusals = Refusals()
        self.backs: dict[CallId, Back] = {}
        """call-backs that are owed or under way, by their own id"""
        self.owed = Owed()
        """which of them there is anything to do about"""
        self.handling: dict[str, int] = {}
        """how long a seat is busy with a call of a queue, talk and wrap-up, in ms (`acd.estimate`)"""
        self.just_over: list[tuple[Call, CallRecord]] = []
        """calls whose record this fact made: empty between two facts"""
        """whom we turned away today"""
        self.watches: dict[str, Watch] = {}
        """supervisors on others' calls, by the name of their channel"""
        self.unaudited: dict[int, AuditEntry] = {}
        self.audited = 0
        """entries of the audit log so far, and those that are not known to be stored"""
        self.load: Counter[str] = Counter()
        """calls on each trunk, in and out together"""
        self.waiting: Counter[str] = Counter()
        """calls in each queue, those that are being rung for included"""
        self.vanished: set[AgentId] = set()
        """people at work whom the configuration no longer has: they are signed off when no call is on"""
        self.speech_most = 0
        """so many callers can talk to the machine at once; 0: the speech server is not there"""
        self.conversing: set[CallId] = set()
        """who does"""
        self.ears: dict[CallId, Ear] = {}
        """talks that are written down as they go"""
        self.recording_halted: str | None = None
        """why nothing can be recorded: an alarm, until the disk takes recordings again"""
        self.timers = Timers()
        self.router = self._router()

    def take_on(self, call: Call) -> None:
        """The call is in our hands from now on."""
        self.calls[call.call] = call
        self._is_on(call)

    def take_off(self, call: Call) -> None:
        """The call is over, or, one that calls back, stands no more."""
        del self.calls[call.call]
        self.owed.call_ended(call.call)

    def _is_on(self, call: Call) -> None:
        if call.direction != "back":  # whom we call back is not calling us
            self.owed.call_began(call.call, caller_key(call.caller, self.setup.plan.area))

    def order(self, command: Command) -> None:
        """Give an order."""
        self.orders.append(command)

    def queue(self, name: str) -> QueueSetup:
        """The queue's settings. A queue that a new configuration no longer has goes on under the defaults."""
        return self.setup.queues.get(name) or QueueSetup(name)

    def has_channel(self, trunk: str) -> bool:
        """Is there room for one more call on this trunk?"""
        settings = self.setup.trunks.get(trunk)
        return settings is not None and self.load[trunk] < settings.channels

    def busy(self, seat: SeatId) -> bool:
        """Has the seat's phone a call that no agent of ours is bound to?"""
        return seat in self.engaged or self.held[seat] > 0

    def agent_at(self, seat: SeatId) -> Agent | None:
        """Who is signed on at the seat."""
        agent = self.at_seat.get(seat)
        return self.agents[agent] if agent is not None else None

    def snapshot(self) -> bytes:
        """The state as JSON."""
        return _encoder.encode(
            Snapshot(
                now=self.now,
                calls=list(self.calls.values()),
                wrapping=list(self.wrapping.values()),
                agents=list(self.agents.values()),
                reachable=sorted(self.reachable),
                engaged=sorted(self.engaged),
                unstored=list(self.unstored.values()),
                wrong_pins=self.wrong_pins,
                barred=list(self.barred.values()),
                recent=self.recent,
                alarmed=self.alarmed,
                counted=self.counted,
                blind=self.blind,
                break_books=self.break_books,
                recording_halted=self.recording_halted,
                backs=list(self.backs.values()),
                handling=self.handling,
                callers=list(self.callers.values()),
                refusals=self.refusals,
                watches=list(self.watches.values()),
                unaudited=list(self.unaudited.values()),
                audited=self.audited,
                speech_most=self.speech_most,
                ears=list(self.ears.values()),
            )
        )

    def restore(self, data: bytes) -> None:
        """Take over the state that ``snapshot`` wrote. Raises ``msgspec.ValidationError`` for anything else."""
        told = _decoder.decode(data)
        self.now, self.counted, self.blind = told.now, told.counted, told.blind
        self.recording_halted = told.recording_halted
        self.calls = {call.call: call for call in told.calls}
        self.wrapping = {call.agent: call for call in told.wrapping if call.agent is not None}
        self.agents = {agent.agent: agent for agent in told.agents}
        self.reachable, self.engaged = set(told.reachable), set(told.engaged)
        self.unstored = {record.call: record for record in told.unstored}
        self.wrong_pins = dict(told.wrong_pins)
        self.break_books = dict(told.break_books)
        self.barred = {entry.number: entry for entry in told.barred}
        self.recent, self.alarmed = dict(told.recent), dict(told.alarmed)
        self.callers = {known.caller: known for known in told.callers}
        self.refusals = told.refusals
        self.backs = {back.back: back for back in told.backs}
        self.handling = dict(told.handling)
        self.watches = {watch.channel: watch for watch in told.watches}
        self.unaudited = {entry.number: entry for entry in told.unaudited}
        self.audited = told.audited
        self.speech_most = told.speech_most
        self.ears = {ear.call: ear for ear in told.ears}
        self.rebuild()

    def rebuild(self) -> None:
        """Derive from the facts what is derived: the router's heaps, the deadlines, the trunks' load."""
        self.at_seat = {agent.seat: agent.agent for agent in self.agents.values()}
        self.vanished = {agent for agent in self.agents if agent not in self.setup.agents}
        self.load, self.waiting, self.held = Counter(), Counter(), Counter()
        self.leaving, self.break_queue = set(), set()
        self.conversing = {call.call for call in self.calls.values() if call.converses}
        self.timers, self.router = Timers(), self._router()
        self.owed = Owed(self.backs.values(), self.now)
        for agent in self.agents.values():
            agent.reachable = agent.seat in self.reachable
            self.router.set_agent(agent.agent, self.skills_of(agent.agent))
            if agent.break_until is not None and not agent.overran:
                self.timers.set("break", agent.agent, agent.break_until)
            if agent.leaving is not None:
                self.leaving.add(agent.agent)
            if agent.break_asked is not None:
                self.break_queue.add(agent.agent)
            if agent.shift_ends is not None:
                self.timers.set("shift", agent.agent, agent.shift_ends)
            if agent.until is not None:
                kind = "wrap_up" if agent.activity is Activity.WRAP_UP else "rest"
                self.timers.set(kind, agent.agent, agent.until)
            agent.offered = agent.available
            if agent.offered:
                self.router.agent_idle(agent.agent, agent.since)
        for call in self.calls.values():
            self._rebuild_call(call)
        for entry in self.barred.values():
            self.timers.set("barred", entry.number, entry.until)
        for watch in self.watches.values():
            if watch.until is not None:
                self.timers.set("watch", watch.channel, watch.until)

    def _rebuild_call(self, call: Call) -> None:
        self._is_on(call)
        self.load[call.trunk] += 1
        for seat in call.holds:
            self.held[seat] += 1
        if call.out_trunk is not None:
            self.load[call.out_trunk] += 1
        if call.state in {CallState.QUEUED, CallState.RINGING}:
            assert call.waits is not None
            self.waiting[call.waits.queue] += 1
            if call.state is CallState.QUEUED:
                self.stand(call)
        if call.ring_until is not None:
            self.timers.set("ring", call.call, call.ring_until)
        if call.gone_by is not None:
            self.timers.set("gone", call.call, call.gone_by)
        if call.recording is not None and call.recording.pause_ends is not None:
            self.timers.set("pause", call.call, call.recording.pause_ends)
        if call.ask_until is not None:
            self.timers.set("asking", call.call, call.ask_until)
        if call.transfer is not None:
            self._rebuild_transfer(call, call.transfer)

    def _rebuild_transfer(self, call: Call, transfer: Transfer) -> None:
        if transfer.way and transfer.way.trunk and transfer.third.place not in {Place.NOWHERE, Place.GONE}:
            self.load[transfer.way.trunk] += 1
        due = [leg.until for leg in (transfer.caller, transfer.seat, transfer.third) if leg.until]
        if due:
            self.timers.set("legs", call.call, min(due))

    def expect_end(self, call: Call) -> None:
        """The switch is about to say that the caller's channel is gone; if it doesn't, the engine closes the call."""
        call.gone_by = self.now + GONE_AFTER_MS
        self.timers.set("gone", call.call, call.gone_by)

    def expect_word(self, call: Call, ring_ms: Millis) -> None:
        """The switch is about to say what became of a ring of so many ms."""
        call.ring_until = self.now + ring_ms + RING_GRACE_MS
        self.timers.set("ring", call.call, call.ring_until)

    def stop_expecting(self, call: Call) -> None:
        """The word of the ring has come."""
        call.ring_until = None
        self.timers.drop("ring", call.call)

    def stand(self, call: Call) -> None:
        """Put a queued call among the waiting, at the place that its arrival gives it, and set its deadlines."""
        if call.away:
            return
        assert call.waits is not None
        assert call.queued is not None
        self.owed.look_at(call.call)  # one that stands for a call-back
        needs = call.waits.needs
        self.router.call_waits(
            call.call,
            needs[call.widened].skills,
            call.waits.priority,
            call.queued,
            call.order,
            queue=call.waits.queue,
        )
        if call.widened + 1 < len(needs):
            self.timers.set("widen", call.call, call.queued + needs[call.widened + 1].after_ms)
        limit = self.queue(call.waits.queue).max_wait_ms
        if limit is not None and not call.urgent and call.seat_answered is None and call.direction == "in":
            since = call.queued if call.moved is None else call.moved
            self.timers.set("max_wait", call.call, since + limit)
        self.hear_words(call)

    def leave(self, call: Call) -> None:
        """Take a queued call out from among the waiting."""
        if call.away:
            return
        self.router.call_gone(call.call)
        self.owed.look_at(call.call)
        self.timers.drop("widen", call.call)
        self.timers.drop("words", call.call)
        self.timers.drop("max_wait", call.call)

    def begin_words(self, call: Call) -> None:
        """The call has begun to wait: when it first hears something."""
        words = self.queue(call.waits.queue).words if call.waits else None
        if words and words.first_ms and call.words_at is None:
            call.words_at = self.now + words.first_ms
            self.hear_words(call)

    def hear_words(self, call: Call) -> None:
        """Set the deadline of what a waiting caller hears next; what a ring made him miss comes a while later."""
        if call.words_at is not None and call.waits is not None:
            if call.words_at <= self.now:
                call.words_at = self.now + max(self.queue(call.waits.queue).words.every_ms, 1_000)
            self.timers.set("words", call.call, call.words_at)

    def lend(self, call: Call) -> None:
        """The switch's fallback has the queued caller: no seat is rung until he is returned."""
        self.leave(call)
        call.away = True

    def release(self, call: Call) -> None:
        """Give back the channel over which the call was passed on, if it was."""
        if call.out_trunk is not None:
            self.load[call.out_trunk] -= 1
            call.out_trunk = None

    def is_over(self, call: CallId) -> bool:
        """Has the call ended, while its record is not known to be stored yet?"""
        return call in self.unstored or any(call == other.call for other in self.wrapping.values())

    def skills_of(self, agent: AgentId) -> dict[str, int]:
        """The agent's skills, as far as they count at the seat; none for one whom a new configuration no longer has."""
        settings = self.setup.agents.get(agent)
        if settings is None:
            return {}
        here = self.agents.get(agent)
        seat = self.setup.seats.get(here.seat) if here else None
        if seat is None or seat.skills is None:
            return dict(settings.skills)
        return {skill: level for skill, level in settings.skills.items() if skill in seat.skills}

    def _router(self) -> Router:
        skills = sorted({skill for agent in self.setup.agents.values() for skill in agent.skills})
        return Router(
            skills,
            ageing_ms=self.setup.ageing_ms,
            closest_fit=self.setup.closest_fit,
            reserves=self.setup.reserves,
        )
