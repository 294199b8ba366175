"""What a supervisor sees at a glance: seats, queues, alarms. The state at an instant, for a table or for speech."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from acd.agents import Activity, Agent, Presence
from acd.calls import Call, CallState
from acd.lines import LineView
from acd.messages import AgentId, CallId, Millis, SeatId
from acd.preferences import person_of, real
from acd.recording import Tape
from acd.state import State
from acd.why import why_waiting

ANSWER_WITHIN_MS: Millis = 15_000
"""GB/T 33358-2016: a person answers within 15 s"""
STORED_WITHIN_MS: Millis = 60_000
"""a record that is longer on its way into the database is late"""


class SeatView(msgspec.Struct, frozen=True):
    """One seat at which somebody is signed on. ``since``: since when the activity; ``waited_ms``: how long its caller waited."""

    seat: SeatId
    agent: AgentId
    name: str
    group: str
    role: str
    presence: str
    break_reason: str | None
    activity: str
    since: Millis | None
    reachable: bool
    call: CallId | None = None
    line: str | None = None
    caller: str | None = None
    waited_ms: Millis | None = None
    heard_by: AgentId | None = None


class QueueView(msgspec.Struct, frozen=True):
    """One queue: calls that wait for a seat (those that are being rung for included), and the longest of them."""

    queue: str
    title: str
    waiting: int
    longest_ms: Millis | None
    oldest: CallId | None
    qualified: int
    """agents signed on who could take the oldest call as its need stands now"""
    free: int
    """those of them who are free"""
    why: tuple[str, ...] = ()
    """why the oldest waits, in sentences"""


class Alarm(msgspec.Struct, frozen=True):
    """Something that a supervisor should look at. ``what`` is a word for programs, ``text`` a sentence."""

    what: str
    subject: str
    text: str


class TrunkView(msgspec.Struct, frozen=True):
    """One trunk: ``busy`` of its ``channels`` are in use (0: as many as come). ``answers``: its other side answers the switch."""

    trunk: str
    busy: int
    channels: int
    answers: bool = True


class FloorView(msgspec.Struct, frozen=True):
    """The floor at ``at``. ``counts``: seats by what they do."""

    city: str
    at: Millis
    blind: bool
    seats: tuple[SeatView, ...]
    queues: tuple[QueueView, ...]
    alarms: tuple[Alarm, ...]
    counts: dict[str, int]
    calls: int
    nobody_at: int
    """seats at which nobody is signed on"""
    lines: tuple[LineView, ...] = ()
    """how soon the lines' own people took what was passed to them, of the last 24 hours"""
    trunks: tuple[TrunkView, ...] = ()
    refused: dict[str, int] = {}
    """callers who were turned away today, by the reason: ``overload``, ``full QUEUE``, ``waited QUEUE``, ``trunk NAME`` (no free
    channel), ``barred``"""
    machine: tuple[int, int] | None = None
    """callers who talk to the machine, and how many it takes; ``None`` where the city has none"""


def floor_view(s: State, now: Millis, away: Collection[str] = ()) -> FloorView:
    """The floor at ``now``, seats and queues in the order of their names. ``away``: trunks whose other side does not answer."""
    heard = {watch.agent: watch.by for watch in s.watches.values()}
    seats = tuple(_seat(s, s.agents[s.at_seat[seat]], heard) for seat in sorted(s.at_seat))
    waits = _waiting(s)
    names = sorted(s.setup.queues.keys() | waits.keys())
    queues = tuple(_queue(s, name, waits.get(name, []), now) for name in names)
    trunks = tuple(
        TrunkView(name, s.load[name], s.setup.trunks[name].channels or 0, name not in away)
        for name in sorted(s.setup.trunks)
    )
    counts: dict[str, int] = {}
    for seat in seats:
        state = (
            "on break"
            if seat.presence != Presence.READY and seat.activity == Activity.IDLE
            else seat.activity
        )
        counts[state] = counts.get(state, 0) + 1
    return FloorView(
        city=s.setup.city,
        at=now,
        blind=s.blind,
        seats=seats,
        queues=queues,
        alarms=(*_of_machines(s, trunks, now), *_alarms(s, seats, queues, now)),
        counts=counts,
        calls=len(s.calls),
        nobody_at=len(s.setup.seats) - len(s.at_seat),
        trunks=trunks,
        refused=dict(sorted(s.refusals.of_day(now).items())),
        machine=(len(s.conversing), s.speech_most) if _has_machine(s) else None,
    )


def oldest_waiting(s: State) -> Call | None:
    """The call that waits longest, over all queues."""
    found = [call for calls in _waiting(s).values() for call in calls]
    return min(found, key=_queued, default=None)


def spoken_wait(s: State) -> tuple[str, ...]:
    """How many wait, how long the oldest does, and why, as names of prompts."""
    waiting = [call for calls in _waiting(s).values() for call in calls]
    oldest = min(waiting, key=_queued, default=None)
    if oldest is None:
        return ("nobody-waits",)
    seconds = (s.now - _queued(oldest)[0]) // 1000
    words = (
        "waiting-now",
        *spoken_number(len(waiting)),
        "calls-wait",
        "waiting-longest",
        *spoken_number(seconds),
    )
    return (*words, "seconds", _why(s, oldest))


def spoken_number(number: int) -> tuple[str, ...]:
    """A number from 0 to 9999 as one says it in Chinese: 105 is 一百零五. Greater ones are said as 9999."""
    number = min(number, 9999)
    if number < 10:
        return (f"digits/{number}",)
    words: list[str] = []
    gap = False
    for unit, name in ((1000, "digits/1000"), (100, "digits/100"), (10, "digits/10"), (1, "")):
        digit, number = divmod(number, unit)
        if digit:
            if gap:
                words.append("digits/0")
            if words or not (unit == 10 and digit == 1):  # 12 is 十二, 112 is 一百一十二
                words.append(f"digits/{digit}")
            words += [name] if name else []
            gap = False
        elif words:
            gap = True
    return tuple(words)


def _queued(call: Call) -> tuple[Millis, int]:
    return (call.queued if call.queued is not None else call.arrived, call.order)


def _waiting(s: State) -> dict[str, list[Call]]:
    found: dict[str, list[Call]] = {}
    for call in s.calls.values():
        if call.state in {CallState.QUEUED, CallState.RINGING} and call.waits is not None:
            found.setdefault(call.waits.queue, []).append(call)
    return found


def _qualified(s: State, call: Call) -> list[Agent]:
    assert call.waits is not None
    need = call.waits.needs[call.widened].skills
    person, asked = person_of(need), real(need)
    return [
        agent
        for agent in s.agents.values()
        if person in {None, agent.agent}
        and all(s.skills_of(agent.agent).get(skill, 0) >= level for skill, level in asked)
    ]


def _why(s: State, call: Call) -> str:
    """The prompt that says why a call waits."""
    if s.blind:
        return "why-switch"
    if call.state is CallState.RINGING:
        return "why-ringing"
    able = _qualified(s, call)
    if not able:
        return "why-nobody"
    if all(agent.presence is not Presence.READY for agent in able):
        return "why-breaks"
    if any(agent.available for agent in able):
        return "why-kept"
    return "why-busy"


def _seat(s: State, agent: Agent, heard: dict[AgentId, AgentId]) -> SeatView:
    settings = s.setup.agents.get(agent.agent)
    call = s.calls.get(agent.call or "") or s.wrapping.get(agent.agent)
    waited = None
    if call is not None and call.queued is not None:
        waited = (call.seat_answered if call.seat_answered is not None else s.now) - call.queued
    return SeatView(
        seat=agent.seat,
        agent=agent.agent,
        name=settings.name if settings else "",
        group=settings.group if settings else "",
        role=settings.role if settings else "",
        presence=agent.presence,
        break_reason=s.setup.breaks.get(agent.break_reason or "", agent.break_reason),
        activity=agent.activity,
        since=_since(s, agent, call),
        reachable=agent.reachable,
        call=call.call if call else None,
        line=call.shown or None if call else None,
        caller=call.person if call else None,
        waited_ms=waited,
        heard_by=heard.get(agent.agent),
    )


def _since(s: State, agent: Agent, call: Call | None) -> Millis | None:
    match agent.activity:
        case Activity.TALKING:
            return call.seat_answered if call else None
        case Activity.WRAP_UP if call is not None:
            return call.ended
        case Activity.IDLE if agent.break_since is not None:
            return agent.break_since
        case Activity.IDLE:
            return agent.since
        case _:
            return None


def _queue(s: State, name: str, calls: list[Call], now: Millis) -> QueueView:
    oldest = min(calls, key=_queued, default=None)
    able = _qualified(s, oldest) if oldest is not None else []
    return QueueView(
        queue=name,
        title=s.queue(name).title,
        waiting=len(calls),
        longest_ms=None if oldest is None else now - _queued(oldest)[0],
        oldest=None if oldest is None else oldest.call,
        qualified=len(able),
        free=sum(agent.available for agent in able),
        why=() if oldest is None else tuple(why_waiting(s, oldest.call, now)),
    )


def _has_machine(s: State) -> bool:
    return s.setup.speech.greeting or bool(s.setup.speech.key)


def _of_machines(s: State, trunks: tuple[TrunkView, ...], now: Millis) -> list[Alarm]:
    """What is wrong with the switch, the trunks, the disk and the database, and who calls too often."""
    found = []
    if s.blind:
        found.append(Alarm("no switch", "", "The connection to the switch is down: nobody is rung."))
    if s.recording_halted is not None:
        found.append(Alarm("no recording", "", f"Nothing is recorded: {s.recording_halted}."))
    found += [
        Alarm("not recorded", call.call, f"Call {call.call} is not recorded: the switch writes no file.")
        for call in s.calls.values()
        if call.recording is not None and call.recording.tape is Tape.GIVEN_UP
    ]
    if _has_machine(s) and not s.speech_most:
        found.append(Alarm("no machine", "", "The speech server is not there: nobody is offered it."))
    for trunk in trunks:
        if not trunk.answers:
            text = f"Trunk {trunk.trunk}: the other side does not answer; no call goes out there."
            found.append(Alarm("trunk away", trunk.trunk, text))
        if trunk.channels and trunk.busy >= trunk.channels:
            text = f"Trunk {trunk.trunk}: all {trunk.channels} channels are in use; who calls in over it is refused."
            found.append(Alarm("trunk full", trunk.trunk, text))
    most = s.setup.nuisance.flood
    found += [
        Alarm(
            "flood",
            number,
            f"More than {most} calls within a minute from {number}: see who it is, *39 bars him.",
        )
        for number, until in s.alarmed.items()
        if until > now
    ]
    late = sum(
        record.ended is not None and now - record.ended > STORED_WITHIN_MS for record in s.unstored.values()
    )
    if late:
        found.append(
            Alarm("no database", "", f"{late} call records are not in the database yet; none is lost.")
        )
    return found


def _alarms(s: State, seats: tuple[SeatView, ...], queues: tuple[QueueView, ...], now: Millis) -> list[Alarm]:
    found = []
    for queue in queues:
        if queue.longest_ms is None:
            continue
        waits = f"{queue.waiting} wait, the longest {queue.longest_ms // 1000} s"
        if not queue.qualified:
            found.append(
                Alarm(
                    "nobody",
                    queue.queue,
                    f"Queue {queue.queue}: {waits}, and nobody who is signed on can take it.",
                )
            )
        elif queue.longest_ms > ANSWER_WITHIN_MS:
            found.append(Alarm("long wait", queue.queue, f"Queue {queue.queue}: {waits}."))
    for seat in seats:
        if not seat.reachable:
            found.append(
                Alarm(
                    "phone gone",
                    seat.seat,
                    f"Seat {seat.seat}: {seat.agent} is signed on, the phone is not reachable.",
                )
            )
        if s.agents[seat.agent].overran:
            found.append(
                Alarm(
                    "break overrun",
                    seat.seat,
                    f"Seat {seat.seat}: the break of {seat.agent} has lasted too long.",
                )
            )
        if seat.activity == Activity.RESTING:
            found.append(
                Alarm("resting", seat.seat, f"Seat {seat.seat}: {seat.agent} did not pick up and rests.")
            )
    return found
