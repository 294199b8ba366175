"""A call's third party: consultation, three-way call, blind transfer, and the way back: what a seat asks, and what the switch says.

The stages and their moves are a table in `acd.parties`, `acd.steering` carries them out.
"""

from __future__ import annotations

from collections.abc import Sequence

from acd import taping, target
from acd.calls import Call, CallState
from acd.floor import begin_wrap_up
from acd.messages import (
    ChannelSeen,
    DropLeg,
    HangUp,
    LegAt,
    LegGone,
    LegHeard,
    LegHolds,
    LegSeen,
    SayTo,
    Tell,
    TransferAsked,
    TransferSteered,
)
from acd.parties import LAYOUT, MOVES, WISHES, How, Leg, Place, Stage, Transfer
from acd.state import State
from acd.steering import alarm, end, happen, steer, third_answers, third_gone, wait_for

_FIRST = {How.CONSULT: "ask", How.THREE_WAY: "invite", How.BLIND: "send"}


def _tell(s: State, desk: str | None, *prompts: str) -> None:
    if desk is not None:
        s.order(Tell(desk, prompts))


# ── what the seat wants ──────────────────────────────────────────────────────────────────────────────────────


def asked(s: State, fact: TransferAsked) -> None:
    """A seat wants somebody brought in, or its caller sent on. What can't be is said in words, and nothing changes."""
    call = s.calls.get(fact.call)
    how = How(fact.how) if fact.how in list(How) else None
    if (
        call is None
        or how is None
        or fact.by not in {"", call.agent}
        or not (_may_begin(call) or _may_make_room(call))
    ):
        _tell(s, fact.desk, "transfer-none" if call is None else "transfer-not-now")
        return
    found = target.find(s, call, fact.to, how)
    if not _may_begin(call) and not found.emergency:
        _tell(s, fact.desk, "transfer-not-now")
        return
    if found.refusal is not None:
        call.because += (f"Transfer to {fact.to}: refused ({found.refusal}).",)
        _tell(s, fact.desk, found.refusal)
        return
    _tell(s, fact.desk)
    call.because += (found.because,)
    if not _may_begin(call):
        _wish(s, call, "give back")  # nothing stands before an emergency: whoever was brought in is let go
    _begin(s, call, how, fact.to, found)


def send_back(s: State, call: Call) -> bool:
    """The seat must let its caller go on to another: at the place, and with the need, with which he waited. False: it can't."""
    waits = call.waits or target.citys_own(s)
    if not _may_begin(call):
        return False
    _begin(s, call, How.BLIND, f"queue:{waits.queue}", target.Target(queue=waits))
    return True


def _begin(s: State, call: Call, how: How, to: str, found: target.Target) -> None:
    before = call.transfer
    turns = call.placed
    if turns:
        taping.leave_channel(s, call)
        call.turned = True
    call.transfer = Transfer(
        how=how,
        to=to,
        by=call.agent or "",
        asked=s.now,
        stage=Stage.BACK,
        caller=before.caller if before else Leg(Place.BRIDGED),
        seat=before.seat if before else Leg(Place.BRIDGED, holds=call.seat_holds),
        third=Leg(Place.NOWHERE),
        ways=found.ways,
        emergency=found.emergency,
        ring_ms=found.ring_ms,
        to_queue=found.queue,
        seat_channel=before.seat_channel if before else None,
    )
    if before is None:
        call.move(CallState.IN_TRANSFER)
    happen(s, call, _FIRST[how] if found.queue is None else "send to seats")
    if turns:
        taping.go_on(s, call)


def _may_begin(call: Call) -> bool:
    if call.placed and (call.to_seat is not None or call.agent is None or call.ended is not None):
        return False  # two seats among themselves; nobody of ours; an end that is on the way
    if call.transfer is not None:
        return call.transfer.stage is Stage.BACK
    return call.state is CallState.TALKING


def _may_make_room(call: Call) -> bool:
    """Is a third party in the call, or on its way, whom the seat could give back?"""
    return call.transfer is not None and "give back" in MOVES[call.transfer.stage]


def steered(s: State, fact: TransferSteered) -> None:
    """The seat toggles, completes, brings all together or gives the third party back."""
    call = s.calls.get(fact.call)
    transfer = call.transfer if call else None
    if call is None or transfer is None or fact.by not in {"", call.agent}:
        _tell(s, fact.desk, "transfer-none")
    elif fact.wish not in WISHES or fact.wish not in MOVES[transfer.stage]:
        _tell(s, fact.desk, "transfer-not-now")
    else:
        _tell(s, fact.desk)
        _wish(s, call, fact.wish)


def _wish(s: State, call: Call, wish: str) -> None:
    assert call.transfer is not None
    if wish == "give back" and call.transfer.answered is None:
        call.transfer.outcome = call.transfer.outcome or "given back"
    happen(s, call, wish)


# ── what the switch says ─────────────────────────────────────────────────────────────────────────────────────


def leg_at(s: State, fact: LegAt) -> None:
    """A party is where it was led, or has answered."""
    call = s.calls.get(fact.call)
    transfer = call.transfer if call else None
    if call is None or transfer is None or fact.place not in {Place.ROOM, Place.HELD}:
        return
    name = _name(transfer, fact.leg, fact.channel)
    if name is None:
        return
    leg = transfer.leg(name)
    if leg.place is Place.GONE:
        return
    answers = name == "third" and leg.place is Place.CALLED
    leg.place, leg.until = Place(fact.place), None
    if answers:
        third_answers(s, transfer)
        if transfer.emergency:
            taping.begin(s, call, emergency=True)
        happen(s, call, "third answered")
    elif name == "seat" and transfer.stage is Stage.TELLING and leg.place is Place.HELD:
        s.order(SayTo(call.call, "seat", (transfer.words or "transfer-unreachable",)))
        wait_for(s, transfer.seat)
    steer(s, call)


def _name(transfer: Transfer, leg: str, channel: str | None) -> str | None:
    """Which party it is: a third party that has become the call's seat keeps its channel."""
    if channel is not None and channel == transfer.seat_channel:
        return "seat"
    if leg == "third":
        return "third" if channel == transfer.channel else None
    return leg if leg in {"caller", "seat"} else None


def leg_holds(s: State, fact: LegHolds) -> None:
    """A phone put the call on hold, or took it back. In a room nobody hears music for that: who would hear nothing is led out."""
    call = s.calls.get(fact.call)
    if call is None:
        return
    if call.transfer is None:
        # in a plain call the music is the switch's own business
        call.seat_holds = fact.on and fact.leg == "seat"
        return
    name = _name(call.transfer, fact.leg, fact.channel)
    if name in {"seat", "third"}:
        call.transfer.leg(name).holds = fact.on
        steer(s, call)


def leg_heard(s: State, fact: LegHeard) -> None:
    """The seat has been told why the third party did not come."""
    call = s.calls.get(fact.call)
    if call and call.transfer and call.transfer.stage is Stage.TELLING:
        call.transfer.seat.until = None
        happen(s, call, "seat told")


def leg_gone(s: State, fact: LegGone) -> None:
    """The third party hung up, or did not come: then the next way is tried."""
    call = s.calls.get(fact.call)
    transfer = call.transfer if call else None
    if call is None or transfer is None:
        return
    match _name(transfer, fact.leg, fact.channel):
        case "seat":
            seat_gone(s, call)
        case "third" if transfer.third.place not in {Place.GONE, Place.NOWHERE}:
            third_gone(s, call, transfer, fact.why)
        case _:
            pass


def seat_gone(s: State, call: Call) -> None:
    """The seat hung up: its wrap-up begins, the others go on."""
    transfer = call.transfer
    assert transfer is not None
    if transfer.seat.place is Place.GONE:
        return
    transfer.seat = Leg(Place.GONE)
    begin_wrap_up(s, call)
    if LAYOUT[transfer.stage][1] is Place.GONE:
        steer(s, call)
    else:
        happen(s, call, "seat gone")


def caller_gone(s: State, call: Call, cause: int) -> None:
    """The caller hung up: the two others may finish, one alone is let go."""
    transfer = call.transfer
    assert transfer is not None
    if transfer.caller.place is Place.GONE:
        return
    transfer.caller = Leg(Place.GONE)
    call.ended, call.cause = s.now, cause
    call.gone_by = None
    s.timers.drop("gone", call.call)
    event = "caller gone, emergency"
    if not transfer.emergency or event not in MOVES[transfer.stage]:
        event = "caller gone"
    if transfer.stage is Stage.OVER:
        end(s, call)
    else:
        happen(s, call, event)


def overdue(s: State, call: Call) -> None:
    """No word of a leg long after its order: it is hung up, and taken as gone."""
    transfer = call.transfer
    if transfer is None:
        return
    late = [
        name for name in ("caller", "seat", "third") if (due := transfer.leg(name).until) and due <= s.now
    ]
    for name in late:
        if call.transfer is not transfer:
            return
        transfer.leg(name).until = None
        if name == "caller":
            call.because += ("The switch did not move the caller: hung up.",)
            s.order(HangUp(call.call))
            s.expect_end(call)
            wait_for(s, transfer.caller)
        elif name == "seat":
            s.order(DropLeg(call.call, "seat", transfer.seat_channel))
            seat_gone(s, call)
        else:
            s.order(DropLeg(call.call, "third", transfer.channel))
            third_gone(s, call, transfer, "noanswer")
    alarm(s, call)


def surveyed(s: State, call: Call, caller: ChannelSeen | None, legs: Sequence[LegSeen]) -> None:
    """After a gap: what became of the three, and on from there."""
    transfer = call.transfer
    assert transfer is not None
    found: dict[str, Place] = {}
    for leg in legs:
        if name := _name(transfer, leg.leg, leg.channel):
            found[name] = Place(leg.place)
    if caller is not None:
        found["caller"] = _SEEN.get(caller.state, Place.HELD)
        if found["caller"] is Place.BRIDGED and caller.seat == call.seat:
            found["seat"] = Place.BRIDGED
    for name in ("caller", "seat", "third"):
        leg_now = transfer.leg(name)
        if leg_now.place in {Place.GONE, Place.NOWHERE}:
            continue
        if name in found:
            rung = found[name] is Place.CALLED
            leg_now.place, leg_now.until = found[name], leg_now.until if rung else None
        elif name == "caller":
            caller_gone(s, call, 0)
        elif name == "seat":
            seat_gone(s, call)
        else:
            third_gone(s, call, transfer, "cancel")
        if call.transfer is not transfer:
            return
    steer(s, call)


def go_on(s: State, call: Call) -> None:
    """Bring the legs to where the stage wants them, after a take-over gave the call another seat."""
    steer(s, call)


_SEEN = {"talking": Place.BRIDGED, "room": Place.ROOM}
