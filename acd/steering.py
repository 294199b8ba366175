"""How a transfer moves from stage to stage, and its legs to where the stage wants them.

Each leg is *steered*: it has a place where the switch last said it is, and one where the stage wants it. Where the
two differ and no order is under way, the order that brings them together is given. So hang-ups, late answers and
lost orders need no cases of their own: they change the place or the stage, and the next steering does the rest.
"""

from __future__ import annotations

from acd import rating, taping, target
from acd.agents import Activity
from acd.calls import Call, CallState
from acd.floor import BUSY_REST_MS, begin_wrap_up, close, find_agent, idle, rest, withdraw, wrap_up
from acd.handover import taken_along
from acd.messages import CallThird, DropLeg, HangUp, HoldMusic, Millis, MoveLeg, Part
from acd.parties import LAYOUT, MOVES, Leg, Place, Stage, Transfer, Way
from acd.passes import was_there
from acd.placing import skip_hopeless
from acd.state import RING_GRACE_MS, State
from acd.target import citys_own

MOVE_MS: Millis = 6_000
"""how long the switch may take to move a channel; it takes some ms. After a refused order the survey has put things right
by then"""

_WORDS = {"busy": "transfer-busy", "noanswer": "transfer-no-answer", "refused": "transfer-refused"}


# ── moves ────────────────────────────────────────────────────────────────────────────────────────────────────


def happen(s: State, call: Call, event: str) -> None:
    assert call.transfer is not None
    stage = MOVES[call.transfer.stage].get(event)
    if stage is None:
        steer(s, call)
    else:
        enter(s, call, stage)


def enter(s: State, call: Call, stage: Stage) -> None:
    transfer = call.transfer
    assert transfer is not None
    transfer.stage = stage
    match stage:
        case Stage.TOGETHER:
            transfer.together = True
        case Stage.HANDED_OVER:
            transfer.handed_over = transfer.handed_over or s.now
            call.passed_to = transfer.way.number if transfer.way else None
            if transfer.way and transfer.way.seat:
                _promote(s, call, transfer)
        case Stage.BACK:
            _record(s, call)
        case Stage.OVER if transfer.caller.place is Place.GONE:
            end(s, call)
            return
        case Stage.OVER:
            _let_go(s, call)
            return
        case _:
            pass
    steer(s, call)


def steer(s: State, call: Call) -> None:
    """Give the orders that bring the legs to where the stage wants them."""
    transfer = call.transfer
    if transfer is None:
        return
    wants = transfer.wanted()
    caller, seat = transfer.caller, transfer.seat
    if caller.place is seat.place is Place.BRIDGED and caller.until is seat.until is None:
        s.order(_part(call, wants["caller"], wants["seat"]))
        wait_for(s, caller)
        wait_for(s, seat)
    for name, want in wants.items():
        _lead(s, call, transfer, name, want)
        if call.transfer is not transfer:
            return
    if wants["third"] is Place.CALLED and transfer.third.place in {Place.NOWHERE, Place.GONE}:
        _call_third(s, call, transfer)
    if call.transfer is transfer and caller.place is Place.HELD and caller.until is None:
        if transfer.stage is Stage.REQUEUED:
            _requeue(s, call, transfer)
        elif transfer.stage is Stage.PARTED:
            _part_with(s, call)
    taping.follow(s, call)
    alarm(s, call)


def _part(call: Call, caller: str, seat: str) -> Part:
    """Out of the plain bridge. Where the seat placed the call, the switch is told whose its own channel is."""
    if call.direction == "in":
        return Part(call.call, caller, seat)
    return Part(call.call, caller, seat, call.agent, call.person)


def _lead(s: State, call: Call, transfer: Transfer, name: str, want: Place) -> None:
    leg = transfer.leg(name)
    if leg.until is not None and not (name == "third" and leg.place is Place.CALLED and want is Place.GONE):
        return
    if leg.place in {want, Place.GONE, Place.NOWHERE}:
        return
    channel = {"third": transfer.channel, "seat": transfer.seat_channel}.get(name)
    if want is Place.GONE:
        if name == "caller":
            s.order(HangUp(call.call))
            s.expect_end(call)
        else:
            s.order(DropLeg(call.call, name, channel))
        wait_for(s, leg)
        if name == "third":
            third_gone(s, call, transfer, transfer.outcome or "given back")
    elif (
        name == "caller" and leg.place is Place.BRIDGED
    ):  # with one who is no longer the seat: that one is hung up
        s.order(_part(call, want, "gone"))
        wait_for(s, leg)
    elif want in {Place.ROOM, Place.HELD} and leg.place in {Place.ROOM, Place.HELD}:
        s.order(MoveLeg(call.call, name, want, channel))
        wait_for(s, leg)


def wait_for(s: State, leg: Leg) -> None:
    leg.until = s.now + MOVE_MS


def alarm(s: State, call: Call) -> None:
    transfer = call.transfer
    due = (
        [leg.until for leg in (transfer.caller, transfer.seat, transfer.third) if leg.until]
        if transfer
        else []
    )
    if due:
        s.timers.set("legs", call.call, min(due))
    else:
        s.timers.drop("legs", call.call)


# ── the third party ──────────────────────────────────────────────────────────────────────────────────────────


def _call_third(s: State, call: Call, transfer: Transfer) -> None:
    """Ring the next way that is free; none left: the third party is not to be had."""
    while transfer.ways:
        way, transfer.ways = transfer.ways[0], transfer.ways[1:]
        why = _blocked(s, way, transfer.emergency)
        if why is not None:
            call.because += (why,)
            transfer.outcome = "busy" if way.seat else "unreachable"
            continue
        call.thirds += 1
        transfer.way, transfer.outcome = way, None
        transfer.channel = f"{call.call}-{call.thirds}"
        transfer.third = Leg(Place.CALLED, s.now + transfer.ring_ms + RING_GRACE_MS)
        if way.trunk is not None:
            s.load[way.trunk] += 1
        agent = s.agents.get(way.agent or "")
        seat = s.setup.seats.get(way.seat or "")
        if agent is not None:
            withdraw(s, agent)
            agent.move(Activity.RINGING)
            agent.call = call.call
        s.order(
            CallThird(
                call=call.call,
                channel=transfer.channel,
                number=way.number,
                trunk=way.trunk,
                seat=way.seat,
                ring_ms=transfer.ring_ms,
                caller=call.person,
                handover=taken_along(s, call, way.trunk) if way.trunk else None,
                line=call.shown,
                auto_answer=seat is not None and seat.auto_answer,
            )
        )
        return
    transfer.words = _WORDS.get(transfer.outcome or "", "transfer-unreachable")
    transfer.outcome = transfer.outcome or "unreachable"
    happen(s, call, "third gone")


def _blocked(s: State, way: Way, emergency: bool) -> str | None:
    if not target.is_open(s, way, emergency):
        return f"Trunk {way.trunk} has no free channel for {way.number}."
    agent = s.agents.get(way.agent or "")
    if way.seat is not None and (agent is None or agent.seat != way.seat or not agent.available):
        return f"Seat {way.seat} is not free any more."
    return None


def third_answers(s: State, transfer: Transfer) -> None:
    transfer.answered = s.now
    agent = s.agents.get(transfer.way.agent or "") if transfer.way else None
    if agent and agent.activity is Activity.RINGING:
        agent.move(Activity.TALKING)
        agent.rang_out = 0


def third_gone(s: State, call: Call, transfer: Transfer, why: str) -> None:
    """The third party's channel is gone, or as good as gone. Not answered yet: the next way."""
    called = transfer.third.place is Place.CALLED
    transfer.third = Leg(Place.GONE)
    _release_third(s, call, transfer, why)
    if called and transfer.outcome != "given back" and LAYOUT[transfer.stage][2] is Place.CALLED:
        call.because += (f"{transfer.to} did not take the transfer ({why}).",)
        transfer.outcome = why if why in _WORDS else "unreachable"
        way, is_link = transfer.way, s.setup.plan.is_link
        if was_there(why) and not transfer.emergency and way and way.trunk and not is_link(way.trunk):
            # a carrier reached the third party: another one would ring the same people again
            transfer.ways = tuple(one for one in transfer.ways if one.trunk is None or is_link(one.trunk))
        _call_third(s, call, transfer)
    else:
        happen(s, call, "third gone")


def _release_third(s: State, call: Call, transfer: Transfer, why: str) -> None:
    """Trunk and agent of a third party are free of it."""
    way = transfer.way
    if way is None:
        return
    if way.trunk is not None:
        s.load[way.trunk] -= 1
    agent = s.agents.get(way.agent or "")
    if agent is None or agent.call != call.call or agent.agent == call.agent:
        return
    if agent.activity is Activity.TALKING:
        wrap_up(s, agent, call.waits.queue if call.waits else "")
    elif agent.activity is Activity.RINGING:
        agent.call = None
        if why == "noanswer":
            agent.rang_out += 1
            rest(s, agent, s.queue(call.waits.queue if call.waits else "").rest_ms)
        elif why == "busy":
            rest(s, agent, BUSY_REST_MS)
        else:
            idle(s, agent, agent.since)


def _promote(s: State, call: Call, transfer: Transfer) -> None:
    """The third party is a seat and the first one has left: it is the call's seat from now on, with all of a seat's means."""
    assert transfer.way is not None
    if transfer.seat.place is not Place.GONE:
        s.order(DropLeg(call.call, "seat", transfer.seat_channel))
        begin_wrap_up(s, call)
    _record(s, call)
    call.agent, call.seat = transfer.way.agent, transfer.way.seat
    transfer.seat, transfer.third = transfer.third, Leg(Place.GONE)
    transfer.seat_channel, transfer.channel = transfer.channel, None
    transfer.way = None
    transfer.stage = Stage.BACK


# ── the end ──────────────────────────────────────────────────────────────────────────────────────────────────


def _record(s: State, call: Call) -> None:
    transfer = call.transfer
    assert transfer is not None
    if not transfer.recorded:
        transfer.recorded = True
        call.transfers += (transfer.record(s.now),)


def _clear(s: State, call: Call) -> None:
    """The transfer is over: nothing of it is left but its record."""
    transfer = call.transfer
    assert transfer is not None
    for name, leg in (("seat", transfer.seat), ("third", transfer.third)):
        if leg.place not in {Place.GONE, Place.NOWHERE}:
            s.order(DropLeg(call.call, name, transfer.seat_channel if name == "seat" else transfer.channel))
    if transfer.third.place not in {Place.GONE, Place.NOWHERE}:
        transfer.third = Leg(Place.GONE)
        _release_third(s, call, transfer, "cancel")
    _record(s, call)
    begin_wrap_up(s, call)
    call.transfer = None
    s.timers.drop("legs", call.call)


def end(s: State, call: Call) -> None:
    """Caller gone, and not two left: the call is over."""
    _clear(s, call)
    close(s, call, call.cause)


def _let_go(s: State, call: Call) -> None:
    """The third party has left the caller: the call is over for him too."""
    _clear(s, call)
    call.move(CallState.LEFT)
    call.ended = s.now
    s.order(HangUp(call.call))
    s.expect_end(call)


def _part_with(s: State, call: Call) -> None:
    """The seat hung up, the caller is in our hands."""
    _clear(s, call)
    call.move(CallState.LEFT)
    call.ended = s.now
    if not rating.begin(s, call):
        s.order(HangUp(call.call))
        s.expect_end(call)


def _requeue(s: State, call: Call, transfer: Transfer) -> None:
    """Among the waiting, at the place that the arrival gave: ahead of all who came later."""
    _clear(s, call)
    call.waits = transfer.to_queue or call.waits or citys_own(s)
    if call.queued is None:  # the switch's fallback gave him to a seat: he has never stood in a queue of ours
        s.counted += 1
        call.queued, call.order = call.arrived, s.counted
    call.agent = call.seat = None
    call.move(CallState.QUEUED)
    s.waiting[call.waits.queue] += 1
    call.widened = 0
    skip_hopeless(s, call)
    s.stand(call)
    s.order(HoldMusic(call.call, call.waits.queue))
    find_agent(s, call)
