"""Supervisors at work: listen, whisper, barge, take over, change another's state, ask why a call waits.

Every wish is written to the audit log. A supervision (`Watch`) never touches the call that it is on: whatever happens to the
supervisor, caller and seat go on. Only a take-over changes the call, once the supervisor is in the call's room. After every
fact `settle` ends the watches that have lost their call or their right, so that no way in which a call can end needs to know of
them. One supervisor at a time hears a call: two would not know of each other.
"""

from __future__ import annotations

from acd import audit, forced, taping, transfer
from acd.agents import ON_A_CALL, Activity, Agent
from acd.calls import Call, CallState
from acd.floor import begin_wrap_up, complete, withdraw
from acd.floor_view import spoken_wait
from acd.messages import (
    DropLeg,
    EndSupervision,
    LeadIn,
    Millis,
    SeatChanged,
    Spy,
    SuperviseAsked,
    SupervisionBegan,
    SupervisionEnded,
    Tell,
    TransferRecord,
)
from acd.parties import LAYOUT, How, Leg, Place, Stage, Transfer
from acd.rights import refusal
from acd.state import State
from acd.watches import Watch, WatchState

HEARING = frozenset({"listen", "whisper", "barge"})
"""to be on another's call without being part of it"""
STEERING = frozenset({"break", "ready", "sign off"})
"""to change another's state"""

AT_ONCE = "0"
"""a sign-off with this reason takes the call away; without it the call and its wrap-up are finished first"""

COMING_MS: Millis = 40_000
"""how long a supervisor's phone may ring (20 s) and the switch may take"""
ENDING_MS: Millis = 10_000
"""how long the switch may take to confirm that a supervisor's channel is gone"""

_ALIVE = frozenset({WatchState.COMING, WatchState.ON, WatchState.TAKING})


def asked(s: State, fact: SuperviseAsked) -> None:
    """Somebody wants to use a right. What may not be, or can't be, is said in words and changes nothing; both are written down."""
    by = s.agent_at(fact.phone) if fact.phone else s.agents.get(fact.by)
    if by is None or (fact.by and by.agent != fact.by):
        audit.note(
            s,
            fact.how,
            fact.by,
            whom=fact.seat or None,
            phone=fact.phone or None,
            allowed=False,
            why="not-signed-on",
        )
        _tell(s, fact, "not-signed-on")
        return
    over = s.agent_at(fact.seat) if fact.seat else None
    why_not = _why_not(s, fact, by, over)
    call = over.call if over is not None and fact.how in HEARING | {"take over"} else None
    audit.note(
        s,
        fact.how,
        by.agent,
        whom=over.agent if over is not None else fact.seat or None,
        call=call,
        phone=fact.phone or None,
        allowed=why_not is None,
        why=why_not or fact.reason,
    )
    if why_not is not None:
        _tell(s, fact, why_not)
    elif fact.how == "why":
        _tell(s, fact, *spoken_wait(s))
    elif fact.how in STEERING:
        assert over is not None
        _steer(s, fact, by, over)
    elif over is not None:
        _begin(s, fact, by, over)


def _why_not(s: State, fact: SuperviseAsked, by: Agent, over: Agent | None) -> str | None:
    if fact.how not in HEARING | STEERING | {"take over", "why"}:
        return "unknown-code"
    if (no := refusal(s, by.agent, fact.how, over)) is not None:
        return no
    if fact.how == "why":
        return None
    if over is None:
        return "nobody-there"
    if fact.how in STEERING:
        return "reason-unknown" if fact.how == "break" and fact.reason not in s.setup.breaks else None
    return _why_not_on(s, fact, by, over)


def _why_not_on(s: State, fact: SuperviseAsked, by: Agent, over: Agent) -> str | None:
    """Why ``by`` can't be brought to the call of ``over`` now."""
    call = s.calls.get(over.call or "")
    if s.blind:
        return "desk-unreachable"
    if by.activity in ON_A_CALL:
        return "call-is-on"
    if call is None or call.agent != over.agent or not _talks(call):
        return "no-call-there"
    if any(w.call == call.call and w.by != by.agent and w.stage in _ALIVE for w in s.watches.values()):
        return "watched-already"
    if call.placed and fact.how == "take over" and (call.to_seat is not None or call.ended is not None):
        return "transfer-not-now"
    in_room = call.transfer is None or LAYOUT[call.transfer.stage][1] is Place.ROOM
    if fact.how in {"barge", "take over"} and not in_room:
        return "transfer-not-now"  # for two seconds: the seat is being told something
    mine = _watch_of(s, by)
    if not _dialled(fact) and mine is None and (by.activity is Activity.ENGAGED or not by.reachable):
        return "phone-busy"  # it is to be called
    if (
        not _dialled(fact)
        and mine is not None
        and (mine.call != call.call or mine.stage is not WatchState.ON)
    ):
        return "phone-busy"
    return None


def _dialled(fact: SuperviseAsked) -> bool:
    """By a code from a phone: then that phone's channel is there, and its name is that of the desk. Otherwise by command."""
    return fact.desk is not None and fact.phone != ""


def _talks(call: Call) -> bool:
    if call.transfer is not None:
        return call.transfer.seat.place not in {Place.GONE, Place.NOWHERE}
    return call.state is CallState.TALKING


def _watch_of(s: State, by: Agent) -> Watch | None:
    return next(
        (watch for watch in s.watches.values() if watch.by == by.agent and watch.stage in _ALIVE), None
    )


def _tell(s: State, fact: SuperviseAsked, *prompts: str) -> None:
    if fact.desk is not None:
        s.order(Tell(fact.desk, prompts))


def _steer(s: State, fact: SuperviseAsked, by: Agent, over: Agent) -> None:
    """Change the other's state; the answer goes to the supervisor."""
    match fact.how:
        case "break":
            later = forced.take_break(s, over, by.agent, fact.reason)
            _tell(s, fact, "on-break-after-call" if later else "on-break")
        case "ready":
            forced.ready(s, over, by.agent)
            _tell(s, fact, "back")
        case _:
            wait = fact.reason != AT_ONCE
            later = forced.sign_off(s, over, by.agent, after_call=wait)
            _tell(s, fact, "signed-off-after-call" if wait and later else "signed-off")


def _begin(s: State, fact: SuperviseAsked, by: Agent, over: Agent) -> None:
    """Bring the supervisor to the call. A second wish by command goes on with the channel that is on."""
    assert over.call is not None
    mine = _watch_of(s, by)
    if mine is not None and (not _dialled(fact) or mine.channel == fact.desk):
        channel = mine.channel
    else:
        if mine is not None:
            end(s, mine)  # a new code from the same phone: the hang-up of the last is late
        channel = fact.desk if fact.desk is not None and _dialled(fact) else _channel(s, over.call)
        mine = None
    there = _dialled(fact) or mine is not None
    if not _dialled(fact):
        _tell(s, fact)
    state = WatchState.TAKING if fact.how == "take over" else WatchState.COMING
    if mine is not None:
        mine.move(state)
        mine.how = fact.how
    else:
        mine = Watch(channel, by.agent, by.seat, fact.how, over.call, over.agent, over.seat, s.now, state)
        s.watches[channel] = mine
    _lead(s, mine, s.calls[over.call], there)


def _lead(s: State, watch: Watch, call: Call, there: bool) -> None:
    """Onto the seat's channel, or into the room: there one who spies is heard by the seat alone, so who barges in joins."""
    _expect(s, watch, COMING_MS)
    watch.in_room = watch.how == "take over" or (watch.how == "barge" and call.transfer is not None)
    if watch.in_room:
        s.order(LeadIn(call.call, watch.channel, watch.phone, there))
    else:
        s.order(Spy(call.call, watch.channel, watch.phone, watch.how, _leg(call), there))


def _leg(call: Call) -> str | None:
    """The seat's channel, where it is not the one that was rung for the call."""
    if call.transfer is not None:
        return call.transfer.seat_channel
    return call.call if call.placed else None


def _channel(s: State, call: str) -> str:
    """The name of a channel that is to be made: one that was not used before."""
    return f"{call}-w{s.audited}"


def began(s: State, fact: SupervisionBegan) -> None:
    """The supervisor is there: hears, or takes the call over."""
    watch = s.watches.get(fact.channel)
    if watch is None:
        return
    if watch.stage is WatchState.COMING:
        watch.move(WatchState.ON)
        _unexpect(s, watch)
    elif watch.stage is WatchState.TAKING and _still(s, watch):
        _take_over(s, watch)


def ended(s: State, fact: SupervisionEnded) -> None:
    """The supervisor's channel is gone. The call does not notice."""
    watch = s.watches.get(fact.channel)
    if watch is not None:
        _over(s, watch)


def end(s: State, watch: Watch) -> None:
    """Hang the supervisor up."""
    watch.move(WatchState.ENDING)
    _expect(s, watch, ENDING_MS)
    s.order(EndSupervision(watch.channel))


def overdue(s: State, channel: str) -> None:
    """No word of a supervisor's channel long after its time."""
    watch = s.watches.get(channel)
    if watch is not None and watch.stage is WatchState.ENDING:
        _over(s, watch)
    elif watch is not None:
        end(s, watch)


def restarted(s: State) -> None:
    """The switch is another one: no channel of the last is left."""
    for watch in list(s.watches.values()):
        _over(s, watch)


def settle(s: State) -> None:
    """End what has lost its call, its supervisor or its right. Called after every fact while anybody is being heard."""
    for watch in list(s.watches.values()):
        if watch.stage not in _ALIVE:
            continue
        if not _still(s, watch):
            end(s, watch)
        elif watch.how == "barge" and watch.stage is WatchState.ON and not watch.in_room:
            _follow(s, watch, s.calls[watch.call])


def _follow(s: State, watch: Watch, call: Call) -> None:
    """A third party has been asked for: who has barged in comes along into the room."""
    if call.transfer is not None and call.transfer.seat.place is Place.ROOM:
        watch.move(WatchState.COMING)
        _lead(s, watch, call, True)


def _still(s: State, watch: Watch) -> bool:
    call, by, over = s.calls.get(watch.call), s.agents.get(watch.by), s.agents.get(watch.agent)
    return (
        call is not None
        and call.agent == watch.agent
        and _talks(call)
        and by is not None
        and by.seat == watch.phone
        and by.activity not in ON_A_CALL
        and refusal(s, watch.by, watch.how, over) is None
    )


def _over(s: State, watch: Watch) -> None:
    watch.move(WatchState.OVER)
    _unexpect(s, watch)
    del s.watches[watch.channel]
    seconds = (s.now - watch.since) // 1000
    audit.note(
        s,
        f"end of {watch.how}",
        watch.by,
        whom=watch.agent,
        call=watch.call,
        phone=watch.phone,
        why=f"after {seconds} s",
    )


def _expect(s: State, watch: Watch, ms: Millis) -> None:
    watch.until = s.now + ms
    s.timers.set("watch", watch.channel, watch.until)


def _unexpect(s: State, watch: Watch) -> None:
    watch.until = None
    s.timers.drop("watch", watch.channel)


def _take_over(s: State, watch: Watch) -> None:
    """The supervisor is in the room: the caller follows, the seat that had the call goes to its wrap-up.

    From here on it is a call in a room whose seat is the supervisor: transfers, hang-ups and surveys go as they always do there. A
    third party that is on, or on its way, stays: it is the supervisor's to bring in or to give back.
    """
    call, by, former = s.calls[watch.call], s.agents[watch.by], s.agents[watch.agent]
    before, turns = call.transfer, call.placed
    if turns:
        taping.leave_channel(s, call)
        call.turned = True
    call.transfers += (
        TransferRecord(
            how="take over",
            to=watch.phone,
            by=former.agent,
            asked=watch.since,
            seat=watch.phone,
            agent=by.agent,
            answered=s.now,
            handed_over=s.now,
            ended=s.now,
            outcome="handed over",
        ),
    )
    call.because += (f"Agent {by.agent} took the call over from {former.agent}.",)
    leaves = before.seat_channel if before is not None else None
    if before is not None:
        before.seat, before.seat_channel = Leg(Place.ROOM), watch.channel
    else:
        call.transfer = Transfer(
            how=How.THREE_WAY,
            to=watch.phone,
            by=former.agent,
            asked=s.now,
            stage=Stage.BACK,
            caller=Leg(Place.BRIDGED),
            seat=Leg(Place.ROOM),
            third=Leg(Place.GONE),
            seat_channel=watch.channel,
            recorded=True,
        )
        call.move(CallState.IN_TRANSFER)
    begin_wrap_up(s, call)
    former.call = None
    withdraw(s, by)
    if by.activity is Activity.WRAP_UP:
        complete(s, by)
    s.engaged.discard(by.seat)
    by.move(Activity.TALKING)
    by.until, by.call = None, call.call
    s.timers.drop("rest", by.agent)
    s.timers.drop("wrap_up", by.agent)
    call.agent, call.seat = by.agent, by.seat
    if before is not None:
        s.order(DropLeg(call.call, "seat", leaves))  # first: without a channel it means the line's seat
    s.order(SeatChanged(call.call, watch.channel, by.agent, by.seat))
    transfer.go_on(s, call)
    if turns:
        taping.go_on(s, call)
    _over(s, watch)
